//! Files as the Parquet library is to read them: beyond their end is an error.
//!
//! The library skips what it does not need of a page's header element by element, and a header that is damaged can promise two
//! thousand million of them. Where a reader only says that there is nothing more, each of these is skipped without a byte: a file
//! of a thousand bytes takes minutes.

use std::io::{self, Read};

use bytes::Bytes;
use parquet::errors::Result;
use parquet::file::reader::{ChunkReader, Length};

/// A file that has an end.
#[derive(Debug)]
pub struct Ending<F>(pub F);

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
        let file = Ending(Bytes::from_static(b"pages"));
        assert_eq!((file.len(), file.get_bytes(1, 3).unwrap()), (5, Bytes::from_static(b"age")));
        let mut rest = file.get_read(2).unwrap();
        let mut three = [0; 3];
        rest.read_exact(&mut three).unwrap();
        assert_eq!(&three, b"ges");
        assert_eq!(rest.read(&mut []).unwrap(), 0);
        assert_eq!(rest.read(&mut three).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
