//! A text under a checksum: two lines, the blake3 of the second, and the second.

use crate::fingerprint::Digest;

/// `body`, which is one line, under its checksum.
pub fn seal(body: &str) -> Vec<u8> {
    format!("{}\n{body}\n", Digest::of(body.as_bytes())).into_bytes()
}

/// What [`seal`] was given; `None` where a byte of it was changed or cut.
pub fn unseal(bytes: &[u8]) -> Option<&str> {
    let (checksum, body) = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?.split_once('\n')?;
    (checksum == Digest::of(body.as_bytes()).as_str()).then_some(body)
}
