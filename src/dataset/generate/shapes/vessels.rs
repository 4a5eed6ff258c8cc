//! Cups, lids and containers.

use super::Shape;
use crate::dataset::generate::canvas::Polygon;
use crate::dataset::generate::colour::{blend, brown, grey, hsv, pale, vivid, white};
use crate::dataset::generate::materials::{self, board, clear_plastic, foam, plastic};
use crate::dataset::generate::outline::{dented, ellipse, profile, rectangle, rounded, scaled};
use crate::dataset::generate::surface::{Bump, Print, Surface};
use crate::seed::Draws;

/// The wall of a lying cup: narrow at the left, its mouth at the right.
fn wall(bottom: f32, mouth: f32) -> Polygon {
    profile(&[(-0.5, bottom), (0.42, mouth)])
}

/// A lying cup: wall, rim and inside.
fn cup(bottom: f32, mouth: f32, skin: Surface, inside: Surface) -> Shape {
    let skin = skin.tube((bottom + mouth) * 0.5, (mouth - bottom) / 0.92);
    Shape::new(0.3)
        .part(wall(bottom, mouth), skin)
        .part(ellipse(0.4, 0.0, 0.1, mouth * 1.06), Surface { opacity: inside.opacity, ..skin.dark(1.1) })
        .part(ellipse(0.41, 0.0, 0.075, mouth * 0.93), inside)
}

/// Coffee to go: dull board, printed, white inside.
pub fn paper_cup(draws: &mut Draws) -> Shape {
    let mouth = draws.range_f32(0.3, 0.36);
    let colour = if draws.chance(0.5) { white(draws) } else { brown(draws) };
    let print = match draws.below(3) {
        0 => Print::Band { from: -0.25, to: 0.2 },
        1 => Print::Badge { x: -0.05, y: 0.0, radius: 0.14 },
        _ => Print::Text { size: 0.09 },
    };
    let skin = board(colour).print(print, blend(vivid(draws), colour, 0.3));
    let inside = board(white(draws)).dark(0.55);
    cup(mouth * draws.range_f32(0.62, 0.74), mouth, skin, inside)
}

/// Thin clear plastic with rings.
pub fn clear_cup(draws: &mut Draws) -> Shape {
    let mouth = draws.range_f32(0.3, 0.37);
    let clear = clear_plastic(draws);
    let ringed = clear.bump(Bump::Ribs { size: draws.range_f32(0.08, 0.14), depth: 0.7 });
    let inside = Surface { opacity: clear.opacity * 0.8, ..clear.dark(0.8) };
    let mut shape = cup(mouth * draws.range_f32(0.6, 0.72), mouth, ringed, inside);
    if draws.chance(0.4) {
        let seed = draws.next_u32();
        for part in &mut shape.parts {
            for line in &mut part.outline {
                *line = dented(line, 0.06, 0.06, 3.0, seed);
            }
            part.surface.bump = Bump::Facets { size: 0.14, depth: 0.6 };
        }
    }
    shape
}

/// White foam.
pub fn foam_cup(draws: &mut Draws) -> Shape {
    let mouth = draws.range_f32(0.32, 0.37);
    let skin = foam(draws);
    cup(mouth * 0.72, mouth, skin, skin.dark(0.6))
}

/// A drinking glass.
pub fn glass_cup(draws: &mut Draws) -> Shape {
    let mouth = draws.range_f32(0.28, 0.36);
    let skin = materials::glass(hsv(0.48, 0.35, 0.7), 0.42);
    let shape = cup(mouth * 0.85, mouth, skin, Surface { opacity: 0.2, ..skin.dark(0.7) });
    let glint = Surface { opacity: 0.6, ..plastic(grey(1.0)) };
    shape.part(ellipse(-0.08, -mouth * 0.55, 0.3, 0.014), glint)
}

/// Party cups: opaque and coloured, white inside.
pub fn coloured_cup(draws: &mut Draws) -> Shape {
    let mouth = draws.range_f32(0.3, 0.35);
    let skin = plastic(vivid(draws)).bump(Bump::Ribs { size: 0.15, depth: 0.35 });
    cup(mouth * 0.68, mouth, skin, plastic(white(draws)).dark(0.55))
}

/// The lid of a cup: a rim, a raised ring, a slot for the straw.
pub fn plastic_lid(draws: &mut Draws) -> Shape {
    let squash = draws.range_f32(0.75, 1.0);
    let disc = |r: f32| ellipse(0.0, 0.0, r, r * squash);
    let rings = Bump::Rings { size: draws.range_f32(0.14, 0.24), depth: 0.8 };
    let skin = match draws.below(3) {
        0 => Surface { opacity: 0.32, ..clear_plastic(draws) },
        1 => plastic(white(draws)),
        _ => plastic(if draws.chance(0.5) { grey(0.12) } else { vivid(draws) }),
    };
    let slot = plastic(grey(0.07));
    Shape::new(0.12)
        .part(disc(0.5), skin.dark(0.85))
        .part(disc(0.45), skin.bump(rings))
        .part(scaled(rectangle(-0.1, -0.025, 0.1, 0.025), 1.0, squash), slot)
}

/// Margarine: a deep tub from above, printed rim, something left inside.
pub fn tub(draws: &mut Draws) -> Shape {
    let high = draws.range_f32(0.33, 0.42);
    let skin = plastic(if draws.chance(0.5) { white(draws) } else { vivid(draws) });
    let shape = Shape::new(0.25).part(rounded(0.5, high, 0.16), skin.dark(0.9));
    if draws.chance(0.5) {
        let lid = skin.print(Print::Patches { size: 0.2 }, vivid(draws)).dome(0.6, 0.5, 0.8);
        return shape.part(rounded(0.45, high - 0.05, 0.13), lid);
    }
    let rest = hsv(0.13, 0.35, 0.85);
    let inside = skin.dark(0.6).print(Print::Stains { size: 0.2, amount: 0.35 }, rest);
    shape.part(rounded(0.44, high - 0.06, 0.12), inside)
}

/// A box with a coloured clip-on lid.
pub fn lunch_box(draws: &mut Draws) -> Shape {
    let high = draws.range_f32(0.3, 0.4);
    let lid = plastic(vivid(draws));
    let clear = Surface { opacity: 0.45, ..clear_plastic(draws) };
    Shape::new(0.25)
        .part(rounded(0.5, high, 0.08), lid)
        .part(rounded(0.42, high - 0.08, 0.06), clear)
        .part(rectangle(-0.5, -0.08, -0.44, 0.08), lid.dark(0.6))
        .part(rectangle(0.44, -0.08, 0.5, 0.08), lid.dark(0.6))
}

/// A clear clamshell, open or shut, with ribs.
pub fn food_container(draws: &mut Draws) -> Shape {
    let high = draws.range_f32(0.32, 0.4);
    let skin = if draws.chance(0.7) { clear_plastic(draws) } else { plastic(grey(0.1)) };
    let ribs = Bump::Ribs { size: draws.range_f32(0.06, 0.1), depth: 0.8 };
    Shape::new(0.2)
        .part(rounded(0.5, high, 0.07), skin.bump(Bump::None).dark(0.95))
        .part(rounded(0.42, high - 0.08, 0.05), skin.bump(ribs))
        .part(rectangle(-0.44, -0.02, 0.44, 0.02), skin.dark(0.8))
}

/// A white foam clamshell.
pub fn foam_container(draws: &mut Draws) -> Shape {
    let high = draws.range_f32(0.34, 0.44);
    let skin = foam(draws);
    let inner = skin.print(Print::Stains { size: 0.15, amount: 0.2 }, hsv(0.09, 0.7, 0.45));
    Shape::new(0.22)
        .part(rounded(0.5, high, 0.07), skin.dome(0.7, 0.6, 0.6))
        .part(rectangle(-0.03, -high, 0.03, high), skin.dark(0.7))
        .part(rounded(0.4, high - 0.1, 0.05), inner.dark(0.9))
}

/// A plain pot, as of yoghurt.
pub fn pot(draws: &mut Draws) -> Shape {
    let mouth = draws.range_f32(0.36, 0.44);
    let skin = plastic(pale(draws)).print(Print::Patches { size: 0.24 }, vivid(draws));
    cup(mouth * 0.75, mouth, skin, plastic(white(draws)).dark(0.6))
}
