//! Lays objects onto a ground, one over the other, and knows what is still to be seen of each.

use super::canvas::{Canvas, GROUND, Mask, Polygon};
use super::contour::{self, Contour};
use super::ground::{self, Cover};
use super::outline::circle_point;
use super::pose::Pose;
use super::shapes::{self, Shape};
use super::surface::{Light, Place};
use super::taco::CATEGORIES;
use crate::seed::Draws;

/// Places that are tried before an object is left out.
const N_TRIES: u32 = 10;
/// Corners within this many pixels of their neighbours' line are left out of an annotation.
const TOLERANCE: f32 = 0.8;
/// Specks with fewer square pixels are left out of an annotation.
const MIN_AREA: f32 = 6.0;

/// A picture that is being laid out.
pub struct Composition {
    /// What is painted so far.
    pub canvas: Canvas,
    light: Light,
    tilt: f32,
    /// Pixels of each object when it was laid down.
    whole: Vec<u32>,
    /// Pixels of each object that are uppermost now.
    left: Vec<u32>,
}

impl Composition {
    /// On a painted ground; `tilt` is how much a slanting view shortens the picture's y.
    pub fn new(canvas: Canvas, light: Light, tilt: f32) -> Self {
        Composition { canvas, light, tilt, whole: Vec::new(), left: Vec::new() }
    }

    /// Lays an object of the category somewhere where it hides no other too much; false where there is no room.
    pub fn place(&mut self, category_id: usize, draws: &mut Draws) -> bool {
        let shape = shapes::build(category_id, draws);
        let side = self.canvas.width.max(self.canvas.height) as f32;
        let spread = libm::expf((draws.normal() as f32 * 0.22).clamp(-0.5, 0.5));
        let scale = (CATEGORIES[category_id].extent * spread).clamp(0.24, 0.8) * side;
        for _ in 0..N_TRIES {
            let pose = self.pose(scale, draws);
            let Some(silhouette) = self.canvas.mask(&pose.outlines(&shape.outlines())) else { continue };
            if self.can_lose(&silhouette) {
                self.shade_ground(&shape, &pose);
                self.render(&shape, &pose, draws.next_u32());
                let n_taken = self.take(&silhouette, self.whole.len() as u16 + 1);
                self.whole.push(n_taken);
                self.left.push(n_taken);
                return true;
            }
        }
        false
    }

    /// Lets some blades or leaves lie over the objects.
    pub fn scatter(&mut self, cover: &Cover, draws: &mut Draws) {
        for _ in 0..draws.below(60) {
            let item = cover.item(&self.canvas, &self.light, draws);
            let Some(mask) = self.canvas.mask(std::slice::from_ref(&item.outline)) else { continue };
            if self.can_lose(&mask) {
                self.take(&mask, GROUND);
                ground::lay(&mut self.canvas, &item.outline, item.colour, 1.0);
            }
        }
    }

    /// The polygons of what is to be seen of the object that was laid down as number `idx`, from 0.
    pub fn visible(&self, idx: usize) -> Vec<Contour> {
        let canvas = &self.canvas;
        let inside = |x: usize, y: usize| usize::from(canvas.owner[y * canvas.width + x]) == idx + 1;
        contour::trace(canvas.width, canvas.height, &inside, TOLERANCE, MIN_AREA)
    }

    /// Anywhere, turned anyhow, mostly within the picture.
    fn pose(&self, scale: f32, draws: &mut Draws) -> Pose {
        let (width, height) = (self.canvas.width as f32, self.canvas.height as f32);
        let inset = (scale * 0.36).min(width.min(height) * 0.45);
        Pose {
            centre: [draws.range_f32(inset, width - inset), draws.range_f32(inset, height - inset)],
            scale,
            turn: circle_point(draws.f32()),
            flip: if draws.chance(0.5) { 1.0 } else { -1.0 },
            tilt: self.tilt,
        }
    }

    /// Whether every object stays recognisable, with 6 in 10 pixels uppermost, when those of `mask` are covered.
    fn can_lose(&self, mask: &Mask) -> bool {
        let mut left = self.left.clone();
        for (x, y, coverage) in mask.pixels() {
            let owner = self.canvas.owner[y * self.canvas.width + x];
            if coverage > 0.5 && owner != GROUND {
                left[usize::from(owner) - 1] -= 1;
            }
        }
        left.iter().zip(&self.whole).all(|(left, whole)| left * 10 >= whole * 6)
    }

    /// Gives the pixels of `mask` to `owner`; their number.
    fn take(&mut self, mask: &Mask, owner: u16) -> u32 {
        let mut n_taken = 0;
        for (x, y, _) in mask.pixels().filter(|(.., coverage)| *coverage > 0.5) {
            let pixel = &mut self.canvas.owner[y * self.canvas.width + x];
            if *pixel != GROUND {
                self.left[usize::from(*pixel) - 1] -= 1;
            }
            *pixel = owner;
            n_taken += 1;
        }
        n_taken
    }

    fn render(&mut self, shape: &Shape, pose: &Pose, seed: u32) {
        for part in &shape.parts {
            let Some(mask) = self.canvas.mask(&pose.outlines(&part.outline)) else { continue };
            for (x, y, coverage) in mask.pixels() {
                let [u, v] = pose.to_object(x as f32 + 0.5, y as f32 + 0.5);
                let place = Place { u, v, turn: pose.turn, flip: pose.flip, seed };
                let (colour, alpha) = part.surface.shade(&place, &self.light);
                self.canvas.lay(x, y, colour, alpha * coverage);
            }
        }
    }

    /// Darkens what lies below: a cast shadow away from the sun, and a soft one around the object.
    fn shade_ground(&mut self, shape: &Shape, pose: &Pose) {
        let opacity = shape.parts.iter().fold(0.0, |most: f32, part| most.max(part.surface.opacity));
        let Light { direction: [lx, ly, lz], ambient, sun } = self.light;
        let reach = shape.height * pose.scale * 0.55 / lz;
        let cast = sun / (sun + ambient) * (0.3 + 0.7 * opacity);
        let lines = pose.outlines(&shape.outlines());
        self.darken(&lines, [-lx * reach, -ly * reach], 0.012 * pose.scale + 0.1 * reach, cast * 0.85);
        self.darken(&lines, [0.0, 0.0], 0.03 * pose.scale + 1.0, 0.35 * opacity);
    }

    /// Takes light from what `lines`, moved by `offset` and blurred by `radius` pixels, enclose.
    fn darken(&mut self, lines: &[Polygon], offset: [f32; 2], radius: f32, strength: f32) {
        let shift = |line: &Polygon| line.iter().map(|[x, y]| [x + offset[0], y + offset[1]]).collect();
        let lines: Vec<Polygon> = lines.iter().map(shift).collect();
        let Some(mask) = self.canvas.mask(&lines) else { return };
        for (x, y, coverage) in mask.softened(radius, &self.canvas).pixels() {
            let at = y * self.canvas.width + x;
            let keep = 1.0 - strength * coverage;
            self.canvas.light[at] = self.canvas.light[at].map(|channel| channel * keep);
        }
    }
}
