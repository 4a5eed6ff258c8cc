// The section "How the training went": small charts side by side that share one choice of variants.
"use strict";
(() => {
  const { element } = report;
  const curves = report.data.curves;
  /** More single runs than this hide the means. */
  const SINGLE_MAX = 20;
  /** Losses that fall to less than this share are seen better on a log scale. */
  const LOG_FROM = 100;
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
    const drawableAt = [...curves.variants.keys()].filter((v) => curves.variants[v].mean !== null);
    const choice = report.choice({ id: "curve", variants: drawableAt, initial: curves.shown, changed: () => report.redraw(charts) });
    const { slots } = choice;
    let logLoss = serves(choice.slots);

    const log = element("input", { type: "checkbox", id: "log-loss" });
    log.addEventListener("change", () => { logLoss = log.checked; report.redraw(charts); });
    log.checked = logLoss;
    const toggle = (id, on) => {
      const box = element("input", { type: "checkbox", id });
      box.checked = on;
      box.addEventListener("change", () => report.redraw(charts));
      return box;
    };
    const runs = [...slots.keys()].reduce((sum, v) => sum + curves.variants[v].runs.length, 0);
    const single = toggle("single-runs", runs <= SINGLE_MAX);
    const band = toggle("band", true);
    home.append(choice.element, element("p", { class: "controls" },
      element("label", { for: "band" }, band, " band of ± 1 standard deviation over runs"),
      element("label", { for: "single-runs" }, single, " single runs"), element("label", { for: "log-loss" }, log, " logarithmic loss")));

    const place = element("div", { class: "panels" });
    const charts = panels.map((panel, i) => {
      const chart = element("div", { class: "chart", "data-chart": `curve-${i}`, role: "img", "aria-label": `${panel.title} by epoch; the table “Every run” has each run's best epoch and ending.` });
      place.append(element("figure", {}, element("figcaption", {}, element("h3", { text: panel.title })), chart));
      report.chart(`curve-${i}`, () => spec(panel, slots, { single: single.checked, band: band.checked, logLoss }));
      return chart;
    });
    home.append(place);
    charts.forEach(report.watch);
  };

  /** Losses over more than two powers of ten are drawn on a log scale at first. */
  const serves = (slots) => [...slots.keys()].some((v) => ["train_loss", "val_loss"].some((field) => {
    const values = curves.variants[v].mean[field].filter((x) => x > 0);
    return values.length > 0 && Math.max(...values) > LOG_FROM * Math.min(...values);
  }));

  const points = (line, field, extra) => line.epoch.map((epoch, i) => ({ ...extra, epoch, value: line[field][i] })).filter((p) => p.value !== null);

  /** The powers of ten among the values: a log axis with all its ticks is a fence. */
  const powers = (values) => {
    const [least, largest] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, 0]);
    const all = [];
    for (let e = Math.ceil(Math.log10(least) - 1e-9); e <= Math.log10(largest) + 1e-9; e += 1) all.push(Number(`1e${e}`));
    return all;
  };

  const spec = (panel, slots, { single, band, logLoss }) => {
    const runs = [];
    const bands = [];
    const means = [];
    const best = [];
    for (const [v, slot] of slots) {
      const variant = curves.variants[v];
      // The rate is set, not measured: it is the same for all seeds.
      const line = panel.field === "lr" ? variant.schedule : variant.mean;
      means.push(...points(line, panel.field, { slot, variant: variant.name }));
      const sd = panel.field === "lr" ? undefined : line.sd?.[panel.field];
      if (band && sd) {
        bands.push(...line.epoch.map((epoch, i) => ({ slot, epoch, low: line[panel.field][i] - sd[i], high: line[panel.field][i] + sd[i] })).filter((_, i) => line[panel.field][i] !== null && sd[i] !== null));
      }
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
    const folded = runs.some((p) => p.fold !== undefined);
    const shared = {
      x: { field: "epoch", type: "quantitative", title: "Epoch", scale: { nice: false, zero: false }, axis: { format: "d", tickMinStep: 1, tickCount: 6, labelOverlap: true, grid: false } },
      y: { field: "value", type: "quantitative", title: panel.axis + (logarithmic ? ", log scale" : ""), scale: logarithmic ? { type: "log", nice: decades.length < 2 } : { zero: panel.zero === true, nice: true }, axis: { titleAnchor: "middle", tickCount: 5, ...(decades.length > 1 ? { values: decades } : {}), ...(panel.format ? { format: panel.format } : {}) } },
      color: report.slots.colour,
      tooltip: [{ field: "variant", title: "variant" }, { field: "seed", title: "seed" }, ...(folded ? [{ field: "fold", title: "fold" }] : []), { field: "epoch", title: "epoch" }, { field: "value", title: panel.title.toLowerCase(), type: "quantitative", format: ".4~g" }],
    };
    const meanTooltip = shared.tooltip.filter((t) => t.field !== "seed" && t.field !== "fold");
    return {
      height: 210,
      layer: [
        // A log scale has no place for what reaches down to zero.
        { data: { values: logarithmic ? bands.filter((b) => b.low > 0) : bands }, mark: { type: "area", opacity: 0.15 }, encoding: { x: shared.x, y: { ...shared.y, field: "low" }, y2: { field: "high" }, color: { ...shared.color, legend: null } } },
        { data: { values: runs }, mark: { type: "line", strokeWidth: 1, opacity: 0.4 }, encoding: { ...shared, detail: [{ field: "seed" }, ...(folded ? [{ field: "fold" }] : [])] } },
        { data: { values: means }, mark: { type: "line", strokeWidth: 2.75, strokeCap: "butt" }, encoding: { ...shared, tooltip: meanTooltip, strokeDash: report.slots.dash } },
        { data: { values: means.length < 12 ? means : [] }, mark: { type: "point", filled: true, size: 30, opacity: 1 }, encoding: { ...shared, tooltip: meanTooltip } },
        { data: { values: best }, mark: { type: "point", filled: true, size: 34, opacity: 0.9, stroke: "var(--paper)", strokeWidth: 1 }, encoding: shared },
      ].filter((layer) => layer.data.values.length > 0),
    };
  };

  report.later(document.getElementById("curves"), build);
})();
