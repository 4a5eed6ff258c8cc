//! Surfaces: what a part of an object is made of, and how light shows it.
//!
//! One shader draws every material. Materials differ in how they are bent ([`Form`]), creased ([`Bump`]) and printed
//! ([`Print`]), how they mirror (`gloss`, `metal`) and how much shows through (`opacity`, `rim`), more than in their
//! colour: that is what tells a can from a cup in a photo.

use super::colour::{Rgb, blend, scale};
use super::noise::{self, cell, hash, octaves, unit, value};

/// The large shape of a part, in object lengths.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// Lies flat.
    Flat,
    /// Turns around a line along x at height `y`; the radius is `radius + taper * u`.
    Tube { y: f32, radius: f32, taper: f32 },
    /// Turns around a line along y at `x`.
    Upright { x: f32, radius: f32 },
    /// A flattened ball around (`x`, `y`); `flat` is 0 for a ball and near 1 for a plate.
    Dome { x: f32, y: f32, rx: f32, ry: f32, flat: f32 },
}

/// The small shape of a part: `size` in object lengths, `depth` as a slope.
#[derive(Clone, Copy, Debug)]
pub enum Bump {
    /// Smooth.
    None,
    /// Crumpled: flat facets with sharp edges.
    Facets { size: f32, depth: f32 },
    /// Soft folds.
    Folds { size: f32, depth: f32 },
    /// Beads or fibres.
    Grain { size: f32, depth: f32 },
    /// Parallel ribs across x.
    Ribs { size: f32, depth: f32 },
    /// Rings around the origin.
    Rings { size: f32, depth: f32 },
}

/// Where `ink` covers the base colour, in object lengths.
#[derive(Clone, Copy, Debug)]
pub enum Print {
    /// Nowhere.
    Plain,
    /// Between two positions along x.
    Band { from: f32, to: f32 },
    /// Stripes that are `slant` times as far along y as along x.
    Stripes { size: f32, slant: f32 },
    /// Lines of words along x.
    Text { size: f32 },
    /// Patches of several colours, as of a magazine or a wrapper.
    Patches { size: f32 },
    /// Round dots.
    Dots { size: f32 },
    /// Stains: the share that is covered goes from 0 to 1 with `amount`.
    Stains { size: f32, amount: f32 },
    /// A disc around (`x`, `y`) with a ring about it.
    Badge { x: f32, y: f32, radius: f32 },
    /// Threads over and under each other.
    Weave { size: f32 },
}

/// What a part is made of.
#[derive(Clone, Copy, Debug)]
pub struct Surface {
    /// Colour in linear light.
    pub base: Rgb,
    /// Colour of the print.
    pub ink: Rgb,
    /// Where the print is.
    pub print: Print,
    /// The large shape.
    pub form: Form,
    /// The small shape.
    pub bump: Bump,
    /// Strength of highlights.
    pub gloss: f32,
    /// Highlights shrink with it: the exponent is 2 to the power of `sharp`.
    pub sharp: u8,
    /// 0 for dull, 1 for a mirror.
    pub metal: f32,
    /// What hides the ground, 0 to 1.
    pub opacity: f32,
    /// How much more is hidden where the surface turns away, as in glass.
    pub rim: f32,
}

/// The light of a scene.
#[derive(Clone, Copy, Debug)]
pub struct Light {
    /// Towards the sun: x to the right, y down, z to the camera; of length 1.
    pub direction: [f32; 3],
    /// From the whole sky.
    pub ambient: f32,
    /// From the sun.
    pub sun: f32,
}

impl Light {
    /// What falls on a flat ground.
    pub fn on_ground(&self) -> f32 {
        self.ambient + self.sun * self.direction[2]
    }
}

/// A place on an object.
pub struct Place {
    /// In object lengths.
    pub u: f32,
    /// In object lengths.
    pub v: f32,
    /// Object to canvas: cosine and sine of the turn.
    pub turn: [f32; 2],
    /// -1 where the object is mirrored along y.
    pub flip: f32,
    /// Names the object's noises.
    pub seed: u32,
}

impl Surface {
    /// Colour and opacity of the place.
    pub fn shade(&self, place: &Place, light: &Light) -> (Rgb, f32) {
        let normal = self.normal(place);
        let [lx, ly, lz] = light.direction;
        let facing = (normal[0] * lx + normal[1] * ly + normal[2] * lz).max(0.0);
        let base = self.printed(place);
        let mut colour = scale(base, light.ambient + light.sun * facing);
        if self.metal > 0.0 {
            let mirrored = scale(base, reflection(normal, place.seed) * (light.ambient + light.sun));
            colour = blend(colour, mirrored, self.metal);
        }
        let highlight =
            self.gloss * light.sun * power_of_two(half_angle(normal, light.direction), self.sharp);
        for channel in &mut colour {
            *channel += highlight;
        }
        let away = 1.0 - normal[2];
        let alpha =
            self.opacity + (1.0 - self.opacity) * (self.rim * away * (2.0 - away) + highlight).min(1.0);
        (colour, alpha)
    }

    /// The normal on the canvas, of length 1.
    fn normal(&self, place: &Place) -> [f32; 3] {
        let form = self.form.slope(place.u, place.v);
        let bump = self.bump.slope(place.u, place.v, place.seed);
        let (du, dv) = (form[0] + bump[0], (form[1] + bump[1]) * place.flip);
        let [cos, sin] = place.turn;
        let (x, y) = (du * cos - dv * sin, du * sin + dv * cos);
        let length = (x * x + y * y + 1.0).sqrt();
        [x / length, y / length, 1.0 / length]
    }

    fn printed(&self, place: &Place) -> Rgb {
        let (u, v, seed) = (place.u, place.v, place.seed);
        let covered = match self.print {
            Print::Plain => return self.base,
            Print::Band { from, to } => f32::from(u > from && u < to),
            Print::Stripes { size, slant } => {
                let at = (u + slant * v) / size;
                f32::from(at - at.floor() < 0.5)
            }
            Print::Text { size } => words(u / size, v / size, seed),
            Print::Patches { size } => {
                let h = hash((u / size).floor() as i32, (v / (size * 0.6)).floor() as i32, seed);
                let tones =
                    [self.base, self.base, self.base, self.ink, self.ink, scale(self.ink, 0.35), [0.8; 3]];
                let tone = tones[(h >> 5) as usize % tones.len()];
                return blend(tone, self.base, 0.4 * words(u / size * 5.0, v / size * 5.0, h));
            }
            Print::Dots { size } => {
                let (x, y) = (u / size, v / size);
                let (dx, dy) = (x - x.floor() - 0.5, y - y.floor() - 0.5);
                f32::from(dx * dx + dy * dy < 0.09)
            }
            Print::Stains { size, amount } => {
                let n = 0.5 + 0.5 * octaves(u / size, v / size, seed ^ 0x51ed, 3);
                noise::step(1.0 - amount, 1.25 - amount, n)
            }
            Print::Badge { x, y, radius } => {
                let distance = ((u - x) * (u - x) + (v - y) * (v - y)).sqrt() / radius;
                f32::from(distance < 0.7 || (distance > 0.85 && distance < 1.0))
            }
            Print::Weave { size } => {
                let (x, y) = ((u / size).floor() as i32, (v / size).floor() as i32);
                if (x + y) & 1 == 0 { 0.35 } else { 0.0 }
            }
        };
        blend(self.base, self.ink, covered)
    }
}

impl Form {
    /// How the surface leans, as the normal's (x, y) where its z is 1.
    fn slope(&self, u: f32, v: f32) -> [f32; 2] {
        // An edge would lean for ever; 0.93 of the way to it is where a camera sees the last of it.
        let lean = |t: f32| {
            let t = t.clamp(-0.93, 0.93);
            t / (1.0 - t * t).sqrt()
        };
        match *self {
            Form::Flat => [0.0, 0.0],
            Form::Tube { y, radius, taper } => [0.0, lean((v - y) / (radius + taper * u).max(1e-3))],
            Form::Upright { x, radius } => [lean((u - x) / radius), 0.0],
            Form::Dome { x, y, rx, ry, flat } => {
                let (tx, ty) = ((u - x) / rx, (v - y) / ry);
                let rest = (1.0 - (tx * tx + ty * ty).min(0.9)).sqrt();
                let keep = 1.0 - flat;
                [tx / rest * keep, ty / rest * keep]
            }
        }
    }
}

impl Bump {
    fn slope(&self, u: f32, v: f32, seed: u32) -> [f32; 2] {
        match *self {
            Bump::None => [0.0, 0.0],
            Bump::Facets { size, depth } => {
                // Two layers, so that large facets carry small ones.
                let facet = |scale: f32, depth: f32, salt: u32| {
                    let id = cell(u / scale, v / scale, seed ^ salt).id;
                    let lean = |bits: u32| depth * (2.0 * unit(bits) - 1.0);
                    [lean(id.wrapping_mul(0x85eb_ca77)), lean(id.wrapping_mul(0xc2b2_ae3d))]
                };
                let (large, small) = (facet(size, depth, 0), facet(size * 0.45, depth * 0.6, 0x2545));
                [large[0] + small[0], large[1] + small[1]]
            }
            Bump::Folds { size, depth } => {
                let height = |x: f32, y: f32| {
                    let n = octaves(x / size, y / size, seed ^ 0x6c07, 3);
                    1.0 - n.abs()
                };
                const D: f32 = 0.01;
                let here = height(u, v);
                let gain = depth * size / D;
                [gain * (here - height(u + D, v)), gain * (here - height(u, v + D))]
            }
            Bump::Grain { size, depth } => {
                let n = |salt| value(u / size, v / size, seed ^ salt);
                [depth * n(0x11), depth * n(0x77)]
            }
            Bump::Ribs { size, depth } => [depth * wave(u / size), 0.0],
            Bump::Rings { size, depth } => {
                let radius = (u * u + v * v).sqrt().max(1e-4);
                let lean = depth * wave(radius / size);
                [lean * u / radius, lean * v / radius]
            }
        }
    }
}

/// A soft triangle wave of period 1, -1 to 1.
fn wave(x: f32) -> f32 {
    let t = x - x.floor();
    let triangle = 1.0 - 4.0 * (t - 0.5).abs();
    triangle * (1.5 - 0.5 * triangle * triangle)
}

/// 1 on ink, 0 between: rows of words whose lengths vary. One unit is a line.
fn words(u: f32, v: f32, seed: u32) -> f32 {
    let line = v.floor();
    let on_line = v - line < 0.55;
    let word = hash((u * 0.8).floor() as i32, line as i32, seed);
    let letters = hash((u * 4.0).floor() as i32, line as i32, seed ^ 0x1234);
    f32::from(on_line && !word.is_multiple_of(5) && !letters.is_multiple_of(4))
}

/// What a mirror shows: a bright sky, dark surroundings, and things between.
fn reflection(normal: [f32; 3], seed: u32) -> f32 {
    // The camera looks along -z: its ray leaves along 2 n.z n - z.
    let (x, y) = (2.0 * normal[2] * normal[0], 2.0 * normal[2] * normal[1]);
    let things = value(x * 2.6 + 7.0, y * 2.6 + 3.0, seed ^ 0x3f1d);
    let sky = noise::step(0.0, 0.3, things);
    0.06 + 1.2 * sky + 0.25 * noise::step(0.1, 0.5, -things)
}

/// Cosine between the normal and the middle of light and camera.
fn half_angle(normal: [f32; 3], light: [f32; 3]) -> f32 {
    let [x, y, z] = [light[0], light[1], light[2] + 1.0];
    let length = (x * x + y * y + z * z).sqrt();
    ((normal[0] * x + normal[1] * y + normal[2] * z) / length).max(0.0)
}

/// `x` to the power of 2^`n`.
fn power_of_two(x: f32, n: u8) -> f32 {
    (0..n).fold(x, |x, _| x * x)
}
