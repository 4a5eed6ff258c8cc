//! The cluster that a spec asks for: looked at before anything is computed, then given the jobs.

use std::path::{Path, PathBuf};

use super::render::Failure;
use super::study::Study;
use crate::cache::{CacheError, Store};
use crate::engine::WorkersError;
use crate::engine::slurm::{self, Client, SlurmConfig};
use crate::plan::{Latest, State, resolve};
use crate::spec::settings::Engine;

/// What to do where there is no cluster.
const LOCAL_HELP: &str =
    "run `ablatrix` on a login node, or train on this machine: `--set workers.engine=local`";

impl Study {
    /// Whether a cluster does the jobs.
    pub fn is_on_cluster(&self) -> bool {
        self.plan.experiment.workers.engine == Engine::Slurm
    }

    /// Looks whether there is a cluster that would take the jobs, where one is asked for and there are jobs to do.
    ///
    /// # Errors
    /// Rendered, where it would not, at the place of the spec that says so.
    pub fn check_cluster(&self) -> Result<(), Failure> {
        if !self.is_on_cluster() || !self.has_jobs_to_do() {
            return Ok(());
        }
        slurm::would_take(&Client::default(), &self.plan.experiment.workers.slurm)
            .map_err(|error| self.cluster_failure(&error))
    }

    /// Where nothing can be told, there are.
    fn has_jobs_to_do(&self) -> bool {
        let latest = Latest::load(&self.store, &self.plan.experiment.name);
        let Ok(states) = resolve(&self.plan, &self.store, &self.sources, &latest) else { return true };
        let mut stages = self.plan.nodes.iter().zip(&states);
        stages.any(|(node, state)| node.stage.is_job() && matches!(state, State::Dirty(_)))
    }

    /// What a cluster refused, lacked or did not answer.
    pub fn cluster_failure(&self, error: &WorkersError) -> Failure {
        let at = |path: &[&str], help: &str| {
            let error = self.loaded.error_at(path, error.to_string(), Some(help.to_owned()));
            Failure::spec(&error, self.colour).with_code(1)
        };
        match error {
            WorkersError::NoProgram { .. } => at(&["workers", "engine"], LOCAL_HELP),
            WorkersError::Refused { key: "", .. } => at(
                &["workers", "slurm"],
                "`sinfo` shows what the cluster has; what was done is kept, and `run` goes on from there",
            ),
            WorkersError::Refused { key, .. } => {
                let help = match *key {
                    "partition" => "`sinfo -o %P` shows the partitions",
                    "account" => "`sacctmgr show associations user=$USER format=account` shows the accounts",
                    "qos" => "`sacctmgr show associations user=$USER format=qos` shows what may be used",
                    "gpus" => "`sinfo -o %G` shows the GPUs, with their types",
                    "memory" | "cpus" => "`sinfo -o \"%P %c %m\"` shows processors and memory of the nodes",
                    "time" => "`sinfo -o \"%P %l\"` shows the longest times",
                    _ => "`man sbatch` names the options",
                };
                at(&["workers", "slurm", key], help)
            }
            WorkersError::NoAnswer { .. } => Failure::new(
                1,
                error,
                Some("`sinfo` must answer; what was done is kept, and `run` goes on from there"),
            ),
            WorkersError::Cancelled => {
                Failure::new(1, error, Some("checkpoints are kept, and `ablatrix run` goes on from there"))
            }
            _ => Failure::new(1, error, None),
        }
    }

    /// How jobs are submitted; `workers` is the command line's word on how many at once.
    ///
    /// # Errors
    /// Where the cache cannot be opened by its absolute path.
    pub fn cluster(&self, program: &Path, workers: Option<u32>) -> Result<SlurmConfig, CacheError> {
        let settings = &self.plan.experiment.workers;
        let most = workers.unwrap_or(settings.slots);
        Ok(SlurmConfig {
            settings: settings.slurm.clone(),
            worker: absolute(program),
            store: Store::open(&absolute(self.store.layout().root()))?,
            study: self.plan.experiment.name.clone(),
            threads: if settings.threads == 0 { settings.slurm.cpus } else { settings.threads },
            most: (most > 0).then_some(most),
        })
    }
}

/// As the nodes of a cluster can read it: links stay links, since they may lead elsewhere there.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
