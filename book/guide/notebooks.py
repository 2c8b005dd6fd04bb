"""Chapters as notebooks that run by themselves, made from the resolved book.

The words come from the resolved book, so that no role or directive is left in them; the code comes
from the chapter as it was executed. Outputs are left out: whoever runs the notebook gets them,
and nobody reads stale ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from . import markdown, pandoc

#: Rooms that turn chapters into books, which no notebook needs.
WORKSHOP = {"build", "downloads", "epub", "export", "markdown", "notebooks", "pandoc"}
_FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_NOTE = (
    "*A chapter of The DeepSeek Moment as a notebook. Its cells need the folders `guide` and "
    "`data`, which come with it in `deepseek-moment-notebooks.zip`; what to install stands in the "
    "file `requirements.txt` there.*"
)


def executed(path: Path) -> list[dict]:
    """Cells of a chapter as it was executed."""
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def _groups(blocks: list, cells: list[dict]) -> list[tuple[str, object]]:
    """Cut a page into words and code, in the order of the page.

    Cells that the book leaves out stand before the next one that it shows.
    """
    out: list[tuple[str, object]] = []
    done = 0

    def code(upto: int):
        nonlocal done
        for cell in cells[done:upto]:
            if cell["cell_type"] == "code":
                out.append(("code", cell))
        done = max(done, upto)

    def walk(items: list):
        for block in items:
            kind = pandoc.kind(block)
            if kind == "cell":
                code(int(pandoc.pairs(block)["index"]) + 1)
                # outputs come when the notebook runs; their captions are words
                words = [b for f in pandoc.find(block, "Figure") for b in f["c"][1][1]]
                if words:
                    out.append(("words", words))
            elif any(pandoc.kind(d) == "cell" for d in pandoc.find(block, "Div")):
                walk(markdown.MARKDOWN[kind](pandoc.pairs(block), block["c"][1]))
            elif out and out[-1][0] == "words":
                out[-1][1].append(block)
            else:
                out.append(("words", [block]))

    walk(blocks)
    code(len(cells))
    return out


def make(pages: Mapping[str, list], ran: Mapping[str, list[dict]]) -> dict[str, bytes]:
    """Make a notebook of each page that has code.

    Parameters
    ----------
    pages : mapping
        Page name -> its blocks, as :func:`guide.markdown.pages` gives them.
    ran : mapping
        Page name -> its cells, as :func:`executed` gives them.

    Returns
    -------
    dict
        Page name -> bytes of the notebook.
    """
    cut = {name: _groups(pages[name], cells) for name, cells in ran.items() if name in pages}

    def leads(page: str):
        """What becomes of a link on a page: it opens the other notebook, if there is one."""
        def link(node):
            name = node["c"][2][0].removeprefix("#book-").partition("--")[0]
            if name not in cut or name == page or pandoc.kind(node) == "claim-ref":
                return node["c"][1]
            return [{"t": "Link", "c": [pandoc.attr(), node["c"][1], [f"{name}.ipynb", ""]]}]
        return link

    words = [markdown.set_markdown(item, leads(page), up=1)
             for page, groups in cut.items() for what, item in groups if what == "words"]
    texts = iter(markdown.write(words))
    out = {}
    for name, groups in cut.items():
        cells: list[dict] = []
        for what, item in groups:
            if what == "words":
                text = next(texts).strip()
                if text:
                    cells.append({"cell_type": "markdown", "metadata": {}, "source": text})
                continue
            tags = set(item.get("metadata", {}).get("tags", ()))
            folded = {"jupyter": {"source_hidden": True}} if tags & _FOLDED else {}
            cells.append({"cell_type": "code", "metadata": folded, "execution_count": None,
                          "outputs": [], "source": "".join(item["source"])})
        cells.insert(1, {"cell_type": "markdown", "metadata": {}, "source": _NOTE})
        for n, cell in enumerate(cells):
            cell["id"] = f"cell-{n}"
            cell["source"] = cell["source"].splitlines(keepends=True)
        book = {"cells": cells, "metadata": _METADATA, "nbformat": 4, "nbformat_minor": 5}
        out[name] = (json.dumps(book, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
    return out


def package(root: Path, made: Mapping[str, bytes]) -> dict[str, bytes]:
    """What a folder needs for the notebooks to run: notebooks, sources, rooms, tables.

    Parameters
    ----------
    root : Path
        Folder of the project.
    made : mapping
        Page name -> bytes of its notebook.

    Returns
    -------
    dict
        Path in the folder -> bytes.
    """
    out: dict[str, bytes] = {
        "README.md": _README.encode(),
        "requirements.txt": requirements(root).encode(),
        **{name: (root / name).read_bytes() for name in ("LICENSE", "LICENSE-TEXT")},
    }
    for name, content in made.items():
        out[f"book/{name}.ipynb"] = content
        out[f"book/{name}.md"] = (root / "book" / f"{name}.md").read_bytes()
    guide = root / "book" / "guide"
    files = [p for p in guide.glob("*.py") if p.stem not in WORKSHOP]
    files += [*guide.glob("fonts/SourceSans3-*.ttf"), *guide.glob("fonts/*.md")]
    files += [p for p in (root / "data").rglob("*") if p.is_file()]
    for path in sorted(files):
        out[path.relative_to(root).as_posix()] = path.read_bytes()
    return out


def requirements(root: Path) -> str:
    """What the notebooks need, at the versions of the book, and an editor for them."""
    lines = (root / "binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    lines += (root / "requirements-notebooks.txt").read_text(encoding="utf-8").splitlines()
    pins = dict.fromkeys(line.partition("#")[0].strip() for line in lines
                         if re.match(r"[A-Za-z]", line))
    return "\n".join(pins) + "\n"


_README = """# The DeepSeek Moment: the notebooks

Each chapter is here twice: as a notebook (`book/*.ipynb`) and in the form in which it was written
(`book/*.md`, MyST Markdown, which Jupyter opens as a notebook too).
`book/guide` is the small package that the cells import, `data` holds the tables that they read.
Nothing is fetched from the network.

    python -m venv .venv
    .venv/bin/python -m pip install -r requirements.txt
    .venv/bin/jupyter lab book

On Windows say `.venv\\Scripts\\python` and `.venv\\Scripts\\jupyter`.
You need Python 3.11 to 3.13.

The notebooks come without outputs: run them, change an assumption, run them again.
`prose.say` keeps a sentence true: when a number leaves its bounds, the cell fails and names the
sentence that must be rewritten.

Text, figures and data: Creative Commons Attribution 4.0 (`LICENSE-TEXT`). Code: MIT (`LICENSE`).
"""
