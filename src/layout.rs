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
//!   leases/<host>.<pid>.<n>  the keys that a living process goes by; dies with it
//!   work/attempts/…         private folders of unfinished stages
//!   work/checkpoints/<key>/ what a training has so far
//!   work/slurm/<study>/<time>-<token>/  jobs that were submitted together to a cluster: what they are, say and log
//!   quarantine/             damaged objects and entries, for a look
//!   devices.json            the GPUs that a worker has found, to be asked less often
//!   studies/<study>.json    the last key of each stage of a study, to name what changed
//!   plans/<study>/<id>.json the keys of a plan that was run; the file's time says when last
//!   logs/<study>/           the logs of workers, and the state of the last run
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

    /// The logs of a study.
    pub fn logs(&self, study: &str) -> PathBuf {
        self.root.join("logs").join(study)
    }
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
