//! What an architecture must offer: a feature map, and logits from it.

use tch::{TchError, Tensor};

use super::tap::Tap;
use crate::script::ScriptModule;

/// How a forward pass is to behave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mode {
    /// Dropout is on, and batch norms that are not frozen use and update the batch's statistics.
    pub train: bool,
}

/// An architecture in two halves. The cut lies behind the last convolution that still sees places, because
/// that is where Grad-CAM looks.
pub(super) trait Body: Send {
    /// The last convolutional feature map, [N, C, h, w], of `images_nchw`, [N, 3, H, W].
    ///
    /// Channels-last strides of the input are kept throughout: no step copies to another layout. `tap` is shown each of
    /// [`Architecture::layers`](ablatrix::spec::settings::Architecture::layers) on the way.
    fn features(&self, images_nchw: &Tensor, mode: Mode, tap: &Tap<'_>) -> Result<Tensor, TchError>;

    /// Logits, [N, L], of a feature map, which is left as it is.
    fn classify(&self, features_nchw: &Tensor, mode: Mode) -> Result<Tensor, TchError>;

    /// The module that the backbone is, where it came as one.
    fn module(&self) -> Option<&ScriptModule> {
        None
    }
}
