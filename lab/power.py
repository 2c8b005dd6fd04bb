"""Power swings: what one GPU draws as work starts and stops, and what filling the waits costs.

The claim: a cluster whose GPUs all compute and then all wait for one another swings by
megawatts within moments, and Meta's answer was a switch in PyTorch
(``PYTORCH_NO_POWERPLANT_BLOWUP``) that lets GPUs compute numbers which nobody needs while
they wait.

Measured on one GPU by its own meter (NVML): traces of a square wave of BF16 products and
waits, of the same wave with filler in the waits (in full and half of the time), of a fast
wave, and steady levels of some kinds of work. The meter is read about every 10 ms in a
thread, both as the instantaneous reading and as the average that Hopper forms over a second.

It shows the depth and speed of one card's swing. It does not show a data centre: there
fans, power supplies and capacitors smooth the swing, and nodes need not move in step. The
sensor is the card's own, and nothing of the card is set: its power limit is only read.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch

from .bench import Lab, Spread, relative_error, spread

RUN = "power"
TABLES = ("power_trace", "power_levels", "power_swings")

#: data sheet of the H200 SXM: dense TFLOP/s, and TB/s of memory
BOUNDS = {"bf16 product": 989.5, "fp8 product": 1979.0, "memory copy": 4.8, "matrix-vector": 4.8}


@dataclass(frozen=True)
class Sizes:
    """How long and how large.

    Parameters
    ----------
    waves : tuple of (str, float, float, int, float)
        Name, seconds of work, seconds of waiting, periods, and the share of the waiting
        that filler takes.
    level_s, settle_s : float
        Seconds of a steady level, and how many of the first do not count.
    every_s : float
        Seconds between two readings.
    rows : int
        At most so many rows of the trace.
    product, vector, copy_bytes : int
        Side of the products, side of the matrix times a vector, bytes of a copy.
    energy_off : float
        Largest relative difference between the energy counter and the sum of readings.
    """

    waves: tuple[tuple[str, float, float, int, float], ...]
    level_s: float
    settle_s: float
    every_s: float
    rows: int
    product: int
    vector: int
    copy_bytes: int
    energy_off: float


FULL = Sizes(
    waves=(("square", 2.0, 2.0, 5, 0.0), ("filled", 1.2, 1.2, 5, 1.0),
           ("half filled", 1.2, 1.2, 5, 0.5), ("fast", 0.1, 0.1, 20, 0.0)),
    level_s=2.0, settle_s=0.8, every_s=0.01, rows=2400,
    product=8192, vector=8192, copy_bytes=1 << 30, energy_off=0.1)
TINY = Sizes(
    waves=(("square", 0.1, 0.1, 5, 0.0), ("filled", 0.06, 0.06, 5, 1.0)),
    level_s=0.15, settle_s=0.05, every_s=0.004, rows=120,
    product=64, vector=64, copy_bytes=1 << 12, energy_off=0.2)


@dataclass(frozen=True)
class Sample:
    """One reading: seconds since the start, watts (instantaneous, averaged), MHz, and what ran."""

    seconds: float
    instant_w: float
    average_w: float
    sm_mhz: int
    wave: str = ""
    phase: str = ""
    index: int = 0


class Meter(Protocol):
    """What is needed of a power meter."""

    name: str
    limit_w: float

    def read(self, phase: str) -> tuple[float, float, int]:
        """Return instantaneous watts, averaged watts, and the clock of the SMs in MHz."""

    def energy_j(self) -> float | None:
        """Return joules since some moment in the past, or None if that is not counted."""


class Nvml:
    """The meter of an NVIDIA card, read through NVML; nothing is set.

    Parameters
    ----------
    device : torch.device
        The card as PyTorch names it; found in NVML by its UUID.
    """

    def __init__(self, device: torch.device) -> None:
        import pynvml

        self._n = pynvml
        pynvml.nvmlInit()
        index = device.index or 0
        try:
            uuid = f"GPU-{torch.cuda.get_device_properties(index).uuid}"
            self._card = pynvml.nvmlDeviceGetHandleByUUID(uuid)
        except (AttributeError, pynvml.NVMLError):
            self._card = pynvml.nvmlDeviceGetHandleByIndex(index)
        self.limit_w = pynvml.nvmlDeviceGetEnforcedPowerLimit(self._card) / 1e3
        self._field = getattr(pynvml, "NVML_FI_DEV_POWER_INSTANT", 186)
        self.name = "NVML_FI_DEV_POWER_INSTANT"
        if self._instant() is None:
            # said in the table, because the average over a second hides a fast swing
            self.name = "nvmlDeviceGetPowerUsage"

    def _instant(self) -> float | None:
        try:
            value = self._n.nvmlDeviceGetFieldValues(self._card, [self._field])[0]
        except self._n.NVMLError:
            return None
        if value.nvmlReturn != self._n.NVML_SUCCESS or not value.value.uiVal:
            return None
        return value.value.uiVal / 1e3

    def read(self, phase: str) -> tuple[float, float, int]:
        average = self._n.nvmlDeviceGetPowerUsage(self._card) / 1e3
        instant = self._instant() if self.name.endswith("INSTANT") else average
        clock = self._n.nvmlDeviceGetClockInfo(self._card, self._n.NVML_CLOCK_SM)
        return (average if instant is None else instant), average, clock

    def energy_j(self) -> float | None:
        try:
            return self._n.nvmlDeviceGetTotalEnergyConsumption(self._card) / 1e3
        except self._n.NVMLError:
            return None


class FakeMeter:
    """A meter for machines without one: fixed watts for each phase, and the energy they make.

    Parameters
    ----------
    watts : dict
        Phase -> watts; other phases draw ``work``.
    """

    name = "fake"
    limit_w = 700.0

    def __init__(self, watts: dict[str, float] | None = None) -> None:
        self.watts = watts or {"wait": 100.0, "idle": 80.0, "filler": 600.0, "work": 650.0}
        self._last: tuple[float, float] | None = None
        self._energy = 0.0

    def read(self, phase: str) -> tuple[float, float, int]:
        watts, now = self.watts.get(phase, self.watts["work"]), time.perf_counter()
        if self._last:
            self._energy += (now - self._last[0]) * (watts + self._last[1]) / 2
        self._last = now, watts
        return watts, watts, 1980 if watts > 300 else 345

    def energy_j(self) -> float | None:
        return self._energy


@dataclass
class Recorder:
    """Reads a meter in a thread of its own, and notes what ran at each reading.

    Parameters
    ----------
    meter : Meter
    every_s : float
        Seconds between two readings.
    """

    meter: Meter
    every_s: float
    samples: list[Sample] = field(default_factory=list)
    #: wave, phase and number of the phase that runs now; one tuple, so that it changes at once
    now: tuple[str, str, int] = ("", "idle", 0)
    error: BaseException | None = None

    def __enter__(self) -> Recorder:
        self._stop = threading.Event()
        self.start = time.perf_counter()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self.energy_first = self.meter.energy_j()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)
        self.energy_last = self.meter.energy_j()

    def _loop(self) -> None:
        due = time.perf_counter()
        while not self._stop.is_set():
            try:
                wave, phase, index = self.now
                instant, average, clock = self.meter.read(phase)
                self.samples.append(Sample(time.perf_counter() - self.start, instant, average,
                                           clock, wave, phase, index))
            except BaseException as error:  # noqa: BLE001 - raised again by the main thread
                self.error = error
                return
            due = max(due + self.every_s, time.perf_counter())
            self._stop.wait(due - time.perf_counter())


# --- work --------------------------------------------------------------------------------

def burst(lab: Lab, work: Callable[[int], object], seconds: float, duty: float = 1.0) -> list[float]:
    """Run work for some seconds, never more than two calls ahead, so that it stops on time.

    Parameters
    ----------
    work : callable
        One piece of a few milliseconds at most, called with a running number.
    duty : float
        Share of the time in which work runs; the pauses follow each piece.

    Returns
    -------
    list of float
        Host time at which each piece had ended.
    """
    ended: list[float] = []
    pending: list[torch.cuda.Event] = []
    stop, i = time.perf_counter() + seconds, 0
    while time.perf_counter() < stop:
        begin = time.perf_counter()
        work(i)
        i += 1
        if lab.cuda:
            event = torch.cuda.Event()
            event.record()
            pending.append(event)
            if len(pending) > (2 if duty >= 1 else 0):
                pending.pop(0).synchronize()
                ended.append(time.perf_counter())
        else:
            ended.append(time.perf_counter())
        if duty < 1:
            time.sleep(max(0.0, min((time.perf_counter() - begin) * (1 / duty - 1),
                                    stop - time.perf_counter())))
    for event in pending:
        event.synchronize()
        ended.append(time.perf_counter())
    return ended


def works(lab: Lab, sizes: Sizes) -> dict[str, tuple[Callable[[int], object], float, str]]:
    """Build the kinds of work.

    Returns
    -------
    dict
        Name -> (work, TFLOP or TB of one call, unit of the rate).
    """
    n, v = sizes.product, sizes.vector
    a, b = (torch.randn(n, n, device=lab.device).bfloat16() for _ in range(2))
    out = torch.empty_like(a)
    source = torch.randint(0, 255, (sizes.copy_bytes,), dtype=torch.uint8, device=lab.device)
    target = torch.empty_like(source)
    # eight matrices, so that none is still in the cache when its turn comes again
    matrices = [torch.randn(v, v, device=lab.device).bfloat16() for _ in range(8)]
    vector = torch.randn(v, 1, device=lab.device).bfloat16()
    results = torch.empty(v, 1, device=lab.device, dtype=torch.bfloat16)
    per_call = 40 if lab.cuda else 2

    def copy(_: int) -> None:
        target.copy_(source)

    def vectors(_: int) -> None:
        for i in range(per_call):
            torch.mm(matrices[i % 8], vector, out=results)

    made = {"bf16 product": (lambda _: torch.mm(a, b, out=out), 2 * n**3 / 1e12, "TFLOP/s"),
            "memory copy": (copy, 2 * sizes.copy_bytes / 1e12, "TB/s"),
            "matrix-vector": (vectors, per_call * 2 * v * v / 1e12, "TB/s")}
    lab.wait()
    copy(0)
    vectors(0)
    rows = slice(0, 64)
    lab.check(RUN, "product", "bf16 product of the waves against float64",
              relative_error(torch.mm(a, b, out=out)[rows], a[rows].double() @ b.double()), 0.01)
    last = matrices[(per_call - 1) % 8]
    lab.check(RUN, "matrix_vector", "matrix times vector against float64",
              relative_error(results, last.double() @ vector.double()), 0.01)
    lab.check(RUN, "copy", "bytes of the copy that differ from the source",
              float((target != source).sum()), 0)
    if lab.cuda:
        one = torch.ones((), device=lab.device)
        x, y = a.to(torch.float8_e4m3fn), b.t().contiguous().to(torch.float8_e4m3fn)

        def eight(_: int) -> torch.Tensor:
            return torch._scaled_mm(x, y.t(), scale_a=one, scale_b=one, out_dtype=torch.bfloat16,
                                    use_fast_accum=True)

        lab.check(RUN, "product_fp8", "fp8 product against float64 of the same numbers",
                  relative_error(eight(0)[rows], x[rows].double() @ y.double().T), 0.2)
        made["fp8 product"] = eight, 2 * n**3 / 1e12, "TFLOP/s"
    return made


def play(lab: Lab, recorder: Recorder, wave: tuple[str, float, float, int, float],
         work: Callable[[int], object]) -> None:
    """Play one wave: work and wait in turn, with or without filler in the waits."""
    name, on_s, off_s, periods, filler = wave
    for period in range(periods):
        recorder.now = name, "work", period
        burst(lab, work, on_s)
        recorder.now = name, "filler" if filler else "wait", period
        if filler:
            burst(lab, work, off_s, filler)
        else:
            time.sleep(off_s)


# --- analysis ----------------------------------------------------------------------------

def settled(samples: Sequence[Sample], share: float = 0.4) -> list[Sample]:
    """Leave out the beginning of every phase, in which the card (and its meter) still moves."""
    kept = []
    for key in dict.fromkeys((s.wave, s.phase, s.index) for s in samples):
        phase = [s for s in samples if (s.wave, s.phase, s.index) == key]
        first, last = phase[0].seconds, phase[-1].seconds
        kept += [s for s in phase if s.seconds >= first + share * (last - first)]
    return kept


def energy(samples: Sequence[Sample], choose: Callable[[Sample], bool] = lambda _: True) -> float:
    """Return joules under the instantaneous readings, by trapezes between neighbours.

    Parameters
    ----------
    choose : callable
        Which stretches count, judged by the reading at their beginning.
    """
    return sum((b.seconds - a.seconds) * (a.instant_w + b.instant_w) / 2
               for a, b in zip(samples, samples[1:]) if choose(a))


def swing(samples: Sequence[Sample], source: str) -> tuple[Spread, Spread]:
    """Return the plateaus of work and of waiting, watts: one value for each period.

    Parameters
    ----------
    source : str
        ``instant_w`` or ``average_w``.
    """
    plateaus: dict[bool, dict[int, list[float]]] = {True: {}, False: {}}
    for s in settled(samples):
        plateaus[s.phase == "work"].setdefault(s.index, []).append(getattr(s, source))
    work, wait = (spread([statistics.median(v) for v in plateaus[k].values()]) for k in (True, False))
    return work, wait


def thin(samples: Sequence[Sample], rows: int) -> list[Sample]:
    """Keep at most so many samples: of the fast wave all, of the others every so many."""
    fast = [s for s in samples if s.wave == "fast"]
    rest = [s for s in samples if s.wave != "fast"]
    room = max(0, rows - len(fast))
    step = -(-len(rest) // room) if rest and room else 1
    return sorted(fast[:rows] + rest[::step][:room], key=lambda s: s.seconds)


def rates(ended: Sequence[float], amount: float, since: float, slices: int = 6) -> Spread:
    """Return the rate of work in slices of time, in ``amount`` a second.

    Parameters
    ----------
    ended : sequence of float
        Times at which pieces ended, seconds.
    amount : float
        TFLOP or TB of one piece.
    since : float
        Earlier pieces do not count.
    """
    late = [t for t in ended if t >= since]
    size = max(2, len(late) // slices)
    found = []
    for first in range(0, len(late) - size + 1, size):
        part = late[first:first + size]
        found.append((len(part) - 1) * amount / (part[-1] - part[0]))
    return spread(found)


def run(lab: Lab, sizes: Sizes, meter: Meter | None = None) -> None:
    """Play levels and waves, and record what the meter saw.

    Parameters
    ----------
    meter : Meter, optional
        NVML on a GPU, a made-up one on the processor.
    """
    meter = meter or (Nvml(lab.device) if lab.cuda else FakeMeter())
    reached: dict[str, tuple[Spread, str] | None] = {}
    kinds: dict[str, tuple[Callable[[int], object], float, str]] = works(lab, sizes)
    for work, _, _ in kinds.values():
        work(0)
    lab.wait()
    time.sleep(sizes.settle_s)
    with Recorder(meter, sizes.every_s) as recorder:
        recorder.now = "idle", "idle", 0
        time.sleep(sizes.level_s)
        reached["idle"] = None
        product = kinds["bf16 product"][0]
        for wave in sizes.waves:
            play(lab, recorder, wave, product)
        for name, (work, amount, unit) in kinds.items():
            recorder.now = name, "work", 0
            begin = time.perf_counter()
            ended = burst(lab, work, sizes.level_s)
            reached[name] = rates(ended, amount, begin + sizes.settle_s), unit
        recorder.now = "", "idle", 0
    if recorder.error:
        raise recorder.error
    report(lab, sizes, meter, recorder, reached)


def report(lab: Lab, sizes: Sizes, meter: Meter, recorder: Recorder,
           reached: dict[str, tuple[Spread, str] | None]) -> None:
    """Check the readings against the energy counter and write the tables."""
    samples = [s for s in recorder.samples if s.wave]
    first, last = recorder.energy_first, recorder.energy_last
    if first is not None and last is not None and last > first:
        ours = energy(recorder.samples)
        lab.check(RUN, "energy", "sum of the instantaneous readings against the energy counter",
                  abs(ours / (last - first) - 1), sizes.energy_off)
    lab.check(RUN, "readings", "median seconds between readings over what was asked",
              statistics.median(b.seconds - a.seconds for a, b in zip(samples, samples[1:]))
              / sizes.every_s, 10.0 if lab.cuda else 20.0)
    for s in thin(samples, sizes.rows):
        lab.record("power_trace", run=RUN, wave=s.wave, seconds=round(s.seconds, 4), phase=s.phase,
                   power_instant_w=s.instant_w, power_average_w=s.average_w, sm_clock_mhz=s.sm_mhz)
    idle = 0.0
    for level, rate in reached.items():
        steady = [s for s in samples if s.wave == level]
        steady = [s for s in steady if s.seconds >= steady[0].seconds + sizes.settle_s]
        watts = spread([s.instant_w for s in steady])
        if level == "idle":
            idle = watts.median
        speed, unit = rate or (Spread(0.0, 0.0, 0.0, 0), "")
        lab.record("power_levels", run=RUN, level=level, **watts.columns("power_w"), limit_w=meter.limit_w,
                   sm_clock_median_mhz=int(statistics.median(s.sm_mhz for s in steady)),
                   rate_median=speed.median, rate_low=speed.low, rate_high=speed.high,
                   rate_repetitions=speed.repetitions, rate_unit=unit,
                   bound_rate=BOUNDS.get(level, 0.0), meter=meter.name)
    for name, on_s, off_s, periods, filler in sizes.waves:
        mine = [s for s in samples if s.wave == name]
        waits_j = energy(mine, lambda s: s.phase != "work")
        works_j = energy(mine, lambda s: s.phase == "work")
        for source in ("instant_w", "average_w"):
            work, wait = swing(mine, source)
            lab.record("power_swings", run=RUN, wave=name, work_s=on_s, wait_s=off_s, periods=periods,
                       filler_share=filler, reading=source.removesuffix("_w"),
                       **(work.columns("work_w") | wait.columns("wait_w")),
                       swing_w=work.median - wait.median,
                       swing_of_limit=(work.median - wait.median) / meter.limit_w,
                       peak_w=max(getattr(s, source) for s in mine),
                       trough_w=min(getattr(s, source) for s in mine),
                       energy_work_j=works_j, energy_wait_j=waits_j,
                       energy_wait_above_idle_j=waits_j - idle * periods * off_s,
                       limit_w=meter.limit_w, meter=meter.name)
