"""Chapters: their parts and order, their code, their sentences, and no number typed by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from checks import chapters as check
from checks import found, none
from checks.numbers import typed_numbers
from checks.reading import captions, read, visible

from guide import data

CHAPTER = """\
---
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# A chapter

```{chapter-head}
The chapter in one sentence.

- say one thing
- say another
```

## What is it about?

Words and {numref}`fig-one`, {numref}`tab-one`.

```{code-cell} ipython3
---
tags: [hide-input]
mystnb:
  figure:
    caption: |
      The finding of the figure.
      And a second line.
    name: fig-one
---
from guide import data, prose, tables
prose.say("one", 1, between=(0, 2))
tables.show(frame, caption="What the table says", name="tab-one")
```

Prints {glue:text}`one`.

## How is it argued?

Words.

## Is it true?

```{ledger}
```

```{disagreements}
```

## What of it?

### Since the recording

- {date}`one`: an event.
- Another {cite:p}`key`.

## Test yourself

:::{quiz}
:::

## Exercises

:::{exercise} First
:level: recall
:name: ex-1
Say it.
:::

:::{solution-start} ex-1
:::
Said.
:::{solution-end}
:::

:::{exercise} Second
:level: recompute
:name: ex-2
Count it.
:::

:::{solution-start} ex-2
:::
Counted.
:::{solution-end}
:::

:::{exercise} Third
:level: extend
:name: ex-3
Add it.
:::

:::{solution-start} ex-3
:::
Added.
:::{solution-end}
:::

## Look back

:::{look-back}
:::
"""


def planted(old: str, new: str, count: int = -1) -> str:
    """The good chapter with a fault."""
    assert old in CHAPTER
    return CHAPTER.replace(old, new, count)


def is_episode(name: str) -> bool:
    """Whether this is the chapter on the whole talk, which has no exercises of its own."""
    return name.endswith("/episode.md")


def is_lab(name: str) -> bool:
    """Whether this is a chapter of the lab, which judges claims that other chapters own."""
    parts = {row["id"]: row["part"] for row in data.rows("chapters")}
    return parts.get(Path(name).stem) == "The lab"


def each(chapters, rule, **options):
    """Problems that a rule finds in all chapters."""
    return [p for name, text in chapters.items() for p in rule(text, name, **options)]


def test_there_are_chapters(chapters):
    """The contents have the chapters that this edition promises."""
    assert {"book/episode.md", "book/models.md", "book/efficiency.md"} <= set(chapters), (
        "_toc.yml: list book/episode, book/models and book/efficiency"
    )


# ------------------------------------------------------------------ parts and order


def test_structure(chapters):
    """Each chapter puts the four questions in order, with what belongs under each."""
    none(p for name, text in chapters.items()
         for p in check.structure(text, name, exercises=not is_episode(name), lab=is_lab(name)))


def test_structure_of_a_good_chapter():
    """The chapter that the faults are planted in is good in every respect."""
    none(check.structure(CHAPTER, "a.md") + check.exercises(CHAPTER, "a.md"))
    none(check.cells(CHAPTER, "a.md") + check.sentences(CHAPTER, "a.md"))
    none(check.labels({"a.md": CHAPTER}) + check.guards(CHAPTER, "a.md", least=1))
    none(check.imports_of_cells(CHAPTER, "a.md") + typed_numbers(CHAPTER, "a.md"))
    without = CHAPTER[: CHAPTER.index("## Exercises")] + CHAPTER[CHAPTER.index("## Look back"):]
    none(check.structure(without, "episode.md", exercises=False))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("## Is it true?", "## Is it so?", ("a.md:39", "headings")),
        ("## How is it argued?\n\nWords.\n\n", "", ("headings",)),
        ("## Look back", "## Questions", ("headings", "Look back")),
        ("## Exercises", "### Exercises", ("headings", "Exercises")),
        ("# A chapter", "# A chapter\n\n# Another", ("exactly one title",)),
        ("```{chapter-head}", "```{note}", ("chapter-head", "under the title")),
        ("The chapter in one sentence.\n\n", "", ("a.md:7", "needs a sentence")),
        ("- say another\n", "", ("a.md:7", "two aims")),
        ("```{ledger}\n```", "", ("{ledger}", "Is it true?")),
        ("```{disagreements}\n```", "", ("{disagreements}", "Is it true?")),
        ("### Since the recording", "### Later", ("Since the recording",)),
        ("- {date}`one`: an event.", "- An event.", ("a.md:51", "{date}")),
        ("- {date}`one`: an event.\n- Another {cite:p}`key`.", "Nothing.", ("dated item",)),
    ],
)
def test_structure_planted(old, new, says):
    """A question out of place and a part that is missing are seen."""
    found(check.structure(planted(old, new), "a.md"), *says)


def test_a_directive_in_the_wrong_section_planted():
    """The ledger counts only under its own question."""
    moved = planted("```{ledger}\n```\n", "") + "\n```{ledger}\n```\n"
    found(check.structure(moved, "a.md"), "{ledger}")


def test_structure_of_the_lab():
    """A chapter of the lab lists what it measured, and says what that does not show."""
    text = planted("```{ledger}\n```\n", "```{measured}\n```\n")
    start = text.index("### Since the recording")
    end = text.index("\n## ", start)
    good = text[:start] + "### What this does not show\n\nOne.\nTwo.\n" + text[end:]
    none(check.structure(good, "lab-a.md", lab=True))
    found(check.structure(good.replace("One.\nTwo.\n", ""), "lab-a.md", lab=True), "does not show")
    found(check.structure(CHAPTER, "lab-a.md", lab=True), "{measured}")


def test_exercises(chapters):
    """Each chapter has an exercise on each level, and solves each."""
    none(p for name, text in chapters.items() if not is_episode(name)
         for p in check.exercises(text, name))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (":level: extend", ":level: recall", ("level: extend",)),
        (":::{solution-start} ex-2\n:::", "", ("a.md:73", "'ex-2'")),
        (":::{solution-start} ex-3", ":::{solution-start} ex-2", ("'ex-3'",)),
        ("## Exercises", "## Other", ("a.md:61", "move the exercise")),
    ],
)
def test_exercises_planted(old, new, says):
    """A level without exercise and an exercise without solution are seen."""
    found(check.exercises(planted(old, new), "a.md"), *says)


def test_figures_and_guards(chapters):
    """The chapters of this edition draw enough, and guard enough of their numbers."""
    full = {name: text for name, text in chapters.items() if not is_episode(name)}
    none(each(full, check.figures_drawn, least=5) + each(full, check.guards))


def test_guarded_numbers_are_printed(sources):
    """A number is guarded for a sentence that prints it, and printed only with a guard."""
    none(each(sources, check.unprinted))


def test_figures_and_guards_planted():
    """Too few figures, too few guards and a guard without sentence are seen."""
    found(check.figures_drawn(CHAPTER, "a.md", 2), "1 figures")
    found(check.guards(CHAPTER, "a.md"), "1 calls")
    found(check.unprinted(planted("{glue:text}`one`", "one"), "a.md"), "a.md:29", "'one'")
    found(check.unprinted(planted('say("one"', 'say("two"'), "a.md"), "a.md:33", "'one'")


# ------------------------------------------------------------------ form


def test_cells_fit_the_page(sources):
    """Code that readers see is short and narrow enough for print."""
    none(each(sources, check.cells))


def test_cells_fit_the_page_planted():
    """A long cell and a wide line are seen, unless they are folded."""
    cell = "```{{code-cell}} ipython3\n{head}{code}\n```\n"
    long = "\n".join(["x = 1"] * 26)
    wide = "x = 1\ny = '" + "y" * 80 + "'"
    found(check.cells(cell.format(head="", code=long), "a.md"), "a.md:2", "26 lines")
    found(check.cells(cell.format(head="", code=wide), "a.md"), "a.md:3", "86 columns")
    for head in ("---\ntags: [hide-input]\n---\n", ":tags: [remove-input]\n"):
        none(check.cells(cell.format(head=head, code=long), "a.md"))


def test_cells_keep_to_their_rooms(sources):
    """Chapters import no builder of the book, and read data through guide.data alone."""
    none(each(sources, check.imports_of_cells))


@pytest.mark.parametrize(
    "line",
    ["from guide import export", "from guide.sphinx_ext import roles", "import guide.build",
     "pd.read_csv('data/chips.csv')", "open('data/chips.csv')"],
)
def test_cells_keep_to_their_rooms_planted(line):
    """A forbidden import and a file opened past the data package are seen."""
    text = planted("from guide import data, prose, tables", line)
    found(check.imports_of_cells(text, "a.md"), "a.md:28")


def test_one_sentence_per_line(sources):
    """A line of prose holds one sentence, so that a change shows what it changes."""
    none(each(sources, check.sentences))


@pytest.mark.parametrize(
    "line",
    ["One. Two.", "Is it so? It is.", "It is “so.” Then it is not.", "One {cite:p}`a`. Two.",
     "- One. Two. Three."],
)
def test_one_sentence_per_line_planted(line):
    """Two sentences on a line, three in an item, are seen."""
    found(check.sentences(f"# T\n\n{line}\n", "a.md"), "a.md:3")


@pytest.mark.parametrize(
    "line",
    ["Dr. Patel, e.g. Dylan, of the U.S. Senate.", "Llama 3.1 Instruct.", "**Term.** It is so.",
     "1. One? Two.", "By J. Smith et al. Then", "See `a. B` and $a. B$.", "| One. Two. | It. |"],
)
def test_one_sentence_per_line_is_tolerant(line):
    """Abbreviations, names, terms, code and tables are no ends of sentences."""
    none(check.sentences(f"# T\n\n{line}\n", "a.md"))


def test_length(chapters):
    """A chapter takes a sitting, not a week."""
    none(each(chapters, check.length))


def test_length_planted():
    """A note and a tome are seen; code does not count as words."""
    found(check.length(CHAPTER, "a.md"), "words")
    assert check.words(CHAPTER) == check.words(planted("prose.say(", "a = 'many more words'; ("))
    found(check.length("# T\n\n" + "word " * 4600, "a.md"), "4601 words")


def test_file_names(sources):
    """Pages are named by subject."""
    none(check.file_names(sources))


@pytest.mark.parametrize("name", ["book/02-models.md", "book/Models.md", "book/a_b.md"])
def test_file_names_planted(name):
    """A leading digit, a capital and an underscore are seen."""
    found(check.file_names([name]), name)


# ------------------------------------------------------------------ typed numbers


def test_no_number_is_typed(sources):
    """Numbers in sentences and captions come from the ledger, the data or a guarded cell."""
    titles = [row["title"] for row in data.rows("chapters")]
    none(p for name, text in sources.items() for p in typed_numbers(text, name, titles))


TYPED = """\
V3 has 671 billion parameters.
It costs $5 million.
It costs \\$5.
From $5 to $20 per task.
It holds 80 GB.
It holds 80GB of memory.
An 80-GB card.
It is 27x cheaper.
It is 27× cheaper.
It is 27 times cheaper.
A 27-fold gain.
It saves 80 to 90% of it.
It saves 90 per cent.
It saves 90 percent.
About five million dollars.
Some two thousand GPUs ran.
A hundred thousand H100s.
Some two thousand H800 GPUs.
Ten thousand A100s.
With 2,048 GPUs.
With 2048 H800s.
With 2,048 of them.
Trained on 2048 H800 GPUs.
It picks 8 of 256 experts.
It has 61 layers.
It read 14.8 trillion tokens.
It has $671$ billion parameters.
The ratio of 27.4 holds.
It scored 79.8 on it.
The model has 671B parameters.
Trained on 15T tokens.
A 128K context.
Ninety per cent of it.
It took five dollars.
Some forty-two percent.
It draws 700 W.
It moves 3.35 TB/s.
It does 1,979 TFLOP/s.
It ran for 54 days.
It ran for 2.788 million hours.
He talked for 5 hours.
At 1:02:02 he says so.
At 27:07 he says so.
A 7-nanometre process.
**37** billion.
In 2025 it cost $3.
Half a million dollars.
A billion parameters.
US$20 billion.
It costs €5.
Some 5 billion.
Three hundred tokens.
Six hundred and seventy billion parameters.
Llama 3.1 costs $5.
A 2048-token window.
An A100 with 80 GB.
In the 600 billions.
[671 billion](x.md) of them.
{doc}`671 billion </book/models>` of them.
- A list with 61 layers.
1. A list with 61 layers.
> A quotation with 61 layers.
| a table | 80 GB |
### It has 61 layers""".splitlines()
NOT_TYPED = """\
On 26 December 2024 it came out, by 20 January 2025.
In 2025 tokens were cheap, and 2024 models were dear.
Llama 3.1 405B and Llama 70B.
GPT-4, GPT-4o, R1, V3, H100, FP8, BF16, o1, V3-0324.
A 7B model; the 405B; Mixtral 8x7B; R1-Distill-Qwen-1.5B.
It picks eight experts, two of them twice.
The A100 80GB and the H100 80GB SXM5.
Section 2.1, chapter 3, Figure 2.1, Table 4.
AIME 2024, MATH-500, SWE-bench Verified.
Apache 2.0, Qwen2.5 72B, Gemini 2.0 Flash, Claude 3.5 Sonnet.
{claim}`v3-total-parameters` and {claimnum}`x` billion and {glue:text}`a_b`.
{claim}`600-something billion parameters <v3-size-as-said>` at {t}`0:27:07`.
{datum}`models/deepseek-v3/layers` and {cite:p}`deepseek2024v3`.
$671 \\times 10^9$ and $d_c = 512$.
See https://arxiv.org/abs/2412.19437v2 or [this](https://x.org/5-billion).
The cell says `x = 671 GB`.
Thousands of GPUs, billions of dollars, a million little things.
An 8-bit number; words of 16-bit halves.
The notes S0 to S4.
1. The first item.
A five-hour conversation; two minutes later; three times; half of it.
Podcast #459, number 459, episode 459, move 37.
Llama 3.1 models.
A note.[^12]
[^12]: The note's text.
PDF/UA-1.
An H100 GPU, one in 32.
{numref}`Figure %s <fig-9>`.
## 2. A numbered heading
:name: fig-80
(label-80)=
% a comment with 80 GB""".splitlines()


@pytest.mark.parametrize("line", TYPED)
def test_no_number_is_typed_planted(line):
    """A typed number is seen, with its line."""
    found(typed_numbers(f"# T\n\n{line}\n", "a.md"), "a.md:3", "is typed")


@pytest.mark.parametrize("line", NOT_TYPED)
def test_names_and_dates_are_no_typed_numbers(line):
    """Names, dates, roles, formulas and plain counts in words may stand."""
    text = f"# T\n\n{line}\n" if not line.startswith(":") else f"# T\n\n:::{{note}}\n{line}\n:::\n"
    none(typed_numbers(text, "a.md"))


def test_no_number_is_typed_in_captions_planted():
    """Captions are read too: those of figures, and those of tables in the code of a cell."""
    found(typed_numbers(planted("And a second line.", "It holds 80 GB."), "a.md"), "a.md:23")
    found(typed_numbers(planted("What the table says", "The 61 layers"), "a.md"), "a.md:30")
    none(typed_numbers(planted("What the table says", "Of {x} layers"), "a.md"))
    none(typed_numbers(planted('say("one", 1,', 'say("one", 671_000, "80 GB",'), "a.md"))


def test_titles_of_chapters_may_hold_numbers():
    """A title from the plan of the book is no typed number."""
    text = "# T\n\nSee “A hundred thousand GPUs”."
    none(typed_numbers(text, "a", ["A hundred thousand GPUs"]))
    found(typed_numbers(text, "a"), "in words")


# ------------------------------------------------------------------ the reader itself


def test_reader():
    """The reader of pages tells lines, directives and cells apart."""
    page = read(CHAPTER)
    kinds = {line.no: line.kind for line in page.lines}
    assert len(kinds) == len(CHAPTER.splitlines())
    assert (kinds[1], kinds[5], kinds[16], kinds[19]) == ("front", "heading", "prose", "cell")
    assert [d.name for d in page.directives[:3]] == ["chapter-head", "code-cell", "ledger"]
    assert page.directives[2].h2 == "Is it true?"
    cell = page.cells[0]
    assert (cell.line, cell.first, cell.visible, len(cell.code)) == (18, 28, False, 3)
    assert [line for line, _ in captions(cell)] == [23, 30]
    assert visible("A {claim}`b <c>` {t}`0:00:01` `x` [y](z) $a$.") == "A b § § y §."
