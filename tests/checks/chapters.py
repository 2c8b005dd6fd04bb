"""What a chapter must have, and in which form."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath

from .reading import Page, read, visible

QUESTIONS = ["What is it about?", "How is it argued?", "Is it true?", "What of it?"]
LEVELS = ("recall", "recompute", "extend")
_ABBREVIATED = re.compile(
    r"(?:\b(?:e\.g|i\.e|vs|cf|al|Dr|Mr|Ms|Mrs|St|No|no|Inc|Co|Ltd|Corp|approx|Fig|Sec|pp?|"
    r"U\.S|a\.m|p\.m)|\b[A-Z])\.$"
)


def structure(text: str, name: str, exercises: bool = True, lab: bool = False) -> list[str]:
    """Check that a chapter puts the four questions in order and has what belongs under each.

    A chapter of the lab judges claims that other chapters own, and says what it does not show
    where the others say what has changed.
    """
    page = read(text)
    problems = []
    wanted = QUESTIONS + ["Test yourself"] + (["Exercises"] if exercises else []) + ["Look back"]
    found = [(x.no, x.text[3:].strip()) for x in page.lines
             if x.kind == "heading" and x.text.startswith("## ")]
    titles = [title for _, title in found]
    if not exercises:
        titles = [title for title in titles if title != "Exercises"]
    if titles != wanted:
        line = next((no for (no, title), want in zip(found, wanted) if title != want),
                    found[-1][0] if found else 1)
        problems.append(f"{name}:{line}: the headings under '##' are {titles}: make them {wanted}")
    if sum(x.kind == "heading" and x.text.startswith("# ") for x in page.lines) != 1:
        problems.append(f"{name}:1: give the chapter exactly one title, with a single '#'")
    head = next((d for d in page.directives if d.name == "chapter-head"), None)
    if head is None or head.h2:
        problems.append(f"{name}:1: put a {{chapter-head}} under the title")
    elif not head.body or head.body[0].startswith("-") or sum(
        line.startswith("- ") for line in head.body
    ) < 2:
        problems.append(f"{name}:{head.line}: chapter-head needs a sentence and at least two aims")
    for wanted_name in ("measured",) if lab else ("ledger", "disagreements"):
        if not any(d.name == wanted_name and d.h2 == "Is it true?" for d in page.directives):
            problems.append(f"{name}:1: put {{{wanted_name}}} under '## Is it true?'")
    return problems + (limits(page, name) if lab else since(page, name))


def limits(page: Page, name: str) -> list[str]:
    """Check that a chapter of the lab says what its measurements do not show."""
    said = [x for x in page.lines if x.kind == "prose" and x.text.strip()
            and x.h2 == "What of it?" and x.h3 == "What this does not show"]
    return [] if len(said) >= 2 else [
        f"{name}:1: say in two sentences or more under '### What this does not show', in "
        "'## What of it?', how far the measurements reach"]


def since(page: Page, name: str) -> list[str]:
    """Check that what changed since the recording is a list of dated or sourced items."""
    lines = [x for x in page.lines if x.h2 == "What of it?" and x.h3 == "Since the recording"]
    if not lines:
        return [f"{name}:1: add '### Since the recording' under '## What of it?'"]
    items: list[tuple[int, str]] = []
    for line in lines:
        if line.text.startswith("- "):
            items.append((line.no, line.text))
        elif items and line.kind == "prose" and line.text.startswith("  "):
            items[-1] = (items[-1][0], items[-1][1] + line.text)
    if not items:
        return [f"{name}:{lines[0].no}: list what changed, one dated item for each"]
    return [f"{name}:{no}: say when or by whom: add {{date}} or {{cite}} to this item"
            for no, item in items if not re.search(r"\{(date|cite(:\w+)?)\}`", item)]


def exercises(text: str, name: str) -> list[str]:
    """Check that there is an exercise on each level, and for each a solution."""
    page = read(text)
    asked = [d for d in page.directives if d.name == "exercise"]
    solved = [d.argument for d in page.directives if d.name == "solution-start"]
    problems = []
    for level in LEVELS:
        if not any(d.options.get("level") == level for d in asked):
            problems.append(f"{name}:1: add an exercise with ':level: {level}'")
    for d in asked:
        if d.h2 != "Exercises":
            problems.append(f"{name}:{d.line}: move the exercise under '## Exercises'")
        if solved.count(d.options.get("name", "")) != 1:
            problems.append(
                f"{name}:{d.line}: give exercise '{d.options.get('name')}' one {{solution-start}}"
            )
    return problems


def figures_drawn(text: str, name: str, least: int) -> list[str]:
    """Check that enough cells of a chapter draw a figure."""
    found = sum(bool(cell.figure) for cell in read(text).cells)
    return [f"{name}:1: {found} figures, at least {least} are wanted"] if found < least else []


def _said(text: str) -> dict[str, int]:
    """Numbers that a page guards: pattern of the name -> line."""
    said: dict[str, int] = {}
    for cell in read(text).cells:
        for node in ast.walk(ast.parse("\n".join(cell.code))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "prose.say" and node.args:
                key = node.args[0]
                parts = key.values if isinstance(key, ast.JoinedStr) else [key]
                pattern = "".join(
                    re.escape(p.value) if isinstance(p, ast.Constant) else r"[\w-]+" for p in parts
                )
                said[pattern] = cell.first + node.lineno - 1
    return said


def guards(text: str, name: str, least: int = 3) -> list[str]:
    """Check that enough numbers of a chapter are guarded."""
    n = len(_said(text))
    return [f"{name}:1: {n} calls of prose.say, at least {least} are wanted"] if n < least else []


def unprinted(text: str, name: str) -> list[str]:
    """Find numbers that are guarded for no sentence, and printed ones that no cell guards."""
    said = _said(text)
    printed: dict[str, int] = {}
    for no, line in enumerate(text.splitlines(), 1):
        for match in re.finditer(r"\{glue:\w*\}`(?:[^`<]*<)?\s*([\w-]+)\s*>?`", line):
            printed.setdefault(match[1], no)
    return [f"{name}:{line}: no sentence prints '{key}': use it, or write an assert"
            for key, line in said.items() if not any(re.fullmatch(key, k) for k in printed)] + [
        f"{name}:{line}: '{key}' is printed without a guard: store it with prose.say"
        for key, line in printed.items() if not any(re.fullmatch(k, key) for k in said)]


def cells(text: str, name: str, most: int = 25, columns: int = 79) -> list[str]:
    """Check that the code that readers see fits the printed page."""
    problems = []
    for cell in read(text).cells:
        if not cell.visible:
            continue
        if len(cell.code) > most:
            problems.append(
                f"{name}:{cell.first}: {len(cell.code)} lines of code: show at most {most}, or "
                "fold cosmetics with the tag hide-input"
            )
        for no, line in enumerate(cell.code, cell.first):
            if len(line) > columns:
                problems.append(f"{name}:{no}: {len(line)} columns: break the line at {columns}")
    return problems


def imports_of_cells(text: str, name: str) -> list[str]:
    """Check that a chapter imports no room it must not know, and opens no file by itself."""
    problems = []
    for cell in read(text).cells:
        for node in ast.walk(ast.parse("\n".join(cell.code))):
            names: list[str] = []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module}.{a.name}" for a in node.names)]
            elif isinstance(node, ast.Import):
                names = [a.name for a in node.names]
            line = cell.first + getattr(node, "lineno", 1) - 1
            for room in ("sphinx_ext", "export", "build", "links"):
                if any(n == f"guide.{room}" or n.startswith(f"guide.{room}.") for n in names):
                    problems.append(f"{name}:{line}: a chapter may not import guide.{room}")
            if isinstance(node, ast.Call) and re.search(
                r"(^|\.)(open|read_csv|read_text|read_json|urlopen)$", ast.unparse(node.func)
            ):
                problems.append(f"{name}:{line}: read tables with guide.data, and nothing else")
    return problems


def figure_calls(text: str, name: str) -> list[str]:
    """Check that each figure is given its alternative text and its source where it is drawn."""
    problems = []
    for cell in read(text).cells:
        for node in ast.walk(ast.parse("\n".join(cell.code))):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "figures.show"):
                continue
            where = f"{name}:{cell.first + node.lineno - 1}"
            given = {k.arg: k.value for k in node.keywords}
            for key, least, what in (("alt", 60, "kind of chart, data and point"),
                                     ("source", 8, "where the numbers come from")):
                value = given.get(key)
                short = isinstance(value, ast.Constant) and len(str(value.value)) < least
                if value is None or short:
                    problems.append(f"{where}: a figure without '{key}': say {what}")
    return problems


def roles(text: str, name: str, printers: Mapping[str, Callable[[str], str]]) -> list[str]:
    """Find roles in sentences that cannot be printed.

    ``printers`` maps each role to what prints it; other roles are Sphinx's to judge.
    """
    shown = "\n".join(x.text if x.kind not in ("cell", "code", "front", "comment") else ""
                      for x in read(text).lines)
    problems = []
    for match in re.finditer(r"\{(%s)\}(`?)([^`]*)(`?)" % "|".join(printers), shown):
        where = f"{name}:{shown[: match.start()].count(chr(10)) + 1}: {{{match[1]}}}"
        if not match[2] or not match[4] or not match[3].strip():
            problems.append(f"{where} has lost a mark or is empty: write {{{match[1]}}}`...`")
            continue
        try:
            printers[match[1]](match[3])
        except (ValueError, LookupError) as error:
            problems.append(f"{where}`{match[3]}`: {error}")
    return problems


def sentences(text: str, name: str) -> list[str]:
    """Find lines that hold more than one sentence; an item of a list may hold two."""
    problems = []
    for line in read(text).lines:
        table = line.text.lstrip().startswith("|") or "list-table" in line.inside
        if line.kind != "prose" or table:
            continue
        shown = visible(re.sub(r"\*\*.+?[.?!]\*\*", "", line.text))
        item = re.match(r"^\s*(?:[-*]|\d+[.)])\s", line.text)
        ends = [
            m for m in re.finditer(r"[.!?][\"”’')\]]*\s+(?=[\"“‘(]?[A-Z])", shown)
            if not _ABBREVIATED.search(shown[: m.start() + 1])
            and not re.fullmatch(r"\s*\d+\.\s+", shown[: m.end()])
        ]
        if len(ends) > (1 if item else 0):
            near = shown[max(0, ends[-1].start() - 20): ends[-1].end() + 12].strip()
            problems.append(f"{name}:{line.no}: more than one sentence ('{near}'): break the line")
    return problems


def words(text: str) -> int:
    """Count the words of a page that a reader reads as prose."""
    return sum(len(visible(line.text).lstrip("# ").split()) for line in read(text).lines
               if line.kind in ("prose", "heading"))


def length(text: str, name: str, low: int = 2000, high: int = 4500) -> list[str]:
    """Check that a chapter is neither a note nor a book."""
    n = words(text)
    return [] if low <= n <= high else [f"{name}:1: {n} words: write {low} to {high}"]


def file_names(names: Iterable[str]) -> list[str]:
    """Check that pages are named by subject, in letters that any system keeps."""
    return [f"{name}:1: name the page by its subject, in small letters, no digit in front"
            for name in names if not re.fullmatch(r"[a-z][a-z0-9-]*", PurePosixPath(name).stem)]


def labels(sources: Mapping[str, str]) -> list[str]:
    """Check the names of figures and tables: their form, that they are unique and mentioned."""
    places: dict[str, str] = {}
    problems = []
    mentioned = set()
    for name, text in sources.items():
        mentioned |= set(re.findall(r"\{numref\}`([^`<]+)`", text))
        mentioned |= set(re.findall(r"\{numref\}`[^`<]*<([^`>]+)>`", text))
        for cell in read(text).cells:
            found = []
            if cell.figure:
                found.append((cell.figure.get("name", ""), cell.line, "fig-"))
            for node in ast.walk(ast.parse("\n".join(cell.code))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "tables.show":
                    given = {k.arg: k.value for k in node.keywords}.get("name")
                    if isinstance(given, ast.Constant):
                        found.append((given.value, cell.first + node.lineno - 1, "tab-"))
            for label, line, start in found:
                where = f"{name}:{line}"
                if not str(label).startswith(start):
                    problems.append(f"{where}: '{label}': let the name start with '{start}'")
                if label in places:
                    problems.append(f"{where}: '{label}' stands at {places[label]} too: rename")
                places[label] = where
    for label, where in places.items():
        if label not in mentioned:
            problems.append(f"{where}: the text never mentions it: add {{numref}}`{label}`")
    return problems
