//! Raises brightness to a power: above 1 darker, below 1 brighter, black and white stay.
//!
//! Equal to albumentations 2.0.8's RandomGamma for 8-bit pictures, which cuts off (and so leaves a few levels one
//! below where they were even with a gamma of 1).

use std::fmt;
use std::sync::LazyLock;

use crate::augment::lookup::look_up;
use crate::augment::{Scratch, Tables, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// The natural logarithm of each value's share of 255.
static LOGARITHMS: LazyLock<[f64; 256]> =
    LazyLock::new(|| std::array::from_fn(|value| libm::log(value as f64 * (1.0 / 255.0))));

/// The drawn value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gamma {
    /// The exponent.
    pub gamma: f64,
}

impl Gamma {
    /// Draws the exponent in percent, uniformly.
    pub fn draw(percent: [f64; 2], draws: &mut Draws) -> Self {
        Gamma { gamma: draws.range_f64(percent[0], percent[1]) / 100.0 }
    }

    /// `out = 255 x (in / 255)^gamma`, cut off.
    fn table(self) -> [u8; 256] {
        let logarithms = &*LOGARITHMS;
        std::array::from_fn(|value| {
            // The exponential is several times as fast as the power, and as good where no whole number is near.
            let nearly = libm::exp(self.gamma * logarithms[value]) * 255.0;
            let level = nearly as u8;
            if nearly - f64::from(level) > 1e-6 && nearly + 1e-6 < f64::from(level) + 1.0 {
                level
            } else {
                (libm::pow(value as f64 * (1.0 / 255.0), self.gamma) * 255.0) as u8
            }
        })
    }
}

impl Transform for Gamma {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        look_up(&mut image.data, &self.table());
    }

    fn tables(&self) -> Option<Tables> {
        Some(Tables::same(self.table()))
    }
}

impl fmt::Display for Gamma {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gamma={:.3}", self.gamma)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_gives_what_the_power_gives() {
        for percent in (1..=1000).step_by(7).chain([100, 200, 300]) {
            let gamma = f64::from(percent) / 100.0;
            let power = |value: usize| (libm::pow(value as f64 * (1.0 / 255.0), gamma) * 255.0) as u8;
            assert_eq!(Gamma { gamma }.table(), std::array::from_fn(power), "{gamma}");
        }
    }
}
