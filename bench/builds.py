"""Build times, side by side with plain Jupyter Book, on a copy of the project."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHAPTER = "book/power.md"  # the one that is edited
_CELL = re.compile(r"^(```\{code-cell\} ipython3\n(?:---\n.*?---\n)?)", re.MULTILINE | re.DOTALL)


def copy(target: Path) -> Path:
    """Copy the sources of the project, and nothing that was built."""
    skip = shutil.ignore_patterns("_build", ".git", ".venv", "__pycache__", "node_modules", ".*cache")
    shutil.copytree(ROOT, target, ignore=skip)
    return target


def plain(folder: Path) -> list[str]:
    """The command of plain Jupyter Book: one job, kernels started in Jupyter's own way."""
    return [str(Path(sys.executable).with_name("jupyter-book")), "build", "-q", str(folder)]


def ours(what: str) -> Callable[[Path], list[str]]:
    """Our command for one part."""
    return lambda folder: [sys.executable, "-m", "guide.build", what]


def timed(folder: Path, command: list[str], **environment: str) -> tuple[float, float]:
    """Run a command; give its seconds and the largest memory of one of its processes in MB.

    Raises
    ------
    SystemExit
        If the command fails.
    """
    begin = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(folder / "book"), "PYTHONHASHSEED": "0"} | environment,
    )
    took = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return took, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def edit_prose(folder: Path, number: int) -> None:
    """Add a sentence to one chapter; no cell needs to run."""
    path = folder / CHAPTER
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("\n## How is it argued?", f"\nAnother sentence, {'again ' * number}"
                                 "of no weight.\n\n## How is it argued?", 1), encoding="utf-8")


def edit_code(folder: Path, number: int) -> None:
    """Change a cell of one chapter; that chapter must run, and no other."""
    path = folder / CHAPTER
    text = path.read_text(encoding="utf-8")
    cell = list(_CELL.finditer(text))[0]
    path.write_text(f"{text[: cell.end()]}# edited {number}\n{text[cell.end():]}", encoding="utf-8")


def measure(work: Path, say: Callable[[str], None]) -> list[dict[str, object]]:
    """Time both builds in the same run.

    Parameters
    ----------
    work : Path
        An empty folder to work in.
    say : callable
        Told what goes on.

    Returns
    -------
    list of dict
        For each case ``what``, ``plain_s``, ``ours_s`` and ``ratio``.
    """
    rows: list[dict[str, object]] = []
    sides = {"plain": (copy(work / "plain"), plain, {"GUIDE_PLAIN_KERNELS": "1"}),
             "ours": (copy(work / "ours"), ours("html"), {})}
    cases = (("cold build with execution", None), ("nothing changed", None),
             ("prose edit in one chapter", edit_prose), ("code edit in one chapter", edit_code))
    for what, change in cases:
        row: dict[str, object] = {"what": what}
        for side, (folder, command, environment) in sides.items():
            say(f"{what}, {side} ...")
            if change:
                change(folder, 1)
            took, memory = timed(folder, command(folder), **environment)
            row[f"{side}_s"] = round(took, 2)
            row[f"{side}_peak_mb"] = round(memory)
        row["ratio"] = round(float(row["ours_s"]) / float(row["plain_s"]), 3)
        rows.append(row)
    folder = sides["ours"][0]
    for what in ("pdf", "epub", "book"):
        say(f"{what} from a built site ...")
        took, memory = timed(folder, ours(what)(folder))
        rows.append({"what": f"{what}, the site being built", "ours_s": round(took, 2),
                     "ours_peak_mb": round(memory)})
    return rows
