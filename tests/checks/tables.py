"""What holds for the tables, the claim ledger and the bibliography."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from .reading import read


def unlisted(root: Path, descriptor: Mapping) -> list[str]:
    """Find files beside the data package that it does not name, and names without a file."""
    listed = {entry["path"] for entry in descriptor["resources"]} | {"datapackage.yaml"}
    there = {p.relative_to(root).as_posix() for p in root.rglob("*")
             if p.is_file() and not p.name.startswith(".")}
    return [f"data/{n}:1: describe this file in datapackage.yaml, or delete it"
            for n in sorted(there - listed)] + [
        f"data/datapackage.yaml:1: names '{n}', which is not there: restore it, or unlist it"
        for n in sorted(listed - there)]


def undescribed(descriptor: Mapping) -> list[str]:
    """Find columns without a description, and numbers without a unit."""
    problems = []
    for entry in descriptor["resources"]:
        for column in entry["schema"]["fields"]:
            where = f"data/datapackage.yaml:1: {entry['name']}.{column['name']}"
            if not str(column.get("description", "")).strip():
                problems.append(f"{where} has no description: say what it holds")
            if column.get("type") in ("number", "integer") and "unit" not in column:
                problems.append(f"{where} is a number without a unit: add 'unit' ('' for none)")
    return problems


def unread(tables: Iterable[str], sources: Mapping[str, str]) -> list[str]:
    """Find tables that no code or page reads."""
    text = "\n".join(sources.values())
    called = r"(?:rows?|table|resource|fields|depend)\(\s*[\"']{0}[\"']|\btable = [\"']{0}[\"']"
    return [
        f"data/datapackage.yaml:1: nothing reads the table '{name}': use it, or take it out"
        for name in tables
        if not re.search(rf"{called.format(name)}|\{{datum\}}`{name}/", text)
    ]


def dates_beyond(rows: Iterable[Mapping], name: str, limits: Mapping[str, tuple]) -> list[str]:
    """Find dates that cannot be: ``limits`` gives, by column, the first and the last day."""
    return [
        f"data/{name}.csv:{line}: {column} {row[column]:%Y-%m-%d} lies outside {low} to {high}: "
        "correct the date"
        for line, row in enumerate(rows, 2)
        for column, (low, high) in limits.items()
        if row.get(column) and not low <= row[column] <= high
    ]


def ranges_swapped(rows: Iterable[Mapping], name: str) -> list[str]:
    """Find rows whose low, middle and high values are not in this order."""
    rows, problems = list(rows), []
    for low in [c for c in (rows[0] if rows else ()) if c == "low" or c.endswith("_low")]:
        stem = low[: -len("low")]
        middles = [m for m in (f"{stem}median", f"{stem}value", stem[:-1]) if m in rows[0]]
        for middle in middles or [low]:
            order = [low, middle, f"{stem}high"]
            for line, row in enumerate(rows, 2):
                given = [(c, row.get(c)) for c in order if row.get(c) is not None]
                for (one, small), (other, large) in zip(given, given[1:]):
                    if small > large:
                        problems.append(f"data/{name}.csv:{line}: {one} {small} exceeds {other} "
                                        f"{large}: are two columns swapped?")
    return problems


def keys_of(cell: str | None) -> list[str]:
    """Split a cell that holds keys."""
    return [key.strip() for key in (cell or "").split(";") if key.strip()]


def unknown_evidence(tables: Mapping[str, Iterable[Mapping]], known: Iterable[str]) -> list[str]:
    """Find evidence that the bibliography does not have."""
    have = set(known)
    return [
        f"data/{name}.csv:{line}: evidence '{key}' is not in book/references.bib: add the entry"
        for name, rows in tables.items()
        for line, row in enumerate(rows, 2)
        for key in keys_of(row.get("evidence"))
        if key not in have
    ]


def unknown_see_also(rows: Iterable[Mapping]) -> list[str]:
    """Find entries of the glossary that point to nothing, or to themselves."""
    rows = list(rows)
    have = {row["id"] for row in rows}
    return [
        f"data/glossary.csv:{line}: see_also '{key}' leads nowhere: use another term's id"
        for line, row in enumerate(rows, 2)
        for key in keys_of(row["see_also"])
        if key not in have or key == row["id"]
    ]


def recalled_alone(tables: Mapping[str, Iterable[Mapping]], claims: Iterable) -> list[str]:
    """Find claims whose whole evidence is of the sort that nobody has read."""
    bases: dict[str, set[str]] = {}
    for rows in tables.values():
        for row in rows:
            for key in keys_of(row.get("evidence")):
                if row.get("basis"):
                    bases.setdefault(key, set()).add(row["basis"])
    return [
        f"data/claims.csv:{line}: '{claim.id}' rests on memory alone: read a source and cite it"
        for line, claim in enumerate(claims, 2)
        if claim.keys and all(bases.get(key) == {"recalled"} for key in claim.keys)
    ]


def ledger_uses(sources: Mapping[str, str]) -> dict[str, list[str]]:
    """Say where each claim is cited: claim -> places."""
    uses: dict[str, list[str]] = {}
    for name, text in sources.items():
        for no, line in enumerate(text.splitlines(), 1):
            for match in re.finditer(r"\{claim(?:num)?\}+`([^`]+)`", line):
                explicit = re.search(r"<([^<>]+)>$", match[1].strip())
                key = explicit[1] if explicit else match[1].strip()
                if "{" in key:
                    continue  # a cell that makes the role from data
                uses.setdefault(key, []).append(f"{name}:{no}")
    return uses


def listing_chapters(sources: Mapping[str, str]) -> set[str]:
    """Pages that list the claims they own."""
    return {
        PurePosixPath(name).stem
        for name, text in sources.items()
        if any(d.name == "ledger" and "all" not in d.options for d in read(text).directives)
    }


def unused_claims(claims: Iterable, sources: Mapping[str, str]) -> list[str]:
    """Find claims that no page treats, and citations of claims that do not exist."""
    claims = list(claims)
    uses, listing = ledger_uses(sources), listing_chapters(sources)
    known = {claim.id for claim in claims}
    problems = [
        f"{places[0]}: there is no claim '{key}' in data/claims.csv: correct the id"
        for key, places in uses.items() if key not in known
    ]
    for line, claim in enumerate(claims, 2):
        if claim.id not in uses and claim.chapter not in listing:
            problems.append(
                f"data/claims.csv:{line}: no page treats '{claim.id}' (of '{claim.chapter}'): "
                f"cite it with {{claim}}, or list it with {{ledger}}"
            )
    return problems


def outside_sections(
    claims: Iterable, outline: Iterable[Mapping], elsewhere: Mapping[str, str]
) -> list[str]:
    """Find claims said outside the sections that their chapter treats.

    ``elsewhere`` says of a claim why that is right; an entry that is not needed is a problem.
    """
    spans: dict[str, list[tuple[int, int]]] = {}
    for row in outline:
        for chapter in keys_of(row["chapters"]):
            spans.setdefault(chapter, []).append((_clock(row["start"]), _clock(row["end"])))
    problems, outside = [], set()
    for line, claim in enumerate(claims, 2):
        if not claim.start or claim.chapter not in spans:
            continue
        at = _clock(claim.start)
        if not any(low <= at < high for low, high in spans[claim.chapter]):
            outside.add(claim.id)
            if claim.id not in elsewhere:
                problems.append(
                    f"data/claims.csv:{line}: '{claim.id}' is said at {claim.start}, outside the "
                    f"sections of '{claim.chapter}': correct the time or the chapter, or say "
                    "why in ELSEWHERE of tests/test_ledger.py"
                )
    return problems + [
        f"tests/test_ledger.py:1: ELSEWHERE excuses '{key}', which needs no excuse: take it out"
        for key in elsewhere if key not in outside
    ]


def outside_episode(claims: Iterable, end: str) -> list[str]:
    """Find claims whose timestamp no video has."""
    return [
        f"data/claims.csv:{line}: '{claim.id}' at {claim.start}: write h:mm:ss, at most {end}"
        for line, claim in enumerate(claims, 2)
        if claim.start and not (
            re.fullmatch(r"\d:[0-5]\d:[0-5]\d", claim.start) and _clock(claim.start) <= _clock(end)
        )
    ]


def _clock(stamp: str) -> int:
    hours, minutes, seconds = map(int, stamp.split(":"))
    return hours * 3600 + minutes * 60 + seconds


def transcript_alone(claims: Iterable, transcripts: Iterable[str]) -> list[str]:
    """Find judged facts whose only evidence is that they were said."""
    said = set(transcripts)
    return [
        f"data/claims.csv:{line}: '{claim.id}' is called {claim.verdict} on the word of the "
        "transcript alone: cite what it was compared with"
        for line, claim in enumerate(claims, 2)
        if claim.kind in ("fact", "estimate")
        and claim.verdict in ("supported", "qualified", "wrong")
        and set(claim.keys) <= said
    ]


def bibliography(entries: Mapping[str, Mapping[str, str]], used: Iterable[str]) -> list[str]:
    """Check that each entry can be opened, was opened, and is used; and each use has an entry."""
    used, urls, alike, problems = set(used), {}, {}, []
    for key, fields in entries.items():
        where = f"book/references.bib:{fields.get('line', 1)}: {key}"
        url = fields.get("url", "")
        if not url.startswith(("https://", "http://")):
            problems.append(f"{where} has no url: add where it can be opened")
        if not fields.get("note", "").startswith("Opened"):
            problems.append(f"{where}: start 'note' with 'Opened' and say what was read")
        if not fields.get("title") or not (fields.get("people") or fields.get("publisher")):
            problems.append(f"{where} cannot be printed: add a title, and who wrote it")
        if url and url in urls:
            problems.append(f"{where} has the url of {urls[url]}: merge the two")
        urls.setdefault(url, key)
        reads = f"{fields.get('named') or fields.get('title')}, {fields.get('year')}"
        if reads in alike:
            problems.append(f"{where} reads like {alike[reads]}, '{reads}': add a letter to its year")
        alike.setdefault(reads, key)
        if key not in used:
            problems.append(f"{where} is used nowhere: cite it, or take it out")
    return problems + [
        f"book/references.bib:1: '{key}' is cited and not there: add it, or correct the key"
        for key in sorted(used - set(entries))
    ]


def cited(text: str) -> set[str]:
    """Keys that a page cites."""
    found = set()
    for keys in re.findall(r"\{cite(?::\w+)?\}+`([^`]+)`", text):
        # a cell may put the keys in: those are no keys yet
        found |= {k.strip() for k in keys.split(",") if re.fullmatch(r"\s*[A-Za-z][\w:.-]*\s*", k)}
    return found
