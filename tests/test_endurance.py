"""The same sources give the same bytes anywhere, and a build that is cut short does no harm."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mini import FRONT, Mini
from planting import WORK

pytestmark = pytest.mark.slow

PAGE = FRONT + """A {claim}`v3-active-parameters` {cite:p}`deepseek2024v3`, {glue:text}`two`, $x^2$.

```{code-cell} ipython3
---
mystnb:
  figure:
    caption: A figure of so many bars
    name: fig-NAME
---
from guide import data, figures, prose, tables
fig, ax = figures.new(2)
ax.bar(["a", "b", "c"], [HEIGHT, 2, 3], hatch="//")
prose.say("two", 1 + 1, between=(2, 2))
figures.show(fig, alt="Bar chart of three bars, of which the last is the highest by far.",
             source="data/chips.csv", data=data.table("chips").head())
```

```{code-cell} ipython3
tables.show(data.table("chips")[["name", "tdp_w"]], caption="Chips", name="tab-NAME")
```

See {numref}`fig-NAME` and {numref}`tab-NAME`.
"""


def pages(height: int) -> dict[str, str]:
    """Some pages, with a bar of this height."""
    return {name: PAGE.replace("NAME", name).replace("HEIGHT", str(height)).replace("two", f"two-{name}")
            .replace("# A page", f"# Page {name}") for name in ("models", "efficiency", "power")}


def claim_changed(mini: Mini, words: str) -> None:
    """Change what a claim says, which other pages quote."""
    path = mini.folder / "data/claims.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")))
    next(r for r in rows if r["id"] == "v3-active-parameters")["check"] = words
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def handed_on(mini: Mini) -> dict[str, str]:
    """Digest of every file that is handed on, by its path."""
    built = mini.folder / "_build"
    tops = [p for p in built.iterdir() if p.is_dir() and p.name not in WORK]
    return {p.relative_to(built).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
            for top in tops for p in sorted(top.rglob("*"))
            if p.is_file() and ".part" not in p.relative_to(built).as_posix()}


def differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Files that are not the same in both."""
    return [f"_build/{name}: differs from the other build: look for a date, a path or an order of chance"
            for name in sorted(one.keys() | other.keys()) if one.get(name) != other.get(name)]


@pytest.fixture(scope="module")
def reference(tmp_path_factory, root) -> dict[str, str]:
    """What an undisturbed build of the later sources gives, in a surrounding of its own."""
    mini = Mini(tmp_path_factory.mktemp("somewhere-else-altogether"), root)
    mini.write(pages(2))
    claim_changed(mini, "Another check.")
    for path in (mini.folder / "book").rglob("*.md"):
        os.utime(path, (10**9, 10**9))
    done = subprocess.run(
        mini.command("book"), cwd=mini.folder, umask=0o027, text=True, capture_output=True,
        env=mini.environment(PYTHONHASHSEED="77", TZ="Asia/Kathmandu", LANG="tr_TR.UTF-8", LC_ALL="C",
                             HOME=str(mini.folder), COLUMNS="200", GUIDE_PLAIN="1"))
    assert done.returncode == 0, done.stdout + done.stderr
    return handed_on(mini)


@pytest.fixture(scope="module")
def worn(tmp_path_factory, root):
    """A book that was built from earlier sources, what was handed on, and how long it took."""
    mini = Mini(tmp_path_factory.mktemp("b"), root)
    mini.write(pages(1))
    begin = time.perf_counter()
    code, said = mini.run("book", TZ="America/Lima", LANG="en_GB.UTF-8")
    assert code == 0, said
    took = time.perf_counter() - begin
    good = handed_on(mini)
    assert {Path(n).suffix for n in good} >= {".html", ".pdf", ".apkg"}
    mini.write(pages(2))
    claim_changed(mini, "Another check.")
    return mini, good, took


def test_what_differs_is_named():
    """A file that differs, and one that only one build has, are seen."""
    assert [p.split(":")[0] for p in differing({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"})] == [
        "_build/b", "_build/c"]


def others(folder: Path) -> list[str]:
    """Processes that work in a folder, or were started for it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            place = os.readlink(entry / "cwd")
            zombie = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            if not zombie and int(entry.name) != os.getpid() and (
                    place.startswith(str(folder)) or str(folder) in command):
                found.append(f"{entry.name}: {command[:90]}")
    return found


def inner(parent: int) -> int:
    """The process that does the work for the command; the command itself if there is none yet."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                return int(entry.name)
    return parent


#: When a build is killed, as a share of the time that it takes, and which process
MOMENTS = [(0.08, "command"), (0.25, "worker"), (0.4, "command"), (0.55, "worker"), (0.7, "command"),
           (0.9, "worker")]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
@pytest.mark.parametrize(("share", "victim"), MOMENTS)
def test_a_killed_build_does_no_harm(worn, reference, share, victim):
    """Killed at any moment, a build leaves the good outputs whole and no process behind."""
    mini, good, took = worn
    process = subprocess.Popen(mini.command("book"), cwd=mini.folder, env=mini.environment(),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(took * share * random.Random(share).uniform(0.9, 1.1))
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid if victim == "command" else inner(process.pid), signal.SIGKILL)
    process.wait()
    end = time.monotonic() + 10
    while others(mini.folder) and time.monotonic() < end:
        time.sleep(0.2)
    assert not others(mini.folder), "book/guide/nursery.py: processes are left behind: tie them"
    now = handed_on(mini)
    lost = [name for name in good if name not in now and name not in reference]
    assert not [n for n in good if n in reference and n not in now], "files that stood before are gone"
    assert not lost or set(now) >= set(reference), lost
    for name, digest in now.items():
        # a page may be new and still without the sizes of the downloads, which come last
        whole = digest in (good.get(name), reference.get(name)) or name.endswith(".html") and (
            mini.folder / "_build" / name).read_text("utf-8").rstrip().endswith("</html>")
        assert whole or name not in good, f"_build/{name} is neither the old nor the new: write it whole"


@pytest.mark.skipif(os.name != "posix", reason="limits of a process are POSIX's")
@pytest.mark.parametrize(("what", "limit"), [("book", 20_000), ("html", 600_000), ("html", 20_000)])
def test_a_full_disk_does_no_harm(worn, reference, what, limit):
    """A build that cannot write says so, and leaves the good outputs whole."""
    import resource

    mini, good, _ = worn
    claim_changed(mini, "A check that is not kept.")
    try:
        done = subprocess.run(
            mini.command(what), cwd=mini.folder, env=mini.environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    finally:
        claim_changed(mini, "Another check.")
    assert done.returncode, "the build went on without room"
    assert "before is kept" in done.stdout, done.stdout
    assert re.search("File too large|disk I/O error|disk is full|jupyter cache", done.stdout), done.stdout
    now = handed_on(mini)
    assert not differing(now, good) or not differing(now, reference), differing(now, good)[:5]


def test_after_all_that_the_book_is_the_same(worn, reference):
    """The next build succeeds, and gives the bytes that an undisturbed one gives elsewhere.

    The two differ in folder, hash seed, time zone, language, umask, home, dates of files, in how
    kernels were started, in what was kept from build to build, and in the time of day.
    """
    mini, _, _ = worn
    code, said = mini.run("book")
    assert code == 0, said
    problems = differing(handed_on(mini), reference)
    assert not problems, "\n".join(problems[:20])
    assert not list((mini.folder / "_build").glob("**/*.part")), "half files are left behind"
    code, said = mini.run("book")
    assert code == 0 and "Building" not in said, said
