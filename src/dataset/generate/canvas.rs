//! The picture while it is drawn: light per pixel, and whose each pixel is.

use super::colour::{Rgb, blend};

/// A closed line; its last point is joined to the first. Units are the user's: pixels on a canvas, object
/// lengths in a shape.
pub type Polygon = Vec<[f32; 2]>;

/// What a pixel of the ground belongs to; objects count from 1.
pub const GROUND: u16 = 0;

/// A picture in linear light.
pub struct Canvas {
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// [height, width].
    pub light: Vec<Rgb>,
    /// The object that is uppermost, [height, width].
    pub owner: Vec<u16>,
}

/// How much of each pixel of a rectangle is covered, 0 to 1.
pub struct Mask {
    /// Left column on the canvas.
    pub x: usize,
    /// Top row on the canvas.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Row by row.
    pub coverage: Vec<f32>,
}

impl Canvas {
    /// A black picture.
    pub fn new(width: usize, height: usize) -> Self {
        let n = width * height;
        Canvas { width, height, light: vec![[0.0; 3]; n], owner: vec![GROUND; n] }
    }

    /// Lays `colour` over the light of a pixel.
    #[inline]
    pub fn lay(&mut self, x: usize, y: usize, colour: Rgb, alpha: f32) {
        let at = y * self.width + x;
        self.light[at] = blend(self.light[at], colour, alpha);
    }

    /// The coverage of what `polygons` enclose, by the non-zero rule: a hole is a polygon that runs the other
    /// way round. `None` where nothing lies on the canvas.
    pub fn mask(&self, polygons: &[Polygon]) -> Option<Mask> {
        let points = || polygons.iter().flatten();
        let low = |axis: usize| points().fold(f32::MAX, |low, p| low.min(p[axis])).floor().max(0.0) as usize;
        let high = |axis: usize, size: usize| {
            points().fold(0.0, |high: f32, p| high.max(p[axis])).ceil().min(size as f32) as usize
        };
        let (x, y) = (low(0), low(1));
        let (x_end, y_end) = (high(0, self.width), high(1, self.height));
        if x >= x_end || y >= y_end {
            return None;
        }
        let width = x_end - x;
        let mut coverage = vec![0.0; width * (y_end - y)];
        let mut crossings = Vec::new();
        for (row_idx, row) in coverage.chunks_exact_mut(width).enumerate() {
            for line in 0..LINES {
                let y_line = (y + row_idx) as f32 + (line as f32 + 0.5) / LINES as f32;
                cross(polygons, y_line, &mut crossings);
                fill_line(row, x as f32, &crossings);
            }
        }
        Some(Mask { x, y, width, coverage })
    }
}

impl Mask {
    /// Blurred by about `radius` pixels, and so much larger, within the canvas: two passes of a box filter each way.
    pub fn softened(&self, radius: f32, canvas: &Canvas) -> Mask {
        let r = radius.round().max(1.0) as usize;
        let (x, y) = (self.x.saturating_sub(2 * r), self.y.saturating_sub(2 * r));
        let own_height = self.coverage.len() / self.width;
        let width = (self.x + self.width + 2 * r).min(canvas.width) - x;
        let height = (self.y + own_height + 2 * r).min(canvas.height) - y;
        let mut coverage = vec![0.0; width * height];
        for (row_idx, row) in self.coverage.chunks_exact(self.width).enumerate() {
            let start = (self.y - y + row_idx) * width + self.x - x;
            coverage[start..start + self.width].copy_from_slice(row);
        }
        for _ in 0..2 {
            for row in 0..height {
                box_filter(&mut coverage, row * width, 1, width, r);
            }
            for column in 0..width {
                box_filter(&mut coverage, column, width, height, r);
            }
        }
        Mask { x, y, width, coverage }
    }

    /// Every covered pixel as (x, y, coverage), by row.
    pub fn pixels(&self) -> impl Iterator<Item = (usize, usize, f32)> + '_ {
        self.coverage
            .iter()
            .enumerate()
            .filter(|(_, coverage)| **coverage > 0.0)
            .map(|(at, coverage)| (self.x + at % self.width, self.y + at / self.width, *coverage))
    }
}

/// Scan lines per row of pixels; along a line the coverage is exact.
const LINES: usize = 4;

/// Where the outlines cross the line at `y`, as (x, direction), from left to right.
fn cross(polygons: &[Polygon], y: f32, crossings: &mut Vec<(f32, i32)>) {
    crossings.clear();
    for polygon in polygons {
        let Some(&last) = polygon.last() else { continue };
        let mut from = last;
        for &to in polygon {
            if (from[1] <= y) != (to[1] <= y) {
                let x = from[0] + (y - from[1]) / (to[1] - from[1]) * (to[0] - from[0]);
                crossings.push((x, if from[1] < to[1] { 1 } else { -1 }));
            }
            from = to;
        }
    }
    crossings.sort_by(|a, b| a.0.total_cmp(&b.0));
}

fn fill_line(row: &mut [f32], x: f32, crossings: &[(f32, i32)]) {
    let mut winding = 0;
    for pair in crossings.windows(2) {
        winding += pair[0].1;
        if winding != 0 {
            let limit = row.len() as f32;
            let (from, to) = ((pair[0].0 - x).clamp(0.0, limit), (pair[1].0 - x).clamp(0.0, limit));
            fill_span(row, from, to);
        }
    }
}

/// Adds a line's share to the pixels from `from` to `to`, both within the row.
fn fill_span(row: &mut [f32], from: f32, to: f32) {
    const SHARE: f32 = 1.0 / LINES as f32;
    let (first, last) = (from.floor() as usize, to.floor() as usize);
    if first == last {
        if let Some(pixel) = row.get_mut(first) {
            *pixel += (to - from) * SHARE;
        }
        return;
    }
    row[first] += (first as f32 + 1.0 - from) * SHARE;
    for pixel in &mut row[first + 1..last] {
        *pixel += SHARE;
    }
    if let Some(pixel) = row.get_mut(last) {
        *pixel += (to - last as f32) * SHARE;
    }
}

/// Replaces each of `n` values, `stride` apart, by the mean over `r` neighbours on both sides; beyond the ends lies 0.
fn box_filter(values: &mut [f32], start: usize, stride: usize, n: usize, r: usize) {
    let line: Vec<f32> = (0..n).map(|i| values[start + i * stride]).collect();
    let share = 1.0 / (2 * r + 1) as f32;
    let mut sum: f32 = line.iter().take(r).sum();
    for i in 0..n {
        sum += line.get(i + r).copied().unwrap_or(0.0);
        if i > r {
            sum -= line[i - r - 1];
        }
        values[start + i * stride] = (sum * share).max(0.0);
    }
}
