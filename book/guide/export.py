"""From the resolved book to the PDF: pandoc writes Typst, Typst sets the pages.

Input is what the ``print`` builder left: ``book.json`` and ``images/``. No TeX, no browser.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import pandoc

PRINT = Path(__file__).with_name("print")
FONTS = Path(__file__).with_name("fonts")
TITLE = "The DeepSeek Moment"
SUBTITLE = "A study guide to five hours on cheap intelligence, chips and states"
UNINDEXED = "Apparatus"  # the part that the index leaves out
UNPARTED = 12  # rows of a table that is not worth parting
MOST_PLACES = 10  # to which an entry of the index leads; nobody looks up a hundred
AUTHOR = "The DeepSeek Moment authors"
LANGUAGE = "en-GB"
RIGHTS = "Text, figures and data: Creative Commons Attribution 4.0. Code: MIT."
DESCRIPTION = (
    "A study guide to Lex Fridman Podcast no. 459, in which Dylan Patel and Nathan Lambert explain "
    "DeepSeek, China, export controls, chip factories and megaclusters. Every claim has a row in a "
    "ledger with speaker, timestamp, evidence and verdict; what can be measured is measured."
)
#: Date of the edition. Fixed, so that one commit always gives the same bytes.
EDITION = dt.date(2026, 11, 29)


class ExportError(RuntimeError):
    """The PDF cannot be made; the message says what to mend."""


def fill_template(template: str) -> str:
    """Put title and date into the Typst template."""
    values = {
        "TITLE": TITLE, "SUBTITLE": SUBTITLE, "AUTHOR": AUTHOR,
        "YEAR": str(EDITION.year), "MONTH": str(EDITION.month), "DAY": str(EDITION.day),
        "EDITION": f"{EDITION.day} {EDITION:%B} {EDITION.year}",
        "LICENCES": RIGHTS,
    }
    template = template.replace("@COVER@", (PRINT / "cover.typ").read_text(encoding="utf-8"))
    for key, value in values.items():
        template = template.replace(f"@{key}@", value)
    return template


def typst_string(text: str) -> str:
    """Quote text as a Typst string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def call(name: str, *keys: str, **others: str) -> Callable[[dict[str, str]], str]:
    """Make the opening of a Typst function from the attributes of a ``Div``.

    Parameters
    ----------
    name : str
        The function, defined in ``print/template.typ``.
    *keys : str
        Attributes that it takes as strings; ``to`` is passed as a label.
    **others : str
        Named arguments: name in the function -> attribute.
    """
    def opening(pairs: dict[str, str]) -> str:
        given = [f"<{pairs[k]}>" if k == "to" else typst_string(pairs[k]) for k in keys]
        given += [f"{k}: {typst_string(pairs[v])}" for k, v in others.items()]
        return f"#{name}" + (f"({', '.join(given)})" if given else "") + "["
    return opening


def _chapter_head(pairs: dict[str, str]) -> str:
    cells = "".join('({}, {}, "{}", "{}"), '.format(*cell.split(":"))
                    for cell in pairs["cells"].split())
    return f"#chapterhead(total: {pairs['total']}, part: {typst_string(pairs['part'])}, cells: ({cells}))["


#: Kind of a ``Div`` -> its opening in Typst; ``None`` leaves only what is inside.
TYPST: dict[str, Callable[[dict[str, str]], str] | None] = {
    "cell": None,
    "small": call("small"),
    "together": call("together"),
    "answers-at": call("answersat"),
    "callout": call("callout", title="title", kind="kind"),
    "chapter-head": _chapter_head,
    "sentence": call("sentence"),
    "claim-entry": call("claimentry", "mark", "verdict"),
    "claim-line": call("claimline", "mark", "verdict", "to"),
    "exercise": call("exercise", "number", "title", "level", "to"),
    "answer": call("answer", "number", "title", "to"),
    "reference": call("reference"),
    "key": call("key", "title", "to"),
}


def read_book(folder: Path) -> list:
    """Read the resolved book, its answers gathered behind the chapters.

    Parameters
    ----------
    folder : Path
        Where the ``print`` builder left the book.

    Returns
    -------
    list
        Pandoc blocks.

    Raises
    ------
    ExportError
        If the book has not been built for print.
    """
    return gather_answers(read_chapters(folder))


def read_chapters(folder: Path) -> list:
    """Read the resolved book with each answer under its exercise; see :func:`read_book`."""
    source = folder / "book.json"
    if not source.is_file():
        raise ExportError("the book is not resolved yet: run 'make book'")
    return json.loads(source.read_text(encoding="utf-8"))["blocks"]


def pieces(blocks: list, level: int) -> list[list]:
    """Cut blocks before each heading of this level or above."""
    out: list[list] = []
    for block in blocks:
        if not out or (block["t"] == "Header" and block["c"][0] <= level):
            out.append([])
        out[-1].append(block)
    return out


def gather_answers(blocks: list) -> list:
    """Move the answers to an appendix of their own, chapter by chapter."""
    kept, answers, title, known = [], [], "", None
    for block in blocks:
        if block["t"] == "Header" and block["c"][0] == 2:
            title = pandoc.plain(block["c"][2]).partition("\u2002")
            title = title[2] or title[0]
        if pandoc.kind(block) not in ("answer", "key"):
            kept.append(block)
            continue
        if known != title:
            known = title
            answers.append(_header(3, title, f"answers-{len(answers)}"))
        answers.append(block)
    if answers:
        kept += [_header(2, "Answers", "answers"), *answers]
    return kept


def _header(level: int, title: str, name: str = "") -> dict:
    return {"t": "Header", "c": [level, pandoc.attr(name, ("unnumbered",)), [pandoc.words(title)]]}


def set_formulas(blocks: list, to: str, extra: tuple[str, ...] = ()) -> dict:
    """Convert all formulas of the book to one of pandoc's formats, each once."""
    keys = list(dict.fromkeys(map(pandoc.formula, pandoc.find(blocks, "Math"))))
    return dict(zip(keys, pandoc.formulas(keys, to, extra)))


def settled(tree: Any) -> Any:
    """Tie figures and tables to what stands before them.

    Their places go into their captions, because a figure may come to lie on another page than the
    text around it, and a reference gives the page of its place. And the paragraph before a table
    stays with it.
    """
    if isinstance(tree, dict):
        return tree | {"c": settled(tree["c"])} if "c" in tree else tree
    if not isinstance(tree, list):
        return tree
    out: list = []
    for item in map(settled, tree):
        before = out[-1] if out else None
        if (isinstance(item, dict) and item.get("t") in ("Figure", "Table") and item["c"][1][1]
                and isinstance(before, dict) and before.get("t") in ("Plain", "Para")
                and all(one["t"] == "Span" and pandoc.kind(one) == "place" for one in before["c"])):
            first = item["c"][1][1][0]
            first["c"] = [*out.pop()["c"], *first["c"]]
        if isinstance(item, dict) and item.get("t") == "Table" and out and out[-1].get("t") == "Para":
            out[-1:] = [pandoc.raw("typst", "#lead["), out[-1], pandoc.raw("typst", "]")]
        out.append(item)
    return out


def set_typst(blocks: list) -> list:
    """Say in Typst what pandoc has no word for.

    Raises
    ------
    ExportError
        If a block is of a kind that paper does not know.
    """
    done = set_formulas(blocks, "typst")
    blocks = settled(blocks)

    def block(text):
        return pandoc.raw("typst", text)

    def inline(text):
        return pandoc.raw_inline("typst", text)

    def formula(node):
        tex, display = pandoc.formula(node)
        inner = done[tex, display].strip().strip("$").strip()
        return [inline(f"#math.equation(block: {'true' if display else 'false'}, "
                       f"alt: {typst_string(spoken(tex))}, ${inner}$)")]

    def special(node):
        kind = pandoc.kind(node)
        if kind not in TYPST:
            raise ExportError(f"paper has no form for '{kind}': add it to TYPST in guide.export")
        opening = TYPST[kind]
        if opening is None:
            return node["c"][1]
        return [block(opening(pandoc.pairs(node))), *node["c"][1], block("]")]

    def image(node):
        alt, name = pandoc.plain(node["c"][1]), node["c"][2][0]
        return [inline(f"#image({typst_string(name)}, alt: {typst_string(alt)})")]

    def figure(node):
        # pandoc's own figure loses the alternative text
        picture = node["c"][2][0]["c"][0]["c"][1].removeprefix("#")
        return [block(f"#figure({picture}, kind: image, placement: auto, caption: ["),
                *node["c"][1][1], block("])")]

    def table(node):
        # a short one is not worth two looks
        rows = sum(len(body[3]) for body in node["c"][4])
        if rows > UNPARTED or len(pandoc.plain(node["c"][4])) > 60 * UNPARTED:
            return None
        return [block("#together["), node, block("]")]

    def link(node):
        if pandoc.kind(node) != "claim-ref":
            return None
        target = node["c"][2][0].removeprefix("#")
        return [inline(f"#claimref(<{target}>)["), *node["c"][1], inline("]")]

    def place(node):
        if pandoc.kind(node) != "place":
            return None
        return [inline(f"#metadata(none)<{node['c'][0][0]}>")]

    def header(node):
        if pandoc.kind(node) != "part":
            return None
        said = dict(node["c"][1][2])
        words = [pandoc.plain(node["c"][2]), said.get("key", ""), said.get("holds", "")]
        return [block(f"#part({', '.join(map(typst_string, words))})")]

    return pandoc.change(blocks, {
        "Math": formula, "Div": special, "Image": image, "Figure": figure, "Link": link,
        "Span": place, "Header": header, "Table": table,
    })


def spoken(tex: str) -> str:
    """A formula as text, for those who hear it."""
    text = re.sub(r"\\(?:text|mathrm|operatorname|mathbf)\s*\{([^{}]*)\}", r"\1", tex)
    text = re.sub(r"\\d?frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1) over (\2)", text)
    for name, word in {"times": "times", "cdot": "times", "approx": "is about", "le": "at most",
                       "ge": "at least", "sum": "sum", "quad": " ", "left": "", "right": "",
                       "in": "in"}.items():
        text = re.sub(rf"\\{name}(?![A-Za-z])", f" {word} ", text)
    return re.sub(r"\s+", " ", text.replace("{", "").replace("}", "").replace("\\", "")).strip()


def typst_mark(entry: str) -> dict:
    """A mark of the printed index."""
    return pandoc.raw_inline("typst", f"#idx({typst_string(entry)})")


def index_marks(blocks: list, terms: Mapping[str, str],
                put: Callable[[str], dict | None] = typst_mark, most: int = MOST_PLACES) -> list:
    """Mark where the terms of the index stand: the first place in each section.

    Whoever looks up a name that stands everywhere wants the sections that are about it: of the
    sections that name an entry those are marked that name it most often.

    Parameters
    ----------
    blocks : list
        Pandoc blocks of the book.
    terms : dict
        Spelling in the text -> entry in the index.
    put : callable
        Makes the mark for an entry, or ``None`` for no mark.
    most : int
        How many sections an entry leads to at most.

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
        r"(?<![\w-])(" + "|".join(re.escape(t) for t in ordered) + r")s?(?![\w-])"
    )
    # the apparatus has an order of its own and needs no index
    end = next((i for i, b in enumerate(blocks)
                if b.get("t") == "RawBlock" and b["c"][1].startswith(f'#part("{UNINDEXED}"')), len(blocks))

    def walk(node, met: Callable[[str, int], dict | None], section: list[int]):
        if isinstance(node, list):
            out = []
            for item in node:
                out.append(walk(item, met, section))
                if isinstance(item, dict) and item.get("t") == "Str":
                    for match in pattern.finditer(item["c"]):
                        made = met(terms[match.group(1)], section[0])
                        out += [made] if made else []
            return out
        if isinstance(node, dict):
            kind = node.get("t")
            if kind == "Header":
                section[0] += 1
                return node
            # no marks in what is no running text
            if kind in ("Code", "CodeBlock", "RawBlock", "RawInline", "Image", "Link", "Table",
                        "Figure", "Math"):
                return node
            if kind == "Span":
                return {"t": "Span", "c": [node["c"][0], walk(node["c"][1], met, section)]}
            return {key: walk(value, met, section) for key, value in node.items()}
        return node

    named: dict[str, Counter[int]] = {}
    walk(blocks[:end], lambda entry, at: named.setdefault(entry, Counter()).update([at]), [0])
    # of sections that name it equally often the earlier ones
    wanted = {(entry, at) for entry, counts in named.items()
              for at, _ in sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:most]}

    def mark(entry: str, at: int) -> dict | None:
        if (entry, at) not in wanted:
            return None
        wanted.discard((entry, at))
        return put(entry)

    return walk(blocks[:end], mark, [0]) + blocks[end:]


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
    blocks = index_marks(set_typst(read_book(folder)), terms)
    # quotes and apostrophes stay as written: Typst would take some for primes
    body = pandoc.convert(blocks, "typst-smart")
    template = fill_template((PRINT / "template.typ").read_text(encoding="utf-8"))
    tail = ("\n#heading(level: 2)[Index]\nOf a name that stands everywhere, the index gives "
            f"the {MOST_PLACES} sections that name it most often.\n\n#make-index()\n" if terms else "")
    shutil.copyfile(PRINT / "cover.svg", folder / "cover.svg")
    target = folder / "book.typ"
    target.write_text(template + "\n" + body + tail, encoding="utf-8")
    return target


def cover_png(folder: Path, ppi: int) -> bytes:
    """The cover of the printed book as a picture, its words set in the book's own fonts.

    Shops and shelves show pictures only, and few readers set text in an SVG as it was drawn.
    """
    import typst

    shutil.copyfile(PRINT / "cover.svg", folder / "cover.svg")
    source = folder / "cover.typ"
    source.write_text(fill_template('#let sans = "Source Sans 3"\n#set page(width: 170mm, '
                                    'height: 240mm)\n@COVER@'), encoding="utf-8")
    return typst.compile(str(source), format="png", ppi=ppi, font_paths=[str(FONTS)],
                         ignore_system_fonts=True)


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
