"""What a line may not part: a number and its unit, a day and its month, a formula and its comma.

Numbers that a role prints are held together by :mod:`guide.quantity`; these are the ones that stand
in the text of tables, such as the statements of the ledger, and in references to figures.
"""

from __future__ import annotations

import re

from docutils import nodes

from ..quantity import NBSP

_UNITS = ("billion|million|trillion|nm|min|[kMG]?W|[kMGT]Wh|[KMGT]B|[GT]B/s|V|Hz|percent|per cent|"
          "January|February|March|April|May|June|July|August|September|October|November|December")
_HELD = re.compile(rf"(?<=\d) (?=(?:{_UNITS})\b)")
_SILENT = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw, nodes.comment)
_CLOSING = ".,;:!?)"


def held(text: str) -> str:
    """A text whose numbers keep their units.

    Examples
    --------
    >>> held("a fab for $19 billion at 3 nm").replace(NBSP, "_")
    'a fab for $19_billion at 3_nm'
    """
    return _HELD.sub(NBSP, text)


def hold(app, doctree, docname):
    """Hold together what belongs together on a page."""
    for parent in list(doctree.findall(nodes.Element)):
        if isinstance(parent, _SILENT):
            continue
        number = "std-numref" in parent.get("classes", ())
        for i, child in enumerate(parent.children):
            if isinstance(child, nodes.Text):
                new = held(child.astext())
                parent[i] = nodes.Text(new.replace(" ", NBSP) if number else new)
    if app.builder.format == "html":
        keep_punctuation(doctree)


def keep_punctuation(doctree: nodes.Node) -> None:
    """Keep the marks that touch a formula or a timestamp on its line; a browser would part them."""
    for node in list(doctree.findall(nodes.Element)):
        if not (isinstance(node, nodes.math) or "stamp" in node.get("classes", ())):
            continue
        parent = node.parent
        at = parent.index(node)
        around = [*parent[max(0, at - 1) : at], node, *parent[at + 1 : at + 2]]
        first, last = around[0], around[-1]
        opens = isinstance(first, nodes.Text) and first.astext().endswith("(")
        closes = isinstance(last, nodes.Text) and last.astext()[:1] in tuple(_CLOSING)
        if not (opens or closes):
            continue
        held_together = nodes.inline("", "", classes=["keep"])
        held_together += [nodes.Text("(")] * opens + [node] + [nodes.Text(last.astext()[:1])] * closes
        rest = [nodes.Text(first.astext()[:-1])] * opens + [held_together]
        rest += [nodes.Text(last.astext()[1:])] * closes
        parent[at - opens : at + 1 + closes] = [n for n in rest if not isinstance(n, nodes.Text) or n.astext()]


def setup(app):
    """Register the handler."""
    # after the search has noted the words as they are looked for, and before the page is written
    app.connect("doctree-resolved", hold, priority=850)
