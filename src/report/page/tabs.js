// Tabs: the parts of a `.tabbed` element, one at a time. Without this script, and on paper, all of them show.
"use strict";
(() => {
  const { element } = report;
  for (const home of document.querySelectorAll(".tabbed")) {
    const panels = [...home.children];
    const list = element("div", { role: "tablist", class: "tabs", "aria-label": home.dataset.title });
    const tabs = panels.map((panel) => {
      const heading = panel.querySelector("h3");
      const tab = element("button", { type: "button", role: "tab", id: `${panel.id}-tab`, "aria-controls": panel.id, text: heading.textContent });
      heading.classList.add("tab-title");
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      list.append(tab);
      return tab;
    });
    const open = (at, focus) => {
      tabs.forEach((tab, i) => {
        tab.setAttribute("aria-selected", String(i === at));
        tab.tabIndex = i === at ? 0 : -1;
        panels[i].hidden = i !== at;
      });
      if (focus) tabs[at].focus();
    };
    tabs.forEach((tab, i) => tab.addEventListener("click", () => open(i, false)));
    list.addEventListener("keydown", (event) => {
      const at = tabs.indexOf(document.activeElement);
      const to = { ArrowRight: (at + 1) % tabs.length, ArrowLeft: (at + tabs.length - 1) % tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
      if (at < 0 || to === undefined) return;
      event.preventDefault();
      open(to, true);
    });
    home.prepend(list);
    open(0, false);
    let before = 0;
    addEventListener("beforeprint", () => {
      before = tabs.findIndex((tab) => tab.getAttribute("aria-selected") === "true");
      for (const panel of panels) panel.hidden = false;
    });
    addEventListener("afterprint", () => open(before, false));
  }
})();
