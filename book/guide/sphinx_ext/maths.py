"""Formulas set as MathML when a page is read, by pandoc: no script, no other host."""

from __future__ import annotations

from html import escape

from docutils import nodes
from sphinx.util import logging

from .. import pandoc

log = logging.getLogger(__name__)


def set_mathml(app, doctree):
    """Give each formula of a page its MathML."""
    found = list(doctree.findall(lambda n: isinstance(n, (nodes.math, nodes.math_block))))
    keys = list(dict.fromkeys((n.astext(), isinstance(n, nodes.math_block)) for n in found))
    done = dict(zip(keys, pandoc.formulas(keys, "html", ("--mathml",))))
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
