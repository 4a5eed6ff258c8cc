//! Does some of the stages again whose results the cache holds, and compares: what is the same is dropped, what is not is kept for a
//! look. The results stay as they are.
//!
//! Works in a private cache within the cache: jobs and data stages read and publish there as ever, and nothing that they make
//! is a result.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::event::Event;
use super::signals::Interrupt;
use super::walk::{Again, EngineConfig, EngineError, Ground, walk};
use crate::cache::{CacheError, Entry, Shadow, given_files};
use crate::fingerprint::Digest;
use crate::plan::{Plan, Sources, fingerprint};
use crate::stages::{Difference, Excuse, Share, differences};

/// What is to be done again.
#[derive(Clone, Copy, Debug)]
pub struct Recheck<'a> {
    /// The plan.
    pub plan: &'a Arc<Plan>,
    /// As the study was run with. Neither a remote nor another process's work stands in for what is done again.
    pub config: &'a EngineConfig,
    /// Digests of files outside the cache.
    pub sources: &'a Sources,
    /// The results that the study went by, by node.
    pub results: &'a HashMap<usize, Entry>,
    /// Keys of those that this process has just computed, which are left aside.
    pub made: &'a HashSet<Digest>,
    /// How many of the others.
    pub share: Share,
}

/// What was done again.
#[derive(Debug, Default)]
pub struct Rechecked {
    /// Results that it could have been.
    pub of: usize,
    /// Those that it was, in the order of the plan.
    pub stages: Vec<Stood>,
    /// The user stopped it.
    pub interrupted: bool,
}

/// How a stage stood it.
#[derive(Debug)]
pub struct Stood {
    /// The node.
    pub node: usize,
    /// The key of its result.
    pub key: Digest,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of doing a stage again.
#[derive(Debug)]
pub enum Verdict {
    /// The same.
    Same,
    /// Something else, in these outputs.
    Differs {
        /// The outputs.
        outputs: Vec<Difference>,
        /// The folder that holds what was made now of them, under their names.
        folder: PathBuf,
        /// Why that is to be expected; `None` where it is not.
        excuse: Option<String>,
    },
    /// It could not be done again; why, in words.
    Failed(String),
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_fine(&self) -> bool {
        match self {
            Verdict::Same => true,
            Verdict::Differs { excuse, .. } => excuse.is_some(),
            Verdict::Failed(_) => false,
        }
    }
}

impl Recheck<'_> {
    /// Does the stages that are drawn again, and says what came of it.
    ///
    /// # Errors
    /// Where that cannot go on at all; what becomes of one stage is part of [`Rechecked`].
    pub fn run(
        &self,
        interrupt: &Interrupt,
        listener: &mut dyn FnMut(Event),
    ) -> Result<Rechecked, EngineError> {
        let hits = self.hits();
        let keys: Vec<&Digest> = hits.iter().map(|node| &self.results[node].key).collect();
        let drawn: Vec<usize> = self.share.draw(&keys).into_iter().map(|i| hits[i]).collect();
        let mut rechecked = Rechecked { of: hits.len(), ..Rechecked::default() };
        if drawn.is_empty() {
            return Ok(rechecked);
        }
        listener(Event::Rechecking { stages: drawn.len(), of: hits.len() });
        let shadow = self.config.store.shadow()?;
        let mut verdicts = HashMap::new();
        let mut nodes = Vec::new();
        for node in drawn {
            match self.lend(node, &shadow)? {
                None => nodes.push(node),
                Some(why) => drop(verdicts.insert(node, Verdict::Failed(why))),
            }
        }
        let (found, interrupted) = self.walk(&nodes, &shadow, interrupt, listener)?;
        verdicts.extend(found);
        rechecked.interrupted = interrupted;
        let stood = |(node, verdict)| Stood { node, key: self.results[&node].key.clone(), verdict };
        rechecked.stages = verdicts.into_iter().map(stood).collect();
        rechecked.stages.sort_by_key(|stood| stood.node);
        Ok(rechecked)
    }

    /// Nodes with a result that was there before, and with all that they read: the report of a study with failed runs reads less.
    fn hits(&self) -> Vec<usize> {
        let is_hit = |node: &usize| {
            let entry = self.results.get(node);
            let inputs = &self.plan.nodes[*node].inputs;
            entry.is_some_and(|entry| !self.made.contains(&entry.key))
                && inputs.iter().all(|from| self.results.contains_key(&from.node))
        };
        (0..self.plan.nodes.len()).filter(is_hit).collect()
    }

    /// Lends the private cache all that a node reads, and looks whether its own result is whole; else says what is wrong.
    fn lend(&self, node: usize, shadow: &Shadow) -> Result<Option<String>, EngineError> {
        let (of_plan, store) = (&self.plan.nodes[node], &self.config.store);
        let cached = &self.results[&node];
        let damaged = |node: usize, error: CacheError| match error {
            CacheError::Damaged { .. } => {
                let name = &self.plan.nodes[node].name;
                Ok(Some(format!(
                    "of `{name}`, {error}; `ablatrix run` makes it again, and then it can be rechecked"
                )))
            }
            error => Err(error.into()),
        };
        for output in cached.outputs.values() {
            if let Err(error) = store.object(&output.digest) {
                return damaged(node, error);
            }
        }
        for from in &of_plan.inputs {
            if let Err(error) = shadow.lend(self.results[&from.node].digest(from.output)) {
                return damaged(from.node, error);
            }
        }
        let print = fingerprint(of_plan, |from| &self.results[&from], self.sources)?;
        for (_, digest) in given_files(&print) {
            // One that is not there is copied from where the spec names it.
            let _ = shadow.lend(&digest);
        }
        Ok(None)
    }

    /// Does these nodes again; gives what came of each, and whether the user stopped it.
    fn walk(
        &self,
        nodes: &[usize],
        shadow: &Shadow,
        interrupt: &Interrupt,
        listener: &mut dyn FnMut(Event),
    ) -> Result<(HashMap<usize, Verdict>, bool), EngineError> {
        let by_name: HashMap<&str, usize> =
            nodes.iter().map(|&node| (self.plan.nodes[node].name.as_str(), node)).collect();
        let mut verdicts = HashMap::new();
        let mut trouble = None;
        let mut hear = |event: Event| match event {
            Event::Planned { .. } => {}
            Event::Finished { node, stage, run, entry, elapsed_s, .. } => {
                let Some(&idx) = by_name.get(node.as_str()) else { return };
                let verdict = self.verdict(idx, &entry, shadow).unwrap_or_else(|error| {
                    let why = format!("what differs cannot be kept: {error}");
                    trouble = Some(error);
                    Verdict::Failed(why)
                });
                let same = matches!(verdict, Verdict::Same);
                verdicts.insert(idx, verdict);
                listener(Event::Rechecked { node, stage, run, same, elapsed_s });
            }
            Event::Failed { ref node, ref message, .. } => {
                if let Some(&idx) = by_name.get(node.as_str()) {
                    verdicts.insert(idx, Verdict::Failed(message.clone()));
                }
                listener(event);
            }
            // Nothing of it is taken up later.
            Event::Interrupting { .. } => listener(Event::Interrupting { jobs: "" }),
            event => listener(event),
        };
        let workers = self.config.workers.as_ref();
        let root = shadow.store().layout().root();
        let config = EngineConfig {
            store: shadow.store().clone(),
            workers: workers.map(|engine| engine.for_cache(root).unwrap_or_else(|| engine.clone())),
            fail_fast: false,
            no_wait: false,
            until: None,
            remote: None,
            data_threads: self.config.data_threads,
        };
        let ground = Ground { plan: self.plan, config: &config, sources: self.sources };
        let again = Again { results: self.results, nodes };
        let outcome = walk(ground, Some(again), interrupt, &mut hear)?;
        match trouble {
            Some(error) => Err(error.into()),
            None => Ok((verdicts, outcome.interrupted)),
        }
    }

    fn verdict(&self, node: usize, again: &Entry, shadow: &Shadow) -> Result<Verdict, CacheError> {
        let cached = &self.results[&node];
        let store = &self.config.store;
        let of_plan = &self.plan.nodes[node];
        let differences = differences(cached, store, again, shadow.store());
        let folder = store.layout().differences(of_plan.stage.as_str(), &cached.key);
        if differences.is_empty() {
            shadow.forget(&folder)?;
            return Ok(Verdict::Same);
        }
        let inputs: Vec<&Entry> = of_plan.inputs.iter().map(|from| &self.results[&from.node]).collect();
        let experiment = &of_plan.variant.experiment;
        let excuse =
            Excuse { stage: of_plan.stage, experiment, cached, again, inputs: &inputs }.why(&differences);
        let files: Vec<(&str, &Digest)> =
            differences.iter().filter_map(|one| Some((one.output.as_str(), one.again.as_ref()?))).collect();
        shadow.keep(&files, &folder)?;
        Ok(Verdict::Differs { outputs: differences, folder, excuse })
    }
}
