"""What holds for the downloads: texts, notebooks, archives, and the page that offers them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .paper import squeeze

_ROLE = re.compile(r"\{[a-z][\w:-]*\}`|^\s*(?:`{3,}|:{3,})\{", re.MULTILINE)
_HTML = re.compile(r"<(?!https?:|mailto:)[a-zA-Z/][^>\n]*>")
_BOLD = re.compile(r"(?<!\\)\*\*((?:[^*\n]|\*(?!\*))+)\*\*")
_BROKEN = re.compile(r"QQ[A-Z]+QQ|at 0x[0-9a-f]{6,}")


def markdown(text: str, name: str) -> list[str]:
    """Find roles, directives, HTML and broken stress in Markdown, code aside."""
    problems = []
    bare = re.sub(r"^```.*?^```", lambda m: "\n" * m[0].count("\n"), text,
                  flags=re.MULTILINE | re.DOTALL)
    for what, pattern, source in (("a role or directive", _ROLE, bare), ("HTML", _HTML, bare),
                                  ("a broken mark", _BROKEN, bare)):
        source = re.sub(r"(`+)(?!`).*?\1", "", source) if what == "HTML" else source
        for match in pattern.finditer(source):
            line = source[: match.start()].count("\n") + 1
            problems.append(f"{name}:{line}: {what} is left: '{match[0][:40].strip()}'")
    problems += [f"{name}:{bare[: m.start()].count(chr(10)) + 1}: a broken mark is left: '{m[0]}'"
                 for m in _BOLD.finditer(bare) if m[1] != m[1].strip()]
    return problems


def missing(wanted: Iterable[str], text: str, name: str) -> list[str]:
    """Find what should stand in a text and does not; marks of Markdown aside."""
    have = squeeze(re.sub(r"[\\*_`\[\]#|]", "", text))
    return [f"{name}: '{item}' is missing: look at guide.markdown" for item in wanted
            if squeeze(re.sub(r"[\\*_`\[\]#|]", "", item)) not in have]


def llms(text: str, pages: Iterable[str], files: Iterable[str]) -> list[str]:
    """Check ``llms.txt``: title, summary, sections of links with a line each; none dead or lost."""
    lines, problems, files = text.splitlines(), [], set(files)
    if not re.match(r"# \S", lines[0] if lines else ""):
        problems.append("llms.txt:1: must begin with the title, '# ...'")
    if not any(line.startswith("> ") for line in lines[:5]):
        problems.append("llms.txt:3: no summary, '> ...'")
    seen = set()
    for no, line in enumerate(lines, 1):
        if not line.startswith("- "):
            continue
        match = re.match(r"- \[[^\]]+\]\(([^)]+)\): \S.{9,}", line)
        if not match:
            problems.append(f"llms.txt:{no}: must be '- [title](link): what it is'")
            continue
        seen.add(match[1])
        if match[1] not in files:
            problems.append(f"llms.txt:{no}: '{match[1]}' is not in the site")
    return problems + [f"llms.txt: {page} is not listed" for page in pages
                       if f"{page}.md" not in seen]


def notebook(made: Mapping[str, Any], code: Sequence[str], name: str) -> list[str]:
    """Check a notebook: code as in the chapter, words without roles, no outputs, little metadata."""
    problems = []
    cells = made["cells"]
    have = ["".join(c["source"]).strip() for c in cells if c["cell_type"] == "code"]
    if have != [text.strip() for text in code]:
        at = next((i for i, (a, b) in enumerate(zip(have, code)) if a != b.strip()),
                  min(len(have), len(code)))
        problems.append(f"{name}: its {len(have)} cells are not the {len(code)} of the chapter, "
                        f"from cell {at + 1} on")
    for no, cell in enumerate(cells, 1):
        if cell["cell_type"] == "markdown":
            problems += markdown("".join(cell["source"]), f"{name}, cell {no}")
        elif cell["outputs"] or cell["execution_count"] is not None:
            problems.append(f"{name}, cell {no}: holds outputs")
        if set(cell["metadata"]) - {"jupyter"}:
            problems.append(f"{name}, cell {no}: metadata {sorted(cell['metadata'])}")
    if set(made["metadata"]) - {"kernelspec", "language_info"}:
        problems.append(f"{name}: metadata {sorted(made['metadata'])}")
    return problems


def offered(soup, site: Path, names: Iterable[str], size) -> list[str]:
    """Check that a page offers each file with a link that works and its size."""
    problems = []
    for name in names:
        links = [a for a in soup.find_all("a") if a.get("href") == f"../{name}"]
        if not links:
            problems.append(f"downloads.html: does not offer {name}: add {{offer}}`{name}`")
            continue
        path = site / name
        if not path.is_file():
            problems.append(f"downloads.html: {name} is not in the site: run 'make book'")
        elif f" ({size(path.stat().st_size)})" not in str(links[0].next_sibling):
            problems.append(f"downloads.html: the size of {name} is not {size(path.stat().st_size)}")
    return problems


def citation(cff: Mapping[str, Any], title: str, author: str, date: str) -> list[str]:
    """Check a citation file against the schema's rules (version 1.2.0) and against the book."""
    problems = [f"CITATION.cff: no '{key}', which the schema asks for"
                for key in ("cff-version", "message", "title", "authors") if not cff.get(key)]
    if cff.get("cff-version") != "1.2.0":
        problems.append("CITATION.cff: cff-version must be 1.2.0")
    if cff.get("type", "software") not in ("software", "dataset"):
        problems.append("CITATION.cff: type must be software or dataset")
    if title not in str(cff.get("title")):
        problems.append(f"CITATION.cff: the title is not '{title}'")
    if [a.get("name") for a in cff.get("authors") or ()] != [author]:
        problems.append(f"CITATION.cff: the author is not the entity '{author}'")
    if cff.get("date-released") != date:
        problems.append(f"CITATION.cff: date-released is not {date}, the date of the edition")
    licences = cff.get("license")
    if set([licences] if isinstance(licences, str) else licences or ()) != {"CC-BY-4.0", "MIT"}:
        problems.append("CITATION.cff: the licences are CC-BY-4.0 and MIT")
    return problems


def pins(text: str) -> dict[str, str]:
    """Versions that a list of requirements fixes."""
    return dict(re.findall(r"^([A-Za-z][\w.-]*)==([^\s#]+)", text, re.MULTILINE))
