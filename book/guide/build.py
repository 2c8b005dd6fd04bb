"""The command behind ``make``: build the book in all its forms, say what is done and how long it
took.

``python -m guide.build book`` does all. Pages are read and written, and chapters executed, side
by side, and so are the forms that are made of the same resolved book. When nothing that goes into
the book has changed, nothing is done.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # started as a file, as people without make do
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    __package__ = "guide"
    import guide  # noqa: F401

from . import nursery  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "_build"
HTML = BUILD / "html"
SITE = BUILD / "site"  # where the site is made; it replaces the old one only when it is whole
PRINT = BUILD / "print"
PDF = BUILD / "pdf" / "deepseek-moment.pdf"
DECK = BUILD / "cards" / "deepseek-moment.apkg"
EPUB = BUILD / "epub" / "deepseek-moment.epub"
DOWNLOADS = BUILD / "downloads"
STAMP = BUILD / "stamp.json"
#: What goes into the book; a change in any of these files makes it out of date.
INPUTS = ("_config.yml", "_toc.yml", "requirements.txt", "requirements-notebooks.txt",
          "constraints.txt", "LICENSE", "LICENSE-TEXT", "CITATION.cff", "binder", "book", "data")


def fingerprint() -> str:
    """Fingerprint of all that goes into the book, by content."""
    digest = hashlib.sha256()
    for name in INPUTS:
        top = ROOT / name
        files = [top] if top.is_file() else sorted(p for p in top.rglob("*") if p.is_file())
        for path in files:
            if "__pycache__" in path.parts or ".ipynb_checkpoints" in path.parts:
                continue
            digest.update(path.relative_to(ROOT).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def read_stamp() -> dict[str, str]:
    """What was built from what, as far as it is known."""
    try:
        return json.loads(STAMP.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def write_stamp(part: str, key: str) -> None:
    """Write down that a part is built from these inputs."""
    stamp = read_stamp() | {part: key}
    STAMP.parent.mkdir(parents=True, exist_ok=True)
    half = STAMP.with_suffix(".part")
    half.write_text(json.dumps(stamp), encoding="utf-8")
    os.replace(half, STAMP)


def sphinx(builder: str, out: Path) -> None:
    """Run one Sphinx builder over the book, with Jupyter Book's own configuration.

    The same settings as ``jupyter-book build .``, but side by side on all cores, and with
    warnings as errors.

    Raises
    ------
    SystemExit
        If anything was wrong; Sphinx has said what, where, and what to do.
    """
    from jupyter_book.sphinx import build_sphinx

    result = build_sphinx(
        ROOT, out, builder=builder, doctreedir=BUILD / ".doctrees", noconfig=True,
        path_config=ROOT / "_config.yml", confoverrides={"latex_individualpages": False},
        warningiserror=True, keep_going=True, quiet=True, jobs=os.cpu_count() or 1,
    )
    if result:
        raise SystemExit(
            f"\nThe {builder} build stopped: see the messages above, each with file and line. "
            "What stood before is kept."
        )


def check_data() -> None:
    """Check the tables before anything is built from them.

    Raises
    ------
    SystemExit
        If a row is broken; the message names file, line, column and remedy.
    """
    from . import cards, data, ledger

    try:
        for entry in data.package()["resources"]:
            data.rows(entry["name"])
        ledger.claims()
        cards.cards()
        cards.quizzes()
    except (cards.CardError, data.DataError, ledger.LedgerError) as error:
        raise SystemExit(f"The data does not hold together: {error}") from None


def build_html() -> None:
    """Build the site beside the old one, and put it in its place when it is whole."""
    from . import downloads

    sphinx("html", SITE)
    fresh, old = HTML.with_name("html.part"), HTML.with_name("html.old")
    for folder in (fresh, old):
        shutil.rmtree(folder, ignore_errors=True)
    try:
        shutil.copytree(SITE, fresh)
    except shutil.Error as error:  # it gathers what went wrong with each file
        raise OSError(error.args[0][0][2]) from None
    downloads.publish(BUILD, fresh)  # until they are made anew, those that stand there
    if HTML.is_dir():
        HTML.rename(old)
    fresh.rename(HTML)
    shutil.rmtree(old, ignore_errors=True)


def recover() -> None:
    """Put the old site back if a build was killed between taking it away and putting the new."""
    old = HTML.with_name("html.old")
    if old.is_dir() and not HTML.exists():
        old.rename(HTML)


def resolve() -> None:
    """Write the book as one resolved tree, from the chapters as they were executed for the site."""
    sphinx("print", PRINT)


def index_terms() -> dict[str, str]:
    """Terms of the index: spelling in the text -> entry."""
    from . import data

    return {row["spelling"]: row["entry"] for row in data.rows("index_terms")}


def build_pdf() -> None:
    """Build the PDF from the resolved book."""
    from . import export

    try:
        export.compile_pdf(export.write_typst(PRINT, index_terms()), PDF)
    except export.ExportError as error:
        raise SystemExit(f"\n{error}\nThe PDF that stood before is kept.") from None


def build_deck() -> None:
    """Write the cards for Anki and for other programs."""
    from . import cards, export

    cards.write(DECK.parent, export.EDITION)


def build_epub() -> None:
    """Build the EPUB from the resolved book."""
    from . import epub, export

    try:
        epub.write_epub(PRINT, index_terms(), EPUB)
    except export.ExportError as error:
        raise SystemExit(f"\n{error}\nThe EPUB that stood before is kept.") from None


def build_downloads() -> None:
    """Build notebooks, Markdown and the archives from the resolved book."""
    from . import downloads, export

    try:
        downloads.make(ROOT, PRINT, BUILD / "jupyter_execute" / "book", DOWNLOADS)
    except export.ExportError as error:
        raise SystemExit(f"\n{error}\nWhat stood in {DOWNLOADS} before is kept.") from None


#: Part -> its title, what makes it, and the file that shows that it is there.
PARTS = {
    "deck": ("the cards", build_deck, DECK),
    "html": ("the site", build_html, HTML / "index.html"),
    "tree": ("the resolved book", resolve, PRINT / "book.json"),
    "pdf": ("the PDF", build_pdf, PDF),
    "epub": ("the EPUB", build_epub, EPUB),
    "downloads": ("the notebooks", build_downloads, DOWNLOADS / "deepseek-moment-notebooks.zip"),
}
#: What can be made side by side, once what stands before is there.
STAGES = (("deck", "html"), ("tree",), ("pdf", "epub", "downloads"))
#: Command -> the parts that it makes.
COMMANDS = {
    "html": ("html",), "pdf": ("html", "tree", "pdf"), "epub": ("html", "tree", "epub"),
    "book": tuple(PARTS),
}


def build(parts: Sequence[str]) -> None:
    """Build the named parts, skipping those that are up to date."""
    from . import downloads

    recover()
    key, times = fingerprint(), {}
    started = time.perf_counter()
    stamp = read_stamp()
    todo = [p for p in parts if stamp.get(p) != key or not PARTS[p][2].is_file()]
    if todo:
        print("Checking the tables ...", flush=True)
        check_data()
    for stage in STAGES:
        wanted = [part for part in stage if part in parts]
        for part in wanted:
            if part not in todo:
                print(f"Nothing has changed: {PARTS[part][0]} is up to date.", flush=True)
        times |= make_stage([part for part in wanted if part in todo], key)
    if (HTML / "index.html").is_file():
        downloads.publish(BUILD, HTML)
    print("\nYour book:")
    for part in parts:
        title, _, target = PARTS[part]
        took = f"{times[part]:.1f} s" if part in times else "unchanged"
        print(f"  {title:17} {target.relative_to(ROOT)}   ({took})")
    print(f"  in all            {time.perf_counter() - started:.1f} s")


def make_stage(parts: Sequence[str], key: str) -> dict[str, float]:
    """Make parts side by side; return how many seconds each took.

    Raises
    ------
    SystemExit
        If one of them fails, once all have ended.
    """
    begin, running, times, failed = time.perf_counter(), {}, {}, 0
    for part in parts:
        print(f"Building {PARTS[part][0]} ...", flush=True)
        # a process each: Sphinx leaves its mark on the interpreter
        running[part] = subprocess.Popen(
            [sys.executable, "-m", "guide.build", "--inner", part], env=environment())
    while running:
        for part, process in list(running.items()):
            code = process.poll()
            if code is None:
                continue
            del running[part]
            times[part] = time.perf_counter() - begin
            if code:
                failed = failed or code
            else:
                write_stamp(part, key)
        time.sleep(0.02)
    if failed:
        raise SystemExit(failed)
    return times


def environment() -> dict[str, str]:
    """The environment in which chapters run: ours to import, same bytes each time."""
    profile = BUILD / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    # a profile of our own: no start-up files of the reader's, and no talk about transport
    (profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 'ERROR'\n")
    return os.environ | {
        "IPYTHONDIR": str(profile.parent),
        "PYTHONPATH": str(ROOT / "book"),
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": "1790000000",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def serve(port: int) -> None:
    """Serve the built site on this machine until interrupted."""
    import functools
    import http.server

    if not (HTML / "index.html").is_file():
        raise SystemExit("There is no site yet: run 'make html' first.")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(HTML))
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        print(f"The book is at http://127.0.0.1:{server.server_port}/  (Ctrl+C ends)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="guide.build", description=__doc__)
    parser.add_argument("what", nargs="?", choices=(*COMMANDS, "serve"), default="book")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--inner", choices=tuple(PARTS), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.inner:
        nursery.tie_to_parent()
        # trees are large and die with the process: to look for garbage took half of the time
        gc.disable()
        try:
            PARTS[options.inner][1]()
        except FileNotFoundError as error:
            raise SystemExit(f"\n{error.filename} is missing: restore it from version control. What "
                             "stood before is kept.") from None
        except (OSError, sqlite3.OperationalError) as error:  # such as a full disk
            raise SystemExit(f"\n{error}\nThe build cannot write its files: make room, or give "
                             "leave to write in _build. What stood before is kept.") from None
    elif options.what == "serve":
        serve(options.port)
    else:
        build(COMMANDS[options.what])


if __name__ == "__main__":
    main()
