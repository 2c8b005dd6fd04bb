"""The commands and the build: what makes it run again, and what stops it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checks import found, house, none
from mini import GOOD, Mini

from guide import build, data
from guide.sphinx_ext import freshness

# ------------------------------------------------------------------ commands


def test_readme_and_makefile_agree(root):
    """The README tells of each command, and of no other."""
    readme = root / "README.md"
    assert readme.is_file(), "README.md is missing: say how to read, build, test and export"
    none(house.commands(readme.read_text(encoding="utf-8"),
                        (root / "Makefile").read_text(encoding="utf-8")))


def test_readme_and_makefile_agree_planted():
    """A command that is only told of, and one that is only there, are seen."""
    makefile = "VENV := .venv\nbook: x  ## Build\n\t@true\nspare:  ## Spare\n"
    none(house.commands("We make good books.\n\n    make book\n\n`make spare`", makefile))
    found(house.commands("# A\n\n```\nmake bock\n```\n", makefile), "README.md:4", "'make bock'")
    found(house.commands("`make book`", makefile), "Makefile:4", "'make spare'")


def test_help_lists_all_commands(root):
    """``make`` alone explains every command."""
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    for command in (["make"], ["make", "help"]):
        done = subprocess.run(command, cwd=root, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        none(house.help_lists(done.stdout, makefile))


def test_help_lists_all_commands_planted():
    """A command without explanation is seen."""
    makefile = "book: ## Build it\nspare: book\n"
    found(house.help_lists("  make book   Build it\n", makefile), "'spare'")


def test_ci_runs_what_the_readme_says(root):
    """What must pass before a change lands is the command that people type."""
    lines = [line.strip() for line in (root / ".ci/run").read_text().splitlines()]
    assert "make test" in lines, ".ci/run: call 'make test', as the README says"
    assert os.access(root / ".ci/run", os.X_OK), ".ci/run: make it executable"
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^test:[^#\n]*\bbook\b", makefile, re.MULTILINE), (
        "Makefile: 'test' must depend on 'book', so that it never checks an old book"
    )


# ------------------------------------------------------------------ what makes it run again


def test_the_built_book_is_of_these_sources():
    """The tests look at the book that these sources give, not at an older one."""
    none(stale(build.read_stamp(), build.fingerprint()))


def stale(stamp, key):
    """Parts of the book that were made from other sources."""
    return [f"_build: {build.PARTS[part][0]} is of other sources: run 'make book'"
            for part in build.PARTS if stamp.get(part) != key]


def test_the_built_book_is_of_these_sources_planted():
    """A part from other sources, and one that was never built, are seen."""
    found(stale({"html": "new"}, "new"), "the PDF")
    found(stale({"html": "old", "pdf": "new"}, "new"), "the site")


@pytest.fixture()
def tree(tmp_path, monkeypatch):
    """A small tree that the build takes for the project."""
    for name in ("_config.yml", "_toc.yml", "requirements.txt", "book/a.md", "data/a.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["book/a.md", "data/a.csv", "_config.yml", "requirements.txt"])
def test_a_change_makes_the_book_out_of_date(tree, name):
    """The fingerprint follows the content of every input, and not its date."""
    before = build.fingerprint()
    os.utime(tree / name, (1, 1))
    assert build.fingerprint() == before
    (tree / name).write_text("other")
    assert build.fingerprint() != before


def test_new_files_count_and_leftovers_do_not(tree):
    """A new or a renamed page changes the fingerprint; what Python leaves behind does not."""
    before = build.fingerprint()
    for folder in ("__pycache__", ".ipynb_checkpoints"):
        (tree / "book" / folder).mkdir()
        (tree / "book" / folder / "a.md").write_text("x")
    (tree / "README.md").write_text("x")
    assert build.fingerprint() == before
    (tree / "book/a.md").rename(tree / "book/b.md")
    assert build.fingerprint() != before


PAGE = """```{{code-cell}} ipython3
from guide import {rooms}
{line}
```
"""


@pytest.fixture()
def house_copy(tmp_path, monkeypatch):
    """A copy of rooms and tables that may be changed."""
    shutil.copytree(freshness.GUIDE, tmp_path / "book" / "guide",
                    ignore=shutil.ignore_patterns("fonts", "__pycache__"))
    shutil.copytree(data.ROOT, tmp_path / "data")
    (tmp_path / "requirements.txt").write_text("a==1\n")
    monkeypatch.setattr(freshness, "GUIDE", tmp_path / "book" / "guide")
    monkeypatch.setattr(data, "ROOT", tmp_path / "data")
    freshness._module.cache_clear()
    yield tmp_path
    freshness._module.cache_clear()


def append(path: Path, text: str) -> None:
    """Add to a file, and forget what was known of it."""
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    freshness._module.cache_clear()


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("data/chips.csv", True),  # the cell reads it
        ("data/prices.csv", False),
        ("book/guide/data.py", True),  # the cell imports it
        ("book/guide/quantity.py", True),  # what it imports, imports it
        ("book/guide/figures.py", False),
        ("book/guide/export.py", False),
        ("requirements.txt", True),
    ],
)
def test_a_chapter_runs_again_when_it_must(house_copy, changed, again):
    """A chapter runs anew when a table or a room that it uses has changed, and only then."""
    page = PAGE.format(rooms="data, prose", line='data.table("chips")')
    before = freshness.key(page)
    assert freshness.key(page) == before
    append(house_copy / changed, "\n# changed\n")
    assert (freshness.key(page) != before) is again


def test_tables_that_a_room_reads_count_too(house_copy):
    """A chapter that asks the ledger depends on the claims, though it never names the table."""
    page = PAGE.format(rooms="ledger", line='ledger.value("v3-active-parameters")')
    before = freshness.key(page)
    append(house_copy / "data/claims.csv", "\n")
    assert freshness.key(page) != before


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("book/guide/sphinx_ext/roles.py", True),  # sets the claims in every page
        ("book/guide/quantity.py", True),  # the roles ask it how a number is written
        ("book/guide/export.py", False),  # comes after the pages
        ("data/chips.csv", False),
    ],
)
def test_pages_are_written_again_when_they_must(house_copy, changed, again):
    """What sets the pages has changed: every page is written anew, though no cell runs."""
    before = freshness.writers()
    assert freshness.writers() == before
    append(house_copy / changed, "\n# changed\n")
    assert (freshness.writers() != before) is again


def test_words_do_not_make_a_chapter_run(house_copy):
    """Prose around the cells is no reason to execute them."""
    page = PAGE.format(rooms="data", line='data.table("chips")')
    assert freshness.key(f"# Title\n\n{page}") == freshness.key(f"# Other\n\nWords.\n\n{page}")


# ------------------------------------------------------------------ what stops it

@pytest.fixture(scope="module")
def mini(tmp_path_factory, root):
    """The small book, built once so that later builds are quick."""
    book = Mini(tmp_path_factory.mktemp("mini"), root)
    code, said = book.build(GOOD)
    assert code == 0, f"a sound small book does not build:\n{said}"
    return book


def test_a_sound_book_is_built_and_then_left_alone(mini):
    """The second build of the same sources does nothing."""
    page = (mini.folder / "_build/html/book/models.html").read_text(encoding="utf-8")
    assert "37 billion" in page and "Nothing has changed" in mini.build(GOOD)[1]


LINE = GOOD.count("\n") + 2  # where a sentence added at the end stands


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("A {claim}`v3-active-parametres`.", ("did you mean v3-active-parameters",)),
        ("A {claim}`count of 99 billion <v3-active-parameters>`.", ("99",)),
        ("See {numref}`fig-gone` and {cite:p}`gone2024`.", ("fig-gone", "gone2024")),
    ],
    ids=["unknown claim", "another number than the claim's", "unresolved reference"],
)
def test_a_bad_sentence_stops_the_build_planted(mini, fault, says):
    """A sentence that cannot be kept stops the build with file, line and reason."""
    code, said = mini.build(f"{GOOD}\n{fault}\n")
    assert code != 0, "the build went on"
    for fragment in (f"models.md:{LINE}:", *says):
        assert fragment in said, f"the message does not say '{fragment}':\n{said}"


def test_a_failed_build_keeps_what_it_says_it_keeps_planted(mini):
    """If the message says that the good site is kept, the good site is kept."""
    assert mini.build(GOOD)[0] == 0
    page = mini.folder / "_build/html/book/models.html"
    good = page.read_bytes()
    code, said = mini.build(f"{GOOD}\nA {{claim}}`gone`.\n")
    assert code != 0
    assert page.read_bytes() == good or "is kept" not in said, (
        "book/guide/build.py: the message says that the site is kept, and the build overwrote it: "
        "build beside it and exchange the two, or say what is true"
    )


def test_a_failing_cell_stops_the_build_planted(mini):
    """A guard that fails stops the build, and the message says where and why."""
    page = GOOD.replace("between=(2, 2)", "between=(3, 4)")
    code, said = mini.build(page)
    assert code != 0, "the build went on"
    lines = range(page[: page.index("from guide")].count("\n"), page.count("\n") + 1)
    assert any(f"models.md:{no}:" in said for no in lines), f"no file and line in:\n{said}"
    assert "'two' is 2 and must lie between 3 and 4" in said, f"no reason in:\n{said}"


def test_a_broken_row_stops_the_build_planted(mini):
    """A broken row stops the build before any page is read, with file, line and column."""
    path = mini.folder / "data/claims.csv"
    text = path.read_text(encoding="utf-8")
    try:
        path.write_text(text.replace(",fact,", ",facts,", 1), encoding="utf-8")
        code, said = mini.build(GOOD)
    finally:
        path.write_text(text, encoding="utf-8")
    assert code != 0 and "Building" not in said
    assert re.search(r"data/claims\.csv, line \d+, column 'kind' holds 'facts'", said), said


def test_a_missing_solution_stops_the_build_planted(mini):
    """An exercise without solution stops the build."""
    code, said = mini.build(GOOD + "\n:::{exercise} A\n:level: recall\n:name: ex-a\nSay.\n:::\n")
    assert code != 0 and "models.md:" in said and "exercise 'ex-a' has no solution" in said, said
