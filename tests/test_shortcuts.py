"""Shortcuts save time and change nothing: what is kept is used only while it holds."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document
from pybtex.database import parse_string
from pybtex.plugin import find_plugin
from sphinx import addnodes

from guide.sphinx_ext import lookups, sharing, shortcuts


@pytest.fixture()
def app(tmp_path, monkeypatch):
    """As much of Sphinx as is asked."""
    monkeypatch.delenv(shortcuts.OFF, raising=False)
    return SimpleNamespace(doctreedir=str(tmp_path), guide_writers="code")


def made(app, content=b"new", sources=("a", b"b")):
    """What is kept under a name, and whether it was made just now."""
    calls = []
    return shortcuts.kept(app, "thing", sources, lambda: calls.append(1) or content), bool(calls)


def test_what_is_kept_is_made_once(app):
    """The second asking gives the same bytes and makes nothing."""
    assert made(app, b"old") == (b"old", True)
    assert made(app) == (b"old", False)
    assert not list(Path(app.doctreedir).rglob("*.part")), "half files are left behind"


@pytest.mark.parametrize(
    "harm",
    [
        lambda raw: raw[:-1], lambda raw: raw + b"x", lambda raw: b"", lambda raw: raw[:10],
        lambda raw: raw.replace(b"old", b"odd"), lambda raw: b"\0" * len(raw),
    ],
    ids=["cut off", "longer", "empty", "only a start", "written into", "zeros"],
)
def test_what_is_broken_is_made_again(app, harm):
    """A file that is not as it was written is never used."""
    made(app, b"old")
    path = Path(app.doctreedir) / shortcuts.FOLDER / "thing"
    path.write_bytes(harm(path.read_bytes()))
    assert made(app) == (b"new", True), "shortcuts.py: a broken file is used: look at its mark first"
    assert made(app) == (b"new", False)


@pytest.mark.parametrize(
    ("sources", "code"),
    [(("a", b"c"), "code"), (("ab",), "code"), (("a",), "code"), (("a", b"b", ""), "code"),
     (("a", b"b"), "other code")],
)
def test_what_is_old_is_made_again(app, sources, code):
    """A change in what a thing is made from, or in the code that makes it, has it made again."""
    made(app, b"old")
    app.guide_writers = code
    assert made(app, sources=sources) == (b"new", True), (
        "shortcuts.py: what is old is used: its mark must be over all that it is made from")


def test_of_many_only_the_new_are_looked_at(app):
    """Each thing is looked at once, in every build; what is no longer there is dropped."""
    looked = []

    def look(thing):
        looked.append(thing)
        return len(thing)

    assert shortcuts.each(app, "many", (), [b"a", b"bb", b"a"], look) == [1, 2, 1]
    assert shortcuts.each(app, "many", (), [b"ccc", b"bb"], look) == [3, 2]
    assert looked == [b"a", b"bb", b"ccc"]
    assert shortcuts.each(app, "many", (), [b"a"], look) == [1] and looked[-1] == b"a"


def test_a_plain_build_takes_no_shortcut(app, monkeypatch):
    """With the switch, nothing is kept and nothing that was kept is used."""
    made(app, b"old")
    monkeypatch.setenv(shortcuts.OFF, "1")
    for _ in range(2):
        assert made(app) == (b"new", True), f"shortcuts.py: {shortcuts.OFF} leaves this one in"
    monkeypatch.delenv(shortcuts.OFF)
    assert made(app) == (b"old", False)


# ------------------------------------------------------------------ outlines


def tree() -> nodes.document:
    """A page with figures in a section, in a table and in a box, and a place without number."""
    def figure(name):
        return nodes.figure("", nodes.image(uri="a.svg"), nodes.caption("", f"Of {name}"), ids=[name])

    page = new_document("page")
    cell = nodes.entry("", figure("within"))
    table = nodes.table("", nodes.title("", "A table"), nodes.tgroup(
        "", nodes.tbody("", nodes.row("", cell))), ids=["tab"])
    code = nodes.container("", nodes.caption("", "Code"), nodes.literal_block("", "x = 1"),
                           literal_block=True, ids=["code"])
    page += nodes.section(
        "", nodes.title("", "Title"), nodes.paragraph("", "Words", ids=["words"]),
        nodes.admonition("", nodes.paragraph("", "Note"), figure("boxed")),
        nodes.section("", nodes.title("", "Inner"), table, code, figure("last"), ids=["inner", "alias"]),
        addnodes.toctree(entries=[(None, "other")]), ids=["top"])
    for node in page.findall(nodes.Element):
        for name in node["ids"]:
            page.ids[name] = node
    page.reporter = page.settings = None
    return page


def numbered(top) -> list[tuple]:
    """What Sphinx's numbering meets, in its order: place by place, with the section around it."""
    found = []

    def walk(node, section):
        for child in node.children:
            if isinstance(child, nodes.section):
                walk(child, child["ids"][0])
            elif isinstance(child, addnodes.toctree):
                found.append(("toctree", section, child["entries"]))
            elif isinstance(child, nodes.Element):
                kind = lookups.StandardDomain.get_enumerable_node_type(domain, child)
                if kind and lookups.StandardDomain.get_numfig_title(domain, child) and child["ids"]:
                    found.append((kind, section, child["ids"][0]))
                walk(child, section)

    domain = SimpleNamespace(enumerable_nodes=lookups.StandardDomain.enumerable_nodes)
    domain.is_enumerable_node = lambda node: node.__class__ in domain.enumerable_nodes
    walk(top, "")
    return found


def test_an_outline_is_numbered_as_its_page():
    """From the outline come the same figures, tables and listings, in the same order and sections."""
    whole = tree()
    short = lookups.outline(pickle.dumps(whole))
    assert numbered(short) == numbered(whole), (
        "lookups.py: from the outline other numbers would come than from the page")
    assert len(numbered(whole)) == 6
    assert short.ids.keys() == whole.ids.keys(), "who refers to any place must find it"
    assert {type(short.ids[n]) for n in ("tab", "within")} == {nodes.table, nodes.figure}
    assert short.ids["alias"] is short.ids["inner"] and type(short.ids["words"]) is nodes.inline


def test_an_outline_does_not_bring_its_page_along():
    """It is kept because it is small: nothing in it leads to the whole tree."""
    page = tree()
    page.children[0] += nodes.paragraph("", "a word that is nowhere else")
    assert b"nowhere else" not in pickle.dumps(lookups.outline(pickle.dumps(page)))


# ------------------------------------------------------------------ sources

BIB = """@book{a, author = {Mustermann, Erika van der and Doe, John}, title = {One {Thing}}, year = 2020,
 publisher = {P}}
@book{b, author = {Doe, J}, title = {Another}, year = 2021, publisher = {P}, %s}
"""


def test_each_part_of_an_entry_counts():
    """An entry that differs anywhere is set anew; the same entry, read again, is not."""
    style = find_plugin("pybtex.style.formatting", "plain")()
    entries = parse_string(BIB % "note = {x}", "bibtex").entries
    content = lookups._content(style, entries["b"])
    assert content == lookups._content(style, parse_string(BIB % "note = {x}", "bibtex").entries["b"])
    for changed in ("note = {y}", "note = {x}, url = {u}"):
        assert lookups._content(style, parse_string(BIB % changed, "bibtex").entries["b"]) != content, (
            f"lookups.py: an entry with {changed} would be set as one without")
    other = parse_string((BIB % "note = {x}").replace("Doe, J}", "Doe, K}"), "bibtex")
    assert lookups._content(style, other.entries["b"]) != content
    unsorted = find_plugin("pybtex.style.formatting", "unsrtalpha")()
    assert lookups._content(unsorted, entries["b"]) != content, "another style"


# ------------------------------------------------------------------ sharing


@pytest.mark.parametrize("number", [0, 1, 2, 5, 41])
def test_every_page_is_in_one_run(number):
    """Runs hold all pages once, in their order, and none is long."""
    pages = list(range(number))
    runs = sharing.runs(pages, 2)
    assert [page for run in runs for page in run] == pages
    assert all(0 < len(run) <= sharing.RUN for run in runs)
