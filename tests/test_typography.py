"""What a line may not part stays together."""

from __future__ import annotations

from docutils import nodes

from guide.quantity import NBSP
from guide.sphinx_ext import typography


def test_numbers_keep_their_units():
    """A number and its unit, a day and its month; a number before any other word is left alone."""
    assert typography.held("$19 billion at 3 nm on 4 June, in 2 hops") == (
        f"$19{NBSP}billion at 3{NBSP}nm on 4{NBSP}June, in 2 hops")


def test_marks_stay_with_what_they_touch():
    """Brackets stay with a timestamp, a comma with a formula; nothing is lost or said twice."""
    line = nodes.paragraph("", "", nodes.Text("see ("), nodes.reference("", "1:02", classes=["stamp"]),
                           nodes.Text("), and "), nodes.math("", "p"), nodes.Text(", then "),
                           nodes.math("", "q"))
    said = line.astext()
    typography.keep_punctuation(line)
    held = [node.astext() for node in line.findall(nodes.inline) if "keep" in node["classes"]]
    assert held == ["(1:02)", "p,"] and line.astext() == said
