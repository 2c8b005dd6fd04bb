"""The resolved book as Markdown: whole, page by page, and for the notebooks.

Roles and directives are gone: what they print stands in their place. It is CommonMark with pipe
tables, footnotes and formulas between dollar signs, which is what Jupyter and most programs read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from . import export, pandoc

FORMAT = "commonmark+pipe_tables+tex_math_dollars+footnotes"
_SPLIT = "QQPIECEQQ"
_PADDING = re.compile(r"(?<=\S)  +(?=\|)|(?<=\| ) +")


def _entry(pairs: dict[str, str], inner: list) -> list:
    """A claim in the ledger, under its name as a heading."""
    return [{"t": "Header", "c": [6, pandoc.attr(), [pandoc.words(pairs["claim"])]]},
            {"t": "Para", "c": [pandoc.strong(f"{pairs['mark']} {pairs['verdict']}")]}, *inner]


def _line(pairs: dict[str, str], inner: list) -> list:
    name = pairs["to"].partition("--claim-")[2]
    head = [pandoc.strong(f"{pairs['mark']} {pairs['verdict']}"), pandoc.words(" "),
            {"t": "Code", "c": [pandoc.attr(), name]}, pandoc.words(": ")]
    return [{"t": "Para", "c": head + inner[0]["c"]}, *inner[1:]]


def _exercise(pairs: dict[str, str], inner: list) -> list:
    title = f"Exercise {pairs['number']}. {pairs['title']}"
    return [{"t": "Para", "c": [pandoc.strong(title), pandoc.words(f" ({pairs['level']})")]},
            *inner]


#: Kind of a ``Div`` -> what stands for it in Markdown, from its attributes and its blocks.
MARKDOWN: dict[str, Callable[[dict[str, str], list], list]] = {
    "cell": lambda pairs, inner: inner,
    "small": lambda pairs, inner: inner,
    "together": lambda pairs, inner: inner,
    "answers-at": lambda pairs, inner: inner,
    "sentence": lambda pairs, inner: inner,
    "reference": lambda pairs, inner: inner,
    "chapter-head": lambda pairs, inner: inner,
    "callout": lambda pairs, inner: [{"t": "BlockQuote", "c": [
        {"t": "Para", "c": [pandoc.strong(pairs["title"])]}, *inner]}],
    "claim-entry": _entry,
    "claim-line": _line,
    "exercise": _exercise,
    "answer": lambda pairs, inner: [{"t": "Para", "c": [pandoc.strong(
        f"Solution to exercise {pairs['number']}")]}, *inner],
    "key": lambda pairs, inner: [{"t": "Para", "c": [pandoc.strong(
        f"Answers: {pairs['title'].lower()}")]}, *inner],
}


def set_markdown(blocks: list, link: Callable[[dict], list | None] | None = None,
                 up: int = 0) -> list:
    """Say in plain elements what Markdown has no word for.

    Parameters
    ----------
    blocks : list
        Pandoc blocks.
    link : callable, optional
        What becomes of a link within the book; its words alone otherwise.
    up : int
        By how many levels the headings are raised.

    Raises
    ------
    guide.export.ExportError
        If a block is of a kind that Markdown does not know.
    """
    def special(node):
        kind = pandoc.kind(node)
        if kind not in MARKDOWN:
            raise export.ExportError(
                f"Markdown has no form for '{kind}': add it to MARKDOWN in guide.markdown")
        return MARKDOWN[kind](pandoc.pairs(node), node["c"][1])

    def figure(node):
        alt = pandoc.plain(node["c"][2])
        return [*(_para(b) for b in node["c"][1][1]),
                {"t": "Para", "c": [{"t": "Emph", "c": [pandoc.words(f"In the figure: {alt}")]}]}]

    def table(node):
        attr, caption, specs, head, bodies, foot = node["c"]
        specs = [[align, {"t": "ColWidthDefault"}] for align, _ in specs]
        bare = {"t": "Table", "c": [attr, [None, []], specs, _flat(head), _flat(bodies), foot]}
        return [*(_para(b) for b in caption[1]), bare]

    def span(node):
        return node["c"][1]

    def stressed(node):
        # a space inside the stars would leave them standing
        inner = list(node["c"])
        text = inner[-1]["c"] if inner and inner[-1]["t"] == "Str" else ""
        if not text.endswith(" "):
            return None
        inner[-1] = pandoc.words(text.rstrip())
        return [node | {"c": inner}, {"t": "Space"}]

    def to_place(node):
        if not node["c"][2][0].startswith("#"):
            return None
        return link(node) if link else node["c"][1]

    def listing(node):
        *start, items = node["c"] if node["t"] == "OrderedList" else [node["c"]]
        tight = [[{"t": "Plain", "c": item[0]["c"]}]
                 if len(item) == 1 and item[0]["t"] == "Para" else item for item in items]
        return [node | {"c": [*start, tight] if start else tight}]

    def terms(node):
        out = []
        for term, definitions in node["c"]:
            first, *rest = [block for blocks in definitions for block in blocks]
            out += [{"t": "Para", "c": [{"t": "Strong", "c": term}, pandoc.words(": "),
                                        *first["c"]]}, *rest]
        return out

    def header(node):
        level = max(1, node["c"][0] - up)
        return [{"t": "Header", "c": [level, pandoc.attr(), node["c"][2]]}]

    return pandoc.change(blocks, {"Div": special, "Figure": figure, "Table": table, "Span": span,
                                  "Link": to_place, "Header": header, "BulletList": listing,
                                  "OrderedList": listing, "Strong": stressed, "Emph": stressed,
                                  "DefinitionList": terms})


def _para(block: dict) -> dict:
    return {"t": "Para", "c": block["c"]} if block["t"] == "Plain" else block


def _flat(part: list) -> list:
    """The rows of a table, the blocks of each cell joined to one line."""
    def cell(item):
        attr, align, down, across, blocks = item
        inlines: list = []
        for block in blocks:
            body = block["c"] if block["t"] in ("Para", "Plain") else [
                pandoc.words(pandoc.plain(block))]
            inlines += ([pandoc.words(" ")] if inlines else []) + body
        return [attr, align, 1, 1, [{"t": "Plain", "c": inlines}]]

    def rows(listing):
        return [[attr, [cell(c) for c in cells]] for attr, cells in listing]

    if part and isinstance(part[0], list) and len(part[0]) == 4:  # bodies
        return [[attr, n, rows(head), rows(body)] for attr, n, head, body in part]
    return [part[0], rows(part[1])]


def write(groups: list[list]) -> list[str]:
    """Write groups of blocks as Markdown, in one call of pandoc.

    Parameters
    ----------
    groups : list of list
        Blocks, as :func:`set_markdown` leaves them.

    Returns
    -------
    list of str
        The text of each group.
    """
    joined: list = []
    for group in groups:
        joined += [{"t": "Para", "c": [pandoc.words(_SPLIT)]}, *group]
    text = pandoc.convert(joined, FORMAT)
    return [_tidy(part) for part in text.split(_SPLIT)[1:]] if groups else []


def _tidy(text: str) -> str:
    """Take the padding out of tables: a long cell would blow up all others of its column."""
    lines = [_PADDING.sub(lambda m: " " if m[0].strip() == "" and m.start() else "", line)
             if line.startswith("|") else line.rstrip() for line in text.strip().splitlines()]
    return "\n".join(re.sub(r"-{4,}", "---", line) if re.fullmatch(r"\|[-:| ]+\|", line) else line
                     for line in lines) + "\n"


def pages(folder: Path) -> dict[str, list]:
    """Blocks of each page of the book, by the page's name, answers under their exercises.

    Parameters
    ----------
    folder : Path
        Where the ``print`` builder left the book.
    """
    out: dict[str, list] = {}
    for piece in export.pieces(export.read_chapters(folder), 2):
        level, (anchor, *_), _title = piece[0]["c"]
        if level == 2:
            out[anchor.removeprefix("book-")] = piece
    return out


def to_ledger(node: dict) -> list:
    """Have a claim lead to its heading in the ledger, and other links to nothing."""
    name = node["c"][2][0].partition("--claim-")[2]
    if not name:
        return node["c"][1]
    return [{"t": "Link", "c": [pandoc.attr(), node["c"][1], [f"#{name}", ""]]}]


def whole(folder: Path) -> tuple[str, dict[str, str]]:
    """The whole book as one text, and each page as a text of its own.

    Parameters
    ----------
    folder : Path
        Where the ``print`` builder left the book.

    Returns
    -------
    tuple
        The whole, and page name -> text.
    """
    found = pages(folder)
    texts = dict(zip(found, write([set_markdown(b, to_ledger) for b in found.values()])))
    parts = []
    for block in export.read_chapters(folder):
        if block["t"] == "Header" and block["c"][0] == 1:
            parts.append(f"# {pandoc.plain(block['c'][2])}\n")
        elif block["t"] == "Header" and block["c"][0] == 2:
            parts.append(texts[block["c"][1][0].removeprefix("book-")])
    day = f"{export.EDITION.day} {export.EDITION:%B} {export.EDITION.year}"
    head = (f"---\ntitle: {export.TITLE}\nsubtitle: {export.SUBTITLE}\n"
            f"author: {export.AUTHOR}\ndate: {export.EDITION.isoformat()}\n"
            f"lang: {export.LANGUAGE}\nrights: \"{export.RIGHTS}\"\n---\n\n"
            f"{export.DESCRIPTION}\n\nEdition of {day}. Each link in the text whose target is the "
            "name of a claim leads to the claim's entry in the ledger.\n")
    return "\n".join([head, *parts]), texts


def summary(folder: Path, known: Mapping[str, str]) -> str:
    """The book's ``llms.txt``: what it is, and a line for each page.

    Parameters
    ----------
    folder : Path
        Where the ``print`` builder left the book.
    known : mapping
        Page name -> what it treats; for other pages the first sentence is taken.
    """
    lines = [f"# {export.TITLE}", "", f"> {export.DESCRIPTION}", "",
             "All pages are here as Markdown; the same name with .html is the page itself.",
             "A link in the text whose target is the name of a claim leads to the claim's entry in "
             "the ledger.", "", "## The whole book", "",
             "- [deepseek-moment.md](deepseek-moment.md): all pages in one file",
             "- [deepseek-moment-data.zip](deepseek-moment-data.zip): the tables behind the book "
             "as CSV, with a data package that describes each column"]
    for piece in export.pieces(export.read_chapters(folder), 2):
        level, (anchor, *_), inlines = piece[0]["c"]
        title = pandoc.plain(inlines)
        if level == 1:
            lines += ["", f"## {title}", ""]
            continue
        name = anchor.removeprefix("book-")
        lines.append(f"- [{title}](book/{name}.md): {known.get(name) or _opening(piece)}")
    return "\n".join(lines) + "\n"


def _opening(blocks: list) -> str:
    """First sentence of a page."""
    text = next((pandoc.plain(b) for b in blocks if b["t"] == "Para"), "")
    return re.split(r"(?<=[.?!])\s", text, maxsplit=1)[0]
