//! Questions to a network that is trained already, outside of any stage: see [`ablatrix::query`].
//!
//! ```text
//! serve     one question from standard input to its replies
//! paths     which pictures
//! lanes     threads that read, decode and run batches, in order
//! maps      where the network looks, for what it says
//! ```

mod lanes;
mod maps;
mod paths;
mod serve;

pub use serve::serve;
