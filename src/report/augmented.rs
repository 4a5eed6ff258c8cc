//! What the page is told of the ops: a few pictures, and what becomes of them.

use serde::Serialize;

use super::data::Picture;

/// What the ops of a study do to a few pictures of its training part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Augmented {
    /// The run's seed whose draws these are, of the first epoch and the first copy of each picture.
    pub seed: u64,
    /// The side of the square that the model sees, in pixels.
    pub model_side: u32,
    /// The side of a tile in pixels.
    pub side: u32,
    /// The pictures before any augmentation.
    pub pictures: Vec<Picture>,
    /// Each op that an arm applies, alone, at each of the levels that are tried.
    pub ops: Vec<Strip>,
    /// Arms of several ops, where the design has few arms.
    pub arms: Vec<Strip>,
    /// What is not shown.
    pub left_out: LeftOut,
}

/// What is not shown, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Arms of several ops, since there are too many of them.
    pub arms: usize,
    /// Pictures, so that tiles are not too many bytes.
    pub pictures: usize,
    /// Strips, for the same reason.
    pub strips: usize,
    /// What all tiles together may have, in bytes of JPEG.
    pub bytes: usize,
}

/// The same ops on each of the pictures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Strip {
    /// The op's name in the spec (with its level: `noise(std=0.02..0.05)`), or the arm's.
    pub name: String,
    /// What is done to a picture, in words.
    pub words: String,
    /// One for each picture.
    pub tiles: Vec<Tile>,
}

/// One picture after the ops of its strip.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tile {
    /// The drawn values (`angle=-12.3`); empty where the ops have none to draw.
    pub drawn: String,
    /// The JPEG file; `None` where no pixel changed.
    pub jpeg: Option<Vec<u8>>,
}
