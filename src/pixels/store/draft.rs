//! A store while it is filled, so that a build that is cut off goes on where it was.
//!
//! Beside the rows lies a list with a line for each row that is done: which image file it was made of, what the picture looks like, and
//! the digest of its pixels. By that a row is believed, and by nothing else: neither of the two files is synced, so that after a
//! power cut any part of them may be missing; and a draft that another process fills at the same time can be read from.
//!
//! ```text
//! {"side":224,"fit":"stretch","code":"..."}          what rows are made for, and by what; another first line: begun anew
//! {"row":7,"file":"...","pixels":"...", ...}         in the order in which rows were done; a torn line is none
//! ```

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::stride;
use crate::fingerprint::Digest;
use crate::pixels::hash::PictureHash;
use crate::spec::settings::Fit;

/// What rows are made for, and by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// Pixels a side.
    pub side: u32,
    /// How pictures become squares.
    pub fit: Fit,
    /// Names the code that makes rows: that of another version may make others.
    pub code: String,
}

/// A row that is done.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Done {
    row: usize,
    /// blake3 of the image file.
    file: String,
    /// blake3 of the row.
    pixels: Digest,
    hash: [u8; 32],
    detail: u32,
    /// blake3 of the other fields, since a bit of the hash may flip like one of the pixels.
    check: Digest,
}

impl Done {
    fn new(row: usize, file: &str, pixels: &[u8], hash: PictureHash) -> Self {
        let PictureHash { bits, detail } = hash;
        let (file, pixels) = (file.to_owned(), Digest::of(pixels));
        let check = Self::check_of(row, &file, &pixels, &bits, detail);
        Done { row, file, pixels, hash: bits, detail, check }
    }

    fn is_sound(&self) -> bool {
        self.check == Self::check_of(self.row, &self.file, &self.pixels, &self.hash, self.detail)
    }

    fn check_of(row: usize, file: &str, pixels: &Digest, hash: &[u8; 32], detail: u32) -> Digest {
        Digest::of(format!("{row} {file} {pixels} {hash:?} {detail}").as_bytes())
    }

    fn hash(&self) -> PictureHash {
        PictureHash { bits: self.hash, detail: self.detail }
    }
}

/// A store that is being filled, or was.
#[derive(Debug)]
pub struct Draft {
    file: File,
    list: Mutex<File>,
    /// By the digest of the image file.
    done: HashMap<String, Done>,
    stride: usize,
}

impl Draft {
    /// Opens the draft at `path` to go on with it, or begins one: rows of another form are cut off.
    ///
    /// # Errors
    /// Where its files cannot be made or read.
    pub fn open(path: &Path, form: &Form) -> io::Result<Self> {
        part_from_others(path)?;
        let files = OpenOptions::new().read(true).write(true).create(true).truncate(false).to_owned();
        let (file, mut list) = (files.open(path)?, files.clone().append(true).open(list_of(path))?);
        let done = match read(&list, form)? {
            Some(done) => {
                // What comes next must not be joined to a line that was torn.
                list.write_all(b"\n")?;
                done
            }
            None => {
                file.set_len(0)?;
                list.set_len(0)?;
                writeln!(list, "{}", line(form))?;
                HashMap::new()
            }
        };
        Ok(Draft { file, list: Mutex::new(list), done, stride: stride(form.side) })
    }

    /// One that others have begun, to read from; `None` where there is none of this form.
    pub fn of_others(path: &Path, form: &Form) -> Option<Self> {
        let list = File::open(list_of(path)).ok()?;
        let done = read(&list, form).ok()??;
        let file = File::open(path).ok()?;
        Some(Draft { file, list: Mutex::new(list), done, stride: stride(form.side) })
    }

    /// The rows.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// What the picture looks like that lies in `row` already, made of the image file of this digest.
    pub fn has(&self, row: usize, file: &str) -> Option<PictureHash> {
        let done = self.done.get(file).filter(|done| done.row == row)?;
        self.pixels(done).map(|_| done.hash())
    }

    /// The pixels of the image file of this digest, and what they look like.
    pub fn lend(&self, file: &str) -> Option<(Vec<u8>, PictureHash)> {
        let done = self.done.get(file)?;
        Some((self.pixels(done)?, done.hash()))
    }

    /// The pixels of a row, if they are what the list says.
    fn pixels(&self, done: &Done) -> Option<Vec<u8>> {
        let mut pixels = vec![0; self.stride];
        let place = done.row.checked_mul(self.stride)?;
        self.file.read_exact_at(&mut pixels, place as u64).ok()?;
        (Digest::of(&pixels) == done.pixels).then_some(pixels)
    }

    /// Whether it has nothing but what is made of these image files, given by their digests.
    pub fn is_within(&self, files: &HashSet<&str>) -> bool {
        self.done.keys().all(|file| files.contains(file.as_str()))
    }

    /// Writes a row, and then that it is done.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn put(&self, row: usize, file: &str, pixels: &[u8], hash: PictureHash) -> io::Result<()> {
        self.file.write_all_at(pixels, (row * self.stride) as u64)?;
        let line = line(&Done::new(row, file, pixels, hash)) + "\n";
        self.list.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes())
    }
}

/// Makes the draft at `path`, which is whole, the file `place`. The draft stays until it is removed: whoever dies before `place` is
/// published has it still.
///
/// # Errors
/// Where the disk fails.
pub fn hand_over(path: &Path, place: &Path) -> io::Result<()> {
    // Not every file system has links.
    fs::hard_link(path, place).or_else(|_| fs::rename(path, place))
}

/// A draft that was handed over may be read as something else by now: it is not to be written again. One that nobody has taken is ours
/// again, though it was closed to writing meanwhile.
fn part_from_others(path: &Path) -> io::Result<()> {
    let Ok(meta) = fs::metadata(path) else { return Ok(()) };
    if meta.nlink() == 1 {
        return match meta.mode() & WRITABLE {
            WRITABLE => Ok(()),
            _ => fs::set_permissions(path, fs::Permissions::from_mode(0o644)),
        };
    }
    let copy = path.with_extension("copy");
    // Of one that was cut off, which might be closed to writing.
    let _ = fs::remove_file(&copy);
    fs::copy(path, &copy)?;
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o644))?;
    fs::rename(&copy, path)
}

/// The permission to write, of the owner.
const WRITABLE: u32 = 0o200;

/// Where the list of a draft lies.
fn list_of(path: &Path) -> PathBuf {
    path.with_extension("done")
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| panic!("bug: a line is plain data: {error}"))
}

/// What a list says, from its beginning on; `None` where it is none for this form.
fn read(list: &File, form: &Form) -> io::Result<Option<HashMap<String, Done>>> {
    let mut lines = BufReader::new(list).split(b'\n');
    let first = lines.next().transpose()?;
    if first.and_then(|first| serde_json::from_slice::<Form>(&first).ok()).as_ref() != Some(form) {
        return Ok(None);
    }
    let mut done = HashMap::new();
    for line in lines {
        if let Ok(row) = serde_json::from_slice::<Done>(&line?)
            && row.is_sound()
        {
            done.insert(row.file.clone(), row);
        }
    }
    Ok(Some(done))
}
