//! Where a study stands, also while another process runs it.
//!
//! What is done is told by the cache, who computes what by the locks, and how far a training is by the journals. Nothing
//! is started or changed.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use serde::Serialize;

use super::journal::{News, news};
use super::slurm::InQueue;
use crate::cache::Store;
use crate::clock;
use crate::fingerprint::Digest;
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
    /// Seconds that its training will take yet, likewise: if no epoch is left out, and each takes as long as the last one.
    pub left_s: Option<f64>,
    /// The slot that computes it, as in `worker 2 on GPU 0`, while a job on this machine's workers is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<String>,
    /// The key of its result, where it is not done and all that it reads is.
    #[serde(skip)]
    pub key: Option<Digest>,
    /// Its job in the queue of a cluster, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<InQueue>,
}

impl Standing {
    /// Whether something has happened to it since it stood like `before`; time that goes by is nothing.
    pub fn has_changed(&self, before: &Standing) -> bool {
        let epoch = |of: &Standing| of.epoch.as_ref().map(|row| row.epoch);
        let job = |of: &Standing| of.job.as_ref().map(|job| (job.id.clone(), job.state.clone()));
        self.state != before.state || epoch(self) != epoch(before) || job(self) != job(before)
    }
}

/// A study as a whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overview {
    /// How every stage stands, in the order of the plan.
    pub stages: Vec<Standing>,
    /// Seconds that all trainings will take yet, as far as the journals tell: with as many at once as now, and those that have not
    /// begun as long as those that have ended. `None` where none runs or too little is known.
    pub left_s: Option<f64>,
    /// Jobs that there can be at once, where workers of one machine do them and have begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slots: Option<usize>,
    /// The epochs so far of the trainings that are under way, by run.
    #[serde(skip)]
    pub curves: BTreeMap<String, Vec<EpochRow>>,
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
        /// The log to look into.
        #[serde(skip_serializing_if = "Option::is_none")]
        log: Option<PathBuf>,
    },
    /// It waits for what it reads, or for a process to take it up.
    Waiting,
}

/// How every stage of `plan` stands; `queue`: the jobs of a cluster that are under way, by the keys of their results.
///
/// # Errors
/// Where a file outside the cache, or the cache, cannot be read.
pub fn standing(
    plan: &Plan,
    store: &Store,
    sources: &Sources,
    queue: &HashMap<Digest, InQueue>,
) -> Result<Overview, SourceError> {
    let now_ms = clock::unix_ms();
    let name = &plan.experiment.name;
    let states = resolve(plan, store, sources, &Latest::load(store, name))?;
    let told = Told::of(&news(&store.layout().logs(name), JOURNALS));
    let mut all = Vec::with_capacity(states.len());
    for (node, state) in plan.nodes.iter().zip(&states) {
        let (mut job, mut key) = (None, None);
        let doing = match state {
            State::Fresh(_) => Doing::Done,
            State::Dirty(DirtyReason::Input { .. } | DirtyReason::NotGenerated) => Doing::Waiting,
            State::Dirty(_) => {
                let entry = |from: usize| match &states[from] {
                    State::Fresh(entry) => &**entry,
                    State::Dirty(_) => panic!("bug: `{}` does not wait for its inputs", node.name),
                };
                let key = key.insert(fingerprint(node, entry, sources)?.key);
                job = queue.get(key).filter(|job| job.is_live).cloned();
                match (&job, store.holder(key)?, told.failed.get(&node.name)) {
                    (Some(job), ..) if job.waits => Doing::Waiting,
                    (Some(job), ..) => Doing::Running { by: job.shown() },
                    (None, Some(by), _) => Doing::Running { by: by.name },
                    (None, None, Some((message, log))) => {
                        Doing::Failed { message: message.clone(), log: log.clone() }
                    }
                    (None, None, None) => Doing::Waiting,
                }
            }
        };
        let trains = node.stage == Stage::Train && matches!(doing, Doing::Running { .. });
        let epoch = told.epoch.get(&node.run).filter(|_| trains).cloned();
        let epochs = told.epochs.get(&node.run).filter(|_| trains).copied();
        let left_s = epoch.as_ref().zip(epochs).map(|(row, epochs)| left(row, epochs, now_ms));
        let slot = told.slot.get(&node.name).filter(|_| job.is_none());
        let slot = slot.filter(|_| matches!(doing, Doing::Running { .. })).cloned();
        let (node, stage, run) = (node.name.clone(), node.stage, node.run.clone());
        all.push(Standing { node, stage, run, state: doing, epoch, epochs, left_s, slot, key, job });
    }
    // Those of a process that has ended are nobody's.
    let slots = told.slots.filter(|_| all.iter().any(|one| one.slot.is_some()));
    let left_s = left_of_all(&all, told.run_seconds());
    let trains = |run: &String| all.iter().any(|one| one.run == *run && one.epoch.is_some());
    let curves = told.curves.into_iter().filter(|(run, _)| trains(run)).collect();
    Ok(Overview { stages: all, left_s, slots, curves })
}

/// Seconds that a training will take after the epoch `row`.
fn left(row: &EpochRow, epochs: u32, now_ms: i64) -> f64 {
    let since = (now_ms - row.finished_ms).max(0) as f64 / 1e3;
    (f64::from(epochs.saturating_sub(row.epoch)) * row.seconds - since).max(0.0)
}

/// Seconds until all trainings have ended; `run_s`: what one takes from its beginning.
fn left_of_all(all: &[Standing], run_s: Option<f64>) -> Option<f64> {
    let trainings = || all.iter().filter(|one| one.stage == Stage::Train);
    let running: Vec<&Standing> =
        trainings().filter(|one| matches!(one.state, Doing::Running { .. })).collect();
    let waiting = trainings().filter(|one| one.state == Doing::Waiting).count();
    if running.is_empty() {
        return None;
    }
    let of_running: Option<f64> = running.iter().map(|one| one.left_s.or(run_s)).sum();
    let of_waiting = if waiting == 0 { 0.0 } else { waiting as f64 * run_s? };
    // No study ends before its longest training.
    let longest = running.iter().filter_map(|one| one.left_s).fold(0.0, f64::max);
    Some(((of_running? + of_waiting) / running.len() as f64).max(longest))
}

/// The last news of each stage and run.
#[derive(Default)]
struct Told {
    /// Why, and the log to look into.
    failed: HashMap<String, (String, Option<PathBuf>)>,
    epoch: HashMap<String, EpochRow>,
    /// Rows in the order of epochs; a run that went on from a checkpoint has those before it too.
    curves: HashMap<String, Vec<EpochRow>>,
    epochs: HashMap<String, u32>,
    /// Of jobs, by stage.
    slot: HashMap<String, String>,
    slots: Option<usize>,
    /// Sum and number of the times of whole trainings.
    trained_s: (f64, u32),
}

impl Told {
    /// What a training takes: the mean of those that have ended, or what those that are under way will have taken.
    fn run_seconds(&self) -> Option<f64> {
        let (sum, n) = self.trained_s;
        if n > 0 {
            return Some(sum / f64::from(n));
        }
        let whole = |(run, row): (&String, &EpochRow)| Some(f64::from(*self.epochs.get(run)?) * row.seconds);
        let whole: Vec<f64> = self.epoch.iter().filter_map(whole).collect();
        (!whole.is_empty()).then(|| whole.iter().sum::<f64>() / whole.len() as f64)
    }

    fn of(news: &[News]) -> Self {
        let mut told = Told::default();
        for item in news {
            match item.event.as_str() {
                "started" => {
                    told.failed.remove(&item.node);
                    told.epoch.remove(&item.run);
                    told.slot.remove(&item.node);
                }
                "placed" => {
                    told.slot.insert(item.node.clone(), item.slot.clone());
                    told.slots = item.slots.or(told.slots);
                }
                "training_from" => {
                    told.epochs.extend(item.epochs.map(|epochs| (item.run.clone(), epochs)));
                }
                "epoch" => {
                    let Some(row) = item.row.clone() else { continue };
                    let curve = told.curves.entry(item.run.clone()).or_default();
                    curve.retain(|before| before.epoch < row.epoch);
                    curve.push(row.clone());
                    told.epoch.insert(item.run.clone(), row);
                }
                "finished" if item.stage == Stage::Train.as_str() && !item.cached => {
                    told.trained_s.0 += item.elapsed_s.unwrap_or_default();
                    told.trained_s.1 += u32::from(item.elapsed_s.is_some());
                }
                "failed" => {
                    told.failed.insert(item.node.clone(), (item.message.clone(), item.log.clone()));
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

    fn row(epoch: u32, seconds: f64, finished_ms: i64) -> EpochRow {
        EpochRow {
            epoch,
            lr: 0.1,
            train_loss: None,
            val_loss: None,
            val_map_macro: None,
            seconds,
            images_per_second: 100.0,
            finished_ms,
        }
    }

    fn training(state: Doing, left_s: Option<f64>) -> Standing {
        let (node, run) = ("train a".to_owned(), "a".to_owned());
        Standing {
            node,
            stage: Stage::Train,
            run,
            state,
            epoch: None,
            epochs: None,
            left_s,
            slot: None,
            key: None,
            job: None,
        }
    }

    #[test]
    fn what_is_left_is_told_from_epochs_and_from_trainings_that_ended() {
        assert_eq!(left(&row(3, 20.0, 1_000), 10, 6_000), 135.0);
        assert_eq!(left(&row(10, 20.0, 1_000), 10, 6_000), 0.0);
        let running = || Doing::Running { by: "process 1 on a".into() };
        let mut all = vec![training(running(), Some(30.0)), training(running(), Some(50.0))];
        assert_eq!(left_of_all(&all, None), Some(50.0), "the longer of two at once");
        all.extend([
            training(Doing::Waiting, None),
            training(Doing::Waiting, None),
            training(Doing::Done, None),
        ]);
        assert_eq!(left_of_all(&all, Some(100.0)), Some((30.0 + 50.0 + 200.0) / 2.0));
        assert_eq!(left_of_all(&all, None), None, "nothing is known of those that wait");
        assert_eq!(left_of_all(&all[2..], Some(100.0)), None, "nobody is at work");

        let item = |event: &str, cached: bool, elapsed_s: f64| News {
            event: event.into(),
            run: "a".into(),
            stage: "train".into(),
            cached,
            elapsed_s: Some(elapsed_s),
            row: Some(row(1, 2.0, 0)),
            epochs: Some(40),
            ..News::default()
        };
        let begun = [item("training_from", false, 0.0), item("epoch", false, 0.0)];
        assert_eq!(Told::of(&begun).run_seconds(), Some(80.0));
        let ended =
            [item("finished", false, 60.0), item("finished", false, 80.0), item("finished", true, 0.1)];
        assert_eq!(Told::of(&ended).run_seconds(), Some(70.0));

        let epoch = |n: u32| News { row: Some(row(n, 2.0, 0)), ..item("epoch", false, 0.0) };
        let gone_on =
            Told::of(&[epoch(1), epoch(2), epoch(3), item("started", false, 0.0), epoch(3), epoch(4)]);
        let epochs: Vec<u32> = gone_on.curves["a"].iter().map(|row| row.epoch).collect();
        assert_eq!(epochs, [1, 2, 3, 4], "from a checkpoint after the second");
    }

    #[test]
    fn time_alone_changes_nothing() {
        let before = training(Doing::Waiting, Some(9.0));
        assert!(!training(Doing::Waiting, Some(8.0)).has_changed(&before));
        assert!(training(Doing::Done, Some(9.0)).has_changed(&before));
        assert!(Standing { epoch: Some(row(1, 1.0, 0)), ..before.clone() }.has_changed(&before));
    }

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
        assert_eq!(told.failed, HashMap::from([("train b".to_owned(), ("no disk".to_owned(), None))]));
    }
}
