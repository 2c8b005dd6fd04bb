"""How a source is named in a sentence, and where it stands in the bibliography.

In a sentence: who, in which year, and a letter where two would read alike. The letters stand in
``book/references.bib``, as parts of the years; a test holds that no two sources read alike.
In the bibliography firms and people stand in one alphabet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pybtex.plugin import register_plugin as register_style
from pybtex.style.formatting.plain import Style as Plain
from pybtex.style.sorting.author_year_title import SortingStyle
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


class Alphabet(SortingStyle):
    """By author, year and title; the braces that keep the name of a firm whole do not count."""

    def sorting_key(self, entry):
        """Return what an entry is sorted by."""
        return tuple(re.sub(r"[{}]", "", part).casefold() if isinstance(part, str) else part
                     for part in super().sorting_key(entry))


class List(Plain):
    """The bibliography of the book."""

    default_sorting_style = "book"


def setup(app):
    """Register the styles under the name that ``_config.yml`` asks for."""
    register_plugin("sphinxcontrib.bibtex.style.referencing", "book", Style)
    register_style("pybtex.style.sorting", "book", Alphabet)
    register_style("pybtex.style.formatting", "book", List)
