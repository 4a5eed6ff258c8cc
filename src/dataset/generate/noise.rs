//! Value noise, cells and fields: the raw stuff of textures.
//!
//! All of it is made with integer hashes, `+ - * /` and `sqrt`, so that the values are the same on every
//! machine. A noise is named by a seed, which is drawn from a [`Key`](crate::seed::Key).

/// Spreads a lattice point over 32 bits (finaliser of the kind that Wellons searched for, "Prospecting for
/// hash functions", 2018).
#[inline]
pub fn hash(x: i32, y: i32, seed: u32) -> u32 {
    let mut h = (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77) ^ seed;
    h = (h ^ (h >> 16)).wrapping_mul(0x7feb_352d);
    h = (h ^ (h >> 15)).wrapping_mul(0x846c_a68b);
    h ^ (h >> 16)
}

/// A hash as a number in 0 to 1.
#[inline]
pub fn unit(hash: u32) -> f32 {
    (hash >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// `t` in 0 to 1 with level ends.
#[inline]
pub fn smooth(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

/// 0 below `low`, 1 above `high`, smooth between.
#[inline]
pub fn step(low: f32, high: f32, x: f32) -> f32 {
    smooth(((x - low) / (high - low)).clamp(0.0, 1.0))
}

/// `a` to `b` as `t` goes from 0 to 1.
#[inline]
pub fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// Value noise in -1 to 1 with one lattice point per unit.
#[inline]
pub fn value(x: f32, y: f32, seed: u32) -> f32 {
    let (x_cell, y_cell) = (x.floor(), y.floor());
    let (tx, ty) = (smooth(x - x_cell), smooth(y - y_cell));
    let (ix, iy) = (x_cell as i32, y_cell as i32);
    let at = |dx, dy| unit(hash(ix.wrapping_add(dx), iy.wrapping_add(dy), seed));
    let top = mix(at(0, 0), at(1, 0), tx);
    let bottom = mix(at(0, 1), at(1, 1), tx);
    2.0 * mix(top, bottom, ty) - 1.0
}

/// Octaves of value noise, each of twice the frequency and half the size; roughly -1 to 1.
pub fn octaves(x: f32, y: f32, seed: u32, n: u32) -> f32 {
    let (mut sum, mut gain, mut frequency) = (0.0, 0.55, 1.0);
    for octave in 0..n {
        sum += gain * value(x * frequency, y * frequency, seed.wrapping_add(octave));
        gain *= 0.5;
        frequency *= 2.0;
    }
    sum
}

/// The cell that a point lies in.
pub struct Cell {
    /// Names the cell.
    pub id: u32,
    /// How much farther the second centre is than the nearest, in cells: 0 on the border.
    pub margin: f32,
}

/// The nearest of jittered centres, one per unit square (Worley, "A cellular texture basis function", 1996).
pub fn cell(x: f32, y: f32, seed: u32) -> Cell {
    let (x_cell, y_cell) = (x.floor(), y.floor());
    let (mut first, mut second, mut id) = (9.0f32, 9.0f32, 0);
    for dy in -1..=1 {
        for dx in -1..=1 {
            let h = hash((x_cell as i32).wrapping_add(dx), (y_cell as i32).wrapping_add(dy), seed);
            let cx = x_cell + dx as f32 + unit(h);
            let cy = y_cell + dy as f32 + unit(h.wrapping_mul(0x9e37_79b1));
            let squared = (cx - x) * (cx - x) + (cy - y) * (cy - y);
            if squared < first {
                second = first;
                first = squared;
                id = h;
            } else if squared < second {
                second = squared;
            }
        }
    }
    Cell { id, margin: second.sqrt() - first.sqrt() }
}

/// A noise over a whole picture, row by row.
pub struct Field {
    width: usize,
    values: Vec<f32>,
}

impl Field {
    /// Octaves of value noise, roughly -1 to 1, whose coarsest lattice has `period` = [x, y] pixels.
    pub fn new(width: usize, height: usize, period: [f32; 2], n_octaves: u32, seed: u32) -> Self {
        let mut values = vec![0.0; width * height];
        let (mut gain, mut period) = (0.55, period);
        for octave in 0..n_octaves {
            add_octave(&mut values, width, period, gain, seed.wrapping_add(octave));
            gain *= 0.55;
            period = [(period[0] * 0.5).max(1.0), (period[1] * 0.5).max(1.0)];
        }
        Field { width, values }
    }

    /// The value at a pixel.
    #[inline]
    pub fn at(&self, x: usize, y: usize) -> f32 {
        self.values[y * self.width + x]
    }

    /// How the value falls from left to right and from top to bottom; 0 on the last column and row.
    #[inline]
    pub fn slope(&self, x: usize, y: usize) -> [f32; 2] {
        let here = self.at(x, y);
        let right = if x + 1 < self.width { self.at(x + 1, y) } else { here };
        let below = self.values.get((y + 1) * self.width + x).copied().unwrap_or(here);
        [here - right, here - below]
    }
}

fn add_octave(values: &mut [f32], width: usize, period: [f32; 2], gain: f32, seed: u32) {
    let columns: Vec<(usize, f32)> = (0..width)
        .map(|x| {
            let at = x as f32 / period[0];
            (at.floor() as usize, smooth(at - at.floor()))
        })
        .collect();
    let n_points = columns.last().map_or(0, |last| last.0 + 2);
    let mut points = vec![0.0; n_points];
    for (y, row) in values.chunks_exact_mut(width).enumerate() {
        let at = y as f32 / period[1];
        let (iy, t) = (at.floor() as i32, smooth(at - at.floor()));
        for (ix, point) in points.iter_mut().enumerate() {
            let above = unit(hash(ix as i32, iy, seed));
            let below = unit(hash(ix as i32, iy + 1, seed));
            *point = gain * (2.0 * mix(above, below, t) - 1.0);
        }
        for (value, &(ix, t)) in row.iter_mut().zip(&columns) {
            *value += mix(points[ix], points[ix + 1], t);
        }
    }
}
