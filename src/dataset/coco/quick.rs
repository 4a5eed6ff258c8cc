//! The quick way through a COCO file: its records are cut out of the text as it passes, and parsed on all cores.
//!
//! Only a window of the text is in memory. This file finds where values end and leaves their meaning to serde_json;
//! of faults it knows nothing. Where anything is not as expected it gives up, and `read` goes through the file again
//! the slow way, which can say what is wrong and where.

use std::io::{self, Read};
use std::ops::Range;

use rayon::prelude::*;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::records::Root;

/// Bytes that are read at once; records are parsed by so many.
const STEP_BYTES: usize = 8 << 20;

/// Why the quick way ended.
#[derive(Debug)]
pub(super) enum Stop {
    /// The file cannot be read.
    Io(io::Error),
    /// The text is not as expected.
    Unexpected,
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Io(error)
    }
}

impl From<serde_json::Error> for Stop {
    fn from(_: serde_json::Error) -> Self {
        Stop::Unexpected
    }
}

/// Reads the whole of `reader`, whose byte order mark has been passed, as one COCO object.
pub(super) fn root(reader: impl Read) -> Result<Root, Stop> {
    let mut text = Window { reader, bytes: Vec::new(), at: 0, ended: false };
    let (mut images, mut annotations, mut categories) = (None, None, None);
    let (mut scene_annotations, mut scene_categories) = (None, None);
    text.take(b'{')?;
    loop {
        let (key, _) = text.value(b":")?;
        match serde_json::from_slice::<String>(&text.bytes[key])?.as_str() {
            "images" => once(&mut images, text.items()?)?,
            "annotations" => once(&mut annotations, text.items()?)?,
            "categories" => once(&mut categories, text.items()?)?,
            "scene_annotations" => once(&mut scene_annotations, text.items()?)?,
            "scene_categories" => once(&mut scene_categories, text.items()?)?,
            _ if text.peek()? == Some(b'[') => drop(text.items::<IgnoredAny>()?),
            _ => {
                let (value, end) = text.value(b",}")?;
                serde_json::from_slice::<IgnoredAny>(&text.bytes[value])?;
                // The end is looked at below, in the same way for all values.
                text.at = end;
            }
        }
        match text.peek()? {
            Some(b',') => text.at += 1,
            Some(b'}') => {
                text.at += 1;
                break;
            }
            _ => return Err(Stop::Unexpected),
        }
    }
    if text.peek()?.is_some() {
        return Err(Stop::Unexpected);
    }
    Ok(Root {
        images: images.ok_or(Stop::Unexpected)?,
        annotations: annotations.ok_or(Stop::Unexpected)?,
        categories: categories.ok_or(Stop::Unexpected)?,
        scene_annotations: scene_annotations.unwrap_or_default(),
        scene_categories: scene_categories.unwrap_or_default(),
    })
}

/// Fills a section, which may stand in the file once.
fn once<T>(section: &mut Option<Vec<T>>, items: Vec<T>) -> Result<(), Stop> {
    match section.replace(items) {
        None => Ok(()),
        Some(_) => Err(Stop::Unexpected),
    }
}

/// The part of the text that is in memory.
struct Window<R> {
    reader: R,
    bytes: Vec<u8>,
    /// What lies before has been dealt with.
    at: usize,
    /// Nothing more will come.
    ended: bool,
}

impl<R: Read> Window<R> {
    /// Drops what has been dealt with and reads on; fails where nothing is left.
    fn more(&mut self) -> Result<(), Stop> {
        if self.ended {
            return Err(Stop::Unexpected);
        }
        self.bytes.drain(..self.at);
        self.at = 0;
        let step = STEP_BYTES.max(self.bytes.len()) as u64;
        let read = self.reader.by_ref().take(step).read_to_end(&mut self.bytes)?;
        self.ended = read == 0;
        Ok(())
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Result<Option<u8>, Stop> {
        loop {
            let blanks = self.bytes[self.at..].iter().take_while(|byte| is_blank(**byte)).count();
            self.at += blanks;
            if let Some(&byte) = self.bytes.get(self.at) {
                return Ok(Some(byte));
            }
            if self.ended {
                return Ok(None);
            }
            self.more()?;
        }
    }

    /// Goes past `byte`, which must be the next one.
    fn take(&mut self, byte: u8) -> Result<(), Stop> {
        if self.peek()? != Some(byte) {
            return Err(Stop::Unexpected);
        }
        self.at += 1;
        Ok(())
    }

    /// Goes past the next value and the byte that ends it, one of `ends`; gives the place of both.
    fn value(&mut self, ends: &[u8]) -> Result<(Range<usize>, usize), Stop> {
        loop {
            match end(&self.bytes, self.at) {
                Some(end) if ends.contains(&self.bytes[end]) => {
                    let value = self.at..end;
                    self.at = end + 1;
                    return Ok((value, end));
                }
                Some(_) => return Err(Stop::Unexpected),
                None => self.more()?,
            }
        }
    }

    /// Goes past a list and parses its items.
    fn items<T: DeserializeOwned + Send>(&mut self) -> Result<Vec<T>, Stop> {
        self.take(b'[')?;
        let mut items = Vec::new();
        if self.peek()? == Some(b']') {
            self.at += 1;
            return Ok(items);
        }
        loop {
            let (ranges, last) = self.whole_items()?;
            let bytes = &self.bytes;
            let parsed: Result<Vec<T>, serde_json::Error> =
                ranges.into_par_iter().map(|range| serde_json::from_slice(&bytes[range])).collect();
            items.append(&mut parsed?);
            if last {
                return Ok(items);
            }
        }
    }

    /// Goes past all items that are whole in the window, at least one; also whether the last one closes the list.
    fn whole_items(&mut self) -> Result<(Vec<Range<usize>>, bool), Stop> {
        let mut ranges = vec![self.value(b",]")?.0];
        while self.bytes[self.at - 1] == b',' {
            match end(&self.bytes, self.at) {
                Some(end) if matches!(self.bytes[end], b',' | b']') => {
                    ranges.push(self.at..end);
                    self.at = end + 1;
                }
                Some(_) => return Err(Stop::Unexpected),
                None => return Ok((ranges, false)),
            }
        }
        Ok((ranges, true))
    }
}

/// The place of the byte that ends the value that begins at `from`: the first `,`, `:`, `]` or `}` that lies in no
/// string, list or object. `None` where the window does not reach so far.
fn end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = from;
    loop {
        match bytes.get(at)? {
            b'"' => at = string_end(bytes, at + 1)?,
            b'[' | b'{' => depth += 1,
            b',' | b':' if depth == 0 => return Some(at),
            b']' | b'}' if depth == 0 => return Some(at),
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
}

/// The place of the quote that closes a string whose text begins at `from`.
fn string_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}
