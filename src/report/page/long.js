// Tables of thousands of rows: the first of them until the reader asks for all, sorted and filtered as a whole.
"use strict";
/** Rows that are shown before the reader asks for all. */
report.ROWS_MAX = 200;

/**
 * A table of `rows` in `home`. `columns`: title, `text`, `num` or null for how it is sorted, the value that it is sorted by, and what
 * its cell holds. `keeps`: whether a row passes the reader's choices; `pickers`: the elements that make them. `row`: dresses a row.
 */
report.longTable = (home, { caption, columns, rows: all, keeps, pickers, dress, name }) => {
  const { element } = report;
  const table = element("table", { class: "sortable" });
  table.append(element("caption", { text: caption }));
  const head = element("tr");
  for (const [title, sort] of columns) head.append(element("th", { scope: "col", class: sort === "text" ? null : "n", "data-sort": sort, text: title }));
  const body = element("tbody");
  table.append(element("thead", {}, head), body);
  const said = element("p", { class: "note", "aria-live": "polite" });
  let rows = all;
  let whole = false;
  const fill = () => {
    const kept = rows.filter(keeps);
    const shown = whole ? kept : kept.slice(0, report.ROWS_MAX);
    body.replaceChildren(...shown.map((r) => {
      const tr = element("tr");
      columns.forEach(([, sort, , cell], i) => {
        const td = element(i === 0 ? "th" : "td", { class: sort === "text" ? null : "n", scope: i === 0 ? "row" : null });
        td.append(cell(r));
        tr.append(td);
      });
      dress?.(tr, r);
      return tr;
    }));
    said.textContent = `${shown.length.toLocaleString("en")} of ${kept.length.toLocaleString("en")} rows`;
    if (shown.length < kept.length) {
      const button = element("button", { type: "button", text: `Show all ${kept.length.toLocaleString("en")}` });
      button.addEventListener("click", () => { whole = true; fill(); });
      said.append(" ", button);
    }
  };
  for (const picker of pickers) picker.addEventListener("change", fill);
  document.addEventListener("filter", fill);
  report.sortable(table, (column, _numeric, sign) => {
    rows = all.map((r) => [columns[column][2](r), r]).sort(report.compare(sign)).map(([, r]) => r);
    fill();
  });
  const controls = pickers.map((select) => element("span", {}, element("label", { for: select.id, text: `${select.dataset.title} ` }), select));
  home.append(element("p", { class: "controls" }, ...controls), said, element("div", { class: "scroll tall", role: "region", tabindex: "0", "aria-label": `Table: ${name}` }, table));
  fill();
};

/** A choice among `options`, or all of them. */
report.pick = (id, title, all, options) => {
  const select = report.element("select", { id, "data-title": title }, report.element("option", { value: "", text: all }));
  options.forEach((text, i) => select.append(report.element("option", { value: String(i), text })));
  return select;
};
