//! Seeds that are added until a study is decided.

use serde::{Deserialize, Serialize};

/// `seeds = { min, max, until = "decided" }`: every variant begins with the same few seeds, and those that are not decided get more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdaptiveSeeds {
    /// Seeds that every variant has; 2 or more, so that there is a spread.
    pub min: u32,
    /// Seeds that none goes beyond.
    pub max: u32,
}

impl AdaptiveSeeds {
    /// The numbers of seeds after which the study is looked at, ascending: half as many again each time, so that looks are few. Each
    /// costs some of the certainty, and a round trains its runs side by side.
    pub fn looks(self) -> Vec<u32> {
        let mut looks = vec![self.min];
        while let Some(&last) = looks.last().filter(|&&last| last < self.max) {
            looks.push((last + last.div_ceil(2)).min(self.max));
        }
        looks
    }

    /// The next look after `n` seeds; `None` at the last.
    pub fn next(self, n: u32) -> Option<u32> {
        self.looks().into_iter().find(|&look| look > n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_few_and_end_at_the_most() {
        let looks = |min, max| AdaptiveSeeds { min, max }.looks();
        assert_eq!(looks(3, 10), [3, 5, 8, 10]);
        assert_eq!(looks(2, 3), [2, 3]);
        assert_eq!(looks(2, 20), [2, 3, 5, 8, 12, 18, 20]);
        assert_eq!(looks(4, 4), [4]);
        assert_eq!(AdaptiveSeeds { min: 3, max: 10 }.next(5), Some(8));
        assert_eq!(AdaptiveSeeds { min: 3, max: 10 }.next(10), None);
    }
}
