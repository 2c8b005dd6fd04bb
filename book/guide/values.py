"""What a role prints: a claim's figure, a date of the timeline, a value of a table.

The same words stand on the page, on a card and in an exported notebook, so that they are made
in one place.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator

from . import data, ledger, quantity

_ROLE = re.compile(r"\{([A-Za-z][\w:-]*)\}`([^`]*)(`?)")
_EXPLICIT = re.compile(r"^(.+?)\s*<([^<>]+)>$", re.DOTALL)


def split(text: str) -> tuple[str | None, str]:
    """Take ``words <key>`` apart; a key alone has no words.

    Examples
    --------
    >>> split("about a third <some-claim>")
    ('about a third', 'some-claim')
    >>> split("some-claim")
    (None, 'some-claim')
    """
    match = _EXPLICIT.match(text)
    return (match.group(1), match.group(2).strip()) if match else (None, text.strip())


def claim(text: str, bare: bool = False) -> str:
    """Print a claim's figure, or the words given for it.

    Raises
    ------
    LedgerError
        If there is no such claim, or it has no figure and no words are given.
    ValueError
        If the words hold a number that the claim does not.
    """
    words, key = split(text)
    row = ledger.claim(key)
    if words is None:
        return row.figure(bare=bare)
    strange = row.strange_numbers(words)
    if strange:
        raise ValueError(
            f"the words hold {', '.join(strange)}, which the claim does not: "
            "let the ledger print the number, or mend the words"
        )
    return words


def date(key: str) -> str:
    """Print the date of an event of the timeline."""
    row = data.row("timeline", key.strip())
    return quantity.date(row["date"], row["precision"])


def datum(text: str) -> str:
    """Print one value of a table, ``table/row/column``, with its unit.

    Raises
    ------
    DataError
        If there is no such table or row.
    ValueError
        If the address is malformed, the column unknown or the cell empty.
    """
    parts = text.strip().split("/")
    if len(parts) != 3:
        raise ValueError("write table/row/column")
    table, key, column = parts
    row = data.row(table, key)
    field = data.fields(table).get(column)
    if field is None:
        raise ValueError(f"table '{table}' has no column '{column}'")
    value = row[column]
    if value is None:
        raise ValueError(f"'{key}' has no {column}: choose another value or fill the cell")
    if field.get("type") == "date":
        return quantity.date(value)
    if field.get("type") in ("number", "integer"):
        unit = field.get("unit", "")
        if unit.startswith("as in column "):  # tables of mixed quantities name it in each row
            unit = row.get(unit.removeprefix("as in column ")) or ""
        return quantity.amount(value, unit)
    return str(value)


def stamp(text: str) -> str:
    """Return a timestamp once it is known to lie in the episode."""
    ledger.seconds(text.strip())
    return text.strip()


PRINTERS: dict[str, Callable[[str], str]] = {
    "claim": claim,
    "claimnum": lambda text: claim(text, bare=True),
    "date": date,
    "datum": datum,
    "t": stamp,
}


def fill(text: str, quote: Callable[[str], str] = str) -> str:
    """Put values where roles stand.

    Parameters
    ----------
    text : str
        Text with roles, such as ``"It has {claim}`v3-total-parameters`."``.
    quote : callable
        What to do with each value, such as escaping it for the text around it.

    Returns
    -------
    str
        The text with values.

    Examples
    --------
    >>> fill("from {t}`1:02:02` on")
    'from 1:02:02 on'

    Raises
    ------
    ValueError
        If a role is unknown, empty or not closed, or its printer refuses; nothing that looks like
        a role is left standing.
    """
    return _ROLE.sub(lambda match: quote(print_role(match)), text)


def roles(text: str) -> Iterator[re.Match]:
    """Yield what is, or was meant to be, a role: name, what it encloses, the closing mark."""
    yield from _ROLE.finditer(text)


def print_role(match: re.Match) -> str:
    """Print one role found by :func:`roles`.

    Raises
    ------
    ValueError
        If the role is unknown, empty or not closed, or its printer refuses.
    """
    name, inner, closed = match.groups()
    if name not in PRINTERS:
        near = difflib.get_close_matches(name, PRINTERS, n=1)
        raise ValueError(f"nothing prints {{{name}}} here: "
                         + (f"did you mean {{{near[0]}}}?" if near else
                            f"use {', '.join('{%s}' % n for n in PRINTERS)}"))
    if not closed or not inner.strip():
        raise ValueError(f"{{{name}}} is {'empty' if closed else 'not closed'}: "
                         f"write {{{name}}}`...` with a mark at each end")
    return PRINTERS[name](inner)
