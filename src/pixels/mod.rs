//! Decode, resize, the pixel store, a hash of what a picture looks like, and the pixels that objects take.

pub mod image;
pub mod decode;
pub mod hash;
pub mod normalise;
pub mod region;
pub mod resize;
pub mod store;

pub use decode::{DecodeError, Probe, decode};
pub use hash::PictureHash;
pub use image::RgbImage;
pub use normalise::normalise;
pub use region::Region;
pub use store::{BadImage, Built, PixelStore, Previous, Source, StoreError};
