//! What each augmentation does to pictures of the dataset, with the values that were drawn.
//!
//! Takes ops and a few pictures as the model sees them; gives strips of tiles, and contact sheets of them, rows of
//! which are pictures and columns ops. What is shown is what training would draw for the same seed, epoch and image.
//! Knows nothing of datasets, files or pages.

mod choice;
mod paint;
mod sheet;
mod strip;
mod text;

pub use choice::chosen;
pub use paint::png;
pub use sheet::{Row, Sheet, Tile};
pub use strip::{Shown, Strip, sheet};

use crate::pixels::RgbImage;

/// A picture that is shown.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Of the image; it keys the draws.
    pub image_id: i64,
    /// For people.
    pub name: String,
    /// As the model sees it before any augmentation.
    pub image: RgbImage,
    /// Boxes of objects in its pixels, [x, y, width, height]; they move with the pixels.
    pub boxes: Vec<[f64; 4]>,
}
