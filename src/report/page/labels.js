// The section "Per label": a heat map that is a table, and a long table with filters.
"use strict";
(() => {
  const grid = report.data.labels;
  const { element, name, number } = report;
  const unit = grid.points ? "points" : "";
  const better = grid.higher_is_better ? 1 : -1;
  const compared = grid.variants.some((v) => v.delta.some((d) => d !== null));
  /** Depths of colour on either side. */
  const DEPTHS = 4;

  /** The next round number, so that the key of colours reads well. */
  const round = (value) => {
    if (!(value > 0 && value < 1e9)) return 1;
    for (let power = 0.0001; ; power *= 10) {
      for (const step of [1, 2, 4]) if (step * power >= value) return Number((step * power).toPrecision(3));
    }
  };

  const measures = {
    delta: {
      title: `Change in ${grid.metric}${unit && ` (${unit})`}`,
      text: (v, l) => number(v.delta[l], grid.decimals, true) + ["▲", "▼"].map((s, i) => (v.verdict[l] === i ? ` ${s}` : "")).join(""),
      value: (v, l) => v.delta[l],
      skips: (v) => v.baseline,
    },
    mean: {
      title: `${grid.metric}, mean over seeds${grid.points ? " (0 to 100)" : ""}`,
      text: (v, l) => number(v.mean[l], grid.decimals, false),
      value: (v, l) => v.mean[l],
      skips: () => false,
    },
    threshold: {
      title: "Threshold, mean over seeds (0 to 1; chosen on the validation part)",
      text: (v, l) => number(v.threshold[l], 2, false),
      value: (v, l) => v.threshold[l],
      skips: () => false,
    },
  };

  const depth = (value, largest) => Math.max(-DEPTHS, Math.min(DEPTHS, Math.round((DEPTHS * value) / largest)));
  const shade = (measure, value, least, largest) => {
    if (value === null) return "";
    if (measure !== "delta") return `s${Math.round((2 * DEPTHS * (value - least)) / (largest - least || 1))}`;
    const d = better * depth(value, largest);
    return d === 0 ? "" : d > 0 ? `good${d}` : `poor${-d}`;
  };

  const heatTable = (key) => {
    const measure = measures[key];
    const rows = grid.variants.filter((v) => !measure.skips(v) && report.shows(v.name));
    const values = rows.flatMap((v) => grid.names.map((_, l) => measure.value(v, l))).filter((x) => x !== null);
    let [least, largest] = values.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
    if (key === "delta") largest = round(Math.max(Math.abs(least), Math.abs(largest)));

    const table = element("table", { class: "heat sortable" });
    table.append(element("caption", { text: `${measure.title}, by variant and label` }));
    const head = element("tr", {}, element("th", { scope: "col", "data-sort": "text", text: "Variant" }));
    for (const label of grid.names) head.append(element("th", { scope: "col", "data-sort": "num", class: "n", title: label }, name(label)));
    table.append(element("thead", {}, head));
    const body = element("tbody");
    const reference = (title, cells) => body.append(element("tr", { class: "total" }, element("th", { scope: "row", text: title }), ...cells.map((text) => element("td", { class: "n", text }))));
    reference("Positives in test", grid.positives.map((n) => (n === null ? "–" : n.toLocaleString("en"))));
    if (key !== "threshold") {
      reference(`Label prior's ${grid.metric}`, grid.prior.map((x) => number(x, grid.decimals, false)));
      reference(`Mean colour's ${grid.metric}`, grid.colour.map((x) => number(x, grid.decimals, false)));
    }
    if (key === "delta") {
      for (const v of grid.variants.filter((v) => v.baseline)) reference(`${grid.metric} of ${v.name} (baseline)`, v.mean.map((x) => number(x, grid.decimals, false)));
    }
    rows.forEach((v) => {
      const tr = element("tr", {}, element("th", { scope: "row" }, name(v.name)));
      grid.names.forEach((_, l) => {
        const value = measure.value(v, l);
        tr.append(element("td", { class: `n ${shade(key, value, least, largest)}`, "data-v": value ?? "", "data-at": `${grid.variants.indexOf(v)} ${l}`, text: measure.text(v, l) }));
      });
      body.append(tr);
    });
    table.append(body);
    report.sortable(table);
    return { table, least, largest, some: values.length > 0 };
  };

  const key = (measure, least, largest) => {
    const line = element("p", { class: "key", "aria-hidden": "true" });
    const swatch = (cls, text) => line.append(element("span", { class: `swatch ${cls}`, text }));
    if (measure === "delta") {
      for (let d = -DEPTHS; d <= DEPTHS; d += 1) {
        swatch(shade(measure, (d * largest) / DEPTHS, 0, largest), number((d * largest) / DEPTHS, largest < 4 ? (grid.decimals > 1 ? grid.decimals : 2) : 1, true));
      }
    } else {
      const decimals = measure === "threshold" ? 2 : grid.decimals;
      for (let d = 0; d <= 2 * DEPTHS; d += 2) swatch(`s${d}`, number(least + ((largest - least) * d) / (2 * DEPTHS), decimals, false));
    }
    return line;
  };

  const heat = (home) => {
    if (grid.names.length === 0 || grid.variants.length === 0) {
      home.append(element("p", { class: "quiet", text: "There are no labels to show." }));
      return;
    }
    const choice = element("select", { id: "heat-measure" });
    for (const [value, { title }] of Object.entries(measures)) {
      if (value !== "delta" || compared) choice.append(element("option", { value, text: title }));
    }
    const place = element("div");
    const draw = () => {
      const { table, least, largest, some } = heatTable(choice.value);
      const scroll = element("div", { class: "scroll tall", role: "region", tabindex: "0", "aria-label": "Table: heat map by variant and label" }, table);
      place.replaceChildren(...(some ? [key(choice.value, least, largest)] : []), scroll);
    };
    choice.addEventListener("change", draw);
    document.addEventListener("filter", draw);
    home.append(element("p", { class: "controls" }, element("label", { for: "heat-measure", text: "Show " }), choice), place);
    draw();
    place.addEventListener("pointerover", (event) => {
      const at = event.target.closest?.("td[data-at]")?.dataset.at;
      if (!at) { report.tip(event, null); return; }
      const [v, l] = at.split(" ").map(Number);
      report.tip(event, details(grid.variants[v], l));
    });
    place.addEventListener("pointerleave", (event) => report.tip(event, null));
  };

  const meanText = (v, l) => number(v.mean[l], grid.decimals, false) + (v.sd[l] === null ? "" : ` ± ${number(v.sd[l], grid.decimals, false)}`);
  const intervalText = (v, l) => (v.low[l] === null || v.high[l] === null ? "–" : `[${number(v.low[l], grid.decimals, true)}, ${number(v.high[l], grid.decimals, true)}]`);
  const details = (v, l) => {
    const lines = { variant: v.name, label: grid.names[l], [grid.metric]: meanText(v, l) };
    if (v.delta[l] !== null) {
      lines.change = `${number(v.delta[l], grid.decimals, true)} ${unit} ${intervalText(v, l)}`;
      if (v.verdict[l] !== null) lines.verdict = report.data.verdicts[v.verdict[l]].word;
    }
    return lines;
  };

  const long = (home) => {
    const all = grid.variants.flatMap((v, vi) => grid.names.map((label, l) => ({ v, vi, l, label }))).sort((a, b) => a.l - b.l || a.vi - b.vi);
    if (all.length === 0) return;
    const columns = [
      ["Label", "text", (r) => r.label, (r) => name(r.label)],
      ["Variant", "text", (r) => r.v.name, (r) => name(r.v.name)],
      ["Positives in test", "num", (r) => grid.positives[r.l], (r) => grid.positives[r.l]?.toLocaleString("en") ?? "–"],
      [`Label prior's ${grid.metric}`, "num", (r) => grid.prior[r.l], (r) => number(grid.prior[r.l], grid.decimals, false)],
      [`Mean colour's ${grid.metric}`, "num", (r) => grid.colour[r.l], (r) => number(grid.colour[r.l], grid.decimals, false)],
      [`${grid.metric}, mean ± sd`, "num", (r) => r.v.mean[r.l], (r) => meanText(r.v, r.l)],
      ["Change", "num", (r) => r.v.delta[r.l], (r) => number(r.v.delta[r.l], grid.decimals, true)],
      ["95 % interval", null, null, (r) => intervalText(r.v, r.l)],
      ["Verdict", "text", (r) => (r.v.verdict[r.l] === null ? null : report.data.verdicts[r.v.verdict[r.l]].word), (r) => verdict(r)],
      ["Said of test images, mean ± sd", "num", (r) => r.v.said[r.l], (r) => number(r.v.said[r.l], 1, false) + (r.v.said_sd[r.l] === null ? "" : ` ± ${number(r.v.said_sd[r.l], 1, false)}`)],
      ["Threshold, mean", "num", (r) => r.v.threshold[r.l], (r) => number(r.v.threshold[r.l], 2, false)],
      ["p (Holm)", "num", (r) => r.v.p[r.l], (r) => (r.v.p[r.l] === null ? "–" : r.v.p[r.l] < 0.001 ? "< 0.001" : number(r.v.p[r.l], 3, false))],
    ];
    const verdict = (r) => {
      if (r.v.verdict[r.l] === null) return r.v.baseline ? "baseline" : "–";
      const { symbol, word, class: cls } = report.data.verdicts[r.v.verdict[r.l]];
      return element("span", { class: `verdict ${cls}` }, element("span", { "aria-hidden": "true", text: symbol }), ` ${word}`);
    };
    const label = report.pick("pick-label", "Label", "All labels", grid.names);
    const variant = report.pick("pick-variant", "Variant", "All variants", grid.variants.map((v) => v.name));
    const word = report.pick("pick-verdict", "Verdict", "All verdicts", report.data.verdicts.map((v) => v.word));
    const passes = (select, value) => select.value === "" || value === Number(select.value);
    report.longTable(home, {
      name: "all labels and variants",
      caption: `${grid.metric} of each label and variant on the test part${grid.points ? "; scores times 100, changes in points" : ""}`,
      columns,
      rows: all,
      pickers: [label, variant, word],
      keeps: (r) => report.showsAt(r.vi) && passes(label, r.l) && passes(variant, r.vi) && passes(word, r.v.verdict[r.l]),
    });
  };

  report.later(document.getElementById("heat"), heat);
  report.later(document.getElementById("label-table"), long);
})();
