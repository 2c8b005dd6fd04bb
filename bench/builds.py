"""Build times, side by side with plain Jupyter Book, on copies of the project.

Three sides are timed in the same run, case by case:

``plain``   ``jupyter-book build .`` without any of our shortcuts (``GUIDE_PLAIN=1``): one process
            reads and writes, and Jupyter starts each kernel in its own way
``serial``  the same command with the shortcuts of ``guide.sphinx_ext``, which it takes by default
``ours``    ``make html``

All three give the same site, which is checked after each case. ``ratio`` is ours to plain, and
``ratio_serial`` ours to serial. Memory is the peak of a build with all its processes, as sums of
their proportional set sizes (a page that two of them share counts half in each), looked at twice a
second; where the system knows no such size, resident sizes are summed, which counts shared pages
more than once.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
CHAPTER = "book/power.md"  # the one that is edited
_CELL = re.compile(r"^(```\{code-cell\} ipython3\n(?:---\n.*?---\n)?)", re.MULTILINE | re.DOTALL)


def copy(target: Path) -> Path:
    """Copy the sources of the project, and nothing that was built."""
    skip = shutil.ignore_patterns("_build", ".git", ".venv", "__pycache__", "node_modules", ".*cache")
    shutil.copytree(ROOT, target, ignore=skip)
    return target


def jupyter_book(folder: Path) -> list[str]:
    """Jupyter Book's own command."""
    return [str(Path(sys.executable).with_name("jupyter-book")), "build", "-q", str(folder)]


def ours(what: str) -> Callable[[Path], list[str]]:
    """Our command for one part."""
    return lambda folder: [sys.executable, "-m", "guide.build", what]


#: Side -> its command, the environment that sets it apart, and where its site lies.
SIDES: dict[str, tuple[Callable[[Path], list[str]], dict[str, str], str]] = {
    "plain": (jupyter_book, {"GUIDE_PLAIN": "1"}, "html"),
    "serial": (jupyter_book, {}, "html"),
    "ours": (ours("html"), {}, "site"),  # as Sphinx left it, before downloads are put beside it
}


def memory(process: psutil.Process) -> int:
    """Bytes that a process and all that it started hold now."""
    held = 0
    with contextlib.suppress(psutil.Error):
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                full = one.memory_full_info()
                held += getattr(full, "pss", full.rss)
    return held


def timed(folder: Path, command: list[str], **environment: str) -> tuple[float, float]:
    """Run a command; give its seconds and its peak memory in MB.

    Raises
    ------
    SystemExit
        If the command fails.
    """
    surroundings = {k: v for k, v in os.environ.items() if k != "GUIDE_PLAIN"} | {
        "PYTHONPATH": str(folder / "book"), "PYTHONHASHSEED": "0"} | environment
    with tempfile.TemporaryFile("w+") as said:
        begin = time.perf_counter()
        running = psutil.Popen(command, cwd=folder, env=surroundings, stdout=said,
                               stderr=subprocess.STDOUT)
        peak = 0
        while running.poll() is None:
            peak = max(peak, memory(running))
            with contextlib.suppress(psutil.TimeoutExpired):
                running.wait(0.5)
        took = time.perf_counter() - begin
        if running.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{said.read()[-4000:]}")
    return took, peak / 2**20


def differing(one: Path, other: Path) -> list[str]:
    """Files that two folders do not have alike."""
    names = sorted({p.relative_to(top).as_posix() for top in (one, other)
                    for p in top.rglob("*") if p.is_file() and p.name != ".buildinfo"})
    _, unlike, missing = filecmp.cmpfiles(one, other, names, shallow=False)
    return sorted([*unlike, *missing])


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
    """Time the three builds in the same run.

    Parameters
    ----------
    work : Path
        An empty folder to work in.
    say : callable
        Told what goes on.

    Returns
    -------
    list of dict
        For each case ``what``, seconds and peak memory of each side, and the two ratios.

    Raises
    ------
    SystemExit
        If a build fails, or the sites differ.
    """
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > 0.3 * (os.cpu_count() or 1):
        say(f"Others are at work here (load {load:.1f}): the times will be too long, and uneven.")
    rows: list[dict[str, object]] = []
    folders = {side: copy(work / side) for side in SIDES}
    cases = (("cold build with execution", None), ("nothing changed", None),
             ("prose edit in one chapter", edit_prose), ("code edit in one chapter", edit_code))
    for what, change in cases:
        row: dict[str, object] = {"what": what}
        for side, (command, environment, site) in SIDES.items():
            folder = folders[side]
            say(f"{what}, {side} ...")
            if change:
                change(folder, 1)
            took, peak = timed(folder, command(folder), **environment)
            row[f"{side}_s"] = round(took, 2)
            say(f"    {took:.1f} s")
            row[f"{side}_peak_mb"] = round(peak)
            unlike = differing(folders["plain"] / "_build/html", folder / "_build" / site)
            if unlike:
                raise SystemExit(f"{what}: {side} and plain differ in {', '.join(unlike[:5])}")
        row["ratio"] = round(float(row["ours_s"]) / float(row["plain_s"]), 3)
        row["ratio_serial"] = round(float(row["ours_s"]) / float(row["serial_s"]), 3)
        rows.append(row)
    folder = folders["ours"]
    for what in ("pdf", "epub", "book"):
        say(f"{what} from a built site ...")
        took, peak = timed(folder, ours(what)(folder))
        rows.append({"what": f"{what}, the site being built", "ours_s": round(took, 2),
                     "ours_peak_mb": round(peak)})
    return rows
