// A choice of a few variants, each with a colour and a dash of its own, that several charts share.
"use strict";
(() => {
  const { element } = report;
  const colours = ["var(--ink)", "var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c5)", "var(--c6)", "var(--c7)"];
  const dashes = [[], [9, 3], [2, 2.5], [10, 3, 2, 3], [5, 3], [14, 3], [10, 3, 2, 3, 2, 3], [4, 2, 1, 2]];
  /** At most so many variants at once. */
  const SLOTS = colours.length;
  const domain = [...Array(SLOTS).keys()];
  report.slots = {
    most: SLOTS,
    colour: { field: "slot", type: "nominal", scale: { domain, range: colours } },
    dash: { field: "slot", type: "nominal", scale: { domain, range: dashes.map((d) => (d.length ? d : [1, 0])) } },
  };

  const sample = () => {
    const make = (tag, attributes) => {
      const of = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [key, value] of Object.entries(attributes)) of.setAttribute(key, value);
      return of;
    };
    const svg = make("svg", { width: 34, height: 10, "aria-hidden": "true" });
    const line = make("line", { x1: 0, x2: 34, y1: 5, y2: 5, "stroke-width": 3 });
    svg.append(line);
    return { svg, line };
  };
  const paint = (line, slot) => {
    line.setAttribute("stroke", colours[slot ?? 0]);
    line.setAttribute("stroke-dasharray", slot === undefined ? "" : dashes[slot].join(" "));
  };

  /** The key of a chart whose lines nobody chooses. */
  report.lineKey = (names) => element("p", { class: "choices key" }, ...names.map((name, slot) => {
    const { svg, line } = sample();
    paint(line, slot);
    return element("span", {}, svg, " ", report.name(name));
  }));

  /**
   * Check boxes for `variants`, positions among the study's, of which `initial` are ticked. Gives the element and the
   * slot of each chosen variant: a variant keeps its colour while others come and go.
   */
  report.choice = ({ id, variants, initial, changed }) => {
    const all = report.data.labels.variants;
    const slots = new Map();
    for (const v of initial) if (variants.includes(v) && slots.size < SLOTS) slots.set(v, slots.size);
    const list = element("div", { class: "choices" });
    // Those that are drawn at first lead the list.
    const order = [...slots.keys(), ...variants].filter((v, i, of) => of.indexOf(v) === i);
    const boxes = order.map((v) => {
      const box = element("input", { type: "checkbox", id: `${id}-${v}` });
      const { svg, line } = sample();
      const label = element("label", { for: `${id}-${v}` }, box, svg, report.name(all[v].name));
      if (all[v].baseline) label.append(element("span", { class: "tag", text: "baseline" }));
      list.append(label);
      box.addEventListener("change", () => {
        if (box.checked) {
          const used = new Set(slots.values());
          slots.set(v, domain.find((s) => !used.has(s)));
        } else slots.delete(v);
        refresh();
        changed();
      });
      return { v, box, line, svg, label };
    });
    const refresh = () => {
      for (const { v, box, line, svg } of boxes) {
        const slot = slots.get(v);
        box.checked = slot !== undefined;
        box.disabled = slot === undefined && slots.size >= SLOTS;
        svg.classList.toggle("off", slot === undefined);
        paint(line, slot);
      }
    };
    const fieldset = element("fieldset", {}, element("legend", { text: `Variants (at most ${SLOTS} at a time)` }));
    let find = null;
    const narrow = () => {
      const part = find?.value.toLowerCase() ?? "";
      for (const { v, label } of boxes) label.hidden = !slots.has(v) && (!report.showsAt(v) || !all[v].name.toLowerCase().includes(part));
    };
    if (boxes.length > 12) {
      find = element("input", { type: "search", id: `${id}-find`, placeholder: "part of a name" });
      find.addEventListener("input", narrow);
      fieldset.append(element("p", { class: "controls" }, element("label", { for: `${id}-find`, text: "Find " }), find));
    }
    document.addEventListener("filter", narrow);
    narrow();
    fieldset.append(list);
    refresh();
    return { element: fieldset, slots };
  };
})();
