"""Read a page in MyST: what each line is, its directives, its cells."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml


@dataclass(frozen=True)
class Line:
    """A line of a page: its number, its text, what it is, and the section it stands in."""

    no: int
    text: str
    kind: str
    h2: str = ""
    h3: str = ""
    inside: tuple[str, ...] = ()


@dataclass
class Directive:
    """A directive: name, argument, options, and the section it stands in."""

    name: str
    argument: str
    line: int
    h2: str
    h3: str
    options: dict[str, str] = field(default_factory=dict)
    body: list[str] = field(default_factory=list)


@dataclass
class Cell:
    """A code cell: what stands in its head, and its code."""

    line: int
    meta: dict[str, Any]
    code: list[str]
    first: int
    h2: str
    caption_line: int = 0

    @property
    def visible(self) -> bool:
        """Whether readers of the page see the code."""
        hidden = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
        return not hidden & set(self.meta.get("tags") or ())

    @property
    def figure(self) -> dict[str, Any]:
        """Caption and name of the figure that the cell draws, if it draws one."""
        return (self.meta.get("mystnb") or {}).get("figure") or {}


@dataclass
class Page:
    """A page of the book, read line by line."""

    lines: list[Line]
    directives: list[Directive]
    cells: list[Cell]


VERBATIM = {"code", "code-block", "literalinclude", "mermaid", "bibliography"}
FENCE = re.compile(r"^\s*(`{3,}|:{3,})\s*(?:\{([^}]+)\})?\s*(.*?)\s*$")
_OPTION = re.compile(r"^\s*:([a-z][\w-]*):(?:\s+(.*))?$")


def _head(body: list[str], start: int) -> tuple[dict[str, Any], int]:
    """Read the head of a code cell and say at which line its code begins."""
    if body and body[0].strip() == "---":
        for i, text in enumerate(body[1:], 1):
            if text.strip() == "---":
                return yaml.safe_load("\n".join(body[1:i])) or {}, start + i + 1
    lines = []
    for text in body:
        if not _OPTION.match(text):
            break
        lines.append(text.strip()[1:])
    return (yaml.safe_load("\n".join(lines)) or {}) if lines else {}, start + len(lines)


@lru_cache(maxsize=None)
def read(text: str) -> Page:
    """Read a page: say of each line what it is, and gather directives and cells."""
    lines: list[Line] = []
    directives: list[Directive] = []
    cells: list[Cell] = []
    open_: list[tuple[str, str, Directive | None]] = []  # fence, name, directive
    h2 = h3 = ""
    state, start, body = "", 0, []
    source = text.splitlines()
    front = len(source) > 0 and source[0].strip() == "---"
    options = False

    def add(no: int, line: str, kind: str) -> None:
        lines.append(Line(no, line, kind, h2, h3, tuple(n for _, n, _ in open_)))

    for no, line in enumerate(source, 1):
        bare = line.strip()
        if front:
            add(no, line, "front")
            front = no == 1 or bare != "---"
            continue
        if state in ("cell", "code"):
            fence = open_[-1][0]
            if bare and set(bare) == {fence[0]} and len(bare) >= len(fence):
                if state == "cell":
                    meta, first = _head(body, start + 1)
                    said = next((i for i, t in enumerate(body, start + 1) if "caption:" in t), 0)
                    cells.append(Cell(start, meta, body[first - start - 1:], first, h2, said))
                open_.pop()
                state = ""
                add(no, line, "close")
            else:
                body.append(line)
                add(no, line, state)
            continue
        if state == "math":
            add(no, line, "math")
            if bare.endswith("$$") or bare.startswith(r"\end{"):
                state = ""
            continue
        if bare.startswith("$$") or bare.startswith(r"\begin{"):
            add(no, line, "math")
            closed = bare.count("$$") > 1 or r"\end{" in bare
            state = "" if closed else "math"
            continue
        match = FENCE.match(line)
        if match:
            fence, name, argument = match[1], match[2] or "", match[3]
            if not name and not argument and open_ and open_[-1][0][0] == fence[0] and (
                len(fence) >= len(open_[-1][0])
            ):
                open_.pop()
                add(no, line, "close")
                options = False
                continue
            directive = Directive(name, argument, no, h2, h3) if name else None
            if directive:
                directives.append(directive)
            add(no, line, "open")
            open_.append((fence, name, directive))
            body, start = [], no
            if name == "code-cell":
                state = "cell"
            elif not name or name in VERBATIM:
                state = "code"
            elif name == "math":
                state = "code"
            options = True
            continue
        directive = open_[-1][2] if open_ else None
        option = _OPTION.match(line)
        if directive and options and option:
            directive.options[option[1]] = option[2] or ""
            add(no, line, "option")
            continue
        options = options and not bare
        if directive and bare:
            directive.body.append(bare)
        heading = re.match(r"^(#{1,6})\s+(.*)$", line)
        if heading:
            level, title = len(heading[1]), heading[2].strip()
            if level == 2:
                h2, h3 = title, ""
            elif level == 3:
                h3 = title
            add(no, line, "heading")
        elif not bare:
            add(no, line, "blank")
        elif re.match(r"^\([\w.-]+\)=$", bare):
            add(no, line, "label")
        elif bare.startswith("%") or bare.startswith("<!--"):
            add(no, line, "comment")
        else:
            add(no, line, "prose")
    return Page(lines, directives, cells)


_ROLE = re.compile(r"\{([a-zA-Z][\w:-]*)\}(`+)(.+?)\2(?!`)")
_MATH = re.compile(r"\$\$.+?\$\$|\$(?!\s)[^$]+?(?<![\s\\])\$(?!\d)")
HOLE = "§"  # stands where a role, a formula or code was


def _formula(match: re.Match) -> str:
    # a bare number between dollars is a typed number all the same
    inner = match[0].strip("$").strip()
    return inner if re.fullmatch(r"[\d.,]+(\\%)?", inner) else HOLE


def visible(text: str, claims: bool = True) -> str:
    """Leave of a line what was typed as words: no roles, formulas, code, links' targets.

    With ``claims=False`` the words of a ``{claim}`` go too: the role sees to their numbers.
    """

    def role(match: re.Match) -> str:
        explicit = re.match(r"^(.+?)\s*<[^<>]+>$", match[3])
        drop = match[1].startswith("cite") or (match[1] == "claim" and not claims)
        return explicit[1] if explicit and not drop else HOLE

    text = _ROLE.sub(role, text)
    text = re.sub(r"(`+).+?\1", HOLE, text)
    text = text.replace(r"\$", "\x01")
    text = _MATH.sub(_formula, text)
    text = text.replace("\x01", "$")
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<?https?://[^\s>)]+>?", HOLE, text)
    text = re.sub(r"\[\^[\w-]+\]:?", "", text)
    text = re.sub(r"(?<=[\]`])\{[^}]*\}", "", text)
    return text.replace("*", "").replace("\\", "")


def captions(cell: Cell) -> list[tuple[int, str]]:
    """Captions of a cell: of its figure, and of the tables that its code shows."""
    out = []
    if caption := cell.figure.get("caption"):
        out.append((cell.caption_line, str(caption)))
    try:
        tree = ast.parse("\n".join(re.sub(r"^(\s*)[%!].*", r"\1pass", c) for c in cell.code))
    except SyntaxError:
        return out
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "caption":
            typed = "".join(
                str(n.value) if isinstance(n, ast.Constant) else HOLE for n in _strings(node.value)
            )
            out.append((cell.first + node.value.lineno - 1, typed))
    return out


def _strings(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.JoinedStr):
        return [s for value in node.values for s in _strings(value)]
    if isinstance(node, ast.BinOp):
        return _strings(node.left) + _strings(node.right)
    return [node]
