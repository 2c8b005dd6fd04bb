"""A data frame shown alike on the web, on paper and in a notebook.

Sphinx gets MyST text, which each builder sets in its own way; Jupyter gets HTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape as escape_html
from typing import Any

import pandas as pd

_START = re.compile(r"\s*(?:\d+(?=[.)])|(?=[^\w\s\\]))", re.ASCII)  # what begins a list, a rule, a field
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>$|~^#&])")


def plain(value: Any) -> str:
    """Print a cell: text as it is, numbers grouped, nothing for what is missing."""
    if value is None or (isinstance(value, float) and value != value) or value is pd.NaT:
        return ""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() else f"{value:,.4g}"
    return str(value)


def escape(text: str) -> str:
    """Keep text from being read as markup."""
    out = _SPECIAL.sub(r"\\\1", text).replace("\n", " ")
    start = _START.match(out)
    if start and start.end() < len(out) and out[start.end()].isascii():
        out = f"{out[: start.end()]}\\{out[start.end() :]}"
    return out


class Shown:
    """A table that Sphinx reads as MyST and Jupyter shows as HTML."""

    def __init__(self, myst: str, html: str):
        self.myst = myst
        self.html = html

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/markdown": self.myst, "text/html": self.html}


def show(
    frame: pd.DataFrame,
    *,
    caption: str,
    name: str,
    formats: Mapping[str, Callable[[Any], str]] | None = None,
    markup: Sequence[str] = (),
    widths: Sequence[int] | None = None,
    stacked: bool = False,
) -> Shown:
    """Show a table with a caption.

    Parameters
    ----------
    frame : pandas.DataFrame
        What to show; the column names are the headings, the index is left out.
    caption : str
        What the table says; it may hold computed figures and MyST markup.
    name : str
        Label for cross-references, such as ``tab-kv-cache``; unique in the book.
    formats : mapping, optional
        How to print the cells of a column; :func:`plain` otherwise.
    markup : sequence of str
        Columns whose text is MyST and must not be escaped.
    widths : sequence of int, optional
        Relative widths of the columns.
    stacked : bool
        On a narrow screen set the cells of a row under each other, the first as their title.

    Returns
    -------
    Shown
        An object that both Sphinx and Jupyter display.

    Raises
    ------
    ValueError
        If the frame is empty, or ``formats`` or ``markup`` name a column that is not there.
    """
    if frame.empty:
        raise ValueError(f"table '{name}' has no rows")
    formats = dict(formats or {})
    unknown = (set(formats) | set(markup)) - set(frame.columns)
    if unknown:
        raise ValueError(f"table '{name}' has no column {sorted(unknown)}")
    if widths is not None and len(widths) != len(frame.columns):
        raise ValueError(f"table '{name}': {len(widths)} widths for {len(frame.columns)} columns")
    printed = pd.DataFrame(
        {
            column: [formats.get(column, plain)(cell) for cell in frame[column]]
            for column in frame.columns
        }
    )
    numeric = [
        column
        for column in frame.columns
        if column not in markup and pd.api.types.is_numeric_dtype(frame[column])
        and not pd.api.types.is_bool_dtype(frame[column])
    ]
    lines = [f":::{{list-table}} {caption}", f":name: {name}", ":header-rows: 1"]
    if widths is not None:
        lines.append(f":widths: {' '.join(map(str, widths))}")
    # the classes say which columns are numbers, to be set flush right
    classes = ["data"] + [f"num-{i}" for i, c in enumerate(frame.columns, 1) if c in numeric]
    classes += ["stacked"] * stacked
    lines.append(f":class: {' '.join(classes)}")
    lines.append("")
    lines += _row([escape(str(column)) for column in frame.columns])
    for _, row in printed.iterrows():
        lines += _row(
            [row[c] if c in markup else escape(row[c]) for c in frame.columns]
        )
    lines.append(":::")
    return Shown("\n".join(lines), _html(printed, caption))


def _html(printed: pd.DataFrame, caption: str) -> str:
    """Write a table for Jupyter; whatever the cells spell, they are words."""
    def row(cells: Any, tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape_html(str(c))}</{tag}>" for c in cells) + "</tr>"

    body = "".join(row(cells, "td") for cells in printed.itertuples(index=False))
    return (f"<table><caption>{escape_html(caption)}</caption><thead>{row(printed.columns, 'th')}"
            f"</thead><tbody>{body}</tbody></table>")


def _row(cells: Sequence[str]) -> list[str]:
    return [f"{'* -' if i == 0 else '  -'} {cell}".rstrip() for i, cell in enumerate(cells)]
