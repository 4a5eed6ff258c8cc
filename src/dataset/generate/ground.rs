//! The grounds that litter lies on: one look per scene, lit from the same side as the objects.

use super::canvas::{Canvas, Polygon};
use super::colour::{Rgb, blend, grey, hsv, scale};
use super::noise::{Field, cell, hash, octaves, step, unit};
use super::outline::{blob, circle_point, ellipse, moved, ribbon, scaled, turned};
use super::surface::Light;
use super::taco::Scene;
use crate::seed::Draws;

/// Something that lies about: grass, leaves, pebbles.
pub struct Item {
    /// In pixels.
    pub outline: Polygon,
    /// In linear light, already lit.
    pub colour: Rgb,
}

/// What lies about in a scene, and in which colours.
#[derive(Clone, Copy)]
pub struct Cover {
    kind: Kind,
    tones: [Rgb; 2],
    /// Length of an item as a share of the picture's long side.
    size: f32,
    /// Items per picture.
    count: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Blade,
    Leaf,
    Pebble,
    Scrap,
}

/// An even ground: three tones, a relief, a grain.
struct Earth {
    tones: [Rgb; 3],
    period: [f32; 2],
    n_octaves: u32,
    relief: f32,
    grain: f32,
}

/// Paints the ground and returns what lies about, so that some of it can be laid over objects.
pub fn paint(canvas: &mut Canvas, scene: Scene, light: &Light, draws: &mut Draws) -> Option<Cover> {
    let side = canvas.width.max(canvas.height) as f32;
    let cover = match scene {
        Scene::Clean => {
            let tone = hsv(draws.f32(), draws.range_f32(0.0, 0.25), draws.range_f32(0.45, 0.85));
            even(tone, side, 0.2, 0.02).paint(canvas, light, draws);
            None
        }
        Scene::Indoor => {
            indoor(canvas, light, draws);
            None
        }
        Scene::Pavement => pavement(canvas, light, draws),
        Scene::Sand => Some(sand(canvas, light, draws)),
        Scene::Trash => {
            let tone = hsv(0.08, 0.3, 0.3);
            even(tone, side * 0.2, 3.0, 0.2).paint(canvas, light, draws);
            Some(Cover { kind: Kind::Scrap, tones: [grey(0.12), grey(0.6)], size: 0.06, count: 260 })
        }
        Scene::Vegetation => Some(vegetation(canvas, light, draws)),
        Scene::Water => {
            water(canvas, light, draws);
            None
        }
    };
    if let Some(cover) = cover {
        for _ in 0..cover.count {
            let item = cover.item(canvas, light, draws);
            lay(canvas, &shifted(&item.outline, light, side), [0.0; 3], 0.4);
            lay(canvas, &item.outline, item.colour, 1.0);
        }
    }
    cover
}

/// Fills an outline with one colour.
pub fn lay(canvas: &mut Canvas, outline: &Polygon, colour: Rgb, alpha: f32) {
    if let Some(mask) = canvas.mask(std::slice::from_ref(outline)) {
        for (x, y, coverage) in mask.pixels() {
            canvas.lay(x, y, colour, coverage * alpha);
        }
    }
}

/// Where an item's shadow falls.
fn shifted(outline: &Polygon, light: &Light, side: f32) -> Polygon {
    let reach = 0.006 * side;
    moved(outline.clone(), -light.direction[0] * reach, -light.direction[1] * reach)
}

impl Cover {
    /// One more item somewhere on the canvas.
    pub fn item(&self, canvas: &Canvas, light: &Light, draws: &mut Draws) -> Item {
        let side = canvas.width.max(canvas.height) as f32;
        let length = self.size * side * draws.range_f32(0.5, 1.4);
        let x = draws.range_f32(-0.02, 1.02) * canvas.width as f32;
        let y = draws.range_f32(-0.02, 1.02) * canvas.height as f32;
        let bent = draws.range_f32(-0.25, 0.25);
        let outline = match self.kind {
            Kind::Blade => {
                let mut line = ribbon(&[[-0.5, 0.0], [0.05, bent * 0.4], [0.5, bent]], 0.028);
                // Blades end in a point.
                line[2] = [0.5, bent];
                line[3] = [0.5, bent];
                line
            }
            Kind::Leaf => {
                let jag = blob(draws, 9, 0.3, 0.55);
                scaled(jag, 1.0, draws.range_f32(0.6, 1.2))
            }
            Kind::Pebble => scaled(ellipse(0.0, 0.0, 0.5, 0.5), 1.0, draws.range_f32(0.6, 1.0)),
            Kind::Scrap => blob(draws, 6, 0.5, 0.7),
        };
        let outline = moved(scaled(turned(outline, draws.f32()), length, length), x, y);
        let tone = blend(self.tones[0], self.tones[1], draws.f32());
        let lit = light.on_ground() * draws.range_f32(0.6, 1.2);
        Item { outline, colour: scale(tone, lit) }
    }

    /// Whether some of it may lie on top of objects.
    pub fn lies_on_objects(&self) -> bool {
        matches!(self.kind, Kind::Blade | Kind::Leaf)
    }
}

/// A ground around one tone.
fn even(tone: Rgb, period: f32, relief: f32, grain: f32) -> Earth {
    let tones = [scale(tone, 0.6), tone, scale(tone, 1.35)];
    Earth { tones, period: [period, period], n_octaves: 6, relief, grain }
}

impl Earth {
    fn paint(&self, canvas: &mut Canvas, light: &Light, draws: &mut Draws) {
        let (width, height) = (canvas.width, canvas.height);
        let field = Field::new(width, height, self.period, self.n_octaves, draws.next_u32());
        let grain_seed = draws.next_u32();
        for y in 0..height {
            for x in 0..width {
                let speck = unit(hash(x as i32, y as i32, grain_seed)) - 0.5;
                let t = field.at(x, y) * 1.1 + speck * self.grain * 2.0;
                let tone = three_tones(&self.tones, t);
                let [dx, dy] = field.slope(x, y);
                let lit = lean([dx * self.relief, dy * self.relief], light) * (1.0 + speck * self.grain);
                canvas.light[y * width + x] = scale(tone, lit);
            }
        }
    }
}

/// The first to the last tone as `t` goes from -1 to 1.
fn three_tones(tones: &[Rgb; 3], t: f32) -> Rgb {
    let t = t.clamp(-1.0, 1.0);
    if t < 0.0 { blend(tones[1], tones[0], -t) } else { blend(tones[1], tones[2], t) }
}

/// The light on a ground that leans by `slope`.
fn lean(slope: [f32; 2], light: &Light) -> f32 {
    let length = (slope[0] * slope[0] + slope[1] * slope[1] + 1.0).sqrt();
    let [lx, ly, lz] = light.direction;
    light.ambient + light.sun * ((slope[0] * lx + slope[1] * ly + lz) / length).max(0.0)
}

fn vegetation(canvas: &mut Canvas, light: &Light, draws: &mut Draws) -> Cover {
    let side = canvas.width.max(canvas.height) as f32;
    let green = |draws: &mut Draws| {
        hsv(draws.range_f32(0.2, 0.3), draws.range_f32(0.3, 0.5), draws.range_f32(0.35, 0.55))
    };
    let straw = |draws: &mut Draws| {
        hsv(draws.range_f32(0.09, 0.14), draws.range_f32(0.25, 0.5), draws.range_f32(0.5, 0.75))
    };
    let dead = |draws: &mut Draws| {
        hsv(draws.range_f32(0.05, 0.11), draws.range_f32(0.25, 0.45), draws.range_f32(0.3, 0.5))
    };
    let soil = hsv(draws.range_f32(0.07, 0.12), 0.4, draws.range_f32(0.2, 0.35));
    let kind = draws.below(4);
    let (tone, cover) = match kind {
        0 | 1 => {
            let tones = [scale(green(draws), 0.5), green(draws)];
            (
                blend(soil, tones[0], 0.7),
                Cover { kind: Kind::Blade, tones, size: draws.range_f32(0.06, 0.14), count: 700 },
            )
        }
        2 => {
            let tones =
                [straw(draws), if draws.chance(0.5) { green(draws) } else { scale(straw(draws), 0.5) }];
            (
                blend(soil, tones[0], 0.4),
                Cover { kind: Kind::Blade, tones, size: draws.range_f32(0.1, 0.22), count: 420 },
            )
        }
        _ => {
            let tones = [scale(dead(draws), 0.6), dead(draws)];
            (soil, Cover { kind: Kind::Leaf, tones, size: draws.range_f32(0.05, 0.12), count: 300 })
        }
    };
    even(tone, side * 0.16, 4.0, 0.25).paint(canvas, light, draws);
    cover
}

fn sand(canvas: &mut Canvas, light: &Light, draws: &mut Draws) -> Cover {
    let side = canvas.width.max(canvas.height) as f32;
    let is_beach = draws.chance(0.55);
    let tone = if is_beach {
        hsv(draws.range_f32(0.08, 0.12), draws.range_f32(0.15, 0.32), draws.range_f32(0.55, 0.72))
    } else {
        hsv(draws.range_f32(0.06, 0.11), draws.range_f32(0.2, 0.4), draws.range_f32(0.35, 0.55))
    };
    let relief = draws.range_f32(2.0, 5.0);
    let grain = draws.range_f32(0.12, 0.3);
    let period = side * draws.range_f32(0.12, 0.4);
    even(tone, period, relief, grain).paint(canvas, light, draws);
    let count = if is_beach { draws.below(30) as u32 } else { 40 + draws.below(200) as u32 };
    Cover {
        kind: Kind::Pebble,
        tones: [scale(tone, 0.45), blend(tone, grey(0.7), 0.6)],
        size: draws.range_f32(0.01, 0.035),
        count,
    }
}

fn pavement(canvas: &mut Canvas, light: &Light, draws: &mut Draws) -> Option<Cover> {
    let side = canvas.width.max(canvas.height) as f32;
    let value = draws.range_f32(0.25, 0.68);
    let tone = hsv(draws.range_f32(0.05, 0.65), draws.range_f32(0.0, 0.12), value);
    let grain = draws.range_f32(0.12, 0.4);
    even(tone, side * draws.range_f32(0.2, 0.7), 1.6, grain).paint(canvas, light, draws);
    let [cos, sin] = circle_point(draws.f32());
    let seed = draws.next_u32();
    let kind = draws.below(4);
    let size = side * draws.range_f32(0.16, 0.45);
    let stone = side * draws.range_f32(0.07, 0.13);
    let joint = 0.012 * side / size;
    let stripe = hsv(0.13, if draws.chance(0.5) { 0.7 } else { 0.05 }, 0.8);
    let (stripe_at, has_stripe) = (draws.range_f32(-0.3, 0.6) * side, draws.chance(0.2));
    for y in 0..canvas.height {
        for x in 0..canvas.width {
            let (u, v) = (x as f32 * cos - y as f32 * sin, x as f32 * sin + y as f32 * cos);
            let at = y * canvas.width + x;
            let factor = match kind {
                0 => {
                    // Slabs, the rows of which are shifted by a half.
                    let row = (v / size).floor();
                    let (du, dv) = (u / size + row * 0.5, v / size);
                    let (du, dv) = (du - du.floor(), dv - dv.floor());
                    let near = du.min(1.0 - du).min(dv.min(1.0 - dv));
                    0.4 + 0.6 * step(joint * 0.4, joint, near)
                }
                1 => {
                    let stone = cell(u / stone, v / stone, seed);
                    (0.75 + 0.4 * unit(stone.id)) * (0.35 + 0.65 * step(0.04, 0.2, stone.margin))
                }
                2 => 0.45 + 0.55 * step(0.004, 0.02, octaves(u / size, v / size, seed, 4).abs()),
                _ => 1.0,
            };
            canvas.light[at] = scale(canvas.light[at], factor);
            if has_stripe && v > stripe_at && v < stripe_at + 0.12 * side {
                let worn = step(-0.5, 0.1, octaves(u / 9.0, v / 9.0, seed ^ 1, 3));
                canvas.light[at] = blend(canvas.light[at], scale(stripe, light.on_ground()), 0.85 * worn);
            }
        }
    }
    draws.chance(0.35).then(|| {
        let tones = [hsv(0.08, 0.6, 0.3), hsv(0.12, 0.6, 0.6)];
        Cover { kind: Kind::Leaf, tones, size: 0.04, count: 4 + draws.below(16) as u32 }
    })
}

fn indoor(canvas: &mut Canvas, light: &Light, draws: &mut Draws) {
    let side = canvas.width.max(canvas.height) as f32;
    let size = side * draws.range_f32(0.12, 0.3);
    let [cos, sin] = circle_point(draws.f32());
    let seed = draws.next_u32();
    if draws.chance(0.5) {
        let wood = hsv(draws.range_f32(0.05, 0.1), draws.range_f32(0.35, 0.65), draws.range_f32(0.4, 0.75));
        for y in 0..canvas.height {
            for x in 0..canvas.width {
                let (u, v) = (x as f32 * cos - y as f32 * sin, x as f32 * sin + y as f32 * cos);
                let plank = (v / size).floor();
                let rest = v / size - plank;
                let id = unit(hash(plank as i32, 0, seed));
                let rings = octaves(u / side * 3.0 + id * 40.0, v / side * 60.0, seed, 3);
                let joint = step(0.01, 0.035, rest.min(1.0 - rest));
                let lit = light.on_ground() * (0.8 + 0.3 * id + 0.18 * rings) * (0.3 + 0.7 * joint);
                canvas.light[y * canvas.width + x] = scale(wood, lit);
            }
        }
        return;
    }
    let tones = [
        hsv(draws.f32(), draws.range_f32(0.0, 0.3), draws.range_f32(0.55, 0.85)),
        grey(draws.range_f32(0.3, 0.85)),
    ];
    even(tones[0], side * 0.5, 0.4, 0.04).paint(canvas, light, draws);
    for y in 0..canvas.height {
        for x in 0..canvas.width {
            let (u, v) = (x as f32 * cos - y as f32 * sin, x as f32 * sin + y as f32 * cos);
            let (iu, iv) = ((u / size).floor(), (v / size).floor());
            let (du, dv) = (u / size - iu, v / size - iv);
            let near = du.min(1.0 - du).min(dv.min(1.0 - dv));
            let at = y * canvas.width + x;
            let tile = if (iu as i32 + iv as i32) & 1 == 0 {
                canvas.light[at]
            } else {
                scale(tones[1], light.on_ground())
            };
            canvas.light[at] = scale(tile, 0.45 + 0.55 * step(0.01, 0.03, near));
        }
    }
}

fn water(canvas: &mut Canvas, light: &Light, draws: &mut Draws) {
    let side = canvas.width.max(canvas.height) as f32;
    let deep = hsv(draws.range_f32(0.4, 0.6), draws.range_f32(0.2, 0.4), draws.range_f32(0.25, 0.45));
    let sky = hsv(0.57, draws.range_f32(0.05, 0.3), draws.range_f32(0.6, 0.85));
    let stretch = draws.range_f32(2.0, 4.0);
    let period = side * draws.range_f32(0.05, 0.14);
    let field = Field::new(canvas.width, canvas.height, [period * stretch, period], 4, draws.next_u32());
    for y in 0..canvas.height {
        for x in 0..canvas.width {
            let [dx, dy] = field.slope(x, y);
            let wave = 0.5 + 0.5 * field.at(x, y) + dy * 3.0;
            let mirror = step(0.35, 1.0, wave) * 0.7;
            let glint = step(0.25, 0.4, dx * light.direction[0] * 4.0 + dy * light.direction[1] * 2.0);
            let body =
                blend(scale(deep, light.on_ground()), scale(sky, light.ambient + light.sun * 0.5), mirror);
            let glint = glint * light.sun * 0.7;
            canvas.light[y * canvas.width + x] = [body[0] + glint, body[1] + glint, body[2] + glint];
        }
    }
}
