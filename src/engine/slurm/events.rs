//! What the workers of a job say, read from their files as these grow.
//!
//! Each start of a job on each node has a file of its own. A line counts once it is whole.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::job::WorkerEvent;

/// The files of a folder of events, by the number of the job.
pub fn listed(folder: &Path) -> HashMap<u32, Vec<String>> {
    let mut all: HashMap<u32, Vec<String>> = HashMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if let Some(index) = name.split_once('-').and_then(|(index, _)| index.parse().ok()) {
            all.entry(index).or_default().push(name);
        }
    }
    all
}

/// Reads on where it ended before.
#[derive(Clone, Debug, Default)]
pub struct Listener {
    /// Bytes of whole lines that were read, by file.
    read: BTreeMap<String, u64>,
}

impl Listener {
    /// What is new in these files of `folder`: by the number of the start, so that what an older start said comes first.
    pub fn listen(&mut self, folder: &Path, names: &[String]) -> Vec<WorkerEvent> {
        let start = |name: &str| name.split('-').nth(1).and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
        let mut names: Vec<&String> = names.iter().collect();
        names.sort_by_key(|name| (start(name), *name));
        let mut events = Vec::new();
        for name in names {
            let at = self.read.entry(name.clone()).or_default();
            // A file that cannot be read now may be so at the next look.
            if let Ok(bytes) = new_bytes(&folder.join(name), *at) {
                let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
                *at += whole as u64;
                let lines = bytes[..whole].split(|&byte| byte == b'\n');
                events.extend(lines.filter_map(|line| serde_json::from_slice::<WorkerEvent>(line).ok()));
            }
        }
        events
    }
}

fn new_bytes(path: &Path, from: u64) -> std::io::Result<Vec<u8>> {
    // Opened anew each time: then a network file system asks what has been written elsewhere.
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    if file.metadata()?.len() > from {
        file.seek(SeekFrom::Start(from))?;
        file.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn lines_are_read_once_and_only_when_whole() {
        let folder = tempfile::tempdir().unwrap();
        let key = "a".repeat(64);
        let line = |steps: u32| format!("{{\"event\":\"beat\",\"key\":\"{key}\",\"steps\":{steps}}}\n");
        let steps = |events: Vec<WorkerEvent>| -> Vec<u64> {
            let of = |event| match event {
                WorkerEvent::Beat { steps, .. } => steps,
                other => panic!("{other:?}"),
            };
            events.into_iter().map(of).collect()
        };
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
        write("12-0-n1.jsonl", line(1) + &line(2)[..20]);
        write("3-0-n1.jsonl", line(9));
        let mut listener = Listener::default();
        let mut listen = || {
            let all = listed(folder.path());
            steps(listener.listen(folder.path(), all.get(&12).map_or(&[], Vec::as_slice)))
        };
        assert_eq!(listen(), [1]);
        // A later start, on a node whose name has a dash, and what is no event.
        write("12-10-a-1.jsonl", line(5));
        write("12-2-n2.jsonl", "garbage\n".to_owned() + &line(4));
        write("12-0-n1.jsonl", line(1) + &line(2));
        assert_eq!(listen(), [2, 4, 5]);
        assert!(listen().is_empty());
        assert!(listed(&folder.path().join("none")).is_empty());
    }
}
