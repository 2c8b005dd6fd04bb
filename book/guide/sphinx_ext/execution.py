"""Stop the build when a cell fails, and say where and why.

MyST-NB can stop by itself, but when chapters are read side by side its message is lost on the
way from the reading process. So it is told to go on, and the failure is raised here, once all
chapters have been read, for every failing chapter at once.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import wraps
from pathlib import Path

from jupyter_cache.cache.main import JupyterCacheBase
from jupyter_cache.executors import utils
from myst_nb.core.execute import cache as myst_cache
from myst_nb.sphinx_ import NbMetadataCollector
from nbclient.exceptions import CellExecutionError, DeadKernelError
from sphinx.errors import SphinxError
from sphinx.util import logging

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

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


class OneAtATime(JupyterCacheBase):
    """The cache of executed chapters, used by several reading processes.

    It writes a record first and the chapter afterwards: who finds a record just then, for a page
    with the same code, would look for a chapter that is not there yet.
    """

    @contextmanager
    def alone(self):
        """Have the cache alone for a while; who has it already goes on."""
        depth = getattr(self, "_depth", 0)
        self._depth = depth + 1
        try:
            if depth or fcntl is None:  # no two processes read side by side without it
                yield
                return
            with (Path(self.path) / "guide-lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        finally:
            self._depth = depth

    def cache_notebook_bundle(self, bundle, *arguments, **options):
        """Keep a chapter that was executed; the first one stays, if two have the same code."""
        with self.alone():
            try:
                return self.match_cache_notebook(bundle.nb)
            except KeyError:
                return super().cache_notebook_bundle(bundle, *arguments, **options)

    def match_cache_notebook(self, nb):
        """Find the record of the same code."""
        with self.alone():
            return super().match_cache_notebook(nb)

    def merge_match_into_notebook(self, nb, *arguments, **options):
        """Put the outputs of the same code into a chapter."""
        with self.alone():
            return super().merge_match_into_notebook(nb, *arguments, **options)


def setup(app):
    """Register the handler."""
    if not hasattr(utils.executenb, "tells"):
        utils.executenb = telling(utils.executenb)
    myst_cache.get_cache = OneAtATime
    app.connect("env-updated", stop_on_failure)
