// The table of every run, where there are too many for the page to hold as markup.
"use strict";
(() => {
  const home = document.getElementById("run-table");
  const table = report.data.runs;
  if (home === null || table === null) return;
  const { element, name } = report;
  const { metrics, states, stops, notes, has_folds: hasFolds, columns: of } = table;
  const rows = of.variant.map((v, i) => ({ v, seed: of.seed[i], fold: of.fold[i], state: of.state[i], scores: of.scores[i], best: of.best[i], epochs: of.epochs[i], stop: of.stop[i], time: of.time[i], seconds: of.seconds[i], notes: of.notes[i] }));
  const variants = report.data.labels.variants;
  const first = (text) => { const value = parseFloat(text.replace("−", "-").replaceAll(",", "")); return Number.isNaN(value) ? null : value; };
  const number = (title, of) => [title, "num", (r) => first(of(r)), of];
  const columns = [
    ["Variant", "text", (r) => variants[r.v].name, (r) => name(variants[r.v].name)],
    number("Seed", (r) => String(r.seed)),
    ...(hasFolds ? [number("Fold", (r) => String(r.fold))] : []),
    ["State", "text", (r) => states[r.state][1], (r) => states[r.state].join(" ")],
    ...metrics.map((title, i) => number(title, (r) => r.scores[i] ?? "–")),
    number("Best epoch", (r) => r.best),
    number("Epochs run", (r) => r.epochs),
    ["Ending", "text", (r) => stops[r.stop], (r) => stops[r.stop]],
    ["Time", "num", (r) => r.seconds, (r) => r.time],
    ["Flags", "text", (r) => notes[r.notes[0]] ?? "", (r) => element("span", { class: "flags" }, ...r.notes.map((n) => element("span", {}, name(notes[n]))))],
  ];
  const state = report.pick("run-state", "State", "All states", states.map(([, word]) => word));
  report.later(home, () => report.longTable(home, {
    name: "every run",
    caption: "Every run: scores on the test part (shares times 100), ending and flags",
    columns,
    rows,
    pickers: [state],
    keeps: (r) => report.showsAt(r.v) && (state.value === "" || r.state === Number(state.value)),
    dress: (tr, r) => tr.classList.add(states[r.state][1].replaceAll(" ", "-")),
  }));
})();
