//! The numbers on the page are those of the tables, row by row; written out here anew, so that a slip of the page's own rounding shows.

use std::collections::{BTreeMap, BTreeSet};

use ablatrix::tables::rows::EffectRow;
use serde_json::Value;

use super::browser::Browser;
use super::studies::{Written, studies};

/// The cells of the table whose caption begins so, each row under its heads.
const TABLE: &str = "const text = (e) => e.textContent.replace(/\\s+/g, ' ').trim();
    const table = [...document.querySelectorAll('table')].find((t) => t.caption && text(t.caption).startsWith(arguments[0]));
    if (!table) return null;
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells].map(text);
    return [...table.tBodies[0].rows].map((row) => Object.fromEntries([...row.cells].map((cell, i) => [heads[i], text(cell)])))";

type Row = BTreeMap<String, String>;

fn table(browser: &Browser, caption: &str) -> Vec<Row> {
    let found = browser.js(TABLE, [caption.into()]);
    assert!(found.is_array(), "no table `{caption}`");
    serde_json::from_value(found).unwrap()
}

/// The cell under the head that begins so.
fn cell<'r>(row: &'r Row, head: &str) -> &'r str {
    let found = row.iter().find(|(name, _)| name.starts_with(head));
    found.unwrap_or_else(|| panic!("no column `{head}` in {row:?}")).1
}

fn share(value: f64) -> String {
    if value.is_nan() { "–".to_owned() } else { minus(format!("{:.1}", 100.0 * value)) }
}

fn plain(value: f64) -> String {
    if value.is_nan() { "–".to_owned() } else { minus(format!("{value:.4}")) }
}

/// With a true minus, and none before a zero.
fn minus(text: String) -> String {
    match text.strip_prefix('-') {
        Some(rest) if rest.parse::<f64>() == Ok(0.0) => rest.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

fn points(value: f64) -> String {
    let text = share(value);
    if text.starts_with(['−', '–']) || text == "0.0" { text } else { format!("+{text}") }
}

fn interval(row: &EffectRow, none: &str) -> String {
    match row.low.is_finite() && row.high.is_finite() {
        true => format!("[{}, {}]", points(row.low), points(row.high)),
        false => none.to_owned(),
    }
}

fn p_value(p: f64) -> String {
    match p {
        p if p.is_nan() => "–".to_owned(),
        p if p < 0.001 => "< 0.001".to_owned(),
        p => format!("{p:.3}"),
    }
}

/// How a value is written.
type Shown = fn(f64) -> String;

/// What the scores of the table hold of the page's metrics, as the page names them.
const METRICS: [(&str, &str, Shown); 7] = [
    ("map_macro", "mAP", share),
    ("f1_macro", "macro F1", share),
    ("auroc_macro", "macro AUROC", share),
    ("map_micro", "micro AP", share),
    ("subset_accuracy", "subset accuracy", share),
    ("hamming_loss", "Hamming loss", share),
    ("log_loss", "log loss", plain),
];

#[test]
fn effects_are_those_of_the_table() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::new() else { return };
    for study in [&studies.whole, &studies.failed, &studies.missing] {
        browser.open(&study.page());
        browser.see_all();
        let effects: Vec<EffectRow> = study.effects();
        let headline: Vec<&EffectRow> =
            effects.iter().filter(|row| row.label.is_none() && row.metric == "map_macro").collect();
        assert!(headline.len() >= 2, "{headline:?}");
        let shown = table(&browser, "Effects in numbers");
        assert_eq!(shown.len(), headline.len());
        for row in headline {
            let of_row = |shown: &&Row| cell(shown, "Variant") == row.variant;
            let shown = shown.iter().find(of_row).unwrap_or_else(|| panic!("{} is not shown", row.variant));
            assert_eq!(cell(shown, "Change"), points(row.delta), "{row:?}");
            assert_eq!(cell(shown, "95 %"), interval(row, "no interval"), "{row:?}");
            assert_eq!(cell(shown, "p (Holm)"), p_value(row.p_adjusted), "{row:?}");
            assert_eq!(shown["Seeds"], row.n_seeds.to_string(), "{row:?}");
            assert!(cell(shown, "Verdict").ends_with(&row.verdict), "{row:?}");
        }

        let of_labels: Vec<&EffectRow> =
            effects.iter().filter(|row| row.label.is_some() && row.metric == "ap").collect();
        assert!(of_labels.len() >= 6, "{of_labels:?}");
        let shown = table(&browser, "AP of each label and variant");
        let compared = shown.iter().filter(|row| cell(row, "Change") != "–").count();
        assert_eq!(compared, of_labels.len());
        for row in of_labels {
            let is_of_row = |shown: &&Row| {
                cell(shown, "Variant") == row.variant && Some(cell(shown, "Label")) == row.label.as_deref()
            };
            let shown = shown.iter().find(is_of_row).unwrap_or_else(|| panic!("not shown: {row:?}"));
            assert_eq!(cell(shown, "Change"), points(row.delta), "{row:?}");
            assert_eq!(cell(shown, "95 %"), interval(row, "–"), "{row:?}");
            assert!(cell(shown, "Verdict").ends_with(&row.verdict), "{row:?}");
        }
    }
}

/// Mean and sample standard deviation as the page writes them.
fn spread(values: &[f64], written: fn(f64) -> String) -> String {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    if values.len() < 2 {
        return written(mean);
    }
    let sd = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    format!("{} ± {}", written(mean), written(sd))
}

#[test]
fn scores_are_those_of_the_tables() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::new() else { return };
    for study in [&studies.whole, &studies.failed, &studies.missing] {
        browser.open(&study.page());
        browser.see_all();
        let metrics = study.scores("metrics");
        let of = |variant: &str, label: Option<&str>, metric: &str| -> Vec<f64> {
            let rows = metrics.iter().filter(|row| row.variant == variant && row.metric == metric);
            rows.filter(|row| row.label.as_deref() == label).filter_map(|row| row.value).collect()
        };
        let variants: BTreeSet<&str> = metrics.iter().map(|row| row.variant.as_str()).collect();
        let scores = table(&browser, "Scores on the test part");
        let runs = table(&browser, "Every run");
        for variant in &variants {
            // The baseline's name is followed by a word that says so.
            let is_of = |row: &&Row| cell(row, "Variant").trim_end_matches(" baseline") == *variant;
            let row = scores.iter().find(is_of).unwrap_or_else(|| panic!("{variant} is not shown"));
            for (metric, name, written) in METRICS {
                assert_eq!(
                    cell(row, name),
                    spread(&of(variant, None, metric), written),
                    "{variant} {metric}"
                );
            }
        }
        let done = runs.iter().filter(|row| row["State"].ends_with("done")).count();
        let in_table: BTreeSet<&str> = metrics.iter().map(|row| row.run.as_str()).collect();
        assert_eq!(done, in_table.len());
        for row in metrics.iter().filter(|row| row.label.is_none()) {
            let Some((_, name, written)) = METRICS.iter().find(|(metric, ..)| *metric == row.metric) else {
                continue;
            };
            let is_of =
                |shown: &&Row| shown["Variant"] == row.variant && shown["Seed"] == row.seed.to_string();
            let shown = runs.iter().find(is_of).unwrap_or_else(|| panic!("{} is not shown", row.run));
            assert_eq!(cell(shown, name), written(row.value.unwrap_or(f64::NAN)), "{row:?}");
        }
        let labels = table(&browser, "AP of each label and variant");
        for row in labels.iter().filter(|row| variants.contains(row["Variant"].as_str())) {
            let values = of(&row["Variant"], Some(&row["Label"]), "ap");
            assert_eq!(cell(row, "AP, mean"), spread(&values, share), "{row:?}");
        }
    }
}

#[test]
fn references_are_those_of_the_table() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::at(&studies.whole.page()) else { return };
    let rows = studies.whole.scores("references");
    let shown = table(&browser, "Scores on the test part");
    let mut compared = 0;
    for row in rows.iter().filter(|row| row.label.is_none()) {
        let Some((_, name, written)) = METRICS.iter().find(|(metric, ..)| *metric == row.metric) else {
            continue;
        };
        let reference = row.reference.as_ref().unwrap().replace('_', " ");
        let shown = shown.iter().find(|shown| cell(shown, "Variant") == reference);
        assert_eq!(cell(shown.unwrap(), name), written(row.value.unwrap_or(f64::NAN)), "{row:?}");
        compared += 1;
    }
    assert!(compared >= 3 * 6, "{compared}");
}

/// What failed or never ran is named, with its reason, and counted at the top.
#[test]
fn failed_and_missing_runs_are_named() {
    let Some(studies) = studies() else { return };
    let Some(browser) = Browser::new() else { return };
    let states = |study: &Written, state: &str| -> (Vec<String>, String) {
        browser.open(&study.page());
        let rows = table(&browser, "Every run").into_iter().filter(|row| row["State"].ends_with(state));
        let top = browser.js("return document.querySelector('header').textContent", []);
        (rows.map(|row| row["Flags"].clone()).collect(), top.as_str().unwrap().to_owned())
    };
    let (failed, top) = states(&studies.failed, "failed");
    assert_eq!(failed.len(), 3 * 2);
    assert!(failed.iter().all(|why| why.contains("weights") || why.contains("tensor")), "{failed:?}");
    assert!(top.contains("6 done, 6 failed"), "{top}");
    let (missing, top) = states(&studies.missing, "missing");
    assert_eq!(missing, ["it has not been run"; 4]);
    assert!(top.contains("8 done, 0 failed, 4 missing"), "{top}");
    let findings: Value = browser.js("return document.querySelector('.findings').textContent", []);
    assert!(findings.as_str().unwrap().contains("4 runs: it has not been run"), "{findings}");
}
