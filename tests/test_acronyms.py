"""Acronyms: each is spelt out where a chapter first uses it, or the table says why not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, NavigableString
from checks import found, none
from checks.reading import read, visible
from docutils import nodes

from guide import data
from guide.sphinx_ext import acronyms

_CANDIDATE = re.compile(r"(?<![\w.])[A-Z][A-Za-z]*[A-Z][A-Za-z]*(?!\w)")
#: where nothing is spelt out: headings, notes, listings, entries of the ledger
_ELSEWHERE = ("h1, h2, h3, h4, h5, figcaption, caption, table, pre, code, aside, .claim-entry, "
              ".admonition, .citation, .head-facts, .head-where, .math, .figure-data, .cell_output")


def singular(word: str) -> str:
    """An acronym without the s of its plural."""
    return word[:-1] if word.endswith("s") else word


def unknown(text: str, name: str, known: Iterable[str]) -> list[str]:
    """Find acronyms of a page's sentences that the table does not have."""
    problems, known = [], set(known)
    for line in read(text).lines:
        if line.kind not in ("prose", "heading"):
            continue
        for match in _CANDIDATE.finditer(visible(line.text)):
            word = singular(match[0])
            capitals = sum(c.isupper() for c in word)
            if capitals >= 2 and 2 * capitals >= len(word) and not {word, match[0]} & known:
                problems.append(f"{name}:{line.no}: '{word}' is not in data/acronyms.csv: "
                                "add its words, or why it needs none")
    return problems


def test_acronyms_are_in_the_table(chapters, tables):
    """Each acronym of a chapter has its words, or a reason to stand without."""
    known = [row["acronym"] for row in tables["acronyms"]]
    none(p for name, text in chapters.items() for p in unknown(text, name, known))


@pytest.mark.parametrize("word", ["NTSB", "NTSBs", "MoFL", "the NTSB's"])
def test_acronyms_are_in_the_table_planted(word):
    """A new acronym is seen, in the plural, with small letters, as an owner."""
    found(unknown(f"# T\n\nIt is {word} here.\n", "a.md", ["GPU"]), "a.md:3")


def test_names_are_no_acronyms():
    """Names with a capital inside, model numbers and known acronyms are not complained of."""
    none(unknown("# T\n\nDeepSeek and SemiAnalysis, H100, V3 and R1, GPUs, a GPU's.\n", "a.md",
                 ["GPU"]))


def undecided(rows) -> list[str]:
    """Find rows that give both words and a reason to leave them away, or neither."""
    return [f"data/acronyms.csv:{line}: '{row['acronym']}' needs words, or a reason for none"
            for line, row in enumerate(rows, 2) if bool(row["expansion"]) == bool(row["plain"])]


def test_each_row_decides(tables):
    """A row spells an acronym out or says why not."""
    none(undecided(tables["acronyms"]))


def test_each_row_decides_planted():
    """A row with neither, and one with both, are seen."""
    rows = [{"acronym": "A", "expansion": None, "plain": None},
            {"acronym": "B", "expansion": "b", "plain": "b"}]
    assert len(undecided(rows)) == 2


def unspelt(article, name: str, rows) -> list[str]:
    """Find acronyms whose first use in a page's sentences is not spelt out."""
    words = {row["acronym"]: row["expansion"] for row in rows if row["expansion"]}
    pattern = re.compile(rf"(?<![\w/-])({'|'.join(sorted(words, key=len, reverse=True))})s?(?![\w/-])")
    seen, problems = set(), []
    for text in article.find_all(string=True):
        if type(text) is not NavigableString or not text.find_parent("p"):
            continue
        link = text.find_parent("a")
        term = link and ("glossary.html#term-" in link.get("href", "")
                         or "claim-link" in link.get("class", ()))
        if link and not term:
            continue
        for match in pattern.finditer(text):
            if match[1] not in seen and text.find_parent("abbr") is None:
                near = text[max(0, match.start() - 20): match.end() + 20].strip()
                problems.append(f"{name}: '{match[1]}' is not spelt out where it is first used "
                                f"('{near}'): look at guide.sphinx_ext.acronyms")
            seen.add(match[1])
    return problems


def test_the_first_use_is_spelt_out(own, chapters, tables):
    """On each chapter's page the first use of an acronym carries its words."""
    problems = []
    for path in chapters:
        name = path.replace(".md", ".html")
        article = BeautifulSoup(str(own[name].find("article")), "html.parser")
        for tag in article.select(_ELSEWHERE):
            tag.decompose()
        problems += unspelt(article, name, tables["acronyms"])
    none(problems)


def test_the_first_use_is_spelt_out_planted(tables):
    """A first use without its words is seen; a later one may stand bare."""
    bare = BeautifulSoup("<p>A GPU.</p>", "html.parser")
    good = BeautifulSoup("<p>A <abbr title='x'>GPU</abbr> and a GPU.</p>", "html.parser")
    found(unspelt(bare, "a.html", tables["acronyms"]), "'GPU'")
    none(unspelt(good, "a.html", tables["acronyms"]))


# ------------------------------------------------------------------ where the words go in print


def tree(*paragraphs: str) -> nodes.Element:
    """A page of plain paragraphs."""
    page = nodes.section()
    for text in paragraphs:
        page += nodes.paragraph("", text)
    return page


def test_uses_are_found_in_order():
    """The first use counts; one with something hanging on it takes no parentheses."""
    uses = acronyms.first_uses(tree("The MLA's size.", "MLA and GPUs.", "MLA, a GPU."))
    assert [(u.acronym, u.plural, u.bare) for u in uses] == [
        ("MLA", False, False), ("MLA", False, True), ("GPU", True, True)]


def test_nothing_is_found_inside_other_words():
    """A name that holds an acronym is another name."""
    assert acronyms.first_uses(tree("FlashMLA, MLA-like, GPT/MLA and MLAX")) == []


@pytest.mark.parametrize(
    ("paragraphs", "spoken"),
    [
        (("Multi-head latent attention, or MLA, is it.",), True),
        (("It is MLA (multi-head  latent attention).",), True),
        (("Multi-head latent attention.", "MLA is it."), True),
        (("MLA is it.", "Multi-head latent attention."), False),
        (("MLA is it.",), False),
    ],
)
def test_the_prose_is_heard(paragraphs, spoken):
    """Where the chapter has said the words, or says them in the paragraph, print does not again."""
    page = tree(*paragraphs)
    use = acronyms.first_uses(page)[0]
    assert acronyms.said(page, use.text, "multi-head latent attention") is spoken


def test_every_chapter_is_known(chapters):
    """What counts as a chapter here counts as one when the book is built."""
    known = {row["id"] for row in data.rows("chapters")}
    assert {Path(name).stem for name in chapters} <= known
