//! Single pixels taken away, each with the same probability.
//!
//! As albumentations 2.0.8's PixelDropout, whose `drop_value = None` is `random_uniform` here.

use std::fmt;

use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Key;
use crate::spec::ops::Fill;

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelDropout {
    /// That a pixel, or one channel of it, is taken: in steps of 2^-32.
    pub probability: f64,
    /// Each channel by itself (true) or whole pixels (false).
    pub per_channel: bool,
    /// What stands in their place.
    pub fill: Fill,
    /// Names the stream of the draws: 32 bits for each pixel or value.
    pub key: Key,
}

impl Transform for PixelDropout {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        // Up to 2^32: then every word lies below.
        let limit = (self.probability * 4_294_967_296.0) as u64;
        let Some(last) = limit.checked_sub(1) else { return };
        let last = u32::try_from(last).unwrap_or(u32::MAX);
        let mut dropped = [0; CHUNK];
        let channels = if self.per_channel { 1 } else { 3 };
        let mut blocks = [[0; 4]; CHUNK / 4];
        for (n, part) in image.data.chunks_mut(CHUNK * channels).enumerate() {
            self.key.fill((n * blocks.len()) as u64, &mut blocks);
            find(blocks.as_flattened(), last, &mut dropped);
            self.replace(part, n * CHUNK * channels, &dropped);
        }
    }
}

impl PixelDropout {
    /// `part` begins at value `first` of the picture.
    fn replace(&self, part: &mut [u8], first: usize, dropped: &[u8; CHUNK]) {
        let values = self.key.child("values");
        let colour = match self.fill {
            Fill::Level(level) => [level; 3],
            Fill::RandomUniform => colour(values.block(0)),
            Fill::Random => return self.replace_each(part, first, dropped),
        };
        if !self.per_channel {
            replace_pixels(part.as_chunks_mut().0, colour, dropped);
            return;
        }
        for (i, (value, dropped)) in part.iter_mut().zip(dropped).enumerate() {
            let new = colour[(first + i) % 3];
            *value = (*value & !dropped) | (new & dropped);
        }
    }

    /// With a value of its own for each.
    fn replace_each(&self, part: &mut [u8], first: usize, dropped: &[u8; CHUNK]) {
        let values = self.key.child("values");
        let channels = if self.per_channel { 1 } else { 3 };
        for (i, (some, dropped)) in part.chunks_exact_mut(channels).zip(dropped).enumerate() {
            if *dropped != 0 {
                let new = colour(values.block((first / channels + i) as u64));
                some.copy_from_slice(&new[..channels]);
            }
        }
    }
}

impl fmt::Display for PixelDropout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dropout_prob={}", self.probability)
    }
}

/// Draws that are made at once; a multiple of the four that a block gives.
const CHUNK: usize = 1024;

fn colour([word, ..]: [u32; 4]) -> [u8; 3] {
    let [r, g, b, _] = word.to_le_bytes();
    [r, g, b]
}

/// 255 where the word is at most `last`.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn find(words: &[u32], last: u32, dropped: &mut [u8; CHUNK]) {
    for (dropped, &word) in dropped.iter_mut().zip(words) {
        *dropped = if word <= last { 255 } else { 0 };
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn replace_pixels(pixels: &mut [[u8; 3]], colour: [u8; 3], dropped: &[u8; CHUNK]) {
    for (pixel, &dropped) in pixels.iter_mut().zip(dropped) {
        for (value, new) in pixel.iter_mut().zip(colour) {
            *value = (*value & !dropped) | (new & dropped);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropped(probability: f64, per_channel: bool, fill: Fill) -> Vec<u8> {
        let mut image = RgbImage { width: 200, height: 150, data: vec![77; 200 * 150 * 3] };
        PixelDropout { probability, per_channel, fill, key: Key::root(3) }
            .apply(&mut image, &mut Scratch::new());
        image.data
    }

    /// Within 4 standard deviations of the binomial.
    #[test]
    fn pixels_go_with_their_probability() {
        for p in [0.0, 0.001, 0.01, 0.4, 1.0] {
            for (per_channel, n) in [(false, 30_000.0), (true, 90_000.0)] {
                let data = dropped(p, per_channel, Fill::Level(0));
                let values = data.iter().filter(|&&v| v == 0).count() as f64;
                let gone = if per_channel { values } else { values / 3.0 };
                assert!((gone - n * p).abs() <= 4.0 * (n * p * (1.0 - p)).sqrt(), "{p}: {gone}");
                let whole = data.as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b);
                assert_eq!(whole, !per_channel || p == 0.0 || p == 1.0);
            }
        }
    }

    #[test]
    fn neighbours_go_independently() {
        let p: f64 = 0.3;
        let gone: Vec<bool> = dropped(p, true, Fill::Level(0)).iter().map(|&v| v == 0).collect();
        for lag in [1, 3, 600, CHUNK] {
            let n = (gone.len() - lag) as f64;
            let both = gone.iter().zip(&gone[lag..]).filter(|(a, b)| **a && **b).count() as f64;
            assert!((both - n * p * p).abs() < 4.0 * (n * p * p * (1.0 - p * p)).sqrt(), "{lag}: {both}");
        }
    }

    #[test]
    fn random_colours_are_one_or_many() {
        let colours = |fill| {
            let data = dropped(0.5, false, fill);
            let new = data.as_chunks::<3>().0.iter().filter(|pixel| **pixel != [77; 3]).copied();
            new.collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(colours(Fill::RandomUniform).len(), 1);
        let many = colours(Fill::Random);
        assert!(many.len() > 14_000, "{}", many.len());
        for channel in 0..3 {
            let mean = many.iter().map(|pixel| f64::from(pixel[channel])).sum::<f64>() / many.len() as f64;
            assert!((mean - 127.5).abs() < 4.0 * 73.9 / (many.len() as f64).sqrt(), "{mean}");
        }
    }
}
