(() => {
  // Before anything is drawn: light or dark as the reader chose, and the fonts of the first screen.
  const root = document.documentElement;
  let mode = null;
  try {
    mode = localStorage.getItem("mode");
  } catch { /* a browser that keeps nothing */ }
  if (mode !== "light" && mode !== "dark") mode = "auto";
  const dark = mode === "dark" || (mode === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  Object.assign(root.dataset, { mode, theme: dark ? "dark" : "light" });
  if (!location.protocol.startsWith("http")) return; // a file may not be asked for ahead
  for (const name of ["serif-4-latin-400-normal", "sans-3-latin-600-normal", "sans-3-latin-400-normal",
    "serif-4-latin-400-italic"]) {
    document.head.append(Object.assign(document.createElement("link"), { rel: "preload", as: "font",
      type: "font/woff2", crossOrigin: "", href: `${root.dataset.content_root}_static/fonts/source-${name}.woff2` }));
  }
})();
