"""Plant the faults of ``tests/faults.py`` and see that each is caught: ``make faults``.

The checks run in copies of the project. A process that has imported what they import, and read
the built pages, forks one child for each fault; so a fault takes a moment, not seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

import faults as register  # noqa: E402

#: What the checks import; none of it is the project's own
LIBRARIES = (
    "bs4", "frictionless", "genanki", "hypothesis", "jupyter_cache", "matplotlib.pyplot", "myst_nb",
    "myst_parser.sphinx_", "pandas", "pybtex.database", "pypandoc", "pypdf", "pytest",
    "sphinx.builders", "typst", "yaml",
)
#: What is built and kept only to build again
WORK = {"bench", "browser", ".doctrees", ".jupyter_cache", "compat", "html.old", "html.part", "ipython", "jupyter",
        "jupyter_execute", "print", "site", "uv", "visual"}


@dataclasses.dataclass
class Result:
    """What became of a fault: whether it was caught, and what was said."""

    id: str
    check: str
    caught: bool
    said: str
    seconds: float


# ------------------------------------------------------------------ the copy


def sources(root: Path) -> list[str]:
    """Files of the project, whether they are under version control yet or not."""
    done = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=root,
                          capture_output=True, text=True)
    if done.returncode == 0:
        return [n for n in done.stdout.split("\0") if n and (root / n).is_file()]
    skip = {"_build", ".venv", ".git", "__pycache__"}
    return [p.relative_to(root).as_posix() for p in root.rglob("*")
            if p.is_file() and not skip & set(p.relative_to(root).parts)]


def copy_project(root: Path, folder: Path) -> None:
    """Copy the sources, and link the built files, which a fault replaces and never writes into."""
    for name in sources(root):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target)
    for top in sorted((root / "_build").glob("*")):
        if top.is_dir() and top.name not in WORK:
            shutil.copytree(top, folder / "_build" / top.name, copy_function=_link)
    git = ["git", "-c", "core.autocrlf=false"]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        for command in (["init", "-q"], ["add", "-A"]):
            subprocess.run([*git, *command], cwd=folder, check=True, capture_output=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def stamp(folder: Path) -> None:
    """Have the copy say that its built parts are of its sources."""
    code = ("from guide import build; key = build.fingerprint(); "
            "[build.write_stamp(part, key) for part in build.PARTS]")
    subprocess.run([sys.executable, "-c", code], check=True, cwd=folder,
                   env=os.environ | {"PYTHONPATH": str(folder / "book")})


@contextlib.contextmanager
def planted(fault: register.Fault, folder: Path):
    """Have the fault stand in a copy for a while."""
    path = folder / fault.file
    before = path.read_bytes() if path.is_file() else None
    times = path.stat() if before is not None else None
    try:
        if before is not None:  # the file may be a link to the good one
            path.unlink()
            path.write_bytes(before)
        fault.change(path)
        yield
    finally:
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_bytes(before)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


# ------------------------------------------------------------------ one check


def warm(root: Path) -> None:
    """Import what the checks import, and read the built pages, before anything is forked."""
    import gc

    for name in LIBRARIES:
        with contextlib.suppress(ImportError):  # then the test says which is missing
            importlib.import_module(name)
    from checks.site import parsed

    for path in sorted((root / "_build/html").rglob("*.html")):
        parsed(path.read_text(encoding="utf-8"))
    gc.freeze()


def check_here(check: str) -> int:
    """Run one check in this process and folder; nothing of the project is imported yet."""
    here = Path.cwd()
    sys.path[:] = [p for p in sys.path if p not in (str(ROOT), str(ROOT / "book"), "")]
    sys.path[:0] = [str(here / "book"), str(here)]
    sys.dont_write_bytecode = True
    if check == "data":
        from guide import build

        try:
            build.check_data()
        except SystemExit as stop:
            print(stop)
            return 1
        return 0
    import pytest

    # the first failure is enough, unless several checks are asked for
    several = ["-rN", "-x"] if check.startswith("tests/") else []
    return int(pytest.main(["-q", "--no-header", *several, "--rootdir", str(here), *check.split()]))


def fork(check: str, folder: Path, said: Path) -> int:
    """Start a check in a child; return its process id."""
    child = os.fork()
    if child:
        return child
    code = 70  # not a code of pytest's: the check itself broke
    try:
        out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), write_through=True)
        sys.stderr = sys.stdout
        os.chdir(folder)
        code = check_here(check)
    except BaseException as error:  # noqa: BLE001
        print(f"{type(error).__name__}: {error}")
    finally:
        sys.stdout.flush()
        os._exit(code)


def judge(fault: register.Fault, code: int, said: str, seconds: float) -> Result:
    """Say whether a fault was caught: the check failed, with the words that it must say."""
    flat = " ".join(said.split())
    lost = [words for words in fault.says if " ".join(words.split()) not in flat]
    caught = code == 1 and not lost
    if caught:
        line = next((t for t in said.splitlines() if fault.says[-1] in t), flat)
        message = re.sub(r"^E?\s+", "", line).strip()
    elif code == 0:
        message = "NOT CAUGHT: the check passes"
    else:
        message = f"NOT CAUGHT as it must be (status {code}, lacks {lost}): {flat[-600:]}"
    return Result(fault.id, fault.check, caught, message, seconds)


def plant_all(faults: Iterable[register.Fault], copies: list[Path]) -> list[Result]:
    """Plant faults one by one in each copy, and run their checks side by side."""
    waiting, free = list(faults), list(copies)
    running: dict[int, tuple] = {}
    results = []
    while waiting or running:
        while waiting and free:
            fault, folder, stack = waiting.pop(0), free.pop(), contextlib.ExitStack()
            begin = time.perf_counter()
            try:
                stack.enter_context(planted(fault, folder))
            except (register.CannotPlant, OSError) as error:
                free.append(folder)
                results.append(Result(fault.id, fault.check, False, f"cannot be planted: {error}", 0))
                continue
            said = folder / "_build" / "said.txt"
            running[fork(fault.check, folder, said)] = (fault, folder, stack, said, begin)
        if not running:
            continue
        child, status = os.wait()
        fault, folder, stack, said, begin = running.pop(child)
        stack.close()
        text = said.read_text(encoding="utf-8", errors="replace")
        results.append(judge(fault, os.waitstatus_to_exitcode(status), text,
                             time.perf_counter() - begin))
        free.append(folder)
    return results


def unsound(checks: Iterable[str], folder: Path) -> dict[str, str]:
    """Run the named checks where no fault is planted; return those that fail, with what they say."""
    nodes = sorted({c for c in checks if "::" in c})
    said = folder / "_build" / "said.txt"
    failing = {}
    for check in (["data"] if "data" in checks else []) + ([" ".join(["-rfE", *nodes])] if nodes else []):
        status = os.waitpid(fork(check, folder, said), 0)[1]
        text = said.read_text(encoding="utf-8", errors="replace")
        if not os.waitstatus_to_exitcode(status):
            continue
        named = re.findall(r"^(?:FAILED|ERROR) (tests/[\w/]+\.py::\w+)[^\n]*", text, re.MULTILINE)
        failing |= dict.fromkeys(named or check.split(), text[-1500:])
    return failing


# ------------------------------------------------------------------ a small book for each group


def build_group(group: str, faults: list[register.Fault], folder: Path) -> list[Result]:
    """Build a small book with a page for each fault; every one must be named."""
    from mini import FRONT, Mini

    mini = Mini(folder, ROOT)
    pages = {}
    for fault in faults:
        fault.change(folder / fault.file)
        title = f"# Page of {fault.id}\n\n"
        pages[fault.id] = (FRONT.replace("# A page\n\n", title)
                           + (folder / fault.file).read_text(encoding="utf-8"))
    mini.write(pages)
    begin = time.perf_counter()
    code, said = mini.run("pdf" if group == "print" else "html")
    seconds = (time.perf_counter() - begin) / len(faults)
    results = []
    for fault in faults:
        # what is said of this page: its message and the lines that follow, up to the next place
        mine = re.findall(rf"^[^\n]*{re.escape(fault.id)}\.md:(?:(?!\n[^\n]*\.md:).)*", said,
                          re.MULTILINE | re.DOTALL)
        text = "\n".join(mine) or f"nothing is said of {fault.id}.md in:\n{said[-3000:]}"
        results.append(judge(fault, 1 if code and mine else 3, text, seconds))
    return results


# ------------------------------------------------------------------ the command


def run(chosen: list[register.Fault], prove: bool = True) -> list[Result]:
    """Plant the chosen faults; return what became of them.

    Parameters
    ----------
    chosen : list of Fault
        Rows of the register.
    prove : bool
        Whether to run the checks without a fault first.
    """
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        top = Path(name)
        groups: dict[str, list[register.Fault]] = {}
        for fault in chosen:
            if fault.needs == "build":
                groups.setdefault(fault.check.partition(":")[2], []).append(fault)
        quick = [f for f in chosen if f.needs != "build"]
        if quick:
            copies = [top / f"copy{i}" for i in range(min(2, os.cpu_count() or 1))]
            for copy in copies:
                copy_project(ROOT, copy)
                stamp(copy)
            if any(f.needs == "pages" for f in quick) or prove:
                warm(ROOT)
            else:
                warm(top)  # there are no pages: only the libraries
            failing = unsound({f.check for f in quick}, copies[0]) if prove else {}
            results += [Result(f.id, f.check, False, "the check fails without the fault too: mend that "
                               f"first\n{failing[f.check]}", 0) for f in quick if f.check in failing]
            results += plant_all([f for f in quick if f.check not in failing], copies)
        for group, faults in groups.items():
            results += build_group(group, faults, top / f"mini-{group}")
    order = {fault.id: i for i, fault in enumerate(chosen)}
    return sorted(results, key=lambda r: order[r.id])


def table(results: list[Result]) -> str:
    """Print the results as a table: fault, check, message."""
    width = max(len(r.id) for r in results)
    checks = [r.check.partition("::")[2] or r.check for r in results]
    room = max(map(len, checks))
    return "\n".join(
        f"{' ' if r.caught else '!'} {r.id:{width}}  {check:{room}}  {r.said[: 110 if r.caught else 1500]}"
        for r, check in zip(results, checks))


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Plant faults and see that each is caught.")
    parser.add_argument("names", nargs="*", help="only these faults, or checks")
    parser.add_argument("--fast", action="store_true", help="only what needs neither pages nor build")
    parser.add_argument("--only", choices=("sources", "pages", "build"),
                        help="only what needs the sources, the built pages, or a build of its own")
    parser.add_argument("--json", action="store_true", help="print the results for another program")
    given = parser.parse_args()
    if not hasattr(os, "fork"):
        raise SystemExit("Faults are planted in forked processes, which this system has not.")
    chosen = [f for f in register.FAULTS
              if (not given.names or f.id in given.names or f.check in given.names)
              and given.only in (None, f.needs)
              and (not given.fast or f.needs == "sources" and f.check not in register.SLOW)]
    begin = time.perf_counter()
    results = run(chosen, prove=not given.fast)
    if given.json:
        print(json.dumps([dataclasses.asdict(r) for r in results]))
        return
    print(table(results))
    missed = [r for r in results if not r.caught]
    print(f"\n{len(results) - len(missed)} of {len(results)} planted faults were caught in "
          f"{time.perf_counter() - begin:.0f} s.")
    if missed:
        raise SystemExit("A fault that no check catches can reach the reader: mend the check.")


if __name__ == "__main__":
    main()
