"""A local server that sends pages as a host on the web would: compressed, and kept by browsers."""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import http.server
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

_TEXT = {".html", ".css", ".js", ".svg", ".json", ".txt", ".md", ".csv", ".xml"}


@lru_cache(maxsize=None)
def _packed(path: str, changed: float) -> tuple[bytes, str]:
    body = Path(path).read_bytes()
    return gzip.compress(body, 9, mtime=0), hashlib.sha256(body).hexdigest()[:16]


class Handler(http.server.SimpleHTTPRequestHandler):
    """Sends text compressed, and says that what has a version in its address may be kept."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """Send a file."""
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path = path / "index.html"
        if not path.is_file():
            self.send_error(404)
            return
        body, tag = _packed(str(path), path.stat().st_mtime)
        if self.headers.get("If-None-Match") == tag:
            self.send_response(304)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        packed = path.suffix in _TEXT
        body = body if packed else path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", tag)
        self.send_header("Cache-Control", "no-cache" if path.suffix == ".html" else "max-age=31536000")
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Say nothing."""


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine while the block runs.

    Parameters
    ----------
    folder : Path
        The built site.

    Yields
    ------
    str
        Its address.
    """
    handler = functools.partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
