"""What a page weighs on its way to the reader, and how soon it can be read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

LIGHTHOUSE = "lighthouse@12.2.3"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
VITALS = {"first_paint_ms": "first-contentful-paint", "largest_paint_ms": "largest-contentful-paint",
          "blocking_ms": "total-blocking-time", "layout_shift": "cumulative-layout-shift"}


def visits(browser, address: str, pages: list[str]) -> list[dict[str, object]]:
    """Visit pages one after the other with one browser, as a reader does.

    Parameters
    ----------
    browser : playwright.sync_api.Browser
        A browser that has seen none of them.
    address : str
        Where the site is served.
    pages : list of str
        Paths of pages; the first is the first visit, the others come with a filled store.

    Returns
    -------
    list of dict
        For each page its requests, kilobytes over the wire with and without figures, and the
        hosts it asked beside its own.
    """
    rows = []
    context = browser.new_context(viewport={"width": 1350, "height": 940})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    got: dict[str, list] = {}
    urls: dict[str, str] = {}
    session.on("Network.requestWillBeSent",
               lambda e: urls.__setitem__(e["requestId"], e["request"]["url"]))
    session.on("Network.loadingFinished",
               lambda e: got.setdefault(urls.get(e["requestId"], "?"), [])
               .append(e["encodedDataLength"]))
    for i, name in enumerate(pages):
        got.clear()
        urls.clear()
        page.goto(f"{address}/{name}", wait_until="networkidle")
        wire = {url: sum(sizes) for url, sizes in got.items() if url.startswith("http")}
        figures = sum(n for url, n in wire.items() if "/_images/" in url)
        rows.append({
            "page": name, "visit": "first" if i == 0 else "next",
            "requests": len(wire), "kb": round(sum(wire.values()) / 1000, 1),
            "kb_without_figures": round((sum(wire.values()) - figures) / 1000, 1),
            "other_hosts": len({u.split("/")[2] for u in wire} - {address.split("/")[2]}),
        })
    context.close()
    return rows


def weigh(address: str, pages: list[str]) -> list[dict[str, object]]:
    """Visit pages as :func:`visits` does, with a browser started for it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        rows = visits(browser, address, pages)
        browser.close()
    return rows


def lighthouse(address: str, name: str, folder: Path, phone: bool) -> dict[str, object]:
    """Run Lighthouse on one page.

    Parameters
    ----------
    address, name : str
        Where the site is served, and the page.
    folder : Path
        Where Lighthouse is, or is to be, installed.
    phone : bool
        Whether the reader has a phone.

    Returns
    -------
    dict
        Scores from 0 to 100 and the vital signs.

    Raises
    ------
    SystemExit
        If Lighthouse can neither be found nor installed.
    """
    binary = folder / "node_modules/.bin/lighthouse"
    if not binary.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["npm", "install", "--no-save", "--silent", "--prefix", str(folder),
                               LIGHTHOUSE], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"Lighthouse cannot be installed: {done.stderr[-500:]}")
    command = [str(binary), f"{address}/{name}", "--quiet", "--output=json",
               f"--only-categories={','.join(CATEGORIES)}",
               f"--chrome-flags=--headless {' '.join(FLAGS)}"]
    if not phone:
        command.append("--preset=desktop")
    done = subprocess.run(command, capture_output=True, text=True,
                          env=os.environ | {"CHROME_PATH": CHROMIUM or ""})
    if done.returncode:
        raise SystemExit(f"Lighthouse failed on {name}: {done.stderr[-800:]}")
    report = json.loads(done.stdout)
    row: dict[str, object] = {"page": name, "screen": "phone" if phone else "desktop"}
    for category in CATEGORIES:
        row[category.replace("-", "_")] = round(100 * report["categories"][category]["score"])
    for short, audit in VITALS.items():
        row[short] = round(report["audits"][audit]["numericValue"], 3)
    row["short_of_full_marks"] = "; ".join(sorted(
        key for category in CATEGORIES[1:] for ref in report["categories"][category]["auditRefs"]
        if (key := ref["id"]) and report["audits"][key].get("score") == 0 and ref["weight"]))
    return row
