//! `ablatrix plan`: every stage, cached or to run, and why.

use serde_json::json;

use super::args::{OutputFormat, SpecArgs};
use super::print;
use super::render::Failure;
use super::study::Study;
use crate::plan::{DirtyReason, Latest, State, resolve};

/// Shows the plan. Runs nothing.
///
/// # Errors
/// Rendered, with the exit code.
pub fn plan(args: &SpecArgs) -> Result<u8, Failure> {
    let study = Study::look(args)?;
    study.check_weights()?;
    study.tell_notices(args.format);
    let latest = Latest::load(&study.store, &study.plan.experiment.name);
    let states = resolve(&study.plan, &study.store, &study.sources, &latest)
        .map_err(|error| study.source_failure(&error))?;
    let dirty = states.iter().filter(|state| matches!(state, State::Dirty(_))).count();
    if args.format == OutputFormat::Json {
        for (node, state) in study.plan.nodes.iter().zip(&states) {
            let value = match state {
                State::Fresh(entry) => {
                    json!({"stage": node.stage, "name": node.name, "state": "cached", "key": entry.fingerprint.key})
                }
                State::Dirty(reason) => {
                    json!({"stage": node.stage, "name": node.name, "state": "to run", "why": reason})
                }
            };
            print::out(&value.to_string());
        }
        return Ok(0);
    }
    let mut rows = vec![vec!["STAGE".to_owned(), "STATE".to_owned(), "WHY".to_owned()]];
    for (node, state) in study.plan.nodes.iter().zip(&states) {
        let (state, why) = match state {
            State::Fresh(_) => ("cached", String::new()),
            State::Dirty(reason) => ("to run", reason.to_string()),
        };
        rows.push(vec![node.name.clone(), state.to_owned(), why]);
    }
    print::table(&rows);
    let causes =
        states.iter().filter(|s| matches!(s, State::Dirty(r) if !matches!(r, DirtyReason::Input { .. })));
    let causes = causes.count();
    print::out(&match dirty {
        0 => format!("\nall {} stages are cached", states.len()),
        _ => format!(
            "\n{dirty} of {} stages to run, {causes} for a reason of their own; a stage whose inputs turn out the same is not run",
            states.len()
        ),
    });
    Ok(0)
}
