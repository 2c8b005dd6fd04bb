"""Roles, directives and builders of the book: the only room that imports Sphinx.

``roles``      a claim, a timestamp, a date, a value of a table, in a sentence
``apparatus``  chapter heads, the ledger, the glossary, exercises and solutions
``citing``     how a source is named in a sentence
``study``      cards, questions that look back, quizzes
``reading``    how long chapters and ways through the book take
``landing``    the first page: its promise, the ways, what is inside
``images``     figures: alternative text, dark variant, the table behind
``explorers``  charts with numbers that a reader can change
``maths``      formulas set as MathML when the site is built
``sharing``    how pages are shared out among processes
``kernels``    kernels that start with everything imported
``execution``  stopping at a failing cell, with file, line and reason
``freshness``  which chapters must run again
``shortcuts``  what an earlier build made, and the switch that leaves it out
``lookups``    what is asked for each reference, and need be asked but once
``frame``      head, policy and contents around a page, and markup put right
``scripts``    what a page need not load
``acronyms``   spelt out where a chapter first uses them
``typography`` what a line may not part
``places``     what stands where, for search and previews
``previews``   what a link leads to, shown beside it
``search``     what the search of the book looks through
``printing``   the builder that leaves the book as one tree, for paper, e-book and notebooks
"""

from __future__ import annotations

from . import (
    acronyms, apparatus, citing, execution, explorers, frame, freshness, images, kernels, landing,
    lookups, maths, places, previews, printing, reading, roles, scripts, search, sharing, study,
    typography,
)


def setup(app):
    """Register everything with Sphinx."""
    for module in (roles, apparatus, citing, study, reading, landing, images, explorers, lookups,
                   maths, execution, freshness, kernels, sharing, acronyms, typography, places, search,
                   previews, printing, frame, scripts):
        module.setup(app)
    # jupyter-book loads this one, and its author only forgot to say that it is safe
    for name in ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex", "sphinx_external_toc"):
        if name in app.extensions:
            app.extensions[name].parallel_read_safe = True
            app.extensions[name].parallel_write_safe = True
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True,
            "env_version": 1}
