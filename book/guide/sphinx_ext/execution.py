"""Stop the build when a cell fails, and say where and why.

MyST-NB can stop by itself, but when chapters are read side by side its message is lost on the
way from the reading process. So it is told to go on, and the failure is raised here, once all
chapters have been read, for every failing chapter at once.
"""

from __future__ import annotations

import re
from functools import wraps
from pathlib import Path

from jupyter_cache.executors import utils
from myst_nb.sphinx_ import NbMetadataCollector
from nbclient.exceptions import CellExecutionError, DeadKernelError
from sphinx.errors import SphinxError
from sphinx.util import logging

log = logging.getLogger(__name__)
_RULE = "-" * 18
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class ChapterError(SphinxError):
    """A chapter does not run."""

    category = "A chapter does not run"


def cell_line(source: str, cell: str) -> int:
    """Line of a page at which a cell's code starts; 1 if it is not found."""
    place = source.find(cell.strip())
    return source[:place].count("\n") + 1 if place >= 0 else 1


def reason(traceback: str) -> tuple[str, str]:
    """Take the cell's code and the error's last line out of a traceback."""
    text = _ANSI.sub("", traceback or "")
    parts = re.split(r"^-{10,}$", text, flags=re.MULTILINE)
    cell = parts[1] if len(parts) > 1 else ""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"^[A-Za-z_.]*(Error|Exception|Interrupt)\b", line)]
    return cell, (errors or lines or ["unknown error"])[-1]


def stop_on_failure(app, env):
    """Raise if any chapter that was just read has a failing cell."""
    failed = []
    for docname in sorted(env.found_docs):
        data = NbMetadataCollector.get_exec_data(env, docname)
        if not data or data.get("succeeded", True):
            continue
        path = Path(env.doc2path(docname))
        cell, why = reason(data.get("traceback") or "")
        line = cell_line(path.read_text(encoding="utf-8"), cell) if cell.strip() else 1
        failed.append(docname)
        log.error("a cell fails: %s\nMend the cell, or the sentence whose guard it is.", why,
                  location=f"{path}:{line}")
    if failed:
        raise ChapterError(", ".join(failed))


def telling(execute):
    """Have a kernel that dies told of as a cell that fails; it would tear down the whole build."""
    @wraps(execute)
    def run(notebook, **options):
        try:
            return execute(notebook, **options)
        except DeadKernelError:
            cells = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
            at = next((c for c in cells if c.get("execution_count") is None), cells[-1])
            raise CellExecutionError(
                f"The kernel died at the following cell:\n{_RULE}\n{at.source}\n{_RULE}\n\n"
                "KernelDiedError: the kernel died while this cell ran: it ended itself, or the "
                "machine had no memory left", "KernelDiedError", "") from None
    run.tells = True
    return run


def setup(app):
    """Register the handler."""
    if not hasattr(utils.executenb, "tells"):
        utils.executenb = telling(utils.executenb)
    app.connect("env-updated", stop_on_failure)
