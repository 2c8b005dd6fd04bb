"""Look-ups that Sphinx and pybtex repeat for every reference, done once for each build.

Sphinx reads the whole tree of a page from disk for each reference to a numbered figure, and
pybtex asks all installed packages for its plug-ins at each citation; in a book of this size the
two took four fifths of the time of writing.

And the list of sources, which is set anew at every build: of it only the entries that are new.
"""

from __future__ import annotations

import hashlib
import pickle
from collections import defaultdict
from functools import lru_cache
from typing import Any

from pybtex import plugin
from pybtex.database import Entry
from pybtex.style import FormattedEntry
from pybtex.style.formatting import BaseStyle
from sphinx.domains.std import StandardDomain
from sphinxcontrib.bibtex import domain as bibtex

from . import shortcuts

SET = "sources.pickle"  # where the entries are kept as they were set


class _Remembering:
    """The environment, with trees that were read once kept; who asks must not change them."""

    def __init__(self, env):
        self._env = env
        self._trees: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._env, name)

    def get_doctree(self, docname: str):
        """Return the tree of a page."""
        if docname not in self._trees:
            self._trees[docname] = self._env.get_doctree(docname)
        return self._trees[docname]


class Standard(StandardDomain):
    """Sphinx's own domain, with fewer readings of the same page."""

    _seen: _Remembering | None = None

    def _resolve_numref_xref(self, env, *arguments):
        # only the kind and the number of the target are asked for, so that a kept tree will do
        if self._seen is None or self._seen._env is not env:
            self._seen = _Remembering(env)
        return super()._resolve_numref_xref(self._seen, *arguments)

    def forget(self) -> None:
        """Drop what was kept: the pages may have been read anew."""
        self._seen = None


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
    app.setup_extension("sphinxcontrib.bibtex")
    app.add_domain(Sources, override=True)
    if not hasattr(plugin._load_entry_point, "cache_clear"):
        plugin._load_entry_point = lru_cache(maxsize=None)(plugin._load_entry_point)
