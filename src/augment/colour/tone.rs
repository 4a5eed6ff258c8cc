//! Bends the tones along a cubic Bézier curve from black to white, whose two middle points are drawn.
//!
//! As albumentations 2.0.8's RandomToneCurve.

use std::fmt;

use crate::augment::{Scratch, Tables, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// The drawn values: the heights of the curve's middle points, for each channel, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToneCurve {
    /// Of the point at a third; 1/4 is the middle of what is drawn.
    pub low: [f64; 3],
    /// Of the point at two thirds; 3/4 is the middle of what is drawn.
    pub high: [f64; 3],
}

impl ToneCurve {
    /// Draws normally distributed heights with the standard deviation `scale`, clipped to 0 to 1: the low ones, then
    /// the high ones, of each channel or of all.
    pub fn draw(scale: f64, per_channel: bool, draws: &mut Draws) -> Self {
        let mut three = |mean: f64| {
            let mut one = || (mean + scale * draws.normal()).clamp(0.0, 1.0);
            if per_channel { [one(), one(), one()] } else { [one(); 3] }
        };
        let low = three(0.25);
        ToneCurve { low, high: three(0.75) }
    }

    fn all(&self) -> Tables {
        let of = |c: usize| table(self.low[c], self.high[c]);
        match (self.low, self.high) {
            ([a, b, c], [d, e, f]) if a == b && b == c && d == e && e == f => Tables::same(of(0)),
            _ => Tables(Box::new([of(0), of(1), of(2)])),
        }
    }
}

impl Transform for ToneCurve {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        self.all().apply(image);
    }

    fn tables(&self) -> Option<Tables> {
        Some(self.all())
    }
}

impl fmt::Display for ToneCurve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [(a, d), (b, e), (c, g)] = std::array::from_fn(|i| (self.low[i], self.high[i]));
        if a == b && b == c && d == e && e == g {
            write!(f, "low={a:.3} high={d:.3}")
        } else {
            write!(f, "low={a:.3}/{b:.3}/{c:.3} high={d:.3}/{e:.3}/{g:.3}")
        }
    }
}

/// `255 x (3 (1-t)^2 t low + 3 (1-t) t^2 high + t^3)` with `t = value / 255`, rounded to even.
fn table(low: f64, high: f64) -> [u8; 256] {
    std::array::from_fn(|value| {
        let t = if value == 255 { 1.0 } else { value as f64 * (1.0 / 255.0) };
        let rest = 1.0 - t;
        let height = 3.0 * (rest * rest) * t * low + 3.0 * rest * (t * t) * high + t * t * t;
        (height * 255.0).round_ties_even() as u8
    })
}
