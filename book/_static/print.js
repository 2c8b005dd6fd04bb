// The button that prints a page; the theme's own way is a handler inside the element.
addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest("[data-print]")) print();
});
