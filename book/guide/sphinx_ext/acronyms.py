"""Acronyms, spelt out where a chapter first uses them.

On the web the first use carries the words as its title and leads to the glossary where there is an
entry; on paper they follow in parentheses, unless the chapter has already said them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from docutils import nodes
from sphinx import addnodes

from .. import data
from . import apparatus, places, roles

_ELSEWHERE = (
    nodes.title, nodes.caption, nodes.table, nodes.literal, nodes.literal_block, nodes.math,
    nodes.reference, nodes.footnote, nodes.citation, nodes.raw, nodes.abbreviation,
    nodes.admonition, apparatus.claim_entry, roles.place_ref,
)
_HEAD = {"head-facts", "head-where"}


@dataclass(frozen=True)
class Use:
    """An acronym in the running text of a chapter."""

    text: nodes.Text
    start: int
    end: int
    acronym: str
    plural: bool
    bare: bool  # nothing hangs on it, so that parentheses may follow


@lru_cache(maxsize=None)
def _known() -> tuple[dict[str, tuple[str, str]], re.Pattern]:
    """Expansion and term of each acronym that is spelt out, and what finds them."""
    terms = {row["id"]: row["term"] for row in data.rows("glossary")}
    known = {row["acronym"]: (row["expansion"], terms.get(row["term"], ""))
             for row in data.rows("acronyms") if row["expansion"]}
    names = "|".join(sorted(map(re.escape, known), key=len, reverse=True))
    return known, re.compile(rf"(?<![\w/-])({names})(s?)(?![\w/-])")


def running(doctree) -> list[nodes.Text]:
    """The texts of a chapter's sentences, in their order."""
    found = []
    for paragraph in doctree.findall(nodes.paragraph):
        if _HEAD & set(paragraph["classes"]) or _within(paragraph):
            continue
        found += [text for text in paragraph.findall(nodes.Text) if not _within(text, paragraph)]
    return found


def _within(node: nodes.Node, stop: nodes.Node | None = None) -> bool:
    """Whether a node stands where nothing may be added."""
    node = node.parent
    while node is not None and node is not stop:
        if isinstance(node, _ELSEWHERE):
            return True
        if isinstance(node, addnodes.pending_xref) and node.get("reftype") != "term":
            return True
        node = node.parent
    return False


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).lower()


def first_uses(doctree) -> list[Use]:
    """The first use of each acronym, and the first that can take parentheses."""
    _, pattern = _known()
    seen: dict[str, bool] = {}
    found = []
    for text in running(doctree):
        for match in pattern.finditer(text.astext()):
            name = match[1]
            bare = not re.match(r"['’]", text.astext()[match.end():])
            if name not in seen or (bare and not seen[name]):
                seen[name] = bare
                found.append(Use(text, *match.span(), name, bool(match[2]), bare))
    return found


def said(doctree, text: nodes.Text, words: str) -> bool:
    """Whether a chapter says some words before a text ends, or in the same paragraph."""
    end = text.parent
    while not isinstance(end, nodes.paragraph):
        end = end.parent
    before = []
    for paragraph in doctree.findall(nodes.paragraph):
        before.append(places.plain(paragraph))
        if paragraph is end:
            break
    return _letters(words) in _letters(" ".join(before))


def spell_out(app, doctree) -> None:
    """Mark the first use of each acronym of a chapter."""
    docname = app.env.docname
    if docname.rsplit("/", 1)[-1] not in {row["id"] for row in data.rows("chapters")}:
        return
    app.env.note_dependency(str(data.ROOT / data.resource("acronyms")["path"]))
    known, _ = _known()
    by_text: dict[int, list[Use]] = {}
    for use in first_uses(doctree):
        by_text.setdefault(id(use.text), []).append(use)
    # decided before anything is changed: a mark adds nothing to what the prose says
    spoken = {(id(u.text), u.start): said(doctree, u.text, known[u.acronym][0])
              for uses in by_text.values() for u in uses}
    for uses in by_text.values():
        text, at, parts = uses[0].text, 0, []
        whole = text.astext()
        linked = any(isinstance(n, (addnodes.pending_xref, roles.claim_ref)) for n in _above(text))
        for use in uses:
            words, term = known[use.acronym]
            if use.plural and not words.endswith("s"):
                words += "s"
            parts += [
                nodes.Text(whole[at:use.start]),
                nodes.abbreviation("", whole[use.start:use.end], explanation=words, term=term,
                                   linked=linked,
                                   inprint=use.bare and not spoken[id(text), use.start]),
            ]
            at = use.end
        parts.append(nodes.Text(whole[at:]))
        text.parent.replace(text, [p for p in parts if not isinstance(p, nodes.Text) or p])


def _above(node: nodes.Node):
    while node.parent is not None:
        node = node.parent
        yield node


def visit_html(self, node):
    """Open an abbreviation: in a link to its term, or within reach of the keyboard without one."""
    terms = self.builder.env.get_domain("std").objects
    place = terms.get(("term", node.get("term", "")))
    attributes = {"title": node["explanation"]} if node.hasattr("explanation") else {}
    node["closes"] = "</abbr>"
    if place and not node["linked"]:
        uri = self.builder.get_relative_uri(self.builder.current_docname, place[0])
        self.body.append(f'<a class="reference internal" href="{uri}#{place[1]}">')
        node["closes"] += "</a>"
    elif not node.get("linked"):
        attributes["tabindex"] = "0"
    self.body.append(self.starttag(node, "abbr", "", **attributes))


def depart_html(self, node):
    """Close an abbreviation."""
    self.body.append(node["closes"])


def setup(app):
    """Register the handlers."""
    app.add_node(nodes.abbreviation, override=True, html=(visit_html, depart_html))
    app.connect("doctree-read", spell_out)
