//! The moving average of a network's weights, as timm's `ModelEmaV2`.

use tch::TchError;

use crate::model::Network;
use crate::state;

/// A network whose parameters and running statistics are moving averages of another's.
pub struct Average {
    /// The averaged network.
    pub network: Network,
    decay: f64,
}

impl Average {
    /// Begins at the values of `of`; `network` is one of the same architecture, whose own are lost.
    ///
    /// # Errors
    /// Where libtorch cannot copy them.
    ///
    /// # Panics
    /// Where the two are not of the same architecture: a mistake of the caller.
    pub fn new(network: Network, of: &Network, decay: f64) -> Result<Self, TchError> {
        if let Err(reason) = state::overwrite(&network.named_state(), &of.named_state())? {
            panic!("bug: the averaged network is another one: {reason}");
        }
        Ok(Average { network, decay })
    }

    /// Takes the values of `of` in, after a step: `decay` times the average, and the rest of them.
    ///
    /// # Errors
    /// Where libtorch has no memory for it.
    pub fn update(&self, of: &Network) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        for ((_, mut average), (_, value)) in self.network.named_state().into_iter().zip(of.named_state()) {
            // What does not change, as what is frozen, keeps its bits.
            let _ = average.f_lerp_(&value, 1.0 - self.decay)?;
        }
        Ok(())
    }
}
