"""``{explorer} name``: a chart that the reader can change, and its form for print.

On a page without scripts, and in print, it is an ordinary figure with a table of a few settings.
On a page with scripts the controls appear, and the chart takes the figure's place.
"""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.util.osutil import ensuredir

from .. import drawings, explorers, interactive
from . import shortcuts
from .apparatus import BookDirective

RUNTIME = "explorers-vega.js"


class explorer(nodes.General, nodes.Element):
    """An explorer; its children are the figure and the table for those without scripts."""


def charts(app, made) -> tuple[str, dict]:
    """The drawing of an explorer for print, and its chart for the page."""
    made_from = (json.dumps([made.spec(), made.source, made.alt]), _made_by(), *drawings.fonts())
    raw = shortcuts.kept(app, f"explorer-{made.name}.json", made_from, lambda: json.dumps(
        [interactive.drawing(made), interactive.vega(made)]).encode())
    return tuple(json.loads(raw))


def _made_by() -> str:
    return shortcuts.versions("vl-convert-python", "matplotlib")


class explorer_panel(nodes.General, nodes.Element):
    """Controls, numbers and chart; within the figure, above its caption."""


class Explorer(BookDirective):
    """``{explorer} name`` puts an explorer here."""

    required_arguments = 1

    def run(self):
        name = self.arguments[0]
        try:
            made = explorers.explorers()[name]
        except KeyError:
            return self.fail(f"there is no explorer '{name}': declare it in guide.explorers, or "
                             f"use one of {', '.join(explorers.explorers())}")
        for table in made.tables:
            self.depend(table)
        path = Path(self.env.srcdir) / "_build" / "explorers" / f"{name}.svg"
        ensuredir(path.parent)
        svg, chart = charts(self.env.app, made)
        if not path.is_file() or path.read_text(encoding="utf-8") != svg:
            path.write_text(svg, encoding="utf-8")
        figure = nodes.figure(classes=["explorer-figure"])
        figure += nodes.image(uri=f"/_build/explorers/{name}.svg", alt=made.alt)
        figure += explorer_panel(explorer=name, page=json.dumps(
            made.for_page(chart), ensure_ascii=False, separators=(",", ":")))
        figure += nodes.caption("", "", *self.parse(made.caption)[0].children)
        figure["names"].append(f"fig-explore-{name}")
        self.state.document.note_explicit_target(figure, figure)
        node = explorer(name=name)
        node += figure
        node += nodes.paragraph(
            "", "On a page with scripts the numbers can be changed; here they are at a few settings.",
            classes=["entry-meta", "explorer-note"])
        node += self.table(made)
        self.env.metadata[self.env.docname]["explorers"] = True
        return [node]

    def table(self, made):
        """The table of settings for those without scripts."""
        heads, rows = made.table()
        lines = [":::{list-table}", ":header-rows: 1", ":class: data explorer-settings", ""]
        for row in (heads, *rows):
            lines += [f"{'* -' if i == 0 else '  -'} {cell}" for i, cell in enumerate(row)]
        return self.parse("\n".join([*lines, ":::"]))


# ---------------------------------------------------------------- pages


def control(made, one) -> str:
    """Write one control with its label."""
    key = f"explore-{made.name}-{one.name}"
    if isinstance(one, interactive.Slider):
        place = one.values.index(one.start)
        text = escape(one.text(one.start))
        return (
            f'<div class="explorer-control explorer-slider"><label for="{key}">{escape(one.label)}'
            f'</label><output for="{key}" data-of="{one.name}" aria-live="off">{text}</output>'
            f'<input type="range" id="{key}" data-control="{one.name}" min="0" '
            f'max="{len(one.values) - 1}" step="1" value="{place}" aria-valuetext="{text}" '
            'autocomplete="off"></div>')
    if isinstance(one, interactive.Switch):
        on = " checked" if one.start else ""
        return (f'<div class="explorer-control explorer-switch"><input type="checkbox" id="{key}" '
                f'data-control="{one.name}"{on}>'
                f'<label for="{key}">{escape(one.label)}</label></div>')
    if one.listed:
        options = "".join(
            f'<option value="{i}"{" selected" if value == one.start else ""}>{escape(text)}</option>'
            for i, (value, text) in enumerate(one.options))
        return (f'<div class="explorer-control explorer-list"><label for="{key}">{escape(one.label)}'
                f'</label><select id="{key}" data-control="{one.name}" autocomplete="off">{options}'
                "</select></div>")
    options = "".join(
        f'<span><input type="radio" id="{key}-{i}" name="{key}" value="{i}" '
        f'data-control="{one.name}"{" checked" if value == one.start else ""}>'
        f'<label for="{key}-{i}">{escape(text)}</label></span>'
        for i, (value, text) in enumerate(one.options))
    wide = " explorer-wide" if sum(len(text) for _, text in one.options) > 30 else ""
    return (f'<fieldset class="explorer-control explorer-radio{wide}"><legend>{escape(one.label)}</legend>'
            f"<div>{options}</div></fieldset>")


def visit_explorer(self, node):
    """Open an explorer; without scripts it is a plain holder."""
    self.body.append(f'<div class="explorer" data-explorer="{node["name"]}">')


def depart_explorer(self, node):
    """Close an explorer."""
    self.body.append("</div>")


def visit_panel(self, node):
    """Write the interactive part, hidden until the script brings it to life."""
    made = explorers.explorers()[node["explorer"]]
    texts = made.texts(made.start)
    tiles = "".join(
        f'<div><dt>{escape(r.label)}</dt><dd><output data-of="{r.name}">{escape(texts[r.name])}'
        "</output></dd></div>" for r in made.readouts if r.shown)
    tries = "".join(f'<button type="button" data-setting="{i}">{escape(s.title)}</button>'
                    for i, s in enumerate(made.settings) if i)
    controls = "".join(control(made, one) for one in made.controls)
    self.body.append(
        f'<div class="explorer-panel" role="group" aria-label="{escape(made.title)}" hidden>'
        f'<div class="explorer-head"><p class="explorer-title"><span>Explore</span> '
        f"{escape(made.title)}</p>"
        '<button type="button" data-setting="0" class="explorer-reset">Back to start</button></div>'
        '<div class="explorer-said" aria-live="polite">'
        f'<p class="explorer-sentence">{escape(texts["sentence"])}</p></div>'
        f'<div class="explorer-chart" role="img" aria-label="{escape(texts["sentence"])}"></div>'
        f'<p class="explorer-source">Source: {escape(made.source)}</p>'
        f'<div class="explorer-controls">{controls}</div>'
        f'<dl class="explorer-readouts explorer-of-{sum(r.shown for r in made.readouts)}" '
        f'aria-live="polite">{tiles}</dl>'
        f'<div class="explorer-tries"><span>Try</span>{tries}</div>'
        f'<script type="application/json">{node["page"].replace("</", "<" + chr(92) + "/")}</script>'
        "</div>")
    raise nodes.SkipNode


def skip(self, node):
    """Leave a node out."""
    raise nodes.SkipNode


def add_files(app, pagename, templatename, context, doctree):
    """Load the script on pages that have an explorer, and on no other."""
    if app.env.metadata.get(pagename, {}).get("explorers"):
        app.add_js_file("explorers.js", defer="defer", **{"data-runtime": RUNTIME})


def write_runtime(app, error):
    """Write the script that draws the charts, which pages load when an explorer comes near."""
    path = Path(app.outdir) / "_static" / RUNTIME
    if error is None and app.builder.format == "html" and path.parent.is_dir():
        script = shortcuts.kept(app, RUNTIME, (_made_by(),), lambda: interactive.runtime().encode())
        if not path.is_file() or path.read_bytes() != script:
            path.write_bytes(script)


def setup(app):
    """Register nodes, the directive and the handlers."""
    app.add_node(explorer, html=(visit_explorer, depart_explorer), text=(skip, None))
    app.add_node(explorer_panel, html=(visit_panel, None), text=(skip, None))
    app.add_directive("explorer", Explorer)
    app.connect("html-page-context", add_files)
    app.connect("build-finished", write_runtime)
