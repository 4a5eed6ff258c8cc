//! The end of a call of `run`: what is said of it, as text or JSON, and its exit code.

use std::path::PathBuf;

use serde_json::json;

use super::args::{LogArgs, LogFormat, OutputFormat, RunArgs};
use super::command_line::CommandLine;
use super::render::{Failure, plain};
use super::study::{Study, shown};
use super::{print, recheck};
use crate::engine::{Outcome, Rechecked};
use crate::plan::output;
use crate::tables;
use crate::tables::rows::EffectRow;

/// How a call of `run` logs, and what it did beside the study.
pub(super) struct Call<'a> {
    /// What its command line says of that.
    pub log: &'a LogArgs,
    /// Its log, where one could be made.
    pub kept: Option<PathBuf>,
    /// The exit code, should it have been interrupted.
    pub interrupted_code: u8,
    /// What became of stages that were done again, where that is asked for.
    pub rechecked: Option<Rechecked>,
}

impl Call<'_> {
    fn is_sound(&self) -> bool {
        self.rechecked
            .as_ref()
            .is_none_or(|rechecked| rechecked.stages.iter().all(|one| one.verdict.is_fine()))
    }
}

/// Says how it ended, and gives the exit code.
///
/// # Errors
/// Where the end is a fault of the spec: rendered, with the exit code.
pub(super) fn conclude(
    study: &Study,
    outcome: &Outcome,
    page: Option<PathBuf>,
    args: &RunArgs,
    call: &Call<'_>,
) -> Result<u8, Failure> {
    let effects = &effects(study, outcome);
    if let Some(failure) = outcome.spec_fault.as_ref().and_then(|error| study.spec_failure(error)) {
        return Err(failure);
    }
    let interrupted = outcome.interrupted || call.rechecked.as_ref().is_some_and(|one| one.interrupted);
    let code = match (interrupted, outcome.failed.is_empty() && call.is_sound()) {
        (true, _) => call.interrupted_code,
        (false, false) => 1,
        (false, true) => 0,
    };
    if args.spec.format == OutputFormat::Json {
        let failed: Vec<_> = outcome
            .failed
            .iter()
            .map(|(node, why)| json!({"stage": study.plan.nodes[*node].name, "message": why}))
            .collect();
        let value = json!({
            "experiment": study.plan.experiment.name,
            "stages": study.plan.nodes.len(),
            "computed": outcome.computed,
            "fetched": outcome.fetched,
            "failed": failed,
            "rechecked": call.rechecked.as_ref().map(|rechecked| recheck::json(study, rechecked)),
            "interrupted": interrupted,
            "effects": effects,
            "report": page,
            "log": call.kept,
        });
        print::out(&value.to_string());
        return Ok(code);
    }
    call.rechecked.iter().for_each(|rechecked| recheck::tell_faults(study, rechecked));
    if interrupted {
        let how = command(args, call.log);
        print::err(&format!("interrupted: nothing is lost, go on with `{how}`"));
        return Ok(code);
    }
    let (experiment, stages) = (&study.plan.experiment.name, outcome.entries.len());
    if outcome.fetched > 0 {
        let fetched = outcome.fetched;
        print::out(&format!(
            "{experiment}: {fetched} of {stages} stages fetched from the remote, {} computed",
            outcome.computed
        ));
    } else if outcome.computed == 0 && outcome.failed.is_empty() {
        print::out(&format!("{experiment}: all {stages} stages cached, nothing to do"));
    }
    for line in effect_lines(effects, study) {
        print::out(&plain(&line));
    }
    if !outcome.failed.is_empty() {
        let n = outcome.failed.len();
        let what = if n == 1 { "1 stage failed".to_owned() } else { format!("{n} stages failed") };
        let ended = if outcome.cut_short { ", which ended the study (`--fail-fast`)" } else { "" };
        print::err(&format!("{what}{ended}; what was done is kept, and `run` tries again"));
        if let Some(kept) = &call.kept {
            print::err(&format!("  help: see `{}` for all that happened", shown(kept)));
        }
    }
    if let Some(rechecked) = &call.rechecked {
        print::out(&recheck::summary(rechecked));
    }
    if let Some(page) = page {
        print::out(&format!("report: {}", shown(&page)));
    }
    Ok(code)
}

/// The command that goes on with what `args` asked for, as it can be pasted into a shell.
fn command(args: &RunArgs, log: &LogArgs) -> String {
    let mut line = CommandLine::new("run", [&args.spec.spec]);
    line.setting(&args.spec.over, &args.spec.cache, &args.spec.reports);
    if let Some(workers) = args.workers {
        line.option("--workers", workers.to_string());
    }
    if let Some(until) = args.until {
        line.option("--until", until.as_str().to_owned());
    }
    if let Some(remote) = &args.remote {
        line.option("--remote", remote.clone());
    }
    if let Some(share) = args.recheck {
        line.option("--recheck", share.to_string());
    }
    line.flag("--fail-fast", args.fail_fast);
    line.flag("--keep-going", args.keep_going);
    line.flag("--no-wait", args.no_wait);
    (0..log.verbose).for_each(|_| line.flag("--verbose", true));
    line.flag("--quiet", log.quiet);
    if log.log_format == LogFormat::Json {
        line.option("--log-format", "json".to_owned());
    }
    line.quoted()
}

/// The effects over all labels, in the report's headline metric.
pub(super) fn effects(study: &Study, outcome: &Outcome) -> Vec<EffectRow> {
    let entry = outcome.entries.get(&study.plan.report());
    let path = entry.and_then(|entry| study.store.object(entry.digest(output::EFFECTS)).ok());
    let rows: Option<Vec<EffectRow>> = path.and_then(|path| tables::read(&path).ok());
    rows.unwrap_or_default().into_iter().filter(|row| row.label.is_none()).collect()
}

fn effect_lines(effects: &[EffectRow], study: &Study) -> Vec<String> {
    let metric = study.plan.experiment.report.metric.as_str();
    let shown = effects.iter().filter(|row| row.metric == metric);
    shown
        .map(|row| {
            let interval = match (row.low.is_finite(), row.n_seeds) {
                (true, _) => format!("[{:+.1}, {:+.1}]", row.low * 100.0, row.high * 100.0),
                (false, 1) => "(one seed gives no interval)".to_owned(),
                (false, _) => "(no interval)".to_owned(),
            };
            format!(
                "{}: {}, {:+.1} points {} {interval} against {}, {}",
                row.variant,
                row.verdict,
                row.delta * 100.0,
                row.metric,
                row.baseline,
                print::count(row.n_seeds as usize, "seed")
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn the_command_that_goes_on_is_whole_and_quoted() {
        let command_of = |words: &[&str]| {
            let cli = crate::cli::args::Cli::parse_from(words);
            let crate::cli::args::Verb::Run(args) = cli.verb else { panic!("not a run") };
            command(&args, &cli.log)
        };
        let words = [
            "ablatrix",
            "run",
            "my specs/a.toml",
            "--set",
            "seeds=[1, 2]",
            "--cache",
            "/c d",
            "--reports",
            "r",
            "--workers",
            "2",
            "--until",
            "evaluate",
            "--remote",
            "s3://results/team",
            "--recheck",
            "0.05",
            "--quiet",
        ];
        let shown = command_of(&words);
        assert!(shown.contains("--set 'seeds=[1, 2]'"), "{shown}");
        assert_eq!(shlex::split(&shown).unwrap(), words);
        let short = ["ablatrix", "run", "a.toml", "--cache", "cache", "--reports", "reports"];
        assert_eq!(command_of(&short), "ablatrix run a.toml");
    }
}
