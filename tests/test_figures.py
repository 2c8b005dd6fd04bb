"""Figures: caption, alternative text, both variants, nothing from elsewhere, and mentioned."""

from __future__ import annotations

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from checks import chapters, found, none
from checks import site as check

from guide import drawings, figures

ALT = "Bar chart of the memory of four accelerators, of which the newest holds the most by far."
GOOD = """<article><figure id="fig-a">
<img class="figure-light" src="../_images/a-light.svg" alt="{alt}">
<img class="figure-dark" src="../_images/a-dark.svg" alt="{alt}">
<figcaption><p><span class="caption-number">Figure 1</span>
<span class="caption-text">The newest holds the most.</span></p></figcaption>
</figure></article>"""
FILES = {
    "_images/a-light.svg": "<svg xmlns='http://www.w3.org/2000/svg'><use xlink:href='#g'/></svg>",
    "_images/a-dark.svg": "<svg><path d=''/></svg>",
}


def judge(html, files=FILES):
    """Problems of the figures of a page."""
    return check.figures(BeautifulSoup(html, "html.parser"), "book/a.html", files)


def test_figures(own, drawings):
    """Each figure has caption, text and both variants, and needs nothing from elsewhere."""
    none(p for name, soup in own.items() for p in check.figures(soup, name, drawings))


def test_there_are_figures(own):
    """The book draws; the chapters on models and efficiency draw five times each at least."""
    for name in ("book/models.html", "book/efficiency.html"):
        n = len(own[name].select("article figure img.figure-light"))
        assert n >= 5, f"{name}: {n} figures are shown, five at least are wanted"


def test_a_good_figure():
    """The figure that the faults are planted in is good."""
    none(judge(GOOD.format(alt=ALT)))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id="fig-a"', 'id="a"', "start with 'fig-'"),
        ("The newest holds the most.", "", "caption"),
        ("figure-dark", "figure-other", "no dark variant"),
        ("a-dark.svg", "a-light.svg", "same file"),
        ("a-dark.svg", "b-dark.svg", "not in the site"),
        (ALT, "Bar chart of memory.", "20 characters"),
        (ALT, "The memory of" + ALT[12:], "begin with the kind"),
        (ALT, ALT + " From a.svg", "names a file"),
        (f' alt="{ALT}"', "", "0 characters"),
    ],
)
def test_figures_planted(old, new, says):
    """Each fault of a figure is seen, with page and line."""
    html = GOOD.format(alt=ALT)
    assert old in html
    found(judge(html.replace(old, new)), "book/a.html:1", says)


@pytest.mark.parametrize(
    ("svg", "says"),
    [
        ("<svg><text x='1'>a</text></svg>", "outlines"),
        ("<svg><svg:text>a</svg:text></svg>", "outlines"),
        ("<svg><image xlink:href='https://a.org/b.png'/></svg>", "refers to"),
        ("<svg><use href='other.svg#a'/></svg>", "refers to"),
        ("<svg><style>@import 'https://a.org/b.css';</style></svg>", "loads https://a.org"),
        ("<svg><rect style='fill: url(https://a.org/b)'/></svg>", "loads https://a.org"),
        ("<svg><script>1</script></svg>", "script"),
    ],
)
def test_drawings_planted(svg, says):
    """Text that needs a font, and references to other files, are seen."""
    found(judge(GOOD.format(alt=ALT), FILES | {"_images/a-dark.svg": svg}), says)


def test_labels(sources):
    """Names of figures and tables are unique, and the text mentions each of them."""
    none(chapters.labels(sources))


FIGURE = """```{{code-cell}} ipython3
---
mystnb:
  figure:
    name: {figure}
---
tables.show(f, caption="c", name="{table}")
```
{text}
"""


@pytest.mark.parametrize(
    ("figure", "table", "text", "says"),
    [
        ("a", "tab-a", "{numref}`a` {numref}`tab-a`", "start with 'fig-'"),
        ("fig-a", "a", "{numref}`fig-a` {numref}`a`", "start with 'tab-'"),
        ("fig-a", "fig-a", "{numref}`fig-a`", "rename"),
        ("fig-a", "tab-a", "{numref}`fig-a`", "{numref}`tab-a`"),
        ("fig-a", "tab-a", "{numref}`tab-a`", "{numref}`fig-a`"),
    ],
)
def test_labels_planted(figure, table, text, says):
    """A name out of form, a double and one that nobody mentions are seen."""
    found(chapters.labels({"a.md": FIGURE.format(figure=figure, table=table, text=text)}), says)


def test_labels_of_two_pages_planted():
    """A name that two pages use is seen."""
    page = FIGURE.format(figure="fig-a", table="tab-a", text="{numref}`fig-a` {numref}`a <tab-a>`")
    none(chapters.labels({"a.md": page}))
    found(chapters.labels({"a.md": page, "b.md": page}), "b.md:1", "a.md:1", "rename")


def test_each_number_is_mentioned(own):
    """A sentence leads to each numbered figure and table, those that a loop makes too."""
    none(check.unmentioned(own))


NUMREF = "<a class='reference internal' href='{}'><span class='std std-numref'>Table 1</span></a>"


@pytest.mark.parametrize(
    ("link", "key", "says"),
    [
        (NUMREF.format("#tab-b"), "tab-a", "never mentioned"),
        ("<a class='headerlink' href='#tab-a'>#</a>", "tab-a", "never mentioned"),
        ("<a class='reference internal' href='#tab-a'>there</a>", "tab-a", "never mentioned"),
        (NUMREF.format("#a"), "a", "start with 'tab-'"),
    ],
)
def test_each_number_is_mentioned_planted(link, key, says):
    """A table that no sentence leads to, and one without a name in form, are seen."""
    page = (f"<article><table id='{key}'><caption><span class='caption-number'>Table 1 </span>"
            f"</caption></table>{link}</article>")
    found(check.unmentioned({"book/a.html": BeautifulSoup(page, "html.parser")}), "a.html:1", says)
    other = f"<article>{NUMREF.format('a.html#tab-a')}</article>"
    pages = {"book/a.html": BeautifulSoup(page.replace(key, "tab-a"), "html.parser"),
             "book/b.html": BeautifulSoup(other, "html.parser")}
    none(check.unmentioned(pages))


# ------------------------------------------------------------------ the room that draws


def drawn():
    """A figure as a chapter makes it."""
    fig, ax = figures.new(2)
    ax.bar(["<a>", "b"], [1, 2])
    table = pd.DataFrame({"name": ["<a>", "b & c"], "value": [1.0, float("nan")]})
    return figures.show(fig, alt=ALT, source="data/chips.csv", data=table).svg


def test_a_figure_carries_its_text_and_table():
    """Text and table are inside the drawing, and leave it without a trace."""
    svg = drawn()
    note = drawings.note(svg)
    assert note["alt"] == ALT
    assert (note["columns"], note["rows"]) == (["name", "value"], [["<a>", "1"], ["b & c", ""]])
    bare = drawings.strip_note(svg)
    assert drawings.note(bare) == {} and "metadata id" not in bare
    none(check.svg(bare, "figure"))


def test_a_figure_is_the_same_each_time():
    """The same data give the same bytes."""
    assert drawn() == drawn()


def test_dark_variant_exchanges_the_palette():
    """No colour of the light palette is left on a dark page."""
    bare = drawings.strip_note(drawn())
    dark = drawings.darken(bare)
    assert dark != bare
    left = [name for name, (light, other) in figures.PALETTE.items()
            if light in dark and light not in {d for _, d in figures.PALETTE.values()}]
    assert not left, f"figures.PALETTE: {left} are left light on dark pages"


@pytest.mark.parametrize(
    ("options", "says"),
    [({"alt": "Bar chart", "source": "data/chips.csv"}, "alt is too short"),
     ({"alt": ALT, "source": "me"}, "source is too short")],
)
def test_a_figure_without_text_planted(options, says):
    """A figure without text or source is refused when it is made."""
    fig, _ = figures.new(2)
    with pytest.raises(ValueError, match=says):
        figures.show(fig, **options)


def luminance(colour):
    """Relative luminance of a colour, after WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one, other):
    """Contrast of two colours, after WCAG 2."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize("name", ["ink", "muted", "blue", "orange", "green", "purple", "red"])
def test_palette_can_be_read(name, mode):
    """Each colour in which text is set stands out from its page."""
    paper = figures.PALETTE["paper"][mode]
    ratio = contrast(figures.PALETTE[name][mode], paper)
    assert ratio >= 4.5, f"figures.PALETTE: '{name}' has a contrast of {ratio:.1f}: 4.5 is needed"


def test_palette_can_be_read_planted():
    """A pale colour is seen: its contrast is too low."""
    assert contrast("#cccccc", "#ffffff") < 4.5 < contrast("#000000", "#ffffff") <= 21.01


def test_a_range_is_seen_by_its_edge():
    """A range is drawn with an edge in its full colour, however pale its inside."""
    fig, ax = figures.new(2)
    figures.span(ax, 1, 3, 0, figures.BLUE, height=0.4)
    (band,) = ax.patches
    assert band.get_edgecolor()[3] == 1 and band.get_linewidth() > 0.5
    assert band.get_extents().transformed(ax.transData.inverted()).bounds == pytest.approx((1, -0.2, 2, 0.4))


@pytest.mark.parametrize(("top", "written"), [(60_000, "40,000"), (2026, "2026"), (1, "1")])
def test_axes_write_thousands_as_the_prose_does(top, written):
    """Large numbers on an axis carry a comma; years and small numbers stay as they are."""
    fig, ax = figures.new(2)
    ax.set_xlim(0, top)
    ax.set_xticks([{60_000: 40_000}.get(top, top)])
    figures.show(fig, alt=ALT, source="data/chips.csv")
    assert [label.get_text() for label in ax.get_xticklabels()] == [written]
