//! `ablatrix preview`: contact sheets of each augmentation on pictures of the dataset.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::json;

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
use crate::pixels::{decode, resize};
use crate::preview::{self, Sample, Sheet, Shown};
use crate::seed::Key;
use crate::spec::ops::Op;
use crate::spec::settings::{Augment, Fit, Images};

/// Seed of the choice of pictures: the same data give the same sheets.
const CHOICE_SEED: u64 = 0;
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
    let mut files = Vec::new();
    for (name, sheet) in sheets(&experiment.name, augment, &samples, shown, &draws) {
        files.push(write(&folder.join(name), &sheet)?);
    }
    match args.spec.format {
        OutputFormat::Json => {
            print::out(&json!({"experiment": experiment.name, "sheets": files}).to_string())
        }
        OutputFormat::Text => files.iter().for_each(|file| print::out(&super::study::shown(file))),
    }
    Ok(0)
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
    let each = augment.ops.iter().map(|(name, op)| (name.as_str(), op));
    let title = format!("{study}: each op, applied whatever its p; {draws}");
    let mut sheets = vec![("ops.png".to_owned(), preview::ops(title, each, samples, shown))];
    for (name, levels) in &augment.levels {
        let labelled: Vec<(String, &Op)> = levels.iter().map(|level| (level.shown(), &level.op)).collect();
        let title = format!("{study}: levels of {name}, applied whatever its p; {draws}");
        let levels = labelled.iter().map(|(label, op)| (label.as_str(), *op));
        sheets
            .push((format!("levels-{}.png", plain_name(name)), preview::ops(title, levels, samples, shown)));
    }
    let arms = augment.arms();
    if arms.iter().any(|arm| arm.parts.len() > 1) {
        let more = arms.len().saturating_sub(MOST_ARMS);
        let rest = if more > 0 { format!(" ({more} more arms are not shown)") } else { String::new() };
        let title = format!("{study}: the arms as they are trained, each op with its p; {draws}{rest}");
        let arms = arms.iter().take(MOST_ARMS).map(|arm| (arm.name.clone(), augment.ops_of(arm)));
        sheets.push(("arms.png".to_owned(), preview::arms(title, arms, samples, shown)));
    }
    sheets
}

/// A name as part of a file's name.
fn plain_name(name: &str) -> String {
    let letter = |c: char| if c.is_alphanumeric() || matches!(c, '_' | '.' | '-') { c } else { '-' };
    name.chars().map(letter).collect()
}

fn write(path: &std::path::Path, sheet: &Sheet) -> Result<PathBuf, Failure> {
    let help = "name a folder that can be written with `--out DIR`";
    let bytes = preview::png(&sheet.paint()).map_err(|error| Failure::new(1, &error, None))?;
    write_atomic(path, &bytes).map_err(|error| Failure::new(1, &error, Some(help)))?;
    Ok(path.to_owned())
}

/// Pictures of the training part as the model sees them: one of each label in turn, as far as they reach.
fn samples(study: &Study, facts: &Facts, args: &PreviewArgs) -> Result<Vec<Sample>, Failure> {
    let experiment = &study.plan.experiment;
    let settings = &experiment.images;
    let annotations = if args.boxes { facts.annotations()? } else { Vec::new() };
    let mut samples = Vec::new();
    for image_id in chosen(facts, args.images as usize) {
        let Some(image) = facts.images.iter().find(|image| image.image_id == image_id) else { continue };
        let path = names::resolve(&experiment.dataset.images, &image.path)
            .map_err(|error| Failure::new(1, &error, None))?;
        let unreadable =
            |why: String| Failure::text(1, &format!("cannot show `{}`: {why}", shown(&path)), None);
        let bytes = std::fs::read(&path).map_err(|error| unreadable(error.to_string()))?;
        let picture = decode(&bytes).map_err(|error| unreadable(error.to_string()))?;
        let record = facts.records.iter().find(|record| record.image_id == image_id).unwrap_or(image);
        let boxes = annotations.iter().filter(|row| row.image_id == image_id && !row.is_crowd).map(|row| {
            let bounds = [row.bbox_x, row.bbox_y, row.bbox_w, row.bbox_h].map(f64::from);
            placed(settings, (record.width, record.height), bounds)
        });
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

/// A box in a picture of this size, as the model sees it.
fn placed(settings: &Images, (width, height): (u32, u32), [x, y, w, h]: [f64; 4]) -> [f64; 4] {
    let side = f64::from(settings.size);
    let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let (across, down) = match settings.fit {
        Fit::Stretch => (side / width, side / height),
        Fit::Crop => (side / width.min(height), side / width.min(height)),
        Fit::Pad => (side / width.max(height), side / width.max(height)),
    };
    let (left, top) = ((side - width * across) / 2.0, (side - height * down) / 2.0);
    [x * across + left, y * down + top, w * across, h * down]
}

/// Of each label in turn an image that is not chosen yet, rare labels first, until there are `most`.
fn chosen(facts: &Facts, most: usize) -> Vec<i64> {
    let labels = &facts.labels;
    let key = Key::root(CHOICE_SEED).child("preview");
    let mut images_of: Vec<Vec<i64>> = vec![Vec::new(); labels.labels.len()];
    for (row_idx, &image_id) in labels.image_ids.iter().enumerate() {
        if facts.is_trained(image_id) {
            let positives = labels.row(row_idx).iter().enumerate().filter(|(_, positive)| **positive);
            positives.for_each(|(label, _)| images_of[label].push(image_id));
        }
    }
    for (label, images) in labels.labels.iter().zip(&mut images_of) {
        key.child(label).draws().shuffle(images);
    }
    images_of.sort_by_key(Vec::len);
    let longest = images_of.last().map_or(0, Vec::len);
    let ranks = (0..longest).flat_map(|rank| images_of.iter().filter_map(move |images| images.get(rank)));
    let mut taken = BTreeSet::new();
    ranks.copied().filter(|image_id| taken.insert(*image_id)).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_go_where_their_pixels_go() {
        let settings = |fit| Images { size: 100, fit };
        let place = |fit| placed(&settings(fit), (200, 50), [100.0, 10.0, 20.0, 30.0]);
        assert_eq!(place(Fit::Stretch), [50.0, 20.0, 10.0, 60.0]);
        assert_eq!(place(Fit::Crop), [50.0, 20.0, 40.0, 60.0]);
        assert_eq!(place(Fit::Pad), [50.0, 42.5, 10.0, 15.0]);
    }

    #[test]
    fn names_of_ops_are_safe_in_files() {
        assert_eq!(plain_name("../noise (strong)"), "..-noise--strong-");
    }
}
