"""The explorers: what a reader's browser computes is what Python computes, to the last digit."""

from __future__ import annotations

import json
import mimetypes
import random
import re
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import pytest
from checks import found, none
from hypothesis import given
from hypothesis import strategies as st

from guide import build, explorers, interactive
from guide.interactive import Choice, Slider, Switch
from guide.sphinx_ext import frame

ALL = explorers.explorers()
HOST = "http://book.test"

READ = """([name]) => {
  const panel = document.querySelector(`[data-explorer="${name}"] .explorer-panel`);
  const shown = {};
  for (const place of panel.querySelectorAll("output[data-of]")) shown[place.dataset.of] = place.textContent;
  shown.sentence = panel.querySelector(".explorer-sentence").textContent;
  shown.spoken = panel.querySelector(".explorer-chart").getAttribute("aria-label");
  return shown;
}"""
MOVE = """async ([name, places]) => {
  const panel = document.querySelector(`[data-explorer="${name}"] .explorer-panel`);
  const before = panel.dataset.turn;
  let last = null;
  for (const [control, place] of Object.entries(places)) {
    const inputs = [...panel.querySelectorAll(`[data-control="${control}"]`)];
    last = inputs[0];
    if (last.type === "checkbox") last.checked = Boolean(place);
    else if (last.type === "radio") (last = inputs[place]).checked = true;
    else last.value = place;
  }
  last.dispatchEvent(new Event("input", { bubbles: true }));
  for (let i = 0; i < 400 && panel.dataset.turn === before; i++)
    await new Promise((done) => setTimeout(done, 5));
  return panel.dataset.turn !== before;
}"""


def places(explorer, values):
    """Place of each control among its values."""
    return {c.name: c.values.index(values[c.name]) for c in explorer.controls}


def grid(explorer, extra=24):
    """Settings to try: the named ones, both ends of each control, and some by chance."""
    chance = random.Random(459)
    out = [explorer.at(setting) for setting in explorer.settings]
    for control in explorer.controls:
        out += [explorer.start | {control.name: end} for end in
                (control.values[0], control.values[-1], control.values[len(control.values) // 2])]
    out += [{c.name: chance.choice(c.values) for c in explorer.controls} for _ in range(extra)]
    return out


def differences(page, explorer, settings):
    """Numbers on the page that differ from those that Python computes."""
    problems = []
    for values in settings:
        if not page.evaluate(MOVE, [explorer.name, places(explorer, values)]):
            return [f"{explorer.name}: the numbers did not follow the controls to {values}"]
        shown, texts = page.evaluate(READ, [explorer.name]), explorer.texts(values)
        for key, text in shown.items():
            right = texts["sentence" if key == "spoken" else key]
            if text != right:
                problems.append(f"{explorer.name}: {key} is '{text}' on the page and '{right}' in "
                                f"Python at {values}: make expression and function agree")
    return problems


@pytest.fixture(scope="module")
def places_of(html):
    """The page of each explorer."""
    return {name: path for path, text in html.items()
            for name in re.findall(r'data-explorer="([^"]+)"', text)}


def visit(browser, **options):
    """A reader who has been here before: on the first visit the theme complains of itself."""
    context = browser.new_context(**options)
    context.add_init_script("localStorage.setItem('mode', 'light')")
    return context


def alive(page, name):
    """Wait until the explorer of a page has come to life."""
    page.locator(f'[data-explorer="{name}"]').scroll_into_view_if_needed()
    page.wait_for_selector(f'[data-explorer="{name}"] .explorer-panel[data-turn]')


@pytest.fixture(scope="module")
def opened(browser, site, places_of):
    """Each explorer alive on its page, opened as a file, with what the browser complained of."""
    context = visit(browser, viewport={"width": 1200, "height": 900})
    out, said, asked = {}, [], []
    for name, path in places_of.items():
        page = context.new_page()
        page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / path).as_uri())
        alive(page, name)
        out[name] = page
    yield out, said, asked
    context.close()


def test_a_drawing_does_not_depend_on_what_was_drawn_before():
    """Whichever process draws an explorer, and after which others, it is the same bytes."""
    made = explorers.explorers()
    for name in ("run", "rules"):  # both clip their charts, and Vega counts what it clips
        first = interactive.drawing(made[name])
        assert "clip" in first
        assert interactive.drawing(made[name]) == first, (
            f"interactive.py: '{name}' is drawn otherwise the second time: number its ids anew")


def test_every_explorer_stands_in_the_book(html):
    """What is declared is shown, and once."""
    stand = sorted(name for text in html.values()
                   for name in re.findall(r'data-explorer="([^"]+)"', text))
    assert stand == sorted(ALL), "put {explorer} where its chapter treats it, once"


@pytest.mark.parametrize("name", ALL)
def test_browser_and_python_agree(opened, name):
    """Each number, sentence and spoken description is that of Python at every setting tried."""
    none(differences(opened[0][name], ALL[name], grid(ALL[name])))


def test_browser_and_python_agree_planted(opened):
    """A constant that is wrong in Python alone is noticed."""
    right = ALL["cache"]
    wrong = replace(right, compute=lambda **v: right.compute(**v) | {
        "fit": right.compute(**v)["fit"] + 1})
    found(differences(opened[0]["cache"], wrong, [right.start]), "cache", "make expression")


def test_pages_are_silent(opened):
    """No explorer makes the browser complain, or asks another host for anything."""
    for page in opened[0].values():
        page.wait_for_load_state()
    _, said, asked = opened
    none(f"the browser says: {text}" for text in said)
    none(f"{url}: an explorer needs nothing but the book" for url in asked
         if not url.startswith(("file:", "data:", "blob:")))


@pytest.mark.parametrize("name", ALL)
def test_keyboard_alone(opened, name):
    """A slider that has the focus follows the arrow keys, and the button leads back."""
    page, explorer = opened[0][name], ALL[name]
    slider = next(c for c in explorer.controls if isinstance(c, Slider))
    panel = page.locator(f'[data-explorer="{name}"] .explorer-panel')
    reset = panel.locator(".explorer-reset")
    reset.focus()
    page.keyboard.press("Enter")
    handle = panel.locator(f'[data-control="{slider.name}"]')
    handle.focus()
    place = slider.values.index(slider.start)
    key, step = ("ArrowRight", 1) if place + 1 < len(slider.values) else ("ArrowLeft", -1)
    page.keyboard.press(key)
    moved = explorer.texts(explorer.start | {slider.name: slider.values[place + step]})
    wait(page, name, moved)
    assert handle.get_attribute("aria-valuetext") == moved[slider.name]
    reset.focus()
    page.keyboard.press("Space")
    wait(page, name, explorer.texts(explorer.start))


def wait(page, name, texts):
    """Wait until the page says these texts."""
    for _ in range(100):
        shown = page.evaluate(READ, [name])
        if all(texts.get(key, text) == text for key, text in shown.items()):
            return
        page.wait_for_timeout(20)
    pytest.fail(f"{name}: the page says {shown} and should say {texts}", pytrace=False)


@pytest.mark.parametrize("name", ALL)
def test_controls_have_names_and_room(browser, site, places_of, name):
    """On a phone nothing runs off the page, and each control is named and large enough to touch."""
    context = visit(browser, viewport={"width": 390, "height": 844}, has_touch=True,
                                  is_mobile=True, reduced_motion="reduce")
    page = context.new_page()
    page.goto((site / places_of[name]).as_uri())
    alive(page, name)
    problems = page.evaluate("""([name]) => {
      const panel = document.querySelector(`[data-explorer="${name}"] .explorer-panel`), out = [];
      if (document.documentElement.scrollWidth > 390) out.push("the page scrolls sideways");
      const svg = panel.querySelector("svg").getBoundingClientRect();
      const chart = panel.querySelector(".explorer-chart").getBoundingClientRect();
      if (svg.right > chart.right + 1) out.push("the chart is wider than the page");
      for (const input of panel.querySelectorAll("input, select, button")) {
        const box = input.getBoundingClientRect(), label = input.labels?.[0]?.textContent
          ?? input.textContent;
        if (!label.trim()) out.push(`a control without a name: ${input.outerHTML.slice(0, 60)}`);
        const room = input.type === "checkbox" ? input.parentElement.getBoundingClientRect() : box;
        if (room.height < 43.5) out.push(`${label}: ${room.height} pixels high, 44 are needed`);
      }
      return out;
    }""", [name])
    context.close()
    none(f"{name}: {problem}" for problem in problems)


def test_the_theme_changes_the_chart(opened):
    """The chart takes on the colours of the theme at once, without being drawn again."""
    page = opened[0]["cache"]
    colour = """() => getComputedStyle(document.querySelector(
      '[data-explorer="cache"] svg .role-axis-label text, [data-explorer="cache"] svg text')).fill"""
    seen = []
    for theme in ("light", "dark"):
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)
        seen.append(page.evaluate(colour))
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    assert seen[0] != seen[1] and all(s.startswith("rgb") for s in seen), seen


def test_strict_policy_holds(browser, site, places_of):
    """Where a page may not make code out of text, the explorers work all the same."""
    assert refused(browser, site, places_of["cache"], "cache") == []


def test_strict_policy_holds_planted(browser, site, places_of):
    """A page that does make code out of text is refused by the same policy."""
    said = refused(browser, site, places_of["cache"], "cache", "new Function('return 1')()")
    assert any("unsafe-eval" in text for text in said), said


def refused(browser, site, path, name, more=""):
    """What the browser refuses of a page that is sent with its policy, as a careful host does."""
    context, said = visit(browser), []
    policy = frame.policy((build.ROOT / "book/_templates/first.js").read_text(encoding="utf-8").strip())

    def send(route):
        file = site / unquote(urlsplit(route.request.url).path).lstrip("/")
        if file.name == "planted.js":
            route.fulfill(body=more, content_type="text/javascript")
            return
        if not file.is_file():
            route.fulfill(status=404)
            return
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        # what the test driver itself runs is not held to the policy, so it is put into the page
        body = file.read_bytes().replace(b"</body>", b"<script src='/planted.js'></script></body>")
        route.fulfill(body=body, content_type=kind, headers={"Content-Security-Policy": policy})

    context.route("**/*", send)
    page = context.new_page()
    page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{HOST}/{path}")
    alive(page, name)
    context.close()
    return [text for text in said if "404" not in text]


def test_without_scripts_there_is_a_figure(browser, site, places_of):
    """A reader without scripts sees the drawing and the table, and no dead controls."""
    context = visit(browser, java_script_enabled=False)
    for name, path in places_of.items():
        page = context.new_page()
        page.goto((site / path).as_uri(), wait_until="domcontentloaded")
        box = page.locator(f'[data-explorer="{name}"]')
        assert box.locator("img.figure-light").is_visible(), f"{name}: no drawing"
        assert box.locator("table.explorer-settings").is_visible(), f"{name}: no table"
        assert not box.locator("input, select, button").first.is_visible(), f"{name}: dead controls"
        page.close()
    context.close()


def test_paper_has_the_settings():
    """The printed book has the table of each explorer, as Python computes it."""
    source = build.PRINT / "book.typ"
    if not source.is_file():
        pytest.fail("the book is not built for print: run 'make book' first", pytrace=False)
    none(missing(source.read_text(encoding="utf-8"), ALL.values()))


def test_paper_has_the_settings_planted():
    """A row that is not in the printed book is seen."""
    found(missing("= A book without tables", [ALL["cache"]]), "cache", "As it stands")


def missing(text, made):
    """Rows of settings that the printed book lacks."""
    plain = re.sub(r"[\\\s~\u00a0]+", " ", text)
    return [f"{explorer.name}: the row '{row[0]}' is not printed" for explorer in made
            for row in explorer.table()[1]
            if not all(re.sub(r"\s+", " ", cell) in plain for cell in row)]


# ---------------------------------------------------------------- printing


@given(st.floats(0, 1e15, allow_nan=False), st.sampled_from([",.0f", ".2f", ",.3r", ",.3~r"]))
def test_printed_numbers_keep_their_value(value, spec):
    """What is printed is the number, rounded to the digits that its format keeps."""
    text = interactive.d3(value, spec)
    shown = float(text.replace(",", ""))
    digits = int(spec.strip(",~fr.")[-1])
    near = 0.51 * 10.0**-digits if spec.endswith("f") else 0.0051 * value
    assert abs(shown - value) <= near + 1e-9 * value


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [(2.5, ",.0f", "3"), (0.125, ".2f", "0.13"), (9.996, ",.3r", "10.0"), (9.996, ",.3~r", "10"),
     (1234567, ",.3~r", "1,230,000"), (0, ",.3~r", "0"), (0.0123456, ",.3~r", "0.0123"),
     (100, ",.3~r", "100"), (1e6, ",.0f", "1,000,000")],
)
def test_numbers_are_printed_as_d3_prints_them(value, spec, text):
    """Halves go up, and zeros behind the point go where they are not wanted."""
    assert interactive.d3(value, spec) == text


@pytest.mark.parametrize(("value", "spec"), [(-1.0, ".2f"), (float("inf"), ".2f"), (1.0, ".2e")])
def test_what_cannot_be_printed_is_refused(value, spec):
    """A negative or infinite number, and a format of another kind, stop the build."""
    with pytest.raises(ValueError, match="printed|format"):
        interactive.d3(value, spec)


@pytest.mark.parametrize("wrong", [
    lambda: Slider("a", "A", (1, 2), 3, interactive.plain()),
    lambda: Choice("a", "A", ((1, "one"),), 2),
    lambda: ALL["cache"].at(interactive.Setting("x", {"nothing": 1})),
])
def test_declarations_that_cannot_be_met_are_refused(wrong):
    """A start that no control can reach, and a setting of an unknown control, stop the build."""
    with pytest.raises(ValueError, match="start|no control"):
        wrong()


@pytest.mark.parametrize("name", ALL)
def test_declarations_are_whole(name):
    """Starts are settings, every sentence can be said, and every control matters to something."""
    explorer = ALL[name]
    assert explorer.at(explorer.settings[0]) == explorer.start
    seen = {int(explorer.compute(**values)["case"]) for values in grid(explorer, 600)}
    assert seen == set(range(len(explorer.sentences))), "a sentence that is never said: drop it"
    drawn = json.dumps(explorer.chart()) + json.dumps(dict(explorer.terms))
    for control in explorer.controls:
        told = any(left | {control.name: ""} != right | {control.name: ""}
                   for values in grid(explorer, 40)
                   for left, right in [[explorer.texts(values | {control.name: value})
                                        for value in (control.values[0], control.values[-1])]])
        assert told or re.search(rf"\b{control.name}\b", drawn), f"'{control.name}' changes nothing"
