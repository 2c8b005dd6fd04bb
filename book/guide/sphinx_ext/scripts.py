"""Page weight: a service that runs cells elsewhere, icons by the thousand, scripts given twice."""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from myst_nb.sphinx_ext import add_global_html_resources

_SERVICE = "thebe"  # Jupyter Book loads it whether it is wanted or not
_HIGHLIGHT = "sphinx_highlight.js"  # marks what Sphinx's search found; the book has its own
#: what the theme and Sphinx copy into the site though no page asks for it
_UNUSED = ("_static/scripts/fontawesome.*", "_static/vendor/fontawesome/webfonts/*",
           "_static/searchtools.js", "_static/language_data.js", "_static/sphinx_highlight.js",
           "_static/*webpack-macros.html", "searchindex.js")
_LAST = 900  # after every extension has added its own


def drop_settings(app, doctree, docname):
    """Take the service's settings out of a page's text."""
    for raw in list(doctree.findall(nodes.raw)):
        if _SERVICE in raw.astext() or "kernelName =" in raw.astext():
            raw.parent.remove(raw)


def trim_head(app, pagename, templatename, context, doctree):
    """Keep each script once, and none of the service's."""
    for kind in ("script_files", "css_files"):
        kept = {}
        for file in context.get(kind, []):
            attributes = getattr(file, "attributes", {})
            said = f"{getattr(file, 'filename', file)} {attributes.get('body', '')}"
            if _SERVICE not in said and _HIGHLIGHT not in said:
                kept.setdefault((said, str(sorted(attributes.items()))), file)
        context[kind] = list(kept.values())


def drop_files(app, error):
    """Leave out of the site what no page loads."""
    if error is None and app.builder.name == "html":
        for pattern in _UNUSED:
            for path in Path(app.outdir).glob(pattern):
                path.unlink()


def copy_early(app):
    """Have MyST-NB's style sheet in place before the first page is written.

    It comes with the last otherwise, and Sphinx marks a link to a style sheet with its checksum
    only if it is there: the second build would differ from the first.
    """
    if app.builder.format == "html":
        (Path(app.outdir) / "_static").mkdir(parents=True, exist_ok=True)
        add_global_html_resources(app, None)


def setup(app):
    """Register the handlers."""
    app.connect("builder-inited", copy_early)
    app.connect("doctree-resolved", drop_settings, priority=_LAST)
    app.connect("html-page-context", trim_head, priority=_LAST)
    app.connect("build-finished", drop_files)
