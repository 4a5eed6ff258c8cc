//! What the page shows of the pictures themselves: their sizes, the objects in them, and a few samples of each label.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jpeg_encoder::SamplingFactor;

use super::error::StageError;
use super::report_data::Shared;
use super::report_tiles::jpeg;
use super::work::StageWork;
use crate::job::input;
use crate::pixels::resize::Placement;
use crate::pixels::{PixelStore, RgbImage};
use crate::plan::output;
use crate::report::{ImageSize, Objects, Picture, Samples, Sizes};
use crate::seed::Key;
use crate::spec::settings::{Fit, Images};
use crate::tables;
use crate::tables::rows::{AnnotationRow, ImageRow, LabelTable, Part, PixelRow};

/// Labels that samples are shown of: the most frequent ones.
const SAMPLED_LABELS: usize = 40;
/// Samples of each label.
const SAMPLES: usize = 4;
/// The longest side of a sample in pixels.
const SAMPLE_SIDE: u32 = 96;
/// JPEG quality of a sample, 1 to 100.
const SAMPLE_QUALITY: u8 = 78;
/// All samples together, in bytes of JPEG: base64 makes 1.5 MB of it.
const SAMPLE_BYTES: usize = 1_100_000;
/// Seed of the choice of samples: the same data give the same page.
const SAMPLE_SEED: u64 = 0;

/// The sizes that occur, and how many images are enlarged.
pub(super) fn sizes(settings: &Images, shared: &Shared) -> Sizes {
    let used: BTreeSet<i64> = shared.labels.image_ids.iter().copied().collect();
    let mut counts: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    for image in shared.images.iter().filter(|image| used.contains(&image.image_id)) {
        *counts.entry((image.width, image.height)).or_default() += 1;
    }
    let enlarged = counts.iter().filter(|((width, height), _)| is_enlarged(settings, *width, *height));
    Sizes {
        side: settings.size,
        fit: match settings.fit {
            Fit::Stretch => "stretch",
            Fit::Crop => "crop",
            Fit::Pad => "pad",
        }
        .to_owned(),
        enlarged: enlarged.map(|(_, images)| images).sum(),
        of: counts.into_iter().map(|((width, height), images)| ImageSize { width, height, images }).collect(),
    }
}

fn is_enlarged(settings: &Images, width: u32, height: u32) -> bool {
    Placement::new(width, height, settings.size, settings.fit).scale.iter().any(|&scale| scale > 1.0)
}

/// The side of each object's box as the model sees it; `None` where there are no boxes.
pub(super) fn objects(work: &StageWork, shared: &Shared) -> Result<Option<Objects>, StageError> {
    let label = work.results().input_node(work.plan.runs[0].train, input::LABELS);
    let ingest = work.results().input_node(label, "annotations");
    let rows: Vec<AnnotationRow> = tables::read(&work.output_of(ingest, output::ANNOTATIONS)?)?;
    let used: BTreeSet<i64> = shared.labels.image_ids.iter().copied().collect();
    // Boxes are in the pixels of the records: an image on disk may be a smaller copy.
    let records: Vec<ImageRow> = tables::read(&work.output_of(ingest, output::IMAGES)?)?;
    let size_of: HashMap<i64, (u32, u32)> = (records.iter())
        .filter(|image| used.contains(&image.image_id))
        .map(|image| (image.image_id, (image.width, image.height)))
        .collect();
    let settings = &work.experiment().images;
    let side = |row: &AnnotationRow| {
        let &(width, height) = size_of.get(&row.image_id)?;
        let [x, y] = Placement::new(width, height, settings.size, settings.fit).scale;
        let side = libm::sqrt(f64::from(row.bbox_w) * x * f64::from(row.bbox_h) * y) as f32;
        (!row.is_crowd && side > 0.0).then_some(side)
    };
    let sides: Vec<f32> = rows.iter().filter_map(side).collect();
    Ok((!sides.is_empty()).then_some(Objects { sides }))
}

/// The pixels of the first variant.
pub(super) fn store(work: &StageWork) -> Result<PixelStore, StageError> {
    let node = work.results().input_node(work.plan.runs[0].train, input::PIXELS);
    let rows: Vec<PixelRow> = tables::read(&work.output_of(node, output::PIXEL_ROWS)?)?;
    Ok(PixelStore::open(&work.output_of(node, output::PIXELS)?, &rows, work.experiment().images.size)?)
}

/// A few pictures of the training part for each label, out of the pixel store.
pub(super) fn samples(work: &StageWork, shared: &Shared) -> Result<Vec<Samples>, StageError> {
    let store = store(work)?;
    let name_of: HashMap<i64, &str> =
        shared.images.iter().map(|image| (image.image_id, image.file_name.as_str())).collect();
    let part_of: HashMap<i64, Part> = shared.split.iter().map(|row| (row.image_id, row.part)).collect();

    let is_trained = |image_id: i64| part_of.get(&image_id) == Some(&Part::Train);
    let chosen = chosen(&shared.labels, is_trained);
    let mut samples: Vec<Samples> =
        chosen.iter().map(|&(label, _)| Samples { label, pictures: Vec::new() }).collect();
    let mut bytes = 0;
    // Rank by rank: every label has one before any has two, should all of them be too large.
    for rank in 0..SAMPLES {
        for ((_, rows), samples) in chosen.iter().zip(&mut samples) {
            let Some(&row_idx) = rows.get(rank) else { continue };
            let image_id = shared.labels.image_ids[row_idx];
            let Some(picture) = in_store(&store, image_id, SAMPLE_SIDE, SAMPLE_QUALITY)? else { continue };
            bytes += picture.jpeg.len();
            if bytes > SAMPLE_BYTES {
                break;
            }
            let positives = shared.labels.row(row_idx);
            samples.pictures.push(Picture {
                file_name: name_of
                    .get(&image_id)
                    .map_or_else(|| image_id.to_string(), |&name| name.to_owned()),
                labels: (0..positives.len()).filter(|&label| positives[label]).collect(),
                ..picture
            });
        }
    }
    Ok(samples)
}

/// For each label that is shown, in their order, the rows of its samples: drawn from its training images, those that
/// no label before it shows first.
fn chosen(labels: &LabelTable, is_trained: impl Fn(i64) -> bool) -> Vec<(usize, Vec<usize>)> {
    let mut rows_of: Vec<Vec<usize>> = vec![Vec::new(); labels.labels.len()];
    for (row_idx, _) in labels.image_ids.iter().enumerate().filter(|(_, id)| is_trained(**id)) {
        let row = labels.row(row_idx);
        (0..row.len()).filter(|&label| row[label]).for_each(|label| rows_of[label].push(row_idx));
    }
    let mut shown: Vec<usize> = (0..rows_of.len()).filter(|&label| !rows_of[label].is_empty()).collect();
    shown.sort_by_key(|&label| std::cmp::Reverse(rows_of[label].len()));
    shown.truncate(SAMPLED_LABELS);
    shown.sort_unstable();

    let key = Key::root(SAMPLE_SEED).child("samples");
    let mut taken = BTreeSet::new();
    let mut draw = |label: usize| {
        let mut rows = std::mem::take(&mut rows_of[label]);
        key.child(&labels.labels[label]).draws().shuffle(&mut rows);
        // Stable: what is new keeps its drawn order.
        rows.sort_by_key(|row_idx| taken.contains(row_idx));
        rows.truncate(SAMPLES);
        taken.extend(rows.iter().copied());
        (label, rows)
    };
    shown.into_iter().map(&mut draw).collect()
}

/// A picture of the store as a JPEG of at most `most` pixels a side, without name and labels; `None` where the store does not
/// have it.
///
/// # Errors
/// Where it cannot be encoded.
pub(super) fn in_store(
    store: &PixelStore,
    image_id: i64,
    most: u32,
    quality: u8,
) -> Result<Option<Picture>, StageError> {
    let Some(pixels) = store.image(image_id) else { return Ok(None) };
    let (side, jpeg) = small(pixels, store.side(), most, quality)?;
    Ok(Some(Picture { file_name: String::new(), labels: Vec::new(), side, jpeg }))
}

/// The side that is shown, and the file.
fn small(pixels: &[u8], side: u32, most: u32, quality: u8) -> Result<(u32, Vec<u8>), StageError> {
    let image = RgbImage { width: side as usize, height: side as usize, data: pixels.to_vec() };
    Ok((side.min(most), jpeg(&image, most, quality, SamplingFactor::F_2_2)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 60 images: `a` in all, `b` in every third, `c` in two, `d` in none.
    fn labels() -> LabelTable {
        let row = |i: i64| [true, i % 3 == 0, i == 7 || i == 9, false];
        LabelTable {
            labels: ["a", "b", "c", "d"].map(String::from).to_vec(),
            image_ids: (0..60).collect(),
            positives: (0..60).flat_map(row).collect(),
        }
    }

    #[test]
    fn samples_are_of_their_label_and_of_the_training_part() {
        let labels = labels();
        let found = chosen(&labels, |id| id % 2 == 1);
        assert_eq!(
            found.iter().map(|(label, rows)| (*label, rows.len())).collect::<Vec<_>>(),
            [(0, 4), (1, 4), (2, 2)]
        );
        for (label, rows) in &found {
            assert!(rows.iter().all(|&row| labels.row(row)[*label] && row % 2 == 1), "{label}: {rows:?}");
        }
        let of = |at: usize| found[at].1.iter().collect::<BTreeSet<_>>();
        assert!(of(0).is_disjoint(&of(1)), "what is shown already comes last: {found:?}");
        assert_eq!(found, chosen(&labels, |id| id % 2 == 1), "the same data give the same samples");
    }

    #[test]
    fn the_most_frequent_labels_are_shown_in_their_order() {
        let n = SAMPLED_LABELS + 5;
        // Label l is in l + 1 images.
        let positives = (0..n).flat_map(|image| (0..n).map(move |label| image <= label)).collect();
        let names = (0..n).map(|label| label.to_string()).collect();
        let labels = LabelTable { labels: names, image_ids: (0..n as i64).collect(), positives };
        let shown: Vec<usize> = chosen(&labels, |_| true).into_iter().map(|(label, _)| label).collect();
        assert_eq!(shown, (5..n).collect::<Vec<_>>());
    }

    #[test]
    fn enlarged_is_what_grows_in_a_direction_that_is_scaled() {
        let enlarged = |fit, width, height| is_enlarged(&Images { size: 100, fit }, width, height);
        assert!(enlarged(Fit::Stretch, 90, 500) && !enlarged(Fit::Stretch, 100, 100));
        assert!(enlarged(Fit::Crop, 90, 500) && !enlarged(Fit::Crop, 120, 110));
        assert!(!enlarged(Fit::Pad, 90, 500) && enlarged(Fit::Pad, 90, 50));
    }

    #[test]
    fn a_sample_is_a_small_jpeg() {
        for (side, expected) in [(32, 32), (96, 96), (224, 96)] {
            let pixels = vec![200; (side * side * 3) as usize];
            let (shown, jpeg) = small(&pixels, side, SAMPLE_SIDE, SAMPLE_QUALITY).unwrap();
            let image = crate::pixels::decode(&jpeg).unwrap();
            assert_eq!((shown, image.width, image.height), (expected, expected as usize, expected as usize));
            assert!(image.data.iter().all(|value| value.abs_diff(200) < 4) && jpeg.len() < 2000);
        }
    }
}
