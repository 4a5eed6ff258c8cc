//! Bags, films, wrappers and gloves.

use super::Shape;
use crate::dataset::generate::canvas::Polygon;
use crate::dataset::generate::colour::{blend, grey, hsv, pale, vivid, white};
use crate::dataset::generate::materials::{self, foil, plastic};
use crate::dataset::generate::outline::{
    blob, dented, ellipse, hole, moved, rectangle, ribbon, rounded, turned, zigzag,
};
use crate::dataset::generate::surface::{Bump, Print, Surface};
use crate::seed::Draws;

/// A ragged outline, as of something soft.
fn ragged(draws: &mut Draws, n: usize, jitter: f32, squash: f32) -> Polygon {
    let line = blob(draws, n, jitter, squash);
    dented(&line, 0.05, 0.05, 5.0, draws.next_u32())
}

/// A piece of film: ground below, folds and glints above.
pub fn film(draws: &mut Draws) -> Shape {
    let squash = draws.range_f32(0.4, 0.95);
    let base = match draws.below(4) {
        0 | 1 => hsv(draws.f32(), draws.range_f32(0.35, 0.7), 0.8),
        2 => pale(draws),
        _ => hsv(draws.range_f32(0.5, 0.62), 0.2, 0.9),
    };
    let opacity = draws.range_f32(0.35, 0.7);
    let skin = materials::film(base, opacity, draws);
    let n = 8 + draws.below(6) as usize;
    let line = ragged(draws, n, 0.55, squash);
    let skin = if draws.chance(0.25) { skin.print(Print::Text { size: 0.1 }, vivid(draws)) } else { skin };
    Shape::new(0.08).part(line, skin)
}

/// A bag for rubbish: dark, shiny, many folds.
pub fn garbage_bag(draws: &mut Draws) -> Shape {
    let base = match draws.below(4) {
        0 => hsv(0.6, 0.6, 0.35),
        1 => hsv(0.35, 0.4, 0.25),
        _ => grey(draws.range_f32(0.08, 0.16)),
    };
    let squash = draws.range_f32(0.65, 0.95);
    let skin = materials::film(base, 0.97, draws).bump(Bump::Folds { size: 0.22, depth: 1.4 });
    let skin = Surface { gloss: 0.7, sharp: 3, ..skin }.dome(0.65, 0.65, 0.5);
    Shape::new(0.25).part(ragged(draws, 12, 0.35, squash), skin)
}

/// A shopping bag with two handles, half see-through.
pub fn carrier_bag(draws: &mut Draws) -> Shape {
    let base = if draws.chance(0.65) { white(draws) } else { vivid(draws) };
    let opacity = draws.range_f32(0.6, 0.85);
    let skin = materials::film(base, opacity, draws);
    let skin = if draws.chance(0.5) {
        skin.print(Print::Badge { x: -0.1, y: 0.0, radius: 0.13 }, vivid(draws))
    } else {
        skin
    };
    let body = vec![
        [-0.5, -0.3],
        [0.15, -0.34],
        [0.5, -0.26],
        [0.5, -0.14],
        [0.2, -0.1],
        [0.2, 0.1],
        [0.5, 0.14],
        [0.5, 0.26],
        [0.15, 0.34],
        [-0.5, 0.3],
    ];
    let body = dented(&body, 0.06, 0.07, 3.5, draws.next_u32());
    Shape::new(0.1).part(body, skin)
}

/// A sack of woven tape.
pub fn woven_bag(draws: &mut Draws) -> Shape {
    let base = blend(white(draws), vivid(draws), 0.15);
    let line = dented(&rounded(0.5, 0.34, 0.05), 0.07, 0.05, 4.0, draws.next_u32());
    let skin = plastic(base).print(Print::Weave { size: 0.03 }, grey(0.45));
    let skin = skin.bump(Bump::Folds { size: 0.3, depth: 0.7 });
    Shape::new(0.12).part(line, skin)
}

/// Sweets, bars, ice cream: printed and shiny, with sealed ends.
pub fn wrapper(draws: &mut Draws) -> Shape {
    let half_height = draws.range_f32(0.13, 0.32);
    let line = zigzag(0.5, half_height, 7, 0.025);
    let line = dented(&line, 0.08, draws.range_f32(0.02, 0.06), 4.0, draws.next_u32());
    let size = draws.range_f32(0.1, 0.16);
    let skin = Surface { gloss: 0.9, sharp: 4, ..plastic(vivid(draws)) }
        .print(Print::Patches { size: draws.range_f32(0.16, 0.32) }, vivid(draws))
        .bump(Bump::Folds { size: size * 1.6, depth: 0.9 });
    let seal = skin.bump(Bump::Ribs { size: 0.02, depth: 0.5 }).print(Print::Plain, skin.base);
    let mut shape = Shape::new(0.08).part(line, skin);
    for x in [-0.47, 0.41] {
        shape = shape.part(rectangle(x, -half_height * 0.92, x + 0.06, half_height * 0.92), seal);
    }
    shape
}

/// Crisps: a puffed pillow, printed outside and silver inside.
pub fn crisp_packet(draws: &mut Draws) -> Shape {
    let half_height = draws.range_f32(0.32, 0.4);
    let line = zigzag(0.5, half_height, 9, 0.02);
    let line = dented(&line, 0.08, 0.045, 3.0, draws.next_u32());
    let skin = Surface { gloss: 0.9, sharp: 4, metal: 0.15, ..plastic(vivid(draws)) }
        .print(Print::Badge { x: 0.0, y: 0.0, radius: draws.range_f32(0.16, 0.24) }, vivid(draws))
        .bump(Bump::Folds { size: 0.26, depth: 0.9 })
        .dome(0.75, 0.6, 0.55);
    let silver = foil(draws);
    let mut shape = Shape::new(0.14).part(line, skin);
    if draws.chance(0.5) {
        shape = shape.part(
            ragged(draws, 8, 0.4, 1.4).into_iter().map(|[x, y]| [0.42 + x * 0.25, y * 0.4]).collect(),
            silver,
        );
    }
    shape
}

/// Six rings that held cans.
pub fn six_pack_rings(draws: &mut Draws) -> Shape {
    let skin = Surface { opacity: 0.5, ..plastic(white(draws)) };
    let mut outlines = Vec::new();
    for column in 0..3 {
        for row in 0..2 {
            let (x, y) = (column as f32 * 0.32 - 0.32, row as f32 * 0.32 - 0.16);
            outlines.push(ellipse(x, y, 0.18, 0.18));
            outlines.push(hole(ellipse(x, y, 0.14, 0.14)));
        }
    }
    let seed = draws.next_u32();
    let outlines = outlines.iter().map(|line| dented(line, 0.1, 0.04, 2.5, seed)).collect();
    Shape::new(0.04).parts(outlines, skin)
}

/// A thin glove: a palm and five fingers.
pub fn glove(draws: &mut Draws) -> Shape {
    let base = match draws.below(3) {
        0 => hsv(0.58, 0.5, 0.8),
        1 => hsv(0.14, 0.12, 0.9),
        _ => white(draws),
    };
    let skin = Surface { opacity: 0.85, ..materials::film(base, 0.85, draws) };
    let mut outlines =
        vec![vec![[-0.5, -0.16], [-0.1, -0.2], [0.1, -0.19], [0.1, 0.19], [-0.1, 0.2], [-0.5, 0.16]]];
    for finger in 0..4 {
        let y = finger as f32 * 0.105 - 0.157;
        let bend = draws.range_f32(-0.07, 0.07);
        let tip = [draws.range_f32(0.38, 0.5), y + bend];
        outlines.push(ribbon(&[[0.02, y], [0.24, y + bend * 0.4], tip], 0.045));
    }
    outlines.push(moved(turned(ribbon(&[[0.0, 0.0], [0.3, 0.0]], 0.05), 0.13), -0.12, 0.1));
    Shape::new(0.06).parts(outlines, skin)
}
