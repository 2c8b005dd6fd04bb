"""Build and test with other versions of Python and of the packages: ``make compat``.

It reports and does not decide: what is pinned stays pinned. For each Python that is installed the
book is built and tested in a copy, once with the pinned packages and once with the newest that the
requirements could allow; ``_build/compat.md`` says what came of it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from planting import sources

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
KINDS = ("pinned", "newest")
#: A version that is known to be another thing: see the reason in requirements.txt
BELOW = {"jupyter-book": "2"}


@dataclass
class Row:
    """What came of one combination."""

    python: str
    packages: str
    steps: list[str]
    seconds: float
    note: str = ""


def find(version: str) -> str | None:
    """Path of an interpreter of this version that starts, or nothing."""
    homes = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True)
    for name in (shutil.which(f"python{version}"), *map(str, homes)):
        if name and _answers(name, version):
            return name
    return None


def _answers(name: str, version: str) -> bool:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([name, "-c", code], capture_output=True, text=True)
    return done.returncode == 0 and done.stdout.strip() == version


def newest(requirements: str) -> str:
    """Requirements that take the newest release, and the pinned one at least.

    Examples
    --------
    >>> newest("-c constraints.txt\\njupyter-book==1.0.4  # why\\npandas==3.1.1\\n")
    'jupyter-book>=1.0.4,<2\\npandas>=3.1.1\\n'
    """
    lines = []
    for name, version in re.findall(r"^([\w.-]+)==([^\s#;]+)", requirements, re.MULTILINE):
        lines.append(f"{name}>={version}" + (f",<{BELOW[name]}" if name in BELOW else ""))
    return "\n".join(lines) + "\n"


def run(command: list[str], folder: Path, log: Path, **environment: str) -> int:
    """Run a command, its words added to a log; return its status."""
    with log.open("a", encoding="utf-8") as out:
        print(f"\n$ {' '.join(command)}", file=out, flush=True)
        return subprocess.run(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT,
                              env=os.environ | environment).returncode


def try_one(python: str, version: str, kind: str, top: Path, tests: bool) -> Row:
    """Build and test the book with one interpreter and one choice of packages."""
    shutil.rmtree(top, ignore_errors=True)
    folder, log = top / "book", top / "log.txt"
    for name in sources(ROOT):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    if (checkers := ROOT / "_build" / "browser").is_dir():  # axe and the Nu checker, if they are here
        (folder / "_build").mkdir()
        (folder / "_build" / "browser").symlink_to(checkers, target_is_directory=True)
    (top / "newest.txt").write_text(newest((ROOT / "requirements.txt").read_text("utf-8")))
    wanted = (["--require-hashes", "-r", "requirements.lock"] if kind == "pinned"
              else ["-r", str(top / "newest.txt")])
    mine = str(top / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python")
    steps: list[tuple[str, Callable[[], int]]] = [
        ("install", lambda: run([python, "-m", "venv", str(top / "venv")], folder, log)
         or run([mine, "-m", "pip", "install", "--quiet", *wanted], folder, log)),
        ("build", lambda: run([mine, "-m", "guide.build", "book"], folder, log,
                              PYTHONPATH=str(folder / "book"))),
    ]
    if tests:
        steps.append(("tests", lambda: run(
            [mine, "-m", "pytest", "--ignore", "tests/lab"], folder, log)))
    row, begin = Row(version, kind, [], 0.0), time.perf_counter()
    for name, step in steps:
        bad = step()
        row.steps.append(f"{name} {'fails' if bad else 'passes'}")
        if bad:
            row.note = last_words(log.read_text(encoding="utf-8", errors="replace"))
            break
    row.seconds = time.perf_counter() - begin
    shutil.rmtree(top / "venv", ignore_errors=True)
    return row


def last_words(log: str) -> str:
    """The last line of a log that says what is wrong."""
    lines = [t.strip() for t in re.sub(r"\x1b\[[\d;]*m", "", log).splitlines() if t.strip()]
    telling = [t for t in lines if re.search(r"\b(?:FAILED|ERROR|WARNING|\w*Error)\b", t)]
    return (telling or lines or ["no word"])[-1][:160].replace("|", "/")


def report(rows: list[Row], missing: list[str]) -> str:
    """Write the report in Markdown."""
    lines = ["# Other versions", "", "What came of building and testing the book with them; it decides "
             "nothing.", "", "| Python | packages | outcome | seconds | what was said |",
             "|---|---|---|---|---|"]
    lines += [f"| {r.python} | {r.packages} | {', '.join(r.steps)} | {r.seconds:.0f} | {r.note} |"
              for r in rows]
    lines += [f"| {version} | | not installed here | | |" for version in missing]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--python", nargs="*", default=list(PYTHONS))
    parser.add_argument("--packages", nargs="*", default=list(KINDS), choices=KINDS)
    parser.add_argument("--no-tests", action="store_true", help="build only")
    given = parser.parse_args(arguments)
    found = {version: find(version) for version in given.python}
    rows: list[Row] = []
    target = ROOT / "_build" / "compat.md"
    target.parent.mkdir(exist_ok=True)
    for version, python in found.items():
        for kind in given.packages if python else ():
            print(f"Python {version}, {kind} packages ...", flush=True)
            # not below the project: what lies in _build is no source to those who look for sources
            top = Path(tempfile.gettempdir()) / "deepseek-moment-compat" / f"{version}-{kind}"
            rows.append(try_one(python, version, kind, top, not given.no_tests))
            target.write_text(report(rows, [v for v, p in found.items() if not p]), encoding="utf-8")
    target.write_text(report(rows, [v for v, p in found.items() if not p]), encoding="utf-8")
    print(target.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
