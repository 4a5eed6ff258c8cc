//! Decode, resize, and the pixel store.

pub mod image;
pub mod decode;
pub mod resize;
pub mod store;

pub use decode::{DecodeError, Probe, decode};
pub use image::RgbImage;
pub use store::{BadImage, Built, PixelStore, Source, StoreError};
