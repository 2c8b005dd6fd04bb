// What a page does besides being read: light or dark, the search dialog, the two tables of contents,
// the button that leads back to the top, copying code, and scrolling with the keyboard.
(() => {
  "use strict";
  const root = document.documentElement;
  const one = (css) => document.querySelector(css);
  const all = (css) => [...document.querySelectorAll(css)];
  const byId = (id) => document.getElementById(id);
  const WIDE = matchMedia("(min-width: 960px)"); // there is room for the contents at the side
  const press = (button, act) => button?.addEventListener("click", act);

  // -------------------------------------------------------------- light or dark

  const system = matchMedia("(prefers-color-scheme: dark)");
  const NAMES = { auto: "as the system", light: "light", dark: "dark" };
  function dress(mode) {
    const theme = mode === "auto" ? (system.matches ? "dark" : "light") : mode;
    if (root.dataset.mode !== mode) root.dataset.mode = mode;
    if (root.dataset.theme !== theme) root.dataset.theme = theme; // else the page is styled anew for nothing
    for (const button of all(".theme-switch-button")) {
      button.title = `Light or dark: now ${NAMES[mode]}`;
      button.setAttribute("aria-label", button.title);
    }
  }
  dress(root.dataset.mode || "auto");
  system.addEventListener("change", () => dress(root.dataset.mode));
  for (const button of all(".theme-switch-button")) {
    press(button, () => {
      const order = system.matches ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
      const mode = order[(order.indexOf(root.dataset.mode) + 1) % 3];
      dress(mode);
      try {
        localStorage.setItem("mode", mode);
      } catch { /* a browser that keeps nothing */ }
    });
  }

  // -------------------------------------------------------------- dialogs

  const outside = (box) => box.addEventListener("click", (event) => {
    if (event.target !== box) return;
    const { left, right, top, bottom } = box.getBoundingClientRect();
    const { clientX: x, clientY: y } = event;
    if (x < left || x > right || y < top || y > bottom) box.close();
  });

  const dialog = byId("pst-search-dialog");
  const ownField = one(".search-page form.bd-search input"); // the page of the search has its own
  function search() {
    if (ownField) {
      ownField.focus();
      ownField.select();
    } else if (dialog.open) dialog.close();
    else dialog.showModal();
  }
  outside(dialog);
  for (const button of all(".search-button__button")) press(button, search);
  const apple = /^(Mac|iP)/.test(navigator.platform);
  if (apple) for (const key of all(".kbd-shortcut__modifier")) key.textContent = "⌘";
  addEventListener("keydown", (event) => {
    const held = apple ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
    if (!held || event.shiftKey || event.altKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    search();
  }, true);

  // On a small screen a table of contents moves into a dialog, and back when that is closed.
  function drawer(button, bar, box) {
    if (!button || !bar || !box) return;
    const move = (from, to) => {
      to.append(...from.childNodes);
      to.classList.add(...from.classList);
      from.className = "";
    };
    press(button, () => {
      if (button.matches(".primary-toggle") && WIDE.matches) {
        bar.classList.toggle("pst-sidebar-hidden");
        return;
      }
      move(bar, box);
      box.showModal();
    });
    outside(box);
    press(box, (event) => event.target.closest("a") && box.close());
    box.addEventListener("close", () => {
      move(box, bar);
      button.focus();
    });
  }
  drawer(one(".primary-toggle"), byId("pst-primary-sidebar"), byId("pst-primary-sidebar-modal"));
  drawer(one(".secondary-toggle"), byId("pst-secondary-sidebar"), byId("pst-secondary-sidebar-modal"));

  const menu = one("details.dropdown");
  addEventListener("click", (event) => {
    if (menu?.open && !menu.contains(event.target)) menu.open = false;
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu?.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  // -------------------------------------------------------------- where the reader is

  // the page's own entry is brought into view, as far down as the reader left the list
  const bar = byId("pst-primary-sidebar");
  const here = bar.querySelector("nav .current > a");
  try {
    if (WIDE.matches) { // elsewhere the list is not seen, and asking for its height takes time
      const kept = sessionStorage.getItem("sidebar-scroll-top");
      if (kept !== null) bar.scrollTop = Number(kept);
      else if (here && here.offsetTop > innerHeight / 2) bar.scrollTop = here.offsetTop - innerHeight / 4;
      addEventListener("pagehide", () => sessionStorage.setItem("sidebar-scroll-top", bar.scrollTop));
    }
  } catch { /* a browser that keeps nothing */ }

  const entries = new Map(all("#pst-page-toc-nav a[href^='#']").map((link) =>
    [byId(decodeURIComponent(link.hash.slice(1))), link]).filter(([place]) => place));
  let lit = null;
  function light(link) {
    if (link === lit) return;
    lit?.classList.remove("active");
    lit?.removeAttribute("aria-current");
    link?.classList.add("active");
    link?.setAttribute("aria-current", "true");
    lit = link;
  }
  const seen = new Set();
  const watch = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) seen[isIntersecting ? "add" : "delete"](target);
    const last = [...entries.keys()].filter((place) => seen.has(place)).pop();
    if (last) light(entries.get(last));
  }, { rootMargin: "-64px 0px -70% 0px" });
  for (const place of entries.keys()) watch.observe(place);

  const back = byId("pst-back-to-top");
  press(back, () => {
    scrollTo(0, 0);
    back.hidden = true;
    byId("main-content").focus({ preventScroll: true });
  });
  let before = 0;
  addEventListener("scroll", () => {
    back.hidden = !(scrollY < before && scrollY > innerHeight);
    before = scrollY;
    document.body.classList.toggle("scrolled", scrollY > 0);
  }, { passive: true });

  // -------------------------------------------------------------- code and wide matter

  if (navigator.clipboard) {
    for (const code of all("div.highlight > pre")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copybtn";
      button.title = "Copy this code";
      button.setAttribute("aria-label", button.title);
      press(button, async () => {
        await navigator.clipboard.writeText(code.textContent);
        button.classList.add("success");
        button.setAttribute("aria-label", "Copied");
        setTimeout(() => {
          button.classList.remove("success");
          button.setAttribute("aria-label", button.title);
        }, 1500);
      });
      code.after(button);
    }
  }

  // What scrolls can be scrolled with the keyboard. Sizes are read when the browser knows them
  // anyway, and all before anything is changed.
  const ROLLS = ".bd-article :is(pre, .math, .scroll, .pst-scrollable-table-container, figure, .cell_output > .output)";
  const shown = new IntersectionObserver((changes) => {
    const scrolls = changes.map(({ target: box, isIntersecting }) => isIntersecting
      && (box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1)
      && getComputedStyle(box).overflowX !== "visible");
    changes.forEach(({ target }, i) => {
      if (scrolls[i]) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    });
  }, { rootMargin: "1000000px" });
  function measure() {
    shown.disconnect();
    for (const box of all(ROLLS)) shown.observe(box);
  }
  measure();
  let due;
  addEventListener("resize", () => {
    clearTimeout(due);
    due = setTimeout(measure, 300);
  });
})();
