// Cards of claims: one at a time, within the window. They open on hover and on focus; on a touch
// screen the first tap opens and the second follows the link; Escape closes.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("cards"); // from here on the style sheet leaves opening to this script
  let shown = null; // the claim whose card is open
  let height = 0; // where on a link of several lines the pointer came in
  let tapped = null; // the claim that the last tap opened
  let touched = false; // whether the last press was a finger's
  const claimAt = (node) => (node instanceof Element ? node.closest(".claim") : null);
  const within = (value, most) => `${Math.max(8, Math.min(value, most))}px`;

  function place() {
    const card = shown.querySelector(".claim-card");
    const lines = [...shown.querySelector(".claim-link").getClientRects()];
    const line = lines.find((box) => height >= box.top && height <= box.bottom) || lines[0];
    const above = line.top - card.offsetHeight;
    const lowest = innerHeight - card.offsetHeight - 8;
    const top = line.bottom > lowest && above >= 8 ? above : line.bottom;
    card.style.setProperty("--card-left", within(line.left, root.clientWidth - card.offsetWidth - 8));
    card.style.setProperty("--card-top", within(top, lowest));
  }
  function show(claim, y) {
    if (claim === shown) return;
    shown?.classList.remove("is-open");
    shown = claim;
    height = y;
    claim?.classList.add("is-open");
    if (claim) place();
  }

  addEventListener("pointerover", (event) => {
    const reading = shown?.querySelector(".claim-card").contains(document.activeElement);
    if (event.pointerType !== "touch" && !reading) show(claimAt(event.target), event.clientY);
  });
  addEventListener("focusin", (event) => show(claimAt(event.target)));
  addEventListener("pointerdown", (event) => {
    touched = event.pointerType === "touch";
    if (!shown?.contains(event.target)) show((tapped = null));
  });
  addEventListener("click", (event) => {
    const link = event.target.closest(".claim-link");
    if (!link || !touched || claimAt(link) === tapped) return;
    event.preventDefault();
    show((tapped = claimAt(link)), event.clientY);
  });
  addEventListener("keydown", (event) => {
    touched = false;
    if (event.key !== "Escape" || !shown) return;
    if (shown.contains(document.activeElement)) shown.querySelector(".claim-link").focus();
    show(null);
  });
  addEventListener("scroll", () => shown && place(), { passive: true });
  addEventListener("resize", () => shown && place());
  addEventListener("pagehide", () => show((tapped = null))); // nobody comes back to an open card
})();
