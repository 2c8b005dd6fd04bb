"""What readers take away: texts, notebooks that run elsewhere, data, and the page with the links."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from checks import found, none
from checks import offers as check
from checks.reading import read

from guide import build, downloads, export, markdown, notebooks, pandoc, prose

QUICK = "data-catalogue"  # runs in two seconds


@pytest.fixture(scope="module")
def folder():
    """Where the downloads are made."""
    if not (build.DOWNLOADS / "deepseek-moment.md").is_file():
        pytest.fail("the downloads are not built: run 'make book' first", pytrace=False)
    return build.DOWNLOADS


@pytest.fixture(scope="module")
def whole(folder):
    """The whole book as Markdown."""
    return (folder / "deepseek-moment.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def made(folder):
    """The notebooks by their page."""
    return {p.stem: json.loads(p.read_text(encoding="utf-8"))
            for p in sorted((folder / "_sources/book").glob("*.ipynb"))}


@pytest.fixture(scope="module")
def unpacked(folder, tmp_path_factory):
    """The archive of the notebooks, unpacked."""
    target = tmp_path_factory.mktemp("notebooks")
    with zipfile.ZipFile(folder / "deepseek-moment-notebooks.zip") as archive:
        archive.extractall(target)
    return target


# ------------------------------------------------------------------ text


def test_the_text_is_whole(whole, titles, numbered, claims):
    """Each chapter, figure, table and claim is in the Markdown, the claims with their names."""
    none(check.missing(titles, whole, "deepseek-moment.md"))
    none(check.missing(numbered, whole, "deepseek-moment.md"))
    none(check.missing([c.statement[:40] for c in claims], whole, "deepseek-moment.md"))
    heads = set(whole.splitlines())
    none(f"deepseek-moment.md: claim '{c.id}' has no heading" for c in claims
         if f"###### {c.id}" not in heads)


def test_the_text_tells_the_figures(whole):
    """Each figure is told in words."""
    tree = export.read_book(build.PRINT)
    alts = [pandoc.plain(n["c"][1])[:60] for n in pandoc.find(tree, "Image")]
    none(check.missing(alts, whole, "deepseek-moment.md"))


def test_the_text_is_plain(whole, folder):
    """No role, directive or HTML is left in the Markdown."""
    none(check.markdown(whole, "deepseek-moment.md"))
    for path in sorted((folder / "book").glob("*.md")):
        none(check.markdown(path.read_text(encoding="utf-8"), path.name))


@pytest.mark.parametrize(
    ("text", "says"),
    [("A {claim}`x`.", "role"), (":::{note}\nA\n:::", "role"), ("A <b>bold</b> word.", "HTML"),
     ("**Bold. **Word", "broken mark")],
)
def test_the_text_is_plain_planted(text, says):
    """A role, a directive, a tag and stars left standing are seen; code and addresses are not."""
    none(check.markdown("`<b>` <https://a.org>\n\n```\n{claim}`x` <b>\n```\n", "a.md"))
    found(check.markdown(f"Words.\n{text}\n", "a.md"), "a.md:2", says)


def test_the_text_reads_back(whole):
    """Pandoc reads the Markdown back: headings, tables and formulas as they went in."""
    import pypandoc

    body = whole.partition("\n---\n")[2]
    back = json.loads(pypandoc.convert_text(body, "json", format=markdown.FORMAT))["blocks"]
    tree = export.read_chapters(build.PRINT)
    for kind in ("Table", "Math"):
        assert len(pandoc.find(back, kind)) == len(pandoc.find(tree, kind)), kind
    wanted = [pandoc.plain(h["c"][2]).split() for h in pandoc.find(tree, "Header")]
    heads = [pandoc.plain(h["c"][2]).split() for h in pandoc.find(back, "Header")]
    assert [h for h in heads if h in wanted] == wanted


def test_what_is_missing_planted():
    """A chapter that the text has lost is seen; marks of Markdown do not matter."""
    none(check.missing(["The *H20*"], "### The \\*H20\\*", "a.md"))
    found(check.missing(["Gigawatts"], "# Other", "a.md"), "a.md", "'Gigawatts'")


def test_llms(contents, site, files):
    """``llms.txt`` lists each page with a line on it, and each link leads to a file."""
    none(check.llms((site / "llms.txt").read_text(encoding="utf-8"), contents, files))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("A\n\n> B\n- [a](a.md): What is in it", "begin with the title"),
        ("# A\n\nB\n- [a](a.md): What is in it", "no summary"),
        ("# A\n\n> B\n- [a](a.md)", "what it is"),
        ("# A\n\n> B\n- [a](b.md): What is in it", "'b.md' is not in the site"),
        ("# A\n\n> B\n", "a is not listed"),
    ],
)
def test_llms_planted(text, says):
    """No title, no summary, a bare or dead link and a lost page are seen."""
    none(check.llms("# A\n\n> B\n\n- [a](a.md): What is in it", ["a"], ["a.md"]))
    found(check.llms(text, ["a"], ["a.md"]), says)


# ------------------------------------------------------------------ notebooks


def test_notebooks(made, sources):
    """Each page with code has its notebook: its cells in order, no role left, no output."""
    code = {Path(n).stem: ["\n".join(c.code) for c in read(t).cells] for n, t in sources.items()}
    wanted = {name for name, cells in code.items() if cells}
    assert set(made) >= wanted, f"no notebook of {sorted(wanted - set(made))}"
    none(p for name, book in made.items()
         for p in check.notebook(book, code[name], f"{name}.ipynb"))


def test_notebooks_are_valid(made):
    """Each notebook keeps to Jupyter's own schema."""
    for book in made.values():
        nbformat.validate(book)


def test_notebooks_print_the_numbers(made):
    """Where the chapter has a role, the notebook has what it prints."""
    words = "".join("".join(c["source"]) for c in made["models"]["cells"]).replace("\u00a0", " ")
    assert "671 billion parameters" in words and "26 December 2024" in words
    assert "**Figure 2.2.**" in words, "the caption of a figure is lost"


GOOD = {"metadata": {}, "cells": [
    {"cell_type": "markdown", "metadata": {}, "source": ["# A"]},
    {"cell_type": "code", "metadata": {}, "source": ["1 + 1"], "outputs": [],
     "execution_count": None}]}


@pytest.mark.parametrize(
    ("cell", "change", "says"),
    [
        (0, {"source": ["A {glue:text}`b`."]}, "role"), (1, {"source": ["2"]}, "not the 1"),
        (1, {"outputs": [1]}, "outputs"), (1, {"metadata": {"tags": []}}, "tags"),
    ],
)
def test_notebooks_planted(cell, change, says):
    """A role, another cell, outputs and the metadata of the build are seen."""
    none(check.notebook(GOOD, ["1 + 1"], "a.ipynb"))
    bad = copy.deepcopy(GOOD)
    bad["cells"][cell] |= change
    found(check.notebook(bad, ["1 + 1"], "a.ipynb"), "a.ipynb", says)


RUN = """
import sys, nbformat
from nbclient import NotebookClient
book = nbformat.read(sys.argv[1], 4)
NotebookClient(book, timeout=120, kernel_name="python3", resources={"metadata": {"path": "book"}}).execute()
print(sum(len(c.outputs) for c in book.cells if c.cell_type == "code"))
"""


def run(folder, name):
    """Execute a notebook of an unpacked archive, with nothing but what lies there."""
    bare = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-c", RUN, f"book/{name}.ipynb"], cwd=folder, text=True,
        env=bare | build_profile(folder), capture_output=True)


def build_profile(folder):
    """No start-up files of whoever runs the tests."""
    return {"IPYTHONDIR": str(folder / ".ipython")}


def test_the_archive_runs_by_itself(unpacked):
    """A chapter of the unpacked archive runs, with no help from the project around it."""
    done = run(unpacked, QUICK)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[-1]) > 10


def test_the_archive_runs_by_itself_planted(unpacked, tmp_path):
    """Without its tables the chapter does not run: it reads those of the archive."""
    folder = tmp_path / "without"
    folder.mkdir()
    for name in ("book", "requirements.txt"):
        os.symlink(unpacked / name, folder / name)
    (folder / "data").mkdir()
    import shutil

    (folder / "book").unlink()
    shutil.copytree(unpacked / "book", folder / "book")
    done = run(folder, QUICK)
    assert done.returncode != 0 and "datapackage.yaml" in done.stderr


def test_the_archive_is_complete(unpacked, made):
    """Notebook and source of each chapter, rooms, tables, requirements, licences, a README."""
    for name in made:
        for suffix in (".ipynb", ".md"):
            assert (unpacked / "book" / f"{name}{suffix}").is_file(), f"{name}{suffix} is missing"
    for name in ("README.md", "requirements.txt", "LICENSE", "LICENSE-TEXT",
                 "data/datapackage.yaml", "book/guide/figures.py"):
        assert (unpacked / name).is_file(), f"{name} is missing"
    rooms = {p.stem for p in (unpacked / "book/guide").glob("*.py")}
    assert not rooms & notebooks.WORKSHOP, "the rooms that make books are not needed"


def test_a_sentence_needs_no_book_to_be_checked(monkeypatch):
    """Where the notebooks run without the book's tools, guards still hold."""
    monkeypatch.setitem(sys.modules, "myst_nb", None)
    prose.say("two", 2, between=(2, 2))
    with pytest.raises(prose.GuardError):
        prose.say("two", 3, between=(2, 2))


def test_pins_agree(root, unpacked):
    """Binder and archive install the versions that the book was made with."""
    wanted = {}
    for name in ("requirements.txt", "requirements-notebooks.txt"):
        wanted |= check.pins((root / name).read_text(encoding="utf-8"))
    for text in ((root / "binder/requirements.txt").read_text(encoding="utf-8"),
                 (unpacked / "requirements.txt").read_text(encoding="utf-8")):
        none(other_pins(check.pins(text), wanted))


def other_pins(have, wanted):
    """Requirements at another version than the book's."""
    return [f"binder/requirements.txt: {name}=={version}, and the book has {wanted.get(name)}"
            for name, version in have.items() if wanted.get(name) != version]


def test_pins_agree_planted():
    """Another version, and a package that the book does not have, are seen."""
    wanted = check.pins("# a\npandas==3.1.1  # why\n")
    assert wanted == {"pandas": "3.1.1"}
    found(other_pins({"pandas": "3.0.0"}, wanted), "pandas==3.0.0")
    found(other_pins({"numpy": "1"}, wanted), "numpy")


def test_binder_can_start(root):
    """What repo2docker looks for is there, and a Python that the book knows."""
    assert os.access(root / "binder/postBuild", os.X_OK), "binder/postBuild: make it executable"
    runtime = (root / "binder/runtime.txt").read_text(encoding="utf-8").strip()
    assert runtime in ("python-3.11", "python-3.12", "python-3.13")


# ------------------------------------------------------------------ data, citation, licences


def test_the_data_stand_alone(folder, root, tmp_path):
    """The unpacked data package is the one of the project, and validates."""
    from frictionless import Package

    with zipfile.ZipFile(folder / "deepseek-moment-data.zip") as archive:
        archive.extractall(tmp_path)
    for path in (p for p in (root / "data").rglob("*") if p.is_file()):
        copied = tmp_path / path.relative_to(root)
        assert copied.read_bytes() == path.read_bytes(), f"{path.name} differs"
    package = Package(str(tmp_path / "data/datapackage.yaml"))
    assert all((tmp_path / "data" / r.path).is_file() for r in package.resources)
    assert {p.name for p in tmp_path.iterdir()} == {"data", "LICENSE-TEXT", "CITATION.cff"}


def test_citation(root):
    """The citation file follows its schema and agrees with the book."""
    cff = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    none(check.citation(cff, export.TITLE, export.AUTHOR, export.EDITION.isoformat()))


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [("message", None, "'message'"), ("cff-version", "1.1.0", "1.2.0"), ("title", "A", "title"),
     ("authors", [{"family-names": "A"}], "entity"), ("date-released", "2020-01-01", "edition"),
     ("license", "MIT", "CC-BY-4.0"), ("type", "book", "software or dataset")],
)
def test_citation_planted(root, key, value, says):
    """What the schema or the book contradicts is seen."""
    cff = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8")) | {key: value}
    problems = check.citation(cff, export.TITLE, export.AUTHOR, export.EDITION.isoformat())
    found(problems, "CITATION.cff", says)


def test_licences(root):
    """Code and text each have their licence, and each names the other."""
    code, text = ((root / n).read_text(encoding="utf-8") for n in ("LICENSE", "LICENSE-TEXT"))
    assert "Permission is hereby granted, free of charge" in code and "LICENSE-TEXT" in code
    assert "https://creativecommons.org/licenses/by/4.0/legalcode" in text and "LICENSE" in text
    day = f"{export.EDITION.day} {export.EDITION:%B} {export.EDITION.year}"
    assert day in text, f"LICENSE-TEXT: the example names another edition than {day}"


# ------------------------------------------------------------------ the page that offers them


def test_the_page_offers_all(own, site):
    """Each download has a link that works, with its size."""
    none(check.offered(own["book/downloads.html"], site, downloads.OFFERS, downloads.size))


@pytest.mark.parametrize(
    ("html", "says"),
    [("", "does not offer"), ('<a href="../a.txt">a.txt</a> (9.9 MB)', "size of a.txt is not 2 kB"),
     ('<a href="../b.txt">b.txt</a> (1 kB)', "b.txt is not in the site")],
)
def test_the_page_offers_all_planted(tmp_path, html, says):
    """A file that is not offered, a wrong size and a dead link are seen."""
    (tmp_path / "a.txt").write_text("a" * 2000)
    name = "b.txt" if "b.txt" in html else "a.txt"
    found(check.offered(BeautifulSoup(html, "html.parser"), tmp_path, [name], downloads.size), says)


def test_publishing_fills_in_what_is_there(tmp_path):
    """Links and sizes come with the files, change with them, and come once."""
    site = tmp_path / "html"
    (site / "book").mkdir(parents=True)
    page = site / "book/a.html"
    page.write_text('<span class="offer" data-file="llms.txt">llms.txt</span>')
    downloads.publish(tmp_path, site)
    assert "not built yet" in page.read_text() and "<a" not in page.read_text()
    (tmp_path / "downloads").mkdir()
    for length, size in ((10, "1 kB"), (2_340_000, "2.3 MB")):
        (tmp_path / "downloads/llms.txt").write_text("a" * length)
        for _ in range(2):
            downloads.publish(tmp_path, site)
            text = page.read_text()
            assert text.count('<a href="../llms.txt" download>') == 1
            assert f" ({size})<" in text and "not built yet" not in text


def test_each_chapter_offers_its_notebook(own, made, site):
    """The button above a chapter offers its notebook and its source."""
    problems = []
    for name in made:
        links = {a.get("href") for a in own[f"book/{name}.html"].find_all("a")}
        for suffix in (".ipynb", ".md"):
            link = f"../_sources/book/{name}{suffix}"
            if link not in links or not (site / "_sources/book" / f"{name}{suffix}").is_file():
                problems.append(f"book/{name}.html: does not offer {name}{suffix}")
    none(problems)


# ------------------------------------------------------------------ the same bytes


def test_the_same_bytes_each_time(folder, root, tmp_path):
    """Making the downloads again gives the bytes that are there."""
    downloads.make(root, build.PRINT, build.BUILD / "jupyter_execute/book", tmp_path / "again")
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    again = {p.relative_to(tmp_path / "again").as_posix()
             for p in (tmp_path / "again").rglob("*") if p.is_file()}
    assert names == again
    none(f"_build/downloads/{name}: differs from one run to the next: look for a date or chance"
         for name in sorted(names)
         if (folder / name).read_bytes() != (tmp_path / "again" / name).read_bytes())


def test_the_same_bytes_each_time_planted(tmp_path):
    """Another word gives another archive; another clock does not."""
    for name, word in (("a", b"one"), ("b", b"two"), ("c", b"one")):
        downloads.write_zip(tmp_path / name, {"x.txt": word})
    a, b, c = ((tmp_path / n).read_bytes() for n in "abc")
    assert a == c != b


def test_what_markdown_cannot_say_stops_it_planted():
    """A block of an unknown kind stops the export."""
    with pytest.raises(export.ExportError, match="no form for 'riddle'"):
        markdown.set_markdown([pandoc.div("riddle", [])])
