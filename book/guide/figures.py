"""The look of the book's figures, and the form in which they are saved.

A figure is drawn once, in the light palette, as an SVG with text turned into outlines, so that
it looks alike everywhere. The SVG carries its own alternative text and the table behind it
(:mod:`guide.drawings`).
"""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib import font_manager
from matplotlib.markers import MarkerStyle
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path as Outline
from matplotlib.text import Text
from matplotlib.ticker import ScalarFormatter, StrMethodFormatter

from .drawings import FONTS, PALETTE, embed

WIDTH_IN = 6.3  # drawn width; on paper it is set at text width

INK, MUTED, GRID, WASH, PAPER = (PALETTE[k][0] for k in ("ink", "muted", "grid", "wash", "paper"))
BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY, RED = (
    PALETTE[k][0] for k in ("blue", "orange", "green", "purple", "yellow", "sky", "red")
)
PALE_BLUE, PALE_ORANGE, PALE_GREEN = (
    PALETTE[k][0] for k in ("pale-blue", "pale-orange", "pale-green")
)
_TEXT = {PALETTE[name][0]: PALETTE[f"{name}-text"][0]
         for name in ("orange", "green", "yellow", "sky")}
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY)
#: verdict -> (colour, hatch), the same in every figure
VERDICT_LOOKS: dict[str, tuple[str, str]] = {
    "supported": (GREEN, ""), "qualified": (YELLOW, "////"), "wrong": (RED, "xxxx"),
    "unverifiable": (MUTED, "...."), "open": (BLUE, "\\\\\\\\"), "overtaken": (PURPLE, "++"),
}
HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "++")

for _font in FONTS.glob("SourceSans3-*.ttf"):
    font_manager.fontManager.addfont(_font)

mpl.rcParams.update(
    {
        "font.family": "Source Sans 3",
        "font.size": 9.5,
        "axes.labelsize": 9.5,
        "axes.labelcolor": INK,
        "axes.edgecolor": MUTED,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": mpl.cycler(color=CYCLE),
        "axes.axisbelow": True,
        "axes.grid": False,
        "grid.color": GRID,
        "grid.linewidth": 0.7,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "text.color": INK,
        "legend.frameon": False,
        "lines.linewidth": 1.8,
        "patch.edgecolor": PAPER,
        "hatch.linewidth": 0.6,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
        "svg.fonttype": "path",
        "svg.hashsalt": "guide",  # the same figure is the same bytes
    }
)


def new(
    height: float = 3.2, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[plt.Figure, Any]:
    """Start a figure at the book's width.

    Parameters
    ----------
    height : float
        Height in inches, source line included.
    rows, columns : int
        Grid of axes.
    **options
        Passed on to :func:`matplotlib.pyplot.subplots`.

    Returns
    -------
    tuple
        The figure and its axes, as ``plt.subplots`` gives them.
    """
    return plt.subplots(
        rows, columns, figsize=(WIDTH_IN, height), layout="constrained", **options
    )


def canvas(height: float, width: float = 100.0) -> tuple[plt.Figure, Any]:
    """Start a drawing: no axes, ``width`` units across, square units."""
    fig, ax = new(height)
    ax.set_axis_off()
    ax.set_xlim(0, width)
    ax.set_ylim(0, width * (height - 0.28) / WIDTH_IN)
    ax.set_aspect("equal", adjustable="box", anchor="SW")
    return fig, ax


def box(
    ax, x: float, y: float, w: float, h: float, text: str = "", *,
    fill: str = WASH, edge: str = MUTED, size: float = 9, weight: str = "normal",
    color: str = INK, dashed: bool = False,
) -> None:
    """Draw a rounded box with centred text; ``x, y`` is its lower left corner."""
    ax.add_patch(
        FancyBboxPatch(
            (x, y), w, h, boxstyle="round,pad=0,rounding_size=0.8", facecolor=fill,
            edgecolor=edge, linewidth=0.9, linestyle="--" if dashed else "-",
        )
    )
    if text:
        ax.text(x + w / 2, y + h / 2, text, ha="center", va="center", fontsize=size,
                fontweight=weight, color=color, linespacing=1.25)


def arrow(ax, start: tuple, end: tuple, *, color: str = MUTED, bend: float = 0.0,
          width: float = 1.0) -> None:
    """Draw an arrow from one point to another."""
    ax.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=9, color=color,
                        linewidth=width, shrinkA=1, shrinkB=1,
                        connectionstyle=f"arc3,rad={bend}")
    )


def _outline(*strokes: list[tuple[float, float]], bent: bool = False) -> Outline:
    """Strokes in a square of side 1 around the origin; ``bent`` reads every other point as a pull."""
    points, codes = [], []
    for stroke in strokes:
        points += stroke
        codes += [Outline.MOVETO] + [Outline.CURVE3 if bent else Outline.LINETO] * (len(stroke) - 1)
    return Outline(points, codes)


#: Marks of the ledger as strokes, so that they look alike with every font: sign -> outline.
SIGNS: dict[str, Outline] = {
    "\u2713": _outline([(-0.5, 0.0), (-0.15, -0.4), (0.5, 0.45)]),
    "\u2248": _outline(*([(-0.5, y - 0.08), (-0.25, y + 0.22), (0, y), (0.25, y - 0.22),
                          (0.5, y + 0.08)] for y in (0.22, -0.22)), bent=True),
    "\u2717": _outline([(-0.42, -0.42), (0.42, 0.42)], [(-0.42, 0.42), (0.42, -0.42)]),
    "?": _outline([(-0.28, 0.22), (-0.28, 0.52), (0.0, 0.52), (0.3, 0.52), (0.3, 0.24),
                   (0.3, 0.06), (0.0, -0.06), (0.0, -0.12), (0.0, -0.2)],
                  [(0.0, -0.5), (0.0, -0.5), (0.01, -0.51)], bent=True),
    "\u2026": _outline([(-0.42, 0.0), (-0.41, 0.0)], [(-0.01, 0.0), (0.01, 0.0)],
                       [(0.41, 0.0), (0.42, 0.0)]),
    "\u21b7": _outline([(-0.45, -0.3), (-0.4, 0.35), (0.0, 0.35), (0.38, 0.35), (0.38, -0.25)],
                       [(0.1, 0.0), (0.24, -0.12), (0.38, -0.25), (0.46, -0.08), (0.55, 0.1)],
                       bent=True),
}


def sign(ax, x: float, y: float, mark: str, color: str, size: float = 5.2) -> None:
    """Draw a mark of the ledger at a place of the data.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    x, y : float
        Middle of the mark.
    mark : str
        One of :data:`SIGNS`.
    color : str
        Colour of the palette.
    size : float
        Height in points.
    """
    style = MarkerStyle(SIGNS[mark], capstyle="round", joinstyle="round")
    ax.plot([x], [y], marker=style, markersize=size, markeredgewidth=1.9 if mark == "\u2026" else 1.25,
            markerfacecolor="none", markeredgecolor=color, clip_on=False, linewidth=0)


def span(ax, low: Any, high: Any, at: float, color: str, height: float = 0.22) -> None:
    """Draw a range along the x-axis: a pale band, whose edge is as dark as its colour.

    A pale band alone would be lost on those who see little contrast (WCAG 2.2, 1.4.11 asks for
    3:1).

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    low, high : float or datetime
        Ends of the range.
    at : float
        Its place on the y-axis.
    color : str
        Colour of the palette.
    height : float
        In units of the y-axis.
    """
    up, down = at + height / 2, at - height / 2
    ax.fill([low, high, high, low], [down, down, up, up], facecolor=(color, 0.3),
            edgecolor=color, linewidth=0.8, zorder=2)


def spot(ax, x: float, y: float, w: float, h: float, place: str, label: str) -> None:
    """Make a place of a figure lead somewhere on the web; paper shows the figure alone.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where it lies.
    x, y, w, h : float
        Lower left corner and size, in units of the data.
    place : str
        Where it leads: ``page#anchor``.
    label : str
        What stands there, in a few words.
    """
    ax.figure.__dict__.setdefault("guide_spots", []).append((ax, x, y, w, h, place, label))


def _spots(fig: plt.Figure) -> list[list[Any]]:
    """Places of a finished figure that lead somewhere: x, y, w, h in points from the upper left."""
    wide, high = (72 * side for side in fig.get_size_inches())
    found = []
    for ax, x, y, w, h, place, label in getattr(fig, "guide_spots", ()):
        corners = fig.transFigure.inverted().transform(
            ax.transData.transform([(x, y), (x + w, y + h)]))
        (left, low), (right, top) = corners.min(axis=0), corners.max(axis=0)
        found.append([round(float(v), 1) for v in (
            left * wide, (1 - top) * high, (right - left) * wide, (top - low) * high)]
            + [place, label])
    return found


def words(text: str) -> str:
    """Keep dollar signs from being read as the bounds of a formula."""
    return text.replace("$", r"\$")


class Shown:
    """A finished figure; Jupyter shows it as SVG."""

    def __init__(self, svg: str):
        self.svg = svg

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"image/svg+xml": self.svg}


def show(fig: plt.Figure, *, alt: str, source: str, data=None) -> Shown:
    """Finish a figure: draw its source line and save it with its text and table inside.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        The figure; it is closed.
    alt : str
        What replaces the figure for those who do not see it: kind of chart, what is
        plotted, and the point. At least 60 characters.
    source : str
        Where the numbers come from, drawn inside the image.
    data : pandas.DataFrame, optional
        The table behind the figure, offered one click away on the web.

    Returns
    -------
    Shown
        An object that Jupyter displays.

    Raises
    ------
    ValueError
        If the alternative text or the source is too short to be of use.
    """
    if len(alt) < 60:
        raise ValueError("alt is too short: say the kind of chart, what is plotted, and the point")
    if len(source) < 8:
        raise ValueError("source is too short: say where the numbers come from")
    for axes in fig.axes:
        for axis in (axes.xaxis, axes.yaxis):
            # as in the prose: 10,000; a year keeps its four digits
            if (type(axis.get_major_formatter()) is ScalarFormatter
                    and 10_000 <= max(map(abs, axis.get_view_interval())) < 1_000_000):
                axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    for text in fig.findobj(Text):
        color = text.get_color()
        if isinstance(color, str) and color in _TEXT:
            text.set_color(_TEXT[color])
    height = fig.get_figheight()
    # constrained layout keeps clear of the strip where the source line stands
    strip = 0.24 / height
    engine = fig.get_layout_engine()
    if engine is not None:
        engine.set(rect=(0, strip, 1, 1 - strip))
    fig.text(0.004, 0.05 / height, f"Source: {source}", fontsize=7.3, color=MUTED, va="bottom")
    buffer = StringIO()
    fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    note: dict[str, Any] = {"alt": alt}
    spots = _spots(fig)
    if spots:
        note["spots"] = spots
    plt.close(fig)
    if data is not None:
        note["columns"] = [str(column) for column in data.columns]
        note["rows"] = [[_plain(cell) for cell in row] for row in data.itertuples(index=False)]
    return Shown(embed(_stable_ids(buffer.getvalue()), note))


def _stable_ids(svg: str) -> str:
    """Number the ids of an SVG.

    Matplotlib makes them from positions, whose last bit can differ from run to run.
    """
    names = dict.fromkeys(re.findall(r'id="([a-z][0-9a-f]{10})"', svg))
    for number, name in enumerate(names):
        svg = svg.replace(name, f"i{number}")
    return svg


def _plain(cell: Any) -> str:
    """Print a cell of the table behind a figure."""
    if isinstance(cell, float):
        return "" if cell != cell else f"{cell:.6g}"
    return str(cell)
