"""Previews: what a link leads to is shown beside it, on hover, focus and tap, within the window."""

from __future__ import annotations

import json
import posixpath
import zlib

import pytest
from bs4 import BeautifulSoup
from checks import found, none

CHAPTER = "book/efficiency.html"
HEAVY = 16 * 1024


def cards(page, name, site):
    """Cards of a page by the address that they stand for, wherever they are kept."""
    template = page.select_one("template#previews")
    if template is None:
        return {}
    inner = template.decode_contents()  # the words of a template count as no text of the page
    if "data-apart" in template.attrs:
        file = site / posixpath.normpath(
            posixpath.join(posixpath.dirname(name), template["data-apart"]))
        text = file.read_text(encoding="utf-8")
        inner = json.loads(text[text.index('"'):].rstrip().rstrip(";"))
    found = {}
    for card in BeautifulSoup(inner, "html.parser").select("[data-for]"):
        found.setdefault(card["data-for"], []).append(card)
    return found


def links(page):
    """Addresses that a page's text links to within the book, beyond the page itself."""
    return {a["href"] for a in page.select("article.bd-article a[href]")
            if ".html" in a["href"] and ":" not in a["href"] and not a["href"].startswith("#")
            and not a.find_parent(class_="toctree-wrapper")
            and not a.find_parent(class_="tableofcontents-wrapper")}


def without(page, kept, name):
    """Links that have no card, cards that no link wants, and cards that stand twice."""
    wanted = links(page)
    return (
        [f"{name}: '{href}' has no preview: look at guide.sphinx_ext.places"
         for href in sorted(wanted - set(kept)) if href.rpartition("/")[2].partition("#")[0]]
        + [f"{name}: no link wants the preview of '{href}'" for href in sorted(set(kept) - wanted)]
        + [f"{name}: the preview of '{href}' stands {len(found)} times"
           for href, found in kept.items() if len(found) > 1]
    )


def test_links_have_previews(own, site):
    """Each link to a claim, term, source, figure, table or section has one card, and only one."""
    none(p for name, page in own.items() for p in without(page, cards(page, name, site), name))


def test_links_have_previews_planted():
    """A link without a card, a card without a link and a card given twice are seen."""
    page = BeautifulSoup("<article class='bd-article'><a href='b.html#c'>c</a></article>",
                         "html.parser")
    found(without(page, {}, "a.html"), "'b.html#c' has no preview")
    found(without(page, {"b.html#c": [1], "d.html": [1]}, "a.html"), "'d.html'")
    found(without(page, {"b.html#c": [1, 1]}, "a.html"), "2 times")


def test_cards_say_something(own, site, claims):
    """A card has words; that of a claim has its verdict, its speaker and how it was checked."""
    none(p for name, page in own.items() for p in silent(cards(page, name, site), name))


def silent(kept, name):
    """Cards without words, or of a claim without its parts."""
    problems = []
    for href, (card, *_) in kept.items():
        parts = [".verdict", ".preview-who", ".preview-statement", ".preview-check"]
        if not card.get_text().strip():
            problems.append(f"{name}: the preview of '{href}' is empty")
        if card["data-kind"] == "claim":
            problems += [f"{name}: the preview of '{href}' lacks {part}" for part in parts
                         if not (card.select_one(part) and card.select_one(part).get_text())]
    return problems


def test_cards_say_something_planted():
    """An empty card, and one of a claim without a verdict, are seen."""
    soup = BeautifulSoup("<div data-kind='term'></div><div data-kind='claim'><p>a</p></div>",
                         "html.parser")
    term, claim = soup.select("div")
    found(silent({"a": [term]}, "a.html"), "is empty")
    found(silent({"a": [claim]}, "a.html"), "lacks .verdict")


def test_cards_are_light(own):
    """No page carries more for its cards than a small picture weighs."""
    none(p for name, page in own.items() for p in heavy(page, name))


def heavy(page, name):
    """Say so when a page carries too much."""
    template = page.select_one("template#previews")
    size = len(zlib.compress(str(template or "").encode()))
    return [f"{name}: its previews weigh {size:,} bytes over the wire: keep them apart"
            ] if size > HEAVY + 512 else []


def test_cards_are_light_planted():
    """A page with too many cards is seen."""
    text = "".join(f"<p>{i * 7919 % 104729:x}{i * i:x}</p>" for i in range(9000))
    page = BeautifulSoup(f"<template id='previews'>{text}</template>", "html.parser")
    found(heavy(page, "a.html"), "over the wire")


# ------------------------------------------------------------------ in a browser


@pytest.fixture()
def page(browser, site):
    """A chapter, read from its folder, with a pointer."""
    # a test adds styles, which the page's own policy would forbid
    page = browser.new_page(viewport={"width": 1200, "height": 800}, bypass_csp=True)
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.goto((site / CHAPTER).as_uri())
    yield page
    assert page.faults == []
    page.close()


def bring(page, css):
    """Bring a link to the middle of the window."""
    link = page.locator(f"article {css}").first
    link.evaluate("e => scrollTo({top: e.getBoundingClientRect().top + scrollY - innerHeight / 2,"
                  " behavior: 'instant'})")
    return link


def inside(page):
    """Whether the whole card is within the window."""
    return page.locator("#preview").evaluate(
        "e => { const r = e.getBoundingClientRect(); return r.left >= 0 && r.top >= 0"
        " && r.right <= innerWidth && r.bottom <= innerHeight; }")


@pytest.mark.parametrize(
    ("css", "says"),
    [
        ("a.claim-link", "Evidence in the ledger"),
        ("a[href*='glossary.html']", "In the glossary"),
        ("a[href*='bibliography.html']", "In the bibliography"),
        ("p a[href^='#fig-']", "Go to the figure"),
        ("p a[href^='#tab-']", "Go to the table"),
        ("p a[href$='training-cost.html']", "Go there"),
    ],
)
def test_each_kind_has_its_card(page, css, says):
    """Hover shows the card of a claim, a term, a source, a figure, a table, a chapter."""
    page.add_style_tag(content="article figure { margin-top: 900px !important }"
                               " article table { margin-top: 900px !important }")
    bring(page, css).hover()
    page.wait_for_selector("#preview")
    assert says in page.locator("#preview").inner_text()
    assert inside(page), "the card leaves the window"


def test_the_pointer_may_enter_the_card(page):
    """The card stays while the pointer is in it, and goes when it has left."""
    bring(page, "a.claim-link").hover()
    page.locator("#preview .preview-more").hover()
    page.wait_for_timeout(500)
    assert page.locator("#preview").is_visible()
    page.mouse.move(2, 2)
    page.wait_for_selector("#preview", state="detached")


def test_keyboard(page):
    """Focus shows the card, Tab goes into it, Escape closes it and gives the link back."""
    link = bring(page, "a.claim-link")
    link.focus()
    page.wait_for_selector("#preview")
    assert link.get_attribute("aria-describedby") == "preview"
    page.keyboard.press("Tab")
    assert page.evaluate("document.getElementById('preview').contains(document.activeElement)")
    page.keyboard.press("Escape")
    assert page.locator("#preview").count() == 0
    assert page.evaluate("document.activeElement.matches('a.claim-link')")
    assert link.get_attribute("aria-describedby") is None


def test_touch(browser, site):
    """On a phone the first tap shows the card, the second follows the link."""
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True,
                                  is_mobile=True)
    page = context.new_page()
    page.goto((site / CHAPTER).as_uri())
    link = bring(page, "a.claim-link")
    link.tap()
    page.wait_for_selector("#preview")
    assert inside(page), "the card leaves the window"
    assert page.url.endswith("efficiency.html")
    link.tap()
    page.wait_for_url("**/ledger.html#claim-*")
    context.close()


def test_the_long_lists_load_theirs_when_asked(browser, site):
    """A page that keeps its cards apart shows them all the same."""
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "book/ledger.html").as_uri())
    assert not [url for url in asked if "previews/" in url]
    bring(page, "a[href*='bibliography.html']").hover()
    page.wait_for_selector("#preview")
    assert [url for url in asked if "previews/ledger.js" in url]
    page.close()


def test_an_acronym_says_its_words(page, site):
    """An acronym without an entry in the glossary can be reached by the keyboard too."""
    page.goto((site / "book/power.html").as_uri())
    short = bring(page, "abbr[tabindex]")
    words = short.get_attribute("title")
    short.focus()
    page.wait_for_selector("#preview")
    assert words in page.locator("#preview").inner_text()
    assert short.get_attribute("title") == "", "the browser's own tip says it a second time"
    page.keyboard.press("Escape")
    assert short.get_attribute("title") == words


def test_without_scripts(browser, site):
    """Without JavaScript a claim is a link to its entry, and nothing is in the way."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / CHAPTER).as_uri())
    page.locator("article a.claim-link").first.click()
    page.wait_for_url("**/ledger.html#claim-*")
    context.close()
