//! `ablatrix status`: where a study stands, also while another process runs it.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use serde_json::json;
use terminal_size::{Height, terminal_size};

use super::args::{OutputFormat, StatusArgs};
use super::print;
use super::render::Failure;
use super::status_text::{self, changed, whole};
use super::study::Study;
use crate::clock::unix_ms;
use crate::engine::slurm::{self, Client, InQueue};
use crate::engine::{Doing, Overview, Standing, standing};
use crate::fingerprint::Digest;

/// How often `--watch` looks.
const PAUSE: Duration = Duration::from_secs(1);
/// Lines that a terminal has which does not tell.
const HEIGHT: usize = 24;

/// Shows where a study stands, once or until it is done.
///
/// # Errors
/// Rendered, with the exit code.
pub fn status(args: &StatusArgs) -> Result<u8, Failure> {
    let mut study = Study::look(&args.spec)?;
    let draws = args.watch && args.spec.format == OutputFormat::Text && std::io::stdout().is_terminal();
    let mut last: Option<Overview> = None;
    let mut queue = Queue::default();
    loop {
        // What a digest was once stays so within one `Sources`: the next look wants a new one.
        let sources = study.new_sources();
        study.follow_results();
        let now = standing(&study.plan, &study.store, &sources, queue.look(&study))
            .map_err(|error| study.source_failure(&error))?;
        match (&last, draws) {
            (_, true) => draw(&study, &now, last.is_none()),
            (None, false) => tell_all(&study, &now, args.spec.format),
            (Some(before), false) => tell_changes(&study, before, &now, args.spec.format),
        }
        let is = |wanted: fn(&Doing) -> bool| now.stages.iter().any(|one| wanted(&one.state));
        let failed = is(|state| matches!(state, Doing::Failed { .. }));
        let running = is(|state| matches!(state, Doing::Running { .. }));
        // After a failure nothing more may come; before the first stage something will.
        if !args.watch || failed && !running || now.stages.iter().all(|one| one.state == Doing::Done) {
            return Ok(u8::from(failed));
        }
        last = Some(now);
        std::thread::sleep(PAUSE);
    }
}

/// The jobs of a cluster, asked for no more often than the study itself does.
#[derive(Default)]
struct Queue {
    jobs: HashMap<Digest, InQueue>,
    asked: Option<Instant>,
    /// It was said that nobody answers.
    warned: bool,
}

impl Queue {
    fn look(&mut self, study: &Study) -> &HashMap<Digest, InQueue> {
        let pause = Duration::from_secs_f64(study.plan.experiment.workers.slurm.poll_seconds);
        if study.is_on_cluster() && self.asked.is_none_or(|asked| asked.elapsed() >= pause) {
            match slurm::in_queue(&study.store, &Client::default()) {
                Ok(jobs) => self.jobs = jobs,
                Err(error) if !self.warned => {
                    self.warned = true;
                    print::err(&format!("warning: what is in Slurm's queue is not known: {error}"));
                }
                Err(_) => {}
            }
            self.asked = Some(Instant::now());
        }
        &self.jobs
    }
}

/// Draws over what was drawn before: a cleared screen would flicker.
fn draw(study: &Study, now: &Overview, is_first: bool) {
    let height = terminal_size().map_or(HEIGHT, |(_, Height(lines))| usize::from(lines));
    print::out_raw(&status_text::screen(&whole(&study.plan, now, &study.logs(), Some(height)), is_first));
}

fn tell_all(study: &Study, now: &Overview, format: OutputFormat) {
    let name = &study.plan.experiment.name;
    print::out(&match format {
        OutputFormat::Json => {
            let logs = study.logs();
            json!({"experiment": name, "stages": now.stages, "left_s": now.left_s, "logs": logs}).to_string()
        }
        OutputFormat::Text => whole(&study.plan, now, &study.logs(), None),
    });
}

/// A line for each stage that something has happened to, in the order of the plan.
fn tell_changes(study: &Study, before: &Overview, now: &Overview, format: OutputFormat) {
    let known: HashMap<&str, &Standing> = before.stages.iter().map(|one| (one.node.as_str(), one)).collect();
    let has_changed = |one: &&Standing| known.get(one.node.as_str()).is_none_or(|was| one.has_changed(was));
    let (name, unix_ms) = (&study.plan.experiment.name, unix_ms());
    for one in now.stages.iter().filter(has_changed) {
        print::out(&match format {
            OutputFormat::Json => {
                json!({"experiment": name, "changed": one, "left_s": now.left_s, "unix_ms": unix_ms})
                    .to_string()
            }
            OutputFormat::Text => changed(one),
        });
    }
}
