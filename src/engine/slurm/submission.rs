//! Jobs that were submitted together, on disk: what they are, before `sbatch` is called; the array's id, once it is known; and which of
//! them have ended, as far as somebody has taken note of it.
//!
//! ```text
//! <time>-<token>/
//!   submission.json     what was submitted, for whom, under which name; the id is missing until `sbatch` has answered
//!   script.sh
//!   0.json …            the jobs
//!   events/             what workers say: <index>-<start>-<node>.jsonl
//!   log/                what they log: <index>.log
//!   ended/<index>       taken note of
//!   settled             there is nothing to take note of any more
//! ```

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::script::Ground;
use crate::cache::{create_dir, write_atomic};
use crate::clock;
use crate::engine::workers::WorkersError;
use crate::fingerprint::Digest;
use crate::job::{Job, JobStage};
use crate::layout::CacheLayout;
use crate::spec::settings::Slurm;

/// The folder of what workers say.
pub const EVENTS: &str = "events";
/// The folder of logs.
pub const LOGS: &str = "log";
/// The script.
pub const SCRIPT: &str = "script.sh";
const ENDED: &str = "ended";
const RECORD: &str = "submission.json";
const SETTLED: &str = "settled";

/// Settled submissions are kept for their logs so long.
const KEPT: Duration = Duration::from_secs(14 * 24 * 3600);

/// Version of the record.
const VERSION: u32 = 1;

/// What was submitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// What identifies it; Slurm's ids do not, since they may be given again after a crash of its controller.
    pub token: String,
    /// The study that it was first submitted for.
    pub study: String,
    /// The name of its jobs, which holds the token.
    pub name: String,
    /// When, in milliseconds since 1970 (UTC).
    pub created_ms: i64,
    /// The command.
    pub command: Vec<String>,
    /// The array's id, once Slurm has told it.
    pub id: Option<String>,
    /// The jobs, by their numbers in the array.
    pub jobs: Vec<Item>,
}

/// A job of an array.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The key of its result.
    pub key: Digest,
    /// What is done.
    pub stage: JobStage,
    /// The run.
    pub run: String,
}

/// A submission.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Its folder.
    pub folder: PathBuf,
    /// What it is.
    pub record: Record,
    ended: HashSet<u32>,
}

/// For whom and by which means jobs are submitted.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// The cache, by an absolute path.
    pub layout: &'a CacheLayout,
    /// The study.
    pub study: &'a str,
    /// The settings.
    pub settings: &'a Slurm,
    /// The worker's program.
    pub worker: &'a Path,
    /// Threads that each job computes with.
    pub threads: u32,
}

impl Submission {
    /// Writes down what is about to be submitted, whole or not at all.
    ///
    /// # Errors
    /// Where the cache cannot be written.
    pub fn prepare(
        sender: Sender<'_>,
        jobs: &[&Job],
        arrays: bool,
        avoid: &[String],
    ) -> Result<Self, WorkersError> {
        let Sender { layout, study, settings, worker, threads } = sender;
        let (created_ms, token) = (clock::unix_ms(), new_token());
        let name = format!("ablatrix-{study}-{token}");
        let place = layout.slurm().join(study);
        let folder = place.join(format!("{created_ms}-{token}"));
        let aside = place.join(format!(".new-{token}"));
        let ground = Ground {
            settings,
            folder: &folder,
            cache: layout.root(),
            worker,
            name: &name,
            token: &token,
            threads,
        };
        let item =
            |job: &&Job| Item { key: job.fingerprint.key.clone(), stage: job.stage, run: job.run.clone() };
        let (script, arguments) = (ground.script(), ground.arguments(jobs.len(), arrays, avoid));
        let record = Record {
            version: VERSION,
            command: std::iter::once("sbatch".to_owned()).chain(arguments).collect(),
            token: token.clone(),
            study: study.to_owned(),
            created_ms,
            id: None,
            jobs: jobs.iter().map(item).collect(),
            name: name.clone(),
        };
        let mut files = vec![(SCRIPT.to_owned(), script.into_bytes()), (RECORD.to_owned(), json(&record))];
        files.extend(jobs.iter().enumerate().map(|(index, job)| (format!("{index}.json"), json(job))));
        let write = || -> io::Result<()> {
            for name in [EVENTS, LOGS, ENDED] {
                fs::create_dir_all(aside.join(name))?;
            }
            for (name, bytes) in &files {
                fs::write(aside.join(name), bytes)?;
            }
            // After all are written: the first then takes the others along to the disk.
            for (name, _) in &files {
                fs::File::open(aside.join(name))?.sync_all()?;
            }
            fs::rename(&aside, &folder)?;
            fs::File::open(&place)?.sync_all()
        };
        write().map_err(|source| WorkersError::Write { path: folder.clone(), source })?;
        Ok(Submission { folder, record, ended: HashSet::new() })
    }

    /// Reads a folder; `None` where it is none, or settled.
    pub fn read(folder: &Path) -> Option<Self> {
        if folder.join(SETTLED).exists() {
            return None;
        }
        let record: Record = serde_json::from_slice(&fs::read(folder.join(RECORD)).ok()?).ok()?;
        if record.version != VERSION {
            return None;
        }
        let names = fs::read_dir(folder.join(ENDED)).into_iter().flatten().flatten();
        let ended = names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        Some(Submission { folder: folder.to_owned(), record, ended })
    }

    /// All of a study that are not settled, oldest first; or of all studies, since they may share runs. What was settled long ago is
    /// removed on the way.
    pub fn all(layout: &CacheLayout, study: Option<&str>) -> Vec<Self> {
        let studies = match study {
            Some(study) => vec![layout.slurm().join(study)],
            None => folders(&layout.slurm()),
        };
        let mut all = Vec::new();
        for folder in studies.iter().flat_map(|study| folders(study)) {
            if is_old(&folder.join(SETTLED)) {
                let _ = fs::remove_dir_all(&folder);
            } else {
                all.extend(Submission::read(&folder));
            }
        }
        all.sort_by_key(|submission| submission.record.created_ms);
        all
    }

    /// Writes down the array's id.
    ///
    /// # Errors
    /// Where the cache cannot be written.
    pub fn submitted(&mut self, id: String) -> Result<(), WorkersError> {
        self.record.id = Some(id);
        let path = self.folder.join(RECORD);
        write_atomic(&path, &json(&self.record))
            .map_err(|error| WorkersError::Write { path, source: io::Error::other(error) })
    }

    /// Takes note of the end of a job. Where that cannot be written down, whoever comes next looks at the job anew.
    pub fn note_end(&mut self, index: u32) {
        if self.ended.insert(index) {
            let _ = fs::write(self.folder.join(ENDED).join(index.to_string()), b"");
        }
        if self.ended.len() >= self.record.jobs.len() {
            let _ = fs::write(self.folder.join(SETTLED), b"");
        }
    }

    /// Whether nothing of it is of interest any more.
    pub fn is_settled(&self) -> bool {
        self.ended.len() >= self.record.jobs.len()
    }

    /// Whether its jobs were submitted as an array: Slurm knows them by their numbers then.
    pub fn is_array(&self) -> bool {
        self.record.command.iter().any(|word| word.starts_with("--array="))
    }

    /// The number of the job for this key, if its end has not been taken note of.
    pub fn open_job(&self, key: &Digest) -> Option<u32> {
        let index = self.record.jobs.iter().position(|item| item.key == *key)? as u32;
        (!self.ended.contains(&index)).then_some(index)
    }

    /// The jobs whose end nobody has taken note of, with their numbers.
    pub fn open_jobs(&self) -> impl Iterator<Item = (u32, &Item)> {
        let jobs = self.record.jobs.iter().enumerate().map(|(index, item)| (index as u32, item));
        jobs.filter(|(index, _)| !self.ended.contains(index))
    }

    /// Removes it: nothing of it was submitted.
    pub fn discard(self) {
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// Where a job logs.
    pub fn log(&self, index: u32) -> PathBuf {
        self.folder.join(LOGS).join(format!("{index}.log"))
    }

    /// Where the workers of its jobs say what happens.
    pub fn events(&self) -> PathBuf {
        self.folder.join(EVENTS)
    }
}

/// The mark in a study's folder that says when somebody cancelled it.
fn cancel_mark(layout: &CacheLayout, study: &str) -> PathBuf {
    layout.slurm().join(study).join("cancelled")
}

/// Says to all who run the study on this cluster that it is cancelled.
///
/// # Errors
/// Where the cache cannot be written.
pub fn mark_cancelled(layout: &CacheLayout, study: &str) -> Result<(), crate::cache::CacheError> {
    create_dir(&layout.slurm().join(study))?;
    write_atomic(&cancel_mark(layout, study), new_token().as_bytes())
}

/// What the last one who cancelled the study has left behind: another word each time, so that no two clocks are compared.
pub fn cancel_word(layout: &CacheLayout, study: &str) -> String {
    fs::read_to_string(cancel_mark(layout, study)).unwrap_or_default()
}

/// What jobs that may be in a queue need and make: the keys of their results, and the objects that they read.
pub fn claims(layout: &CacheLayout) -> HashSet<Digest> {
    let mut claims = HashSet::new();
    for submission in Submission::all(layout, None) {
        for (index, item) in submission.open_jobs() {
            claims.insert(item.key.clone());
            let job = fs::read(submission.folder.join(format!("{index}.json"))).ok();
            let job = job.and_then(|bytes| serde_json::from_slice::<Job>(&bytes).ok());
            claims.extend(job.into_iter().flat_map(|job| job.inputs.into_values()));
        }
    }
    claims
}

fn folders(place: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    // Those that begin with a dot are being written.
    let is_folder = |entry: &fs::DirEntry| {
        entry.file_type().is_ok_and(|kind| kind.is_dir())
            && !entry.file_name().to_string_lossy().starts_with('.')
    };
    entries.filter(is_folder).map(|entry| entry.path()).collect()
}

fn is_old(mark: &Path) -> bool {
    let written = fs::metadata(mark).and_then(|meta| meta.modified());
    written.is_ok_and(|written| clock::since(written) > KEPT)
}

/// Twelve digits that no other submission has: of this machine, this process and this moment.
fn new_token() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let (n, pid, now) = (COUNT.fetch_add(1, Ordering::Relaxed), std::process::id(), clock::now());
    let digest = Digest::of(format!("{host} {pid} {n} {now:?}").as_bytes());
    digest.as_str().chars().take(12).collect()
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|error| panic!("bug: jobs are plain data: {error}"))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::fingerprint::Builder;

    /// A submission of `n` jobs without their files, in `folder`.
    pub fn submission(folder: &Path, n: u64) -> Submission {
        let key = |seed: u64| Builder::new("train", 1).setting("seed", &seed).finish().key;
        let jobs =
            (0..n).map(|seed| Item { key: key(seed), stage: JobStage::Train, run: format!("a/seed={seed}") });
        let record = Record {
            version: VERSION,
            token: "0123456789ab".into(),
            study: "tiny".into(),
            name: "ablatrix-tiny-0123456789ab".into(),
            created_ms: 5,
            command: vec!["sbatch".into()],
            id: None,
            jobs: jobs.collect(),
        };
        fs::create_dir_all(folder.join(ENDED)).unwrap();
        fs::write(folder.join(RECORD), json(&record)).unwrap();
        Submission { folder: folder.to_owned(), record, ended: HashSet::new() }
    }

    #[test]
    fn what_is_known_of_a_submission_outlives_the_process() {
        let place = tempfile::tempdir().unwrap();
        let layout = CacheLayout::new(place.path());
        let folder = layout.slurm().join("tiny").join("5-0123456789ab");
        let mut first = submission(&folder, 2);
        let keys = first.record.jobs.iter().map(|item| item.key.clone()).collect::<Vec<_>>();
        assert!(Submission::all(&layout, Some("tiny"))[0].record.id.is_none());
        first.submitted("12".into()).unwrap();
        first.note_end(1);
        let found = Submission::all(&layout, None);
        assert_eq!((found.len(), found[0].record.id.as_deref()), (1, Some("12")));
        assert_eq!((found[0].open_job(&keys[0]), found[0].open_job(&keys[1])), (Some(0), None));
        assert_eq!(found[0].open_jobs().count(), 1);
        assert!(Submission::all(&layout, Some("other")).is_empty());
        first.note_end(0);
        assert!(first.is_settled() && Submission::all(&layout, None).is_empty());
        assert!(folder.join(RECORD).exists(), "its logs are kept for a while");
    }

    #[test]
    fn tokens_differ_and_a_cancel_is_seen_by_those_who_run() {
        assert_ne!(new_token(), new_token());
        let place = tempfile::tempdir().unwrap();
        let layout = CacheLayout::new(place.path());
        let before = cancel_word(&layout, "tiny");
        mark_cancelled(&layout, "tiny").unwrap();
        let first = cancel_word(&layout, "tiny");
        mark_cancelled(&layout, "tiny").unwrap();
        assert!(before != first && first != cancel_word(&layout, "tiny"));
        assert_eq!(cancel_word(&layout, "other"), "");
    }

    #[test]
    fn what_is_in_the_queue_is_claimed_until_its_end_is_noted() {
        let place = tempfile::tempdir().unwrap();
        let layout = CacheLayout::new(place.path());
        let mut open = submission(&layout.slurm().join("tiny").join("5-0123456789ab"), 2);
        let keys: Vec<Digest> = open.record.jobs.iter().map(|item| item.key.clone()).collect();
        open.note_end(0);
        assert_eq!(claims(&layout), HashSet::from([keys[1].clone()]));
        // One that is being written is nobody's yet.
        submission(&layout.slurm().join("tiny").join(".new-0123456789ab"), 1);
        assert_eq!(Submission::all(&layout, None).len(), 1);
    }
}
