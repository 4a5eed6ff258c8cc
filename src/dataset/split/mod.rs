//! Which images are for training, for choosing epochs and thresholds, and for comparing.
//!
//! Images that belong together (the same file twice, the same capture) are placed as one: the first of them,
//! by id, is divided among the parts, and the others follow it. The order of rows means nothing.

mod combination;
mod iterative;
mod kfold;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::notice::{Notice, NoticeKind, Tally, listed};
use crate::seed::Key;
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
    /// Empty parts, labels without positives in a part, and images that were kept together.
    pub notices: Vec<Notice>,
}

/// What is placed as one: its first image, and the row of `labels` that the first has.
#[derive(Clone, Debug)]
struct Unit<'a> {
    image_id: i64,
    positives: &'a [bool],
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

    let folds = if settings.method == SplitMethod::Column {
        let parts = parts_given(&ids, given.ok_or(SplitError::NoColumn)?)?;
        notices.extend(separated(&ids, &parts, together));
        vec![parts]
    } else {
        let shares = shares(settings)?;
        let firsts = firsts(&ids, together);
        let units: Vec<Unit> = (0..ids.len())
            .filter(|&idx| firsts[idx] == idx)
            .map(|idx| Unit { image_id: ids[idx], positives: labels.row(order[idx]) })
            .collect();
        let key = Key::root(settings.seed).child("split");
        let placed = match settings.folds {
            0 => vec![divide(settings.method, &units, shares, key)],
            n_folds => kfold::divide(settings.method, &units, shares, n_folds as usize, key),
        };
        notices.extend(kept_together(&ids, &firsts));
        let of_images = |placed: Vec<Part>| -> Vec<Part> {
            let part_of: BTreeMap<i64, Part> = units.iter().map(|unit| unit.image_id).zip(placed).collect();
            firsts.iter().map(|&first| part_of[&ids[first]]).collect()
        };
        placed.into_iter().map(of_images).collect()
    };
    notices.extend(empty_parts(settings, &folds));
    notices.extend(absent_labels(labels, &order, &folds));
    let mut rows = Vec::with_capacity(ids.len() * folds.len());
    for (fold, parts) in (0..).zip(folds) {
        rows.extend(ids.iter().zip(parts).map(|(&image_id, part)| SplitRow { image_id, fold, part }));
    }
    Ok(Divided { rows, notices })
}

/// The part of each unit where there is one split for all runs.
fn divide(method: SplitMethod, units: &[Unit], shares: [f64; 3], key: Key) -> Vec<Part> {
    match method {
        SplitMethod::Iterative => {
            iterative::divide(units, &shares, key).into_iter().map(|part_idx| PARTS[part_idx]).collect()
        }
        SplitMethod::Combination | SplitMethod::Column => combination::divide(units, shares, key),
    }
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

/// For each image the position of the first one that it belongs to: its own, where it stands alone.
fn firsts(ids: &[i64], together: &[Vec<i64>]) -> Vec<usize> {
    let mut firsts: Vec<usize> = (0..ids.len()).collect();
    fn first(firsts: &[usize], mut idx: usize) -> usize {
        while firsts[idx] != idx {
            idx = firsts[idx];
        }
        idx
    }
    for group in together {
        let known: Vec<usize> = group.iter().filter_map(|id| ids.binary_search(id).ok()).collect();
        for pair in known.windows(2) {
            let (a, b) = (first(&firsts, pair[0]), first(&firsts, pair[1]));
            firsts[a.max(b)] = a.min(b);
        }
    }
    (0..ids.len()).map(|idx| first(&firsts, idx)).collect()
}

fn parts_given(ids: &[i64], given: &[SplitRow]) -> Result<Vec<Part>, SplitError> {
    let part_of: BTreeMap<i64, Part> = given.iter().map(|row| (row.image_id, row.part)).collect();
    let missing: Vec<i64> = ids.iter().filter(|id| !part_of.contains_key(id)).copied().collect();
    if !missing.is_empty() {
        return Err(SplitError::NoPart { count: missing.len(), names: listed(&missing, missing.len()) });
    }
    Ok(ids.iter().map(|id| part_of[id]).collect())
}

/// Images that belong together, in parts that differ.
fn separated(ids: &[i64], parts: &[Part], together: &[Vec<i64>]) -> Option<Notice> {
    let mut tally = Tally::default();
    for group in together {
        let known: Vec<usize> = group.iter().filter_map(|id| ids.binary_search(id).ok()).collect();
        if known.windows(2).any(|pair| parts[pair[0]] != parts[pair[1]]) {
            let names: Vec<String> =
                known.iter().map(|&idx| format!("{} ({})", ids[idx], parts[idx].as_str())).collect();
            tally.add(names.join(" = "));
        }
    }
    tally.notice(NoticeKind::KeptTogether, "images that belong together but were given different parts")
}

fn kept_together(ids: &[i64], firsts: &[usize]) -> Option<Notice> {
    let mut tally = Tally::default();
    for (idx, &first) in firsts.iter().enumerate().filter(|&(idx, &first)| idx != first) {
        tally.add(format_args!("{} with {}", ids[idx], ids[first]));
    }
    tally.notice(NoticeKind::KeptTogether, "images kept in the part of another one that they belong to")
}

fn empty_parts(settings: &Split, folds: &[Vec<Part>]) -> Option<Notice> {
    let shares = [settings.train, settings.val, settings.test];
    let mut tally = Tally::default();
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
