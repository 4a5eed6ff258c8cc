// The theme button: automatic, light or dark, remembered where the browser allows it.
"use strict";
(() => {
  const button = document.getElementById("theme");
  const names = { auto: "automatic", light: "light", dark: "dark" };
  const order = Object.keys(names);
  let theme = "auto";
  const apply = () => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${names[theme]}`;
  };
  try {
    const kept = localStorage.getItem("ablatrix-theme");
    if (order.includes(kept)) theme = kept;
  } catch { /* some browsers keep nothing for pages from disk */ }
  button.hidden = false;
  button.addEventListener("click", () => {
    theme = order[(order.indexOf(theme) + 1) % order.length];
    apply();
    try { localStorage.setItem("ablatrix-theme", theme); } catch { /* as above */ }
  });
  apply();
})();
