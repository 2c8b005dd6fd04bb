"""What holds for the PDF."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from .house import MACHINE

_LEFT = {  # what must not stand in print, and what to do
    re.compile(r"\?\?"): "mend the reference",
    re.compile(r"at 0x[0-9a-f]{6,}"): "show the object with tables.show or figures.show",
    re.compile(r"\{(?:claim|cite|numref|glue)\b"): "mend the role",
    re.compile(r"\w+[′″]\w*"): "Typst makes a prime of ' behind a digit: hand it ’",
    MACHINE: "write a path from the root of the project",
}
_QUOTES = str.maketrans("‘’“”–—", "''\"\"--")


def squeeze(text: str) -> str:
    """Text for comparing: no spaces and no hyphens, ligatures taken apart, quotes straight."""
    text = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    return re.sub(r"[\s\u00ad\u200b\u2060\u2010-]+", "", text)


def missing_in_pdf(wanted: Iterable[str], text: str, what: str) -> list[str]:
    """Find what should stand in the PDF and does not."""
    have = squeeze(text)
    return [f"PDF: {what} '{item}' is missing: look at guide.sphinx_ext.printing"
            for item in wanted if squeeze(item) not in have]


def pdf_text(pages: Iterable[str]) -> list[str]:
    """Find what a broken reference leaves in print, paths of a machine, false apostrophes."""
    problems = []
    for no, text in enumerate(pages, 1):
        for pattern, remedy in _LEFT.items():
            for found in dict.fromkeys(m[0] for m in pattern.finditer(text)):
                problems.append(f"PDF page {no}: '{found}' is printed: {remedy}")
    return problems


def glyphs_missing(texts: Mapping[str, str], have: Iterable[int]) -> list[str]:
    """Find letters that none of the shipped fonts can draw; ``have`` are the codes that they can."""
    have = set(have) | {0x0A, 0x0D, 0x09, 0xA0}
    return [
        f"{name}:{no}: no font has '{letter}' (U+{ord(letter):04X}): write it otherwise, or ship a "
        "font that has it"
        for name, text in texts.items()
        if not text.isascii()
        for no, line in enumerate(text.splitlines(), 1)
        for letter in dict.fromkeys(line) if ord(letter) not in have
    ]


def cut_off(raw: bytes, name: str) -> list[str]:
    """Find a PDF or a package that ends too early."""
    if name.endswith(".pdf"):
        whole = raw.startswith(b"%PDF-") and raw.rstrip().endswith(b"%%EOF")
    else:
        whole = raw.startswith(b"PK\x03\x04") and b"PK\x05\x06" in raw[-66_000:]
    return [] if whole else [f"{name}: is cut off: run 'make book'"]


def pdf_form(reader) -> list[str]:
    """Check that a PDF is tagged, says its language and title, and claims PDF/UA-1."""
    root = reader.trailer["/Root"]
    problems = []
    if not (root.get("/MarkInfo") or {}).get("/Marked"):
        problems.append("PDF: not marked as tagged (MarkInfo)")
    if "/StructTreeRoot" not in root:
        problems.append("PDF: no structure tree: it cannot be read aloud")
    if not str(root.get("/Lang", "")).startswith("en"):
        problems.append("PDF: no language: set 'lang' in guide/print/template.typ")
    if not (reader.metadata and reader.metadata.title):
        problems.append("PDF: no title: set it in guide/print/template.typ")
    if not (root.get("/ViewerPreferences") or {}).get("/DisplayDocTitle"):
        problems.append("PDF: readers will show the file name and not the title")
    xmp = root["/Metadata"].get_data().decode("utf-8", "replace") if "/Metadata" in root else ""
    if not re.search(r"<pdfuaid:part>1</pdfuaid:part>|pdfuaid:part=\"1\"", xmp):
        problems.append("PDF: does not claim PDF/UA-1: compile with pdf_standards=['ua-1']")
    return problems


def fonts_missing(reader) -> list[str]:
    """Find fonts that the PDF names and does not hold."""
    problems = set()
    for page in reader.pages:
        fonts = (page.get("/Resources") or {}).get("/Font") or {}
        for entry in fonts.get_object().values() if hasattr(fonts, "get_object") else ():
            font = entry.get_object()
            inner = font.get("/DescendantFonts", [font])[0].get_object()
            held = inner.get("/FontDescriptor")
            held = held.get_object() if held is not None else {}
            if font.get("/Subtype") != "/Type3" and not {
                "/FontFile", "/FontFile2", "/FontFile3"
            } & set(held):
                problems.add(f"PDF: {font.get('/BaseFont')} is not embedded: ship it")
    return sorted(problems)


def bookmarks(reader) -> list[str]:
    """Titles of all bookmarks of a PDF."""
    def walk(outline):
        for item in outline:
            if isinstance(item, list):
                yield from walk(item)
            else:
                yield item.title
    return list(walk(reader.outline))


_NUMBERED = r"(Figure|Table)\s(\d+(?:\.\d+)?)"


def references(pages: Sequence[str]) -> list[str]:
    """Check that a reference to a figure or table gives the page on which its caption stands."""
    captions: dict[tuple[str, str], int] = {}
    for number, text in enumerate(pages, 1):
        for match in re.finditer(rf"(?m)^{_NUMBERED}\.\s", text):
            captions.setdefault(match.groups(), number)
    return [
        f"PDF page {number}: '{kind} {which}' is said to be on page {said} and is on "
        f"{captions[kind, which]}: see that its place goes into its caption (guide.export.settled)"
        for number, text in enumerate(pages, 1)
        for kind, which, said in re.findall(rf"{_NUMBERED}\s\(p\.\s?(\d+)\)", text)
        if captions.get((kind, which), int(said)) != int(said)
    ] or ([] if captions else ["no caption was found in the PDF: has their form changed?"])
