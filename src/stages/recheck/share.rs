//! The share of the cached results that is made once more, and which of them these are.

use std::fmt;
use std::str::FromStr;

use crate::fingerprint::Digest;
use crate::seed::Key;

/// A share, above 0 and at most 1; in text `5%` or `0.05`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(f64);

/// A text that is no [`Share`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a share above 0 and up to all, as in `5%` or `0.05`")]
pub struct NoShare;

/// Takes off what a product of decimal fractions has too much, before it is rounded up: 7 % of 100 are 7.
const ROUNDING: f64 = 1e-9;

impl Share {
    /// Positions of the results that are drawn, ascending: the share of them, rounded up.
    ///
    /// Each key has a number of its own, the first 64 bits of the stream of `Key::root(0)`, child `recheck`, child KEY; the
    /// smallest numbers are drawn. So the same results are drawn each time, and a larger share has those of a smaller one.
    pub fn draw(self, keys: &[&Digest]) -> Vec<usize> {
        let of = |key: &Digest| Key::root(0).child("recheck").child(key.as_str()).draws().next_u64();
        let n = (self.0 * keys.len() as f64 - ROUNDING).ceil() as usize;
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by_cached_key(|&i| (of(keys[i]), keys[i]));
        order.truncate(n);
        order.sort_unstable();
        order
    }
}

impl FromStr for Share {
    type Err = NoShare;

    fn from_str(text: &str) -> Result<Self, NoShare> {
        let (digits, whole) = match text.strip_suffix('%') {
            Some(digits) => (digits, 100.0),
            None => (text, 1.0),
        };
        let share = digits.trim().parse::<f64>().map_err(|_| NoShare)? / whole;
        if share > 0.0 && share <= 1.0 { Ok(Share(share)) } else { Err(NoShare) }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_written_in_two_ways() {
        for (text, share) in [("5%", 0.05), ("0.05", 0.05), ("100%", 1.0), ("1", 1.0), ("0.5 %", 0.005)] {
            let read: Share = text.parse().unwrap();
            assert_eq!(read, Share(share), "{text}");
            assert_eq!(read.to_string().parse(), Ok(read));
        }
        for text in ["", "%", "0", "0%", "5", "101%", "-1%", "nan", "inf", "many", "5 percent"] {
            assert_eq!(text.parse::<Share>(), Err(NoShare), "{text}");
        }
    }

    #[test]
    fn the_draw_goes_by_keys_and_larger_shares_have_those_of_smaller_ones() {
        let keys: Vec<Digest> = (0_u8..100).map(|i| Digest::of(&[i])).collect();
        let drawn = |share: f64, keys: &[Digest]| -> Vec<String> {
            let keys: Vec<&Digest> = keys.iter().collect();
            Share(share).draw(&keys).into_iter().map(|i| keys[i].to_string()).collect()
        };
        let [few, more, all] = [0.07, 0.3, 1.0].map(|share| drawn(share, &keys));
        assert_eq!((few.len(), more.len(), all.len()), (7, 30, 100));
        assert!(few.iter().all(|key| more.contains(key)));
        // One result at least, and the same whatever their order.
        assert_eq!(drawn(1e-6, &keys).len(), 1);
        assert!(drawn(0.5, &[]).is_empty());
        let mut backwards = keys.clone();
        backwards.reverse();
        let mut again = drawn(0.3, &backwards);
        again.reverse();
        assert_eq!(again, more);
        // Documented, and the same for ever.
        let positions = Share(0.05).draw(&keys.iter().collect::<Vec<_>>());
        assert_eq!(positions, DRAWN_OF_A_HUNDRED);
    }

    const DRAWN_OF_A_HUNDRED: [usize; 5] = [0, 22, 44, 47, 97];
}
