"""The search: what a reader types is found, at its very place, by mouse or keyboard, offline."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter

import pytest
from bs4 import BeautifulSoup
from checks import found, none
from checks import site as check

INDEX = "_static/search-index.js"
MOST = 420 * 1024  # bytes over the wire, and only for those who search
#: what is typed -> a place that must be among the first three
WANTED = {
    "MLA": "glossary.html#term-MLA",
    "27x": "ledger.html#claim-r1-twenty-seven-times-cheaper",
    "27 times": "ledger.html#claim-r1-twenty-seven-times-cheaper",
    "H20": "glossary.html#term-H20",
    "latent attention": "glossary.html#term-MLA",
    "multi-head latent attention": "glossary.html#term-MLA",
    "Huang": "who-and-what.html#name-jensen-huang",
    "Dilan Patel": "who-and-what.html#name-dylan-patel",
    "DeepSeak": "who-and-what.html#name-deepseek",
    "Nvdia": "who-and-what.html#name-nvidia",
    "671B": "ledger.html#claim-v3-total-parameters",
    "reinforcement learning from human feedback": "glossary.html#term-RLHF",
    "what jevons saw": "demand.html#what-jevons-saw",
    "turning point in the history of technology": "ledger.html#claim-deepseek-moment-remembered",
    "0:27:07": "ledger.html#claim-v3-active-parameters",
    "27:07": "ledger.html#claim-v3-active-parameters",
    "jens": "who-and-what.html#name-jensen-huang",
}


@pytest.fixture(scope="module")
def index(site) -> dict:
    """What the search looks through."""
    text = (site / INDEX).read_text(encoding="utf-8")
    return json.loads(text[text.index("{"):].rstrip().rstrip(";"))


def places(index) -> list[tuple[str, str, str]]:
    """Kind, page and anchor of all that is found."""
    return [(index["kinds"][row[0]], index["pages"][row[1]][0], row[2]) for row in index["docs"]]


# ------------------------------------------------------------------ what is looked through


def lost(index, kind, page, anchors):
    """Places of one kind that the search does not know."""
    known = {(k, p, a) for k, p, a in places(index)}
    return [f"{page}: '{anchor}' is not in the search: look at guide.sphinx_ext.places"
            for anchor in anchors if (kind, page, anchor) not in known]


def test_everything_is_looked_through(index, own, claims):
    """Each claim, term, source, section, figure and table of the book can be found."""
    problems = lost(index, "Claim", "book/ledger.html", [f"claim-{c.id}" for c in claims])
    problems += lost(index, "Term", "book/glossary.html",
                     [t["id"] for t in own["book/glossary.html"].select("dl.glossary dt[id]")])
    problems += lost(index, "Source", "book/bibliography.html",
                     [t["id"] for t in own["book/bibliography.html"].select("div.citation[id]")])
    for name, page in own.items():
        article = page.find("article")
        for kind, css in (("Text", "section[id]"), ("Figure", "figure[id]"),
                          ("Table", "table[id]")):
            problems += lost(index, kind, name, [t["id"] for t in article.select(css)])
    none(problems)


def test_everything_is_looked_through_planted(index, claims):
    """A claim that the search does not know is seen."""
    bare = index | {"docs": [r for r in index["docs"] if r[2] != f"claim-{claims[0].id}"]}
    found(lost(bare, "Claim", "book/ledger.html", [f"claim-{claims[0].id}"]), claims[0].id)


def test_results_lead_somewhere(index, pages, files):
    """Each result names a page and a place on it that exist, and no place twice."""
    links = "".join(f"<a href='{page}#{anchor}'>x</a>" for _, page, anchor in places(index))
    soup = BeautifulSoup(links, "html.parser")
    none(check.dead_links(pages | {"search.html": soup}, files))
    none(f"{page}: '{anchor}' stands {n} times in the search"
         for (_, page, anchor), n in Counter(places(index)).items() if n > 1)


def test_the_index_is_light(site):
    """The index weighs what a figure or two do."""
    none(heavy((site / INDEX).read_bytes()))


def heavy(raw: bytes) -> list[str]:
    """Say so when the index has grown too large."""
    size = len(gzip.compress(raw, 9))
    return [f"{INDEX}:1: {size:,} bytes over the wire, at most {MOST:,}: look through less"
            ] if size > MOST else []


def test_the_index_is_light_planted():
    """An index beyond the bound is seen."""
    found(heavy(random.Random(1).randbytes(MOST + 1)), INDEX)


def test_no_page_carries_it(pages, files):
    """No page loads the index before it is asked, and Sphinx's own search is gone."""
    none(early(pages))
    none(f"{name}: nothing uses it: leave it out" for name in files
         if name.endswith(("searchindex.js", "searchtools.js", "language_data.js")))


def early(pages) -> list[str]:
    """Find pages that load what only a search needs."""
    return [f"{name}:{tag.sourceline}: loads {tag['src']}: search.js does, when it is wanted"
            for name, page in pages.items() for tag in page.select("script[src]")
            if any(word in tag["src"] for word in ("search-index", "searchindex", "minisearch",
                                                   "searchtools", "language_data"))]


def test_no_page_carries_it_planted():
    """A page that loads the index at once is seen."""
    page = BeautifulSoup("<script src='_static/search-index.js'></script>", "html.parser")
    found(early({"a.html": page}), "a.html:1")


# ------------------------------------------------------------------ asking it


@pytest.fixture(scope="module")
def reader(browser, site):
    """A page of the book with its search open, read from the folder."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.goto((site / "book/models.html").as_uri())
    page.keyboard.press("Control+k")
    page.wait_for_selector("#pst-search-dialog[open] .search-hint")
    yield page
    page.close()


def ask(page, query: str, within: str = "#pst-search-dialog") -> list[str]:
    """Type a query, and return where its results lead."""
    page.locator(f"{within} input").fill(query)
    page.wait_for_function(
        "([css, query]) => document.querySelector(`${css} .search-results`).dataset.answers"
        " === query", arg=[within, query])
    return [a.get_attribute("href").split("/")[-1] for a in page.locator(f"{within} a.hit").all()]


def rank(hits: list[str], wanted: str) -> int:
    """Place of a result, from one; nought when it is not there."""
    return hits.index(wanted) + 1 if wanted in hits else 0


@pytest.mark.parametrize(("query", "wanted"), WANTED.items())
def test_what_is_typed_is_found(reader, query, wanted):
    """Words, acronyms, numbers, names, misspelt ones, times: the right place is on top."""
    hits = ask(reader, query)
    assert 1 <= rank(hits, wanted) <= 3, f"'{query}' finds {hits[:3]}, not {wanted}"


def test_what_is_typed_is_found_planted(reader):
    """What is not in the book is not found, and the reader is told."""
    assert rank(ask(reader, "MLA"), "glossary.html#term-nowhere") == 0
    assert ask(reader, "xylophonist zugzwang") == []
    assert "Nothing was found" in reader.locator("#pst-search-dialog .search-status").inner_text()


def test_a_result_says_what_it_is(reader):
    """A result tells chapter and section, kind and verdict, and marks what was found."""
    ask(reader, "27x")
    first = reader.locator("#pst-search-dialog a.hit").first
    for part in (".hit-kind", ".hit-where", ".hit-title", "mark", ".verdict"):
        assert first.locator(part).first.inner_text().strip(), f"no {part} in the first result"
    assert first.locator(".hit-kind").inner_text() == "Claim"
    assert "›" in first.locator(".hit-where").inner_text()
    assert "27" in "".join(first.locator("mark").all_inner_texts())
    assert reader.faults == []


def test_keyboard_alone(browser, site):
    """The search is opened, walked and followed without a pointer; Escape leaves it."""
    page = browser.new_page()
    page.goto((site / "book/models.html").as_uri())
    page.keyboard.press("Control+k")
    page.wait_for_selector("#pst-search-dialog[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#pst-search-dialog[open]", state="detached")
    page.keyboard.press("Control+k")
    page.keyboard.type("Jensen Huang")
    page.wait_for_selector("#pst-search-dialog a.hit")
    page.wait_for_function("document.querySelector('#pst-search-dialog .search-results')"
                           ".dataset.answers === 'Jensen Huang'")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/who-and-what.html#name-jensen-huang")
    page.close()


def test_a_result_on_the_same_page_closes_the_search(browser, site):
    """A result on the page that is open leads there, and the search gives way."""
    page = browser.new_page()
    page.goto((site / "book/glossary.html").as_uri())
    page.keyboard.press("Control+k")
    ask(page, "RLHF")
    page.keyboard.press("Enter")
    page.wait_for_url("**/glossary.html#term-RLHF")
    page.wait_for_selector("#pst-search-dialog[open]", state="detached")
    page.close()


def test_nothing_is_loaded_before(browser, site):
    """Library and index come when the search is opened, and come from the book's own folder."""
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "book/models.html").as_uri())
    page.wait_for_load_state("load")
    assert not [url for url in asked if "search-index" in url or "minisearch" in url]
    page.keyboard.press("Control+k")
    ask(page, "MLA")
    assert [url for url in asked if "search-index" in url]
    assert not [url for url in asked if not url.startswith(("file:", "data:"))], asked
    page.close()


def test_the_search_page(browser, site):
    """The page of its own answers the question in its address."""
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto((site / "search.html").as_uri() + "?q=H20")
    page.wait_for_selector(".search-page a.hit")
    first = page.locator(".search-page a.hit").first.get_attribute("href")
    assert first.endswith("book/glossary.html#term-H20")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()


def test_without_scripts(browser, site):
    """Without JavaScript the search page shows other ways in, and no field that does nothing."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "search.html").as_uri())
    shown = page.locator("article").inner_text()
    assert "JavaScript" in shown and "glossary" in shown and "contents" in shown
    assert not page.locator("article form.bd-search").is_visible()
    context.close()
