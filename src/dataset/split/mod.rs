//! Which images are for training, for choosing epochs and thresholds, and for comparing.
//!
//! Images that belong together (the same photo twice, the same capture) are placed as one, with all their labels and
//! their number; the others are divided around them. The order of rows means nothing.

mod combination;
mod grouped;
mod iterative;
mod kfold;
#[cfg(test)]
mod tests;
mod units;

use std::collections::BTreeMap;

use units::Unit;

use super::notice::{Notice, NoticeKind, Tally, listed};
use crate::seed::{Draws, Key};
use crate::spec::settings::{Split, SplitMethod};
use crate::tables::rows::{LabelTable, Part, SplitRow};

/// All parts, in the order of their shares.
const PARTS: [Part; 3] = [Part::Train, Part::Val, Part::Test];

/// Why the images cannot be divided.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// The method is `column`, but the dataset gives no parts.
    #[error("`split.method` is `column`, but the dataset gives no parts")]
    NoColumn,
    /// Images without a part.
    #[error("{count} images have no part: {names}")]
    NoPart {
        /// How many.
        count: usize,
        /// The ids of the first.
        names: String,
    },
    /// Shares that are no shares.
    #[error("the shares are {train} + {val} + {test}, expected none below 0 and a sum of 1")]
    Shares {
        /// To train on.
        train: f64,
        /// To choose on.
        val: f64,
        /// To compare on.
        test: f64,
    },
}

/// The parts, with what the user should know about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Divided {
    /// One row per image and fold: fold by fold, ascending by id.
    pub rows: Vec<SplitRow>,
    /// What was placed as one, of one image or several; with given parts, the images.
    pub n_units: usize,
    /// Empty parts, and labels without positives in a part.
    pub notices: Vec<Notice>,
}

/// Divides the images of `labels`.
///
/// `together`: lists of image ids that must not be separated; lists that share an image are one. `given`: the
/// parts that the dataset itself gives, for the method `column`.
///
/// # Errors
/// Where the shares are no shares, or the parts that should be given are not.
pub fn split(
    settings: &Split,
    labels: &LabelTable,
    together: &[Vec<i64>],
    given: Option<&[SplitRow]>,
) -> Result<Divided, SplitError> {
    let mut order: Vec<usize> = (0..labels.image_ids.len()).collect();
    order.sort_by_key(|&row_idx| labels.image_ids[row_idx]);
    let ids: Vec<i64> = order.iter().map(|&row_idx| labels.image_ids[row_idx]).collect();
    let mut notices = Vec::new();

    let (folds, n_units) = if settings.method == SplitMethod::Column {
        (vec![parts_given(&ids, given.ok_or(SplitError::NoColumn)?)?], ids.len())
    } else if settings.method == SplitMethod::None {
        (vec![vec![Part::Train; ids.len()]], ids.len())
    } else {
        let shares = shares(settings)?;
        let units = units::units(&ids, &order, labels, together);
        let key = Key::root(settings.seed).child("split");
        let placed = match settings.folds {
            0 => vec![divide(settings.method, &units, shares, key)],
            n_folds => kfold::divide(settings.method, &units, shares, n_folds as usize, key),
        };
        let of_images = |placed: Vec<Part>| {
            let mut parts = vec![Part::Train; ids.len()];
            for (unit, part) in units.iter().zip(placed) {
                unit.members.iter().for_each(|&idx| parts[idx] = part);
            }
            parts
        };
        (placed.into_iter().map(of_images).collect(), units.len())
    };
    notices.extend(empty_parts(settings, &folds));
    notices.extend(absent_labels(labels, &order, &folds));
    let mut rows = Vec::with_capacity(ids.len() * folds.len());
    for (fold, parts) in (0..).zip(folds) {
        rows.extend(ids.iter().zip(parts).map(|(&image_id, part)| SplitRow { image_id, fold, part }));
    }
    Ok(Divided { rows, n_units, notices })
}

/// The part of each unit where there is one split for all runs: units of several images first, single ones around them.
fn divide(method: SplitMethod, units: &[Unit], shares: [f64; 3], key: Key) -> Vec<Part> {
    let placed = grouped::divide(units, &shares, key);
    let part_idxs = match method {
        SplitMethod::Iterative => iterative::divide(units, &placed, &shares, key),
        SplitMethod::Combination | SplitMethod::Column | SplitMethod::None => {
            combination::divide(units, &placed, shares, key)
        }
    };
    part_idxs.into_iter().map(|part_idx| PARTS[part_idx]).collect()
}

fn shares(settings: &Split) -> Result<[f64; 3], SplitError> {
    let &Split { train, val, test, .. } = settings;
    let sum = train + val + test;
    if [train, val, test].iter().all(|&share| share >= 0.0) && (sum - 1.0).abs() < 1e-6 {
        Ok([train, val, test])
    } else {
        Err(SplitError::Shares { train, val, test })
    }
}

fn parts_given(ids: &[i64], given: &[SplitRow]) -> Result<Vec<Part>, SplitError> {
    let part_of: BTreeMap<i64, Part> = given.iter().map(|row| (row.image_id, row.part)).collect();
    let missing: Vec<i64> = ids.iter().filter(|id| !part_of.contains_key(id)).copied().collect();
    if !missing.is_empty() {
        return Err(SplitError::NoPart { count: missing.len(), names: listed(&missing, missing.len()) });
    }
    Ok(ids.iter().map(|id| part_of[id]).collect())
}

fn empty_parts(settings: &Split, folds: &[Vec<Part>]) -> Option<Notice> {
    let shares = [settings.train, settings.val, settings.test];
    let mut tally = Tally::default();
    if settings.method == SplitMethod::None {
        return None;
    }
    for (fold, parts) in folds.iter().enumerate() {
        for (part, share) in PARTS.into_iter().zip(shares) {
            let asked = settings.method == SplitMethod::Column || share > 0.0;
            if asked && !parts.contains(&part) {
                tally.add(format_args!("{}{}", part.as_str(), of_fold(fold, folds.len())));
            }
        }
    }
    tally.notice(NoticeKind::PartEmpty, "parts without images")
}

/// Labels that some image has, but none of a part.
fn absent_labels(labels: &LabelTable, order: &[usize], folds: &[Vec<Part>]) -> Option<Notice> {
    let mut tally = Tally::default();
    for (label_idx, label) in labels.labels.iter().enumerate() {
        for (fold, parts) in folds.iter().enumerate() {
            let positives = |part: Part| {
                let rows = order.iter().zip(parts).filter(|&(_, &other)| other == part);
                rows.filter(|&(&row_idx, _)| labels.row(row_idx)[label_idx]).count()
            };
            for part in PARTS.into_iter().filter(|part| parts.contains(part)) {
                if positives(part) == 0 {
                    tally.add(format_args!("{label} in {}{}", part.as_str(), of_fold(fold, folds.len())));
                }
            }
        }
    }
    tally.notice(NoticeKind::LabelWithoutPositives, "labels without positives in a part")
}

/// ` of fold 2`; nothing where there is one split for all runs.
fn of_fold(fold: usize, n_folds: usize) -> String {
    if n_folds > 1 { format!(" of fold {fold}") } else { String::new() }
}

/// Those of `part_idxs` whose `need` is the largest, or below it by no more than `tolerance`.
fn most(part_idxs: &[usize], need: impl Fn(usize) -> f64, tolerance: f64) -> Vec<usize> {
    let largest = part_idxs.iter().map(|&part_idx| need(part_idx)).fold(f64::NEG_INFINITY, f64::max);
    part_idxs.iter().copied().filter(|&part_idx| need(part_idx) >= largest - tolerance).collect()
}

fn choose(among: &[usize], draws: &mut Draws) -> usize {
    match among {
        // Shares with a sum of 1 leave at least one part open.
        [] => 0,
        [only] => *only,
        _ => among[draws.below(among.len() as u64) as usize],
    }
}
