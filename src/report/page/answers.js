// Per label, what models say beside what is true: counts, precision and recall, reliability.
"use strict";
(() => {
  const { element, name, number } = report;
  const grid = report.data.labels;
  const answers = report.data.answers;
  /** Charts before the reader asks for those of all labels. */
  const LABELS_MAX = 12;
  const place = new Map(answers.variants.map((of, i) => [of.at, i]));

  // ---- how often each label is said, and how often it is true

  report.chart("said", (width, host) => {
    const variant = grid.variants[Number(host.dataset.variant)];
    if (variant === undefined || variant.said.every((n) => n === null)) return null;
    const all = grid.names.map((label, l) => ({ name: label, said: variant.said[l], sd: variant.said_sd[l], truth: grid.positives[l] })).filter((r) => r.said !== null);
    const list = report.cut(all, host, "first") ? all : all.slice(0, report.cut.most);
    const frame = report.rows(list.map((r) => r.name), width, 34, 400);
    const dy = frame.narrow ? 8 : 0;
    const values = list.map((r) => ({ ...r, low: Math.max(0, r.said - (r.sd ?? 0)), high: r.said + (r.sd ?? 0), said_text: number(r.said, r.sd ? 1 : 0, false) + (r.sd ? ` ± ${number(r.sd, 1, false)}` : ""), truth_text: r.truth === null ? "–" : r.truth.toLocaleString("en") }));
    const tooltip = [{ field: "name", title: "label" }, { field: "said_text", title: "images that it is said of" }, { field: "truth_text", title: "images that have it" }];
    const x = (field) => ({ field, type: "quantitative", scale: { domainMin: 0 }, title: "Test images (count)", axis: { tickCount: Math.ceil(width / 90), format: ",~f", tickMinStep: 1 } });
    return {
      height: frame.height,
      data: { values },
      encoding: { y: frame.y },
      layer: [
        { mark: { type: "bar", height: 18, yOffset: dy, color: "var(--line-strong)", cornerRadiusEnd: 2 }, encoding: { x: x("truth"), tooltip } },
        { mark: { type: "bar", height: 7, yOffset: dy, color: "var(--accent)" }, encoding: { x: x("said"), tooltip } },
        { data: { values: values.filter((v) => v.sd) }, mark: { type: "rule", strokeWidth: 1.5, yOffset: dy, color: "var(--ink)" }, encoding: { x: x("low"), x2: { field: "high" } } },
        ...frame.names,
      ].filter((layer) => layer.data === undefined || layer.data.values.length > 0),
    };
  });

  report.later(document.getElementById("said"), (home) => {
    const counted = [...grid.variants.keys()].filter((v) => grid.variants[v].said.some((n) => n !== null));
    if (counted.length === 0) {
      home.append(element("p", { class: "quiet", text: "There is nothing to count: no run has finished." }));
      return;
    }
    const select = element("select", { id: "said-variant" });
    for (const v of counted) select.append(element("option", { value: String(v), text: grid.variants[v].name }));
    const chart = element("div", { class: "chart", "data-chart": "said", "data-variant": select.value, role: "img", "aria-label": "Images that each label is said of, beside those that have it; the table under “In numbers” has the same values." });
    select.addEventListener("change", () => { chart.dataset.variant = select.value; report.draw(chart); });
    home.append(
      element("p", { class: "controls" }, element("label", { for: "said-variant", text: "Variant " }), select),
      element("p", { class: "key", "aria-hidden": "true" }, element("span", { class: "truth", text: "▆ images that have the label" }), element("span", { class: "mean", text: "▬ images that it is said of, mean over seeds" }), element("span", { text: "— ± standard deviation over seeds" })),
      element("figure", {}, chart),
    );
    report.watch(chart);
  });

  // ---- curves, one small chart for each label

  const percent = (field, title) => ({ field, type: "quantitative", title, scale: { domain: [0, 100], nice: false }, axis: { titleAnchor: "middle", values: [0, 25, 50, 75, 100] } });
  const lines = { color: report.slots.colour, strokeDash: report.slots.dash };

  const kinds = {
    pr: {
      title: "Precision and recall",
      has: (of, l) => of.precision[l].length > 0,
      spec: (chosen, l) => {
        const points = chosen.flatMap(({ of, slot, variant }) => [0, ...of.precision[l].keys()].map((i, at) => ({ slot, variant, recall: at === 0 ? 0 : (100 * (i + 1)) / answers.recalls, precision: of.precision[l][i] })));
        const prior = chosen[0].of.prevalence[l];
        const tooltip = [{ field: "variant", title: "variant" }, { field: "recall", title: "recall", format: ".0f" }, { field: "precision", title: "precision", format: ".1f" }];
        return [
          ...(prior === null ? [] : [{ data: { values: [{ prior }] }, mark: { type: "rule", strokeDash: [5, 4], strokeWidth: 1.5, color: "var(--constant)" }, encoding: { y: percent("prior", "Precision") } }]),
          { data: { values: points }, mark: { type: "line", interpolate: "step-before", strokeWidth: 2 }, encoding: { x: percent("recall", "Recall"), y: percent("precision", "Precision"), ...lines, tooltip } },
        ];
      },
    },
    reliability: {
      title: "Reliability",
      has: (of, l) => of.reliability[l].length > 0,
      spec: (chosen, l) => {
        const points = chosen.flatMap(({ of, slot, variant }) => of.reliability[l].map(([probability, share, n]) => ({ slot, variant, probability, share, n })));
        const tooltip = [{ field: "variant", title: "variant" }, { field: "probability", title: "mean probability", format: ".1f" }, { field: "share", title: "share with the label", format: ".1f" }, { field: "n", title: "answers", format: "," }];
        const x = percent("probability", "Mean probability");
        const y = percent("share", "Share with the label");
        return [
          { data: { values: [{ probability: 0, share: 0 }, { probability: 100, share: 100 }] }, mark: { type: "line", strokeDash: [5, 4], strokeWidth: 1.5, color: "var(--axis)" }, encoding: { x, y } },
          { data: { values: points }, mark: { type: "line", strokeWidth: 1.5, opacity: 0.8 }, encoding: { x, y, ...lines } },
          { data: { values: points }, mark: { type: "circle", opacity: 0.85 }, encoding: { x, y, color: report.slots.colour, size: { field: "n", type: "quantitative", scale: { type: "sqrt", domainMin: 0, range: [8, 220] } }, tooltip } },
        ];
      },
    },
  };

  for (const [kind, { title, has, spec }] of Object.entries(kinds)) {
    const curveOf = (v, l) => { const of = answers.variants[place.get(v)]; return has(of, l) ? of : null; };
    report.later(document.getElementById(kind), (home) => {
      const variants = [...place.keys()];
      if (variants.length === 0) {
        home.append(element("p", { class: "quiet", text: "There are no curves: no run has finished." }));
        return;
      }
      let charts = [];
      const choice = report.choice({ id: kind, variants, initial: variants.slice(0, 3), changed: () => report.redraw(charts) });
      report.chart(kind, (_, host) => {
        const l = Number(host.dataset.label);
        const chosen = [...choice.slots].map(([v, slot]) => ({ of: curveOf(v, l), slot, variant: grid.variants[v].name })).filter(({ of }) => of !== null);
        return chosen.length === 0 ? null : { height: 190, layer: spec(chosen, l) };
      });
      const panels = element("div", { class: "panels multiples" });
      const figure = (l) => {
        const chart = element("div", { class: "chart", "data-chart": kind, "data-label": String(l), role: "img", "aria-label": `${title} of ${grid.names[l]}` });
        charts.push(chart);
        panels.append(element("figure", {}, element("figcaption", {}, element("h4", {}, name(grid.names[l]))), chart));
        report.watch(chart);
      };
      const left = answers.left_out > 0 ? [element("p", { class: "note", text: `To keep the page small, curves are those of ${variants.length} of ${grid.variants.length} variants: the baselines and those with the largest effects.` })] : [];
      home.append(...left, choice.element, panels);
      [...grid.names.keys()].slice(0, LABELS_MAX).forEach(figure);
      if (grid.names.length > LABELS_MAX) {
        const more = element("button", { type: "button", class: "more", text: `Draw all ${grid.names.length} labels (now: the first ${LABELS_MAX})` });
        more.addEventListener("click", () => { more.remove(); [...grid.names.keys()].slice(LABELS_MAX).forEach(figure); });
        home.append(more);
      }
    });
  }
})();
