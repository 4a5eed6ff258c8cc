//! Files as the Parquet library is to read them: what they say of themselves is looked through first, and beyond their end is
//! an error.
//!
//! The library skips what it does not need of a page's header element by element. Where a reader only says that there is nothing
//! more, each of them is skipped without a byte: a file of a thousand bytes takes minutes.

use std::io::{self, Read};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use super::thrift;

/// Bytes at a file's end: how long its metadata is, and `PAR1`.
const TAIL: u64 = 8;

/// A file that has an end.
#[derive(Debug)]
pub struct Ending<F>(F);

impl<F: ChunkReader> Ending<F> {
    /// Looks through the metadata. Where they are not there, the library is to say so.
    ///
    /// # Errors
    /// Where they promise what cannot be.
    pub fn of(file: F) -> Result<Self> {
        let len = file.len();
        if let Some(from) = len.checked_sub(TAIL) {
            let tail = file.get_bytes(from, TAIL as usize)?;
            let n = tail.first_chunk().map_or(0, |n| u32::from_le_bytes(*n));
            if let Some(start) = from.checked_sub(n.into()).filter(|_| tail.ends_with(b"PAR1")) {
                thrift::check_metadata(&file.get_bytes(start, n as usize)?).map_err(damaged)?;
            }
        }
        Ok(Ending(file))
    }
}

fn damaged(error: io::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// What [`Ending`] gives to be read.
#[derive(Debug)]
pub struct Rest<R>(R);

impl<F: Length> Length for Ending<F> {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl<F: ChunkReader> ChunkReader for Ending<F> {
    type T = Rest<F::T>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        // All but the last bytes is read so for the header of a page.
        if start + TAIL != self.len() {
            thrift::check_page(self.0.get_read(start)?).map_err(damaged)?;
        }
        self.0.get_read(start).map(Rest)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.0.get_bytes(start, length)
    }
}

impl<R: Read> Read for Rest<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 if !buffer.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            n => Ok(n),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_read_and_no_more() {
        // The header of a page without a field, and what follows.
        let file = Ending::of(Bytes::from_static(b"pages\0tail")).unwrap();
        assert_eq!((file.len(), file.get_bytes(1, 3).unwrap()), (10, Bytes::from_static(b"age")));
        let mut rest = file.get_read(5).unwrap();
        let mut five = [0; 5];
        rest.read_exact(&mut five).unwrap();
        assert_eq!(&five, b"\0tail");
        assert_eq!(rest.read(&mut []).unwrap(), 0);
        assert_eq!(rest.read(&mut five).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_cannot_be_is_refused_before_it_is_read() {
        let list = [0xf9, 0xf1, 0xff, 0xff, 0xff, 0xff, 7, 0];
        let file = Ending::of(Bytes::copy_from_slice(&[&list[..], &[0; 9]].concat())).unwrap();
        assert!(file.get_read(0).is_err() && file.get_read(8).is_ok());
        let whole = [b"PAR1", &list[..], &8u32.to_le_bytes(), b"PAR1"].concat();
        assert!(Ending::of(Bytes::from(whole)).is_err());
    }
}
