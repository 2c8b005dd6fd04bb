"""Page weight: of scripts and styles, a page loads what it uses and nothing else.

The theme, Jupyter Book and its extensions bring 600 kB of scripts and styles for every occasion.
Of the scripts none is needed: ``page.js`` does what a page of this book does. The styles are cut to
what the pages use and written with ours into one sheet, ``_static/book.css``.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from docutils import nodes
from myst_nb.sphinx_ext import add_global_html_resources

from .. import stylesheet
from . import frame, shortcuts

_SERVICE = "thebe"  # Jupyter Book loads it whether it is wanted or not
SHEET = "_static/book.css"
#: The style sheets of others, in the order in which they hold; ours hold after them, these two last.
THEIRS = ("basic.css", "styles/pydata-sphinx-theme.css", "styles/sphinx-book-theme.css",
          "mystnb.*.css")
LAST = ("guide.css", "study.css")
#: What pages load or lead to, of all that is copied into ``_static``.
_KEPT = ("artwork.svg", "book.css", "card.png", "previews", "search-index.js", "explorers-vega.js")
#: Scripts that only some pages need -> what shows that a page does.
_SOMETIMES = {"quiz.js": re.compile(r'class="quiz\b|data-quiz-chapter=')}
_PICTURE = re.compile(r"background-image:\s*url\((?!['\"]?data:)[^)]*\);?")  # files that go, too
_LINK = f'{SHEET}"'
_VERSION = re.compile(r'_static/book\.css\?v=\w+"')
_LAST = 950  # after every extension, and the pages, are done


def ours(app) -> set[str]:
    """Names of the book's own files for pages."""
    return {path.name for path in (Path(app.srcdir) / "book/_static").iterdir()}


def drop_settings(app, doctree, docname):
    """Take the service's settings out of a page's text."""
    for raw in list(doctree.findall(nodes.raw)):
        if _SERVICE in raw.astext() or "kernelName =" in raw.astext():
            raw.parent.remove(raw)


def trim_head(app, pagename, templatename, context, doctree):
    """Keep of the scripts the book's own, each once, and of those what this page needs."""
    known, kept = ours(app), {}
    for file in context.get("script_files", []):
        name = Path(str(getattr(file, "filename", file) or "")).name
        wanted = _SOMETIMES.get(name)
        if name in known and (wanted is None or wanted.search(context.get("body", ""))):
            kept.setdefault(name, file)
    context["script_files"] = list(kept.values())


def names_in(app, pages: Iterable[str], scripts: Iterable[str]) -> stylesheet.Names:
    """What occurs in the pages and scripts."""
    def look(page: bytes) -> stylesheet.Names:
        found = stylesheet.Names()
        found.add_page(page.decode())
        return found

    names = stylesheet.Names()
    for found in shortcuts.each(app, "names.pickle", (), (page.encode() for page in pages), look):
        names.add(found)
    for script in scripts:
        names.add_script(script)
    return names


def sheet(static: Path, own: set[str], names: stylesheet.Names, scripts: list[str]) -> str:
    """Write the style sheet of the site.

    Parameters
    ----------
    static : Path
        Where the style sheets are.
    own : set of str
        Names of the book's own files.
    names : stylesheet.Names
        What occurs in the pages.
    scripts : list of str
        Text of the scripts that they load.
    """
    rules = []
    for path in sheets(static, own):
        css = path.read_text(encoding="utf-8")
        folder = path.relative_to(static).parent.as_posix()
        if path.name not in own:
            css = css.replace(".fa-", ".unused-")  # the theme's icon font; guide.css draws ours
            css = _PICTURE.sub("", css)
        rules += stylesheet.cut(stylesheet.parse(stylesheet.moved(css, folder)), names)
    moved = sorted(name for name in names.classes if name.startswith("css-"))
    rules += [stylesheet.Rule(f".{name}", f"{frame.declaration_of(name)}!important")
              for name in moved]
    return stylesheet.write(stylesheet.sweep(rules, " ".join(scripts))) + "\n"


def sheets(static: Path, own: set[str]) -> list[Path]:
    """The style sheets, in the order in which they hold."""
    found = [path for pattern in THEIRS for path in sorted(static.glob(pattern))]
    found += [static / name for name in sorted(own - set(LAST)) if name.endswith(".css")]
    return [*found, *(static / name for name in LAST)]


def write_sheet(app, error):
    """Write the style sheet, and tell each page its version, so that a browser may keep it."""
    if error is not None or app.builder.name != "html":
        return
    out = Path(app.outdir)
    pages = {path: path.read_text(encoding="utf-8")
             for path in sorted([*out.glob("*.html"), *out.glob("book/*.html")])}
    static, own = out / "_static", ours(app)
    scripts = [path.read_text(encoding="utf-8") for path in sorted(static.glob("*.js"))
               if path.name in own]
    bare = {path: _VERSION.sub(_LINK, text) for path, text in pages.items()}
    names = names_in(app, bare.values(), scripts)
    made_from = [repr(sorted(own)), *scripts, *(path.read_bytes() for path in sheets(static, own)),
                 *(repr(sorted(found)) for found in vars(names).values())]
    raw = shortcuts.kept(app, "book.css", made_from,
                         lambda: sheet(static, own, names, scripts).encode())
    (out / SHEET).write_bytes(raw)
    version = hashlib.sha256(raw).hexdigest()[:8]
    for path, text in pages.items():
        new = bare[path].replace(_LINK, f'{SHEET}?v={version}"')
        if new != text:
            path.write_text(new, encoding="utf-8")


def drop_files(app, error):
    """Leave out of the site what no page loads."""
    if error is not None or app.builder.name != "html":
        return
    out = Path(app.outdir)
    kept = ours(app) | set(_KEPT)
    for path in sorted((out / "_static").iterdir()):
        if path.name in kept and path.name != "vendor":
            continue
        if path.name == "vendor":  # the theme's icon font lies beside our search library
            for inner in path.iterdir():
                if not (Path(app.srcdir) / "book/_static/vendor" / inner.name).exists():
                    shutil.rmtree(inner)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    (out / "searchindex.js").unlink(missing_ok=True)
    shutil.rmtree(out / "reports", ignore_errors=True)  # of cells that failed in an earlier build


def copy_early(app):
    """Have MyST-NB's style sheet in place before the first page is written.

    It comes with the last otherwise, and Sphinx marks a link to a style sheet with its checksum
    only if it is there: the second build would differ from the first.
    """
    if app.builder.format == "html":
        (Path(app.outdir) / "_static").mkdir(parents=True, exist_ok=True)
        add_global_html_resources(app, None)


def setup(app):
    """Register the handlers."""
    app.connect("builder-inited", copy_early)
    app.connect("doctree-resolved", drop_settings, priority=900)
    app.connect("html-page-context", trim_head, priority=_LAST)
    app.connect("build-finished", write_sheet, priority=_LAST)
    app.connect("build-finished", drop_files, priority=_LAST + 1)
