//! One picture: a ground, objects on it, light, and a camera; with what an annotator would draw.

use super::camera::Camera;
use super::canvas::{Canvas, GROUND, Mask, Polygon};
use super::contour::{self, Contour};
use super::ground::{self, Cover};
use super::outline::circle_point;
use super::shapes::{self, Shape};
use super::surface::{Light, Place};
use super::taco::{CATEGORIES, Scene};
use crate::pixels::RgbImage;
use crate::seed::{Draws, Key};

/// A finished picture.
pub struct Picture {
    /// The pixels.
    pub image: RgbImage,
    /// Where it was taken.
    pub scene: Scene,
    /// In the order in which they were laid down.
    pub objects: Vec<Object>,
}

/// An annotated object.
pub struct Object {
    /// TACO's id.
    pub category_id: usize,
    /// The visible parts, in pixels.
    pub polygons: Vec<Contour>,
}

/// Draws the picture that `key` names, `side` pixels on its long side.
pub fn draw(key: Key, side: u32) -> Picture {
    let mut draws = key.child("scene").draws();
    let (width, height) = frame(side as f32, &mut draws);
    let scene = Scene::ALL[weighted(&mut draws, Scene::ALL.iter().map(|scene| scene.count()))];
    let light = light(&mut draws);
    let mut canvas = Canvas::new(width, height);
    let cover = ground::paint(&mut canvas, scene, &light, &mut key.child("ground").draws());

    let mut table = Table::default();
    let tilt = draws.range_f32(0.75, 1.0);
    let mut categories: Vec<usize> = Vec::new();
    for n in 0..count(&mut draws) {
        let category_id = match categories.last() {
            // What lies together is often of one kind.
            Some(&last) if draws.chance(0.2) => last,
            _ => weighted(&mut draws, CATEGORIES.iter().map(|category| category.count)),
        };
        let mut own = key.child("object").index(n).draws();
        if place(&mut canvas, &mut table, category_id, tilt, &light, &mut own) {
            categories.push(category_id);
        }
    }
    if let Some(cover) = cover.filter(Cover::lies_on_objects) {
        cover_some(&mut canvas, &mut table, &cover, &light, &mut key.child("cover").draws());
    }
    let image = Camera::new(&mut key.child("camera").draws()).take(&canvas, key);
    let objects = categories
        .iter()
        .enumerate()
        .map(|(idx, &category_id)| Object { category_id, polygons: visible(&canvas, idx as u16 + 1) })
        .filter(|object| !object.polygons.is_empty())
        .collect();
    Picture { image, scene, objects }
}

/// How much of each object is to be seen; object n stands at n - 1.
#[derive(Default)]
struct Table {
    /// Pixels when it was laid down.
    whole: Vec<u32>,
    /// Pixels that are uppermost now.
    left: Vec<u32>,
}

impl Table {
    /// Whether every object stays recognisable when the pixels of `mask` are covered.
    fn can_lose(&self, canvas: &Canvas, mask: &Mask) -> bool {
        let mut left = self.left.clone();
        for (x, y, coverage) in mask.pixels() {
            let owner = canvas.owner[y * canvas.width + x];
            if coverage > 0.5 && owner != GROUND {
                left[usize::from(owner) - 1] -= 1;
            }
        }
        left.iter().zip(&self.whole).all(|(left, whole)| left * 10 >= whole * 6)
    }

    /// Gives the pixels of `mask` to `owner`.
    fn take(&mut self, canvas: &mut Canvas, mask: &Mask, owner: u16) -> u32 {
        let mut n_taken = 0;
        for (x, y, coverage) in mask.pixels() {
            if coverage > 0.5 {
                let pixel = &mut canvas.owner[y * canvas.width + x];
                if *pixel != GROUND {
                    self.left[usize::from(*pixel) - 1] -= 1;
                }
                *pixel = owner;
                n_taken += 1;
            }
        }
        n_taken
    }
}

/// Mostly 3:4, upright or lying; sometimes long.
fn frame(side: f32, draws: &mut Draws) -> (usize, usize) {
    let ratio = if draws.chance(0.12) { 0.5625 } else { 0.75 };
    let short = (side * ratio).round() as usize;
    if draws.chance(0.65) { (short, side as usize) } else { (side as usize, short) }
}

/// An index with a probability in proportion to its weight.
fn weighted(draws: &mut Draws, weights: impl Iterator<Item = u32> + Clone) -> usize {
    let total: u64 = weights.clone().map(u64::from).sum();
    let mut at = draws.below(total);
    for (idx, weight) in weights.enumerate() {
        if at < u64::from(weight) {
            return idx;
        }
        at -= u64::from(weight);
    }
    0
}

/// Objects of a picture: often one, seldom many.
fn count(draws: &mut Draws) -> u64 {
    let mut n = 1;
    while n < 8 && draws.chance(0.36) {
        n += 1;
    }
    n
}

/// The sun somewhere above the horizon, or a cloudy sky.
fn light(draws: &mut Draws) -> Light {
    let [x, y] = circle_point(draws.f32());
    let z = draws.range_f32(0.45, 0.9);
    let level = (1.0 - z * z).sqrt();
    let sun = draws.range_f32(0.35, 1.0);
    Light { direction: [x * level, y * level, z], ambient: 1.05 - sun * 0.75, sun }
}

/// Where and how an object lies: object lengths to pixels.
struct Pose {
    centre: [f32; 2],
    scale: f32,
    turn: [f32; 2],
    flip: f32,
    tilt: f32,
}

impl Pose {
    fn to_canvas(&self, [u, v]: [f32; 2]) -> [f32; 2] {
        let [cos, sin] = self.turn;
        let v = v * self.flip;
        let (x, y) = (u * cos - v * sin, u * sin + v * cos);
        [self.centre[0] + x * self.scale, self.centre[1] + y * self.scale * self.tilt]
    }

    fn to_object(&self, x: f32, y: f32) -> [f32; 2] {
        let [cos, sin] = self.turn;
        let dx = (x - self.centre[0]) / self.scale;
        let dy = (y - self.centre[1]) / (self.scale * self.tilt);
        [dx * cos + dy * sin, (dy * cos - dx * sin) * self.flip]
    }

    fn outlines(&self, outlines: &[Polygon]) -> Vec<Polygon> {
        outlines.iter().map(|line| line.iter().map(|&point| self.to_canvas(point)).collect()).collect()
    }
}

/// Lays an object of the category somewhere where it hides no other too much; false where there is no room.
fn place(
    canvas: &mut Canvas,
    table: &mut Table,
    category_id: usize,
    tilt: f32,
    light: &Light,
    draws: &mut Draws,
) -> bool {
    let shape = shapes::build(category_id, draws);
    let side = canvas.width.max(canvas.height) as f32;
    let spread = libm::expf((draws.normal() as f32 * 0.22).clamp(-0.5, 0.5));
    let scale = (CATEGORIES[category_id].extent * spread).clamp(0.24, 0.8) * side;
    let all: Vec<Polygon> = shape.parts.iter().flat_map(|part| part.outline.iter().cloned()).collect();
    for _ in 0..10 {
        let inset = (scale * 0.36).min(canvas.width.min(canvas.height) as f32 * 0.45);
        let pose = Pose {
            centre: [
                draws.range_f32(inset, canvas.width as f32 - inset),
                draws.range_f32(inset, canvas.height as f32 - inset),
            ],
            scale,
            turn: circle_point(draws.f32()),
            flip: if draws.chance(0.5) { 1.0 } else { -1.0 },
            tilt,
        };
        let Some(silhouette) = canvas.mask(&pose.outlines(&all)) else { continue };
        if !table.can_lose(canvas, &silhouette) {
            continue;
        }
        shadow(canvas, &shape, &pose, &all, light);
        render(canvas, &shape, &pose, light, draws.next_u32());
        let n_taken = table.take(canvas, &silhouette, table.whole.len() as u16 + 1);
        table.whole.push(n_taken);
        table.left.push(n_taken);
        return true;
    }
    false
}

fn render(canvas: &mut Canvas, shape: &Shape, pose: &Pose, light: &Light, seed: u32) {
    for part in &shape.parts {
        let Some(mask) = canvas.mask(&pose.outlines(&part.outline)) else { continue };
        for (x, y, coverage) in mask.pixels() {
            let [u, v] = pose.to_object(x as f32 + 0.5, y as f32 + 0.5);
            let place = Place { u, v, turn: pose.turn, flip: pose.flip, seed };
            let (colour, alpha) = part.surface.shade(&place, light);
            canvas.lay(x, y, colour, alpha * coverage);
        }
    }
}

/// Darkens the ground: a cast shadow away from the sun, and a soft one below the object.
fn shadow(canvas: &mut Canvas, shape: &Shape, pose: &Pose, all: &[Polygon], light: &Light) {
    let opacity = shape.parts.iter().fold(0.0, |most: f32, part| most.max(part.surface.opacity));
    let [lx, ly, lz] = light.direction;
    let reach = shape.height * pose.scale * 0.55 / lz;
    let cast = light.sun / (light.sun + light.ambient) * (0.3 + 0.7 * opacity);
    let soft = 0.012 * pose.scale + 0.1 * reach;
    for (offset, radius, strength) in [
        ([-lx * reach, -ly * reach], soft, cast * 0.85),
        ([0.0, 0.0], 0.03 * pose.scale + 1.0, 0.35 * opacity),
    ] {
        let lines: Vec<Polygon> = pose.outlines(all);
        let lines: Vec<Polygon> = lines
            .into_iter()
            .map(|line| line.into_iter().map(|[x, y]| [x + offset[0], y + offset[1]]).collect())
            .collect();
        let Some(mask) = canvas.mask(&lines) else { continue };
        for (x, y, coverage) in mask.softened(radius, canvas).pixels() {
            let at = y * canvas.width + x;
            let keep = 1.0 - strength * coverage;
            canvas.light[at] = canvas.light[at].map(|channel| channel * keep);
        }
    }
}

/// Lets a few blades or leaves lie over the objects.
fn cover_some(canvas: &mut Canvas, table: &mut Table, cover: &Cover, light: &Light, draws: &mut Draws) {
    for _ in 0..draws.below(60) {
        let item = cover.item(canvas, light, draws);
        let Some(mask) = canvas.mask(std::slice::from_ref(&item.outline)) else { continue };
        if table.can_lose(canvas, &mask) {
            table.take(canvas, &mask, GROUND);
            ground::lay(canvas, &item.outline, item.colour, 1.0);
        }
    }
}

/// The polygons of object `owner`. Specks that cover cut off are left out.
fn visible(canvas: &Canvas, owner: u16) -> Vec<Contour> {
    let inside = |x: usize, y: usize| canvas.owner[y * canvas.width + x] == owner;
    contour::trace(canvas.width, canvas.height, &inside, 0.8, 6.0)
}
