"""What the export rules measure on a chip, and what they demand of it.

Pure arithmetic: no files, no plots. The thresholds themselves are data
(``data/control_tests.csv``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any



def processing_performance(best_tops: float, bits: float) -> float:
    """Total processing performance (TPP), in TOPS times bits.

    The format is the one for which the product is largest; rates are dense. Source: the rule of
    17 October 2023 (88 FR 73458), ECCN 3A090, as quoted in the sources of the chapter.
    """
    return best_tops * bits


def performance_density(tpp: float, area_mm2: float) -> float:
    """Processing performance for each square millimetre of die."""
    if area_mm2 <= 0:
        raise ValueError("area_mm2 must be positive")
    return tpp / area_mm2


def demanded(
    measures: Mapping[str, float], market: str, tests: Iterable[Mapping[str, Any]]
) -> str:
    """What one rule demands of a chip: the strictest clause all of whose tests hold.

    Parameters
    ----------
    measures : mapping
        ``tpp``, ``density``, ``memory``, ``links`` (GB/s) and ``memory and links``; one that is
        not known may be missing or not a number, and its clause then does not count.
    market : str
        ``data centre``, or what else the chip is made for.
    tests : iterable of mappings
        The tests of the rule: ``clause``, ``market``, ``measure``, ``side`` (``at least`` or
        ``below``), ``value`` and ``effect``.

    Returns
    -------
    str
        ``licence``, ``notice``, ``case by case`` or ``free``.
    """
    use = market if market == "data centre" else "other"
    clauses: dict[str, list[Mapping[str, Any]]] = {}
    for test in tests:
        clauses.setdefault(test["clause"], []).append(test)
    found = {"free"}
    for clause in clauses.values():
        if clause[0]["market"] not in (use, "all"):
            continue
        if all(_holds(measures.get(test["measure"], math.nan), test) for test in clause):
            found.add(clause[0]["effect"])
    return next((e for e in ("licence", "notice", "case by case") if e in found), "free")


def _holds(value: float, test: Mapping[str, Any]) -> bool:
    if value != value:
        return False
    return value >= test["value"] if test["side"] == "at least" else value < test["value"]
