//! Buffers that ops use again from picture to picture, so that a loader thread allocates nothing in steady
//! state. One per thread; its contents mean nothing between calls.

/// Working memory of the ops.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// The picture as it was before the op, one word for each pixel.
    pub(super) lanes: Vec<u64>,
    /// The picture's values as they were before the op, or one channel of it.
    pub(super) bytes: Vec<u8>,
    /// Sums over columns.
    pub(super) sums: Vec<u16>,
    /// Tables of levels.
    pub(super) tables: Vec<[u8; 256]>,
}

impl Scratch {
    /// Empty buffers; they grow with the first pictures.
    pub fn new() -> Self {
        Scratch::default()
    }
}
