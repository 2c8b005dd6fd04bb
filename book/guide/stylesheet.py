"""Style sheets cut down to what the pages of a site use.

The theme's style sheets are made for every site there is: of their 400 kB a page of this book uses
a tenth. A rule stays when each class, id, element and attribute in its selector occurs in some
page, or in the words of some script; custom properties, animations and fonts stay when a rule that
stays names them. The same pages and sheets give the same bytes.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_COMMENT = re.compile(r"(\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|url\([^\"')]*\))|/\*.*?\*/", re.DOTALL)
_TOKEN = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|url\([^\"')]*\)|[{};]", re.DOTALL)
_URL = re.compile(r"url\(\s*([\"']?)(?!data:|#|[a-z]+:)([^\"')]+)\1\s*\)")
_GROUPS = ("@media", "@supports", "@layer", "@container")
_NAME = r"-?(?:[A-Za-z_-]|\\.|[^\x00-\x7f])(?:[\w-]|\\.|[^\x00-\x7f])*"
_SIMPLE = re.compile(rf"([.#])({_NAME})|\[\s*([\w-]+)[^\]]*\]|::?({_NAME})(\()?|({_NAME})|\(", re.DOTALL)
_ALTERNATIVES = {"is", "where", "has", "-webkit-any", "-moz-any", "matches"}


@dataclass
class Names:
    """What occurs in the pages of a site.

    Attributes
    ----------
    classes, ids, tags, attributes : set of str
        Names that selectors may ask for.
    """

    classes: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=lambda: {"html", "body", "root"})
    attributes: set[str] = field(default_factory=lambda: {"hidden", "open", "checked", "disabled"})

    def add(self, other: Names) -> None:
        """Note what occurs elsewhere too."""
        for mine, theirs in zip(vars(self).values(), vars(other).values()):
            mine |= theirs

    def add_page(self, html: str) -> None:
        """Note the names in a page."""
        for value in set(re.findall(r"\bclass=[\"']([^\"']*)[\"']", html)):
            self.classes.update(value.split())
        self.ids.update(re.findall(r"\bid=[\"']([^\"']*)[\"']", html))
        self.tags.update(re.findall(r"<([a-z][a-z0-9]*)", html))
        self.attributes.update(re.findall(r"\s([a-z][a-z_-]*)=", html))

    def add_script(self, script: str) -> None:
        """Note what stands in the strings of a script: it may give any of it to an element."""
        bare = re.sub(r"^\s*//.*$|\s//\s.*$", "", script, flags=re.MULTILINE)
        for text in re.findall(r"\"((?:\\.|[^\"\\\n])*)\"|'((?:\\.|[^'\\\n])*)'|`((?:\\.|[^`\\])*)`",
                               bare):
            words = set(re.findall(r"[\w-]+", "".join(text)))
            for kind in (self.classes, self.ids, self.tags, self.attributes):
                kind.update(words)
        # dataset.someName is the attribute data-some-name
        for name in re.findall(r"\bdataset\.(\w+)", bare):
            self.attributes.add("data-" + re.sub(r"[A-Z]", lambda m: f"-{m[0].lower()}", name))


@dataclass
class Rule:
    """A rule: what stands before its braces, and its declarations or the rules within."""

    head: str
    body: str = ""
    rules: list["Rule"] | None = None


def parse(css: str) -> list[Rule]:
    """Take a style sheet apart.

    Parameters
    ----------
    css : str
        A style sheet without nested rules (those stay whole).

    Returns
    -------
    list of Rule
        Its rules; statements such as ``@import`` are left out.

    Raises
    ------
    ValueError
        If the braces do not pair.
    """
    css = _COMMENT.sub(lambda m: m[1] or " ", css)
    rules, start, depth, opened = [], 0, 0, 0
    for token in _TOKEN.finditer(css):
        mark = token[0]
        if mark == "{":
            if depth == 0:
                opened = token.end()
            depth += 1
        elif mark == "}":
            depth -= 1
            if depth < 0:
                raise ValueError(f"'}}' without '{{' after '{css[max(0, start - 40):start]}'")
            if depth == 0:
                head = " ".join(css[start : opened - 1].split())
                body = css[opened : token.start()]
                if head.startswith(_GROUPS):
                    rules.append(Rule(head, rules=parse(body)))
                else:
                    rules.append(Rule(head, " ".join(body.split())))
                start = token.end()
        elif mark == ";" and depth == 0:
            start = token.end()
    if depth:
        raise ValueError(f"no '}}' for '{css[start:start + 60].strip()}'")
    return rules


def split(text: str, mark: str = ",") -> list[str]:
    """Split where a mark stands outside of brackets, strings and addresses."""
    parts, depth, start = [], 0, 0
    for token in re.finditer(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|url\([^\"')]*\)|\\.|[()\[\]{}]|"
                             + re.escape(mark), text):
        if token[0] in "([{":
            depth += 1
        elif token[0] in ")]}":
            depth -= 1
        elif token[0] == mark and depth == 0:
            parts.append(text[start : token.start()])
            start = token.end()
    return [part.strip() for part in (*parts, text[start:]) if part.strip()]


def matches(selector: str, names: Names) -> bool:
    """Tell whether some page may have what a selector asks for.

    Parameters
    ----------
    selector : str
        One selector, without commas outside of brackets.
    names : Names
        What occurs in the pages.
    """
    at = 0
    while token := _SIMPLE.search(selector, at):
        at = token.end()
        kind, name, attribute, pseudo, call, tag = token.groups()
        if kind and re.sub(r"\\(.)", r"\1", name) not in (names.classes if kind == "." else names.ids):
            return False
        if attribute and attribute not in names.attributes:
            return False
        if tag and tag.lower() not in names.tags:
            return False
        if call or token[0] == "(":
            depth, end = 1, at
            while depth and end < len(selector):
                depth += {"(": 1, ")": -1}.get(selector[end], 0)
                end += 1
            inner = split(selector[at : end - 1])
            if pseudo in _ALTERNATIVES and not any(matches(one, names) for one in inner):
                return False
            at = end
    return True


def cut(rules: Iterable[Rule], names: Names) -> list[Rule]:
    """Keep the rules, and of each the selectors, that some page may need."""
    kept = []
    for rule in rules:
        if rule.rules is not None:
            inner = cut(rule.rules, names)
            if inner:
                kept.append(Rule(rule.head, rules=inner))
        elif rule.head.startswith("@"):
            kept.append(rule)
        else:
            heads = [one for one in split(rule.head) if matches(one, names)]
            if heads and rule.body:
                kept.append(Rule(",".join(heads), rule.body))
    return kept


def write(rules: Iterable[Rule]) -> str:
    """Write rules with no more white space than they need."""
    out = []
    for rule in rules:
        if rule.rules is not None:
            out.append(f"{rule.head}{{{write(rule.rules)}}}")
        elif "{" in rule.body:  # rules within, as in @keyframes
            out.append(f"{rule.head}{{{rule.body}}}")
        else:
            body = ";".join(re.sub(r"^([\w-]+)\s*:\s*", r"\1:", one) for one in split(rule.body, ";"))
            out.append(f"{rule.head}{{{body}}}")
    return "".join(out)


def _flat(rules: Iterable[Rule]) -> Iterable[Rule]:
    for rule in rules:
        if rule.rules is not None:
            yield from _flat(rule.rules)
        else:
            yield rule


def sweep(rules: list[Rule], said: str = "") -> list[Rule]:
    """Drop custom properties, animations and fonts that nothing names, and rules left empty.

    Parameters
    ----------
    rules : list of Rule
        The rules of the whole site.
    said : str
        Text of the scripts, which may name some.
    """
    while True:
        before = write(rules)
        named = set(re.findall(r"var\(\s*(--[\w-]+)", before)) | set(re.findall(r"--[\w-]+", said))
        families = {f.strip("\"' ").lower() for f in re.findall(
            r"[,:]\s*([\"'][^\"']+[\"'])", re.sub(r"@font-face\{[^}]*\}", "", before))}
        moving = " ".join(re.findall(r"animation(?:-name)?:([^;}]*)", before))
        rules = list(_swept(rules, named, families, moving))
        if write(rules) == before:
            return rules


def _swept(rules: Iterable[Rule], named: set[str], families: set[str], moving: str):
    for rule in rules:
        if rule.rules is not None:
            inner = list(_swept(rule.rules, named, families, moving))
            if inner:
                yield Rule(rule.head, rules=inner)
        elif rule.head == "@font-face":
            family = re.search(r"font-family:\s*[\"']?([^;\"']+)", rule.body)
            if family and family[1].strip().lower() in families:
                yield rule
        elif "keyframes" in rule.head:
            if re.search(rf"(?<![\w-]){re.escape(rule.head.split()[-1])}(?![\w-])", moving):
                yield rule
        elif "{" in rule.body:
            yield rule
        else:
            body = [one for one in split(rule.body, ";")
                    if not one.startswith("--") or one.partition(":")[0].strip() in named]
            if body:
                yield Rule(rule.head, ";".join(body))


def moved(css: str, folder: str) -> str:
    """Have the addresses in a style sheet hold when it moves out of a folder, such as ``styles``."""
    return _URL.sub(lambda m: f"url({posixpath.normpath(posixpath.join(folder, m[2]))})", css)
