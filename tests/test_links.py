"""The link check: what it gathers, how it asks, what it writes. It asks only a server of its own."""

from __future__ import annotations

import datetime as dt
import http.server
import threading

import pytest
from checks import none

from guide import data, links

DAY = dt.date(2026, 11, 29)


class Pages(http.server.BaseHTTPRequestHandler):
    """A host with a page of each sort."""

    asked: list[tuple[str, str]] = []

    def answer(self):
        """Answer by what the address says."""
        Pages.asked.append((self.command, self.path))
        code = {"/good": 200, "/old": 301, "/loop": 302, "/away": 302, "/gone": 404, "/lost": 410, "/closed": 403,
                "/nohead": 405 if self.command == "HEAD" else 200, "/broken": 500}.get(self.path, 200)
        self.send_response(code)
        to = {"/old": "/good", "/loop": "/loop", "/away": "file:///etc/hostname"}.get(self.path)
        if to:
            self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET = answer

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture()
def host():
    """Address of the host."""
    Pages.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/good", "works", 200), ("/nohead", "works", 200), ("/old", "moved", 200), ("/gone", "gone", 404),
     ("/lost", "gone", 410), ("/closed", "refused", 403), ("/broken", "refused", 500),
     ("/loop", "refused", 302), ("/away", "refused", 302)],
)
def test_each_answer_has_its_status(host, path, status, code):
    """What a host answers is told apart, and no redirection leaves the web."""
    found = links.ask(host + path, timeout_s=5)
    assert found[:2] == (status, code)
    assert found[2] == (f"{host}/good" if path == "/old" else None)


def test_nobody_there():
    """A host that does not answer is unreachable, and so is what is no address."""
    for url in ("http://127.0.0.1:9/x", "http://[::1/x", "http://a b/"):
        assert links.ask(url, timeout_s=2) == ("unreachable", None, None)


def test_a_host_is_asked_politely(host):
    """One request at a time to a host, with a pause; one that is silent is soon left alone."""
    pauses = []
    wanted = [links.Link(f"{host}/{n}", "a.md") for n in range(3)]
    original, links.time.sleep = links.time.sleep, pauses.append
    try:
        found = links.check(wanted, pause_s=1.5, day=DAY, tell=lambda line: None)
        silent = []
        lost = links.check([links.Link(f"http://silent.example/{n}", "a.md") for n in range(9)], day=DAY,
                           ask=lambda url: silent.append(url) or ("unreachable", None, None),
                           tell=lambda line: None)
    finally:
        links.time.sleep = original
    assert [link.url for link in found] == [link.url for link in wanted]
    assert all((link.status, link.checked_on) == ("works", DAY) for link in found)
    assert pauses[:2] == [1.5, 1.5] and len(silent) == 3
    assert all(link.status == "unreachable" for link in lost)
    assert [command for command, _ in Pages.asked] == ["HEAD"] * 3


def test_what_is_found_is_read_back(host, tmp_path):
    """The table that the check writes is the one that the data package describes."""
    text = (data.ROOT / "datapackage.yaml").read_text(encoding="utf-8")
    (tmp_path / "datapackage.yaml").write_text(text, encoding="utf-8")
    found = links.check([links.Link(host + p, "a.md;b.csv") for p in ("/good", "/old", "/gone")],
                        pause_s=0, day=DAY, tell=lambda line: None)
    links.write([*found, links.Link("https://a.example/x", "a.md")], tmp_path / "links_checked.csv")
    rows = data.rows("links-checked", tmp_path)
    assert [links.Link(**row) for row in rows] == [*found, links.Link("https://a.example/x", "a.md")]
    assert data.fields("links-checked")["status"]["constraints"]["enum"] == list(links.STATUSES)


def test_addresses_are_gathered(tmp_path):
    """Addresses of bibliography, pages and tables are found once, with all their places."""
    for name, text in (
        ("book/references.bib", "url = {https://a.example/x_(y)},\n"),
        ("book/a.md", "See <https://b.example/z>, [this](https://a.example/x_(y)).\n"),
        ("data/a.csv", 'note\n"https://c.example/?q=1, and more"\n'),
        ("data/links_checked.csv", "url\nhttps://d.example\n"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert links.addresses(tmp_path) == {
        "https://a.example/x_(y)": "book/references.bib;book/a.md",
        "https://b.example/z": "book/a.md", "https://c.example/?q=1": "data/a.csv"}


def test_the_bibliography_is_asked_for(entries):
    """Each source of the bibliography is among the addresses."""
    asked = links.addresses()
    none(f"book/references.bib:{fields['line']}: {key}: '{fields['url']}' is not asked for: look at links.clean"
         for key, fields in entries.items() if fields.get("url") and fields["url"] not in asked)


def test_no_network_leaves_the_table_alone(monkeypatch):
    """Where no host answers, nothing is written: the network is missing, not the pages."""
    monkeypatch.setattr(links, "ask", lambda url: ("unreachable", None, None))
    monkeypatch.setattr(links, "check", lambda chosen, **options: [
        links.Link(link.url, link.cited_in, "unreachable") for link in chosen])
    monkeypatch.setattr(links, "write", lambda *a: pytest.fail("the table was written"))
    with pytest.raises(SystemExit, match="is there a network"):
        links.main([])
