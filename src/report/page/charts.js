// Draws Vega-Lite charts into `.chart` elements once they come near the screen, to the width that they have.
//
// Colours are CSS variables, so that a change of theme needs no redrawing. Vega's expressions run in its
// interpreter: the page's policy forbids making code from text.
"use strict";
(() => {
  const font = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
  const config = {
    background: null,
    font,
    aria: false,
    view: { stroke: null },
    axis: {
      labelColor: "var(--quiet)", titleColor: "var(--ink)", gridColor: "var(--line)", domainColor: "var(--axis)",
      tickColor: "var(--axis)", labelFontSize: 12, titleFontSize: 12, titleFontWeight: 600, titlePadding: 8,
      labelPadding: 4, gridWidth: 1, labelLimit: 170,
    },
    axisX: { labelOverlap: true },
    axisY: { titleAnchor: "start" },
    text: { color: "var(--ink)", fontSize: 12 },
    legend: { disable: true },
  };
  const drawn = new Map();
  const makers = {};

  /** Names the maker of a kind of chart: from the width in pixels to a Vega-Lite spec, or null for none. */
  report.chart = (kind, maker) => { makers[kind] = maker; };

  report.draw = (element) => {
    const width = element.clientWidth;
    if (width === 0) return;
    drawn.get(element)?.view?.finalize();
    const spec = makers[element.dataset.chart](width, element);
    element.replaceChildren();
    if (spec === null) {
      element.parentElement.querySelector(".more")?.remove();
      drawn.set(element, { width });
      element.append(report.element("p", { class: "quiet", text: "Nothing to draw: no finished run of the variants that are shown has these values." }));
      return;
    }
    // Arms of several ops have long names.
    const axisY = { ...config.axisY, labelLimit: room(width) };
    const compiled = vegaLite.compile({
      ...spec, width, autosize: { type: "fit-x", contains: "padding" }, config: { ...config, axisY }, padding: { left: 2, right: 8, top: 4, bottom: 2 },
    }, { logger: quiet }).spec;
    const view = new vega.View(vega.parse(compiled, null, { ast: true }), {
      expr: vega.expressionInterpreter, renderer: "svg", logLevel: vega.Warn,
    });
    view.tooltip(tip).initialize(element).runAsync().then(() => {
      // The chart is one image with one text and a table beside it; Vega's roles for each mark would be noise.
      for (const part of element.querySelectorAll("[role], [aria-roledescription]")) {
        for (const name of ["role", "aria-roledescription", "aria-label", "aria-hidden"]) part.removeAttribute(name);
      }
    });
    drawn.set(element, { view, width });
  };

  /** The room for names beside a chart, in pixels. */
  const room = (width) => Math.max(config.axis.labelLimit, Math.round(0.42 * width));

  // Vega-Lite says that a height by steps cannot also fit; only the width is meant to.
  const quiet = { level: () => quiet, error: (...a) => { console.error(...a); return quiet; }, warn: () => quiet, info: () => quiet, debug: () => quiet };

  const box = document.getElementById("tip");
  const tip = (_handler, event, _item, value) => report.tip(event, value);
  report.tip = (event, value) => {
    if (value === null || value === undefined || value === "") { box.hidden = true; return; }
    const rows = typeof value === "object" ? Object.entries(value) : [["", value]];
    box.replaceChildren(...rows.map(([key, text]) => {
      const row = report.element("div");
      if (key) row.append(report.element("span", { class: "quiet", text: key }), " ");
      row.append(report.name(String(text)));
      return row;
    }));
    box.hidden = false;
    const { clientWidth: w, clientHeight: h } = document.documentElement;
    const left = Math.min(event.clientX + 14, w - box.offsetWidth - 8);
    const top = event.clientY + 14 + box.offsetHeight > h ? event.clientY - box.offsetHeight - 10 : event.clientY + 14;
    box.style.left = `${Math.max(4, left)}px`;
    box.style.top = `${Math.max(4, top)}px`;
  };
  addEventListener("scroll", () => { box.hidden = true; }, { passive: true });
  addEventListener("keydown", (event) => { if (event.key === "Escape") box.hidden = true; });

  /** What is still to be built once it comes near the screen: element to builder. */
  const waiting = new Map();
  const build = (element) => {
    const builder = waiting.get(element);
    waiting.delete(element);
    near.unobserve(element);
    builder?.(element);
  };
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) build(target);
  }, { rootMargin: "600px" });
  report.later = (element, builder) => { waiting.set(element, builder); near.observe(element); };
  let pending = 0;
  const wide = new ResizeObserver((entries) => {
    const stale = entries.map((e) => e.target).filter((t) => drawn.has(t) && drawn.get(t).width !== t.clientWidth);
    if (stale.length === 0) return;
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(() => stale.forEach(report.draw));
  });
  report.watch = (element) => report.later(element, () => { report.draw(element); wide.observe(element); });
  report.redraw = (elements) => elements.filter((e) => drawn.has(e)).forEach(report.draw);
  addEventListener("beforeprint", () => {
    // A section that is built brings charts of its own: hence again until nothing waits.
    while (waiting.size > 0) for (const element of [...waiting.keys()]) build(element);
    for (const element of document.querySelectorAll(".chart")) {
      if (!drawn.has(element) || drawn.get(element).width !== element.clientWidth) report.draw(element);
    }
  });

  // ---- the charts at the top and of the data

  /** More rows than this are drawn only on demand. */
  const ROWS_MAX = 40;
  const shapes = ["triangle-up", "triangle-down", "square", "circle"];
  const colours = ["var(--helps)", "var(--hurts)", "var(--same)", "var(--unsure)"];
  const byVerdict = (range) => ({ field: "verdict", type: "nominal", scale: { domain: [0, 1, 2, 3], range }, legend: null });

  /** A chart with one row for each name: beside the axis where there is room, above the marks where not. */
  const rows = (names, width, step, least = 520) => {
    const narrow = width < least;
    // A name that is too long goes on in a second line after a sign that joins its parts, where there is room for two.
    const letters = Math.floor(room(width) / 7.4);
    const label = step < 40 ? "datum.label"
      : `length(datum.label) > ${letters} ? split(replace(datum.label, regexp('^(.{1,${letters - 1}}[+,/])(?=.)'), '$1\\n'), '\\n') : datum.label`;
    return {
      narrow,
      height: { step: narrow ? step + 14 : step },
      y: {
        field: "name", type: "nominal", scale: { type: "band", domain: names, padding: 0 }, title: null,
        axis: narrow ? null : { domain: false, ticks: false, labelColor: "var(--ink)", labelFontSize: 13, labelPadding: 10, minExtent: 40, labelExpr: label },
      },
      // Twice: a halo in the paper's colour keeps lines out of the letters.
      names: narrow ? [{ stroke: "var(--paper)", strokeWidth: 4 }, {}].map((halo) => ({
        data: { values: names.map((name) => ({ name })) },
        mark: { type: "text", align: "left", baseline: "middle", dx: 2, dy: -step / 2 + 1, fontWeight: 600, limit: width * 0.6, ...halo },
        encoding: { x: { value: 0 }, text: { field: "name" } },
      })) : [],
    };
  };

  /** Cuts a long list, and offers the rest below the chart. */
  const cut = (list, element, key) => {
    const open = element.dataset.all === "true" || list.length <= ROWS_MAX;
    element.parentElement.querySelector(".more")?.remove();
    if (!open) {
      const button = report.element("button", { type: "button", class: "more", text: `Draw all ${list.length} (now: ${ROWS_MAX} ${key})` });
      button.addEventListener("click", () => { element.dataset.all = "true"; report.draw(element); });
      element.after(button);
    }
    return open;
  };

  report.rows = rows;
  report.cut = cut;
  report.cut.most = ROWS_MAX;

  report.chart("forest", (width, element) => {
    const { of } = element.dataset;
    const { rows: whole, axis, equivalence } = of === undefined ? report.data.forest : report.data.contrasts[Number(of)];
    const all = of === undefined ? whole.filter((r) => report.shows(r.name)) : whole;
    if (all.length === 0) return null;
    let list = all;
    if (!cut(all, element, "with the largest changes")) {
      const size = (r) => Math.abs(r.delta ?? 0);
      const least = [...all].sort((a, b) => size(b) - size(a)).slice(0, ROWS_MAX);
      list = all.filter((r) => least.includes(r));
    }
    const frame = rows(list.map((r) => r.name), width, 44);
    const values = list.map((r) => ({ ...r, change: `${r.text} ${r.interval}` }));
    const seeds = list.flatMap((r) => r.seeds.map(([seed, value]) => ({ name: r.name, seed, value: value, shown: report.number(value, report.data.labels.decimals, true) })));
    const dy = frame.narrow ? 8 : 0;
    const title = of === undefined ? "variant" : "of";
    const tooltip = [{ field: "name", title }, { field: "change", title: "change" }, { field: "word", title: "verdict" }];
    const x = (field) => ({ field, type: "quantitative", axis: { tickCount: Math.ceil(width / 80) } });
    return {
      height: frame.height,
      data: { values },
      encoding: { y: frame.y },
      layer: [
        ...(equivalence ? [{
          data: { values: [{ from: -equivalence, to: equivalence }] },
          mark: { type: "rect", color: "var(--band)" },
          encoding: { y: null, x: { field: "from", type: "quantitative" }, x2: { field: "to" } },
        }] : []),
        { data: { values: [{ zero: 0 }] }, mark: { type: "rule", color: "var(--axis)", strokeWidth: 1.5 }, encoding: { y: null, x: x("zero") } },
        { data: { values: values.filter((v) => v.low !== null && v.high !== null) }, mark: { type: "rule", strokeWidth: 2.5, yOffset: dy, strokeCap: "round" }, encoding: { x: x("low"), x2: { field: "high" }, color: byVerdict(colours), tooltip } },
        { data: { values: seeds }, mark: { type: "point", filled: true, size: 14, yOffset: dy + 9, color: "var(--quiet)", opacity: 0.9 }, encoding: { x: x("value"), tooltip: [{ field: "name", title }, { field: "seed", title: "seed" }, { field: "shown", title: "change" }] } },
        { mark: { type: "point", filled: true, size: 130, yOffset: dy, opacity: 1, strokeWidth: 2 }, encoding: { x: { ...x("delta"), title: axis }, shape: byVerdict(shapes), stroke: byVerdict(colours), fill: byVerdict([...colours.slice(0, 3), "var(--paper)"]), tooltip } },
        { mark: { type: "text", yOffset: dy, dy: -13, fontWeight: 600 }, encoding: { x: x("delta"), text: { field: "text" } } },
        ...frame.names,
      ].filter((layer) => layer.data === undefined || layer.data.values.length > 0),
    };
  });

  report.chart("scores", (width, element) => {
    const { rows: whole, axis, constant, colour } = report.data.scores;
    const all = whole.filter((r) => report.shows(r.name));
    if (all.every((r) => r.mean === null)) return null;
    const list = cut(all, element, "first in the order of the effects") ? all : all.slice(0, ROWS_MAX);
    const frame = rows(list.map((r) => r.name), width, 44);
    const seeds = list.flatMap((r) => r.seeds.map(([seed, value]) => ({ name: r.name, seed, value, shown: report.number(value, report.data.labels.decimals, false) })));
    const dy = frame.narrow ? 8 : 0;
    // One line for all variants, or a short one for each where they stand beside different references.
    const rules = (of) => of.filter(([, value]) => value !== null).map(([name, value, strokeDash]) => ({ data: { values: [{ [name]: value }] }, mark: { type: "rule", strokeDash, strokeWidth: 2, color: `var(--${name})` }, encoding: { y: null, x: { ...x(name), title: axis } } }));
    const ticks = (of) => of.filter(([name]) => list.some((r) => r[name] !== null)).map(([name, title]) => ({ mark: { type: "tick", thickness: 2, size: 20, yOffset: dy, color: `var(--${name})` }, encoding: { x: { ...x(name), title: axis }, tooltip: [{ field: "name", title: "variant" }, { field: name, title }] } }));
    const x = (field) => ({ field, type: "quantitative", scale: { zero: false, nice: true, padding: 8 }, axis: { tickCount: Math.ceil(width / 80) } });
    return {
      height: frame.height,
      data: { values: list },
      encoding: { y: frame.y },
      layer: [
        ...rules([["constant", constant, [5, 4]], ["colour", colour, [1.5, 3]]]),
        ...ticks([["constant", "better constant predictor"], ["colour", "mean colour"]]),
        { data: { values: seeds }, mark: { type: "point", filled: true, size: 16, yOffset: dy + 9, color: "var(--quiet)", opacity: 0.9 }, encoding: { x: { ...x("value"), title: axis }, tooltip: [{ field: "name", title: "variant" }, { field: "seed", title: "seed" }, { field: "shown", title: "score" }] } },
        { mark: { type: "point", shape: "diamond", filled: true, size: 120, yOffset: dy, opacity: 1 }, encoding: { x: x("mean"), color: { field: "baseline", type: "nominal", scale: { domain: [true, false], range: ["var(--ink)", "var(--accent)"] } }, tooltip: [{ field: "name", title: "variant" }, { field: "text", title: "score" }] } },
        { mark: { type: "text", yOffset: dy, dy: -13, fontWeight: 600 }, encoding: { x: x("mean"), text: { field: "text" } } },
        ...frame.names,
      ],
    };
  });

  report.chart("balance", (width, element) => {
    const { names: all, before, after } = report.data.balance;
    if (all.length === 0) return null;
    const names = cut(all, element, "first") ? all : all.slice(0, ROWS_MAX);
    const frame = rows(names, width, 26, 400);
    const dy = frame.narrow ? 6 : 0;
    const values = names.map((name, i) => ({ name, before: before[i], after: after[i] }));
    const tooltip = [{ field: "name", title: "label" }, { field: "before", title: "rows before" }, { field: "after", title: "rows after" }];
    const x = (field) => ({ field, type: "quantitative", scale: { domainMin: 0 }, title: "Positive training rows (count)", axis: { tickCount: Math.ceil(width / 90) } });
    return {
      height: frame.height,
      data: { values },
      encoding: { y: frame.y },
      layer: [
        { mark: { type: "rule", strokeWidth: 2, color: "var(--line-strong)", yOffset: dy }, encoding: { x: x("before"), x2: { field: "after" } } },
        { mark: { type: "point", shape: "square", filled: false, size: 60, strokeWidth: 2, color: "var(--quiet)", opacity: 1, yOffset: dy }, encoding: { x: x("before"), tooltip } },
        { mark: { type: "point", shape: "circle", filled: true, size: 80, color: "var(--accent)", opacity: 1, yOffset: dy }, encoding: { x: x("after"), tooltip } },
        ...frame.names,
      ],
    };
  });

  document.addEventListener("filter", () => report.redraw([...drawn.keys()].filter((element) => element.dataset.filtered !== undefined)));

  // Scripts below this one name further charts.
  addEventListener("DOMContentLoaded", () => {
    for (const element of document.querySelectorAll(".chart")) report.watch(element);
  });
})();
