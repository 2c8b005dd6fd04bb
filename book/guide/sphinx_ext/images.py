"""Figures on the site: alternative text, dark variant, the table behind."""

from __future__ import annotations

import csv
import io
import posixpath
import re
from html import escape
from pathlib import Path
from urllib.parse import quote

from docutils import nodes

from .. import drawings

SHOWN_ROWS = 40


class book_image(nodes.image):
    """One variant of a figure."""


class figure_spots(nodes.General, nodes.Element):
    """Places of a figure that lead somewhere."""


class figure_data(nodes.General, nodes.Element):
    """The table behind a figure."""


def mend_images(app, doctree):
    """Give each figure made by :mod:`guide.figures` its text, its variants and its table.

    Runs before Sphinx collects the images of a page.
    """
    folder = Path(app.env.doc2path(app.env.docname)).parent
    for image in list(doctree.findall(nodes.image)):
        uri = image["uri"]
        if not uri.endswith(".svg"):
            continue
        path = (Path(app.srcdir) / uri.lstrip("/")) if uri.startswith("/") else folder / uri
        if not path.is_file():
            continue
        svg = path.read_text(encoding="utf-8")
        note = drawings.note(svg)
        if not note:
            continue
        light = path.with_name(path.stem + "-light.svg")
        dark = path.with_name(path.stem + "-dark.svg")
        bare = drawings.strip_note(svg)
        for file, text in ((light, bare), (dark, drawings.darken(bare))):
            if not file.is_file() or file.read_text(encoding="utf-8") != text:
                file.write_text(text, encoding="utf-8")
        size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', bare)
        variants = []
        for name, mode in ((light.name, "light"), (dark.name, "dark")):
            variants.append(
                book_image(
                    uri=posixpath.join(posixpath.dirname(uri), name), alt=note["alt"], mode=mode,
                    size=(float(size[1]), float(size[2])) if size else None,
                )
            )
        if note.get("spots") and size:
            variants.append(figure_spots(size=(size[1], size[2]), spots=note["spots"]))
        image.replace_self(variants)
        figure = variants[0].parent
        while figure is not None and not isinstance(figure, nodes.figure):
            figure = figure.parent
        if figure is not None and "rows" in note:
            place = figure.parent.index(figure)
            figure.parent.insert(
                place + 1, figure_data(columns=note["columns"], rows=note["rows"])
            )


def visit_image(self, node):
    """Write an image that keeps its place while it loads."""
    uri = node["uri"]
    src = posixpath.join(self.builder.imgpath, quote(self.builder.images.get(uri, uri)))
    size = ""
    if node["size"]:
        # drawn in points; browsers want whole pixels
        size = ' width="{}" height="{}"'.format(*(round(x * 96 / 72) for x in node["size"]))
    self.body.append(
        f'<img class="figure-{node["mode"]}" src="{escape(src)}" alt="{escape(node["alt"])}"'
        f'{size} loading="lazy" decoding="async">'
    )
    raise nodes.SkipNode


def visit_spots(self, node):
    """Lay links over a figure; the table that goes with it has them for those who do not point."""
    add = self.body.append
    add('<svg class="figure-spots" viewBox="0 0 {} {}" aria-hidden="true">'.format(*node["size"]))
    for x, y, w, h, place, label in node["spots"]:
        page, _, anchor = place.partition("#")
        uri = self.builder.get_relative_uri(self.builder.current_docname, f"book/{page}")
        add(f'<a href="{uri}#{escape(anchor)}" tabindex="-1"><title>{escape(label)}</title>'
            f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}"/></a>')
    add("</svg>")
    raise nodes.SkipNode


def visit_data(self, node):
    """Write the table behind a figure, folded."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(node["columns"])
    writer.writerows(node["rows"])
    head = "".join(f"<th scope='col'>{escape(c)}</th>" for c in node["columns"])
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in node["rows"][:SHOWN_ROWS]
    )
    more = len(node["rows"]) - SHOWN_ROWS
    rest = f"<p>{more} more rows in the file.</p>" if more > 0 else ""
    self.body.append(
        '<details class="figure-data"><summary>The table behind this figure</summary>'
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{rest}"
        f'<a download="figure.csv" href="data:text/csv;charset=utf-8,{quote(text.getvalue())}">'
        "Download as CSV</a></details>"
    )
    raise nodes.SkipNode


def prune(app, error):
    """Remove what earlier builds left: figures that no page shows, pages of chapters now gone."""
    folder = Path(app.outdir) / "_images"
    if error is not None or app.builder.name != "html" or not folder.is_dir():
        return
    for page in (Path(app.outdir) / "book").glob("*.html"):
        if f"book/{page.stem}" not in app.env.found_docs:
            page.unlink()
    kept = {name for _, name in app.env.images.values()}
    for file in folder.iterdir():
        if file.name not in kept:
            file.unlink()


def skip(self, node):
    """Leave a node out."""
    raise nodes.SkipNode


def setup(app):
    """Register nodes and the handler."""
    app.add_node(book_image, html=(visit_image, None), text=(skip, None))
    app.add_node(figure_spots, html=(visit_spots, None), text=(skip, None))
    app.add_node(figure_data, html=(visit_data, None), text=(skip, None))
    # before Sphinx's own collector of images, which runs at the default 500
    app.connect("doctree-read", mend_images, priority=400)
    app.connect("build-finished", prune)
