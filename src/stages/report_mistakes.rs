//! The test images that the baseline and the best variant are surest about, and wrong.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::comparison::RunResults;
use super::error::StageError;
use super::report_data::Shared;
use super::report_pictures::{in_store, store};
use super::work::StageWork;
use crate::report::{Mistake, Mistakes, Picture, VariantMistakes};

/// Mistakes of each kind and variant.
const MOST: usize = 6;
/// Mistakes of one label among them: else the most frequent label takes all places.
const MOST_OF_LABEL: usize = 2;
/// The longest side of a picture in pixels.
const SIDE: u32 = 128;
/// JPEG quality, 1 to 100.
const QUALITY: u8 = 80;
/// All pictures together, in bytes of JPEG: base64 makes 0.4 MB of it.
const BYTES: usize = 300_000;

/// How the runs of a variant answer for one image and label.
#[derive(Clone, Copy, Debug, Default)]
struct Answer {
    probability: f64,
    threshold: f64,
    wrong: usize,
    runs: usize,
    is_true: bool,
}

/// The mistakes of `variants`, positions in the plan.
///
/// # Errors
/// Where a picture cannot be read or encoded.
pub(super) fn mistakes(
    work: &StageWork,
    shared: &Shared,
    variants: &[usize],
    runs: &[RunResults],
) -> Result<Mistakes, StageError> {
    let store = store(work)?;
    let n_labels = shared.labels.labels.len();
    let names: HashMap<i64, &str> =
        shared.images.iter().map(|image| (image.image_id, image.file_name.as_str())).collect();
    let rows: HashMap<i64, usize> =
        shared.labels.image_ids.iter().enumerate().map(|(row, &id)| (id, row)).collect();
    let mut found = Mistakes { bytes: BYTES, left_out: 0, of: Vec::new() };
    let mut bytes = 0;
    for &variant in variants {
        let of: Vec<&RunResults> = runs.iter().filter(|run| run.run.variant == variant).collect();
        let answers = answers(&of, n_labels);
        let mut pictured = |is_true: bool| -> Result<Vec<Mistake>, StageError> {
            let mut mistakes = Vec::new();
            for (image_id, label, answer) in surest(&answers, is_true) {
                let Some(picture) = in_store(&store, image_id, SIDE, QUALITY)? else { continue };
                bytes += picture.jpeg.len();
                if bytes > BYTES {
                    found.left_out += 1;
                    continue;
                }
                let positives = rows.get(&image_id).map_or(&[][..], |&row| shared.labels.row(row));
                let name = names.get(&image_id).map_or_else(|| image_id.to_string(), |&name| name.to_owned());
                mistakes.push(Mistake {
                    picture: Picture {
                        file_name: name,
                        labels: (0..positives.len()).filter(|&label| positives[label]).collect(),
                        ..picture
                    },
                    label,
                    probability: answer.probability,
                    threshold: answer.threshold,
                    wrong: answer.wrong,
                    runs: answer.runs,
                });
            }
            Ok(mistakes)
        };
        let (said, missed) = (pictured(false)?, pictured(true)?);
        found.of.push(VariantMistakes { variant: work.plan.variants[variant].name.clone(), said, missed });
    }
    Ok(found)
}

/// By image and label, in a fixed order.
fn answers(runs: &[&RunResults], n_labels: usize) -> BTreeMap<(i64, usize), Answer> {
    let mut answers: BTreeMap<(i64, usize), Answer> = BTreeMap::new();
    for run in runs {
        let (calibration, thresholds) = (&run.record.calibration, &run.record.thresholds.values);
        let logits = run.test.logits.chunks_exact(n_labels).zip(run.test.targets.chunks_exact(n_labels));
        for (&image_id, (logits, targets)) in run.test_ids.iter().zip(logits) {
            for label in 0..n_labels {
                let probability = calibration.probability(label, logits[label]);
                let threshold = thresholds[label];
                let answer = answers.entry((image_id, label)).or_default();
                answer.probability += probability;
                answer.threshold += threshold;
                answer.wrong += usize::from((probability >= threshold) != targets[label]);
                answer.runs += 1;
                answer.is_true = targets[label];
            }
        }
    }
    for answer in answers.values_mut() {
        answer.probability /= answer.runs as f64;
        answer.threshold /= answer.runs as f64;
    }
    answers
}

/// What most runs get wrong of the labels that are true, or of those that are not: the surest first, each image once.
fn surest(answers: &BTreeMap<(i64, usize), Answer>, is_true: bool) -> Vec<(i64, usize, Answer)> {
    let wrong =
        answers.iter().filter(|(_, answer)| answer.is_true == is_true && 2 * answer.wrong > answer.runs);
    let mut wrong: Vec<(i64, usize, Answer)> =
        wrong.map(|(&(image_id, label), answer)| (image_id, label, *answer)).collect();
    let sureness = |answer: &Answer| if is_true { -answer.probability } else { answer.probability };
    // Stable: equals stay in the order of their images.
    wrong.sort_by(|(.., a), (.., b)| sureness(b).total_cmp(&sureness(a)));
    let (mut images, mut of_label) = (HashSet::new(), HashMap::<usize, usize>::new());
    wrong.retain(|(image_id, label, _)| {
        let of_label = of_label.entry(*label).or_default();
        let keep = *of_label < MOST_OF_LABEL && images.insert(*image_id);
        *of_label += usize::from(keep);
        keep
    });
    wrong.truncate(MOST);
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(probability: f64, wrong: usize, is_true: bool) -> Answer {
        Answer { probability, threshold: 0.5, wrong, runs: 3, is_true }
    }

    #[test]
    fn the_surest_of_what_most_runs_get_wrong() {
        let answers = BTreeMap::from([
            ((1, 0), answer(0.9, 3, false)),
            // As sure, on an image that is shown already.
            ((1, 1), answer(0.8, 3, false)),
            ((2, 0), answer(0.95, 2, false)),
            // The third of its label.
            ((3, 0), answer(0.7, 3, false)),
            ((4, 1), answer(0.6, 3, false)),
            // Most runs are right.
            ((5, 1), answer(0.99, 1, false)),
            ((6, 1), answer(0.02, 3, true)),
            ((7, 0), answer(0.01, 3, true)),
        ]);
        let places = |is_true| -> Vec<(i64, usize)> {
            surest(&answers, is_true).into_iter().map(|(image_id, label, _)| (image_id, label)).collect()
        };
        assert_eq!(places(false), [(2, 0), (1, 0), (4, 1)]);
        assert_eq!(places(true), [(7, 0), (6, 1)]);
    }
}
