"""The first page, the heads of chapters, the map of the talk, the tools of the ledger."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup
from checks import found, none
from docutils import nodes

from guide import data, ledger
from guide.sphinx_ext import apparatus, landing, reading

# ------------------------------------------------------------------ the first page


def soup(html):
    """Read a piece of a page."""
    return BeautifulSoup(html, "html.parser")


def landing_lacks(page, pages):
    """What the first page must have and has not; ``pages`` are all of the contents."""
    problems = []
    for css, what in ((".hero h1", "the book's title"), (".hero-promise p", "its promise"),
                      (".hero a.hero-go", "a way in"), (".hero img.hero-art", "its picture"),
                      (".differences p", "what makes it different"), ("h2.landing-title", "its own title")):
        if page.select_one(css) is None:
            problems.append(f"book/intro.html:1: {what} is missing: look at {{landing}} in book/intro.md")
    ways = page.select("ul.paths > li")
    if len(ways) != len(data.rows("paths")):
        problems.append(f"book/intro.html:1: {len(ways)} ways through: see data/paths.csv")
    problems += [f"book/intro.html:1: way '{way.get_text()[:20]}' says no time: see data/paths.csv"
                 for way in ways if not re.search(r"\d+ (?:minutes|hours?)", way.get_text())]
    linked = {a["href"].partition("#")[0].rpartition("/")[2] for a in page.select("ol.parts a")}
    problems += [f"book/intro.html:1: {name} is in no part of the list" for name in pages
                 if name.rpartition("/")[2] + ".html" not in linked]
    return problems


def test_the_first_page_invites(own, contents):
    """Title, promise, picture, three ways with their times, and every page of the book."""
    none(landing_lacks(own["book/intro.html"], contents[1:]))


def test_the_first_page_invites_planted(own, contents):
    """A page without title, one way fewer and a page that no part lists are seen."""
    text = str(own["book/intro.html"])
    for css, says in ((".hero h1", "title"), ("ul.paths > li", "ways through"),
                      (".reading-time", "says no time"), ("ol.parts li", "is in no part")):
        page = soup(text)
        page.select_one(css).decompose()
        found(landing_lacks(page, contents[1:]), says)


def test_one_artwork(site):
    """The picture of the first page is cut from the cover; no second one is drawn."""
    drawn = (site / landing.ARTWORK).read_text(encoding="utf-8")
    cover = landing.ART.read_text(encoding="utf-8")
    shapes = re.findall(r'd="[^"]+"', cover)
    assert len(shapes) > 10 and all(shape in drawn for shape in shapes), (
        f"{landing.ARTWORK} is not the cover of guide/print/cover.svg: run 'make book'")
    sides = [len(re.findall("M", d)) for d in re.findall(r'stroke-linejoin="round" d="([^"]+)"', cover)]
    assert sum(sides) == 256 and sides[-1] == 8, "the cover shows the experts of V3: 256, of which 8 work"


# ------------------------------------------------------------------ times


def test_words_are_counted_apart():
    """Text counts as text; code and marks do not count; claims and exercises count apart."""
    tree = nodes.section("", nodes.paragraph("", "one two three"), nodes.literal_block("", "a = 1"),
                         apparatus.exercise("", nodes.paragraph("", "four five")),
                         apparatus.claim_entry("", nodes.paragraph("", "six")))
    assert reading.count(tree) == (3, 3)


def env(words):
    """An environment in which these pages have been counted."""
    return SimpleNamespace(guide_words=words)


def test_a_way_is_the_sum_of_its_steps(monkeypatch):
    """The time of a way is that of its pages and sections, and nothing typed."""
    tables = {"paths": ({"id": "a", "title": "A", "low": 2, "high": 4},),
              "path_steps": ({"id": "a-1", "path": "a", "page": "x", "sections": None},
                             {"id": "a-2", "path": "a", "page": "y", "sections": "s;t"}),
              "chapters": ()}
    monkeypatch.setattr(reading.data, "rows", lambda name: tables[name])
    monkeypatch.setattr(reading.data, "row", lambda name, key: tables[name][0])
    pace = reading.WORDS_PER_MINUTE
    counted = {"book/x": {"": (pace, 9 * pace)},
               "book/y": {"": (9 * pace, 0), "s": (pace, 0), "t": (pace, 0)}}
    assert reading.path_minutes(env(counted), "a") == 3
    with pytest.raises(data.DataError, match="takes 5 minutes, and promises 2 to 4"):
        reading.path_minutes(env(counted | {"book/x": {"": (3 * pace, 0)}}), "a")
    with pytest.raises(data.DataError, match=r"has no section \['t'\]"):
        reading.path_minutes(env(counted | {"book/y": {"s": (pace, 0)}}), "a")


@pytest.mark.parametrize(("number", "said"), [
    (1, "1 minutes"), (20, "20 minutes"), (99, "99 minutes"), (120, "2 hours"),
    (142, "2 hours 20 minutes"), (178, "3 hours"),
])
def test_times_as_they_are_said(number, said):
    """Minutes to the minute, hours to five minutes."""
    assert reading.spoken(number) == said


# ------------------------------------------------------------------ heads of chapters


def heads_lack(own, chapters):
    """What the heads of chapters lack: facts, and the strip with the chapter's sections."""
    problems = []
    for path in chapters:
        name = path.replace(".md", ".html")
        head = own[name].select_one(".chapter-head")
        said = [fact.get_text() for fact in head.select(".fact")]
        chapter = path.rpartition("/")[2].removesuffix(".md")
        cells = [own_cell for *_, own_cell in apparatus.strip(chapter)]
        if not any("to read" in fact for fact in said):
            problems.append(f"{name}:1: the head does not say how long the chapter takes")
        drawn = ["own" in rect["class"] for rect in head.select(".episode-strip rect")]
        if any(cells) and (drawn != cells or not any("of the talk" in fact for fact in said)):
            problems.append(f"{name}:1: the strip or the minutes of the talk are not those of "
                            "data/outline.csv")
    return problems


def test_heads_of_chapters(own, chapters):
    """Each head says what the chapter takes, and where in the talk it sits."""
    none(heads_lack(own, chapters))


@pytest.mark.parametrize("css", [".fact", ".episode-strip rect.own"])
def test_heads_of_chapters_planted(own, css):
    """A head without its time, and one without a cell of the strip, are seen."""
    page = soup(str(own["book/training-cost.html"]))
    page.select_one(css).decompose()
    found(heads_lack({"book/training-cost.html": page}, ["book/training-cost.md"]),
          "training-cost.html")


# ------------------------------------------------------------------ the map of the talk


def map_lacks(page, claims):
    """Claims of the talk that the map does not lead to, by its picture and by its table."""
    drawn = {a["href"].partition("#")[2] for a in page.select(".figure-spots a")}
    listed = {a["href"].partition("#")[2] for a in page.select("#tab-sections a.claim-mark")}
    first = ledger.seconds(data.rows("outline")[0]["start"])
    problems = []
    for claim in claims:
        if claim.start is None:
            continue
        if f"claim-{claim.id}" not in drawn:
            problems.append(f"book/episode.html:1: '{claim.id}' is not on the map")
        if ledger.seconds(claim.start) >= first and f"claim-{claim.id}" not in listed:
            problems.append(f"book/episode.html:1: '{claim.id}' is not in the table of sections")
    problems += [f"book/episode.html:1: section {row['number']} is no place of the map"
                 for row in data.rows("outline") if f"section-{row['number']}" not in drawn]
    return problems


def test_the_map_leads_to_every_claim(own, claims):
    """Each claim of the talk is a mark of the picture and a link of the table."""
    none(map_lacks(own["book/episode.html"], claims))


@pytest.mark.parametrize("css", [".figure-spots a", "#tab-sections a.claim-mark"])
def test_the_map_leads_to_every_claim_planted(own, claims, css):
    """A mark that is lost is seen."""
    page = soup(str(own["book/episode.html"]))
    page.select(css)[-1].decompose()
    assert map_lacks(page, claims)


def test_marks_say_what_they_are(own):
    """A mark names its verdict, since neither colour nor shape is heard."""
    marks = own["book/episode.html"].select("a.claim-mark")
    bad = [m for m in marks if not any(v in m.get("aria-label", "") for v in ledger.VERDICTS)]
    assert marks and not bad, "book/episode.html: a mark of the map does not say its verdict"


# ------------------------------------------------------------------ the ledger


def untold(page, claims):
    """Entries of the ledger that do not say what the tools ask for."""
    problems = []
    tested = {row["claim"] for row in data.rows("measurements")}
    for claim in claims:
        entry = page.find(id=f"claim-{claim.id}")
        meta, stamp = entry.select_one(".entry-meta"), entry.select_one(".entry-meta .stamp")
        second = re.search(r"[?&]t=(\d+)", stamp["href"])[1] if stamp else None
        told = {key: entry.get(key) for key in ("data-verdict", "data-speaker", "data-measured")} | {
            "kind": meta.get_text().split(" · ")[-1], "start": second,
            "chapter": entry.parent["id"].removeprefix("ledger-")}
        wanted = {"data-verdict": claim.verdict, "kind": claim.kind, "chapter": claim.chapter,
                  "data-speaker": "notes" if claim.from_notes else claim.speaker,
                  "start": str(ledger.seconds(claim.start)) if claim.start else None,
                  "data-measured": "" if claim.id in tested else None}
        wrong = [key for key, value in wanted.items() if told[key] != value]
        if wrong:
            problems.append(f"book/ledger.html:{entry.sourceline}: '{claim.id}' has other {wrong} than "
                            "data/claims.csv: run 'make book'")
    return problems


def test_entries_say_what_the_tools_ask_for(own, claims):
    """Each entry says verdict, kind, chapter, speaker and second, where the tools read them."""
    none(untold(own["book/ledger.html"], claims))


def test_entries_say_what_the_tools_ask_for_planted(own, claims):
    """An entry with another verdict is seen."""
    page = soup(str(own["book/ledger.html"]))
    page.find(id=f"claim-{claims[0].id}")["data-verdict"] = "none"
    found(untold(page, claims[:1]), claims[0].id, "data-verdict")


def test_without_scripts_the_ledger_is_a_list(own, claims):
    """The tools are hidden until their script runs, and every entry is in the page."""
    page = own["book/ledger.html"]
    assert page.select_one("form.ledger-tools").has_attr("hidden")
    assert len(page.select(".claim-entry[data-verdict]")) == len(claims)
    assert not page.select(".claim-entry[hidden]")


_WHOLE = re.compile(r"(?:html|body|:root|\.bd-(?:main|content|article(?:-container)?))(?:\.[\w-]+)*:has\(")


def looking_through(css):
    """Rules that ask what stands anywhere in the page, so that each change has all of it styled anew."""
    return [f"_static/book.css: '{m[0]}...': ask for a class instead" for m in _WHOLE.finditer(css)]


def test_no_rule_looks_through_the_whole_page(site):
    """No rule depends on whether something is anywhere in the page."""
    none(looking_through((site / "_static/book.css").read_text(encoding="utf-8")))


def test_no_rule_looks_through_the_whole_page_planted():
    """Such a rule is seen; one about a link or a figure is not."""
    found(looking_through("a:has(> abbr){} .bd-article:has(.hero) p{}"), ".bd-article:has(")
    none(looking_through(".bd-article a:has(> abbr){} .bd-article figure:has(i){}"))
