"""The explorers of the book: charts with numbers that a reader can change.

Each is declared here, with the Python arithmetic that its expressions must agree with; what a
declaration means is said in :mod:`guide.interactive`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from . import data, transformer
from .interactive import (
    BLUE, BYTES, GREEN, GRID, INK, MUTED, ORANGE, PERCENT, RED, WASH, Choice, Explorer, Readout,
    Setting, Slider, plain,
)

BOTH_WAYS = {"grid": False, "domain": False, "ticks": False, "labels": False, "title": None}


def _rows(values: list[dict]) -> dict[str, Any]:
    return {"data": {"values": values}}


def _one(**fields: str) -> dict[str, Any]:
    """Data of one row, computed from the controls."""
    return {"data": {"values": [{}]},
            "transform": [{"calculate": expr, "as": name} for name, expr in fields.items()]}


# ---------------------------------------------------------------- the cache


def cache_schemes() -> list[dict[str, Any]]:
    """Ways of remembering: cache of a token at sixteen bits, weights at eight."""
    v3 = transformer.Config.from_row(data.row("models", "deepseek-v3"))
    shape = {"heads": 128, "head_dim": 128}
    found = {
        "mha": ("multi-head, V3’s size", replace(v3, attention="mha", kv_heads=128, **shape)),
        "gqa": ("grouped-query, V3’s size", replace(v3, attention="gqa", kv_heads=8, **shape)),
        "mqa": ("multi-query, V3’s size", replace(v3, attention="mqa", kv_heads=1, **shape)),
        "mla": ("latent, DeepSeek-V3 itself", v3),
    }
    for key, label in (("llama-3.1-405b", "grouped-query, Llama 3.1 405B"),
                       ("qwen2.5-72b", "grouped-query, Qwen2.5 72B")):
        found[key] = (label, transformer.Config.from_row(data.row("models", key)))
    return [{"key": key, "label": label, "token": transformer.kv_bytes_per_token(config),
             "weights": transformer.total(config) / 1e9} for key, (label, config) in found.items()]


def _nodes() -> tuple[tuple[int, str], ...]:
    chips = {"h100-sxm": "H100", "h20": "H20", "h200": "H200", "b200": "B200"}
    return tuple((round(8 * data.row("chips", key)["memory_gb"]), f"8 × {name}, {8 * data.row('chips', key)['memory_gb']:,.0f} GB")
                 for key, name in chips.items())


def _cache() -> Explorer:
    schemes = cache_schemes()
    table = {row["key"]: {"token": row["token"], "weights": row["weights"]} for row in schemes}
    nodes = _nodes()
    h200 = nodes[2][0]
    lengths = tuple(1024 * 2**k for k in range(11))

    def compute(scheme, tokens, users, bits, memory):
        per_token = table[scheme]["token"] * bits / 16
        weights = table[scheme]["weights"]
        one = per_token * tokens / 1e9
        fit = transformer.conversations(memory, weights, one)
        case = 0 if weights >= memory else 1 if fit < 1 else 2 if fit < users else 3
        return {"per_token": per_token, "one": 1e9 * one, "caches": 1e9 * one * users, "fit": fit,
                "weights": 1e9 * weights, "case": case}

    def chart():
        end = "limit"
        common = {"transform": [
            {"calculate": "datum.token * bits / 16 * tokens / 1e9", "as": "one"},
            {"calculate": "datum.weights + datum.one * users", "as": "total"},
            {"calculate": f"min(datum.total, {end})", "as": "seen"},
            {"calculate": f"min(max(memory, datum.weights), {end})", "as": "edge"},
            {"calculate": "min(datum.seen, datum.edge)", "as": "inside"},
            {"calculate": "max(0, floor((memory - datum.weights) / datum.one))", "as": "fit"},
            {"calculate": "datum.weights >= memory ? 'weights too large' : datum.fit < 1 ? 'not one fits'"
                          " : 'fits ' + format(datum.fit, ',')", "as": "word"},
            {"calculate": "datum.weights >= memory || datum.fit < users", "as": "short"},
        ]}
        y = {"field": "label", "type": "nominal", "sort": [r["label"] for r in schemes], "axis": None,
             "scale": {"paddingInner": 0, "paddingOuter": 0}}
        x = {"type": "quantitative", "scale": {"domain": [0, {"expr": end}], "nice": False},
             "axis": {"title": "GB of memory", "tickCount": {"expr": "width < 460 ? 4 : 8"},
                      "format": ",.0f", "grid": True}}
        bar = {"type": "bar", "height": 15, "yOffset": 9}

        def part(low, high, colour, test=None):
            layer = {"mark": {**bar, "color": colour},
                     "encoding": {"y": y, "x": {**x, "field": low}, "x2": {"field": high}}}
            return layer | ({"transform": [{"filter": test}]} if test else {})

        def word(where, field, align, colour, **more):
            return {"mark": {"type": "text", "align": align, "baseline": "middle", "dy": -10,
                             "x": where, "dx": 1 if align == "left" else -2, **more},
                    "encoding": {"y": y, "text": {"field": field}, "color": colour}}

        chosen = {"condition": {"test": "datum.key === scheme", "value": INK}, "value": MUTED}
        verdict = {"condition": {"test": "datum.short", "value": ORANGE}, "value": GREEN}
        return {**_rows(schemes), **common, "layer": [
            {"transform": [{"filter": "datum.key === scheme"}],
             "mark": {"type": "bar", "color": WASH, "height": {"band": 1}},
             "encoding": {"y": y, "x": {"datum": 0, **x}, "x2": {"datum": {"expr": end}}}},
            part("zero", "weights", MUTED) | {"transform": [{"calculate": "0", "as": "zero"}]},
            part("weights", "inside", BLUE, "datum.inside > datum.weights"),
            part("edge", "seen", ORANGE, "datum.seen > datum.edge"),
            word(0, "label", "left", chosen),
            word({"expr": "width"}, "word", "right", verdict, fontWeight=600),
            {**_one(m="memory"), "mark": {"type": "rule", "color": INK, "strokeWidth": 1.6,
                                          "strokeDash": [5, 3]},
             "encoding": {"x": {**x, "field": "m"}}},
        ]}

    return Explorer(
        name="cache",
        title="How many conversations does a machine hold?",
        caption="What the weights leave free is shared among conversations. "
                "Grey are the weights in eight bits, blue the caches that fit, orange those that do "
                "not; the dashed line is the memory of the machine.",
        alt="Bar chart of the memory that 32 conversations of 32,768 tokens need under six schemes "
            "of attention, against the 1,128 GB of eight H200: with multi-head attention the caches "
            "run far beyond, with all other schemes they fit.",
        source="computed from data/models.csv and data/chips.csv, as in the text",
        controls=(
            Slider("tokens", "Length of each conversation", lengths, 32768, plain(",.0f", "tokens")),
            Slider("users", "Conversations at a time",
                   (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024), 32,
                   plain()),
            Choice("scheme", "Attention, for the numbers below",
                   tuple((r["key"], r["label"]) for r in schemes), "mla", listed=True),
            Choice("bits", "Bits in a cached number", ((16, "16"), (8, "8")), 16),
            Choice("memory", "Machine", nodes, h200),
        ),
        terms={"table": table, "limit": "1.6 * memory"},
        readouts=(
            Readout("per_token", "Cache of one token", "table[scheme].token * bits / 16", BYTES),
            Readout("one", "Cache of one conversation",
                    "1e9 * (per_token * tokens / 1e9)", BYTES),
            Readout("caches", "All caches together", "1e9 * (per_token * tokens / 1e9) * users",
                    BYTES),
            Readout("weights", "The weights", "1e9 * table[scheme].weights", BYTES),
            Readout("fit", "Conversations that fit",
                    "max(0, floor((memory - table[scheme].weights) / (per_token * tokens / 1e9)))",
                    plain()),
        ),
        case="table[scheme].weights >= memory ? 0 : fit < 1 ? 1 : fit < users ? 2 : 3",
        sentences=(
            "The weights alone, {weights}, are too large for {memory}: no conversation can begin.",
            "One conversation of {tokens} needs {one}, more than the weights leave free on {memory}.",
            "Of {users} conversations, {fit} fit on {memory}; each needs {one}.",
            "All {users} conversations fit on {memory}; there is room for {fit} of {one} each.",
        ),
        chart=chart,
        settings=(
            Setting("As it stands", {}),
            Setting("The textbook’s attention", {"scheme": "mha"}),
            Setting("Long thoughts", {"tokens": 131072, "users": 128}),
            Setting("Long thoughts in Llama", {"scheme": "llama-3.1-405b", "tokens": 131072,
                                               "users": 128}),
            Setting("V3 on eight H100", {"memory": nodes[0][0]}),
        ),
        compute=compute, tables=("models", "chips"), height=330,
    )


_ALL = (_cache,)


@lru_cache(maxsize=1)
def explorers() -> dict[str, Explorer]:
    """All explorers by name."""
    found = [make() for make in _ALL]
    return {explorer.name: explorer for explorer in found}
