//! Results in, one self-contained page out.
//!
//! [`page`] is a pure function of a [`Study`]: it opens no files and reads no clock, so the same study
//! gives the same bytes. The page carries its style, its scripts and the drawing library with it, opens
//! from disk without a network, and runs nothing that a name in the study could smuggle in.

mod answer;
mod answers;
mod attention;
mod augmented;
mod charts;
pub mod compare;
mod contrasts;
mod cost;
mod curves;
mod data;
mod effects_tex;
pub mod figures;
pub mod format;
mod guardrails;
mod histograms;
mod interest;
mod looks;
mod mistakes;
mod page;
mod portrait;
mod references;
mod responses;
mod run_table;
mod scores;
mod strips;
mod study;
mod summary;
mod tables;
mod test_part;
mod verdict;
mod view;

pub use answers::{Answers, LabelAnswers, RECALLS, ReliabilityBin};
pub use attention::*;
pub use augmented::{Augmented, LeftOut, Strip, Tile};
pub use data::*;
pub use effects_tex::effects_tex;
pub use interest::{best, by_interest};
pub use looks::RAMP;
pub use mistakes::{Mistake, Mistakes, VariantMistakes};
pub use page::{ReportError, page};
pub use references::{ReferenceScores, References, name as reference_name};
pub use scores::Spread;
pub use study::*;
pub use summary::{escaped, summary_md};
pub use test_part::{LabelPower, TestPart, at_best, refusal};

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod fold_tests;
#[cfg(test)]
mod hostile_tests;
