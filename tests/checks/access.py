"""What holds so that anybody can read a page: weight, policy, head, contrast, valid HTML, axe."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

KB = 1000
#: most kilobytes over the wire: what a page is, beside its figures; with them; and the next page
FIRST, WHOLE, NEXT = 300, 500, 150
TEXT, MARK = 4.5, 3.0  # contrasts that WCAG 2.2 asks for at level AA


# ---------------------------------------------------------------- weight


def too_heavy(name: str, sizes: Mapping[str, int]) -> list[str]:
    """Find pages that weigh more than a reader should wait for.

    ``sizes`` maps what the page loads, compressed as a host sends it, to bytes: ``page`` is the
    page itself.
    """
    problems = []
    if sizes["page"] > NEXT * KB:
        problems.append(f"{name}: weighs {sizes['page'] / KB:.0f} kB compressed: {NEXT} at most, "
                        "since every next page is that heavy")
    total = sum(sizes.values())
    if total > FIRST * KB:
        most = sorted(sizes, key=sizes.get, reverse=True)[:3]
        problems.append(f"{name}: a first visit costs {total / KB:.0f} kB besides figures: {FIRST} "
                        f"at most; the heaviest are {', '.join(most)}")
    return problems


def loads(soup) -> list[str]:
    """Addresses of the scripts and style sheets that a page loads."""
    return [tag.get("src") or tag.get("href") for tag in soup.select(
        "script[src], link[rel=stylesheet]")]


# ---------------------------------------------------------------- policy and head


def policy(soup, name: str) -> list[str]:
    """Check that a page says what it may load, that it keeps to it, and that it says no more."""
    tag = soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
    if tag is None:
        return [f"{name}:1: no content security policy: look at book/_templates/layout.html"]
    said = tag["content"]
    problems = [f"{name}:1: the policy allows {word}" for word in ("unsafe-", "https:", "http:", "*")
                if word in said]
    for script in soup.find_all("script", src=False):
        if script.get("type") == "application/json":
            continue
        digest = base64.b64encode(hashlib.sha256((script.string or "").encode()).digest()).decode()
        if f"'sha256-{digest}'" not in said:
            problems.append(f"{name}:{script.sourceline}: a script in the page that the policy does "
                            "not name: put it into a file of book/_static")
    for other in soup.find_all("style"):
        problems.append(f"{name}:{other.sourceline}: styles in the page: put them into guide.css")
    for other in soup.find_all(True):
        for key, value in other.attrs.items():
            if key in ("href", "src", "action", "data") and re.match(
                    r"\s*(?:javascript|vbscript):", str(value), re.IGNORECASE):
                problems.append(f"{name}:{other.sourceline}: <{other.name}> runs '{value[:30]}': "
                                "add a listener in a script of book/_static")
            if key == "style" or key.startswith("on"):
                problems.append(f"{name}:{other.sourceline}: <{other.name} {key}=...>: the policy "
                                "forbids it; use a class, or a script of book/_static")
    return problems


def head(soup, name: str) -> list[str]:
    """Check what a page says of itself to engines, to other sites and to the browser."""
    problems = []
    for css, what in (("html[lang=en-GB]", "its language"), ("meta[name=viewport]", "a viewport"),
                      ("meta[name=color-scheme]", "its colour schemes"),
                      ("meta[name=theme-color]", "a theme colour"), ("link[rel~=icon]", "an icon"),
                      ("meta[property='og:image']", "a picture for links to it"), ("main", "a main part")):
        if soup.select_one(css) is None:
            problems.append(f"{name}:1: the page lacks {what} ({css})")
    tag = soup.find("meta", attrs={"name": "description"})
    said = (tag or {}).get("content", "")
    if not 40 <= len(said) <= 320:
        problems.append(f"{name}:1: its description has {len(said)} characters: 40 to 320 are of use; "
                        "it is the sentence at the chapter's head, or the first of the text")
    return problems


def pictures(soup, name: str) -> list[str]:
    """Check that a picture keeps its place, waits for its turn, and has a text that replaces it."""
    problems = []
    for image in soup.find_all("img"):
        where = f"{name}:{image.sourceline}: {str(image.get('src'))[-24:]}"
        if not (image.get("width") and image.get("height")):
            problems.append(f"{where}: no width and height: the text would jump when it comes")
        figure = image.find_parent("figure") is not None
        if figure and image.get("loading") != "lazy":
            problems.append(f"{where}: not loading=lazy: it is fetched though nobody sees it")
        if image.get("alt") is None or (figure and not image["alt"]):  # what adorns has an empty one
            problems.append(f"{where}: no text that replaces it")
    return problems


# ---------------------------------------------------------------- valid HTML


def html_errors(jar: Path, files: Sequence[Path]) -> list[str]:
    """Have the Nu HTML checker read pages; give its errors.

    Parameters
    ----------
    jar : Path
        The checker.
    files : sequence of Path
        Pages.
    """
    done = subprocess.run(
        ["java", "-Xss8m", "-jar", str(jar), "--errors-only", "--format", "json", "--stdout",
         *map(str, files)], capture_output=True, text=True)
    try:
        messages = json.loads(done.stdout)["messages"]
    except (json.JSONDecodeError, KeyError):
        return [f"the HTML checker did not run: {done.stderr[-400:]}"]
    return [f"{Path(m.get('url', '')).name}:{m.get('lastLine', 1)}: {m['message']} "
            f"({' '.join(m.get('extract', '').split())[:80]})" for m in messages]


# ---------------------------------------------------------------- axe


def axe_findings(result: Mapping[str, Any], name: str) -> list[str]:
    """Findings of axe, each with the first element that it names."""
    return [f"{name}: {v['id']} ({v['impact']}), {len(v['nodes'])} times: {v['help']}: "
            f"{v['nodes'][0]['html'][:100]}" for v in result["violations"]]


# ---------------------------------------------------------------- contrast in figures


def luminance(color: Sequence[float]) -> float:
    """Relative luminance of an sRGB colour of 0 to 255, after WCAG 2.2."""
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (value / 255 for value in color[:3]))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """Contrast of two colours, 1 to 21, after WCAG 2.2."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


#: Gives for each text of the drawing on a page what it says, its colour, opacity and box, and
#: hides it, so that a picture shows the ground on which it stands.
TEXTS = """(within) => {
  const out = [], texts = [...document.querySelectorAll(within + ' :is(g[id^="text_"], text)')];
  for (const text of texts) {
    const drawn = [text, ...text.querySelectorAll("*")].filter((e) =>
      /^(use|path|text|tspan)$/.test(e.tagName) && !e.closest("defs")).pop();
    const box = text.getBoundingClientRect();
    if (!drawn || !box.width) continue;
    const style = getComputedStyle(drawn);
    let opacity = Number(style.fillOpacity);
    for (let e = drawn; e instanceof SVGElement; e = e.parentElement)
      opacity *= Number(getComputedStyle(e).opacity);
    const said = [...text.childNodes].find((n) => n.nodeType === 8)?.data ?? text.textContent;
    out.push([said.trim(), style.fill, opacity, box.x, box.y, box.width, box.height]);
  }
  for (const text of texts) { // what was put behind the words stays
    const words = text.tagName === "text" ? [text] : [...text.children].filter((e) => !e.id.startsWith("patch_"));
    for (const word of words) word.style.visibility = "hidden";
  }
  return out;
}"""


def faint(texts: Iterable[Sequence], shot: bytes, name: str, share: float = 0.2) -> list[str]:
    """Find texts of a drawing that stand out too little from their ground.

    Parameters
    ----------
    texts : iterable
        What :data:`TEXTS` gave.
    shot : bytes
        A picture of the page without them, as PNG.
    name : str
        The drawing.
    share : float
        Least part of a text's box that a colour must fill to count as its ground.
    """
    from PIL import Image

    image = Image.open(io.BytesIO(shot)).convert("RGB")
    problems = []
    for said, fill, opacity, x, y, wide, high in texts:
        if x + wide > image.width or y + high > image.height or min(x, y) < 0:
            continue  # out of sight
        ink = [float(v) for v in re.findall(r"[\d.]+", fill)[:3]]
        box = image.crop((int(x), int(y), int(x + wide) + 1, int(y + high) + 1))
        for count, ground in box.getcolors(box.width * box.height) or ():
            if count < share * box.width * box.height:
                continue
            seen = [opacity * a + (1 - opacity) * b for a, b in zip(ink, ground)]
            if contrast(seen, ground) < TEXT:
                problems.append(
                    f"{name}: '{said[:40]}' in {fill} on {ground} has a contrast of "
                    f"{contrast(seen, ground):.1f}: {TEXT} is needed; take a darker colour or a "
                    "lighter ground")
    return problems
