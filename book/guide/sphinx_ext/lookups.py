"""Look-ups that Sphinx and pybtex repeat for every reference, done once for each build.

Sphinx reads the whole tree of a page from disk for each reference to a numbered figure, and
those of all pages to number the figures; an outline of each is enough. And pybtex asks all
installed packages for its plug-ins at each citation. In a book of this size that took four fifths
of the time of writing.

And the list of sources, which is set anew at every build: of it only the entries that are new.
"""

from __future__ import annotations

import hashlib
import pickle
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, wraps
from pathlib import Path

from docutils import nodes
from pybtex import plugin
from pybtex.database import Entry
from pybtex.style import FormattedEntry
from pybtex.style.formatting import BaseStyle
from sphinx import addnodes
from sphinx.domains.std import StandardDomain
from sphinx.environment.collectors.toctree import TocTreeCollector
from sphinxcontrib.bibtex import domain as bibtex

from . import shortcuts

SET = "sources.pickle"  # where the entries are kept as they were set


@dataclass
class Outline:
    """Of the tree of a page what the numbers of figures and tables depend on."""

    children: list[nodes.Node]
    ids: dict[str, nodes.Node]


def outline(raw: bytes) -> Outline:
    """Take the outline out of a page's tree as it lies on disk.

    Sections stay, in their order, with the tables of contents and all that may bear a number; of
    anything else its children, and a stand-in for its name.
    """
    tree, stays = pickle.loads(raw), {}
    heads = (nodes.caption, nodes.title, nodes.literal_block)  # what tells whether it is numbered

    def alone(copy: nodes.Element) -> nodes.Element:
        for one in copy.findall():
            one.document = None  # the whole tree would come along
        return copy

    def below(node: nodes.Element) -> list[nodes.Node]:
        found = []
        for child in node.children:
            if isinstance(child, addnodes.toctree):
                found.append(alone(child.copy()))
            elif isinstance(child, (nodes.section, nodes.figure, nodes.table)) or (
                    isinstance(child, nodes.container) and "literal_block" in child):
                kept = stays[child] = alone(child.copy())
                if not isinstance(child, nodes.section):
                    kept += [alone(one.deepcopy()) for one in child.children if isinstance(one, heads)]
                kept += below(child)
                found.append(kept)
            elif isinstance(child, nodes.Element):
                found += below(child)
        return found

    children, other = below(tree), nodes.inline()
    return Outline(children, {name: stays.get(node, other) for name, node in tree.ids.items()})


def outlines(app, env) -> dict[str, Outline]:
    """The outlines of all pages."""
    names = sorted(env.all_docs)
    raw = ((Path(env.doctreedir) / f"{name}.doctree").read_bytes() for name in names)
    made_by = (shortcuts.versions("sphinx", "docutils"),)
    return dict(zip(names, shortcuts.each(app, "outlines.pickle", made_by, raw, outline)))


@contextmanager
def in_outline(env, trees: dict[str, Outline]):
    """Have the environment answer with outlines when it is asked for the trees of pages."""
    env.get_doctree = trees.__getitem__
    try:
        yield
    finally:
        del env.get_doctree


class Standard(StandardDomain):
    """Sphinx's own domain, which looks up the numbers of figures in outlines."""

    _trees: dict[str, Outline] | None = None

    def outlines(self) -> dict[str, Outline]:
        """The outlines of all pages, once they are read."""
        if self._trees is None:
            self._trees = outlines(self.env.app, self.env)
        return self._trees

    def _resolve_numref_xref(self, env, *arguments):
        with in_outline(env, self.outlines()):
            return super()._resolve_numref_xref(env, *arguments)

    def forget(self) -> None:
        """Drop what was kept: the pages may have been read anew."""
        self._trees = None


def numbering(assign):
    """Have figures numbered from outlines, not from whole trees."""
    @wraps(assign)
    def assign_figure_numbers(self, env):
        with in_outline(env, env.get_domain("std").outlines()):
            return assign(self, env)
    assign_figure_numbers.outlined = True
    return assign_figure_numbers


class Sources(bibtex.BibtexDomain):
    """The domain of citations, which sets an entry only if it has changed since it was last set."""

    def get_filtered_entries(self, bibliography_key):
        """Entries that a list asks for: who cites what is gathered once, not for each entry."""
        citing = defaultdict(set)
        for reference in self.citation_refs:
            for target in reference.targets:
                citing[target.key].add(reference.docname)
        asked = self.bibliographies[bibliography_key]
        found = []
        for entry in self.get_entries(asked.bibfiles):
            key = asked.keyprefix + entry.key
            visitor = bibtex._FilterVisitor(
                entry=entry, docname=bibliography_key.docname, cited_docnames=citing[key])
            try:
                if visitor.visit(asked.filter_) or entry.key in asked.keys:
                    found.append((key, entry))
            except ValueError:  # the filter is wrong: the original says so
                return super().get_filtered_entries(bibliography_key)
        return found

    def env_updated(self):
        """Set the list of sources."""
        app, original = self.env.app, BaseStyle.format_entry
        made_by = (shortcuts.versions("pybtex", "latexcodec", "sphinxcontrib-bibtex"),)
        raw = shortcuts.load(app, SET, made_by)
        known, used = pickle.loads(raw) if raw else {}, {}

        def format_entry(style, label, entry, bib_data=None):
            if "crossref" in entry.fields:  # it borrows from another
                return original(style, label, entry, bib_data)
            content = hashlib.sha256(_content(style, entry).encode()).digest()
            if content not in used:
                used[content] = known.get(content) or original(style, label, entry, bib_data).text
            return FormattedEntry(entry.key, used[content], label)

        BaseStyle.format_entry = format_entry
        try:
            return super().env_updated()
        finally:
            BaseStyle.format_entry = original
            if used.keys() != known.keys():
                shortcuts.save(app, SET, pickle.dumps(used), made_by)


def _content(style: BaseStyle, entry: Entry) -> str:
    """All that the form of an entry depends on, its label aside."""
    names = ("first_names", "middle_names", "prelast_names", "last_names", "lineage_names")
    people = [(role, [[getattr(person, part) for part in names] for person in persons])
              for role, persons in entry.persons.items()]
    how = (type(style).__module__, type(style).__qualname__, style.abbreviate_names)
    return repr((how, entry.type, entry.key, list(entry.fields.items()), people))


def setup(app):
    """Register the domains, and remember the plug-ins of pybtex."""
    if not shortcuts.wanted():
        return
    app.add_domain(Standard, override=True)
    app.connect("env-updated", lambda app, env: env.get_domain("std").forget())
    if not hasattr(TocTreeCollector.assign_figure_numbers, "outlined"):
        TocTreeCollector.assign_figure_numbers = numbering(TocTreeCollector.assign_figure_numbers)
    app.setup_extension("sphinxcontrib.bibtex")
    app.add_domain(Sources, override=True)
    if not hasattr(plugin._load_entry_point, "cache_clear"):
        plugin._load_entry_point = lru_cache(maxsize=None)(plugin._load_entry_point)
