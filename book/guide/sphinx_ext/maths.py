"""Formulas set as MathML when a page is read, by pandoc: no script, no other host."""

from __future__ import annotations

import json
import re
from html import escape

import pypandoc
from docutils import nodes
from sphinx.util import logging

log = logging.getLogger(__name__)
API = [1, 23, 1]


def convert(formulas: list[tuple[str, bool]], to: str, extra: list[str]) -> list[str]:
    """Convert TeX formulas in one call of pandoc.

    Parameters
    ----------
    formulas : list of (str, bool)
        TeX, and whether the formula stands on its own line.
    to : str
        Pandoc's name of the output format.
    extra : list of str
        Further arguments.

    Returns
    -------
    list of str
        One converted formula for each.
    """
    if not formulas:
        return []
    blocks = []
    for tex, display in formulas:
        kind = {"t": "DisplayMath" if display else "InlineMath"}
        blocks.append({"t": "Para", "c": [{"t": "Math", "c": [kind, tex]}]})
        blocks.append({"t": "Para", "c": [{"t": "Str", "c": "QQSPLITQQ"}]})
    document = json.dumps({"pandoc-api-version": API, "meta": {}, "blocks": blocks})
    out = pypandoc.convert_text(document, to, format="json", extra_args=[*extra, "--wrap=none"])
    parts = re.split(r"(?:<p>)?QQSPLITQQ(?:</p>)?", out)[: len(formulas)]
    return [re.sub(r"^\s*(?:<p>)?|(?:</p>)?\s*$", "", part) for part in parts]


def set_mathml(app, doctree):
    """Give each formula of a page its MathML."""
    found = list(doctree.findall(lambda n: isinstance(n, (nodes.math, nodes.math_block))))
    keys = list(dict.fromkeys((n.astext(), isinstance(n, nodes.math_block)) for n in found))
    done = dict(zip(keys, convert(keys, "html", ["--mathml"])))
    for node in found:
        key = (node.astext(), isinstance(node, nodes.math_block))
        if "<math" not in done[key]:
            log.error("formula not understood: %s: use TeX that pandoc can set", key[0],
                      location=node)
        node["mathml"] = done[key]


def visit_math(self, node):
    """Write an inline formula."""
    self.body.append(f'<span class="math">{node.get("mathml", escape(node.astext()))}</span>')
    raise nodes.SkipNode


def visit_displaymath(self, node):
    """Write a formula that stands on its own line."""
    self.body.append(
        f'<div class="math" tabindex="0">{node.get("mathml", escape(node.astext()))}</div>'
    )
    raise nodes.SkipNode


def setup(app):
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_displaymath, None))
    app.connect("doctree-read", set_mathml)
