//! Questions to a network outside of any stage, most of them to one that is trained already: see [`ablatrix::query`].
//!
//! ```text
//! serve     one question from standard input to its replies
//! paths     which pictures
//! lanes     threads that read, decode and run batches, in order
//! maps      where the network looks, for what it says
//! fits      whether a file of weights fits a network
//! ```

mod fits;
mod lanes;
mod maps;
mod paths;
mod serve;

pub use fits::{fits, named};
pub use serve::serve;
