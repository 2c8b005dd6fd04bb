"""What holds for the built pages and their figures."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from bs4 import BeautifulSoup

_LOAD = {  # element -> attributes that make the browser fetch something
    "script": ("src",), "img": ("src", "srcset"), "source": ("src", "srcset"), "iframe": ("src",),
    "video": ("src", "poster"), "audio": ("src",), "track": ("src",), "embed": ("src",),
    "object": ("data",), "input": ("src",), "use": ("href", "xlink:href"),
    "image": ("href", "xlink:href"), "feimage": ("href", "xlink:href"),
}
_FETCHED = {"stylesheet", "preload", "prefetch", "preconnect", "dns-prefetch", "modulepreload",
            "icon", "manifest", "apple-touch-icon", "mask-icon"}
_FOREIGN = re.compile(r"^\s*(?:https?:)?//", re.IGNORECASE)
_CSS = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])\s*((?:https?:)?//[^'\")\s]+)", re.I)
_SCRIPT = re.compile(
    r"(?:fetch|import|importScripts|Worker|EventSource|WebSocket|sendBeacon)\(\s*['\"`]"
    r"((?:https?:|wss?:)?//[^'\"`]+)|"
    r"\.open\(\s*['\"]\w+['\"]\s*,\s*['\"`]((?:https?:)?//[^'\"`]+)|"
    r"\.src\s*=\s*['\"`]((?:https?:)?//[^'\"`]+)"
)
_REQUEST = "keep a copy in book/_static: the book is read offline"


@lru_cache(maxsize=None)
def parsed(text: str) -> BeautifulSoup:
    """Read a page, each text once; who asks must not change the tree."""
    return BeautifulSoup(text, "html.parser")


def _line(text: str, match: re.Match) -> int:
    return text[: match.start()].count("\n") + 1


def foreign_in_css(css: str, name: str) -> list[str]:
    """Find style sheets and fonts that come from another host."""
    return [f"{name}:{_line(css, m)}: loads {m[1]}: {_REQUEST}" for m in _CSS.finditer(css)]


def foreign_in_script(script: str, name: str) -> list[str]:
    """Find requests of a script to another host."""
    return [
        f"{name}:{_line(script, m)}: asks {m[1] or m[2] or m[3]}: {_REQUEST}"
        for m in _SCRIPT.finditer(script)
    ]


def foreign_requests(soup, name: str) -> list[str]:
    """Find what a page loads from another host."""
    problems = []
    for tag in soup.find_all(list(_LOAD)):
        for attribute in _LOAD[tag.name]:
            if _FOREIGN.match(str(tag.get(attribute) or "")):
                problems.append(
                    f"{name}:{tag.sourceline}: <{tag.name}> loads {tag[attribute]}: {_REQUEST}")
    for tag in soup.find_all("link"):
        if _FETCHED & set(tag.get("rel") or ()) and _FOREIGN.match(tag.get("href") or ""):
            problems.append(f"{name}:{tag.sourceline}: <link> loads {tag['href']}: {_REQUEST}")
    for tag in soup.find_all("meta", attrs={"http-equiv": re.compile("refresh", re.I)}):
        if re.search(r"url=\s*['\"]?(?:https?:)?//", tag.get("content", ""), re.IGNORECASE):
            problems.append(f"{name}:{tag.sourceline}: sends the reader to another host")
    for tag in soup.find_all(style=True):
        problems += foreign_in_css(tag["style"], name)
    for tag in soup.find_all("style"):
        problems += foreign_in_css(tag.string or "", name)
    for tag in soup.find_all("script", src=False):
        problems += foreign_in_script(tag.string or "", name)
    return problems


def weight(soup, name: str, site, most: int) -> list[str]:
    """Find a page that weighs too much on its way to the reader, its pictures and fonts aside.

    ``site`` is the folder of the site, ``most`` a number of bytes.
    """
    parts = {name: gzip.compress((site / name).read_bytes())}
    for tag in soup.select("script[src], link[rel=stylesheet][href]"):
        path = _resolve(name, unquote((tag.get("src") or tag["href"]).partition("?")[0]))
        if (site / path).is_file():
            parts.setdefault(path, gzip.compress((site / path).read_bytes()))
    total = sum(map(len, parts.values()))
    heaviest = max(parts, key=lambda key: len(parts[key]))
    return [f"{name}: {total:,} bytes over the wire, at most {most:,}; the heaviest part is "
            f"{heaviest} with {len(parts[heaviest]):,}: leave out what the page does not need"
            ] if total > most else []


def evaluates(script: str, name: str) -> list[str]:
    """Find scripts that make code of text, which a content-security policy forbids."""
    return [f"{name}:{_line(script, m)}: {m[0]} makes code of text: write the code out"
            for m in re.finditer(r"(?<![\w.$])eval\(|\bnew Function\(|"
                                 r"\bset(?:Timeout|Interval)\(\s*['\"`]", script)]


def files_of_css(css: str, name: str, files: Iterable[str]) -> list[str]:
    """Find fonts and images that a style sheet of the site names and the site lacks."""
    files = set(files)
    problems = []
    for match in re.finditer(r"url\(\s*['\"]?([^'\")]+)", css):
        path = match[1].strip().partition("#")[0].partition("?")[0]
        if path and not re.match(r"[a-z]+:|//", path) and _resolve(name, path) not in files:
            problems.append(f"{name}:{_line(css, match)}: {path} is not in the site: restore the "
                            "file in book/_static, or take the line out")
    return problems


def palettes_differ(css: str) -> list[str]:
    """Find colours that one of the two dark palettes of the style sheet lacks or has otherwise.

    CSS cannot say "dark by the reader's choice, or by the system's when there is none" once.
    """
    heads = ('html[data-theme="dark"] {\n    color-scheme',
             'html:not([data-theme="light"], [data-theme="dark"]) {\n    color-scheme')
    chosen, system = (
        set(re.findall(r"(--[\w-]+):\s*([^;]+);", css[css.index(head):].split("}")[0]))
        for head in heads)
    return [f"book/_static/guide.css: '{name}: {value}' stands in one dark palette only: make "
            "both alike" for name, value in sorted(chosen ^ system)]


def declared_twice(soup, name: str) -> list[str]:
    """Find constants that two scripts of one page declare: the second script would not run."""
    seen, problems = set(), []
    for tag in soup.find_all("script", src=False):
        for constant in re.findall(r"\b(?:const|let)\s+(\w+)\s*=", tag.string or ""):
            if constant in seen:
                problems.append(f"{name}:{tag.sourceline}: {constant} is declared twice: "
                                "keep one of the two scripts")
            seen.add(constant)
    return problems


def leftovers(html: str, soup, name: str) -> list[str]:
    """Find what a broken build leaves in a page."""
    problems = []
    for tag in soup.select(".problematic, .system-message, .cell_output .error, .traceback"):
        said = tag.get_text()[:60].strip()
        problems.append(f"{name}:{tag.sourceline}: '{said}': mend its source")
    for pattern, what in (
        (r"Traceback \(most recent call last\)", "a traceback"),
        (r"&lt;[\w.]+(?: \w+)* at 0x[0-9a-f]{6,}", "the address of an object"),
        (r"\{(?:claim|claimnum|date|datum|t|numref|cite:\w|glue:text)\}(?:`|<code)",
         "an unread role"),
    ):
        for match in re.finditer(pattern, html):
            problems.append(f"{name}:{_line(html, match)}: {what} is in the page: mend its source")
    return problems


def ids_of(soup) -> set[str]:
    """Places in a page that a link can name."""
    return {tag["id"] for tag in soup.find_all(id=True)} | {
        tag["name"] for tag in soup.find_all("a", attrs={"name": True})}


def repeated_ids(soup, name: str) -> list[str]:
    """Find ids that occur twice in a page."""
    count = Counter(tag["id"] for tag in soup.find_all(id=True))
    return [
        f"{name}:1: id '{key}' occurs {n} times: rename one" for key, n in count.items() if n > 1
    ]


def dead_links(pages: Mapping[str, Any], files: Iterable[str]) -> list[str]:
    """Find links within the site that lead nowhere.

    ``pages`` maps the path of a page in the site to its soup; ``files`` are all paths there are.
    """
    files = set(files)
    ids = {name: ids_of(soup) for name, soup in pages.items()}
    problems = []
    for name, soup in pages.items():
        for tag in soup.find_all(["a", "link", "img", "script", "source"]):
            for attribute in ("href", "src"):
                uri = tag.get(attribute)
                if uri is None or re.match(r"[a-zA-Z][\w+.-]*:|//", uri) or uri == "#":
                    continue
                where = f"{name}:{tag.sourceline}: link '{uri}'"
                path, _, anchor = uri.partition("#")
                path = unquote(path.partition("?")[0])
                target = _resolve(name, path) if path else name
                if target.endswith("/") or target == "":
                    target += "index.html"
                if target not in files:
                    problems.append(f"{where} leads to no file: correct it")
                elif anchor and target in ids and unquote(anchor) not in ids[target]:
                    problems.append(f"{where} names no place in {target}: correct the anchor")
    return problems


def _resolve(page: str, path: str) -> str:
    parts: list[str] = [] if path.startswith("/") else page.split("/")[:-1]
    for part in path.lstrip("/").split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def headings(article, name: str) -> list[str]:
    """Check that a page has one title and that no level of heading is skipped."""
    problems, last = [], 0
    found = article.find_all(re.compile("^h[1-6]$"))
    if sum(tag.name == "h1" for tag in found) != 1:
        problems.append(f"{name}:1: the page needs exactly one title")
    for tag in found:
        level = int(tag.name[1])
        if level > last + 1:
            problems.append(
                f"{name}:{tag.sourceline}: '{tag.get_text()[:40]}' skips a level after h{last}: "
                "use one '#' less"
            )
        last = level
    return problems


def mathematics(soup, name: str) -> list[str]:
    """Check that formulas are MathML and that no script sets them."""
    problems = [
        f"{name}:{tag.sourceline}: formula '{tag.get_text()[:40].strip()}' is not MathML"
        for tag in soup.select(".math") if tag.find("math") is None
    ]
    for tag in soup.find_all("script"):
        source = f"{tag.get('src') or ''}{tag.string or ''}".lower()
        if "mathjax" in source or "katex" in source:
            problems.append(f"{name}:{tag.sourceline}: a script sets formulas: use MathML")
    return problems


def basics(soup, name: str) -> list[str]:
    """Check language and title of a page."""
    problems = []
    if not (soup.html and str(soup.html.get("lang", "")).startswith("en")):
        problems.append(f"{name}:1: <html> has no lang: set 'language' in _config.yml")
    if not (soup.title and soup.title.get_text().strip()):
        problems.append(f"{name}:1: the page has no <title>")
    return problems


def same_titles(titles: Mapping[str, str]) -> list[str]:
    """Find pages that share a title."""
    first: dict[str, str] = {}
    problems = []
    for name, title in titles.items():
        if title in first:
            problems.append(f"{name}:1: title '{title}' is that of {first[title]}: rename one")
        first.setdefault(title, name)
    return problems


KINDS = (
    "Bar chart", "Line chart", "Diagram", "Map", "Scatter", "Timeline", "Table", "Dot", "Heat",
    "Area", "Step", "Range", "Small multiples", "Histogram", "Flow", "Drawing", "Waterfall",
    "Strip", "Slope", "Tree", "Stacked", "Grouped", "Curve",
)


def figures(soup, name: str, files: Mapping[str, str]) -> list[str]:
    """Check caption, alternative text and variants of each figure of a page.

    ``files`` maps the path of each SVG in the site to its text.
    """
    problems = []
    for figure in soup.select("article figure"):
        where = f"{name}:{figure.sourceline}: figure '{figure.get('id', '')}'"
        caption = figure.select_one("figcaption .caption-text")
        if caption is None or len(caption.get_text(" ", strip=True)) < 20:
            problems.append(f"{where} needs a caption that states the finding")
        if not str(figure.get("id", "")).startswith("fig-"):
            problems.append(f"{where}: let its name start with 'fig-'")
        images = {mode: figure.select_one(f"img.figure-{mode}") for mode in ("light", "dark")}
        for mode, image in images.items():
            if image is None:
                problems.append(f"{where} has no {mode} variant: make it with figures.show")
                continue
            path = _resolve(name, unquote(image["src"].partition("?")[0]))
            if path not in files:
                problems.append(f"{where}: {path} is not in the site: build it again")
            else:
                problems += svg(files[path], f"{where} ({mode})")
            problems += alternative(image.get("alt"), where)
        if all(images.values()) and images["light"]["src"] == images["dark"]["src"]:
            problems.append(f"{where} is the same file on light and dark pages")
    return list(dict.fromkeys(problems))


def unmentioned(pages: Mapping[str, Any]) -> list[str]:
    """Find numbered figures and tables that no sentence of the book leads to."""
    wanted: dict[tuple[str, str], str] = {}
    linked: set[tuple[str, str]] = set()
    problems = []
    for name, soup in pages.items():
        for label in soup.select("article .caption-number"):
            holder = label.find_parent(["figure", "table"])
            key = str(holder.get("id", ""))
            wanted[name, key] = f"{name}:{holder.sourceline}: '{label.get_text().strip()}' ({key})"
            start = "fig-" if holder.name == "figure" else "tab-"
            if not key.startswith(start):
                problems.append(f"{wanted[name, key]}: let its name start with '{start}'")
        for shown in soup.select("article a.reference.internal .std-numref"):
            link = shown.find_parent("a")
            path, _, anchor = link["href"].partition("#")
            linked.add((_resolve(name, path) if path else name, unquote(anchor)))
    return problems + [
        f"{where} is never mentioned: add {{numref}}`{key}` to the text"
        for (name, key), where in wanted.items() if (name, key) not in linked
    ]


def alternative(alt: str | None, where: str) -> list[str]:
    """Check that an alternative text says kind, data and point."""
    alt = alt or ""
    problems = []
    if len(alt) < 60:
        problems.append(f"{where}: the alternative text has {len(alt)} characters: write 60")
    if not alt.startswith(KINDS):
        problems.append(
            f"{where}: the alternative text begins '{alt[:24]}': begin with the kind of chart, "
            f"such as {', '.join(KINDS[:6])}"
        )
    if re.search(r"\.(svg|png|jpe?g|gif)\b", alt):
        problems.append(f"{where}: the alternative text names a file: say what is seen")
    return problems


def svg(text: str, where: str) -> list[str]:
    """Check that a drawing needs neither a font of the reader's nor another file."""
    problems = []
    if re.search(r"<(?:\w+:)?text[\s>]", text):
        problems.append(f"{where}: text is not turned into outlines: leave svg.fonttype alone")
    for match in re.finditer(r"(?:xlink:)?href\s*=\s*[\"']([^\"'#][^\"']*)", text):
        if not match[1].startswith("data:"):
            problems.append(f"{where}: refers to {match[1]}: draw it inside the figure")
    if re.search(r"<(?:\w+:)?(?:script|foreignObject)\b", text):
        problems.append(f"{where}: holds a script or foreign content: draw with matplotlib alone")
    return problems + foreign_in_css(text, where)
