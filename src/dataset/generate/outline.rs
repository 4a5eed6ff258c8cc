//! Outlines: the lines that shapes are made of, in object lengths.
//!
//! An object is about 1 long, along x, with its middle at the origin. Outlines run clockwise as seen (y points
//! down), so that those of one part may overlap; holes run the other way.

use super::canvas::Polygon;
use super::noise;
use crate::seed::Draws;

/// A point on the unit circle, `turn` in turns.
pub fn circle_point(turn: f32) -> [f32; 2] {
    let angle = turn * core::f32::consts::TAU;
    [libm::cosf(angle), libm::sinf(angle)]
}

/// An axis-parallel rectangle.
pub fn rectangle(x0: f32, y0: f32, x1: f32, y1: f32) -> Polygon {
    vec![[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
}

/// An ellipse.
pub fn ellipse(x: f32, y: f32, rx: f32, ry: f32) -> Polygon {
    let point = |i| {
        let [cos, sin] = circle_point(i as f32 / 28.0);
        [x + rx * cos, y + ry * sin]
    };
    (0..28).map(point).collect()
}

/// A rectangle around the origin whose corners are rounded by `radius`.
pub fn rounded(half_width: f32, half_height: f32, radius: f32) -> Polygon {
    let point = |i: usize| {
        let [cos, sin] = circle_point((i as f32 + 0.5) / 24.0);
        let corner = |half: f32, sign: f32| (half - radius) * if sign < 0.0 { -1.0 } else { 1.0 };
        [corner(half_width, cos) + radius * cos, corner(half_height, sin) + radius * sin]
    };
    (0..24).map(point).collect()
}

/// A star-like outline of `n` corners whose radius varies by `jitter` (0 to 1) around 0.5, `squash` times as high.
pub fn blob(draws: &mut Draws, n: usize, jitter: f32, squash: f32) -> Polygon {
    (0..n)
        .map(|i| {
            let turn = (i as f32 + draws.range_f32(-0.3, 0.3)) / n as f32;
            let radius = 0.5 * (1.0 - jitter * draws.f32());
            let [cos, sin] = circle_point(turn);
            [radius * cos, radius * sin * squash]
        })
        .collect()
}

/// What turns around the x axis, seen from the side: `profile` lists (x, radius) from left to right.
pub fn profile(profile: &[(f32, f32)]) -> Polygon {
    let upper = profile.iter().map(|&(x, radius)| [x, -radius]);
    let lower = profile.iter().rev().map(|&(x, radius)| [x, radius]);
    upper.chain(lower).collect()
}

/// A band of `half_width` along a line.
pub fn ribbon(line: &[[f32; 2]], half_width: f32) -> Polygon {
    let side = |sign: f32| {
        move |(i, point): (usize, &[f32; 2])| {
            let before = line[i.saturating_sub(1)];
            let after = line[(i + 1).min(line.len() - 1)];
            let (dx, dy) = (after[0] - before[0], after[1] - before[1]);
            let length = (dx * dx + dy * dy).sqrt().max(1e-6);
            let offset = sign * half_width / length;
            [point[0] - dy * offset, point[1] + dx * offset]
        }
    };
    let mut outline: Polygon = line.iter().enumerate().map(side(-1.0)).collect();
    outline.extend(line.iter().enumerate().map(side(1.0)).rev());
    outline
}

/// A line of `n` points that wanders from the left end to the right one by up to `amplitude`.
pub fn wander(draws: &mut Draws, n: usize, amplitude: f32) -> Vec<[f32; 2]> {
    let seed = draws.next_u32();
    let point = |i| {
        let t = i as f32 / (n - 1) as f32;
        [t - 0.5, amplitude * noise::octaves(t * 4.0, 0.5, seed, 2)]
    };
    (0..n).map(point).collect()
}

/// Turned the other way round: a hole.
pub fn hole(mut polygon: Polygon) -> Polygon {
    polygon.reverse();
    polygon
}

/// Moved by (`dx`, `dy`).
pub fn moved(mut polygon: Polygon, dx: f32, dy: f32) -> Polygon {
    for point in &mut polygon {
        *point = [point[0] + dx, point[1] + dy];
    }
    polygon
}

/// Stretched by (`sx`, `sy`).
pub fn scaled(mut polygon: Polygon, sx: f32, sy: f32) -> Polygon {
    for point in &mut polygon {
        *point = [point[0] * sx, point[1] * sy];
    }
    polygon
}

/// Turned by `turn` turns.
pub fn turned(mut polygon: Polygon, turn: f32) -> Polygon {
    let [cos, sin] = circle_point(turn);
    for point in &mut polygon {
        *point = [point[0] * cos - point[1] * sin, point[0] * sin + point[1] * cos];
    }
    polygon
}

/// With points at most `step` apart, each displaced by a noise of `frequency` and up to `amount`: dents.
pub fn dented(polygon: &[[f32; 2]], step: f32, amount: f32, frequency: f32, seed: u32) -> Polygon {
    let mut dented = Vec::with_capacity(polygon.len() * 2);
    for (i, from) in polygon.iter().enumerate() {
        let to = polygon[(i + 1) % polygon.len()];
        let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
        let n = ((dx * dx + dy * dy).sqrt() / step).ceil().clamp(1.0, 64.0) as usize;
        for k in 0..n {
            let t = k as f32 / n as f32;
            let (x, y) = (from[0] + dx * t, from[1] + dy * t);
            let (u, v) = (x * frequency, y * frequency);
            let push = |salt| amount * noise::octaves(u, v, seed ^ salt, 2);
            dented.push([x + push(0), y + push(0x5bd1_e995)]);
        }
    }
    dented
}

/// A rectangle around the origin with `n` teeth on its left and right edges, as of a sealed wrapper.
pub fn zigzag(half_width: f32, half_height: f32, n: usize, depth: f32) -> Polygon {
    let edge = |sign: f32| {
        (0..=2 * n).map(move |i| {
            let y = half_height * (i as f32 / n as f32 - 1.0);
            [sign * (half_width - if i % 2 == 0 { depth } else { 0.0 }), y * sign]
        })
    };
    edge(1.0).chain(edge(-1.0)).collect()
}

/// A disc of radius 0.5 with `n` teeth, as of a crown cap.
pub fn crimped(n: usize, depth: f32) -> Polygon {
    let point = |i: usize| {
        let [cos, sin] = circle_point(i as f32 / (4 * n) as f32);
        let radius = match i % 4 {
            0 => 0.5,
            2 => 0.5 - depth,
            _ => 0.5 - depth * 0.5,
        };
        [radius * cos, radius * sin]
    };
    (0..4 * n).map(point).collect()
}
