"""The bibliography: every entry was opened and is used, every citation has an entry."""

from __future__ import annotations

import pytest
from checks import found, none
from checks import tables as check


@pytest.fixture(scope="module")
def used(tables, sources):
    """Keys that the tables or the pages cite."""
    keys = {key for rows in tables.values() for row in rows
            for key in check.keys_of(row.get("evidence"))}
    return keys.union(*(check.cited(text) for text in sources.values()))


def test_bibliography(entries, used):
    """Each entry has an address, says what was opened, and is used; each use has an entry."""
    none(check.bibliography(entries, used))


def test_bibliography_planted():
    """Each thing that an entry may lack is seen, and a double, an idle and a lost entry too."""
    sound = {"url": "https://a.org/1", "note": "Opened: page", "title": "T", "people": "author",
             "line": "7"}
    none(check.bibliography({"a": sound}, ["a"]))
    found(check.bibliography({"a": sound | {"url": ""}}, ["a"]), "bib:7: a has no url")
    found(check.bibliography({"a": sound | {"note": "Seen"}}, ["a"]), "bib:7: a: start 'note'")
    found(check.bibliography({"a": sound | {"title": ""}}, ["a"]), "bib:7: a cannot be printed")
    found(check.bibliography({"a": sound | {"people": ""}}, ["a"]), "bib:7: a cannot be printed")
    found(check.bibliography({"a": sound, "b": sound}, ["a", "b"]), "b has the url of a")
    found(check.bibliography({"a": sound, "b": sound | {"url": "https://a.org/2"}}, ["a", "b"]),
          "b reads like a", "add a letter")
    found(check.bibliography({"a": sound}, []), "bib:7: a is used nowhere")
    found(check.bibliography({}, ["gone"]), "'gone' is cited and not there")


def test_citations_are_found():
    """All roles of citation are read, and keys that a cell puts in are not mistaken for one."""
    text = "{cite:p}`a, b` {cite:t}`c` {cite}`d`, f'{{cite:t}}`{keys}`', f'{{cite:t}}`' + x + '`'"
    assert check.cited(text) == {"a", "b", "c", "d"}
