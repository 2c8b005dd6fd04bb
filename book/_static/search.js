// The search. Its library and its index are fetched when a reader first turns to a search field,
// and the index is taken in small pieces, so that the page stays at hand meanwhile.
(() => {
  "use strict";
  const root = document.documentElement.dataset.content_root || "./";
  const here = new URL(document.currentScript.src);
  const SHOWN = 30; // results at once
  const HINTS = ["latent attention", "MLA", "27x", "H20", "Huang", "1:02:02"];

  // -------------------------------------------------------------- words and numbers

  const UNITS = {
    times: "x|×|times|-?fold", percent: "%|per ?cent", trillion: "tn|t|trillion",
    billion: "bn|b|billion", million: "mn|m|million", thousand: "k|thousand",
    gb: "gb|gigabytes?", tb: "tb|terabytes?", gw: "gw|gigawatts?", mw: "mw|megawatts?",
    kw: "kw|kilowatts?", nm: "nm|nanomet(?:re|er)s?", gwh: "gwh", hours: "h|hours?",
  };
  const names = Object.keys(UNITS);
  const NUMBER = new RegExp(
    `(?<![\\p{L}\\p{N}.])(\\d+(?:\\.\\d+)?)[\\s\\u00a0-]*(?:${names
      .map((name) => `(${UNITS[name]})`).join("|")})(?![\\p{L}\\p{N}])`, "gu");
  const STAMP = /(?<![\p{N}:])(?:(\d):)?(\d?\d):(\d\d)(?![\p{N}:])/gu;
  const WORD = /[\p{L}\p{N}]+(?:\.\p{N}+)*/gu;
  const SILENT = new Set(("a an and are as at be but by for from has have he her his in is it its of "
    + "on or she that the their they this to was were what when which who will with").split(" "));
  const seconds = (h, m, s) => Number(h || 0) * 3600 + Number(m) * 60 + Number(s);

  // One spelling for what means the same: 27x and 27 times, 671B and 671 billion, 2,048 and 2048.
  function terms(text) {
    const plain = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
      .replace(/['’]s(?!\p{L})/gu, "").replace(/['’]/g, "")
      .replace(/(\d),(?=\d{3}(?!\d))/g, "$1")
      .replace(STAMP, (_, h, m, s) => ` at${seconds(h, m, s)} `)
      .replace(NUMBER, (_, number, ...found) => {
        const unit = names[found.slice(0, names.length).findIndex(Boolean)];
        return ` ${number} ${unit} ${number}${unit} `;
      });
    return (plain.match(WORD) || []).filter((word) => !SILENT.has(word)).map((word) =>
      /^\p{L}{3,}s$/u.test(word) && !word.endsWith("ss") ? word.slice(0, -1) : word);
  }
  const joined = (text) => ` ${terms(text).join(" ")} `;

  // -------------------------------------------------------------- the index

  const WEIGHTS = { Term: 2.2, Name: 2, Claim: 1.3, Figure: 1, Text: 1, Event: 0.9, Table: 0.7,
    Disagreement: 0.8, Exercise: 0.6, Card: 0.5, Quiz: 0.5, Source: 0.55 };
  const FIELDS = { title: 4, also: 4, where: 1.2, text: 1 };
  let index, engine, synonyms, ready;

  const fetched = (name) => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(name, here);
    script.onload = resolve;
    script.onerror = () => reject(new Error(name));
    document.head.append(script);
  });
  const pause = () => new Promise((resolve) => setTimeout(resolve));

  function load() {
    ready ??= Promise.all([fetched("vendor/minisearch/minisearch-7.2.0.js"),
      fetched("search-index.js")]).then(take);
    return ready;
  }
  async function take() {
    index = window.deepseekMomentIndex;
    engine = new window.MiniSearch({
      fields: Object.keys(FIELDS),
      tokenize: terms,
      processTerm: (term) => term,
    });
    let began = performance.now();
    for (const [id, [, page, , path, title, text = "", also = ""]] of index.docs.entries()) {
      const where = [index.pages[page][1], ...index.paths[path]].join(" ");
      engine.add({ id, title, text, where, also });
      if (performance.now() - began > 12) {
        await pause();
        began = performance.now();
      }
    }
    synonyms = index.names.map((group) => group.map(joined)); // " latent attention ", " mla "
  }

  // -------------------------------------------------------------- asking it

  const options = (combineWith) => ({
    combineWith,
    boost: FIELDS,
    fuzzy: (term) => (/\d/.test(term) || term.length < 4 ? false : 0.25),
    maxFuzzy: 2,
    // a word still being typed; H20 is no beginning of H200 once there is an H20
    prefix: (term, i, all) => i === all.length - 1 && term.length > 1 && !/^\d/.test(term),
    weights: { fuzzy: 0.3, prefix: 0.4 },
    boostDocument: (id) => WEIGHTS[index.kinds[index.docs[id][0]]],
  });

  // What else the words may be called, as whole queries.
  function otherwise(query) {
    const found = new Set();
    for (const group of synonyms) {
      for (const name of group) {
        if (name.trim() && query.includes(name)) {
          for (const other of group) if (other !== name) found.add(query.replace(name, other));
        }
      }
    }
    return [...found].slice(0, 8);
  }

  function atStamp(wanted) {
    const near = [];
    index.docs.forEach(([kind, , , , , text = "", , , at = ""], id) => {
      const stamps = [...`${at} ${text}`.matchAll(STAMP)].map((m) => seconds(m[1], m[2], m[3]));
      const off = Math.min(...stamps.map((stamp) => Math.abs(stamp - wanted)));
      if (off <= 90) near.push({ id, off, score: -off - kind / 100, terms: [`at${wanted}`] });
    });
    return near.sort((a, b) => b.score - a.score);
  }

  function ask(text) {
    const stamp = [...text.trim().matchAll(STAMP)][0];
    if (stamp && stamp[0] === text.trim()) return atStamp(seconds(stamp[1], stamp[2], stamp[3]));
    const query = joined(text);
    if (!query.trim()) return [];
    const found = new Map();
    const add = (words, weight, combineWith, least = 0) => {
      for (const hit of engine.search(words.trim(), options(combineWith))) {
        if (new Set(hit.queryTerms).size < least) continue;
        const known = found.get(hit.id);
        const score = hit.score * weight;
        found.set(hit.id, {
          id: hit.id,
          score: Math.max(score, known?.score || 0),
          terms: [...(known?.terms || []), ...hit.terms],
        });
      }
    };
    add(query, 1, "AND");
    for (const other of otherwise(query)) add(other, 0.6, "AND");
    // most of the words, where hardly any place has them all
    if (found.size < 5) add(query, 0.25, "OR", Math.ceil(new Set(terms(text)).size * 0.6));
    const hits = [...found.values()].sort((a, b) => b.score - a.score).slice(0, 120);
    for (const hit of hits) {
      const [, , , , title, body = "", also = ""] = index.docs[hit.id];
      const names = [title, ...also.split(";")].map(joined);
      if (names.includes(query)) hit.score *= 4;
      else if (names[0].includes(query)) hit.score *= 1.8;
      else if (joined(body).includes(query)) hit.score *= 1.3;
    }
    return hits.sort((a, b) => b.score - a.score);
  }

  // -------------------------------------------------------------- showing what was found

  const element = (tag, className, ...children) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...children);
    return made;
  };
  const PIECE = /[\p{L}\p{N}](?:[\p{L}\p{N}.,:’'×%-]*[\p{L}\p{N}×%])?/gu;

  // The part of a text with most of the words that were found, those marked.
  function excerpt(text, wanted, room, whole = false) {
    const words = [...text.matchAll(PIECE)].map((m) => ({
      from: m.index, to: m.index + m[0].length, hit: terms(m[0]).some((term) => wanted.has(term)),
    }));
    let first = 0, best = 0, most = -1;
    const hits = words.filter((word) => word.hit);
    hits.forEach((word, i) => {
      let count = 0;
      while (hits[i + count] && hits[i + count].to - word.from < room * 0.7) count += 1;
      if (count > most) [first, most] = [i, count];
    });
    // what can be had with the beginning is read from the beginning
    if (hits.length && (most < 1 || hits[first].to > room * 0.8) && !whole) {
      best = Math.max(0, hits[first].from - room * 0.25);
    }
    if (best + room > text.length) best = Math.max(0, text.length - room);
    if (best) best = text.indexOf(" ", best) + 1;
    let end = best + room;
    if (end < text.length) end = Math.max(text.lastIndexOf(" ", end), best + 1);
    const out = [best ? "… " : ""];
    let at = best;
    for (const { from, to } of hits.filter((word) => word.from >= best && word.to <= end)) {
      out.push(text.slice(at, from), element("mark", "", text.slice(from, to)));
      at = to;
    }
    out.push(text.slice(at, end), end < text.length ? " …" : "");
    return out;
  }

  function result(hit) {
    const [kind, page, anchor, path, title, text = "", also, verdict, at] = index.docs[hit.id];
    const [address, chapter] = index.pages[page];
    const wanted = new Set(hit.terms);
    const link = element("a", "hit");
    link.href = `${root}${address}${anchor ? `#${encodeURIComponent(anchor)}` : ""}`;
    const head = element("span", "hit-head", element("span", "hit-kind", index.kinds[kind]));
    if (verdict) {
      const mark = element("span", "", index.marks[verdict]);
      mark.setAttribute("aria-hidden", "true");
      head.append(element("span", `verdict verdict-${verdict}`, mark, ` ${verdict}`));
    }
    if (verdict) head.append(element("span", "hit-who", at ? `${also}, ${at}` : also));
    const where = [chapter, ...index.paths[path]].filter((name) => name !== title).join(" › ");
    head.append(element("span", "hit-where", where));
    link.append(head);
    if (title) link.append(element("span", "hit-title", ...excerpt(title, wanted, 220)));
    if (also && !verdict) {
      link.lastChild.append(element("span", "hit-also", ` ${also.replaceAll(";", ", ")}`));
    }
    const entry = ["Term", "Name", "Event"].includes(index.kinds[kind]);
    if (text) link.append(element("span", "hit-text", ...excerpt(text, wanted, title ? 170 : 260, entry)));
    return element("li", "", link);
  }

  function attach(form) {
    const input = form.querySelector("input");
    const dialog = form.closest("dialog");
    const status = element("p", "search-status");
    const list = element("ol", "search-hits");
    const box = element("div", "search-results", status, list);
    status.setAttribute("role", "status");
    list.setAttribute("aria-label", "Search results");
    form.after(box);
    let last = null;
    const links = () => [...box.querySelectorAll("a.hit, a.search-all")];

    function hints() {
      const buttons = HINTS.map((hint) => {
        const button = element("button", "search-hint", hint);
        button.type = "button";
        button.addEventListener("click", () => { input.value = hint; input.focus(); answer(); });
        return button;
      });
      status.replaceChildren("Words, names, numbers with their unit, or a time in the video: ",
        ...buttons.flatMap((button) => [button, " "]));
    }
    async function answer() {
      const text = input.value;
      if (text === last) return;
      last = text;
      if (!text.trim()) {
        list.replaceChildren();
        return hints();
      }
      if (!engine || !synonyms) status.textContent = "Opening the index …";
      try {
        await load();
      } catch {
        status.textContent = "The index of the search is missing beside this page.";
        return;
      }
      if (text !== input.value) return;
      const hits = ask(text);
      list.replaceChildren(...hits.slice(0, SHOWN).map(result));
      const count = hits.length > SHOWN ? `The best ${SHOWN} results` : hits.length === 1
        ? "One result" : `${hits.length} results`;
      if (!hits.length) status.textContent = "Nothing was found. Fewer words, or another spelling, may help.";
      else {
        status.replaceChildren(`${count}. `, element("span", "search-keys", "Arrow keys move, Enter opens."));
      }
      box.scrollTop = 0;
      box.dataset.answers = text;
      if (!dialog) history.replaceState(null, "", `?q=${encodeURIComponent(text)}`);
    }

    let timer;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(answer, 90);
    });
    input.addEventListener("focus", () => {
      load().catch(() => {}); // answer() tells the reader
      if (last === null) answer();
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      clearTimeout(timer);
      await answer();
      const first = links()[0];
      if (first && dialog) first.click();
      else first?.focus();
    });
    (dialog || form.parentElement).addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const all = [input, ...links()];
      const at = all.indexOf(document.activeElement);
      if (!step || at < 0) return;
      event.preventDefault();
      const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
      next.focus();
      if (next === input) box.scrollTop = 0;
    });
    box.addEventListener("click", (event) => {
      if (event.target.closest("a")) dialog?.close();
    });
    if (!dialog) {
      input.value = new URLSearchParams(location.search).get("q") || "";
      input.focus();
      answer();
    }
  }
  document.querySelectorAll("form.bd-search").forEach(attach);
})();
