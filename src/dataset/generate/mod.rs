//! A dataset that behaves like TACO and needs no download: drawn litter scenes with masks, boxes and scenes.
//!
//! ```text
//! taco: what, how often -> scene: ground, then a composition of shapes, then camera -> folder: JPEG and COCO
//!                                        shape: outlines with surfaces, made of materials
//! ```
//!
//! Every number comes from a [`Key`](crate::seed::Key) and goes through integers, `+ - * /`, `sqrt` and the pure-Rust
//! `libm`, so that the files are the same on every machine and for every number of threads.

mod camera;
mod canvas;
mod coco_out;
mod colour;
mod composition;
mod contour;
mod folder;
mod ground;
mod materials;
mod noise;
mod outline;
mod pose;
mod scene;
mod shapes;
mod surface;
mod taco;

pub use folder::{GenerateError, Generated, generate, is_there};

#[cfg(test)]
mod tests;
