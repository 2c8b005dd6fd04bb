"""The first page: what the book promises, the ways through it, what is inside."""

from __future__ import annotations

from pathlib import Path

from docutils import nodes

from .. import data
from . import reading, roles
from .apparatus import BookDirective, part_of

ART = Path(__file__).resolve().parents[1] / "print" / "cover.svg"
ARTWORK = "_static/artwork.svg"
_CROP = '10 78 150 126'  # of the cover: the experts and their routes, without the words' place
DOWNLOADS = "book/downloads"


class landing(nodes.General, nodes.Element):
    """What stands above the first page's text."""


class landing_title(nodes.title):
    """The first page's own title; the book's stands above it on the web."""


class path_list(nodes.General, nodes.Element):
    """The ways through the book."""


class path_card(nodes.General, nodes.Element):
    """One way: its title and time, its promise, its steps."""


class inside(nodes.General, nodes.Element):
    """The parts with their chapters; a printed book has its contents for that."""


class Landing(BookDirective):
    """``{landing}``: the promise of the book, and what else stands above its first text."""

    has_content = True

    def run(self):
        node = landing()
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node]


class Paths(BookDirective):
    """``{paths}``: the ways through the book, with their times."""

    def run(self):
        for table in ("paths", "path_steps", "chapters"):
            self.depend(table)
        self.env.metadata[self.env.docname]["guide_times"] = True
        titles = {row["id"]: row["title"] for row in data.rows("chapters")}
        holder = path_list()
        for row in data.rows("paths"):
            steps = [s for s in data.rows("path_steps") if s["path"] == row["id"]]
            if not steps:
                return self.fail(f"path '{row['id']}' has no step in data/path_steps.csv")
            card = path_card(path=row["id"])
            head = nodes.paragraph("", "", nodes.strong("", row["title"]),
                                   nodes.inline("", ": ", classes=["path-and"]),
                                   reading.reading_time("", path=row["id"]),
                                   nodes.Text(" of text."), classes=["path-head"])
            card += head
            card += nodes.paragraph("", row["promise"], classes=["path-promise"])
            way = nodes.paragraph("", "", classes=["path-steps"])
            for i, step in enumerate(steps):
                way += nodes.Text(", " if i else "")
                page, words = step["page"], titles.get(step["page"])
                if page == reading.EVERY:  # it begins with the first
                    page, words = "episode", f"{titles['episode']}, and on from there"
                way += roles.place_ref("", words, page=f"book/{page}", anchor="")
                if step["takes"]:
                    way += nodes.inline("", f" ({step['takes']})", classes=["path-takes"])
            way += nodes.Text(".")
            card += way
            holder += card
        return [holder]


class Inside(BookDirective):
    """``{inside}``: the parts of the book, a line on each, and their chapters."""

    def run(self):
        self.depend("parts")
        return [inside()]


def turn(app, doctree, docname):
    """On the web, put the book's title over the first page, and the page's own beneath."""
    if app.builder.format != "html":
        return
    for node in list(doctree.findall(landing)):
        section = node.parent
        title = next(n for n in section.children if isinstance(n, nodes.title))
        if section.index(title) > section.index(node):
            continue
        section.remove(title)
        section.insert(section.index(node) + 1,
                       landing_title("", "", *title.children, refid=section["ids"][0]))


# ------------------------------------------------------------------ HTML


def visit_landing(self, node):
    """Open the page with the book's title, its promise and its picture."""
    to = self.builder.get_relative_uri
    here = self.builder.current_docname
    count = next((i for i, child in enumerate(node.children)
                  if not isinstance(child, nodes.paragraph)), len(node.children))
    add = self.body.append
    add('<div class="landing"><div class="hero"><div class="hero-words">'
        f"<h1>{self.encode(self.builder.config.html_title)}</h1><div class='hero-promise'>")
    for child in node.children[:count]:
        child.walkabout(self)
    add(f'</div><p class="hero-ways"><a class="hero-go" href="{to(here, "book/episode")}">'
        "Begin with the whole conversation</a>")
    if DOWNLOADS in self.builder.env.found_docs:
        add(f' <a href="{to(here, DOWNLOADS)}">PDF, EPUB, notebooks, data</a>')
    root = "../" * here.count("/")
    add(f'</p></div><img class="hero-art" src="{root}{ARTWORK}" alt="" width="600" height="504">'
        "</div>")
    for child in node.children[count:]:
        child.walkabout(self)
    add("</div>")
    raise nodes.SkipNode


def visit_title(self, node):
    """Write the page's own title one level down."""
    self.body.append('<h2 class="landing-title">')


def depart_title(self, node):
    """Close the title."""
    self.body.append("</h2>")


def visit_paths(self, node):
    """Open the ways."""
    self.body.append('<h2>Three ways through</h2><ul class="paths">')


def visit_card(self, node):
    """Open a way."""
    self.body.append(f'<li class="path path-{node["path"]}">')


def depart_card(self, node):
    """Close a way."""
    self.body.append("</li>")


def depart_paths(self, node):
    """Close the ways."""
    self.body.append("</ul>")


def visit_inside(self, node):
    """Write the parts with their chapters, from the contents."""
    env, here = self.builder.env, self.builder.current_docname
    to = self.builder.get_relative_uri
    holds = {row["title"]: row for row in data.rows("parts")}
    add = self.body.append
    add('<h2>What is inside</h2><ol class="parts">')
    for caption, pages in contents(env):
        row = holds.get(caption)
        if row is None:
            raise data.DataError(f"data/parts.csv tells of no part '{caption}': add a row")
        add(f'<li class="part-{row["id"]}"><p class="part-title">{self.encode(caption)}</p>'
            f"<p class='part-holds'>{self.encode(row['holds'])}</p><p class='part-chapters'>")
        links = []
        for page in pages:
            number = ".".join(map(str, env.toc_secnumbers.get(page, {}).get("", ())))
            sign = f"<span class='part-number'>{number}</span> " if number else ""
            links.append(f'<a href="{to(here, page)}">{sign}'
                         f"{self.encode(env.titles[page].astext())}</a>")
        add(" ".join(links) + "</p></li>")
    add("</ol>")
    raise nodes.SkipNode


def contents(env):
    """Parts of the book in order, each with its pages."""
    from sphinx import addnodes

    for toctree in env.get_doctree(env.config.master_doc).findall(addnodes.toctree):
        yield toctree.get("caption") or "", [page for _, page in toctree["entries"]]


def hang_picture(app, error):
    """Cut the picture of the first page from the cover, so that there is but one artwork."""
    if error is not None or app.builder.format != "html":
        return
    svg = ART.read_text(encoding="utf-8")
    start, end = svg.index("<svg"), svg.index(">") + 1
    ground = '<rect width="170" height="240" fill="#0d1b2a"/>'
    picture = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{_CROP}">'
               + svg[end:].replace(ground, "")) if start == 0 else svg
    target = Path(app.outdir) / ARTWORK
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(picture, encoding="utf-8")


def add_kicker(app, doctree, docname):
    """On the web, name the part over the title of a chapter."""
    from .apparatus import chapter_head

    if app.builder.format != "html":
        return
    for head in list(doctree.findall(chapter_head)):
        row = part_of(head["chapter"])
        if row and isinstance(head.parent, nodes.section):
            head.parent["classes"].append(f"part-{row['id']}")
            title = next(n for n in head.parent.children if isinstance(n, nodes.title))
            if title.astext().endswith(row["title"]):
                continue  # a part of one chapter
            head.parent.insert(0, nodes.paragraph("", row["title"], classes=["kicker"]))


def add_style(app, pagename, templatename, context, doctree):
    """Load the first page's style on the first page only."""
    if pagename == app.config.master_doc:
        app.add_css_file("landing.css")


def setup(app):
    """Register nodes and directives."""
    app.add_node(landing, html=(visit_landing, None))
    app.add_node(landing_title, html=(visit_title, depart_title))
    app.add_node(path_list, html=(visit_paths, depart_paths))
    app.add_node(path_card, html=(visit_card, depart_card))
    app.add_node(inside, html=(visit_inside, None))
    app.add_directive("landing", Landing)
    app.add_directive("paths", Paths)
    app.add_directive("inside", Inside)
    # after all that looks for the titles of pages
    app.connect("doctree-resolved", turn, priority=950)
    app.connect("doctree-resolved", add_kicker, priority=950)
    app.connect("html-page-context", add_style)
    app.connect("build-finished", hang_picture)
