//! `ablatrix preview`: contact sheets of each augmentation on pictures of the dataset.

use std::path::Path;

use serde_json::{Value, json};

use super::args::{OutputFormat, PreviewArgs};
use super::display::Detail;
use super::facts::Facts;
use super::render::Failure;
use super::study::{Study, shown};
use super::{generated, print};
use crate::cache::write_atomic;
use crate::dataset::names;
use crate::engine::Interrupt;
use crate::layout;
use crate::pixels::resize::Placement;
use crate::pixels::{decode, resize};
use crate::preview::{self, Sample, Sheet, Shown, Strip};
use crate::spec::settings::Augment;

/// Arms on a sheet.
const MOST_ARMS: usize = 16;

/// Paints the sheets.
///
/// # Errors
/// Rendered, with the exit code.
pub fn preview(args: &PreviewArgs) -> Result<u8, Failure> {
    let study = Study::open(&args.spec)?;
    let experiment = &study.plan.experiment;
    let augment = &experiment.augment;
    if augment.ops.is_empty() {
        let help = "define ops in `[augment.ops]`: `flip = { op = \"horizontal_flip\" }`";
        return Err(Failure::text(2, "the spec has no op to show", Some(help)));
    }
    if !experiment.dataset.check_images {
        let error = study.loaded.error_at(
            &["dataset", "check_images"],
            "`check_images = false` reads tables only, so that there are no pictures to show".to_owned(),
            Some("write `check_images = true`".to_owned()),
        );
        return Err(Failure::spec(&error, study.colour));
    }
    let detail = if args.spec.format == OutputFormat::Json { Detail::Quiet } else { Detail::Normal };
    let interrupt = Interrupt::listen()
        .map_err(|error| Failure::new(1, &error, Some("signals cannot be caught on this system")))?;
    generated::ensure(&study, detail, &interrupt)?;
    let facts = Facts::gather(&study)?;
    let samples = samples(&study, &facts, args)?;

    let shown = Shown { seed: experiment.seeds.first().copied().unwrap_or(1), epoch: args.epoch };
    let draws = format!("draws of seed {}, epoch {}, first copy", shown.seed, shown.epoch);
    let folder = args.out.clone().unwrap_or_else(|| layout::previews(&args.spec.reports, &experiment.name));
    let mut told = Vec::new();
    for (name, sheet) in sheets(&experiment.name, augment, &samples, shown, &draws) {
        let file = folder.join(name);
        write(&file, &sheet)?;
        match args.spec.format {
            OutputFormat::Json => told.push(as_json(&file, &sheet)),
            OutputFormat::Text => print::out(&super::study::shown(&file)),
        }
    }
    if args.spec.format == OutputFormat::Json {
        let (name, seed, epoch) = (&experiment.name, shown.seed, shown.epoch);
        print::out(&json!({"experiment": name, "seed": seed, "epoch": epoch, "sheets": told}).to_string());
    }
    Ok(0)
}

/// A sheet without its pixels: where it lies, and what was drawn for each picture in each column.
fn as_json(file: &Path, sheet: &Sheet) -> Value {
    let rows = sheet.rows.iter().map(|row| {
        let drawn: Vec<&str> = row.tiles.iter().map(|tile| tile.caption.as_str()).collect();
        json!({"image": row.name, "drawn": drawn})
    });
    json!({"file": file, "columns": sheet.columns, "rows": rows.collect::<Vec<_>>()})
}

/// All sheets with the names of their files: each op alone, each op with levels at all of them, and the arms of several
/// ops.
fn sheets(
    study: &str,
    augment: &Augment,
    samples: &[Sample],
    shown: Shown,
    draws: &str,
) -> Vec<(String, Sheet)> {
    let each = augment.ops.iter().enumerate();
    let each = each.map(|(op_idx, (name, op))| Strip::alone(name.clone(), op, augment.nth(op_idx)));
    let each: Vec<Strip> = each.collect();
    let title = format!("{study}: each op, applied whatever its p; {draws}");
    let mut sheets = vec![("ops.png".to_owned(), preview::sheet(title, &each, samples, shown))];
    for (name, levels) in &augment.levels {
        let title = format!("{study}: levels of {name}, applied whatever its p; {draws}");
        let nth = augment.ops.get_index_of(name).map_or(0, |op_idx| augment.nth(op_idx));
        let levels = levels.iter().map(|level| Strip::alone(level.shown(), &level.op, nth));
        let levels: Vec<Strip> = levels.collect();
        let file = format!("levels-{}.png", plain_name(name));
        sheets.push((file, preview::sheet(title, &levels, samples, shown)));
    }
    let arms = augment.arms();
    if arms.iter().any(|arm| arm.parts.len() > 1) {
        let more = arms.len().saturating_sub(MOST_ARMS);
        let rest = if more > 0 { format!(" ({more} more arms are not shown)") } else { String::new() };
        let title = format!("{study}: the arms as they are trained, each op with its p; {draws}{rest}");
        let arms = arms.iter().take(MOST_ARMS);
        let arms: Vec<Strip> =
            arms.map(|arm| Strip::trained(arm.name.clone(), &augment.ops_of(arm))).collect();
        sheets.push(("arms.png".to_owned(), preview::sheet(title, &arms, samples, shown)));
    }
    sheets
}

/// A name as part of a file's name.
fn plain_name(name: &str) -> String {
    let letter = |c: char| if c.is_alphanumeric() || matches!(c, '_' | '.' | '-') { c } else { '-' };
    name.chars().map(letter).collect()
}

fn write(path: &Path, sheet: &Sheet) -> Result<(), Failure> {
    let help = "name a folder that can be written with `--out DIR`";
    let bytes = preview::png(&sheet.paint()).map_err(|error| Failure::new(1, &error, None))?;
    write_atomic(path, &bytes).map_err(|error| Failure::new(1, &error, Some(help)))
}

/// Pictures of the training part as the model sees them: one of each label in turn, as far as they reach.
fn samples(study: &Study, facts: &Facts, args: &PreviewArgs) -> Result<Vec<Sample>, Failure> {
    let experiment = &study.plan.experiment;
    let settings = &experiment.images;
    let annotations = if args.boxes { facts.annotations()? } else { Vec::new() };
    let mut samples = Vec::new();
    let labels = &facts.labels;
    let rows = labels.image_ids.iter().enumerate().map(|(row_idx, &id)| (id, labels.row(row_idx)));
    let trained = rows.filter(|&(id, _)| facts.is_trained(id));
    let chosen = preview::chosen(&labels.labels, trained, args.images as usize);
    for image_id in chosen {
        let Some(image) = facts.images.iter().find(|image| image.image_id == image_id) else { continue };
        let path = names::resolve(&experiment.dataset.images, &image.path)
            .map_err(|error| Failure::new(1, &error, None))?;
        let unreadable =
            |why: String| Failure::text(1, &format!("cannot show `{}`: {why}", shown(&path)), None);
        let bytes = std::fs::read(&path).map_err(|error| unreadable(error.to_string()))?;
        let picture = decode(&bytes).map_err(|error| unreadable(error.to_string()))?;
        let record = facts.records.iter().find(|record| record.image_id == image_id).unwrap_or(image);
        let placement = Placement::new(record.width, record.height, settings.size, settings.fit);
        let own = annotations.iter().filter(|row| row.image_id == image_id && !row.is_crowd);
        let boxes =
            own.map(|row| placement.place([row.bbox_x, row.bbox_y, row.bbox_w, row.bbox_h].map(f64::from)));
        samples.push(Sample {
            image_id,
            name: image.file_name.clone(),
            image: resize::fit(&picture, settings.size, settings.fit),
            boxes: boxes.collect(),
        });
    }
    if samples.is_empty() {
        return Err(Failure::text(1, "there is no image in the training part to show", None));
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_ops_are_safe_in_files() {
        assert_eq!(plain_name("../noise (strong)"), "..-noise--strong-");
    }
}
