//! `ablatrix table`: any table of a study, printed or saved.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::args::{OutputFormat, TableArgs, TableName};
use super::render::Failure;
use super::study::{Study, cache_failure};
use crate::plan::{Latest, Stage, State, output, resolve};
use crate::tables::export;

/// Prints or saves a table.
///
/// # Errors
/// Rendered, with the exit code.
pub fn table(args: &TableArgs) -> Result<u8, Failure> {
    let study = Study::open(&args.spec)?;
    let latest = Latest::load(&study.store, &study.plan.experiment.name);
    let states = resolve(&study.plan, &study.store, &study.sources, &latest)
        .map_err(|error| study.source_failure(&error))?;
    let (stage, name) = place(args.name);
    let mut files = Vec::new();
    for (node, state) in study.plan.nodes.iter().zip(&states).filter(|(node, _)| node.stage == stage) {
        match state {
            State::Fresh(entry) => {
                files.push(study.store.object(entry.digest(name)).map_err(|error| cache_failure(&error))?);
            }
            State::Dirty(_) => {
                let message = format!("the stage `{}` has no result yet", node.name);
                return Err(Failure::text(1, &message, Some("`ablatrix run` makes it")));
            }
        }
    }
    let paths: Vec<&Path> = files.iter().map(std::path::PathBuf::as_path).collect();
    let failed = |error: &dyn std::fmt::Display| Failure::text(1, &error.to_string(), None);
    let Some(out) = &args.out else {
        let mut stdout = std::io::stdout().lock();
        return match args.spec.format {
            OutputFormat::Text => export::to_csv(&paths, &mut stdout),
            OutputFormat::Json => export::to_json_lines(&paths, &mut stdout),
        }
        .map_err(|error| failed(&error))
        .map(|()| 0);
    };
    let ending = out.extension().and_then(|e| e.to_str()).unwrap_or_default();
    if !matches!(ending, "csv" | "json" | "parquet") {
        let message = format!("`{}` ends in none of `.csv`, `.parquet`, `.json`", out.display());
        return Err(Failure::text(2, &message, None));
    }
    let file = File::create(out)
        .map_err(|error| Failure::text(1, &format!("cannot write `{}`: {error}", out.display()), None))?;
    let mut file = BufWriter::new(file);
    match ending {
        "csv" => export::to_csv(&paths, &mut file),
        "json" => export::to_json_lines(&paths, &mut file),
        _ => export::to_parquet(&paths, &mut file),
    }
    .map_err(|error| failed(&error))?;
    file.flush().map_err(|error| failed(&error))?;
    Ok(0)
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
        TableName::Metrics => (Stage::Evaluate, output::METRICS),
        TableName::Effects => (Stage::Report, output::EFFECTS),
    }
}
