"""The ``print`` builder: the whole book as one pandoc document, in the order of the contents.

It stands between Sphinx, which resolves references, numbers and citations, and pandoc, which
knows how each output format wants things said. What pandoc has no word for (a chapter head, an
entry of the ledger) is a ``Div`` with a class. How it is set stands in three tables: ``TYPST`` in
``guide.export`` for paper, ``XHTML`` in ``guide.epub``, ``MARKDOWN`` in ``guide.markdown``.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.builders import Builder
from sphinx.util import logging
from sphinx.util.parallel import ParallelTasks, parallel_available

from .. import data, ledger, pandoc
from ..pandoc import attr, div, place, strong, words
from . import apparatus, images, roles

log = logging.getLogger(__name__)
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w|\s|[.,;:)])")
#: Paragraphs that are set small: what a claim rests on, how long a chapter takes
_SMALL = {"card-source", "head-facts", "head-where", "entry-meta", "entry-evidence", "entry-uses"}
MARK = "%"  # starts an internal target: %docname#id


def label(docname: str, anchor: str = "") -> str:
    """Name of a place in the printed book."""
    text = f"{docname}--{anchor}" if anchor else docname
    return re.sub(r"[^A-Za-z0-9_-]", "-", text)


def numbered(items: list, style: str = "Decimal") -> dict:
    """A numbered list."""
    return {"t": "OrderedList", "c": [[1, {"t": style}, {"t": "Period"}], items]}


class Page:
    """Turns the resolved tree of one page into pandoc blocks."""

    def __init__(self, builder: "PrintBuilder", docname: str, doctree):
        self.builder = builder
        self.docname = docname
        self.footnotes = {
            id_: node for node in doctree.findall(nodes.footnote) for id_ in node["ids"]
        }
        self.level = 0

    # ---------------------------------------------------------------- dispatch

    def blocks(self, node) -> list:
        """Blocks for all children of a node."""
        out, run = [], []
        for child in node.children:
            if isinstance(child, (nodes.Text, nodes.Inline)) and not isinstance(
                child, (nodes.image, nodes.target)
            ):
                run += self.inline(child)
                continue
            if run:
                out.append({"t": "Para", "c": run})
                run = []
            out += self.block(child)
        if run:
            out.append({"t": "Para", "c": run})
        return out

    def block(self, node) -> list:
        """Blocks for one node."""
        for kind in type(node).__mro__:
            method = getattr(self, f"block_{kind.__name__}", None)
            if method:
                return method(node)
        log.error("no printed form for <%s>: teach it to guide.sphinx_ext.printing",
                  node.__class__.__name__, location=node)
        return []

    def inlines(self, node) -> list:
        """Inlines for all children of a node."""
        out = []
        for child in node.children:
            out += self.inline(child)
        return out

    def inline(self, node) -> list:
        """Inlines for one node."""
        for kind in type(node).__mro__:
            method = getattr(self, f"inline_{kind.__name__}", None)
            if method:
                return method(node)
        log.error("no printed form for inline <%s>: teach it to guide.sphinx_ext.printing",
                  node.__class__.__name__, location=node)
        return []

    def anchors(self, node) -> list:
        """Marks that carry the ids of a node."""
        return self.marks([i for i in node.get("ids", []) if self.builder.fresh(self.docname, i)])

    def places(self, node) -> list:
        """A block of the marks of a node, where it has any."""
        spans = self.anchors(node)
        return [{"t": "Plain", "c": spans}] if spans else []

    def marks(self, ids: list[str]) -> list:
        """Invisible places to link to."""
        return [place(label(self.docname, i)) for i in ids]

    # ---------------------------------------------------------------- blocks

    def block_document(self, node):
        return self.blocks(node)

    def block_section(self, node):
        self.level += 1
        title = next(node.findall(nodes.title))
        ids = [i for i in node.get("ids", []) if self.builder.fresh(self.docname, i)]
        first = self.level == 1
        name = label(self.docname) if first else (label(self.docname, ids[0]) if ids else "")
        number = self.builder.number(self.docname) if first else ""
        inner = [words(f"{number}\u2002")] if number else []
        head = {
            "t": "Header",
            "c": [self.level + 1, attr(name, ("unnumbered",)), inner + self.inlines(title)],
        }
        rest = ids if first else ids[1:]
        spans = self.marks(rest)
        out = [head] + ([{"t": "Plain", "c": spans}] if spans else [])
        for child in node.children:
            if child is not title:
                out += self.block(child)
        self.level -= 1
        return out

    def block_title(self, node):
        return []

    def block_paragraph(self, node):
        inner = self.anchors(node) + self.inlines(node)
        if not inner:
            return []
        paragraph = [{"t": "Para", "c": inner}]
        return [div("small", paragraph)] if _SMALL & set(node.get("classes", [])) else paragraph

    def block_compound(self, node):
        if "toctree-wrapper" in node.get("classes", []):
            return []  # the printed book has its own contents
        return self.blocks(node)

    block_rubric = block_paragraph

    def block_container(self, node):
        kind = node.get("nb_element", "")
        classes = node.get("classes", [])
        if kind == "cell_code":
            shown = (self.outputs(node) if "tag_remove-input" in classes else self.blocks(node))
            return [div("cell", shown, index=node["cell_index"])]
        if kind == "cell_code_source":
            cell = node.parent.get("classes", [])
            if {"tag_hide-input", "tag_hide-cell"} & set(cell):
                return []  # cosmetics stay in the notebook
            return self.blocks(node)
        if "head-sentence" in classes:
            return [div("sentence", self.blocks(node))]
        if "disagreement" in classes:
            return self.places(node) + self.blocks(node)
        return self.blocks(node)

    def outputs(self, node):
        return [b for child in node.children if child.get("nb_element") != "cell_code_source"
                for b in self.block(child)]

    def block_literal_block(self, node):
        language = node.get("language", "text")
        language = {"ipython3": "python", "ipython": "python", "default": "", "none": "",
                    "myst-ansi": "", "text": ""}.get(language, language)
        return [{"t": "CodeBlock", "c": [attr("", (language,) if language else ()),
                                         node.astext()]}]

    def block_math_block(self, node):
        return [{"t": "Para", "c": [pandoc.math(node.astext(), True)]}]

    def block_bullet_list(self, node):
        return [{"t": "BulletList", "c": [self.blocks(item) for item in node.children]}]

    def block_enumerated_list(self, node):
        start = node.get("start", 1)
        return [{"t": "OrderedList", "c": [[start, {"t": "Decimal"}, {"t": "Period"}],
                                           [self.blocks(item) for item in node.children]]}]

    def block_definition_list(self, node):
        items = []
        for item in node.children:
            terms, definitions = [], []
            for child in item.children:
                if isinstance(child, nodes.term):
                    terms += self.anchors(child) + self.inlines(child)
                elif isinstance(child, nodes.definition):
                    definitions.append(self.blocks(child))
            items.append([terms, definitions])
        return [{"t": "DefinitionList", "c": items}]

    def block_glossary(self, node):
        return self.blocks(node)

    def block_block_quote(self, node):
        return [{"t": "BlockQuote", "c": self.blocks(node)}]

    def block_transition(self, node):
        return [{"t": "HorizontalRule"}]

    def block_admonition(self, node):
        title = next((c for c in node.children if isinstance(c, nodes.title)), None)
        heading = title.astext() if title is not None else node.tagname.capitalize()
        kind = next((c for c in node.get("classes", []) if c.startswith("admonition-")), "note")
        body = [b for c in node.children if c is not title for b in self.block(c)]
        return [div("callout", body, title=heading, kind=kind.removeprefix("admonition-"))]

    block_note = block_tip = block_important = block_warning = block_seealso = block_admonition
    block_hint = block_caution = block_attention = block_admonition

    def block_target(self, node):
        spans = self.anchors(node)
        if node.get("refid") and self.builder.fresh(self.docname, node["refid"]):
            spans += self.marks([node["refid"]])
        return [{"t": "Plain", "c": spans}] if spans else []

    def block_nothing(self, node):
        return []

    block_comment = block_index = block_footnote = block_nothing
    block_substitution_definition = block_meta = block_toctree = block_nothing
    block_figure_data = block_figure_spots = block_solution_gate = block_system_message = block_nothing
    block_quiz_progress = block_nothing  # paper keeps no count
    block_ledger_tools = block_nothing
    block_inside = block_nothing  # the printed book has its own contents

    def block_landing(self, node):
        return self.blocks(node)

    def block_path_list(self, node):
        """The ways through the book, a paragraph each."""
        return [div("callout", [
            {"t": "Para", "c": [i for child in card.children
                                for i in [*self.inlines(child), {"t": "Space"}]]}
            for card in node.children
        ], title="Three ways through", kind="paths")]

    def block_raw(self, node):
        if node.get("format") == "html":
            log.error("raw HTML has no printed form: use tables.show or figures.show",
                      location=node)
        return []

    def block_image(self, node):
        return [{"t": "Para", "c": self.inline_image(node)}]

    def block_figure(self, node):
        picture = next((n for n in node.findall(nodes.image) if n.get("mode") != "dark"), None)
        caption = next(node.findall(nodes.caption), None)
        if picture is None:
            return self.blocks(node)
        number = self.builder.figure_number("figure", self.docname, node["ids"])
        text = [strong(f"Figure {number}."), {"t": "Space"}]
        text += self.inlines(caption) if caption is not None else []
        legend = [b for c in node.children if isinstance(c, nodes.legend) for b in self.blocks(c)]
        return [*self.places(node), {"t": "Figure", "c": [
            attr(), [None, [{"t": "Plain", "c": text}, *legend]],
            [{"t": "Plain", "c": self.inline_image(picture)}]]}]

    def block_table(self, node):
        title = next((c for c in node.children if isinstance(c, nodes.title)), None)
        group = next(node.findall(nodes.tgroup))
        specs = [c for c in group.children if isinstance(c, nodes.colspec)]
        numeric = {int(c[4:]) - 1 for c in node.get("classes", []) if re.match(r"num-\d+$", c)}
        total = sum(s.get("colwidth", 1) for s in specs) or 1
        widths = [
            [{"t": "AlignRight" if i in numeric else "AlignLeft"},
             {"t": "ColWidth", "c": s.get("colwidth", 1) / total}]
            for i, s in enumerate(specs)
        ]
        head = next((c for c in group.children if isinstance(c, nodes.thead)), None)
        body = next(c for c in group.children if isinstance(c, nodes.tbody))
        caption = []
        if title is not None:
            number = self.builder.figure_number("table", self.docname, node["ids"])
            caption = [{"t": "Plain", "c": [strong(f"Table {number}."), {"t": "Space"},
                                            *self.inlines(title)]}]
        return [
            *self.places(node),
            {"t": "Table", "c": [
                attr(),
                [None, caption], widths,
                [attr(), self.rows(head) if head is not None else []],
                [[attr(), 0, [], self.rows(body)]],
                [attr(), []],
            ]},
        ]

    def rows(self, node):
        out = []
        for row in node.children:
            cells = []
            for cell in row.children:
                cells.append([attr(), {"t": "AlignDefault"}, cell.get("morerows", 0) + 1,
                              cell.get("morecols", 0) + 1, self.blocks(cell)])
            out.append([attr(), cells])
        return out

    def block_citation(self, node):
        inner = [c for c in node.children if not isinstance(c, nodes.label)]
        body = [i for c in inner for i in self.inlines(c)]
        return [div("reference", [{"t": "Para", "c": self.anchors(node) + body}])]

    def block_chapter_head(self, node):
        spans = " ".join(f"{ledger.seconds(a)}-{ledger.seconds(b)}"
                         for _, a, b in node["sections"])
        cells = apparatus.strip(node["chapter"])
        shown = any(own for *_, own in cells)
        return [div("chapter-head", self.blocks(node), total=ledger.seconds(ledger.END),
                    spans=spans, part=node["part"], cells=" ".join(
                        f"{a}:{b}:{part}:{'own' if own else 'kin' if part == node['part'] else 'other'}"
                        for a, b, part, own in cells) if shown else "")]

    def block_claim_entry(self, node):
        sign, _ = ledger.VERDICTS[node["verdict"]]
        if node["anchor"]:
            return [div("claim-entry", self.places(node) + self.blocks(node), mark=sign,
                        verdict=node["verdict"], claim=node["claim"])]
        # in a chapter the statement is enough: the check stands in the appendix
        brief = [b for child in node.children if "entry-check" not in child.get("classes", [])
                 for b in self.block(child)]
        return [div("claim-line", brief, mark=sign, verdict=node["verdict"],
                    to=self.target(roles.LEDGER_DOC, f"claim-{node['claim']}"))]

    def block_exercise(self, node):
        return [div("exercise", self.places(node) + self.blocks(node), number=node["number"],
                    title=node["title"], level=apparatus.LEVELS[node["level"]],
                    to=self.target(self.docname, f"solution-{node['name']}"))]

    def block_solution(self, node):
        return [div("answer", self.places(node) + self.blocks(node), number=node["number"],
                    title=node["title"], to=self.target(self.docname, node["name"]))]

    def block_card_list(self, node):
        """Questions in the chapter, answers in the appendix, under the same numbers."""
        asked, told = [], []
        for item in node.children:
            question, *answer = item.children
            asked.append([{"t": "Plain", "c": self.anchors(item) + self.inlines(question)}])
            told.append([div("together", [b for child in answer for b in self.block(child)])])
        title = "Looking back" if node["kind"] == "look-back" else "Cards"
        return self.asked(asked, told, title, node["kind"])

    def block_quiz_list(self, node):
        """Questions with lettered choices, the key in the appendix."""
        asked, told = [], []
        for item in node.children:
            question, *choices = item.children
            asked.append([div("together", [
                {"t": "Para", "c": self.anchors(item) + self.inlines(question)},
                numbered([[{"t": "Plain", "c": self.inlines(c.children[0])}] for c in choices],
                         "LowerAlpha")])])
            why: list = []
            for choice in choices:
                said = [strong(f"{choice['choice']}."), {"t": "Space"},
                        *self.inlines(choice.children[1])]
                if choice["right"]:
                    right = {"t": "Plain", "c": said}
                else:
                    why += [*([{"t": "Space"}] if why else []), *said]
            told.append([div("together", [right, div("small", [{"t": "Para", "c": why}])])])
        return self.asked(asked, told, "Quiz", "quiz")

    def asked(self, questions, answers, title, kind):
        """Numbered questions, the place of their answers, and the answers for the appendix."""
        asked, told = (label(self.docname, f"{kind}-{end}") for end in ("asked", "told"))
        self.builder.given |= {asked, told}
        # three questions that look back stay together: one alone is lost on a page of its own
        listed = [numbered(questions)]
        if len(questions) <= 4:
            listed = [div("together", listed)]
        # the note comes first, for at the end it would fall on a page of its own
        return [{"t": "Plain", "c": [place(asked)]},
                div("answers-at", [{"t": "Para", "c": [
                    self.link([words("Answers")], self.docname, f"{kind}-told")]}]),
                *listed,
                div("key", [{"t": "Plain", "c": [place(told)]}, numbered(answers)], title=title,
                    to=asked)]

    def block_explorer(self, node):
        return self.blocks(node)  # its figure and its table of settings

    block_explorer_panel = block_nothing

    # ---------------------------------------------------------------- inlines

    def inline_Text(self, node):
        # a straight one would come out as the prime of feet and minutes in R1's
        return [words(_APOSTROPHE.sub("\u2019", node.astext().replace("\n", " ")))]

    def inline_emphasis(self, node):
        return [{"t": "Emph", "c": self.inlines(node)}]

    inline_title_reference = inline_emphasis

    def inline_strong(self, node):
        return [{"t": "Strong", "c": self.inlines(node)}]

    def inline_literal(self, node):
        return [{"t": "Code", "c": [attr(), node.astext()]}]

    def inline_offer_ref(self, node):
        return [{"t": "Code", "c": [attr(), node.astext()]}]

    def inline_superscript(self, node):
        return [{"t": "Superscript", "c": self.inlines(node)}]

    def inline_subscript(self, node):
        return [{"t": "Subscript", "c": self.inlines(node)}]

    def inline_math(self, node):
        return [pandoc.math(node.astext(), False)]

    def inline_inline(self, node):
        return self.anchors(node) + self.inlines(node)

    def inline_abbreviation(self, node):
        words = f" ({node['explanation']})" if node.get("inprint") else ""
        return self.inlines(node) + ([{"t": "Str", "c": words}] if words else [])

    def inline_image(self, node):
        name = self.builder.keep_image(self.docname, node)
        return [{"t": "Image", "c": [attr(), [words(node.get("alt", ""))], [name, ""]]}]

    def inline_target(self, node):
        return self.anchors(node) + self.inlines(node)

    def inline_index(self, node):
        return []

    inline_raw = inline_comment = inline_index

    def inline_footnote_reference(self, node):
        note = self.footnotes[node["refid"]]
        body = [b for c in note.children if not isinstance(c, nodes.label) for b in self.block(c)]
        return [{"t": "Note", "c": body}]

    def inline_reference(self, node):
        inner = self.inlines(node)
        if node.get("refid"):
            return [self.link(inner, self.docname, node["refid"])]
        uri = node.get("refuri", "")
        if uri.startswith(MARK):
            docname, _, anchor = uri[1:].partition("#")
            return [self.link(inner, docname or self.docname, anchor)]
        if uri.startswith("#"):
            return [self.link(inner, self.docname, uri[1:])]
        return [{"t": "Link", "c": [attr(), inner, [uri, ""]]}]

    def target(self, docname, anchor) -> str:
        """Name of a place that is linked to, which must then exist."""
        name = label(docname, anchor)
        self.builder.wanted.setdefault(name, self.docname)
        return name

    def link(self, inner, docname, anchor, *classes):
        """A link to a place of the book."""
        return {"t": "Link", "c": [attr("", classes), inner,
                                   [f"#{self.target(docname, anchor)}", ""]]}

    def inline_claim_ref(self, node):
        return [self.link(self.inlines(node), roles.LEDGER_DOC, f"claim-{node['claim']}",
                          "claim-ref")]

    def inline_claim_mark(self, node):
        return [words(node.astext())]

    def inline_problematic(self, node):
        return [words(node.astext())]


class PrintBuilder(Builder):
    """Write ``book.json``, a pandoc document of the whole book, and its images."""

    name = "print"
    format = "print"
    epilog = "The printed book is prepared in %(outdir)s."
    allow_parallel = False
    supported_image_types = ["image/svg+xml", "image/png", "image/jpeg"]
    supported_remote_images = False

    def init(self):
        self.wanted: dict[str, str] = {}
        self.given: set[str] = set()

    def get_outdated_docs(self):
        return "the whole book"

    def get_target_uri(self, docname, typ=None):
        return MARK + docname

    def get_relative_uri(self, from_, to, typ=None):
        return MARK + to

    def read(self):
        """Read what has changed; if nothing has, figures keep the numbers that they have."""
        updated = super().read()
        if not updated:  # else all trees would be read to number the figures anew
            self.env.check_dependents = lambda app, already: iter(())
        return updated

    def prepare_writing(self, docnames):
        """Nothing to prepare."""

    def write_doc(self, docname, doctree):
        """Pages are written together, in :meth:`write`."""

    def fresh(self, docname: str, anchor: str) -> bool:
        """Whether an id has not been set in print yet; it then counts as set."""
        name = label(docname, anchor)
        if name in self.given:
            return False
        self.given.add(name)
        return True

    def number(self, docname: str) -> str:
        """The chapter's number, or nothing."""
        numbers = self.env.toc_secnumbers.get(docname, {}).get("")
        return ".".join(map(str, numbers)) if numbers else ""

    def figure_number(self, kind: str, docname: str, ids: list[str]) -> str:
        """The number that Sphinx gave to a figure or a table."""
        known = self.env.toc_fignumbers.get(docname, {}).get(kind, {})
        for id_ in ids:
            if id_ in known:
                return ".".join(map(str, known[id_]))
        return ""

    def keep_image(self, docname: str, node) -> str:
        """Copy an image beside the book and return its name there."""
        source = Path(self.srcdir) / self.images_path(docname, node["uri"])
        target = Path(self.outdir) / "images" / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.is_file() or target.stat().st_mtime < source.stat().st_mtime:
            shutil.copyfile(source, target)
        return f"images/{source.name}"

    def images_path(self, docname: str, uri: str) -> str:
        """Path of an image, from the source folder."""
        if (Path(self.srcdir) / uri).is_file():
            return uri
        return posixpath.normpath(posixpath.join(posixpath.dirname(docname), uri))

    def write(self, build_docnames, updated_docnames, method="update"):
        """Write the whole book, its pages resolved side by side."""
        parts = list(self.parts())
        pages = self.resolve([docname for _, docnames in parts for docname in docnames])
        blocks: list = []
        for part, docnames in parts:
            if part:
                known = next((r for r in data.rows("parts") if r["title"] == part), {})
                blocks.append({"t": "Header", "c": [1, attr(
                    "", ("part",), key=known.get("id", ""), holds=known.get("holds", "")),
                    [words(part)]]})
            for docname in docnames:
                blocks += pages[docname]
        for target, docname in self.wanted.items():
            if target not in self.given:
                log.error("the printed book links to a place that it does not have: %s", target,
                          location=docname)
        path = Path(self.outdir) / "book.json"
        path.write_text(pandoc.document(blocks), encoding="utf-8")

    def resolve(self, docnames: list[str]) -> dict[str, list]:
        """Blocks of pages by name; what they link to, and the places they give, are noted."""
        pages: dict[str, list] = {}

        def collect(_, result):
            blocks, wanted, given = result
            pages.update(blocks)
            self.wanted = wanted | self.wanted
            self.given |= given

        jobs = self.app.parallel if parallel_available else 1
        if jobs < 2:
            collect(None, self.resolve_some(docnames))
            return pages
        # twice as many shares as jobs, the long pages first, so that all end at about one time
        shares: list[tuple[int, list[str]]] = [(0, []) for _ in range(2 * jobs)]
        for docname in sorted(docnames, key=self.size, reverse=True):
            total, share = min(shares, key=lambda pair: pair[0])
            shares.remove((total, share))
            shares.append((total + self.size(docname), [*share, docname]))
        tasks = ParallelTasks(jobs)
        for _, share in sorted(shares, reverse=True):
            tasks.add_task(self.resolve_some, share, collect)
        tasks.join()
        return pages

    def size(self, docname: str) -> int:
        """Bytes of a page's tree, by which its share of the work is judged."""
        return (Path(self.doctreedir) / f"{docname}.doctree").stat().st_size

    def resolve_some(self, docnames: list[str]) -> tuple[dict[str, list], dict[str, str], set[str]]:
        """Resolve some pages; give their blocks, what they link to, and the places they give."""
        self.wanted, self.given = {}, {label(docname) for docname in docnames}
        blocks = {}
        for docname in docnames:
            doctree = self.env.get_and_resolve_doctree(docname, self)
            blocks[docname] = Page(self, docname, doctree).block(doctree)
        return blocks, self.wanted, self.given

    def parts(self):
        """Yield the parts of the contents with their pages."""
        root = self.env.config.master_doc
        yield "To begin", [root]
        for toctree in self.env.get_doctree(root).findall(addnodes.toctree):
            yield toctree.get("caption") or "", [d for _, d in toctree["entries"]]

    def finish(self):
        """Nothing to finish."""


def setup(app):
    """Register the builder."""
    app.add_builder(PrintBuilder)
