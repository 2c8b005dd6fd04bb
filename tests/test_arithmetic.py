"""The arithmetic of models, how numbers are printed, and the guards of sentences."""

from __future__ import annotations

import ast
import dataclasses
import datetime as dt
import math

import pytest
from checks import found, none
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from guide import data, prose, quantity, transformer
from guide.transformer import Config

#: Models whose count is more than 2 % off the published total, and why
TOTAL_OFF = {
    "kimi-k2": "the maker rounds 1,026 billion to a trillion",
    "kimi-k2.5": "the maker rounds 1,026 billion to a trillion",
}
#: Models whose active count is more than 3 % off the published one, and why
ACTIVE_OFF: dict[str, str] = {}

small = st.integers(min_value=1, max_value=64)


@st.composite
def dense(draw):
    """A dense model, with fewer or as many key heads as query heads."""
    kv = draw(st.integers(1, 8))
    groups = draw(st.integers(1, 8))
    kind = "mqa" if kv == 1 else "mha" if groups == 1 else "gqa"
    layers = draw(small)
    return Config(
        layers=layers, dense_layers=layers, d_model=draw(small) * 8, heads=kv * groups,
        attention=kind, vocab_size=draw(small) * 100, ffn_dim=draw(small) * 16, kv_heads=kv,
        head_dim=draw(small), tied_embeddings=draw(st.booleans()), qkv_bias=draw(st.booleans()),
        ffn_matrices=draw(st.sampled_from([2, 3])),
    )


@st.composite
def moe(draw):
    """A model with experts, with grouped or latent attention."""
    base = draw(dense())
    routed = draw(st.integers(1, 64))
    latent = {
        "attention": "mla", "kv_lora_rank": draw(small), "q_lora_rank": draw(st.integers(0, 64)),
        "qk_rope_head_dim": draw(small), "qk_nope_head_dim": draw(small),
        "v_head_dim": draw(small),
    }
    return dataclasses.replace(
        base, dense_layers=draw(st.integers(0, base.layers)), moe_ffn_dim=draw(small),
        routed_experts=routed, active_experts=draw(st.integers(1, routed)),
        shared_experts=draw(st.integers(0, 4)), router_bias=draw(st.booleans()),
        dense_residual=draw(st.booleans()), **(latent if draw(st.booleans()) else {}),
    )


def model(key: str) -> Config:
    """Dimensions of a model of the table."""
    return Config.from_row(data.row("models", key))


# ------------------------------------------------------------------ counts


@given(st.one_of(dense(), moe()))
def test_total_is_the_sum_of_its_parts(c):
    """Parts are whole, none is negative, and together they are the model."""
    parts = transformer.parts(c)
    assert all(isinstance(n, int) and n >= 0 for n in parts.values())
    assert transformer.total(c) == sum(parts.values())
    assert 0 < transformer.active(c) <= transformer.total(c)


@given(dense())
def test_a_dense_model_is_all_active(c):
    """In a dense model every parameter meets every token."""
    assert not c.is_moe and transformer.active(c) == transformer.total(c)
    assert c.moe_layers == 0


@given(moe())
def test_all_experts_active_is_the_whole_model(c):
    """A model that calls all its experts is all active."""
    whole = dataclasses.replace(c, active_experts=c.routed_experts)
    assert transformer.active(whole) == transformer.total(whole) == transformer.total(c)


@given(moe())
def test_more_experts_chosen_means_more_work(c):
    """Each further expert chosen adds one expert in each layer that has them."""
    assume(c.active_experts < c.routed_experts)
    more = dataclasses.replace(c, active_experts=c.active_experts + 1)
    step = transformer.active(more) - transformer.active(c)
    assert step == c.moe_layers * transformer.expert_parameters(c)


@given(st.one_of(dense(), moe()))
def test_more_layers_mean_more(c):
    """A deeper model has more parameters and a larger cache."""
    deep = dataclasses.replace(c, layers=c.layers + 1)
    assert transformer.total(deep) > transformer.total(c)
    assert transformer.active(deep) > transformer.active(c)
    assert transformer.kv_bytes_per_token(deep) > transformer.kv_bytes_per_token(c)


@given(dense())
def test_sharing_keys_never_enlarges_the_cache(c):
    """Multi-query caches at most what grouped queries cache, and these at most multi-head."""
    one = dataclasses.replace(c, attention="mqa", kv_heads=1)
    all_ = dataclasses.replace(c, attention="mha", kv_heads=c.heads)
    sizes = [transformer.kv_bytes_per_token(x) for x in (one, c, all_)]
    assert sizes == sorted(sizes)
    assert sizes[2] == sizes[0] * c.heads


@given(st.one_of(dense(), moe()), st.sampled_from([0.5, 1, 2, 4]))
def test_cache_follows_the_format(c, size):
    """The cache is proportional to the bytes of an element."""
    assert transformer.kv_bytes_per_token(c, size) == pytest.approx(
        transformer.kv_bytes_per_token(c, 1) * size)


@given(moe(), st.integers(1, 8))
def test_latent_cache_does_not_know_heads(c, times):
    """Latent attention caches the same however many heads there are."""
    assume(c.attention == "mla")
    wide = dataclasses.replace(c, heads=c.heads * times)
    assert transformer.kv_elements_per_layer(wide) == transformer.kv_elements_per_layer(c)


@given(st.floats(0, 1e13), st.floats(0, 1e14))
def test_training_rule(parameters, tokens):
    """The rule of six is linear in parameters and in tokens."""
    flops = transformer.training_flops(parameters, tokens)
    assert flops == pytest.approx(6 * parameters * tokens)


@pytest.mark.parametrize(
    ("key", "total", "active"),
    [
        ("deepseek-v3", 671_026_419_200, 37_552_297_472),
        ("deepseek-v2", 235_741_434_880, 21_375_800_320),
        ("mixtral-8x7b", 46_702_792_704, 12_879_925_248),
        ("llama-3.1-405b", 405_853_388_800, 405_853_388_800),
    ],
)
def test_known_counts(key, total, active):
    """The rows of the table give the counts of the published weights, to the last parameter."""
    c = model(key)
    assert transformer.total(c) == total, f"data/models.csv: the row '{key}' was changed"
    assert transformer.active(c) == active, f"data/models.csv: the row '{key}' was changed"


def test_known_caches():
    """The cache of V3 is 70 272 bytes a token, of Llama 3.1 405B 516 096."""
    assert transformer.kv_bytes_per_token(model("deepseek-v3")) == 70_272
    assert transformer.kv_bytes_per_token(model("llama-3.1-405b")) == 516_096


def counted(rows):
    """Models of the table whose dimensions are disclosed, with line and row."""
    for line, row in enumerate(rows, 2):
        try:
            yield line, row, Config.from_row(row)
        except ValueError as error:
            assert "undisclosed" in str(error), f"data/models.csv:{line}: {error}"


def off_counts(rows, excused, column, counts, tolerance, name):
    """Models of which no way of counting gives the published number."""
    problems, off = [], set()
    for line, row, c in counted(rows):
        if not row[column]:
            continue
        ratios = [n / 1e9 / row[column] for n in counts(c)]
        if min(abs(r - 1) for r in ratios) > tolerance:
            off.add(row["id"])
            if row["id"] not in excused:
                problems.append(
                    f"data/models.csv:{line}: '{row['id']}' counts {ratios[0]:.3f} times its "
                    f"{column}: correct the row, or say why in {name}")
    return problems + [f"tests/test_arithmetic.py:1: '{key}' needs no excuse: take it out"
                       for key in excused if key not in off]


def off_totals(rows, excused):
    """Models whose counted total is not the published one."""
    return off_counts(rows, excused, "published_total_billion",
                      lambda c: [transformer.total(c)], 0.02, "TOTAL_OFF")


def off_actives(rows, excused):
    """Models whose counted active parameters are not the published ones.

    Makers differ in whether they count the input embedding, which is looked up and not
    multiplied: either count may be the published one.
    """
    return off_counts(
        rows, excused, "published_active_billion",
        lambda c: [transformer.active(c), transformer.active(c) - c.vocab_size * c.d_model],
        0.03, "ACTIVE_OFF")


def test_published_counts(tables):
    """Each disclosed model counts what its maker published, or we say why not."""
    none(off_totals(tables["models"], TOTAL_OFF) + off_actives(tables["models"], ACTIVE_OFF))


def test_published_counts_planted(tables):
    """A dimension mistyped in the table is seen, and an excuse that nothing needs."""
    wrong = [dict(row, layers=row["layers"] + 3 if row["layers"] else None)
             for row in tables["models"] if row["id"] == "deepseek-v3"]
    found(off_totals(wrong, {}), "data/models.csv:2", "deepseek-v3")
    found(off_totals([], {"x": "why"}), "needs no excuse")
    wrong = [dict(wrong[0], layers=61, active_experts=6)]
    none(off_totals(wrong, {}))
    found(off_actives(wrong, {}), "data/models.csv:2", "deepseek-v3")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"attention": "flash"}, "unknown"),
        ({"attention": "mla"}, "kv_lora_rank"),
        ({"kv_heads": 0}, "kv_heads"),
        ({"routed_experts": 2, "active_experts": 3}, "more active experts"),
    ],
)
def test_impossible_models_planted(change, says):
    """Dimensions that cannot be are refused."""
    sound = {"layers": 2, "d_model": 8, "heads": 2, "attention": "gqa", "vocab_size": 10,
             "kv_heads": 1, "head_dim": 4}
    Config(**sound)
    with pytest.raises(ValueError, match=says):
        Config(**sound | change)


def test_impossible_arguments_planted():
    """A missing dimension, a size of nothing and a negative run are refused."""
    with pytest.raises(ValueError, match="undisclosed: layers"):
        Config.from_row({"id": "x", "d_model": 8, "heads": 2, "attention": "gqa", "vocab_size": 1})
    with pytest.raises(ValueError, match="must be positive"):
        transformer.kv_bytes_per_token(model("deepseek-v3"), 0)
    with pytest.raises(ValueError, match="cannot be negative"):
        transformer.training_flops(-1, 1)


# ------------------------------------------------------------------ printing

SCALES = {"": 1.0, "million": 1e6, "billion": 1e9, "trillion": 1e12}
finite = st.floats(min_value=1e-6, max_value=9e14, allow_nan=False)


def parse(text: str) -> float:
    """Read back what :mod:`guide.quantity` printed."""
    digits, _, word = text.replace(quantity.NBSP, " ").replace(quantity.MINUS, "-").lstrip("$").partition(" ")
    return float(digits.replace(",", "")) * SCALES[word]


@given(finite, st.integers(1, 8), st.sampled_from([1, -1]))
def test_a_printed_number_says_the_number(value, digits, sign):
    """What is printed is the number, to the digits that were asked for."""
    text = quantity.number(sign * value, digits)
    assert parse(text) == pytest.approx(sign * value, rel=0.51 * 10 ** (1 - digits))
    assert "nan" not in text and "inf" not in text and "e" not in text.split(quantity.NBSP)[0]


@given(st.integers(0, 999_999))
def test_whole_numbers_below_a_million_are_printed_whole(value):
    """A count that fits is printed to the last digit."""
    text = quantity.number(value, 6)
    assert text == f"{value:,}"


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (999_999.7, 4, "1 million"), (999_949_999, 4, "999.9 million"),
        (999_950_001, 4, "1 billion"), (999_999_999_999, 4, "1 trillion"), (999.96, 4, "1,000"),
        (671_026_419_200, 4, "671 billion"), (671_026_419_200, 6, "671.026 billion"),
        (2048, 2, "2,048"), (0, 4, "0"), (0.25, 4, "0.25"), (-1.5e6, 4, "\u22121.5 million"),
    ],
)
def test_rounding_into_the_next_word(value, digits, text):
    """A number that rounds up takes the word of what it became."""
    assert quantity.number(value, digits) == text.replace(" ", quantity.NBSP)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("unit", ["", "GB", "USD", "percent"])
def test_what_is_no_number_is_never_printed_planted(value, unit):
    """A calculation gone wrong stops; it is not printed."""
    with pytest.raises((ValueError, OverflowError)):
        quantity.amount(value, unit)
    with pytest.raises((ValueError, OverflowError)):
        quantity.amount(low=1.0, high=value, unit=unit)


@given(finite, st.sampled_from(sorted(quantity.UNITS)))
def test_units_follow_the_number(value, unit):
    """The unit stands behind the number, in the singular for one of it only."""
    text = quantity.amount(value, unit)
    one, many = quantity.UNITS[unit]
    number = quantity.number(value)
    assert text == f"{number}{quantity.NBSP}{one if number == '1' else many}"
    assert quantity.amount(value, unit, bare=True) == number


@given(finite, finite, st.sampled_from(["", "GB", "percent", "USD", "parameters"]))
def test_ranges(one, other, unit):
    """Both ends of a range are printed, in order, and a range of no width as one value."""
    low, high = sorted((one, other))
    assert quantity.amount(low=low, high=low, unit=unit) == quantity.amount(low, unit)
    assume(low != high)
    text = quantity.amount(low=low, high=high, unit=unit, bare=True).rstrip("%")
    first, _, second = text.partition(" to ")
    scale = second.replace("$", "").partition(quantity.NBSP)[2]
    if unit != "USD" and quantity.NBSP not in first and scale and low >= 1e6:
        first = f"{first}{quantity.NBSP}{scale}"  # 'million' is said once
    assert parse(second) == pytest.approx(high, rel=1e-3, abs=0.006)
    assert parse(first) == pytest.approx(low, rel=1e-3, abs=0.006 if unit == "USD" else 0)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"low": 80, "high": 90, "unit": "percent"}, "80 to 90%"),
        ({"low": 6e11, "high": 7e11, "unit": "parameters"}, "600 to 700 billion parameters"),
        ({"low": 9e8, "high": 1.1e9, "unit": "tokens"}, "900 million to 1.1 billion tokens"),
        ({"low": 5, "high": 20, "unit": "USD per task"}, "$5 to $20 per task"),
        ({"value": 5.576e6, "unit": "USD"}, "$5.576 million"),
        ({"value": 0.55, "unit": "USD per million tokens"}, "$0.55 per million tokens"),
        ({"value": 0.014, "unit": "USD"}, "$0.014"),
        ({"value": 2, "unit": "USD per GPU hour", "bare": True}, "$2"),
        ({"value": 1, "unit": "layers"}, "1 layer"),
        ({"value": 27, "unit": "times"}, "27 times"),
        ({"value": 2025, "unit": "year"}, "2025"),
        ({"low": 2027, "high": 2028, "unit": "year"}, "2027 to 2028"),
        ({"value": 0.5, "unit": "ratio"}, "0.5"),
        ({"value": 37e9, "unit": "parameters", "bare": True}, "37 billion"),
    ],
)
def test_house_style(options, text):
    """Amounts are written the same way everywhere."""
    assert quantity.amount(**options).replace(quantity.NBSP, " ") == text


@given(st.floats(min_value=0.01, max_value=9e12))
def test_money(value):
    """An amount of money starts with its sign and says the amount to the cent or four digits."""
    text = quantity.amount(value, "USD")
    assert text.startswith("$") and text.count("$") == 1
    assert parse(text) == pytest.approx(value, rel=6e-4, abs=0.0051)


def test_money_below_nothing():
    """A loss is written with the minus before the sign."""
    assert quantity.amount(-5, "USD") in ("-$5", "\u2212$5"), (
        "book/guide/quantity.py: a negative amount of dollars: write -$5, not $-5"
    )


def test_a_value_without_unit_or_number_is_refused_planted():
    """An unknown unit and an empty amount stop with what to do."""
    with pytest.raises(ValueError, match="unknown unit 'furlongs'"):
        quantity.amount(1, "furlongs")
    with pytest.raises(ValueError, match="give a value, or low and high"):
        quantity.amount(unit="GB")


@given(st.dates(dt.date(1950, 1, 1), dt.date(2049, 12, 31)))
def test_dates(day):
    """A date is written with as much as is known."""
    text = quantity.date(day).replace(quantity.NBSP, " ")
    assert dt.datetime.strptime(text, "%d %B %Y").date() == day
    assert quantity.date(day, "month") == f"{day:%B} {day.year}"
    assert quantity.date(day, "year") == str(day.year)


@given(st.floats(0.001, 5000))
def test_scaled_units_say_the_whole_number(value):
    """A column in billions is printed as what it means."""
    for unit, (scale, plain) in quantity.SCALED.items():
        assert quantity.amount(value, unit) == quantity.amount(value * scale, plain)


# ------------------------------------------------------------------ guards


@pytest.fixture()
def glued(monkeypatch):
    """What the cells of a chapter have stored, by name."""
    import myst_nb

    shown: dict[str, object] = {}
    monkeypatch.setattr(myst_nb, "glue", lambda name, text, display: shown.update({name: text}))
    return shown


def read(text: object) -> str:
    """What the page makes of a stored number: glue reads a Python string."""
    return ast.literal_eval(repr(text))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(finite, finite, finite)
def test_a_guard_keeps_its_promise(glued, value, one, other):
    """A number is stored if it lies within its bounds, and stops the build if not."""
    low, high = sorted((one, other))
    glued.clear()
    if low <= value <= high:
        prose.say("x", value, between=(low, high))
        assert read(glued["x"]) == quantity.amount(value, digits=3)
    else:
        with pytest.raises(prose.GuardError, match=r"'x' is .* mend the calculation, or rewrite"):
            prose.say("x", value, between=(low, high))
        assert not glued, "a number that breaks its promise is printed all the same"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_guard_stops_what_is_no_number_planted(value):
    """A calculation gone wrong does not reach the sentence."""
    with pytest.raises((prose.GuardError, ValueError)):
        prose.say("x", value, between=(0, 1e9))


def test_a_guard_prints_as_the_ledger_does(glued):
    """The sentence gets the amount in house style, or in the form that was asked for."""
    prose.say("share", 5.596, "percent", between=(5, 6), digits=2)
    prose.say("count", 8, between=(8, 8), fmt=lambda n: f"<{n}>")
    assert (read(glued["share"]), read(glued["count"])) == ("5.6%", "<8>")
