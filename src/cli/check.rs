//! `ablatrix check`: the spec and its data, the labels, the parts, the matrix. Trains nothing.

use std::collections::HashMap;

use serde_json::json;

use super::args::{OutputFormat, SpecArgs};
use super::display::{Detail, Display};
use super::print;
use super::render::Failure;
use super::study::Study;
use crate::cache::Entry;
use crate::dataset::Notice;
use crate::engine::{self, Interrupt};
use crate::plan::{Stage, output};
use crate::tables;
use crate::tables::rows::{LabelTable, Part, SplitRow, TrainIndexRow};

/// Checks a spec, and its data as far as it is there.
///
/// # Errors
/// Rendered, with the exit code.
pub fn check(args: &SpecArgs) -> Result<u8, Failure> {
    let study = Study::open(args)?;
    study.check_weights()?;
    study.tell_notices(args.format);
    let dataset = &study.plan.experiment.dataset;
    let absent = dataset.generate.is_some() && !dataset.annotations.exists();
    let facts = if absent { None } else { Some(Facts::gather(&study)?) };
    match args.format {
        OutputFormat::Json => print_json(&study, facts.as_ref()),
        OutputFormat::Text => print_text(&study, facts.as_ref()),
    }
    Ok(0)
}

/// What the stages of the data gave.
struct Facts {
    labels: LabelTable,
    parts: HashMap<i64, Part>,
    copies: HashMap<i64, u32>,
    notices: Vec<String>,
}

impl Facts {
    fn gather(study: &Study) -> Result<Self, Failure> {
        let config = study.engine(Some(1), Some(Stage::Balance))?;
        let mut display = Display::new(Detail::Quiet);
        let mut listener = |event: engine::Event| {
            // Faults are shown below, where they stand in the spec.
            if !matches!(event, engine::Event::Failed { .. }) {
                display.show(&event);
            }
        };
        let outcome = engine::run(&study.plan, &config, &study.sources, &Interrupt::never(), &mut listener)
            .map_err(|error| study.engine_failure(&error))?;
        if let Some(failure) = outcome.spec_fault.as_ref().and_then(|error| study.spec_failure(error)) {
            return Err(failure);
        }
        if let Some((_, message)) = outcome.failed.first() {
            return Err(Failure::text(1, message, None));
        }
        let first =
            |stage: Stage| study.plan.of_stage(stage).next().and_then(|node| outcome.entries.get(&node));
        let labels: LabelTable = read(study, first(Stage::Label), output::LABELS)?;
        let split: Vec<SplitRow> = read(study, first(Stage::Split), output::SPLIT)?;
        let index: Vec<TrainIndexRow> = read(study, first(Stage::Balance), output::TRAIN_INDEX)?;
        let mut notices = Vec::new();
        for stage in [Stage::Ingest, Stage::Scan, Stage::Label, Stage::Split] {
            let path = first(stage).and_then(|entry| study.store.object(entry.digest(output::NOTICES)).ok());
            let bytes = path.and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
            let read: Vec<Notice> = serde_json::from_slice(&bytes).unwrap_or_default();
            notices.extend(read.into_iter().map(|notice| notice.message));
        }
        Ok(Facts {
            labels,
            parts: split.iter().map(|row| (row.image_id, row.part)).collect(),
            copies: index.iter().map(|row| (row.image_id, row.copies)).collect(),
            notices,
        })
    }

    /// Rows, and positives per label, of the images that `weigh` counts.
    fn count(&self, weigh: impl Fn(i64) -> u64) -> (u64, Vec<u64>) {
        let mut rows = 0;
        let mut positives = vec![0; self.labels.labels.len()];
        for (row_idx, &image_id) in self.labels.image_ids.iter().enumerate() {
            let weight = weigh(image_id);
            rows += weight;
            for (count, &is) in positives.iter_mut().zip(self.labels.row(row_idx)) {
                *count += weight * u64::from(is);
            }
        }
        (rows, positives)
    }

    /// Columns: all, train, val, test, and training rows after balancing.
    fn columns(&self) -> Vec<(&'static str, (u64, Vec<u64>))> {
        let part = |part: Part| self.count(|id| u64::from(self.parts.get(&id) == Some(&part)));
        vec![
            ("all", self.count(|_| 1)),
            ("train", part(Part::Train)),
            ("val", part(Part::Val)),
            ("test", part(Part::Test)),
            ("balanced", self.count(|id| u64::from(self.copies.get(&id).copied().unwrap_or(0)))),
        ]
    }
}

fn read<T: tables::Table>(study: &Study, entry: Option<&Entry>, name: &str) -> Result<T, Failure> {
    let entry = entry.ok_or_else(|| Failure::text(1, &format!("there is no `{name}`"), None))?;
    let path = study.store.object(entry.digest(name)).map_err(|error| super::study::cache_failure(&error))?;
    tables::read(&path).map_err(|error| Failure::new(1, &error, None))
}

fn print_text(study: &Study, facts: Option<&Facts>) {
    let plan = &study.plan;
    let experiment = &plan.experiment;
    print::out(&match experiment.question.as_str() {
        "" => experiment.name.clone(),
        question => format!("{}: {question}", experiment.name),
    });
    let epochs = print::count(experiment.train.epochs as usize, "epoch");
    print::out(&format!(
        "{} x {} = {} of up to {epochs}; baseline `{}`\n",
        print::count(plan.variants.len(), "variant"),
        print::count(experiment.seeds.len(), "seed"),
        print::count(plan.runs.len(), "run"),
        experiment.report.baseline
    ));
    let mut rows = vec![vec!["VARIANT".to_owned(), "OPS".to_owned()]];
    for variant in &plan.variants {
        rows.push(vec![variant.name.clone(), crate::augment::describe(&variant.policy)]);
    }
    print::table(&rows);
    let Some(facts) = facts else {
        print::out("\nthe dataset is not there yet; `ablatrix run` draws it first");
        return;
    };
    print::out("");
    let columns = facts.columns();
    let mut rows = vec![
        std::iter::once("LABEL".to_owned())
            .chain(columns.iter().map(|(name, _)| name.to_uppercase()))
            .collect(),
    ];
    for (label_idx, label) in facts.labels.labels.iter().enumerate() {
        rows.push(
            std::iter::once(label.clone())
                .chain(columns.iter().map(|(_, (_, p))| p[label_idx].to_string()))
                .collect(),
        );
    }
    rows.push(
        std::iter::once("(images)".to_owned())
            .chain(columns.iter().map(|(_, (n, _))| n.to_string()))
            .collect(),
    );
    print::table(&rows);
    for notice in &facts.notices {
        print::out(&format!("note: {}", super::render::plain(notice)));
    }
    let trained = columns.last().map_or(0, |(_, (n, _))| *n);
    print::out(&format!(
        "\nwork: {} x {} x {epochs} = {} through the model, forward and back, at most",
        print::count(plan.runs.len(), "run"),
        print::count(trained as usize, "row"),
        print::count(trained as usize * plan.runs.len() * experiment.train.epochs as usize, "image")
    ));
}

fn print_json(study: &Study, facts: Option<&Facts>) {
    let counts = facts.map(|facts| {
        let columns = facts.columns();
        let of = |(name, (rows, positives)): &(&str, (u64, Vec<u64>))| {
            let labels: serde_json::Map<String, serde_json::Value> =
                (facts.labels.labels.iter().cloned()).zip(positives.iter().map(|&n| json!(n))).collect();
            ((*name).to_owned(), json!({"rows": rows, "positives": labels}))
        };
        columns.iter().map(of).collect::<serde_json::Map<_, _>>()
    });
    let value = json!({
        "experiment": *study.plan.experiment,
        "variants": study.plan.variants.iter().map(|variant| &variant.name).collect::<Vec<_>>(),
        "runs": study.plan.runs.iter().map(|run| &run.name).collect::<Vec<_>>(),
        "counts": counts,
        "notices": facts.map(|facts| &facts.notices),
        "spec_notices": study.loaded.notices(),
    });
    print::out(&value.to_string());
}
