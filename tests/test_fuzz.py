"""Malformed input: tables of any bytes, roles with any words. A clear error, or a right reading."""

from __future__ import annotations

import csv
import io
import itertools
import random
import re
import warnings

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from guide import data, values

SCHEMA = {"resources": [{"name": "a", "path": "a.csv", "schema": {
    "fields": [
        {"name": "id", "type": "string", "constraints": {"required": True}},
        {"name": "count", "type": "integer", "constraints": {"minimum": 0}},
        {"name": "speed", "type": "number", "constraints": {"maximum": 1e6}},
        {"name": "kind", "type": "string", "constraints": {"enum": ["gpu", "cpu"]}},
        {"name": "seen", "type": "date", "constraints": {"minimum": "2000-01-01"}},
        {"name": "sold", "type": "boolean"},
    ], "primaryKey": "id"}}]}
GOOD = 'id,count,speed,kind,seen,sold\na,1,2.5,gpu,2025-02-03,true\n"b, c",,,cpu,,\nd\u00e9,7,1e3,,,false\n'
_numbers = itertools.count()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where small data packages are written."""
    return tmp_path_factory.mktemp("tables")


def load(folder, raw: bytes, schema=None):
    """Read a table of these bytes; ``None`` if it is refused as it must be."""
    root = folder / str(next(_numbers))
    root.mkdir()
    (root / "datapackage.yaml").write_bytes(
        schema if schema is not None else yaml.safe_dump(SCHEMA).encode())
    (root / "a.csv").write_bytes(raw)
    try:
        return data.rows("a", root)
    except data.DataError as error:
        assert re.match(r"data/a\.csv|datapackage\.yaml|no table", str(error)), error
        assert len(str(error)) > 30 and "Traceback" not in str(error)
        return None
    finally:
        data._rows.cache_clear()
        data._package.cache_clear()


def same(raw: bytes, rows) -> None:
    """Check that what was read is what any other reader of the table finds."""
    text = raw.decode("utf-8").replace("\r\n", "\n")
    cells = list(csv.reader(io.StringIO(text, newline="")))
    assert [list(r) for r in rows] == [cells[0]] * len(rows)
    assert len(rows) == len(cells) - 1
    for row, line in zip(rows, cells[1:]):
        for value, cell in zip(row.values(), line):
            assert (value is None) == (cell == "")
            assert not isinstance(value, str) or value == cell


@given(st.binary(max_size=80))
def test_any_bytes(folder, raw):
    """No bytes make the reader crash."""
    rows = load(folder, raw)
    assert rows is None, "bytes by chance were taken for a table"


@given(st.lists(st.tuples(st.integers(0, len(GOOD.encode())), st.binary(max_size=3),
                          st.integers(0, 3)), min_size=1, max_size=3))
def test_a_table_with_changed_bytes(folder, changes):
    """A table with some bytes changed, lost or added is refused, or read as it now stands."""
    raw = GOOD.encode()
    for at, put, lost in changes:
        raw = raw[:at] + put + raw[at + lost:]
    rows = load(folder, raw)
    if rows is not None:
        same(raw, rows)


@given(st.integers(0, len(GOOD.encode()) - 1))
def test_a_table_cut_off(folder, at):
    """Wherever a table is cut inside a row, it is refused."""
    raw = GOOD.encode()[:at]
    assert (load(folder, raw) is not None) == (raw.endswith(b"\n") and at > 30)


ODD = ["\ufeff", "\u200b", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x00", "\r", "\u202e",
       "\ufffd", "e\u0301", "\u00c3\u00a9", "\u00e2\u20ac\u2122"]


@pytest.mark.parametrize("odd", ODD, ids=[f"U+{ord(o[0]):04X}" for o in ODD])
@pytest.mark.parametrize("place", ["start", "cell", "quoted"])
def test_odd_letters_are_refused(folder, odd, place):
    """A letter that is invisible, lost or taken for the end of a line is named with its line."""
    text = {"start": odd + GOOD, "cell": GOOD.replace("a,1", f"a{odd}x,1"),
            "quoted": GOOD.replace("b, c", f"b, {odd}c")}[place]
    assert load(folder, text.encode()) is None


def test_other_line_ends_and_letters_are_read(folder):
    """Line ends of Windows, and names of all Europe and Asia, are no faults."""
    whole = load(folder, GOOD.encode())
    assert load(folder, GOOD.replace("\n", "\r\n").encode()) == whole
    for name in ("T\u00fclu", "S\u00e3o \u00c3o", "\u0141\u00f3d\u017a", "\u5317\u4eac", "na\u00efve \u2013 \u201cx\u201d",
                 "\u00bd \u00d7 3 \u2248 1.5", "a\nb"):
        rows = load(folder, GOOD.replace("b, c", name).encode())
        assert rows is not None and rows[1]["id"] == name


CELLS = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)


@given(st.lists(st.tuples(*[CELLS] * 6), min_size=1, max_size=3))
def test_any_cells(folder, lines):
    """A well-formed table of any cells is refused with its place, or read as it stands."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([tuple(SCHEMA["resources"][0]["schema"]["fields"][i][
        "name"] for i in range(6)), *lines])
    raw = out.getvalue().encode()
    rows = load(folder, raw)
    if rows is not None:
        same(raw, rows)


@pytest.mark.parametrize(
    ("column", "text"),
    [("count", "\u0661"), ("count", "1_0"), ("count", "0x10"), ("count", "9" * 5000), ("count", "1.0"),
     ("speed", "1e999"), ("speed", "Infinity"), ("speed", "1_0.5"), ("speed", "\u0661.5"), ("speed", "2e6"),
     ("seen", "20250203"), ("seen", "2025-W05-1"), ("seen", "1999-12-31"), ("seen", "2025-02-30"),
     ("sold", "True"), ("sold", "1"), ("kind", "GPU")],
)
def test_what_only_python_would_read_is_refused(folder, column, text):
    """A value that another program reads otherwise, or not at all, is refused."""
    row = dict(zip(GOOD.split("\n")[0].split(","), "a,1,2.5,gpu,2025-02-03,true".split(",")))
    raw = f"{','.join(row)}\n{','.join((row | {column: text}).values())}\n"
    assert load(folder, raw.encode()) is None


@given(st.one_of(st.binary(max_size=60), st.text(":-[]{}'\"# \nabc&*!|>%@", max_size=60).map(str.encode)))
def test_any_package(folder, raw):
    """No description of the tables makes the reader crash."""
    assert load(folder, GOOD.encode(), raw) is None


@pytest.mark.parametrize(
    "schema",
    ["resources: [1]", "resources: [{name: a}]", "resources: [{name: a, path: a.csv, schema: 1}]",
     "resources: [{name: a, path: a.csv, schema: {fields: []}}]",
     "resources: [{name: a, path: a.csv, schema: {fields: [{type: string}]}}]",
     "resources: [{name: a, path: a.csv, schema: {fields: [{name: id, type: nubmer}]}}]"],
)
def test_half_a_package_is_refused(folder, schema):
    """A table that is half described is named."""
    assert load(folder, GOOD.encode(), schema.encode()) is None


# ------------------------------------------------------------------ roles

PIECES = ["v3-total-parameters", "chips", "h100-sxm", "tdp_w", "tsmc-founded", "1:02:02", "9:99:99", "/",
          "<", ">", " ", "models", "#", "how-large-is-it", "99", "%s", "{0}", "\\", "$", "*", "_", "~",
          "[", "]", "(", ")", "|", "&lt;", "'", '"', "\u00e9", "\u5317", "\u0661:02:02", "\u00b2", "..", "x" * 300]
NAMES = ["claim", "claimnum", "t", "date", "datum", "place"]


def malformed(count: int) -> list[tuple[str, str]]:
    """Roles with words by chance, the same each time."""
    chance = random.Random(459)
    found = []
    while len(found) < count:
        inner = "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 5)))
        if inner.strip() and not inner.endswith("\\"):
            found.append((chance.choice(NAMES), inner))
    return found


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What a real parse says of a page with a malformed role on each line."""
    folder = tmp_path_factory.mktemp("roles")
    (folder / "book").mkdir()
    roles = malformed(300)
    (folder / "book/page.md").write_text(
        "# A page\n\n" + "".join(f"A {{{name}}}`{inner}` b.\n\n" for name, inner in roles),
        encoding="utf-8")
    out = io.StringIO()
    with patch_docutils(), docutils_namespace(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app = Sphinx(folder, None, folder / "out", folder / "trees", "dummy", {
            "extensions": "myst_parser,guide.sphinx_ext.roles", "root_doc": "book/page",
        }, status=None, warning=out, freshenv=True)
        app.build()
        text = app.env.get_doctree("book/page").astext()
    return roles, re.sub(r"\x1b\[[\d;]*m", "", out.getvalue()), text


def test_a_malformed_role_is_named_or_printed(said):
    """Each role of the page is printed, or said to be wrong with file, line and reason."""
    roles, messages, text = said
    assert "Traceback" not in messages and "Exception" not in messages
    problems, refused = [], 0
    for line, (name, inner) in zip(itertools.count(3, 2), roles):
        told = re.findall(rf"page\.md:{line}: ERROR: (.+)", messages)
        try:
            good = name == "place" and "<page" in inner or name != "place" and bool(
                values.PRINTERS[name](inner))
        except (ValueError, data.DataError):
            good = False
        refused += not good
        if good == bool(told) and name != "place":
            problems.append(f"line {line}: {{{name}}}`{inner}`: {'refused' if good else 'silent'}")
        if name == "place" and not told:
            problems.append(f"line {line}: {{place}}`{inner}` leads nowhere, silently")
        problems += [f"line {line}: no reason given: {t}" for t in told if len(t) < 25]
    assert refused > 200, "the words by chance are too well formed to test anything"
    assert not problems, "\n".join(problems[:20])
