//! Shifts hue, saturation and value in OpenCV's 8-bit HSV (hue in units of 2 degrees, 0 to 179).
//!
//! As albumentations 2.0.8's HueSaturationValue on OpenCV 4 and 5. The way to HSV and the shifts are equal to
//! it. The way back is computed in 32-bit floats and cut off to whole levels, as OpenCV's vector code does;
//! OpenCV itself rounds instead of cutting off in the last columns of a row (those that do not fill a
//! vector), and may fuse operations: one level of difference, in about three of 100,000 values elsewhere.

use std::fmt;

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
        let shifted = Tables::of(*self);
        for pixel in image.data.as_chunks_mut::<3>().0 {
            *pixel = shifted.rgb(hsv(*pixel));
        }
    }
}

impl fmt::Display for HsvShift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hue={:+.1} saturation={:+.1} value={:+.1}", self.hue, self.saturation, self.value)
    }
}

/// Fractional bits of the factors below.
const SHIFT: u32 = 12;

/// `255 / value` and `30 / range` in fixed point; 0 where the divisor is 0.
static SATURATION: [i32; 256] = reciprocals(255);
static HUE: [i32; 256] = reciprocals(30);

const fn reciprocals(numerator: i32) -> [i32; 256] {
    let mut table = [0; 256];
    let mut i = 1;
    while i < 256 {
        // Rounded; no tie occurs that would have to go to even.
        table[i as usize] = ((numerator << SHIFT) * 2 + i) / (2 * i);
        i += 1;
    }
    table
}

/// Hue (0 to 179), saturation and value of a pixel, as OpenCV's `RGB2HSV` gives them for 8 bits.
#[inline]
fn hsv([r, g, b]: [u8; 3]) -> [u8; 3] {
    let value = r.max(g).max(b);
    let range = i32::from(value - r.min(g).min(b));
    let half = 1 << (SHIFT - 1);
    let saturation = (range * SATURATION[usize::from(value)] + half) >> SHIFT;
    let (red, green, blue) = (i32::from(r), i32::from(g), i32::from(b));
    let sixth = if value == r {
        green - blue
    } else if value == g {
        blue - red + 2 * range
    } else {
        red - green + 4 * range
    };
    let hue = (sixth * HUE[range as usize] + half) >> SHIFT;
    let hue = if hue < 0 { hue + 180 } else { hue };
    [hue as u8, saturation as u8, value]
}

/// The shifts and the way back, by hue, saturation and value before the shift.
struct Tables {
    /// For red, green and blue: how much of the saturation is taken off the value, 0 to 1.
    taken: [[f32; 4]; 256],
    saturation: [f32; 256],
    value: [f32; 256],
}

impl Tables {
    fn of(shift: HsvShift) -> Self {
        let share = 1.0f32 / 255.0;
        let saturation = |level: u8| if level == 0 { 0 } else { shifted(level, shift.saturation) };
        Tables {
            taken: std::array::from_fn(|hue| taken(shifted_hue(hue as u8, shift.hue))),
            saturation: std::array::from_fn(|level| f32::from(saturation(level as u8)) * share),
            value: std::array::from_fn(|level| f32::from(shifted(level as u8, shift.value)) * share),
        }
    }

    #[inline]
    fn rgb(&self, [hue, saturation, value]: [u8; 3]) -> [u8; 3] {
        let (s, v) = (self.saturation[usize::from(saturation)], self.value[usize::from(value)]);
        let [r, g, b, _] = self.taken[usize::from(hue)].map(|k| (v * (1.0 - s * k) * 255.0) as u8);
        [r, g, b]
    }
}

/// The strongest channel keeps its value, the weakest loses all of the saturation's share, the third one part
/// of it, which falls or rises along each sixth of the circle. A fourth number fills the vector.
fn taken(hue: u8) -> [f32; 4] {
    let sixths = f32::from(hue) * (6.0f32 / 180.0);
    let sixth = sixths as u8;
    let falls = sixths - f32::from(sixth);
    let rises = 1.0 - falls;
    match sixth % 6 {
        0 => [0.0, rises, 1.0, 0.0],
        1 => [falls, 0.0, 1.0, 0.0],
        2 => [1.0, 0.0, rises, 0.0],
        3 => [1.0, falls, 0.0, 0.0],
        4 => [rises, 1.0, 0.0, 0.0],
        _ => [0.0, 1.0, falls, 0.0],
    }
}

fn shifted_hue(hue: u8, shift: f64) -> u8 {
    if shift == 0.0 { hue } else { (f64::from(hue) + shift).rem_euclid(180.0) as u8 }
}

fn shifted(level: u8, shift: f64) -> u8 {
    (i32::from(level)).saturating_add(shift as i32).clamp(0, 255) as u8
}
