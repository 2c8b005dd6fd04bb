"""What a strict content-security policy asks: no script in a page, no handler in an element.

The theme writes some. What its scripts say is put into files beside the others; they run in the
same order as before. So ``script-src 'self'`` holds for every page.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from pathlib import Path

_FOLDER = "_static/inline"
_ONE = r"<script(?![^>]*\b(?:src|type)=)[^>]*>(.*?)</script>"
_RUN = re.compile(rf"(?:{_ONE}\s*)+", re.DOTALL)
_SCRIPT = re.compile(_ONE, re.DOTALL)
_PRINT = re.compile(r"""\sonclick=(["'])window\.print\(\)\1""")
#: Asked by nobody but a menu of versions, which the book has not; it differs on each page
_IDLE = re.compile(r"DOCUMENTATION_OPTIONS\.pagename = '[^']*';")


def move(page: str, root: str) -> tuple[str, dict[str, str]]:
    """Take the scripts out of a page.

    Parameters
    ----------
    page : str
        The page's HTML.
    root : str
        The way from the page to the root of the site, such as ``../``.

    Returns
    -------
    tuple
        The page, and the files that it now asks for: path in the site -> script.
    """
    made: dict[str, str] = {}

    def put(match: re.Match) -> str:
        said = [_IDLE.sub("", text).strip() for text in _SCRIPT.findall(match[0])]
        code = "\n".join(dict.fromkeys(filter(None, said)))
        tail = match[0][len(match[0].rstrip()):]
        if not code:
            return tail
        path = f"{_FOLDER}/{hashlib.sha256(code.encode()).hexdigest()[:12]}.js"
        made[path] = code + "\n"
        return f'<script src="{root}{path}"></script>{tail}'

    return _PRINT.sub(" data-print", _RUN.sub(put, page)), made


def move_all(app, error):
    """Take the scripts out of all pages that were written."""
    if error is not None or app.builder.name != "html":
        return
    top = Path(app.outdir)
    kept = set()
    for path in sorted(top.rglob("*.html")):
        name = path.relative_to(top).as_posix()
        if name.startswith("_static/"):
            continue
        page = path.read_text(encoding="utf-8")
        new, made = move(page, posixpath.relpath(".", posixpath.dirname(name) or ".") + "/")
        for target, code in made.items():
            (top / target).parent.mkdir(parents=True, exist_ok=True)
            (top / target).write_text(code, encoding="utf-8")
        if new != page:
            path.write_text(new, encoding="utf-8")
        kept |= set(re.findall(rf"{_FOLDER}/(\w+\.js)", new))
    for old in (top / _FOLDER).glob("*.js"):
        if old.name not in kept:
            old.unlink()


def setup(app):
    """Register the handler, and the script that prints."""
    app.add_js_file("print.js", defer="defer")
    app.connect("build-finished", move_all, priority=900)
