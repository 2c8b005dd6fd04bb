"""The explorers of the book: charts with numbers that a reader can change.

Each is declared here, with the Python arithmetic that its expressions must agree with; what a
declaration means is said in :mod:`guide.interactive`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import Any

from . import chips, data, economics, power, reliability, transformer
from .interactive import (
    BLUE, BYTES, GREEN, GRID, INK, MUTED, ORANGE, PERCENT, PERCENT_FINE, PURPLE, TIMES, USD, WASH,
    Choice, Explorer, Readout, Setting, Slider, Step, Switch, grouped, plain,
)
from .quantity import NBSP

def _rows(values: list[dict]) -> dict[str, Any]:
    return {"data": {"values": values}}


def _one(**fields: str) -> dict[str, Any]:
    """Data of one row, computed from the controls."""
    return {"data": {"values": [{}]},
            "transform": [{"calculate": expr, "as": name} for name, expr in fields.items()]}


def _ceiling(value: str) -> str:
    """The end of an axis that holds still: the next of 1, 3.2, 10, 32 and so on."""
    return f"pow(10, ceil(2 * log(1.04 * ({value})) / LN10) / 2)"


#: A text mark that stands where its row says.
_PLACED = {key: {"expr": f"datum.{key}"} for key in ("align", "dx", "dy")}
#: A narrow column has room for fewer marks on an axis.
FEW = {"expr": "width < 460 ? 4 : 8"}

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
             "axis": {"title": "GB of memory", "tickCount": FEW,
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


# ---------------------------------------------------------------- the bill


def _bill() -> Explorer:
    hours = data.rows("gpu_hours")
    v3 = sum(r["gpu_hours"] for r in hours if r["model"] == "deepseek-v3")
    llama = next(r["gpu_hours"] for r in hours if r["run"] == "llama-3.1-405b")
    r1 = sum(r["gpu_hours"] for r in hours if r["model"] == "deepseek-r1")
    rent = data.row("serving_day", "rent")["value"]
    dear = data.row("gpu_rents", "aws-list")["high_usd_per_gpu_hour"]
    headline = economics.rented(v3, rent)

    def compute(hours, rent, trials, with_r1, gpus):
        run = economics.rented(hours, rent)
        total = run + run * trials + (economics.rented(r1, rent) if with_r1 else 0)
        ratio = total / headline
        case = (0 if 0.995 < ratio < 1.005 else 1 if ratio < 1 else 2 if run == total else
                3 if run / total > 0.5 else 4)
        return {"run": run, "total": total, "ratio": ratio, "share": 100 * run / total,
                "days": economics.days_on(hours, gpus), "case": case}

    def chart():
        rows = [{"label": "the last run", "low": "0", "high": "run", "order": 0},
                {"label": "experiments before it", "low": "run", "high": "run * (1 + trials)",
                 "order": 1},
                {"label": "R1 on top", "low": "run * (1 + trials)", "high": "total", "order": 2},
                {"label": "together", "low": "0", "high": "total", "order": 3}]
        y = {"field": "label", "type": "nominal", "sort": [r["label"] for r in rows], "axis": None,
             "scale": {"paddingInner": 0, "paddingOuter": 0}}
        x = {"type": "quantitative", "scale": {"domain": [0, {"expr": "limit"}], "nice": False},
             "axis": {"title": "million dollars", "tickCount": FEW, "format": ",.4~r"}}
        steps = [{"calculate": " : ".join(f"datum.order === {r['order']} ? ({r[k]}) / 1e6"
                                          for r in rows) + " : 0", "as": k} for k in ("low", "high")]
        steps += [{"calculate": "datum.high - datum.low", "as": "cost"},
                  {"calculate": "datum.cost === 0 ? 'not counted' : datum.cost >= 1000 ? '$' + "
                                "format(datum.cost / 1000, ',.3~r') + ' billion' : '$' + "
                                "format(datum.cost, ',.3~r') + ' million'", "as": "word"},
                  {"calculate": "datum.high > 0.72 * limit ? datum.low : datum.high", "as": "place"},
                  {"calculate": "datum.high > 0.72 * limit && datum.low > 0.3 * limit", "as": "left"},
                  {"calculate": "datum.order === 3 ? 'sum' : 'part'", "as": "kind"}]
        bar = {"type": "bar", "height": 22, "yOffset": 8}
        return {**_rows([{"label": r["label"], "order": r["order"]} for r in rows]),
                "transform": steps, "layer": [
            {"mark": bar, "encoding": {
                "y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"},
                "color": {"condition": {"test": "datum.order === 3", "value": ORANGE},
                          "value": BLUE}}},
            {"mark": {"type": "text", "align": "left", "baseline": "middle", "dy": -13, "x": 0,
                      "dx": 1}, "encoding": {"y": y, "text": {"field": "label"}}},
            {"mark": {"type": "text", "align": "right", "baseline": "middle", "dy": -13,
                      "x": {"expr": "width"}, "dx": -2, "fontWeight": 600},
             "encoding": {"y": y, "text": {"field": "word"}, "color": {
                 "condition": {"test": "datum.cost === 0", "value": MUTED}, "value": INK}}},
            {**_one(m=f"{headline} / 1e6"),
             "mark": {"type": "rule", "strokeWidth": 1.6, "strokeDash": [5, 3], "color": INK},
             "encoding": {"x": {**x, "field": "m"}}},
        ]}

    return Explorer(
        name="bill",
        title="What did it cost?",
        caption="The price of a model is a matter of what one counts. "
                "The parts follow each other to the right, and orange is their sum; the dashed line "
                "is the headline, hours of the last run at the report’s own rent.",
        alt="Waterfall chart of the cost of DeepSeek-V3 as its report counts it: the last run at 5.6 "
            "million dollars, nothing for experiments and nothing for R1, so that the sum meets the "
            "dashed line of the headline.",
        source="data/gpu_hours.csv, data/gpu_rents.csv; experiments as the reader supposes",
        controls=(
            Slider("hours", "GPU hours of the last run",
                   (2.5e5, 5e5, 1e6, 1.5e6, 2e6, v3, 3.5e6, 5e6, 7e6, 1e7, 1.5e7, 2e7, 2.5e7, llama,
                    4e7, 6e7, 1e8, 2e8), v3, grouped(spec=",.4~r")),
            Slider("rent", "Rent of a GPU for an hour",
                   (0.5, 0.75, 1, 1.25, 1.5, 1.7, 1.85, rent, 2.2, 2.4, 2.6, 2.8, 3, 3.5, 4, 5, 6, 8,
                    10, dear), rent, plain(",.2f", before="$")),
            Slider("trials", "Experiments, as so many last runs",
                   tuple(k / 2 for k in range(19)), 0, plain(",.2~r")),
            Slider("gpus", "GPUs at work on it", tuple(2**k for k in range(8, 18)), 2048,
                   plain()),
            Switch("with_r1", "Count R1’s runs and data as well", False),
        ),
        terms={"limit": _ceiling(f"max(total, {headline}) / 1e6")},
        readouts=(
            Readout("run", "The last run", "hours * rent", USD),
            Readout("total", "Together", f"run + run * trials + (with_r1 ? {r1} * rent : 0)", USD),
            Readout("ratio", "Over the headline", f"total / {headline}", TIMES),
            Readout("share", "Share of the last run", "100 * run / total", PERCENT),
            Readout("days", "Length of the last run", "hours / gpus / 24",
                    (Step(9.95, 1, ",.0f", "", f"{NBSP}days"), Step(0, 1, ",.2~r", "", f"{NBSP}days"))),
        ),
        case="ratio > 0.995 && ratio < 1.005 ? 0 : ratio < 1 ? 1 : run === total ? 2 : "
             "run / total > 0.5 ? 3 : 4",
        sentences=(
            "This is the headline: {hours} GPU hours at {rent} come to {total}.",
            "Counted so, it costs {total}, less than the headline.",
            "The last run alone, {hours} GPU hours at {rent}, costs {total}: {ratio} the headline.",
            "Counted so, it costs {total}, {ratio} the headline; the last run is {share} of it.",
            "Counted so, it costs {total}, {ratio} the headline, and the last run is only {share} of "
            "it.",
        ),
        chart=chart,
        settings=(
            Setting("As the report counts", {}),
            Setting("Lambert’s rule, low end", {"trials": 2}),
            Setting("Lambert’s rule, high end, and R1", {"trials": 4, "with_r1": True}),
            Setting("At the list price of AWS", {"rent": dear}),
            Setting("Llama 3.1 405B’s hours", {"hours": llama, "gpus": 16384}),
        ),
        compute=compute, tables=("gpu_hours", "gpu_rents", "serving_day"), height=270,
    )


# ---------------------------------------------------------------- the run


def trained_models() -> list[dict[str, Any]]:
    """Models whose active parameters and training tokens are published."""
    shown = ("deepseek-v3", "deepseek-v2", "llama-3.1-405b", "llama-3.1-70b", "llama-3.1-8b",
             "llama-2-70b", "qwen2.5-72b", "gpt-3", "llama-4-maverick",
             "deepseek-v4-pro", "deepseek-moe-16b")
    rows = {row["id"]: row for row in data.rows("models")}
    return [{"name": rows[key]["name"].removesuffix(" 175B"),
             "active": rows[key]["published_active_billion"],
             "tokens": rows[key]["training_tokens_trillion"],
             "moe": rows[key]["architecture"] == "moe"} for key in shown]


def _run() -> Explorer:
    models = trained_models()
    v3 = data.row("models", "deepseek-v3")
    active, trillion = v3["published_active_billion"], v3["training_tokens_trillion"]
    own = transformer.training_flops(active * 1e9, trillion * 1e12)
    peak = data.row("chips", "h800-sxm")["bf16_dense_tflops"]
    hours = next(r for r in data.rows("gpu_hours") if r["run"] == "v3-pre-training")
    share = round(100 * own / (hours["gpu_hours"] * 3600 * peak * 1e12))
    rent = data.row("serving_day", "rent")["value"]

    def compute(active, trillion, gpus, useful):
        flop = transformer.training_flops(active * 1e9, trillion * 1e12)
        needed = transformer.gpu_hours(flop, peak, useful / 100)
        ratio = flop / own
        return {"flop": flop, "ratio": ratio, "hours": needed,
                "days": economics.days_on(needed, gpus), "bill": economics.rented(needed, rent),
                "case": 1 if 0.95 < ratio < 1.05 else 0 if ratio < 1 else 2}

    def chart():
        x = {"type": "quantitative", "scale": {"type": "log", "domain": [1, 2000], "nice": False},
             "axis": {"title": "parameters at work on a token, billion", "format": ",.0f",
                      "values": [1, 3, 10, 30, 100, 300, 1000], "grid": False}}
        y = {"type": "quantitative", "scale": {"type": "log", "domain": [0.1, 100], "nice": False},
             "axis": {"title": "tokens read, trillion", "format": ",.3~r",
                      "values": [0.1, 0.3, 1, 3, 10, 30, 100], "grid": False}}
        raised = dict(zip(range(21, 28), ("²¹", "²²", "²³", "²⁴", "²⁵", "²⁶", "²⁷")))
        ends = [{"power": k, "x": a, "y": 10.0**k / 6e21 / a} for k in range(21, 28)
                for a in (1, 2000)]
        words = [{"text": f"10{raised[k]}", "y": 0.125 if k < 25 else 78,
                  "x": 10.0**k / 6e21 / (0.125 if k < 25 else 78)} for k in range(22, 27)]
        right = {"GPT-3", "Llama 2 70B", "Llama 3.1 405B", "Qwen2.5 72B", "Llama 3.1 70B",
                 "DeepSeek-V4-Pro", "DeepSeekMoE 16B"}
        low = {"DeepSeek-V3": 13, "Qwen2.5 72B": -6, "Llama 3.1 70B": 7}
        labels = [{**m, "align": "left" if m["name"] in right else "right",
                   "dx": 7 if m["name"] in right else -7, "dy": low.get(m["name"], 0)}
                  for m in models]
        # a narrow column has no room to the right of the largest, nor for those in its way
        narrow = [{**m, "align": "right", "dx": 4, "dy": -12} if m["name"] == "Llama 3.1 405B" else m
                  for m in labels if m["name"] not in ("Qwen2.5 72B", "Llama 3.1 70B")]
        tone = {"condition": {"test": "datum.moe", "value": BLUE}, "value": ORANGE}
        place = {"x": {**x, "field": "active"}, "y": {**y, "field": "tokens"}}
        here = _one(active="active", tokens="trillion")
        mine = {"data": {"values": [{"a": 1}, {"a": 2000}]}, "transform": [
            {"calculate": "active * trillion / datum.a", "as": "b"}]}
        return {"layer": [
            {**_rows(ends), "mark": {"type": "line", "color": GRID, "strokeWidth": 1.2, "clip": True},
             "encoding": {"x": {**x, "field": "x"}, "y": {**y, "field": "y"},
                          "detail": {"field": "power"}}},
            {**_rows(words), "mark": {"type": "text", "color": MUTED, "fontSize": 11.5, "dx": 4,
                                      "align": "left", "dy": -3},
             "encoding": {"x": {**x, "field": "x"}, "y": {**y, "field": "y"},
                          "text": {"field": "text"}}},
            {**mine, "mark": {"type": "line", "color": INK, "strokeDash": [5, 3], "clip": True,
                              "strokeWidth": 1.4},
             "encoding": {"x": {**x, "field": "a"}, "y": {**y, "field": "b"}}},
            {**_rows(models), "mark": {"type": "point", "filled": True, "size": 50, "opacity": 1},
             "encoding": {**place, "color": tone}},
            *[{**_rows(rows), "transform": [{"filter": test}],
               "mark": {"type": "text", "fontSize": 11.5, **_PLACED},
               "encoding": {**place, "text": {"field": "name"}, "color": tone}}
              for rows, test in ((labels, "width >= 460"), (narrow, "width < 460"))],
            {**here, "mark": {"type": "point", "filled": True, "size": 210, "shape": "diamond",
                              "color": GREEN, "stroke": INK, "strokeWidth": 1.8, "opacity": 1},
             "encoding": place},
            {**here, "mark": {"type": "text", "align": "center", "dy": -19, "fontWeight": 600,
                              "text": "your run"}, "encoding": place},
        ]}

    def times(values, *more):
        return tuple(sorted({*values, *more}))

    return Explorer(
        name="run",
        title="Plan a run of your own",
        caption="What a run costs is the product of two numbers, and so runs of equal cost lie on one "
                "slope. The slopes are operations; blue models are mixtures of experts, orange ones "
                "dense; the diamond is the run of the controls, here DeepSeek-V3’s.",
        alt="Scatter plot with logarithmic axes of models by the parameters at work on a token and the "
            "tokens that they read, with slopes of equal arithmetic from ten to the 22 to ten to the "
            "26: DeepSeek-V3 lies on the slope of 3.3 times ten to the 24, Llama 3.1 405B more than a "
            "power of ten above it.",
        source="data/models.csv; six operations for each active parameter and token",
        controls=(
            Slider("active", "Parameters at work, billion",
                   times((1, 1.5, 2, 3, 5, 8, 10, 13, 17, 21, 32, 50, 70, 100, 150, 200, 280, 600, 1000,
                          1500), active, 175.0, 405.0, 671.0), active, plain(",.3~r")),
            Slider("trillion", "Tokens read, trillion",
                   times((0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 12, 15.6, 18, 23, 32, 40, 50,
                          70, 100), trillion), trillion, plain(",.3~r")),
            Slider("gpus", "GPUs", tuple(2**k for k in range(6, 19)), 2048, plain()),
            Slider("useful", "Useful share of an H800’s peak", tuple(range(5, 71)), share,
                   plain(",.0f", "%")),
        ),
        readouts=(
            Readout("flop", "Operations", "6 * (active * 1e9) * (trillion * 1e12)",
                    (Step(0, 1e24, ",.3~r", "", f"{NBSP}× 10²⁴"),)),
            Readout("ratio", "Over V3’s", f"flop / {own!r}", TIMES),
            Readout("hours", "GPU hours", f"flop / ({peak} * 1e12 * (useful / 100) * 3600)", grouped()),
            Readout("days", "Time", "hours / gpus / 24",
                    (Step(9.95, 1, ",.0f", "", f"{NBSP}days"), Step(0, 1, ",.2~r", "", f"{NBSP}days"))),
            Readout("bill", "Rent", f"hours * {rent}", USD),
        ),
        case="ratio > 0.95 && ratio < 1.05 ? 1 : ratio < 1 ? 0 : 2",
        sentences=(
            "Less arithmetic than DeepSeek-V3, {ratio} as much: {gpus} GPUs take {days}, for {bill}.",
            "As much arithmetic as DeepSeek-V3: {gpus} GPUs take {days}, for {bill}.",
            "More arithmetic than DeepSeek-V3, {ratio} as much: {gpus} GPUs take {days}, for {bill}.",
        ),
        chart=chart,
        settings=(
            Setting("DeepSeek-V3", {}),
            Setting("Llama 3.1 405B", {"active": 405.0, "trillion": 15.6, "gpus": 16384}),
            Setting("Llama’s width, V3’s machines", {"active": 405.0, "trillion": 15.6}),
            Setting("GPT-3, today", {"active": 175.0, "trillion": 0.3}),
            Setting("All of V3 awake", {"active": 671.0}),
        ),
        compute=compute, tables=("models", "chips", "gpu_hours", "serving_day"), height=400,
    )


# ---------------------------------------------------------------- the rules

ROUNDS = {"2022": ("us-2022-10-rule", "October 2022"), "2023": ("us-2023-10-update", "October 2023"),
          "2025": ("us-2025-04-h20", "April 2025"), "2026": ("us-2026-01-h200-rule", "January 2026")}
STATES = ("free", "notice", "licence", "case by case")


def rounds(measures: dict[str, float], market: str, on_sale: bool) -> dict[str, str]:
    """What each round of rules demands of a chip, taken with the rounds before it.

    Parameters
    ----------
    measures : dict
        As :func:`guide.chips.demanded` takes them.
    market : str
        ``data centre``, or what else the chip is made for.
    on_sale : bool
        Whether the chip is sold in the United States too, which the round of 2026 asks for.
    """
    tests = {key: [row for row in data.rows("control_tests") if row["rule"] == rule]
             for key, (rule, _) in ROUNDS.items()}
    alone = {key: chips.demanded(measures, market, rows) for key, rows in tests.items()}
    third = "licence" if alone["2025"] == "licence" else alone["2023"]
    hope = third == "licence" and on_sale and alone["2026"] == "case by case"
    return {"2022": alone["2022"], "2023": alone["2023"], "2025": third,
            "2026": "case by case" if hope else third}


def _clauses(rule: str) -> list[tuple[str, str, str]]:
    """The clauses of a rule as expressions: market, what it demands, its tests joined by and."""
    name = {"memory and links": "(memory + links)"}
    found: dict[str, list[dict]] = {}
    for row in data.rows("control_tests"):
        if row["rule"] == rule:
            found.setdefault(row["clause"], []).append(row)
    return [(rows[0]["market"], rows[0]["effect"], " && ".join(
        f"{name.get(r['measure'], r['measure'])} {'>=' if r['side'] == 'at least' else '<'} "
        f"{r['value']:g}" for r in rows)) for rows in found.values()]


def _demand(rule: str) -> str:
    """An expression for what a rule demands, as a place in ``STATES``."""
    def any_of(effect):
        parts = []
        for market, own, test in _clauses(rule):
            if own == effect:
                use = {"all": "", "data centre": "centre && ", "other": "!centre && "}[market]
                parts.append(f"({use}{test})")
        return " || ".join(parts) or "false"

    return f"({any_of('licence')}) ? 2 : ({any_of('notice')}) ? 1 : ({any_of('case by case')}) ? 3 : 0"


_SHORT = {"a100-80-sxm": "A100", "a800": "A800", "h100-sxm": "H100", "h800-sxm": "H800",
          "h200": "H200", "h20": "H20", "b200": "B200", "l40s": "L40S", "l20": "L20", "l2": "L2",
          "rtx-4090": "RTX 4090", "rtx-4090d": "RTX 4090 D", "mi300x": "MI300X", "mi325x": "MI325X"}
_TICKS = {"tpp": (1000, 2000, 4800, 10_000, 20_000, 40_000), "links": (32, 100, 300, 600, 1100, 2000),
          "memory": (300, 600, 1400, 3000, 6500, 10_000), "density": (1, 1.6, 3.2, 5.92, 10, 20, 40)}
#: What is drawn in the plane of each round: across, upwards, and how far each axis reaches.
_PLANES = {
    "2022": ("tpp", "links", (1000, 45000), (25, 2500)),
    "2023": ("tpp", "density", (1000, 45000), (0.8, 60)),
    "2025": ("memory", "links", (200, 12000), (25, 2500)),
    "2026": ("tpp", "memory", (1000, 45000), (200, 12000)),
}
_AXES = {"tpp": "processing performance (TOPS × bits)", "links": "links, GB/s",
         "density": "performance density (TPP for each mm²)", "memory": "memory bandwidth, GB/s"}


#: Where a label stands that would cover another: align, and pixels across and down.
_PLACES = {
    ("2022", "MI300X, MI325X"): ("center", 0, 14), ("2022", "L2"): ("center", 0, 14),
    ("2022", "L20"): ("center", 0, 14), ("2022", "RTX 4090"): ("center", 0, -12),
    ("2022", "L40S"): ("left", 7, 0),
    ("2023", "L40S"): ("left", 7, 0), ("2023", "A100, A800"): ("left", 7, 0),
    ("2023", "H20"): ("right", -7, 10), ("2023", "RTX 4090"): ("right", -7, -3),
    ("2025", "H20"): ("center", 0, 14), ("2025", "H200"): ("center", 0, -12),
    ("2025", "MI300X"): ("center", 0, 27), ("2025", "MI325X"): ("left", 7, 0),
    ("2025", "L40S"): ("center", 0, -12), ("2025", "RTX 4090"): ("left", 7, 0),
    ("2025", "RTX 4090 D"): ("center", 0, 14),
    ("2026", "H800"): ("left", 7, 0), ("2026", "A800"): ("left", 7, 0),
    ("2026", "MI325X"): ("left", 7, -3), ("2026", "MI300X"): ("left", 7, 3),
    ("2026", "L40S"): ("left", 7, 5), ("2026", "RTX 4090"): ("left", 7, -3),
}


def real_chips() -> dict[str, dict[str, Any]]:
    """Chips that were sold, with what the rules measure on them."""
    found = {}
    for key in _SHORT:
        chip, made = data.row("chips", key), data.row("chip_measures", key)
        tpp = chips.processing_performance(made["best_tops"], made["bits"])
        measures = {"tpp": tpp, "links": chip["interconnect_gb_s"],
                    "memory": 1000 * chip["memory_bandwidth_tb_s"]}
        measures["memory and links"] = measures["memory"] + measures["links"]
        if made["area_mm2"]:
            measures["density"] = chips.performance_density(tpp, made["area_mm2"])
        found[key] = {"measures": measures, "market": made["market"],
                      "on_sale": key not in ("a800", "h800-sxm", "h20", "l20", "l2", "rtx-4090d")}
    return found


def _plane_chips() -> list[dict[str, Any]]:
    """Points for each plane; chips at one place share a label."""
    out: dict[tuple, dict[str, Any]] = {}
    for key, chip in real_chips().items():
        states = rounds(chip["measures"], chip["market"], chip["on_sale"])
        for plane, (x, y, _, _) in _PLANES.items():
            measures = chip["measures"]
            if x not in measures or y not in measures:
                continue
            spot = (plane, round(measures[x]), round(measures[y], 2), states[plane])
            row = out.setdefault(spot, {"plane": plane, "x": measures[x], "y": measures[y],
                                        "state": STATES.index(states[plane]), "names": []})
            row["names"].append(_SHORT[key])
    words = [{**row, "names": ", ".join(row["names"])} for row in out.values()]
    placed = (_PLACES.get((row["plane"], row["names"]), ("right", -7, 0)) for row in words)
    return [{**row, "align": align, "dx": dx, "dy": dy}
            for row, (align, dx, dy) in zip(words, placed)]


def _regions() -> list[dict[str, Any]]:
    """Where each round demands something, as rectangles in its plane."""
    value = {row["id"]: row["value"] for row in data.rows("control_tests")}
    wide, tall = (lambda p: _PLANES[p][2][1]), (lambda p: _PLANES[p][3][1])
    low = lambda p: _PLANES[p][3][0]
    left = lambda p: _PLANES[p][2][0]
    top = value["2023-a1-tpp"]
    return [dict(zip(("plane", "x1", "x2", "y1", "y2", "state"), row)) for row in (
        ("2022", value["2022-tpp"], wide("2022"), value["2022-links"], tall("2022"), 2),
        ("2023", top, wide("2023"), low("2023"), tall("2023"), 2),
        ("2023", value["2023-a2-tpp"], top, value["2023-a2-density"], tall("2023"), 2),
        ("2023", value["2023-b1-tpp"], top, value["2023-b1-density"], value["2023-a2-density"], 1),
        ("2023", value["2023-b2-tpp"], value["2023-b1-tpp"], value["2023-b2-density"],
         value["2023-a2-density"], 1),
        ("2025", value["2025-memory"], wide("2025"), low("2025"), tall("2025"), 2),
        ("2025", left("2025"), value["2025-memory"], value["2025-links"], tall("2025"), 2),
        ("2026", left("2026"), value["2026-tpp"], low("2026"), value["2026-memory"], 3),
    )] + [
        # memory and links together: steps narrow enough to look like the curve that they are
        {"plane": "2025", "x1": a, "x2": b, "y1": value["2025-sum"] - (a + b) / 2,
         "y2": value["2025-links"], "state": 2}
        for a, b in ((600 + 10 * k, 610 + 10 * k) for k in range(80))
    ]


def _rules() -> Explorer:
    real = real_chips()
    top = data.row("control_tests", "2023-a1-tpp")["value"]

    def like(key, **more):
        m = real[key]["measures"]
        area = data.row("chip_measures", key)["area_mm2"]
        return {"tops": m["tpp"] / 8, "memory": m["memory"], "links": m["links"], **(
            {"area": area} if area else {}), **more}

    def compute(tops, area, memory, links, market, on_sale, plane):
        tpp = chips.processing_performance(tops, 8)
        density = chips.performance_density(tpp, area)
        found = rounds({"tpp": tpp, "density": density, "memory": memory, "links": links,
                        "memory and links": memory + links}, market, on_sale)
        places = {f"in{key}": STATES.index(state) for key, state in found.items()}
        if found["2025"] != "licence":
            case = 8 if found["2022"] == "licence" else 9 if found["2023"] == "notice" else 10
        else:
            case = (0 if found["2022"] == "licence" else 3 if found["2023"] != "licence" else
                    1 if tpp >= top else 2) + (4 if found["2026"] == "case by case" else 0)
        return {"tpp": tpp, "density": density, **places, "case": case}

    def chart():
        def pick(k):
            return [{"expr": f"planes[plane][{k}][0]"}, {"expr": f"planes[plane][{k}][1]"}]

        def axis(k):
            return {"title": None, "values": {"expr": f"planes[plane][{k}]"}, "format": ",.4~r",
                    "grid": False}

        x = {"type": "quantitative", "scale": {"type": "log", "domain": pick(0), "nice": False},
             "axis": axis(6)}
        y = {"type": "quantitative", "scale": {"type": "log", "domain": pick(1), "nice": False},
             "axis": axis(7)}
        tone = {"condition": [{"test": f"datum.state == {k}", "value": colour}
                              for k, colour in ((0, GREEN), (1, BLUE), (2, ORANGE))], "value": PURPLE}
        mine = _one(x="planes[plane][2] === 'tpp' ? tpp : memory",
                    y="planes[plane][3] === 'links' ? links : planes[plane][3] === 'memory' ? memory : density",
                    state="[in2022, in2023, in2025, in2026][indexof(['2022', '2023', '2025', '2026'], plane)]")
        inside = {"filter": "datum.plane === plane"}
        place = {"x": {**x, "field": "x"}, "y": {**y, "field": "y"}}
        words = [
            {"plane": "2022", "x": 40000, "y": 660, "text": "licence needed", "state": 2, "align": "right"},
            {"plane": "2023", "x": 40000, "y": 0.98, "text": "licence needed", "state": 2, "align": "right"},
            {"plane": "2023", "x": 4500, "y": 1.75, "text": "notice", "state": 1, "align": "right"},
            {"plane": "2025", "x": 10600, "y": 30, "text": "licence needed", "state": 2, "align": "right"},
            {"plane": "2026", "x": 1080, "y": 240, "text": "if caught before: case by case",
             "state": 3, "align": "left"},
        ]
        return {"layer": [
            {**_rows(_regions()), "transform": [inside],
             "mark": {"type": "rect", "opacity": 0.15, "clip": True},
             "encoding": {"x": {**x, "field": "x1"}, "x2": {"field": "x2"},
                          "y": {**y, "field": "y1"}, "y2": {"field": "y2"}, "color": tone}},
            {**_rows(words), "transform": [inside],
             "mark": {"type": "text", "align": {"expr": "datum.align"}, "fontSize": 12},
             "encoding": {**place, "text": {"field": "text"}, "color": tone}},
            {**_one(t="planes[plane][4]"),
             "mark": {"type": "text", "align": "left", "x": 0, "y": 0, "dx": 2, "dy": -9,
                      "baseline": "bottom", "fontSize": 12.5},
             "encoding": {"text": {"field": "t"}}},
            {**_one(t="planes[plane][5]"),
             "mark": {"type": "text", "align": "center", "x": {"expr": "width / 2"},
                      "y": {"expr": "height + 28"}, "baseline": "top", "fontSize": 12.5},
             "encoding": {"text": {"field": "t"}}},
            {**_rows(_plane_chips()), "transform": [inside],
             "mark": {"type": "point", "filled": True, "size": 46, "opacity": 0.9},
             "encoding": {**place, "color": tone}},
            {**_rows(_plane_chips()), "transform": [inside],
             "mark": {"type": "text", "fontSize": 11.5, **_PLACED},
             "encoding": {**place, "text": {"field": "names"}, "color": tone}},
            {**mine, "mark": {"type": "rule", "strokeDash": [2, 3], "color": INK, "opacity": 0.6},
             "encoding": {"x": place["x"]}},
            {**mine, "mark": {"type": "rule", "strokeDash": [2, 3], "color": INK, "opacity": 0.6},
             "encoding": {"y": place["y"]}},
            {**mine, "mark": {"type": "point", "filled": True, "size": 210, "shape": "diamond",
                              "opacity": 1, "stroke": INK, "strokeWidth": 1.8},
             "encoding": {**place, "color": tone}},
            {**mine, "mark": {"type": "text", "align": "left", "dx": 12, "dy": -12, "fontWeight": 600,
                              "text": "your chip"},
             "encoding": place},
        ]}

    tops = sorted({100, 120, 140, 160, 180, 199, 200, 220, 260, 280, 299, 300, 330, 360, 400, 450, 500,
                   550, 599, 600, 800, 1000, 1200, 1500, 2300, 2624, 2625, 3000, 4000, 5000, *(
                       chip["measures"]["tpp"] / 8 for chip in real.values())})
    links = sorted({32, 64, 100, 150, 200, 300, 400, 500, 590, 600, 700, 800, 1000, 1090, 1100, 1400, *(
        chip["measures"]["links"] for chip in real.values())})
    memory = sorted({300, 400, 500, 600, 700, 1200, 1390, 1400, 1700, 2500, 3000, 4500, 5500, 6490,
                     6500, 7000, *(chip["measures"]["memory"] for chip in real.values())})
    areas = sorted({100, 150, 200, 250, 300, 350, 400, 450, 500, 550, 650, 700, 750, 900, 1000, 1200,
                    1400, 1600, *(a for key in real if (a := data.row("chip_measures", key)["area_mm2"]))})
    caught = (
        "Caught in October 2022, by arithmetic and links together",
        "Free in October 2022; caught a year later, by its arithmetic",
        "Free in October 2022; caught a year later, by its density on the die",
        "No licence needed in the first two rounds; caught in April 2025, by memory and links",
    )
    stay = [f"{text}, and it stays shut out." for text in caught]
    hope = [f"{text}; since January 2026 judged case by case." for text in caught]
    return Explorer(
        name="rules",
        title="Design a chip: is it caught, and by which round?",
        caption="Each round drew its lines in a plane of its own, and each left a corner free. "
                "Dots are chips that exist, coloured by what the round demands (green nothing, blue "
                "notice, orange a licence, purple a review case by case); the diamond is the chip of "
                "the controls, here one like the H20.",
        alt="Scatter plot of chips by processing performance and performance density, with the regions "
            "of October 2023: H100 and A100 lie where a licence is needed, and a chip like the H20, "
            "marked by a diamond, just outside the region of notice.",
        source="data/chips.csv, data/chip_measures.csv, data/control_tests.csv",
        controls=(
            Choice("plane", "Show the lines of", tuple((k, t) for k, (_, t) in ROUNDS.items()), "2023"),
            Slider("tops", "Arithmetic in eight bits, dense", tuple(tops), 296.0,
                   plain(",.4~r", "TOPS")),
            Slider("area", "Area of the die", tuple(areas), 814, plain(",.4~r", "mm²")),
            Slider("memory", "Memory bandwidth", tuple(memory), 4000,
                   (Step(0, 1000, ",.3~r", "", f"{NBSP}TB/s"),)),
            Slider("links", "Links to other chips", tuple(links), 900, plain(",.0f", "GB/s")),
            Choice("market", "Made for", (("data centre", "data centres"), ("games", "players")),
                   "data centre"),
            Switch("on_sale", "Sold in the United States, too", False),
        ),
        terms={"planes": {key: [list(xs), list(ys), x, y, f"↑ {_AXES[y]}", f"{_AXES[x]} →",
                                list(_TICKS[x]), list(_TICKS[y])]
                          for key, (x, y, xs, ys) in _PLANES.items()},
               "centre": "market === 'data centre'",
               "alone2025": _demand(ROUNDS["2025"][0]).replace("tpp", "(8 * tops)"),
               "hope": _demand(ROUNDS["2026"][0]).replace("tpp", "(8 * tops)") + " === 3"},
        readouts=(
            Readout("tpp", "Processing performance", "tops * 8", plain()),
            Readout("density", "Performance density", "tpp / area", plain(",.2f")),
            Readout("in2022", "October 2022", _demand(ROUNDS["2022"][0]), words=STATES),
            Readout("in2023", "October 2023", _demand(ROUNDS["2023"][0]), words=STATES),
            Readout("in2025", "April 2025", "alone2025 === 2 ? 2 : in2023", words=STATES),
            Readout("in2026", "January 2026", "in2025 === 2 && on_sale && hope ? 3 : in2025",
                    words=STATES),
        ),
        case=f"in2025 !== 2 ? (in2022 === 2 ? 8 : in2023 === 1 ? 9 : 10) : (in2022 === 2 ? 0 : "
             f"in2023 !== 2 ? 3 : tpp >= {top:g} ? 1 : 2) + (in2026 === 3 ? 4 : 0)",
        sentences=(
            *stay, *hope,
            "Caught in October 2022 by arithmetic and links together; the later rounds, which judge "
            "cards for players more gently, let it go.",
            "It never needs a licence; from October 2023 it is sold after notice.",
            "No round asks for anything: neither {tpp} of performance nor {density} of density, nor "
            "what its memory and links carry, crosses a line.",
        ),
        chart=chart,
        settings=(
            Setting("Like an H20", {}),
            Setting("Like an H100", like("h100-sxm", on_sale=True)),
            Setting("Like an H800", like("h800-sxm", plane="2022")),
            Setting("An H20 with slow memory", {"memory": 700, "links": 900, "plane": "2025"}),
            Setting("Like an RTX 4090", like("rtx-4090", market="games", on_sale=True)),
            Setting("Like an H200", like("h200", on_sale=True, plane="2026")),
        ),
        compute=compute, tables=("chips", "chip_measures", "control_tests"), height=400,
    )


# ---------------------------------------------------------------- the chain


def _chain() -> Explorer:
    care = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.993,
            0.995, 0.997, 0.998, 0.999, 0.9995, 0.9999, 0.99995, 0.99999)
    lengths = tuple(k * 10**n for n in range(5) for k in (1, 1.5, 2, 3, 4, 5, 7)) + (100_000,)
    lengths = tuple(int(v) for v in lengths if v == int(v))
    noticed = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98,
               0.99, 0.995, 0.999)
    percent = (Step(0, 0.01, ",.5~r", "", "%"),)

    def compute(p, steps, d):
        q = reliability.mended(p, d)
        bare, done = reliability.chain(p, steps), reliability.chain(q, steps)
        case = (0 if done >= 0.99 else 1 if done >= 0.5 else 2 if done >= 0.01 else 3)
        return {"done": 100 * done, "bare": 100 * bare, "half": reliability.half_life(q),
                "slip": 1 / (1 - q), "more": 100 * (reliability.tries(p, d) - 1),
                "case": case + (4 if d == 0 else 0)}

    def chart():
        x = {"type": "quantitative", "scale": {"type": "log", "domain": [1, 100000], "nice": False},
             "axis": {"title": "steps in the task", "format": ",.0f", "grid": False,
                      "values": {"expr": "width < 460 ? [1, 10, 100, 1000, 10000] : "
                                         "[1, 10, 100, 1000, 10000, 100000]"}}}
        y = {"type": "quantitative", "scale": {"domain": [0, 100], "nice": False},
             "axis": {"title": "tasks that succeed, %", "values": [0, 25, 50, 75, 100]}}
        curve = {"data": {"sequence": {"start": 0, "stop": 101, "as": "i"}}, "transform": [
            {"calculate": "pow(10, datum.i / 20)", "as": "n"},
            {"calculate": "100 * pow(p, datum.n)", "as": "low"},
            {"calculate": "100 * pow(p / (p + (1 - p) * (1 - d)), datum.n)", "as": "high"}]}
        here = _one(n="steps", low="bare", high="done", half="half", fifty="50",
                    word="format(done, '.0f') + '%'", small="format(bare, '.0f') + '%'")

        def dot(field, colour):
            return {**here, "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1,
                                     "color": colour},
                    "encoding": {"x": {**x, "field": "n"}, "y": {**y, "field": field}}}

        def label(field, text, colour, dy, test):
            left = "steps > 3000" if dy < 0 else "steps > 3"  # above the curve, or below it
            return {**here, "transform": [*here["transform"], {"filter": test}],
                    "mark": {"type": "text", "fontWeight": 600, "color": colour, "dy": dy,
                             "align": {"expr": f"{left} ? 'right' : 'left'"},
                             "dx": {"expr": f"{left} ? -9 : 9"}},
                    "encoding": {"x": {**x, "field": "n"}, "y": {**y, "field": field},
                                 "text": {"field": text}}}

        return {"layer": [
            {**curve, "mark": {"type": "area", "color": BLUE, "opacity": 0.13, "line": False},
             "encoding": {"x": {**x, "field": "n"}, "y": {**y, "field": "low"},
                          "y2": {"field": "high"}}},
            {**here, "mark": {"type": "rule", "color": MUTED, "strokeDash": [2, 3]},
             "encoding": {"x": {**x, "field": "n"}}},
            {**curve, "mark": {"type": "line", "color": ORANGE, "strokeWidth": 2.2,
                               "strokeDash": [6, 3]},
             "encoding": {"x": {**x, "field": "n"}, "y": {**y, "field": "low"}}},
            {**curve, "mark": {"type": "line", "color": BLUE, "strokeWidth": 2.6},
             "encoding": {"x": {**x, "field": "n"}, "y": {**y, "field": "high"}}},
            dot("low", ORANGE), dot("high", BLUE),
            label("high", "word", BLUE, -10, "true"),
            label("low", "small", ORANGE, 11, "d > 0"),
        ]}

    return Explorer(
        name="chain",
        title="How far does a chain of steps hold?",
        caption="Care and a second look push the same curve to the right. "
                "Dashed is an agent that notices nothing, solid one that notices the share of its "
                "slips that the slider says and does those steps again; the dots stand at the length "
                "of the task.",
        alt="Line chart of the share of tasks that succeed against the number of steps, on a "
            "logarithmic axis, for steps that are right 99 per cent of the time: without a second "
            "look 37 per cent of hundred-step tasks succeed, with nine slips in ten noticed 90 per cent.",
        source="computed: independent steps; noticed slips are done again",
        controls=(
            Slider("p", "Steps that come out right", care, 0.99, percent),
            Slider("d", "Slips that are noticed and done again", noticed, 0.9, percent),
            Slider("steps", "Steps in the task", lengths, 100, plain()),
        ),
        readouts=(
            Readout("done", "Tasks that succeed", "100 * pow(p / (p + (1 - p) * (1 - d)), steps)",
                    PERCENT_FINE),
            Readout("bare", "without a second look", "100 * pow(p, steps)", PERCENT_FINE),
            Readout("slip", "Steps for each slip left", "1 / (1 - p / (p + (1 - p) * (1 - d)))",
                    grouped(spec=",.3~r")),
            Readout("half", "Half have failed after",
                    "log(0.5) / log(p / (p + (1 - p) * (1 - d)))", grouped("steps")),
            Readout("more", "Attempts on top", "100 * (1 / (1 - (1 - p) * d) - 1)",
                    plain(",.1f", "%")),
        ),
        case="(done >= 99 ? 0 : done >= 50 ? 1 : done >= 1 ? 2 : 3) + (d === 0 ? 4 : 0)",
        sentences=(
            "It nearly always arrives: {done} of tasks of {steps} steps succeed, where without a second "
            "look {bare} would.",
            "More often than not: {done} of tasks of {steps} steps succeed, where without a second look "
            "{bare} would.",
            "Mostly it fails: {done} of tasks of {steps} steps succeed, where without a second look "
            "{bare} would.",
            "Hopeless: of tasks of {steps} steps {done} succeed, second look or not.",
            "It nearly always arrives: {done} of tasks of {steps} steps succeed, and nothing need be "
            "noticed.",
            "More often than not: {done} of tasks of {steps} steps succeed though nothing is noticed.",
            "Mostly it fails: {done} of tasks of {steps} steps succeed, since nothing is noticed.",
            "Hopeless: of tasks of {steps} steps {done} succeed, since nothing is noticed.",
        ),
        chart=chart,
        settings=(
            Setting("Nine slips in ten noticed", {}),
            Setting("The notes’ example", {"d": 0}),
            Setting("Careless, but looking", {"p": 0.9}),
            Setting("Our lab’s teachers", {"p": 0.96, "d": 0, "steps": 10}),
            Setting("A long project", {"p": 0.999, "d": 0.95, "steps": 10_000}),
        ),
        compute=compute, height=310,
    )


# ---------------------------------------------------------------- the site


def _site() -> Explorer:
    fact = {row["id"]: row["value"] for row in data.rows("power_facts")}
    pue = data.row("power_facts", "pue")
    h100 = data.row("chips", "h100-sxm")["tdp_w"]
    around = fact["h100-pod-watts"] / h100
    card = next(r for r in data.rows("lab-power-swings")
                if r["wave"] == "square" and r["reading"] == "instant")
    measured = round(100 * card["swing_of_limit"])
    watts = ((round(fact["a100-watts"]), "A100"), (round(h100), "H100"),
             (round(data.row("chips", "gb200")["tdp_w"]), "GB200"),
             (round(fact["gb300-watts"]), "GB300"))
    marks = [{"mw": fact["frontier-power"], "name": "Frontier, the supercomputer"},
             {"mw": 1000 * fact["new-orleans-peak"], "name": "New Orleans at its peak"},
             {"mw": 1000 * fact["new-york-peak"], "name": "New York City at its peak"}]
    price, step_s = fact["price-mwh"], 2.0

    def compute(gpus, watts, pue, use, depth, waiting):
        rooms = power.computers_mw(gpus, watts, around)
        site = rooms * pue
        swing = power.swing_mw(gpus, watts, depth / 100)
        year = site * use / 100 * power.HOURS
        case = sum(site >= mark["mw"] for mark in marks)
        return {"site": site, "each": 1e6 * site / gpus, "year": year, "bill": year * price,
                "swing": swing, "store": power.store_kwh(swing, waiting / 100, step_s), "case": case}

    def chart():
        x = {"type": "quantitative", "scale": {"domain": [0, 4], "nice": False},
             "axis": {"title": "seconds", "values": [0, 1, 2, 3, 4], "grid": False}}
        y = {"type": "quantitative", "scale": {"domain": [0, {"expr": "limit"}], "nice": False},
             "axis": {"title": "MW that the grid sees", "tickCount": 5, "format": ",.4~r"}}
        wave = {"data": {"sequence": {"start": 0, "stop": 4.0001, "step": 0.02, "as": "t"}},
                "transform": [
            {"calculate": "(datum.t % 2) < 2 * (1 - waiting / 100) - 1e-9 ? 0 : swing", "as": "dip"},
            {"calculate": "site - rooms", "as": "building"},
            {"calculate": f"site - rooms + rooms * (1 - 1 / {around})", "as": "rest"},
            {"calculate": "site - datum.dip", "as": "top"}, {"calculate": "0", "as": "zero"}]}

        def layer(low, high, colour, opacity):
            return {**wave, "mark": {"type": "area", "color": colour, "opacity": opacity,
                                     "interpolate": "step-after"},
                    "encoding": {"x": {**x, "field": "t"}, "y": {**y, "field": low},
                                 "y2": {"field": high}}}

        def name(text, height):
            return {**_one(h=height, t="0.06"),
                    "mark": {"type": "text", "align": "left", "text": text, "fontSize": 12},
                    "encoding": {"x": {**x, "field": "t"}, "y": {**y, "field": "h"}}}

        return {"layer": [
            layer("zero", "building", MUTED, 0.45), layer("building", "rest", PURPLE, 0.35),
            layer("rest", "top", BLUE, 0.45),
            {**wave, "mark": {"type": "line", "color": BLUE, "strokeWidth": 2,
                              "interpolate": "step-after"},
             "encoding": {"x": {**x, "field": "t"}, "y": {**y, "field": "top"}}},
            name("chips", f"site - rooms / {2 * around}"),
            name("servers, network, storage", f"site - rooms + rooms * (1 - 1 / {around}) / 2"),
            name("building", "(site - rooms) / 2"),
            {**_rows(marks), "transform": [{"filter": "datum.mw < limit && datum.mw > limit / 12"}],
             "mark": {"type": "rule", "color": INK, "strokeDash": [5, 3], "strokeWidth": 1.4},
             "encoding": {"y": {**y, "field": "mw"}}},
            {**_rows(marks), "transform": [{"filter": "datum.mw < limit && datum.mw > limit / 12"}],
             "mark": {"type": "text", "align": "right", "x": {"expr": "width"}, "dx": -4, "dy": -8,
                      "fontWeight": 600},
             "encoding": {"y": {**y, "field": "mw"}, "text": {"field": "name"}}},
        ]}

    mw = (Step(999.5, 1000, ",.3~r", "", f"{NBSP}GW"), Step(0, 1, ",.3~r", "", f"{NBSP}MW"))
    counts = tuple(k * 10**n for n in range(3, 7) for k in (1, 2, 3, 5, 7))
    return Explorer(
        name="site",
        title="What does a cluster draw, and how does it breathe?",
        caption="A site draws about two and a half times what its chips are rated for, and only the "
                "chips’ part shakes. Two steps of a training run of two seconds each; what the chips "
                "let go of while they wait for each other is the swing.",
        alt="Area chart of the megawatts of a site with 100,000 H100 over four seconds, stacked from "
            "building, servers and chips: it stands at 174 megawatts and falls by 57 in the last "
            "fifth of every two-second step.",
        source="data/power_facts.csv, data/lab/power_swings.csv; steps of two seconds assumed",
        controls=(
            Choice("watts", "Kind of GPU", tuple((w, f"{name}, {w:,} W") for w, name in watts),
                   round(h100)),
            Slider("gpus", "GPUs", counts, 100_000, grouped()),
            Slider("pue", "Site over computers (PUE)",
                   tuple(round(1.02 + 0.01 * k, 2) for k in range(60)), pue["value"], plain(".2f")),
            Slider("use", "Load over the year", tuple(range(30, 101, 5)), round(fact["utilisation"]),
                   plain(",.0f", "%")),
            Slider("depth", "What a waiting chip lets go of",
                   tuple(sorted({*range(0, 101, 5), measured})), measured, plain(",.0f", "%")),
            Slider("waiting", "Share of a step spent waiting", tuple(range(0, 51, 2)), 20,
                   plain(",.0f", "%")),
        ),
        terms={"rooms": f"gpus * watts * {around} / 1e6", "limit": _ceiling("site")},
        readouts=(
            Readout("site", "The site at full load", "rooms * pue", mw),
            Readout("each", "for each GPU", "1e6 * site / gpus", plain(",.0f", "W")),
            Readout("year", "Electricity in a year", f"site * use / 100 * {power.HOURS}",
                    (Step(0.9995e6, 1e6, ",.3~r", "", f"{NBSP}TWh"),
                     Step(0, 1e3, ",.3~r", "", f"{NBSP}GWh"))),
            Readout("bill", "and its price", f"year * {price}", USD),
            Readout("swing", "Swing in every step", "gpus * watts * (depth / 100) / 1e6", mw),
            Readout("store", "Store that evens it out",
                    f"swing * (waiting / 100) * (1 - waiting / 100) * {step_s} / 3.6",
                    plain(",.3~r", "kWh")),
        ),
        case=" + ".join(f"(site >= {mark['mw']} ? 1 : 0)" for mark in marks),
        sentences=(
            "{gpus} GPUs take {site}, less than the supercomputer Frontier, and shake the grid by {swing}.",
            "{gpus} GPUs take {site}, more than the supercomputer Frontier, and shake the grid by {swing}.",
            "{gpus} GPUs take {site}, more than New Orleans at its peak, and shake the grid by {swing}.",
            "{gpus} GPUs take {site}, more than New York City at its peak, and shake the grid by {swing}.",
        ),
        chart=chart,
        settings=(
            Setting("A hundred thousand H100", {}),
            Setting("GPT-4’s machine", {"gpus": 20_000, "watts": watts[0][0]}),
            Setting("Half a million GB200", {"gpus": 500_000, "watts": watts[2][0]}),
            Setting("With chips that hardly rest", {"depth": 10}),
            Setting("Five million GB300", {"gpus": 5_000_000, "watts": watts[3][0]}),
        ),
        compute=compute, tables=("power_facts", "chips", "lab-power-swings"), height=330,
    )


# ---------------------------------------------------------------- Jevons


def _jevons() -> Explorer:
    gain = round(data.row("claims", "r1-twenty-seven-times-cheaper")["value"])

    def compute(gain, elasticity, passed):
        share = passed / 100
        tokens = economics.demand_after(gain, elasticity, share)
        spent = economics.spending_after(gain, elasticity, share)
        needed = economics.chips_needed(gain, elasticity, share)
        case = (2 if 0.995 < needed < 1.005 else 3 if needed > 1 else 0 if spent < 0.995 else 1)
        return {"price": 100 * economics.price_after(gain, share), "tokens": tokens,
                "spent": spent, "needed": needed, "threshold": economics.threshold(share),
                "case": case}

    def chart():
        x = {"type": "quantitative", "scale": {"type": "log", "domain": [1, 100], "nice": False},
             "axis": {"title": "a token takes so many times less of the machine",
                      "values": [1, 2, 5, 10, 20, 50, 100], "format": ",.0f", "grid": False}}
        y = {"type": "quantitative", "scale": {"type": "log", "domain": [0.01, 10000], "nice": False},
             "axis": {"title": None, "values": [0.01, 0.1, 1, 10, 100, 1000, 10000], "grid": True,
                      "labelExpr": "datum.value < 1 ? '1/' + format(1 / datum.value, ',.0f') : "
                                   "format(datum.value, ',.0f') + ' ×'"}}
        # the dashes of spending lie over the line of chips where the two are one
        lines = {"tokens": ("tokens", "pow(pow(datum.g, s), elasticity)", GREEN),
                 "needed": ("chips", "pow(pow(datum.g, s), elasticity) / datum.g", BLUE),
                 "spent": ("spending", "pow(pow(datum.g, s), elasticity) * pow(datum.g, -s)", ORANGE)}
        curve = {"data": {"sequence": {"start": 0, "stop": 41, "as": "i"}}, "transform": [
            {"calculate": "pow(100, datum.i / 40)", "as": "g"},
            *({"calculate": expr, "as": key} for key, (_, expr, _) in lines.items())]}
        here = _one(g="gain", tokens="tokens", spent="spent", needed="needed")
        layers = [
            {"data": {"values": [{"a": 0.01, "b": 1}]},
             "mark": {"type": "rect", "color": WASH, "opacity": 0.9},
             "encoding": {"y": {**y, "field": "a"}, "y2": {"field": "b"}}},
            {"data": {"values": [{"a": 1}]}, "mark": {"type": "rule", "color": INK, "strokeWidth": 1.2},
             "encoding": {"y": {**y, "field": "a"}}},
            *({"data": {"values": [{}]},
               "mark": {"type": "text", "align": "left", "x": 8, "y": place, "color": MUTED,
                        "text": word}, "encoding": {}}
              for place, word in ((12, "↑ more than before"),
                                  ({"expr": "height - 12"}, "↓ less than before"))),
            {**here, "mark": {"type": "rule", "color": MUTED, "strokeDash": [2, 3]},
             "encoding": {"x": {**x, "field": "g"}}},
        ]
        for key, (_, _, colour) in lines.items():
            dash = {"strokeDash": [7, 4]} if key == "spent" else {}
            layers.append({**curve, "mark": {"type": "line", "color": colour, "clip": True,
                                             "strokeWidth": 2.6, **dash},
                           "encoding": {"x": {**x, "field": "g"}, "y": {**y, "field": key}}})
        for key, (word, _, colour) in lines.items():
            inside = [*here["transform"], {"filter": f"datum.{key} < 10000 && datum.{key} > 0.01"}]
            layers.append({**here, "transform": inside,
                           "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1,
                                    "color": colour},
                           "encoding": {"x": {**x, "field": "g"}, "y": {**y, "field": key}}})
            # spending lies on chips when all is passed on: its word then goes below
            shift = ({"expr": "passed === 100 ? 12 : -10"} if key == "spent" else -10)
            layers.append({**here, "transform": inside,
                           "mark": {"type": "text", "color": colour, "fontWeight": 600, "text": word,
                                    "align": {"expr": "gain > 12 ? 'right' : 'left'"},
                                    "dx": {"expr": "gain > 12 ? -9 : 9"}, "dy": shift},
                           "encoding": {"x": {**x, "field": "g"}, "y": {**y, "field": key}}})
        return {"layer": layers}

    return Explorer(
        name="jevons",
        title="Cheaper, therefore more?",
        caption="Three lines fan out from the point where nothing has changed, and elasticity turns "
                "them. Where all of the saving reaches the buyer, spending and chips are one line, and "
                "at an elasticity of one it is level.",
        alt="Line chart with logarithmic axes of tokens, spending and chips against the gain in "
            "efficiency at an elasticity of 1.1: at a gain of 27 tokens grow 38 times, spending and "
            "chips 1.4 times.",
        source="computed: constant elasticity, as in the text",
        controls=(
            Slider("elasticity", "Price elasticity of demand",
                   tuple(round(0.05 * k, 2) for k in range(51)), 1.1, plain(".2f")),
            Slider("gain", "A token takes so many times less",
                   (1.5, 2, 3, 4, 5, 7, 10, 15, 20, gain, 35, 50, 70, 100), gain, plain(",.2~r")),
            Slider("passed", "Saving passed on to the buyer", tuple(range(10, 101, 5)), 100,
                   plain(",.0f", "%")),
        ),
        terms={"s": "passed / 100"},
        readouts=(
            Readout("price", "Price, of what it was", "100 * pow(gain, -s)", plain(",.3~r", "%")),
            Readout("tokens", "Tokens", "pow(pow(gain, s), elasticity)", TIMES),
            Readout("spent", "Spending", "tokens * pow(gain, -s)", TIMES),
            Readout("needed", "Chips", "tokens / gain", TIMES),
            Readout("threshold", "More chips from an elasticity of", "1 / s", plain(".2f")),
        ),
        case="needed > 0.995 && needed < 1.005 ? 2 : needed > 1 ? 3 : spent < 0.995 ? 0 : 1",
        sentences=(
            "Thrift saves: tokens grow to {tokens} what they were, spending falls to {spent}, and the "
            "world needs {needed} its chips.",
            "Buyers spend no less, {spent} what they did, and yet the chips needed fall to {needed}: "
            "the rest stays with the sellers.",
            "On the line: tokens grow to {tokens} what they were, and the same chips write them.",
            "Jevons was right: tokens grow to {tokens} what they were, and the world needs {needed} "
            "its chips.",
        ),
        chart=chart,
        settings=(
            Setting("The best estimate", {}),
            Setting("Shy buyers", {"elasticity": 0.5}),
            Setting("Keen buyers", {"elasticity": 1.5}),
            Setting("Keen, but half is kept", {"elasticity": 1.5, "passed": 50}),
            Setting("A tenth kept back", {"passed": 90}),
        ),
        compute=compute, tables=("claims",), height=360,
    )


_ALL = (_cache, _bill, _run, _rules, _chain, _site, _jevons)


@lru_cache(maxsize=1)
def explorers() -> dict[str, Explorer]:
    """All explorers by name."""
    found = [make() for make in _ALL]
    return {explorer.name: explorer for explorer in found}
