"""What stands where: the places of each page that search and previews lead to.

A page's places are taken from its resolved tree, where numbers stand in the sentences, and kept
beside the tree, so that a page that is not written again need not be resolved again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

from .. import data, ledger
from . import apparatus, images, roles

#: kind -> what a reader calls it
KINDS = {
    "text": "Text",
    "claim": "Claim",
    "term": "Term",
    "name": "Name",
    "figure": "Figure",
    "table": "Table",
    "event": "Event",
    "source": "Source",
    "exercise": "Exercise",
    "card": "Card",
    "quiz": "Quiz",
    "dispute": "Disagreement",
}
#: page -> kind of the rows of its tables, and the column that names a row
#: nodes that ask: the question is their first child
_ASKS = {"card": "card", "quiz_question": "quiz"}
ROWS = {"book/who-and-what": ("name", 0), "book/timeline": ("event", 1)}
_TABLES = re.compile(r"tab-who-(?!roads|themes)|tab-timeline-")  # those that list them
_LETTER = re.compile(r"[^\W\d_]")
_SPACE = re.compile(r"\s+")
_ADDRESS = re.compile(r"\s*(?:(?:URL|doi|DOI):?)?\s*https?://\S+")
_READING = re.compile(r"\s*Opened: .*$", re.DOTALL)  # how it was read: its own page tells
_SILENT = (
    nodes.comment, nodes.image, nodes.Invisible, nodes.literal_block, nodes.math_block, nodes.raw,
    nodes.footnote_reference, nodes.system_message, addnodes.index, addnodes.toctree,
    images.figure_data,
)


@dataclass
class Place:
    """A place in the book."""

    kind: str
    anchor: str
    title: str
    where: list[str]
    text: str = ""
    lead: str = ""  # the first sentence
    more: dict[str, str] = field(default_factory=dict)


@dataclass
class Page:
    """A page of the book with its places; the first is the page itself."""

    name: str
    title: str
    number: str
    places: list[Place]


def squeeze(text: str) -> str:
    """Put a text on one line."""
    return _SPACE.sub(" ", text).strip()


def plain(node: nodes.Node) -> str:
    """Text of a node as it is read: no code, no notes' numbers, no index marks."""
    if isinstance(node, nodes.Text):
        return node.astext()
    if isinstance(node, _SILENT):
        return ""
    joint = "" if isinstance(node, (nodes.TextElement, nodes.Inline)) else " "
    return joint.join(part for part in map(plain, node.children) if part)


class Collector:
    """Walks the tree of one page."""

    def __init__(self, app, docname: str):
        self.env = app.env
        self.docname = docname
        self.places: list[Place] = []
        self.taken: set[str] = set()

    def add(self, kind: str, anchor: str, title: str, where: list[str], text: str = "",
            **more: str) -> Place:
        """Note a place."""
        place = Place(kind, anchor, squeeze(title), list(where), squeeze(text), more=more)
        self.places.append(place)
        return place

    def number(self, kind: str, node: nodes.Element) -> str:
        """Number of a figure or a table, with its word."""
        known = self.env.toc_fignumbers.get(self.docname, {}).get(kind, {})
        found = next((known[i] for i in node["ids"] if i in known), None)
        return f"{kind.capitalize()} {'.'.join(map(str, found))}" if found else kind.capitalize()

    def section(self, node: nodes.section, path: list[str]) -> None:
        """Note a section, and what stands in it."""
        title = squeeze(plain(next(node.findall(nodes.title), nodes.title())))
        place = self.add("text", node["ids"][0] if node["ids"] else "", title, path)
        inner = [*path, title]
        parts: list[str] = []
        for child in node.children:
            if not isinstance(child, nodes.title):
                self.visit(child, inner, parts)
        first = next((p for p in parts if len(p.split()) > 3), "")
        # sources hold one sentence to a line
        place.lead = squeeze(first.strip().split("\n")[0])
        place.text = squeeze(" ".join(parts))

    def visit(self, node: nodes.Node, path: list[str], parts: list[str]) -> None:
        """Take a node as a place of its own, or as a part of its section's text."""
        if isinstance(node, nodes.section):
            self.section(node, path)
        elif isinstance(node, apparatus.claim_entry):
            if node["anchor"]:
                self.claim(ledger.claim(node["claim"]), path)
        elif isinstance(node, addnodes.glossary):
            self.glossary(node, path)
        elif isinstance(node, nodes.figure) and node["ids"]:
            self.figure(node, path)
        elif isinstance(node, nodes.table) and node["ids"]:
            self.table(node, path)
        elif isinstance(node, nodes.citation) and node["ids"]:
            label = next(iter(node.findall(nodes.label)), None)
            text = " ".join(plain(c) for c in node.children if c is not label)
            self.add("source", node["ids"][0], "", path, _READING.sub("", _ADDRESS.sub("", text)))
        elif isinstance(node, apparatus.exercise):
            title = f"Exercise {node['number']}. {node['title']}"
            self.add("exercise", node["ids"][0], title, path, plain(node))
        elif node.tagname in _ASKS:
            question, *rest = node.children
            self.add(_ASKS[node.tagname], node["ids"][0], plain(question), path,
                     " ".join(map(plain, rest)))
        elif {n.tagname for n in node.children} & set(_ASKS):
            for child in node.children:
                self.visit(child, path, parts)
        elif isinstance(node, nodes.container) and "disagreement" in node["classes"]:
            title = next(iter(node.findall(nodes.strong)), nodes.strong())
            self.add("dispute", node["ids"][0], plain(title).rstrip(". "), path, plain(node))
        elif isinstance(node, nodes.admonition) and "admonition-disagree" in node["classes"]:
            pass  # each has its place on a page of its own
        elif isinstance(node, (nodes.container, apparatus.chapter_head)) or any(
                isinstance(n, (nodes.figure, nodes.table)) and n["ids"] for n in node.findall()):
            for child in node.children:
                self.visit(child, path, parts)
        elif isinstance(node, nodes.paragraph) and {"head-facts", "head-where"} & set(node["classes"]):
            pass
        elif not isinstance(node, _SILENT):
            parts.append(plain(node))

    def claim(self, row: ledger.Claim, path: list[str]) -> None:
        """Note an entry of the ledger."""
        figure = f"{row.figure()}. " if row.has_figure else ""
        self.add("claim", f"claim-{row.id}", row.statement, path, figure + row.check,
                 verdict=row.verdict, who=roles.speaker_line(row), at=row.start or "")

    def glossary(self, node: addnodes.glossary, path: list[str]) -> None:
        """Note the terms of the glossary."""
        also = {row["term"]: row["aliases"] or "" for row in data.rows("glossary")}
        for item in node.findall(nodes.definition_list_item):
            term = next(iter(item.findall(nodes.term)))
            text = " ".join(plain(d) for d in item.findall(nodes.definition))
            name = squeeze(plain(term))
            self.add("term", term["ids"][0], name, path, text, also=also.get(name, ""))

    def figure(self, node: nodes.figure, path: list[str]) -> None:
        """Note a figure with its pictures."""
        caption = squeeze(plain(next(iter(node.findall(nodes.caption)), nodes.caption())))
        files = {}
        for image in node.findall(images.book_image):
            if image["uri"] in self.env.images:
                files[image["mode"]] = self.env.images[image["uri"]][1]
                width, height = image["size"] or (4, 3)
                files |= {"width": str(round(width)), "height": str(round(height))}
        self.add("figure", node["ids"][0], self.number("figure", node), path, caption, **files)

    def table(self, node: nodes.table, path: list[str]) -> None:
        """Note a table, or each row of a table that lists names or events."""
        title = next((c for c in node.children if isinstance(c, nodes.title)), nodes.title())
        caption = squeeze(plain(title))
        kind, naming = ROWS.get(self.docname, ("", 0))
        body = [row for part in node.findall(nodes.tbody) for row in part.children]
        listed = kind and body and all(
            row["ids"] and row["ids"][0].startswith(f"{kind}-") for row in body)
        if listed:
            for row in body:
                cells = [squeeze(plain(cell)) for cell in row.children]
                rest = " · ".join(c for i, c in enumerate(cells) if i != naming and c)
                self.add(kind, row["ids"][0], cells[naming], path, rest)
        text = "" if listed else " · ".join(
            cell for cell in (squeeze(plain(entry)) for entry in node.findall(nodes.entry))
            if _LETTER.search(cell))
        self.add("table", node["ids"][0], self.number("table", node), path, caption, cells=text)


def name_rows(app, doctree) -> None:
    """Give the rows that list a name or an event a place of their own to link to."""
    kind, naming = ROWS.get(app.env.docname, ("", 0))
    if not kind:
        return
    taken = set(doctree.ids)
    for table in doctree.findall(nodes.table):
        if not any(map(_TABLES.match, table["ids"])):
            continue
        for row in (r for body in table.findall(nodes.tbody) for r in body.children):
            words = plain(row.children[naming])
            stem = f"{kind}-" + "-".join(nodes.make_id(words).split("-")[:9])
            anchor, count = stem, 1
            while anchor in taken:
                count += 1
                anchor = f"{stem}-{count}"
            taken.add(anchor)
            row["ids"].append(anchor)


def _file(app, docname: str) -> Path:
    return Path(app.doctreedir) / f"{docname}.places.json"


def keep(app, doctree, docname: str) -> None:
    """Write down the places of a page that is being written."""
    if app.builder.name != "html":
        return
    walker = Collector(app, docname)
    for section in doctree.children:
        if isinstance(section, nodes.section):
            walker.section(section, [])
    number = app.env.toc_secnumbers.get(docname, {}).get("") or ()
    title = squeeze(app.env.titles[docname].astext())
    page = Page(docname, title, ".".join(map(str, number)), walker.places)
    path = _file(app, docname)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(page), ensure_ascii=False), encoding="utf-8")


def pages(app) -> Iterator[Page]:
    """Yield the pages of the book in the order of its contents, with their places."""
    root = app.env.config.master_doc
    order = [root, *(d for d in app.env.toctree_includes.get(root, []))]
    for docname in [*order, *sorted(app.env.found_docs - set(order))]:
        path = _file(app, docname)
        if path.is_file():
            raw = json.loads(path.read_text(encoding="utf-8"))
            yield Page(raw["name"], raw["title"], raw["number"],
                       [Place(**place) for place in raw["places"]])


def setup(app):
    """Register the handlers."""
    app.connect("doctree-read", name_rows)
    # after glued numbers and references have been put in their places
    app.connect("doctree-resolved", keep, priority=800)
