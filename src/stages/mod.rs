//! The stages that run in this process: typed inputs to typed outputs, each readable top to bottom.

mod attention_values;
mod balance;
mod card;
mod comparison;
mod error;
mod evaluate;
pub mod foresight;
mod ingest;
mod label;
mod look;
mod overview;
mod pixels;
mod recheck;
mod references;
mod regions;
mod report;
mod report_answers;
mod report_attention;
mod report_augmented;
mod report_contrasts;
mod report_data;
mod report_mistakes;
mod report_notices;
mod report_origin;
mod report_overlay;
mod report_papers;
mod report_pictures;
mod report_references;
mod report_tiles;
mod scan;
mod split;
mod trained;
mod work;

use std::time::Instant;

use crate::cache::{Attempt, Entry, Provenance};
use crate::plan::{Stage, output};

pub use card::{Exported, card, siblings};
pub use error::StageError;
pub use evaluate::EvaluationRecord;
pub use look::{Look, look};
pub use overview::overview;
pub use recheck::{Difference, Excuse, NoShare, Share, differences};
pub use report_overlay::overlay;
pub use trained::Trained;
pub use work::{Missing, Results, StageWork};

/// Computes a stage and publishes its result.
///
/// # Errors
/// What went wrong; nothing is published then.
pub fn compute(work: &StageWork, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Entry, StageError> {
    let result = published(work, progress);
    // A disk that is full or fails keeps nothing of it. Images that cannot be used are no reason to decode the others again.
    if result.as_ref().is_err_and(|error| !matches!(error, StageError::BadImages { .. })) {
        let _ = work.store.remove_checkpoints(&work.fingerprint.key);
    }
    result
}

fn published(work: &StageWork, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Entry, StageError> {
    let started = Instant::now();
    let out = work.store.attempt(&work.fingerprint)?;
    let stage = work.node().stage;
    let mut outputs: Vec<String> = stage.outputs().iter().map(|&name| name.to_owned()).collect();
    match stage {
        Stage::Ingest => ingest::ingest(work, &out)?,
        Stage::Scan => scan::scan(work, &out, progress)?,
        Stage::Label => label::label(work, &out)?,
        Stage::Split => split::split(work, &out)?,
        Stage::Balance => balance::balance(work, &out)?,
        Stage::Pixels => pixels::pixels(work, &out, progress)?,
        Stage::Regions => regions::regions(work, &out)?,
        Stage::References => references::references(work, &out, progress)?,
        Stage::Evaluate => evaluate::evaluate(work, &out)?,
        Stage::Report => outputs.extend(report::report(work, &out)?),
        Stage::Train | Stage::Predict | Stage::Explain => panic!("bug: `{}` is a worker's", stage.as_str()),
    }
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    Ok(out.publish(&outputs, Provenance::here(started))?)
}

/// Makes the report of the runs that there are, into a private folder that goes when it is dropped. Returns the names of its files too:
/// while a study is under way page and summary alone.
///
/// # Errors
/// What went wrong.
pub fn draft(work: &StageWork) -> Result<(Attempt, Vec<String>), StageError> {
    let out = work.store.attempt(&work.fingerprint)?;
    let figures = report::report(work, &out)?;
    if work.under_way {
        return Ok((out, [output::PAGE, output::MARKDOWN].map(str::to_owned).to_vec()));
    }
    let files = Stage::Report.outputs().iter().map(|&name| name.to_owned()).chain(figures).collect();
    Ok((out, files))
}
