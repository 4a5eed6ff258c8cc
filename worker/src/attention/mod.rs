//! Where a model looks: maps of a layer's activation, weighed by its gradients.
//!
//! ```text
//! explain   the stage: a model and the test images in, measures and maps out
//! cam       Grad-CAM and Grad-CAM++ of one activation
//! scale     maps to the side of the picture
//! curves    deletion and insertion
//! pairs     images and the labels that they have, batch by batch
//! ```

mod cam;
mod curves;
mod explain;
mod pairs;
mod scale;

pub use cam::{gradients, weighed};
pub use explain::explain;
pub(crate) use pairs::turns;
pub use scale::{kept, normalised, to_side};
