"""Megawatts of a site, and how they swing.

Pure arithmetic: no files, no plots.
"""

from __future__ import annotations

HOURS = 8760  # in a year


def computers_mw(gpus: float, gpu_watts: float, around: float) -> float:
    """Power of all computing equipment at full load, in MW.

    Parameters
    ----------
    gpus : float
        GPUs on the site.
    gpu_watts : float
        What one may draw.
    around : float
        Power of everything that computes over that of the GPUs alone: server, network, storage.
    """
    return gpus * gpu_watts * around / 1e6


def swing_mw(gpus: float, gpu_watts: float, depth: float) -> float:
    """How far the chips' own power falls when all wait for each other, in MW.

    ``depth`` is the share of its design power that a waiting GPU lets go of.
    """
    return gpus * gpu_watts * depth / 1e6


def store_kwh(swing: float, waiting: float, step_s: float) -> float:
    """Energy that evens out one step of a square wave, in kWh.

    Parameters
    ----------
    swing : float
        Height of the wave, in MW.
    waiting : float
        Share of a step that is spent waiting.
    step_s : float
        Length of a step, in seconds.
    """
    return swing * waiting * (1 - waiting) * step_s / 3.6
