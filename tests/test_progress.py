"""Where the reader stopped: this browser remembers, offers it, and forgets when told."""

from __future__ import annotations

import pytest

KEY = "deepseek-moment:reading"


@pytest.fixture()
def reading(browser, site):
    """A reader with a memory of their own."""
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.open = lambda name: page.goto((site / f"book/{name}.html").as_uri())
    yield page
    assert page.faults == []
    context.close()


def scroll_to(page, anchor):
    """Read on to a section, and stay a moment."""
    page.evaluate("id => document.getElementById(id).scrollIntoView({behavior: 'instant'})", anchor)
    page.wait_for_function("([key, anchor]) => (localStorage.getItem(key) || '').includes(anchor)",
                           arg=[KEY, f'"{anchor}"'])


def scroll_through(page):
    """Read a chapter to its end."""
    page.evaluate("scrollTo({top: document.body.scrollHeight, behavior: 'instant'})")
    page.wait_for_function("key => (localStorage.getItem(key) || '').includes('\"read\":[\"')",
                           arg=KEY)
    page.wait_for_timeout(600)


def test_nothing_to_continue(reading):
    """Who comes for the first time is offered nothing."""
    reading.open("intro")
    assert reading.locator(".continue").count() == 0


def test_continue(reading):
    """The first page offers the chapter and the section where the reader stopped."""
    reading.open("models")
    scroll_to(reading, "how-large-is-it")
    reading.open("intro")
    link = reading.locator(".continue a")
    assert link.inner_text() == "2. Two models and a name › How large is it?"
    link.click()
    reading.wait_for_url("**/models.html#how-large-is-it")


def test_what_was_read_is_marked(reading):
    """A chapter read to its end is marked at the side, and the next one is offered."""
    reading.open("models")
    scroll_through(reading)
    mark = reading.locator("nav.bd-links .read-mark")
    assert mark.count() == 1
    assert mark.get_attribute("aria-label") == "read"
    reading.open("intro")
    assert reading.locator(".continue a").inner_text() == "3. Why it was cheap"
    assert "1 of " in reading.locator(".continue").inner_text()


def test_a_glance_is_no_reading(reading):
    """A chapter that was opened and left is not marked as read."""
    reading.open("models")
    scroll_to(reading, "what-is-it-about")
    assert reading.locator(".read-mark").count() == 0


def test_forget(reading):
    """One button forgets all that the book has kept, the quizzes' answers too."""
    reading.open("models")
    scroll_through(reading)
    reading.evaluate("localStorage.setItem('deepseek-moment:quiz', '1')")
    reading.evaluate("localStorage.setItem('of-another-book', '1')")
    reading.open("intro")
    reading.locator(".continue button").click()
    kept = reading.evaluate("Object.keys(localStorage)")
    assert not [key for key in kept if key.startswith("deepseek-moment:")]
    assert "of-another-book" in kept
    assert reading.locator(".read-mark").count() == 0
    reading.reload()
    assert reading.locator(".continue").count() == 0


def test_a_browser_that_keeps_nothing(reading):
    """Where the browser refuses to keep anything, the book is read all the same."""
    reading.add_init_script(
        "for (const name of ['getItem', 'setItem']) {"
        " const real = Storage.prototype[name];"
        " Storage.prototype[name] = function (key, ...rest) {"
        "  if (String(key).startsWith('deepseek')) throw new DOMException('no', 'SecurityError');"
        "  return real.call(this, key, ...rest); }; }")
    reading.open("models")
    reading.evaluate("document.getElementById('how-large-is-it').scrollIntoView()")
    reading.wait_for_timeout(900)
    reading.open("intro")
    assert reading.locator(".continue").count() == 0


def test_a_memory_that_makes_no_sense(reading):
    """What another version has kept, or half kept, does no harm."""
    for kept in ("[]", "null", "{\"last\": 3}", "{", "{\"read\": \"x\"}"):
        reading.open("intro")
        reading.evaluate("([key, kept]) => localStorage.setItem(key, kept)", [KEY, kept])
        reading.open("intro")
        assert reading.locator("article h1").is_visible()
