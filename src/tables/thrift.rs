//! What a Parquet file says of itself, in Thrift's compact protocol, looked through before the Parquet library reads it.
//!
//! The library believes how many elements a list has that it skips, and how many values a dictionary: a few damaged bytes
//! make it count for hours, or ask for more memory than there is. Knows the protocol, and of Parquet the numbers of a page's header.

use std::io::{self, Read};

/// Structures within structures, at most; Parquet's own have fewer.
const DEPTH: usize = 16;
/// Bytes of a page's header, at most. One with statistics of long texts has some thousands.
const PAGE_HEADER_BYTES: u64 = 1 << 24;
/// Values of a dictionary, at most. Writers give up on dictionaries of some million bytes.
const DICTIONARY_VALUES: i64 = 1 << 24;

/// `PageHeader.uncompressed_page_size`, and `DictionaryPageHeader.num_values` in `PageHeader`.
const PAGE_BYTES: &[i64] = &[2];
const VALUES_IN_DICTIONARY: &[i64] = &[7, 1];

/// Looks through the metadata at a file's end.
///
/// # Errors
/// Where they end early, or promise what cannot be.
pub fn check_metadata(bytes: &[u8]) -> io::Result<()> {
    Walk { rest: bytes, left: bytes.len() as u64 }.structure(&mut Vec::new(), &mut |_, _| {})
}

/// Looks through the header that a page begins with.
///
/// # Errors
/// Where it ends early, or promises what cannot be.
pub fn check_page(page: impl Read) -> io::Result<()> {
    let (mut bytes, mut values) = (0, 0);
    let mut see = |path: &[i64], number: i64| match path {
        PAGE_BYTES => bytes = number,
        VALUES_IN_DICTIONARY => values = number,
        _ => {}
    };
    Walk { rest: page, left: PAGE_HEADER_BYTES }.structure(&mut Vec::new(), &mut see)?;
    // Each value of a dictionary takes a byte at least. The library takes a number below nought for a very large one.
    if !(0..=bytes.min(DICTIONARY_VALUES)).contains(&values) {
        return Err(bad(&format!("a dictionary of {bytes} bytes with {values} values")));
    }
    Ok(())
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// A way through bytes.
struct Walk<R> {
    rest: R,
    /// Bytes that may still come.
    left: u64,
}

impl<R: Read> Walk<R> {
    /// A structure up to its end. `see` gets each whole number with the numbers of the fields that lead to it.
    fn structure(&mut self, path: &mut Vec<i64>, see: &mut impl FnMut(&[i64], i64)) -> io::Result<()> {
        if path.len() == DEPTH {
            return Err(bad("structures within structures without end"));
        }
        let mut id = 0i64;
        loop {
            let head = self.byte()?;
            let (step, kind) = (head >> 4, head & 15);
            if kind == 0 {
                return Ok(());
            }
            id = if step == 0 { self.number()? } else { id.wrapping_add(step.into()) };
            path.push(id);
            // A truth value lies in its kind.
            if !matches!(kind, 1 | 2) {
                self.value(kind, path, see)?;
            }
            path.pop();
        }
    }

    fn value(&mut self, kind: u8, path: &mut Vec<i64>, see: &mut impl FnMut(&[i64], i64)) -> io::Result<()> {
        match kind {
            3 => self.skip(1),
            4..=6 => {
                let number = self.number()?;
                see(path, number);
                Ok(())
            }
            7 => self.skip(8),
            8 => {
                let n = self.varint()?;
                self.skip(n)
            }
            9 | 10 => {
                let head = self.byte()?;
                let n = if head >> 4 == 15 { self.varint()? } else { (head >> 4).into() };
                self.elements(n, &[head & 15], path, see)
            }
            11 => {
                let n = self.varint()?;
                let kinds = if n == 0 { 0 } else { self.byte()? };
                self.elements(n, &[kinds >> 4, kinds & 15], path, see)
            }
            12 => self.structure(path, see),
            13 => self.skip(16),
            _ => Err(bad("a value of no kind")),
        }
    }

    /// `n` times a value of each of `kinds`.
    fn elements(
        &mut self,
        n: u64,
        kinds: &[u8],
        path: &mut Vec<i64>,
        see: &mut impl FnMut(&[i64], i64),
    ) -> io::Result<()> {
        // Parquet lists no truth values here, and the library takes none of their bytes.
        if n > self.left || n > 0 && kinds.iter().any(|kind| matches!(kind, 1 | 2)) {
            return Err(bad(&format!("a list of {n} elements that cannot be")));
        }
        if path.len() == DEPTH {
            return Err(bad("lists within lists without end"));
        }
        path.push(-1);
        for _ in 0..n {
            for kind in kinds {
                self.value(*kind, path, see)?;
            }
        }
        path.pop();
        Ok(())
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.left = self.left.checked_sub(1).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.rest.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn skip(&mut self, n: u64) -> io::Result<()> {
        self.left = self.left.checked_sub(n).ok_or(io::ErrorKind::UnexpectedEof)?;
        match io::copy(&mut self.rest.by_ref().take(n), &mut io::sink())? == n {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Seven bits a byte, the lowest first.
    fn varint(&mut self) -> io::Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(number);
            }
        }
        Err(bad("a number of more than 64 bits"))
    }

    /// The sign is the lowest bit.
    fn number(&mut self) -> io::Result<i64> {
        let bits = self.varint()?;
        Ok((bits >> 1) as i64 ^ -((bits & 1) as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of a dictionary's page: kind 2, sizes, and the number of its values.
    fn dictionary(bytes: u8, values: &[u8]) -> Vec<u8> {
        [&[0x15, 4, 0x15, bytes, 0x15, bytes, 0x4c, 0x15], values, &[0x15, 0, 0, 0]].concat()
    }

    #[test]
    fn dictionaries_hold_no_more_values_than_bytes() {
        assert!(check_page(&dictionary(40, &[40])[..]).is_ok());
        assert!(check_page(&dictionary(40, &[42])[..]).is_err());
        assert!(check_page(&dictionary(40, &[0xfe, 0xff, 0xff, 0xff, 0x0f])[..]).is_err());
        assert!(check_page(&dictionary(40, &[0xfd, 0xff, 0xff, 0x30])[..]).is_err(), "below nought");
        let whole = dictionary(40, &[40]);
        assert!((0..whole.len()).all(|n| check_page(&whole[..n]).is_err()), "cut");
    }

    #[test]
    fn what_cannot_be_is_refused_at_once() {
        // Fields of number 15: lists, with two thousand million elements or a few.
        let many = [0xff, 0xff, 0xff, 0xff, 7];
        for kind in 1..=13u8 {
            let huge = [&[0xf9, 0xf0 | kind][..], &many, &[0]].concat();
            assert!(check_metadata(&huge).is_err() && check_page(&huge[..]).is_err(), "{kind}");
        }
        assert!(check_metadata(&[0xf9, 0x21, 1, 1, 0]).is_err(), "truth values");
        assert!(check_metadata(&[0xf9, 0x23, 1, 1, 0]).is_ok(), "bytes");
        assert!(check_metadata(&[0xfb, 1, 0x38, 7, 2, b'a', b'b', 0]).is_ok(), "a map");
        assert!(
            check_metadata(&[0xfb, 0, 0xfd, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0])
                .is_ok()
        );
        assert!(check_metadata(&[0x1e, 0]).is_err(), "no kind");
        assert!(
            check_metadata(&[0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0])
                .is_err()
        );
        for (open, close) in [(0x1c, 0), (0x19, 0x19)] {
            assert!(check_metadata(&[vec![open; 10_000], vec![close; 10_000]].concat()).is_err());
        }
    }
}
