"""Cards, questions that look back, and quizzes at the end of a chapter."""

from __future__ import annotations

from docutils import nodes
from sphinx.util import logging

from .. import cards, data, ledger
from . import roles
from .apparatus import BookDirective

log = logging.getLogger(__name__)


class card_list(nodes.General, nodes.Element):
    """Questions with folded answers; ``kind`` is ``cards`` or ``look-back``."""


class card(nodes.General, nodes.Element):
    """One question: a paragraph, then the blocks of its answer."""


class quiz_list(nodes.General, nodes.Element):
    """The quiz of a chapter."""


class quiz_question(nodes.General, nodes.Element):
    """A question: a paragraph, then its choices."""


class quiz_choice(nodes.General, nodes.Element):
    """A choice: a paragraph with its words, and one with the reason."""


class StudyDirective(BookDirective):
    """A directive that makes its content from the tables of cards and quizzes."""

    tables: tuple[str, ...] = ()

    def run(self):
        for table in self.tables:
            self.depend(table)
        try:
            return self.make(self.env.docname.rsplit("/", 1)[-1])
        except (cards.CardError, ledger.LedgerError, data.DataError) as error:
            return self.fail(str(error))

    def words(self, text: str) -> nodes.paragraph:
        """A card's text as one paragraph."""
        found = self.parse(cards.markdown(text))
        if len(found) != 1 or not isinstance(found[0], nodes.paragraph):
            raise cards.CardError(f"'{text[:50]}' is more than one paragraph: shorten it")
        return found[0]


class CardList(StudyDirective):
    """``{cards}``: the questions on this chapter; ``{look-back}``: those on earlier ones."""

    tables = ("cards", "claims", "chapters")

    def make(self, chapter):
        back = self.name == "look-back"
        mine = [c for c in cards.cards().values()
                if (c.look_back if back else c.chapter) == chapter
                and (back or not c.look_back)]
        if not mine:
            return self.fail(f"no row of data/cards.csv has '{chapter}' in column "
                             f"'{'look_back' if back else 'chapter'}': add some")
        titles = cards.titles()
        holder = card_list(kind=self.name)
        for item in mine:
            node = card(ids=[f"card-{item.id}"])
            node += self.words(item.question)
            node += self.words(item.answer)
            node += self.source(item, titles[item.chapter] if back else None)
            holder += node
        return [holder]

    def source(self, item: cards.Card, title: str | None) -> list[nodes.Node]:
        """Say where the answer is from: chapter, speaker, timestamp, verdict."""
        line = nodes.paragraph("", "", classes=["card-source"])
        parts: list[list[nodes.Node]] = []
        if title:
            parts.append([roles.place_ref("", title, page=f"book/{item.chapter}", anchor="")])
        if item.claim:
            parts.append([roles.place_ref("", item.source, page=roles.LEDGER_DOC,
                                          anchor=f"claim-{item.claim}")])
        if item.stamp:
            parts.append([nodes.reference("", item.stamp, refuri=ledger.video_url(item.stamp),
                                          classes=["stamp"])])
        for i, part in enumerate(parts):
            line += nodes.Text(" · " if i else "")
            line += part
        return [line] if parts else []


class QuizList(StudyDirective):
    """``{quiz}``: the quiz of this chapter."""

    tables = ("quizzes", "quiz_choices", "claims")

    def make(self, chapter):
        mine = [q for q in cards.quizzes().values() if q.chapter == chapter]
        if not mine:
            return self.fail(f"no row of data/quizzes.csv belongs to '{chapter}': add some")
        holder = quiz_list(chapter=chapter)
        for number, item in enumerate(mine, 1):
            node = quiz_question(ids=[f"quiz-{item.id}"], quiz=item.id, right=item.right,
                                 number=number)
            node += self.words(item.question)
            for offered in item.choices:
                choice = quiz_choice(choice=offered.choice, right=offered.right)
                choice += self.words(offered.text)
                choice += self.words(offered.explanation)
                node += choice
            holder += node
        return [holder]


class QuizProgress(BookDirective):
    """``{quiz-progress}``: a table of the quizzes, which the reader's browser fills in."""

    def run(self):
        self.depend("quizzes")
        node = quiz_progress(chapters=[])
        counts: dict[str, int] = {}
        for item in cards.quizzes().values():
            counts[item.chapter] = counts.get(item.chapter, 0) + 1
        for chapter, count in counts.items():
            if f"book/{chapter}" in self.env.found_docs:
                node["chapters"].append((chapter, count))
        return [node]


class quiz_progress(nodes.General, nodes.Element):
    """Which quizzes there are, and how far the reader has come."""


# ------------------------------------------------------------------ HTML


def visit_cards(self, node):
    """Open a list of questions."""
    self.body.append(f'<ol class="study-cards study-{node["kind"]}">')


def depart_list(self, node):
    """Close a list."""
    self.body.append("</ol>")


def visit_card(self, node):
    """Write the question as what opens the answer."""
    question = node.children[0]
    self.body.append(f'<li id="{node["ids"][0]}"><details class="study-card">'
                     "<summary><span>")  # one cell of the grid, whatever is in it
    for child in question.children:
        child.walkabout(self)
    self.body.append("</span></summary>")
    for child in node.children[1:]:
        child.walkabout(self)
    self.body.append("</details></li>")
    raise nodes.SkipNode


def visit_quiz(self, node):
    """Open a quiz; without scripts each question has its folded key."""
    self.body.append(f'<form class="quiz" data-chapter="{node["chapter"]}" autocomplete="off">')


def depart_quiz(self, node):
    """Close a quiz with the line that counts."""
    self.body.append('<p class="quiz-score" role="status"></p></form>')


def visit_question(self, node):
    """Write a question, its choices and its key."""
    add = self.body.append
    name = node["ids"][0]
    add(f'<fieldset class="quiz-question" id="{name}" data-quiz="{node["quiz"]}" '
        f'data-right="{node["right"]}"><legend><span class="quiz-number">{node["number"]}.</span> ')
    for child in node.children[0].children:
        child.walkabout(self)
    add("</legend>")
    for choice in node.findall(quiz_choice):
        letter = choice["choice"]
        add(f'<label class="quiz-choice"><input type="radio" name="{name}" value="{letter}">'
            f'<span class="quiz-letter" aria-hidden="true">{letter}</span><span>')
        for child in choice.children[0].children:
            child.walkabout(self)
        add("</span></label>")
    add('<p class="quiz-says" role="status"></p>')
    add('<details class="quiz-key"><summary>The answer, with reasons</summary><ol type="a">')
    for choice in node.findall(quiz_choice):
        mark = "Right. " if choice["right"] else ""
        add(f'<li data-choice="{choice["choice"]}">'
            + (f"<strong>{mark}</strong>" if mark else ""))
        for child in choice.children[1].children:
            child.walkabout(self)
        add("</li>")
    add("</ol></details></fieldset>")
    raise nodes.SkipNode


def visit_progress(self, node):
    """Write the list of quizzes with a place for the reader's marks."""
    add = self.body.append
    add('<ul class="quiz-progress">')
    for chapter, count in node["chapters"]:
        uri = self.builder.get_relative_uri(self.builder.current_docname, f"book/{chapter}")
        title = self.builder.env.titles[f"book/{chapter}"].astext()
        add(f'<li><a href="{uri}#test-yourself">{self.encode(title)}</a> '
            f'<span data-quiz-chapter="{chapter}" data-count="{count}">'
            f"{count} questions</span></li>")
    add("</ul>")
    raise nodes.SkipNode


def setup(app):
    """Register nodes and directives."""
    app.add_node(card_list, html=(visit_cards, depart_list))
    app.add_node(card, html=(visit_card, None))
    app.add_node(quiz_list, html=(visit_quiz, depart_quiz))
    app.add_node(quiz_question, html=(visit_question, None))
    app.add_node(quiz_choice)
    app.add_node(quiz_progress, html=(visit_progress, None))
    app.add_directive("cards", CardList)
    app.add_directive("look-back", CardList)
    app.add_directive("quiz", QuizList)
    app.add_directive("quiz-progress", QuizProgress)
