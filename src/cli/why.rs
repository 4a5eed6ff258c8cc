//! `ablatrix why`: every input of a stage that is another one than when it was last done.

use serde_json::json;

use super::args::{OutputFormat, WhyArgs};
use super::print;
use super::render::{Failure, plain};
use super::study::Study;
use crate::plan::{DirtyReason, Latest, Why, why};

/// Says of each stage that must run which of its inputs changed since its last result.
///
/// # Errors
/// Rendered, with the exit code.
pub fn explain(args: &WhyArgs) -> Result<u8, Failure> {
    let study = Study::look(&args.spec)?;
    let latest = Latest::load(&study.store, &study.plan.experiment.name);
    let mut found = why(&study.plan, &study.store, &study.sources, &latest)
        .map_err(|error| study.source_failure(&error))?;
    if let Some(wanted) = &args.stage {
        let named = |one: &Why| one.node == *wanted || one.stage.as_str() == wanted;
        if !study.plan.nodes.iter().any(|node| node.name == *wanted || node.stage.as_str() == wanted) {
            let message = format!("the study `{}` has no stage `{wanted}`", study.plan.experiment.name);
            let help =
                "a kind as in `split`, or a name as in `train flip/seed=1`; `ablatrix plan` lists them";
            return Err(Failure::text(2, &message, Some(help)));
        }
        found.retain(named);
    }
    if args.spec.format == OutputFormat::Json {
        for one in &found {
            print::out(&json!(one).to_string());
        }
        return Ok(0);
    }
    if found.is_empty() {
        print::out("nothing is to run: every result is there, made of the inputs as they are");
    }
    // What only waits for another stage says nothing new, unless it is asked for.
    let waits = |one: &&Why| args.stage.is_none() && matches!(one.reason, DirtyReason::Input { .. });
    let waiting = found.iter().filter(waits).count();
    for one in found.iter().filter(|one| !waits(one)) {
        print::out(&plain(&format!("{}: {}", one.node, one.reason)));
        for change in one.changes.iter().skip(1) {
            print::out(&plain(&format!("  also {change}")));
        }
    }
    if waiting > 0 {
        let wait = if waiting == 1 { "stage waits" } else { "stages wait" };
        print::out(&format!("{waiting} more {wait} for these; what gives the same bytes stops the change"));
    }
    Ok(0)
}
