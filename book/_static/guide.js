// Cards of claims. The style sheet shows them on hover and focus; this keeps them within the
// window, lets a first tap open what a second tap follows, and closes them on Escape.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("cards");
  let shown = null; // the claim whose card was placed last
  let height = 0; // where on a link of several lines the pointer came in
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
    if (shown && shown !== claim) shown.classList.remove("is-open", "is-shut");
    shown = claim;
    height = y;
    if (shown) place();
  }
  const held = () => shown?.contains(document.activeElement);
  const leave = () => {
    if (held()) document.activeElement.blur();
    show(null);
  };

  addEventListener("pointerover", (event) => {
    const claim = claimAt(event.target);
    if (event.pointerType !== "touch" && claim !== shown && (claim || !held())) show(claim, event.clientY);
  });
  addEventListener("focusin", (event) => claimAt(event.target) !== shown && show(claimAt(event.target)));
  addEventListener("pointerdown", (event) => {
    touched = event.pointerType === "touch";
    if (touched && shown && !shown.contains(event.target)) leave();
  });
  addEventListener("click", (event) => {
    const claim = claimAt(event.target);
    if (!touched || !claim || claim.classList.contains("is-open") || !event.target.closest(".claim-link")) return;
    event.preventDefault();
    show(claim, event.clientY);
    claim.classList.add("is-open");
  });
  addEventListener("keydown", (event) => {
    touched = false;
    if (event.key !== "Escape" || !shown) return;
    if (held()) shown.querySelector(".claim-link").focus();
    shown.classList.remove("is-open");
    shown.classList.add("is-shut");
  });
  addEventListener("scroll", () => shown && place(), { passive: true });
  addEventListener("resize", () => shown && place());
  addEventListener("pagehide", leave); // so that nobody comes back to an open card
})();
