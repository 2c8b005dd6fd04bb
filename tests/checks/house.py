"""What holds for the code, the commands and the files under version control."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

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
    "figures": set(),
    "tables": set(),
    "interactive": {"figures", "quantity"},
    "explorers": {
        "data", "interactive", "transformer", "economics", "reliability", "chips", "power",
    },
    "prose": {"quantity"},
    "ledger": {"data", "quantity"},
    "pandoc": set(),
    "stylesheet": set(),
    "values": {"data", "ledger", "quantity"},
    "cards": {"data", "ledger", "quantity", "values"},
    "nursery": {"data", "ledger"},
    "export": {"pandoc"},
    "sphinx_ext": {"cards", "data", "explorers", "figures", "interactive", "ledger", "nursery",
                   "pandoc", "quantity", "sphinx_ext", "stylesheet", "values"},
    "epub": {"downloads", "export", "pandoc"},
    "markdown": {"export", "pandoc"},
    "notebooks": {"markdown", "pandoc"},
    "downloads": {"data", "markdown", "notebooks"},
    "build": {"cards", "data", "ledger", "export", "epub", "downloads"},
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
            if top in _DRAWS and room in {"data", "ledger"} | _PURE:
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
    """Find files under version control that are made from others."""
    made = re.compile(
        r"(^|/)(_build|__pycache__|\.venv|\.ipynb_checkpoints|\.jupyter_cache|\.pytest_cache|"
        r"\.hypothesis)(/|$)|\.(ipynb|pyc|pdf|epub|html|log)$"
    )
    return [f"{name}:1: is made from other files: 'git rm --cached' it and ignore it"
            for name in tracked if made.search(name)]


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
