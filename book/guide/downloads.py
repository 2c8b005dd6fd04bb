"""What a reader can take away: packed so that the same book gives the same bytes, and put into
the site with its size."""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from . import data, markdown, notebooks

STAMP = (2025, 2, 3, 0, 0, 0)  # zip files want a date; this one never changes
#: What stands in the root of the site: name -> where it is made, under ``_build``.
OFFERS: dict[str, str] = {
    "deepseek-moment.pdf": "pdf/deepseek-moment.pdf",
    "deepseek-moment.epub": "epub/deepseek-moment.epub",
    "deepseek-moment.md": "downloads/deepseek-moment.md",
    "deepseek-moment-notebooks.zip": "downloads/deepseek-moment-notebooks.zip",
    "deepseek-moment-data.zip": "downloads/deepseek-moment-data.zip",
    "deepseek-moment-cards.apkg": "cards/deepseek-moment.apkg",
    "deepseek-moment-cards.tsv": "cards/deepseek-moment.tsv",
    "deepseek-moment-cards.json": "cards/deepseek-moment.json",
    "deepseek-moment-cards.md": "cards/deepseek-moment.md",
    "llms.txt": "downloads/llms.txt",
}
_OFFER = re.compile(r'<span class="offer" data-file="([^"]+)">[^<]*</span>(?:<!--made-->.*?<!---->)?')
_SOURCE = re.compile(
    r'<li><a href="([^"]*_sources/book/)([\w-]+)\.md" target="_blank"\s+'
    r'class="btn btn-sm btn-download-source-button.*?</li>', re.DOTALL)


def write_zip(target: Path, content: Mapping[str, bytes], bare: tuple[str, ...] = ()) -> None:
    """Write a zip file whose bytes depend on its content alone.

    Parameters
    ----------
    target : Path
        The file; it is replaced only by a whole one.
    content : mapping
        Name in the archive -> bytes, in the order in which they are to stand.
    bare : tuple of str
        Names to store without compression.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_suffix(".part")
    with zipfile.ZipFile(half, "w") as archive:
        for name, raw in content.items():
            entry = zipfile.ZipInfo(name, STAMP)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # the same on every system
            entry.compress_type = zipfile.ZIP_STORED if name in bare else zipfile.ZIP_DEFLATED
            archive.writestr(entry, raw, compresslevel=7)  # 9 takes longer and packs no better
    os.replace(half, target)


def data_package(root: Path) -> dict[str, bytes]:
    """The tables with their description and licence: path in the archive -> bytes."""
    out = {"LICENSE-TEXT": (root / "LICENSE-TEXT").read_bytes(),
           "CITATION.cff": (root / "CITATION.cff").read_bytes()}
    for path in sorted(p for p in (root / "data").rglob("*") if p.is_file()):
        out[path.relative_to(root).as_posix()] = path.read_bytes()
    return out


def make(root: Path, resolved: Path, executed: Path, target: Path) -> None:
    """Make all downloads but the PDF and the EPUB.

    Parameters
    ----------
    root : Path
        Folder of the project.
    resolved : Path
        Where the ``print`` builder left the book.
    executed : Path
        Folder of the chapters as they were executed.
    target : Path
        Folder to fill; what stood there before goes.
    """
    half = target.with_name(target.name + ".part")
    shutil.rmtree(half, ignore_errors=True)
    pages = markdown.pages(resolved)
    whole, texts = markdown.whole(resolved)
    treats = {row["id"]: row["treats"] for row in data.rows("chapters")}
    files = {"deepseek-moment.md": whole, "llms.txt": markdown.summary(resolved, treats),
             **{f"book/{name}.md": text for name, text in texts.items()}}
    ran = {name: notebooks.executed(executed / f"{name}.ipynb") for name in pages
           if (executed / f"{name}.ipynb").is_file()}
    made = notebooks.make(pages, ran)
    for name, text in files.items():
        path = half / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    for name, raw in made.items():
        path = half / "_sources" / "book" / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    write_zip(half / "deepseek-moment-data.zip", data_package(root))
    write_zip(half / "deepseek-moment-notebooks.zip", notebooks.package(root, made))
    shutil.rmtree(target, ignore_errors=True)
    half.rename(target)


def size(number: int) -> str:
    """Size of a file as people say it.

    Parameters
    ----------
    number : int
        Bytes.
    """
    if number < 1_000_000:
        return f"{max(1, round(number / 1000))} kB"
    return f"{number / 1_000_000:.1f} MB"


def publish(build: Path, site: Path) -> None:
    """Put what has been made into the site, with links and sizes.

    The pages come before the PDF that is made of them, so its size can only be filled in here.

    Parameters
    ----------
    build : Path
        The folder ``_build``.
    site : Path
        The built site.
    """
    for name, source in OFFERS.items():
        if (build / source).is_file():
            _put(site / name, (build / source).read_bytes())
    for folder in ("book", "_sources/book"):
        for path in sorted((build / "downloads" / folder).glob("*")):
            if (site / folder).is_dir():
                _put(site / folder / path.name, path.read_bytes())
    for page in sorted((site / "book").glob("*.html")):
        text = page.read_text(encoding="utf-8")
        new = _OFFER.sub(lambda m: _offer(m, site), text)
        if f'_sources/book/{page.stem}.ipynb"' not in new:
            new = _SOURCE.sub(lambda m: _button(m, site), new)
        if new != text:
            _put(page, new.encode())


def _put(path: Path, content: bytes) -> None:
    """Write a file of the site, which readers may have open: the old one stays until the new is whole."""
    half = path.with_name(f".{path.name}.part")
    half.write_bytes(content)
    os.replace(half, path)


def _offer(match: re.Match, site: Path) -> str:
    """A file's name, with link and size if it is there."""
    name = match[1]
    plain = f'<span class="offer" data-file="{name}">{name}</span>'
    path = site / name
    if not path.is_file():
        return f"{plain}<!--made--> (not built yet: <code>make book</code>)<!---->"
    return (f'<span class="offer" data-file="{name}"></span><!--made--><a href="../{name}" download>'
            f"{name}</a> ({size(path.stat().st_size)})<!---->")


def _button(match: re.Match, site: Path) -> str:
    """The entry for a page's source, with one for its notebook before it."""
    folder, name = match[1], match[2]
    if not (site / "_sources" / "book" / f"{name}.ipynb").is_file():
        return match[0]
    entry = (match[0].replace(f"{name}.md", f"{name}.ipynb").replace(">.md<", ">.ipynb<")
             .replace("Download source file", "Download notebook file")
             .replace("download-source-button", "download-notebook-button")
             .replace('target="_blank"', "download").replace("fa-file", "fa-code"))
    return f"{entry}\n{match[0]}"
