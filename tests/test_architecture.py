"""The house: who may know whom, what is documented, and what is kept under version control."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from checks import found, house, none

import guide


def room_of(name: str) -> str:
    """Room that a module of the package belongs to."""
    parts = Path(name).parts
    return "sphinx_ext" if "sphinx_ext" in parts else Path(name).stem


def test_rooms_know_only_whom_they_may(code):
    """Arithmetic knows nothing, the ledger knows the data, and only sphinx_ext knows Sphinx."""
    none(p for name, text in code.items() if room_of(name) != "__init__"
         for p in house.rooms(text, room_of(name), name))


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("ledger", "from . import figures"),
        ("ledger", "from .tables import show"),
        ("ledger", "import matplotlib.pyplot as plt"),
        ("ledger", "import sphinx"),
        ("transformer", "from . import data"),
        ("transformer", "from pathlib import Path"),
        ("quantity", "import pandas as pd"),
        ("figures", "from . import data"),
        ("figures", "import guide.data"),
        ("drawings", "import matplotlib.pyplot as plt"),
        ("sphinx_ext", "from .. import figures"),
        ("data", "from guide import ledger"),
        ("data", "from docutils import nodes"),
        ("export", "from sphinx.util import logging"),
        ("build", "from . import sphinx_ext"),
        ("sphinx_ext", "from .. import export"),
        ("sphinx_ext", "from ..build import ROOT"),
        ("attic", "import re"),
    ],
)
def test_rooms_know_only_whom_they_may_planted(room, line):
    """Each import that the design forbids is seen, with its line."""
    found(house.rooms(f"import re\n{line}\n", room, "a.py"), "a.py", room)


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("ledger", "from . import data, quantity"), ("prose", "from . import quantity"),
        ("figures", "import matplotlib.pyplot as plt"), ("sphinx_ext", "import docutils.nodes"),
        ("sphinx_ext", "from .. import data, ledger"), ("sphinx_ext", "from . import roles"),
        ("build", "from . import data, export, ledger"), ("tables", "import pandas as pd"),
    ],
)
def test_rooms_may_know_what_they_need(room, line):
    """What the design allows is not complained of."""
    none(house.rooms(line, room, "a.py"))


def test_rooms_are_all_described():
    """The package says of each of its rooms what it is for."""
    folder = Path(guide.__file__).parent
    rooms = {p.stem for p in folder.glob("*.py")} - {"__init__"} | {"sphinx_ext"}
    none(f"book/guide/__init__.py:1: the docstring does not tell of '{room}': add a line"
         for room in sorted(rooms) if f"``{room}``" not in guide.__doc__)


def test_public_names_are_documented(code):
    """What another room may call says what it does."""
    none(p for name, text in code.items()
         for p in house.undocumented(text, name, methods=room_of(name) != "sphinx_ext"))


def test_public_names_are_documented_planted():
    """A function, a class and a method without docstring are seen; private ones may do without."""
    text = "def a():\n    pass\n\nclass B:\n    def c(self):\n        pass\n\ndef _d():\n    1\n"
    problems = house.undocumented(text, "a.py")
    found(problems, "a.py:1", "'a'")
    found(problems, "a.py:4", "'B'")
    found(problems, "a.py:5", "'c'")
    assert len(problems) == 3
    assert len(house.undocumented(text, "a.py", methods=False)) == 2


def test_nothing_generated_is_kept(tracked):
    """What is made from other files is not under version control."""
    none(house.generated(tracked))


@pytest.mark.parametrize(
    "name",
    ["_build/html/index.html", "book/__pycache__/a.pyc", ".venv/bin/python", "book/a.ipynb",
     "book/.jupyter_cache/a", "a.pdf", ".hypothesis/a", "x.log", "book/a.html",
     "_build/html/book/_templates/a.html"],
)
def test_nothing_generated_is_kept_planted(name):
    """Each sort of generated file is seen; a template that was written by hand is none."""
    found(house.generated(["book/a.md", name]), name)
    none(house.generated(["book/_templates/layout.html", "book/_templates/static/a-b.html"]))


def test_what_is_generated_is_ignored(root):
    """A build leaves nothing that version control would ask about."""
    if not (root / ".git").exists():
        pytest.skip("not a clone")
    for name in ("_build/x", "book/guide/__pycache__/x.pyc", ".venv/x", ".pytest_cache/x",
                 ".hypothesis/x", "book/x.ipynb"):
        done = subprocess.run(["git", "check-ignore", "-q", name], cwd=root)
        assert done.returncode == 0, f".gitignore:1: '{name}' is not ignored: add its pattern"


def test_no_path_of_one_machine(root, tracked):
    """No file names a folder of one machine, or the host of a package registry."""
    problems = []
    for name in tracked:
        raw = (root / name).read_bytes()
        if b"\0" not in raw:
            problems += house.machine_paths(raw.decode("utf-8", "replace"), name)
    none(problems)


@pytest.mark.parametrize(
    "text",
    ["cd /wo" "rk/main", "open('/ro" "ot/a.csv')", "(/ho" "me/me/book)", "/tmp/ba" "sh_jobs/a",
     "pip install --index" "-url x", "https://files.python" "hosted.org/a.whl"],
)
def test_no_path_of_one_machine_planted(text):
    """Each sort of path and host is seen, with its line."""
    found(house.machine_paths(f"a\n{text}\n", "a.md"), "a.md:2")


@pytest.mark.parametrize(
    "text",
    ["https://a.org/wo" "rk/b", "../wo" "rk/a", "book/ro" "ot/a", "pip install -r a.txt"],
)
def test_other_paths_may_stand(text):
    """Paths within the project, and addresses of the web, are not complained of."""
    none(house.machine_paths(text, "a.md"))


def test_dependencies_are_pinned(root):
    """Each requirement has one version, so that the book is the same everywhere."""
    for name in ("requirements.txt", "requirements-notebooks.txt", "constraints.txt"):
        none(unpinned((root / name).read_text(encoding="utf-8"), name))


def unpinned(text, name):
    """Requirements without a version of their own."""
    lines = [(no, line.partition("#")[0].strip()) for no, line in enumerate(text.splitlines(), 1)]
    return [f"{name}:{no}: '{line}': pin it with '=='" for no, line in lines
            if line and not line.startswith("-") and "==" not in line.partition(";")[0]]


def test_dependencies_are_pinned_planted():
    """A requirement without version, and one with a lower bound, are seen."""
    problems = unpinned("-c constraints.txt\na==1  # why\nb\nc>=2\n", "r.txt")
    found(problems, "r.txt:3", "'b'")
    found(problems, "r.txt:4", "'c>=2'")
    assert len(problems) == 2
