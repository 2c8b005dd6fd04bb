"""What holds for the EPUB: a zip of XHTML, read into memory."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

from .paper import squeeze

_XHTML = "{http://www.w3.org/1999/xhtml}"
_EPUB = "{http://www.idpf.org/2007/ops}"
_LEFT = re.compile(r"\?\?|at 0x[0-9a-f]{6,}|\{(?:claim|cite|numref|glue|datum|date|offer)\b|QQ[A-Z]+QQ")
ACCESS = ("accessMode", "accessModeSufficient", "accessibilityFeature", "accessibilityHazard",
          "accessibilitySummary")


def unzip(path: Path) -> dict[str, bytes]:
    """Read all files of an EPUB, by their path under its content folder where they have one."""
    with zipfile.ZipFile(path) as archive:
        return {name.removeprefix("EPUB/"): archive.read(name) for name in archive.namelist()}


def trees(files: Mapping[str, bytes]) -> dict[str, ElementTree.Element]:
    """Parse each XHTML file, as strictly as readers do."""
    return {n: ElementTree.fromstring(raw) for n, raw in files.items() if n.endswith(".xhtml")}


def text(tree: ElementTree.Element) -> str:
    """Text of a file."""
    return "".join(tree.itertext())


def missing(wanted: Iterable[str], have: str, what: str) -> list[str]:
    """Find what should stand in the e-book and does not."""
    have = squeeze(have)
    return [f"EPUB: {what} '{item}' is missing: look at guide.epub"
            for item in wanted if squeeze(item) not in have]


def dead_links(pages: Mapping[str, ElementTree.Element], files: Iterable[str]) -> list[str]:
    """Find links and images that lead to no file or no place of the e-book."""
    ids = {name: {e.get("id") for e in tree.iter()} for name, tree in pages.items()}
    files, problems = set(files), []
    for name, tree in pages.items():
        for element in tree.iter():
            link = element.get("href") or element.get("src")
            if link is None or re.match(r"[a-z]+:", link):
                continue
            target, _, anchor = unquote(link).partition("#")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), target)) \
                if target else name
            if target not in files:
                problems.append(f"EPUB {name}: '{link}' leads to no file")
            elif anchor and anchor not in ids.get(target, ()):
                problems.append(f"EPUB {name}: '{link}' names no place in {target}")
    return problems


def repeated_ids(pages: Mapping[str, ElementTree.Element]) -> list[str]:
    """Find ids that occur twice in a file."""
    problems = []
    for name, tree in pages.items():
        seen: set[str] = set()
        for element in tree.iter():
            given = element.get("id")
            if given in seen and given:
                problems.append(f"EPUB {name}: the id '{given}' occurs twice")
            seen.add(given or "")
    return problems


def images(pages: Mapping[str, ElementTree.Element], least: int = 60) -> list[str]:
    """Check that figures are SVG and told in words, and that no text is drawn with a font."""
    problems = []
    for name, tree in pages.items():
        for figure in tree.iter(f"{_XHTML}figure"):
            for image in figure.iter(f"{_XHTML}img"):
                source = image.get("src", "")
                if not source.endswith(".svg"):
                    problems.append(f"EPUB {name}: {source} is no SVG: draw it with guide.figures")
                if len(image.get("alt", "")) < least:
                    problems.append(f"EPUB {name}: {source} has no alternative text")
    return problems


def drawn_with_fonts(files: Mapping[str, bytes]) -> list[str]:
    """Find drawings whose text needs a font that the reader may lack."""
    return [f"EPUB {name}: holds <text>: draw words as outlines (svg.fonttype: path)"
            for name, raw in files.items() if name.endswith(".svg") and b"<text" in raw]


def formulas(pages: Mapping[str, ElementTree.Element]) -> list[str]:
    """Texts that replace the formulas; empty where one has none."""
    return [e.get("alttext", "") for tree in pages.values() for e in tree.iter()
            if e.tag.endswith("}math")]


def notes(tree: ElementTree.Element, name: str) -> list[str]:
    """Check that each note and the place that calls it lead to each other."""
    by_id = {e.get("id"): e for e in tree.iter() if e.get("id")}
    calls = [e for e in tree.iter() if e.get(f"{_EPUB}type") == "noteref"]
    bodies = [e for e in tree.iter() if e.get(f"{_EPUB}type") == "footnote"]
    problems = []
    for call in calls:
        body = by_id.get(call.get("href", "").removeprefix("#"))
        if body is None or body not in bodies:
            problems.append(f"EPUB {name}: note '{call.text}' opens nothing")
        elif f"#{call.get('id')}" not in {a.get("href") for a in body.iter(f"{_XHTML}a")}:
            problems.append(f"EPUB {name}: note '{call.text}' does not lead back")
    if len(calls) != len(bodies):
        problems.append(f"EPUB {name}: {len(bodies)} notes for {len(calls)} calls")
    return problems


def contents(nav: ElementTree.Element) -> list[tuple[int, str, str]]:
    """Entries of the contents: depth from 1, title, link."""
    def walk(listing, depth):
        for item in listing.findall(f"{_XHTML}li"):
            link = item.find(f"{_XHTML}a")
            yield depth, "".join(link.itertext()), link.get("href")
            for inner in item.findall(f"{_XHTML}ol"):
                yield from walk(inner, depth + 1)

    toc = next(e for e in nav.iter(f"{_XHTML}nav") if e.get(f"{_EPUB}type") == "toc")
    return list(walk(toc.find(f"{_XHTML}ol"), 1))


def metadata(opf: str) -> list[str]:
    """Check that the package says what the book is, and how far it can be used by whom."""
    package = ElementTree.fromstring(opf)
    said = {f"dc:{e.tag.partition('}')[2]}": (e.text or "").strip()
            for e in package.iter() if e.tag.startswith("{http://purl.org/dc/elements/1.1/}")}
    access = {e.get("property") for e in package.iter() if (e.text or "").strip()}
    problems = [f"EPUB: no {name}: add it in guide.epub" for name in (
        "dc:title", "dc:creator", "dc:date", "dc:identifier", "dc:rights", "dc:description",
        "dc:language") if not said.get(name)]
    if said.get("dc:language", "en-GB") != "en-GB":
        problems.append(f"EPUB: language is '{said['dc:language']}', and the book is in en-GB")
    problems += [f"EPUB: no schema:{name}: add it in guide.epub" for name in ACCESS
                 if f"schema:{name}" not in access]
    if not any("cover-image" in (e.get("properties") or "").split() for e in package.iter()):
        problems.append("EPUB: no cover-image: shelves will show none")
    return problems


def badges(pages: Mapping[str, ElementTree.Element], words: Iterable[str]) -> list[str]:
    """Check that each verdict is told by a sign and a word."""
    words, problems = set(words), []
    for name, tree in pages.items():
        for element in tree.iter(f"{_XHTML}span"):
            if "verdict" in (element.get("class") or "").split():
                sign, _, word = "".join(element.itertext()).strip().partition(" ")
                if not sign or sign in words or word not in words:
                    problems.append(f"EPUB {name}: verdict '{sign} {word}' needs sign and word")
    return problems


def style(css: str) -> list[str]:
    """Find colours that a dark page would swallow: text takes the reader's, figures keep theirs."""
    problems = []
    bare = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    for rule in re.finditer(r"([^{}]+)\{([^}]*)\}", bare):
        chosen, body = rule[1].strip(), rule[2]
        for name, value in re.findall(r"(?<![\w-])(color|background(?:-color)?)\s*:\s*([^;]+)", body):
            allowed = {"inherit", "currentColor", "transparent"}
            if value.strip() not in allowed and not (name != "color" and "img" in chosen):
                problems.append(f"epub.css: '{chosen}' sets {name}: leave it to the reader's page")
        if re.search(r"(?<![\w-])(?:width|height)\s*:\s*\d+px", body):
            problems.append(f"epub.css: '{chosen}' is measured in pixels: use em or %")
    return problems


def left(pages: Mapping[str, ElementTree.Element]) -> list[str]:
    """Find what a broken build leaves."""
    return [f"EPUB {name}: '{found[0]}' is left: mend the role or the reference"
            for name, tree in pages.items() for found in _LEFT.finditer(text(tree))]
