"""Roles: a claim, a timestamp, a date of the timeline, a value of a table."""

from __future__ import annotations

from html import escape

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from .. import data, ledger, values

LEDGER_DOC = "book/ledger"
log = logging.getLogger(__name__)


class claim_ref(nodes.Inline, nodes.TextElement):
    """A claim's value or words in a sentence, linked to its row in the ledger."""


class BookRole(SphinxRole):
    """A role that reads data, and says where and why when it cannot."""

    table = ""

    def run(self):
        try:
            if self.table:
                self.depend(self.table)
            return [self.render()], []
        except (ledger.LedgerError, data.DataError, ValueError) as error:
            log.error("{%s}`%s`: %s", self.name, self.text, error,
                      location=(self.env.docname, self.lineno))
            return [nodes.problematic(self.rawtext, self.rawtext)], []

    def depend(self, table: str) -> None:
        """Have the page read again when this table changes."""
        self.env.note_dependency(str(data.ROOT / data.resource(table)["path"]))

    def render(self) -> nodes.Node:
        """Return the node to put in the sentence."""
        raise NotImplementedError


class ClaimRole(BookRole):
    """``{claim}`id``` prints the value; ``{claim}`words <id>``` prints the words."""

    table = "claims"
    bare = False

    def render(self):
        text = values.claim(self.text, bare=self.bare)
        key = values.split(self.text)[1]
        uses(self.env).setdefault(self.env.docname, set()).add(key)
        return claim_ref(self.rawtext, text, claim=key)


class claim_mark(nodes.Inline, nodes.TextElement):
    """The mark of a claim's verdict, linked to its row in the ledger."""


class ClaimMarkRole(BookRole):
    """``{mark}`id``` prints the mark of the claim's verdict."""

    table = "claims"

    def render(self):
        row = ledger.claim(self.text)
        return claim_mark(self.rawtext, ledger.VERDICTS[row.verdict][0], claim=row.id)


def visit_mark(self, node):
    """Write a mark as a link that says whose claim it is, when it was made, and the verdict."""
    row = ledger.claim(node["claim"])
    uri = self.builder.get_relative_uri(self.builder.current_docname, LEDGER_DOC)
    said = escape(f"{speaker_line(row)} {row.start or ''}, {row.verdict}")
    self.body.append(f'<a class="claim-link claim-mark claim-{row.verdict}" aria-label="{said}" '
                     f'href="{uri}#claim-{row.id}">')


def depart_mark(self, node):
    """Close the link."""
    self.body.append("</a>")


class ClaimNumberRole(ClaimRole):
    """As ``claim``, without the unit's word: ``{claimnum}`id```."""

    bare = True


class TimestampRole(BookRole):
    """``{t}`1:02:02``` opens the video there."""

    def render(self):
        return nodes.reference(
            self.rawtext, self.text, refuri=ledger.video_url(self.text), classes=["stamp"]
        )


class DateRole(BookRole):
    """``{date}`event-id``` prints the date of an event of the timeline."""

    table = "timeline"

    def render(self):
        return nodes.inline(self.rawtext, values.date(self.text), classes=["date"])


class DatumRole(BookRole):
    """``{datum}`table/row/column``` prints one value of a table, with its unit."""

    def render(self):
        text = values.datum(self.text)
        self.depend(self.text.split("/")[0].strip())
        return nodes.inline(self.rawtext, text, classes=["datum"])


class place_ref(nodes.Inline, nodes.TextElement):
    """A link to any place of the book that has an id."""


class PlaceRole(BookRole):
    """``{place}`words <models#how-large-is-it>``` links to a page or to any id on it."""

    def render(self):
        words, target = values.split(self.text)
        if words is None:
            raise ValueError("write {place}`words <page#anchor>`")
        page, _, anchor = target.partition("#")
        if f"book/{page}" not in self.env.found_docs:
            raise ValueError(f"there is no page '{page}'")
        return place_ref(self.rawtext, words, page=f"book/{page}", anchor=anchor)


def resolve_places(app, doctree, docname):
    """Turn places into links, once all pages are read."""
    for node in list(doctree.findall(place_ref)):
        uri = app.builder.get_relative_uri(docname, node["page"])
        anchor = f"#{node['anchor']}" if node["anchor"] else ""
        node.replace_self(
            nodes.reference("", node.astext(), refuri=uri + anchor, internal=True)
        )


class offer_ref(nodes.Inline, nodes.TextElement):
    """A file that readers can take away; the build fills in link and size when it is made."""


class OfferRole(BookRole):
    """``{offer}`deepseek-moment.pdf``` names a download."""

    def render(self):
        return offer_ref(self.rawtext, self.text)


def visit_offer(self, node):
    """Write the name where :func:`guide.downloads.publish` finds it."""
    self.body.append(f'<span class="offer" data-file="{escape(node.astext())}">')


def depart_offer(self, node):
    """Close it."""
    self.body.append("</span>")


def mark_titles(app, doctree, docname):
    """Set the title of a chapter as a title where a sentence names the chapter by it."""
    titles = {title.astext() for title in app.env.titles.values()}
    for node in list(doctree.findall(nodes.inline)):
        if "doc" in node["classes"] and node.astext() in titles:
            node[:] = [nodes.title_reference("", "", *node.children)]


def uses(env) -> dict[str, set[str]]:
    """Which claims each page cites."""
    if not hasattr(env, "guide_uses"):
        env.guide_uses = {}
    return env.guide_uses


def purge(app, env, docname):
    """Forget a page that is about to be read again."""
    uses(env).pop(docname, None)


def merge(app, env, docnames, other):
    """Take over what a parallel reader collected."""
    uses(env).update({k: v for k, v in uses(other).items() if k in docnames})


def speaker_line(row: ledger.Claim) -> str:
    """Say who made the claim, without the timestamp."""
    if row.from_notes:
        return f"Notes {row.speaker.split(maxsplit=1)[1]}"
    return row.speaker


def badge_html(verdict: str) -> str:
    """A verdict that is legible without colour: mark and word."""
    mark, meaning = ledger.VERDICTS[verdict]
    return (
        f'<span class="verdict verdict-{verdict}" title="{escape(meaning)}">'
        f'<span aria-hidden="true">{mark}</span> {verdict}</span>'
    )


def visit_html(self, node):
    """Write the link; its card is set by :mod:`previews`."""
    row = ledger.claim(node["claim"])
    uri = self.builder.get_relative_uri(self.builder.current_docname, LEDGER_DOC)
    self.body.append(
        f'<a class="claim-link claim-{row.verdict}" href="{escape(f"{uri}#claim-{row.id}")}">'
    )


def depart_html(self, node):
    """Close the link."""
    self.body.append("</a>")


def setup(app):
    """Register the roles."""
    app.add_node(claim_ref, html=(visit_html, depart_html),
                 text=(lambda self, node: None, lambda self, node: None))
    app.add_node(offer_ref, html=(visit_offer, depart_offer),
                 text=(lambda self, node: None, lambda self, node: None))
    app.add_role("offer", OfferRole())
    app.add_node(claim_mark, html=(visit_mark, depart_mark),
                 text=(lambda self, node: None, lambda self, node: None))
    app.add_role("mark", ClaimMarkRole())
    app.add_role("claim", ClaimRole())
    app.add_role("claimnum", ClaimNumberRole())
    app.add_role("t", TimestampRole())
    app.add_role("date", DateRole())
    app.add_role("datum", DatumRole())
    app.add_role("place", PlaceRole())
    app.connect("doctree-resolved", resolve_places)
    app.connect("doctree-resolved", mark_titles)
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)
