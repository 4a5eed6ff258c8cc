//! Seeded image operations, one family per file; policies.
//!
//! Takes 8-bit RGB pictures, the ops of `spec::ops` and a [`Key`](crate::seed::Key) per sample; changes the
//! pictures in place. The draws of an op come from its own name, so that they do not move when another op is
//! added or removed, and the pixels are the same, bit for bit, on every machine and thread count: integers,
//! tables, IEEE `+ - x /`, and `libm` for angles and logarithms; never the platform's mathematics, never fused
//! multiply-add. Knows nothing of files, tensors or training.
//!
//! Each op is two things: a small struct of drawn values (made from settings and draws), and a pure function
//! of pixels and these values: a [`Transform`]. Values and formulas are those of albumentations 2.0.8; where a result differs,
//! the op's file says so. The policies in `auto` are torchvision 0.26's.

pub mod auto;
pub mod batch;
pub mod boxes;
pub mod colour;
mod describe;
mod dirichlet;
mod draw;
pub mod geometry;
mod idle;
mod lookup;
pub mod mask;
pub mod noise;
mod planes;
pub mod policy;
pub mod quality;
pub mod scratch;
pub mod transform;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod properties;

pub use batch::{Layer, Mix};
pub use boxes::{BoundingBox, MovedBox};
pub use describe::describe;
pub use idle::notices;
pub use mask::Mask;
pub use policy::{Applied, Policy, sample_key};
pub use scratch::Scratch;
pub use transform::{Tables, Transform};
