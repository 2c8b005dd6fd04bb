"""The lock: the versions of the requirements, with hashes, for every system; other versions tried."""

from __future__ import annotations

import re

import compat
import pytest
from checks import found, house, none

LOCKS = {"requirements.lock": "requirements.txt", "requirements-notebooks.lock": "requirements-notebooks.txt"}


def plain(name: str) -> str:
    """A package's name in the form in which names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, str]:
    """Versions by name."""
    return {plain(n): v for n, v in re.findall(r"^([\w.-]+)==([^\s;#\\]+)", text, re.MULTILINE)}


def lock_faults(lock: str, name: str, asked: dict[str, str], allowed: dict[str, str]) -> list[str]:
    """Find what a lock lacks: a package that is asked for, its version, its hashes.

    ``asked`` are the requirements, ``allowed`` the versions of all that they bring along.
    """
    have, problems = pins(lock), []
    for package, version in asked.items():
        if package not in have:
            problems.append(f"{name}:1: lacks {package}: run 'make lock'")
    for package, version in have.items():
        wanted = (allowed | asked).get(package, version)
        if version != wanted:
            problems.append(f"{name}:1: has {package} {version}, and {wanted} is pinned: run 'make lock'")
    for block in re.split(r"\n(?=\S)", lock):
        if re.match(r"[\w.-]+==", block) and not re.search(r"--hash=sha256:[0-9a-f]{64}\b", block):
            problems.append(f"{name}:1: {block.split()[0]} has no hash: run 'make lock'")
        elif block.strip() and not re.match(r"[\w.-]+==|#", block):
            problems.append(f"{name}:1: '{block.split()[0]}' is no pinned package: run 'make lock'")
    return problems


def twice(requirements: str, name: str) -> list[str]:
    """Find packages that are asked for twice."""
    rows = [plain(n) for n in re.findall(r"^([\w.-]+)==", requirements, re.MULTILINE)]
    return [f"{name}:1: asks for {package} twice: keep one line" for package in sorted(set(rows))
            if rows.count(package) > 1]


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_is_of_the_requirements(root, name):
    """What make installs is what the requirements pin, and pip can check each file."""
    lock = (root / name).read_text(encoding="utf-8")
    asked = pins((root / LOCKS[name]).read_text(encoding="utf-8"))
    none(lock_faults(lock, name, asked, pins((root / "constraints.txt").read_text(encoding="utf-8"))))
    none(twice((root / LOCKS[name]).read_text(encoding="utf-8"), LOCKS[name]))
    none(house.machine_paths(lock, name))
    assert "://" not in lock, f"{name}:1: names a host: leave the choice to the reader's pip"


def test_the_lock_is_of_the_requirements_planted():
    """A package left out, another version, a hash that is missing and a stray line are seen."""
    good = f"a==1 \\\n    --hash=sha256:{'0' * 64}\nb==2 ; sys_platform == 'win32' \\\n    --hash=sha256:{'1' * 64}\n"
    none(lock_faults(good, "r.lock", {"a": "1"}, {"b": "2"}))
    found(lock_faults(good, "r.lock", {"c": "1"}, {}), "lacks c")
    found(lock_faults(good, "r.lock", {"a": "2"}, {}), "a 1, and 2 is pinned")
    found(lock_faults("a==1\n", "r.lock", {}, {}), "no hash")
    found(twice("a==1\nb==1\na==1\n", "r.txt"), "r.txt:1", "a twice")
    found(lock_faults("-e .\n", "r.lock", {}, {}), "no pinned package")


def test_the_lock_serves_every_system(root):
    """What only Windows or macOS needs is in the lock too, though no build here would miss it."""
    lock = (root / "requirements.lock").read_text(encoding="utf-8")
    for package, system in (("colorama", "win32"), ("appnope", "darwin")):
        assert re.search(rf"^{package}==\S+ ; .*{system}", lock, re.MULTILINE), (
            f"requirements.lock:1: lacks {package} for {system}: run 'make lock'")
    # a package in C has a file for each system, each Python and each kind of processor
    block = next(b for b in re.split(r"\n(?=\S)", lock) if b.startswith("numpy=="))
    assert block.count("--hash=") > 20, "requirements.lock:1: numpy for one system only: run 'make lock'"


def test_make_installs_the_lock(root):
    """Make and the README install with hashes."""
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    assert makefile.count("--require-hashes") == 2, "Makefile: install the locks with --require-hashes"
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert "pip install --require-hashes -r requirements.lock" in readme, "README.md: as the Makefile"


def test_newest_versions_are_asked_for(root):
    """The trial takes newer releases, and not version 2 of Jupyter Book."""
    asked = compat.newest((root / "requirements.txt").read_text(encoding="utf-8"))
    assert "==" not in asked and re.search(r"^jupyter-book>=1[\w.]+,<2$", asked, re.MULTILINE)


def test_the_report_says_what_ran():
    """An interpreter that is not there is said to be missing, a failure is told in its own words."""
    row = compat.Row("3.12", "pinned", ["install passes", "build fails"], 12.3,
                     compat.last_words("fine\n\x1b[31mE   KeyError: 'x|y'\x1b[0m\nbye\n"))
    text = compat.report([row], ["3.13"])
    assert "| 3.12 | pinned | install passes, build fails | 12 | E   KeyError: 'x/y' |" in text
    assert "| 3.13 | | not installed here | | |" in text
