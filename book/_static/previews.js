// Cards that show what a link leads to: one at a time, within the window. They open on hover and on
// focus; on a touch screen the first tap opens and the second follows the link; Escape closes.
// What they say comes from the page's template, or from the place itself when it is on this page.
(() => {
  "use strict";
  const root = document.documentElement;
  const WAIT = 180; // ms before a card opens under a pointer that may only be passing
  const MORE = { claim: "Evidence in the ledger", term: "In the glossary", source: "In the bibliography",
    figure: "Go to the figure", table: "Go to the table", note: "Go to the note",
    text: "Go there" };
  const LINKS = ".bd-article :is(a[href], abbr[title])";
  const NOT = ".figure-spots a, .headerlink, .toctree-wrapper a, .stamp, .fn-backref, .footnote .label a, .preview a, "
    + ".toc a, [download]";
  const template = document.getElementById("previews");
  const store = new Map();
  const take = () => {
    for (const card of template?.content.children || []) store.set(card.dataset.for, card);
  };
  take();

  const box = document.createElement("div");
  box.id = "preview";
  box.className = "preview";
  box.setAttribute("role", "note");
  let shown = null; // the link whose card is open
  let height = 0; // where on a link of several lines the pointer came in
  let tapped = null; // the link that the last tap opened
  let touched = false; // whether the last press was a finger's
  let wanted = null; // the link whose card was asked for, though it may have none
  let timer;

  // -------------------------------------------------------------- what a card says

  const paragraph = (className, text) => {
    const made = document.createElement("p");
    made.className = className;
    made.textContent = text;
    return made;
  };
  const copy = (node) => {
    const made = node.cloneNode(true);
    for (const dull of made.querySelectorAll(".headerlink, .preview, .label, .fn-backref")) dull.remove();
    for (const named of [made, ...made.querySelectorAll("[id]")]) named.removeAttribute("id");
    return made;
  };
  const words = (node) => copy(node).textContent.replace(/\s+/g, " ").trim();

  // What a place on this page has to say: its kind, and what the card shows.
  function fromPage(id) {
    const place = document.getElementById(id);
    if (!place?.closest(".bd-article")) return null;
    const { top, bottom } = place.getBoundingClientRect();
    if (top >= 0 && bottom <= innerHeight) return null; // the reader sees it
    const caption = place.querySelector("figcaption, caption");
    if (caption && place.matches("figure, table")) {
      const images = [...place.querySelectorAll("img")].map(copy);
      for (const image of images) image.alt = "";
      return [caption.matches("caption") ? "table" : "figure",
        ...images, paragraph("preview-caption", words(caption))];
    }
    if (place.matches("dt")) {
      return ["term", paragraph("preview-title", words(place)),
        paragraph("", words(place.nextElementSibling))];
    }
    if (place.matches("aside")) return ["note", paragraph("", words(place))];
    if (place.matches("div.citation")) return ["source", paragraph("", words(place))];
    const heading = place.matches("section") && place.querySelector("h1, h2, h3, h4");
    if (!heading) return null;
    const first = [...place.children].find((child) => child.matches("p"));
    const lead = first ? words(first).match(/^.+?[.?!](?=\s|$)/)?.[0] : "";
    return ["text", paragraph("preview-title", words(heading)),
      ...(lead ? [paragraph("", lead)] : [])];
  }

  const abbreviation = (link) => (link.matches("abbr") ? link : link.querySelector("abbr[title]"));
  // The browser's own tip would lie over the card that says the same.
  function silence(link) {
    const abbr = abbreviation(link);
    if (abbr) [abbr.dataset.title, abbr.title] = [abbr.title, ""];
  }
  function restore(link) {
    const abbr = abbreviation(link);
    if (abbr) abbr.title = abbr.dataset.title;
  }

  function content(link) {
    const href = link.getAttribute("href") || "";
    let [kind, ...parts] = [null];
    const kept = store.get(href);
    if (kept) {
      kind = kept.dataset.kind;
      parts = [...kept.cloneNode(true).childNodes];
    } else if (href.startsWith("#") && href.length > 1) {
      [kind, ...parts] = fromPage(decodeURIComponent(href.slice(1))) || [null];
    }
    const long = abbreviation(link)?.title;
    if (long) parts.unshift(paragraph("preview-long", long));
    if (!parts.length) return null;
    if (kind) {
      const more = document.createElement("a");
      more.className = "preview-more";
      more.href = href;
      more.textContent = MORE[kind] || MORE.text;
      parts.push(more);
    }
    const verdict = parts[0].querySelector?.(".verdict")?.className.match(/verdict-(\w+)/)?.[1];
    box.className = `preview preview-${kind || "abbr"}${verdict ? ` claim-${verdict}` : ""}`;
    return parts;
  }

  // The long lists of the book keep their cards in a file of their own, until one is wanted.
  let coming = null;
  const arrived = () => (coming ??= new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = template.dataset.apart;
    script.onload = () => {
      template.innerHTML = window.deepseekMomentPreviews;
      take();
      resolve();
    };
    script.onerror = resolve; // without the file there are no cards
    document.head.append(script);
  }));

  // -------------------------------------------------------------- showing it

  const within = (value, most) => `${Math.max(8, Math.min(value, most))}px`;
  function place() {
    const lines = [...shown.getClientRects()];
    const line = lines.find((rect) => height >= rect.top && height <= rect.bottom) || lines[0];
    if (!line) return;
    const above = line.top - box.offsetHeight;
    const lowest = innerHeight - box.offsetHeight - 8;
    const top = line.bottom > lowest && above >= 8 ? above : line.bottom;
    box.style.left = within(line.left, root.clientWidth - box.offsetWidth - 8);
    box.style.top = within(top, lowest);
  }
  function show(link, y) {
    clearTimeout(timer);
    if (link === shown) return;
    if (shown) {
      shown.classList.remove("is-open");
      shown.removeAttribute("aria-describedby");
      restore(shown);
      box.remove();
    }
    shown = null;
    wanted = link;
    if (link && template?.dataset.apart && !store.size && !coming?.done) {
      arrived().then(() => {
        coming.done = true;
        if (wanted === link) show(link, y);
      });
    }
    const parts = link && content(link);
    if (!parts) return;
    shown = link;
    height = y;
    box.replaceChildren(...parts);
    link.classList.add("is-open");
    link.setAttribute("aria-describedby", box.id);
    silence(link);
    link.after(box); // the next stop of the keyboard
    place();
  }
  function later(link, y) {
    clearTimeout(timer);
    timer = setTimeout(() => show(link, y), WAIT);
  }

  const linkAt = (node) => {
    const link = node instanceof Element ? node.closest(LINKS) : null;
    const whole = link?.closest("a[href]") || link;
    return whole && !whole.matches(NOT) ? whole : null;
  };
  const inside = (node) => box.isConnected && box.contains(node);

  addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch" || inside(document.activeElement)) return;
    if (inside(event.target) || linkAt(event.target) === shown) return clearTimeout(timer);
    later(linkAt(event.target), event.clientY);
  });
  addEventListener("focusin", (event) => {
    if (!inside(event.target) && !touched) show(linkAt(event.target));
  });
  addEventListener("pointerdown", (event) => {
    touched = event.pointerType === "touch";
    if (!inside(event.target) && linkAt(event.target) !== shown) show((tapped = null));
  });
  addEventListener("click", (event) => {
    const link = linkAt(event.target);
    if (!link || inside(event.target)) return;
    if (!touched || link === tapped) return link.matches("a") && show(null);
    tapped = link;
    show(link, event.clientY);
    if (shown === link) event.preventDefault();
  });
  addEventListener("keydown", (event) => {
    touched = false;
    if (event.key !== "Escape" || !shown) return;
    const link = shown;
    if (inside(document.activeElement)) link.focus();
    show(null);
  });
  addEventListener("scroll", () => shown && place(), { passive: true });
  addEventListener("resize", () => shown && place());
  addEventListener("pagehide", () => show((tapped = null))); // nobody comes back to an open card
})();
