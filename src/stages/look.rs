//! A look at a study whose seeds are added until it is decided: which variants need more.

use std::collections::BTreeSet;

use super::comparison::{Asked, RunReader, compare};
use super::error::StageError;
use super::report_references::Beside;
use super::work::Results;
use crate::effects::{Undecided, Verdict};
use crate::plan::Seeding;

/// What a look finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// How many variants were compared with a baseline.
    pub n_compared: usize,
    /// Those that are not decided, and could be by more seeds.
    pub undecided: Vec<String>,
    /// The seeds to go on with; `None` where nothing is left to be decided, or all have the most.
    pub next: Option<Seeding>,
}

/// Looks at the results of all runs of a plan: the verdicts over all labels on the metric that decides.
///
/// # Errors
/// Where results are damaged or do not fit together.
pub fn look(results: &Results) -> Result<Look, StageError> {
    let plan = results.plan;
    let beside = Beside::load(results)?;
    let reader = RunReader::new(*results, &beside)?;
    let mut runs = Vec::new();
    for run in &plan.runs {
        runs.extend(reader.read(run)?.map(|(of_run, _)| of_run));
    }
    let comparison = compare(results, &runs, Asked::Headline)?;
    let over_all: Vec<_> = comparison.effects.iter().filter(|effect| effect.label.is_none()).collect();
    let open: Vec<_> = over_all.iter().filter(|effect| more_may_decide(&effect.verdict)).collect();
    let position = |name: &str| plan.variants.iter().position(|variant| variant.name == name);
    let pairs: BTreeSet<(usize, usize)> = open
        .iter()
        .filter_map(|effect| Some((position(&effect.variant)?, position(&effect.baseline)?)))
        .collect();
    Ok(Look {
        n_compared: over_all.len(),
        undecided: open.iter().map(|effect| effect.variant.clone()).collect(),
        next: plan.seeding.extended(&plan.variants, &pairs),
    })
}

/// Degenerate runs, and differences that nothing moves, stay so.
fn more_may_decide(verdict: &Verdict) -> bool {
    let Verdict::NotEnoughEvidence { reason } = verdict else { return false };
    match reason {
        Undecided::TooWide { .. } | Undecided::TooWideForOneSeed | Undecided::OneSeed => true,
        Undecided::Degenerate { .. }
        | Undecided::FewImages { .. }
        | Undecided::NoSpread
        | Undecided::OneFold => false,
    }
}
