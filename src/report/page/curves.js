// The section "How the training went": small charts side by side that share one choice of variants.
"use strict";
(() => {
  const { element } = report;
  const curves = report.data.curves;
  /** At most so many variants at once: each has a colour and a dash of its own. */
  const SLOTS = 8;
  const colours = ["var(--ink)", "var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c5)", "var(--c6)", "var(--c7)"];
  const dashes = [[], [9, 3], [2, 2.5], [10, 3, 2, 3], [5, 3], [14, 3], [10, 3, 2, 3, 2, 3], [4, 2, 1, 2]];
  const panels = [
    { field: "train_loss", title: "Training loss", axis: "Mean loss per row", loss: true, best: false },
    { field: "val_loss", title: "Validation loss", axis: "Mean loss per image", loss: true, best: true },
    { field: "val_map", title: "Validation mAP", axis: "mAP (0 to 100)", best: true },
    { field: "lr", title: "Learning rate", axis: "Learning rate", log: true, format: "~e" },
    { field: "rate", title: "Training speed", axis: "Images per second", zero: true },
    { field: "seconds", title: "Time of an epoch, validation included", axis: "Seconds", zero: true },
  ];

  const build = (home) => {
    const drawable = curves.variants.some((v) => v.mean !== null);
    if (!drawable) {
      home.append(element("p", { class: "quiet", text: "There are no curves: no run has finished." }));
      return;
    }
    /** Slot by variant, so that a variant keeps its colour while others come and go. */
    const slots = new Map();
    for (const v of curves.shown) if (curves.variants[v].mean !== null && slots.size < SLOTS) slots.set(v, slots.size);
    let logLoss = false;

    const list = element("div", { class: "choices" });
    // Those that are drawn at first lead the list.
    const order = [...slots.keys(), ...curves.variants.keys()].filter((v, i, all) => all.indexOf(v) === i);
    const boxes = order.map((v) => {
      const variant = curves.variants[v];
      if (variant.mean === null) return null;
      const box = element("input", { type: "checkbox", id: `curve-${v}` });
      const swatch = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      swatch.setAttribute("width", "34");
      swatch.setAttribute("height", "10");
      swatch.setAttribute("aria-hidden", "true");
      const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
      for (const [k, value] of Object.entries({ x1: 0, x2: 34, y1: 5, y2: 5, "stroke-width": 3 })) line.setAttribute(k, value);
      swatch.append(line);
      const label = element("label", { for: `curve-${v}` }, box, swatch, report.name(variant.name));
      if (variant.baseline) label.append(element("span", { class: "tag", text: "baseline" }));
      list.append(label);
      box.addEventListener("change", () => {
        if (box.checked) {
          const used = new Set(slots.values());
          slots.set(v, [...Array(SLOTS).keys()].find((s) => !used.has(s)));
        } else slots.delete(v);
        refresh();
        report.redraw(charts);
      });
      return { v, box, line, swatch };
    }).filter((b) => b !== null);
    const refresh = () => {
      for (const { v, box, line, swatch } of boxes) {
        const slot = slots.get(v);
        box.checked = slot !== undefined;
        box.disabled = slot === undefined && slots.size >= SLOTS;
        swatch.classList.toggle("off", slot === undefined);
        line.setAttribute("stroke", colours[slot ?? 0]);
        line.setAttribute("stroke-dasharray", slot === undefined ? "" : dashes[slot].join(" "));
      }
    };

    const log = element("input", { type: "checkbox", id: "log-loss" });
    log.addEventListener("change", () => { logLoss = log.checked; report.redraw(charts); });
    const single = element("input", { type: "checkbox", id: "single-runs" });
    single.checked = true;
    single.addEventListener("change", () => report.redraw(charts));
    const fieldset = element("fieldset", {}, element("legend", { text: `Variants (at most ${SLOTS} at a time)` }));
    if (curves.variants.length > 12) {
      const find = element("input", { type: "search", id: "find-variant", placeholder: "part of a name" });
      find.addEventListener("input", () => {
        const part = find.value.toLowerCase();
        for (const { v, box } of boxes) box.parentElement.hidden = !curves.variants[v].name.toLowerCase().includes(part);
      });
      fieldset.append(element("p", { class: "controls" }, element("label", { for: "find-variant", text: "Find " }), find));
    }
    fieldset.append(list);
    home.append(fieldset, element("p", { class: "controls" },
      element("label", { for: "single-runs" }, single, " single runs"), element("label", { for: "log-loss" }, log, " logarithmic loss")));

    const place = element("div", { class: "panels" });
    const charts = panels.map((panel, i) => {
      const chart = element("div", { class: "chart", "data-chart": `curve-${i}`, role: "img", "aria-label": `${panel.title} by epoch; the table “Every run” has each run's best epoch and ending.` });
      place.append(element("figure", {}, element("figcaption", {}, element("h3", { text: panel.title })), chart));
      report.chart(`curve-${i}`, () => spec(panel, slots, single.checked, logLoss));
      return chart;
    });
    home.append(place);
    refresh();
    charts.forEach(report.watch);
  };

  const points = (line, field, extra) => line.epoch.map((epoch, i) => ({ ...extra, epoch, value: line[field][i] })).filter((p) => p.value !== null);

  /** The powers of ten among the values: a log axis with all its ticks is a fence. */
  const powers = (values) => {
    const [least, largest] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, 0]);
    const all = [];
    for (let e = Math.ceil(Math.log10(least) - 1e-9); e <= Math.log10(largest) + 1e-9; e += 1) all.push(Number(`1e${e}`));
    return all;
  };

  const spec = (panel, slots, single, logLoss) => {
    const runs = [];
    const means = [];
    const best = [];
    for (const [v, slot] of slots) {
      const variant = curves.variants[v];
      // The rate is set, not measured: it is the same for all seeds.
      const line = panel.field === "lr" ? variant.schedule : variant.mean;
      means.push(...points(line, panel.field, { slot, variant: variant.name }));
      if (panel.field === "lr" || !single) continue;
      for (const run of variant.runs) {
        const of = points(run, panel.field, { slot, variant: variant.name, seed: run.seed, ...(run.fold === undefined ? {} : { fold: run.fold }) });
        runs.push(...of);
        if (panel.best) best.push(...of.filter((p) => p.epoch === run.best));
      }
    }
    if (means.length === 0 && runs.length === 0) return null;
    const logarithmic = (panel.log || (panel.loss && logLoss)) && [...means, ...runs].every((p) => p.value > 0);
    const decades = logarithmic ? powers([...means, ...runs].map((p) => p.value)) : [];
    const domain = [...Array(SLOTS).keys()];
    const folded = runs.some((p) => p.fold !== undefined);
    const shared = {
      x: { field: "epoch", type: "quantitative", title: "Epoch", scale: { nice: false, zero: false }, axis: { format: "d", tickMinStep: 1, tickCount: 6, labelOverlap: true, grid: false } },
      y: { field: "value", type: "quantitative", title: panel.axis + (logarithmic ? ", log scale" : ""), scale: logarithmic ? { type: "log", nice: decades.length < 2 } : { zero: panel.zero === true, nice: true }, axis: { titleAnchor: "middle", tickCount: 5, ...(decades.length > 1 ? { values: decades } : {}), ...(panel.format ? { format: panel.format } : {}) } },
      color: { field: "slot", type: "nominal", scale: { domain, range: colours } },
      tooltip: [{ field: "variant", title: "variant" }, { field: "seed", title: "seed" }, ...(folded ? [{ field: "fold", title: "fold" }] : []), { field: "epoch", title: "epoch" }, { field: "value", title: panel.title.toLowerCase(), type: "quantitative", format: ".4~g" }],
    };
    const meanTooltip = shared.tooltip.filter((t) => t.field !== "seed" && t.field !== "fold");
    return {
      height: 210,
      layer: [
        { data: { values: runs }, mark: { type: "line", strokeWidth: 1, opacity: 0.4 }, encoding: { ...shared, detail: [{ field: "seed" }, ...(folded ? [{ field: "fold" }] : [])] } },
        { data: { values: means }, mark: { type: "line", strokeWidth: 2.75, strokeCap: "butt" }, encoding: { ...shared, tooltip: meanTooltip, strokeDash: { field: "slot", type: "nominal", scale: { domain, range: dashes.map((d) => (d.length ? d : [1, 0])) } } } },
        { data: { values: means.length < 12 ? means : [] }, mark: { type: "point", filled: true, size: 30, opacity: 1 }, encoding: { ...shared, tooltip: meanTooltip } },
        { data: { values: best }, mark: { type: "point", filled: true, size: 34, opacity: 0.9, stroke: "var(--paper)", strokeWidth: 1 }, encoding: shared },
      ].filter((layer) => layer.data.values.length > 0),
    };
  };

  report.later(document.getElementById("curves"), build);
})();
