//! The news of one call of `run` as JSON lines, for programs and for `ablatrix status`.
//!
//! One file per call, named by its start and process. Each line is an [`Event`] with its time. A journal that
//! cannot be written loses news, never results.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::event::Event;
use crate::clock;
use crate::job::EpochRow;
use crate::layout;
use crate::log_file::{keep_last, newest_first};

/// Journals of a study that are kept.
const KEPT: usize = 50;

/// Writes the news of this call.
#[derive(Debug)]
pub struct Journal {
    file: Option<File>,
    /// Whether what is to be done has been told: what was found before that is no news.
    planned: bool,
}

/// A line.
#[derive(Serialize)]
struct Line<'e> {
    unix_ms: i64,
    #[serde(flatten)]
    event: &'e Event,
}

impl Journal {
    /// Begins a journal in `folder`, and removes those before the last fifty.
    pub fn begin(folder: &Path) -> Self {
        let place = layout::journal(folder, clock::unix_ms(), std::process::id());
        let file = std::fs::create_dir_all(folder).and_then(|()| File::create(place));
        keep_last(folder, layout::JOURNAL, KEPT);
        Journal { file: file.ok(), planned: false }
    }

    /// Writes an event; progress within a stage and what was in the cache from the start are passed over.
    pub fn note(&mut self, event: &Event) {
        self.planned |= matches!(event, Event::Planned { .. });
        if !self.planned || matches!(event, Event::Progress { .. }) {
            return;
        }
        if let Some(file) = &mut self.file {
            let mut line = serde_json::to_vec(&Line { unix_ms: clock::unix_ms(), event })
                .unwrap_or_else(|error| panic!("bug: news are plain data: {error}"));
            line.push(b'\n');
            // One write a line, so that a reader beside it sees whole lines.
            let _ = file.write_all(&line);
        }
    }
}

/// What a journal says of a stage, as far as it matters to those who look on.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct News {
    /// Milliseconds since 1970 (UTC).
    pub unix_ms: i64,
    /// `started`, `epoch`, `finished`, `failed`, …
    pub event: String,
    /// The stage's name.
    pub node: String,
    /// The run's name.
    pub run: String,
    /// The epoch's numbers.
    pub row: Option<EpochRow>,
    /// Epochs that are planned.
    pub epochs: Option<u32>,
    /// What was wrong.
    pub message: String,
    /// The log to look into.
    pub log: Option<PathBuf>,
    /// The stage's kind, as in `train`.
    pub stage: String,
    /// It was in the cache already, or another process made it.
    pub cached: bool,
    /// Seconds that it took.
    pub elapsed_s: Option<f64>,
    /// The slot that a job was given to.
    pub slot: String,
    /// How many slots there are.
    pub slots: Option<usize>,
}

/// The news of the last `n` journals in `folder`, oldest first. Lines that cannot be read are passed over: the last
/// one of a killed process may be cut.
pub fn news(folder: &Path, n: usize) -> Vec<News> {
    let mut all = Vec::new();
    for path in newest_first(folder, layout::JOURNAL).into_iter().take(n) {
        let Ok(file) = File::open(path) else { continue };
        // By bytes: a damaged one need not be text.
        let lines = BufReader::new(file).split(b'\n').map_while(Result::ok);
        all.extend(lines.filter_map(|line| serde_json::from_slice::<News>(&line).ok()));
    }
    all.sort_by_key(|news| news.unix_ms);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Stage;

    #[test]
    fn news_come_back_in_order_and_a_cut_line_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::begin(folder.path());
        let failed = |node: &str| Event::Failed {
            node: node.into(),
            stage: Stage::Train,
            run: "flip/seed=1".into(),
            message: "no memory".into(),
            log: None,
        };
        journal.note(&failed("before the plan"));
        journal.note(&Event::Planned { stages: 9, fresh: 3, runs: 2, runs_to_do: 1 });
        journal.note(&failed("train flip/seed=1"));
        journal.file.as_mut().unwrap().write_all(b"{\"event\":\"epo").unwrap();
        let found = news(folder.path(), 5);
        let events: Vec<_> = found.iter().map(|news| (news.event.as_str(), news.node.as_str())).collect();
        assert_eq!(events, [("planned", ""), ("failed", "train flip/seed=1")]);
        assert_eq!(found[1].message, "no memory");
        assert!(news(&folder.path().join("none"), 5).is_empty());
    }

    #[test]
    fn old_journals_go() {
        let folder = tempfile::tempdir().unwrap();
        for n in 0..KEPT + 3 {
            std::fs::write(layout::journal(folder.path(), 1_000 + n as i64, 1), b"").unwrap();
        }
        std::fs::write(folder.path().join("worker-1.log"), b"").unwrap();
        drop(Journal::begin(folder.path()));
        assert_eq!(newest_first(folder.path(), layout::JOURNAL).len(), KEPT);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), KEPT + 1);
    }
}
