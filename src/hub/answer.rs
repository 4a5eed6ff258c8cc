//! What the hub's answers say: of a file, and why there is none.
//!
//! The hub names a file's content and commit by headers of its own, and says by another why it refuses.

use std::time::Duration;

use ureq::http::{HeaderMap, StatusCode, header};

use super::error::HubFault;
use crate::clock;
use crate::retry::retry_after;
use crate::spec::settings::{HubModel, is_commit};

/// What the hub says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    /// The commit that the revision stands for.
    pub commit: String,
    /// The hub's name for the content.
    pub etag: String,
    /// Its size.
    pub bytes: u64,
}

impl Described {
    /// Reads the headers of an answer that is no refusal; else what they lack, in words.
    pub fn of(headers: &HeaderMap, is_whole: bool) -> Result<Self, String> {
        let commit = text(headers, "x-repo-commit").filter(|commit| is_commit(commit));
        let commit = commit.ok_or("it names no commit (`X-Repo-Commit`)")?.to_owned();
        let tag = text(headers, "x-linked-etag").or_else(|| text(headers, header::ETAG.as_str()));
        let tag = tag.map(|tag| tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"'));
        // It becomes a file's name.
        let fits = |tag: &&str| {
            (1..=128).contains(&tag.len())
                && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let etag = tag.filter(fits).ok_or("it has no name for the file's content (`ETag`)")?.to_owned();
        let length = || text(headers, header::CONTENT_LENGTH.as_str()).filter(|_| is_whole);
        let bytes = text(headers, "x-linked-size").or_else(length).and_then(|bytes| bytes.parse().ok());
        let bytes = bytes.ok_or("it does not say how large the file is (`X-Linked-Size`)")?;
        Ok(Described { commit, etag, bytes })
    }

    /// The SHA-256 of the content, where the hub names it by that.
    pub fn sha256(&self) -> Option<&str> {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (self.etag.len() == 64 && self.etag.bytes().all(is_hex)).then_some(&self.etag)
    }
}

/// Whether the hub names a file's content in an answer that leads elsewhere: then the file itself is there.
pub(super) fn is_linked(headers: &HeaderMap) -> bool {
    headers.contains_key("x-linked-etag")
}

/// What an answer other than success means.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Another try may do better, after the wait that is asked for.
    Passing(String, Option<Duration>),
    /// The file is not there; whether another one is can be asked.
    NoFile,
    /// It stays so.
    Lasting(HubFault),
}

impl Refusal {
    /// Of an answer about `model`; `token` says where the token came from that was sent.
    pub fn of(status: StatusCode, headers: &HeaderMap, model: &HubModel, token: Option<&str>) -> Self {
        let code = text(headers, "x-error-code").unwrap_or_default();
        let said = text(headers, "x-error-message").map(|said| said.chars().take(200).collect::<String>());
        let number = status.as_u16();
        let is_unknown_token = said.as_ref().is_some_and(|said| said.contains("Invalid credentials"));
        let no_repository = || HubFault::NoRepository { repository: model.repository(), status: number };
        Refusal::Lasting(match (number, code) {
            (_, "RevisionNotFound") => HubFault::NoRevision { revision: model.revision().to_owned() },
            (_, "EntryNotFound") => return Refusal::NoFile,
            (401 | 403, "GatedRepo") => HubFault::Gated { status: number },
            (401, _) if is_unknown_token && token.is_some() => {
                HubFault::Token { from: token.unwrap_or_default().to_owned() }
            }
            // The hub does not tell a repository that is not there from one that is not for everybody.
            (_, "RepoNotFound") | (401 | 404, _) => no_repository(),
            (408 | 425 | 429 | 500..=599, _) => {
                let asked = text(headers, header::RETRY_AFTER.as_str());
                let wait = asked.and_then(|value| retry_after(value, clock::unix_ms()));
                let reason = status.canonical_reason().map(|reason| format!(" {reason}")).unwrap_or_default();
                return Refusal::Passing(format!("the hub answered {number}{reason}"), wait);
            }
            _ => HubFault::Refused { status: number, said },
        })
    }
}

/// Whether `Content-Range: bytes 100-199/200` begins at `have`.
pub(super) fn begins_at(headers: &HeaderMap, have: u64) -> bool {
    let range = text(headers, header::CONTENT_RANGE.as_str()).and_then(|value| value.strip_prefix("bytes "));
    let first = range.and_then(|range| range.split_once('-')).map(|(first, _)| first.trim());
    first.and_then(|first| first.parse().ok()) == Some(have)
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_files_content_is_named_by_the_hub_before_the_host_that_has_it() {
        let sha = "ab".repeat(32);
        let linked = format!("\"{sha}\"");
        let all = [
            ("x-repo-commit", COMMIT),
            ("etag", "W/\"gone\""),
            ("x-linked-etag", &linked),
            ("x-linked-size", "7"),
            ("content-length", "3"),
        ];
        let described = Described::of(&headers(&all), false).unwrap();
        assert_eq!((described.bytes, described.sha256()), (7, Some(sha.as_str())));
        let plain = [("x-repo-commit", COMMIT), ("etag", "W/\"1a-2b\""), ("content-length", "3")];
        let described = Described::of(&headers(&plain), true).unwrap();
        assert_eq!((described.etag.as_str(), described.bytes, described.sha256()), ("1a-2b", 3, None));
        // The length of an answer that leads elsewhere is its own.
        assert!(Described::of(&headers(&plain), false).unwrap_err().contains("X-Linked-Size"));
        for (name, value) in [("x-repo-commit", "../x"), ("etag", "\"../x\""), ("etag", "\"\"")] {
            let mut bad = plain;
            bad.iter_mut().filter(|(known, _)| *known == name).for_each(|pair| pair.1 = value);
            assert!(Described::of(&headers(&bad), true).is_err(), "{name}: {value}");
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        let model = HubModel::parse("hf:a/b@v1").unwrap();
        let of = |status: u16, pairs: &[(&'static str, &str)], token| match Refusal::of(
            StatusCode::from_u16(status).unwrap(),
            &headers(pairs),
            &model,
            token,
        ) {
            Refusal::Lasting(fault) => fault.to_string(),
            Refusal::NoFile => "no file".to_owned(),
            Refusal::Passing(why, wait) => format!("{why}, {wait:?}"),
        };
        let invalid = [("x-error-message", "Invalid credentials in Authorization header")];
        for (said, word) in [
            (of(404, &[("x-error-code", "RevisionNotFound")], None), "commit `v1`"),
            (of(404, &[("x-error-code", "EntryNotFound")], None), "no file"),
            (of(404, &[], None), "no repository `a/b`"),
            (of(401, &[("x-error-code", "RepoNotFound")], Some("HF_TOKEN")), "no repository `a/b`"),
            (of(401, &invalid, Some("HF_TOKEN")), "access token in HF_TOKEN"),
            (of(401, &invalid, None), "no repository `a/b`"),
            (of(403, &[("x-error-code", "GatedRepo")], None), "accepted the terms (answer 403)"),
            (of(403, &[("x-error-message", "not yours")], None), "refuses it (answer 403: not yours)"),
            (of(429, &[("retry-after", "7")], None), "429 Too Many Requests, Some(7s)"),
            (of(502, &[], None), "502 Bad Gateway, None"),
        ] {
            assert!(said.contains(word), "{word}: {said}");
        }
    }

    #[test]
    fn a_piece_begins_where_it_says() {
        assert!(begins_at(&headers(&[("content-range", "bytes 100-199/200")]), 100));
        assert!(!begins_at(&headers(&[("content-range", "bytes 0-199/200")]), 100));
        assert!(!begins_at(&HeaderMap::new(), 0));
    }
}
