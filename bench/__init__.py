"""How long the book takes to build, and how much a page weighs: ``python -m bench``."""
