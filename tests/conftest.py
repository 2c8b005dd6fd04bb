"""Where things are, and the built book read once for all tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup
from checks.site import parsed
from hypothesis import settings
from pybtex.database import Entry, parse_file
from pypdf import PdfReader
from pypdfium2 import PdfDocument

from guide import build, data, ledger

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"

# the same examples each time: a test that passed passes again
settings.register_profile("book", derandomize=True, database=None, deadline=None,
                          max_examples=60)
settings.load_profile("book")


@dataclass(frozen=True)
class Pdf:
    """The printed book: its reader, and the text of each page, read when it is asked for."""

    reader: PdfReader
    raw: bytes

    @cached_property
    def texts(self) -> list[str]:
        """Text of each page."""
        # an order of magnitude quicker than the reader's own
        return [page.get_textpage().get_text_range().replace("\r\n", "\n")
                for page in PdfDocument(self.raw)]

    @property
    def text(self) -> str:
        """Text of all pages."""
        return "\n".join(self.texts)


@pytest.fixture(scope="session")
def root() -> Path:
    """Folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def contents() -> list[str]:
    """Pages of the book in their order, such as ``book/models``."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))

    def walk(entry):
        if "file" in entry:
            yield entry["file"]
        for part in (*entry.get("parts", ()), *entry.get("chapters", ()),
                     *entry.get("sections", ())):
            yield from walk(part)

    return [toc["root"], *walk(toc)]


@pytest.fixture(scope="session")
def sources(contents) -> dict[str, str]:
    """Text of each page of the contents, by its path."""
    return {f"{name}.md": (ROOT / f"{name}.md").read_text(encoding="utf-8") for name in contents}


@pytest.fixture(scope="session")
def chapters(sources) -> dict[str, str]:
    """Text of each chapter that puts the four questions, by its path."""
    known = {row["id"] for row in data.rows("chapters")} - {"intro"}
    return {name: text for name, text in sources.items() if Path(name).stem in known}


@pytest.fixture(scope="session")
def code() -> dict[str, str]:
    """Text of each module of the package, by its path."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted((BOOK / "guide").rglob("*.py"))
    }


@pytest.fixture(scope="session")
def claims() -> list[ledger.Claim]:
    """The ledger in the order of its file."""
    return list(ledger.claims().values())


@pytest.fixture(scope="session")
def tables() -> dict[str, tuple[dict, ...]]:
    """All tables by name."""
    return {entry["name"]: data.rows(entry["name"]) for entry in data.package()["resources"]}


def named(entry: Entry) -> str:
    """Who wrote a source, as a sentence names them: one, two, or the first and others."""
    people = [" ".join([*one.prelast_names, *one.last_names])
              for one in entry.persons.get("author") or entry.persons.get("editor") or []]
    return f"{people[0]} and others" if len(people) > 2 else " and ".join(people)


@pytest.fixture(scope="session")
def entries() -> dict[str, dict[str, str]]:
    """The bibliography: fields by key, with the line of the entry and the names of its people."""
    path = BOOK / "references.bib"
    lines = {m[1]: no for no, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
             if (m := re.match(r"@\w+\{([^,]+),", text))}
    return {
        key: {k.lower(): v for k, v in entry.fields.items()}
        | {"line": str(lines[key]), "people": "; ".join(entry.persons), "named": named(entry)}
        for key, entry in parse_file(str(path)).entries.items()
    }


@pytest.fixture(scope="session")
def site() -> Path:
    """Folder of the built site."""
    if not (build.HTML / "index.html").is_file():
        pytest.fail("the site is not built: run 'make book' first", pytrace=False)
    return build.HTML


@pytest.fixture(scope="session")
def files(site) -> list[str]:
    """Paths of all files of the site."""
    return sorted(p.relative_to(site).as_posix() for p in site.rglob("*") if p.is_file())


@pytest.fixture(scope="session")
def html(site, files) -> dict[str, str]:
    """Text of each built page, by its path in the site; what the theme keeps as parts is none."""
    return {
        name: (site / name).read_text(encoding="utf-8")
        for name in files
        if name.endswith(".html") and not name.startswith("_static/")
    }


@pytest.fixture(scope="session")
def pages(html) -> dict[str, BeautifulSoup]:
    """Each built page, read."""
    return {name: parsed(text) for name, text in html.items()}


@pytest.fixture(scope="session")
def own(pages, contents) -> dict[str, BeautifulSoup]:
    """The built pages that stand in the contents, without search and index."""
    return {f"{name}.html": pages[f"{name}.html"] for name in contents if f"{name}.html" in pages}


@pytest.fixture(scope="session")
def titles(own):
    """Titles of the pages in their order, without the number and the mark for the link."""
    out = []
    for page in own.values():
        title = page.select_one(".landing-title") or page.find("h1")
        parts = [s for s in title.strings if s.parent.get("class") in (None, [])]
        out.append("".join(parts).strip())
    return out


@pytest.fixture(scope="session")
def numbered(own):
    """Each figure and table of the site: number and the start of its caption."""
    out = []
    for page in own.values():
        for label in page.select(".caption-number"):
            caption = label.find_next_sibling(class_="caption-text")
            out.append(f"{label.get_text().strip()}. {caption.get_text().strip()[:24]}")
    return out


@pytest.fixture(scope="session")
def drawings(site, files) -> dict[str, str]:
    """Text of each SVG among the images of the site, by its path."""
    return {
        name: (site / name).read_text(encoding="utf-8")
        for name in files
        if name.startswith("_images/") and name.endswith(".svg")
    }


@pytest.fixture(scope="session")
def pdf() -> Pdf:
    """The printed book."""
    if not build.PDF.is_file():
        pytest.fail("the PDF is not built: run 'make book' first", pytrace=False)
    return Pdf(PdfReader(build.PDF), build.PDF.read_bytes())


#: A browser that asks nobody for updates and leaves nothing behind.
BROWSER_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)


@pytest.fixture(scope="session")
def browser():
    """A browser without a window; where there is none the tests skip, but under CI they fail."""
    wanted = ("install Playwright ('pip install playwright==1.65.2') and Chromium "
              "('apt-get install chromium', or 'playwright install chromium')")
    missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        missing(f"no Playwright: {wanted}")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as driver:
        try:
            found = driver.chromium.launch(
                executable_path=path, args=list(BROWSER_FLAGS))
        except Error as error:
            missing(f"no browser starts ({str(error).splitlines()[0]}): {wanted}")
        yield found
        found.close()


@pytest.fixture(scope="session")
def tracked() -> list[str]:
    """Paths of the files under version control."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a clone: there is no version control to look at")
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]
