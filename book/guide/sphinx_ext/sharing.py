"""How pages are shared out among the processes that read and write them.

Sphinx hands them out in a few long runs, in the order of their names, so that in the end one
process works on while the others have nothing left to do. Here the runs are short, and the pages
with the most code to execute come first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx import builders

from . import shortcuts

RUN = 2  # pages; each run costs a copy of what is known of the book


def runs(pages: list[Any], processes: int, most: int = RUN) -> list[list[Any]]:
    """Cut a list of pages into short runs, in its order, however many processes there are."""
    return [pages[i : i + most] for i in range(0, len(pages), most)]


def longest_first(app, env, docnames: list[str]) -> None:
    """Put the pages that have the most cells first."""
    def cells(docname: str) -> int:
        return Path(env.doc2path(docname)).read_text(encoding="utf-8").count("\n```{code-cell}")

    if app.parallel > 1:
        docnames.sort(key=lambda name: (-cells(name), name))


def setup(app):
    """Put our way of sharing in the place of Sphinx's."""
    if shortcuts.wanted():
        builders.make_chunks = runs
        app.connect("env-before-read-docs", longest_first)
