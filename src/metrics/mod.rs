//! Scores and thresholds on plain f32 slices. Knows no tables, no files and no models.
//!
//! ```text
//! logits, targets -> Scored -> ranking (AP, AUROC), image_ranking (LRAP, coverage, ...)                 \
//!       validation -> calibration -> probabilities (log loss, Brier, reliability, ECE)                    > judged -> evaluation
//!       validation -> threshold -> counts (F1, Jaccard, ...), image_answers, error_pairs                /
//!                                                  degenerate -> flags
//! training rows -> constant (two that look at no picture), mean_colour (logistic) -> evaluation
//! ```
//!
//! Definitions are scikit-learn's unless a function says otherwise. A label without positives (or, for AUROC,
//! without negatives) in a part has no such metric: it is left out of averages and named, never counted as 0.

pub mod attention;
pub mod calibration;
pub mod catalogue;
pub mod constant;
pub mod counts;
pub mod degenerate;
pub mod error_pairs;
pub mod evaluation;
pub mod image_answers;
pub mod image_ranking;
pub mod judged;
pub mod logistic;
pub mod mean_colour;
mod platt;
pub mod probabilities;
pub mod ranking;
pub mod scored;
mod sum_tree;
mod temperature;
pub mod threshold;
pub mod undefined;

#[cfg(test)]
mod against_scipy;
#[cfg(test)]
mod against_sklearn;

pub use calibration::{Calibration, Line};
pub use constant::{TrainedLabels, constant_answer, label_prior};
pub use counts::Counts;
pub use degenerate::{Course, Flag};
pub use error_pairs::ErrorPair;
pub use evaluation::{Evaluation, LabelDetail, Value, aggregates_at, evaluate};
pub use mean_colour::{Colour, MeanColour};
pub use ranking::{Ranking, macro_average_precision, micro_average_precision};
pub use scored::{Scored, ScoredError, probability};
pub use threshold::{Thresholds, tune};
pub use undefined::{Gap, Undefined};
