"""What an explorer is: controls, numbers that follow them, and a chart that follows too.

An explorer is declared once. From the declaration come the interactive form, a Vega-Lite chart
whose expressions compute in the reader's browser, and the printed form, the same chart drawn
here at its starting values with a table of a few settings computed in Python. That the two
arithmetics agree is tested in a browser, to the last digit shown.

Colours are written ``var(--blue)``: on a page the style sheet gives them their value, in light
and in dark; in a drawing for print the palette of :mod:`guide.figures` does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from . import drawings
from .quantity import NBSP

VEGA_LITE = "6.4"
WIDTH = 640  # pixels of the drawing for print; on a page the chart is as wide as its column
INK, MUTED, GRID, WASH, PAPER = (f"var(--{k})" for k in ("ink", "muted", "grid", "wash", "paper"))
BLUE, ORANGE, GREEN, PURPLE, RED = (
    f"var(--{k})" for k in ("blue", "orange", "green", "purple", "red"))
FONT = "Source Sans 3, Source Sans Pro, Segoe UI, Helvetica Neue, Arial, sans-serif"

#: How every chart looks: that of :mod:`guide.figures`, in pixels.
CONFIG: dict[str, Any] = {
    "background": None,
    "font": FONT,
    "aria": False,  # the chart is described as a whole, by the sentence above it
    "view": {"stroke": None},
    "axis": {
        "labelFont": FONT, "titleFont": FONT, "labelFontSize": 12.5, "titleFontSize": 12.5,
        "titleFontWeight": "normal", "labelColor": INK, "titleColor": INK, "domainColor": MUTED,
        "tickColor": MUTED, "gridColor": GRID, "tickSize": 4, "labelPadding": 4,
        "titlePadding": 8, "domainWidth": 0.9, "gridWidth": 0.9, "tickWidth": 0.9,
    },
    "text": {"font": FONT, "fontSize": 12.5, "color": INK},
    "title": {"font": FONT, "fontSize": 9.8, "color": MUTED, "fontWeight": "normal",
              "anchor": "start", "orient": "bottom", "offset": 10},
}


@dataclass(frozen=True)
class Step:
    """How numbers from ``at_least`` upwards are printed: divided, in a d3 format, with words."""

    at_least: float
    by: float
    spec: str
    before: str = ""
    after: str = ""


#: A scale is tried from its first step to its last, which takes what is left.
Scale = tuple[Step, ...]


def plain(spec: str = ",.0f", after: str = "", before: str = "") -> Scale:
    """A scale of one step; a word behind the number is joined by a no-break space."""
    joint = NBSP if after[:1].isalpha() else ""
    return (Step(0, 1, spec, before, joint + after),)


def grouped(after: str = "", before: str = "", spec: str = ",.3~r") -> Scale:
    """Three significant digits, with words for thousands of millions and the like."""
    tail = f"{NBSP}{after}" if after else ""
    words = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
    # 999.6 million would be rounded into the next word
    return (*(Step(0.9995 * size, size, spec, before, f"{NBSP}{word}{tail}")
              for size, word in words),
            Step(0, 1, spec, before, tail))


USD = grouped(before="$")
PERCENT = plain(",.0f", "%")
PERCENT_FINE = plain(",.1f", "%")
TIMES = (Step(99.95, 1, ",.3~r", "", f"{NBSP}times"), Step(1.05, 1, ",.2~r", "", f"{NBSP}times"),
         Step(0.9951, 1, ",.2~r", "", f"{NBSP}time"), Step(0, 1, ",.2~r", "", f"{NBSP}times"))
BYTES = (Step(0.9995e12, 1e12, ",.3~r", "", f"{NBSP}TB"), Step(0.9995e9, 1e9, ",.3~r", "", f"{NBSP}GB"),
         Step(0.9995e6, 1e6, ",.3~r", "", f"{NBSP}MB"), Step(0, 1e3, ",.3~r", "", f"{NBSP}kB"))


def d3(value: float, spec: str) -> str:
    """Print a number as d3-format does.

    Parameters
    ----------
    value : float
        Zero or more, and finite.
    spec : str
        ``.2f`` or ``.3r`` (significant digits), with ``,`` for groups and ``~`` for no trailing
        zeros.

    Returns
    -------
    str
        The digits. Halves are rounded up, which Python's own ``format`` does not do.

    Raises
    ------
    ValueError
        If the format or the number is of another kind.
    """
    match = re.fullmatch(r"(,?)\.(\d+)(~?)([fr])", spec)
    if match is None:
        raise ValueError(f"'{spec}' is no format of the explorers: write it like ',.3~r'")
    exact = Decimal(value)
    if not exact.is_finite() or exact < 0:
        raise ValueError(f"{value} cannot be printed: show a number of zero or more")
    comma, digits, trim, kind = match[1], int(match[2]), match[3], match[4]
    places = digits if kind == "f" else digits - 1 - (exact.adjusted() if exact else 0)
    rounded = exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    if kind == "r" and rounded.adjusted() > (exact.adjusted() if exact else 0):
        places -= 1  # 9.996 to three digits is 10.0
    text = f"{rounded:{comma}.{max(places, 0)}f}"
    return text.rstrip("0").rstrip(".") if trim and "." in text else text


def printed(value: float, scale: Scale) -> str:
    """Print a number with its unit, as the script of the page does."""
    step = next((s for s in scale if abs(value) >= s.at_least), scale[-1])
    return f"{step.before}{d3(value / step.by, step.spec)}{step.after}"


@dataclass(frozen=True)
class Slider:
    """A control that walks through a list of values."""

    name: str
    label: str
    values: tuple[float, ...]
    start: float
    scale: Scale

    def __post_init__(self) -> None:
        if self.start not in self.values:
            raise ValueError(f"slider '{self.name}' starts at {self.start}, which it cannot reach")

    def text(self, value: float) -> str:
        """The value as it is shown beside the slider."""
        return printed(value, self.scale)


@dataclass(frozen=True)
class Choice:
    """A control that takes one of a few values: buttons side by side, or a list if they are many."""

    name: str
    label: str
    options: tuple[tuple[Any, str], ...]
    start: Any
    listed: bool = False

    def __post_init__(self) -> None:
        if self.start not in dict(self.options):
            raise ValueError(f"choice '{self.name}' starts at {self.start!r}, which is no option")

    @property
    def values(self) -> tuple:
        """The values that it can take."""
        return tuple(key for key, _ in self.options)

    def text(self, value: Any) -> str:
        """The words for a value."""
        return dict(self.options)[value]


@dataclass(frozen=True)
class Switch:
    """A control that is on or off."""

    name: str
    label: str
    start: bool

    values = (False, True)

    def text(self, value: bool) -> str:
        """Yes or no."""
        return "yes" if value else "no"


@dataclass(frozen=True)
class Readout:
    """A number, or one of a few words, that follows the controls.

    ``expr`` computes it in the browser; the explorer's ``compute`` computes it in Python, under
    the same name. With ``words`` the number is the place of one of them, counted from nought.
    """

    name: str
    label: str
    expr: str
    scale: Scale = ()
    words: tuple[str, ...] = ()
    shown: bool = True

    def text(self, value: float) -> str:
        """The number as it is shown."""
        return self.words[int(value)] if self.words else printed(value, self.scale)


@dataclass(frozen=True)
class Setting:
    """A setting worth looking at: a button on a page, a row of the table in print."""

    title: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Explorer:
    """One interactive chart.

    Parameters
    ----------
    name : str
        Its name in the directive; ``fig-explore-`` and the name is its label.
    title, caption, alt, source : str
        What it asks; what the figure for print says, in words and for those who do not see it;
        where its numbers come from.
    controls : tuple
        Sliders, choices and switches.
    terms : mapping
        Names that expressions may use: a string is an expression, anything else a constant.
    readouts : tuple of Readout
        What is computed.
    case, sentences : str, tuple of str
        An expression for the number of the sentence that holds, and the sentences, in which
        ``{name}`` stands for a control or a readout.
    chart : callable
        Returns the Vega-Lite chart without size, parameters and configuration.
    settings : tuple of Setting
        The first is the start.
    compute : callable
        From the values of the controls to those of all readouts and of ``case``.
    tables : tuple of str
        Tables of the data package that it draws on.
    height, print_height : int
        Pixels.
    """

    name: str
    title: str
    caption: str
    alt: str
    source: str
    controls: tuple
    readouts: tuple[Readout, ...]
    case: str
    sentences: tuple[str, ...]
    chart: Callable[[], dict]
    settings: tuple[Setting, ...]
    compute: Callable[..., Mapping[str, float]]
    terms: Mapping[str, Any] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    height: int = 340
    columns: tuple[str, ...] = ()

    @property
    def start(self) -> dict[str, Any]:
        """The values of the controls at the start."""
        return {control.name: control.start for control in self.controls}

    def at(self, setting: Setting) -> dict[str, Any]:
        """The values of all controls in a setting."""
        unknown = set(setting.values) - set(self.start)
        if unknown:
            raise ValueError(f"explorer '{self.name}' has no control {sorted(unknown)}")
        return self.start | dict(setting.values)

    def texts(self, values: Mapping[str, Any]) -> dict[str, str]:
        """All that is shown at these values: controls, readouts and the ``sentence``."""
        found = self.compute(**values)
        shown = {c.name: c.text(values[c.name]) for c in self.controls}
        shown |= {r.name: r.text(found[r.name]) for r in self.readouts}
        return shown | {"sentence": self.sentences[int(found["case"])].format(**shown)}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The table of settings: its heads, and its rows."""
        shown = [r for r in self.readouts if r.name in self.columns or
                 (r.shown and not self.columns)]
        heads = ["Setting", *(r.label for r in shown)]
        rows = []
        for setting in self.settings:
            texts = self.texts(self.at(setting))
            rows.append([setting.title, *(texts[r.name] for r in shown)])
        return heads, rows

    def spec(self, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The Vega-Lite chart, with the controls as its parameters."""
        params = [{"name": k, "value": v} for k, v in (values or self.start).items()]
        params += [{"name": k, "expr": v} if isinstance(v, str) else {"name": k, "value": v}
                   for k, v in self.terms.items()]
        params += [{"name": r.name, "expr": r.expr} for r in self.readouts]
        params.append({"name": "case", "expr": self.case})
        return {
            "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
            "width": WIDTH, "height": self.height,
            "autosize": {"type": "fit", "contains": "padding", "resize": True}, "padding": 4,
            "config": CONFIG, "params": params, **self.chart(),
        }

    def for_page(self, chart: dict[str, Any]) -> dict[str, Any]:
        """All that the script of a page needs: the chart as Vega, and how to print the numbers."""
        steps = lambda scale: [[s.at_least, s.by, s.spec, s.before, s.after] for s in scale]
        return {
            "controls": [
                {"name": c.name, "values": list(c.values), "start": c.start,
                 **({"scale": steps(c.scale)} if isinstance(c, Slider) else {}),
                 **({"words": [t for _, t in c.options]} if isinstance(c, Choice) else {})}
                for c in self.controls],
            "readouts": [{"name": r.name, "scale": steps(r.scale), "words": list(r.words)}
                         for r in self.readouts],
            "sentences": list(self.sentences),
            "settings": [self.at(s) for s in self.settings],
            "height": self.height,
            "chart": chart,
        }


def vega(explorer: Explorer) -> dict[str, Any]:
    """Compile the chart of an explorer from Vega-Lite to Vega."""
    return _converter().vegalite_to_vega(explorer.spec(), vl_version=VEGA_LITE)


def drawing(explorer: Explorer) -> str:
    """Draw an explorer at its start, as an SVG like those of :mod:`guide.figures`.

    Text is turned into outlines; the alternative text is inside.
    """
    spec = explorer.spec()
    spec["title"] = {"text": f"Source: {explorer.source}"}
    svg = _converter().vegalite_to_svg(spec, vl_version=VEGA_LITE)
    svg = re.sub(r"var\(--([\w-]+)\)", lambda m: drawings.PALETTE[m[1]][0], svg)
    svg = outlined(_own_ids(svg))
    # in points, as the other figures are
    svg = re.sub(r'width="([\d.]+)" height="([\d.]+)"', lambda m:
                 f'width="{float(m[1]) * 0.75:g}pt" height="{float(m[2]) * 0.75:g}pt"', svg, count=1)
    return drawings.embed(svg, {"alt": explorer.alt})


def _own_ids(svg: str) -> str:
    """Number the ids of an SVG from one; Vega counts on from what was drawn before."""
    numbers: dict[str, int] = {}
    return re.sub(r'((?:id="|url\(#)(?:clip|gradient_))(\d+)', lambda m: (
        f"{m[1]}{numbers.setdefault(m[2], len(numbers) + 1)}"), svg)


_TEXT = re.compile(r"<text([^>]*?)(?:/>|>(.*?)</text>)", re.DOTALL)
_WEIGHTS = {"bold": 600, "600": 600, "700": 600}


def outlined(svg: str) -> str:
    """Turn the text of an SVG into outlines, so that it needs no font of the reader's."""
    return _TEXT.sub(_outline, svg)


def _outline(match: re.Match) -> str:
    from html import unescape

    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path as Outline
    from matplotlib.textpath import text_to_path

    from . import figures  # noqa: F401  with it, matplotlib knows the font

    given = dict(re.findall(r'([\w-]+)="([^"]*)"', match[1]))
    said = unescape(re.sub(r"<[^>]+>", "", match[2] or ""))
    if not said.strip():
        return ""
    size = float(given.get("font-size", "12px").removesuffix("px"))
    font = FontProperties(family="Source Sans 3", weight=_WEIGHTS.get(given.get("font-weight"), 400))
    width = text_to_path.get_text_width_height_descent(said, font, False)[0]
    scale = size / text_to_path.FONT_SCALE
    width = width * text_to_path.FONT_SCALE / font.get_size_in_points() * scale
    shift = {"middle": -width / 2, "end": -width}.get(given.get("text-anchor"), 0.0)
    points, codes = text_to_path.get_text_path(font, said, ismath=False)
    path, pieces, i = [], {Outline.MOVETO: "M", Outline.LINETO: "L", Outline.CURVE3: "Q",
                           Outline.CURVE4: "C"}, 0
    while i < len(codes):
        if codes[i] == Outline.CLOSEPOLY:
            path.append("Z")
            i += 1
            continue
        count = {Outline.CURVE3: 2, Outline.CURVE4: 3}.get(codes[i], 1)
        path.append(pieces[codes[i]] + " ".join(
            f"{x * scale + shift:.2f} {-y * scale:.2f}" for x, y in points[i:i + count]))
        i += count
    kept = "".join(f' {k}="{given[k]}"' for k in ("transform", "fill", "fill-opacity", "opacity")
                   if k in given)
    return f'<path{kept} d="{"".join(path)}"/>'


@lru_cache(maxsize=1)
def _converter():
    import vl_convert  # heavy, and only a build needs it

    vl_convert.register_font_directory(str(drawings.FONTS))
    return vl_convert


# vl-convert carries its own copies under these names; nothing is fetched. What our charts do not
# use (maps, forces, trees, words in clouds) is left out, which saves a quarter.
_COPIES = "https://cdn.jsdelivr.net/npm/"
_PARTS = {
    "{transforms}": "vega-dataflow@6.1.0", "* as data": "vega-transforms@5.1.0",
    "* as layout": "vega-view-transforms@5.1.0", "* as encode": "vega-encode@5.1.0",
    "{View}": "vega-view@6.1.0", "{parse}": "vega-parser@7.1.0",
    "{defaultLocale}": "vega-format@2.1.0",
    "{expressionInterpreter}": "vega-interpreter@2.0.0",
}
NOTICE = """/* The parts of Vega (https://vega.github.io, BSD-3-Clause) and D3 (https://d3js.org, ISC) that the
 * book's explorers use, bundled by vl-convert. Expressions are interpreted, never evaluated as
 * code, so that the page may forbid scripts to make scripts.
 *
 * Vega: Copyright (c) 2015-2023, University of Washington Interactive Data Lab. All rights reserved.
 * Redistribution and use in source and binary forms, with or without modification, are permitted
 * provided that the following conditions are met:
 * 1. Redistributions of source code must retain the above copyright notice, this list of conditions
 *    and the following disclaimer.
 * 2. Redistributions in binary form must reproduce the above copyright notice, this list of
 *    conditions and the following disclaimer in the documentation and/or other materials provided
 *    with the distribution.
 * 3. Neither the name of the copyright holder nor the names of its contributors may be used to
 *    endorse or promote products derived from this software without specific prior written
 *    permission.
 * THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR
 * IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND
 * FITNESS FOR A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR
 * CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL
 * DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE,
 * DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER
 * IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT
 * OF THE USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
 *
 * D3: Copyright 2010-2023 Mike Bostock. Permission to use, copy, modify, and/or distribute this
 * software for any purpose with or without fee is hereby granted, provided that the above copyright
 * notice and this permission notice appear in all copies. THE SOFTWARE IS PROVIDED "AS IS" AND THE
 * AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
 * INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR
 * PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR
 * IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */
"""


def runtime() -> str:
    """The script that draws the charts in a browser, as one classic script.

    It leaves one name behind, ``guideVega``, with ``View``, ``parse``, ``defaultLocale`` and
    ``expressionInterpreter``.
    """
    lines = [f"import {what} from '{_COPIES}{part}/+esm';" for what, part in _PARTS.items()]
    lines.append("Object.assign(transforms, data, layout, encode);")
    lines.append("window.guideVega = {View, parse, defaultLocale, expressionInterpreter};")
    return f"{NOTICE}(() => {{{_converter().javascript_bundle(chr(10).join(lines))}}})();\n"
