"""How long it takes to read: each chapter, each section, and the ways through the book.

Words are counted where a reader meets them, roles and directives included. What one may leave for
another day (the list of claims, questions, exercises, the head) is counted apart.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.util import logging

from .. import data, ledger
from . import apparatus, roles, study

log = logging.getLogger(__name__)
WORDS_PER_MINUTE = 220  # Brysbaert 2019: 238 for English non-fiction; slower for argument
_EXTRA = (
    apparatus.chapter_head, apparatus.claim_entry, apparatus.exercise, apparatus.solution,
    study.card_list, study.quiz_list,
)
_SILENT = (roles.claim_mark, nodes.literal_block, nodes.raw, nodes.comment, nodes.math_block,
           nodes.Invisible)
EVERY = "*"  # stands for all chapters in a path


class reading_time(nodes.Inline, nodes.TextElement):
    """A place for the time that a way through the book takes."""


def words(env) -> dict[str, dict[str, tuple[int, int]]]:
    """Words of each page: section or nothing -> (of its text, of what comes on top)."""
    if not hasattr(env, "guide_words"):
        env.guide_words = {}
    return env.guide_words


def count(node: nodes.Node, extra: bool = False) -> tuple[int, int]:
    """Words below a node: of the text, and of what may wait."""
    if isinstance(node, nodes.Text):
        number = len(node.split())
        return (0, number) if extra else (number, 0)
    if isinstance(node, _SILENT):
        return 0, 0
    extra = extra or isinstance(node, _EXTRA)
    below = [count(child, extra) for child in node.children]
    return sum(b[0] for b in below), sum(b[1] for b in below)


def minutes(number: float) -> int:
    """Minutes that so many words take."""
    return max(1, round(number / WORDS_PER_MINUTE))


def spoken(number: int) -> str:
    """A time as one says it: minutes, and hours once there are two of them."""
    if number < 100:
        return f"{number} minutes"
    hours, rest = divmod(5 * round(number / 5), 60)
    said = f"{hours} hour{'' if hours == 1 else 's'}"
    return f"{said} {rest} minutes" if rest else said


def _fact(number: int, one: str, many: str) -> nodes.inline:
    fact = nodes.inline("", "", classes=["fact"])
    fact += nodes.strong("", str(number))
    fact += nodes.Text(f" {one if number == 1 else many}")
    return fact


def measure(app, doctree):
    """Count the words of a page once it is read, and say them at its head."""
    docname = app.env.docname
    counts = {"": count(doctree)}
    for section in doctree.findall(nodes.section):
        counts[section["ids"][0]] = count(section)
    words(app.env)[docname] = counts
    for head in doctree.findall(apparatus.chapter_head):
        line = next(n for n in head.findall(nodes.paragraph) if "head-facts" in n["classes"])
        text, extra = counts[""]
        figures = sum(1 for _ in doctree.findall(nodes.figure))
        claims = len(roles.uses(app.env).get(docname, ()))
        talk = sum(ledger.seconds(row["end"]) - ledger.seconds(row["start"])
                   for row in apparatus.spans(head["chapter"]))
        facts = [_fact(minutes(text), "minute to read", "minutes to read")]
        if head["chapter"] == "episode":
            talk = ledger.seconds(ledger.END)
        if talk:
            facts.append(_fact(round(talk / 60), "minute of the talk", "minutes of the talk"))
        facts += [_fact(figures, "figure", "figures"), _fact(claims, "claim", "claims")]
        for i, fact in enumerate(facts):
            if i:
                line += nodes.inline("", " · ", classes=["fact-and"])
            line += fact
        line += nodes.inline("", ". ", classes=["fact-and"])
        line += nodes.inline("", f"Claims, questions and exercises take {minutes(extra)} minutes more.",
                             classes=["fact-more"])


def path_minutes(env, path: str) -> int:
    """Minutes that a way through the book takes.

    Raises
    ------
    guide.data.DataError
        If a step names a page or a section that is not there, or if the sum is not what the
        path promises.
    """
    row = data.row("paths", path)
    total = 0
    for step in data.rows("path_steps"):
        if step["path"] != path:
            continue
        pages = ([c["id"] for c in data.rows("chapters") if c["part"] != "Front"]
                 if step["page"] == EVERY else [step["page"]])
        for page in pages:
            known = words(env).get(f"book/{page}")
            wanted = [s for s in (step["sections"] or "").split(";") if s] or [""]
            missing = [s for s in wanted if s not in (known or {})]
            if missing:
                raise data.DataError(
                    f"data/path_steps.csv, row '{step['id']}': page '{page}' has no section "
                    f"{missing}: take one of {', '.join(s for s in known or () if s)}")
            total += sum(known[s][0] for s in wanted)
    total = minutes(total)
    if not row["low"] <= total <= row["high"]:
        raise data.DataError(
            f"data/paths.csv, row '{path}': '{row['title']}' takes {total} minutes, and promises "
            f"{row['low']} to {row['high']}: change its steps, or its promise")
    return total


def fill(app, doctree, docname):
    """Put the times in their places, once all pages are counted."""
    for node in list(doctree.findall(reading_time)):
        try:
            text = spoken(path_minutes(app.env, node["path"]))
        except data.DataError as error:
            log.error("%s", error, location=(docname, 1))
            text = ""
        node.replace_self(nodes.inline("", text, classes=["reading-time"]))


class ReadingRole(roles.BookRole):
    """``{reading}`path``` prints how long a way through takes, ``{reading}`pace``` at which pace."""

    table = "paths"

    def render(self):
        if self.text == "pace":
            return nodes.inline("", f"{WORDS_PER_MINUTE} words a minute", classes=["datum"])
        data.row("paths", self.text)
        self.depend("path_steps")
        self.env.metadata[self.env.docname]["guide_times"] = True
        return reading_time(self.rawtext, path=self.text)


def again(app, env):
    """Write pages with times again when any page has changed its length."""
    return [name for name, found in env.metadata.items() if found.get("guide_times")]


def purge(app, env, docname):
    """Forget a page that is about to be read again."""
    words(env).pop(docname, None)


def merge(app, env, docnames, other):
    """Take over what a parallel reader counted."""
    words(env).update({k: v for k, v in words(other).items() if k in docnames})


def setup(app):
    """Register the role and the counting."""
    app.add_node(reading_time)
    app.add_role("reading", ReadingRole())
    app.connect("doctree-read", measure)
    app.connect("doctree-resolved", fill)
    app.connect("env-updated", again)
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)
