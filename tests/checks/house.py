"""What holds for the code, the commands and the files under version control."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping

#: A path that exists on one machine only
MACHINE = re.compile(r"(?<![\w.~$}>)\-])/(?:work|root|home|Users|tmp/bash\w*)/[\w.-]+")
_HOSTS = re.compile(
    r"(?:files\.python" r"hosted\.org|pypi\.org/simple|test\.pypi\.org|registry\.npm" r"js\.org|"
    r"conda\.ana" r"conda\.org|--(?:extra-)?index" r"-url|trusted" r"-host)"
)


def machine_paths(text: str, name: str) -> list[str]:
    """Find paths of one machine and hosts of package registries in a file."""
    problems = []
    for no, line in enumerate(text.splitlines(), 1):
        for pattern, remedy in ((MACHINE, "write a path from the root of the project"),
                                (_HOSTS, "leave the choice of a registry to the reader's pip")):
            for match in pattern.finditer(line):
                problems.append(f"{name}:{no}: '{match[0]}': {remedy}")
    return problems


#: room -> other rooms of guide that it may import
ROOMS: dict[str, set[str]] = {
    "data": set(),
    "quantity": set(),
    "transformer": set(),
    "economics": set(),
    "reliability": set(),
    "chips": set(),
    "power": set(),
    "drawings": set(),
    "figures": {"drawings"},
    "tables": set(),
    "interactive": {"drawings", "figures", "quantity"},
    "explorers": {
        "data", "quantity", "interactive", "transformer", "economics", "reliability", "chips",
        "power",
    },
    "prose": {"quantity"},
    "ledger": {"data", "quantity"},
    "pandoc": set(),
    "stylesheet": set(),
    "values": {"data", "ledger", "quantity"},
    "cards": {"data", "ledger", "quantity", "values"},
    "nursery": {"data", "ledger"},
    "links": {"data"},
    "export": {"pandoc"},
    "sphinx_ext": {"cards", "data", "drawings", "explorers", "interactive", "ledger", "nursery",
                   "pandoc", "quantity", "sphinx_ext", "stylesheet", "values"},
    "epub": {"downloads", "export", "pandoc"},
    "markdown": {"export", "pandoc"},
    "notebooks": {"markdown", "pandoc"},
    "downloads": {"data", "markdown", "notebooks"},
    "build": {"cards", "data", "ledger", "export", "epub", "downloads", "nursery"},
}
_PURE = {"transformer", "economics", "reliability", "chips", "power", "quantity"}
_DRAWS = {"matplotlib", "seaborn", "plotly"}


def imports(source: str) -> list[tuple[int, str]]:
    """Names that a module imports; relative ones start with a dot for each level."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            dots = "." * node.level
            if node.module and node.module != "guide":
                found.append((node.lineno, dots + node.module))
            else:  # from . import data, from guide import data
                start = f"{node.module}." if node.module else dots
                found += [(node.lineno, start + alias.name) for alias in node.names]
    return found


def rooms(source: str, room: str, name: str) -> list[str]:
    """Find imports of a room of guide that its place in the design forbids.

    ``room`` is the name of a module, or ``sphinx_ext`` for those of that folder.
    """
    problems = []
    inside = room == "sphinx_ext"
    for line, target in imports(source):
        where = f"{name}:{line}: {room} imports {target}"
        top = target.lstrip(".").split(".")[0]
        own = None
        if target.startswith("guide."):
            own = target.split(".")[1]
        elif target.startswith("..") and inside:
            own = top
        elif target.startswith(".") and not inside:
            own = top
        if own is not None:
            allowed = ROOMS.get(room, set())
            if own not in allowed:
                problems.append(f"{where}: it may know {sorted(allowed) or 'no other room'}")
        elif not target.startswith("."):
            if top in ("sphinx", "docutils") and not inside:
                problems.append(f"{where}: only sphinx_ext may")
            if top in _DRAWS and room in {"data", "drawings", "ledger"} | _PURE:
                problems.append(f"{where}: what reads or counts does not draw")
            if room in _PURE and top in {"pathlib", "io", "csv", "os", "yaml", "pandas"}:
                problems.append(f"{where}: arithmetic reads no files")
    if not inside and room not in ROOMS:
        problems.append(f"{name}:1: the design does not know the room '{room}': add it to ROOMS")
    return problems


def undocumented(source: str, name: str, methods: bool = True) -> list[str]:
    """Find public functions and classes, and optionally methods, without a docstring."""
    problems = []
    for node in ast.parse(source).body:
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or node.name.startswith("_"):
            continue
        members = [node]
        if methods and isinstance(node, ast.ClassDef):
            members += [m for m in node.body if isinstance(m, ast.FunctionDef)]
        for member in members:
            if not member.name.startswith("_") and not ast.get_docstring(member):
                problems.append(
                    f"{name}:{member.lineno}: '{member.name}' has no docstring: say what it does")
    return problems


def generated(tracked: Iterable[str]) -> list[str]:
    """Find files under version control that are made from others; the theme's templates are not."""
    made = re.compile(
        r"(^|/)(_build|__pycache__|\.venv|\.ipynb_checkpoints|\.jupyter_cache|\.pytest_cache|"
        r"\.hypothesis)(/|$)|\.(ipynb|pyc|pdf|epub|html|log)$"
    )
    return [f"{name}:1: is made from other files: 'git rm --cached' it and ignore it"
            for name in tracked
            if made.search(name) and not re.fullmatch(r"book/_templates/[\w/-]+\.html", name)]


def commands(readme: str, makefile: str) -> list[str]:
    """Compare the commands that the README names with those that the Makefile has."""
    named: dict[str, int] = {}
    for no, line in enumerate(_code_of(readme).splitlines(), 1):
        for key in re.findall(r"\bmake ([a-z][\w-]*)\b", line):
            named.setdefault(key, no)
    have = {m[1]: makefile[: m.start()].count("\n") + 1
            for m in re.finditer(r"^([a-z][\w-]*):(?!=)", makefile, re.MULTILINE)}
    return [f"README.md:{line}: 'make {key}' is no target of the Makefile: correct it"
            for key, line in named.items() if key not in have] + [
        f"Makefile:{line}: the README does not tell of 'make {key}': add it"
        for key, line in have.items() if key not in named]


def _code_of(markdown: str) -> str:
    """Blank out of a Markdown text all that is not code, keeping the lines."""
    out, fenced = [], False
    for line in markdown.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
            out.append("")
        elif fenced or line.startswith("    "):
            out.append(line.partition("#")[0])
        else:
            out.append(" ; ".join(re.findall(r"`([^`]+)`", line)))
    return "\n".join(out)


def help_lists(shown: str, makefile: str) -> list[str]:
    """Find targets of the Makefile that ``make help`` does not explain."""
    targets = re.findall(r"^([a-z][\w-]*):(?!=)", makefile, re.MULTILINE)
    return [f"Makefile:1: 'make help' does not explain '{t}': add '## ...' behind the target"
            for t in targets if not re.search(rf"^\s*make {t}\s+\S", shown, re.MULTILINE)]


def contents_differ(listed: Iterable[str], there: Iterable[str], planned: Iterable[str]) -> list[str]:
    """Compare the contents with the pages that there are and the chapters that are planned.

    Names are those of pages, such as ``models``.
    """
    listed, there, planned = list(listed), set(there), set(planned)
    return [f"_toc.yml:1: names 'book/{n}', which is not there: restore book/{n}.md, or take it out"
            for n in listed if n not in there] + [
        f"book/{n}.md:1: stands in no contents: list it in _toc.yml, or delete it"
        for n in sorted(there - set(listed))] + [
        f"_toc.yml:1: names 'book/{n}' twice: keep one"
        for n in sorted({n for n in listed if listed.count(n) > 1})] + [
        f"data/chapters.csv:1: '{n}' is planned and not in _toc.yml: list it, or take the row out"
        for n in sorted(planned - set(listed))]


#: Settings without which a fault would go into print unseen: where, and what must stand
HONEST: tuple[tuple[str, tuple[str, ...], object], ...] = (
    ("an unresolved reference is an error", ("sphinx", "config", "nitpicky"), True),
    ("a warning of a cell is an error", ("execute", "stderr_output"), "error"),
    ("_toc.yml decides what is in the book", ("only_build_toc_files",), True),
    ("a page carries no date of its making", ("sphinx", "config", "html_last_updated_fmt"), None),
    ("formulas are set without a script", ("sphinx", "config", "html_math_renderer"), "mathml"),
    ("chapters are executed", ("execute", "execute_notebooks"), "cache"),
)


def settings_differ(config: Mapping) -> list[str]:
    """Find settings that would let a fault through."""
    problems = []
    for why, path, wanted in HONEST:
        value: object = config
        for key in path:
            value = value.get(key, "nothing") if isinstance(value, Mapping) else "nothing"
        if value != wanted or type(value) is not type(wanted):
            problems.append(f"_config.yml:1: {'.'.join(path)} is {value}: set it to {wanted}, so "
                            f"that {why}")
    hidden = set(config.get("sphinx", {}).get("config", {}).get("suppress_warnings", ()))
    return problems + [
        f"_config.yml:1: warnings of '{name}' are suppressed: mend what they warn of"
        for name in sorted(hidden - {"myst.domains", "mystnb.exec"})]


def unnamed_imports(sources: Mapping[str, str], required: Iterable[str],
                    own: Iterable[str], packages: Mapping[str, Iterable[str]]) -> list[str]:
    """Find imports of packages that nobody has asked for.

    Parameters
    ----------
    sources : mapping
        Text of each module by its path.
    required : iterable of str
        Names of packages that the requirements and constraints pin.
    own : iterable of str
        Modules of the project.
    packages : mapping
        Module -> packages that bring it.
    """
    import sys

    def plain(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    have = {plain(name) for name in required}
    known = set(sys.stdlib_module_names) | set(own)
    problems = []
    for name, text in sources.items():
        for line, target in imports(text):
            top = target.split(".")[0]
            if not target.startswith(".") and top not in known and not (
                    {plain(p) for p in packages.get(top, (top,))} & have):
                problems.append(f"{name}:{line}: imports '{top}', which no requirement names: pin "
                                "it in requirements.txt, with its reason")
    return problems
