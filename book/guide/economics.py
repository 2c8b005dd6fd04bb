"""What a training run costs, and what a fall in price does to demand.

Pure arithmetic: no files, no plots.
"""

from __future__ import annotations

import math


def rented(gpu_hours: float, usd_per_gpu_hour: float) -> float:
    """Price of GPU hours at one rent, in dollars.

    Source: the way in which the report on DeepSeek-V3 reckons its own cost (section 1, table 1).
    """
    if gpu_hours < 0 or usd_per_gpu_hour < 0:
        raise ValueError("hours and rent cannot be negative")
    return gpu_hours * usd_per_gpu_hour


def days_on(gpu_hours: float, gpus: float) -> float:
    """Days that a number of GPUs takes for these GPU hours, running day and night."""
    if gpus <= 0:
        raise ValueError("gpus must be positive")
    return gpu_hours / gpus / 24


def price_after(gain: float, passed: float = 1.0) -> float:
    """Price after a gain in efficiency, over the price before.

    Parameters
    ----------
    gain : float
        A unit takes ``1/gain`` of the resource that it took.
    passed : float
        Share of the saving, in powers of the gain, that reaches the buyer: 0 to 1.
    """
    if gain <= 0:
        raise ValueError("gain must be positive")
    return gain**-passed


def demand_after(gain: float, elasticity: float, passed: float = 1.0) -> float:
    """Units demanded after a gain in efficiency, over those before.

    Constant price elasticity of demand: demand goes as the price to the power of minus
    ``elasticity`` (any textbook of economics; Jevons 1865 has the argument without the formula).
    """
    if gain <= 0:
        raise ValueError("gain must be positive")
    return (gain**passed) ** elasticity


def spending_after(gain: float, elasticity: float, passed: float = 1.0) -> float:
    """What buyers spend after a gain in efficiency, over what they spent before."""
    return demand_after(gain, elasticity, passed) * price_after(gain, passed)


def chips_needed(gain: float, elasticity: float, passed: float = 1.0) -> float:
    """Chips needed after a gain in efficiency, over chips before.

    A token takes ``1/gain`` of the machine that it took; see :func:`demand_after`.
    """
    return demand_after(gain, elasticity, passed) / gain


def threshold(passed: float) -> float:
    """Elasticity above which a gain in efficiency raises the number of chips needed."""
    return math.inf if passed == 0 else 1 / passed
