"""Computed numbers for sentences.

A sentence that prints a computed number makes a promise. ``say`` keeps it: the number is
stored under a name that the prose can print, and the build stops when the number leaves the
bounds within which the sentence is true.
"""

from __future__ import annotations

from collections.abc import Callable

from . import quantity


class GuardError(AssertionError):
    """A computed number no longer supports the sentence that prints it."""


def say(
    name: str,
    value: float,
    unit: str = "",
    *,
    between: tuple[float, float],
    digits: int = 3,
    fmt: Callable[[float], str] | None = None,
) -> None:
    """Store a number so that the prose can print it with ``{glue:text}`name```.

    Parameters
    ----------
    name : str
        Name used in the prose; unique in the book.
    value : float
        The number.
    unit : str
        A unit known to :mod:`guide.quantity`; ``""`` for a bare number.
    between : tuple of float
        Bounds, both inclusive, within which the sentence around the number stays true.
    digits : int
        Significant digits printed.
    fmt : callable, optional
        Prints the number in another way than :func:`guide.quantity.amount`.

    Raises
    ------
    GuardError
        If the value lies outside ``between``.
    """
    low, high = between
    if not low <= value <= high:
        raise GuardError(
            f"'{name}' is {value:.6g} and must lie between {low:g} and {high:g} for its sentence "
            "to be true: mend the calculation, or rewrite the sentence and its guard."
        )
    text = fmt(value) if fmt else quantity.amount(value, unit, digits=digits)
    try:
        from myst_nb import glue
    except ImportError:  # a notebook away from the book, whose sentences have their numbers
        return
    glue(name, Text(text), display=False)


class Text:
    """A printed number; it shows itself as a Python string, which is how glue reads it."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return repr(self.text)
