"""How a source is named in a sentence: who, in which year, and a letter where two would read alike.

The letters stand in ``book/references.bib``, as parts of the years; a test holds that no two sources
read alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import BracketStyle, PersonStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle


def _brackets() -> BracketStyle:
    # a comma stands between name and year already
    return BracketStyle(left="[", right="]", sep="; ")


@dataclass
class Style(AuthorYearReferenceStyle):
    """Author and year, in the book's own words."""

    bracket_parenthetical: BracketStyle = field(default_factory=_brackets)
    person: PersonStyle = field(default_factory=lambda: PersonStyle(other=" and others"))


def setup(app):
    """Register the style under the name that ``_config.yml`` asks for."""
    register_plugin("sphinxcontrib.bibtex.style.referencing", "book", Style)
