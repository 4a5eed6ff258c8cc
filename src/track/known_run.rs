//! A run on the server, and what the server has of it.

use std::collections::{BTreeSet, HashMap};

use super::api::{FoundRun, Metric, RunStatus};

/// A run that was found or created, kept current with what is sent.
pub(super) struct KnownRun {
    pub name: String,
    pub run_id: String,
    pub artifact_uri: String,
    pub status: RunStatus,
    /// Last step and value of each metric.
    pub last: HashMap<String, (i64, f64)>,
    pub params: HashMap<String, String>,
    pub tags: HashMap<String, String>,
    pub datasets: Vec<String>,
    /// Started by an event, not yet ended by one.
    pub open: bool,
}

impl KnownRun {
    pub fn new(name: &str, run: FoundRun) -> Self {
        KnownRun {
            name: name.to_owned(),
            run_id: run.run_id,
            artifact_uri: run.artifact_uri,
            status: run.status,
            last: run.metrics.into_iter().map(|m| (m.key, (m.step, m.value))).collect(),
            params: run.params.into_iter().collect(),
            tags: run.tags.into_iter().collect(),
            datasets: run.datasets,
            open: false,
        }
    }

    /// Whether the server lacks a point, as far as its last points tell: one beyond the last step, or a final one (step 0) with
    /// another value.
    pub fn lacks(&self, metric: &Metric) -> bool {
        match self.last.get(&metric.key) {
            None => true,
            Some((last, there)) if metric.step == 0 => {
                let same = *there == metric.value || (there.is_nan() && metric.value.is_nan());
                *last != 0 || !same
            }
            Some((last, _)) => metric.step > *last,
        }
    }

    /// Takes note of points that were sent.
    pub fn has_now(&mut self, metrics: &[Metric]) {
        for metric in metrics {
            let last = self.last.entry(metric.key.clone()).or_insert((metric.step, metric.value));
            if metric.step >= last.0 {
                *last = (metric.step, metric.value);
            }
        }
    }

    /// Metrics of these that the server has any point of.
    pub fn known_metrics(&self, metrics: &[Metric]) -> BTreeSet<String> {
        let there = metrics.iter().filter(|metric| self.last.contains_key(&metric.key));
        there.map(|metric| metric.key.clone()).collect()
    }
}
