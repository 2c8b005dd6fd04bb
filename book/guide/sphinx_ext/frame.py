"""What stands around a page's text: head, policy, tables of contents, and markup put right.

The templates in ``book/_templates`` write the frame; here is what they are given. The text that
comes from the theme, from MyST-NB and from docutils is valid HTML but for a few known places, which
:func:`mend` puts right, and it needs no inline style, so that a page can forbid them.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.util import logging

from .. import drawings
from . import apparatus, shortcuts

log = logging.getLogger(__name__)
_LAST = 900  # after every extension has had its say
COVER = Path(__file__).parents[1] / "print" / "cover.svg"
LONGEST = 300  # characters of a description; engines show about half of it
OTHERS = {
    "search": "Search the book: words, names, numbers with their unit, or a time in the video.",
    "genindex": "Index of the book: what is treated where.",
}
_STYLE = re.compile(r"<(\w+)((?:\s+[\w:-]+(?:=\"[^\"]*\")?)*?)\s+style=\"([^\"]*)\"([^>]*)>")
_CLASS = re.compile(r"\sclass=\"([^\"]*)\"")
_SIGNS = {".": "_d", "%": "_p", "#": "_h"}
_SIGNED = re.compile("|".join(_SIGNS.values()))


# ---------------------------------------------------------------- markup put right


def class_of(declaration: str) -> str:
    """Name of the class that stands for a declaration, such as ``width: 33.3%``.

    Raises
    ------
    ValueError
        If the value is more than one word.
    """
    match = re.fullmatch(r"\s*([\w-]+)\s*:\s*([\w.%#-]+)\s*", declaration)
    if not match:
        raise ValueError(f"style '{declaration.strip()}': give the element a class, and the class "
                         "the style in guide.css")
    value = re.sub(r"[.%#]", lambda m: _SIGNS[m[0]], match[2].replace("_", "__"))
    return f"css-{match[1]}__{value}"


def declaration_of(name: str) -> str:
    """The declaration that a class of :func:`class_of` stands for."""
    key, _, value = name.removeprefix("css-").partition("__")
    back = {v: k for k, v in _SIGNS.items()}
    return f"{key}:{_SIGNED.sub(lambda m: back[m[0]], value).replace('__', '_')}"


def without_style(match: re.Match) -> str:
    """An element whose style has become classes."""
    tag, before, style, after = match.groups()
    rest = f"{before}{after.rstrip(' /')}"
    names = [class_of(one) for one in style.split(";") if one.strip()]
    old = _CLASS.search(rest)
    names = [*(old[1].split() if old else ()), *names]
    return f'<{tag}{_CLASS.sub("", rest)} class="{" ".join(names)}">'


def mend(body: str) -> str:
    """Put right what others write into the text of a page.

    - MyST-NB puts a paragraph into a summary, and a name over it that says less than its words.
    - docutils gives entries of a bibliography a role that ARIA has given up, in a list whose other
      children are none of its entries.
    - Widths stand as inline styles, which a policy may forbid.
    - sphinxcontrib-bibtex names each citation, though nothing leads back to it, and there are
      hundreds on a page.

    Raises
    ------
    ValueError
        If an inline style cannot become a class.
    """
    body = body.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    body = re.sub(r'<p class="((?:collapsed|expanded) admonition-title)">(.*?)</p>',
                  r'<span class="\1">\2</span>', body)
    body = body.replace('<div role="list" class="citation-list">', '<div class="citation-list">')
    body = body.replace(' role="doc-biblioentry"', "")
    body = re.sub(r'<span class="bibtex-citation" id="id\d+">', '<span class="bibtex-citation">', body)
    body = re.sub(r'(<div class="citation" id="[^"]*">\s*<span class="label"><span class="fn-bracket">'
                  r'\[</span>)<a role="doc-backlink" href="#id\d+">(\d+)</a>', r"\1\2", body)
    body = re.sub(r'<a class="reference internal" href="([^"]*#ref-)', r'<a href="\1', body)
    return _STYLE.sub(without_style, body)


# ---------------------------------------------------------------- the head


def first_script(app) -> str:
    """The script that runs before a page is drawn."""
    path = Path(app.srcdir) / "book/_templates/first.js"
    return path.read_text(encoding="utf-8").strip()


def policy(script: str) -> str:
    """The content security policy of every page.

    Nothing from elsewhere, no code made out of text, no handler and no style in the markup; the
    one script that stands in the page is named by its hash. It holds from a file too.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return ("default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; "
            f"img-src 'self' data:; script-src 'self' 'sha256-{digest}'; style-src 'self'")


def clipped(text: str, most: int = LONGEST) -> str:
    """As many whole sentences as fit; a sentence that does not fit ends at a word."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    out = ""
    for sentence in re.split(r"(?<=[.?!])\s+", text):
        if out and len(out) + len(sentence) + 1 > most:
            return out
        out = f"{out} {sentence}".strip()
        if len(out) > most:
            return out[:most].rsplit(" ", 1)[0].rstrip(",;:") + " …"
    return out


def describe(pagename: str, doctree) -> str:
    """What a page is about: the sentence at a chapter's head, or the first words of its text."""
    if doctree is None:
        return OTHERS.get(pagename, "")
    for head in doctree.findall(apparatus.chapter_head):
        for part in head.findall(nodes.container):
            if "head-sentence" in part["classes"]:
                return clipped(part.astext())
    said = ""
    for paragraph in doctree.findall(nodes.paragraph):
        said = f"{said} {paragraph.astext()}".strip()
        if len(said) >= 60:
            break
    return clipped(said)


def contents_of_book(context) -> str:
    """The contents of the book for the side of a page: parts with their chapters."""
    html = str(context["generate_toctree_html"](
        startdepth=0, kind="sidebar", maxdepth=4, collapse=True, includehidden=True,
        titles_only=True, show_nav_level=1))
    parts = iter(range(1, html.count("<ul") + 1))

    def part(match):
        number = next(parts)
        return (f'<p class="caption" id="part-{number}"><span class="caption-text">{match[1]}</span>'
                f'</p>\n<ul aria-labelledby="part-{number}"')

    html = re.sub(r'<p [^>]*class="caption"[^>]*><span class="caption-text">(.*?)</span></p>\s*<ul',
                  part, html)
    return html.replace('<a class="current reference internal"',
                        '<a aria-current="page" class="current reference internal"')


def fill(app, pagename, templatename, context, doctree):
    """Give the templates what they ask for."""
    if app.builder.name != "html" or "generate_toctree_html" not in context:
        return
    script = first_script(app)
    context["first_script"] = script
    context["policy"] = policy(script)
    context["description"] = describe(pagename, doctree)
    context["contents_of_book"] = contents_of_book(context)
    wide = "html_theme.sidebar_secondary.remove" in (context.get("meta") or {})
    context["contents_of_page"] = (
        str(context["generate_toc_html"]()) if doctree and not wide else "")
    context["pageurl_root"] = app.config.html_baseurl or context["content_root"]
    try:
        context["body"] = mend(context.get("body", ""))
    except ValueError as error:
        log.warning("%s", error, location=pagename)


# ---------------------------------------------------------------- files beside the pages


def lead_in(app, error):
    """Have the root of the site lead to the first page, by a page that is whole itself."""
    if error is None and app.builder.name == "html":
        target = f"{app.config.master_doc}.html"
        title = escape(app.config.html_title or app.config.project)
        (Path(app.outdir) / "index.html").write_text(
            '<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<title>{title}</title>\n<meta name="description" content="{title}: its first page.">\n'
            f'<meta http-equiv="refresh" content="0; url={target}">\n'
            '<link rel="icon" href="_static/favicon.svg" type="image/svg+xml">\n'
            f'<link rel="canonical" href="{target}">\n</head>\n<body>\n'
            f'<main><h1><a href="{target}">{title}</a></h1></main>\n</body>\n</html>\n',
            encoding="utf-8")


def card(title: str, said: str) -> str:
    """The picture that a link to the book is shown with, as SVG: title, and squares of the cover.

    Parameters
    ----------
    title, said : str
        The title, set in lines of two words, and a line under it.
    """
    squares = "".join(re.findall(r"<rect x=[^>]*/>", COVER.read_text(encoding="utf-8")))
    words = title.split()
    lines = [" ".join(words[i : i + 2]) for i in range(0, len(words), 2)]
    set_lines = "".join(f'<text x="72" y="{236 + 100 * i}" font-size="88" font-weight="600" fill="#fff">'
                        f"{escape(line)}</text>" for i, line in enumerate(lines))
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="630" viewBox="0 0 1200 630" '
            'font-family="&quot;Source Sans 3&quot;"><rect width="1200" height="630" fill="#0d1b2a"/>'
            f'<g transform="translate(660 -390) scale(5)">{squares}</g>{set_lines}'
            f'<text x="72" y="{272 + 100 * len(lines)}" font-size="30" fill="#b8d4ea">{escape(said)}'
            "</text></svg>")


def png(svg: str) -> bytes:
    """Draw an SVG as a PNG in flat colours."""
    import vl_convert
    from PIL import Image

    vl_convert.register_font_directory(str(drawings.FONTS))
    picture = Image.open(io.BytesIO(vl_convert.svg_to_png(svg, scale=1))).convert("RGB")
    out = io.BytesIO()
    # a palette takes an eighth of the room
    picture.quantize(64, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def draw_card(app, error):
    """Draw the picture that a link to the book is shown with."""
    if error is None and app.builder.name == "html":
        svg = card(app.config.html_title or app.config.project, "Five hours of talk, claim by claim")
        made_from = (svg, shortcuts.versions("vl-convert-python", "pillow"), *drawings.fonts())
        (Path(app.outdir) / "_static/card.png").write_bytes(
            shortcuts.kept(app, "card.png", made_from, lambda: png(svg)))


def setup(app):
    """Register the handlers."""
    app.connect("html-page-context", fill, priority=_LAST)
    app.connect("build-finished", lead_in, priority=_LAST)
    app.connect("build-finished", draw_card, priority=_LAST)
