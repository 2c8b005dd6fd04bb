"""The claim ledger: who said what, when, how we checked it, and what came of it.

One row of ``data/claims.csv`` is one claim. This room knows the data and nothing of
Sphinx or plotting.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from dataclasses import dataclass
from functools import lru_cache

from . import data, quantity

VIDEO = "https://www.youtube.com/watch?v=_1f-o0nqpEI"
END = "5:05:44"  # length of the video, from the official outline

#: verdict -> (mark that needs no colour, what it means)
VERDICTS: dict[str, tuple[str, str]] = {
    "supported": ("✓", "the evidence we opened bears it out"),
    "qualified": ("≈", "true in part, or only under a condition the claim leaves out"),
    "wrong": ("✗", "the evidence contradicts it"),
    "unverifiable": ("?", "no evidence that we could open settles it"),
    "open": ("…", "a forecast that is not yet due"),
    "overtaken": ("↷", "fair when it was said; events have changed it since"),
}
#: Adler's four grounds for disagreeing with an author
GROUNDS: dict[str, str] = {
    "uninformed": "the claim lacks knowledge that was to be had",
    "misinformed": "the claim asserts what is not so",
    "illogical": "the conclusion does not follow from the reasons",
    "incomplete": "the claim leaves out what changes its meaning",
}


_STAMP = re.compile(r"\d:[0-5]\d:[0-5]\d", re.ASCII)
# a number of its own, not the digit in R1, GPT-4o, FP8 or H100
_NUMBER = re.compile(r"(?<![A-Za-z0-9.,-])\d[\d,]*(?:\.\d+)?")


class LedgerError(ValueError):
    """A claim that does not exist or does not hold together."""


def seconds(stamp: str) -> int:
    """Turn ``h:mm:ss`` on the YouTube clock into seconds.

    Raises
    ------
    LedgerError
        If the stamp is malformed or lies beyond the end of the episode.

    Examples
    --------
    >>> seconds("1:02:02")
    3722
    """
    if not _STAMP.fullmatch(stamp):
        raise LedgerError(f"'{stamp}' is no timestamp: write h:mm:ss, such as 0:27:07")
    hours, minutes, rest = map(int, stamp.split(":"))
    total = hours * 3600 + minutes * 60 + rest
    if stamp != END and total > seconds(END):
        raise LedgerError(f"{stamp} lies after the end of the episode ({END}, YouTube clock)")
    return total


def video_url(stamp: str) -> str:
    """Return the address that opens the video at a timestamp."""
    return f"{VIDEO}&t={seconds(stamp)}s"


@dataclass(frozen=True)
class Claim:
    """One row of the ledger; the columns are described in the data package."""

    id: str
    chapter: str
    kind: str
    statement: str
    speaker: str
    start: str | None
    low: float | None
    value: float | None
    high: float | None
    unit: str | None
    as_of: dt.date
    verdict: str
    ground: str | None
    check: str
    evidence: str
    checked_on: dt.date

    @property
    def keys(self) -> list[str]:
        """Bibliography keys of the evidence."""
        return [key.strip() for key in self.evidence.split(";") if key.strip()]

    @property
    def from_notes(self) -> bool:
        """Whether the claim stands in the notes rather than in the episode."""
        return self.speaker.startswith("notes")

    @property
    def has_figure(self) -> bool:
        """Whether there is a number to print."""
        return any(part is not None for part in (self.low, self.value, self.high))

    def figure(self, bare: bool = False) -> str:
        """Print the claim's value with its unit.

        Raises
        ------
        LedgerError
            If the claim carries no number.
        """
        if not self.has_figure:
            raise LedgerError(
                f"claim '{self.id}' has no figure to print: cite it as {{claim}}`words <{self.id}>`"
            )
        return quantity.amount(
            self.value, self.unit or "", low=self.low, high=self.high, bare=bare
        )

    def strange_numbers(self, words: str) -> list[str]:
        """Numbers in words about this claim that the claim itself does not hold.

        Parameters
        ----------
        words : str
            What the prose says in place of the claim's value.

        Returns
        -------
        list of str
            Numbers that stand neither in the statement nor in the printed figure.
        """
        known = f"{self.statement} {self.figure() if self.has_figure else ''}"
        held = {n.replace(",", "") for n in _NUMBER.findall(known)}
        return [n for n in _NUMBER.findall(words) if n.replace(",", "") not in held]

    def problems(self) -> list[str]:
        """Say what does not hold together in this row; an empty list means nothing."""
        found = []
        if self.unit and self.unit not in quantity.KNOWN:
            found.append(f"unit '{self.unit}' is unknown to guide.quantity")
        if self.has_figure and self.unit is None:
            found.append("there is a figure but no unit: write one, or 'ratio'")
        if (self.low is None) != (self.high is None):
            found.append("a range needs both low and high")
        if self.low is not None and self.high is not None and self.low > self.high:
            found.append(f"low {self.low:g} exceeds high {self.high:g}: swap them")
        if None not in (self.low, self.value, self.high) and not (
            self.low <= self.value <= self.high
        ):
            found.append(f"value {self.value:g} lies outside its own range")
        if not found and self.has_figure:
            try:
                self.figure()
            except ValueError as error:  # such as half a year, or no finite number
                found.append(str(error))
        if self.verdict in ("qualified", "wrong") and not self.ground:
            found.append(f"a {self.verdict} claim needs a ground: {', '.join(GROUNDS)}")
        if self.verdict not in ("qualified", "wrong") and self.ground:
            found.append(f"a {self.verdict} claim takes no ground: empty the cell")
        if self.from_notes and self.start:
            found.append("a claim of the notes has no timestamp: empty 'start'")
        if not self.from_notes and not self.start:
            found.append("a claim of the episode needs its timestamp in 'start'")
        if self.start:
            try:
                seconds(self.start)
            except LedgerError as error:
                found.append(str(error))
        if self.verdict == "unverifiable" and "because" not in self.check.lower():
            found.append("an unverifiable claim says why: use 'because' in 'check'")
        if not self.keys:
            found.append("no evidence: name at least one key of references.bib")
        return found


@lru_cache(maxsize=None)
def claims() -> dict[str, Claim]:
    """Read the ledger.

    Returns
    -------
    dict
        Claims by id, in the order of the file.

    Raises
    ------
    LedgerError
        If a row does not hold together; the message names row, fault and remedy.
    """
    found = {}
    for number, row in enumerate(data.rows("claims"), start=2):
        claim = Claim(**row)
        problems = claim.problems()
        if problems:
            raise LedgerError(f"data/claims.csv, row {number}, claim '{claim.id}': " + "; ".join(problems))
        found[claim.id] = claim
    return found


def claim(key: str) -> Claim:
    """Return one claim.

    Raises
    ------
    LedgerError
        If no claim has this id; the message proposes the nearest ids.
    """
    found = claims()
    if key not in found:
        near = difflib.get_close_matches(key, found, n=3, cutoff=0.4)
        raise LedgerError(
            f"unknown claim '{key}'"
            + (f"; did you mean {', '.join(near)}?" if near else "")
            + " Claims are the rows of data/claims.csv."
        )
    return found[key]


def value(key: str) -> float:
    """Return a claim's point value, or the middle of its range, for computing with it."""
    row = claim(key)
    if row.value is not None:
        return row.value
    if row.low is None or row.high is None:
        raise LedgerError(f"claim '{key}' has no figure to compute with")
    return (row.low + row.high) / 2


def bounds(key: str) -> tuple[float, float]:
    """Return the ends of a claim's range; a point value is a range of no width."""
    row = claim(key)
    if row.low is not None and row.high is not None:
        return row.low, row.high
    return value(key), value(key)
