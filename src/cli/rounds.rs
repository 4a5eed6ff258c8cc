//! Studies that add seeds until they are decided: how far their results go, and the rounds of `run`.

use std::collections::HashMap;
use std::sync::Arc;

use super::print;
use crate::cache::{Entry, Store};
use crate::plan::{Found, Plan, Sources, Stage, VariantError, look_up};
use crate::spec::Loaded;
use crate::stages::{Look, Results, StageError, look};

/// The plan of a spec, with the seeds that its results call for so far.
///
/// # Errors
/// Where two variants would have one name, or one does what another does.
pub fn plan(loaded: &Loaded, store: &Store, sources: &Sources) -> Result<Plan, VariantError> {
    let mut plan = Plan::new(loaded)?;
    while plan.experiment.adaptive.is_some() {
        // What cannot be read here is told by the verb, when it reads it.
        let Some(entries) = all_scored(&plan, store, sources) else { break };
        let results = Results { plan: &plan, entries: &entries, store };
        let Some(seeding) = look(&results).ok().and_then(|look| look.next) else { break };
        plan = Plan::with_seeds(loaded, Some(seeding))?;
    }
    Ok(plan)
}

/// The results of all nodes up to the scores, if all are there.
fn all_scored(plan: &Plan, store: &Store, sources: &Sources) -> Option<HashMap<usize, Entry>> {
    // What runs are measured beside is no input of theirs.
    let of_runs = plan.wanted(Some(Stage::Evaluate)).into_iter();
    let wanted: Vec<bool> =
        of_runs.zip(plan.wanted(Some(Stage::References))).map(|(run, beside)| run || beside).collect();
    let found = look_up(plan, store, sources, &wanted).ok()?;
    let mut entries = HashMap::new();
    for (node, found) in found.into_iter().enumerate().filter(|(node, _)| wanted[*node]) {
        let Found::Fresh(entry) = found else { return None };
        entries.insert(node, entry);
    }
    Some(entries)
}

/// Looks at what a round of `run` has left, and gives the plan of the next one; `None` where there is none. Says to people what
/// was found, unless `quiet`.
///
/// # Errors
/// Where results cannot be read.
pub fn next(
    loaded: &Loaded,
    plan: &Plan,
    entries: &HashMap<usize, Entry>,
    store: &Store,
    quiet: bool,
) -> Result<Option<Arc<Plan>>, StageError> {
    let Some(adaptive) = plan.experiment.adaptive else { return Ok(None) };
    let Look { n_compared, undecided, next } = look(&Results { plan, entries, store })?;
    let Some(seeding) = next else { return Ok(None) };
    let next = Plan::with_seeds(loaded, Some(seeding))
        .unwrap_or_else(|error| panic!("bug: the variants are those of the round before: {error}"));
    if !quiet {
        print::err(&format!(
            "{} of {} not decided, of up to {} seeds each: {} more to run for `{}`",
            undecided.len(),
            print::count(n_compared, "variant"),
            adaptive.max,
            next.runs.len() - plan.runs.len(),
            undecided.join("`, `"),
        ));
    }
    Ok(Some(Arc::new(next)))
}
