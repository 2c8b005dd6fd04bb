"""Whether the addresses that the book cites are still there: ``python -m guide.links``.

It runs when somebody asks for it, never in a build or a test. It asks politely: one request at a
time to a host, with a pause between them, and reads no more of a page than it must.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from . import data

ROOT = data.ROOT.parent
#: What became of an address
STATUSES = ("works", "moved", "refused", "gone", "unreachable", "unchecked")
_URL = re.compile(r"https?://[^\s<>\"`{}|\\^\[\]]+")
_AGENT = "Mozilla/5.0 (compatible; link check of a study guide)"
_READ = 2048  # bytes of a page that are read at most


@dataclass(frozen=True)
class Link:
    """One address, where it is cited, and what became of it."""

    url: str
    cited_in: str
    status: str = "unchecked"
    code: int | None = None
    moved_to: str | None = None
    checked_on: dt.date | None = None


def addresses(root: Path = ROOT) -> dict[str, str]:
    """Gather the addresses of the bibliography, the tables and the pages.

    Returns
    -------
    dict
        Address -> the files that cite it, separated by ``;``.
    """
    files = [root / "book/references.bib", *sorted((root / "book").glob("*.md")),
             *sorted((root / "data").rglob("*.csv"))]
    own = root / "data" / "links_checked.csv"
    found: dict[str, list[str]] = {}
    for path in files:
        if path == own or not path.is_file():
            continue
        name = path.relative_to(root).as_posix()
        for match in _URL.finditer(path.read_text(encoding="utf-8")):
            url = clean(match[0])
            if name not in found.setdefault(url, []):
                found[url].append(name)
    return {url: ";".join(found[url]) for url in sorted(found)}


def clean(url: str) -> str:
    """Take off what follows an address in a sentence: a full stop, a bracket that was not opened.

    Examples
    --------
    >>> clean("https://a.org/b_(c)).")
    'https://a.org/b_(c)'
    """
    while url and (url[-1] in ".,;:!?*'" or url[-1] == ")" and url.count(")") > url.count("(")):
        url = url[:-1]
    return url


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows redirections and remembers the last address."""

    def redirect_request(self, request, file, code, message, headers, new):
        """Go on, unless the address is not of the web."""
        if urlsplit(new).scheme not in ("http", "https"):
            raise urllib.error.HTTPError(request.full_url, code, "leaves the web", headers, file)
        return super().redirect_request(request, file, code, message, headers, new)


def ask(url: str, timeout_s: float = 20.0) -> tuple[str, int | None, str | None]:
    """Ask for one address.

    Parameters
    ----------
    url : str
        The address.
    timeout_s : float
        How long to wait for an answer, in seconds.

    Returns
    -------
    tuple
        One of :data:`STATUSES`, the code of the answer, and where the page has moved to.
    """
    opener = urllib.request.build_opener(_Stay)
    for method in ("HEAD", "GET"):  # some hosts know no HEAD
        try:
            request = urllib.request.Request(url, method=method, headers={"User-Agent": _AGENT})
            with opener.open(request, timeout=timeout_s) as answer:
                if method == "GET":
                    answer.read(_READ)
                end = answer.url
                moved = end.split("#")[0].rstrip("/") != url.split("#")[0].rstrip("/")
                return ("moved" if moved else "works"), answer.status, end if moved else None
        except urllib.error.HTTPError as error:
            if method == "HEAD" and error.code in (400, 403, 404, 405, 406, 429, 500, 501, 503):
                continue
            return ("gone" if error.code in (404, 410) else "refused"), error.code, None
        except (OSError, HTTPException, ValueError):
            return "unreachable", None, None
    return "unreachable", None, None


def check(links: Iterable[Link], *, pause_s: float = 1.0, hosts: int = 8, day: dt.date | None = None,
          ask: Callable[[str], tuple[str, int | None, str | None]] = ask,
          tell: Callable[[str], None] = print) -> list[Link]:
    """Ask for all addresses: hosts side by side, the pages of a host one by one.

    Parameters
    ----------
    links : iterable of Link
        What to ask for.
    pause_s : float
        Seconds between two requests to the same host.
    hosts : int
        How many hosts are asked at a time.
    day : datetime.date, optional
        The day to write down; today otherwise.
    ask, tell : callable
        How to ask for an address, and what to do with a line for the reader.

    Returns
    -------
    list of Link
        The same in the same order, each with what became of it.
    """
    links, day = list(links), day or dt.date.today()
    by_host: dict[str, list[Link]] = {}
    for link in links:
        by_host.setdefault(urlsplit(link.url).netloc.lower(), []).append(link)
    done: dict[str, Link] = {}

    def visit(mine: list[Link]) -> None:
        silent = 0
        for number, link in enumerate(mine):
            if silent >= 3:  # nobody there: spare both sides the rest
                done[link.url] = Link(link.url, link.cited_in, "unreachable", None, None, day)
                continue
            if number:
                time.sleep(pause_s)
            status, code, to = ask(link.url)
            silent = silent + 1 if status == "unreachable" else 0
            done[link.url] = Link(link.url, link.cited_in, status, code, to, day)
            if status not in ("works", "moved"):
                tell(f"{status:11} {code or '':>4} {link.url}  ({link.cited_in})")

    with ThreadPoolExecutor(max_workers=hosts) as pool:
        list(pool.map(visit, by_host.values()))
    return [done[link.url] for link in links]


def known() -> dict[str, Link]:
    """What was found when the addresses were last asked for."""
    return {row["url"]: Link(**row) for row in data.rows("links-checked")}


def write(links: Iterable[Link], path: Path) -> None:
    """Write the table; the old one is replaced only by a whole one."""
    half = path.with_suffix(".part")
    with half.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Link)], lineterminator="\n")
        writer.writeheader()
        for link in links:
            writer.writerow({k: "" if v is None else v for k, v in asdict(link).items()})
    os.replace(half, path)


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="guide.links", description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="only addresses that contain this")
    parser.add_argument("--list", action="store_true", help="write the table anew and ask nobody")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between requests to a host")
    given = parser.parse_args(arguments)
    before = known() if (data.ROOT / "links_checked.csv").is_file() else {}
    links = [Link(**asdict(before.get(url, Link(url, where))) | {"cited_in": where})
             for url, where in addresses().items()]
    if not given.list:
        chosen = [link for link in links if given.only in link.url]
        print(f"Asking for {len(chosen)} addresses; this takes a while, and Ctrl+C loses it.")
        new = {link.url: link for link in check(chosen, pause_s=given.pause)}
        if new and all(link.status == "unreachable" for link in new.values()):
            raise SystemExit("No host answers: is there a network? The table is as it was.")
        links = [new.get(link.url, link) for link in links]
    write(links, data.ROOT / "links_checked.csv")
    counts = {s: sum(link.status == s for link in links) for s in STATUSES}
    print("data/links_checked.csv: " + ", ".join(f"{n} {s}" for s, n in counts.items() if n))


if __name__ == "__main__":
    main()
