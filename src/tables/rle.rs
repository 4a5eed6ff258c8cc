//! Run-length masks as COCO writes them: a list of counts, or the same compressed into a string.
//!
//! The pixels of a mask are taken column by column from the left, each from top to bottom; counts are the lengths of
//! runs of equal pixels, the first of which is background and may be 0. The compressed form is that of `rleToString`
//! in cocoapi's `maskApi.c`: from the fourth count on, the difference to the count two places before; each number in
//! groups of five bits, lowest first, with a bit that says whether more follow, as the characters from `0` (48) on.

/// Characters of a number, at most: seven groups of five bits hold any difference of two runs, with its sign.
const MAX_GROUPS: u32 = 7;

/// Why there is no mask in some counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RleError {
    /// A character that the compressed form does not use.
    #[error("`counts` holds a character that does not belong there")]
    Character,
    /// The string ends within a number, or a number is longer than any run.
    #[error("`counts` is cut short")]
    Short,
    /// A run that is negative or longer than any picture.
    #[error("a run is {0} pixels long")]
    Run(i64),
    /// The runs are of another picture.
    #[error("the runs have {found} pixels, expected {expected}")]
    Length {
        /// Their sum.
        found: u64,
        /// Pixels of the picture.
        expected: u64,
    },
}

/// Lengths of the runs of a compressed string.
///
/// # Errors
/// Where it is no such string.
pub fn decompress(text: &str) -> Result<Vec<u32>, RleError> {
    let mut runs: Vec<u32> = Vec::new();
    let mut bytes = text.bytes();
    while let Some(mut byte) = bytes.next() {
        let (mut value, mut group) = (0_i64, 0);
        loop {
            let bits = byte.checked_sub(48).filter(|bits| *bits < 64).ok_or(RleError::Character)?;
            if group == MAX_GROUPS {
                return Err(RleError::Short);
            }
            value |= i64::from(bits & 0x1f) << (5 * group);
            group += 1;
            if bits & 0x20 == 0 {
                if bits & 0x10 != 0 {
                    value |= -1 << (5 * group);
                }
                break;
            }
            byte = bytes.next().ok_or(RleError::Short)?;
        }
        let before = if runs.len() > 2 { i64::from(runs[runs.len() - 2]) } else { 0 };
        let run = value.saturating_add(before);
        runs.push(u32::try_from(run).map_err(|_| RleError::Run(run))?);
    }
    Ok(runs)
}

/// The compressed string of these runs.
pub fn compress(runs: &[u32]) -> String {
    let mut text = String::with_capacity(runs.len() * 2);
    for (idx, &run) in runs.iter().enumerate() {
        let before = if idx > 2 { i64::from(runs[idx - 2]) } else { 0 };
        let mut rest = i64::from(run) - before;
        loop {
            let bits = (rest & 0x1f) as u8;
            rest >>= 5;
            let more = if bits & 0x10 != 0 { rest != -1 } else { rest != 0 };
            text.push(char::from(48 + bits + if more { 0x20 } else { 0 }));
            if !more {
                break;
            }
        }
    }
    text
}

/// Pixels of the picture, and those of the mask among them.
pub fn pixels(runs: &[u32]) -> (u64, u64) {
    let all = runs.iter().map(|&run| u64::from(run)).sum();
    (all, runs.iter().skip(1).step_by(2).map(|&run| u64::from(run)).sum())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn pycocotools_gives_the_same() {
        let text = include_str!("../../tests/golden/dataset/rle.json");
        let cases: Vec<Value> = serde_json::from_str(text).unwrap();
        assert!(cases.len() > 20);
        for case in cases {
            let runs: Vec<u32> = serde_json::from_value(case["runs"].clone()).unwrap();
            let string = case["counts"].as_str().unwrap();
            assert_eq!(compress(&runs), string, "{case}");
            assert_eq!(decompress(string).unwrap(), runs, "{case}");
            let size: [u64; 2] = serde_json::from_value(case["size"].clone()).unwrap();
            assert_eq!(pixels(&runs), (size[0] * size[1], case["area"].as_u64().unwrap()), "{case}");
        }
    }

    #[test]
    fn damaged_strings_are_refused() {
        assert_eq!(decompress("5/2"), Err(RleError::Character));
        assert_eq!(decompress("5 2"), Err(RleError::Character));
        assert_eq!(decompress("5p"), Err(RleError::Character));
        assert_eq!(decompress("5P"), Err(RleError::Short));
        assert_eq!(decompress(&"o".repeat(40)), Err(RleError::Short));
        assert_eq!(decompress("5N"), Err(RleError::Run(-2)));
        assert_eq!(decompress(""), Ok(vec![]));
    }

    proptest! {
        #[test]
        fn any_runs_come_back(runs in proptest::collection::vec(any::<u32>(), 0..40)) {
            prop_assert_eq!(decompress(&compress(&runs)), Ok(runs));
        }

        #[test]
        fn no_string_panics(text in "[ -~]{0,40}") {
            let _ = decompress(&text);
        }
    }
}
