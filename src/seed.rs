//! One root seed to named child seeds, and the draws that come from them.
//!
//! Randomness here is counter-based: a [`Key`] names a stream of draws, and every draw is a function of
//! the key and a counter alone, never of order, thread or batch. The generator is Philox 4x32-10
//! (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). It is written here, and not
//! taken from a crate, because the values must stay the same for ever: a crate's `shuffle` or `normal` may
//! change between releases, and every split and every augmented pixel would change with it.

use serde::{Deserialize, Serialize};

/// Names a stream of draws. Children of a key are independent of it and of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key(u64);

impl Key {
    /// The key at the root of everything that `seed` decides.
    pub fn root(seed: u64) -> Self {
        Key(mix(seed ^ 0x9e37_79b9_7f4a_7c15))
    }

    /// The child named `name`, for instance an op's name or a stage's.
    #[must_use]
    pub fn child(self, name: &str) -> Self {
        let hash = blake3::hash(name.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        Key(mix(self.0.rotate_left(17) ^ u64::from_le_bytes(first)))
    }

    /// The child numbered `index`, for instance an epoch or an image id.
    #[must_use]
    pub fn index(self, index: u64) -> Self {
        Key(mix(self.0 ^ mix(index.wrapping_add(0x6a09_e667_f3bc_c909))))
    }

    /// The key as a plain number, to seed a foreign generator (libtorch's, for instance).
    pub fn value(self) -> u64 {
        self.0
    }

    /// Four random words at position `counter` of this stream: random access, for per-pixel noise.
    #[inline]
    pub fn block(self, counter: u64) -> [u32; 4] {
        philox([counter as u32, (counter >> 32) as u32, 0, 0], [self.0 as u32, (self.0 >> 32) as u32])
    }

    /// As [`Key::block`] for the positions from `first` on, many at once.
    pub fn fill(self, first: u64, blocks: &mut [[u32; 4]]) {
        let (eights, rest) = blocks.as_chunks_mut::<8>();
        philox_eights(first, [self.0 as u32, (self.0 >> 32) as u32], eights);
        let first = first + 8 * eights.len() as u64;
        for (i, block) in rest.iter_mut().enumerate() {
            *block = self.block(first + i as u64);
        }
    }

    /// The stream read from its start.
    pub fn draws(self) -> Draws {
        Draws { key: self, counter: 0, block: [0; 4], left: 0 }
    }
}

/// Reads a key's stream in order.
#[derive(Clone, Debug)]
pub struct Draws {
    key: Key,
    counter: u64,
    block: [u32; 4],
    left: u8,
}

impl Draws {
    /// The next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.left == 0 {
            self.block = self.key.block(self.counter);
            self.counter += 1;
            self.left = 4;
        }
        self.left -= 1;
        self.block[3 - usize::from(self.left)]
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) | (u64::from(self.next_u32()) << 32)
    }

    /// Uniform in [0, 1), with 24 random bits.
    pub fn f32(&mut self) -> f32 {
        (self.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Uniform in [0, 1), with 53 random bits.
    pub fn f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Uniform in [`low`, `high`); `low` where both are equal.
    pub fn range_f32(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.f32()
    }

    /// Uniform in [`low`, `high`); `low` where both are equal.
    pub fn range_f64(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.f64()
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.f64() < p
    }

    /// Uniform in 0..`n`, without bias (Lemire, "Fast random integer generation in an interval", 2019).
    ///
    /// # Panics
    /// Where `n` is 0: there is nothing to draw from.
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "bug: a draw below 0");
        loop {
            let wide = u128::from(self.next_u64()) * u128::from(n);
            if (wide as u64) >= n.wrapping_neg() % n {
                return (wide >> 64) as u64;
            }
        }
    }

    /// A standard normal value: the polar method of Marsaglia (1964), with pure-Rust `log` and `sqrt`, so
    /// that the value is the same on every machine.
    pub fn normal(&mut self) -> f64 {
        loop {
            let (u, v) = (2.0 * self.f64() - 1.0, 2.0 * self.f64() - 1.0);
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                return u * libm::sqrt(-2.0 * libm::log(s) / s);
            }
        }
    }

    /// Brings `items` into a uniformly random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i as u64 + 1) as usize;
            items.swap(i, j);
        }
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): spreads each bit over all.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[inline]
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let left = u64::from(counter[0]) * 0xd251_1f53;
        let right = u64::from(counter[2]) * 0xcd9e_8d57;
        counter = [
            (right >> 32) as u32 ^ counter[1] ^ key[0],
            right as u32,
            (left >> 32) as u32 ^ counter[3] ^ key[1],
            left as u32,
        ];
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    counter
}

/// Blocks from position `first` on, eight side by side: the same arithmetic in the lanes of a vector. Words lie in the lower
/// halves of 64-bit lanes, as the vector multiplication reads them; what is above them is left where it does not matter.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn philox_eights(first: u64, key: [u32; 2], eights: &mut [[[u32; 4]; 8]]) {
    const WORD: u64 = 0xffff_ffff;
    for (n, eight) in eights.iter_mut().enumerate() {
        let mut a: [u64; 8] = std::array::from_fn(|i| first + (8 * n + i) as u64);
        let mut b = a.map(|at| at >> 32);
        let (mut c, mut d) = ([0; 8], [0; 8]);
        let mut key = key;
        for _ in 0..10 {
            let left = a.map(|a| (a & WORD) * 0xd251_1f53);
            let right = c.map(|c| (c & WORD) * 0xcd9e_8d57);
            a = std::array::from_fn(|i| (right[i] >> 32) ^ b[i] ^ u64::from(key[0]));
            c = std::array::from_fn(|i| (left[i] >> 32) ^ d[i] ^ u64::from(key[1]));
            (b, d) = (right, left);
            key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
        }
        let joined =
            |low: [u64; 8], high: [u64; 8]| std::array::from_fn(|i| (low[i] & WORD) | (high[i] << 32));
        let halves: [[u64; 8]; 2] = [joined(a, b), joined(c, d)];
        for (i, block) in eight.iter_mut().enumerate() {
            let [low, high] = halves.map(|half| half[i]);
            *block = [low as u32, (low >> 32) as u32, high as u32, (high >> 32) as u32];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of Random123's `kat_vectors`, philox4x32 with 10 rounds.
    #[test]
    fn philox_gives_the_reference_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn many_blocks_are_those_made_one_by_one() {
        let key = Key::root(5);
        for first in [0, 3, u64::from(u32::MAX) - 4] {
            for n in [0, 1, 8, 21] {
                let mut blocks = vec![[0; 4]; n];
                key.fill(first, &mut blocks);
                let alone: Vec<_> = (0..n as u64).map(|i| key.block(first + i)).collect();
                assert_eq!(blocks, alone);
            }
        }
    }

    #[test]
    fn children_differ_by_name_and_by_index() {
        let root = Key::root(1);
        assert_ne!(root.child("flip"), root.child("noise"));
        assert_ne!(root.index(1), root.index(2));
        assert_ne!(root.child("a").child("b"), root.child("b").child("a"));
        assert_eq!(root.child("flip"), Key::root(1).child("flip"));
    }

    #[test]
    fn below_is_uniform() {
        let mut draws = Key::root(7).draws();
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[draws.below(6) as usize] += 1;
        }
        assert!(counts.iter().all(|&n| (9_600..10_400).contains(&n)), "{counts:?}");
    }

    #[test]
    fn normal_has_mean_0_and_variance_1() {
        let mut draws = Key::root(3).draws();
        let values: Vec<f64> = (0..100_000).map(|_| draws.normal()).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64 - mean * mean;
        assert!(mean.abs() < 0.015, "{mean}");
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
    }

    #[test]
    fn shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        Key::root(9).draws().shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
