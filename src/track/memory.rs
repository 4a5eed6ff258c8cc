//! An MLflow server in memory, for tests: keeps what MLflow keeps, and fails on demand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::api::{
    Api, Batch, Dataset, Experiment, FoundRun, Metric, NewRun, Refusal, RunStatus, ServerVersion, Upload,
};
use super::http::CallError;

/// How a call goes wrong.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// It never arrives.
    Down,
    /// It is done, but the answer is lost.
    LostAnswer,
    /// It is answered with this status and error code.
    Status(u16, Option<&'static str>),
}

/// A run that the server has.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct StoredRun {
    pub name: String,
    pub start_time_ms: i64,
    pub end_time_ms: Option<i64>,
    pub status: RunStatus,
    pub tags: BTreeMap<String, String>,
    pub params: BTreeMap<String, String>,
    /// Key, step, time and the value's bits, each once: MLflow's SQL stores keep equal points once.
    pub points: BTreeSet<(String, i64, i64, u64)>,
    pub datasets: Vec<String>,
    pub artifacts: BTreeMap<String, Vec<u8>>,
}

impl StoredRun {
    /// Step and value of a metric, in the order of steps.
    pub fn history(&self, key: &str) -> Vec<(i64, f64)> {
        self.points.iter().filter(|p| p.0 == key).map(|p| (p.1, f64::from_bits(p.3))).collect()
    }
}

#[derive(Default)]
pub(super) struct State {
    pub experiments: Vec<(String, bool)>,
    pub runs: Vec<StoredRun>,
    pub calls: Vec<&'static str>,
    pub fault: Option<FaultPlan>,
}

/// Gets the call's name and how many calls came before.
type FaultPlan = Box<dyn FnMut(&'static str, usize) -> Option<Fault> + Send>;

#[derive(Clone, Default)]
pub(super) struct MemoryServer(pub Arc<Mutex<State>>);

impl MemoryServer {
    pub fn failing(plan: impl FnMut(&'static str, usize) -> Option<Fault> + Send + 'static) -> Self {
        let server = MemoryServer::default();
        server.0.lock().unwrap().fault = Some(Box::new(plan));
        server
    }

    pub fn heal(&self) {
        self.0.lock().unwrap().fault = None;
    }

    pub fn runs(&self) -> Vec<StoredRun> {
        self.0.lock().unwrap().runs.clone()
    }

    pub fn run(&self, name: &str) -> StoredRun {
        self.runs().into_iter().find(|run| run.name == name).unwrap()
    }

    pub fn calls(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().calls.clone()
    }

    fn call<T>(
        &self,
        call: &'static str,
        act: impl FnOnce(&mut State) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let mut state = self.0.lock().unwrap();
        let n = state.calls.len();
        state.calls.push(call);
        let fault = state.fault.as_mut().and_then(|plan| plan(call, n));
        let lost = || CallError::TimedOut { server: "memory".into(), call, limit: "nothing at all".into() };
        match fault {
            Some(Fault::Down) => Err(lost()),
            Some(Fault::Status(status, code)) => Err(refusal(call, status, code, "told to")),
            Some(Fault::LostAnswer) => act(&mut state).and(Err(lost())),
            None => act(&mut state),
        }
    }
}

fn refusal(call: &'static str, status: u16, code: Option<&str>, text: &str) -> CallError {
    CallError::Status {
        server: "memory".into(),
        call,
        status,
        code: code.map(str::to_owned),
        text: text.into(),
        retry_after: None,
    }
}

fn stored<'a>(state: &'a mut State, run_id: &str) -> &'a mut StoredRun {
    let index: usize = run_id.parse().unwrap();
    &mut state.runs[index]
}

impl Api for MemoryServer {
    fn limit(&mut self, _: Option<Instant>) {}

    fn health(&self) -> Result<(), CallError> {
        self.call("health", |_| Ok(()))
    }

    fn version(&self) -> Result<ServerVersion, CallError> {
        self.call("version", |_| Ok(ServerVersion("3.17.2".into())))
    }

    fn experiment(&self, name: &str) -> Result<Option<Experiment>, CallError> {
        self.call("experiments/get-by-name", |state| {
            let found = state.experiments.iter().position(|(n, _)| n == name);
            Ok(found.map(|i| Experiment { experiment_id: i.to_string(), deleted: state.experiments[i].1 }))
        })
    }

    fn create_experiment(&self, name: &str, _: &[(String, String)]) -> Result<String, CallError> {
        let call = "experiments/create";
        self.call(call, |state| {
            if state.experiments.iter().any(|(n, _)| n == name) {
                return Err(refusal(call, 400, Some("RESOURCE_ALREADY_EXISTS"), "exists"));
            }
            state.experiments.push((name.to_owned(), false));
            Ok((state.experiments.len() - 1).to_string())
        })
    }

    fn find_run(&self, _: &str, tag: &str, value: &str) -> Result<Option<FoundRun>, CallError> {
        self.call("runs/search", |state| {
            let is_it = |run: &StoredRun| run.tags.get(tag).is_some_and(|v| v == value);
            let Some(index) = state.runs.iter().position(is_it) else { return Ok(None) };
            let run = &state.runs[index];
            let last = |key: &str| run.points.iter().rfind(|p| p.0 == key).unwrap().clone();
            let keys: BTreeSet<&str> = run.points.iter().map(|p| p.0.as_str()).collect();
            let metric = |(key, step, time_ms, bits): (String, i64, i64, u64)| Metric {
                key,
                value: f64::from_bits(bits),
                time_ms,
                step,
            };
            Ok(Some(FoundRun {
                run_id: index.to_string(),
                artifact_uri: String::new(),
                status: run.status,
                metrics: keys.into_iter().map(|key| metric(last(key))).collect(),
                params: run.params.clone().into_iter().collect(),
                tags: run.tags.clone().into_iter().collect(),
                datasets: run.datasets.clone(),
            }))
        })
    }

    fn steps(&self, run_id: &str, key: &str) -> Result<BTreeSet<i64>, CallError> {
        self.call("metrics/get-history", |state| {
            let points = &stored(state, run_id).points;
            Ok(points.iter().filter(|point| point.0 == key).map(|point| point.1).collect())
        })
    }

    fn create_run(&self, run: &NewRun<'_>) -> Result<FoundRun, CallError> {
        self.call("runs/create", |state| {
            state.runs.push(StoredRun {
                name: run.name.to_owned(),
                start_time_ms: run.start_time_ms,
                tags: run.tags.iter().cloned().collect(),
                ..StoredRun::default()
            });
            Ok(FoundRun { run_id: (state.runs.len() - 1).to_string(), ..FoundRun::default() })
        })
    }

    fn update_run(&self, run_id: &str, status: RunStatus, end: Option<i64>) -> Result<(), CallError> {
        self.call("runs/update", |state| {
            let run = stored(state, run_id);
            run.status = status;
            run.end_time_ms = end.or(run.end_time_ms);
            Ok(())
        })
    }

    fn log_batch(&self, run_id: &str, batch: Batch) -> Result<Vec<Refusal>, CallError> {
        self.call("runs/log-batch", |state| {
            let run = stored(state, run_id);
            for (key, value) in batch.params {
                let there = run.params.entry(key).or_insert_with(|| value.clone());
                assert_eq!(*there, value, "a parameter cannot change");
            }
            run.tags.extend(batch.tags);
            for metric in batch.metrics {
                run.points.insert((metric.key, metric.step, metric.time_ms, metric.value.to_bits()));
            }
            Ok(Vec::new())
        })
    }

    fn log_input(&self, run_id: &str, dataset: &Dataset) -> Result<(), CallError> {
        self.call("runs/log-inputs", |state| {
            stored(state, run_id).datasets.push(dataset.digest.clone());
            Ok(())
        })
    }

    fn put_artifact(&self, upload: &Upload<'_>) -> Result<(), CallError> {
        self.call("artifacts", |state| {
            let artifacts = &mut stored(state, upload.run_id).artifacts;
            artifacts.insert(upload.name.to_owned(), upload.bytes.to_vec());
            Ok(())
        })
    }

    fn page(&self, experiment_id: &str) -> String {
        format!("memory/{experiment_id}")
    }
}
