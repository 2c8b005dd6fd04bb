"""Each kind of page looks as it did: on screens of three widths, light and dark, and on paper.

The pictures stand in ``shots/``. ``make shots`` takes them anew, when a change was meant.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from checks import found, none, pictures
from PIL import Image, ImageDraw, ImageFilter

from guide import build

SHOTS = Path(__file__).with_name("shots")
SHOWN = build.BUILD / "visual"
RENEW = os.environ.get("SHOTS") == "renew"
MOST = 6_000_000  # bytes of all pictures together
WIDTHS = {"desktop": (1280, 900), "tablet": (820, 1000), "phone": (390, 844)}
THEMES = ("light", "dark")

#: name -> page of the site, and the place that comes to the top of the window
PAGES = {
    "landing": ("book/intro.html", None),
    "chapter-top": ("book/training-cost.html", None),
    "chapter-figure": ("book/efficiency.html", "#fig-balance"),
    "chapter-code": ("book/lab-memory.html", ".cell_input:not(.hide .cell_input)"),
    "quiz": ("book/training-cost.html", "#test-yourself"),
    "cards": ("book/training-cost.html", "#cards"),
    "map": ("book/episode.html", "#fig-map"),
    "ledger": ("book/ledger.html", "#the-claims-chapter-by-chapter"),
    "timeline": ("book/timeline.html", None),
    "glossary": ("book/glossary.html", None),
    "who-and-what": ("book/who-and-what.html", None),
    "search": ("search.html", None),
}

#: name -> bookmark of the PDF, or nothing for its start, and pages from there
PAPER = {
    "cover": (None, 0), "contents": (None, 2),
    "part": ("Chips and states", 0), "opener": ("What five million dollars bought", 0),
    "figure": ("What five million dollars bought", 1), "map": ("The whole conversation", 2),
    "claims": ("Two models and a name", 7), "ledger": ("The claim ledger", 5),
    "timeline": ("Timeline", 2), "answers": ("Answers", 0), "index": ("Index", 0),
}


def judge(picture: Image.Image, name: str) -> list[str]:
    """Compare a picture with the stored one, or store it when all are taken anew."""
    if RENEW:
        pictures.store(picture, SHOTS / f"{name}.png")
        return []
    return pictures.differs(picture, SHOTS / f"{name}.png", SHOWN / f"{name}.png")


@pytest.mark.parametrize("name", PAGES)
def test_pages(browser, site, name):
    """A page of this kind looks as it did, at each width, light and dark."""
    path, place = PAGES[name]
    page = browser.new_page(reduced_motion="reduce", color_scheme="light")
    problems = []
    try:
        page.goto((site / path).as_uri())
        page.evaluate("document.querySelectorAll('img').forEach((i) => { i.loading = 'eager'; })")
        page.evaluate("document.fonts.ready")
        for screen, (wide, high) in WIDTHS.items():
            page.set_viewport_size({"width": wide, "height": high})
            for theme in THEMES:
                page.evaluate("""(theme) => {
                    document.documentElement.dataset.theme = theme;
                    document.documentElement.dataset.mode = theme;
                }""", theme)
                if place:
                    page.locator(place).first.evaluate("(e) => e.scrollIntoView()")
                page.wait_for_timeout(120)
                raw = page.screenshot(animations="disabled", caret="hide")
                problems += judge(Image.open(io.BytesIO(raw)), f"{name}-{screen}-{theme}")
    finally:
        page.close()
    none(problems)


def scrolls_sideways(page, address: str) -> list[str]:
    """Say so if a page is wider than a phone."""
    page.goto(address)
    page.wait_for_timeout(100)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [f"{address.rpartition('/')[2]}: {wide} pixels stick out on a phone: let the widest thing "
            "scroll by itself"] if wide > 0 else []


def test_no_page_scrolls_sideways(browser, site, contents, tmp_path):
    """On a phone every page keeps within the screen, and a page that does not is seen."""
    page = browser.new_page(viewport={"width": WIDTHS["phone"][0], "height": WIDTHS["phone"][1]})
    try:
        none(p for name in (*contents, "search")
             for p in scrolls_sideways(page, (site / f"{name}.html").as_uri()))
        wide = tmp_path / "wide.html"
        wide.write_text("<meta name=viewport content='width=device-width'><p style='width:500px'>a")
        found(scrolls_sideways(page, wide.as_uri()), "wide.html", "on a phone")
    finally:
        page.close()


@pytest.fixture(scope="module")
def paper():
    """The PDF with its bookmarks, ready to be drawn."""
    import pypdfium2

    if not build.PDF.is_file():
        pytest.fail("the PDF is not built: run 'make book' first", pytrace=False)
    return pypdfium2.PdfDocument(build.PDF)


def place_of(paper, bookmark: str) -> int:
    """Page that a bookmark leads to, its number left aside."""
    for item in paper.get_toc():
        if item.get_title().partition("\u2002")[2] == bookmark or item.get_title() == bookmark:
            return item.get_dest().get_index()
    return -1


@pytest.mark.parametrize("name", PAPER)
def test_paper(paper, name):
    """A printed page of this kind looks as it did."""
    bookmark, further = PAPER[name]
    first = place_of(paper, bookmark) if bookmark else 0
    assert first >= 0, f"the PDF has no bookmark '{bookmark}': choose another page for '{name}'"
    picture = paper[first + further].render(scale=1.6).to_pil()
    none(judge(picture, f"paper-{name}"))


def test_pictures_are_small():
    """All pictures together stay small enough to be kept with the book."""
    weight = sum(p.stat().st_size for p in SHOTS.glob("*.png"))
    assert weight < MOST, f"tests/visual/shots holds {weight:,} bytes: take fewer or smaller pictures"


def test_no_picture_is_left_over():
    """Each stored picture is still compared with something."""
    known = {f"{n}-{s}-{t}" for n in PAGES for s in WIDTHS for t in THEMES}
    known |= {f"paper-{n}" for n in PAPER}
    none(f"tests/visual/shots/{p.name}: nothing is compared with it: delete it"
         for p in sorted(SHOTS.glob("*.png")) if p.stem not in known)


# ------------------------------------------------------------------ the comparison itself


def sketch(shift: int = 0, words: int = 40) -> Image.Image:
    """A picture that resembles a page: lines of words, and a box."""
    page = Image.new("RGB", (800, 600), "#fefefe")
    pen = ImageDraw.Draw(page)
    for line in range(words):
        pen.text((60, 20 + 14 * line), "five hours of talk, and what came of them " * 2, fill="#1c2530")
    pen.rectangle((500 + shift, 100, 700 + shift, 260), fill="#0a68a8")
    return page


@pytest.fixture()
def kept(tmp_path):
    """The sketch as a stored picture."""
    pictures.store(sketch(), tmp_path / "a.png")
    return tmp_path / "a.png"


def test_smoothing_is_no_change(kept, tmp_path):
    """Letters that are smoothed a little otherwise, and colours a shade off, are let pass."""
    none(pictures.differs(sketch(), kept, tmp_path / "d.png"))
    none(pictures.differs(sketch().filter(ImageFilter.GaussianBlur(0.45)), kept, tmp_path / "d.png"))
    shade = sketch().point(lambda v: max(0, v - 4))
    none(pictures.differs(shade, kept, tmp_path / "d.png"))
    assert not (tmp_path / "d.png").exists()


@pytest.mark.parametrize(
    "picture",
    [sketch(shift=16), sketch(words=39), sketch().crop((0, 0, 800, 598)), sketch().rotate(180),
     sketch().point(lambda v: 255 - v)],
    ids=["a block moved", "a line lost", "shorter", "upside down", "dark"],
)
def test_changes_planted(kept, tmp_path, picture):
    """A block that moved, a line that is lost and the like are seen, and drawn."""
    shown = tmp_path / "visual" / "a.png"
    found(pictures.differs(picture, kept, shown), "a: ", "visual/a.png", "make shots")
    with Image.open(shown) as drawn:
        assert drawn.width > 2 * 400, "then, now, and where"


def test_no_picture_planted(tmp_path):
    """Where there is nothing to compare with, the message says what to do."""
    found(pictures.differs(sketch(), tmp_path / "none.png", tmp_path / "d.png"),
          "none.png", "make shots")
