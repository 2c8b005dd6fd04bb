"""From the resolved book to the EPUB: pandoc writes the XHTML, this room packs it.

One file for each part and chapter; a long page of the apparatus is cut at its sections, because
older readers stumble over big files. The bytes follow from the book alone: no clock, no chance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from . import downloads, export, pandoc

#: Names the book for good, through all its editions.
IDENTIFIER = "urn:uuid:6f0b6d1e-4f0a-5b1c-9a53-0c459d459e25"
LONG = 600_000  # a page of the apparatus whose blocks are longer is cut at its sections
ACROSS = 56  # characters of a table across a small screen
COVER_PPI = 210  # 170 by 240 mm: about 1400 by 2000 pixels, what bookshops ask for
SUMMARY = (
    "Figures are drawings with text alternatives, formulas are MathML, verdicts are told by word "
    "and sign and not by colour alone, and the contents lead to every section."
)
_SPLIT = "<!--file-->"
_CSS = "book.css"


@dataclass
class Place:
    """An entry of the contents."""

    title: str
    href: str
    under: list["Place"] = field(default_factory=list)


@dataclass
class File:
    """One XHTML file of the book."""

    name: str
    title: str
    role: str
    blocks: list


# ------------------------------------------------------------------ from the tree to XHTML


def _line(kind: str, inlines: list) -> dict:
    return pandoc.div(kind, [{"t": "Plain", "c": inlines}])


def _link(text: str, target: str) -> dict:
    return {"t": "Link", "c": [pandoc.attr(), [pandoc.words(text)], [f"#{target}", ""]]}


def _badge(pairs: dict[str, str]) -> dict:
    """A verdict, told by sign and word."""
    verdict = pairs["verdict"]
    return {"t": "Span", "c": [pandoc.attr("", ("verdict", f"verdict-{verdict}")),
                               [pandoc.words(f"{pairs['mark']} {verdict}")]]}


def _chapter_head(pairs: dict[str, str], inner: list) -> list:
    bars = "".join(
        '<rect class="there" x="{}" y="0" width="{}" height="200"/>'.format(
            start, int(end) - int(start))
        for start, end in (span.split("-") for span in pairs["spans"].split())
    )
    if not bars:
        return inner
    total = pairs["total"]
    return [pandoc.raw("html", f'<svg xmlns="http://www.w3.org/2000/svg" class="strip" '
                               f'aria-hidden="true" viewBox="0 0 {total} 200" '
                               f'preserveAspectRatio="none"><rect class="all" x="0" y="60" '
                               f'width="{total}" height="80"/>{bars}</svg>'), *inner]


def _exercise(pairs: dict[str, str], inner: list) -> list:
    head = [pandoc.strong(f"Exercise {pairs['number']}. {pairs['title']}"), pandoc.words(" "),
            {"t": "Span", "c": [pandoc.attr("", ("level",)), [pandoc.words(pairs["level"])]]}]
    return [_line("box-title", head), *inner, _line("small", [_link("Solution", pairs["to"])])]


def _answer(pairs: dict[str, str], inner: list) -> list:
    head = [pandoc.strong(f"{pairs['number']}. {pairs['title']}"), pandoc.words(" "),
            _link("Back to the exercise", pairs["to"])]
    return [_line("box-title", head), *inner]


#: Kind of a ``Div`` -> what stands inside it in XHTML, from its attributes and its blocks.
XHTML: dict[str, Callable[[dict[str, str], list], list]] = {
    "cell": lambda pairs, inner: inner,
    "small": lambda pairs, inner: inner,
    "together": lambda pairs, inner: inner,
    "answers-at": lambda pairs, inner: inner,
    "sentence": lambda pairs, inner: inner,
    "reference": lambda pairs, inner: inner,
    "callout": lambda pairs, inner: [_line("box-title", [pandoc.strong(pairs["title"])]), *inner],
    "chapter-head": _chapter_head,
    "claim-entry": lambda pairs, inner: [_line("badge", [_badge(pairs)]), *inner],
    "claim-line": lambda pairs, inner: [_line("badge", [_badge(pairs)]), *inner,
                                        _line("small", [_link("Evidence", pairs["to"])])],
    "exercise": _exercise,
    "answer": _answer,
    "key": lambda pairs, inner: [
        _line("box-title", [pandoc.strong(pairs["title"]), pandoc.words(" "),
                            _link("Back to the questions", pairs["to"])]), *inner],
}


def set_xhtml(blocks: list, name: str, where: Mapping[str, str],
              mathml: Mapping[tuple[str, bool], str]) -> list:
    """Say in plain elements what pandoc has no word for.

    Parameters
    ----------
    blocks : list
        The blocks of one file.
    name : str
        The file's name.
    where : mapping
        Identifier -> the file that holds it.
    mathml : mapping
        Formula, as :func:`formulas_of` gives it -> MathML.

    Raises
    ------
    guide.export.ExportError
        If a block is of a kind that the e-book does not know, or a link leads nowhere.
    """
    notes: list[list] = []

    def special(node):
        kind = pandoc.kind(node)
        if kind not in XHTML:
            raise export.ExportError(
                f"the e-book has no form for '{kind}': add it to XHTML in guide.epub")
        inner = XHTML[kind](pandoc.pairs(node), node["c"][1])
        return inner if kind == "cell" else [pandoc.div(kind, inner)]

    def header(node):
        level, given, inlines = node["c"]
        # the title of a part or a chapter is the first heading of its file
        return [{"t": "Header", "c": [max(1, level - 1), [given[0], [], []], inlines]}]

    def link(node):
        target = node["c"][2][0]
        if not target.startswith("#"):
            return None
        if target[1:] not in where:
            raise export.ExportError(f"{name}: the e-book has no place '{target[1:]}'")
        file = where[target[1:]]
        href = target if file == name else file + target
        return [{"t": "Link", "c": [node["c"][0], node["c"][1], [href, ""]]}]

    def formula(node):
        return [pandoc.raw_inline("html", mathml[pandoc.formula(node)])]

    def note(node):
        notes.append(node["c"])
        n = len(notes)
        return [pandoc.raw_inline("html", f'<a class="noteref" epub:type="noteref" '
                                          f'role="doc-noteref" id="noteref-{n}" '
                                          f'href="#note-{n}">{n}</a>')]

    def table(node):
        return [pandoc.div("table", [breakable(node)])]

    # links are changed last, for other rules make some
    out = pandoc.change(blocks, {"Div": special, "Math": formula, "Note": note, "Table": table,
                                 "Header": header})
    for n, body in enumerate(notes, 1):
        back = [pandoc.raw_inline("html", f' <a role="doc-backlink" href="#noteref-{n}">'
                                          "Back to the text</a>")]
        out += [pandoc.raw("html", f'<aside class="note" epub:type="footnote" role="doc-footnote" '
                                   f'id="note-{n}">'),
                {"t": "Para", "c": [pandoc.strong(f"{n}. "), *body[0]["c"], *back]},
                *body[1:], pandoc.raw("html", "</aside>")]
    return pandoc.change(out, {"Link": link})


def breakable(table: dict) -> dict:
    """Let a table be broken inside its longest words, as few as make it fit a small screen."""
    columns: dict[int, int] = {}
    *_, head, bodies, _foot = table["c"]
    for _, cells in [*head[1], *(row for body in bodies for row in body[3])]:
        for n, cell in enumerate(cells):
            longest = max(map(len, pandoc.plain(cell[4]).split()), default=0)
            columns[n] = max(columns.get(n, 0), longest)
    for most in range(max(columns.values()), 4, -1):
        if sum(min(width, most) + 2 for width in columns.values()) <= ACROSS:
            break
    if most == max(columns.values()):
        return table

    def cut(node):
        parts = re.split(rf"(\S{{{most + 1},}})", node["c"])
        return [_long(pandoc.words(part)) if n % 2 else pandoc.words(part)
                for n, part in enumerate(parts) if part]

    return pandoc.change([table], {"Str": cut, "Code": lambda node: [_long(node)]})[0]


def _long(inline: dict) -> dict:
    """A word that may be broken anywhere."""
    return {"t": "Span", "c": [pandoc.attr("", ("long",)), [inline]]}


def ids(blocks: list) -> list[str]:
    """Identifiers of all places in blocks."""
    found = [h["c"][1][0] for h in pandoc.find(blocks, "Header")]
    found += [n["c"][0][0] for n in pandoc.find(blocks, "Span")]
    return [name for name in found if name]


# ------------------------------------------------------------------ files and contents


def cut(blocks: list) -> tuple[list[File], list[Place]]:
    """Cut the book into files, and make its contents.

    Parameters
    ----------
    blocks : list
        The resolved book, as :func:`guide.export.read_book` gives it.

    Returns
    -------
    tuple
        The files in reading order, and the contents: parts with chapters with sections.
    """
    files: list[File] = []
    contents: list[Place] = []
    for page in export.pieces(blocks, 2):
        level, (anchor, *_), title = page[0]["c"]
        title = pandoc.plain(title)
        if level == 1:
            files.append(File(f"part-{len(contents) + 1}.xhtml", title, "part", page))
            contents.append(Place(title, files[-1].name))
            continue
        stem = anchor.removeprefix("book-")
        apparatus = contents[-1].title == export.UNINDEXED
        role = "appendix" if apparatus else "chapter"
        chapter = Place(title, f"{stem}.xhtml")
        contents[-1].under.append(chapter)
        head, *sections = export.pieces(page, 3)
        files.append(File(f"{stem}.xhtml", title, role, head))
        apart = apparatus and size(page) > LONG
        for n, section in enumerate(sections, 1):
            parts = export.pieces(section, 4) if apart and size(section) > LONG else [section]
            for m, part in enumerate(parts):
                if apart:
                    files.append(File(f"{stem}-{n}{f'-{m}' if m else ''}.xhtml",
                                      f"{title}: {pandoc.plain(part[0]['c'][2])}", role, []))
                files[-1].blocks = files[-1].blocks + part
                place = Place(pandoc.plain(part[0]["c"][2]),
                              f"{files[-1].name}#{part[0]['c'][1][0]}")
                (chapter.under[-1] if m else chapter).under.append(place)
    return files, contents


def size(blocks: list) -> int:
    """Length of blocks as pandoc writes them, about twice that of their XHTML."""
    return len(pandoc.document(blocks))


def add_index(files: list[File], contents: list[Place], terms: Mapping[str, str]) -> None:
    """Mark the first mention of each term in each chapter, and add the index that leads there."""
    found: dict[str, list[tuple[str, str]]] = {}
    for file in files:
        if file.role != "chapter":
            continue
        label = file.title.partition("\u2002")[0] if "\u2002" in file.title else file.title
        here: set[str] = set()

        def put(entry: str) -> dict | None:
            if entry in here:
                return None
            here.add(entry)
            name = f"{file.name.removesuffix('.xhtml')}-index-{len(here)}"
            found.setdefault(entry, []).append((label, name))
            return pandoc.place(name)

        file.blocks = export.index_marks(file.blocks, terms, put)
    if not found:
        return
    blocks: list = [{"t": "Header", "c": [2, pandoc.attr("index"), [pandoc.words("Index")]]},
                    {"t": "Para", "c": [pandoc.words("The numbers are those of the chapters; each "
                                                     "leads to the first mention.")]}]
    for entry in sorted(found, key=str.lower):
        inlines = [pandoc.words(entry)]
        for label, name in found[entry]:
            inlines += [pandoc.words(", "), _link(label, name)]
        blocks.append(_line("reference", inlines))
    files.append(File("index.xhtml", "Index", "index", blocks))
    contents[-1].under.append(Place("Index", "index.xhtml"))


# ------------------------------------------------------------------ the package


def _page(title: str, body: str, kind: str = "", role: str = "") -> str:
    """A whole XHTML file."""
    marks = f' epub:type="{kind}"' if kind else ""
    marks += f' role="{role}"' if role else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" '
        f'lang="{export.LANGUAGE}" xml:lang="{export.LANGUAGE}">\n<head>\n'
        f'<title>{escape(title)}</title>\n<link rel="stylesheet" href="{_CSS}"/>\n</head>\n'
        f"<body>\n<section{marks}>\n{body.strip()}\n</section>\n</body>\n</html>\n"
    )


_ROLES = {"part": ("part", "doc-part"), "chapter": ("chapter", "doc-chapter"),
          "appendix": ("appendix", "doc-appendix"), "index": ("index", "doc-index")}


def _nav(contents: list[Place], first: str) -> str:
    def listing(places: list[Place], depth: int) -> str:
        rows = "".join(
            f'<li><a href="{escape(p.href)}">{escape(p.title)}</a>'
            f"{listing(p.under, depth + 1) if p.under else ''}</li>\n" for p in places)
        return f"<ol>\n{rows}</ol>\n"

    body = (f'<nav epub:type="toc" role="doc-toc" id="toc"><h1>Contents</h1>\n'
            f"{listing(contents, 1)}</nav>\n"
            '<nav epub:type="landmarks" hidden="hidden"><h2>Landmarks</h2><ol>\n'
            '<li><a epub:type="cover" href="cover.xhtml">Cover</a></li>\n'
            '<li><a epub:type="toc" href="nav.xhtml">Contents</a></li>\n'
            f'<li><a epub:type="bodymatter" href="{first}">Beginning</a></li>\n</ol></nav>')
    return _page("Contents", body)


def _ncx(contents: list[Place]) -> str:
    """The contents in the form of EPUB 2, which older readers still ask for."""
    count = 0

    def point(place: Place) -> str:
        nonlocal count
        count += 1
        n = count
        return (f'<navPoint id="n{n}" playOrder="{n}"><navLabel><text>{escape(place.title)}'
                f'</text></navLabel><content src="{escape(place.href)}"/>'
                f"{''.join(map(point, place.under))}</navPoint>\n")

    points = "".join(map(point, contents))
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1">\n<head>'
        f'<meta name="dtb:uid" content="{IDENTIFIER}"/></head>\n'
        f"<docTitle><text>{export.TITLE}</text></docTitle>\n<navMap>\n{points}</navMap>\n</ncx>\n"
    )


def _opf(files: list[File], written: Mapping[str, bytes]) -> str:
    """The package document: what the book is, what it holds, in what order."""
    date = export.EDITION.isoformat()
    meta = [f"<dc:identifier id=\"id\">{IDENTIFIER}</dc:identifier>",
            f'<dc:title id="title">{export.TITLE}</dc:title>',
            '<meta refines="#title" property="title-type">main</meta>',
            f'<dc:title id="subtitle">{export.SUBTITLE}</dc:title>',
            '<meta refines="#subtitle" property="title-type">subtitle</meta>',
            f"<dc:creator>{export.AUTHOR}</dc:creator>",
            f"<dc:language>{export.LANGUAGE}</dc:language>", f"<dc:date>{date}</dc:date>",
            f"<dc:description>{escape(export.DESCRIPTION)}</dc:description>",
            f"<dc:rights>{escape(export.RIGHTS)}</dc:rights>",
            f'<meta property="dcterms:modified">{date}T00:00:00Z</meta>',
            '<meta name="cover" content="cover-image"/>']
    for name, values in (
        ("accessMode", ("textual", "visual")), ("accessModeSufficient", ("textual",)),
        ("accessibilityFeature", ("alternativeText", "MathML", "readingOrder", "index",
                                  "structuralNavigation", "tableOfContents",
                                  "displayTransformability")),
        ("accessibilityHazard", ("none",)), ("accessibilitySummary", (SUMMARY,)),
    ):
        meta += [f'<meta property="schema:{name}">{escape(v)}</meta>' for v in values]
    items = []
    for name, content in written.items():
        if name == "content.opf":
            continue
        kind = {".xhtml": "application/xhtml+xml", ".svg": "image/svg+xml", ".png": "image/png",
                ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".css": "text/css",
                ".ncx": "application/x-dtbncx+xml"}[Path(name).suffix]
        said = {"nav.xhtml": ["nav"], "cover.png": ["cover-image"]}.get(name, [])
        if name.endswith(".xhtml"):
            said += ["mathml"] * (b"<math" in content) + ["svg"] * (b"<svg" in content)
        label = "cover-image" if name == "cover.png" else re.sub(r"[^\w-]", "-", f"x-{name}")
        items.append(f'<item id="{label}" href="{name}" media-type="{kind}"'
                     + (f' properties="{" ".join(said)}"' if said else "") + "/>")
    spine = "\n".join(f'<itemref idref="x-{name.replace(".", "-")}"/>' for name in (
        "cover.xhtml", "title.xhtml", "nav.xhtml", *(f.name for f in files)))
    lines = "\n".join
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" '
        f'xml:lang="{export.LANGUAGE}">\n<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
        f"{lines(meta)}\n</metadata>\n<manifest>\n{lines(items)}\n</manifest>\n"
        f'<spine toc="x-toc-ncx">\n{spine}\n</spine>\n</package>\n'
    )


def _cover_page() -> str:
    page = _page(export.TITLE, f'<img class="cover" src="cover.png" '
                               f'alt="Cover: {export.TITLE}. {export.SUBTITLE}."/>', "cover")
    return page


def _title_page() -> str:
    day = f"{export.EDITION.day} {export.EDITION:%B} {export.EDITION.year}"
    return _page(export.TITLE, f"""<h1 class="book-title">{export.TITLE}</h1>
<p class="book-subtitle">{export.SUBTITLE}</p>
<p>Edition of {day}.
The conversation is dated 3 February 2025; what has changed since is told with dates.</p>
<p>All timestamps are on the clock of the video on YouTube.
Every figure in the text comes from the claim ledger, from a table that ships with the book, or from
a calculation that is repeated each time the book is made.</p>
<p>{escape(export.RIGHTS)}</p>""", "titlepage")


def write_epub(folder: Path, terms: Mapping[str, str], target: Path) -> None:
    """Write the EPUB; the target is replaced only by a whole one.

    Parameters
    ----------
    folder : Path
        Where the ``print`` builder left the book.
    terms : mapping
        Spelling in the text -> entry in the index.
    target : Path
        The EPUB.

    Raises
    ------
    guide.export.ExportError
        If the book is not resolved yet, or holds what the e-book has no form for.
    """
    blocks = export.read_book(folder)
    files, contents = cut(blocks)
    add_index(files, contents, terms)
    where = {name: file.name for file in files for name in ids(file.blocks)}
    mathml = {
        key: text.replace("<math ", f'<math alttext="{escape(export.spoken(key[0]))}" ', 1)
        for key, text in export.set_formulas(blocks, "html", ("--mathml",)).items()
    }
    joined: list = []
    for file in files:
        joined += [pandoc.raw("html", _SPLIT),
                   *set_xhtml(file.blocks, file.name, where, mathml)]
    # one call for the whole book: pandoc takes longer to start than to write a chapter
    bodies = pandoc.convert(joined, "html5", ("--syntax-highlighting=none",)).split(_SPLIT)[1:]
    written: dict[str, bytes] = {
        "nav.xhtml": _nav(contents, files[0].name).encode(),
        "toc.ncx": _ncx(contents).encode(),
        "cover.xhtml": _cover_page().encode(),
        "title.xhtml": _title_page().encode(),
    }
    for file, body in zip(files, bodies, strict=True):
        written[file.name] = _page(file.title, body, *_ROLES[file.role]).encode()
    written[_CSS] = (export.PRINT / "epub.css").read_bytes()
    written["cover.png"] = export.cover_png(folder, COVER_PPI)
    for name in sorted({n["c"][2][0] for n in pandoc.find(blocks, "Image")}):
        written[name] = (folder / name).read_bytes()
    written["content.opf"] = _opf(files, written).encode()
    pack(target, written)


_CONTAINER = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="EPUB/content.opf" media-type="application/oebps-package+xml"/>'
    "</rootfiles></container>\n"
)


def pack(target: Path, written: Mapping[str, bytes]) -> None:
    """Zip the files of a book; the media type comes first and bare, as the standard asks."""
    downloads.write_zip(target, {
        "mimetype": b"application/epub+zip", "META-INF/container.xml": _CONTAINER.encode(),
        **{f"EPUB/{name}": content for name, content in written.items()},
    }, bare=("mimetype",))
