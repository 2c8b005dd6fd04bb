"""What a reader can take away, packed so that the same book gives the same bytes."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

STAMP = (2025, 2, 3, 0, 0, 0)  # zip files want a date; this one never changes


def write_zip(target: Path, content: Mapping[str, bytes], bare: tuple[str, ...] = ()) -> None:
    """Write a zip file whose bytes depend on its content alone.

    Parameters
    ----------
    target : Path
        The file; it is replaced only by a whole one.
    content : mapping
        Name in the archive -> bytes, in the order in which they are to stand.
    bare : tuple of str
        Names to store without compression.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_suffix(".part")
    with zipfile.ZipFile(half, "w") as archive:
        for name, data in content.items():
            entry = zipfile.ZipInfo(name, STAMP)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # the same on every system
            entry.compress_type = zipfile.ZIP_STORED if name in bare else zipfile.ZIP_DEFLATED
            archive.writestr(entry, data, compresslevel=9)
    os.replace(half, target)
