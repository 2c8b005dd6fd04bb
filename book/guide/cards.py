"""Cards and quizzes: what a question is, and the decks that are made of the cards.

``data/cards.csv`` is the only source. Figures on a card are roles, so that its value, its date
and its verdict are those of the ledger.
"""

from __future__ import annotations

import datetime as dt
import html
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from . import data, ledger, quantity, values

NAME = "deepseek-moment"
TITLE = "The DeepSeek Moment"
#: Fixed for good: with them a later deck updates an earlier one instead of doubling it.
DECK_ID = 1_459_020_325
MODEL_ID = 1_459_020_326
_ZIP_DATE = (2026, 1, 1, 0, 0, 0)
_PIECES = re.compile(
    r"(?P<role>\{\w+\}`[^`]+`)|`(?P<code>[^`]+)`|\$(?P<math>[^$]+)\$"
    r"|\*\*(?P<strong>.+?)\*\*|\*(?P<em>[^*]+)\*|\\(?P<plain>[\\$*`_])"
)
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>$|~^#&])")


class CardError(ValueError):
    """A card or a quiz that does not hold together."""


@dataclass(frozen=True)
class Card:
    """One question with its answer; the columns are described in the data package."""

    id: str
    chapter: str
    kind: str
    question: str
    answer: str
    claim: str | None
    start: str | None
    look_back: str | None

    @property
    def stamp(self) -> str | None:
        """Where in the episode it is spoken of, on the clock of the video."""
        return ledger.claim(self.claim).start if self.claim else self.start

    @property
    def source(self) -> str:
        """Who said it, when, of what date, and what came of it, from the ledger."""
        if not self.claim:
            return ""
        row = ledger.claim(self.claim)
        who = f"Notes {row.speaker.split(maxsplit=1)[1]}" if row.from_notes else row.speaker
        return f"{who}, as of {quantity.date(row.as_of)}: {row.verdict}"


@dataclass(frozen=True)
class Choice:
    """One of the answers that a quiz offers."""

    quiz: str
    choice: str
    text: str
    right: bool
    explanation: str


@dataclass(frozen=True)
class Quiz:
    """A question with the answers that it offers."""

    id: str
    chapter: str
    question: str
    choices: tuple[Choice, ...]

    @property
    def right(self) -> str:
        """Letter of the right choice."""
        return next(c.choice for c in self.choices if c.right)


# ------------------------------------------------------------------ text


def render(
    text: str,
    *,
    plain: Callable[[str], str],
    math: Callable[[str], str],
    code: Callable[[str], str],
    strong: Callable[[str], str],
    em: Callable[[str], str],
) -> str:
    """Write a card's text in another markup.

    Parameters
    ----------
    text : str
        Text with ``*emphasis*``, ``**strength**``, ```code```, ``$TeX$`` and roles; a backslash
        keeps the next mark from being one.
    plain, math, code, strong, em : callable
        How to write each piece. ``strong`` and ``em`` get what is inside already written.

    Returns
    -------
    str
        The text in the other markup, with values where roles stood.
    """
    out, last = [], 0

    def within(part: str) -> str:
        return render(part, plain=plain, math=math, code=code, strong=strong, em=em)

    for match in _PIECES.finditer(text):
        out.append(plain(text[last : match.start()]))
        last, kind = match.end(), match.lastgroup
        piece = match[kind]
        out.append({
            "role": lambda p: plain(values.fill(p)), "code": code, "math": math, "plain": plain,
            "strong": lambda p: strong(within(p)), "em": lambda p: em(within(p)),
        }[kind](piece))
    return "".join(out) + plain(text[last:])


def markdown(text: str) -> str:
    """Write a card's text as Markdown with ``$`` for formulas, as MyST and pandoc read it.

    Examples
    --------
    >>> markdown("a \\\\$5 bill and $x^2$")
    'a \\\\$5 bill and $x^2$'
    """
    return render(
        text, plain=lambda t: _MARKDOWN.sub(r"\\\1", t), math=lambda t: f"${t}$",
        code=lambda t: f"`{t}`", strong=lambda t: f"**{t}**", em=lambda t: f"*{t}*",
    )


def as_html(text: str) -> str:
    r"""Write a card's text as HTML with ``\(...\)`` for formulas, as Anki sets them."""
    return render(
        text, plain=lambda t: html.escape(t, quote=False),
        math=lambda t: rf"\({html.escape(t, quote=False)}\)",
        code=lambda t: f"<code>{html.escape(t, quote=False)}</code>",
        strong=lambda t: f"<b>{t}</b>", em=lambda t: f"<i>{t}</i>",
    )


# ------------------------------------------------------------------ reading


def _try(place: str, text: str) -> None:
    """Fail with a place if a text cannot be written."""
    try:
        for role in values.roles(text):  # what is malformed would be printed as it stands
            values.print_role(role)
        markdown(text)
    except (data.DataError, ledger.LedgerError, ValueError, KeyError) as error:
        raise CardError(f"{place}: {error}") from None


@lru_cache(maxsize=None)
def cards() -> dict[str, Card]:
    """Read the cards.

    Returns
    -------
    dict
        Cards by id, in the order of the file.

    Raises
    ------
    CardError
        If a card names an unknown claim, chapter or value; the message says row and column.
    """
    known = {row["id"] for row in data.rows("chapters")}
    found = {}
    for number, row in enumerate(data.rows("cards"), start=2):
        card = Card(**row)
        place = f"data/cards.csv, row {number}, card '{card.id}'"
        for column in ("chapter", "look_back"):
            name = getattr(card, column)
            if name and name not in known:
                raise CardError(f"{place}: column '{column}' names no chapter, '{name}'")
        if card.look_back == card.chapter:
            raise CardError(f"{place}: a chapter does not look back on itself: mend 'look_back'")
        try:
            if card.claim:
                ledger.claim(card.claim)
            elif card.start:
                ledger.seconds(card.start)
        except ledger.LedgerError as error:
            raise CardError(f"{place}: {error}") from None
        if card.claim and card.start:
            raise CardError(f"{place}: the claim has the timestamp: empty 'start'")
        for column in ("question", "answer"):
            _try(f"{place}, column '{column}'", getattr(card, column))
        found[card.id] = card
    return found


@lru_cache(maxsize=None)
def quizzes() -> dict[str, Quiz]:
    """Read the quizzes.

    Returns
    -------
    dict
        Quizzes by id, in the order of the file.

    Raises
    ------
    CardError
        If a quiz has not exactly one right choice, or its choices are not a, b, c ... in order.
    """
    offered: dict[str, list[Choice]] = {}
    for number, row in enumerate(data.rows("quiz_choices"), start=2):
        place = f"data/quiz_choices.csv, row {number}, quiz '{row['quiz']}'"
        for column in ("text", "explanation"):
            _try(f"{place}, column '{column}'", row[column])
        offered.setdefault(row["quiz"], []).append(Choice(**row))
    found = {}
    for number, row in enumerate(data.rows("quizzes"), start=2):
        place = f"data/quizzes.csv, row {number}, quiz '{row['id']}'"
        _try(f"{place}, column 'question'", row["question"])
        choices = offered.pop(row["id"], [])
        if [c.choice for c in choices] != list("abcdef"[: len(choices)]) or len(choices) < 3:
            raise CardError(f"{place}: needs three choices or more, a, b, c ... in order, in "
                            "data/quiz_choices.csv")
        if sum(c.right for c in choices) != 1:
            raise CardError(f"{place}: exactly one choice is right: mend 'right' in "
                            "data/quiz_choices.csv")
        found[row["id"]] = Quiz(**row, choices=tuple(choices))
    if offered:
        raise CardError(f"data/quiz_choices.csv: no quiz '{next(iter(offered))}' in "
                        "data/quizzes.csv: add it, or take its choices out")
    return found


# ------------------------------------------------------------------ decks


def titles() -> dict[str, str]:
    """Titles of the chapters by id."""
    return {row["id"]: row["title"] for row in data.rows("chapters")}


def records() -> list[dict[str, str]]:
    """Cards with all values filled in, as other programs read them.

    Returns
    -------
    list of dict
        For each card its columns as Markdown, and ``source``, ``timestamp``, ``video``,
        ``verdict``, ``as_of`` and ``value`` from the ledger; empty where there is none.
    """
    names, out = titles(), []
    for card in cards().values():
        row = ledger.claim(card.claim) if card.claim else None
        out.append({k: v or "" for k, v in asdict(card).items() if k != "start"} | {
            "question": markdown(card.question), "answer": markdown(card.answer),
            "chapter_title": names[card.chapter], "source": card.source,
            "timestamp": card.stamp or "",
            "video": ledger.video_url(card.stamp) if card.stamp else "",
            "verdict": row.verdict if row else "",
            "as_of": row.as_of.isoformat() if row else "",
            "value": row.figure() if row and row.has_figure else "",
        })
    return out


def write_json(path: Path) -> None:
    """Write the cards as JSON."""
    path.write_text(json.dumps({"title": TITLE, "cards": records()}, ensure_ascii=False, indent=1)
                    + "\n", encoding="utf-8")


def write_tsv(path: Path) -> None:
    """Write the cards as tab-separated text: one line a card, and a line of headings."""
    rows = records()
    lines = ["\t".join(rows[0])]
    for row in rows:
        lines.append("\t".join(re.sub(r"[\t\r\n]+", " ", value) for value in row.values()))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_markdown(path: Path) -> None:
    """Write the cards as Markdown: a heading a chapter, question and answer a card."""
    lines, chapter = [f"# {TITLE}: cards", ""], None
    for row in records():
        if row["chapter"] != chapter:
            chapter = row["chapter"]
            lines += [f"## {row['chapter_title']}", ""]
        lines += [f"**{row['question']}**", "", row["answer"], ""]
        source = ", ".join(filter(None, (row["source"], row["timestamp"])))
        lines += [f"*{source}*", ""] if source else []
    path.write_text("\n".join(lines), encoding="utf-8")


_STYLE = """.card { font: 20px/1.45 "Source Serif 4", Georgia, serif; text-align: left;
  max-width: 34em; margin: 0 auto; padding: 1em; color: #1c2530; background: #fefefe; }
.nightMode.card { color: #e8ecf1; background: #141920; }
.source { font: 14px/1.4 "Source Sans 3", sans-serif; opacity: .75; margin-top: 1.2em; }
hr { border: 0; border-top: 1px solid #9cc3de; margin: 1em 0; }"""


def write_anki(path: Path, edition: dt.date) -> None:
    """Write an Anki deck; the same cards and edition always give the same bytes.

    Ids come from the cards' ids, so that importing a later deck updates the earlier one.
    Anki takes over a card that has changed only if it is newer: hence the edition's date.
    """
    import genanki  # only the build makes decks

    model = genanki.Model(
        MODEL_ID, f"{TITLE} (question and answer)",
        fields=[{"name": n} for n in ("Question", "Answer", "Source", "Id")],
        templates=[{"name": "Card", "qfmt": "{{Question}}",
                    "afmt": "{{FrontSide}}<hr id=answer>{{Answer}}"
                            "{{#Source}}<div class=source>{{Source}}</div>{{/Source}}"}],
        css=_STYLE,
    )
    deck = genanki.Deck(DECK_ID, TITLE, "Made from the claim ledger of the study guide.")
    names = titles()
    for card in cards().values():
        parts = [html.escape(names[card.chapter], quote=False)]
        if card.source:
            parts.append(html.escape(card.source, quote=False))
        if card.stamp:
            parts.append(f'<a href="{html.escape(ledger.video_url(card.stamp))}">'
                         f"{card.stamp}</a>")
        deck.add_note(genanki.Note(
            model=model, guid=genanki.guid_for(NAME, card.id),
            tags=[f"{NAME}::{card.chapter}", f"{NAME}::{card.kind}"],
            fields=[as_html(card.question), as_html(card.answer), " · ".join(parts), card.id],
        ))
    half = path.with_suffix(".part")
    genanki.Package(deck).write_to_file(
        half, timestamp=dt.datetime.combine(edition, dt.time(12), dt.UTC).timestamp())
    with zipfile.ZipFile(half) as loose, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as tight:
        for name in sorted(loose.namelist()):
            tight.writestr(zipfile.ZipInfo(name, _ZIP_DATE), loose.read(name))
    half.unlink()


def write(folder: Path, edition: dt.date) -> list[Path]:
    """Write the deck in every form.

    Parameters
    ----------
    folder : Path
        Where to put ``deepseek-moment.apkg``, ``.tsv``, ``.json`` and ``.md``.
    edition : datetime.date
        Date of the edition of the book.

    Returns
    -------
    list of Path
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = [folder / f"{NAME}{suffix}" for suffix in (".apkg", ".tsv", ".json", ".md")]
    with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as half:
        # a deck that was there is replaced only by a whole one
        halves = [Path(half) / path.name for path in made]
        write_anki(halves[0], edition)
        for path, writer in zip(halves[1:], (write_tsv, write_json, write_markdown)):
            writer(path)
        for path, target in zip(halves, made):
            os.replace(path, target)
    return made
