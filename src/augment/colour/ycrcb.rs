//! OpenCV's 8-bit YCrCb: luma, and how far red and blue lie from it. Equal to it both ways, in 14 fractional bits
//! (luma after ITU-R BT.601; 0.713, 0.564, 1.403, 0.714, 0.344 and 1.773).

use crate::augment::planes::{BLOCK, Plane};

const BITS: u32 = 14;

#[inline(always)]
fn descaled(value: i32) -> i32 {
    (value + (1 << (BITS - 1))) >> BITS
}

#[inline(always)]
fn luma_of(r: i32, g: i32, b: i32) -> i32 {
    descaled(4_899 * r + 9_617 * g + 1_868 * b)
}

/// Y of a block.
#[inline(always)]
pub fn luma([r, g, b]: &[Plane; 3]) -> Plane {
    let mut y = [0; BLOCK];
    for i in 0..BLOCK {
        y[i] = luma_of(r[i].into(), g[i].into(), b[i].into()) as u8;
    }
    y
}

/// Red, green, blue to Y, Cr, Cb.
#[inline(always)]
pub fn to_ycrcb([first, second, third]: &mut [Plane; 3]) {
    for i in 0..BLOCK {
        let [r, g, b] = [first[i], second[i], third[i]].map(i32::from);
        let y = luma_of(r, g, b);
        first[i] = y as u8;
        second[i] = (descaled((r - y) * 11_682) + 128).clamp(0, 255) as u8;
        third[i] = (descaled((b - y) * 9_241) + 128).clamp(0, 255) as u8;
    }
}

/// Y, Cr, Cb to red, green, blue.
#[inline(always)]
pub fn from_ycrcb([first, second, third]: &mut [Plane; 3]) {
    for i in 0..BLOCK {
        let [y, cr, cb] = [first[i], second[i], third[i]].map(i32::from);
        let (cr, cb) = (cr - 128, cb - 128);
        first[i] = (y + descaled(cr * 22_987)).clamp(0, 255) as u8;
        second[i] = (y + descaled(cr * -11_698 + cb * -5_636)).clamp(0, 255) as u8;
        third[i] = (y + descaled(cb * 29_049)).clamp(0, 255) as u8;
    }
}
