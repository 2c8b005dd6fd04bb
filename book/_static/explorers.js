// Explorers: charts that the reader can change. The page holds all there is to know; the library
// that draws is loaded when an explorer comes near the window, and nothing is stored or sent.
(() => {
  "use strict";
  const own = document.currentScript;
  let library = null; // a promise of the library, once it is asked for

  function load() {
    library ??= new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = new URL(own.dataset.runtime, own.src).href;
      script.onload = () => done(window.guideVega);
      script.onerror = () => failed(new Error("the library of the explorers cannot be read"));
      document.head.append(script);
    });
    return library;
  }

  async function live(box) {
    const { View, parse, defaultLocale, expressionInterpreter } = await load();
    await Promise.all(["400", "600"].map((weight) =>
      document.fonts?.load(`${weight} 13px "Source Sans 3"`))).catch(() => {});
    const panel = box.querySelector(".explorer-panel");
    const page = JSON.parse(panel.querySelector("script").textContent);
    const chart = panel.querySelector(".explorer-chart");
    const sentence = panel.querySelector(".explorer-sentence");
    const format = defaultLocale().format;
    const printed = (value, scale) => {
      const [, by, spec, before, after] =
        scale.find(([least]) => Math.abs(value) >= least) || scale.at(-1);
      return before + format(spec)(value / by) + after;
    };
    const inputs = (name) => [...panel.querySelectorAll(`[data-control="${name}"]`)];
    const show = (name, text) => {
      for (const place of panel.querySelectorAll(`output[data-of="${name}"]`))
        if (place.textContent !== text) place.textContent = text;
    };

    box.classList.add("is-live");
    panel.hidden = false;
    const view = new View(parse(page.chart, null, { ast: true }),
      { expr: expressionInterpreter, renderer: "svg", container: chart, hover: false });
    chart.style.minHeight = `${page.height}px`;
    view.logLevel(0).height(page.height);
    const width = () => Math.max(240, Math.floor(chart.clientWidth));

    function read() { // the place of each control among its values
      return Object.fromEntries(page.controls.map((one) => {
        const [first, ...more] = inputs(one.name);
        if (first.type === "checkbox") return [one.name, Number(first.checked)];
        if (first.type === "radio") return [one.name, Number([first, ...more].find((i) => i.checked).value)];
        return [one.name, Number(first.value)];
      }));
    }
    function write(setting) { // puts the controls where a setting has them
      for (const one of page.controls) {
        const place = one.values.indexOf(setting[one.name]);
        for (const input of inputs(one.name)) {
          if (input.type === "checkbox") input.checked = Boolean(place);
          else if (input.type === "radio") input.checked = Number(input.value) === place;
          else input.value = place;
        }
      }
    }
    let asked = 0; // a newer question makes an older answer void
    async function update() {
      const turn = ++asked;
      const places = read();
      const shown = {};
      for (const one of page.controls) {
        const place = places[one.name];
        view.signal(one.name, one.values[place]);
        shown[one.name] = one.scale ? printed(one.values[place], one.scale)
          : one.words ? one.words[place] : place ? "yes" : "no";
      }
      await view.runAsync();
      if (turn !== asked) return;
      for (const one of page.readouts) {
        const value = view.signal(one.name);
        if (one.words.length)
          panel.querySelector(`output[data-of="${one.name}"]`)?.setAttribute("data-place", value);
        shown[one.name] = one.words.length ? one.words[value] : printed(value, one.scale);
      }
      for (const [name, text] of Object.entries(shown)) show(name, text);
      for (const one of page.controls)
        for (const input of inputs(one.name))
          if (input.type === "range") input.setAttribute("aria-valuetext", shown[one.name]);
      const text = page.sentences[view.signal("case")].replace(/\{(\w+)\}/g, (_, name) => shown[name]);
      if (sentence.textContent !== text) sentence.textContent = text;
      chart.setAttribute("aria-label", text);
      panel.dataset.turn = turn; // who waits for the numbers can see that they are here
    }

    view.width(width());
    await update();
    chart.querySelector("svg").setAttribute("aria-hidden", "true"); // the chart's name says it all
    panel.addEventListener("input", update);
    panel.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-setting]");
      if (!button) return;
      write(page.settings[Number(button.dataset.setting)]);
      update();
    });
    new ResizeObserver(() => {
      if (width() !== view.width()) view.width(width()).runAsync();
    }).observe(chart);
  }

  const near = new IntersectionObserver((entries) => {
    for (const entry of entries)
      if (entry.isIntersecting) {
        near.unobserve(entry.target);
        live(entry.target).catch((error) => console.error(error));
      }
  }, { rootMargin: "2000px" });
  for (const box of document.querySelectorAll(".explorer")) near.observe(box);
})();
