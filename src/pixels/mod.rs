//! Decode, resize, and the pixel store.

pub mod image;

pub use image::RgbImage;
