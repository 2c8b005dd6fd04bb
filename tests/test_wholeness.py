"""Nothing is lost on the way: pages, settings, letters, fonts, dates, files that were made."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from checks import chapters, found, house, none, paper
from checks import site as check
from checks import tables as rows_of
from matplotlib.ft2font import FT2Font
from planting import WORK

from guide import build, data, export, figures, ledger, values

RECORDED = dt.date(2025, 2, 3)
SOON = export.EDITION + dt.timedelta(days=31)  # an edition is dated before its last checks
#: First and last day that a column may hold; all others lie in living memory or planning
LIMITS = {
    ("claims", "checked_on"): (RECORDED, SOON),
    ("timeline", "date"): (dt.date(1950, 1, 1), SOON),
    ("lab-runs", "measured_on"): (RECORDED, SOON),
    ("prices", "from_date"): (dt.date(2020, 1, 1), SOON),
    ("models", "released"): (dt.date(2017, 6, 12), SOON),
}
EVER = (dt.date(1950, 1, 1), dt.date(2075, 12, 31))
#: Letters that only the fonts inside Typst have, and where they stand
SPARE = {"\u21b7": "the mark of what is overtaken"}


# ------------------------------------------------------------------ pages and settings


def test_contents_name_each_page(root, contents):
    """Each page is in the contents, and each name in the contents is a page."""
    there = {p.stem for p in (root / "book").glob("*.md")}
    planned = {row["id"] for row in data.rows("chapters")}
    listed = [name.removeprefix("book/") for name in contents[1:]]
    none(house.contents_differ([contents[0].removeprefix("book/"), *listed], there, planned))


def test_contents_name_each_page_planted():
    """A page that is gone, one that nobody lists, and one listed twice are seen."""
    none(house.contents_differ(["a", "b"], ["a", "b"], ["a"]))
    found(house.contents_differ(["a", "b"], ["a"], []), "book/b", "restore")
    found(house.contents_differ(["a"], ["a", "b"], []), "book/b.md:1", "list it")
    found(house.contents_differ(["a", "a"], ["a"], []), "'book/a' twice")
    found(house.contents_differ(["a"], ["a"], ["c"]), "'c' is planned")


def test_settings_let_nothing_through(root):
    """The settings that turn a fault into an error stand as they must."""
    none(house.settings_differ(yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))))


def test_settings_let_nothing_through_planted(root):
    """A setting that is turned off, and a warning that is hushed up, are seen."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    config["sphinx"]["config"]["nitpicky"] = False
    config["sphinx"]["config"]["suppress_warnings"].append("ref.doc")
    found(house.settings_differ(config), "nitpicky")
    found(house.settings_differ(config), "'ref.doc'")
    found(house.settings_differ({}), "execute.stderr_output")


def test_imports_are_required(root, code):
    """What the package and the tests import is pinned by a requirement of its own or another's."""
    tests = {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8")
             for p in sorted((root / "tests").rglob("*.py")) if "lab" not in p.parts}
    pinned = [m[1] for name in ("requirements.txt", "constraints.txt")
              for m in re.finditer(r"^([\w.-]+)==", (root / name).read_text(), re.MULTILINE)]
    own = {"guide", *(p.stem for p in (root / "tests").glob("*.py")),
           *(p.parent.name for top in (root, root / "tests") for p in top.glob("*/__init__.py"))}
    none(house.unnamed_imports(code | tests, pinned, own,
                               importlib.metadata.packages_distributions()))


def test_imports_are_required_planted():
    """A package that is only there by chance is seen; one that goes by another name is not."""
    sources = {"a.py": "import re\nimport yaml\nfrom . import b\nfrom guide import data\n"}
    none(house.unnamed_imports(sources, ["PyYAML"], ["guide"], {"yaml": ["PyYAML"]}))
    found(house.unnamed_imports(sources, [], ["guide"], {"yaml": ["PyYAML"]}), "a.py:2", "'yaml'")


# ------------------------------------------------------------------ what a page asks for


def test_roles_can_be_printed(sources):
    """Each role of a sentence names a claim, a date, a value or a time that there is."""
    none(p for name, text in sources.items()
         for p in chapters.roles(text, name, values.PRINTERS))


@pytest.mark.parametrize(
    ("role", "says"),
    [
        ("{claim}`v3-active-parametres`", "did you mean v3-active-parameters"),
        ("{claim}`99 of them <v3-active-parameters>`", "99"),
        ("{claim}`v3-active-parameters", "lost a mark"),
        ("{claim}v3-active-parameters", "lost a mark"),
        ("{datum}`chips/h100-sxm`", "write table/row/column"),
        ("{datum}`chips/h999/tdp_w`", "no row 'h999'"),
        ("{date}`tsmc-lost`", "no row 'tsmc-lost'"),
        ("{t}`27:07`", "no timestamp"),
        ("{t}``", "lost a mark or is empty"),
    ],
)
def test_roles_can_be_printed_planted(role, says):
    """A role that asks for what is not there, and one that lost its mark, are seen."""
    found(chapters.roles(f"# T\n\nA {role}.\n", "a.md", values.PRINTERS), "a.md:3", says)
    none(chapters.roles("# T\n\n{claim}`v3-active-parameters` {cite:p}`x` {t}`0:00:01`\n", "a.md",
                        values.PRINTERS))


def test_figures_are_given_text_and_source(sources):
    """Each cell that draws says what is seen and where the numbers come from."""
    none(p for name, text in sources.items() for p in chapters.figure_calls(text, name))


def test_figures_are_given_text_and_source_planted():
    """A figure without text, and one with a source of a word, are seen with their line."""
    cell = "# T\n\n```{{code-cell}} ipython3\nx = 1\nfigures.show(fig{})\n```\n"
    found(chapters.figure_calls(cell.format(", source='data/chips.csv'"), "a.md"), "a.md:5", "'alt'")
    found(chapters.figure_calls(cell.format(", alt=x, source='me'"), "a.md"), "a.md:5", "'source'")
    none(chapters.figure_calls(cell.format(", alt=x, source=y"), "a.md"))


# ------------------------------------------------------------------ dates


def test_dates_can_be(tables):
    """No event lies in the future, nothing was checked before it was said."""
    problems = []
    for name, rows in tables.items():
        dates = [c for c, f in data.fields(name).items() if f.get("type") == "date"]
        limits = {c: LIMITS.get((name, c), EVER) for c in dates}
        problems += rows_of.dates_beyond(rows, name, limits)
    none(problems)


def test_dates_can_be_planted():
    """A year with two digits exchanged is seen; an empty cell is none."""
    rows = [{"seen": None}, {"seen": dt.date(2052, 2, 3)}]
    found(rows_of.dates_beyond(rows, "chips", {"seen": (RECORDED, SOON)}), "chips.csv:3", "seen 2052")


def test_ranges_are_in_order(tables):
    """The low end of a range is not above its middle, nor the middle above the high end."""
    none(p for name, rows in tables.items() for p in rows_of.ranges_swapped(rows, name))


def test_ranges_are_in_order_planted():
    """Two columns exchanged are seen; a range without a middle, or with an open end, may stand."""
    found(rows_of.ranges_swapped([{"low": 1, "high": 2}, {"low": 2, "high": 1}], "a"),
          "a.csv:3", "low 2 exceeds high 1")
    found(rows_of.ranges_swapped([{"t_low": 1, "t_median": 5, "t_high": 2}], "a"), "a.csv:2")
    none(rows_of.ranges_swapped([{"t_low": 1, "t_median": None, "t_high": 2}, {"t_low": 3}], "a"))


def gaps(outline, start, end):
    """Sections that leave a gap, overlap, or do not end with the episode."""
    problems, at = [], start
    for line, row in enumerate(outline, 2):
        if row["start"] != at:
            problems.append(f"data/outline.csv:{line}: starts at {row['start']}, and the section "
                            f"before ends at {at}: make them meet")
        at = row["end"]
    return problems + ([] if at == end else [
        f"data/outline.csv:{len(outline) + 1}: ends at {at}, and the episode at {end} "
        "(guide.ledger.END): correct one"])


def test_the_outline_covers_the_episode(tables):
    """The sections follow one another from the first topic to the end."""
    none(gaps(tables["outline"], "0:03:33", ledger.END))


def test_the_outline_covers_the_episode_planted():
    """A gap, and an end before the end, are seen."""
    rows = [{"start": "0:00:00", "end": "0:01:00"}, {"start": "0:02:00", "end": "0:03:00"}]
    found(gaps(rows, "0:00:00", "0:03:00"), "outline.csv:3", "0:02:00")
    found(gaps(rows[:1], "0:00:00", "0:03:00"), "ends at 0:01:00")


def off_reference(rows):
    """Checks of the lab that a measurement did not pass."""
    return [f"data/lab/checks.csv:{line}: {row['run']}, {row['check']}: deviates by "
            f"{row['deviation']:g}, at most {row['most']:g} is allowed: measure again"
            for line, row in enumerate(rows, 2) if not row["deviation"] <= row["most"]]


def test_measurements_passed_their_checks(tables):
    """What was measured agreed with its reference when it was measured."""
    none(off_reference(tables["lab-checks"]))
    found(off_reference([{"run": "a", "check": "b", "deviation": 2.0, "most": 1.0}]),
          "checks.csv:2", "measure again")


# ------------------------------------------------------------------ letters and fonts


def drawable():
    """Codes of the letters that the shipped fonts can draw."""
    return set().union(*(FT2Font(str(p)).get_charmap() for p in figures.FONTS.glob("*.ttf")))


def test_each_letter_has_its_glyph(root, sources, tables):
    """A name that no font can write would be a row of boxes."""
    texts = dict(sources) | {
        f"data/{data.resource(n)['path']}": (data.ROOT / data.resource(n)["path"]).read_text("utf-8")
        for n in tables} | {"book/references.bib": (root / "book/references.bib").read_text("utf-8")}
    none(paper.glyphs_missing(texts, drawable() | {ord(letter) for letter in SPARE}))


def test_each_letter_has_its_glyph_planted():
    """A letter that no font has is seen with its line; those of European names are drawn."""
    found(paper.glyphs_missing({"a.md": "one\n\u5317\u4eac"}, drawable()), "a.md:2", "U+5317")
    none(paper.glyphs_missing({"a.md": "T\u00fclu, S\u00e3o, \u2260, \u2013"}, drawable()))


#: Weights and slants that the pages on paper and the drawings ask for
FACES = {
    "SourceSans3": {"Regular", "It", "Semibold"},
    "SourceSerif4": {"Regular", "It", "Semibold", "SemiboldIt"},
    "SourceCodePro": {"Regular", "Semibold"},
}


def lost_faces(there):
    """Fonts that the book is set in and that are not shipped."""
    wanted = {f"{family}-{face}.ttf" for family, faces in FACES.items() for face in faces}
    return [f"book/guide/fonts/{name}: is missing: restore it, or the book is set in another font"
            for name in sorted(wanted - set(there))]


def test_fonts_are_shipped():
    """Each face that the book is set in lies beside the code."""
    none(lost_faces(p.name for p in figures.FONTS.glob("*.ttf")))
    found(lost_faces(["SourceSans3-It.ttf"]), "SourceSans3-Regular.ttf", "restore")


def test_style_sheets_find_their_files(site, files):
    """Each font and image that a style sheet names is in the site."""
    none(p for name in files if name.endswith(".css")
         for p in check.files_of_css((site / name).read_text("utf-8"), name, files)
         if "vendor/fontawesome" not in p)  # left out by guide.sphinx_ext.scripts: no page uses it


def test_style_sheets_find_their_files_planted():
    """A font that is not there is seen with its line."""
    css = "a {}\n@font-face { src: url('fonts/a.woff2'); }\nb { background: url(data:x) }"
    found(check.files_of_css(css, "_static/a.css", ["_static/a.css"]), "_static/a.css:2", "a.woff2")
    none(check.files_of_css(css, "_static/a.css", ["_static/fonts/a.woff2"]))


# ------------------------------------------------------------------ what was made


def made():
    """The files that were built to be handed on, beside the site."""
    return sorted(p for p in build.BUILD.glob("*/*") if p.suffix in (".pdf", ".apkg", ".epub", ".zip")
                  and p.parent.name not in WORK)


def test_what_was_made_is_whole(root):
    """No file that readers take away is cut off."""
    none(f"{target.relative_to(root)}: is missing: run 'make book'"
         for _, _, target in build.PARTS.values() if target.parent.name not in WORK and not target.is_file())
    none(p for path in made()
         for p in paper.cut_off(path.read_bytes(), path.relative_to(root).as_posix()))


def test_what_was_made_is_whole_planted():
    """Half a file is seen."""
    none(paper.cut_off(b"%PDF-1.7 ... %%EOF\n", "a.pdf"))
    found(paper.cut_off(b"%PDF-1.7 ...", "a.pdf"), "a.pdf: is cut off")
    found(paper.cut_off(b"PK\x03\x04...", "a.apkg"), "a.apkg: is cut off")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ties processes")
def test_processes_are_tied(tmp_path):
    """What the build starts, and what that forks, ends with the one that started it."""
    code = """
import os, subprocess, sys, time
from guide import nursery
process, path = nursery.start()
while not os.path.exists(path): time.sleep(0.05)
nursery.tie_to_parent()
child = os.fork()
if child == 0: time.sleep(60); os._exit(0)
print(process.pid, child, process.stdin.fileno(), flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                              env=os.environ | {"PYTHONPATH": str(build.ROOT / "book"), "TMPDIR": str(tmp_path)})
    *pids, line = map(int, parent.stdout.readline().split())
    # somebody else holds the line by which the nursery learns of the end, as a worker may
    held = os.open(f"/proc/{parent.pid}/fd/{line}", os.O_WRONLY)
    parent.kill()
    parent.wait()
    end = time.monotonic() + 10
    while time.monotonic() < end and any(map(alive, pids)):
        time.sleep(0.1)
    left = [pid for pid in pids if alive(pid)]
    os.close(held)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left, "book/guide/nursery.py: a process outlives its parent: call tie_to_parent"


def alive(pid):
    """Whether a process still runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(os.name != "posix", reason="only POSIX reads chapters side by side")
def test_the_same_code_on_several_pages_is_kept_once(tmp_path):
    """Pages with the same code, read side by side, find the chapter whole or not at all."""
    from guide.sphinx_ext.execution import OneAtATime

    _run(tmp_path, 0)
    cache = OneAtATime(tmp_path / "cache")
    cache.clear_cache()  # and begin again, all at once
    assert not cache.list_cache_records() and (tmp_path / "cache").is_dir()
    with multiprocessing.get_context("fork").Pool(4) as pool:
        for job in [pool.apply_async(_run, (tmp_path, i)) for i in range(4)]:
            job.get(60)


def _run(folder, number):
    """Keep and find the same code many times, as a reading process does."""
    import nbformat
    from jupyter_cache.base import CacheBundleIn

    from guide.sphinx_ext.execution import OneAtATime

    cache = OneAtATime(folder / "cache")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    for _ in range(15):
        record = cache.cache_notebook_bundle(CacheBundleIn(book, f"page{number}"),
                                             check_validity=False, overwrite=True)
        pk, merged = cache.merge_match_into_notebook(book)
        assert pk == record.pk and merged.cells[0].source == "1 + 1"
