"""The tools of the ledger, worked in a browser."""

from __future__ import annotations

import pytest

from guide import ledger

SHOWN = "[...document.querySelectorAll('.claim-entry[data-verdict]')].filter((e) => e.offsetParent)"


@pytest.fixture()
def page(browser, site):
    """The ledger, open."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto((site / "book/ledger.html").as_uri())
    yield page
    page.close()


def ids(page) -> list[str]:
    """Entries that are shown, in their order."""
    return page.evaluate(f"{SHOWN}.map((e) => e.id.replace('claim-', ''))")


def settle(page) -> None:
    """Wait until the tools have done what was asked."""
    page.wait_for_timeout(250)


def test_filter_count_and_address(page, claims, site):
    """What is chosen is shown, counted, and kept in the address; opened anew it is chosen still."""
    page.locator(".ledger-tools .pick").nth(list(ledger.VERDICTS).index("wrong")).click()
    page.select_option("[name=speaker]", "Patel")
    settle(page)
    wanted = [c.id for c in claims if c.verdict == "wrong" and c.speaker == "Patel"]
    assert sorted(ids(page)) == sorted(wanted)
    assert page.inner_text(".ledger-tools [role=status]") == f"{len(wanted)} of {len(claims)} claims"
    address = page.evaluate("location.href")
    assert "verdict=wrong" in address and "speaker=Patel" in address
    page.goto("about:blank")
    page.goto(address)
    settle(page)
    assert sorted(ids(page)) == sorted(wanted), "the address does not keep what was chosen"


def test_order(page, claims):
    """By the time of the talk, then back in the order of the book."""
    before = ids(page)
    page.select_option("[name=sort]", "time")
    settle(page)
    seconds = page.evaluate(f"{SHOWN}.map((e) => Number(e.querySelector('.entry-meta .stamp')"
                            "?.search.match(/t=(\\d+)/)[1] ?? 1e9))")
    assert seconds == sorted(seconds) and len(seconds) == len(claims)
    page.click(".ledger-tools [type=reset]")
    settle(page)
    assert ids(page) == before, "the order of the book is lost"


def test_words(page):
    """All words that are typed must stand in an entry; none found says so."""
    page.fill(".ledger-tools [name=q]", "smuggl gpu")
    settle(page)
    assert 0 < len(ids(page)) < 60
    page.fill(".ledger-tools [name=q]", "zzzz")
    settle(page)
    assert not ids(page) and "ask for less" in page.inner_text(".ledger-tools [role=status]")


def test_a_link_to_an_entry_wins(page, claims, site):
    """A link to an entry shows it, whatever was chosen before, and keeps its address."""
    page.select_option("[name=speaker]", "Fridman")
    settle(page)
    other = next(c for c in claims if c.speaker == "Patel")
    page.evaluate(f"location.hash = 'claim-{other.id}'")
    settle(page)
    settle(page)
    assert other.id in ids(page)
    top = page.evaluate(f"document.getElementById('claim-{other.id}').getBoundingClientRect().top")
    assert 0 < top < 500, "the entry is not in sight"
    assert page.evaluate("location.hash") == f"#claim-{other.id}"


def test_by_keyboard(page):
    """The tools are reached and worked by keys alone."""
    page.focus("[name=verdict]")
    page.keyboard.press("Space")
    settle(page)
    assert set(page.evaluate(f"{SHOWN}.map((e) => e.dataset.verdict)")) == {"supported"}


def test_it_stays_quick(page):
    """Filtering and sorting all entries takes no longer than a blink."""
    took = page.evaluate("""() => {
        const form = document.querySelector('.ledger-tools');
        form.elements.sort.value = 'time';
        const begin = performance.now();
        form.dispatchEvent(new Event('submit', { cancelable: true }));
        document.body.offsetHeight;
        return performance.now() - begin;
    }""")
    assert took < 1500, f"sorting takes {took:.0f} ms"
