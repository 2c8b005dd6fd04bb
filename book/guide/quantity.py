"""How a number and its unit are printed, in the ledger, in prose and in figures alike.

House style: digits grouped by commas, words for millions and more, ``to`` between the ends
of a range, ``%`` set close, dollars before the number. A no-break space joins number and unit.
"""

from __future__ import annotations

import math

NBSP = "\u00a0"
MINUS = "\u2212"  # a hyphen is too short for a number, and a line may end after it
_SCALES = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))

# unit in the data -> (singular, plural) as printed after the number
UNITS: dict[str, tuple[str, str]] = {
    unit: (unit, unit)
    for unit in (
        "GB", "MB", "kB", "GB/s", "TB/s", "TFLOP/s", "W", "kW", "MW", "GW", "kWh",
        "TWh", "SMs", "km", "kWh per tonne",
    )
} | {
    "parameters": ("parameter", "parameters"),
    "tokens": ("token", "tokens"),
    "GPUs": ("GPU", "GPUs"),
    "experts": ("expert", "experts"),
    "layers": ("layer", "layers"),
    "GPU hours": ("GPU hour", "GPU hours"),
    "hours": ("hour", "hours"),
    "minutes": ("minute", "minutes"),
    "seconds": ("second", "seconds"),
    "days": ("day", "days"),
    "months": ("month", "months"),
    "years": ("year", "years"),
    "bytes": ("byte", "bytes"),
    "bits": ("bit", "bits"),
    "times": ("time", "times"),
    "points": ("point", "points"),
    "samples": ("sample", "samples"),
    "nodes": ("node", "nodes"),
    "sites": ("site", "sites"),
    "people": ("person", "people"),
    "stages": ("stage", "stages"),
    "levels": ("level", "levels"),
    "steps": ("step", "steps"),
    "elements": ("element", "elements"),
    "tonnes": ("tonne", "tonnes"),
    "litres": ("litre", "litres"),
    "wafers": ("wafer", "wafers"),
    "firms": ("firm", "firms"),
    "chips": ("chip", "chips"),
    "customers": ("customer", "customers"),
    "products": ("product", "products"),
    "models": ("model", "models"),
    "downloads": ("download", "downloads"),
    "works": ("work", "works"),
    "answers": ("answer", "answers"),
    "accounts": ("account", "accounts"),
}
# units that follow the dollar amount
DOLLARS: dict[str, str] = {
    "USD": "",
    "USD per GPU hour": "per GPU hour",
    "USD per million tokens": "per million tokens",
    "USD per task": "per task",
    "USD per year": "a year",
    "USD per MWh": "per MWh",
}
# units that carry a scale of their own in the tables
SCALED: dict[str, tuple[float, str]] = {
    "billion parameters": (1e9, "parameters"),
    "trillion tokens": (1e12, "tokens"),
    "billion USD": (1e9, "USD"),
}
KNOWN = frozenset(SCALED) | frozenset(UNITS) | frozenset(DOLLARS) | {"percent", "ratio", "year", "date", ""}


def _significant(value: float, digits: int) -> str:
    """Round to ``digits`` significant digits, keep no trailing zeros, group by commas."""
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    text = f"{round(value, places):,.{max(places, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def number(value: float, digits: int = 4) -> str:
    """Print a bare number.

    Parameters
    ----------
    value : float
        The number; it may be negative.
    digits : int
        Significant digits kept for fractions and for scaled numbers.

    Returns
    -------
    str
        ``"671 billion"``, ``"2,048"``, ``"0.25"``.

    Raises
    ------
    ValueError
        If the number is not finite.

    Examples
    --------
    >>> number(671_000_000_000).replace(NBSP, " ")
    '671 billion'
    >>> number(2048)
    '2,048'
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be printed: a computed number must be finite")
    if value < 0:
        return f"{MINUS}{number(-value, digits)}"
    size = value
    for scale, word in _SCALES:
        # 999,999.7 would round up into the next word
        if float(f"{size:.{digits}g}") >= scale:
            return f"{_significant(value / scale, digits)}{NBSP}{word}"
    if size >= 1000 and float(value).is_integer():
        return f"{value:,.0f}"
    return _significant(value, max(digits, len(str(int(size)))))


def _usd(value: float, digits: int) -> str:
    if value < 0:
        return f"{MINUS}{_usd(-value, digits)}"
    if abs(value) < 1000 and not float(value).is_integer():
        return f"${value:,.2f}" if abs(value) >= 0.095 else f"${_significant(value, 2)}"
    return f"${number(value, digits)}"


def _unit(printed: str, unit: str) -> str:
    one, many = UNITS[unit]
    return one if printed == "1" else many


def amount(
    value: float | None = None,
    unit: str = "",
    *,
    low: float | None = None,
    high: float | None = None,
    digits: int = 4,
    bare: bool = False,
) -> str:
    """Print a value or a range with its unit.

    Parameters
    ----------
    value : float, optional
        The point value. A range takes precedence when both ends are given.
    unit : str
        One of ``KNOWN``; ``""`` and ``"ratio"`` print no unit.
    low, high : float, optional
        The ends of a range, in the same unit.
    digits : int
        Significant digits.
    bare : bool
        Leave out the unit's word (but never the dollar or the per-cent sign).

    Returns
    -------
    str
        ``"80 to 90%"``, ``"$5 to $20 per task"``, ``"37 billion parameters"``.

    Raises
    ------
    ValueError
        If the unit is unknown, neither a value nor a whole range is given, or the ends are swapped.

    Examples
    --------
    >>> amount(low=80, high=90, unit="percent")
    '80 to 90%'
    >>> amount(27, "times").replace(NBSP, " ")
    '27 times'
    """
    if unit not in KNOWN:
        raise ValueError(f"unknown unit '{unit}': add it to guide.quantity or use one of {sorted(KNOWN)}")
    if unit in SCALED:
        scale, unit = SCALED[unit]
        value, low, high = (None if x is None else x * scale for x in (value, low, high))
    ranged = low is not None and high is not None and low != high
    if ranged and low > high:
        raise ValueError(f"low {low:g} exceeds high {high:g}: swap them")
    if not ranged and value is None:
        value = low if low is not None else high
    if not ranged and value is None:
        raise ValueError("nothing to print: give a value, or low and high")
    if unit in DOLLARS:
        text = (
            f"{_usd(low, digits)} to {_usd(high, digits)}" if ranged else _usd(value, digits)
        )
        tail = DOLLARS[unit]
        return f"{text} {tail}" if tail and not bare else text
    if unit == "date":
        raise ValueError("a date is no amount: print it with {date}, or in words")
    if unit == "year":
        if not all(float(x).is_integer() for x in ((low, high) if ranged else (value,))):
            raise ValueError("a year is a whole number: round it, or use another unit")
        return f"{int(low)} to {int(high)}" if ranged else f"{int(value)}"
    if ranged:
        text = _range(low, high, digits)
    else:
        text = number(value, digits)
    if unit == "percent":
        return f"{text}%"
    if unit in ("", "ratio") or bare:
        return text
    return f"{text}{NBSP}{_unit(text, unit)}"


def _range(low: float, high: float, digits: int) -> str:
    """Print both ends, saying a shared 'million' only once."""
    first, second = number(low, digits), number(high, digits)
    if NBSP in first and first.split(NBSP)[-1] == second.split(NBSP)[-1]:
        first = first.split(NBSP)[0]
    return f"{first} to {second}"


def date(day, precision: str = "day") -> str:
    """Print a date as the book writes it.

    Examples
    --------
    >>> import datetime
    >>> date(datetime.date(2024, 12, 26)).replace(NBSP, " ")
    '26 December 2024'
    """
    months = ("January February March April May June July August September October November "
              "December").split()
    if precision == "year":
        return f"{day.year}"
    month = f"{months[day.month - 1]} {day.year}"
    return month if precision == "month" else f"{day.day}{NBSP}{month}"
