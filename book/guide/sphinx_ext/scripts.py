"""Page weight: the service that runs cells elsewhere, and scripts given twice, stay out."""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from myst_nb.sphinx_ext import add_global_html_resources

_SERVICE = "thebe"  # Jupyter Book loads it whether it is wanted or not
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
            if _SERVICE not in said:
                kept.setdefault((said, str(sorted(attributes.items()))), file)
        context[kind] = list(kept.values())


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
