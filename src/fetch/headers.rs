//! What the headers of an answer say about its bytes.

use std::time::Duration;

use ureq::http::{HeaderMap, header};

/// Whether the body comes in chunks, of which the last says so.
pub(super) fn has_chunks(headers: &HeaderMap) -> bool {
    text(headers, header::TRANSFER_ENCODING)
        .is_some_and(|value| value.to_ascii_lowercase().contains("chunked"))
}

/// Whether `Content-Range: bytes 100-199/200` begins at `have`.
pub(super) fn range_begins_at(headers: &HeaderMap, have: u64) -> bool {
    let range = text(headers, header::CONTENT_RANGE).and_then(|value| value.strip_prefix("bytes"));
    let first = range.and_then(|range| range.trim_start().split_once('-')).map(|(first, _)| first.trim());
    first.and_then(|first| first.parse().ok()) == Some(have)
}

/// What names these very bytes in `If-Range`: a strong entity tag, else a date that is old enough to tell two versions
/// apart (RFC 9110, 13.1.5 and 8.8.2.2).
pub(super) fn if_range(headers: &HeaderMap) -> Option<String> {
    if text(headers, header::CONTENT_ENCODING).is_some_and(|value| !value.eq_ignore_ascii_case("identity")) {
        return None;
    }
    match text(headers, header::ETAG) {
        Some(tag) => (tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2).then(|| tag.to_owned()),
        None => {
            let modified = text(headers, header::LAST_MODIFIED)?;
            let date = |text| httpdate::parse_http_date(text).ok();
            let age = date(text(headers, header::DATE)?)?.duration_since(date(modified)?).ok()?;
            (age >= Duration::from_secs(1)).then(|| modified.to_owned())
        }
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_what_names_the_very_bytes_is_gone_on_with() {
        let (old, new) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:38 GMT");
        let named = |pairs: &[(&'static str, &str)]| if_range(&headers(pairs));
        assert_eq!(named(&[("etag", "\"a1\"")]).as_deref(), Some("\"a1\""));
        assert_eq!(named(&[("etag", "W/\"a1\""), ("last-modified", old), ("date", new)]), None);
        assert_eq!(named(&[("last-modified", old), ("date", new)]).as_deref(), Some(old));
        assert_eq!(named(&[("last-modified", old), ("date", old)]), None);
        assert_eq!(named(&[("last-modified", old)]), None);
        assert_eq!(named(&[("etag", "\"a1\""), ("content-encoding", "gzip")]), None);
        assert_eq!(named(&[]), None);
    }

    #[test]
    fn a_piece_must_begin_where_the_last_one_ended() {
        for (value, fits) in [
            ("bytes 100-199/200", true),
            ("bytes 100-199/*", true),
            ("bytes 0-199/200", false),
            ("bytes */200", false),
        ] {
            assert_eq!(range_begins_at(&headers(&[("content-range", value)]), 100), fits, "{value}");
        }
        assert!(!range_begins_at(&HeaderMap::new(), 0));
    }
}
