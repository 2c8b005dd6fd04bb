"""Measure builds and pages, print the numbers and write them to ``bench/*.csv``.

``python -m bench`` measures all; ``python -m bench pages`` or ``builds`` one of the two.
"""

from __future__ import annotations

import csv
import os
import platform
import sys
import tempfile
from pathlib import Path

from . import builds, pages, server

HERE = Path(__file__).parent
SITE = HERE.parent / "_build" / "html"
VISITED = ["book/intro.html", "book/efficiency.html", "book/export-controls.html",
           "book/ledger.html", "book/lab-sums.html"]
SCORED = ["book/intro.html", "book/efficiency.html", "book/export-controls.html",
          "book/ledger.html"]


def write(name: str, rows: list[dict[str, object]]) -> None:
    """Write a table and show it."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with (HERE / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print("  " + ", ".join(f"{k} {v}" for k, v in row.items() if v != ""), flush=True)


def main(wanted: list[str]) -> None:
    """Measure what is asked for."""
    print(f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}")
    if "builds" in wanted:
        with tempfile.TemporaryDirectory() as folder:
            write("builds", builds.measure(Path(folder), lambda t: print(t, flush=True)))
    if "pages" in wanted:
        if not (SITE / "index.html").is_file():
            raise SystemExit("The site is not built: run 'make book' first.")
        if not pages.CHROMIUM:
            raise SystemExit("No Chromium here: install it (Debian: apt-get install chromium).")
        with server.serving(SITE) as address:
            write("weights", pages.weigh(address, VISITED))
            write("scores", [
                pages.lighthouse(address, name, HERE.parent / "_build/bench", phone)
                for name in SCORED for phone in (True, False)])


if __name__ == "__main__":
    main(sys.argv[1:] or ["builds", "pages"])
