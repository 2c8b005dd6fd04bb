"""Properties of all arithmetic and of all that turns text into markup, for any input."""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
import math
import re

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.core import publish_doctree
from hypothesis import assume, given
from hypothesis import strategies as st
from myst_parser.parsers.docutils_ import Parser

from guide import cards, data, drawings, figures, ledger, quantity, tables, transformer, values

#: Text as a table may hold it: no control characters, no lone surrogates, one line
LINE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cf")), max_size=40)
#: Text in which every other letter means something to Markdown, HTML or TeX
MARKED = st.lists(st.one_of(st.sampled_from(list("\\`*_{}[]()<>#+-.!|~^$&:=\"' 1a\u00e9")), st.sampled_from(
    ["<script>", "</td>", "&lt;", "&#60;", "{claim}`x`", "- a", "1. a", "```", ":::", "$x$", "---",
     "![a](b)", "[^1]", "<!--", "(a)=", "% c", "+++", "https://a.example", "\" onload=\""])),
    max_size=12).map("".join)


# ------------------------------------------------------------------ numbers

SCALES = {"": 1.0, "million": 1e6, "billion": 1e9, "trillion": 1e12}


def parse(text: str) -> float:
    """Read back what :mod:`guide.quantity` printed."""
    digits, _, word = text.replace(quantity.NBSP, " ").replace(quantity.MINUS, "-").partition(" ")
    return float(digits.replace(",", "")) * SCALES[word]


@given(st.floats(-6, 14.9), st.sampled_from([1, -1]), st.integers(2, 6))
def test_a_number_of_any_size_is_printed(power, sign, digits):
    """From millionths to hundreds of trillions, what is printed is the number."""
    value = sign * 10**power
    assert parse(quantity.number(value, digits)) == pytest.approx(value, rel=0.51 * 10 ** (1 - digits))


#: Units of amounts; a date is none
UNITS = sorted(quantity.KNOWN - {"date"})


@given(st.floats(-1e15, 1e15), st.floats(-1e15, 1e15), st.sampled_from(UNITS))
def test_a_range_is_printed_in_order_or_refused(low, high, unit):
    """A range with its ends exchanged is refused in every unit, never printed."""
    assume(low != high)
    if low > high:
        with pytest.raises(ValueError, match="swap them"):
            quantity.amount(low=low, high=high, unit=unit)
    elif unit != "year":
        assert quantity.amount(low=low, high=high, unit=unit)


@given(st.one_of(st.floats(), st.integers(-10**18, 10**18)), st.sampled_from(UNITS))
def test_an_amount_is_printed_or_refused(value, unit):
    """There is a printed form, without exponents, or a clear refusal: never a crash."""
    try:
        text = quantity.amount(value, unit)
    except ValueError as error:
        assert not math.isfinite(value) or (unit == "year" and "whole" in str(error)), error
    else:
        assert "nan" not in text and "inf" not in text and not re.search(r"\de[+-]?\d", text)


@given(st.text(max_size=12))
def test_an_unknown_unit_is_refused(unit):
    """No unit is made up."""
    assume(unit not in quantity.KNOWN)
    with pytest.raises(ValueError, match="unknown unit"):
        quantity.amount(1, unit)


# ------------------------------------------------------------------ the ledger

SOUND = {
    "id": "x", "chapter": "models", "kind": "fact", "statement": "s", "speaker": "Patel",
    "start": "0:27:07", "low": None, "value": 37.0, "high": None, "unit": "parameters",
    "as_of": dt.date(2025, 2, 3), "verdict": "supported", "ground": None, "check": "because",
    "evidence": "a", "checked_on": dt.date(2026, 1, 1),
}
AMOUNT = st.one_of(st.none(), st.floats(-1e13, 1e13))


@given(st.fixed_dictionaries({}, optional={
    "low": AMOUNT, "value": AMOUNT, "high": AMOUNT,
    "unit": st.one_of(st.none(), st.sampled_from(sorted(quantity.KNOWN)), st.text(max_size=5)),
    "verdict": st.sampled_from(list(ledger.VERDICTS)),
    "ground": st.one_of(st.none(), st.sampled_from(list(ledger.GROUNDS))),
    "start": st.one_of(st.none(), st.text("0123456789:", max_size=8)),
    "speaker": st.sampled_from(["Patel", "notes S0"]), "evidence": st.text("a; ", max_size=4),
}))
def test_a_claim_is_faulty_or_can_be_printed(change):
    """A row without a problem prints its figure; one that cannot print has a problem."""
    claim = ledger.Claim(**SOUND | change)
    problems = claim.problems()
    assert all(p == p.strip() and len(p) > 10 for p in problems)
    if not problems and claim.has_figure:
        assert claim.figure()
    if claim.start and not problems:
        assert 0 <= ledger.seconds(claim.start) <= ledger.seconds(ledger.END)


@given(st.text(max_size=12))
def test_any_timestamp_is_read_or_refused(text):
    """Digits of other scripts, signs and spaces are no time."""
    try:
        total = ledger.seconds(text)
    except ledger.LedgerError:
        return
    assert re.fullmatch(r"\d:[0-5]\d:[0-5]\d", text, re.ASCII) and 0 <= total <= 18344


@given(LINE, st.sampled_from(["words", "as said in 2024", "R1 and GPT-4o"]))
def test_words_of_a_claim_hold_no_other_number(text, statement):
    """Whatever the words are, the numbers in them stand in the claim or are named."""
    claim = ledger.Claim(**SOUND | {"statement": statement})
    for number in claim.strange_numbers(text):
        assert number in text
        assert not re.search(rf"(?<![\w.,-]){re.escape(number.replace(',', ''))}(?![\w.,])", statement)


# ------------------------------------------------------------------ roles


@given(MARKED)
def test_fill_prints_all_or_refuses(text):
    """After filling, nothing that looks like a role is left; what cannot be filled is refused."""
    try:
        out = values.fill(text)
    except (ValueError, data.DataError):
        return
    assert not re.search(r"\{[A-Za-z][\w:-]*\}`", out)


@given(st.sampled_from(sorted(values.PRINTERS)), LINE)
def test_any_role_is_printed_or_refused(name, inner):
    """A role with any content prints, or says why not; nothing else can happen."""
    assume("`" not in inner)
    for text in (f"{{{name}}}`{inner}`", f"{{{name}}}`{inner}"):
        try:
            values.fill(text)
        except (ValueError, data.DataError) as error:
            assert str(error)


@given(LINE, LINE)
def test_words_and_key_come_apart(words, key):
    """What was put together comes apart again."""
    assume(words.strip() == words and words and not set("<>") & set(words + key) and key.strip() == key
           and key)
    assert values.split(f"{words} <{key}>") == (words, key)


# ------------------------------------------------------------------ text into markup

SETTINGS = {"myst_enable_extensions": ["amsmath", "attrs_inline", "colon_fence", "deflist",
                                       "dollarmath", "fieldlist"],
            "report_level": 5, "halt_level": 5, "file_insertion_enabled": False}


def read(myst: str) -> nodes.document:
    """What MyST makes of a text."""
    return publish_doctree(myst, parser=Parser(), settings_overrides=SETTINGS)


def squeeze(text: str) -> str:
    """Text with its spaces made one."""
    return " ".join(text.split())


@given(st.lists(st.one_of(LINE, MARKED), min_size=1, max_size=3))
def test_any_text_survives_a_table(texts):
    """A cell is read as the words that it holds, whatever they look like."""
    shown = tables.show(pd.DataFrame({"A": texts}), caption="C", name="tab-x")
    document = read(shown.myst)
    entries = [e.astext() for e in document.findall(nodes.entry)]
    assert [squeeze(e) for e in entries] == ["A", *(squeeze(t) for t in texts)]
    cells = [c for e in document.findall(nodes.entry) for c in e.children]
    assert all(isinstance(c, nodes.paragraph) for c in cells)
    assert all(isinstance(t, nodes.Text) for c in cells for t in c.children), "markup was read"


@given(st.lists(st.one_of(LINE, MARKED), min_size=1, max_size=3))
def test_any_text_survives_a_table_in_jupyter(texts):
    """The HTML of a table holds the words, and no element that they spell."""
    shown = tables.show(pd.DataFrame({"A": texts}), caption="C", name="tab-x")
    soup = BeautifulSoup(shown.html, "html.parser")
    assert [squeeze(td.get_text()) for td in soup.find_all("td")] == [squeeze(t) for t in texts]
    assert not soup.find_all(["script", "img"])


@given(st.one_of(LINE, MARKED))
def test_any_text_survives_a_card(text):
    """As HTML a card's plain text is the text; as Markdown it is one paragraph of the same words."""
    assume(text.strip() and not set("`$*{}\\_") & set(text))
    soup = BeautifulSoup(cards.as_html(text), "html.parser")
    assert soup.get_text() == text and not soup.find_all(True)
    assume(not re.match(r"\s*(?:[-+=%|]|\d+[.)]|\(|:)", text))
    document = read(cards.markdown(text))
    assert squeeze(document.astext()) == squeeze(text)


@given(MARKED)
def test_a_card_makes_no_markup_but_its_own(text):
    """Whatever stands on a card, only emphasis, strength and code come out as elements."""
    try:
        soup = BeautifulSoup(cards.as_html(text), "html.parser")
    except (ValueError, data.DataError):
        return
    assert {tag.name for tag in soup.find_all(True)} <= {"b", "i", "code"}
    assert not any(tag.attrs for tag in soup.find_all(True))


# ------------------------------------------------------------------ figures


@given(st.recursive(LINE, lambda inner: st.one_of(
    st.lists(inner, max_size=3), st.dictionaries(LINE, inner, max_size=3)), max_leaves=6), MARKED)
def test_a_figure_keeps_any_note(inner, alt):
    """What is put into a drawing is read back, and leaves it without a trace."""
    svg = '<svg width="1pt"><path/></svg>'
    note = {"alt": alt, "rows": inner}
    held = drawings.embed(svg, note)
    assert drawings.note(held) == note
    assert drawings.strip_note(held) == svg
    soup = BeautifulSoup(held, "html.parser")
    assert [tag.name for tag in soup.find_all(True)] == ["svg", "metadata", "path"]


@given(st.lists(st.sampled_from(sorted(figures.PALETTE)), max_size=8))
def test_each_colour_has_its_own_dark(names):
    """Colours are exchanged one for one, in any company, and none is exchanged twice."""
    light = " ".join(figures.PALETTE[n][0] for n in names)
    assert drawings.darken(light) == " ".join(figures.PALETTE[n][1] for n in names)


@given(st.text(max_size=60))
def test_dollars_in_a_drawing_are_dollars(text):
    """No text becomes a formula by its dollar signs."""
    assert not re.search(r"(?<!\\)\$", figures.words(text))


# ------------------------------------------------------------------ models

SMALL = {"layers": 2, "d_model": 8, "heads": 2, "attention": "gqa", "vocab_size": 10, "kv_heads": 1,
         "head_dim": 4}


@given(st.dictionaries(
    st.sampled_from([f.name for f in dataclasses.fields(transformer.Config)] + ["name", "id"]),
    st.one_of(st.none(), st.integers(-5, 300), st.floats(), st.booleans(),
              st.sampled_from(transformer.ATTENTIONS), st.text(max_size=4)), max_size=6))
def test_any_row_is_a_model_or_refused(row):
    """A row of a table makes a model whose counts are whole and not negative, or is refused."""
    try:
        c = transformer.Config.from_row(SMALL | row)
    except (ValueError, TypeError):
        return
    assert all(isinstance(n, int) and n >= 0 for n in transformer.parts(c).values())
    assert 0 <= transformer.active(c) <= transformer.total(c)
    assert transformer.kv_bytes_per_token(c) >= 0


def test_an_expert_has_three_matrices():
    """An expert is counted with its gate unless the model is said to have none."""
    c = transformer.Config(**SMALL, moe_ffn_dim=3, routed_experts=2, active_experts=1)
    assert transformer.expert_parameters(c) == 3 * 8 * 3, "an expert has a gate, an up and a down"


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(allow_nan=True, allow_infinity=True))
def test_the_rule_of_six_refuses_what_cannot_be(parameters, tokens):
    """No run has a negative size, or one that is no number."""
    try:
        flops = transformer.training_flops(parameters, tokens)
    except ValueError:
        return
    assert flops >= 0


@given(st.text(max_size=40), st.text(max_size=12))
def test_entities_of_html_are_words(before, name):
    """A cell that spells an entity is printed as it is spelt."""
    text = f"{before}&{name};"
    assert html.unescape(cards.as_html(text)) == text or set("`$*{}\\_") & set(text)
