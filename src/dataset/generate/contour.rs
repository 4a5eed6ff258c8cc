//! From a mask of pixels to polygons, as annotators draw them.

/// A polygon in pixels, clockwise as seen; coordinates are pixel corners.
pub type Contour = Vec<[i32; 2]>;

/// The outer borders of the pixels that `inside` says yes to, within `width` x `height`. Pixels that touch only at a
/// corner are apart; holes are left out, as COCO's polygons cannot have any. Corners closer than `tolerance`
/// pixels to the line between others are dropped; borders with less than `min_area` square pixels are.
pub fn trace(
    width: usize,
    height: usize,
    inside: &dyn Fn(usize, usize) -> bool,
    tolerance: f32,
    min_area: f32,
) -> Vec<Contour> {
    let is_in = |x: i32, y: i32| {
        x >= 0 && y >= 0 && (x as usize) < width && (y as usize) < height && inside(x as usize, y as usize)
    };
    let mut walked = vec![false; width * height];
    let mut contours = Vec::new();
    for y in 0..height as i32 {
        for x in 0..width as i32 {
            let is_top = is_in(x, y) && !is_in(x, y - 1);
            if !is_top || walked[y as usize * width + x as usize] {
                continue;
            }
            let border = walk(x, y, &is_in, &mut |x, y| walked[y as usize * width + x as usize] = true);
            // A hole is walked the other way round: its area is negative.
            if area(&border) < min_area {
                continue;
            }
            let contour = simplify(&border, tolerance);
            if contour.len() >= 3 && area(&contour) >= min_area {
                contours.push(contour);
            }
        }
    }
    contours
}

/// Enclosed area in square pixels, positive for a clockwise polygon.
pub fn area(contour: &[[i32; 2]]) -> f32 {
    let mut twice = 0i64;
    for (i, from) in contour.iter().enumerate() {
        let to = contour[(i + 1) % contour.len()];
        twice += i64::from(from[0]) * i64::from(to[1]) - i64::from(to[0]) * i64::from(from[1]);
    }
    twice as f32 * 0.5
}

/// Follows the border from the top edge of pixel (`x`, `y`), the inside on the right hand; gives its corners, and
/// tells `on_top_edge` of every pixel whose top edge it passes.
fn walk(x: i32, y: i32, is_in: &dyn Fn(i32, i32) -> bool, on_top_edge: &mut dyn FnMut(i32, i32)) -> Contour {
    let start = ([x, y], [1, 0]);
    let (mut at, mut heading) = start;
    let mut corners = Vec::new();
    loop {
        if heading == [1, 0] {
            on_top_edge(at[0], at[1]);
        }
        at = [at[0] + heading[0], at[1] + heading[1]];
        let right = [-heading[1], heading[0]];
        // The two pixels ahead of this corner; offsets are 0 or -1.
        let ahead = |side: i32| {
            let px = at[0] + (heading[0] + side * right[0] - 1) / 2;
            let py = at[1] + (heading[1] + side * right[1] - 1) / 2;
            is_in(px, py)
        };
        let next = if !ahead(1) {
            right
        } else if !ahead(-1) {
            heading
        } else {
            [-right[0], -right[1]]
        };
        if next != heading {
            corners.push(at);
        }
        heading = next;
        if (at, heading) == start {
            return corners;
        }
    }
}

/// Drops corners (Douglas and Peucker 1973), between two that are far apart and stay.
fn simplify(ring: &[[i32; 2]], tolerance: f32) -> Contour {
    let Some(first) = ring.first() else { return Vec::new() };
    let squared = |p: &[i32; 2]| {
        let (dx, dy) = (i64::from(p[0] - first[0]), i64::from(p[1] - first[1]));
        dx * dx + dy * dy
    };
    let far = (0..ring.len()).max_by_key(|&i| (squared(&ring[i]), i)).unwrap_or(0);
    let mut keep = vec![false; ring.len() + 1];
    (keep[0], keep[far]) = (true, true);
    let mut closed = ring.to_vec();
    closed.push(*first);
    mark(&closed, 0, far, tolerance, &mut keep);
    mark(&closed, far, ring.len(), tolerance, &mut keep);
    ring.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(point, _)| *point).collect()
}

fn mark(line: &[[i32; 2]], from: usize, to: usize, tolerance: f32, keep: &mut [bool]) {
    if to <= from + 1 {
        return;
    }
    let (a, b) = (line[from], line[to]);
    let (dx, dy) = ((b[0] - a[0]) as f32, (b[1] - a[1]) as f32);
    let length = (dx * dx + dy * dy).sqrt();
    let distance = |p: [i32; 2]| {
        let (px, py) = ((p[0] - a[0]) as f32, (p[1] - a[1]) as f32);
        if length > 0.0 { (px * dy - py * dx).abs() / length } else { (px * px + py * py).sqrt() }
    };
    let mut farthest = (from, tolerance);
    for (i, point) in line.iter().enumerate().take(to).skip(from + 1) {
        let d = distance(*point);
        if d > farthest.1 {
            farthest = (i, d);
        }
    }
    if farthest.0 != from {
        keep[farthest.0] = true;
        mark(line, from, farthest.0, tolerance, keep);
        mark(line, farthest.0, to, tolerance, keep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&str], tolerance: f32, min_area: f32) -> Vec<Contour> {
        let inside = |x: usize, y: usize| rows[y].as_bytes()[x] == b'#';
        trace(rows[0].len(), rows.len(), &inside, tolerance, min_area)
    }

    #[test]
    fn a_block_is_its_four_corners() {
        let contours = of(&["....", ".##.", ".##."], 0.5, 1.0);
        assert_eq!(contours.len(), 1);
        assert_eq!(area(&contours[0]), 4.0);
        let mut corners = contours[0].clone();
        corners.sort_unstable();
        assert_eq!(corners, [[1, 1], [1, 3], [3, 1], [3, 3]]);
    }

    #[test]
    fn holes_are_left_out_and_diagonals_are_apart() {
        let ring = of(&["###", "#.#", "###"], 0.5, 1.0);
        assert_eq!((ring.len(), area(&ring[0])), (1, 9.0));
        assert_eq!(of(&["#.", ".#"], 0.5, 1.0).len(), 2);
        assert_eq!(of(&["#.", ".#"], 0.5, 1.5).len(), 0);
    }

    #[test]
    fn steps_become_a_slope() {
        let contours = of(&["#...", "##..", "###.", "####"], 0.8, 1.0);
        assert!(contours[0].len() <= 5, "{contours:?}");
        assert!((area(&contours[0]) - 10.0).abs() <= 2.5);
    }
}
