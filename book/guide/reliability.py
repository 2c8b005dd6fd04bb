"""Chains of steps: how likely they hold, and what noticing one's slips is worth.

Pure arithmetic: no files, no plots. Steps, and trials, are independent of each other.
"""

from __future__ import annotations

import math
from statistics import NormalDist


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


def wilson(hits: float, trials: float, confidence: float = 0.95) -> tuple[float, float]:
    """Range of the chance of a hit that a count of hits allows.

    Wilson's score interval (E. B. Wilson, 1927); unlike the textbook's plus or minus it stays
    between 0 and 1, and means something for few trials.

    Parameters
    ----------
    hits, trials : float
        How many trials succeeded, of how many.
    confidence : float
        How often such ranges hold the true chance.

    Returns
    -------
    tuple of float
        Lower and upper end, from 0 to 1.

    Raises
    ------
    ValueError
        If there is no trial, or if the hits do not lie between 0 and the trials.
    """
    if not (trials > 0 and 0 <= hits <= trials):
        raise ValueError(f"{hits} hits in {trials} trials: hits must lie between 0 and the trials, "
                         "of which there must be one at least")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = hits / trials, z**2 / trials
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return middle - half, middle + half
