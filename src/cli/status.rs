//! `ablatrix status`: where a study stands, also while another process runs it.

use std::io::IsTerminal;
use std::time::Duration;

use serde_json::json;

use super::args::{OutputFormat, StatusArgs};
use super::print;
use super::render::{Failure, plain};
use super::study::Study;
use crate::engine::{Doing, Standing, standing};
use crate::plan::{Run, Stage};

/// How often `--watch` looks.
const PAUSE: Duration = Duration::from_secs(2);
/// Puts the cursor into the corner of an empty screen.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Shows where a study stands, once or until it is done.
///
/// # Errors
/// Rendered, with the exit code.
pub fn status(args: &StatusArgs) -> Result<u8, Failure> {
    let mut study = Study::look(&args.spec)?;
    let clear = args.watch && std::io::stdout().is_terminal();
    let mut last = String::new();
    loop {
        // What a digest was once stays so within one `Sources`: the next look wants a new one.
        let sources = study.new_sources();
        study.follow_results();
        let all =
            standing(&study.plan, &study.store, &sources).map_err(|error| study.source_failure(&error))?;
        let text = match args.spec.format {
            OutputFormat::Json => {
                json!({"experiment": study.plan.experiment.name, "stages": all}).to_string()
            }
            OutputFormat::Text => text(&study, &all),
        };
        if text != last {
            print::out(&format!("{}{text}", if clear { CLEAR } else { "" }));
            last = text;
        }
        let failed = all.iter().any(|one| matches!(one.state, Doing::Failed { .. }));
        let running = all.iter().any(|one| matches!(one.state, Doing::Running { .. }));
        // After a failure nothing more may come; before the first stage something will.
        if !args.watch || failed && !running || all.iter().all(|one| one.state == Doing::Done) {
            return Ok(u8::from(failed));
        }
        std::thread::sleep(PAUSE);
    }
}

fn text(study: &Study, all: &[Standing]) -> String {
    let count = |wanted: fn(&Doing) -> bool| all.iter().filter(|one| wanted(&one.state)).count();
    let mut lines = vec![format!(
        "{}: {} stages, {} done, {} running, {} failed, {} waiting",
        study.plan.experiment.name,
        all.len(),
        count(|state| *state == Doing::Done),
        count(|state| matches!(state, Doing::Running { .. })),
        count(|state| matches!(state, Doing::Failed { .. })),
        count(|state| *state == Doing::Waiting),
    )];
    for one in all.iter().filter(|one| one.run.is_empty() && one.state != Doing::Done) {
        lines.push(format!("{}: {}", one.node, words(one)));
    }
    lines.push(String::new());
    let mut rows = vec![["RUN", "STATE", "EPOCH", "VAL LOSS", "VAL MAP"].map(str::to_owned).to_vec()];
    rows.extend(study.plan.runs.iter().map(|run| row(run, all)));
    lines.push(print::aligned(&rows));
    lines.join("\n")
}

fn row(run: &Run, all: &[Standing]) -> Vec<String> {
    // The first of its stages that is not done says how it stands.
    let open = run.nodes().map(|node| &all[node]).find(|one| one.state != Doing::Done);
    let state = match open {
        None => "done".to_owned(),
        Some(one) if one.stage == Stage::Train => words(one),
        Some(one) => format!("trained; {} {}", one.stage.as_str(), words(one)),
    };
    let epoch = open.and_then(|one| one.epoch.as_ref());
    let epochs = open.and_then(|one| one.epochs);
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.3}"));
    vec![
        run.name.clone(),
        state,
        match (epoch, epochs) {
            (Some(row), Some(epochs)) => format!("{}/{epochs}", row.epoch),
            (Some(row), None) => row.epoch.to_string(),
            (None, _) => String::new(),
        },
        number(epoch.and_then(|row| row.val_loss)),
        number(epoch.and_then(|row| row.val_map_macro)),
    ]
}

fn words(one: &Standing) -> String {
    match &one.state {
        Doing::Done => "done".to_owned(),
        Doing::Running { by } if by.is_empty() => "running".to_owned(),
        Doing::Running { by } => format!("running ({})", plain(by)),
        Doing::Failed { message } => format!("failed: {}", plain(message.lines().next().unwrap_or_default())),
        Doing::Waiting => "waiting".to_owned(),
    }
}
