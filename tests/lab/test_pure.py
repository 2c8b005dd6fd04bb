"""What the lab computes without a device, for any input."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lab import power
from lab.bench import Spread, spread
from lab.eight_bits import schedule
from lab.imitation import demonstrators, marks_of, pass_at
from lab.talking import link_bytes

TIME = st.floats(1e-6, 1e6)


@given(st.lists(TIME, min_size=1, max_size=40))
def test_a_spread_holds_its_median(samples):
    """Low, median and high are in order and within the samples."""
    found = spread(samples)
    near = 1 + 1e-12  # between two equal samples a share of the way is rounded
    assert min(samples) <= found.low * near and found.low <= found.median * near
    assert found.median <= found.high * near and found.high <= max(samples) * near
    assert found.median == statistics.median(samples) and found.repetitions == len(samples)


@given(st.lists(st.floats(), max_size=5))
def test_a_spread_of_no_numbers_is_refused(samples):
    """Nothing, and what is not finite, has no spread."""
    assume(not samples or not all(map(math.isfinite, samples)))
    with pytest.raises(ValueError, match="measure again"):
        spread(samples)


@given(TIME, st.floats(1, 2), st.floats(1, 2), st.floats(1e-3, 1e9))
def test_a_rate_keeps_its_order(median, up, down, amount):
    """The slow end of a time is the low end of its rate, and turning twice gives the time."""
    times = Spread(median, median / down, median * up, 9)
    rates = times.rate(amount)
    assert rates.low <= rates.median <= rates.high
    again = rates.rate(amount)
    assert (again.low, again.median, again.high) == pytest.approx((times.low, times.median, times.high))
    assert times.scaled(1e6).median == pytest.approx(median * 1e6)


@given(st.integers(1, 60), st.data())
def test_pass_at_k_is_a_chance(samples, more):
    """It is what counting all choices gives, and grows with k and with right answers."""
    right = more.draw(st.integers(0, samples))
    k = more.draw(st.integers(1, samples))
    wrong = math.comb(samples - right, k) if k <= samples - right else 0
    assert pass_at(samples, right, k) == pytest.approx(float(1 - Fraction(wrong, math.comb(samples, k))))
    if k < samples:
        assert pass_at(samples, right, k + 1) >= pass_at(samples, right, k) - 1e-12
    assert pass_at(samples, 0, k) == 0 and pass_at(samples, samples, k) == 1


@given(st.integers(2, 200), st.integers(0, 60), st.floats(0, 1))
def test_a_demonstrator_is_right_by_a_chance(order, steps, slip):
    """It is a chance; without slips it is certain, and with steps it nears that of guessing."""
    right = demonstrators(order, steps, slip)
    assert -1e-12 <= right <= 1 + 1e-12
    assert demonstrators(order, steps, 0) == 1
    assume(0.05 < slip < 0.5)
    assert demonstrators(order, 2000, slip) == pytest.approx(1 / order, abs=1e-6)


@given(st.integers(1, 5000), st.integers(1, 200))
def test_marks_end_with_the_last(updates, count):
    """Points of a curve lie within it, and the last is one of them."""
    marks = marks_of(updates, count)
    assert updates in marks and all(0 < m <= updates for m in marks) and len(marks) <= count


@given(st.integers(1, 3000), st.floats(1e-5, 1))
def test_the_rate_of_learning_stays_in_bounds(steps, top):
    """It rises to its top, and never falls below a tenth of it after the rise."""
    rates = [schedule(step, steps, top) for step in range(0, steps, max(1, steps // 50))]
    assert all(0 < rate <= top * (1 + 1e-9) for rate in rates)
    assert schedule(steps, steps, top) == pytest.approx(0.1 * top) or steps < 12


@given(st.sampled_from(["all_to_all", "all_reduce", "send"]), st.floats(0, 1e12))
def test_no_operation_sends_more_than_its_message(operation, size):
    """What crosses the link in one direction is at most the message."""
    assert 0 <= link_bytes(operation, size) <= size


SAMPLE = st.builds(
    power.Sample, wave=st.sampled_from(["fast", "slow"]), phase=st.sampled_from(["work", "wait"]),
    index=st.integers(0, 3), seconds=st.floats(0, 100), instant_w=st.floats(0, 1000),
    average_w=st.floats(0, 1000), sm_mhz=st.integers(0, 2000))


@given(st.lists(SAMPLE, max_size=30), st.integers(1, 30))
def test_thinning_keeps_the_order_and_the_room(samples, rows):
    """At most so many samples are left, in order of time."""
    samples = sorted(samples, key=lambda s: s.seconds)
    left = power.thin(samples, rows)
    assert len(left) <= rows and all(s in samples for s in left)
    assert [s.seconds for s in left] == sorted(s.seconds for s in left)


@given(st.lists(SAMPLE, min_size=2, max_size=20))
def test_energy_lies_between_the_extremes(samples):
    """Joules are at least the lowest power for the time, and at most the highest."""
    samples = sorted(samples, key=lambda s: s.seconds)
    span = samples[-1].seconds - samples[0].seconds
    watts = [s.instant_w for s in samples]
    found = power.energy(samples)
    assert min(watts) * span - 1e-6 <= found <= max(watts) * span + 1e-6
    assert power.energy(samples, lambda _: False) == 0
