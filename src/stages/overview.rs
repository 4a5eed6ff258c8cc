//! A study as it stands beside others: what it is tested on, its scores and effects, its settings.

use std::collections::{BTreeMap, HashMap};

use indexmap::IndexMap;

use super::error::StageError;
use super::report::metric;
use super::report_references::Beside;
use super::work::Results;
use crate::augment;
use crate::effects::Measure;
use crate::fingerprint::Digest;
use crate::job::input;
use crate::plan::{Run, output};
use crate::report::compare::{Member, MemberVariant, TestSet};
use crate::report::{Spread, reference_name};
use crate::spec::settings::{Aim, Threshold};
use crate::tables;
use crate::tables::rows::{EffectRow, ImageRow, LabelTable, MetricRow, Part, SplitRow};

/// Gathers a study. `spec`: its file; `effects`: its table of that name.
///
/// # Errors
/// Where a result is damaged.
pub fn overview(results: &Results, spec: &str, effects: Vec<EffectRow>) -> Result<Member, StageError> {
    let plan = results.plan;
    let experiment = &plan.experiment;
    let (headline, label_metric) =
        [false, true].map(|of_label| Measure::Headline(experiment.report.metric).name(of_label)).into();
    let (tests, test_of) = test_sets(results)?;
    let is_done = |run: &&Run| results.entries.contains_key(&run.evaluate);
    let mut seeds: Vec<u64> = plan.runs.iter().map(|run| run.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let scores = scores(results, headline)?;
    let variants = plan.variants.iter().enumerate().map(|(at, variant)| MemberVariant {
        name: variant.name.clone(),
        arm: variant.arm.clone(),
        ops: augment::describe(&variant.policy),
        test: test_of.get(&at).copied().unwrap_or(0),
        scores: scores.get(&at).cloned().unwrap_or_default(),
    });
    let first = &plan.runs[0];
    Ok(Member {
        name: experiment.name.clone(),
        spec: spec.to_owned(),
        question: experiment.question.clone(),
        baseline: experiment.report.baseline.clone(),
        headline: metric(headline),
        label_metric: metric(label_metric),
        thresholds: told(experiment.evaluate.threshold),
        equivalence: experiment.report.equivalence,
        folds: experiment.split.folds,
        seeds,
        runs_done: plan.runs.iter().filter(is_done).count(),
        runs: plan.runs.len(),
        labels: results.label_table(first)?.labels,
        tests,
        variants: variants.collect(),
        effects,
        references: references(results, headline)?,
        settings: settings(&plan.spec),
    })
}

fn references(results: &Results, headline: &str) -> Result<Vec<(String, f64)>, StageError> {
    let shown = Beside::load(results)?.shown(results.plan);
    let Some(first) = shown.into_iter().next() else { return Ok(Vec::new()) };
    let value = |of: crate::report::ReferenceScores| {
        let score = of.scores.iter().find(|score| score.label.is_none() && score.metric == headline)?;
        Some((reference_name(of.reference).to_owned(), score.value))
    };
    Ok(first.of.into_iter().filter_map(value).collect())
}

/// The sets, and which of them each variant is tested on.
fn test_sets(results: &Results) -> Result<(Vec<TestSet>, HashMap<usize, usize>), StageError> {
    let mut by_nodes: IndexMap<(usize, usize), TestSet> = IndexMap::new();
    let mut of_variant = HashMap::new();
    for run in &results.plan.runs {
        let split = results.input_node(run.train, input::SPLIT);
        let labels = results.input_node(run.train, input::LABELS);
        if !by_nodes.contains_key(&(split, labels)) {
            by_nodes.insert((split, labels), test_set(results, run, split)?);
        }
        let at = by_nodes.get_index_of(&(split, labels)).unwrap_or(0);
        of_variant.insert(run.variant, at);
    }
    Ok((by_nodes.into_values().collect(), of_variant))
}

fn test_set(results: &Results, run: &Run, split: usize) -> Result<TestSet, StageError> {
    let labels: LabelTable = results.label_table(run)?;
    let rows: Vec<SplitRow> = tables::read(&results.output_of(split, output::SPLIT)?)?;
    let pixels = results.input_node(run.train, input::PIXELS);
    let scan = results.input_node(pixels, "images");
    let images: Vec<ImageRow> = tables::read(&results.output_of(scan, output::IMAGES)?)?;
    let digests: HashMap<i64, &str> =
        images.iter().map(|image| (image.image_id, image.digest.as_str())).collect();
    Ok(identity(&labels, &rows, |id| digests.get(&id).copied()))
}

/// What the test images of a split are, told by their bytes, and what is true of them, told by the names of labels: neither
/// hangs on the order of images or labels.
fn identity<'a>(labels: &LabelTable, rows: &[SplitRow], digest: impl Fn(i64) -> Option<&'a str>) -> TestSet {
    let row_of: HashMap<i64, usize> =
        labels.image_ids.iter().enumerate().map(|(row, &id)| (id, row)).collect();
    let mut tested: Vec<(u32, String, Vec<&str>)> = rows
        .iter()
        .filter(|row| row.part == Part::Test)
        .map(|row| {
            let positives = row_of.get(&row.image_id).map_or(&[][..], |&at| labels.row(at));
            let mut names: Vec<&str> = (labels.labels.iter().zip(positives))
                .filter(|(_, has)| **has)
                .map(|(name, _)| name.as_str())
                .collect();
            names.sort_unstable();
            let picture = digest(row.image_id).map_or_else(|| row.image_id.to_string(), str::to_owned);
            (row.fold, picture, names)
        })
        .collect();
    tested.sort_unstable();
    let images: Vec<(u32, &str)> =
        tested.iter().map(|(fold, picture, _)| (*fold, picture.as_str())).collect();
    TestSet { images: tested.len() as u64, images_id: id(&images), truth_id: id(&tested) }
}

fn id<T: serde::Serialize>(of: &T) -> String {
    let bytes =
        serde_json::to_vec(of).unwrap_or_else(|e| panic!("bug: names and numbers are plain data: {e}"));
    Digest::of(&bytes).to_string()
}

/// The headline metric of each variant: of each seed that has all its runs, the mean over its folds.
fn scores(results: &Results, metric: &str) -> Result<HashMap<usize, Spread>, StageError> {
    let mut seeds: IndexMap<(usize, u64), Vec<Option<f64>>> = IndexMap::new();
    for run in &results.plan.runs {
        let value = match results.entries.contains_key(&run.evaluate) {
            true => {
                let rows: Vec<MetricRow> = tables::read(&results.output_of(run.evaluate, output::METRICS)?)?;
                let of_metric = |row: &&MetricRow| row.label.is_none() && row.metric == metric;
                rows.iter().find(of_metric).map(|row| row.value).filter(|value| value.is_finite())
            }
            false => None,
        };
        seeds.entry((run.variant, run.seed)).or_default().push(value);
    }
    let mut spreads: HashMap<usize, Spread> = HashMap::new();
    for ((variant, seed), values) in seeds {
        let whole: Option<Vec<f64>> = values.into_iter().collect();
        if let Some(values) = whole {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            spreads.entry(variant).or_default().values.push((seed, mean));
        }
    }
    Ok(spreads)
}

/// How thresholds are chosen, in words.
fn told(threshold: Threshold) -> String {
    let best = |aim: Aim| match aim {
        Aim::F1 => "the best F1".to_owned(),
        Aim::FBeta(beta) => format!("the best F-beta with beta {beta}"),
        Aim::Precision(floor) => format!("a precision of at least {floor}"),
    };
    match threshold {
        Threshold::Fixed(threshold) => format!("{threshold} for all labels"),
        Threshold::Global { aim } => format!("one for all labels, {} on validation", best(aim)),
        Threshold::PerLabel { aim, min_positives } => {
            format!("one for each label with {min_positives} positives or more, {} on validation", best(aim))
        }
    }
}

/// The resolved spec as dotted keys with their values.
fn settings(spec: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    // What was written by this program can be read by it; a spec that could not be would have no difference to show.
    if let Ok(table) = spec.parse::<toml::Table>() {
        flatten("", &toml::Value::Table(table), &mut found);
    }
    found
}

fn flatten(path: &str, value: &toml::Value, found: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) if !table.is_empty() || path.is_empty() => {
            for (key, value) in table {
                let key = if key.contains('.') { format!("\"{key}\"") } else { key.clone() };
                let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                flatten(&path, value, found);
            }
        }
        toml::Value::String(text) => {
            found.insert(path.to_owned(), text.clone());
        }
        other => {
            found.insert(path.to_owned(), other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: [&str; 2], rows: &[(i64, [bool; 2])]) -> LabelTable {
        LabelTable {
            labels: names.map(str::to_owned).to_vec(),
            image_ids: rows.iter().map(|(id, _)| *id).collect(),
            positives: rows.iter().flat_map(|(_, row)| *row).collect(),
        }
    }

    fn split(rows: &[(i64, u32, Part)]) -> Vec<SplitRow> {
        rows.iter().map(|&(image_id, fold, part)| SplitRow { image_id, fold, part }).collect()
    }

    #[test]
    fn test_sets_are_told_by_bytes_and_by_names_of_labels() {
        let digest = |id: i64| ["aa", "bb", "cc", "dd"].get(id as usize % 10).copied();
        let rows = [(0, [true, false]), (1, [false, true]), (2, [true, true])];
        let of = |rows: &[(i64, u32, Part)], labels: &LabelTable| identity(labels, &split(rows), digest);
        let table = labels(["glass", "metal"], &rows);
        let first = of(&[(0, 0, Part::Train), (1, 0, Part::Test), (2, 0, Part::Test)], &table);
        assert_eq!(first.images, 2);
        // Another order of images and labels, other ids of the same pictures.
        let other = labels(["metal", "glass"], &[(12, [true, true]), (11, [true, false])]);
        assert_eq!(of(&[(12, 0, Part::Test), (11, 0, Part::Test)], &other), first);
        let truth = labels(["glass", "metal"], &[(1, [true, true]), (2, [true, true])]);
        let found = of(&[(1, 0, Part::Test), (2, 0, Part::Test)], &truth);
        assert_eq!(found.images_id, first.images_id);
        assert_ne!(found.truth_id, first.truth_id);
        let folded = of(&[(1, 0, Part::Test), (2, 1, Part::Test)], &table);
        assert_ne!(folded.images_id, first.images_id);
    }

    #[test]
    fn settings_are_dotted_keys() {
        let found = settings(
            "name = \"a\"\nseeds = [1, 2]\n[train]\nepochs = 3\noptimizer = { lr = 1e-3 }\n[matrix]\n\"train.epochs\" = [1]\n",
        );
        let shown: Vec<(&str, &str)> =
            found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("matrix.\"train.epochs\"", "[1]"),
                ("name", "a"),
                ("seeds", "[1, 2]"),
                ("train.epochs", "3"),
                ("train.optimizer.lr", "0.001"),
            ]
        );
    }
}
