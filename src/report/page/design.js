// How the metric follows what was varied step by step: levels of ops, axes of the matrix.
"use strict";
(() => {
  const home = document.getElementById("responses");
  if (home === null) return;
  const { element, name } = report;
  const responses = report.data.responses;
  /** Lines of several arms stand a little beside each other, so that their seeds can be told apart. */
  const BESIDE = 5;

  report.chart("response", (width, host) => {
    const { name: title, axis, is_change: isChange, values, numbers, is_log: isLog, series } = responses[Number(host.dataset.of)];
    const points = series.flatMap((line, slot) => line.points.map((p) => ({ ...p, slot, line: line.name, x: numbers ? numbers[p.at] : p.at, step: values[p.at] })));
    const seeds = points.flatMap((p) => p.seeds.map(([seed, value]) => ({ slot: p.slot, line: p.line, x: p.x, step: p.step, seed, value, shown: report.number(value, report.data.labels.decimals, isChange) })));
    const offset = (slot) => (series.length > 1 ? (slot - (series.length - 1) / 2) * BESIDE : 0);
    const places = numbers ?? values.map((_, i) => i);
    const letters = Math.max(4, Math.floor(width / values.length / 7.5));
    const label = numbers
      ? { values: numbers, labelExpr: `${JSON.stringify(values)}[indexof(${JSON.stringify(numbers)}, datum.value)]` }
      : { values: places, labelExpr: `truncate(${JSON.stringify(values)}[datum.value], ${letters})` };
    const pad = numbers ? {} : { domain: [-0.4, values.length - 0.6] };
    const x = { field: "x", type: "quantitative", title: title + (isLog ? ", log scale" : ""), scale: isLog ? { type: "log", padding: 18 } : { zero: false, nice: false, padding: 18, ...pad }, axis: { grid: false, labelOverlap: "greedy", ...label } };
    const y = (field) => ({ field, type: "quantitative", scale: { zero: isChange, nice: true }, axis: { titleAnchor: "middle", tickCount: 5 } });
    const tooltip = [{ field: "line", title: isChange ? "op" : "arm" }, { field: "step", title }, { field: "text", title: isChange ? "change" : "score" }];
    const equivalence = report.data.forest.equivalence;
    const perSlot = series.map((_, slot) => slot);
    return {
      height: 230,
      layer: [
        ...(isChange && equivalence ? [{ data: { values: [{ from: -equivalence, to: equivalence }] }, mark: { type: "rect", color: "var(--band)" }, encoding: { y: y("from"), y2: { field: "to" } } }] : []),
        ...(isChange ? [{ data: { values: [{ zero: 0 }] }, mark: { type: "rule", color: "var(--axis)", strokeWidth: 1.5 }, encoding: { y: y("zero") } }] : []),
        ...perSlot.flatMap((slot) => {
          const of = points.filter((p) => p.slot === slot);
          const xOffset = offset(slot);
          const bounded = of.filter((p) => p.low !== null && p.high !== null);
          return [
            { data: { values: of }, mark: { type: "line", strokeWidth: 2.25, xOffset }, encoding: { x, y: { ...y("value"), title: axis }, color: report.slots.colour, strokeDash: report.slots.dash } },
            { data: { values: bounded }, mark: { type: "rule", strokeWidth: 2, xOffset }, encoding: { x, y: y("low"), y2: { field: "high" }, color: report.slots.colour, tooltip } },
            { data: { values: seeds.filter((s) => s.slot === slot) }, mark: { type: "point", filled: true, size: 14, opacity: 0.7, xOffset: xOffset + 7 }, encoding: { x, y: y("value"), color: report.slots.colour, tooltip: [tooltip[0], tooltip[1], { field: "seed", title: "seed" }, { field: "shown", title: isChange ? "change" : "score" }] } },
            { data: { values: of }, mark: { type: "point", filled: true, size: 90, opacity: 1, xOffset }, encoding: { x, y: y("value"), color: report.slots.colour, tooltip } },
          ];
        }),
      ].filter((layer) => layer.data.values.length > 0),
    };
  });

  responses.forEach(({ name: title, is_change: isChange, values, series, more }, i) => {
    const what = isChange ? "Large marks: mean change against the baseline; lines up and down: 95 % interval, where a step is a single variant; small dots: seeds. Shaded band: no practical effect." : "Marks: mean over seeds and over all other axes; small dots: seeds.";
    const left = more > 0 ? ` ${more} more arms are in the table “Scores”.` : "";
    const head = element("tr", {}, element("th", { scope: "col", text: isChange ? "Op" : "Arm" }), ...values.map((value) => element("th", { scope: "col", class: "n" }, name(value))));
    const body = element("tbody", {}, ...series.map((line) => element("tr", {}, element("th", { scope: "row" }, name(line.name)), ...values.map((_, at) => element("td", { class: "n", text: line.points.find((p) => p.at === at)?.text ?? "–" })))));
    const table = element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": `Table: ${title}, step by step` }, element("table", {}, element("caption", { text: `${title}, step by step` }), element("thead", {}, head), body));
    home.append(element("figure", {},
      element("figcaption", {}, element("h3", {}, name(title), ", step by step"), element("p", { text: what + left })),
      ...(series.length > 1 ? [report.lineKey(series.map((line) => line.name))] : []),
      element("div", { class: "chart", "data-chart": "response", "data-of": String(i), role: "img", "aria-label": `${title}, step by step; the table below has the same values.` }),
      element("details", {}, element("summary", { text: "In numbers" }), table)));
  });
})();
