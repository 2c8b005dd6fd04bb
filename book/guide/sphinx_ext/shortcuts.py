"""What an earlier build made and need not be made again, and the switch that leaves this out.

A shortcut saves time and changes no byte of the book. With ``GUIDE_PLAIN=1`` in the environment a
build takes none, so that it can be compared with what Jupyter Book does by itself.

A thing is kept beside the trees of the pages, under a mark over its bytes and over all that it was
made from. What was made from something else, was cut off or was written into is made again.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import sys
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

OFF = "GUIDE_PLAIN"
FOLDER = "guide"  # in the folder of the trees
_MARK = hashlib.sha256().digest_size


def wanted() -> bool:
    """Whether shortcuts may be taken."""
    return not os.environ.get(OFF)


def versions(*packages: str) -> str:
    """Versions of Python and of packages, as a source of what they make."""
    found = (f"{name} {metadata.version(name)}" for name in packages)
    return " ".join([f"python {sys.version_info}", *found])


def _mark(app, sources: Iterable[str | bytes], content: bytes) -> bytes:
    digest = hashlib.sha256(app.guide_writers.encode())  # the code that makes it
    for part in (*sources, content):
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.digest()


def load(app, name: str, sources: Iterable[str | bytes] = ()) -> bytes | None:
    """What was kept under a name, if it was made from these sources and is whole."""
    path = Path(app.doctreedir) / FOLDER / name
    if not wanted() or not path.is_file():
        return None
    raw = path.read_bytes()
    mark, content = raw[:_MARK], raw[_MARK:]
    return content if mark == _mark(app, sources, content) else None


def save(app, name: str, content: bytes, sources: Iterable[str | bytes] = ()) -> None:
    """Keep bytes under a name, with what they were made from."""
    if not wanted():
        return
    path = Path(app.doctreedir) / FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{name}.part")
    half.write_bytes(_mark(app, sources, content) + content)
    os.replace(half, path)


def kept(app, name: str, sources: Iterable[str | bytes], make: Callable[[], bytes]) -> bytes:
    """Bytes that are made only if they are not there yet, made from the same.

    Parameters
    ----------
    name : str
        A name of their own.
    sources : iterable of str or bytes
        All that they are made from, our own code aside: data, and :func:`versions`.
    make : callable
        Makes them.
    """
    sources = tuple(sources)
    content = load(app, name, sources)
    if content is None:
        content = make()
        save(app, name, content, sources)
    return content


def each(app, name: str, sources: Iterable[str | bytes], given: Iterable[bytes],
         make: Callable[[bytes], Any]) -> list[Any]:
    """What is made of each of many things alone; only what is new among them is looked at.

    Parameters
    ----------
    name, sources
        As for :func:`kept`.
    given : iterable of bytes
        The things.
    make : callable
        Makes something that can be pickled of one of them.
    """
    sources = tuple(sources)
    raw = load(app, name, sources)
    known, used, made = pickle.loads(raw) if raw else {}, {}, []
    for thing in given:
        digest = hashlib.sha256(thing).digest()
        if digest not in used:
            used[digest] = known[digest] if digest in known else make(thing)
        made.append(used[digest])
    if used.keys() != known.keys():
        save(app, name, pickle.dumps(used), sources)
    return made


def forget(app) -> None:
    """Drop all that is kept."""
    shutil.rmtree(Path(app.doctreedir) / FOLDER, ignore_errors=True)
