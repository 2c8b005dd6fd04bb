"""Which chapters must run again, and which pages must be written again.

jupyter-cache knows a chapter by its code cells alone. A chapter also depends on the rooms of
``guide`` that it imports, on the tables that it and they read, and on the pinned versions.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
from functools import lru_cache
from pathlib import Path

from jupyter_cache import get_cache

from .. import data
from . import shortcuts
from .execution import ChapterError

GUIDE = Path(__file__).resolve().parents[1]
STORE = "guide-freshness.json"
BEGUN = "guide-begun"  # there while a build is under way, and when it was killed
RAN = "guide-executed.json"
_WRITERS = "sphinx_ext"  # the entry of the store for the code that sets the pages
_CELL = re.compile(r"^```\{code-cell\}.*?^```", re.MULTILINE | re.DOTALL)
_IMPORT = re.compile(r"from\s+guide\s+import\s+([\w, ]+)|from\s+guide\.(\w+)\s+import")
_ABOVE = re.compile(r"^from \.\. import (.+)$", re.MULTILINE)
_LITERAL = re.compile(r"[\"']([a-z][a-z0-9_-]*)[\"']")


@lru_cache(maxsize=None)
def _module(name: str) -> tuple[str, frozenset[str], frozenset[str]]:
    """Source, imported rooms and string literals of one room."""
    path = GUIDE / f"{name}.py"
    if not path.is_file():
        return "", frozenset(), frozenset()
    source = path.read_text(encoding="utf-8")
    rooms, literals = set(), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            rooms |= {alias.name for alias in node.names} if not node.module else {node.module}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            literals.add(node.value)
    return source, frozenset(rooms), frozenset(literals)


def key(text: str) -> str:
    """Fingerprint of all that a chapter's code depends on, its own cells aside.

    Parameters
    ----------
    text : str
        The chapter's source.
    """
    code = "\n".join(_CELL.findall(text))
    literals = set(_LITERAL.findall(code))
    wanted = set()
    for names, room in _IMPORT.findall(code):
        wanted |= {n.split(" as ")[0].strip() for n in names.split(",") if n.strip()} | {room} - {""}
    seen: set[str] = set()
    digest = hashlib.sha256()
    while wanted:
        room = sorted(wanted)[0]
        wanted.discard(room)
        if room in seen:
            continue
        seen.add(room)
        source, rooms, more = _module(room)
        literals |= more
        wanted |= rooms
    for room in sorted(seen):
        digest.update(_module(room)[0].encode())
    # who asks for the package's description depends on all of it
    whole = "data.package(" in code
    for entry in sorted(data.package()["resources"], key=lambda e: e["name"]):
        if whole or entry["name"] in literals:
            digest.update((data.ROOT / entry["path"]).read_bytes())
            digest.update(json.dumps(entry, sort_keys=True, default=str).encode())
    pins = GUIDE.parents[1] / "requirements.txt"
    digest.update(pins.read_bytes() if pins.is_file() else b"")
    return digest.hexdigest()


def writers() -> str:
    """Fingerprint of the roles, directives and builders that turn every chapter into a page."""
    digest, rooms = hashlib.sha256(), set()
    for path in sorted((GUIDE / "sphinx_ext").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        digest.update(path.name.encode() + source.encode())
        for names in _ABOVE.findall(source):
            rooms |= {name.strip() for name in names.split(",")}
    wanted, seen = set(rooms), set()
    while wanted:  # and the rooms that those rooms know
        room = wanted.pop()
        seen.add(room)
        wanted |= _module(room)[1] - seen
    for room in sorted(seen):
        digest.update(_module(room)[0].encode())
    return digest.hexdigest()


def _keys(app) -> dict[str, str]:
    out = {}
    for docname in sorted(app.project.docnames):
        path = Path(app.project.doc2path(docname, absolute=True))
        if path.suffix == ".md":
            out[docname] = key(path.read_text(encoding="utf-8"))
    return out


def _load(path: Path) -> dict[str, str]:
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:  # cut off: nothing is known
        return {}


def _save(path: Path, keys: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    half.write_text(json.dumps(keys, indent=0, sort_keys=True), encoding="utf-8")
    os.replace(half, path)


def distrust(app, folder: Path) -> bool:
    """Whether the last build was killed: then its pages, its images, its trees may be cut off.

    What was executed stands in a database, record by record, and is kept unless it cannot be read.
    """
    begun = folder / BEGUN
    killed = begun.exists()
    if killed:
        shutil.rmtree(Path(app.outdir).parent / "jupyter_execute", ignore_errors=True)
        shortcuts.forget(app)
        for record in (cache := get_cache(folder)).list_cache_records():
            try:
                cache.get_cache_bundle(record.pk)
            except Exception:  # noqa: BLE001  whatever is wrong with it, it can be made again
                cache.remove_cache(record.pk)
    folder.mkdir(parents=True, exist_ok=True)
    begun.touch()
    return killed


def trust(app, error):
    """Say that a build has ended of its own will, even if it found something to mend."""
    if error is None or isinstance(error, ChapterError):
        (app.guide_store.parent / BEGUN).unlink(missing_ok=True)


def drop_stale(app):
    """Take chapters out of the cache whose surroundings changed since they ran.

    What ran is written down at once, because a build that fails later leaves its executions in
    the cache; what was read only at the end, because such a build leaves no pages.
    """
    app.project.discover(app.config.exclude_patterns, app.config.include_patterns)
    folder = Path(app.config.nb_execution_cache_path or Path(app.outdir).parent / ".jupyter_cache")
    app.guide_store = folder / STORE
    known, ran = _load(app.guide_store), _load(folder / RAN)
    app.guide_keys = _keys(app)
    app.guide_writers = writers()
    app.guide_rewrite = distrust(app, folder) or known.get(_WRITERS) != app.guide_writers
    app.guide_stale = {d for d, k in app.guide_keys.items() if known.get(d) != k}
    old = {app.project.doc2path(d, absolute=False)
           for d, k in app.guide_keys.items() if ran.get(d) != k}
    if not old:
        return
    cache = get_cache(folder)
    for record in cache.list_cache_records():
        # by the end of its path: the folder may have been moved or copied since
        if any(Path(record.uri).as_posix().endswith(f"/{name}") for name in old):
            cache.remove_cache(record.pk)
    _save(folder / RAN, app.guide_keys)


def outdated(app, env, added, changed, removed):
    """Have the stale chapters read again; all pages when the code that sets them changed."""
    stale = set(app.guide_keys) | set(env.found_docs) if app.guide_rewrite else app.guide_stale
    return sorted(stale - set(removed))


def listings(app, env):
    """Have the pages that list the sources written again if the list is another: any page may cite."""
    cite = env.get_domain("cite")
    listed = hashlib.sha256(repr([(c.key, c.formatted_entry.label, c.formatted_entry.text)
                                  for c in cite.citations]).encode()).hexdigest()
    known = env.__dict__.setdefault("guide_listed", {})  # by builder: each writes pages of its own
    if known.get(app.builder.name) == listed:
        return []
    known[app.builder.name] = listed
    return sorted({key.docname for key in cite.bibliographies})


def remember(app, error):
    """Write down what the chapters were run with."""
    if error is None and app.guide_store.parent.is_dir():
        _save(app.guide_store, app.guide_keys | {_WRITERS: app.guide_writers})


def setup(app):
    """Register the handlers."""
    app.connect("builder-inited", drop_stale)
    app.connect("env-get-outdated", outdated)
    app.connect("env-updated", listings, priority=510)  # once the sources are listed
    app.connect("build-finished", remember)
    app.connect("build-finished", trust, priority=999)
