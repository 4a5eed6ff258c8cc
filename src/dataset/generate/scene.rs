//! One picture: a ground, objects on it, light, and a camera; with what an annotator would draw.

use super::camera::Camera;
use super::canvas::Canvas;
use super::composition::Composition;
use super::contour::Contour;
use super::ground::{self, Cover};
use super::outline::circle_point;
use super::surface::Light;
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

    let mut composition = Composition::new(canvas, light, draws.range_f32(0.75, 1.0));
    let mut categories: Vec<usize> = Vec::new();
    for n in 0..count(&mut draws) {
        let category_id = match categories.last() {
            // What lies together is often of one kind.
            Some(&last) if draws.chance(0.2) => last,
            _ => weighted(&mut draws, CATEGORIES.iter().map(|category| category.count)),
        };
        if composition.place(category_id, &mut key.child("object").index(n).draws()) {
            categories.push(category_id);
        }
    }
    if let Some(cover) = cover.filter(Cover::lies_on_objects) {
        composition.scatter(&cover, &mut key.child("cover").draws());
    }
    let image = Camera::new(&mut key.child("camera").draws()).take(&composition.canvas, key);
    let objects = categories
        .iter()
        .enumerate()
        .map(|(idx, &category_id)| Object { category_id, polygons: composition.visible(idx) })
        .filter(|object| !object.polygons.is_empty())
        .collect();
    Picture { image, scene, objects }
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
