//! What the study cost: computing time by stage and device, and how fast each variant trained.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde::Serialize;

use super::format;
use super::scores::finished;
use super::study::{RunResult, StageRecord, Study};
use super::tables::Cell;

/// What the section shows.
#[derive(Debug, Serialize)]
pub struct Cost {
    /// Sentences on the sum of all.
    notes: Vec<String>,
    kinds: Vec<Kind>,
    variants: Vec<Row>,
}

/// All results of one stage.
#[derive(Debug, Serialize)]
struct Kind {
    stage: String,
    results: Cell,
    time: Cell,
    devices: String,
    /// When the first and the last of them were made.
    from: String,
    to: String,
}

/// How the runs of a variant trained.
#[derive(Debug, Serialize)]
struct Row {
    variant: String,
    runs: Cell,
    epochs: Cell,
    time: Cell,
    speed: Cell,
    wait: Cell,
    total: Cell,
}

/// Gathers what the section shows.
pub fn cost(study: &Study) -> Cost {
    let (records, trained) = (&study.provenance.stages, trained(study));
    let mut by_kind: IndexMap<&str, Vec<&StageRecord>> = IndexMap::new();
    for record in records {
        by_kind.entry(record.kind()).or_default().push(record);
    }
    let mut by_variant: IndexMap<&str, Vec<&RunResult>> = IndexMap::new();
    for (run, result) in finished(study).filter(|(_, result)| !result.history.is_empty()) {
        by_variant.entry(&run.variant).or_default().push(result);
    }
    Cost {
        notes: notes(study),
        kinds: by_kind.into_iter().map(|(stage, of)| kind(stage, &of, &trained)).collect(),
        variants: by_variant.into_iter().map(|(variant, of)| row(variant, &of)).collect(),
    }
}

/// The time of all epochs of each run, by the name of its stage. A training that was interrupted has it all, while its stage knows the time
/// since it went on.
fn trained(study: &Study) -> HashMap<String, f64> {
    let time = |result: &RunResult| result.history.iter().map(|row| row.seconds).sum();
    finished(study).map(|(run, result)| (format!("train({})", run.name), time(result))).collect()
}

fn seconds(record: &StageRecord, trained: &HashMap<String, f64>) -> f64 {
    let of_epochs = trained.get(&record.stage).copied().filter(|seconds| seconds.is_finite());
    record.seconds.max(of_epochs.unwrap_or(0.0))
}

/// Hours of processor threads, and of workers on GPUs: workers that share one count each.
pub fn notes(study: &Study) -> Vec<String> {
    let records = &study.provenance.stages;
    let trained = trained(study);
    let mut by_device: IndexMap<&str, (f64, f64)> = IndexMap::new();
    let mut without = 0.0;
    for record in records {
        match &record.device {
            Some(device) => {
                let (elapsed, threads) = by_device.entry(device).or_default();
                let seconds = seconds(record, &trained);
                *elapsed += seconds;
                *threads += seconds * f64::from(record.threads.unwrap_or(1));
            }
            None => without += record.seconds,
        }
    }
    let mut notes: Vec<String> = by_device
        .into_iter()
        .map(|(device, (elapsed, threads))| match device {
            "cpu" => format!(
                "Computing by workers took {} on processors: {} core hours",
                format::duration(elapsed),
                hours(threads)
            ),
            gpu => format!(
                "Computing by workers took {} on {gpu}: {} worker hours",
                format::duration(elapsed),
                hours(elapsed)
            ),
        })
        .collect();
    if without > 0.0 {
        notes.push(format!("All other stages took {}", format::duration(without)));
    }
    notes
}

fn hours(seconds: f64) -> String {
    let hours = seconds / 3600.0;
    if hours < 0.995 { format!("{hours:.2}") } else { format!("{hours:.1}") }
}

fn kind(stage: &str, records: &[&StageRecord], trained: &HashMap<String, f64>) -> Kind {
    let seconds: f64 = records.iter().map(|record| seconds(record, trained)).sum();
    let devices: indexmap::IndexSet<&str> =
        records.iter().filter_map(|record| record.device.as_deref()).collect();
    let at = |instant: Option<&str>| instant.map_or_else(|| format::NONE.to_owned(), str::to_owned);
    let times = || records.iter().map(|record| record.finished_at.as_str()).filter(|at| !at.is_empty());
    Kind {
        stage: stage.to_owned(),
        results: format::count(records.len() as u64).into(),
        time: timed(seconds),
        devices: match devices.is_empty() {
            true => format::NONE.to_owned(),
            false => devices.into_iter().collect::<Vec<_>>().join(", "),
        },
        // The text sorts as the time does.
        from: at(times().min()),
        to: at(times().max()),
    }
}

fn row(variant: &str, results: &[&RunResult]) -> Row {
    let n = results.len() as f64;
    let epochs: f64 = results.iter().map(|result| f64::from(result.summary.epochs_run)).sum();
    let history = || results.iter().flat_map(|result| &result.history);
    let mean = |of: fn(&crate::tables::rows::HistoryRow) -> f64| {
        let values: Vec<f64> = history().map(of).filter(|value| value.is_finite()).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    let total: f64 = history().map(|row| row.seconds).sum();
    let number = |value: f64, decimals: usize| {
        Cell::from(if value.is_finite() { format!("{value:.decimals$}") } else { format::NONE.to_owned() })
    };
    let wait = mean(|row| row.wait_share);
    Row {
        variant: variant.to_owned(),
        runs: format::count(results.len() as u64).into(),
        epochs: number(epochs / n, 1),
        time: timed(total / n),
        speed: number(mean(|row| row.images_per_second), 1),
        wait: Cell::from(match wait.is_finite() {
            true => format!("{:.1} %", 100.0 * wait),
            false => format::NONE.to_owned(),
        }),
        total: timed(total),
    }
}

fn timed(seconds: f64) -> Cell {
    Cell { text: format::duration(seconds), value: format::significant(seconds) }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{SMALL, study};
    use super::*;

    fn record(stage: &str, seconds: f64, device: Option<&str>, finished_at: &str) -> StageRecord {
        StageRecord {
            stage: stage.to_owned(),
            fingerprint: "ab".to_owned(),
            seconds,
            finished_at: finished_at.to_owned(),
            device: device.map(str::to_owned),
            threads: device.map(|_| 4),
        }
    }

    #[test]
    fn hours_are_of_gpus_or_of_cores() {
        let mut study = study(SMALL);
        study.provenance.stages = vec![
            record("label", 30.0, None, "2026-11-20 10:00 UTC"),
            record("train(a)", 1800.0, Some("cpu"), "2026-11-21 10:00 UTC"),
            record("train(b)", 1800.0, Some("cpu"), "2026-11-20 12:00 UTC"),
            record("train(c)", 7200.0, Some("cuda(0)"), "2026-11-20 11:00 UTC"),
        ];
        let cost = cost(&study);
        assert!(cost.notes[0].ends_with("1 h 00 min on processors: 4.0 core hours"), "{:?}", cost.notes);
        assert!(cost.notes[1].ends_with("2 h 00 min on cuda(0): 2.0 worker hours"), "{:?}", cost.notes);
        assert_eq!(cost.notes[2], "All other stages took 30.0 s");
        let train = &cost.kinds[1];
        assert_eq!((train.results.text.as_str(), train.devices.as_str()), ("3", "cpu, cuda(0)"));
        assert_eq!(
            (train.from.as_str(), train.to.as_str()),
            ("2026-11-20 11:00 UTC", "2026-11-21 10:00 UTC")
        );
    }

    #[test]
    fn speeds_are_means_over_all_epochs_of_a_variant() {
        let study = study(SMALL);
        let rows = cost(&study).variants;
        assert_eq!(rows.len(), SMALL.variants);
        let of: Vec<f64> = finished(&study)
            .filter(|(run, _)| run.variant == "flip")
            .flat_map(|(_, result)| result.history.iter().map(|row| row.images_per_second))
            .collect();
        let mean = of.iter().sum::<f64>() / of.len() as f64;
        assert_eq!(rows[1].speed.text, format!("{mean:.1}"));
        assert_eq!(rows[1].runs.text, "5");
    }
}
