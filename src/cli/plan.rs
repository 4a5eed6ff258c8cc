//! `ablatrix plan`: every stage, cached or to run, and why.

use serde_json::json;

use super::args::{OutputFormat, SpecArgs};
use super::print;
use super::render::{Failure, plain};
use super::study::Study;
use crate::plan::{DirtyReason, Latest, State, resolve};

/// Shows the plan. Runs nothing.
///
/// # Errors
/// Rendered, with the exit code.
pub fn plan(args: &SpecArgs) -> Result<u8, Failure> {
    let study = Study::look(args)?;
    study.check_weights(true)?;
    study.tell_notices(args.format);
    let latest = Latest::load(&study.store, &study.plan.experiment.name);
    let states = resolve(&study.plan, &study.store, &study.sources, &latest)
        .map_err(|error| study.source_failure(&error))?;
    let dirty = states.iter().filter(|state| matches!(state, State::Dirty(_))).count();
    if args.format == OutputFormat::Json {
        let mut lines = print::Lines::new();
        for (node, state) in study.plan.nodes.iter().zip(&states) {
            let value = match state {
                State::Fresh(entry) => {
                    json!({"stage": node.stage, "name": node.name, "state": "cached", "key": entry.key})
                }
                State::Dirty(reason) => {
                    json!({"stage": node.stage, "name": node.name, "state": "to run", "why": reason})
                }
            };
            lines.line(&value.to_string());
        }
        return Ok(0);
    }
    let width = study.plan.nodes.iter().map(|node| node.name.chars().count()).max().unwrap_or(0);
    let mut lines = print::Lines::new();
    lines.line(&format!("{:width$}  STATE   WHY", "STAGE"));
    for (node, state) in study.plan.nodes.iter().zip(&states) {
        lines.line(&plain(&match state {
            State::Fresh(_) => format!("{:width$}  cached", node.name),
            State::Dirty(reason) => format!("{:width$}  to run  {reason}", node.name),
        }));
    }
    drop(lines);
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
    print::out(&study.told_device());
    Ok(0)
}
