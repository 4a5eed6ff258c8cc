//! `ablatrix table`: any table of a study, printed or saved.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use super::args::{OutputFormat, TableArgs, TableName};
use super::place::Place;
use super::print;
use super::render::Failure;
use super::study::{Study, cache_failure};
use crate::plan::{Latest, Node, Stage, State, last_report, output, resolve};
use crate::tables::export::{self, Source};

/// Prints or saves a table.
///
/// # Errors
/// Rendered, with the exit code.
pub fn table(args: &TableArgs) -> Result<u8, Failure> {
    let study = Study::look(&args.spec)?;
    let latest = Latest::load(&study.store, &study.plan.experiment.name);
    let states = resolve(&study.plan, &study.store, &study.sources, &latest)
        .map_err(|error| study.source_failure(&error))?;
    let (stage, name) = place(args.name);
    let mut files: Vec<(&Node, PathBuf)> = Vec::new();
    let mut missing: Vec<&str> = Vec::new();
    for (node, state) in study.plan.nodes.iter().zip(&states).filter(|(node, _)| node.stage == stage) {
        match state {
            State::Fresh(entry) => {
                let path = study.store.object(entry.digest(name)).map_err(|error| cache_failure(&error))?;
                files.push((node, path));
            }
            State::Dirty(_) if stage == Stage::Report => {
                let last = last_report(&study.plan, &states, &study.store, &study.sources, &latest)
                    .map_err(|error| study.source_failure(&error))?;
                let Some(entry) = last else {
                    missing.push(&node.name);
                    continue;
                };
                let path = study.store.object(entry.digest(name)).map_err(|error| cache_failure(&error))?;
                print::err("warning: some runs have no result; these are the effects among the others");
                files.push((node, path));
            }
            State::Dirty(_) => missing.push(&node.name),
        }
    }
    if files.is_empty() && missing.is_empty() {
        let message = format!("the study has no stage `{}`", stage.as_str());
        let help =
            "write `method = \"grad_cam\"` in `[explain]` (`explain.method`), and `ablatrix run` makes maps";
        return Err(Failure::text(1, &message, Some(help)));
    }
    if files.is_empty() {
        let message = format!("the stage `{}` has no result yet", missing.first().unwrap_or(&""));
        let help = match stage {
            Stage::Report => "`ablatrix run` makes it, `ablatrix report` makes it of the runs that there are",
            _ => "`ablatrix run` makes it",
        };
        return Err(Failure::text(1, &message, Some(help)));
    }
    if !missing.is_empty() {
        print::err(&format!("warning: left out, they have no result: `{}`", missing.join("`, `")));
    }
    // A result may have been made under other names: of this study before an op was renamed, or of another study.
    let sources: Vec<Source> = files.iter().map(|(node, path)| Source { path, names: names(node) }).collect();
    let failed = |error: &dyn std::fmt::Display| Failure::text(1, &error.to_string(), None);
    let Some(out) = &args.out else {
        let mut stdout = std::io::stdout().lock();
        return match args.spec.format {
            OutputFormat::Text => export::to_csv(&sources, &mut stdout),
            OutputFormat::Json => export::to_json_lines(&sources, &mut stdout),
        }
        .map(|()| 0)
        // A reader that has seen enough (`| head`) is no fault.
        .or_else(|error| if error.is_broken_pipe() { Ok(0) } else { Err(failed(&error)) });
    };
    let ending = out.extension().and_then(|e| e.to_str()).unwrap_or_default();
    if !matches!(ending, "csv" | "json" | "parquet") {
        let message = format!("`{}` ends in none of `.csv`, `.parquet`, `.json`", out.display());
        return Err(Failure::text(2, &message, None));
    }
    let unwritable =
        |error: std::io::Error| Failure::text(1, &format!("cannot write `{}`: {error}", out.display()), None);
    let mut place = Place::beside(out).map_err(unwritable)?;
    let mut file = BufWriter::new(place.file());
    match ending {
        "csv" => export::to_csv(&sources, &mut file),
        "json" => export::to_json_lines(&sources, &mut file),
        _ => export::to_parquet(&sources, &mut file),
    }
    .map_err(|error| failed(&error))?;
    file.flush().map_err(unwritable)?;
    drop(file);
    place.keep().map_err(unwritable)?;
    Ok(0)
}

/// The columns of a table that name a run or a variant.
fn names(node: &Node) -> Vec<(&'static str, &str)> {
    match node.stage {
        Stage::References => vec![("variant", &node.variant.name)],
        _ if node.run.is_empty() => Vec::new(),
        _ => vec![("run", &node.run), ("variant", &node.variant.name)],
    }
}

fn place(name: TableName) -> (Stage, &'static str) {
    match name {
        TableName::Images => (Stage::Scan, output::IMAGES),
        TableName::Annotations => (Stage::Ingest, output::ANNOTATIONS),
        TableName::Categories => (Stage::Ingest, output::CATEGORIES),
        TableName::Labels => (Stage::Label, output::LABELS),
        TableName::PictureHashes => (Stage::Pixels, output::PICTURE_HASHES),
        TableName::Split => (Stage::Split, output::SPLIT),
        TableName::TrainIndex => (Stage::Balance, output::TRAIN_INDEX),
        TableName::History => (Stage::Train, output::HISTORY),
        TableName::Predictions => (Stage::Predict, output::PREDICTIONS),
        TableName::Attention => (Stage::Explain, output::ATTENTION),
        TableName::Metrics => (Stage::Evaluate, output::METRICS),
        TableName::References => (Stage::References, output::REFERENCES),
        TableName::Effects => (Stage::Report, output::EFFECTS),
        TableName::Contrasts => (Stage::Report, output::CONTRASTS),
    }
}
