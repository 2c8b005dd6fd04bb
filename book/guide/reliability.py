"""Chains of steps: how likely they hold, and what noticing one's slips is worth.

Pure arithmetic: no files, no plots. Steps are independent of each other.
"""

from __future__ import annotations

import math


def chain(p: float, steps: float) -> float:
    """Chance that a chain of independent steps holds, each with probability ``p``."""
    return p**steps


def needed(goal: float, steps: float) -> float:
    """Reliability that each step of a chain needs for the chain to hold with chance ``goal``."""
    return goal ** (1 / steps)


def mended(p: float, d: float) -> float:
    """Reliability of a step if a share ``d`` of slips is noticed and the step done again.

    It ends right with weight ``p``, or wrong and overlooked with weight ``(1-p)(1-d)``.
    """
    return p / (p + (1 - p) * (1 - d))


def tries(p: float, d: float) -> float:
    """Attempts that a step takes on average if a share ``d`` of slips is noticed."""
    return 1 / (1 - (1 - p) * d)


def half_life(p: float) -> float:
    """Steps after which half of all chains have failed."""
    if not 0 < p < 1:
        raise ValueError("p must lie between 0 and 1")
    return math.log(0.5) / math.log(p)
