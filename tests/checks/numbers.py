"""Find numbers that were typed by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .reading import FENCE, HOLE, captions, read, visible

_WORDS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
).split()
_SMALL = rf"(?:{'|'.join(_WORDS)})(?:-(?:{'|'.join(_WORDS[:9])}))?"
_SCALE = r"(?:hundred|thousand|million|billion|trillion)"
_MONEY = r"(?:US )?(?:dollars?|euros?|yuan|renminbi|pounds|cents?|USD|EUR|RMB)"
_PERCENT = r"(?:%|‰|per ?cent(?:age points?)?|percent(?:age points?)?)"
#: Symbols of measure, as they are written
_SYMBOL = (
    r"(?:[KMGTPkE]i?B(?:/s)?|[MGT]bit/s|[kMGTPEZ]?FLOPS?(?:/s)?|[kMGTPE]?FLOPs|[kMGT]?Wh?|TOPS|"
    r"[kMGT]?Hz|nm|mm|cm|km|[µumn]s|ms|°C)(?![\w])"
)
_MEASURE = (
    r"(?:(?:kilo|mega|giga|tera|peta|exa)?(?:bytes?|bits?|watts?|hertz|flops?)|"
    r"(?:nano|micro|milli|centi|kilo)?met(?:re|er)s?|(?:mega|giga|kilo|tera)?watt.hours?)"
)
_TIME = (
    r"(?:(?:GPU[ -])?hours?|minutes?|(?:milli|micro)?seconds?|days?|weeks?|months?|years?|"
    r"decades?)"
)
_COUNT = (
    r"(?:tokens?|parameters?|weights|GPUs?|chips?|accelerators?|processors?|cores?|experts?|"
    r"layers?|heads?|SMs|multiprocessors?|nodes?|machines?|servers?|people|employees|points?|"
    r"samples?|steps?|stages?|sites?|elements?|dimensions?|entries|values|operations?|"
    r"benchmarks?|languages?|users?|reactors?|clusters?|transistors?|models?|words|pages|"
    r"interruptions?|questions?|problems?|requests?|copies|vectors?|matrices|numbers)"
)
_STOP = (
    r"(?:of|the|and|in|on|to|for|an?|is|are|was|were|has|have|had|with|that|which|or|by|at|from|"
    r"as|than|per|but|it|its|they|this|these|those|when|where|while|if|not|into|over|under|about|"
    r"January|February|March|April|May|June|July|August|September|October|November|December)\b"
)
_BETWEEN = rf"(?:(?!{_STOP})[A-Za-z][\w'’-]*\s+){{0,2}}"
_NUMBER = r"(?<![\w.,\-/#$€£¥^:])\d[\d,]*(?:\.\d+)?(?![\d:])"
_GAP = r"[\s\u00a0\u202f]?-?"
_YEAR = r"(?:19[5-9]\d|20[0-3]\d)"
#: Words before a number that make it a name or a place: Llama 3.1, section 2.1, AIME 2024
_NAMED = re.compile(
    r"(?:\b(?:Llama|Qwen|QwQ|Gemini|Gemma|Claude|Sonnet|Opus|Haiku|GPT|Kimi|GLM|Phi|Mixtral|"
    r"Mistral|Grok|OLMo|Olmo|T[uü]lu|DeepSeek|Arctic|DBRX|Codex|Flash|Pro|CUDA|PTX|NVLink|"
    r"NVSwitch|PCIe|Ascend|Kirin|Instinct|RTX|GeForce|Xeon|Python|Typst|Apache|Licen[cs]e|"
    r"Definition|AIME|MATH|"
    r"HBM|Windows|Fire-Flyer|Codeforces|Colossus|Orion|Prometheus|Hyperion|Muse|Nemotron|"
    r"[Ss]ections?|[Cc]hapters?|[Ff]igures?|[Tt]ables?|[Pp]arts?|[Ee]quations?|[Ee]xercises?|"
    r"[Pp]age|pp?\.|[Ee]pisode|[Pp]odcast|[Nn]umber|[Nn]o\.|[Nn]otes?|[Vv]ersion|[Tt]ier|[Ll]evel|"
    r"[Mm]ove|[Ss]tage|[Pp]hase|[Rr]ound|[Aa]ppendix|arXiv|Nature|ISO|PDF/UA|[Vv]olume|[Rr]ule|"
    r"[Qq]uestion|[Cc]laim)|\b[A-Z][A-Za-z]*-[A-Z]\w*|\b[A-Za-z]*\d\w*)[\s\u00a0]$"
)
_REMEDY = "print it with {claim}, {datum} or {glue:text}"


def _flags() -> list[tuple[str, re.Pattern]]:
    """Patterns of typed numbers: what each is, and how it looks."""
    word = rf"\b(?:half an?|an?|{_SMALL})"
    scale = rf"{_SCALE}s?(?:[\s-]{_SCALE})*"
    chip = r"(?:[A-Z]+\d+\w*|TPUs?)"
    unit = rf"(?:{_MONEY}|{_PERCENT}|{_MEASURE}|{_TIME}|{_COUNT}|{chip}|{_SYMBOL})"
    again = re.IGNORECASE
    thing = rf"(?:of\s+)?{_BETWEEN}{unit}(?!\w)"
    return [
        ("an amount of money", re.compile(r"(?:US|HK|NT)?[$€£¥][\s\u00a0]?\d[\d,.]*")),
        ("an amount of money", re.compile(rf"{_NUMBER}{_GAP}\b{_MONEY}\b", again)),
        ("a percentage", re.compile(rf"{_NUMBER}{_GAP}{_PERCENT}", again)),
        ("a scaled number", re.compile(rf"{_NUMBER}{_GAP}(?:{_SCALE}s?|bn|mn|tn)\b", again)),
        ("a multiple", re.compile(rf"{_NUMBER}{_GAP}(?:[x×](?!\w)|times\b|fold\b)")),
        ("a measured value", re.compile(rf"{_NUMBER}{_GAP}(?:{_SYMBOL}|\b{_MEASURE}\b)")),
        ("a duration", re.compile(rf"{_NUMBER}{_GAP}\b{_TIME}\b", again)),
        ("a count", re.compile(rf"{_NUMBER}[\s\u00a0-]{_BETWEEN}{_COUNT}\b")),
        ("a size", re.compile(rf"{_NUMBER}[KkMBT]\b")),
        ("a grouped number", re.compile(r"(?<![\w.,\-/#])\d{1,3}(?:,\d{3})+(?!\d)")),
        ("a timestamp", re.compile(r"(?<![\w:.])\d{1,2}:\d\d(?::\d\d)?(?![\w:])")),
        ("a decimal number", re.compile(r"(?<![\w.,\-/#$^:])\d+\.\d+(?![\w.])")),
        ("a long number", re.compile(r"(?<![\w.,\-/#$^:])\d{3,}(?![\w,.:]\d|\w)")),
        ("a scaled number in words",
         re.compile(rf"{word}(?:[\s-]and)?[\s-]{scale}[\s-]{thing}", again)),
        ("an amount in words",
         re.compile(rf"\b{_SMALL}[\s-](?:{_MONEY}|{_PERCENT}|{_SYMBOL})(?!\w)", again)),
    ]


_FLAGS = _flags()
#: What the name of a thing may hold; money, shares and multiples are never part of a name
_NAMEABLE = {"a duration", "a count", "a decimal number", "a long number"}


def _excused(kind: str, found: str, before: str) -> bool:
    """Whether a match is a year, the name of a format, or part of the name of a thing."""
    year = re.match(rf"{_YEAR}(?![\d,.\-])", found)
    if kind in _NAMEABLE:
        return bool(year or _NAMED.search(before))
    if kind == "a measured value":  # A100 80GB is a product, an A100 with 80 GB is not
        product = re.search(r"\b[A-Z]+\d+\w*[\s\u00a0]$", before) and not re.search(r"\s", found)
        return bool(product or re.fullmatch(r"\d+-bits?", found))
    if kind == "a size":  # Llama 405B, the 70B, a 7B model
        known = _NAMED.search(before) or re.search(r"\b(?:[Tt]he|[Aa]n?)[\s\u00a0]$", before)
        return found.endswith("B") and bool(known)
    return False


def typed_numbers(text: str, name: str = "page", titles: Iterable[str] = ()) -> list[str]:
    """Find numbers that were typed by hand where the reader sees them.

    Parameters
    ----------
    text : str
        A page in MyST.
    name : str
        Name of the page, for the message.
    titles : iterable of str
        Titles of chapters, which may hold number words.
    """
    page = read(text)
    seen: list[tuple[int, str]] = []
    for line in page.lines:
        if line.kind == "heading" and not line.text.startswith("# "):
            seen.append((line.no, re.sub(r"^#+\s*(?:\d+[.\d]*\s)?", "", line.text)))
        elif line.kind == "prose":
            seen.append((line.no, re.sub(r"^(\s*)\d+[.)]\s", r"\1", line.text)))
        elif line.kind == "open" and re.search(
            r"\{(exercise|admonition|figure|list-table|table|dropdown)\}", line.text
        ):
            seen.append((line.no, FENCE.match(line.text)[3]))
    for cell in page.cells:
        seen += captions(cell)
    problems = []
    for no, typed in sorted(seen):
        shown = visible(typed, claims=False)
        for title in titles:
            shown = shown.replace(title, HOLE)
        taken: list[tuple[int, int]] = []
        for kind, pattern in _FLAGS:
            for match in pattern.finditer(shown):
                if any(a < match.end() and match.start() < b for a, b in taken):
                    continue
                taken.append(match.span())
                if not _excused(kind, match[0], shown[: match.start()]):
                    remedy = "write {t}`h:mm:ss`" if kind == "a timestamp" else _REMEDY
                    problems.append(f"{name}:{no}: {kind} is typed: '{match[0]}': {remedy}")
    return problems
