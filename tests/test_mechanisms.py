"""The arithmetic that chapters and explorers share: bills, chains, rules and megawatts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guide import chips, data, economics, explorers, power, reliability, transformer

likely = st.floats(0.01, 0.999)
share = st.floats(0.05, 1)
gains = st.floats(1.01, 1000)


@given(gains, st.floats(0, 3), share)
def test_spending_is_price_times_demand(gain, elasticity, passed):
    """What is spent is what is bought at what it costs."""
    assert economics.spending_after(gain, elasticity, passed) == pytest.approx(
        economics.demand_after(gain, elasticity, passed) * economics.price_after(gain, passed))


@given(gains, share)
def test_chips_turn_at_the_threshold(gain, passed):
    """Below the threshold a gain saves chips, above it costs them, on it nothing happens."""
    turn = economics.threshold(passed)
    assert economics.chips_needed(gain, turn, passed) == pytest.approx(1)
    assert economics.chips_needed(gain, turn * 0.9, passed) < 1
    assert economics.chips_needed(gain, turn * 1.1, passed) > 1


@given(gains, st.floats(0, 3))
def test_spending_and_chips_are_one_if_all_is_passed_on(gain, elasticity):
    """A seller who keeps nothing spends on chips what buyers spend on tokens."""
    assert economics.spending_after(gain, elasticity) == pytest.approx(
        economics.chips_needed(gain, elasticity))


@given(likely, st.integers(1, 500), st.integers(1, 500))
def test_chains_join(p, one, other):
    """A chain holds if both of its parts do."""
    assert reliability.chain(p, one + other) == pytest.approx(
        reliability.chain(p, one) * reliability.chain(p, other))


@given(likely, st.integers(1, 10_000))
def test_needed_is_the_inverse_of_chain(goal, steps):
    """Steps as good as needed reach the goal."""
    assert reliability.chain(reliability.needed(goal, steps), steps) == pytest.approx(goal)


@given(likely)
def test_half_of_all_chains_outlive_the_half_life(p):
    """That is what the word means."""
    assert reliability.chain(p, reliability.half_life(p)) == pytest.approx(0.5)


@given(likely, st.floats(0, 0.999))
def test_a_second_look_never_hurts(p, d):
    """Noticing slips raises reliability and costs attempts; noticing none changes nothing."""
    assert reliability.mended(p, d) >= p * (1 - 1e-12)
    assert reliability.tries(p, d) >= 1
    assert reliability.mended(p, 0) == pytest.approx(p) and reliability.tries(p, 0) == 1


@given(likely, st.floats(0, 0.999))
def test_attempts_end_right_or_overlooked(p, d):
    """A step ends at an attempt that is right, or wrong and overlooked."""
    assert reliability.mended(p, d) == pytest.approx(p * reliability.tries(p, d))


@given(st.integers(1, 10_000), st.data())
def test_a_count_allows_what_it_says(trials, more):
    """The range holds the share that was counted, stays between 0 and 1, and mirrors its misses."""
    hits = more.draw(st.integers(0, trials))
    low, high = reliability.wilson(hits, trials)
    assert -1e-12 <= low <= hits / trials + 1e-12 and hits / trials - 1e-12 <= high <= 1 + 1e-12
    assert reliability.wilson(trials - hits, trials) == pytest.approx((1 - high, 1 - low), abs=1e-9)
    wider = reliability.wilson(hits, trials, 0.99)
    assert wider[0] <= low + 1e-12 and wider[1] >= high - 1e-12


@given(st.integers(1, 200), st.data())
def test_the_ends_of_a_range_are_where_the_count_would_surprise(trials, more):
    """At each end the count lies 1.96 standard errors away, which is how the range is defined."""
    hits = more.draw(st.integers(0, trials))
    for end in reliability.wilson(hits, trials):
        if 1e-9 < end < 1 - 1e-9:
            error = math.sqrt(end * (1 - end) / trials)
            assert abs(hits / trials - end) / error == pytest.approx(1.96, abs=1e-3)


@pytest.mark.parametrize(("hits", "trials"), [(1, 0), (-1, 5), (6, 5), (0, float("nan"))])
def test_counts_that_cannot_be_are_refused(hits, trials):
    """More hits than trials is a mistake in the data."""
    with pytest.raises(ValueError, match="hits must lie between"):
        reliability.wilson(hits, trials)


@given(st.floats(1, 1000), st.floats(0, 1))
def test_store_is_largest_for_a_wave_of_equal_halves(swing, waiting):
    """No share of waiting asks more of a battery than one half."""
    assert power.store_kwh(swing, waiting, 2) <= power.store_kwh(swing, 0.5, 2) * (1 + 1e-12)


@given(st.integers(1, 10**6), st.floats(100, 2000), st.floats(0, 1), st.floats(1, 3))
def test_chips_cannot_swing_more_than_the_site_draws(gpus, watts, depth, around):
    """What falls away is at most the chips' own part."""
    assert power.swing_mw(gpus, watts, depth) <= power.computers_mw(gpus, watts, around) * (1 + 1e-12)


def test_the_rules_know_the_chips_that_the_text_tells_of():
    """H800, H20, L20 and their kind fare in each round as the chapter says."""
    wanted = {
        "h100-sxm": ["licence", "licence", "licence", "case by case"],
        "h800-sxm": ["free", "licence", "licence", "licence"],
        "a800": ["free", "licence", "licence", "licence"],
        "h20": ["free", "free", "licence", "licence"],
        "l20": ["free"] * 4,
        "b200": ["licence"] * 4,
        "rtx-4090": ["free", "notice", "notice", "notice"],
        "rtx-4090d": ["free"] * 4,
    }
    real = explorers.real_chips()
    for key, states in wanted.items():
        chip = real[key]
        found = explorers.rounds(chip["measures"], chip["market"], chip["on_sale"])
        assert list(found.values()) == states, key


@pytest.mark.parametrize(
    ("measures", "effect"),
    [({"tpp": 4800.0, "density": 1.0}, "licence"), ({"tpp": 4799.9, "density": 1.0}, "free"),
     ({"tpp": 2400.0, "density": 1.6}, "notice"), ({"tpp": 2399.9, "density": 3.1}, "free"),
     ({"tpp": 1600.0, "density": 3.2}, "notice"), ({"tpp": 1600.0, "density": 5.92}, "licence"),
     ({"tpp": 1599.9, "density": 20.0}, "free"), ({"tpp": 4000.0, "density": math.nan}, "free")],
)
def test_lines_belong_to_what_is_forbidden(measures, effect):
    """A chip on a line is caught; what is not known counts for nothing."""
    tests = [row for row in data.rows("control_tests") if row["rule"] == "us-2023-10-update"]
    assert chips.demanded(measures, "data centre", tests) == effect


@pytest.mark.parametrize("wrong", [
    lambda: economics.rented(-1, 2), lambda: economics.days_on(1, 0), lambda: economics.price_after(0),
    lambda: economics.demand_after(-1, 1), lambda: reliability.half_life(1.0),
    lambda: chips.performance_density(1, 0), lambda: transformer.conversations(1, 0, 0),
    lambda: transformer.gpu_hours(1, 0, 0.5),
])
def test_impossible_arguments_are_refused(wrong):
    """What cannot be is said to be so."""
    with pytest.raises(ValueError, match="must|cannot"):
        wrong()
