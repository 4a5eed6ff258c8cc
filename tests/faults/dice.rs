//! Draws that can be had again: a seed that is printed, and how much is to be tried.

use std::hash::{BuildHasher, RandomState};

/// SplitMix64 (Steele et al. 2014).
pub struct Dice(u64);

impl Dice {
    /// For the test `name`: with the seed of `ABLATRIX_FAULTS_SEED`, or with another one each time.
    pub fn thrown(name: &str) -> Self {
        let given = std::env::var("ABLATRIX_FAULTS_SEED").ok().map(|text| text.parse::<u64>().unwrap());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(name) >> 32);
        println!("{name}: replay with ABLATRIX_FAULTS_SEED={seed}");
        Dice(seed)
    }

    /// With this seed.
    pub fn of(seed: u64) -> Self {
        Dice(seed)
    }

    /// Other dice, whose draws depend on those of these so far alone.
    pub fn split(&mut self) -> Dice {
        Dice::of(self.below(usize::MAX) as u64)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) % n as u64) as usize
    }

    /// One of `items`.
    pub fn pick<'i, T>(&mut self, items: &'i [T]) -> &'i T {
        &items[self.below(items.len())]
    }
}

/// Whether all is to be tried, or a share of it.
pub fn full() -> bool {
    std::env::var("ABLATRIX_FAULTS").is_ok_and(|wish| wish == "full")
}

/// `all` tries, or a tenth of them.
pub fn tries(all: usize) -> usize {
    if full() { all } else { all / 10 }
}
