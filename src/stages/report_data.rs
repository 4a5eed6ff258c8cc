//! What the page tells of the data: counts per part and label, before and after balancing, and labels that go together.

use std::collections::{BTreeMap, HashMap};

use super::error::StageError;
use super::work::StageWork;
use super::{report_notices, report_pictures};
use crate::dataset::Cooccurrence;
use crate::dataset::balance::presence;
use crate::dataset::cooccurrence::{LEAST_FOR_LIFT, Pair};
use crate::job::input;
use crate::plan::output;
use crate::report::{Counts, Data, LabelPair, PartCounts, Together};
use crate::spec::settings::{BalanceBy, BalanceMethod, Experiment, Format, SplitMethod};
use crate::tables;
use crate::tables::rows::{ImageRow, LabelTable, Part, SplitRow, TrainIndexRow};

/// Labels up to which all pairs are told, as a square table.
const MATRIX_LABELS: usize = 16;
/// Pairs that are told otherwise, in each order.
const PAIRS: usize = 20;

/// The tables of the first variant: what the page shows of the data.
pub(super) struct Shared {
    pub labels: LabelTable,
    /// Of the first fold, which is all there is where there are none.
    pub split: Vec<SplitRow>,
    /// Likewise.
    pub train_index: Vec<TrainIndexRow>,
    pub images: Vec<ImageRow>,
}

impl Shared {
    pub(super) fn load(work: &StageWork) -> Result<Self, StageError> {
        let first = &work.plan.runs[0];
        let results = work.results();
        let balance = results.input_node(first.train, input::TRAIN_INDEX);
        let pixels = results.input_node(first.train, input::PIXELS);
        let scan = results.input_node(pixels, "images");
        let split = results.input_node(first.train, input::SPLIT);
        let mut split: Vec<SplitRow> = tables::read(&work.output_of(split, output::SPLIT)?)?;
        split.retain(|row| row.fold == 0);
        let mut train_index: Vec<TrainIndexRow> =
            tables::read(&work.output_of(balance, output::TRAIN_INDEX)?)?;
        train_index.retain(|row| row.fold == 0);
        let images = tables::read(&work.output_of(scan, output::IMAGES)?)?;
        Ok(Shared { labels: results.label_table(first)?, split, train_index, images })
    }

    /// Rows and positives of the images, each counted `weigh` times.
    fn count(&self, weigh: impl Fn(i64) -> f64) -> Counts {
        let mut rows = 0.0;
        let mut positives = vec![0.0; self.labels.labels.len()];
        for (row_idx, &image_id) in self.labels.image_ids.iter().enumerate() {
            let weight = weigh(image_id);
            rows += weight;
            for (positives, _) in positives.iter_mut().zip(self.labels.row(row_idx)).filter(|(_, is)| **is) {
                *positives += weight;
            }
        }
        let rounded = |count: f64| count.round() as u64;
        Counts { rows: rounded(rows), positives: positives.into_iter().map(rounded).collect() }
    }
}

/// The truth of a part of one fold, row-major, ascending by image id.
pub(super) fn part_targets(labels: &LabelTable, split: &[SplitRow], part: Part) -> Vec<bool> {
    let parts: HashMap<i64, Part> = split.iter().map(|row| (row.image_id, row.part)).collect();
    let rows = (0..labels.image_ids.len()).filter(|&row| parts.get(&labels.image_ids[row]) == Some(&part));
    rows.flat_map(|row| labels.row(row).to_vec()).collect()
}

/// The data as the page shows it.
pub(super) fn data(work: &StageWork, shared: &Shared) -> Result<Data, StageError> {
    let part_of: HashMap<i64, Part> = shared.split.iter().map(|row| (row.image_id, row.part)).collect();
    let of_part = |part: Part| shared.count(|id| f64::from(u8::from(part_of.get(&id) == Some(&part))));
    let presence: BTreeMap<i64, f64> = presence(&shared.train_index);
    let experiment = work.experiment();
    Ok(Data {
        source: source(experiment),
        split: split(experiment),
        balance: balance(experiment),
        images: shared.labels.image_ids.len() as u64,
        noticed: report_notices::noticed(work)?,
        parts: [Part::Train, Part::Val, Part::Test]
            .map(|part| PartCounts { part, counts: of_part(part) })
            .to_vec(),
        before: of_part(Part::Train),
        after: shared.count(|id| presence.get(&id).copied().unwrap_or(0.0)),
        together: together(&shared.labels),
        labels_per_image: labels_per_image(&shared.labels),
        sizes: report_pictures::sizes(&experiment.images, shared),
        objects: report_pictures::objects(work, shared)?,
        samples: report_pictures::samples(work, shared)?,
    })
}

fn together(labels: &LabelTable) -> Together {
    let found = Cooccurrence::of(labels);
    let n = labels.labels.len();
    let matrix = if n > MATRIX_LABELS {
        vec![]
    } else {
        (0..n).map(|a| (0..n).map(|b| found.together(a, b)).collect()).collect()
    };
    let pair = |pair: &Pair| LabelPair {
        first: pair.first,
        second: pair.second,
        images: pair.images,
        of: [found.positives()[pair.first], found.positives()[pair.second]],
        lift: pair.lift,
    };
    Together {
        matrix,
        most_frequent: found.most_frequent(PAIRS).iter().map(pair).collect(),
        highest_lift: found.highest_lift(PAIRS).iter().map(pair).collect(),
        least_for_lift: LEAST_FOR_LIFT,
    }
}

fn labels_per_image(labels: &LabelTable) -> Vec<u64> {
    let mut counts = vec![0];
    for row_idx in 0..labels.image_ids.len() {
        let n = labels.row(row_idx).iter().filter(|is| **is).count();
        if counts.len() <= n {
            counts.resize(n + 1, 0);
        }
        counts[n] += 1;
    }
    counts
}

fn source(experiment: &Experiment) -> String {
    let dataset = &experiment.dataset;
    match (&dataset.generate, dataset.format) {
        (Some(made), _) => {
            format!(
                "{} litter scenes drawn by Ablatrix (seed {}), with TACO's categories",
                made.images, made.seed
            )
        }
        (None, Format::Coco) => "Images with COCO annotations".to_owned(),
        (None, Format::Csv | Format::Parquet) => "Images with a table of labels".to_owned(),
        (None, Format::Folders) => "Images in one folder per class".to_owned(),
    }
}

fn split(experiment: &Experiment) -> String {
    let split = &experiment.split;
    let how = match split.method {
        SplitMethod::Combination => "Each group of images with the same labels is divided in proportion",
        SplitMethod::Iterative => "Iterative stratification over labels (Sechidis et al. 2011)",
        SplitMethod::Column => return "The parts are given with the data".to_owned(),
        SplitMethod::None => return "All images are in the training part".to_owned(),
    };
    if split.folds > 0 {
        return format!(
            "{how}, into {} folds, each of which is the test part once; of the rest {:.4} is for validation, seed {}. \
             The counts here are those of fold 0",
            split.folds,
            split.val / (split.train + split.val),
            split.seed
        );
    }
    format!("{how}; shares {} / {} / {}, seed {}", split.train, split.val, split.test, split.seed)
}

fn balance(experiment: &Experiment) -> String {
    let balance = &experiment.balance;
    let by = match balance.by {
        BalanceBy::Combination => "combination of labels",
        BalanceBy::Label => "rarest label",
    };
    let how = format!("by {by}, exponent {}", balance.exponent);
    match balance.method {
        BalanceMethod::None => "Training rows are not balanced".to_owned(),
        BalanceMethod::Oversample if balance.max_copies > 0 => {
            format!("Training rows are repeated {how}, at most {} copies of each", balance.max_copies)
        }
        BalanceMethod::Oversample => format!("Training rows are repeated {how}"),
        BalanceMethod::LossWeights => {
            format!("The loss of training rows is weighted {how}; counts after balancing are sums of weights")
        }
        BalanceMethod::Sampler => format!(
            "Each epoch draws its training rows with replacement, weighted {how}; counts after balancing are expected ones"
        ),
    }
}
