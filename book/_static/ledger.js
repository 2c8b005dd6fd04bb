// The whole ledger: filtered, sorted, counted. Without this script it is the list it has always been.
// What is chosen stands in the address after '#', so that it can be kept and sent; '#claim-…' still
// leads to an entry, whatever is chosen.
(() => {
  "use strict";
  const form = document.querySelector("form.ledger-tools");
  if (!form) return;
  const entries = [...document.querySelectorAll(".claim-entry[data-verdict]")];
  const count = form.querySelector("[role=status]");
  const verdicts = [...form.elements.verdict].map((box) => box.value);
  const KEYS = ["speaker", "kind", "chapter", "measured", "q", "sort"];
  let words = null; // of each entry, once somebody looks for some

  // What an entry says of itself, read once somebody asks: the page is there sooner without.
  let known = null;
  function told(entry) {
    known ??= new Map(entries.map((one, place) => [one, {
      place,
      home: one.parentElement,
      verdict: one.dataset.verdict,
      speaker: one.dataset.speaker,
      measured: "measured" in one.dataset,
      chapter: one.parentElement.id.replace("ledger-", ""),
      kind: one.querySelector(".entry-meta").textContent.split(" · ").pop(),
      start: Number(one.querySelector(".entry-meta .stamp")?.search.match(/\bt=(\d+)/)?.[1] ?? Infinity),
    }]));
    return known.get(entry);
  }

  function chosen() {
    const given = new FormData(form);
    const found = new URLSearchParams();
    const some = given.getAll("verdict");
    if (some.length && some.length < verdicts.length) found.set("verdict", some.join(","));
    for (const key of KEYS) {
      const value = (given.get(key) || "").trim();
      if (value && !(key === "sort" && value === "chapter")) found.set(key, value);
    }
    return found;
  }

  function matches(entry, wanted) {
    const said = told(entry);
    const some = wanted.get("verdict");
    if (some && !some.split(",").includes(said.verdict)) return false;
    if (["speaker", "kind", "chapter"].some((key) => wanted.has(key) && wanted.get(key) !== said[key])) return false;
    if (wanted.has("measured") && (wanted.get("measured") === "yes") !== said.measured) return false;
    if (!wanted.has("q")) return true;
    words ??= new Map(entries.map((one) => [one, one.textContent.toLowerCase()]));
    return wanted.get("q").toLowerCase().split(/\s+/).every((word) => words.get(entry).includes(word));
  }

  const later = (a, b) => a.place - b.place;
  const ORDERS = {
    time: (a, b) => (a.start === b.start ? later(a, b) : a.start - b.start),
    verdict: (a, b) => verdicts.indexOf(a.verdict) - verdicts.indexOf(b.verdict) || later(a, b),
  };
  let order = "chapter";
  let flat = null; // holds the entries when they are not sorted by chapter
  function arrange(wanted) {
    if (wanted === order) return;
    order = wanted;
    const sorted = ORDERS[order] && [...entries].sort((a, b) => ORDERS[order](told(a), told(b)));
    if (sorted && !flat) {
      flat = document.createElement("div");
      flat.className = "ledger-flat";
      told(entries[0]).home.before(flat);
    }
    if (sorted) flat.append(...sorted);
    else for (const entry of entries) told(entry).home.append(entry);
  }

  function show() {
    const wanted = chosen();
    let shown = 0;
    for (const entry of entries) {
      entry.hidden = !matches(entry, wanted);
      if (!entry.hidden) shown += 1;
    }
    arrange(wanted.get("sort") || "chapter");
    for (const section of new Set(entries.map((entry) => told(entry).home))) {
      section.hidden = order !== "chapter" || !section.querySelector(".claim-entry:not([hidden])");
    }
    // its text is exchanged, for a new node would have the whole page styled anew
    count.firstChild.data = `${shown} of ${entries.length} claims${shown ? "" : ": ask for less"}`;
    return wanted;
  }

  function write() {
    const wanted = show().toString();
    history.replaceState(null, "", wanted ? `#${wanted}` : location.pathname + location.search);
  }

  let quiet = false; // while the script clears the form, not the reader
  function clear() {
    quiet = true;
    form.reset();
    quiet = false;
  }

  // Whoever follows a link to an entry or a chapter wants to see it, and its neighbours.
  function read() {
    const hash = decodeURIComponent(location.hash.slice(1));
    const target = hash && document.getElementById(hash);
    if (target) {
      if (target.closest("[hidden]") || order !== "chapter") { clear(); show(); }
      requestAnimationFrame(() => target.scrollIntoView());
      return;
    }
    const wanted = new URLSearchParams(location.hash.slice(1));
    if (![...KEYS, "verdict"].some((key) => wanted.has(key))) return;
    clear();
    const some = wanted.get("verdict")?.split(",") ?? [];
    for (const box of form.elements.verdict) box.checked = some.includes(box.value);
    for (const key of KEYS) if (wanted.has(key)) form.elements[key].value = wanted.get(key);
    show();
    form.scrollIntoView();
  }

  form.hidden = false;
  let due = null;
  form.addEventListener("input", () => { clearTimeout(due); due = setTimeout(write, 120); });
  form.addEventListener("submit", (event) => { event.preventDefault(); write(); });
  form.addEventListener("reset", () => quiet || setTimeout(write));
  addEventListener("hashchange", read);
  if (chosen().toString()) show(); // as after going back
  if (location.hash) read();
})();
