//! Buffers that ops use again from picture to picture, so that a loader thread allocates nothing in steady
//! state. One per thread; its contents mean nothing between calls.

/// Working memory of the ops.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// The picture as it was before the op, one word for each pixel.
    pub(super) lanes: Vec<u64>,
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
