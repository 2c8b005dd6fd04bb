"""The printed book: whole, tagged, and the same each time it is set."""

from __future__ import annotations

import re

import pytest
from checks import found, none
from checks import paper as check
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject

from guide import build, export

PAGES = 60  # fewer, and something was lost on the way


def test_chapters_are_there(titles, pdf):
    """Each page of the contents is in the PDF, and a bookmark leads to it."""
    none(check.missing_in_pdf(titles, pdf.text, "chapter"))
    none(check.missing_in_pdf(titles, "\n".join(check.bookmarks(pdf.reader)), "bookmark"))


def test_figures_and_tables_are_there(numbered, pdf):
    """Each figure and table of the site is in the PDF, with number and caption."""
    assert numbered, "the site has no numbered figure: run 'make book'"
    none(check.missing_in_pdf(numbered, pdf.text, "figure or table"))


def test_claims_are_there(claims, pdf):
    """Each claim of the ledger is in the PDF."""
    none(check.missing_in_pdf([c.statement[:40] for c in claims], pdf.text, "claim"))


def test_what_is_missing_planted():
    """A title and a figure that print has lost are seen; breaks and ligatures do not matter."""
    text = "1 How is it ar\u00ad\ngued\nFigure 2.1. The \ufb01nding"
    none(check.missing_in_pdf(["How is it argued", "Figure 2.1. The finding"], text, "title"))
    found(check.missing_in_pdf(["Figure 2.2. The finding"], text, "figure"), "figure 'Figure 2.2.")


def test_nothing_is_left_of_a_broken_build(pdf):
    """No page shows a lost reference, a role, or a path of the machine that set it."""
    none(check.pdf_text(pdf.texts))
    inside = pdf.raw.decode("latin-1")
    xmp = pdf.reader.trailer["/Root"]["/Metadata"].get_data().decode()
    none(f"PDF: holds the path '{m[0]}': write no path into it"
         for text in (inside, xmp, str(pdf.reader.metadata)) for m in check.MACHINE.finditer(text))


@pytest.mark.parametrize(
    "text",
    ["see Figure ??", "in /wo" "rk/main/book", "<Styler at 0x7f00aa11>", "{claim}`x`",
     "/ho" "me/me/book.typ", "R1\u2032s reasoning"],
)
def test_nothing_is_left_of_a_broken_build_planted(text):
    """Each thing that a broken build leaves is seen, with its page."""
    found(check.pdf_text(["a sound page", text]), "PDF page 2")


def test_form(pdf):
    """The PDF is tagged, says language and title, and claims PDF/UA-1."""
    none(check.pdf_form(pdf.reader))
    none(check.fonts_missing(pdf.reader))
    n = len(pdf.reader.pages)
    assert n >= PAGES, f"the PDF has {n} pages: at least {PAGES} are wanted"


@pytest.fixture()
def bare(tmp_path):
    """A PDF that has nothing of what ours must have."""
    writer = PdfWriter()
    page = writer.add_blank_page(100, 100)
    font = DictionaryObject({
        NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1"),
        NameObject("/BaseFont"): NameObject("/Helvetica"),
    })
    page[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})})
    writer.write(tmp_path / "bare.pdf")
    return PdfReader(tmp_path / "bare.pdf")


@pytest.mark.parametrize(
    "says", ["not marked", "no structure tree", "no language", "no title", "file name", "PDF/UA-1"]
)
def test_form_planted(bare, says):
    """A PDF without tags, language, title or claim of conformance is seen."""
    found(check.pdf_form(bare), says)


def test_fonts_planted(bare):
    """A font that is named and not embedded is seen."""
    found(check.fonts_missing(bare), "/Helvetica is not embedded")


def test_links_lead_to_the_web_or_into_the_book(pdf):
    """No link of the PDF opens a file of the reader's machine."""
    none(bad_links(pdf.reader))


def bad_links(reader):
    """Links that lead neither into the book nor to the web."""
    problems = []
    for no, page in enumerate(reader.pages, 1):
        for entry in page.get("/Annots") or ():
            action = entry.get_object().get("/A")
            uri = action.get_object().get("/URI") if action is not None else None
            if uri is not None and not re.match(r"https?://[\w.-]+\.\w+", str(uri)):
                problems.append(f"PDF page {no}: link to '{uri}': give a whole address")
    return problems


def test_links_planted(tmp_path):
    """A link to a file is seen."""
    source = tmp_path / "a.typ"
    links = '#link("file:a.html")[a] #link("https://a.org")[b]'
    source.write_text(f'#set document(title: "A")\n{links}')
    export.compile_pdf(source, tmp_path / "a.pdf")
    found(bad_links(PdfReader(tmp_path / "a.pdf")), "page 1", "file:a.html")
    assert len(bad_links(PdfReader(tmp_path / "a.pdf"))) == 1


def test_the_same_bytes_each_time(pdf, tmp_path):
    """Setting the book again gives the PDF that is there, byte by byte."""
    export.compile_pdf(build.PRINT / "book.typ", tmp_path / "again.pdf")
    assert (tmp_path / "again.pdf").read_bytes() == pdf.raw, (
        "book/guide/export.py: the PDF differs from one run to the next, or was made from another "
        "book.typ: run 'make book', and look for a date or a random name"
    )


def test_the_same_bytes_each_time_planted(tmp_path):
    """A changed word gives other bytes: equality means something."""
    for name, word in (("a", "one"), ("b", "two")):
        (tmp_path / f"{name}.typ").write_text(f'#set document(title: "A", date: none)\n{word}')
        export.compile_pdf(tmp_path / f"{name}.typ", tmp_path / f"{name}.pdf")
    assert (tmp_path / "a.pdf").read_bytes() != (tmp_path / "b.pdf").read_bytes()


# ------------------------------------------------------------------ a PDF that cannot be set

HEAD = '#set document(title: "A")\n#set text(font: "Source Serif 4", lang: "en")\n'


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("A glyph that no font has: \u5317", "\u5317"),
        ('#image("a.svg")', "alt"),
        ("#link(<gone>)[there]", "gone"),
    ],
)
def test_a_bad_page_keeps_the_good_book_planted(tmp_path, body, says):
    """A missing glyph, text or target stops the export, and the PDF that stood before stays."""
    svg = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
    (tmp_path / "a.svg").write_text(svg)
    source, target = tmp_path / "a.typ", tmp_path / "pdf" / "a.pdf"
    source.write_text(HEAD + "A good page.", encoding="utf-8")
    export.compile_pdf(source, target)
    good = target.read_bytes()
    source.write_text(HEAD + body, encoding="utf-8")
    with pytest.raises(export.ExportError, match=r"(?s)a\.typ") as caught:
        export.compile_pdf(source, target)
    assert says in str(caught.value)
    assert target.read_bytes() == good
    assert [p.name for p in target.parent.iterdir()] == ["a.pdf"], "half a PDF is left behind"


def test_export_before_build_planted(tmp_path):
    """Without the book in print form the export says what to run."""
    with pytest.raises(export.ExportError, match="make book"):
        export.write_typst(tmp_path, {})


def test_references_give_the_page_of_the_figure(pdf):
    """Whoever follows a page number finds the figure there, wherever it came to lie."""
    none(check.references(pdf.texts))


def test_references_give_the_page_of_the_figure_planted():
    """A reference that is a page off is seen."""
    pages = ["see Figure 1.2 (p. 3) and Table 4 (p. 2)", "Table 4. Sums.", "Figure 1.2. A chart."]
    none(check.references(pages))
    found(check.references([pages[0].replace("p. 3", "p. 2"), *pages[1:]]), "PDF page 1", "Figure 1.2",
          "is on 3")
    found(check.references(["no caption"]), "no caption was found")


def test_index_marks_the_first_mention():
    """A term is marked once in a section, its longest spelling first, and not inside code."""
    def words(*parts):
        return {"t": "Para", "c": [{"t": "Str", "c": p} for p in parts]}

    terms = {"experts": "experts", "mixture of experts": "mixture of experts"}
    head = {"t": "Header", "c": [3, ["", [], []], [{"t": "Str", "c": "experts"}]]}
    blocks = [words("a mixture of experts", "experts and experts"), head, words("experts"),
              {"t": "CodeBlock", "c": [["", [], []], "experts"]}]
    marked = export.index_marks(blocks, terms)
    text = str(marked)
    assert text.count('#idx("mixture of experts")') == 1
    assert text.count('#idx("experts")') == 2, "once in each section"
    assert marked[1] == head and marked[3] == blocks[3]


def test_index_leads_to_the_sections_that_say_most():
    """A name that stands everywhere leads to the sections that name it most often, in their order."""
    def section(title, *parts):
        return [{"t": "Header", "c": [3, [title, [], []], [{"t": "Str", "c": title}]]},
                {"t": "Para", "c": [{"t": "Str", "c": p} for p in parts]}]

    blocks = [*section("one", "chips"), *section("two", "chips", "and chips", "chips"),
              *section("three", "chips"), *section("four", "chips", "chips")]
    marked = export.index_marks(blocks, {"chips": "chips"}, most=2)
    where = [i // 2 for i, block in enumerate(marked) if "#idx" in str(block)]
    assert where == [1, 3], "the second and the fourth section say most"
    assert str(marked).count("#idx") == 2, "each section is marked once"


def test_template_is_filled():
    """No place for a title or a date is left open in the template."""
    text = export.fill_template((export.PRINT / "template.typ").read_text(encoding="utf-8"))
    assert not re.findall(r"@[A-Z]+@", text)
    assert export.TITLE in text
