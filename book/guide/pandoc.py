"""Pandoc's document model: making elements, changing trees of them, converting them.

The resolved book stands between Sphinx and its formats as one pandoc document, ``book.json``.
What pandoc has no word for (a chapter head, an entry of the ledger, an exercise) is a ``Div`` or
``Span`` with a class and attributes, which each format sets in its own way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

API = [1, 23, 1]
Rule = Callable[[dict], "list | None"]


def attr(identifier: str = "", classes: tuple = (), /, **pairs: object) -> list:
    """Attributes of an element: identifier, classes, and pairs of key and text."""
    return [identifier, list(classes), [[k.replace("_", "-"), str(v)] for k, v in pairs.items()]]


def div(kind: str, blocks: list, /, **pairs: str) -> dict:
    """A block of the book's own kind."""
    return {"t": "Div", "c": [attr("", (kind,), **pairs), blocks]}


def words(text: str) -> dict:
    """A piece of text."""
    return {"t": "Str", "c": text}


def strong(text: str) -> dict:
    """A piece of text in bold."""
    return {"t": "Strong", "c": [words(text)]}


def place(name: str) -> dict:
    """An invisible place to link to."""
    return {"t": "Span", "c": [attr(name, ("place",)), []]}


def raw(fmt: str, text: str) -> dict:
    """A block in the words of one format."""
    return {"t": "RawBlock", "c": [fmt, text]}


def raw_inline(fmt: str, text: str) -> dict:
    """An inline in the words of one format."""
    return {"t": "RawInline", "c": [fmt, text]}


def kind(node: dict) -> str:
    """First class of a ``Div``, ``Span``, ``Link``, ``Header`` or ``CodeBlock``, or nothing."""
    if node["t"] not in ("Div", "Span", "Link", "CodeBlock", "Header"):
        return ""
    classes = node["c"][1 if node["t"] == "Header" else 0][1]
    return classes[0] if classes else ""


def pairs(node: dict) -> dict[str, str]:
    """The pairs of key and text of a ``Div`` or ``Span``."""
    return dict(node["c"][0][2])


def plain(tree: Any) -> str:
    """Text of a tree, without markup."""
    if isinstance(tree, list):
        return "".join(map(plain, tree))
    if not isinstance(tree, dict):
        return ""
    t, c = tree.get("t"), tree.get("c")
    if t == "Str":
        return c
    if t in ("Space", "SoftBreak", "LineBreak"):
        return " "
    if t in ("Code", "CodeBlock", "Math"):
        return c[1]
    if t in ("RawBlock", "RawInline", "Note"):
        return ""
    return plain(c)


def find(tree: Any, wanted: str) -> list[dict]:
    """All elements of one type, in order."""
    if isinstance(tree, list):
        return [found for item in tree for found in find(item, wanted)]
    if isinstance(tree, dict):
        own = [tree] if tree.get("t") == wanted else []
        return own + find(tree.get("c"), wanted)
    return []


def change(tree: Any, rules: Mapping[str, Rule]) -> Any:
    """Return a tree with its elements changed, from the leaves up.

    Parameters
    ----------
    tree : list or dict
        Pandoc's elements.
    rules : mapping
        Type of element -> function that returns the elements to put in its place, or ``None``
        to leave it.
    """
    if isinstance(tree, list):
        out = []
        for item in tree:
            new = change(item, rules)
            rule = rules.get(new.get("t")) if isinstance(new, dict) else None
            put = rule(new) if rule else None
            if put is None:
                out.append(new)
            else:
                out += put
        return out
    if isinstance(tree, dict) and "c" in tree:
        return tree | {"c": change(tree["c"], rules)}
    return tree


def document(blocks: list, meta: dict | None = None) -> str:
    """A whole document as pandoc reads it."""
    return json.dumps({"pandoc-api-version": API, "meta": meta or {}, "blocks": blocks},
                      ensure_ascii=False)


def convert(blocks: list, to: str, extra: tuple[str, ...] = ()) -> str:
    """Write blocks in one of pandoc's formats, a paragraph to a line."""
    import pypandoc

    return pypandoc.convert_text(document(blocks), to, format="json",
                                 extra_args=[*extra, "--wrap=none"])


def formulas(found: list[tuple[str, bool]], to: str, extra: tuple[str, ...] = ()) -> list[str]:
    """Convert TeX formulas in one call of pandoc.

    Parameters
    ----------
    found : list of (str, bool)
        TeX, and whether the formula stands on its own line.
    to : str
        Pandoc's name of the output format.
    extra : tuple of str
        Further arguments.

    Returns
    -------
    list of str
        One converted formula for each.
    """
    if not found:
        return []
    blocks = []
    for tex, display in found:
        blocks += [{"t": "Para", "c": [math(tex, display)]},
                   {"t": "Para", "c": [words("QQSPLITQQ")]}]
    out = convert(blocks, to, extra)
    parts = re.split(r"(?:<p>)?QQSPLITQQ(?:</p>)?", out)[: len(found)]
    return [re.sub(r"^\s*(?:<p>)?|(?:</p>)?\s*$", "", part) for part in parts]


def math(tex: str, display: bool) -> dict:
    """A formula in TeX."""
    return {"t": "Math", "c": [{"t": "DisplayMath" if display else "InlineMath"}, tex]}


def formula(node: dict) -> tuple[str, bool]:
    """TeX of a formula, and whether it stands on its own line."""
    return node["c"][1], node["c"][0]["t"] == "DisplayMath"
