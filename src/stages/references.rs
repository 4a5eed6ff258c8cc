//! `references`: what predictors reach that see no shapes, or nothing at all, on the same data as the runs.
//!
//! Three stand beside the models: the constant answer, the label prior and the mean colour. They are trained on the training
//! rows, each as often as it counts in an epoch; thresholds and calibration come from validation and values from test, as for
//! any run, fold by fold where there are folds. A stage of its own, since the last one reads the whole pixel store.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::error::StageError;
use super::work::{StageWork, write_json, write_table};
use crate::cache::Attempt;
use crate::dataset::balance::presence;
use crate::job::input;
use crate::metrics::{
    Calibration, Colour, Evaluation, MeanColour, Scored, Thresholds, TrainedLabels, constant_answer,
    evaluate as score, label_prior,
};
use crate::pixels::PixelStore;
use crate::plan::output;
use crate::spec::settings::Evaluate;
use crate::tables::rows::{LabelTable, Part, PixelRow, Reference, ReferenceRow, SplitRow, TrainIndexRow};

/// What `references.json` holds: one record for each fold, or one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReferencesRecord {
    /// The names of the labels, whose order lists below have.
    pub labels: Vec<String>,
    /// In the order of the folds.
    pub folds: Vec<FoldRecord>,
}

/// What the references of one fold say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldRecord {
    /// The labels that the constant answer says of every image; may be none.
    pub said: Vec<String>,
    /// The share of training rows with just these labels, 0 to 1.
    pub said_share: f64,
    /// The share of training rows that have each label, 0 to 1: the probabilities of the label prior.
    pub rates: Vec<f64>,
    /// Thresholds and calibration of the label prior.
    pub label_prior: Tuned,
    /// The coefficients of the regressions on the mean colour.
    pub colour: MeanColour,
    /// Their thresholds and calibration.
    pub mean_colour: Tuned,
}

/// What was tuned on validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuned {
    /// How logits become probabilities.
    pub calibration: Calibration,
    /// One per label.
    pub thresholds: Thresholds,
}

impl Tuned {
    fn of(evaluation: &Evaluation) -> Self {
        Tuned { calibration: evaluation.calibration.clone(), thresholds: evaluation.thresholds.clone() }
    }
}

/// Trains and scores the references. `progress`: pictures that were read, of all.
///
/// # Errors
/// Where the tables and the pixel store do not fit each other.
pub fn references(
    work: &StageWork,
    out: &Attempt,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<(), StageError> {
    let labels: LabelTable = work.table(input::LABELS)?;
    let split: Vec<SplitRow> = work.table(input::SPLIT)?;
    let train_index: Vec<TrainIndexRow> = work.table(input::TRAIN_INDEX)?;
    let rows: Vec<PixelRow> = work.table(input::PIXEL_ROWS)?;
    let experiment = work.experiment();
    let store = PixelStore::open(&work.input(input::PIXELS)?, &rows, experiment.images.size)?;
    let colours = colours(&store, &labels.image_ids, progress)?;
    let n_folds = split.iter().map(|row| row.fold + 1).max().unwrap_or(1);
    let mut table = Vec::new();
    let mut record = ReferencesRecord { labels: labels.labels.clone(), folds: Vec::new() };
    for fold in 0..n_folds {
        let index: Vec<TrainIndexRow> = train_index.iter().filter(|row| row.fold == fold).cloned().collect();
        let parts = split.iter().filter(|row| row.fold == fold).map(|row| (row.image_id, row.part)).collect();
        let data = Fold { labels: &labels, colours: &colours, parts, presence: presence(&index) };
        let (scored, of_fold) = data.references(&experiment.evaluate)?;
        record.folds.push(of_fold);
        for (reference, evaluation) in scored {
            table.extend(evaluation.values.into_iter().map(|value| ReferenceRow {
                variant: work.node().variant.name.clone(),
                reference,
                fold,
                label: value.label,
                metric: value.metric.to_owned(),
                value: value.value.unwrap_or(f64::NAN),
            }));
        }
    }
    write_table(out, output::REFERENCES, &table, "references")?;
    write_json(out, output::REFERENCES_RECORD, &record)
}

/// The mean colour of each image, in the order of `image_ids`: exact sums, so that threads change no bit.
fn colours(
    store: &PixelStore,
    image_ids: &[i64],
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Vec<Colour>, StageError> {
    let n_done = AtomicUsize::new(0);
    let of_image = |&image_id: &i64| {
        let pixels = store.image(image_id).ok_or_else(|| StageError::Inconsistent {
            what: format!("image {image_id} has labels, and is not in the pixel store"),
        })?;
        let colour = mean_colour(pixels);
        progress(n_done.fetch_add(1, Ordering::Relaxed) + 1, image_ids.len());
        Ok(colour)
    };
    image_ids.par_iter().map(of_image).collect()
}

/// The mean of each channel of `pixels`, [side, side, 3], as shares of full brightness.
fn mean_colour(pixels: &[u8]) -> Colour {
    let mut sums = [0u64; 3];
    for pixel in pixels.chunks_exact(3) {
        for (sum, &value) in sums.iter_mut().zip(pixel) {
            *sum += u64::from(value);
        }
    }
    let full = 255.0 * (pixels.len() / 3).max(1) as f64;
    sums.map(|sum| sum as f64 / full)
}

/// The data of one fold.
struct Fold<'a> {
    labels: &'a LabelTable,
    /// In the order of the labels' rows.
    colours: &'a [Colour],
    parts: HashMap<i64, Part>,
    /// How many rows of an epoch an image stands for.
    presence: BTreeMap<i64, f64>,
}

/// Some of the images.
#[derive(Default)]
struct Rows {
    colours: Vec<Colour>,
    /// Row-major [images, labels].
    targets: Vec<bool>,
    weights: Vec<f64>,
}

impl Fold<'_> {
    fn references(
        &self,
        settings: &Evaluate,
    ) -> Result<([(Reference, Evaluation); 3], FoldRecord), StageError> {
        let names = &self.labels.labels;
        let train = self.rows(|id| self.presence.get(&id).copied());
        let [val, test] = [Part::Val, Part::Test]
            .map(|part| self.rows(|id| (self.parts.get(&id) == Some(&part)).then_some(1.0)));
        let mut trained = TrainedLabels::new(names.len());
        for (row, &weight) in train.targets.chunks(names.len().max(1)).zip(&train.weights) {
            trained.add(row, weight);
        }
        let answer = constant_answer(&trained, &val.targets, &test.targets, names, settings)?;
        let prior = label_prior(&trained, &val.targets, &test.targets, names, settings)?;
        let colour = MeanColour::fit(&train.colours, &train.targets, &train.weights, names.len());
        let (val_logits, logits) = (colour.logits(&val.colours), colour.logits(&test.colours));
        let on_val = Scored::new(names.len(), &val_logits, &val.targets)?;
        let on_test = Scored::new(names.len(), &logits, &test.targets)?;
        let by_colour = score(on_val, on_test, names, settings);
        let (said, said_share) = trained.most_frequent();
        let record = FoldRecord {
            said: names.iter().zip(said).filter(|(_, said)| *said).map(|(name, _)| name.clone()).collect(),
            said_share,
            rates: trained.rates(),
            label_prior: Tuned::of(&prior),
            colour,
            mean_colour: Tuned::of(&by_colour),
        };
        let scored = [
            (Reference::ConstantAnswer, answer),
            (Reference::LabelPrior, prior),
            (Reference::MeanColour, by_colour),
        ];
        Ok((scored, record))
    }

    /// The images that `weigh` gives a weight above 0, in the order of the labels' rows.
    fn rows(&self, weigh: impl Fn(i64) -> Option<f64>) -> Rows {
        let mut rows = Rows::default();
        for (at, &image_id) in self.labels.image_ids.iter().enumerate() {
            if let Some(weight) = weigh(image_id).filter(|weight| *weight > 0.0) {
                rows.colours.push(self.colours[at]);
                rows.targets.extend_from_slice(self.labels.row(at));
                rows.weights.push(weight);
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalogue as name;
    use crate::spec::settings::Threshold;

    /// Sixteen images, half of them `red`, told apart by nothing but their red channel; every fourth one is for validation,
    /// and the next one for test.
    fn fold<'a>(labels: &'a LabelTable, colours: &'a [Colour]) -> Fold<'a> {
        let part = |id: i64| match id % 4 {
            0 => Part::Val,
            1 => Part::Test,
            _ => Part::Train,
        };
        let trained = |id: &i64| part(*id) == Part::Train;
        Fold {
            labels,
            colours,
            parts: labels.image_ids.iter().map(|&id| (id, part(id))).collect(),
            presence: labels
                .image_ids
                .iter()
                .filter(|id| trained(id))
                .map(|&id| (id, 1.0 + (id % 2) as f64))
                .collect(),
        }
    }

    fn labels() -> LabelTable {
        LabelTable {
            labels: vec!["red".into(), "all".into()],
            image_ids: (0..16).collect(),
            positives: (0..16).flat_map(|id| [id < 8, true]).collect(),
        }
    }

    #[test]
    fn colour_tells_what_constants_do_not() {
        let colours: Vec<Colour> = (0..16).map(|id| [if id < 8 { 0.8 } else { 0.3 }, 0.5, 0.5]).collect();
        let labels = labels();
        let (scored, record) =
            fold(&labels, &colours).references(&Evaluate::at(Threshold::Fixed(0.5))).unwrap();
        let of = |reference: Reference, metric: &str| {
            let (_, evaluation) = scored.iter().find(|(of, _)| *of == reference).unwrap();
            evaluation.of_label("red", metric)
        };
        assert_eq!(of(Reference::MeanColour, name::AP), Some(1.0));
        assert_eq!(of(Reference::MeanColour, name::F1), Some(1.0));
        assert_eq!(of(Reference::LabelPrior, name::AP), Some(0.5));
        assert_eq!(of(Reference::ConstantAnswer, name::AUROC), Some(0.5));
        // Rows weigh 1 and 2 in turn: each set has half of them, and as many images; fewer labels are said.
        assert_eq!((record.said, record.said_share), (vec!["all".to_owned()], 0.5));
        assert_eq!(record.rates, [0.5, 1.0 - 0.5 / 12.0]);
        assert_eq!(record.colour.coefficients[1][..3], [0.0; 3]);
    }

    #[test]
    fn the_mean_is_that_of_each_channel() {
        assert_eq!(mean_colour(&[255, 0, 51, 0, 0, 51]), [0.5, 0.0, 0.2]);
        assert_eq!(mean_colour(&[]), [0.0; 3]);
    }
}
