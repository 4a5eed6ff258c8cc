//! What a training has so far, on disk: after every epoch, every few minutes within one, and when it is stopped.
//!
//! The file is one line (`ablatrix checkpoint 3 `, the blake3 of the rest, a line feed) and a safetensors
//! file: `model/…`, `average/…`, `last/…`, `best/…`, `optimizer/…`, the history as f64, and the rest as JSON in its metadata. It is written
//! under another name, synced and renamed: what stands under the right name is whole. One that is damaged, or
//! of another key, is no checkpoint.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ablatrix::fingerprint::Digest;
use ablatrix::tables::rows::{HistoryRow, Validation};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

use super::early_stopping::Best;
use super::epoch::Progress;
use crate::failure::JobError;
use crate::state::{self, Bytes, Named};

/// Begins the first line; the number is the format's version.
const MAGIC: &str = "ablatrix checkpoint 3 ";
/// Digits of the digest.
const DIGEST_LEN: usize = 64;
/// Columns of the tensor `history`.
const HISTORY_COLUMNS: usize = 7 + Validation::COLUMNS.len();

/// A training between two steps.
#[derive(Debug)]
pub struct Checkpoint {
    /// Weights and running statistics.
    pub model: Named,
    /// Their moving averages, where there are any.
    pub average: Option<Named>,
    /// Within an epoch: what the last whole one left to be kept, or the initial state where there is none.
    pub last: Option<Named>,
    /// What the best epoch left to be kept, where that is another one.
    pub best_model: Option<Named>,
    /// The optimizer's state.
    pub optimizer: Named,
    /// The best epoch.
    pub best: Option<Best>,
    /// One row per epoch.
    pub history: Vec<HistoryRow>,
    /// How far the epoch after these has come.
    pub progress: Progress,
    /// Rows of a batch, which can be fewer than the job asks for.
    pub batch_size: u32,
}

/// The part that is JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    key: Digest,
    best: Option<Best>,
    progress: Progress,
    batch_size: u32,
}

/// Its place below a key's folder.
pub fn path(folder: &Path) -> PathBuf {
    folder.join("checkpoint")
}

impl Checkpoint {
    /// Writes it to `path`, over an older one.
    ///
    /// # Errors
    /// Where the disk or libtorch fails; the older one is there then.
    pub fn write(&self, path: &Path, key: &Digest) -> Result<(), JobError> {
        let content = self.content(key)?;
        let line = format!("{MAGIC}{}\n", Digest::of(&content));
        // Two processes on two machines may have the same number.
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let aside = path.with_extension(format!("{host}.{}.new", std::process::id()));
        let io = |doing| {
            let path = aside.clone();
            move |source| JobError::Io { doing, path, source }
        };
        let mut file = File::create(&aside).map_err(io("create"))?;
        file.write_all(line.as_bytes()).map_err(io("write"))?;
        file.write_all(&content).map_err(io("write"))?;
        file.sync_all().map_err(io("sync"))?;
        fs::rename(&aside, path).map_err(io("rename"))?;
        let folder = path.parent().unwrap_or(path);
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("sync the folder of"))
    }

    fn content(&self, key: &Digest) -> Result<Vec<u8>, JobError> {
        let mut tensors = Vec::new();
        let mut add = |group: &str, state: &Named| -> Result<(), TchError> {
            for (name, tensor) in state {
                tensors.push((format!("{group}/{name}"), Bytes::of(tensor)?));
            }
            Ok(())
        };
        add("model", &self.model)?;
        add("optimizer", &self.optimizer)?;
        for (group, state) in [("average", &self.average), ("last", &self.last), ("best", &self.best_model)] {
            add(group, state.as_ref().unwrap_or(&vec![]))?;
        }
        let rows: Vec<f64> = self.history.iter().flat_map(numbers).collect();
        tensors.push(("history".to_owned(), Bytes::of(&Tensor::f_from_slice(&rows)?)?));

        let header = Header {
            key: key.clone(),
            best: self.best,
            progress: self.progress,
            batch_size: self.batch_size,
        };
        let header = serde_json::to_string(&header)
            .unwrap_or_else(|error| panic!("bug: a checkpoint's header is plain data: {error}"));
        let metadata = HashMap::from([("checkpoint".to_owned(), header)]);
        let views = tensors.iter().map(|(name, bytes)| Ok((name.as_str(), bytes.view()?)));
        views
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .and_then(|views| safetensors::serialize(views, Some(metadata)))
            .map_err(|error| TchError::FileFormat(error.to_string()).into())
    }

    /// Reads what stands at `path`: `Ok(None)` where there is nothing; where there is something that cannot be
    /// used, the inner error says why.
    ///
    /// `run` is the run's name for the history, which the file does not hold.
    ///
    /// # Errors
    /// Where the file is there and cannot be read.
    pub fn read(path: &Path, key: &Digest, run: &str) -> Result<Option<Result<Self, String>>, JobError> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(Self::parse(&bytes, key, run))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(JobError::Io { doing: "read", path: path.to_owned(), source }),
        }
    }

    fn parse(bytes: &[u8], key: &Digest, run: &str) -> Result<Self, String> {
        let split = MAGIC.len() + DIGEST_LEN + 1;
        let (line, content) = bytes.split_at_checked(split).ok_or("it is cut short")?;
        if line != format!("{MAGIC}{}\n", Digest::of(content)).as_bytes() {
            return Err("its bytes are not those that were written".to_owned());
        }
        let text = |error: safetensors::SafeTensorError| error.to_string();
        let (_, metadata) = SafeTensors::read_metadata(content).map_err(text)?;
        let header = metadata.metadata().as_ref().and_then(|map| map.get("checkpoint")).ok_or("no header")?;
        let header: Header = serde_json::from_str(header).map_err(|error| error.to_string())?;
        if header.key != *key {
            return Err(format!("it is of key `{}`", header.key.short()));
        }
        let mut groups: HashMap<String, Named> = HashMap::new();
        let mut rows = vec![];
        for (name, view) in SafeTensors::deserialize(content).map_err(text)?.tensors() {
            let tensor = state::tensor_of(&view).map_err(|error| error.to_string())?;
            match name.split_once('/') {
                Some((group, name)) => {
                    groups.entry(group.to_owned()).or_default().push((name.to_owned(), tensor));
                }
                None => rows = Vec::<f64>::try_from(&tensor).map_err(|error| error.to_string())?,
            }
        }
        let history = rows.chunks_exact(HISTORY_COLUMNS).map(|row| history_row(run, row)).collect();
        let mut of = |group: &str| groups.remove(group);
        Ok(Checkpoint {
            model: of("model").unwrap_or_default(),
            average: of("average"),
            last: of("last"),
            best_model: of("best"),
            optimizer: of("optimizer").unwrap_or_default(),
            best: header.best,
            history,
            progress: header.progress,
            batch_size: header.batch_size,
        })
    }
}

/// As f64, so that NaN and every last bit survive.
fn numbers(row: &HistoryRow) -> [f64; HISTORY_COLUMNS] {
    let mut numbers = [0.0; HISTORY_COLUMNS];
    let (own, val) = numbers.split_at_mut(HISTORY_COLUMNS - Validation::COLUMNS.len());
    own.copy_from_slice(&[
        f64::from(row.epoch),
        row.lr,
        row.train_loss,
        row.seconds,
        row.images_per_second,
        row.wait_share,
        // Exact up to 2^53 milliseconds, which is in the year 287396.
        row.finished_ms as f64,
    ]);
    val.copy_from_slice(&row.val.numbers());
    numbers
}

fn history_row(run: &str, numbers: &[f64]) -> HistoryRow {
    HistoryRow {
        run: run.to_owned(),
        epoch: numbers[0] as u32,
        lr: numbers[1],
        train_loss: numbers[2],
        seconds: numbers[3],
        images_per_second: numbers[4],
        wait_share: numbers[5],
        finished_ms: numbers[6] as i64,
        val: Validation::of_numbers(std::array::from_fn(|at| numbers[7 + at])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let named = |name: &str, value: f32| vec![(name.to_owned(), Tensor::from_slice(&[value, -0.0]))];
        let row = HistoryRow {
            run: "flip/seed=1".into(),
            epoch: 1,
            lr: 1e-3,
            train_loss: 0.1 + 0.2,
            val: Validation { map_macro: 0.5, ece_macro: 0.25, ..Validation::NONE },
            seconds: 2.0,
            images_per_second: 10.0,
            wait_share: 0.25,
            finished_ms: 1_700_000_000_123,
        };
        Checkpoint {
            model: named("fc.weight", f32::MIN_POSITIVE / 2.0),
            average: Some(named("fc.weight", 4.0)),
            last: Some(named("fc.weight", 5.0)),
            best_model: Some(named("fc.weight", 2.0)),
            optimizer: named("mean.fc.weight", 3.0),
            best: Some(Best { epoch: 1, value: 0.1 + 0.2 }),
            history: vec![row],
            progress: Progress { steps: 3, rows: 90, loss_sum: 0.1 + 0.7, elapsed_s: 1.5, waited_s: 0.25 },
            batch_size: 30,
        }
    }

    fn read(path: &Path, key: &Digest) -> Result<Checkpoint, String> {
        Checkpoint::read(path, key, "flip/seed=1").unwrap().unwrap()
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let (path, key) = (path(folder.path()), Digest::of(b"key"));
        assert!(Checkpoint::read(&path, &key, "").unwrap().is_none());
        let written = checkpoint();
        written.write(&path, &key).unwrap();
        let found = read(&path, &key).unwrap();
        assert_eq!(found.best, written.best);
        assert_eq!((found.progress, found.batch_size), (written.progress, written.batch_size));
        assert_eq!(format!("{:?}", found.history), format!("{:?}", written.history));
        let bits = |state: &Named| -> Vec<u32> {
            Vec::<f32>::try_from(&state[0].1).unwrap().iter().map(|value| value.to_bits()).collect()
        };
        assert_eq!(bits(&found.model), bits(&written.model));
        assert_eq!(bits(&found.optimizer), bits(&written.optimizer));
        assert_eq!(bits(&found.last.unwrap()), bits(&written.last.unwrap()));
        assert_eq!(bits(&found.best_model.unwrap()), bits(&written.best_model.unwrap()));
        assert_eq!(bits(&found.average.unwrap()), bits(&written.average.unwrap()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn damage_and_strangers_are_no_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let (path, key) = (path(folder.path()), Digest::of(b"key"));
        checkpoint().write(&path, &key).unwrap();
        assert!(read(&path, &Digest::of(b"other")).unwrap_err().contains("of key"));
        let whole = fs::read(&path).unwrap();
        for cut in [0, 10, MAGIC.len() + DIGEST_LEN + 1, whole.len() - 1] {
            fs::write(&path, &whole[..cut]).unwrap();
            assert!(read(&path, &key).is_err(), "cut to {cut}");
        }
        let mut flipped = whole.clone();
        flipped[whole.len() - 3] ^= 1;
        fs::write(&path, &flipped).unwrap();
        assert!(read(&path, &key).unwrap_err().contains("not those"));
    }
}
