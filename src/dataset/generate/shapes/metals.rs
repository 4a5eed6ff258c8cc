//! Cans, foil, crown caps, lids and other metal.

use super::Shape;
use crate::dataset::generate::canvas::Polygon;
use crate::dataset::generate::colour::{blend, grey, hsv, vivid, white};
use crate::dataset::generate::materials::{aluminium, board, clear_plastic, foil, metal, plastic, rust};
use crate::dataset::generate::outline::{
    blob, crimped, dented, ellipse, hole, profile, rectangle, rounded, turned,
};
use crate::dataset::generate::surface::{Bump, Form, Print, Surface};
use crate::seed::Draws;

/// Crumpled foil: a ball or a torn sheet.
pub fn foil_ball(draws: &mut Draws) -> Shape {
    let sheet = draws.chance(0.5);
    let squash = if sheet { draws.range_f32(0.5, 0.9) } else { draws.range_f32(0.7, 1.0) };
    let outline = blob(draws, 13, if sheet { 0.5 } else { 0.25 }, squash);
    let outline = dented(&outline, 0.06, 0.03, 7.0, draws.next_u32());
    let surface = foil(draws);
    let form = Form::Dome { x: 0.0, y: 0.0, rx: 0.6, ry: 0.6 * squash, flat: if sheet { 0.95 } else { 0.5 } };
    Shape::new(if sheet { 0.06 } else { 0.3 }).part(outline, surface.form(form))
}

/// A drink can: on its side, crushed, or from above.
pub fn drink_can(draws: &mut Draws) -> Shape {
    let bare = aluminium(draws);
    if draws.chance(0.15) {
        let tab = aluminium(draws);
        return Shape::new(0.5)
            .part(ellipse(0.0, 0.0, 0.5, 0.47), bare.dark(0.7).bump(Bump::Rings { size: 0.25, depth: 0.5 }))
            .part(ellipse(0.0, 0.0, 0.4, 0.38), bare.bump(Bump::Grain { size: 0.08, depth: 0.12 }))
            .part(ellipse(0.17, 0.0, 0.13, 0.09), plastic(grey(0.08)))
            .part(ellipse(-0.08, 0.0, 0.17, 0.1), tab.dark(0.8));
    }
    let body = draws.range_f32(0.23, 0.28);
    let crushed = draws.chance(0.5);
    let seed = draws.next_u32();
    let bend = |line: Polygon| if crushed { dented(&line, 0.05, 0.055, 4.0, seed) } else { line };
    let bump = if crushed { Bump::Facets { size: 0.16, depth: 0.55 } } else { Bump::None };
    let colour = if draws.chance(0.2) { grey(draws.range_f32(0.15, 0.9)) } else { vivid(draws) };
    let ink = if draws.chance(0.5) { white(draws) } else { vivid(draws) };
    let print = match draws.below(3) {
        0 => Print::Stripes { size: 0.4, slant: 0.8 },
        1 => Print::Badge { x: 0.0, y: draws.range_f32(-0.1, 0.1), radius: 0.17 },
        _ => Print::Patches { size: 0.2 },
    };
    let coat = Surface { metal: 0.5, ..metal(colour).print(print, ink) };
    let whole =
        profile(&[(-0.5, body * 0.8), (-0.42, body), (0.4, body), (0.47, body * 0.8), (0.5, body * 0.8)]);
    let (from, to) = (draws.range_f32(-0.44, -0.2), draws.range_f32(0.1, 0.4));
    let coated = profile(&[(from, body), (to, body)]);
    Shape::new(0.3)
        .part(bend(whole), bare.tube(body, 0.0).bump(bump))
        .part(bend(coated), coat.tube(body, 0.0).bump(bump))
}

/// A food can: short, ribbed, open, with or without its paper label.
pub fn food_can(draws: &mut Draws) -> Shape {
    let body = draws.range_f32(0.34, 0.42);
    let steel = if draws.chance(0.3) { rust(draws) } else { aluminium(draws) };
    let ribs = steel.tube(body, 0.0).bump(Bump::Ribs { size: 0.07, depth: 0.5 });
    let mut shape = Shape::new(0.4).part(profile(&[(-0.5, body), (0.4, body)]), ribs);
    if draws.chance(0.5) {
        let label = board(vivid(draws)).print(Print::Patches { size: 0.25 }, white(draws)).tube(body, 0.0);
        shape = shape.part(profile(&[(-0.4, body), (0.28, body)]), label);
    }
    let inside = steel.dark(0.35).bump(Bump::Rings { size: 0.09, depth: 0.5 });
    shape
        .part(ellipse(0.38, 0.0, 0.12, body), steel.dark(1.1))
        .part(ellipse(0.39, 0.0, 0.09, body * 0.88), inside)
}

/// A spray can: long, printed, with a cap and a nozzle.
pub fn aerosol(draws: &mut Draws) -> Shape {
    let body = draws.range_f32(0.12, 0.15);
    let coat = metal(vivid(draws)).print(Print::Patches { size: 0.18 }, white(draws)).tube(body, 0.0);
    let steel = aluminium(draws).tube(body, 0.0);
    let cap = plastic(vivid(draws)).tube(body * 0.8, 0.0);
    Shape::new(0.2)
        .part(profile(&[(-0.5, body * 0.95), (0.28, body), (0.36, body * 0.6)]), steel)
        .part(profile(&[(-0.47, body), (0.26, body)]), coat)
        .part(profile(&[(0.3, body * 0.8), (0.47, body * 0.75), (0.5, body * 0.5)]), cap)
}

/// A crown cap: crimped, printed or bare, sometimes from below.
pub fn crown_cap(draws: &mut Draws) -> Shape {
    let colour = if draws.chance(0.5) { vivid(draws) } else { hsv(0.12, 0.55, 0.8) };
    let skirt = metal(colour).bump(Bump::Grain { size: 0.06, depth: 0.5 });
    let shape = Shape::new(0.16).part(crimped(21, 0.055), skirt);
    if draws.chance(0.35) {
        let inside = metal(grey(0.6)).bump(Bump::Rings { size: 0.14, depth: 0.5 }).dark(0.6);
        return shape.part(ellipse(0.0, 0.0, 0.4, 0.4), inside);
    }
    let print = Print::Badge { x: 0.0, y: 0.0, radius: draws.range_f32(0.2, 0.34) };
    let ink = if draws.chance(0.5) { white(draws) } else { vivid(draws) };
    shape.part(ellipse(0.0, 0.0, 0.4, 0.4), metal(colour).print(print, ink).dome(0.5, 0.5, 0.6))
}

/// The ring that opens a can.
pub fn pop_tab(draws: &mut Draws) -> Shape {
    let skin = aluminium(draws).dome(0.6, 0.4, 0.4);
    let outer = dented(&rounded(0.5, 0.27, 0.26), 0.1, 0.02, 3.0, draws.next_u32());
    let ring = hole(turned(ellipse(0.16, 0.0, 0.2, 0.16), 0.0));
    let rivet = hole(ellipse(-0.26, 0.0, 0.1, 0.1));
    Shape::new(0.08).parts(vec![outer, ring, rivet], skin)
}

/// The lid of a tin or a jar.
pub fn lid(draws: &mut Draws) -> Shape {
    let skin = if draws.chance(0.4) { metal(vivid(draws)) } else { aluminium(draws) };
    let squash = draws.range_f32(0.8, 1.0);
    Shape::new(0.1).part(ellipse(0.0, 0.0, 0.5, 0.5 * squash), skin.dark(0.7)).part(
        ellipse(0.0, 0.0, 0.46, 0.46 * squash),
        skin.bump(Bump::Rings { size: draws.range_f32(0.12, 0.2), depth: 0.6 }),
    )
}

/// Bent and rusty sheet or pipe.
pub fn scrap(draws: &mut Draws) -> Shape {
    let skin = rust(draws);
    if draws.chance(0.4) {
        let radius = draws.range_f32(0.05, 0.09);
        return Shape::new(0.12).part(profile(&[(-0.5, radius), (0.5, radius)]), skin.tube(radius, 0.0));
    }
    let squash = draws.range_f32(0.35, 0.8);
    let outline = blob(draws, 7, 0.45, squash);
    let bump = Bump::Facets { size: 0.3, depth: 0.6 };
    Shape::new(0.1).part(outline, skin.bump(bump))
}

/// A pill sheet: foil from below, or clear bumps on foil or on printed card.
pub fn blister(draws: &mut Draws, carded: bool) -> Shape {
    let back = if carded {
        board(vivid(draws)).print(Print::Patches { size: 0.22 }, white(draws))
    } else {
        Surface { metal: 0.7, ..aluminium(draws) }.print(Print::Text { size: 0.05 }, grey(0.35))
    };
    let mut shape = Shape::new(0.1).part(rounded(0.5, 0.28, 0.04), back);
    let bubble = if carded { clear_plastic(draws) } else { aluminium(draws) };
    let pill = plastic(if draws.chance(0.5) { white(draws) } else { vivid(draws) });
    let (columns, rows) = if carded { (1, 1) } else { (5, 2) };
    for column in 0..columns {
        for row in 0..rows {
            let x = (column as f32 + 0.5) / columns as f32 * 0.9 - 0.45;
            let y = (row as f32 + 0.5) / rows as f32 * 0.5 - 0.25;
            let (rx, ry) = (0.36 / columns as f32, 0.19 / rows as f32);
            let form = Form::Dome { x, y, rx: rx * 1.1, ry: ry * 1.1, flat: 0.2 };
            let is_full = draws.chance(0.5);
            if is_full || carded {
                shape = shape.part(ellipse(x, y, rx * 0.7, ry * 0.7), pill.form(form));
            }
            let opacity = if is_full && !carded { 0.35 } else { bubble.opacity };
            shape = shape.part(ellipse(x, y, rx, ry), Surface { opacity, ..bubble.form(form) });
        }
    }
    shape
}

/// A round cell: a coloured coat, a metal pole.
pub fn battery(draws: &mut Draws) -> Shape {
    let radius = 0.14;
    let dark = grey(0.12);
    let coat =
        metal(blend(vivid(draws), dark, 0.2)).print(Print::Band { from: 0.12, to: 0.5 }, hsv(0.09, 0.8, 0.7));
    let steel = aluminium(draws);
    Shape::new(0.2)
        .part(profile(&[(-0.48, radius), (0.44, radius)]), coat.tube(radius, 0.0))
        .part(profile(&[(0.42, radius * 0.95), (0.455, radius * 0.95)]), steel.tube(radius, 0.0))
        .part(rectangle(0.45, -0.045, 0.5, 0.045), steel.tube(0.05, 0.0))
}
