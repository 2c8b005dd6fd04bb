"""What must stay true, as small functions that return a list of problems.

Each takes texts, rows or parsed pages, so that a test can apply it to the book and to a
planted fault. A problem is one line: where it is, what is wrong, what to do.

``reading``   a page in MyST: its lines, directives and cells
``numbers``   numbers that were typed by hand
``chapters``  what a chapter must have
``tables``    the data, the claim ledger, the bibliography
``site``      the built pages and their figures
``access``    weight, policy, contrast, valid HTML, and what axe finds
``paper``     the PDF
``ebook``     the EPUB
``offers``    the downloads
``pictures``  pictures of pages, then and now
``house``     code, commands, files under version control
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

MOST = 60  # problems shown at once


def none(problems: Iterable[str]) -> None:
    """Fail with the problems, one per line, if there are any."""
    problems = list(problems)
    if problems:
        more = [f"... and {len(problems) - MOST} more"] if len(problems) > MOST else []
        text = "\n".join(problems[:MOST] + more)
        pytest.fail(f"{len(problems)} to mend:\n{text}", pytrace=False)


def found(problems: Iterable[str], *fragments: str) -> None:
    """Check that a planted fault was found, in a message that holds all fragments."""
    problems = list(problems)
    if not any(all(f in p for f in fragments) for p in problems):
        pytest.fail(f"the check is blind: nothing says {fragments}, only {problems[:5]}")
