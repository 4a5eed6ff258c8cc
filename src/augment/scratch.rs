//! Buffers that ops use again from picture to picture, so that a loader thread allocates nothing in steady
//! state. One per thread; its contents mean nothing between calls.

use super::quality::{Planes, Rows};

/// Working memory of the ops.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// The picture as it was before the op, one word for each pixel.
    pub(super) lanes: Vec<u64>,
    /// The picture with a border.
    pub(super) padded: Vec<u8>,
    /// Columns of values in order.
    pub(super) columns: Vec<u8>,
    /// Running sums along rows.
    pub(super) sums: Vec<u16>,
    /// A word for each pixel.
    pub(super) words: [Vec<u32>; 3],
    /// Rows between two passes of a blur.
    pub(super) rows: Rows,
    /// Channels of a picture that is compressed.
    pub(super) planes: Planes,
}

impl Scratch {
    /// Empty buffers; they grow with the first pictures.
    pub fn new() -> Self {
        Scratch::default()
    }
}
