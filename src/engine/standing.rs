//! Where a study stands, also while another process runs it.
//!
//! What is done is told by the cache, who computes what by the locks, and how far a training is by the journals. Nothing
//! is started or changed.

use std::collections::HashMap;

use serde::Serialize;

use super::journal::{News, news};
use crate::cache::Store;
use crate::job::EpochRow;
use crate::plan::{DirtyReason, Latest, Plan, SourceError, Sources, Stage, State, fingerprint, resolve};

/// Journals that are looked into: several processes may run one study.
const JOURNALS: usize = 8;

/// One stage of a study.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// Its name.
    pub node: String,
    /// Its kind.
    pub stage: Stage,
    /// The run that it belongs to; empty for stages that all runs share.
    pub run: String,
    /// What becomes of it.
    pub state: Doing,
    /// The last epoch that was told of, while a training is under way.
    pub epoch: Option<EpochRow>,
    /// Epochs that are planned, likewise.
    pub epochs: Option<u32>,
}

/// What becomes of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Doing {
    /// Its result is in the cache.
    Done,
    /// A process computes it.
    Running {
        /// Process and host.
        by: String,
    },
    /// The last try failed.
    Failed {
        /// Why.
        message: String,
    },
    /// It waits for what it reads, or for a process to take it up.
    Waiting,
}

/// How every stage of `plan` stands, in its order.
///
/// # Errors
/// Where a file outside the cache, or the cache, cannot be read.
pub fn standing(plan: &Plan, store: &Store, sources: &Sources) -> Result<Vec<Standing>, SourceError> {
    let name = &plan.experiment.name;
    let states = resolve(plan, store, sources, &Latest::load(store, name))?;
    let told = Told::of(&news(&store.layout().logs(name), JOURNALS));
    let mut all = Vec::with_capacity(states.len());
    for (node, state) in plan.nodes.iter().zip(&states) {
        let doing = match state {
            State::Fresh(_) => Doing::Done,
            State::Dirty(DirtyReason::Input { .. } | DirtyReason::NotGenerated) => Doing::Waiting,
            State::Dirty(_) => {
                let entry = |from: usize| match &states[from] {
                    State::Fresh(entry) => &**entry,
                    State::Dirty(_) => panic!("bug: `{}` does not wait for its inputs", node.name),
                };
                let key = fingerprint(node, entry, sources)?.key;
                match (store.holder(&key)?, told.failed.get(&node.name)) {
                    (Some(by), _) => Doing::Running { by },
                    (None, Some(message)) => Doing::Failed { message: message.clone() },
                    (None, None) => Doing::Waiting,
                }
            }
        };
        let trains = node.stage == Stage::Train && matches!(doing, Doing::Running { .. });
        let epoch = told.epoch.get(&node.run).filter(|_| trains).cloned();
        let epochs = told.epochs.get(&node.run).filter(|_| trains).copied();
        let (node, stage, run) = (node.name.clone(), node.stage, node.run.clone());
        all.push(Standing { node, stage, run, state: doing, epoch, epochs });
    }
    Ok(all)
}

/// The last news of each stage and run.
#[derive(Default)]
struct Told {
    failed: HashMap<String, String>,
    epoch: HashMap<String, EpochRow>,
    epochs: HashMap<String, u32>,
}

impl Told {
    fn of(news: &[News]) -> Self {
        let mut told = Told::default();
        for item in news {
            match item.event.as_str() {
                "started" => {
                    told.failed.remove(&item.node);
                    told.epoch.remove(&item.run);
                }
                "training_from" => {
                    told.epochs.extend(item.epochs.map(|epochs| (item.run.clone(), epochs)));
                }
                "epoch" => told.epoch.extend(item.row.clone().map(|row| (item.run.clone(), row))),
                "failed" => {
                    told.failed.insert(item.node.clone(), item.message.clone());
                }
                _ => {}
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_try_forgets_the_failure_before_it() {
        let item = |event: &str, node: &str, message: &str| News {
            event: event.into(),
            node: node.into(),
            message: message.into(),
            ..News::default()
        };
        let mut all = vec![item("failed", "train a", "no memory"), item("failed", "train b", "no disk")];
        all.push(item("started", "train a", ""));
        let told = Told::of(&all);
        assert_eq!(told.failed, HashMap::from([("train b".to_owned(), "no disk".to_owned())]));
    }
}
