//! Small and long things: cigarettes, straws, rope, shards, pieces.

use super::Shape;
use crate::dataset::generate::canvas::Polygon;
use crate::dataset::generate::colour::{blend, brown, grey, hsv, vivid, white};
use crate::dataset::generate::materials::{self, board, clear_plastic, foam, paper, plastic, rough};
use crate::dataset::generate::outline::{
    blob, dented, ellipse, hole, moved, profile, rectangle, ribbon, scaled, turned, wander,
};
use crate::dataset::generate::surface::{Bump, Form, Print, Surface};
use crate::seed::Draws;

/// A stub: white paper, orange or white filter, ash at the end, often bent or squashed.
pub fn cigarette(draws: &mut Draws) -> Shape {
    let radius = draws.range_f32(0.13, 0.18);
    let filter_end = draws.range_f32(0.0, 0.25);
    let seed = draws.next_u32();
    let bend = |line: Polygon| dented(&line, 0.08, 0.03, 3.0, seed);
    let white = board(white(draws)).tube(radius, 0.0);
    let cork = if draws.chance(0.8) {
        hsv(draws.range_f32(0.07, 0.095), 0.75, draws.range_f32(0.75, 0.9))
    } else {
        grey(0.85)
    };
    let filter = board(cork).print(Print::Dots { size: 0.05 }, hsv(0.11, 0.4, 0.85)).tube(radius, 0.0);
    let ash = rough(grey(draws.range_f32(0.1, 0.35)), draws);
    Shape::new(0.16)
        .part(bend(profile(&[(-0.5, radius), (0.44, radius)])), white)
        .part(bend(profile(&[(-0.5, radius), (filter_end, radius)])), filter)
        .part(bend(profile(&[(-0.5, radius * 0.9), (-0.46, radius * 0.9)])), board(hsv(0.1, 0.35, 0.75)))
        .part(bend(profile(&[(0.38, radius * 0.95), (0.5, radius * 0.7)])), ash)
}

/// A line that is straight or bent once.
fn straw_line(draws: &mut Draws) -> Vec<[f32; 2]> {
    if draws.chance(0.5) {
        return vec![[-0.5, 0.0], [0.0, draws.range_f32(-0.02, 0.02)], [0.5, 0.0]];
    }
    let lift = draws.range_f32(0.06, 0.2);
    vec![[-0.5, 0.0], [0.14, 0.0], [0.2, 0.01], [0.5, lift]]
}

/// A thin plastic tube, plain, striped or clear.
pub fn plastic_straw(draws: &mut Draws) -> Shape {
    let radius = draws.range_f32(0.016, 0.028);
    let line = straw_line(draws);
    let skin = match draws.below(4) {
        0 => Surface { opacity: 0.55, ..clear_plastic(draws) },
        1 => plastic(white(draws)).print(Print::Stripes { size: 0.05, slant: 1.5 }, vivid(draws)),
        _ => plastic(vivid(draws)),
    };
    let skin = Surface { gloss: 0.8, ..skin };
    let shape = Shape::new(0.05).part(ribbon(&line, radius), skin.dark(0.75));
    let lit: Vec<_> = line.iter().map(|p| [p[0], p[1] - radius * 0.3]).collect();
    shape.part(ribbon(&lit, radius * 0.55), skin)
}

/// A dull white tube with a spiral.
pub fn paper_straw(draws: &mut Draws) -> Shape {
    let radius = draws.range_f32(0.024, 0.032);
    let skin = board(white(draws)).print(Print::Stripes { size: 0.09, slant: 1.2 }, vivid(draws));
    Shape::new(0.05).part(profile(&[(-0.5, radius), (0.5, radius)]), skin.tube(radius * 1.4, 0.0))
}

/// Rope, string, fishing net line.
pub fn rope(draws: &mut Draws) -> Shape {
    let half = draws.range_f32(0.012, 0.03);
    let amplitude = draws.range_f32(0.15, 0.4);
    let line = wander(draws, 40, amplitude);
    let base = match draws.below(3) {
        0 => brown(draws),
        1 => white(draws),
        _ => hsv(draws.range_f32(0.35, 0.6), 0.6, 0.6),
    };
    let twisted =
        board(base).print(Print::Stripes { size: 0.045, slant: 1.0 }, blend(base, grey(0.05), 0.55));
    let mut shape = Shape::new(0.04).part(ribbon(&line, half), twisted);
    if draws.chance(0.5) {
        let turn = draws.range_f32(0.05, 0.2);
        let second = turned(ribbon(&wander(draws, 30, amplitude), half), turn);
        shape = shape.part(scaled(second, 0.7, 0.7), twisted);
    }
    shape
}

/// Fork, spoon or knife, white, clear or black.
pub fn utensil(draws: &mut Draws) -> Shape {
    let skin = match draws.below(4) {
        0 => Surface { opacity: 0.45, ..clear_plastic(draws) },
        1 => plastic(grey(0.1)),
        _ => plastic(white(draws)),
    };
    let handle = vec![[-0.5, -0.035], [0.14, -0.022], [0.14, 0.022], [-0.5, 0.035]];
    let ridge = ribbon(&[[-0.45, 0.0], [0.1, 0.0]], 0.009);
    let shape = Shape::new(0.06);
    let shape = match draws.below(3) {
        0 => {
            let bowl = ellipse(0.32, 0.0, 0.18, 0.1);
            let form = Form::Dome { x: 0.32, y: 0.0, rx: 0.2, ry: 0.11, flat: 0.4 };
            shape.part(handle, skin).part(bowl, skin.form(form))
        }
        1 => {
            let mut tines = vec![vec![
                [0.1, -0.03],
                [0.2, -0.085],
                [0.3, -0.085],
                [0.3, 0.085],
                [0.2, 0.085],
                [0.1, 0.03],
            ]];
            for tine in 0..4 {
                let y = tine as f32 * 0.046 - 0.069;
                tines.push(rectangle(0.28, y - 0.014, 0.5, y + 0.014));
            }
            shape.part(handle, skin).parts(tines, skin)
        }
        _ => {
            let blade = vec![[0.1, -0.03], [0.45, -0.055], [0.5, 0.0], [0.45, 0.03], [0.1, 0.03]];
            shape.part(handle, skin).part(blade, skin)
        }
    };
    shape.part(ridge, skin.dark(0.7))
}

/// Shards of a broken bottle: sharp, tinted, with bright edges.
pub fn shards(draws: &mut Draws) -> Shape {
    let (tint, opacity) = match draws.below(4) {
        0 | 1 => (hsv(0.41, 0.85, 0.5), 0.78),
        2 => (hsv(0.055, 0.95, 0.5), 0.8),
        _ => (hsv(0.48, 0.35, 0.75), 0.5),
    };
    let skin = materials::glass(tint, opacity);
    let mut shape = Shape::new(0.06);
    let n = 4 + draws.below(4);
    for _ in 0..n {
        let size = draws.range_f32(0.35, 0.65);
        let (dx, dy) = (draws.range_f32(-0.25, 0.25), draws.range_f32(-0.25, 0.25));
        let corners = 3 + draws.below(3) as usize;
        let line = turned(blob(draws, corners, 0.4, 0.8), draws.f32());
        let outer = moved(scaled(line.clone(), size, size), dx, dy);
        let inner = moved(scaled(line, size * 0.72, size * 0.72), dx + 0.008, dy + 0.008);
        let bump = Bump::Facets { size: 0.4, depth: 0.3 };
        let edge = Surface { opacity: 0.8, gloss: 0.4, ..skin };
        shape = shape.part(outer.clone(), Surface { base: blend(skin.base, [0.8; 3], 0.35), ..edge });
        shape =
            shape.part(inner, Surface { opacity: opacity + 0.2, gloss: 1.2, ..skin.bump(bump).dark(0.75) });
    }
    shape
}

/// A broken piece of hard plastic: even colour, straight edges.
pub fn fragment(draws: &mut Draws) -> Shape {
    let skin = plastic(vivid(draws));
    match draws.below(3) {
        0 => {
            let squash = draws.range_f32(0.4, 0.8);
            let corners = 4 + draws.below(3) as usize;
            let line = blob(draws, corners, 0.45, squash);
            let edge = scaled(line.clone(), 0.86, 0.86);
            Shape::new(0.1).part(line, skin.dark(0.6)).part(edge, skin)
        }
        1 => {
            let inner = draws.range_f32(0.3, 0.4);
            let outline = vec![ellipse(0.0, 0.0, 0.5, 0.46), hole(ellipse(0.0, 0.0, inner, inner * 0.92))];
            Shape::new(0.08).parts(outline, skin.bump(Bump::Rings { size: 0.2, depth: 0.6 }))
        }
        _ => {
            let radius = draws.range_f32(0.1, 0.2);
            let ribs = Bump::Ribs { size: draws.range_f32(0.1, 0.2), depth: 0.5 };
            Shape::new(0.15).part(
                profile(&[(-0.5, radius), (0.5, radius * 0.8)]),
                skin.tube(radius, -0.2 * radius).bump(ribs),
            )
        }
    }
}

/// A chunk of packing foam: white beads, rounded corners.
pub fn styrofoam(draws: &mut Draws) -> Shape {
    let squash = draws.range_f32(0.55, 0.95);
    let corners = 6 + draws.below(4) as usize;
    let line = blob(draws, corners, 0.35, squash);
    let line = dented(&line, 0.04, 0.03, 10.0, draws.next_u32());
    let skin = foam(draws);
    let side = moved(line.clone(), 0.03, 0.05);
    Shape::new(0.22).part(side, skin.dark(0.6)).part(line, skin.dome(0.75, 0.7, 0.7))
}

/// Peel, core or bread.
pub fn food(draws: &mut Draws) -> Shape {
    let base = match draws.below(3) {
        0 => hsv(0.14, 0.75, 0.75),
        1 => hsv(draws.range_f32(0.05, 0.1), 0.6, 0.5),
        _ => hsv(0.25, 0.5, 0.55),
    };
    let stains = Print::Stains { size: 0.25, amount: 0.4 };
    let skin = rough(base, draws).print(stains, hsv(0.08, 0.7, 0.25));
    if draws.chance(0.5) {
        let mut outlines = Vec::new();
        for arm in 0..3 {
            let turn = arm as f32 / 3.0 + draws.range_f32(-0.06, 0.06);
            let tip = draws.range_f32(0.4, 0.55);
            let line =
                vec![[-0.08, -0.09], [0.2, -0.11], [tip, -0.02], [tip, 0.02], [0.2, 0.08], [-0.08, 0.09]];
            outlines.push(turned(line, turn));
        }
        return Shape::new(0.1).parts(outlines, skin);
    }
    let squash = draws.range_f32(0.5, 0.9);
    Shape::new(0.25).part(blob(draws, 10, 0.3, squash), skin.dome(0.6, 0.5, 0.3))
}

/// A sole with a heel and an upper with laces.
pub fn shoe(draws: &mut Draws) -> Shape {
    let base = if draws.chance(0.5) { grey(draws.range_f32(0.1, 0.3)) } else { vivid(draws) };
    let line = vec![
        [-0.5, -0.12],
        [-0.4, -0.18],
        [-0.1, -0.14],
        [0.2, -0.2],
        [0.42, -0.17],
        [0.5, -0.02],
        [0.44, 0.13],
        [0.2, 0.18],
        [-0.1, 0.13],
        [-0.4, 0.17],
        [-0.5, 0.1],
    ];
    let sole = rough(if draws.chance(0.5) { white(draws) } else { grey(0.08) }, draws);
    let upper = rough(base, draws).dome(0.6, 0.25, 0.2);
    let mut shape = Shape::new(0.2)
        .part(line.clone(), sole)
        .part(scaled(line, 0.93, 0.84), upper)
        .part(ellipse(-0.26, 0.0, 0.16, 0.09), rough(grey(0.06), draws));
    for lace in 0..4 {
        let x = lace as f32 * 0.07 - 0.04;
        shape = shape.part(rectangle(x, -0.1, x + 0.022, 0.1), board(white(draws)));
    }
    shape
}

/// What nobody can name: a dark or faded scrap of cloth, rubber or pulp.
pub fn unlabeled(draws: &mut Draws) -> Shape {
    let base = match draws.below(4) {
        0 | 1 => grey(draws.range_f32(0.08, 0.22)),
        2 => hsv(draws.f32(), 0.2, draws.range_f32(0.15, 0.35)),
        _ => hsv(draws.range_f32(0.03, 0.12), 0.4, draws.range_f32(0.15, 0.35)),
    };
    let squash = draws.range_f32(0.35, 0.9);
    let line = blob(draws, 9, 0.5, squash);
    let line = dented(&line, 0.05, 0.05, 7.0, draws.next_u32());
    let skin = if draws.chance(0.75) { rough(base, draws) } else { paper(base, draws) };
    let stains = Print::Stains { size: 0.2, amount: draws.range_f32(0.1, 0.5) };
    Shape::new(0.12).part(line, skin.print(stains, grey(0.06)))
}
