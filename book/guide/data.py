"""Read the tables under ``data/`` through the data package.

This is the only code that opens files there.
Every value is checked against the schema on the way in, so that a broken row stops
the build with the file, the row, the column and what to do, not with a wrong chart.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:  # pandas costs half a second, and the site build does without it
    import pandas as pd

ROOT = Path(__file__).resolve().parents[2] / "data"
PACKAGE = "datapackage.yaml"
#: How a value of each type is written: Python reads more than other programs do
_FORMS = {
    "integer": re.compile(r"[+-]?\d{1,18}", re.ASCII),
    "number": re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII),
    "boolean": re.compile(r"true|false"),
    "date": re.compile(r"\d{4}-\d\d-\d\d", re.ASCII),
    "string": re.compile(r".*", re.DOTALL),
}
_FOREIGN = re.compile(r"[\u0080-\uffff]{2,}")


class DataError(ValueError):
    """A table, a row or a value that does not fit the data package."""


def package(root: Path = ROOT) -> dict[str, Any]:
    """Return the data package's description.

    Parameters
    ----------
    root : Path
        Folder that holds ``datapackage.yaml``.

    Returns
    -------
    dict
        The Frictionless Data Package descriptor.

    Raises
    ------
    DataError
        If the file is missing or is not YAML with a list of resources.
    """
    return _package(root)


@lru_cache(maxsize=None)  # behind the function, so that it is one reading, named or by default
def _package(root: Path) -> dict[str, Any]:
    path = root / PACKAGE
    try:
        # the loader in C, where PyYAML has it, is ten times as fast, and each chapter loads this
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        descriptor = yaml.load(path.read_text(encoding="utf-8"), loader)
    except FileNotFoundError:
        raise DataError(f"{path.name} is missing: restore it from version control.") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise DataError(f"{path.name} is not valid YAML: {error}") from None
    if not isinstance(descriptor, dict) or not isinstance(descriptor.get("resources"), list):
        raise DataError(f"{path.name} has no list 'resources': describe the tables there.")
    for number, entry in enumerate(descriptor["resources"], 1):
        _check_entry(entry, f"{path.name}, table {number}")
    return descriptor


def _check_entry(entry: Any, place: str) -> None:
    """Fail with a place if a table's description lacks what the reader needs."""
    for key in ("name", "path", "schema"):
        if not isinstance(entry, dict) or not entry.get(key):
            raise DataError(f"{place}: has no '{key}': describe the table.")
    columns = entry["schema"].get("fields") if isinstance(entry["schema"], dict) else None
    if not isinstance(columns, list) or not columns:
        raise DataError(f"{place} ('{entry['name']}'): has no list 'fields': describe the columns.")
    for column in columns:
        if not isinstance(column, dict) or not column.get("name"):
            raise DataError(f"{place} ('{entry['name']}'): a column has no 'name': give it one.")
        if column.get("type", "string") not in _FORMS:
            raise DataError(
                f"{place} ('{entry['name']}'): column '{column['name']}' has the unknown type "
                f"'{column['type']}': use one of {', '.join(_FORMS)}.")


def resource(name: str, root: Path = ROOT) -> dict[str, Any]:
    """Return one table's entry in the data package.

    Raises
    ------
    DataError
        If no resource has this name; the message lists the names there are.
    """
    entries = {entry["name"]: entry for entry in package(root)["resources"]}
    if name not in entries:
        raise DataError(
            f"no table '{name}' in {PACKAGE}. Tables: {', '.join(sorted(entries))}."
        )
    return entries[name]


def fields(name: str, root: Path = ROOT) -> dict[str, dict[str, Any]]:
    """Return a table's columns by name, each with type, unit and description."""
    return {field["name"]: field for field in resource(name, root)["schema"]["fields"]}


def _convert(text: str, field: dict[str, Any], place: str) -> Any:
    kind = field.get("type", "string")
    constraints = field.get("constraints", {})
    if text == "":
        if constraints.get("required"):
            raise DataError(f"{place} is empty, and this column must be filled: fill the cell.")
        return None
    if text != text.strip():
        raise DataError(f"{place} holds '{text}', with a space at an end: take it out.")
    try:
        if not _FORMS[kind].fullmatch(text):
            raise ValueError
        if kind == "integer":
            value: Any = int(text)
        elif kind == "number":
            value = float(text)
            if value in (float("inf"), float("-inf")):
                raise ValueError
        elif kind == "boolean":
            value = text == "true"
        elif kind == "date":
            value = dt.date.fromisoformat(text)
        else:
            value = text
    except ValueError:
        remedy = {
            "integer": "write a whole number without separators, such as 2048",
            "number": "write a finite number without separators, such as 3.35",
            "boolean": "write true or false",
            "date": "write an ISO date, such as 2025-02-03",
        }[kind]
        raise DataError(f"{place} holds '{text}', which is no {kind}: {remedy}.") from None
    if "enum" in constraints and value not in constraints["enum"]:
        raise DataError(
            f"{place} holds '{text}'; allowed are {', '.join(map(str, constraints['enum']))}."
        )
    if "pattern" in constraints and not re.fullmatch(constraints["pattern"], text):
        raise DataError(f"{place} holds '{text}', which does not fit {constraints['pattern']}.")
    for bound, wrong in (("minimum", lambda v, b: v < b), ("maximum", lambda v, b: v > b)):
        if bound in constraints:
            limit = constraints[bound]
            if kind == "date" and isinstance(limit, str):
                limit = dt.date.fromisoformat(limit)
            if wrong(value, limit):
                raise DataError(f"{place} holds {text}, beyond the {bound} {limit}.")
    return value


def _read(path: Path, label: str) -> str:
    """Read a table's text, and fail with the line where letters or the end were lost."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise DataError(f"{label} is not UTF-8 (line {line}: {error.reason}): "
                        "save it as UTF-8.") from None
    if text.startswith("\ufeff"):
        raise DataError(f"{label}, line 1: begins with a byte-order mark: save it as UTF-8 without.")
    text = text.replace("\r\n", "\n")
    for number, line in enumerate(text.split("\n"), 1):
        if line.isascii() and line.isprintable():
            continue
        if "\ufffd" in line or any(map(_misread, _FOREIGN.findall(line))):
            raise DataError(f"{label}, line {number}: a letter was lost in decoding: retype the word.")
        odd = next((c for c in line if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")), None)
        if odd is not None:
            raise DataError(f"{label}, line {number}: an invisible character (U+{ord(odd):04X}) "
                            "stands there: delete it.")
        if not unicodedata.is_normalized("NFC", line):
            raise DataError(f"{label}, line {number}: a letter and its accent are two characters: "
                            "retype the word.")
    if text and not text.endswith("\n"):
        raise DataError(f"{label}, line {text.count(chr(10)) + 1}: the file breaks off: restore it, "
                        "or end its last line.")
    return text


def _misread(letters: str) -> bool:
    """Whether letters are what UTF-8 looks like in the old Western encoding."""
    try:
        letters.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return False
    return True


def rows(name: str, root: Path = ROOT) -> tuple[dict[str, Any], ...]:
    """Read one table.

    Parameters
    ----------
    name : str
        Name of the resource in the data package, such as ``"chips"``.
    root : Path
        Folder that holds the data package.

    Returns
    -------
    tuple of dict
        One mapping per row, in file order, with typed values. Empty cells are ``None``.

    Raises
    ------
    DataError
        If the file is missing, its header differs from the schema, a row is too short or
        too long, a value does not fit its column, or a primary key occurs twice.
    """
    return _rows(name, root)


@lru_cache(maxsize=None)
def _rows(name: str, root: Path) -> tuple[dict[str, Any], ...]:
    entry = resource(name, root)
    schema = {field["name"]: field for field in entry["schema"]["fields"]}
    path = root / entry["path"]
    label = f"data/{entry['path']}"
    if not path.is_file():
        raise DataError(f"{label} is named in {PACKAGE} but missing: restore or unlist it.")
    out: list[dict[str, Any]] = []
    keys: dict[Any, int] = {}
    key_fields = entry["schema"].get("primaryKey", [])
    key_fields = [key_fields] if isinstance(key_fields, str) else key_fields
    reader = csv.reader(io.StringIO(_read(path, label), newline=""), strict=True)

    def line_by_line():
        try:
            yield from reader
        except csv.Error as error:
            raise DataError(f"{label}, line {reader.line_num}: {error}: look for a lone quotation "
                            "mark.") from None

    lines = line_by_line()
    header = next(lines, [])
    if header != list(schema):
        missing = [column for column in schema if column not in header]
        extra = [column for column in header if column not in schema]
        raise DataError(
            f"{label}, line 1: the header differs from {PACKAGE} "
            f"(missing {missing or 'none'}, unknown {extra or 'none'}, or another order): "
            "make both alike."
        )
    for cells in lines:
        line = reader.line_num
        if len(cells) != len(header):
            raise DataError(
                f"{label}, line {line}: {len(cells)} cells where the header has {len(header)}: "
                "quote text that contains commas."
            )
        row = {}
        for column, cell in zip(header, cells):
            row[column] = _convert(cell, schema[column], f"{label}, line {line}, column '{column}'")
        key = tuple(row[field] for field in key_fields)
        if key_fields and key in keys:
            raise DataError(
                f"{label}, line {line}: key {key} stands already at line {keys[key]}: rename one."
            )
        keys[key] = line
        out.append(row)
    if not out:
        raise DataError(f"{label}, line 1: no row follows the header: restore the file, or unlist it.")
    return tuple(out)


def row(name: str, key: str, root: Path = ROOT) -> dict[str, Any]:
    """Return the row whose primary key (a single column) is ``key``.

    Raises
    ------
    DataError
        If there is no such row; the message proposes the nearest keys.
    """
    import difflib

    column = resource(name, root)["schema"].get("primaryKey") or []
    column = column if isinstance(column, str) else column[0] if len(column) == 1 else None
    if column is None:
        raise DataError(f"table '{name}' has no key of one column: its rows have no names.")
    found = {entry[column]: entry for entry in rows(name, root)}
    if key not in found:
        near = difflib.get_close_matches(str(key), map(str, found), n=3, cutoff=0.4)
        raise DataError(
            f"no row '{key}' in table '{name}'"
            + (f"; did you mean {', '.join(near)}?" if near else ".")
        )
    return found[key]


def table(name: str, root: Path = ROOT) -> "pd.DataFrame":
    """Read one table as a data frame, indexed by its primary key if that is one column.

    Returns
    -------
    pandas.DataFrame
        Columns as in the data package; empty numbers are NaN, empty text is None.
    """
    import pandas as pd

    entry = resource(name, root)
    schema = fields(name, root)
    frame = pd.DataFrame(list(rows(name, root)), columns=list(schema))
    for column, field in schema.items():
        if field.get("type") in ("number", "integer"):
            frame[column] = pd.to_numeric(frame[column])
        elif field.get("type") == "date":
            frame[column] = pd.to_datetime(frame[column])
    key = entry["schema"].get("primaryKey")
    if isinstance(key, str):
        frame = frame.set_index(key, drop=False)
        frame.index.name = None
    return frame
