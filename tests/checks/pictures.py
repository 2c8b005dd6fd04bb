"""What holds for pictures of pages: they look as they did, unless somebody changed them on purpose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

BLOCK = 16  # pixels of a side of the squares that are compared
#: Mean difference of a square, in 256 steps of a colour, above which it has changed. Smoothing of
#: letters and lines stays below; a word that is another, or in another place, does not.
CHANGED = 9.0
#: Part of the squares that may have changed
ALLOWED = 0.004
COLOURS = 96  # of a stored picture, so that it is small


def shrink(picture: Image.Image) -> Image.Image:
    """Halve a picture, so that smoothing at the edges evens out, and drop what nobody sees."""
    size = (max(1, picture.width // 2), max(1, picture.height // 2))
    return picture.convert("RGB").resize(size, Image.Resampling.BOX)


def store(picture: Image.Image, path: Path) -> None:
    """Keep a picture, small."""
    path.parent.mkdir(parents=True, exist_ok=True)
    few = shrink(picture).quantize(COLOURS, method=Image.Quantize.MEDIANCUT,
                                   dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def changed(old: Image.Image, new: Image.Image) -> np.ndarray:
    """Squares that differ, as a matrix of truth values.

    Parameters
    ----------
    old, new : PIL.Image.Image
        Two pictures of one size.
    """
    a, b = (np.asarray(p.convert("RGB"), dtype=float) for p in (old, new))
    difference = np.abs(a - b).mean(axis=2)
    high, wide = (-(-n // BLOCK) for n in difference.shape)
    padded = np.zeros((high * BLOCK, wide * BLOCK))
    padded[: difference.shape[0], : difference.shape[1]] = difference
    return padded.reshape(high, BLOCK, wide, BLOCK).mean(axis=(1, 3)) > CHANGED


def differs(picture: Image.Image, stored: Path, shown: Path) -> list[str]:
    """Compare a picture with the stored one; on a difference, draw it.

    Parameters
    ----------
    picture : PIL.Image.Image
        What the page looks like now.
    stored : Path
        What it looked like.
    shown : Path
        Where to draw the difference: then, now, and now with the changed squares framed.
    """
    if not stored.is_file():
        return [f"there is no picture {stored.name} to compare with: look at the page, and if it is "
                "as it should be, run 'make shots'"]
    with Image.open(stored) as opened:
        old = opened.convert("RGB")
    new = shrink(picture)
    if old.size != new.size:
        squares = np.ones((1, 1), dtype=bool)
        said = f"its size was {old.width} by {old.height} and is {new.width} by {new.height}"
    else:
        squares = changed(old, new)
        if squares.mean() <= ALLOWED:
            return []
        said = f"{squares.mean():.1%} of it has changed"
    _draw(old, new, squares, shown)
    return [f"{stored.stem}: {said}: look at {shown.parent.name}/{shown.name} under _build; if that "
            "is what was meant, run 'make shots'"]


def _draw(old: Image.Image, new: Image.Image, squares: np.ndarray, shown: Path) -> None:
    marked = new.copy()
    pen = ImageDraw.Draw(marked)
    if squares.size > 1:
        for y, x in zip(*np.nonzero(squares)):
            pen.rectangle((x * BLOCK, y * BLOCK, x * BLOCK + BLOCK - 1, y * BLOCK + BLOCK - 1),
                          outline="#d0103a")
    sheet = Image.new("RGB", (old.width + 2 * new.width + 16, max(old.height, new.height)), "#808080")
    for left, part in ((0, old), (old.width + 8, new), (old.width + new.width + 16, marked)):
        sheet.paste(part, (left, 0))
    shown.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(shown)
