//! One model: described, received piece by piece, checked, put in its place.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::answer::Described;
use super::client::{Client, Trouble};
use super::conventions::Access;
use super::error::HubFault;
use super::lock;
use crate::cache::free_bytes;
use crate::retry::backoff;
use crate::seed::Key;
use crate::spec::settings::HubModel;

/// Tries in a row without a byte more.
const TRIES: u32 = 4;
/// The wait after the first of them; doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// How often a wait looks whether it is to end.
const POLL: Duration = Duration::from_millis(50);
/// Bytes that are received at once.
const BUFFER_BYTES: usize = 256 << 10;

/// News of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Another process fetches it; this one waits.
    Waiting,
    /// It is on its way.
    Bytes { done: u64, total: u64 },
    /// It is asked for again.
    Retrying { why: String },
}

/// A model that has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Brought {
    pub path: PathBuf,
    pub commit: String,
    /// What came over the network.
    pub received: u64,
}

/// Brings one model.
pub(super) struct Download<'a> {
    pub access: &'a Access,
    pub client: &'a Client<'a>,
    pub model: &'a HubModel,
    pub tell: &'a dyn Fn(News),
    pub stop: &'a dyn Fn() -> bool,
    /// What came over the network.
    pub received: Cell<u64>,
    /// The most bytes of the file that were there at once: a server that begins anew each time brings nothing.
    pub furthest: Cell<u64>,
}

impl Download<'_> {
    /// Fetches the model, unless its content is there under another name.
    pub fn run(&self) -> Result<Brought, HubFault> {
        let folder = &self.access.folder;
        if self.access.offline {
            let why = "HF_HUB_OFFLINE is set".to_owned();
            return Err(HubFault::Offline { folder: folder.root().to_owned(), why });
        }
        let described = self.tried(|| self.client.describe(self.model))?;
        let lock = folder.lock(self.model, &described.etag);
        let held = lock::take(&lock, self.stop, &|| (self.tell)(News::Waiting));
        let _held = held.map_err(|source| failed("lock", &lock, source))?.ok_or(HubFault::Interrupted)?;
        let blob = folder.blob(self.model, &described.etag);
        // The process that was waited for may have brought it.
        if !fs::metadata(&blob).is_ok_and(|meta| meta.len() == described.bytes) {
            self.receive_all(&described, &blob)?;
        }
        let placed = folder.place(self.model, &described.commit, &described.etag);
        let path = placed.map_err(|error| failed("write", &error.path, error.source))?;
        Ok(Brought { path, commit: described.commit, received: self.received.get() })
    }

    /// Tries until it is done, stays undone, or several tries in a row have brought nothing.
    fn tried<T>(&self, mut work: impl FnMut() -> Result<T, Trouble>) -> Result<T, HubFault> {
        let mut tries = 0;
        let key = Key::root(0).child("hub").child(&self.model.to_string());
        loop {
            let before = self.furthest.get();
            let (why, wait) = match work() {
                Ok(done) => return Ok(done),
                // What was cut off by the stop says nothing about the network.
                Err(_) if (self.stop)() => return Err(HubFault::Interrupted),
                Err(Trouble::Lasting(fault)) => return Err(fault),
                Err(Trouble::Passing(why, wait)) => (why, wait),
            };
            tries = if self.furthest.get() > before { 1 } else { tries + 1 };
            if tries >= TRIES {
                return Err(HubFault::Broken { why, tries });
            }
            (self.tell)(News::Retrying { why });
            let until = Instant::now() + wait.unwrap_or_else(|| backoff(FIRST_WAIT, tries, key));
            while Instant::now() < until {
                if (self.stop)() {
                    return Err(HubFault::Interrupted);
                }
                std::thread::sleep(POLL.min(until.saturating_duration_since(Instant::now())));
            }
        }
    }

    /// Receives the content into the file `blob`, whole or not at all.
    fn receive_all(&self, described: &Described, blob: &Path) -> Result<(), HubFault> {
        let path = self.access.folder.part(self.model, &described.etag);
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|source| failed("create the folder", folder, source))?;
        let mut part = Part::open(&path, described).map_err(|source| failed("write", &path, source))?;
        let lacks = described.bytes - part.bytes;
        if let Some(free) = free_bytes(folder).filter(|free| *free < lacks) {
            let folder = self.access.folder.root().to_owned();
            return Err(HubFault::NoRoom { needs: described.bytes, lacks, free, folder });
        }
        self.tried(|| self.receive(described, &mut part))?;
        let placed = part.file.sync_all().and_then(|()| fs::rename(&path, blob));
        placed.map_err(|source| failed("write", blob, source))
    }

    /// Receives what is missing, and checks the whole.
    fn receive(&self, described: &Described, part: &mut Part) -> Result<(), Trouble> {
        let disk = |source| Trouble::Lasting(failed("write", &part_path(self, described), source));
        let total = described.bytes;
        let had = part.bytes;
        (self.tell)(News::Bytes { done: had, total });
        if part.bytes < total {
            let coming =
                self.client.open(self.model, &described.commit, part.bytes).map_err(
                    |trouble| match trouble {
                        // It was there a moment ago.
                        Trouble::Lasting(HubFault::Offline { why, .. }) if part.bytes > 0 => {
                            Trouble::Passing(why, None)
                        }
                        other => other,
                    },
                )?;
            if coming.from != part.bytes {
                part.restart().map_err(disk)?;
            }
            let mut body = coming.body.into_reader();
            let mut buffer = vec![0; BUFFER_BYTES];
            while part.bytes < total {
                let n = match body.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(n) => n,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(self.broken(error.into(), part, described)),
                };
                part.write(&buffer[..n.min(usize::try_from(total - part.bytes).unwrap_or(n))])
                    .map_err(disk)?;
                self.received.set(self.received.get() + n as u64);
                self.furthest.set(self.furthest.get().max(part.bytes));
                (self.tell)(News::Bytes { done: part.bytes, total });
                if (self.stop)() {
                    return Err(Trouble::Lasting(HubFault::Interrupted));
                }
            }
        }
        if part.bytes < total {
            let why = format!("the connection ended after {} of {total} bytes", part.bytes);
            return Err(Trouble::Passing(why, None));
        }
        let found = part.sha256();
        match described.sha256().filter(|expected| *expected != found) {
            None => Ok(()),
            Some(expected) => {
                part.restart().map_err(disk)?;
                // What was there before may be to blame: then all of it is fetched anew.
                Err(match had > 0 {
                    true => Trouble::Passing("what had come before does not fit".to_owned(), None),
                    false => Trouble::Lasting(HubFault::Damaged { found, expected: expected.to_owned() }),
                })
            }
        }
    }

    fn broken(&self, error: ureq::Error, part: &Part, described: &Described) -> Trouble {
        match self.client.broken(error) {
            Trouble::Passing(why, wait) => {
                Trouble::Passing(format!("{why}, after {} of {} bytes", part.bytes, described.bytes), wait)
            }
            lasting => lasting,
        }
    }
}

fn part_path(download: &Download<'_>, described: &Described) -> PathBuf {
    download.access.folder.part(download.model, &described.etag)
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> HubFault {
    HubFault::Io { doing, path: path.to_owned(), source }
}

/// What has come of a file, and the digest of it.
struct Part {
    file: File,
    bytes: u64,
    hasher: Sha256,
}

impl Part {
    /// Opens what an earlier call left; it is gone on with where the whole can be checked by a digest.
    fn open(path: &Path, described: &Described) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let there = file.metadata()?.len();
        let mut part = Part { file, bytes: 0, hasher: Sha256::new() };
        if described.sha256().is_none() || there > described.bytes {
            part.restart()?;
            return Ok(part);
        }
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            match part.file.read(&mut buffer)? {
                0 => return Ok(part),
                n => {
                    part.hasher.update(&buffer[..n]);
                    part.bytes += n as u64;
                }
            }
        }
    }

    fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.bytes = 0;
        self.hasher = Sha256::new();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Of all that has come, in hexadecimal.
    fn sha256(&self) -> String {
        self.hasher.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
