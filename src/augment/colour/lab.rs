//! OpenCV's 8-bit CIE L*a*b* (L scaled to 255, a and b moved by 128; sRGB, white point D65), in integers.
//!
//! L and the way back are equal to OpenCV's. Of a and b, over all colours, two values in 100,000 are one level away.

use std::sync::LazyLock;

use crate::augment::planes::{BLOCK, Plane};

/// Linear light of a level, in 1/2040.
type Linear = [u16; BLOCK];

static TABLES: LazyLock<LabTables> = LazyLock::new(LabTables::new);

/// The functions that no short integer formula gives.
pub struct LabTables {
    /// Level to linear light (sRGB) in 1/2040.
    linear: [u16; 256],
    /// Linear light in 1/2040, up to 2, to its cube root (near black: a line) in 1/32,768.
    root: [u16; 4096],
    /// L to Y and to its root, both in 1/16,384.
    light: [[u16; 2]; 256],
    /// Linear light in 1/4096 to a level.
    level: [u8; 4096],
}

impl LabTables {
    /// Computed once.
    pub fn get() -> &'static Self {
        &TABLES
    }

    /// In 32-bit floats as OpenCV has it, with powers in 64.
    fn new() -> Self {
        let rounded = |value: f32| value.round_ties_even() as u16;
        let share = |i: usize, of: f32| f64::from(i as f32 / of);
        LabTables {
            linear: std::array::from_fn(|i| rounded(2040.0 * linear(share(i, 255.0)) as f32)),
            // OpenCV's cube root lies a trifle below the true one: what comes to a half goes down.
            root: std::array::from_fn(|i| {
                (32_768.0 * root((1.0f32 / 2040.0) * i as f32) - 0.5).ceil() as u16
            }),
            light: std::array::from_fn(|i| light(i).map(rounded)),
            level: std::array::from_fn(|i| rounded(255.0 * gamma(share(i, 4096.0)) as f32) as u8),
        }
    }
}

/// IEC 61966-2-1, from 0..1 to 0..1.
fn linear(x: f64) -> f64 {
    if x <= 0.040_45 { x / 12.92 } else { libm::pow((x + 0.055) / 1.055, 2.4) }
}

fn gamma(x: f64) -> f64 {
    if x <= 0.003_130_8 { x * 12.92 } else { libm::pow(x, 1.0 / 2.4) * 1.055 - 0.055 }
}

/// CIE 15: the cube root, below (6/29)^3 a line.
fn root(x: f32) -> f32 {
    if x < 216.0 / 24_389.0 {
        let (slope, start) = (f64::from(841.0f32 / 108.0), f64::from(16.0f32 / 116.0));
        (f64::from(x) * slope + start) as f32
    } else {
        libm::cbrt(f64::from(x)) as f32
    }
}

/// Y and its root, times 16,384, for the level `l` of L.
fn light(l: usize) -> [f32; 2] {
    const ONE: f32 = 16_384.0;
    let level = l as f32;
    if l <= 20 {
        let y = level * (ONE * 180.0) / (17.0 * 29.0 * 29.0 * 29.0);
        [y, ONE * (16.0f32 / 116.0 + level * 5.0 / (3.0 * 17.0 * 29.0))]
    } else {
        let root = level * (100.0 * ONE) / (255.0 * 116.0) + 16.0 * ONE / 116.0;
        [root * root * root / (ONE * ONE), root]
    }
}

/// From linear red, green and blue to X, Y and Z relative to the white point, in 1/4096.
const TO_XYZ: [[i32; 3]; 3] = [[1777, 1541, 778], [871, 2929, 296], [73, 448, 3575]];

/// The way back.
const FROM_XYZ: [[i32; 3]; 3] = [[12_615, -6296, -2223], [-3773, 7684, 185], [217, -836, 4715]];

#[inline(always)]
fn descaled<const BITS: u32>(value: i32) -> i32 {
    (value + (1 << (BITS - 1))) >> BITS
}

/// L for the root of Y.
#[inline(always)]
fn lightness_of(root: u16) -> u8 {
    descaled::<15>(296 * i32::from(root) - ((16 * 255 * (1 << 15) + 50) / 100)) as u8
}

/// The roots of row `row` of [`TO_XYZ`].
#[inline(always)]
fn roots(tables: &LabTables, [r, g, b]: &[Linear; 3], row: usize) -> Linear {
    let [x, y, z] = TO_XYZ[row];
    let mut roots = [0; BLOCK];
    for i in 0..BLOCK {
        let sum = i32::from(r[i]) * x + i32::from(g[i]) * y + i32::from(b[i]) * z;
        roots[i] = descaled::<12>(sum) as u16;
    }
    for root in &mut roots {
        *root = tables.root[usize::from(*root & 4095)];
    }
    roots
}

#[inline(always)]
fn linear_plane(tables: &LabTables, plane: &Plane) -> Linear {
    let mut light = [0; BLOCK];
    for i in 0..BLOCK {
        light[i] = tables.linear[usize::from(plane[i])];
    }
    light
}

#[inline(always)]
fn linear_planes(tables: &LabTables, [r, g, b]: &[Plane; 3]) -> [Linear; 3] {
    [linear_plane(tables, r), linear_plane(tables, g), linear_plane(tables, b)]
}

/// Red, green, blue to L, a, b.
#[inline(always)]
pub fn to_lab(tables: &LabTables, planes: &mut [Plane; 3]) {
    let light = linear_planes(tables, planes);
    let (x, y, z) = (roots(tables, &light, 0), roots(tables, &light, 1), roots(tables, &light, 2));
    let [l, a, b] = planes;
    for i in 0..BLOCK {
        let (fx, fy, fz) = (i32::from(x[i]), i32::from(y[i]), i32::from(z[i]));
        l[i] = lightness_of(y[i]);
        a[i] = descaled::<15>(500 * (fx - fy) + (128 << 15)).clamp(0, 255) as u8;
        b[i] = descaled::<15>(200 * (fy - fz) + (128 << 15)).clamp(0, 255) as u8;
    }
}

/// L, a, b to red, green, blue.
#[inline(always)]
pub fn from_lab(tables: &LabTables, planes: &mut [Plane; 3]) {
    let [l, a, b] = planes;
    let (mut light, mut light_root) = ([0u16; BLOCK], [0u16; BLOCK]);
    for i in 0..BLOCK {
        [light[i], light_root[i]] = tables.light[usize::from(l[i])];
    }
    let (mut red, mut green, mut blue) = ([0u16; BLOCK], [0u16; BLOCK], [0u16; BLOCK]);
    for i in 0..BLOCK {
        let (y, root) = (i32::from(light[i]), i32::from(light_root[i]));
        // a / 500 and b / 200, in 1/16,384.
        let to_x = ((5 * i32::from(a[i]) * 53_687 + (1 << 7)) >> 13) - 4194;
        let to_z = ((i32::from(b[i]) * 41_943 + (1 << 4)) >> 9) - 10_484;
        let xyz = [cube(root + to_x), y, cube(root - to_z)];
        red[i] = light_of(FROM_XYZ[0], xyz);
        green[i] = light_of(FROM_XYZ[1], xyz);
        blue[i] = light_of(FROM_XYZ[2], xyz);
    }
    for (plane, light) in [(l, &red), (a, &green), (b, &blue)] {
        for i in 0..BLOCK {
            plane[i] = tables.level[usize::from(light[i] & 4095)];
        }
    }
}

/// Linear light of a channel in 1/4096, clipped.
#[inline(always)]
fn light_of([x, y, z]: [i32; 3], xyz: [i32; 3]) -> u16 {
    descaled::<14>(x * xyz[0] + y * xyz[1] + z * xyz[2]).clamp(0, 4095) as u16
}

/// Undoes the root, in 1/16,384; divisions cut off.
#[inline(always)]
fn cube(root: i32) -> i32 {
    let line = root * 108 / 841 - 290;
    let cube = (((root * root) >> 14) * root) >> 14;
    if root <= 3390 { line } else { cube }
}

/// L alone.
#[inline(always)]
pub fn lightness(tables: &LabTables, planes: &[Plane; 3]) -> Plane {
    let roots = roots(tables, &linear_planes(tables, planes), 1);
    let mut l = [0; BLOCK];
    for i in 0..BLOCK {
        l[i] = lightness_of(roots[i]);
    }
    l
}
