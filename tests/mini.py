"""A small book with the settings, the rooms and the tables of this one, for tests that build."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

TOC = """format: jb-book
root: book/intro
chapters:
  - file: book/models
  - file: book/ledger
  - file: book/bibliography
"""
FRONT = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# A page

"""
GOOD = FRONT + """A {claim}`v3-active-parameters` {cite:p}`deepseek2024v3`, {glue:text}`two`.

```{code-cell} ipython3
from guide import prose
prose.say("two", 1 + 1, between=(2, 2))
```
"""

PAGES = {
    "intro": "# A small book\n\nWords.\n",
    "ledger": "# Ledger\n\n```{ledger}\n:all:\n```\n",
    "bibliography": "# Books\n\n```{bibliography}\n```\n",
}


class Mini:
    """A small book with the settings, the rooms and the tables of this one."""

    def __init__(self, folder: Path, root: Path):
        self.folder = folder
        skip = shutil.ignore_patterns("__pycache__")
        for name in ("book/guide", "book/_static", "book/_templates", "data"):
            shutil.copytree(root / name, folder / name, ignore=skip)
        for path in root.iterdir():  # settings, requirements, licences: the archives want them all
            if path.is_file():
                shutil.copy(path, folder / path.name)
        shutil.copy(root / "book/references.bib", folder / "book/references.bib")
        if (root / "binder").is_dir():
            shutil.copytree(root / "binder", folder / "binder")
        self.write({})

    def write(self, pages: dict[str, str]) -> None:
        """Write the contents and the pages: a chapter, the ledger, the bibliography, and these."""
        pages = {"models": "# A page\n"} | pages
        more = "".join(f"  - file: book/{name}\n" for name in pages if name != "models")
        (self.folder / "_toc.yml").write_text(TOC + more)
        for name, text in (PAGES | pages).items():
            (self.folder / f"book/{name}.md").write_text(text, encoding="utf-8")

    def run(self, what: str = "html", **environment: str) -> tuple[int, str]:
        """Run the build; give the exit status and what was said."""
        done = subprocess.run(
            self.command(what), cwd=self.folder, env=self.environment(**environment),
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
        )
        return done.returncode, re.sub(r"\x1b\[[\d;]*m", "", done.stdout)

    def command(self, what: str = "html") -> list[str]:
        """The command that builds."""
        return [sys.executable, "-m", "guide.build", what]

    def environment(self, **changes: str) -> dict[str, str]:
        """The environment in which it builds."""
        return os.environ | {"PYTHONPATH": str(self.folder / "book")} | changes

    def build(self, page: str) -> tuple[int, str]:
        """Build the site with this page; give the exit status and what was said."""
        self.write({"models": page})
        return self.run()
