"""Anybody can read a page: with any eyes, hands, browser or line, in the light and in the dark."""

from __future__ import annotations

import gzip
import os
import re
import shutil

import pytest
from bench import pages as bench
from bench import server
from bs4 import BeautifulSoup
from checks import access as check
from checks import found, none

from guide import figures, stylesheet
from guide.sphinx_ext import frame

CHAPTER, LEDGER = "book/efficiency.html", "book/ledger.html"
#: One page of each kind.
KINDS = ("book/intro.html", CHAPTER, LEDGER, "book/lab-sums.html", "book/glossary.html",
         "book/bibliography.html", "book/cards.html", "book/who-and-what.html", "search.html",
         "genindex.html")
DESK, PHONE = {"width": 1350, "height": 940}, {"width": 390, "height": 844}
HOST = "http://book.test"


def soup(html):
    """Read a piece of a page."""
    return BeautifulSoup(html, "html.parser")


@pytest.fixture(scope="session")
def tools(root):
    """Where the checkers from npm are; without them tests skip, but under CI they fail."""
    folder = root / "_build/browser/node_modules"
    wanted = [folder / "axe-core/axe.min.js", folder / "vnu-jar/build/dist/vnu.jar"]
    if not all(path.is_file() for path in wanted):
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        missing("no axe and no HTML checker: install npm ('apt-get install npm'), then 'make checkers'")
    return folder


def visit(browser, scheme="light", size=DESK, **options):
    """A new reader."""
    return browser.new_context(viewport=size, color_scheme=scheme, **options)


def open_page(context, site, name, said=None):
    """A page opened as a file; what the browser says of it is added to ``said``."""
    page = context.new_page()
    if said is not None:
        page.on("console", lambda m: said.append(f"{name}: the browser says: {m.text[:160]}"))
        page.on("pageerror", lambda e: said.append(f"{name}: a script fails: {str(e)[:160]}"))
    page.goto((site / name).as_uri())
    return page


# ------------------------------------------------------------------ weight


def static_sizes(site, html, name):
    """What a page and all that it loads weigh, compressed: name -> bytes."""
    out = {"page": len(gzip.compress(html[name].encode(), 9))}
    for address in check.loads(soup(html[name].partition("</head>")[0])):
        path = (site / name).parent / address.partition("?")[0]
        out[path.name] = len(gzip.compress(path.read_bytes(), 9))
    for font in (site / "_static/fonts").glob("*.woff2"):
        out[font.name] = font.stat().st_size  # as if it used them all
    return out


def test_no_page_is_heavy(site, html):
    """A first visit to any page, and a step to any next one, costs no more than promised."""
    none(p for name in html if name != "index.html"
         for p in check.too_heavy(name, static_sizes(site, html, name)))


def test_no_page_is_heavy_planted():
    """A heavy page, and a light one with a heavy script, are seen."""
    found(check.too_heavy("a.html", {"page": 151_000}), "a.html", "next page")
    found(check.too_heavy("a.html", {"page": 90_000, "b.js": 211_000}), "301 kB", "b.js")
    none(check.too_heavy("a.html", {"page": 149_000, "b.js": 150_000}))


@pytest.fixture(scope="module")
def visits(browser, site):
    """A reader's way through three pages, with what went over the wire."""
    with server.serving(site) as address:
        yield bench.visits(browser, address, ["book/intro.html", CHAPTER, LEDGER])


def test_a_visit_costs_what_is_promised(visits):
    """As a browser counts it, figures in sight included; and nobody else is asked."""
    problems = [f"{v['page']}: asks {v['other_hosts']} other hosts" for v in visits if v["other_hosts"]]
    for i, v in enumerate(visits):
        most = check.NEXT if i else check.FIRST
        if v["kb_without_figures"] > most:
            problems.append(f"{v['page']}: {v['kb_without_figures']} kB besides figures: {most} at most")
        if v["kb"] > check.WHOLE:
            problems.append(f"{v['page']}: {v['kb']} kB in all: {check.WHOLE} at most")
    none(problems)


def test_pages_load_only_what_is_ours(html):
    """No script or style of the theme's is left: page.js and book.css do what is needed."""
    none(foreign_files(html))


def foreign_files(html):
    """Scripts and styles that the book does not write itself."""
    known = {"page.js", "previews.js", "search.js", "progress.js", "quiz.js", "explorers.js",
             "ledger.js", "book.css"}
    return [f"{name}: loads {address}: is it needed? Then name it here; else drop it in "
            "guide.sphinx_ext.scripts" for name, text in html.items()
            for address in check.loads(soup(text.partition("</head>")[0]))
            if address.partition("?")[0].rpartition("/")[2] not in known]


def test_pages_load_only_what_is_ours_planted():
    """A script of the theme's is seen."""
    found(foreign_files({"a.html": "<script src='_static/scripts/bootstrap.js'></script></head>"}),
          "bootstrap.js")


def test_nothing_jumps(browser, site):
    """Fonts and figures that come late move no line, on a phone and on a desk, up and down a page."""
    problems = []
    with server.serving(site) as address:
        for size, names in ((DESK, [CHAPTER]), (PHONE, ["book/intro.html", CHAPTER, LEDGER])):
            context = visit(browser, size=size)
            for name in names:
                page = context.new_page()
                page.add_init_script("""window.moved = 0; new PerformanceObserver((list) => {
                  for (const e of list.getEntries()) if (!e.hadRecentInput) window.moved += e.value;
                }).observe({ type: "layout-shift", buffered: true });""")
                page.goto(f"{address}/{name}", wait_until="networkidle")
                for _ in range(24):  # as fast as anybody scrolls
                    page.mouse.wheel(0, 700)
                    page.wait_for_timeout(80)
                moved = page.evaluate("window.moved")
                if moved >= 0.02:
                    problems.append(f"{name}: things move by {moved:.3f} at {size['width']} pixels: "
                                    "give what comes late its size")
                page.close()
            context.close()
    none(problems)


# ------------------------------------------------------------------ style sheets


def names(html, script=""):
    """What occurs in a page and a script."""
    out = stylesheet.Names()
    out.add_page(html)
    out.add_script(script)
    return out


@pytest.mark.parametrize("selector", [
    "p.a", ".a > b", "#x .a:hover", ":root", "p:not(.gone)", "p:is(.gone, .a)", "[data-k] p",
    "p::before", "*", "html[data-k=v]:where(.a)", ".b\\:c", "p:has(> .a)", ".late", "p:nth-child(2n + 1)",
])
def test_rules_that_a_page_needs_stay(selector):
    """A rule stays when all that its selector names occurs."""
    page = "<p class='a b:c' id='x' data-k='v'><b></b></p>"
    known = names(page, "box.classList.add('late')")
    kept = stylesheet.cut(stylesheet.parse(f"{selector}{{color:red}}"), known)
    assert stylesheet.write(kept) == f"{selector}{{color:red}}"


@pytest.mark.parametrize("selector", [
    ".gone", "p.a.gone", "#gone", "table", "p:is(.gone, .lost)", "[data-gone]", ".a > i", "p:has(> .gone)",
])
def test_rules_that_no_page_needs_go(selector):
    """A rule goes when something that its selector names does not occur; its neighbour stays."""
    known = names("<p class='a' id='x'></p>")
    kept = stylesheet.cut(stylesheet.parse(
        f"@media print{{{selector}{{color:red}}}} p,{selector}{{top:0}}"), known)
    assert stylesheet.write(kept) == "p{top:0}"


def test_what_nothing_names_goes():
    """Custom properties, animations and fonts go with the last rule that names them."""
    rules = stylesheet.parse(
        ":root{--a:1;--b:var(--c);--c:2;--d:var(--e);--e:3} p{top:var(--d);animation:m 1s}"
        "@keyframes m{from{top:0}} @keyframes n{from{top:0}} @font-face{font-family:'F';src:url(f)}"
        "@font-face{font-family:'G';src:url(g)} i{font-family:'F',serif} /* } */ q{content:'};'}")
    assert stylesheet.write(stylesheet.sweep(rules)) == (
        ":root{--d:var(--e);--e:3}p{top:var(--d);animation:m 1s}@keyframes m{from{top:0}}"
        "@font-face{font-family:'F';src:url(f)}i{font-family:'F',serif}q{content:'};'}")


def test_broken_braces_are_not_swallowed():
    """A sheet whose braces do not pair stops the build."""
    for css in ("p{top:0", "p{top:0}}"):
        with pytest.raises(ValueError, match="without|no '}'"):
            stylesheet.parse(css)


def test_addresses_hold_where_a_sheet_moves():
    """A picture beside the old sheet is found from the new one."""
    css = "p{background:url('../a.png') url(data:x) url(\"b.png\")}"
    assert stylesheet.moved(css, "styles") == "p{background:url(a.png) url(data:x) url(styles/b.png)}"


def test_files_that_the_sheet_names_are_there(site, root):
    """No style asks for a file that is not in the site."""
    css = (site / "_static/book.css").read_text(encoding="utf-8")
    none(f"book.css: asks for {address}: put it into book/_static"
         for address in re.findall(r"url\(\s*[\"']?(?!data:)([^\"')]+)", css)
         if not (site / "_static" / address).is_file())


# ------------------------------------------------------------------ head and policy


def test_pages_keep_to_their_policy(pages):
    """Each page forbids all that it does not need, and needs no more than it allows."""
    whole = {name: page for name, page in pages.items() if name != "index.html"}
    none(p for name, page in whole.items() for p in check.policy(page, name))
    said = {page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
            for page in whole.values()}
    assert len(said) == 1, "one policy for all pages, so that a host can send it: look at frame.policy"


@pytest.mark.parametrize(
    ("piece", "says"),
    [
        ("<script>alert(1)</script>", "policy does not name"),
        ("<p onclick='a()'>", "<p onclick"),
        ("<p style='top: 0'>", "<p style"),
        ("<style>p {}</style>", "styles in the page"),
        ("<a href=' JavaScript:x()'>a</a>", "<a> runs"),
    ],
)
def test_pages_keep_to_their_policy_planted(piece, says):
    """A script, a handler and styles in a page are seen, and so is a page without policy."""
    policy = f'<meta http-equiv="Content-Security-Policy" content="{frame.policy("1")}">'
    none(check.policy(soup(f"{policy}<script>1</script><script type='application/json'>{{}}</script>"),
                      "a.html"))
    found(check.policy(soup(f"{policy}\n{piece}"), "a.html"), "a.html:2", says)
    found(check.policy(soup(piece), "a.html"), "no content security policy")
    found(check.policy(soup(policy.replace("'self'", "'unsafe-inline'")), "a.html"), "allows unsafe-")


def test_pages_say_what_they_are(pages):
    """Each page has language, description, icon, colours and picture; no two the same description."""
    whole = {name: page for name, page in pages.items() if name != "index.html"}
    none(p for name, page in whole.items() for p in check.head(page, name))
    said = {}
    for name, page in whole.items():
        text = page.find("meta", attrs={"name": "description"})["content"]
        assert text not in said, f"{name} has the description of {said[text]}: begin it otherwise"
        said[text] = name


def test_pages_say_what_they_are_planted():
    """A bare page is seen for each thing that it lacks."""
    problems = check.head(soup("<html lang='en'><body></body></html>"), "a.html")
    for what in ("language", "icon", "theme colour", "description", "picture", "main part"):
        found(problems, what)


def test_pictures_wait_and_keep_their_place(pages):
    """Each picture has a size, a text, and is fetched when it comes near."""
    none(p for name, page in pages.items() for p in check.pictures(page, name))


def test_pictures_wait_and_keep_their_place_planted():
    """A picture without each of the three is seen."""
    problems = check.pictures(soup("<figure><img src='a.svg' alt=''></figure>"), "a.html")
    for what in ("no width", "not loading=lazy", "no text"):
        found(problems, what)


def test_markup_of_others_is_put_right():
    """What MyST-NB, docutils and inline styles leave becomes valid, and says the same."""
    made = frame.mend('<summary aria-label="Toggle hidden content">\n<p class="collapsed admonition-title">'
                      'Show</p>\n</summary><div class="citation" role="doc-biblioentry">'
                      '<col style="width: 12.5%" /><span id="a" style="left:3%;width:4%" class="b">')
    assert made == ('<summary>\n<span class="collapsed admonition-title">Show</span>\n</summary>'
                    '<div class="citation"><col class="css-width__12_d5_p">'
                    '<span id="a" class="b css-left__3_p css-width__4_p">')
    assert frame.declaration_of("css-width__12_d5_p") == "width:12.5%"
    assert frame.declaration_of(frame.class_of("--a-b: x_1")) == "--a-b:x_1"
    with pytest.raises(ValueError, match="give the element a class"):
        frame.mend('<p style="background: url(a)">')


# ------------------------------------------------------------------ valid HTML


def test_pages_are_valid_html(site, html, tools):
    """The Nu HTML checker has nothing against any page."""
    if shutil.which("java") is None:
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        missing("the HTML checker needs Java: apt-get install default-jre-headless")
    none(check.html_errors(tools / "vnu-jar/build/dist/vnu.jar", [site / name for name in html]))


def test_pages_are_valid_html_planted(tools, tmp_path):
    """A paragraph in a summary and an id given twice are seen."""
    if shutil.which("java") is None:
        pytest.skip("no Java")
    page = tmp_path / "a.html"
    page.write_text("<!DOCTYPE html><html lang='en'><title>a</title><details><summary><p>a</p>"
                    "</summary></details><i id='a'></i><i id='a'></i></html>", encoding="utf-8")
    problems = check.html_errors(tools / "vnu-jar/build/dist/vnu.jar", [page])
    found(problems, "a.html:1", "not allowed as child")
    found(problems, "a.html:1", "Duplicate ID")


# ------------------------------------------------------------------ axe

ONLY_COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}


def axe(page, tools, **options):
    """Have axe start to look at a page; :func:`findings` gives what it finds."""
    page.evaluate((tools / "axe-core/axe.min.js").read_text(encoding="utf-8"))
    page.evaluate("(options) => { window.axeSays = axe.run(document, options); }",
                  {"resultTypes": ["violations"], "elementRef": False, "preload": False, **options})


def findings(page, name):
    """What axe has found on a page."""
    return check.axe_findings(page.evaluate("window.axeSays"), name)


def look(browser, tools, site, wanted, **options):
    """Have axe look at pages, two at a time; return the problems and what the console says."""
    problems, said, running = [], [], []
    scheme, size = options.pop("scheme", "light"), options.pop("size", DESK)
    context = visit(browser, scheme, size, reduced_motion="reduce")

    def gather():
        page, name = running.pop(0)
        problems.extend(findings(page, name))
        page.close()

    for name in wanted:
        page = open_page(context, site, name, said)
        page.wait_for_load_state()
        axe(page, tools, **options)
        running.append((page, name))
        if len(running) == 2:
            gather()
    while running:
        gather()
    context.close()
    return problems, said


def test_axe_finds_nothing(browser, tools, site, html):
    """axe has nothing against any page, and no page makes the console speak."""
    wanted = sorted((n for n in html if n != "index.html"), key=lambda n: -len(html[n]))
    problems, said = look(browser, tools, site, wanted)
    none([*problems, *said])


def test_axe_finds_nothing_in_the_dark(browser, tools, site):
    """Each kind of page can be read in the dark."""
    none(look(browser, tools, site, KINDS, scheme="dark", **ONLY_COLOURS)[0])


def test_axe_finds_nothing_on_a_phone(browser, tools, site):
    """A page on a small screen offers the same to everybody."""
    none(look(browser, tools, site, ("book/intro.html", "book/cards.html", "search.html", CHAPTER),
              size=PHONE)[0])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_what_opens(browser, tools, site, scheme):
    """With everything unfolded, a quiz answered, an explorer alive, a card open, a search made."""
    context = visit(browser, scheme, reduced_motion="reduce")
    said = []
    page = open_page(context, site, CHAPTER, said)
    page.evaluate("for (const d of document.querySelectorAll('article details')) d.open = true")
    explorer = page.locator(".explorer").first
    explorer.scroll_into_view_if_needed()
    page.wait_for_selector(".explorer-panel[data-turn]")
    for question in page.locator(".quiz-question").all()[:2]:
        question.locator("input").first.check(force=True)
    page.locator("article a.claim-link").first.focus()
    page.wait_for_selector("#preview")
    axe(page, tools)
    problems = findings(page, f"{CHAPTER}, unfolded, {scheme}")
    page.keyboard.press("Escape")
    page.locator(".explorer-chart").first.scroll_into_view_if_needed()
    none([*problems, *figure_texts(page, f"{CHAPTER}, explorer, {scheme}", ".explorer-chart")])
    page = open_page(context, site, CHAPTER, said)
    page.keyboard.press("Control+k")
    page.keyboard.type("latent attention")
    page.wait_for_selector("#pst-search-dialog a.hit")
    axe(page, tools)
    none([*findings(page, f"{CHAPTER}, search, {scheme}"), *said])
    context.close()


def test_axe_finds_nothing_planted(browser, tools):
    """A picture without text, and grey on white, are found."""
    page = visit(browser).new_page()
    page.set_content("<html lang='en'><title>a</title><main><h1>a</h1><img src='data:,'>"
                     "<p style='color:#aaa;background:#fff'>some words</p></main></html>")
    axe(page, tools)
    problems = findings(page, "a.html")
    found(problems, "a.html", "image-alt")
    found(problems, "a.html", "color-contrast")
    page.context.close()


# ------------------------------------------------------------------ figures


def figure_texts(page, name, within=""):
    """Texts of a drawing on a page that stand out too little."""
    texts = page.evaluate(check.TEXTS, within)
    return check.faint(texts, page.screenshot(), name)


def test_words_in_figures_can_be_read(browser, drawings):
    """Each text of each figure has a contrast of 4.5 against what lies under it, light and dark."""
    context = visit(browser)
    page, problems = context.new_page(), []
    for name, svg in drawings.items():
        if 'id="text_1"' not in svg:
            continue  # an explorer: it is looked at when it is alive
        ground = "#141920" if name.endswith("-dark.svg") else "#fefefe"
        wide, high = (float(re.search(rf'{side}="([\d.]+)pt"', svg)[1]) for side in ("width", "height"))
        page.set_viewport_size({"width": round(wide * 96 / 72) + 1, "height": round(high * 96 / 72) + 1})
        page.set_content(f"<body style='margin:0;background:{ground}'>{svg[svg.index('<svg'):]}")
        problems += figure_texts(page, name)
    context.close()
    none(problems)


def test_words_in_figures_can_be_read_planted(browser):
    """Pale words, and words made pale by what lies under them, are seen."""
    page = visit(browser).new_page()
    page.set_content("<body style='margin:0;background:#fff'><svg width='300' height='80'>"
                     "<rect y='40' width='300' height='40' fill='#333'/>"
                     "<g id='text_1'><text y='20' fill='#333'>dark</text></g>"
                     "<g id='text_2'><text y='60' fill='#333'>lost</text></g>"
                     "<g id='text_3'><text x='99' y='20' fill='#ccc'>pale</text></g>"
                     "<g id='text_4'><g id='patch_1'><rect x='99' y='44' width='90' height='30' fill='#fff'/>"
                     "</g><g><text x='99' y='60' fill='#333'>kept</text></g></g></svg>")
    problems = figure_texts(page, "a.svg")
    found(problems, "a.svg", "'lost'")
    found(problems, "a.svg", "'pale'")
    assert not any("'dark'" in p or "'kept'" in p for p in problems)
    page.context.close()


@pytest.mark.parametrize("mode", [0, 1])
def test_colours_of_figures_stand_out(mode):
    """Colours of marks stand out from the page; those of words from the pale grounds, too."""
    none(dull_colours(figures.PALETTE, mode))


def dull_colours(palette, mode):
    """Colours of a palette that stand out too little: 0 on light pages, 1 on dark ones."""
    def ratio(one, other):
        return check.contrast(*(bytes.fromhex(palette[name][mode][1:]) for name in (one, other)))

    words = [name for name in palette if name.endswith("-text")]
    pairs = [(name, "paper", check.MARK) for name in palette if name in {
        "blue", "orange", "green", "purple", "yellow", "sky", "red", "muted", "ink"}]
    pairs += [(name, "paper", check.TEXT) for name in words]
    pairs += [(name, ground, check.TEXT) for name in words
              for ground in ("wash", f"pale-{name.removesuffix('-text')}") if ground in palette
              and name in ("orange-text", "green-text")]
    return [f"figures.PALETTE: '{one}' on '{other}' has a contrast of {ratio(one, other):.2f}: "
            f"{least} is needed" for one, other, least in pairs if ratio(one, other) < least]


def test_colours_of_figures_stand_out_planted():
    """A pale colour for marks, and words pale on their pale ground, are seen."""
    palette = figures.PALETTE | {"sky": ("#bbddff", "#9ad3f4"), "green-text": ("#0b7a57", "#4fc79c")}
    problems = dull_colours(palette, 0)
    found(problems, "'sky' on 'paper'")
    found(problems, "'green-text' on 'pale-green'")


# ------------------------------------------------------------------ policy, in a browser


def test_a_browser_has_nothing_to_forbid(browser, site):
    """On each kind of page, from a host and from a file, nothing is blocked: not search, explorer,
    card, quiz or theme."""
    said = []
    context = visit(browser)
    with server.serving(site) as address:
        for start in (address, site.as_uri()):
            for name in KINDS:
                page = context.new_page()
                page.on("console", lambda m, n=name: said.append(f"{n}: {m.text[:200]}"))
                page.on("pageerror", lambda e, n=name: said.append(f"{n}: {str(e)[:200]}"))
                page.goto(f"{start}/{name}")
                page.locator(".theme-switch-button").click()
                if name == CHAPTER:
                    page.locator(".explorer").first.scroll_into_view_if_needed()
                    page.wait_for_selector(".explorer-panel[data-turn]")
                    page.locator(".quiz-question input").first.check(force=True)
                    page.locator("article a.claim-link").first.focus()
                    page.wait_for_selector("#preview")
                    page.keyboard.press("Control+k")
                    page.keyboard.type("H20")
                    page.wait_for_selector("#pst-search-dialog a.hit")
                page.close()
    context.close()
    none(said)


def test_a_browser_has_nothing_to_forbid_planted(browser, site):
    """A handler put into a page is blocked, and said to be."""
    said = []
    context = visit(browser)
    text = (site / "book/cards.html").read_text(encoding="utf-8").replace(
        "</body>", "<p style='color: red'>a</p><script>window.bad = 1</script></body>")
    page = context.new_page()
    page.on("console", lambda m: said.append(m.text))
    page.route(f"{HOST}/**", lambda route: route.fulfill(body=text, content_type="text/html"))
    page.goto(f"{HOST}/book/cards.html")
    found(said, "Content Security Policy", "style-src")
    found(said, "Content Security Policy", "script-src")
    assert page.evaluate("window.bad") is None
    context.close()


# ------------------------------------------------------------------ keyboard

STOP = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  const drawn = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const row = e.closest(".quiz-choice, .explorer-control, form.bd-search");
  const name = e.className.toString().replace(" is-open", "");
  return [e.tagName.toLowerCase(), e.id, name, drawn || (row !== null),
    box.bottom > 0 && box.top < innerHeight && box.width > 0];
}"""


def walk(page, most=1500):
    """Tab through a page; the stops in their order."""
    stops = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None:
            if stops:
                break
            continue
        stops.append(stop)
    return stops


def unreached(page, stops):
    """What a mouse can press and the keyboard did not reach."""
    reached = {(tag, cls) for tag, _, cls, *_ in stops}
    every = page.evaluate("""() => [...document.querySelectorAll(
      'a[href], button, summary, input, select')].filter((e) => e.checkVisibility({ visibilityProperty: true })
      && !e.closest('dialog:not([open])')).map((e) => [e.tagName.toLowerCase(), e.className.toString()])""")
    return sorted({f"<{tag} class='{cls}'> cannot be reached with the keyboard" for tag, cls in every
                   if (tag, cls) not in reached and "copybtn" not in cls})


@pytest.fixture()
def desk(browser, site):
    """A chapter on a desk, with its explorer alive."""
    context = visit(browser, reduced_motion="reduce")
    page = open_page(context, site, CHAPTER)
    page.locator(".explorer").first.scroll_into_view_if_needed()
    page.wait_for_selector(".explorer-panel[data-turn]")
    page.evaluate("scrollTo(0, 0)")
    yield page
    context.close()


def test_the_keyboard_reaches_everything(desk):
    """Tab comes to all that can be pressed, in sight and with a mark around it."""
    stops = walk(desk)
    problems = unreached(desk, stops)
    problems += [f"{tag}#{key}.{cls}: has the focus and does not show it" for tag, key, cls, drawn, _
                 in stops if not drawn]
    problems += [f"{tag}#{key}.{cls}: has the focus out of sight" for tag, key, cls, _, seen in stops
                 if not seen]
    none(sorted(set(problems)))
    assert "skip-link" in desk.evaluate("document.querySelector('a').parentElement.className")
    assert stops[0][0] == "a" and len(stops) > 100


def test_the_keyboard_reaches_everything_planted(desk):
    """A button taken out of the order, and a focus without mark, are seen."""
    desk.evaluate("""() => { for (const b of document.querySelectorAll('.theme-switch-button')) b.tabIndex = -1;
      const s = new CSSStyleSheet(); s.replaceSync('.skip-link a { outline: 0 !important }');
      document.adoptedStyleSheets = [s]; }""")
    stops = walk(desk, 60)
    found(unreached(desk, stops), "theme-switch-button")
    assert not stops[0][3], "the mark is seen though it is gone"


def test_the_keyboard_works_everything(desk):
    """Skip link, theme, quiz, card, solution, explorer, preview and search, without a mouse."""
    page, press = desk, desk.keyboard.press
    press("Tab")
    press("Enter")
    assert page.evaluate("document.activeElement.id") == "main-content", "the skip link leads nowhere"
    before = page.evaluate("document.documentElement.dataset.theme")
    page.locator(".theme-switch-button").focus()
    press("Enter")
    assert page.evaluate("document.documentElement.dataset.theme") != before, "the theme stays"
    press("Enter")
    press("Enter")
    page.locator(".quiz-question input").first.focus()
    press("Space")
    assert page.locator(".quiz-says").first.inner_text().strip(), "the quiz does not answer"
    for what in ("details.study-card", "details.solution", "details.figure-data"):
        page.locator(f"{what} > summary").first.focus()
        press("Enter")
        assert page.locator(what).first.evaluate("e => e.open"), f"{what} stays folded"
    link = page.locator("article a.claim-link").first
    link.focus()
    page.wait_for_selector("#preview")
    press("Tab")
    assert page.evaluate("document.activeElement.closest('#preview') !== null"), "no way into a card"
    press("Escape")
    assert page.locator("#preview").count() == 0 and link.evaluate("e => e === document.activeElement")
    page.locator("details.dropdown > summary").focus()
    press("Enter")
    press("Tab")
    assert "dropdown-item" in page.evaluate("document.activeElement.className"), "no way to downloads"
    press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    press("Control+k")
    page.keyboard.type("latent attention")
    page.wait_for_selector("#pst-search-dialog a.hit")
    press("ArrowDown")
    assert "hit" in page.evaluate("document.activeElement.className"), "arrow keys reach no result"
    press("Escape")
    page.wait_for_selector("#pst-search-dialog[open]", state="detached")
    slider = page.locator(".explorer input[type=range]").first
    slider.focus()
    was = slider.input_value()
    press("ArrowLeft")
    assert slider.input_value() != was or press("ArrowRight") is None and slider.input_value() != was
    page.locator(".prev-next-footer a.right-next").focus()
    press("Enter")
    page.wait_for_url("**/training-cost.html")


def test_the_side_opens_on_a_phone(browser, site):
    """The contents of book and page open, keep the keyboard inside, close, and give the focus back."""
    context = visit(browser, size=PHONE, reduced_motion="reduce")
    page = open_page(context, site, CHAPTER)
    for toggle, dialog, link in ((".primary-toggle", "#pst-primary-sidebar-modal", "nav.bd-links a"),
                                 (".secondary-toggle", "#pst-secondary-sidebar-modal", ".page-toc a")):
        assert not page.locator(link).first.is_visible()
        page.locator(toggle).focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(f"{dialog}[open]")
        assert page.locator(link).first.is_visible()
        for _ in range(3):
            page.keyboard.press("Tab")
            assert page.evaluate("(d) => document.activeElement.closest(d) !== null", dialog)
        page.keyboard.press("Escape")
        page.wait_for_selector(f"{dialog}[open]", state="detached")
        assert page.evaluate("(t) => document.activeElement.matches(t)", toggle), f"{toggle} is lost"
    page.locator(".primary-toggle").click()
    page.locator("nav.bd-links a", has_text="Gigawatts").click()
    page.wait_for_url("**/power.html")
    context.close()


# ------------------------------------------------------------------ without scripts, without motion


def test_a_page_needs_no_script(browser, site):
    """Text, figures, answers, keys of quizzes and the way to other pages are there without scripts."""
    context = visit(browser, size=PHONE, java_script_enabled=False)
    page = open_page(context, site, CHAPTER)
    seen = {css: page.locator(css).first.is_visible() for css in (
        "article h1", "article figure img.figure-light", ".quiz-key", ".explorer img.figure-light",
        "table.explorer-settings", "nav.bd-links a", ".prev-next-footer a", "details.dropdown summary")}
    hidden = {css: page.locator(css).first.is_visible() for css in (
        ".theme-switch-button", ".search-button__button", ".sidebar-toggle", ".explorer-panel",
        "article figure img.figure-dark", "#pst-back-to-top")}
    none([*(f"{CHAPTER}: without scripts {css} is not seen" for css, shown in seen.items() if not shown),
          *(f"{CHAPTER}: without scripts {css} is offered and does nothing"
            for css, shown in hidden.items() if shown)])
    page.locator("details.solution > summary").first.click()
    assert page.locator("details.solution > :not(summary)").first.is_visible()
    context.close()
    context = visit(browser, "dark", java_script_enabled=False)
    page = open_page(context, site, CHAPTER)
    assert page.locator("article figure img.figure-dark").first.is_visible(), "the system's dark is not kept"
    context.close()


def moving(page):
    """What moves on a page, or would when it is touched."""
    return page.evaluate("""() => [...new Set([...document.querySelectorAll("*")].flatMap((e) =>
      ["", "::before", "::after"].flatMap((p) => { const s = getComputedStyle(e, p || null);
        const time = (text) => Math.max(...text.split(",").map(parseFloat));
        return (time(s.transitionDuration) > 0 && s.transitionProperty !== "none")
          || (s.animationName !== "none" && time(s.animationDuration) > 0)
          || s.scrollBehavior === "smooth" ? [`${e.tagName}.${e.className}${p} moves`] : []; })))]""")


def test_nothing_moves_for_those_who_ask(browser, site):
    """Whoever asks the system for less motion sees none."""
    context = visit(browser, reduced_motion="reduce")
    page = open_page(context, site, CHAPTER)
    page.evaluate("for (const d of document.querySelectorAll('article details')) d.open = true")
    page.locator("article a.claim-link").first.focus()
    page.wait_for_selector("#preview")
    none(moving(page))
    context.close()


def test_nothing_moves_for_those_who_ask_planted(browser):
    """A transition and smooth scrolling are seen."""
    page = visit(browser).new_page()
    page.set_content("<html style='scroll-behavior:smooth'><p class='a' style='transition:top 1s'>a")
    found(moving(page), "P.a moves")
    found(moving(page), "HTML. moves")
    page.context.close()
