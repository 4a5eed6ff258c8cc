// Sortable tables: each header with `data-sort` becomes a button; a second press turns the order round.
"use strict";
const report = { data: JSON.parse(document.getElementById("report-data").textContent) };

/** Makes an element with text, attributes and children; text is never read as markup. */
report.element = (tag, { text, ...attributes } = {}, ...children) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
};

/** A foreign name, kept from changing the direction of the text around it. */
report.name = (text) => report.element("bdi", { text });

/** A number with so many decimals and a true minus; a dash where there is none. */
report.number = (value, decimals, signed) => {
  if (value === null || value === undefined) return "–";
  const text = Math.abs(value).toFixed(decimals);
  const zero = Number(text) === 0;
  if (value < 0 && !zero) return `−${text}`;
  return signed && !zero ? `+${text}` : text;
};

report.sortable = (table, sort) => {
  const headers = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  headers.forEach((header, column) => {
    if (!header.dataset.sort) return;
    const button = report.element("button", { type: "button" });
    button.append(...header.childNodes);
    header.append(button);
    header.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      // Numbers start with the largest, text with A.
      const first = header.dataset.sort === "num" ? "descending" : "ascending";
      const other = first === "descending" ? "ascending" : "descending";
      const order = header.getAttribute("aria-sort") === first ? other : first;
      for (const h of headers) if (h.dataset.sort) h.setAttribute("aria-sort", "none");
      header.setAttribute("aria-sort", order);
      (sort ?? sortRows)(column, header.dataset.sort === "num", order === "descending" ? -1 : 1);
    });
  });
  const sortRows = (column, numeric, sign) => {
    const key = (row) => {
      const cell = row.cells[column];
      if (!numeric) return cell.textContent.trim() === "–" ? null : cell.textContent;
      const value = parseFloat((cell.dataset.v ?? cell.textContent).replace("−", "-").replace("< ", "").replaceAll(",", ""));
      return Number.isNaN(value) ? null : value;
    };
    const body = table.tBodies[0];
    const fixed = [...body.rows].filter((row) => row.classList.contains("total"));
    const rows = [...body.rows].filter((row) => !row.classList.contains("total")).map((row) => [key(row), row]);
    rows.sort(report.compare(sign));
    body.replaceChildren(...fixed, ...rows.map(([, row]) => row));
  };
};

/** Orders pairs by their first item; what has no value stays last whichever way round. */
report.compare = (sign) => ([a], [b]) => {
  if (a === null || b === null) return (a === null) - (b === null);
  return sign * (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
};

for (const table of document.querySelectorAll("table.sortable")) report.sortable(table);

// What is folded or scrolled away on the screen is printed all the same.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not([open])")) {
    details.open = true;
    details.dataset.opened = "";
  }
});
addEventListener("afterprint", () => {
  for (const details of document.querySelectorAll("details[data-opened]")) {
    details.open = false;
    delete details.dataset.opened;
  }
});
