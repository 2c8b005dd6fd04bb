"""The register of planted faults is whole, and its quick part is caught each time the tests run."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections import Counter

import faults
import planting
import pytest
from checks import found, none

LEAST = 60


def faulty_rows(rows, root) -> list[str]:
    """Rows of the register that cannot be what they say."""
    problems = [f"tests/faults.py:1: '{name}' stands {n} times: rename one"
                for name, n in Counter(r.id for r in rows).items() if n > 1]
    tests: dict[str, set[str]] = {}
    for row in rows:
        where = f"tests/faults.py:1: '{row.id}'"
        if not row.says:
            problems.append(f"{where}: say what the message must hold")
        if row.check == "data" or row.check.startswith("build:"):
            continue
        path, _, name = row.check.partition("::")
        if path not in tests:
            text = (root / path).read_text(encoding="utf-8") if (root / path).is_file() else ""
            tests[path] = {n.name for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)}
        if name not in tests[path]:
            problems.append(f"{where}: there is no check {row.check}: correct its name")
    return problems


def test_the_register_is_whole(root):
    """There are enough faults, each has a name of its own, and each check exists."""
    assert len(faults.FAULTS) >= LEAST, f"tests/faults.py: {len(faults.FAULTS)} rows: plant some more"
    none(faulty_rows(faults.FAULTS, root))
    kinds = Counter(fault.needs for fault in faults.FAULTS)
    assert set(kinds) == {"sources", "pages", "build"}, "tests/faults.py: no fault of some sort"


def test_the_register_is_whole_planted(root):
    """A name given twice, a check that is gone and a row that expects nothing are seen."""
    row = faults.FAULTS[0]
    gone = faults.Fault("x", row.file, row.change, "tests/test_data.py::test_gone", ())
    problems = faulty_rows([row, row, gone], root)
    found(problems, f"'{row.id}' stands 2 times")
    found(problems, "no check tests/test_data.py::test_gone")
    found(problems, "'x'", "say what the message must hold")


def test_a_fault_is_judged():
    """A check that passes, fails for another reason or does not run has caught nothing."""
    row = faults.Fault("x", "a", lambda path: None, "data", ("a.csv", "mend it"))
    assert planting.judge(row, 1, "data/a.csv, line 2: wrong:\n  mend it", 0).caught
    assert "passes" in planting.judge(row, 0, "", 0).said
    for code, said in ((1, "data/b.csv: mend it"), (4, "data/a.csv: mend it"), (70, "a.csv mend it")):
        result = planting.judge(row, code, said, 0)
        assert not result.caught and "NOT CAUGHT" in result.said


def test_a_fault_is_planted_and_taken_out(tmp_path):
    """A fault stands for a while in the copy; what it was linked to never changes."""
    good, copy = tmp_path / "good.txt", tmp_path / "copy" / "good.txt"
    good.write_text("good")
    copy.parent.mkdir()
    os.link(good, copy)
    row = faults.Fault("x", "good.txt", faults.replaced("good", "bad"), "data", ("x",))
    with planting.planted(row, copy.parent):
        assert (copy.read_text(), good.read_text()) == ("bad", "good")
    assert copy.read_text() == good.read_text() == "good"
    new = faults.Fault("y", "a/new.txt", faults.added("x"), "data", ("x",))
    with planting.planted(new, copy.parent):
        assert (copy.parent / "a/new.txt").read_text() == "x"
    assert not (copy.parent / "a/new.txt").exists()
    lost = faults.Fault("z", "good.txt", faults.replaced("gone", "x"), "data", ("x",))
    with pytest.raises(faults.CannotPlant, match="does not hold 'gone'"):
        with planting.planted(lost, copy.parent):
            pass
    assert copy.read_text() == "good"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="faults are planted in forked processes")
def test_the_quick_faults_are_caught(root):
    """Each fault that needs no built book is caught by the check that it names; see make faults."""
    done = subprocess.run([sys.executable, "tests/planting.py", "--fast", "--json"], cwd=root,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])
    assert len(results) >= LEAST
    none(f"tests/faults.py:1: '{r['id']}' ({r['check']}): {r['said'][:300]}: mend the check, or the row"
         for r in results if not r["caught"])
