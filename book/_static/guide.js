// Cards of claims. CSS shows them on hover and focus; this keeps them within the window, lets a
// first tap open what a second tap follows, and closes them on Escape.
(() => {
  "use strict";
  const root = document.documentElement;
  let current = null; // the claim whose card was placed last
  let touched = false; // whether the last press was a finger
  const claimAt = (node) => (node instanceof Element ? node.closest(".claim") : null);

  function place(claim, y) {
    const card = claim.querySelector(".claim-card");
    const lines = [...claim.querySelector(".claim-link").getClientRects()];
    const line = lines.find((r) => y >= r.top && y <= r.bottom) || lines[0];
    const room = { w: root.clientWidth - card.offsetWidth - 8, h: innerHeight - card.offsetHeight - 8 };
    const above = line.top - card.offsetHeight;
    const top = line.bottom <= room.h || above < 8 ? line.bottom : above;
    card.style.setProperty("--card-left", `${Math.max(8, Math.min(line.left, room.w))}px`);
    card.style.setProperty("--card-top", `${Math.max(8, Math.min(top, Math.max(8, room.h)))}px`);
    claim.dataset.y = y ?? "";
  }
  function enter(claim, y) {
    if (current && current !== claim) leave(current);
    current = claim;
    if (claim) place(claim, y);
  }
  function leave(claim) {
    claim.classList.remove("is-open", "is-shut");
    if (claim === current) current = null;
  }

  root.classList.add("cards");
  addEventListener("pointerover", (event) => {
    const claim = claimAt(event.target);
    if (event.pointerType !== "touch" && claim !== current) enter(claim, event.clientY);
  });
  addEventListener("focusin", (event) => {
    const claim = claimAt(event.target);
    if (claim && claim !== current) enter(claim);
  });
  addEventListener("focusout", (event) => {
    const claim = claimAt(event.target);
    if (claim && !claim.contains(event.relatedTarget)) leave(claim);
  });
  addEventListener("pointerdown", (event) => {
    touched = event.pointerType === "touch";
    const claim = document.querySelector(".claim.is-open");
    if (claim && !claim.contains(event.target)) {
      if (claim.contains(document.activeElement)) document.activeElement.blur();
      leave(claim);
    }
  });
  addEventListener("click", (event) => {
    const claim = claimAt(event.target);
    const link = claim && event.target.closest(".claim-link");
    if (!link || !touched || claim.classList.contains("is-open")) return;
    event.preventDefault();
    claim.classList.add("is-open");
    enter(claim, event.clientY);
  });
})();
