"""What the SVG of a figure carries, and how the site takes it out again.

The alternative text and the table behind a figure lie in the SVG itself; the site draws both from
there, and derives the dark variant by exchanging the palette. Nothing here draws, so that a build
that executes no chapter need not import what does.
"""

from __future__ import annotations

import json
from html import escape, unescape
from pathlib import Path
from typing import Any

FONTS = Path(__file__).with_name("fonts")

#: Palette: name -> (on light pages, on dark pages). Hues after Okabe and Ito (2008), which
#: remain distinct under the common colour deficiencies; each pair has a contrast of at least
#: 3:1 against its page, and of 4.5:1 where text is set in it.
PALETTE: dict[str, tuple[str, str]] = {
    "ink": ("#1c2530", "#e8ecf1"),
    "muted": ("#56616d", "#a7b2be"),
    "grid": ("#d8dde3", "#3b4550"),
    "wash": ("#eef2f6", "#232b35"),
    "paper": ("#fefefe", "#141920"),
    "blue": ("#0a68a8", "#62b5ee"),
    "orange": ("#b8500c", "#f5a05d"),
    "green": ("#0b7a57", "#4fc79c"),
    "purple": ("#8a4a94", "#d59be0"),
    "yellow": ("#947206", "#e5c558"),
    "sky": ("#3b8fc2", "#9ad3f4"),
    "red": ("#b3263a", "#f58a97"),
    "pale-blue": ("#d3e6f3", "#17384f"),
    "pale-orange": ("#f7e0cf", "#4a2c14"),
    "pale-green": ("#d2ece2", "#12402f"),
    # a shade darker where text is set, which also stands on the pale grounds
    "orange-text": ("#a34508", "#f5a05d"),
    "green-text": ("#09704f", "#4fc79c"),
    "yellow-text": ("#8f6e05", "#e5c558"),
    "sky-text": ("#2a7bad", "#9ad3f4"),
}


def fonts() -> list[bytes]:
    """The fonts that drawings are set in, byte by byte."""
    return [path.read_bytes() for path in sorted(FONTS.glob("*.ttf"))]


def embed(svg: str, note: dict[str, Any]) -> str:
    """Put a note (alternative text, table) inside an SVG, where :func:`note` finds it."""
    start = svg.index("<svg")
    end = svg.index(">", start) + 1
    body = json.dumps(note, ensure_ascii=False)
    return (
        svg[start:end]
        + f'<metadata id="guide">{escape(body, quote=False)}</metadata>'
        + svg[end:]
    )


def note(svg: str) -> dict[str, Any]:
    """Read back what :func:`embed` put inside an SVG; empty for a foreign SVG."""
    mark = '<metadata id="guide">'
    if mark not in svg:
        return {}
    start = svg.index(mark) + len(mark)
    return json.loads(unescape(svg[start : svg.index("</metadata>", start)]))


def strip_note(svg: str) -> str:
    """Return the SVG without text and table inside, as it is sent to readers."""
    mark = '<metadata id="guide">'
    if mark not in svg:
        return svg
    start = svg.index(mark)
    end = svg.index("</metadata>", start) + len("</metadata>")
    return svg[:start] + svg[end:]


def darken(svg: str) -> str:
    """Exchange the light palette of an SVG for the dark one."""
    for light, dark in PALETTE.values():
        svg = svg.replace(light, dark)
    return svg
