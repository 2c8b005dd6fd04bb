"""The register of planted faults: what is broken, and which check must say so.

Each row breaks one thing in a copy of the project. ``tests/planting.py`` makes the copy, plants
the fault, runs the named check and nothing else, and looks for the words that its message must
hold. A check is a test (its pytest node), ``data`` (the tables as the build reads them) or
``build`` (a page of a small book, which is built with all pages of its group).

Changes find their place by what stands there, so that the rows outlive an edit of the text.
"""

from __future__ import annotations

import csv
import io
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Change = Callable[[Path], None]


class CannotPlant(ValueError):
    """The place of a fault is gone: the row must be brought up to date."""


@dataclass(frozen=True)
class Fault:
    """One planted fault.

    Parameters
    ----------
    id : str
        Name of the row.
    file : str
        What is changed, from the root of the project.
    change : callable
        How; it gets the file's path in the copy.
    check : str
        ``data``, ``build:GROUP``, or the node of a test.
    says : tuple of str
        What the message must hold: where it is, and what to do.
    """

    id: str
    file: str
    change: Change
    check: str
    says: tuple[str, ...]

    @property
    def needs(self) -> str:
        """What must be there: ``sources``, the built ``pages``, or a ``build`` of its own."""
        if self.check.startswith("build:"):
            return "build"
        return "pages" if self.file.startswith("_build/") or self.check in PAGES_READ else "sources"


#: Tests that read the built book, though the fault is planted in its sources
PAGES_READ: set[str] = set()
#: Tests that take seconds: they are left to ``make faults``
SLOW = {"tests/test_data.py::test_data_package_is_valid",
        "tests/test_security.py::test_text_of_tables_is_text"}


# ------------------------------------------------------------------ changes


def replaced(old: str, new: str) -> Change:
    """Put one text in the place of another, where it stands first."""
    def change(path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        if old not in text:
            raise CannotPlant(f"{path.name} does not hold '{old}'")
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return change


def rewritten(pattern: str, new: str) -> Change:
    """Put a text in the place of the first match of a pattern."""
    def change(path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        out, count = re.subn(pattern, new, text, count=1, flags=re.MULTILINE | re.DOTALL)
        if not count or out == text:
            raise CannotPlant(f"{path.name} holds nothing like '{pattern}'")
        path.write_text(out, encoding="utf-8")
    return change


def added(text: str) -> Change:
    """Add a text at the end of a file, or make the file."""
    def change(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        old = path.read_text(encoding="utf-8") if path.is_file() else ""
        path.write_text(old + text, encoding="utf-8")
    return change


def under(heading: str, text: str) -> Change:
    """Put a paragraph under a heading."""
    return rewritten(rf"^({re.escape(heading)})\n", rf"\1\n\n{text}\n".replace("\\n", "\n"))


def deleted(path: Path) -> None:
    """Delete the file."""
    path.unlink()


def cut(keep: float) -> Change:
    """Keep this share of the bytes; a negative number is that of the bytes taken off."""
    def change(path: Path) -> None:
        raw = path.read_bytes()
        path.write_bytes(raw[: int(keep) if keep < 0 else int(len(raw) * keep)])
    return change


def in_bytes(change_bytes: Callable[[bytes], bytes]) -> Change:
    """Change the bytes of a file."""
    return lambda path: path.write_bytes(change_bytes(path.read_bytes())) and None


def tracked(path: Path) -> None:
    """Make a file and put it under version control, in the copy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}\n", encoding="utf-8")
    subprocess.run(["git", "add", "--force", path.name], cwd=path.parent, check=True)


def in_rows(edit: Callable[[list[list[str]]], None]) -> Change:
    """Edit the rows of a table, its header first."""
    def change(path: Path) -> None:
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
        edit(rows)
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        path.write_text(out.getvalue(), encoding="utf-8")
    return change


def _find(rows: list[list[str]], **where: str) -> list[str]:
    """The first row that has these values."""
    for row in rows[1:]:
        if all(row[rows[0].index(c)] == v if v else row[rows[0].index(c)] for c, v in where.items()):
            return row
    raise CannotPlant(f"no row with {where}")


def cell(column: str, value: str, **where: str) -> Change:
    """Write a value into the first row that fits; an empty condition means any value."""
    def edit(rows):
        _find(rows, **where)[rows[0].index(column)] = value
    return in_rows(edit)


def exchanged(one: str, other: str, **where: str) -> Change:
    """Exchange two cells of the first row that fits."""
    def edit(rows):
        row, a, b = _find(rows, **where), rows[0].index(one), rows[0].index(other)
        row[a], row[b] = row[b], row[a]
    return in_rows(edit)


def row_lost(**where: str) -> Change:
    """Take a row out."""
    return in_rows(lambda rows: rows.remove(_find(rows, **where)))


def row_twice(rows: list[list[str]]) -> None:
    """Write the first row a second time at the end."""
    rows.append(list(rows[1]))


def rows_exchanged(column: str, one: str, other: str) -> Change:
    """Exchange a column's values between two rows, named by their id."""
    def edit(rows):
        a, b, c = _find(rows, id=one), _find(rows, id=other), rows[0].index(column)
        a[c], b[c] = b[c], a[c]
    return in_rows(edit)


def shifted(rows: list[list[str]]) -> None:
    """Move all cells of a row behind the second one place to the right."""
    rows[1][2:] = ["", *rows[1][2:-1]]


# ------------------------------------------------------------------ where

CLAIMS, CHIPS, CARDS = "data/claims.csv", "data/chips.csv", "data/cards.csv"
MODELS, QUIZ, PACKAGE = "data/models.csv", "data/quiz_choices.csv", "data/datapackage.yaml"
CHAPTER, BIB = "book/models.md", "book/references.bib"
PAGE, LEDGER_PAGE = "_build/html/book/models.html", "_build/html/book/ledger.html"
V3 = {"id": "v3-total-parameters"}
ARGUED = "## How is it argued?"


def test(name: str) -> str:
    """Node of a test: ``ledger::test_x`` is in ``tests/test_ledger.py``."""
    module, _, function = name.partition("::")
    return f"tests/test_{module}.py::{function}"


TABLES_READ = (
    # -------------------------------------------------------------- the tables, as the build reads
    Fault("unit-misspelt", CLAIMS, cell("unit", "parametres", **V3), "data",
          ("data/claims.csv, row", "v3-total-parameters", "unit 'parametres' is unknown")),
    Fault("unit-lost", CLAIMS, cell("unit", "", **V3), "data", ("v3-total-parameters", "no unit")),
    Fault("unit-of-another-size", CHIPS, cell("memory_bandwidth_tb_s", "3350", id="h100-sxm"),
          "data", ("data/chips.csv, line", "'memory_bandwidth_tb_s'", "beyond the maximum 50")),
    Fault("range-swapped", CLAIMS, exchanged("low", "high", id="mla-saves-80-90"),
          "data", ("data/claims.csv, row", "swap them")),
    Fault("id-twice", CLAIMS, in_rows(row_twice), "data",
          ("data/claims.csv, line", "stands already at line 2", "rename one")),
    Fault("time-after-the-end", CLAIMS, cell("start", "5:05:45", start=""), "data",
          ("data/claims.csv, row", "after the end of the episode")),
    Fault("time-in-arabic-digits", CLAIMS, cell("start", "\u0660:27:07", start=""), "data",
          ("data/claims.csv, line", "column 'start'", "does not fit")),
    Fault("verdict-without-evidence", CLAIMS, cell("evidence", ";", **V3), "data",
          ("v3-total-parameters", "no evidence", "references.bib")),
    Fault("qualified-without-ground", CLAIMS, cell("ground", "", verdict="qualified"), "data",
          ("data/claims.csv, row", "a qualified claim needs a ground")),
    Fault("verdict-unheard-of", CLAIMS, cell("verdict", "true", **V3), "data",
          ("column 'verdict'", "allowed are supported")),
    Fault("nan-in-a-table", CHIPS, cell("tdp_w", "nan", id="h200"), "data",
          ("column 'tdp_w'", "write a finite number")),
    Fault("number-with-commas", CHIPS, cell("bf16_dense_tflops", "1,307", id="mi300x"), "data",
          ("column 'bf16_dense_tflops'", "without separators")),
    Fault("number-with-underscores", CHIPS, cell("sms", "1_32", id="h200"), "data",
          ("column 'sms'", "whole number")),
    Fault("date-of-the-thirteenth-month", CLAIMS, cell("as_of", "2025-13-02", **V3), "data",
          ("column 'as_of'", "write an ISO date")),
    Fault("date-in-another-form", CLAIMS, cell("as_of", "20250203", **V3), "data",
          ("column 'as_of'", "write an ISO date")),
    Fault("space-behind-a-word", CHIPS, cell("vendor", "NVIDIA ", id="h200"), "data",
          ("column 'vendor'", "a space at an end")),
    Fault("cell-left-empty", CLAIMS, cell("speaker", "", **V3), "data",
          ("column 'speaker'", "fill the cell")),
    Fault("table-cut-off", CLAIMS, cut(0.6), "data", ("data/claims.csv, line",)),
    Fault("last-line-cut-off", CHIPS, cut(-3), "data", ("data/chips.csv, line", "breaks off")),
    Fault("table-emptied", CHIPS, cut(0), "data", ("data/chips.csv, line 1", "make both alike")),
    Fault("column-shifted", CHIPS, in_rows(shifted), "data", ("data/chips.csv, line 2, column",)),
    Fault("comma-not-quoted", CHIPS, replaced("NVIDIA,", "NVIDIA, Inc.,"), "data",
          ("data/chips.csv, line 2", "quote text that contains commas")),
    Fault("header-in-another-order", CHIPS, replaced("memory_gb,memory_bandwidth_tb_s",
                                                     "memory_bandwidth_tb_s,memory_gb"), "data",
          ("data/chips.csv, line 1", "another order", "make both alike")),
    Fault("lone-quotation-mark", CHIPS, replaced(",NVIDIA,", ',"NVIDIA,'), "data",
          ("data/chips.csv, line",)),
    Fault("byte-order-mark", CHIPS, in_bytes(lambda raw: b"\xef\xbb\xbf" + raw), "data",
          ("data/chips.csv, line 1", "byte-order mark", "save it as UTF-8")),
    Fault("name-misread", CLAIMS, cell("statement", "M\u00c3\u00bcller said so.", **V3), "data",
          ("data/claims.csv, line", "lost in decoding", "retype")),
    Fault("apostrophe-misread", CLAIMS, cell("check", "It\u00e2\u20ac\u2122s so.", **V3), "data",
          ("data/claims.csv, line", "lost in decoding", "retype")),
    Fault("letter-replaced", CLAIMS, cell("check", "M\ufffdller", **V3), "data",
          ("data/claims.csv, line", "lost in decoding")),
    Fault("another-encoding", CHIPS, in_bytes(lambda raw: raw.replace(b"NVIDIA", b"NVIDI\xc4", 1)),
          "data", ("data/chips.csv is not UTF-8", "line 2", "save it as UTF-8")),
    Fault("accent-apart", CLAIMS, cell("check", "Mu\u0308ller", **V3), "data",
          ("data/claims.csv, line", "two characters", "retype")),
    Fault("invisible-letter", CLAIMS, cell("check", "so\u200b it is", **V3), "data",
          ("data/claims.csv, line", "U+200B", "delete it")),
    Fault("text-turned-round", CLAIMS, cell("check", "so \u202eit is", **V3), "data",
          ("data/claims.csv, line", "U+202E")),
    Fault("table-lost", CHIPS, deleted, "data", ("data/chips.csv", "restore or unlist it")),
    Fault("package-not-yaml", PACKAGE, added("\n  - [unclosed\n"), "data",
          ("datapackage.yaml is not valid YAML",)),
    Fault("type-unheard-of", PACKAGE, replaced("type: number", "type: nubmer"), "data",
          ("'nubmer'", "use one of integer")),
    Fault("card-role-misspelt", CARDS, cell("answer", "{clam}`v3-total-parameters`", kind="recall"),
          "data", ("data/cards.csv, row", "column 'answer'", "did you mean {claim}")),
    Fault("card-role-not-closed", CARDS, cell("answer", "It has {claim}`v3-total-parameters",
                                              kind="recall"),
          "data", ("data/cards.csv, row", "is not closed")),
    Fault("card-of-no-claim", CARDS, cell("claim", "v3-total-parametres", claim=""), "data",
          ("data/cards.csv, row", "did you mean v3-total-parameters")),
    Fault("card-of-no-chapter", CARDS, cell("chapter", "modles", chapter="models"), "data",
          ("data/cards.csv, row", "'modles'")),
    Fault("card-of-a-lost-value", CARDS, cell("question", "Is it {datum}`chips/h200/colour`?",
                                              kind="recall"),
          "data", ("data/cards.csv, row", "no column 'colour'")),
    Fault("quiz-with-two-right-answers", QUIZ, cell("right", "true", right="false"), "data",
          ("data/quizzes.csv, row", "exactly one choice is right")),
    Fault("quiz-with-no-right-answer", QUIZ, cell("right", "false", right="true"), "data",
          ("data/quizzes.csv, row", "exactly one choice is right")),
    Fault("quiz-with-a-lost-choice", QUIZ, row_lost(choice="b"), "data",
          ("data/quizzes.csv, row", "in order")),
    Fault("quiz-lost", "data/quizzes.csv", row_lost(chapter="models"), "data",
          ("data/quiz_choices.csv", "no quiz", "take its choices out")),
)

TABLES_TESTED = (
    # -------------------------------------------------------------- the tables, as the tests read
    Fault("file-unlisted", "data/spare.csv", added("a\n1\n"), test("data::test_every_file_is_listed"),
          ("data/spare.csv:1", "describe this file")),
    Fault("column-without-description", PACKAGE,
          replaced("description: Thermal design power.", "description: ''"),
          test("data::test_every_column_is_described"), ("chips.tdp_w", "say what it holds")),
    Fault("number-without-unit", PACKAGE, rewritten(r"(- name: tdp_w\n\s+type: number\n)\s+unit: W\n",
                                                    r"\1"),
          test("data::test_every_column_is_described"), ("chips.tdp_w", "number without a unit")),
    Fault("chapter-of-no-claim", CLAIMS, cell("chapter", "modles", **V3),
          test("data::test_data_package_is_valid"), ("data/claims.csv:", "foreign key")),
    Fault("evidence-not-in-the-bibliography", CHIPS, cell("evidence", "gone2024", id="h200"),
          test("data::test_evidence_exists"), ("data/chips.csv:", "'gone2024'", "add the entry")),
    Fault("see-also-nothing", "data/glossary.csv", cell("see_also", "gone", see_also=""),
          test("data::test_see_also_exists"), ("data/glossary.csv:", "'gone'")),
    Fault("statement-of-the-notes-lost", "data/notes.csv", row_lost(id="C001"),
          test("data::test_every_statement_of_the_notes_has_its_place"), ("restore data/notes.csv",)),
    Fault("statement-of-the-notes-unplaced", "data/notes.csv", cell("place", "", id="C001"),
          test("data::test_every_statement_of_the_notes_has_its_place"), ("C001", "has no place")),
    Fault("claim-lost", CLAIMS, row_lost(id="v3-active-parameters"),
          test("ledger::test_each_claim_is_used_and_each_use_exists"),
          ("no claim 'v3-active-parameters'", "correct the id")),
    Fault("time-outside-the-chapter", CLAIMS, cell("start", "4:59:00", chapter="models", start=""),
          test("ledger::test_claims_lie_in_their_sections"),
          ("data/claims.csv:", "said at 4:59:00", "correct the time or the chapter")),
    Fault("verdict-on-hearsay", CLAIMS, cell("evidence", "lex2025transcript", kind="fact",
                                             verdict="supported"),
          test("ledger::test_judged_facts_have_evidence"), ("data/claims.csv:", "transcript alone")),
    Fault("checked-before-it-was-said", CLAIMS, cell("checked_on", "2024-11-21", **V3),
          test("wholeness::test_dates_can_be"), ("data/claims.csv:", "checked_on 2024-11-21")),
    Fault("event-in-the-future", "data/timeline.csv", cell("date", "2052-02-21", precision="day"),
          test("wholeness::test_dates_can_be"), ("data/timeline.csv:", "correct the date")),
    Fault("measurement-with-swapped-ends", "data/lab/bandwidth.csv",
          exchanged("tb_s_low", "tb_s_high", work="copy"),
          test("wholeness::test_ranges_are_in_order"),
          ("lab-bandwidth.csv:2", "are two columns swapped?")),
    Fault("measurement-off-its-reference", "data/lab/checks.csv", cell("deviation", "9", run="balance"),
          test("wholeness::test_measurements_passed_their_checks"),
          ("data/lab/checks.csv:2", "measure again")),
    Fault("measurement-told-with-a-figure", "data/measurements.csv",
          cell("shows", "It is 12 times as fast.", run="memory_wall"),
          test("ledger::test_measurements_speak_in_words"), ("data/measurements.csv", "12")),
    Fault("clock-of-another-video", "data/outline.csv", cell("end", "5:15:39", number="24"),
          test("wholeness::test_the_outline_covers_the_episode"), ("data/outline.csv", "5:05:44")),
    Fault("sections-overlap", "data/outline.csv", cell("start", "0:20:00", number="2"),
          test("wholeness::test_the_outline_covers_the_episode"), ("data/outline.csv:3", "0:20:00")),
    Fault("vocabulary-of-its-own", PACKAGE, rewritten(r"- overtaken\n", "- outdated\n"),
          test("ledger::test_vocabulary_is_that_of_the_data"), ("overtaken",)),
    Fault("dimension-mistyped", MODELS, cell("layers", "60", id="deepseek-v3"),
          test("arithmetic::test_known_counts"), ("data/models.csv", "'deepseek-v3' was changed")),
    Fault("columns-exchanged", MODELS, exchanged("d_model", "moe_ffn_dim", id="deepseek-v3"),
          test("arithmetic::test_published_counts"), ("data/models.csv:2", "correct the row")),
    Fault("rows-exchanged", MODELS, rows_exchanged("published_total_billion", "deepseek-v3",
                                                   "deepseek-v2"),
          test("arithmetic::test_published_counts"), ("data/models.csv:2", "correct the row")),
    Fault("card-that-looks-ahead", CARDS, cell("look_back", "models", chapter="demand"),
          test("cards::test_a_look_back_looks_back"), ("data/cards.csv:", "choose a later chapter")),
    Fault("card-with-a-typed-number", CARDS, cell("answer", "It has 671 billion parameters.",
                                                  kind="recall"),
          test("cards::test_no_number_on_a_card_is_typed"), ("data/cards.csv:", "671 billion")),
    Fault("entry-nobody-cites", BIB, added(
        "\n@misc{idle2024,\n  title = {T},\n  author = {A, B},\n  url = {https://a.example/1},\n"
        "  note = {Opened: page}\n}\n"),
          test("bibliography::test_bibliography"), ("idle2024 is used nowhere", "take it out")),
    Fault("citation-without-entry", CHAPTER, under(ARGUED, "So it is {cite:p}`gone2024`."),
          test("bibliography::test_bibliography"), ("'gone2024' is cited and not there",)),
    Fault("entry-without-address", BIB, rewritten(r"^\s*url = \{[^}]*\},?\n", ""),
          test("bibliography::test_bibliography"), ("book/references.bib:", "has no url")),
    Fault("entry-not-opened", BIB, rewritten(r"note = \{Opened", "note = {Remembered"),
          test("bibliography::test_bibliography"), ("book/references.bib:", "start 'note'")),
)

PAGES_TESTED = (
    # -------------------------------------------------------------- the chapters
    Fault("number-typed", CHAPTER, under(ARGUED, "It has 671 billion parameters."),
          test("chapters::test_no_number_is_typed"),
          ("book/models.md:", "'671 billion'", "print it with {claim}")),
    Fault("number-typed-in-a-caption", CHAPTER, rewritten(r"(caption: \|\n\s+)", r"\1It holds 80 GB. "),
          test("chapters::test_no_number_is_typed"), ("book/models.md:", "'80 GB'")),
    Fault("time-typed", CHAPTER, under(ARGUED, "He says so at 1:02:02."),
          test("chapters::test_no_number_is_typed"), ("book/models.md:", "write {t}`h:mm:ss`")),
    Fault("guard-without-sentence", CHAPTER, rewritten(r"\{glue:text\}`[\w-]+`", "some"),
          test("chapters::test_guarded_numbers_are_printed"), ("book/models.md:", "no sentence prints")),
    Fault("number-without-guard", CHAPTER, under(ARGUED, "So it is {glue:text}`unguarded`."),
          test("chapters::test_guarded_numbers_are_printed"),
          ("'unguarded'", "store it with prose.say")),
    Fault("exercise-without-solution", CHAPTER, rewritten(r"\{solution-start\} [\w-]+",
                                                          "{solution-start} ex-gone"),
          test("chapters::test_exercises"), ("book/models.md:", "give exercise")),
    Fault("label-twice", CHAPTER, rewritten(
        r"(name: (fig-[\w-]+)\n.*?name: )fig-[\w-]+\n", r"\1\2\n"),
          test("figures::test_labels"), ("stands at book/models.md:", "rename")),
    Fault("figure-never-mentioned", CHAPTER, rewritten(r"(\n    name: fig-)[\w-]+\n", r"\1unsung\n"),
          test("figures::test_labels"), ("the text never mentions it", "{numref}`fig-unsung`")),
    Fault("figure-without-text", CHAPTER, rewritten(r"\n    alt=", "\n    label="),
          test("wholeness::test_figures_are_given_text_and_source"), ("book/models.md:", "without 'alt'")),
    Fault("figure-without-source", CHAPTER, rewritten(r'\n    source="[^"]*"', '\n    source="me"'),
          test("wholeness::test_figures_are_given_text_and_source"),
          ("book/models.md:", "where the numbers come from")),
    Fault("sentence-upon-sentence", CHAPTER, under(ARGUED, "It is so. It is not."),
          test("chapters::test_one_sentence_per_line"), ("book/models.md:", "break the line")),
    Fault("code-too-wide", CHAPTER, under(ARGUED, "```{code-cell} ipython3\\nx = '" + "y" * 80 + "'\\n```"),
          test("chapters::test_cells_fit_the_page"), ("book/models.md:", "break the line at 79")),
    Fault("file-read-past-the-package", CHAPTER, under(
        ARGUED, "```{code-cell} ipython3\\nopen('data/chips.csv')\\n```"),
          test("chapters::test_cells_keep_to_their_rooms"), ("book/models.md:", "with guide.data")),
    Fault("question-missing", CHAPTER, replaced("## Is it true?", "## Is it so?"),
          test("chapters::test_structure"), ("book/models.md:", "make them")),
    Fault("event-without-date", CHAPTER, rewritten(
        r"(### Since the recording\n\n(?:.*?\n\n)?)- ", r"\1- Something happened.\n- "),
          test("chapters::test_structure"), ("book/models.md:", "say when or by whom")),
    Fault("chapter-without-quiz", CHAPTER, rewritten(r"^:::+\{quiz\}|^```\{quiz\}", ":::{note}"),
          test("cards::test_each_chapter_has_its_cards_and_its_quiz"),
          ("book/models.md:1", "has no {quiz}")),
    Fault("role-of-no-claim", CHAPTER, under(ARGUED, "It is {claim}`v3-total-parametres`."),
          test("wholeness::test_roles_can_be_printed"),
          ("book/models.md:", "did you mean v3-total-parameters")),
    Fault("role-with-another-number", CHAPTER, under(
        ARGUED, "It has {claim}`some 700 parts <v3-total-parameters>`."),
          test("wholeness::test_roles_can_be_printed"), ("book/models.md:", "let the ledger print")),
    Fault("role-of-no-value", CHAPTER, under(ARGUED, "It draws {datum}`chips/h100-sxm/tdp`."),
          test("wholeness::test_roles_can_be_printed"), ("book/models.md:", "no column 'tdp'")),
    Fault("role-after-the-end", CHAPTER, under(ARGUED, "He says so at {t}`5:59:59`."),
          test("wholeness::test_roles_can_be_printed"), ("book/models.md:", "after the end")),
    Fault("unit-unknown-to-the-printer", PACKAGE, rewritten(
        r"(- name: published_total_billion\n\s+type: number\n\s+unit: )billion parameters",
        r"\1billions"),
          test("wholeness::test_roles_can_be_printed"), ("book/models.md:", "unknown unit 'billions'")),
    Fault("letter-without-glyph", CHAPTER, under(ARGUED, "Its name is \u5317\u4eac."),
          test("wholeness::test_each_letter_has_its_glyph"), ("book/models.md:", "U+5317")),
    Fault("letter-without-glyph-in-a-table", CHIPS, cell("name", "\u5317", id="h200"),
          test("wholeness::test_each_letter_has_its_glyph"), ("data/chips.csv:", "write it otherwise")),
    Fault("page-missing-in-the-contents", "_toc.yml", rewritten(r"\n +- file: book/demand", ""),
          test("wholeness::test_contents_name_each_page"), ("book/demand.md", "list it in _toc.yml")),
    Fault("chapter-removed", "book/demand.md", deleted,
          test("wholeness::test_contents_name_each_page"), ("restore book/demand.md",)),
    Fault("page-listed-twice", "_toc.yml", replaced("- file: book/power",
                                                    "- file: book/power\n      - file: book/models"),
          test("wholeness::test_contents_name_each_page"), ("_toc.yml:1", "twice")),
    Fault("warnings-let-through", "_config.yml", replaced("nitpicky: true", "nitpicky: false"),
          test("wholeness::test_settings_let_nothing_through"), ("_config.yml:1", "nitpicky")),
    Fault("warnings-hushed-up", "_config.yml", replaced("mystnb.exec]", "mystnb.exec, ref.doc]"),
          test("wholeness::test_settings_let_nothing_through"), ("'ref.doc'", "mend what")),
    Fault("file-name-with-a-capital", "_toc.yml", replaced("book/power", "book/Power"),
          test("wholeness::test_contents_name_each_page"), ("book/Power", "which is not there")),
)

HOUSE = (
    # -------------------------------------------------------------- the house
    Fault("path-of-one-machine", CHAPTER, under(ARGUED, "See /ho" "me/me/book."),
          test("architecture::test_no_path_of_one_machine"), ("book/models.md:", "from the root")),
    Fault("generated-file-kept", "book/spare.ipynb", tracked,
          test("architecture::test_nothing_generated_is_kept"), ("book/spare.ipynb", "git rm")),
    Fault("generated-file-not-ignored", ".gitignore", replaced("_build/", ""),
          test("architecture::test_what_is_generated_is_ignored"), ("_build/x", "add its pattern")),
    Fault("requirement-not-pinned", "requirements.txt", rewritten(r"^pandas==\S+", "pandas>=3"),
          test("architecture::test_dependencies_are_pinned"), ("requirements.txt:", "pin it")),
    Fault("package-not-required", "requirements.txt", rewritten(r"^genanki==[^\n]*\n", ""),
          test("wholeness::test_imports_are_required"), ("book/guide/cards.py:", "pin it")),
    Fault("lock-without-a-hash", "requirements.lock", rewritten(
        r"(^numpy==[^\n]*\n)(?:    --hash[^\n]*\n)+", r"\1"),
          test("lock::test_the_lock_is_of_the_requirements"), ("numpy==", "no hash", "run 'make lock'")),
    Fault("lock-of-other-versions", "requirements.txt", rewritten(r"^(pandas==)\S+", r"\g<1>3.0.0"),
          test("lock::test_the_lock_is_of_the_requirements"), ("pandas", "3.0.0", "run 'make lock'")),
    Fault("lock-for-one-system", "requirements.lock", rewritten(r"^colorama==[^\n]*\n(?:    [^\n]*\n)+", ""),
          test("lock::test_the_lock_serves_every_system"), ("colorama", "run 'make lock'")),
    Fault("hashes-unchecked", "Makefile", replaced("--require-hashes ", ""),
          test("lock::test_make_installs_the_lock"), ("Makefile", "--require-hashes")),
    Fault("command-only-told-of", "README.md", added("\n    make haste\n"),
          test("build::test_readme_and_makefile_agree"), ("README.md:", "'make haste'")),
    Fault("command-not-explained", "Makefile", rewritten(r"^(clean:)  ##[^\n]*", r"\1"),
          test("build::test_help_lists_all_commands"), ("Makefile:1", "'clean'")),
    Fault("tests-of-an-old-book", "Makefile", rewritten(r"^test: book", "test:"),
          test("build::test_ci_runs_what_the_readme_says"), ("must depend on 'book'",)),
    Fault("room-that-knows-too-much", "book/guide/transformer.py", added("\nfrom . import data\n"),
          test("architecture::test_rooms_know_only_whom_they_may"),
          ("book/guide/transformer.py:", "it may know")),
    Fault("function-unexplained", "book/guide/quantity.py", added("\n\ndef spare():\n    pass\n"),
          test("architecture::test_public_names_are_documented"), ("'spare'", "say what it does")),
    Fault("room-undescribed", "book/guide/__init__.py", rewritten(r"^``pandoc``[^\n]*\n", ""),
          test("architecture::test_rooms_are_all_described"), ("'pandoc'", "add a line")),
    Fault("font-lost", "book/guide/fonts/SourceSans3-Regular.ttf", deleted,
          test("wholeness::test_fonts_are_shipped"), ("SourceSans3-Regular.ttf", "restore it")),
    Fault("old-book-passed-off-as-new", CHAPTER, added("\nOne word more.\n"),
          test("build::test_the_built_book_is_of_these_sources"), ("is of other sources",)),
    Fault("table-changed-behind-the-book", CHIPS, cell("tdp_w", "701", id="h200"),
          test("build::test_the_built_book_is_of_these_sources"), ("run 'make book'",)),
)

CODE = (
    # -------------------------------------------------------------- the arithmetic and the printing
    Fault("rule-of-five", "book/guide/transformer.py", replaced("return 6.0 *", "return 5.0 *"),
          test("arithmetic::test_training_rule"), ("flops",)),
    Fault("keys-without-values", "book/guide/transformer.py",
          replaced("return 2 * c.kv_heads", "return 1 * c.kv_heads"),
          test("arithmetic::test_known_caches"), ("516_096",)),
    Fault("rotary-key-forgotten", "book/guide/transformer.py",
          replaced("return c.kv_lora_rank + c.qk_rope_head_dim", "return c.kv_lora_rank"),
          test("arithmetic::test_known_caches"), ("70_272",)),
    Fault("norms-forgotten", "book/guide/transformer.py",
          replaced("(2 * c.layers + 1) * c.d_model", "(2 * c.layers) * c.d_model"),
          test("arithmetic::test_known_counts"), ("transformer.total",)),
    Fault("shared-expert-forgotten", "book/guide/transformer.py",
          replaced("c.moe_layers * c.shared_experts * expert_parameters(c)", "0"),
          test("arithmetic::test_known_counts"), ("transformer.total",)),
    Fault("experts-without-a-gate", "book/guide/transformer.py",
          replaced("ffn_matrices: int = 3", "ffn_matrices: int = 2"),
          test("properties::test_an_expert_has_three_matrices"), ("gate",)),
    Fault("idle-experts-counted", "book/guide/transformer.py",
          replaced("return total(c) - idle", "return total(c)"),
          test("arithmetic::test_known_counts"), ("transformer.active",)),
    Fault("billion-of-another-size", "book/guide/quantity.py", replaced('(1e9, "billion")',
                                                                        '(1e8, "billion")'),
          test("properties::test_a_number_of_any_size_is_printed"), ("parse",)),
    Fault("range-without-its-end", "book/guide/quantity.py", replaced('f"{first} to {second}"',
                                                                      'f"{first} to {first}"'),
          test("arithmetic::test_house_style"), ("80 to 90%",)),
    Fault("per-cent-sign-lost", "book/guide/quantity.py", replaced('return f"{text}%"',
                                                                   'return f"{text}"'),
          test("arithmetic::test_house_style"), ("80 to 90%",)),
    Fault("month-off-by-one", "book/guide/quantity.py", replaced("months[day.month - 1]",
                                                                 "months[day.month - 2]"),
          test("arithmetic::test_dates"), ("date",)),
    Fault("guard-asleep", "book/guide/prose.py", replaced("if not low <= value <= high:", "if False:"),
          test("arithmetic::test_a_guard_keeps_its_promise"), ("GuardError",)),
    Fault("end-of-another-episode", "book/guide/ledger.py", replaced('END = "5:05:44"',
                                                                     'END = "5:50:44"'),
          test("wholeness::test_the_outline_covers_the_episode"), ("data/outline.csv",)),
    Fault("verdicts-that-look-alike", "book/guide/ledger.py", replaced('"wrong": ("\u2717"',
                                                                       '"wrong": ("\u2713"'),
          test("ledger::test_each_verdict_has_a_mark_of_its_own"), ("marks",)),
    Fault("figure-too-pale", "book/guide/drawings.py", replaced('"orange": ("#b8500c"',
                                                               '"orange": ("#f0a060"'),
          test("figures::test_palette_can_be_read"), ("'orange'", "4.5 is needed")),
    Fault("dark-page-left-light", "book/guide/drawings.py",
          replaced("svg = svg.replace(light, dark)", "pass"),
          test("figures::test_dark_variant_exchanges_the_palette"), ("dark",)),
    Fault("shortcut-to-what-is-old", "book/guide/sphinx_ext/shortcuts.py",
          replaced("for part in (*sources, content):", "for part in (content,):"),
          test("shortcuts::test_what_is_old_is_made_again"), ("what is old is used",)),
    Fault("shortcut-through-what-is-broken", "book/guide/sphinx_ext/shortcuts.py",
          replaced("content if mark == _mark(app, sources, content) else None", "content"),
          test("shortcuts::test_what_is_broken_is_made_again"), ("a broken file is used",)),
    Fault("plain-build-with-shortcuts", "book/guide/sphinx_ext/shortcuts.py",
          replaced("return not os.environ.get(OFF)", "return True"),
          test("shortcuts::test_a_plain_build_takes_no_shortcut"), ("GUIDE_PLAIN",)),
    Fault("outline-that-loses-a-figure", "book/guide/sphinx_ext/lookups.py",
          replaced("                found += below(child)\n", "                pass\n"),
          test("shortcuts::test_an_outline_is_numbered_as_its_page"), ("lookups.py", "other numbers")),
    Fault("entry-set-from-another", "book/guide/sphinx_ext/lookups.py",
          replaced("list(entry.fields.items())", "list(entry.fields)"),
          test("shortcuts::test_each_part_of_an_entry_counts"), ("lookups.py", "note = {y}")),
    Fault("table-that-does-not-escape", "book/guide/tables.py",
          replaced("out = _SPECIAL.sub", "return text; out = _SPECIAL.sub"),
          test("properties::test_any_text_survives_a_table"), ("text",)),
    Fault("card-that-does-not-escape", "book/guide/cards.py",
          replaced("plain=lambda t: html.escape(t, quote=False)", "plain=lambda t: t"),
          test("properties::test_any_text_survives_a_card"), ("text",)),
    Fault("claim-that-runs-a-script", "book/guide/sphinx_ext/previews.py",
          replaced("{escape(row.statement)}", "{row.statement}"),
          test("security::test_text_of_tables_is_text"), ("onerror", "the policy forbids it")),
    Fault("table-behind-a-figure-that-runs-a-script", "book/guide/sphinx_ext/images.py",
          replaced("<td>{escape(cell)}</td>", "<td>{cell}</td>"),
          test("security::test_text_of_tables_is_text"), ("book/models.html:", "book/_static")),
    Fault("kernels-left-behind", "book/guide/nursery.py", replaced("    tie_to_parent()\n    listener",
                                                                  "    listener"),
          test("wholeness::test_processes_are_tied"), ("tie_to_parent",)),
    Fault("deck-of-another-day", "book/guide/cards.py",
          replaced("timestamp=dt.datetime.combine(edition, dt.time(12), dt.UTC).timestamp()",
                   "timestamp=dt.datetime.now().timestamp()"),
          test("cards::test_the_same_cards_give_the_same_bytes"), ("differs",)),
    Fault("lines-of-a-deck-run-together", "book/guide/cards.py",
          replaced('re.sub(r"[\\t\\r\\n]+", " ", value) for', 'value + "\\t" for'),
          test("cards::test_tsv_holds_every_card"), ("lost a cell",)),
    Fault("deck-that-loses-formulas", "book/guide/cards.py",
          replaced('math=lambda t: f"${t}$"', 'math=lambda t: f"$ {t}$"'),
          test("cards::test_markdown_holds_every_card"), ("formula",)),
)

BUILT = (
    # -------------------------------------------------------------- the built pages
    Fault("page-lost", PAGE, deleted, test("html::test_all_pages_are_built"),
          ("'book/models'", "run 'make book'")),
    Fault("text-of-a-figure-lost", PAGE, rewritten(r'(<img class="figure-light"[^>]*) alt="[^"]*"', r"\1"),
          test("figures::test_figures"), ("book/models.html:", "0 characters")),
    Fault("dark-figure-lost", PAGE, rewritten(r'<img class="figure-dark"', '<img class="figure-other"'),
          test("figures::test_figures"), ("book/models.html:", "no dark variant")),
    Fault("anchor-dead", PAGE, rewritten(r'href="ledger\.html#claim-[\w.-]+"',
                                         'href="ledger.html#claim-gone"'),
          test("html::test_links_lead_somewhere"),
          ("book/models.html:", "names no place in book/ledger.html")),
    Fault("link-to-no-page", PAGE, replaced("</article>", '<a href="gone.html">x</a></article>'),
          test("html::test_links_lead_somewhere"), ("book/models.html:", "leads to no file")),
    Fault("id-twice-on-a-page", PAGE, replaced(
        "</article>", '<p id="is-it-true"></p><p id="is-it-true"></p></article>'),
          test("html::test_ids_are_unique"), ("book/models.html:1", "'is-it-true'", "rename one")),
    Fault("level-skipped", PAGE, replaced("</article>", "<h2>A</h2><h4>B</h4></article>"),
          test("html::test_headings_are_in_order"), ("'B' skips a level", "use one '#' less")),
    Fault("image-of-another-host", PAGE, replaced(
        "</article>", '<img src="https://a.example/b.png"></article>'),
          test("html::test_no_page_asks_another_host"), ("book/models.html:", "book/_static")),
    Fault("font-of-another-host", "_build/html/_static/book.css",
          added("\n@font-face { src: url(https://a.example/b.woff2); }\n"),
          test("html::test_no_style_or_script_asks_another_host"),
          ("_static/book.css:", "https://a.example/b.woff2")),
    Fault("script-that-reports", "_build/html/_static/search.js",
          added("\nnavigator.sendBeacon('https://a.example');\n"),
          test("html::test_no_style_or_script_asks_another_host"), ("_static/search.js:",)),
    Fault("handler-inline", PAGE, replaced("</article>", '<p onclick="alert(1)">x</p></article>'),
          test("access::test_pages_keep_to_their_policy"), ("book/models.html:", "<p onclick", "script")),
    Fault("script-inline", PAGE, replaced("</article>", "<script>alert(1)</script></article>"),
          test("access::test_pages_keep_to_their_policy"), ("book/models.html:", "does not name", "file")),
    Fault("script-in-a-link", PAGE, replaced("</article>", '<a href="javascript:x()">x</a></article>'),
          test("access::test_pages_keep_to_their_policy"), ("book/models.html:", "javascript:")),
    Fault("script-that-makes-scripts", "_build/html/_static/search.js", added("\neval('1');\n"),
          test("security::test_no_script_makes_code"), ("_static/search.js:", "code of text")),
    Fault("token-on-a-page", PAGE, replaced("</article>", "gh" "p_" + "a1B2" * 9 + "</article>"),
          test("security::test_no_output_tells_a_secret"), ("book/models.html", "looks like a secret")),
    Fault("machine-on-a-page", PAGE, replaced("</article>", "/ho" "me/me/book</article>"),
          test("security::test_no_output_names_a_machine"), ("book/models.html", "from the root")),
    Fault("link-to-an-unknown-host", PAGE, replaced(
        "</article>", '<a href="https://unheard.example/x">x</a></article>'),
          test("security::test_outputs_link_to_known_hosts"), ("unheard.example", "references.bib")),
    Fault("dark-palettes-apart", "_build/html/_static/guide.css", replaced("--ink: #e8ecf1",
                                                                           "--ink: #ffffff"),
          test("html::test_both_dark_palettes_are_one"), ("--ink", "make both alike")),
    Fault("error-on-a-page", PAGE, replaced(
        "</article>", "<span class='problematic'>{claim}`x`</span></article>"),
          test("html::test_nothing_is_left_of_a_broken_build"), ("book/models.html:", "mend its source")),
    Fault("address-on-a-page", PAGE, replaced("</article>", "&lt;Styler at 0x7f00aa11&gt;</article>"),
          test("html::test_nothing_is_left_of_a_broken_build"), ("book/models.html:", "address of an object")),
    Fault("claim-without-place", LEDGER_PAGE, replaced('id="claim-v3-total-parameters"', ""),
          test("html::test_each_claim_has_its_place"), ("'v3-total-parameters'", "list its chapter")),
    Fault("formula-in-tex", PAGE, replaced("</article>", '<span class="math">\\(a\\)</span></article>'),
          test("html::test_formulas_are_mathml"), ("book/models.html:", "is not MathML")),
    Fault("solution-lost", PAGE, rewritten(r'id="solution-[\w-]+"', 'id="solution-gone"'),
          test("html::test_exercises_keep_their_solutions"), ("book/models.md:", "the solution")),
    Fault("language-lost", PAGE, replaced('<html lang="en-GB"', "<html"),
          test("html::test_language_and_title"), ("book/models.html:1", "has no lang")),
    Fault("title-of-another-page", PAGE, rewritten(r"<title>[^<]*</title>", "<title>Index &#8212; The "
                                                   "DeepSeek Moment</title>"),
          test("html::test_language_and_title"), ("rename one",)),
    Fault("card-lost", PAGE, rewritten(r'id="card-[\w.-]+"', 'id="card-gone"'),
          test("cards::test_pages_show_cards_and_quizzes"), ("is not on its page",)),
    Fault("font-lost-in-the-site", "_build/html/_static/fonts/source-serif-4-latin-400-normal.woff2",
          deleted, test("wholeness::test_style_sheets_find_their_files"),
          ("_static/book.css:", "restore the file")),
    Fault("pdf-cut-off", "_build/pdf/deepseek-moment.pdf", cut(0.9),
          test("wholeness::test_what_was_made_is_whole"), ("deepseek-moment.pdf: is cut off",)),
    Fault("deck-cut-off", "_build/cards/deepseek-moment.apkg", cut(0.5),
          test("wholeness::test_what_was_made_is_whole"), ("deepseek-moment.apkg: is cut off",)),
    Fault("e-book-cut-off", "_build/epub/deepseek-moment.epub", cut(0.5),
          test("wholeness::test_what_was_made_is_whole"), ("deepseek-moment.epub: is cut off",)),
    Fault("notebooks-cut-off", "_build/downloads/deepseek-moment-notebooks.zip", cut(0.5),
          test("wholeness::test_what_was_made_is_whole"), ("notebooks.zip: is cut off",)),
    Fault("pdf-not-made", "_build/pdf/deepseek-moment.pdf", deleted,
          test("wholeness::test_what_was_made_is_whole"), ("run 'make book'",)),
    Fault("measurement-not-told", LEDGER_PAGE, rewritten(
        r'(entry-evidence(?:(?!</p>).)*?)href="lab-[\w-]+\.html"', r'\1href="gone.html"'),
          test("ledger::test_what_was_measured_is_told_in_the_ledger"), ("is not told in the ledger",)),
)


# ------------------------------------------------------------------ pages of a small book

CELL = "```{{code-cell}} ipython3\n{}\n```\n"


def page(text: str) -> Change:
    """Make a page of the small book."""
    return lambda path: path.write_text(text, encoding="utf-8") and None


def built(name: str, group: str, text: str, *says: str) -> Fault:
    """A page that must stop the build, with its file and line in the message."""
    return Fault(name, f"book/{name}.md", page(text), f"build:{group}", (f"{name}.md:", *says))


def run(*lines: str) -> str:
    """A cell."""
    return CELL.format("\n".join(lines))


BUILDING = (
    # -------------------------------------------------------------- reading and executing
    built("cell-fails", "read", run("1 / 0"), "a cell fails", "ZeroDivisionError", "Mend the cell"),
    built("cell-misspelt", "read", run("retrun 1"), "a cell fails", "SyntaxError"),
    built("guard-out-of-bounds", "read", run("from guide import prose",
                                             "prose.say('three', 3, between=(4, 5))"),
          "'three' is 3 and must lie between 4 and 5", "rewrite the sentence"),
    built("guard-of-no-number", "read", run("from guide import prose",
                                            "prose.say('nothing', float('nan'), between=(0, 1))"),
          "'nothing' is nan"),
    built("guard-in-no-unit", "read", run("from guide import prose",
                                          "prose.say('far', 3, 'furlongs', between=(0, 5))"),
          "unknown unit 'furlongs'"),
    built("warning-of-a-cell", "read", run("import warnings", "warnings.warn('beware')"),
          "stderr was found in the cell outputs"),
    built("kernel-dies", "read", run("import os", "os._exit(1)"),
          "the kernel died while this cell ran", "Mend the cell"),
    built("figure-drawn-without-text", "read", run(
        "from guide import figures", "fig, ax = figures.new()",
        "figures.show(fig, alt='', source='data/chips.csv')"), "alt is too short"),
    built("figure-drawn-without-source", "read", run(
        "from guide import figures", "fig, ax = figures.new()",
        f"figures.show(fig, alt='{'x' * 70}', source='')"), "source is too short"),
    built("table-of-no-column", "read", run(
        "from guide import data, tables",
        "tables.show(data.table('chips'), caption='c', name='tab-x', markup=['colour'])"),
          "has no column", "colour"),
    built("claim-unknown", "read", "A {claim}`v3-active-parametres`.\n", "did you mean"),
    built("claim-without-figure", "read", "A {claim}`deepseek-r1-open-weights-x`.\n", "unknown claim"),
    built("claim-empty", "read", "A {claim}` `.\n", "{claim}"),
    built("date-unknown", "read", "On {date}`no-such-day`.\n", "no row 'no-such-day'"),
    built("datum-malformed", "read", "A {datum}`chips`.\n", "write table/row/column"),
    built("datum-of-no-table", "read", "A {datum}`gone/a/b`.\n", "no table 'gone'"),
    built("time-malformed", "read", "At {t}`27:07`.\n", "write h:mm:ss"),
    built("place-unknown", "read", "See {place}`there <gone#x>`.\n", "there is no page 'gone'"),
    built("place-without-words", "read", "See {place}`models`.\n", "write {place}"),
    built("solution-lost-in-the-build", "read",
          ":::{exercise} A\n:level: recall\n:name: ex-a\nSay.\n:::\n", "has no solution", "add"),
    built("solution-of-nothing", "read", ":::{solution-start} ex-b\n:::\nSo.\n:::{solution-end}\n:::\n",
          "answers no exercise"),
    built("solution-without-end", "read",
          ":::{exercise} A\n:level: recall\n:name: ex-c\nSay.\n:::\n\n:::{solution-start} ex-c\n:::\n",
          "has no {solution-end}"),
    built("exercise-without-level", "read", ":::{exercise} A\n:name: ex-d\nSay.\n:::\n", "give :level:"),
    built("head-without-aims", "read", "```{chapter-head}\nOne sentence.\n```\n", "a list of aims"),
    built("ledger-of-no-claims", "read", "```{ledger}\n```\n", "no claim in data/claims.csv"),
    built("cards-of-no-chapter", "read", ":::{cards}\n:::\n", "data/cards.csv", "add some"),
    built("quiz-of-no-chapter", "read", ":::{quiz}\n:::\n", "data/quizzes.csv", "add some"),
    built("formula-not-understood", "read", "A $\\frac{1$ b.\n", "use TeX that pandoc can set"),
    built("role-unknown", "read", "A {clam}`v3-total-parameters`.\n", "clam"),
    built("directive-unknown", "read", "```{ledgre}\n```\n", "ledgre"),
    built("levels-skipped", "read", "## Two\n\n#### Four\n", "H2 to H4"),
    # -------------------------------------------------------------- resolving and writing
    built("reference-to-no-figure", "write", "See {numref}`fig-gone`.\n", "fig-gone"),
    built("reference-to-no-entry", "write", "See {cite:p}`gone2024`.\n", "gone2024"),
    built("reference-to-no-page", "write", "See {doc}`/book/gone`.\n", "gone"),
    built("reference-to-no-term", "write", "A {term}`no such term`.\n", "no such term"),
    built("reference-to-no-label", "write", "See [there](#gone).\n", "gone"),
    built("glue-of-nothing", "write", "A {glue:text}`never-stored`.\n", "never-stored"),
    built("image-lost", "write", "![Drawing of nothing at all](gone.png)\n", "gone.png"),
    # -------------------------------------------------------------- paper
    built("html-without-printed-form", "print", "<b>raw</b>\n\n<div>raw</div>\n", "no printed form"),
    built("place-that-paper-lacks", "print", "See {place}`there <models#gone>`.\n",
          "links to a place that it does not have"),
)

FAULTS: tuple[Fault, ...] = (
    *TABLES_READ, *TABLES_TESTED, *PAGES_TESTED, *HOUSE, *CODE, *BUILT, *BUILDING)
