//! What papers take from a report: tables as CSV and LaTeX, figures.

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::error::StageError;
use crate::cache::Attempt;
use crate::plan::output;
use crate::report::{self, Study, figures};
use crate::tables;
use crate::tables::rows::{ContrastRow, EffectRow};

/// Writes them. Returns the names of the figures: a study has those that it can say something in.
///
/// # Errors
/// Where a file cannot be written, or a figure cannot be drawn.
pub(super) fn papers(
    study: &Study,
    effects: &Vec<EffectRow>,
    contrasts: &Vec<ContrastRow>,
    out: &Attempt,
) -> Result<Vec<String>, StageError> {
    tables::write_csv(&out.path(output::EFFECTS_CSV), effects)?;
    tables::write_csv(&out.path(output::CONTRASTS_CSV), contrasts)?;
    write(out, output::EFFECTS_TEX, report::effects_tex(study).as_bytes())?;
    let drawn = |figure: &figures::Figure| {
        let names = output::FIGURE_KINDS.map(|kind| format!("{}.{kind}", figure.name));
        write(out, &names[0], figure.svg.as_bytes())?;
        write(out, &names[1], &figures::png(&figure.svg)?)?;
        Ok(names)
    };
    let names: Result<Vec<[String; 2]>, StageError> = figures::figures(study).par_iter().map(drawn).collect();
    Ok(names?.into_iter().flatten().collect())
}

fn write(out: &Attempt, name: &str, bytes: &[u8]) -> Result<(), StageError> {
    let path = out.path(name);
    std::fs::write(&path, bytes).map_err(|source| StageError::Write { path, source })
}
