//! What the page shows of where the models look: means over the test part, and a few pictures with the maps of each variant.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jpeg_encoder::SamplingFactor;

use super::attention_values::MEASURES;
use super::error::StageError;
use super::evaluate::EvaluationRecord;
use super::report::effect;
use super::report_data::Shared;
use super::report_overlay::{lay_over, outline, tile};
use super::report_tiles::jpeg;
use super::work::{StageWork, read_json};
use crate::effects;
use crate::job::input;
use crate::pixels::{PixelStore, Region, RgbImage};
use crate::plan::{Run, output};
use crate::report::{Attention, AttentionMeans, Look, LookedAt, Overlays};
use crate::seed::Key;
use crate::tables;
use crate::tables::attention::{AttentionMapRow, AttentionRow, RegionRow};
use crate::tables::rows::{LabelTable, PixelRow, PredictionTable};

/// Seed of the choice of pictures: the same data give the same page.
const CHOICE_SEED: u64 = 0;
/// Variants that are shown, at most.
const MOST_VARIANTS: usize = 8;
/// The sides of tiles that are tried in turn, in pixels.
const SIDES: [u32; 3] = [144, 112, 88];
/// JPEG quality of a tile, 1 to 100.
const QUALITY: u8 = 80;
/// All tiles together, in bytes of JPEG: base64 makes 2 MB of it.
const BYTES: usize = 1_500_000;

/// Where the models look; `None` where no maps were asked for.
///
/// # Errors
/// Where results do not fit together.
pub(super) fn attention(
    work: &StageWork,
    shared: &Shared,
    effects: &[&effects::Effect],
) -> Result<Option<Attention>, StageError> {
    let explain = &work.plan.experiment.explain;
    let Some(method) = explain.method else { return Ok(None) };
    let mut explained: Vec<(&Run, Vec<AttentionRow>)> = Vec::new();
    let mut missing = Vec::new();
    for run in &work.plan.runs {
        match run.explain.filter(|node| work.entries.contains_key(node)) {
            Some(node) => explained.push((run, tables::read(&work.output_of(node, output::ATTENTION)?)?)),
            None => missing.push((run.name.clone(), why(work, run))),
        }
    }
    let rows = || explained.iter().flat_map(|(_, rows)| rows);
    let layer = |run: &Run| {
        let model = &work.plan.variants[run.variant].experiment.model;
        model.name.layer(&explain.layer)
    };
    let layers: BTreeSet<String> = explained.iter().filter_map(|(run, _)| layer(run)).collect();
    Ok(Some(Attention {
        method: method.title().to_owned(),
        layers: layers.into_iter().collect(),
        steps: explain.faithfulness,
        has_objects: rows().any(|row| row.object_area.is_some()),
        has_boxes: rows().any(|row| row.has_boxes == Some(true)),
        means: means(work, &explained),
        effects: MEASURES
            .iter()
            .flat_map(|&(name, _)| {
                effects.iter().filter(move |effect| effect.metric == name && effect.label.is_none())
            })
            .map(|of| effect(of))
            .collect(),
        overlays: overlays(work, shared, &explained)?,
        missing,
    }))
}

/// Why a run has no maps.
fn why(work: &StageWork, run: &Run) -> String {
    let told = work.missing.iter().find(|missing| missing.run == run.name).map(|missing| missing.why.clone());
    told.unwrap_or_else(|| "it has not been explained".to_owned())
}

/// The measures of each variant, seed by seed; folds of a seed are one set of test images.
fn means(work: &StageWork, explained: &[(&Run, Vec<AttentionRow>)]) -> Vec<AttentionMeans> {
    let mut of_variants: BTreeMap<usize, BTreeMap<u64, Vec<&AttentionRow>>> = BTreeMap::new();
    for (run, rows) in explained {
        of_variants.entry(run.variant).or_default().entry(run.seed).or_default().extend(rows);
    }
    let of_variant = |(variant, seeds): (usize, BTreeMap<u64, Vec<&AttentionRow>>)| {
        let by_seed = |of: fn(&AttentionRow) -> Option<f64>| {
            seeds.values().filter_map(|rows| mean(rows.iter().filter_map(|row| of(row)))).collect()
        };
        let rows = || seeds.values().flatten();
        AttentionMeans {
            variant: work.plan.variants[variant].name.clone(),
            maps: rows().count() as u64,
            empty: rows().filter(|row| row.active_area.is_none()).count() as u64,
            object_area: by_seed(|row| row.object_area),
            energy_inside: by_seed(|row| row.energy_inside),
            pointing_hit: by_seed(|row| row.pointing_hit.map(|is_hit| f64::from(u8::from(is_hit)))),
            active_area: by_seed(|row| row.active_area),
            deletion: by_seed(|row| row.deletion),
            insertion: by_seed(|row| row.insertion),
        }
    };
    of_variants.into_iter().map(of_variant).collect()
}

/// `None` of nothing.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0_u32), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}

/// Pictures with the maps of one run of each variant: those of the first run that was explained, and of its seed and fold in
/// the other variants.
fn overlays(
    work: &StageWork,
    shared: &Shared,
    explained: &[(&Run, Vec<AttentionRow>)],
) -> Result<Option<Overlays>, StageError> {
    let n_pictures = work.plan.experiment.explain.images as usize;
    let Some((first, rows)) = explained.first().filter(|_| n_pictures > 0) else { return Ok(None) };
    let name_of: HashMap<i64, &str> =
        shared.images.iter().map(|image| (image.image_id, image.file_name.as_str())).collect();
    let pairs = rows.iter().map(|row| (row.image_id, row.label.as_str()));
    let chosen = chosen(&shared.labels.labels, pairs, |id| name_of.get(&id).copied(), n_pictures);
    if chosen.is_empty() {
        return Ok(None);
    }
    let mut alike = explained.iter().filter(|(run, _)| (run.seed, run.fold) == (first.seed, first.fold));
    let shown: Vec<Seen> = alike
        .by_ref()
        .take(MOST_VARIANTS)
        .map(|(run, rows)| Seen::load(work, run, rows))
        .collect::<Result<_, _>>()?;
    let mut overlays = Overlays {
        seed: first.seed,
        fold: first.fold,
        side: 0,
        variants: shown.iter().map(|seen| work.plan.variants[seen.run.variant].name.clone()).collect(),
        more_variants: alike.count(),
        more_pictures: 0,
        bytes: BYTES,
        pictures: Vec::new(),
    };
    for side in SIDES {
        overlays.side = side.min(shown[0].side);
        overlays.pictures.clear();
        let mut left = BYTES;
        for &(image_id, label_idx) in &chosen {
            let name = name_of.get(&image_id).map_or_else(|| image_id.to_string(), |&name| name.to_owned());
            let Some(picture) = drawn(&shown, image_id, label_idx, &shared.labels, name, side)? else {
                continue;
            };
            let looks = picture.looks.iter().flatten().filter_map(|look| look.jpeg.as_ref());
            let bytes = picture.jpeg.len() + looks.map(Vec::len).sum::<usize>();
            if bytes > left {
                break;
            }
            left -= bytes;
            overlays.pictures.push(picture);
        }
        overlays.more_pictures = chosen.len() - overlays.pictures.len();
        if overlays.more_pictures == 0 {
            break;
        }
    }
    Ok(Some(overlays))
}

/// At most `most` images, each with one of its labels: of each label in turn the next image that is not chosen yet, in an order
/// that is drawn for each name. By label, then in the order of the draw.
fn chosen<'a>(
    labels: &[String],
    pairs: impl Iterator<Item = (i64, &'a str)>,
    name_of: impl Fn(i64) -> Option<&'a str>,
    most: usize,
) -> Vec<(i64, usize)> {
    let key = Key::root(CHOICE_SEED).child("attention");
    let mut images_of: Vec<Vec<(u64, i64)>> = vec![Vec::new(); labels.len()];
    for (image_id, label) in pairs {
        let Some(label_idx) = labels.iter().position(|known| known == label) else { continue };
        // By its name: another image in the set changes no draw.
        let draw = key.child(label).child(name_of(image_id).unwrap_or_default()).value();
        images_of[label_idx].push((draw, image_id));
    }
    images_of.iter_mut().for_each(|images| images.sort_unstable());
    let mut next = vec![0; labels.len()];
    let (mut taken, mut chosen) = (BTreeSet::new(), Vec::new());
    loop {
        let before = chosen.len();
        for (label_idx, images) in images_of.iter().enumerate() {
            if chosen.len() == most {
                break;
            }
            while let Some(&(_, image_id)) = images.get(next[label_idx]) {
                next[label_idx] += 1;
                if taken.insert(image_id) {
                    chosen.push((image_id, label_idx));
                    break;
                }
            }
        }
        if chosen.len() == before {
            break;
        }
    }
    chosen.sort_by_key(|&(_, label_idx)| label_idx);
    chosen
}

/// What a run saw, and how it answered.
struct Seen<'a> {
    run: &'a Run,
    side: u32,
    pixels: PixelStore,
    measures: HashMap<(i64, &'a str), &'a AttentionRow>,
    maps: HashMap<(i64, String), AttentionMapRow>,
    regions: HashMap<(i64, String), RegionRow>,
    predictions: PredictionTable,
    record: EvaluationRecord,
}

impl<'a> Seen<'a> {
    fn load(work: &StageWork, run: &'a Run, rows: &'a [AttentionRow]) -> Result<Self, StageError> {
        let explain = run.explain.unwrap_or_else(|| panic!("bug: `{}` has no maps", run.name));
        let side = work.plan.variants[run.variant].experiment.images.size;
        let of = |name: &str, output: &str| work.output_of(work.results().input_node(explain, name), output);
        let pixel_rows: Vec<PixelRow> = tables::read(&of(input::PIXEL_ROWS, output::PIXEL_ROWS)?)?;
        let regions: Vec<RegionRow> = tables::read(&of(input::REGIONS, output::REGIONS)?)?;
        let maps: Vec<AttentionMapRow> = tables::read(&work.output_of(explain, output::ATTENTION_MAPS)?)?;
        Ok(Seen {
            run,
            side,
            pixels: PixelStore::open(&of(input::PIXELS, output::PIXELS)?, &pixel_rows, side)?,
            measures: rows.iter().map(|row| ((row.image_id, row.label.as_str()), row)).collect(),
            maps: maps.into_iter().map(|map| ((map.image_id, map.label.clone()), map)).collect(),
            regions: regions.into_iter().map(|row| ((row.image_id, row.label.clone()), row)).collect(),
            predictions: tables::read(&work.output_of(run.predict, output::PREDICTIONS)?)?,
            record: read_json(&work.output_of(run.evaluate, output::EVALUATION)?)?,
        })
    }

    /// The picture at `side`, with or without a map, and with outlines.
    fn tile(
        &self,
        pair: &(i64, String),
        map: Option<&AttentionMapRow>,
        side: u32,
    ) -> Result<Option<Vec<u8>>, StageError> {
        let Some(pixels) = self.pixels.image(pair.0) else { return Ok(None) };
        let (width, height) = (self.side as usize, self.side as usize);
        let mut tile = tile(&RgbImage { width, height, data: pixels.to_vec() }, side);
        if let Some(map) = map {
            lay_over(&mut tile, map);
        }
        if let Some(row) = self.regions.get(pair) {
            let region =
                Region::of_rle(row.side, &row.mask_rle).map_err(|error| StageError::Inconsistent {
                    what: format!("the region of `{}` in image {}: {error}", row.label, row.image_id),
                })?;
            outline(&mut tile, &region);
        }
        jpeg(&tile, side, QUALITY, SamplingFactor::F_1_1).map(Some)
    }

    fn look(&self, pair: &(i64, String), side: u32) -> Result<Option<Look>, StageError> {
        let Some(row) = self.measures.get(&(pair.0, pair.1.as_str())) else { return Ok(None) };
        let Some((probability, threshold)) = self.answer(pair) else { return Ok(None) };
        let map = self.maps.get(pair).filter(|_| row.active_area.is_some());
        Ok(Some(Look {
            jpeg: map.map(|map| self.tile(pair, Some(map), side)).transpose()?.flatten(),
            probability,
            threshold,
            energy_inside: row.energy_inside,
            pointing_hit: row.pointing_hit,
            active_area: row.active_area,
        }))
    }

    /// The label's probability and its threshold.
    fn answer(&self, (image_id, label): &(i64, String)) -> Option<(f64, f64)> {
        let table = &self.predictions;
        let row_idx = table.image_ids.iter().position(|id| id == image_id)?;
        let label_idx = table.labels.iter().position(|known| known == label)?;
        let logit = table.logits[row_idx * table.labels.len() + label_idx];
        let threshold = *self.record.thresholds.values.get(label_idx)?;
        Some((self.record.calibration.probability(label_idx, logit), threshold))
    }
}

/// A picture with its maps; `None` where the first run does not have it.
fn drawn(
    shown: &[Seen],
    image_id: i64,
    label_idx: usize,
    labels: &LabelTable,
    file_name: String,
    side: u32,
) -> Result<Option<LookedAt>, StageError> {
    let pair = (image_id, labels.labels[label_idx].clone());
    let Some(jpeg) = shown[0].tile(&pair, None, side)? else { return Ok(None) };
    let looks = shown.iter().map(|seen| seen.look(&pair, side)).collect::<Result<_, _>>()?;
    Ok(Some(LookedAt { file_name, label: label_idx, jpeg, looks }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 40 images all have `a`, every fifth has `b`, one has `c`.
    fn pairs(images: std::ops::Range<i64>) -> Vec<(i64, &'static str)> {
        images
            .flat_map(|id| [(id, "a", true), (id, "b", id % 5 == 0), (id, "c", id == 20)])
            .filter_map(|(id, label, has)| has.then_some((id, label)))
            .collect()
    }

    fn found(images: std::ops::Range<i64>, most: usize) -> Vec<(i64, usize)> {
        let names: Vec<String> = (0..60).map(|id| format!("{id}.jpg")).collect();
        let labels = ["a", "b", "c", "d"].map(String::from);
        let name_of = |id: i64| names.get(id as usize).map(String::as_str);
        chosen(&labels, pairs(images).into_iter(), name_of, most)
    }

    #[test]
    fn each_label_has_its_turn_and_no_image_is_shown_twice() {
        let chosen = found(0..40, 7);
        assert_eq!(chosen.iter().map(|&(_, label)| label).collect::<Vec<_>>(), [0, 0, 0, 1, 1, 1, 2]);
        assert_eq!(chosen.iter().map(|&(id, _)| id).collect::<BTreeSet<_>>().len(), 7);
        assert!(chosen.iter().filter(|&&(_, label)| label == 1).all(|&(id, _)| id % 5 == 0));
        assert_eq!(found(0..40, 7), chosen, "the same data give the same pictures");
        assert_eq!(found(0..3, 12).len(), 3, "no more than there are");
        assert!(found(0..40, 0).is_empty() && found(0..0, 5).is_empty());
    }

    #[test]
    fn more_images_leave_the_draws_of_the_others_alone() {
        let (few, many) = (found(1..4, 12), found(1..60, 60));
        let place = |id: i64| many.iter().position(|&(other, label)| other == id && label == 0);
        let places: Vec<_> = few.iter().filter_map(|&(id, _)| place(id)).collect();
        assert!(places.len() > 1 && places.is_sorted(), "{few:?} {many:?}");
    }

    #[test]
    fn nothing_has_no_mean() {
        assert_eq!(mean([0.25, 0.75].into_iter()), Some(0.5));
        assert_eq!(mean(std::iter::empty()), None);
    }
}
