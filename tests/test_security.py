"""What is handed on holds no secret, names no machine, and runs nothing that it was not built with."""

from __future__ import annotations

import json
import re
import sqlite3
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from checks import access, found, house, none
from checks import site as check
from mini import FRONT, Mini
from planting import WORK

from guide import build, data, ledger

#: Things that look like a key to some door; each is split so that this file holds none
SECRETS = re.compile(
    r"(?<![\w-])(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{50,}|glpat-[\w-]{20}|AKIA[0-9A-Z]{16}|sk-(?:ant-|proj-)?[\w-]{32,}|"
    r"hf_[A-Za-z]{34}|xox[abprs]-[\w-]{20,}|AIza[\w-]{35}|pypi-[\w-]{50,}|npm_[A-Za-z0-9]{36})|"
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\beyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{20,}|"
    r"(?i:(?:password|passwd|api_?key|secret|token)['\"]?\s*[:=]\s*['\"][\w/+-]{16,}['\"])"
)
#: Hosts that the builder, the theme and the standards themselves put in; nobody is sent there unasked
BUILDERS = {
    "www.w3.org": "names of formats (SVG, MathML, XMP)", "ns.adobe.com": "names of metadata in the PDF",
    "purl.org": "names of metadata", "www.aiim.org": "names of metadata in the PDF",
    "www.daisy.org": "names of formats (EPUB)", "vega.github.io": "names of formats (charts)",
    "creativecommons.org": "names of metadata", "www.idpf.org": "names of formats (EPUB)",
}
_URL = re.compile(r"https?://([A-Za-z0-9][\w.-]*)", re.ASCII)
_TEXT = (".html", ".js", ".css", ".svg", ".json", ".inv", ".txt", ".md", ".tsv", ".csv", ".xml", ".xhtml",
         ".opf", ".ncx")


def outputs() -> dict[str, str]:
    """Text of all that is handed on, by its path; of packages, what is inside."""
    folders = [p for p in build.BUILD.iterdir() if p.is_dir() and p.name not in WORK]
    texts = {}
    for path in sorted(p for folder in folders for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(build.BUILD).as_posix()
        if path.suffix in (".apkg", ".epub", ".zip"):
            with zipfile.ZipFile(path) as pack:
                for inner in pack.namelist():
                    texts[f"{name}/{inner}"] = readable(inner, pack.read(inner))
        else:
            texts[name] = readable(path.name, path.read_bytes())
    return texts


def readable(name: str, raw: bytes) -> str:
    """Text of a file: decoded where it is text, its letters where it is not."""
    if Path(name).suffix in _TEXT or name == "mimetype":
        return raw.decode("utf-8", "replace")
    if raw.startswith(b"SQLite format"):
        base = sqlite3.connect(":memory:")
        base.deserialize(raw)
        return "\n".join(base.iterdump())
    return "\n".join(m.decode() for m in re.findall(rb"[\x20-\x7e]{8,}", raw))


@pytest.fixture(scope="module")
def texts(site, pdf) -> dict[str, str]:
    """Text of all outputs, and what the PDF shows and says of itself."""
    xmp = pdf.reader.trailer["/Root"]["/Metadata"].get_data().decode("utf-8", "replace")
    links = [str(e.get_object()["/A"].get_object().get("/URI", "")) for page in pdf.reader.pages
             for e in page.get("/Annots") or () if "/A" in e.get_object()]
    return outputs() | {"pdf (its metadata)": f"{pdf.reader.metadata}\n{xmp}",
                        "pdf (its links)": "\n".join(links)}


def secrets(texts) -> list[str]:
    """Places where something stands that looks like a key."""
    return [f"{name}: '{m[0][:12]}...' looks like a secret: find where it comes from, and change it"
            for name, text in texts.items() for m in SECRETS.finditer(text)]


def test_no_output_tells_a_secret(texts):
    """No key, token or password has found its way into what is handed on."""
    none(secrets(texts))


@pytest.mark.parametrize("text", [
    "gh" "p_" + "aB3" * 12, "AK" "IA" + "ABCD1234" * 2, "sk-" "ant-" + "x1" * 20, "-----BEGIN " "PRIVATE KEY",
    "tok" "en = 'abcdefghijklmnop1234'", "AI" "za" + "a" * 35, "hf" "_" + "a" * 34,
])
def test_no_output_tells_a_secret_planted(text):
    """Each sort of key is seen; long names and digests are none."""
    found(secrets({"a.html": text}), "a.html", "looks like a secret")
    none(secrets({"a.html": "sk-learn gh" "p_short " + "a1" * 32 + " token: x"}))


def test_no_output_names_a_machine(texts):
    """No folder of the machine that built it stands in what is handed on."""
    none(f"{name}: {p.split(': ', 1)[1]}" for name, text in texts.items()
         for p in house.machine_paths(text, name))


def hosts(text: str) -> set[str]:
    """Hosts of the addresses in a text."""
    return {m.lower().rstrip(".") for m in _URL.findall(text)}


def known_hosts(root: Path) -> set[str]:
    """Hosts that the book means to link to: its sources, its tables, its pages, the recording."""
    texts = [p.read_text(encoding="utf-8") for p in (
        root / "book/references.bib", root / "README.md", data.ROOT / "datapackage.yaml",
        *(root / "book").glob("*.md"), *data.ROOT.rglob("*.csv"))]
    return hosts("\n".join([*texts, ledger.VIDEO])) | set(BUILDERS)


def unknown_hosts(texts, known) -> list[str]:
    """Hosts that stand in an output and that nobody has asked for."""
    return [f"{name}: names the host {host}: cite it in book/references.bib, or take the link out"
            for name, text in texts.items() for host in sorted(hosts(text) - set(known))]


def test_outputs_link_to_known_hosts(texts, root):
    """An output names the hosts of the bibliography and of the book's own links, and no other."""
    # what the theme's scripts and icons say among themselves asks nobody: another test sees to that
    own = {p.name for p in (root / "book/_static").rglob("*")}
    read = {name: text for name, text in texts.items()
            if "/guide/" not in name and "/vendor/" not in name  # our code, and others', as it is read
            and ("_static/" not in name or Path(name).name in own and not name.endswith(".woff2"))}
    none(unknown_hosts(read, known_hosts(root)))


def test_outputs_link_to_known_hosts_planted(root):
    """A host that no source has is seen."""
    found(unknown_hosts({"a.html": "<a href='https://unheard.example/x'>"}, known_hosts(root)),
          "a.html", "unheard.example", "take the link out")
    none(unknown_hosts({"a.html": f"see {ledger.VIDEO}&t=1s"}, known_hosts(root)))
    assert hosts("https://a.org/x http://b.org. (https://c.org)") == {"a.org", "b.org", "c.org"}


# ------------------------------------------------------------------ a strict policy


#: Scripts that could make code of text, and why they do not
COULD = {"_static/explorers-vega.js": "Vega reads the charts as trees; test_explorers sees to that"}


def test_no_script_makes_code(site, files):
    """No script makes code of text, which the policy of the pages forbids."""
    none([p for name in files if name.endswith(".js") and name not in COULD
          for p in check.evaluates((site / name).read_text("utf-8", "replace"), name)])


def test_no_script_makes_code_planted():
    """Each way of making code of text is seen; names that only look so may stand."""
    found(check.evaluates("\nx = eval('1')", "a.js"), "a.js:2", "eval(")
    found(check.evaluates("new Function('a')", "a.js"), "a.js:1")
    none(check.evaluates("re.medieval(1); this.eval(2)", "a.js"))


# ------------------------------------------------------------------ text of tables is text

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)> \" onload=\"alert(3)"


@pytest.fixture(scope="module")
def attacked(tmp_path_factory, root) -> dict[str, BeautifulSoup]:
    """Pages of a small book whose tables hold markup."""
    mini = Mini(tmp_path_factory.mktemp("attacked"), root)
    folder = mini.folder / "data"
    for name, column, key in (
        ("claims", "statement", {"id": "v3-active-parameters"}), ("claims", "check", {"id": "v3-active-parameters"}),
        ("cards", "question", {"chapter": "models"}), ("cards", "answer", {"chapter": "models"}),
        ("quizzes", "question", {"chapter": "models"}), ("quiz_choices", "text", {"choice": "a"}),
        ("quiz_choices", "explanation", {"choice": "a"}), ("chapters", "title", {"id": "models"}),
        ("disagreements", "title", {"chapter": "models"}),
        ("disagreements", "what_holds", {"chapter": "models"}), ("chips", "name", {"id": "h200"}),
    ):
        attack(folder / f"{name}.csv", column, key)
    mini.write({"models": FRONT + """A {claim}`v3-active-parameters`, {datum}`chips/h200/name`.

```{ledger}
```

```{disagreements}
```

```{code-cell} ipython3
---
mystnb:
  figure:
    caption: A figure of nothing at all
    name: fig-x
---
import pandas as pd
from guide import data, figures, tables
fig, ax = figures.new(2)
evil = data.row("chips", "h200")["name"]
figures.show(fig, alt="Bar chart of nothing, for all to see: " + evil, source="data/chips.csv",
             data=pd.DataFrame({evil: [evil]}))
```

```{code-cell} ipython3
tables.show(pd.DataFrame({evil: [evil]}), caption="The table", name="tab-x")
```

:::{cards}
:::

:::{quiz}
:::

See {numref}`fig-x` and {numref}`tab-x`.
"""})
    code, said = mini.run("html")
    assert code == 0, said
    site = mini.folder / "_build/html"
    found_pages = {p.relative_to(site).as_posix(): BeautifulSoup(p.read_text("utf-8"), "html.parser")
                   for p in site.rglob("*.html") if "_static" not in p.parts}
    for path in (site / "_static/previews").rglob("*.js"):  # HTML that a script puts into the page
        said = json.loads(re.search(r'"(?:[^"\\]|\\.)*"', path.read_text("utf-8"))[0])
        policy = found_pages[f"book/{path.stem}.html"].find("meta", {"http-equiv": "Content-Security-Policy"})
        found_pages[path.relative_to(site).as_posix()] = BeautifulSoup(f"{policy}{said}", "html.parser")
    return found_pages


def attack(path: Path, column: str, key: dict[str, str]) -> None:
    """Put markup into the first row that fits."""
    import csv

    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    row = next(r for r in rows if all(r[k] == v for k, v in key.items()))
    row[column] = EVIL
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def test_text_of_tables_is_text(attacked):
    """Markup in a claim, a card, a quiz, a figure or a table is shown and not obeyed."""
    none(p for name, page in attacked.items() if name != "index.html"  # it only sends on
         for p in access.policy(page, name))
    none(f"{name}:{tag.sourceline}: <img src=x> came out of a table: escape the text"
         for name, page in attacked.items() for tag in page.select("img[src=x]"))
    page = attacked["book/models.html"]
    for place in (".claim-entry", ".study-card", ".quiz-question", ".figure-data",
                  "table.data td", ".admonition-disagree"):
        assert any("<script>alert(1)</script>" in tag.get_text() for tag in page.select(place)), (
            f"book/models.html: {place} does not show the text of the table")
    assert any("&lt;script&gt;alert(1)" in str(tag) for soup in attacked.values()
               for tag in soup.find_all(class_="preview-statement")), "no preview shows the claim"
    assert all('" onload="alert(3)' in img["alt"] for img in page.select("img.figure-light"))


def test_decks_hold_text_as_text(monkeypatch, tmp_path):
    """On a card for Anki markup of a table is shown; in the other forms it stays what it is."""
    import dataclasses

    from guide import cards, export

    first = next(iter(cards.cards().values()))
    evil = dataclasses.replace(first, question=EVIL, answer=EVIL)
    monkeypatch.setattr(cards, "cards", lambda: {first.id: evil})
    made = {p.suffix: p for p in cards.write(tmp_path, export.EDITION)}
    with zipfile.ZipFile(made[".apkg"]) as pack:
        text = "\n".join(readable(n, pack.read(n)) for n in pack.namelist() if n.endswith("anki2"))
    assert "&lt;script&gt;alert(1)" in text and "<script>" not in text
    assert json.loads(made[".json"].read_text("utf-8"))["cards"][0]["question"]
    assert r"\<script\>" in made[".md"].read_text("utf-8")


def test_addresses_are_of_the_web(entries):
    """The bibliography links to the web and to nothing else."""
    none(f"book/references.bib:{fields['line']}: {key}: '{fields['url']}' is no address of the web"
         for key, fields in entries.items()
         if urlsplit(fields.get("url", "")).scheme not in ("http", "https"))
