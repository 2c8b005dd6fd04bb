"""What a link leads to, shown beside it: claims, terms, sources, figures, tables, sections.

Each page carries, once, what the places that it links to have to say, in one ``<template>`` that
no browser lays out before ``previews.js`` takes a card from it. What stands on the page itself the
script finds there. A card's content is set when all pages are written, because a page may link to
any other. The long lists, which link to hundreds of places, keep theirs in a script that is loaded
at the first card.
"""

from __future__ import annotations

import json
import posixpath
import re
import shutil
import zlib
from html import escape, unescape
from pathlib import Path

from .. import ledger
from . import places, roles, shortcuts

_BLOCK = re.compile(r"<template id=\"previews\".*?</template>\n?", re.DOTALL)
_ARTICLE = re.compile(r"<article class=\"bd-article\".*?</article>", re.DOTALL)
# a contents list needs no cards: it is one
_LINK = re.compile(r"(?<!toctree-l1\">)(?<!toctree-l2\">)<a\s[^>]*?href=\"([^\"#:]+\.html)(?:#([^\"]*))?\"")
MOST = 400  # characters of a term or a source
HEAVY = 16 * 1024  # bytes over the wire that no page should carry for cards that few will open
APART = "_static/previews"


def clipped(text: str, most: int = MOST) -> str:
    """Shorten a text at a word."""
    if len(text) <= most:
        return text
    return text[: text.rindex(" ", 0, most)].rstrip(",;:") + " …"


def claim_html(row: ledger.Claim) -> str:
    """What the card of a claim says."""
    stamp = (
        f' at <a class="stamp" href="{ledger.video_url(row.start)}">{row.start}</a>'
        if row.start else ""
    )
    return (
        f'<p class="preview-head">{roles.badge_html(row.verdict)}'
        f'<span class="preview-who">{escape(roles.speaker_line(row))}{stamp}</span></p>'
        f'<p class="preview-statement">{escape(row.statement)}</p>'
        f'<p class="preview-check">{escape(row.check)}</p>'
    )


def place_html(place: places.Place, page: places.Page, root: str) -> str:
    """What the card of a place says; ``root`` leads from the card's page to the site's top."""
    if place.kind == "claim":
        return claim_html(ledger.claim(place.anchor.removeprefix("claim-")))
    if place.kind in ("figure", "table"):
        pictures = "".join(
            f'<img class="figure-{mode}" src="{root}_images/{escape(place.more[mode])}" alt=""'
            f' width="{place.more["width"]}" height="{place.more["height"]}" loading="lazy">'
            for mode in ("light", "dark") if mode in place.more
        )
        return (f'{pictures}<p class="preview-caption"><b>{escape(place.title)}.</b> '
                f"{escape(clipped(place.text))}</p>")
    if place.kind == "source":
        return f"<p>{escape(clipped(place.text))}</p>"
    if place.kind == "term":
        return (f'<p class="preview-title">{escape(place.title)}</p>'
                f"<p>{escape(clipped(place.text))}</p>")
    title, text = place.title, place.lead or place.text
    if place.kind == "text":
        number = f"{page.number}. " if page.number else ""
        chapter = f"{number}{page.title}"
        title = f"{chapter} › {title}" if place.where else chapter
    return (f'<p class="preview-title">{escape(title)}</p>'
            + (f"<p>{escape(clipped(text, 260))}</p>" if text else ""))


def targets(html: str, name: str) -> dict[str, tuple[str, str]]:
    """Links of a page's text to other pages.

    Parameters
    ----------
    html : str
        The page.
    name : str
        Its address in the site, such as ``book/models.html``.

    Returns
    -------
    dict
        Address as the link gives it -> page and anchor.
    """
    found = {}
    article = _ARTICLE.search(html)
    for match in _LINK.finditer(article[0] if article else ""):
        path, anchor = unescape(match[1]), unescape(match[2] or "")
        page = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
        if page != name:
            address = f"{path}#{anchor}" if anchor else path
            found.setdefault(address, (page.removesuffix(".html"), anchor))
    return found


def _targets(page: bytes) -> dict[str, tuple[str, str]]:
    name, _, html = page.decode().partition("\n")
    return targets(html, name)


def cards(found: dict[str, tuple[str, str]], name: str, known: dict[tuple[str, str], tuple]) -> str:
    """Write the cards of all that a page links to, each once."""
    root = "../" * name.count("/")
    return "".join(
        f'<div data-for="{escape(address)}" data-kind="{known[target][0].kind}">'
        f"{place_html(*known[target], root)}</div>"
        for address, target in sorted(found.items()) if target in known
    )


def embed(app, error) -> None:
    """Give each page its previews; where they are many, in a script that it loads when asked."""
    if error is not None or app.builder.name != "html":
        return
    known: dict[tuple[str, str], tuple] = {}
    for page in places.pages(app):
        for i, place in enumerate(page.places):
            known[page.name, place.anchor] = place, page
            if i == 0:
                known[page.name, ""] = place, page
    folder = Path(app.outdir) / APART
    shutil.rmtree(folder, ignore_errors=True)
    paths = {docname: Path(app.outdir) / f"{docname}.html" for docname in sorted(app.env.found_docs)}
    pages = {docname: path.read_text(encoding="utf-8") for docname, path in paths.items()
             if path.is_file()}
    bares = {docname: _BLOCK.sub("", page) for docname, page in pages.items()}
    links = shortcuts.each(app, "links.pickle", (), (
        f"{docname}.html\n{bare}".encode() for docname, bare in bares.items()), _targets)
    for (docname, bare), found in zip(bares.items(), links):
        inner, apart = cards(found, f"{docname}.html", known), ""
        if len(zlib.compress(inner.encode())) > HEAVY:
            file = folder / f"{docname.rsplit('/', 1)[-1]}.js"
            file.parent.mkdir(parents=True, exist_ok=True)
            said = json.dumps(inner, ensure_ascii=False)
            file.write_text(f"window.deepseekMomentPreviews={said};\n", encoding="utf-8")
            apart = f' data-apart="{"../" * docname.count("/")}{APART}/{file.name}"'
            inner = ""
        block = f'<template id="previews"{apart}>{inner}</template>\n' if inner or apart else ""
        new = bare.replace("</body>", f"{block}</body>", 1)
        if new != pages[docname]:
            paths[docname].write_text(new, encoding="utf-8")


def setup(app):
    """Register the handler."""
    app.connect("build-finished", embed)
