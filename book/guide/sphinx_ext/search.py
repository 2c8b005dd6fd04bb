"""The search of the book: what it looks through, written as a script that a page loads when asked.

A script and not JSON, because a page that was opened from a folder may not fetch a file.
Sphinx's own index and its search are left out.
"""

from __future__ import annotations

import json
from pathlib import Path

from .. import data, ledger
from . import places

INDEX = "_static/search-index.js"
_BY_CAPTION = {"book/data-catalogue", "book/notes"}  # columns, and what chapters treat at length


def synonyms() -> list[list[str]]:
    """Names of one thing, from the glossary, the acronyms and the entities."""
    groups: list[list[str]] = []
    for row in data.rows("glossary"):
        groups.append([row["term"], *(row["aliases"] or "").split(";")])
    for row in data.rows("acronyms"):
        groups.append([row["acronym"], row["expansion"] or ""])
    for row in data.rows("entities"):
        groups.append([row["name"], row["text"]])
    cleaned = (list(dict.fromkeys(n.strip() for n in group if n.strip())) for group in groups)
    return sorted({tuple(group): group for group in cleaned if len(group) > 1}.values())


def said(place: places.Place, page: places.Page) -> str:
    """The words of a place that are looked through."""
    if place.kind == "table" and page.name not in _BY_CAPTION:
        return f"{place.text} {place.more['cells']}"
    if place.kind in ("card", "quiz"):
        return ""  # its title asks, and the chapter answers
    return place.text


def index(book: list[places.Page]) -> dict:
    """What the search looks through.

    Parameters
    ----------
    book : list of places.Page
        The pages of the book.

    Returns
    -------
    dict
        ``kinds``, ``marks`` of the verdicts, ``names`` that mean the same, ``pages`` as address
        and title, ``paths`` of section titles, and ``docs``: kind, page, anchor, path, title,
        text, further names, verdict, timestamp, the last three left away when empty.
    """
    kinds = list(places.KINDS)
    paths: dict[tuple[str, ...], int] = {}
    docs = []
    for number, page in enumerate(book):
        for place in page.places:
            # the page's own title stands before each path already
            path = paths.setdefault(tuple(place.where[1:]), len(paths))
            row = [kinds.index(place.kind), number, place.anchor, path, place.title, said(place, page),
                   place.more.get("also", ""), place.more.get("verdict", ""),
                   place.more.get("at", "")]
            if place.kind == "claim":
                row[6] = place.more["who"]
            while row[-1] == "":
                row.pop()
            docs.append(row)
    return {
        "kinds": list(places.KINDS.values()),
        "marks": {verdict: mark for verdict, (mark, _) in ledger.VERDICTS.items()},
        "names": synonyms(),
        "pages": [[f"{p.name}.html", f"{p.number}. {p.title}" if p.number else p.title]
                  for p in book],
        "paths": [list(path) for path in paths],
        "docs": docs,
    }


def write(app, error) -> None:
    """Write the index, once all pages are written."""
    if error is not None or app.builder.name != "html":
        return
    text = json.dumps(index(list(places.pages(app))), ensure_ascii=False, separators=(",", ":"))
    path = Path(app.outdir) / INDEX
    path.write_text(f"window.deepseekMomentIndex={text};\n", encoding="utf-8")


def without_sphinx(app) -> None:
    """Have Sphinx make no index of its own."""
    if app.builder.name == "html":
        app.builder.search = False


def page(app):
    """Have the search page made all the same."""
    yield "search", {}, "search.html"


def setup(app):
    """Register the handlers."""
    app.connect("builder-inited", without_sphinx)
    app.connect("html-collect-pages", page)
    app.connect("build-finished", write)
