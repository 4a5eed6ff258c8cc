//! The run that is used: which one, whether it is trained, and how a worker is asked about it.

use std::collections::HashMap;

use rayon::prelude::*;

use super::args::{RunChoice, SpecArgs};
use super::command_line::CommandLine;
use super::print::count;
use super::render::{Failure, with_cause};
use super::study::{Study, cache_failure, shown, with_machine};
use super::{device, worker};
use crate::cache::Entry;
use crate::engine::{AskError, Gpus, job_of};
use crate::plan::{Latest, Run, State, last_report, output, resolve};
use crate::query::{Query, Wish};
use crate::spec::nearest;
use crate::spec::settings::{Device, DeviceWish, Engine, HeadlineMetric};
use crate::stages::{EvaluationRecord, StageError, Trained};
use crate::tables;
use crate::tables::rows::EffectRow;

/// A study with one of its runs, which is trained.
pub struct Chosen {
    /// The study.
    pub study: Study,
    /// The results that there are, by node.
    pub entries: HashMap<usize, Entry>,
    states: Vec<State>,
    latest: Latest,
    run: usize,
    /// How it was chosen, where nobody named it: `the best of 6 trained runs by mAP on validation (81.2)`.
    pub why: Option<String>,
}

/// What is computed where.
pub struct Place {
    /// The kind.
    pub device: Device,
    /// The GPU that the worker sees.
    pub gpu: Option<String>,
}

impl Chosen {
    /// Opens the study and chooses a run. Nothing is trained.
    ///
    /// # Errors
    /// Rendered: there is no such run, or it is not trained.
    pub fn open(args: &SpecArgs, choice: &RunChoice) -> Result<Self, Failure> {
        let study = Study::look(args)?;
        let latest = Latest::load(&study.store, &study.plan.experiment.name);
        let states = resolve(&study.plan, &study.store, &study.sources, &latest)
            .map_err(|error| study.source_failure(&error))?;
        let fresh = states.iter().enumerate().filter_map(|(node, state)| match state {
            State::Fresh(entry) => Some((node, (**entry).clone())),
            State::Dirty(_) => None,
        });
        let entries = fresh.collect();
        let mut chosen = Chosen { study, entries, states, latest, run: 0, why: None };
        match &choice.run {
            Some(name) => chosen.run = chosen.named(name, args)?,
            None => (chosen.run, chosen.why) = chosen.best(choice.variant.as_deref(), args)?,
        }
        Ok(chosen)
    }

    /// The run.
    pub fn run(&self) -> &Run {
        &self.study.plan.runs[self.run]
    }

    /// The run with its results.
    pub fn trained(&self) -> Trained<'_> {
        let trained = self.trained_run(self.run());
        trained.unwrap_or_else(|| panic!("bug: a run was chosen that is not trained"))
    }

    /// What its answers mean.
    ///
    /// # Errors
    /// Rendered, where it is damaged.
    pub fn evaluation(&self) -> Result<EvaluationRecord, Failure> {
        self.trained().evaluation().map_err(|error| stage_failure(&error))
    }

    fn trained_run<'a>(&'a self, run: &'a Run) -> Option<Trained<'a>> {
        Trained::of(&self.study.plan, &self.entries, &self.study.store, run)
    }

    /// The run of this name.
    fn named(&self, name: &str, args: &SpecArgs) -> Result<usize, Failure> {
        let plan = &self.study.plan;
        let Some(at) = plan.runs.iter().position(|run| run.name == name) else {
            let message = format!("the study `{}` has no run `{name}`", plan.experiment.name);
            let known = plan.runs.iter().map(|run| run.name.as_str());
            let help = match nearest(name, known) {
                _ if plan.variants.iter().any(|variant| variant.name == name) => {
                    format!("that is a variant: `--variant {name}` takes the best of its runs")
                }
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("`{}` names them", self.command("plan", args)),
            };
            return Err(Failure::text(2, &message, Some(&help)));
        };
        if self.trained_run(&plan.runs[at]).is_none() {
            return Err(self.untrained(&format!("the run `{name}` is not trained yet"), args));
        }
        Ok(at)
    }

    /// The best run, or the best one of a variant, by the study's metric on validation; of equal ones the first.
    fn best(&self, variant: Option<&str>, args: &SpecArgs) -> Result<(usize, Option<String>), Failure> {
        let plan = &self.study.plan;
        if let Some(name) = variant
            && !plan.variants.iter().any(|variant| variant.name == name)
        {
            let message = format!("the study `{}` has no variant `{name}`", plan.experiment.name);
            let near = nearest(name, plan.variants.iter().map(|variant| variant.name.as_str()));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            return Err(Failure::text(2, &message, help.as_deref()));
        }
        let is_meant = |run: &Run| variant.is_none_or(|variant| plan.variants[run.variant].name == variant);
        let runs: Vec<(usize, Trained<'_>)> = (plan.runs.iter().enumerate())
            .filter(|(_, run)| is_meant(run))
            .filter_map(|(at, run)| Some((at, self.trained_run(run)?)))
            .collect();
        let of = variant.map(|variant| format!(" of the variant `{variant}`")).unwrap_or_default();
        if let [(at, _)] = runs[..] {
            return Ok((at, Some(format!("the only trained run{of}"))));
        }
        let scores: Vec<Option<f64>> = runs
            .par_iter()
            .map(|(_, trained)| trained.validation_score())
            .collect::<Result<_, StageError>>()
            .map_err(|error| stage_failure(&error))?;
        let defined = scores.iter().enumerate().filter_map(|(nth, score)| Some((nth, (*score)?)));
        let best = defined.fold(None, |best: Option<(usize, f64)>, (nth, score)| match best {
            Some((_, top)) if score <= top => best,
            _ => Some((nth, score)),
        });
        let metric = match plan.experiment.report.metric {
            HeadlineMetric::MapMacro => "mAP",
            HeadlineMetric::F1Macro => "macro F1",
        };
        match best {
            Some((nth, score)) => {
                let n = count(runs.len(), "trained run");
                let why = format!("the best of {n}{of} by {metric} on validation ({:.1})", 100.0 * score);
                Ok((runs[nth].0, Some(why)))
            }
            None if runs.is_empty() => Err(self.untrained(&format!("no run{of} is trained yet"), args)),
            None => {
                let message =
                    format!("{metric} is not defined on validation, so that no run{of} is the best");
                Err(Failure::text(1, &message, Some("name one with `--run`")))
            }
        }
    }

    fn untrained(&self, message: &str, args: &SpecArgs) -> Failure {
        let mut help = format!("`{}` trains what is not there", self.command("run", args));
        if self.study.plan.experiment.workers.wish == DeviceWish::Auto {
            let other = match self.study.settled.device {
                Device::Cpu => "cuda",
                Device::Cuda => "cpu",
            };
            help.push_str(&format!(
                "; what was trained on {} is found with `--set workers.device={other}`",
                if other == "cuda" { "a GPU" } else { "the processor" }
            ));
        }
        Failure::text(1, message, Some(&help))
    }

    fn command(&self, verb: &str, args: &SpecArgs) -> String {
        let mut command = CommandLine::new(verb, [&args.spec]);
        command.setting(&args.over, &args.cache, &args.reports);
        command.quoted()
    }

    /// The study's table `effects`, of all runs or of those that there are; empty where there is none.
    ///
    /// # Errors
    /// Rendered, where it is damaged.
    pub fn effects(&self) -> Result<Vec<EffectRow>, Failure> {
        let Study { plan, store, sources, .. } = &self.study;
        let entry = match self.entries.get(&plan.report()) {
            Some(entry) => Some(entry.clone()),
            None => last_report(plan, &self.states, store, sources, &self.latest)
                .map_err(|error| self.study.source_failure(&error))?,
        };
        let Some(entry) = entry else { return Ok(Vec::new()) };
        let path = store.object(entry.digest(output::EFFECTS)).map_err(|error| cache_failure(&error))?;
        tables::read(&path).map_err(|error| Failure::new(1, &error, None))
    }

    /// Where this machine computes what is asked: as `wish` says, or the spec.
    ///
    /// # Errors
    /// Rendered, where a GPU is asked for that cannot be had.
    pub fn place(&self, wish: Option<DeviceWish>) -> Result<Place, Failure> {
        let workers = &self.study.plan.experiment.workers;
        let is_settled = wish.is_none() && workers.engine == Engine::Local;
        let wish = wish.unwrap_or(workers.wish);
        let store = &self.study.store;
        let settled = match is_settled {
            true => self.study.settled.clone(),
            false => with_machine(store, false, |machine| device::settle(wish, machine)),
        };
        match with_machine(store, false, |machine| device::gpus(wish, &settled, machine)) {
            Gpus::Unused => Ok(Place { device: Device::Cpu, gpu: None }),
            Gpus::Visible(names) => Ok(Place { device: Device::Cuda, gpu: names.into_iter().next() }),
            Gpus::Refused(why) => {
                Err(Failure::text(1, &why, Some("`--device cpu` computes on the processor")))
            }
        }
    }

    /// What a worker is asked about the run.
    ///
    /// # Errors
    /// Rendered, where a file that the network is made of cannot be had.
    pub fn query(
        &self,
        labels: Vec<String>,
        wish: Wish,
        device: Device,
        threads: u32,
    ) -> Result<Query, Failure> {
        let Study { plan, store, sources, .. } = &self.study;
        let node = &plan.nodes[self.run().predict];
        let source_failure = |error| self.study.source_failure(&error);
        let print =
            crate::plan::fingerprint(node, |node| &self.entries[&node], sources).map_err(source_failure)?;
        let digest = |node: usize, output: &str| self.entries[&node].digest(output).clone();
        let job = job_of(node, &print, digest, store, sources, threads).map_err(source_failure)?;
        Ok(Query { job: crate::job::Job { device, ..job }, labels, wish })
    }
}

/// A result that cannot be used.
pub fn stage_failure(error: &StageError) -> Failure {
    Failure::new(1, error, error.help().as_deref())
}

/// Why a worker does not answer.
pub fn ask_failure(error: &AskError) -> Failure {
    let help = match error {
        AskError::Start { .. } => Some(worker::NOT_FOUND_HELP),
        AskError::Lost { said, .. } if said.contains("shared libraries") || said.contains("libtorch") => {
            Some(
                "libtorch was not found: bring it with `cargo xtask build`, or point LD_LIBRARY_PATH at the `lib` of a torch 2.11",
            )
        }
        AskError::Lost { said, .. } if said.contains("unknown arguments") => {
            Some("the worker is of another version: install both programs from one build")
        }
        _ => None,
    };
    // The nearest cause tells more than the exit status of a process.
    match help {
        None => Failure::text(1, &with_cause(error), None),
        help => Failure::new(1, error, help),
    }
}

/// A path as it is shown, in one line.
pub fn shown_path(path: &std::path::Path) -> String {
    super::render::plain(&shown(path)).replace('\n', "\\n")
}
