"""Chapter heads, the ledger, the glossary, exercises with solutions."""

from __future__ import annotations

import re

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from .. import data, ledger, quantity
from . import roles

log = logging.getLogger(__name__)
LEVELS = {
    "recall": "recall the argument",
    "recompute": "recompute with a changed assumption",
    "extend": "extend with new data",
}


class chapter_head(nodes.General, nodes.Element):
    """The box at the head of a chapter."""


class claim_entry(nodes.General, nodes.Element):
    """One claim as the ledger shows it."""


class ledger_tools(nodes.General, nodes.Element):
    """What filters and sorts the whole ledger on the web."""


class claim_check(nodes.paragraph):
    """What was compared with what; folded in a chapter, open in the ledger."""


class exercise(nodes.General, nodes.Element):
    """An exercise."""


class solution(nodes.General, nodes.Element):
    """The solution of an exercise: folded on the web, in the appendix on paper."""


class solution_gate(nodes.Invisible, nodes.Element):
    """Marks where a solution starts or ends; gone after reading."""


class BookDirective(SphinxDirective):
    """A directive that reads tables and parses MyST that it makes from them."""

    def depend(self, table: str) -> None:
        """Have the page read again when this table changes."""
        self.env.note_dependency(str(data.ROOT / data.resource(table)["path"]))

    def parse(self, text: str) -> list[nodes.Node]:
        """Parse MyST text at this place."""
        holder = nodes.container()
        self.state.nested_parse(
            StringList(text.splitlines(), source=self.env.doc2path(self.env.docname)), 0, holder
        )
        return holder.children

    def fail(self, message: str) -> list[nodes.Node]:
        """Stop the build at this directive."""
        log.error("{%s}: %s", self.name, message, location=(self.env.docname, self.lineno))
        return []


def spans(chapter: str) -> list[dict]:
    """Sections of the episode that a chapter treats."""
    return [
        row for row in data.rows("outline") if chapter in (row["chapters"] or "").split(";")
    ]


def part_of(chapter: str) -> dict | None:
    """The part that a chapter belongs to, if the table of parts has it."""
    title = next((row["part"] for row in data.rows("chapters") if row["id"] == chapter), None)
    return next((row for row in data.rows("parts") if row["title"] == title), None)


class ChapterHead(BookDirective):
    """``{chapter-head}``: the chapter in a sentence, its span of the episode, its aims.

    The content is one sentence, then a list of what the reader will be able to do.
    """

    has_content = True

    def run(self):
        for table in ("outline", "chapters", "parts"):
            self.depend(table)
        chapter = self.env.docname.rsplit("/", 1)[-1]
        text = "\n".join(self.content)
        sentence, _, aims = text.partition("\n\n")
        if not aims.strip().startswith("-"):
            return self.fail("write one sentence, an empty line, and a list of aims")
        part = part_of(chapter)
        node = chapter_head(chapter=chapter, part=part["id"] if part else "", sections=[
            (row["title"], row["start"], row["end"]) for row in spans(chapter)
        ])
        node += nodes.container("", *self.parse(sentence), classes=["head-sentence"])
        node += nodes.paragraph("", "", classes=["head-facts"])
        where = nodes.paragraph("", "", classes=["head-where"])
        where += nodes.strong("", "In the episode: ")
        for i, row in enumerate(spans(chapter)):
            where += nodes.Text("; " if i else "")
            where += nodes.reference("", row["start"], refuri=ledger.video_url(row["start"]),
                                     classes=["stamp"])
            where += nodes.Text(f" to {row['end']}, {row['title']}")
        if spans(chapter):
            where += nodes.Text(".")
            node += where
        node += nodes.paragraph("", "", nodes.strong("", "After reading you can"))
        node += self.parse(aims)
        return [node]


def entry(row: ledger.Claim, parse, anchor: bool, pages=()) -> claim_entry:
    """Build the ledger's entry for a claim; ``pages`` are those of the book."""
    node = claim_entry(claim=row.id, verdict=row.verdict, anchor=anchor)
    if anchor:
        node["ids"].append(f"claim-{row.id}")
    node += nodes.paragraph("", row.statement, classes=["entry-statement"])
    who = nodes.paragraph("", "", classes=["entry-meta"])
    who += nodes.Text(roles.speaker_line(row))
    if row.start:
        who += nodes.Text(" at ")
        who += nodes.reference("", row.start, refuri=ledger.video_url(row.start), classes=["stamp"])
    if row.has_figure:
        who += nodes.Text(f" · {row.figure()}")
    who += nodes.Text(f" · {row.kind}")
    node += who
    check = claim_check("", "", classes=["entry-check"], folded=not anchor)
    if row.ground:
        check += nodes.strong("", f"{row.ground.capitalize()}. ")
    check += nodes.Text(row.check)
    node += check
    if anchor:
        cites = parse(f"Evidence: {{cite:t}}`{','.join(row.keys)}`.")
        measured = dict.fromkeys((found["chapter"], found["outcome"])
                                 for found in data.rows("measurements") if found["claim"] == row.id)
        for chapter, outcome in measured:
            if f"book/{chapter}" in pages:
                cites += parse(f"Measured in {{doc}}`/book/{chapter}`, which {outcome}.")
        for paragraph in cites:
            paragraph["classes"].append("entry-evidence")
        node += cites
        used = nodes.paragraph("", "", classes=["entry-uses"])
        node += used
    return node


class Ledger(BookDirective):
    """``{ledger}`` lists the claims of this chapter; with ``:all:``, the whole ledger."""

    option_spec = {"all": directives.flag}

    def run(self):
        self.depend("claims")
        self.depend("chapters")
        self.depend("measurements")
        try:
            rows = list(ledger.claims().values())
        except (ledger.LedgerError, data.DataError) as error:
            return self.fail(str(error))
        if "all" in self.options:
            return self.whole(rows)
        chapter = self.env.docname.rsplit("/", 1)[-1]
        mine = [row for row in rows if row.chapter == chapter]
        if not mine:
            return self.fail(f"no claim in data/claims.csv belongs to chapter '{chapter}'")
        uses = roles.uses(self.env).setdefault(self.env.docname, set())
        uses |= {row.id for row in mine}
        holder = nodes.container(classes=["ledger"])
        for row in mine:
            holder += entry(row, self.parse, anchor=False)
        return [holder]

    def whole(self, rows):
        sections: list[nodes.Node] = [ledger_tools()]
        for chapter in data.rows("chapters"):
            mine = [row for row in rows if row.chapter == chapter["id"]]
            if not mine:
                continue
            section = nodes.section(ids=[f"ledger-{chapter['id']}"], names=[])
            section += nodes.title("", chapter["title"])
            for row in mine:
                section += entry(row, self.parse, anchor=True, pages=self.env.found_docs)
            sections.append(section)
        return sections


class Measured(BookDirective):
    """``{measured}`` lists the claims that this chapter of the lab has tested, and the outcome."""

    def run(self):
        self.depend("measurements")
        self.depend("claims")
        chapter = self.env.docname.rsplit("/", 1)[-1]
        mine = [row for row in data.rows("measurements") if row["chapter"] == chapter]
        if not mine:
            return self.fail(f"no row of data/measurements.csv belongs to '{chapter}'")
        lines = []
        for row in mine:
            claim = ledger.claim(row["claim"])
            who = claim.speaker if not claim.from_notes else claim.speaker.replace("notes", "Notes")
            said = f"{who} at {{t}}`{claim.start}`" if claim.start else who
            lines += [
                f"{{claim}}`{claim.statement.rstrip('.')} <{claim.id}>`", "",
                f": {said}. **The measurement {row['outcome']}.** {row['shows']} "
                f"*What it does not show:* {row['does_not_show']}", ""]
        return self.parse("\n".join(lines))


class Exercise(BookDirective):
    """``{exercise} Title`` with ``:level:`` and ``:name:``."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {
        "level": lambda text: directives.choice(text, tuple(LEVELS)),
        "name": directives.unchanged_required,
    }

    def run(self):
        if "level" not in self.options or "name" not in self.options:
            return self.fail("give :level: and :name:")
        count = self.env.temp_data.get("exercises", 0) + 1
        self.env.temp_data["exercises"] = count
        name = self.options["name"]
        node = exercise(name=name, level=self.options["level"], number=count,
                        title=self.arguments[0], ids=[name])
        node += self.parse("\n".join(self.content))
        return [node]


class SolutionGate(BookDirective):
    """``{solution-start} name`` and ``{solution-end}`` enclose a solution and its cells."""

    optional_arguments = 1

    def run(self):
        starts = self.name == "solution-start"
        if starts and not self.arguments:
            return self.fail("name the exercise")
        return [solution_gate(starts=starts, name=self.arguments[0] if starts else "",
                              line=self.lineno)]


class GatherSolutions(SphinxTransform):
    """Put what stands between two gates into one solution."""

    default_priority = 200

    def apply(self, **kwargs):
        names = {node["name"]: node for node in self.document.findall(exercise)}
        solved = set()
        for gate in list(self.document.findall(solution_gate)):
            if gate.parent is None or not gate["starts"]:
                continue
            name, parent = gate["name"], gate.parent
            start = parent.index(gate)
            end = next((i for i in range(start + 1, len(parent))
                        if isinstance(parent[i], solution_gate)), None)
            where = (self.env.docname, gate["line"])
            if end is None or parent[end]["starts"]:
                log.error("solution '%s' has no {solution-end} in its section", name, location=where)
                continue
            if name not in names:
                log.error("solution '%s' answers no exercise of this chapter", name, location=where)
                continue
            solved.add(name)
            node = solution(name=name, number=names[name]["number"], title=names[name]["title"],
                            ids=[f"solution-{name}"])
            node += parent[start + 1 : end]
            parent[start : end + 1] = [node]
        for name in names.keys() - solved:
            log.error("exercise '%s' has no solution: add {solution-start} %s", name, name,
                      location=(self.env.docname, 1))


class GlossaryTable(BookDirective):
    """``{glossary-table}`` writes the glossary from its table."""

    def run(self):
        self.depend("glossary")
        self.depend("chapters")
        existing = self.env.found_docs
        titles = {row["id"]: row["title"] for row in data.rows("chapters")}
        terms = {row["id"]: row for row in data.rows("glossary")}
        lines = ["```{glossary}"]
        for row in sorted(terms.values(), key=lambda r: r["term"].lower()):
            lines.append(row["term"])
            text = row["definition"]
            names = [a.strip() for a in (row["aliases"] or "").split(";") if a.strip()]
            # the search wants plurals and capitals, a reader does not
            names = [n for n in names
                     if n.lower().rstrip("s") != row["term"].lower().rstrip("s")]
            if names:
                text += f" Also: {', '.join(names)}."
            others = [terms[k]["term"] for k in (row["see_also"] or "").split(";") if k in terms]
            if others:
                text += " See also " + ", ".join("{term}`%s`" % t for t in others) + "."
            doc = f"book/{row['chapter']}"
            if doc in existing:
                text += f" Treated in {{doc}}`{titles[row['chapter']]} </{doc}>`."
            lines += [f"  {text}", ""]
        lines.append("```")
        return self.parse("\n".join(lines))


class Disagreements(BookDirective):
    """``{disagreements}`` lists where the notes disagree: of this chapter, or ``:all:``."""

    option_spec = {"all": directives.flag}

    def run(self):
        self.depend("disagreements")
        self.depend("chapters")
        rows = data.rows("disagreements")
        if "all" in self.options:
            sections = []
            for chapter in data.rows("chapters"):
                mine = [row for row in rows if row["chapter"] == chapter["id"]]
                if not mine:
                    continue
                section = nodes.section(ids=[f"disagreements-{chapter['id']}"], names=[])
                section += nodes.title("", chapter["title"])
                section += [self.item(row, anchor=True) for row in mine]
                sections.append(section)
            return sections
        chapter = self.env.docname.rsplit("/", 1)[-1]
        mine = [row for row in rows if row["chapter"] == chapter]
        if not mine:
            return self.fail(f"no row of data/disagreements.csv belongs to '{chapter}'")
        box = nodes.admonition(classes=["admonition-disagree"])
        box += nodes.title("", "Where the notes disagree")
        listing = nodes.bullet_list()
        for row in mine:
            item = nodes.list_item()
            item += self.sentence(row)
            listing += item
        box += listing
        return [box]

    def sentence(self, row) -> nodes.paragraph:
        """One disagreement in a paragraph."""
        paragraph = nodes.paragraph()
        title = row["title"].rstrip(".")
        paragraph += nodes.strong("", f"{title} " if title.endswith("?") else f"{title}. ")
        paragraph += nodes.Text(row["what_the_notes_say"].rstrip() + " ")
        paragraph += nodes.emphasis("", "What holds: ")
        paragraph += nodes.Text(row["what_holds"])
        return paragraph

    def item(self, row, anchor) -> nodes.Node:
        """One disagreement with its anchor and evidence."""
        holder = nodes.container(classes=["disagreement"], ids=[f"disagree-{row['id']}"])
        holder += self.sentence(row)
        basis = {
            "arithmetic": "Settled by arithmetic.",
            "read": "Settled by a source that was read",
            "reported": "Settled by secondary reports",
            "recalled": "From memory; not yet checked against a source.",
        }[row["basis"]]
        text = f"{basis}" if row["basis"] in ("arithmetic", "recalled") or not row["evidence"] else (
            f"{basis}: {{cite:t}}`{','.join(k.strip() for k in row['evidence'].split(';'))}`."
        )
        notes = ", ".join((row["notes"] or "").split(";"))
        for paragraph in self.parse(f"Notes {notes}. {text}"):
            paragraph["classes"].append("entry-evidence")
            holder += paragraph
        return holder


def fill_uses(app, doctree, docname):
    """Say under each entry of the ledger which pages cite it."""
    env = app.env
    for node in doctree.findall(claim_entry):
        if not node["anchor"]:
            continue
        pages = sorted(
            (d for d, found in roles.uses(env).items() if node["claim"] in found and d != docname),
            key=lambda d: list(env.toctree_includes.get(env.config.master_doc, [])).index(d)
            if d in env.toctree_includes.get(env.config.master_doc, []) else -1,
        )
        used = next(n for n in node.findall(nodes.paragraph) if "entry-uses" in n["classes"])
        used.children = []
        used += nodes.Text("Used in: ")
        for i, page in enumerate(pages):
            used += nodes.Text(", " if i else "")
            uri = app.builder.get_relative_uri(docname, page)
            used += nodes.reference("", env.titles[page].astext(), refuri=uri, internal=True)
        if not pages:
            used.parent.remove(used)


# ------------------------------------------------------------------ HTML


def strip(chapter: str) -> list[tuple[int, int, str, bool]]:
    """Sections of the episode: start and end in seconds, their part, whether they are the chapter's.

    The chapter on the whole conversation has all of them.
    """
    found = []
    for row in data.rows("outline"):
        treated = row["chapters"].split(";")
        part = part_of(chapter if chapter in treated else treated[0])
        found.append((ledger.seconds(row["start"]), ledger.seconds(row["end"]),
                      part["id"] if part else "", chapter in treated or chapter == "episode"))
    return found


def visit_head(self, node):
    """Open the box, with the strip that shows where in the episode the chapter sits."""
    self.body.append(f'<div class="chapter-head part-{node["part"]}">')
    cells = strip(node["chapter"])
    if not any(own for *_, own in cells):
        return
    # a tall cell is the chapter's own, a middling one its part's: legible without colour
    drawn = []
    for start, end, part, own in cells:
        kin = part == node["part"]
        high = 24 if own else 14 if kin else 8
        look = f"own part-{part}" if own else "kin" if kin else "other"
        drawn.append(f'<rect class="{look}" x="{start}" y="{24 - high}" width="{end - start - 40}" '
                     f'height="{high}"/>')
    to = self.builder.get_relative_uri(self.builder.current_docname, "book/episode")
    hours = "".join(f"<span>{h}:00</span>" for h in range(6))
    self.body.append(
        f'<a class="episode-strip" href="{to}#fig-map"><span class="visually-hidden">'
        "Where the chapter sits in the five hours: to the map of the conversation</span>"
        f'<svg viewBox="0 0 {ledger.seconds(ledger.END)} 24" preserveAspectRatio="none" '
        f'aria-hidden="true">{"".join(drawn)}</svg>'
        f'<span class="strip-hours" aria-hidden="true">{hours}</span></a>'
    )


def depart_div(self, node):
    """Close a block."""
    self.body.append("</div>")


def visit_entry(self, node):
    """Open an entry of the ledger with its badge."""
    anchor = ""
    if node["anchor"]:
        row = ledger.claim(node["claim"])
        # chapter, kind and time stand in the entry, where the script reads them
        said = {"verdict": row.verdict, "speaker": "notes" if row.from_notes else row.speaker}
        if any(found["claim"] == row.id for found in data.rows("measurements")):
            said["measured"] = ""
        anchor = f' id="{node["ids"][0]}"' + "".join(f' data-{k}="{v}"' for k, v in said.items())
    self.body.append(f'<div class="claim-entry claim-{node["verdict"]}"{anchor}>')
    self.body.append(roles.badge_html(node["verdict"]))
    if not node["anchor"]:
        uri = self.builder.get_relative_uri(self.builder.current_docname, roles.LEDGER_DOC)
        self.body.append(
            f'<a class="entry-link" href="{uri}#claim-{node["claim"]}">evidence</a>'
        )


def visit_tools(self, node):
    """Write the tools of the ledger, which its script brings to life."""
    rows = list(ledger.claims().values())
    chapters = {row["id"]: row["title"] for row in data.rows("chapters")}

    def choice(name, label, options):
        inner = "".join(f'<option value="{self.encode(v)}">{self.encode(t)}</option>'
                        for v, t in options)
        return f'<select name="{name}" aria-label="{label}">{inner}</select>'

    boxes = "".join(
        f'<label class="pick"><input type="checkbox" name="verdict" value="{verdict}">'
        f"{roles.badge_html(verdict)}</label>" for verdict in ledger.VERDICTS)
    speakers = [s for s in dict.fromkeys(row.speaker for row in rows if not row.from_notes)]
    self.body.append(
        '<form class="ledger-tools" hidden role="search" aria-label="The claims" autocomplete="off">'
        f"<fieldset><legend>Verdicts</legend>{boxes}</fieldset>"
        '<input type="search" name="q" placeholder="Words of the claim" aria-label="Words of the claim">'
        + choice("speaker", "Speaker", [("", "All speakers"), *((s, s) for s in sorted(speakers)),
                                        ("notes", "The notes")])
        + choice("kind", "Kind", [("", "All kinds"),
                                  *((k, k) for k in dict.fromkeys(row.kind for row in rows))])
        + choice("chapter", "Chapter", [("", "All chapters"), *(
            (c, chapters[c]) for c in chapters if any(row.chapter == c for row in rows))])
        + choice("measured", "Measured", [("", "Measured or not"), ("yes", "Measured by us"),
                                          ("no", "Not measured")])
        + choice("sort", "Order", [("chapter", "In the book's order"), ("time", "As they were said"),
                                   ("verdict", "By verdict")])
        + f'<p role="status">{len(rows)} of {len(rows)} claims</p>'
        '<button type="reset">All claims</button></form>'
    )
    raise nodes.SkipNode


def add_tools(app, pagename, templatename, context, doctree):
    """Load the ledger's style and script on its own page only."""
    if pagename == roles.LEDGER_DOC:
        app.add_css_file("ledger.css")
        app.add_js_file("ledger.js", defer="defer")


def visit_check(self, node):
    """Open the check, folded in a chapter."""
    if node["folded"]:
        self.body.append("<details class='entry-fold'><summary>How it was checked</summary>")
    self.body.append('<p class="entry-check">')


def depart_check(self, node):
    """Close the check."""
    self.body.append("</p>" + ("</details>" if node["folded"] else ""))


def visit_exercise(self, node):
    """Open an exercise with its title and level."""
    self.body.append(
        f'<div class="exercise" id="{node["ids"][0]}"><p class="exercise-title">'
        f"<strong>Exercise {node['number']}. {self.encode(node['title'])}</strong> "
        f'<span class="level">{LEVELS[node["level"]]}</span></p>'
    )


def visit_solution(self, node):
    """Open a solution, folded."""
    self.body.append(
        f'<details class="solution" id="{node["ids"][0]}">'
        f"<summary>Solution to exercise {node['number']}</summary>"
    )


def depart_solution(self, node):
    """Close a solution."""
    self.body.append("</details>")


def setup(app):
    """Register nodes, directives and handlers."""
    app.add_node(chapter_head, html=(visit_head, depart_div))
    app.add_node(claim_entry, html=(visit_entry, depart_div))
    app.add_node(ledger_tools, html=(visit_tools, None))
    app.connect("html-page-context", add_tools)
    app.add_node(claim_check, html=(visit_check, depart_check))
    app.add_node(exercise, html=(visit_exercise, depart_div))
    app.add_node(solution, html=(visit_solution, depart_solution))
    app.add_node(solution_gate)
    app.add_directive("chapter-head", ChapterHead)
    app.add_directive("ledger", Ledger)
    app.add_directive("measured", Measured)
    app.add_directive("exercise", Exercise)
    app.add_directive("solution-start", SolutionGate)
    app.add_directive("solution-end", SolutionGate)
    app.add_directive("glossary-table", GlossaryTable)
    app.add_directive("disagreements", Disagreements)
    app.add_transform(GatherSolutions)
    app.connect("doctree-resolved", fill_uses)
