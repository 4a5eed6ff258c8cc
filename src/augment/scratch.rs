//! Buffers that ops use again from picture to picture, so that a loader thread allocates nothing in steady
//! state. One per thread; its contents mean nothing between calls.

use super::geometry::{lattice, smooth};
use super::quality::{Planes, Rows};

/// Working memory of the ops.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// The picture's values as they were before the op, or one channel of it.
    pub(super) bytes: Vec<u8>,
    /// The picture as it was before the op, one word for each pixel.
    pub(super) lanes: Vec<u64>,
    /// The picture with a border.
    pub(super) padded: Vec<u8>,
    /// Columns of values in order.
    pub(super) columns: Vec<u8>,
    /// Rows between the two passes of a sampler.
    pub(super) lattice: lattice::Rows,
    /// Displacements across and down.
    pub(super) fields: [Vec<f32>; 2],
    /// A field that is being smoothed.
    pub(super) passes: smooth::Passes,
    /// Sums over columns or along rows.
    pub(super) sums: Vec<u16>,
    /// Tables of levels.
    pub(super) tables: Vec<[u8; 256]>,
    /// A word for each pixel.
    pub(super) words: [Vec<u32>; 3],
    /// Rows between two passes of a blur.
    pub(super) rows: Rows,
    /// Channels of a picture that is compressed.
    pub(super) planes: Planes,
    /// The picture as it was before the op, as it is stored.
    pub(super) before: Vec<u8>,
    /// Pictures on the way to a mixture of several.
    pub(super) mixture: Mixture,
}

/// Working memory of mixtures.
#[derive(Clone, Debug, Default)]
pub(super) struct Mixture {
    /// One of the pictures.
    pub part: Vec<u8>,
    /// The weighted sum so far.
    pub sum: Vec<f32>,
}

impl Scratch {
    /// Empty buffers; they grow with the first pictures.
    pub fn new() -> Self {
        Scratch::default()
    }
}
