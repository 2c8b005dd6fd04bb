"""The ``print`` builder: the whole book as one pandoc document, in the order of the contents.

It stands between Sphinx, which resolves references, numbers and citations, and pandoc, which
knows how each output format wants things said. What pandoc has no word for (a verdict badge, a
chapter head, an index mark) is said to Typst directly.
"""

from __future__ import annotations

import json
import posixpath
import re
import shutil
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.builders import Builder
from sphinx.util import logging

from .. import ledger
from . import apparatus, images, maths, roles

log = logging.getLogger(__name__)
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w|\s|[.,;:)])")
MARK = "%"  # starts an internal target: %docname#id


def typst_string(text: str) -> str:
    """Quote text as a Typst string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def label(docname: str, anchor: str = "") -> str:
    """Name of a place in the printed book."""
    text = f"{docname}--{anchor}" if anchor else docname
    return re.sub(r"[^A-Za-z0-9_-]", "-", text)


def attr(identifier: str = "", classes: tuple = (), **pairs: str) -> list:
    """Pandoc's attributes."""
    return [identifier, list(classes), [[k, v] for k, v in pairs.items()]]


def raw(text: str) -> dict:
    """A block for Typst alone."""
    return {"t": "RawBlock", "c": ["typst", text]}


def raw_inline(text: str) -> dict:
    """An inline for Typst alone."""
    return {"t": "RawInline", "c": ["typst", text]}


class Page:
    """Turns the resolved tree of one page into pandoc blocks."""

    def __init__(self, builder: "PrintBuilder", docname: str, doctree):
        self.builder = builder
        self.docname = docname
        self.answers: list[tuple[dict, list]] = []
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

    def marks(self, ids: list[str]) -> list:
        """Invisible places to link to."""
        return [raw_inline(f"#metadata(none)<{label(self.docname, i)}>") for i in ids]

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
        inner = [{"t": "Str", "c": f"{number}\u2002"}] if number else []
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
        classes = set(node.get("classes", []))
        for name in ("head-facts", "entry-meta", "entry-evidence", "entry-uses", "head-where"):
            if name in classes:
                return [raw("#small["), {"t": "Para", "c": inner}, raw("]")]
        return [{"t": "Para", "c": inner}]

    def block_compound(self, node):
        if "toctree-wrapper" in node.get("classes", []):
            return []  # the printed book has its own contents
        return self.blocks(node)

    block_rubric = block_paragraph

    def block_container(self, node):
        kind = node.get("nb_element", "")
        classes = node.get("classes", [])
        if kind == "cell_code":
            if "tag_remove-cell" in classes or "tag_remove-input" in classes:
                return self.outputs(node)
            return self.blocks(node)
        if kind == "cell_code_source":
            cell = node.parent.get("classes", [])
            if {"tag_hide-input", "tag_hide-cell"} & set(cell):
                return []  # cosmetics stay in the notebook
            return self.blocks(node)
        if "disagreement" in classes:
            return [{"t": "Plain", "c": self.anchors(node)}, *self.blocks(node)]
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
        return [{"t": "Para", "c": [self.math(node.astext(), True)]}]

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
        return [raw(f"#callout(title: {typst_string(heading)}, kind: {typst_string(kind)})["),
                *body, raw("]")]

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
    block_figure_data = block_solution_gate = block_system_message = block_nothing

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
        lead = [{"t": "Strong", "c": [{"t": "Str", "c": f"Figure {number}."}]}, {"t": "Space"}]
        text = lead + (self.inlines(caption) if caption is not None else [])
        legend = [b for c in node.children if isinstance(c, nodes.legend) for b in self.blocks(c)]
        spans = self.anchors(node)
        # pandoc's own figure loses the alternative text
        return [
            *([{"t": "Plain", "c": spans}] if spans else []),
            raw(f"#figure({self.image_call(picture)}, kind: image, placement: auto, caption: ["),
            {"t": "Plain", "c": text}, *legend, raw("])"),
        ]

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
            caption = [{"t": "Plain", "c": [
                {"t": "Strong", "c": [{"t": "Str", "c": f"Table {number}."}]}, {"t": "Space"},
                *self.inlines(title)]}]
        spans = self.anchors(node)
        return [
            *([{"t": "Plain", "c": spans}] if spans else []),
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
        return [raw("#reference["), {"t": "Para", "c": self.anchors(node) + body}, raw("]")]

    def block_chapter_head(self, node):
        strip = ", ".join(
            f"({ledger.seconds(a)}, {ledger.seconds(b)})" for _, a, b in node["sections"]
        )
        total = ledger.seconds(ledger.END)
        return [raw(f"#chapterhead(total: {total}, spans: ({strip}{',' if strip else ''}))["),
                *self.blocks(node), raw("]")]

    def block_claim_entry(self, node):
        mark, _ = ledger.VERDICTS[node["verdict"]]
        head = f"{typst_string(mark)}, {typst_string(node['verdict'])}"
        if node["anchor"]:
            return [raw(f"#claimentry({head})["), {"t": "Plain", "c": self.anchors(node)},
                    *self.blocks(node), raw("]")]
        # in a chapter the statement is enough: the check stands in the appendix
        name = label(roles.LEDGER_DOC, f"claim-{node['claim']}")
        self.builder.wanted.setdefault(name, self.docname)
        brief = [b for child in node.children if "entry-check" not in child.get("classes", [])
                 for b in self.block(child)]
        return [raw(f"#claimline({head}, <{name}>)["), *brief, raw("]")]

    def block_exercise(self, node):
        answer = label(self.docname, f"solution-{node['name']}")
        return [raw(f"#exercise({node['number']}, {typst_string(node['title'])}, "
                    f"{typst_string(apparatus.LEVELS[node['level']])}, <{answer}>)["),
                {"t": "Plain", "c": self.anchors(node)}, *self.blocks(node), raw("]")]

    def block_solution(self, node):
        self.answers.append((dict(node.attributes), [
            raw(f"#answer({node['number']}, {typst_string(node['title'])}, "
                f"<{label(self.docname, node['name'])}>)["),
            {"t": "Plain", "c": self.anchors(node)}, *self.blocks(node), raw("]")]))
        return []

    def block_explorer(self, node):
        return self.blocks(node)  # its figure and its table of settings

    block_explorer_panel = block_nothing

    # ---------------------------------------------------------------- inlines

    def inline_Text(self, node):
        # Typst would set the apostrophe of R1's as the prime of feet and minutes
        text = _APOSTROPHE.sub("\u2019", node.astext().replace("\n", " "))
        return [{"t": "Str", "c": text}]

    def inline_emphasis(self, node):
        return [{"t": "Emph", "c": self.inlines(node)}]

    inline_title_reference = inline_emphasis

    def inline_strong(self, node):
        return [{"t": "Strong", "c": self.inlines(node)}]

    def inline_literal(self, node):
        return [{"t": "Code", "c": [attr(), node.astext()]}]

    def inline_superscript(self, node):
        return [{"t": "Superscript", "c": self.inlines(node)}]

    def inline_subscript(self, node):
        return [{"t": "Subscript", "c": self.inlines(node)}]

    def math(self, tex, display):
        self.builder.formulas.setdefault((tex, display), None)
        return {"t": "Span", "c": [attr("", ("formula",), display=str(int(display))),
                                   [{"t": "Str", "c": tex}]]}

    def inline_math(self, node):
        return [self.math(node.astext(), False)]

    def inline_inline(self, node):
        return self.anchors(node) + self.inlines(node)

    inline_abbreviation = inline_inline

    def image_call(self, node) -> str:
        """Typst's call for an image with its alternative text."""
        name = self.builder.keep_image(self.docname, node)
        return f"image({typst_string(name)}, alt: {typst_string(node.get('alt', ''))})"

    def inline_image(self, node):
        return [raw_inline(f"#{self.image_call(node)}")]

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

    def link(self, inner, docname, anchor):
        target = label(docname, anchor)
        self.builder.wanted.setdefault(target, self.docname)
        return {"t": "Link", "c": [attr(), inner, [f"#{target}", ""]]}

    def inline_claim_ref(self, node):
        target = label(roles.LEDGER_DOC, f"claim-{node['claim']}")
        self.builder.wanted.setdefault(target, self.docname)
        return [raw_inline(f"#claimref(<{target}>)["), *self.inlines(node), raw_inline("]")]

    def inline_problematic(self, node):
        return [{"t": "Str", "c": node.astext()}]


class PrintBuilder(Builder):
    """Write ``book.json``, a pandoc document of the whole book, and its images."""

    name = "print"
    format = "print"
    epilog = "The printed book is prepared in %(outdir)s."
    allow_parallel = False
    supported_image_types = ["image/svg+xml", "image/png", "image/jpeg"]
    supported_remote_images = False

    def init(self):
        self.formulas: dict[tuple[str, bool], str | None] = {}
        self.wanted: dict[str, str] = {}
        self.given: set[str] = set()

    def get_outdated_docs(self):
        return "the whole book"

    def get_target_uri(self, docname, typ=None):
        return MARK + docname

    def get_relative_uri(self, from_, to, typ=None):
        return MARK + to

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
        """Write the whole book."""
        blocks: list = []
        answers: list = []
        for part, docnames in self.parts():
            if part:
                blocks.append(raw(f"#part({typst_string(part)})"))
            for docname in docnames:
                doctree = self.env.get_and_resolve_doctree(docname, self)
                page = Page(self, docname, doctree)
                self.given.add(label(docname))
                blocks += page.block(doctree)
                if page.answers:
                    title = self.env.titles[docname].astext()
                    answers.append({"t": "Header", "c": [3, attr("", ("unnumbered",)),
                                                         [{"t": "Str", "c": title}]]})
                    answers += [b for _, body in page.answers for b in body]
        if answers:
            blocks.append({"t": "Header", "c": [2, attr("answers", ("unnumbered",)),
                                                [{"t": "Str", "c": "Answers to the exercises"}]]})
            blocks += answers
        for target, docname in self.wanted.items():
            if target not in self.given:
                log.error("the printed book links to a place that it does not have: %s", target,
                          location=docname)
        keys = list(self.formulas)
        done = dict(zip(keys, maths.convert(keys, "typst", [])))
        blocks = set_formulas(blocks, done)
        book = {"pandoc-api-version": maths.API, "meta": {}, "blocks": blocks}
        path = Path(self.outdir) / "book.json"
        path.write_text(json.dumps(book, ensure_ascii=False), encoding="utf-8")

    def parts(self):
        """Yield the parts of the contents with their pages."""
        root = self.env.config.master_doc
        yield "To begin", [root]
        for toctree in self.env.get_doctree(root).findall(addnodes.toctree):
            yield toctree.get("caption") or "", [d for _, d in toctree["entries"]]

    def finish(self):
        """Nothing to finish."""


def set_formulas(tree, done: dict[tuple[str, bool], str]):
    """Put Typst formulas, each with a text that replaces it, where their TeX stands."""
    if isinstance(tree, list):
        return [set_formulas(item, done) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if tree.get("t") == "Span" and tree["c"][0][1] == ["formula"]:
        display = tree["c"][0][2][0][1] == "1"
        tex = tree["c"][1][0]["c"]
        inner = done[(tex, display)].strip().strip("$").strip()
        return raw_inline(
            f"#math.equation(block: {'true' if display else 'false'}, "
            f"alt: {typst_string(spoken(tex))}, ${inner}$)"
        )
    return {key: set_formulas(value, done) for key, value in tree.items()}


def spoken(tex: str) -> str:
    """A formula as text, for those who hear it."""
    text = re.sub(r"\\(?:text|mathrm|operatorname|mathbf)\s*\{([^{}]*)\}", r"\1", tex)
    text = re.sub(r"\\d?frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1) over (\2)", text)
    for name, word in {"times": "times", "cdot": "times", "approx": "is about", "le": "at most",
                       "ge": "at least", "sum": "sum", "quad": " ", "left": "", "right": "",
                       "in": "in"}.items():
        text = re.sub(rf"\\{name}(?![A-Za-z])", f" {word} ", text)
    return re.sub(r"\s+", " ", text.replace("{", "").replace("}", "").replace("\\", "")).strip()


def setup(app):
    """Register the builder."""
    app.add_builder(PrintBuilder)
