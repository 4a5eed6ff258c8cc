//! Paper and board.

use super::Shape;
use crate::dataset::generate::canvas::Polygon;
use crate::dataset::generate::colour::{blend, brown, grey, hsv, pale, vivid, white};
use crate::dataset::generate::materials::{board, paper, plastic};
use crate::dataset::generate::outline::{blob, dented, ellipse, moved, profile, rectangle, rounded};
use crate::dataset::generate::surface::{Bump, Form, Print, Surface};
use crate::seed::Draws;

/// A sheet with worn edges and perhaps a corner folded over.
fn leaf(draws: &mut Draws, half_width: f32, half_height: f32, wear: f32) -> Polygon {
    let mut line = rectangle(-half_width, -half_height, half_width, half_height);
    if draws.chance(0.4) {
        let cut = draws.range_f32(0.1, 0.25);
        line[2] = [half_width, half_height - cut];
        line.insert(3, [half_width - cut, half_height]);
    }
    dented(&line, 0.07, wear, 4.0, draws.next_u32())
}

/// A crumpled ball.
fn ball(draws: &mut Draws, surface: Surface) -> Shape {
    let outline = blob(draws, 12, 0.25, 0.85);
    let bump = Bump::Facets { size: draws.range_f32(0.13, 0.2), depth: 0.65 };
    Shape::new(0.3).part(outline, surface.bump(bump).dome(0.62, 0.55, 0.5))
}

/// Office paper, receipts, notes: white, with lines of words.
pub fn sheet(draws: &mut Draws) -> Shape {
    let base = white(draws);
    let skin = paper(base, draws);
    if draws.chance(0.3) {
        return ball(draws, skin);
    }
    let half_height = draws.range_f32(0.26, 0.42);
    let line = leaf(draws, 0.5, half_height, 0.025);
    let skin = if draws.chance(0.7) { skin.print(Print::Text { size: 0.065 }, grey(0.25)) } else { skin };
    Shape::new(0.04).part(line, skin)
}

/// A glossy page: pictures and columns.
pub fn magazine(draws: &mut Draws) -> Shape {
    let (base, ink) = (pale(draws), vivid(draws));
    let line = leaf(draws, 0.5, 0.37, 0.02);
    let page = Surface { gloss: 0.25, sharp: 3, ..paper(base, draws) };
    Shape::new(0.05)
        .part(moved(line.clone(), 0.02, 0.02), paper(white(draws), draws).dark(0.8))
        .part(line, page.print(Print::Patches { size: draws.range_f32(0.16, 0.26) }, ink))
        .part(rectangle(-0.006, -0.37, 0.006, 0.37), board(grey(0.3)))
}

/// A handkerchief: white, soft, crumpled.
pub fn tissue(draws: &mut Draws) -> Shape {
    let squash = draws.range_f32(0.6, 0.95);
    let outline = blob(draws, 11, 0.4, squash);
    let outline = dented(&outline, 0.05, 0.035, 6.0, draws.next_u32());
    let folds = Bump::Folds { size: draws.range_f32(0.2, 0.3), depth: 0.75 };
    let skin =
        board(white(draws)).bump(folds).form(Form::Dome { x: 0.0, y: 0.0, rx: 0.6, ry: 0.6, flat: 0.7 });
    Shape::new(0.14).part(outline, skin)
}

/// Gift paper: a pattern that repeats, torn edges.
pub fn wrapping(draws: &mut Draws) -> Shape {
    let (base, ink) = (vivid(draws), pale(draws));
    let print = if draws.chance(0.5) {
        Print::Dots { size: draws.range_f32(0.09, 0.15) }
    } else {
        Print::Stripes { size: draws.range_f32(0.1, 0.18), slant: 1.0 }
    };
    let half_height = draws.range_f32(0.25, 0.4);
    let line = leaf(draws, 0.5, half_height, 0.05);
    Shape::new(0.06).part(line, paper(base, draws).print(print, ink))
}

/// A carrier of brown or white paper; `coated`: shiny and printed.
pub fn bag(draws: &mut Draws, coated: bool) -> Shape {
    let base = if coated { vivid(draws) } else { blend(brown(draws), white(draws), draws.f32() * 0.4) };
    let mut skin = paper(base, draws);
    if coated {
        skin = Surface { gloss: 0.4, sharp: 3, ..skin };
    }
    if draws.chance(0.6) {
        skin = skin.print(Print::Badge { x: -0.05, y: 0.0, radius: 0.13 }, vivid(draws));
    }
    let half_height = draws.range_f32(0.28, 0.36);
    let line = leaf(draws, 0.5, half_height, 0.03);
    let mut shape = Shape::new(0.1).part(line, skin);
    // The folded bottom, and the side fold.
    shape = shape
        .part(rectangle(-0.5, -half_height, -0.34, half_height), skin.dark(0.8).print(Print::Plain, base));
    shape = shape.part(rectangle(-0.34, -0.008, 0.48, 0.008), skin.dark(0.65).print(Print::Plain, base));
    shape
}

/// A tube of brown board.
pub fn tube(draws: &mut Draws) -> Shape {
    let radius = draws.range_f32(0.2, 0.25);
    let skin = board(blend(brown(draws), grey(0.7), 0.35))
        .print(Print::Stripes { size: 0.9, slant: 0.9 }, brown(draws));
    Shape::new(0.25)
        .part(profile(&[(-0.5, radius), (0.44, radius)]), skin.tube(radius, 0.0))
        .part(ellipse(0.44, 0.0, 0.07, radius), skin.dark(1.1))
        .part(ellipse(0.445, 0.0, 0.055, radius * 0.85), skin.dark(0.3))
}

/// A folding box: two faces, printed.
pub fn carton(draws: &mut Draws) -> Shape {
    let high = draws.range_f32(0.2, 0.34);
    let base = if draws.chance(0.6) { brown(draws) } else { white(draws) };
    let ink = blend(vivid(draws), base, 0.35);
    let face = board(base).print(Print::Patches { size: draws.range_f32(0.2, 0.3) }, ink);
    let depth = draws.range_f32(0.06, 0.14);
    let side = vec![[-0.5, high - depth], [0.5, high - depth], [0.47, high], [-0.47, high]];
    let mut shape = Shape::new(0.18)
        .part(rectangle(-0.5, -high, 0.5, high - depth), face)
        .part(side, board(base).dark(0.55));
    if draws.chance(0.5) {
        let flap = vec![[0.36, -high], [0.5, -high + 0.04], [0.5, high - depth - 0.04], [0.36, high - depth]];
        shape = shape.part(flap, board(grey(0.75)));
    }
    shape
}

/// Moulded grey pulp with rows of hollows.
pub fn egg_carton(draws: &mut Draws) -> Shape {
    let pulp = blend(grey(draws.range_f32(0.5, 0.68)), brown(draws), 0.25);
    let rough = Bump::Grain { size: 0.02, depth: 0.4 };
    let skin = board(pulp).bump(rough);
    let mut shape = Shape::new(0.2).part(rounded(0.5, 0.22, 0.05), skin);
    for column in 0..5 {
        for row in 0..2 {
            let (x, y) = (column as f32 * 0.19 - 0.38, row as f32 * 0.2 - 0.1);
            let form = Form::Dome { x, y, rx: 0.1, ry: 0.1, flat: 0.1 };
            shape = shape.part(ellipse(x, y, 0.08, 0.085), skin.form(form));
        }
    }
    shape
}

/// Milk or juice: a coated box with a gable, bright, with a straw or a screw cap.
pub fn drink_carton(draws: &mut Draws) -> Shape {
    let high = draws.range_f32(0.2, 0.27);
    let coat = Surface { gloss: 0.35, sharp: 3, ..board(vivid(draws)) };
    let bent = Bump::Facets { size: 0.3, depth: 0.25 };
    let face = coat.print(Print::Patches { size: 0.24 }, white(draws)).bump(bent);
    let gable = vec![[0.3, -high], [0.44, -high * 0.75], [0.44, high * 0.75], [0.3, high]];
    let mut shape = Shape::new(0.2)
        .part(rectangle(-0.5, -high, 0.3, high * 0.55), face)
        .part(rectangle(-0.5, high * 0.55, 0.3, high), coat.dark(0.6))
        .part(gable, coat.dark(0.85))
        .part(rectangle(0.43, -high * 0.75, 0.5, high * 0.75), plastic(white(draws)));
    if draws.chance(0.5) {
        let cap = plastic(if draws.chance(0.5) { white(draws) } else { vivid(draws) });
        shape = shape.part(
            ellipse(0.37, 0.0, 0.06, 0.06),
            cap.form(Form::Dome { x: 0.37, y: 0.0, rx: 0.07, ry: 0.07, flat: 0.5 }),
        );
    }
    shape
}

/// Brown corrugated board with torn edges.
pub fn corrugated(draws: &mut Draws) -> Shape {
    let half_height = draws.range_f32(0.22, 0.42);
    let line = rectangle(-0.5, -half_height, 0.5, half_height);
    let torn = dented(&line, 0.04, draws.range_f32(0.02, 0.06), 6.0, draws.next_u32());
    let base = brown(draws);
    let skin = board(base).bump(Bump::Ribs { size: draws.range_f32(0.035, 0.055), depth: 0.22 });
    let skin = match draws.below(3) {
        0 => skin.print(Print::Text { size: 0.11 }, grey(0.15)),
        1 => skin.print(Print::Stains { size: 0.3, amount: 0.3 }, hsv(0.08, 0.55, 0.3)),
        _ => skin,
    };
    let fold = draws.range_f32(-0.2, 0.25);
    Shape::new(0.08)
        .part(torn, skin)
        .part(rectangle(fold, -half_height * 0.97, fold + 0.02, half_height * 0.97), skin.dark(0.55))
}

/// A tray or a folded box for a meal.
pub fn meal_carton(draws: &mut Draws) -> Shape {
    let high = draws.range_f32(0.32, 0.4);
    let base = if draws.chance(0.6) { white(draws) } else { brown(draws) };
    let skin = board(base);
    let grease = Print::Stains { size: 0.2, amount: draws.range_f32(0.15, 0.4) };
    let tray = |out: f32, inner: f32| {
        vec![
            [-out, -inner],
            [-inner, -out],
            [inner, -out],
            [out, -inner],
            [out, inner],
            [inner, out],
            [-inner, out],
            [-out, inner],
        ]
    };
    let scale = |line: Polygon| line.into_iter().map(|[x, y]| [x, y * high * 2.0]).collect::<Polygon>();
    Shape::new(0.16)
        .part(scale(tray(0.5, 0.42)), skin.print(Print::Stripes { size: 0.16, slant: 0.0 }, vivid(draws)))
        .part(scale(tray(0.36, 0.3)), skin.dark(0.75).print(grease, hsv(0.08, 0.75, 0.4)))
}

/// A flat square box of brown or white board.
pub fn pizza_box(draws: &mut Draws) -> Shape {
    let base = if draws.chance(0.5) { brown(draws) } else { white(draws) };
    let skin = board(base).bump(Bump::Ribs { size: 0.03, depth: 0.12 });
    let print = Print::Badge { x: 0.0, y: 0.0, radius: 0.26 };
    Shape::new(0.12)
        .part(rounded(0.5, 0.46, 0.02), skin.dark(0.7))
        .part(rounded(0.47, 0.43, 0.02), skin.print(print, hsv(draws.range_f32(-0.03, 0.05), 0.8, 0.7)))
}
