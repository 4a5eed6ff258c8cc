// One choice for the whole page: which variants its tables and charts show.
"use strict";
(() => {
  const { element } = report;
  const variants = report.data.labels.variants;
  const axes = report.data.axes;
  /** With fewer variants and no axes there is nothing to filter. */
  const LEAST = 8;
  const place = new Map(variants.map((v, i) => [v.name, i]));
  let shown = null;

  /** Whether a variant is to be shown; names of no variant (ops, labels) always are. */
  report.shows = (name) => shown === null || !place.has(name) || shown.has(place.get(name));
  report.showsAt = (at) => shown === null || shown.has(at);

  const home = document.getElementById("filter");
  if (variants.length < LEAST && axes.length === 0) return;

  const part = element("input", { type: "search", id: "filter-name", placeholder: "part of a name" });
  const picks = axes.map(({ name, values }, i) => {
    const select = element("select", { id: `filter-axis-${i}` }, element("option", { value: "", text: "all" }));
    values.forEach(([text], at) => select.append(element("option", { value: String(at), text })));
    return { name, values, select };
  });
  const said = element("span", { class: "quiet", "aria-live": "polite" });
  const clear = element("button", { type: "button", text: "Show all" });
  const apply = () => {
    const words = part.value.toLowerCase().trim();
    const chosen = picks.filter(({ select }) => select.value !== "").map(({ values, select }) => new Set(values[Number(select.value)][1]));
    const active = words !== "" || chosen.length > 0;
    shown = active ? new Set([...variants.keys()].filter((v) => variants[v].name.toLowerCase().includes(words) && chosen.every((set) => set.has(v)))) : null;
    said.textContent = `${(shown?.size ?? variants.length).toLocaleString("en")} of ${variants.length.toLocaleString("en")} variants`;
    clear.hidden = !active;
    for (const row of document.querySelectorAll("table.of-variants tbody tr:not(.reference)")) {
      const name = row.querySelector("th bdi")?.textContent;
      row.hidden = name !== undefined && !report.shows(name);
    }
    for (const item of document.querySelectorAll(".verdicts li")) {
      const name = item.querySelector("bdi")?.textContent;
      item.hidden = name !== undefined && !report.shows(name);
    }
    document.dispatchEvent(new CustomEvent("filter"));
  };
  let pending = 0;
  part.addEventListener("input", () => { clearTimeout(pending); pending = setTimeout(apply, 120); });
  for (const { select } of picks) select.addEventListener("change", apply);
  clear.addEventListener("click", () => {
    part.value = "";
    for (const { select } of picks) select.value = "";
    apply();
    part.focus();
  });
  const control = (id, text, input) => element("span", {}, element("label", { for: id }, text, " "), input);
  home.append(
    element("span", { class: "title", text: "Show variants" }),
    control("filter-name", "named", part),
    ...picks.map(({ name, select }, i) => control(`filter-axis-${i}`, report.name(name), select)),
    clear, said,
  );
  home.hidden = false;
  clear.hidden = true;
  said.textContent = `${variants.length.toLocaleString("en")} variants`;
})();
