// Where the reader stopped, and which chapters were read to the end: kept in this browser alone.
(() => {
  "use strict";
  const PREFIX = "deepseek-moment:"; // of all that the book keeps in a browser
  const KEY = `${PREFIX}reading`;
  const site = new URL(document.documentElement.dataset.content_root || "./", location.href);
  const idOf = (address) => {
    const { pathname } = new URL(address, location.href);
    return decodeURIComponent(pathname.slice(site.pathname.length)).replace(/\.html$/, "");
  };
  const page = idOf(location.href);
  const textOf = (node) => {
    const made = node.cloneNode(true);
    made.querySelectorAll(".headerlink, .preview").forEach((dull) => dull.remove());
    return made.textContent.replace(/\s+/g, " ").trim();
  };

  // A browser may refuse to keep anything; the book is read all the same.
  function recall() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY)) || {};
      return { last: kept.last?.page ? kept.last : null, read: Array.isArray(kept.read) ? kept.read : [] };
    } catch {
      return { last: null, read: [] };
    }
  }
  function keep(change) {
    try {
      localStorage.setItem(KEY, JSON.stringify({ ...recall(), ...change }));
    } catch { /* nothing is kept */ }
  }
  function forget() {
    try {
      Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))
        .forEach((key) => localStorage.removeItem(key));
    } catch { /* nothing was kept */ }
  }

  // -------------------------------------------------------------- the contents at the side

  const entries = () => [...document.querySelectorAll("nav.bd-links li > a.reference")];
  function markRead() {
    document.querySelectorAll(".read-mark").forEach((mark) => mark.remove());
    const { read } = recall();
    for (const link of entries()) {
      if (!read.includes(idOf(link.href))) continue;
      const mark = document.createElement("span");
      mark.className = "read-mark";
      mark.setAttribute("role", "img");
      mark.setAttribute("aria-label", "read");
      mark.textContent = "✓";
      link.append(" ", mark);
    }
  }

  // -------------------------------------------------------------- a chapter being read

  function follow(title) {
    const headings = [...document.querySelectorAll(".bd-article section[id] > :is(h2, h3)")];
    let due = null;
    function note() {
      due = null;
      const passed = headings.filter((heading) => heading.getBoundingClientRect().top < innerHeight / 3);
      const heading = passed[passed.length - 1];
      const last = { page, chapter: textOf(title) };
      if (heading) Object.assign(last, { anchor: heading.parentElement.id, section: textOf(heading) });
      keep({ last });
    }
    addEventListener("scroll", () => { due ??= setTimeout(note, 400); }, { passive: true });
    addEventListener("pagehide", () => due && note());
    const end = document.querySelector(".prev-next-footer");
    if (!end) return;
    new IntersectionObserver((seen) => {
      const { read } = recall();
      if (scrollY < innerHeight || read.includes(page) || !seen.some((one) => one.isIntersecting)) return;
      keep({ read: [...read, page] });
      markRead();
    }).observe(end);
  }

  // -------------------------------------------------------------- the first page

  function offer(title) {
    const { last, read } = recall();
    if (!last && !read.length) return;
    const box = document.createElement("aside");
    box.className = "continue";
    box.setAttribute("aria-label", "Where you stopped");
    const chapters = entries().filter((link) => /^\s*\d+\./.test(link.textContent));
    let [address, name] = ["", ""];
    if (last && !read.includes(last.page)) {
      address = `${last.page}.html${last.anchor ? `#${last.anchor}` : ""}`;
      name = last.section ? `${last.chapter} › ${last.section}` : last.chapter;
    } else {
      const at = chapters.findIndex((link) => idOf(link.href) === last?.page);
      const next = [...chapters.slice(at + 1), ...chapters].find((link) => !read.includes(idOf(link.href)));
      if (next) [address, name] = [`${idOf(next.href)}.html`, textOf(next)];
    }
    if (name) {
      const link = document.createElement("a");
      link.href = new URL(address, site).href;
      link.textContent = name;
      const line = document.createElement("p");
      line.className = "continue-where";
      line.append("Continue: ", link);
      box.append(line);
    }
    const note = document.createElement("p");
    const done = chapters.filter((link) => read.includes(idOf(link.href))).length;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Forget where I was";
    button.addEventListener("click", () => {
      forget();
      markRead();
      box.replaceChildren("Forgotten.");
      box.setAttribute("role", "status");
    });
    note.append(`${done} of ${chapters.length} chapters read. Only this browser knows. `, button);
    box.append(note);
    title.after(box);
  }

  const title = document.querySelector(".bd-article h1");
  if (!title) return;
  markRead();
  if (title.querySelector(".section-number")) follow(title);
  else if (page === "book/intro") offer(title);
})();
