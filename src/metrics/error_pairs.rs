//! Which errors come together: how often one label is missed while another is said wrongly of the same image.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::scored::Scored;

/// Two labels that are taken for each other, or at least wrong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorPair {
    /// True of these images and not said.
    pub missed: String,
    /// Said of these images and not true.
    pub said: String,
    /// How many there are.
    pub n_images: u64,
}

/// The matrix of missed labels by labels that are said wrongly, as the pairs that occur, the most frequent first.
///
/// `said`: row-major [images, labels], as [`decisions`](super::counts::decisions) gives it; `labels`: the names.
pub fn error_pairs(scored: &Scored, said: &[bool], labels: &[String]) -> Vec<ErrorPair> {
    let mut counts: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    let (mut missed, mut wrong) = (Vec::new(), Vec::new());
    for (said, (_, truth)) in said.chunks_exact(scored.n_labels()).zip(scored.rows()) {
        missed.clear();
        wrong.clear();
        for (label_idx, pair) in said.iter().zip(truth).enumerate() {
            match pair {
                (false, true) => missed.push(label_idx),
                (true, false) => wrong.push(label_idx),
                _ => {}
            }
        }
        for &of in &missed {
            for &with in &wrong {
                *counts.entry((of, with)).or_default() += 1;
            }
        }
    }
    let named = |((of, with), n_images): ((usize, usize), u64)| ErrorPair {
        missed: labels[of].clone(),
        said: labels[with].clone(),
        n_images,
    };
    let mut pairs: Vec<ErrorPair> = counts.into_iter().map(named).collect();
    // Stable: equals stay in the order of the labels.
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.n_images));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: glass is taken for metal twice, and once for paper; one image is right, one only misses a label.
    #[test]
    fn what_is_missed_while_something_else_is_said() {
        let labels = ["glass", "metal", "paper"].map(str::to_owned);
        let glass = [true, false, false];
        let targets = [glass; 5].concat();
        let said =
            [[false, true, false], [false, true, true], glass, [false; 3], [true, true, false]].concat();
        let scored = Scored::new(3, &[0.0; 15], &targets).unwrap();
        let pair = |missed: &str, said: &str, n_images| ErrorPair {
            missed: missed.into(),
            said: said.into(),
            n_images,
        };
        assert_eq!(
            error_pairs(&scored, &said, &labels),
            [pair("glass", "metal", 2), pair("glass", "paper", 1)]
        );
    }
}
