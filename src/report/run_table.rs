//! The table of every run as data, where there are too many runs for markup.

use indexmap::IndexSet;
use serde::Serialize;

use super::scores::{metrics, positions};
use super::study::Study;
use super::tables;

/// Runs up to which the page holds their table as markup, which needs no script.
pub const MARKUP_MAX: usize = 400;

/// The table, with texts that many rows share written once.
#[derive(Debug, Serialize)]
pub struct RunTable {
    metrics: Vec<String>,
    /// Symbol and word.
    states: Vec<(&'static str, &'static str)>,
    stops: Vec<&'static str>,
    notes: Vec<String>,
    has_folds: bool,
    /// The table column by column: names of fields in each row would be most of it.
    columns: RunColumns,
}

#[derive(Debug, Default, Serialize)]
struct RunColumns {
    /// Positions of variants.
    variant: Vec<usize>,
    seed: Vec<u64>,
    fold: Vec<Option<u32>>,
    state: Vec<usize>,
    scores: Vec<Vec<String>>,
    best: Vec<String>,
    epochs: Vec<String>,
    stop: Vec<usize>,
    time: Vec<String>,
    seconds: Vec<Option<f64>>,
    notes: Vec<Vec<usize>>,
}

/// Gathers the rows; `None` where the page holds them as markup.
pub fn run_table(study: &Study) -> Option<RunTable> {
    if study.runs.len() <= MARKUP_MAX {
        return None;
    }
    let place = positions(study.variants.iter().map(|variant| &variant.name));
    let (mut states, mut stops, mut notes) = (IndexSet::new(), IndexSet::new(), IndexSet::new());
    let mut columns = RunColumns::default();
    for row in tables::run_rows(study) {
        let Some(&variant) = place.get(row.variant.as_str()) else { continue };
        columns.variant.push(variant);
        columns.seed.push(row.seed);
        columns.fold.extend((study.folds > 0).then_some(row.fold));
        columns.state.push(states.insert_full((row.symbol, row.state)).0);
        columns.scores.push(row.scores.into_iter().map(|cell| cell.text).collect());
        columns.best.push(row.best_epoch.text);
        columns.epochs.push(row.epochs);
        columns.stop.push(stops.insert_full(row.stop).0);
        columns.time.push(row.time.text);
        columns.seconds.push(row.time.value);
        columns.notes.push(row.notes.into_iter().map(|note| notes.insert_full(note).0).collect());
    }
    Some(RunTable {
        metrics: metrics(study).iter().map(|metric| metric.name.clone()).collect(),
        states: states.into_iter().collect(),
        stops: stops.into_iter().collect(),
        notes: notes.into_iter().collect(),
        has_folds: study.folds > 0,
        columns,
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::{SMALL, Size, study};
    use super::*;

    #[test]
    fn every_run_has_a_row_and_shared_texts_are_written_once() {
        assert!(run_table(&study(SMALL)).is_none());
        let study = study(Size { variants: 60, seeds: 7, ..SMALL });
        let table = run_table(&study).unwrap();
        let columns = &table.columns;
        assert_eq!((columns.variant.len(), columns.notes.len()), (study.runs.len(), study.runs.len()));
        assert_eq!(table.states, [("✓", "done"), ("…", "missing"), ("✕", "failed")]);
        let failed = columns.state.iter().position(|state| *state == 2).unwrap();
        assert!(table.notes[columns.notes[failed][0]].starts_with("worker killed by signal 9"));
        assert_eq!((columns.variant[failed], columns.seed[failed]), (5, 3));
    }
}
