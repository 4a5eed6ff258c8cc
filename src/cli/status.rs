//! `ablatrix status`: where a study stands, also while another process runs it.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use serde_json::json;

use super::args::{OutputFormat, StatusArgs};
use super::print;
use super::render::Failure;
use super::status_text::{changed, whole};
use super::study::Study;
use super::watch::{self, Look};
use crate::clock::unix_ms;
use crate::engine::slurm::{self, Client, InQueue};
use crate::engine::{Doing, Overview, Standing, standing};
use crate::fingerprint::Digest;

/// How often `--watch` looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Shows where a study stands, once or until it is done.
///
/// # Errors
/// Rendered, with the exit code.
pub fn status(args: &StatusArgs) -> Result<u8, Failure> {
    let mut watched = Watched { study: Study::look(&args.spec)?, queue: Queue::default() };
    let is_screen = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    if args.watch && args.spec.format == OutputFormat::Text && is_screen {
        return watch_on_screen(&mut watched);
    }
    let mut last: Option<Overview> = None;
    loop {
        let now = watched.look()?;
        match &last {
            None => tell_all(&watched.study, &now, args.spec.format),
            Some(before) => tell_changes(&watched.study, before, &now, args.spec.format),
        }
        if !args.watch || is_over(&now) {
            return Ok(u8::from(has_failed(&now)));
        }
        last = Some(now);
        std::thread::sleep(PAUSE);
    }
}

/// On the whole screen; what was seen last stays behind, as lines.
fn watch_on_screen(watched: &mut Watched) -> Result<u8, Failure> {
    let mut last = None;
    let code = watch::watch(|show| {
        let now = watched.look()?;
        let code = u8::from(has_failed(&now));
        let is_over = is_over(&now);
        last = Some(now.clone());
        show(Look { plan: &watched.study.plan, now, is_over });
        Ok(code)
    })?;
    if let Some(now) = last {
        tell_all(&watched.study, &now, OutputFormat::Text);
    }
    Ok(code)
}

/// A study that is looked at again and again.
struct Watched {
    study: Study,
    queue: Queue,
}

impl Watched {
    fn look(&mut self) -> Result<Overview, Failure> {
        // What a digest was once stays so within one `Sources`: the next look wants a new one.
        let sources = self.study.new_sources();
        self.study.follow_results();
        let study = &self.study;
        standing(&study.plan, &study.store, &sources, self.queue.look(study))
            .map_err(|error| study.source_failure(&error))
    }
}

fn has_failed(now: &Overview) -> bool {
    now.stages.iter().any(|one| matches!(one.state, Doing::Failed { .. }))
}

/// Whether nothing more comes: all is done, or after a failure nobody is at work. Before the first stage something will come.
fn is_over(now: &Overview) -> bool {
    let runs = now.stages.iter().any(|one| matches!(one.state, Doing::Running { .. }));
    has_failed(now) && !runs || now.stages.iter().all(|one| one.state == Doing::Done)
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

fn tell_all(study: &Study, now: &Overview, format: OutputFormat) {
    let name = &study.plan.experiment.name;
    print::out(&match format {
        OutputFormat::Json => {
            let logs = study.logs();
            json!({"experiment": name, "stages": now.stages, "left_s": now.left_s, "logs": logs}).to_string()
        }
        OutputFormat::Text => whole(&study.plan, now, &study.logs()),
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
