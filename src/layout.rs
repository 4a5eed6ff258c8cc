//! Every path on disk.
//!
//! ```text
//! cache/
//!   CACHEDIR.TAG            tells back-up programs to leave it out
//!   objects/ab/cdef…        content-addressed files, read-only
//!   entries/ab/cdef….json   key to outputs, written last
//!   index/<root>.json       size, times and inode of a dataset's files to their digests
//!   locks/<key>.lock        held while a stage is computed; dies with its holder
//!   collecting.lock         held alone by a collection, by others while they publish or claim
//!   repairing.lock          held while a record that is no result makes way
//!   leases/<host>.<pid>.<n>  the study of a living process, and the keys that it goes by; dies with it
//!   work/attempts/…         private folders of unfinished stages
//!   work/checkpoints/<key>/ what a training has so far, or a pixel store
//!   work/rechecks/…         private caches in which stages are done again, to compare; locked while they are in use
//!   work/differences/<stage>-<key>/  files that were another result when a stage was done again, for a look
//!   work/slurm/<study>/<time>-<token>/  jobs that were submitted together to a cluster: what they are, say and log
//!   quarantine/             damaged objects and entries, for a look
//!   devices.json            the GPUs that a worker has found, to be asked less often
//!   fits.json               which weights fit which networks, as a worker has found, to be asked less often
//!   studies/<study>.json    the last key of each stage of a study, to name what changed
//!   plans/<study>/<id>.json the keys of a plan that was run; the file's time says when last
//!   logs/<study>/study-<start>-<process>.log  what a call of `run` said and did
//!   logs/<study>/events-<start>-<process>.jsonl  the news of it, for programs
//!   logs/<study>/runs/<run>.log  what workers said while they worked on a run, and their events
//!   logs/<study>/worker-<n>.log  what a worker said before its first job
//! reports/<experiment>/index.html
//! ```

use std::path::{Path, PathBuf};

use crate::fingerprint::Digest;

/// The paths inside a cache folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheLayout {
    root: PathBuf,
}

impl CacheLayout {
    /// Below this folder.
    pub fn new(root: &Path) -> Self {
        CacheLayout { root: root.to_owned() }
    }

    /// The cache's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The mark for back-up programs.
    pub fn tag(&self) -> PathBuf {
        self.root.join("CACHEDIR.TAG")
    }

    /// All objects.
    pub fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }

    /// One object.
    pub fn object(&self, digest: &Digest) -> PathBuf {
        shard(self.objects(), digest.as_str())
    }

    /// All entries.
    pub fn entries(&self) -> PathBuf {
        self.root.join("entries")
    }

    /// The entry of a key.
    pub fn entry(&self, key: &Digest) -> PathBuf {
        let mut path = shard(self.entries(), key.as_str()).into_os_string();
        path.push(".json");
        path.into()
    }

    /// The file index of the dataset below `root` (an absolute path).
    pub fn index(&self, root: &Path) -> PathBuf {
        let name = Digest::of(root.as_os_str().as_encoded_bytes());
        self.root.join("index").join(format!("{}.json", name.short()))
    }

    /// The folder that locks lie in.
    pub fn locks(&self) -> PathBuf {
        self.root.join("locks")
    }

    /// The lock of a key.
    pub fn lock(&self, key: &Digest) -> PathBuf {
        self.locks().join(format!("{key}.lock"))
    }

    /// The lock of those who move a record out of the way that is no result.
    pub fn repairing(&self) -> PathBuf {
        self.root.join("repairing.lock")
    }

    /// The lock by which collections take turns with all others.
    pub fn collecting(&self) -> PathBuf {
        self.root.join("collecting.lock")
    }

    /// The folder of claims on results.
    pub fn leases(&self) -> PathBuf {
        self.root.join("leases")
    }

    /// The folder that private attempt folders lie in.
    pub fn attempts(&self) -> PathBuf {
        self.root.join("work").join("attempts")
    }

    /// The folder that checkpoint folders lie in.
    pub fn checkpoints(&self) -> PathBuf {
        self.root.join("work").join("checkpoints")
    }

    /// The folder that private caches lie in, in which stages are done again.
    pub fn rechecks(&self) -> PathBuf {
        self.root.join("work").join("rechecks")
    }

    /// The folder that what differs is put into when stages are done again.
    pub fn all_differences(&self) -> PathBuf {
        self.root.join("work").join("differences")
    }

    /// What differs of the result of a key.
    pub fn differences(&self, stage: &str, key: &Digest) -> PathBuf {
        self.all_differences().join(format!("{stage}-{}", key.short()))
    }

    /// The folder of one folder per study with what was submitted to a cluster.
    pub fn slurm(&self) -> PathBuf {
        self.root.join("work").join("slurm")
    }

    /// Where damaged files are put.
    pub fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    /// What a worker has found on this machine.
    pub fn devices(&self) -> PathBuf {
        self.root.join("devices.json")
    }

    /// Which weights fit which networks, as a worker has found.
    pub fn fits(&self) -> PathBuf {
        self.root.join("fits.json")
    }

    /// The last key of each stage of a study.
    pub fn latest(&self, study: &str) -> PathBuf {
        self.root.join("studies").join(format!("{study}.json"))
    }

    /// The folder of one folder per study with its plans.
    pub fn plans(&self) -> PathBuf {
        self.root.join("plans")
    }

    /// Runs of a study that the tracking server at `uri` has whole.
    pub fn delivered(&self, study: &str, uri: &str) -> PathBuf {
        let server = Digest::of(uri.as_bytes());
        self.root.join("studies").join(format!("{study}.mlflow-{}.json", server.short()))
    }

    /// The folder of one folder per study with its logs.
    pub fn all_logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// The logs of a study.
    pub fn logs(&self, study: &str) -> PathBuf {
        self.all_logs().join(study)
    }
}

/// What the names of the logs of calls begin with.
pub const CALL_LOG: &str = "study-";
/// What the names of journals begin with.
pub const JOURNAL: &str = "events-";
/// Characters of a run's name in the name of its log; four bytes each stay below what file systems take.
const RUN_LOG_MAX: usize = 55;

/// The log of a call in a study's folder of logs; names of later calls come later in the alphabet.
pub fn call_log(logs: &Path, unix_ms: i64, process: u32) -> PathBuf {
    logs.join(format!("{CALL_LOG}{unix_ms}-{process}.log"))
}

/// The journal of a call, likewise.
pub fn journal(logs: &Path, unix_ms: i64, process: u32) -> PathBuf {
    logs.join(format!("{JOURNAL}{unix_ms}-{process}.jsonl"))
}

/// The log of what a worker said that had no job yet; `slot`: from 1.
pub fn worker_log(logs: &Path, slot: usize) -> PathBuf {
    logs.join(format!("worker-{slot}.log"))
}

/// The folder of the logs of runs in a study's folder of logs.
pub fn run_logs(logs: &Path) -> PathBuf {
    logs.join("runs")
}

/// The log of a run, likewise: `flip/lr=0.1/seed=2` is `flip,lr=0.1,seed=2.log`. A name that has to be changed further has a digest at
/// its end.
pub fn run_log(logs: &Path, run: &str) -> PathBuf {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/=+-_.".contains(c);
    let safe = |c: char| match c {
        '/' => ',',
        c if c.is_alphanumeric() || "=+-_.".contains(c) => c,
        _ => '_',
    };
    let mut name: String = run.chars().map(safe).take(RUN_LOG_MAX).collect();
    if !run.chars().all(plain) || run.chars().count() > RUN_LOG_MAX || run.starts_with('.') {
        name.push_str(&format!("-{}", Digest::of(run.as_bytes()).short()));
    }
    run_logs(logs).join(format!("{name}.log"))
}

/// Characters of a comparison's folder; four bytes each stay below what file systems take.
const COMPARISON_MAX: usize = 60;

/// The page of an experiment's report below the folder for reports.
pub fn report_page(reports: &Path, experiment: &str) -> PathBuf {
    reports.join(experiment).join("index.html")
}

/// The page over several experiments below the folder for reports. Where their names are cut, since they would be too long for a folder, or
/// settings are overridden, a digest keeps it apart from others.
pub fn comparison_page(reports: &Path, experiments: &[&str], sets: &[String]) -> PathBuf {
    let joined = experiments.join("-vs-");
    let safe = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let mut folder: String = joined.chars().map(safe).take(COMPARISON_MAX).collect();
    if folder != joined || !sets.is_empty() {
        let whole = format!("{joined}\n{}", sets.join("\n"));
        folder.push_str(&format!("-{}", Digest::of(whole.as_bytes()).short()));
    }
    reports.join("compare").join(folder).join("index.html")
}

/// The folder of an experiment's figures below the folder for reports.
pub fn report_figures(reports: &Path, experiment: &str) -> PathBuf {
    reports.join(experiment).join("figures")
}

/// The folder of an experiment's contact sheets below the folder for reports.
pub fn previews(reports: &Path, experiment: &str) -> PathBuf {
    reports.join(experiment).join("preview")
}

/// The folder of an exported run below the folder for reports.
pub fn export(reports: &Path, experiment: &str, run: &str) -> PathBuf {
    let safe = |c: char| if c.is_alphanumeric() || "-_.+=".contains(c) { c } else { '-' };
    reports.join(experiment).join("export").join(run.chars().map(safe).collect::<String>())
}

fn shard(folder: PathBuf, name: &str) -> PathBuf {
    let (first, rest) = name.split_at_checked(2).unwrap_or(("", name));
    folder.join(first).join(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_of_runs_have_names_of_their_own() {
        let name = |run: &str| {
            let path = run_log(Path::new("logs"), run);
            assert_eq!(path.parent(), Some(Path::new("logs/runs")));
            path.file_name().unwrap_or_default().to_string_lossy().into_owned()
        };
        assert_eq!(name("flip+noise/lr=0.0001/seed=2"), "flip+noise,lr=0.0001,seed=2.log");
        let odd =
            ["a/b", "a,b", "a b", "a_b", "ä", &"x".repeat(300), &"x".repeat(301), "..", "a:b"].map(name);
        for (i, one) in odd.iter().enumerate() {
            assert!(!odd[..i].contains(one) && one.len() < 250, "{odd:?}");
        }
    }
}
