"""Cards and quizzes: whole, true to the ledger, and the same in every form."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import html
import json
import re
import zipfile

import pytest
from checks import found, none
from checks.numbers import typed_numbers
from hypothesis import given
from hypothesis import strategies as st

from guide import cards, data, export, ledger

EDITION = export.EDITION


@pytest.fixture(scope="module")
def deck():
    """The cards in the order of the file."""
    return list(cards.cards().values())


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """Every export, by its suffix."""
    return {p.suffix: p for p in cards.write(tmp_path_factory.mktemp("deck"), EDITION)}


# ------------------------------------------------------------------ what there is


def test_there_are_enough_cards(deck):
    """At least three hundred, and at least a third that ask for a use of what was read."""
    assert len(deck) >= 300, f"data/cards.csv: {len(deck)} cards: write some more"
    share = sum(c.kind == "apply" for c in deck) / len(deck)
    assert share >= 1 / 3, f"data/cards.csv: only {share:.0%} of the cards are of kind 'apply'"


def test_each_chapter_has_its_cards_and_its_quiz(chapters, deck):
    """A chapter that puts the four questions ends with cards, a quiz and a look back."""
    none(unasked(chapters, deck, cards.quizzes().values()))


def unasked(chapters, deck, quizzes):
    """Chapters that lack cards, a quiz, or the directive that shows them."""
    asked, quizzed = {c.chapter for c in deck}, {q.chapter for q in quizzes}
    problems = []
    for name, text in chapters.items():
        chapter = name.split("/")[-1].removesuffix(".md")
        for have, table in ((asked, "cards"), (quizzed, "quizzes")):
            if chapter not in have:
                problems.append(f"data/{table}.csv:1: nothing for '{chapter}': add some")
        for directive in ("{cards}", "{quiz}", "{look-back}"):
            if f":::{directive}" not in text:
                problems.append(f"{name}:1: has no {directive}: add it at the end")
    return problems


def test_each_chapter_has_its_cards_planted(deck):
    """A chapter without cards, and one without the directive, are seen."""
    problems = unasked({"book/models.md": ":::{cards}\n:::{quiz}"}, deck[:0], [])
    found(problems, "data/cards.csv", "'models'")
    found(problems, "book/models.md:1", "{look-back}")


def test_a_look_back_looks_back(deck, contents):
    """What a chapter asks again stands in an earlier one."""
    none(forward(deck, contents))


def forward(deck, contents):
    """Cards that ask about what is still to come."""
    order = [name.split("/")[-1] for name in contents]
    return [f"data/cards.csv:{line}: '{c.id}' is asked in '{c.look_back}', before "
            f"'{c.chapter}': choose a later chapter"
            for line, c in enumerate(deck, 2)
            if c.look_back and order.index(c.look_back) <= order.index(c.chapter)]


def test_a_look_back_looks_back_planted(deck, contents):
    """A card that is asked too early is seen."""
    card = dataclasses.replace(deck[0], chapter="power", look_back="models")
    found(forward([card], contents), "data/cards.csv:2", "'models'")


def test_early_chapters_return(deck, contents):
    """Every chapter but the last few is asked about again, so that it is not forgotten."""
    order = [name.split("/")[-1] for name in contents]
    later = {c.chapter for c in deck if c.look_back}
    mine = [c for c in order if c in {x.chapter for x in deck}]
    none(f"data/cards.csv:1: no later chapter asks about '{name}': give a card a 'look_back'"
         for name in mine[:-4] if name not in later)


def texts(deck, quizzes):
    """Every text of the study tables with its place."""
    for line, card in enumerate(deck, 2):
        for column in ("question", "answer"):
            yield f"data/cards.csv:{line}", column, getattr(card, column)
    for line, quiz in enumerate(quizzes, 2):
        yield f"data/quizzes.csv:{line}", "question", quiz.question
    for line, choice in enumerate((c for q in quizzes for c in q.choices), 2):
        yield f"data/quiz_choices.csv:{line}", "text", choice.text
        yield f"data/quiz_choices.csv:{line}", "explanation", choice.explanation


def typed(found_texts):
    """Numbers that were typed by hand, with their place."""
    return [f"{place}, column '{column}': {problem.split(': ', 1)[-1]}"
            for place, column, text in found_texts
            for problem in typed_numbers(text, place)]


def test_no_number_on_a_card_is_typed(deck):
    """Figures come from the ledger and the tables, on cards as in chapters."""
    none(typed(texts(deck, cards.quizzes().values())))


def test_no_number_on_a_card_is_typed_planted():
    """A typed figure is seen with its place."""
    found(typed([("data/cards.csv:7", "answer", "It has 671 billion parameters.")]),
          "data/cards.csv:7", "671 billion")


def test_quizzes_do_not_give_themselves_away():
    """The right choice stands in every place about as often, and is not always the longest."""
    quizzes = list(cards.quizzes().values())
    places = [q.right for q in quizzes]
    for letter in "abc":
        share = places.count(letter) / len(places)
        assert 0.12 <= share <= 0.42, f"data/quiz_choices.csv: '{letter}' is right {share:.0%}"
    longest = sum(max(q.choices, key=lambda c: len(c.text)).right for q in quizzes)
    assert longest <= 0.45 * len(quizzes), (
        f"data/quiz_choices.csv: the right choice is the longest in {longest} of {len(quizzes)}: "
        "shorten some")


# ------------------------------------------------------------------ broken tables


@pytest.fixture()
def tables(monkeypatch):
    """Have some tables read as given."""
    given_rows, rows = {}, data.rows
    monkeypatch.setattr(data, "rows", lambda name, *a: given_rows.get(name) or rows(name, *a))
    yield given_rows
    cards.cards.cache_clear()
    cards.quizzes.cache_clear()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"chapter": "modles"}, "'modles'"),
        ({"claim": "v3-total-parametres"}, "did you mean v3-total-parameters"),
        ({"start": "9:99:99"}, "no timestamp"),
        ({"answer": "{claim}`no-such-claim`"}, "column 'answer'"),
        ({"answer": "{datum}`chips/h200/colour`"}, "no column 'colour'"),
        ({"look_back": "models"}, "mend 'look_back'"),
        ({"claim": "v3-total-parameters", "start": "0:30:00"}, "empty 'start'"),
    ],
)
def test_a_broken_card_is_named(tables, change, says):
    """A card that does not hold together stops the build with its row and column."""
    cards.cards.cache_clear()
    row = dict(id="models-x", chapter="models", kind="recall", question="Q?", answer="A.",
               claim=None, start=None, look_back=None)
    tables["cards"] = (row | change,)
    with pytest.raises(cards.CardError, match="row 2, card 'models-x'") as error:
        cards.cards()
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("rights", "letters", "says"),
    [((True, True, False), "abc", "exactly one choice is right"),
     ((False, False, False), "abc", "exactly one choice is right"),
     ((True, False), "ab", "three choices or more"),
     ((True, False, False), "acb", "in order")],
)
def test_a_broken_quiz_is_named(tables, rights, letters, says):
    """A quiz without its one right choice stops the build."""
    cards.quizzes.cache_clear()
    tables["quizzes"] = ({"id": "x", "chapter": "models", "question": "Q?"},)
    tables["quiz_choices"] = tuple(
        {"quiz": "x", "choice": letter, "text": "T", "right": right, "explanation": "E"}
        for letter, right in zip(letters, rights))
    with pytest.raises(cards.CardError, match=says):
        cards.quizzes()


# ------------------------------------------------------------------ markup

PLAIN = st.text(st.characters(blacklist_characters="`$*{}\\_\r", blacklist_categories=("Cs",)))


@given(PLAIN)
def test_plain_text_survives_html(text):
    """Whatever stands on a card is read back from HTML as it was."""
    assert html.unescape(cards.as_html(text)) == text


@given(PLAIN)
def test_plain_text_survives_markdown(text):
    """Escaping for Markdown can be undone, and leaves no mark that would be read as markup."""
    assert re.sub(r"\\(.)", r"\1", cards.markdown(text), flags=re.DOTALL) == text


def test_formulas_and_dollars_are_told_apart():
    """An amount in dollars is no formula, and a formula stays one."""
    text = r"It cost \$5 and then {claim}`training-cost-v3`." if "training-cost-v3" in (
        ledger.claims()) else r"It cost \$5 and then \$6."
    assert cards.markdown(r"\$5 and $x_1 < 2$") == r"\$5 and $x_1 < 2$"
    assert cards.as_html(r"\$5 and $x_1 < 2$") == r"$5 and \(x_1 &lt; 2\)"
    assert "$5" in cards.as_html(text)


# ------------------------------------------------------------------ every export, read back


def test_tsv_holds_every_card(exports, deck):
    """The table for spreadsheets has a line a card, and formulas in it."""
    with exports[".tsv"].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [r["id"] for r in rows] == [c.id for c in deck]
    assert all(None not in r and None not in r.values() for r in rows), "a line has lost a cell"
    assert [r["question"] for r in rows] == [cards.markdown(c.question) for c in deck]


def test_json_holds_every_card(exports, deck):
    """The file for programs carries value, date and verdict of the ledger."""
    rows = json.loads(exports[".json"].read_text(encoding="utf-8"))["cards"]
    assert [r["id"] for r in rows] == [c.id for c in deck]
    for row, card in zip(rows, deck):
        if card.claim:
            claim = ledger.claim(card.claim)
            assert (row["verdict"], row["as_of"]) == (claim.verdict, claim.as_of.isoformat())
            assert row["value"] == (claim.figure() if claim.has_figure else "")


def test_markdown_holds_every_card(exports, deck):
    """The file for readers is read by pandoc with every question, formula and dollar in place."""
    import pypandoc

    tree = pypandoc.convert_file(str(exports[".md"]), "json", format="markdown-smart")
    formulas = sum(len(re.findall(r"(?<!\\)\$[^$]+\$", c.question + " " + c.answer)) for c in deck)
    assert tree.count('{"t":"Math"') == formulas, "a dollar was read as a formula, or one was lost"
    plain = pypandoc.convert_file(str(exports[".md"]), "plain", format="markdown-smart",
                                  extra_args=["--wrap=none"])
    lost = [c.id for c in deck if "$" not in c.question and "*" not in c.question
            and html.unescape(re.sub(r"</?\w+>", "", cards.as_html(c.question)))[:40]
            .replace("\u00a0", " ") not in plain.replace("\u00a0", " ")]
    assert not lost, f"{exports['.md'].name} lost {lost[:5]}"


@pytest.fixture()
def collection(tmp_path):
    """An empty collection of Anki's own."""
    anki = pytest.importorskip("anki.collection", reason="pip install -r requirements.txt")
    opened = anki.Collection(str(tmp_path / "collection.anki2"))
    yield opened
    opened.close()


def take_in(collection, path):
    """Import a deck as Anki does; give the numbers of new, updated and unchanged notes."""
    from anki.collection import ImportAnkiPackageOptions, ImportAnkiPackageRequest

    log = collection.import_anki_package(ImportAnkiPackageRequest(
        package_path=str(path), options=ImportAnkiPackageOptions())).log
    assert not log.conflicting and not log.missing_notetype and not log.empty_first_field
    return len(log.new), len(log.updated), len(log.duplicate)


def test_anki_takes_the_deck(exports, deck, collection):
    """Anki imports every card; the same deck again changes nothing."""
    assert take_in(collection, exports[".apkg"]) == (len(deck), 0, 0)
    assert take_in(collection, exports[".apkg"]) == (0, 0, len(deck))
    notes = {n["Id"]: n for n in map(collection.get_note, collection.find_notes(""))}
    for card in deck:
        note = notes[card.id]
        assert note["Question"] == cards.as_html(card.question)
        assert note["Answer"] == cards.as_html(card.answer)
        assert f"deepseek-moment::{card.chapter}" in note.tags
        if card.claim:
            assert ledger.claim(card.claim).verdict in note["Source"]
        if card.stamp:
            assert f">{card.stamp}</a>" in note["Source"]
    assert len(collection.find_cards("")) == len(deck)


def test_a_later_deck_updates_the_earlier(exports, deck, collection, tmp_path, monkeypatch):
    """A mended answer reaches a reader who has the earlier deck, and keeps the one card."""
    take_in(collection, exports[".apkg"])
    mended = {c.id: c for c in deck}
    mended[deck[0].id] = dataclasses.replace(deck[0], answer="A better answer.")
    monkeypatch.setattr(cards, "cards", lambda: mended)
    later = tmp_path / "later.apkg"
    cards.write_anki(later, EDITION + dt.timedelta(days=30))
    new, updated, unchanged = take_in(collection, later)
    assert new == 0 and updated >= 1
    note = collection.get_note(collection.find_notes(f'Id:"{deck[0].id}"')[0])
    assert note["Answer"] == "A better answer."
    assert len(collection.find_notes("")) == len(deck)


def test_the_same_cards_give_the_same_bytes(exports, tmp_path):
    """One edition has one deck."""
    again = {p.suffix: p for p in cards.write(tmp_path, EDITION)}
    for suffix, path in exports.items():
        assert path.read_bytes() == again[suffix].read_bytes(), f"{suffix} differs"
    with zipfile.ZipFile(exports[".apkg"]) as pack:
        assert pack.testzip() is None


# ------------------------------------------------------------------ the pages


def test_pages_show_cards_and_quizzes(own, deck):
    """Each card and each quiz stands on its page, with its answer in the page itself."""
    problems = []
    for card in deck:
        page = own[f"book/{card.look_back or card.chapter}.html"]
        place = page.find(id=f"card-{card.id}")
        if place is None or len(place.select("details > p")) < 1:
            problems.append(f"{card.id} is not on its page, or has lost its answer")
    for quiz in cards.quizzes().values():
        place = own[f"book/{quiz.chapter}.html"].find(id=f"quiz-{quiz.id}")
        if place is None or len(place.select("input")) != len(quiz.choices) or len(
                place.select(".quiz-key li")) != len(quiz.choices):
            problems.append(f"{quiz.id} is not on its page, or has lost a choice or a reason")
    none(problems)


def test_paper_has_questions_and_answers(pdf, deck):
    """The printed book asks every question, and answers it in the appendix."""
    text = re.sub(r"\s+", "", pdf.text)

    def printed(words):
        plain = html.unescape(re.sub(r"<[^>]+>", "", cards.as_html(words)))
        return re.sub(r"\s+", "", plain.replace("'", "\u2019"))[:40] in text

    lost = [c.id for c in deck for words in (c.question, c.answer)
            if not re.search(r"[$`\"-]", words) and not printed(words)]
    # words are hyphenated at line ends, so a few cannot be found
    assert len(lost) <= 0.15 * len(deck), f"the PDF lacks {lost[:10]}"
