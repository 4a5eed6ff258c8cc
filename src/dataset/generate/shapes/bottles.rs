//! Bottles, jars, tubes, and the caps of bottles.

use super::Shape;
use crate::dataset::generate::colour::{Rgb, blend, grey, hsv, vivid, white};
use crate::dataset::generate::materials::{self, clear_plastic, plastic};
use crate::dataset::generate::outline::{dented, ellipse, profile, rectangle};
use crate::dataset::generate::surface::{Bump, Form, Print, Surface};
use crate::seed::Draws;

/// A bottle's side view: a body of radius `body` from the left, a neck of radius `neck` from `shoulder` on.
fn side(body: f32, neck: f32, shoulder: f32, end: f32) -> Vec<(f32, f32)> {
    vec![
        (-0.5, body * 0.86),
        (-0.48, body),
        (shoulder - 0.16, body),
        (shoulder - 0.07, body * 0.55 + neck * 0.45),
        (shoulder, neck),
        (end, neck),
    ]
}

/// PET: clear, ribbed, often with a label, often crushed.
pub fn clear(draws: &mut Draws) -> Shape {
    let body = draws.range_f32(0.13, 0.18);
    let neck = body * 0.36;
    let wall = clear_plastic(draws);
    let crushed = draws.chance(0.45);
    let seed = draws.next_u32();
    let line = profile(&side(body, neck, 0.33, 0.43));
    let line = if crushed { dented(&line, 0.04, 0.035, 5.0, seed) } else { line };
    let mut shape = Shape::new(0.2);
    if draws.chance(0.3) {
        let drink = hsv(draws.range_f32(0.02, 0.14), 0.7, draws.range_f32(0.25, 0.6));
        let level = draws.range_f32(-0.35, 0.1);
        let inside = profile(&[(-0.48, body * 0.8), (-0.46, body * 0.92), (level, body * 0.92)]);
        shape = shape.part(inside, Surface { opacity: 0.75, ..plastic(drink).tube(body, 0.0) });
    }
    shape = shape.part(line, wall.tube(body, 0.0));
    let ribs = Surface { opacity: 0.1, rim: 0.4, ..wall }.tube(body, 0.0);
    let ribs = ribs.bump(Bump::Ribs { size: draws.range_f32(0.05, 0.09), depth: 0.6 });
    let ribbed = profile(&[(-0.44, body * 0.97), (0.1, body * 0.97)]);
    shape = shape.part(ribbed, ribs);
    if draws.chance(0.6) {
        let (from, to) = (draws.range_f32(-0.28, -0.16), draws.range_f32(0.0, 0.12));
        let label = plastic(vivid(draws)).print(Print::Patches { size: 0.14 }, white(draws));
        let bump = if crushed { Bump::Facets { size: 0.1, depth: 0.4 } } else { Bump::None };
        let label = Surface { opacity: 0.95, ..label.tube(body, 0.0).bump(bump) };
        shape = shape.part(profile(&[(from, body), (to, body)]), label);
    }
    if draws.chance(0.75) {
        let cap = plastic(vivid(draws)).tube(neck * 1.2, 0.0);
        let knurled = cap.bump(Bump::Ribs { size: 0.012, depth: 0.25 });
        shape = shape.part(profile(&[(0.41, neck * 1.2), (0.5, neck * 1.15)]), knurled);
    }
    shape
}

/// Detergent, shampoo, oil: opaque and coloured.
pub fn opaque(draws: &mut Draws) -> Shape {
    let body = draws.range_f32(0.16, 0.24);
    let neck = body * draws.range_f32(0.25, 0.45);
    let colour = vivid(draws);
    let wall = plastic(colour).tube(body, 0.0);
    let label = plastic(white(draws)).print(Print::Patches { size: 0.12 }, vivid(draws)).tube(body, 0.0);
    let cap = plastic(if draws.chance(0.5) { white(draws) } else { vivid(draws) }).tube(neck * 1.25, 0.0);
    Shape::new(0.22)
        .part(profile(&side(body, neck, 0.3, 0.36)), wall)
        .part(profile(&[(-0.36, body * 0.92), (-0.02, body * 0.92)]), label)
        .part(profile(&[(0.33, neck * 1.25), (0.5, neck * 1.1)]), cap)
}

fn tint(draws: &mut Draws) -> (Rgb, f32) {
    match draws.below(5) {
        0 | 1 => (hsv(0.41, 0.9, 0.42), 0.85),
        2 | 3 => (hsv(0.055, 0.95, 0.36), 0.85),
        _ => (hsv(0.48, 0.35, 0.7), 0.45),
    }
}

/// Beer or wine: a long neck, strong edges, small bright highlights.
pub fn glass(draws: &mut Draws) -> Shape {
    let body = draws.range_f32(0.14, 0.18);
    let neck = body * 0.4;
    let (tint, opacity) = tint(draws);
    let wall = materials::glass(tint, opacity);
    let shoulder = draws.range_f32(0.14, 0.24);
    let mut shape = Shape::new(0.2)
        .part(profile(&side(body, neck, shoulder, 0.5)), wall.tube(body, 0.0))
        .part(profile(&[(shoulder, neck), (0.5, neck * 0.9)]), wall.tube(neck, 0.0))
        .part(profile(&[(0.45, neck * 1.15), (0.5, neck * 1.15)]), wall.dark(0.7).tube(neck * 1.2, 0.0));
    if draws.chance(0.35) {
        let paper = materials::board(blend(white(draws), vivid(draws), 0.5));
        let label =
            paper.print(Print::Badge { x: -0.22, y: 0.0, radius: 0.08 }, vivid(draws)).tube(body, 0.0);
        shape = shape.part(profile(&[(-0.36, body * 0.98), (-0.08, body * 0.98)]), label);
    }
    let glint = Surface { opacity: 0.5, ..plastic(grey(1.0)) };
    shape.part(ellipse(-0.1, -body * 0.55, 0.26, body * 0.045), glint)
}

/// A wide glass with a metal or no lid.
pub fn jar(draws: &mut Draws) -> Shape {
    let body = draws.range_f32(0.28, 0.34);
    let wall = materials::glass(hsv(0.48, 0.35, 0.7), 0.45).tube(body, 0.0);
    let mut shape = Shape::new(0.3).part(
        profile(&[
            (-0.5, body * 0.85),
            (-0.46, body),
            (0.22, body),
            (0.34, body * 0.82),
            (0.46, body * 0.82),
        ]),
        wall,
    );
    if draws.chance(0.5) {
        let lid = materials::metal(vivid(draws)).tube(body * 0.88, 0.0);
        shape = shape.part(profile(&[(0.36, body * 0.88), (0.5, body * 0.88)]), lid);
    }
    let glint = Surface { opacity: 0.55, ..plastic(grey(1.0)) };
    shape.part(ellipse(-0.1, -body * 0.6, 0.27, body * 0.04), glint)
}

/// Toothpaste: flat at one end, a cap at the other.
pub fn squeezed_tube(draws: &mut Draws) -> Shape {
    let body = draws.range_f32(0.13, 0.17);
    let skin = plastic(white(draws)).print(Print::Patches { size: 0.13 }, vivid(draws)).tube(body, -0.05);
    let skin = skin.bump(Bump::Facets { size: 0.12, depth: 0.35 });
    let cap = plastic(vivid(draws)).tube(0.08, 0.0).bump(Bump::Ribs { size: 0.015, depth: 0.3 });
    Shape::new(0.1)
        .part(profile(&[(-0.5, body * 1.15), (-0.1, body), (0.28, body * 0.9), (0.36, 0.05)]), skin)
        .part(profile(&[(0.34, 0.085), (0.5, 0.075)]), cap)
}

/// A screw cap, from above or from the side.
pub fn plastic_cap(draws: &mut Draws) -> Shape {
    let skin = plastic(if draws.chance(0.25) { white(draws) } else { vivid(draws) });
    if draws.chance(0.3) {
        let knurled = skin.form(Form::Upright { x: 0.0, radius: 0.5 });
        let knurled = knurled.bump(Bump::Ribs { size: 0.07, depth: 0.5 });
        return Shape::new(0.35)
            .part(profile(&[(-0.5, 0.27), (0.5, 0.27)]), knurled)
            .part(rectangle(-0.5, 0.2, 0.5, 0.29), skin.dark(0.6));
    }
    let squash = draws.range_f32(0.75, 1.0);
    let rim = skin.bump(Bump::Grain { size: 0.05, depth: 0.35 }).dark(0.8);
    let shape = Shape::new(0.3).part(ellipse(0.0, 0.0, 0.5, 0.5 * squash), rim);
    if draws.chance(0.4) {
        // From below: a hollow with a rim.
        let hollow = skin.dark(0.45).bump(Bump::Rings { size: 0.13, depth: 0.4 });
        return shape.part(ellipse(0.0, 0.0, 0.4, 0.4 * squash), hollow);
    }
    let top = skin.dome(0.44, 0.44 * squash, 0.75);
    shape.part(ellipse(0.0, -0.02, 0.43, 0.43 * squash), top)
}
