//! Elastic deformation, bilinear: every pixel comes from a place of its own, and neighbours from neighbouring
//! places.
//!
//! Displacements are noise, smoothed by a Gaussian of `sigma` pixels and multiplied by `alpha` (Simard,
//! Steinkraus and Platt, "Best practices for convolutional neural networks", 2003), as albumentations 2.0.8
//! makes them: the noise is uniform in -1 to 1, or normal and divided by its largest absolute value. (There
//! both fields are smoothed as one picture, one below the other, so that they mix where they meet; here each
//! is smoothed alone.)

use std::fmt;

use super::sampler::{BATCH, Places, Way, sample, sample_mask};
use super::smooth::{Passes, smooth};
use crate::augment::noise::normal::Normal;
use crate::augment::{Mask, Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Key;
use crate::spec::ops::{Border, NoiseDistribution};

/// The settings, and what names the draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ElasticTransform {
    /// Factor of the smoothed noise, in pixels.
    pub alpha: f64,
    /// Standard deviation of the Gaussian, in pixels, above 0.
    pub sigma: f64,
    /// Of the noise before it is smoothed.
    pub noise: NoiseDistribution,
    /// What lies beyond the border.
    pub border: Border,
    /// Names the stream of the draws for each pixel.
    pub key: Key,
}

impl ElasticTransform {
    /// Fills `fields` with the displacements across and down, in pixels.
    fn displace(&self, width: usize, height: usize, fields: &mut [Vec<f32>; 2], passes: &mut Passes) {
        let mut largest = 0;
        for (n, field) in fields.iter_mut().enumerate() {
            let found = draw_noise(self.noise, self.key.index(n as u64), width * height, field);
            largest = largest.max(found);
        }
        let unit = match self.noise {
            NoiseDistribution::Gaussian => f64::from(largest.max(1)),
            NoiseDistribution::Uniform => 32_768.0,
        };
        let factor = (self.alpha / unit) as f32;
        for field in fields {
            smooth(field, width, self.sigma, passes);
            field.iter_mut().for_each(|v| *v *= factor);
        }
    }
}

/// Noise of `count` values in whole numbers; returns the largest absolute value.
fn draw_noise(distribution: NoiseDistribution, key: Key, count: usize, field: &mut Vec<f32>) -> u16 {
    let normal = Normal::table();
    let mut largest = 0;
    field.clear();
    field.reserve(count + 8);
    for block in 0..count.div_ceil(8) {
        for word in key.block(block as u64) {
            for bits in [word as u16, (word >> 16) as u16] {
                let value = match distribution {
                    NoiseDistribution::Gaussian => normal.value(bits),
                    NoiseDistribution::Uniform => bits as i16,
                };
                largest = largest.max(value.unsigned_abs());
                field.push(f32::from(value));
            }
        }
    }
    field.truncate(count);
    largest
}

impl Transform for ElasticTransform {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        let (width, height) = (image.width, image.height);
        let Scratch { bytes, fields, passes, .. } = scratch;
        self.displace(width, height, fields, passes);
        sample(image, self.border, bytes, &Displaced { width, across: &fields[0], down: &fields[1] });
    }

    fn apply_to_mask(&self, mask: &mut Mask) {
        let (width, height) = (mask.width, mask.height);
        let mut fields = [Vec::new(), Vec::new()];
        self.displace(width, height, &mut fields, &mut Passes::default());
        sample_mask(mask, &Displaced { width, across: &fields[0], down: &fields[1] });
    }
}

impl fmt::Display for ElasticTransform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is drawn is a field; its name tells two apart.
        write!(f, "field={:08x}", self.key.value() >> 32)
    }
}

/// Each pixel comes from its own place plus a displacement in pixels: two fields, row by row.
pub(super) struct Displaced<'a> {
    pub(super) width: usize,
    pub(super) across: &'a [f32],
    pub(super) down: &'a [f32],
}

impl Way for Displaced<'_> {
    type Row = usize;

    #[inline(always)]
    fn row(&self, y: usize) -> usize {
        y
    }

    #[inline(always)]
    fn places(&self, &row: &usize, column: usize, places: &mut Places) {
        let (across, down) =
            (batch(self.across, row * self.width + column), batch(self.down, row * self.width + column));
        let (mut x, mut y) = ([0.0; BATCH], [0.0; BATCH]);
        for i in 0..BATCH {
            x[i] = (column + i) as u32 as f64 + f64::from(across[i]);
            y[i] = row as f64 + f64::from(down[i]);
        }
        places.set(&x, &y);
    }
}

/// The values from `start` on; 0 behind the last.
#[inline(always)]
fn batch(field: &[f32], start: usize) -> [f32; BATCH] {
    let rest = &field[start..];
    rest.first_chunk().copied().unwrap_or_else(|| {
        let mut last = [0.0; BATCH];
        last[..rest.len()].copy_from_slice(rest);
        last
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(noise: NoiseDistribution, sigma: f64, seed: u64) -> [Vec<f32>; 2] {
        let op =
            ElasticTransform { alpha: 1.0, sigma, noise, border: Border::Constant, key: Key::root(seed) };
        let mut fields = [Vec::new(), Vec::new()];
        op.displace(128, 96, &mut fields, &mut Passes::default());
        fields
    }

    fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
        let n = values.len() as f64;
        values.sum::<f64>() / n
    }

    /// White noise of variance `v`, smoothed, has the variance `v / (4 pi sigma^2)` far from the border.
    #[test]
    fn displacements_are_as_large_as_smoothed_noise() {
        for noise in [NoiseDistribution::Uniform, NoiseDistribution::Gaussian] {
            for sigma in [1.5, 3.0] {
                let (mut found, mut of_noise) = (0.0, 0.0);
                for seed in 0..8 {
                    let raw = match noise {
                        NoiseDistribution::Uniform => 1.0 / 3.0,
                        NoiseDistribution::Gaussian => {
                            let mut field = Vec::new();
                            let key = Key::root(seed);
                            let largest =
                                (0..2).map(|n| draw_noise(noise, key.index(n), 128 * 96, &mut field)).max();
                            let largest = f64::from(largest.unwrap());
                            assert!((3.6 * 4096.0..4.4 * 4096.0).contains(&largest), "{largest}");
                            (4096.0 / largest).powi(2)
                        }
                    };
                    for field in fields(noise, sigma, seed) {
                        let inner: Vec<f64> = field
                            .chunks_exact(128)
                            .skip(16)
                            .take(64)
                            .flat_map(|row| row[16..112].iter().map(|&v| f64::from(v)))
                            .collect();
                        found += mean(inner.iter().map(|v| v * v)) / 16.0;
                        of_noise += raw / 16.0;
                    }
                }
                let expected = of_noise / (4.0 * std::f64::consts::PI * sigma * sigma);
                assert!((found / expected - 1.0).abs() < 0.06, "{noise:?} {sigma}: {found} {expected}");
            }
        }
    }

    #[test]
    fn the_two_fields_and_two_samples_are_independent() {
        let [across, down] = fields(NoiseDistribution::Gaussian, 1.0, 1);
        let [other, _] = fields(NoiseDistribution::Gaussian, 1.0, 2);
        for (a, b) in [(&across, &down), (&across, &other)] {
            let product =
                |a: &[f32], b: &[f32]| mean(a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)));
            let correlation = product(a, b) / (product(a, a) * product(b, b)).sqrt();
            assert!(correlation.abs() < 0.12, "{correlation}");
        }
    }
}
