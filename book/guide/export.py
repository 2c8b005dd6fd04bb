"""From the built book to the PDF: pandoc writes Typst, Typst sets the pages.

Input is what the ``print`` builder left: ``book.json`` and ``images/``. No TeX, no browser.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
from pathlib import Path

PRINT = Path(__file__).with_name("print")
FONTS = Path(__file__).with_name("fonts")
TITLE = "The DeepSeek Moment"
SUBTITLE = "A study guide to five hours on cheap intelligence, chips and states"
UNINDEXED = "Apparatus"  # the part that the index leaves out
AUTHOR = "The DeepSeek Moment authors"
#: Date of the edition. Fixed, so that one commit always gives the same bytes.
EDITION = dt.date(2026, 11, 21)


class ExportError(RuntimeError):
    """The PDF cannot be made; the message says what to mend."""


def fill_template(template: str) -> str:
    """Put title and date into the Typst template."""
    values = {
        "TITLE": TITLE, "SUBTITLE": SUBTITLE, "AUTHOR": AUTHOR,
        "YEAR": str(EDITION.year), "MONTH": str(EDITION.month), "DAY": str(EDITION.day),
        "EDITION": f"{EDITION.day} {EDITION:%B} {EDITION.year}",
    }
    for key, value in values.items():
        template = template.replace(f"@{key}@", value)
    return template


def index_marks(blocks: list, terms: dict[str, str]) -> list:
    """Mark where the terms of the index stand: the first place in each section.

    Parameters
    ----------
    blocks : list
        Pandoc blocks of the book.
    terms : dict
        Spelling in the text -> entry in the index.

    Returns
    -------
    list
        The blocks with a mark behind each first mention.
    """
    if not terms:
        return blocks
    # the longest spelling first, so that 'mixture of experts' is not read as 'experts'
    ordered = sorted(terms, key=len, reverse=True)
    pattern = re.compile(
        r"(?<![\w-])(" + "|".join(re.escape(t) for t in ordered) + r")(?![\w-])"
    )
    seen: set[str] = set()

    def walk(node):
        if isinstance(node, list):
            out = []
            for item in node:
                out.append(walk(item))
                if isinstance(item, dict) and item.get("t") == "Str":
                    for match in pattern.finditer(item["c"]):
                        entry = terms[match.group(1)]
                        if entry not in seen:
                            seen.add(entry)
                            out.append({"t": "RawInline",
                                        "c": ["typst", f"#idx({json.dumps(entry, ensure_ascii=False)})"]})
            return out
        if isinstance(node, dict):
            kind = node.get("t")
            if kind == "Header":
                seen.clear()
                return node
            # no marks in what is no running text
            if kind in ("Code", "CodeBlock", "RawBlock", "RawInline", "Image", "Link", "Table",
                        "Figure", "Math"):
                return node
            if kind == "Span":
                return {"t": "Span", "c": [node["c"][0], walk(node["c"][1])]}
            return {key: walk(value) for key, value in node.items()}
        return node

    # the apparatus has an order of its own and needs no index
    end = next((i for i, b in enumerate(blocks)
                if b.get("t") == "RawBlock" and b["c"][1] == f'#part("{UNINDEXED}")'), len(blocks))
    return walk(blocks[:end]) + blocks[end:]


def write_typst(folder: Path, terms: dict[str, str]) -> Path:
    """Write ``book.typ`` from ``book.json``.

    Parameters
    ----------
    folder : Path
        Where the ``print`` builder left the book.
    terms : dict
        Spelling in the text -> entry in the index.

    Returns
    -------
    Path
        The Typst file.

    Raises
    ------
    ExportError
        If the book has not been built for print.
    """
    import pypandoc

    source = folder / "book.json"
    if not source.is_file():
        raise ExportError("the book is not built for print yet: run 'make pdf'")
    book = json.loads(source.read_text(encoding="utf-8"))
    book["blocks"] = index_marks(book["blocks"], terms)
    body = pypandoc.convert_text(
        json.dumps(book, ensure_ascii=False),
        "typst-smart",  # quotes and apostrophes stay as written: Typst would take some for primes
        format="json",
        extra_args=["--wrap=none"],
    )
    template = fill_template((PRINT / "template.typ").read_text(encoding="utf-8"))
    tail = "\n#heading(level: 2)[Index]\n#quiet(make-index())\n" if terms else ""
    shutil.copyfile(PRINT / "cover.svg", folder / "cover.svg")
    target = folder / "book.typ"
    target.write_text(template + "\n" + body + tail, encoding="utf-8")
    return target


def compile_pdf(source: Path, target: Path) -> None:
    """Set the pages; the target is replaced only by a whole, accessible PDF.

    Raises
    ------
    ExportError
        If Typst refuses: a missing alternative text or glyph, a broken reference.
    """
    import typst

    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_suffix(".part")
    half.unlink(missing_ok=True)
    try:
        typst.compile(
            str(source), output=str(half), format="pdf", font_paths=[str(FONTS)],
            ignore_system_fonts=True, pdf_standards=["ua-1"],
        )
    except typst.TypstError as error:
        half.unlink(missing_ok=True)
        hints = " ".join(str(h) for h in getattr(error, "hints", []) or [])
        raise ExportError(
            f"Typst cannot set the book: {error}\n{getattr(error, 'trace', '') or ''}\n{hints}\n"
            f"Look at the place in {source.name}; the fault is in the chapter it came from."
        ) from None
    os.replace(half, target)
