//! Shifts hue, saturation and value in OpenCV's 8-bit HSV (hue in units of 2 degrees, 0 to 179).
//!
//! As albumentations 2.0.8's HueSaturationValue on OpenCV 4 and 5. The way to HSV and the shifts are equal to
//! it. The way back is computed in 32-bit floats and cut off to whole levels, as OpenCV's vector code does;
//! OpenCV itself rounds instead of cutting off in the last columns of a row (those that do not fill a
//! vector), and may fuse operations: one level of difference, in about three of 100,000 values elsewhere.

use std::fmt;

use crate::augment::lookup::look_up;
use crate::augment::planes::{BLOCK, Plane, cut_off, join, split};
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HsvShift {
    /// Added to the hue, modulo 180.
    pub hue: f64,
    /// Added to the saturation (cut off to a whole number), clipped to 0 to 255; grey stays grey.
    pub saturation: f64,
    /// Added to the value (cut off to a whole number), clipped to 0 to 255.
    pub value: f64,
}

impl HsvShift {
    /// Draws hue, saturation and value, in this order, each uniformly.
    pub fn draw(hue: [f64; 2], saturation: [f64; 2], value: [f64; 2], draws: &mut Draws) -> Self {
        HsvShift {
            hue: draws.range_f64(hue[0], hue[1]),
            saturation: draws.range_f64(saturation[0], saturation[1]),
            value: draws.range_f64(value[0], value[1]),
        }
    }
}

/// Three zeros leave the picture untouched, without the losses of the way there and back.
impl Transform for HsvShift {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        if self.hue == 0.0 && self.saturation == 0.0 && self.value == 0.0 {
            return;
        }
        shift(&mut image.data, &ShiftTables::of(*self));
    }
}

impl fmt::Display for HsvShift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hue={:+.1} saturation={:+.1} value={:+.1}", self.hue, self.saturation, self.value)
    }
}

#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn shift(data: &mut [u8], tables: &ShiftTables) {
    for part in data.chunks_mut(BLOCK * 3) {
        let mut planes = split(part);
        to_hsv(&mut planes);
        let [hue, saturation, value] = &mut planes;
        look_up(hue, &tables.hue);
        look_up(saturation, &tables.saturation);
        look_up(value, &tables.value);
        to_rgb(&mut planes);
        join(&planes, part);
    }
}

/// Fractional bits of the factors below.
const SHIFT: u32 = 12;

/// Hue (0 to 179), saturation and value, as OpenCV's `RGB2HSV` gives them for 8 bits: `range x 255 / value` and
/// `sixth x 30 / range`, with the quotients `255 / value` and `30 / range` rounded to 12 fractional bits; 0 where the
/// divisor is 0.
#[inline(always)]
fn to_hsv([first, second, third]: &mut [Plane; 3]) {
    for i in 0..BLOCK {
        let [r, g, b] = [first[i], second[i], third[i]];
        let top = r.max(g).max(b);
        let range = i32::from(top - r.min(g).min(b));
        let half = 1 << (SHIFT - 1);
        let share = (range * quotient(255, i32::from(top)) + half) >> SHIFT;
        let [red, green, blue] = [r, g, b].map(i32::from);
        let from_green = if top == g { blue - red + 2 * range } else { red - green + 4 * range };
        let sixth = if top == r { green - blue } else { from_green };
        let angle = (sixth * quotient(30, range) + half) >> SHIFT;
        first[i] = (if angle < 0 { angle + 180 } else { angle }) as u8;
        second[i] = share as u8;
        third[i] = top;
    }
}

/// `numerator / divisor` with 12 fractional bits, rounded; 0 where the divisor is 0. Divisors are at most 255, so that
/// a float holds the quotient well enough to round it (no tie occurs), and vectors of processors divide floats.
#[inline(always)]
fn quotient(numerator: i32, divisor: i32) -> i32 {
    let least = if divisor > 0 { divisor as f32 } else { f32::INFINITY };
    // Below 2^22, adding 1.5 x 2^23 leaves the nearest whole number in the low bits.
    let rounded = (numerator << SHIFT) as f32 / least + 12_582_912.0;
    (rounded.to_bits() & 0x3f_ffff) as i32
}

/// The value of each channel: the strongest keeps the value, the weakest loses all of the saturation's share, the third
/// one part of it, which falls or rises along each sixth of the circle.
#[inline(always)]
fn to_rgb([first, second, third]: &mut [Plane; 3]) {
    let share = 1.0f32 / 255.0;
    for i in 0..BLOCK {
        let [hue, saturation, value] = [first[i], second[i], third[i]].map(f32::from);
        let (saturation, value) = (saturation * share, value * share);
        let sixths = hue * (6.0f32 / 180.0);
        // How much of the saturation is taken off, as the sixths go by. Red: rises in the second, falls in the fifth;
        // green: falls in the first, rises in the fourth; blue: falls in the third, rises in the last. All differences
        // are exact, or equal to those of the position within the sixth.
        let red = least(sixths - 1.0, 1.0 - (sixths - 4.0));
        let green = most(1.0 - sixths, sixths - 3.0);
        let blue = most(1.0 - (sixths - 2.0), sixths - 5.0);
        first[i] = level(saturation, value, red);
        second[i] = level(saturation, value, green);
        third[i] = level(saturation, value, blue);
    }
}

#[inline(always)]
fn least(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

#[inline(always)]
fn most(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The level, cut off, of a channel that loses `taken` (clipped to 0 to 1) of the saturation.
#[inline(always)]
fn level(saturation: f32, value: f32, taken: f32) -> u8 {
    let taken = most(least(taken, 1.0), 0.0);
    cut_off(value * (1.0 - saturation * taken) * 255.0)
}

/// Hue, saturation and value after the shift, by what they were before.
struct ShiftTables {
    hue: [u8; 256],
    saturation: [u8; 256],
    value: [u8; 256],
}

impl ShiftTables {
    fn of(shift: HsvShift) -> Self {
        ShiftTables {
            hue: std::array::from_fn(|hue| shifted_hue(hue as u8, shift.hue)),
            saturation: std::array::from_fn(|level| match level {
                0 => 0,
                _ => shifted(level as u8, shift.saturation),
            }),
            value: std::array::from_fn(|level| shifted(level as u8, shift.value)),
        }
    }
}

fn shifted_hue(hue: u8, shift: f64) -> u8 {
    if shift == 0.0 { hue } else { (f64::from(hue) + shift).rem_euclid(180.0) as u8 }
}

fn shifted(level: u8, shift: f64) -> u8 {
    (i32::from(level)).saturating_add(shift as i32).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_rounded() {
        for numerator in [30, 255] {
            assert_eq!(quotient(numerator, 0), 0);
            for divisor in 1..256 {
                let rounded = ((numerator << SHIFT) * 2 + divisor) / (2 * divisor);
                assert_eq!(quotient(numerator, divisor), rounded, "{numerator} / {divisor}");
            }
        }
    }

    /// The way back by sixths, one after the other.
    fn rgb_by_sixths(hue: u8, saturation: u8, value: u8) -> [u8; 3] {
        let share = 1.0f32 / 255.0;
        let (s, v) = (f32::from(saturation) * share, f32::from(value) * share);
        let sixths = f32::from(hue) * (6.0f32 / 180.0);
        let falls = sixths - f32::from(sixths as u8);
        let rises = 1.0 - falls;
        let taken = match sixths as u8 {
            0 => [0.0, rises, 1.0],
            1 => [falls, 0.0, 1.0],
            2 => [1.0, 0.0, rises],
            3 => [1.0, falls, 0.0],
            4 => [rises, 1.0, 0.0],
            _ => [0.0, 1.0, falls],
        };
        taken.map(|taken| (v * (1.0 - s * taken) * 255.0) as u8)
    }

    #[test]
    fn all_sixths_together_are_each_by_itself() {
        for hue in 0..180 {
            for value in (0..=255).step_by(15) {
                let saturations: Plane = std::array::from_fn(|i| i as u8);
                let mut planes = [[hue; BLOCK], saturations, [value; BLOCK]];
                to_rgb(&mut planes);
                for (i, saturation) in saturations.into_iter().enumerate() {
                    let rgb = planes.map(|plane| plane[i]);
                    assert_eq!(rgb, rgb_by_sixths(hue, saturation, value), "{hue} {saturation} {value}");
                }
            }
        }
    }
}
