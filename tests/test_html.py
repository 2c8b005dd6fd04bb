"""The built site: whole, linked, readable without a network, and in order."""

from __future__ import annotations

import random

import pytest
from bs4 import BeautifulSoup
from checks import found, none
from checks import site as check

LIGHT = 250_000  # bytes over the wire


def soup(html):
    """Read a piece of a page."""
    return BeautifulSoup(html, "html.parser")


def test_all_pages_are_built(contents, html):
    """Each page of the contents is in the site."""
    none(f"_toc.yml:1: '{name}' is in the contents and not in the site: run 'make book'"
         for name in contents if f"{name}.html" not in html)


def test_nothing_is_left_of_a_broken_build(html, pages):
    """No page shows an error, an object's address or a role that was not read."""
    none(p for name, page in pages.items() for p in check.leftovers(html[name], page, name))


@pytest.mark.parametrize(
    ("piece", "says"),
    [
        ("<span class='problematic'>{claim}`x`</span>", "{claim}`x`"),
        ("<aside class='system-message'>Unknown role</aside>", "Unknown role"),
        ("<pre>Traceback (most recent call last):</pre>", "a traceback"),
        ("<p>&lt;pandas.io.Styler at 0x7f00aa11&gt;</p>", "address of an object"),
        ("<p>&lt;matplotlib.axes.Axes object at 0x7f00aa11&gt;</p>", "address of an object"),
        ("<p>As {glue:text}`x` says</p>", "unread role"),
    ],
)
def test_nothing_is_left_of_a_broken_build_planted(piece, says):
    """Each thing that a broken build leaves is seen, with its line."""
    text = f"<html>\n<body>{piece}</body></html>"
    found(check.leftovers(text, soup(text), "a.html"), "a.html:2", says)


def test_no_page_asks_another_host(pages):
    """A page loads nothing from elsewhere: the book is read offline."""
    none(p for name, page in pages.items() for p in check.foreign_requests(page, name))


@pytest.mark.parametrize(
    "piece",
    [
        "<script src='https://cdn.org/a.js'></script>",
        "<script src='//cdn.org/a.js'></script>",
        "<link rel='stylesheet' href='https://fonts.org/a.css'>",
        "<link rel='preload' href='https://fonts.org/a.woff2'>",
        "<link rel='icon' href='https://a.org/a.ico'>",
        "<img src='https://a.org/a.png'>",
        "<img src='a.png' srcset='https://a.org/a.png 2x'>",
        "<iframe src='https://www.youtube.com/embed/x'></iframe>",
        "<video poster='https://a.org/a.png'></video>",
        "<object data='https://a.org/a.svg'></object>",
        "<svg><use xlink:href='https://a.org/a.svg#a'/></svg>",
        "<style>@import 'https://a.org/a.css';</style>",
        "<p style='background: url(https://a.org/a.png)'>a</p>",
        "<script>fetch('https://a.org/a.json')</script>",
        "<script>import('https://a.org/a.js')</script>",
        "<script>x.open('GET', 'https://a.org')</script>",
        "<script>s.src = 'https://a.org/a.js'</script>",
        "<meta http-equiv='refresh' content='0; url=https://a.org'>",
    ],
)
def test_no_page_asks_another_host_planted(piece):
    """Each way of asking another host is seen."""
    found(check.foreign_requests(soup(f"\n{piece}"), "a.html"), "a.html")


def test_links_to_elsewhere_are_no_requests():
    """A link that waits for a click, and a name of a namespace, may stand."""
    none(check.foreign_requests(soup(
        "<a href='https://a.org'>a</a><svg xmlns='http://www.w3.org/2000/svg'></svg>"
        "<link rel='canonical' href='https://a.org'><img src='../a.png'>"
        "<script>const home = 'https://a.org'</script>"), "a.html"))


def test_no_style_or_script_asks_another_host(root, site, files):
    """The style sheets of the site, and the book's own scripts, load nothing from elsewhere."""
    ours = {f"_static/{path.name}" for path in (root / "book/_static").glob("*.js")}
    read = {name: (site / name).read_text(encoding="utf-8", errors="replace") for name in files
            if name.endswith(".css") or name in ours}
    assert ours | {"_static/guide.css"} <= set(read), "book/_static is not built in"
    none(p for name, text in read.items() if name.endswith(".css")
         for p in check.foreign_in_css(text, name))
    none(p for name, text in read.items() if name.endswith(".js")
         for p in check.foreign_in_script(text, name))


def test_no_style_or_script_asks_another_host_planted():
    """A font and a request from elsewhere are seen, with their line."""
    css = "a {}\n@font-face { src: url('https://a.org/a.woff2'); }"
    found(check.foreign_in_css(css, "a.css"), "a.css:2", "https://a.org/a.woff2")
    none(check.foreign_in_css("@import 'b.css'; a { background: url(data:image/png,x) }", "a.css"))
    script = "\nnavigator.sendBeacon('//a.org')"
    found(check.foreign_in_script(script, "a.js"), "a.js:2", "//a.org")


def test_both_dark_palettes_are_one(site):
    """The dark that a reader chooses looks as the dark that the system asks for."""
    none(check.palettes_differ((site / "_static/guide.css").read_text(encoding="utf-8")))


def test_both_dark_palettes_are_one_planted(site):
    """A colour changed in one of the two is seen."""
    css = (site / "_static/guide.css").read_text(encoding="utf-8")
    found(check.palettes_differ(css.replace("--ink: #e8ecf1", "--ink: #ffffff", 1)),
          "guide.css", "--ink", "make both alike")


def test_chapters_are_light(own, chapters, site):
    """A chapter weighs no more than a good photograph, its own pictures and fonts aside."""
    names = [path.replace(".md", ".html") for path in chapters]
    none(p for name in names for p in check.weight(own[name], name, site, LIGHT))


def test_chapters_are_light_planted(tmp_path):
    """A script that weighs too much is named."""
    (tmp_path / "book").mkdir()
    page = "<script src='../icons.js?digest=1'></script>"
    (tmp_path / "book/a.html").write_text(page)
    (tmp_path / "icons.js").write_bytes(random.Random(1).randbytes(LIGHT))
    found(check.weight(soup(page), "book/a.html", tmp_path, LIGHT), "book/a.html", "icons.js")
    none(check.weight(soup(""), "book/a.html", tmp_path, LIGHT))


def test_no_script_is_given_twice(pages):
    """A constant declared twice stops its script, with an error in the reader's console."""
    none(p for name, page in pages.items() for p in check.declared_twice(page, name))


def test_no_script_is_given_twice_planted():
    """The second declaration is seen, with its line."""
    page = soup("<script>const a = 1</script>\n<script>const b = 2; const a = 3</script>")
    found(check.declared_twice(page, "a.html"), "a.html:2", "a is declared twice")


def test_nothing_starts_a_kernel_elsewhere(pages):
    """The theme knows a service that runs cells: no button may call it."""
    none(
        f"{name}:{tag.sourceline}: '{tag.get('onclick')}' asks another host: take the button away"
        for name, page in pages.items()
        for tag in page.select("[onclick*=initThebe], .thebe-launch-button, [data-thebe-auto]")
    )


def test_links_lead_somewhere(pages, files):
    """Each link within the site names a file, and a place in it that exists."""
    none(check.dead_links(pages, files))


@pytest.mark.parametrize(
    ("link", "says"),
    [
        ("<a href='c.html'>c</a>", "leads to no file"),
        ("<a href='../a.html#gone'>a</a>", "names no place in a.html"),
        ("<a href='#gone'>here</a>", "names no place in book/b.html"),
        ("<img src='c.png'>", "leads to no file"),
        ("<script src='../_static/c.js?v=1'></script>", "leads to no file"),
        ("<a href='/x.html'>x</a>", "leads to no file"),
    ],
)
def test_links_lead_somewhere_planted(link, says):
    """A link to no file and one to no place are seen; sound ones are not."""
    good = ("<p id='b'>b</p><a href='#b'>b</a><a href='#'>top</a><a href='../a.html#a'>a</a>"
            "<a href='https://a.org'>a</a><a href='mailto:a@a.org'>a</a><a href=''>here</a>"
            "<img src='../_images/c%20d.png?v=2'><a href='data:text/csv,a'>a</a>")
    files = ["a.html", "book/b.html", "_images/c d.png"]
    pages = {"a.html": soup("<p id='a'>a</p>"), "book/b.html": soup(good)}
    none(check.dead_links(pages, files))
    pages["book/b.html"] = soup(good + link)
    found(check.dead_links(pages, files), "book/b.html:1", says)


def test_ids_are_unique(pages):
    """No id occurs twice in a page, so that each link has one end."""
    none(p for name, page in pages.items() for p in check.repeated_ids(page, name))


def test_ids_are_unique_planted():
    """An id that occurs twice is seen."""
    found(check.repeated_ids(soup("<p id='a'></p><p id='a'></p>"), "a.html"), "'a' occurs 2 times")


def test_headings_are_in_order(own):
    """Each page has one title, and no level of heading is skipped."""
    none(p for name, page in own.items() for p in check.headings(page.find("article"), name))


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ("<h1>A</h1><h3>B</h3>", "'B' skips a level"),
        ("<h2>A</h2>", "exactly one title"),
        ("<h1>A</h1><h1>B</h1>", "exactly one title"),
    ],
)
def test_headings_are_in_order_planted(html, says):
    """A level that is skipped, no title and two titles are seen."""
    found(check.headings(soup(html), "a.html"), says)
    none(check.headings(soup("<h1>A</h1><h2>B</h2><h3>C</h3><h2>D</h2>"), "a.html"))


def test_each_claim_has_its_place(own, claims):
    """The ledger page has an anchor for each claim, where the cards and the notes lead."""
    none(missing_claims(own["book/ledger.html"], claims))


def missing_claims(page, claims):
    """Claims without an anchor."""
    ids = check.ids_of(page)
    return [
        f"data/claims.csv:{line}: '{c.id}' has no place in book/ledger.html: list its chapter"
        for line, c in enumerate(claims, 2) if f"claim-{c.id}" not in ids
    ]


def test_each_claim_has_its_place_planted(claims):
    """A claim that the ledger page leaves out is seen."""
    page = soup("".join(f"<p id='claim-{c.id}'></p>" for c in claims[1:]))
    found(missing_claims(page, claims), "claims.csv:2", claims[0].id)


def test_formulas_are_mathml(pages):
    """Formulas are set when the site is built, by no script."""
    none(p for name, page in pages.items() for p in check.mathematics(page, name))


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ("<span class='math'>\\(a\\)</span>", "not MathML"),
        ("<script src='MathJax.js'></script>", "a script sets formulas"),
        ("<script>window.MathJax = {}</script>", "a script sets formulas"),
    ],
)
def test_formulas_are_mathml_planted(html, says):
    """A formula left as TeX and a script that sets it are seen."""
    found(check.mathematics(soup(html), "a.html"), "a.html:1", says)


def test_language_and_title(pages):
    """Each page says its language and has a title; the page that only sends on has neither."""
    whole = {name: page for name, page in pages.items() if name != "index.html"}
    none(p for name, page in whole.items() for p in check.basics(page, name))
    none(check.same_titles({name: page.title.get_text() for name, page in whole.items()}))


def test_language_and_title_planted():
    """A page without language or title, and two of one title, are seen."""
    bare = soup("<html><body></body></html>")
    found(check.basics(bare, "a.html"), "no lang")
    found(check.basics(bare, "a.html"), "no <title>")
    found(check.same_titles({"a.html": "A", "b.html": "A"}), "b.html", "that of a.html")


def test_the_first_page_leads_in(pages, contents):
    """Whoever opens the site comes to its first page."""
    meta = pages["index.html"].find("meta", attrs={"http-equiv": True})
    assert meta and f"url={contents[0]}.html" in meta["content"], (
        "index.html does not lead to the first page: look at 'root' in _toc.yml"
    )


def test_exercises_keep_their_solutions(own, chapters):
    """Each exercise of a chapter is on its page, with its solution folded under it."""
    from checks.reading import read

    problems = []
    for path, text in chapters.items():
        page = own[path.replace(".md", ".html")]
        for d in read(text).directives:
            if d.name == "exercise":
                name = d.options.get("name", "")
                for css, what in ((f"div.exercise#{name}", "exercise"),
                                  (f"details.solution#solution-{name}", "solution")):
                    if page.select_one(css) is None:
                        problems.append(f"{path}:{d.line}: the {what} '{name}' is not in the page")
    none(problems)
