//! Listening to one layer in a forward pass.

use std::cell::RefCell;

use tch::{TchError, Tensor};

/// What a forward pass hands out of its middle.
#[derive(Debug, Default)]
pub(super) struct Tap<'a> {
    layer: Option<&'a str>,
    caught: RefCell<Option<Tensor>>,
}

impl<'a> Tap<'a> {
    /// Nothing: the pass is as it is.
    pub fn none() -> Self {
        Tap::default()
    }

    /// The activation behind the layer of this name.
    pub fn on(layer: &'a str) -> Self {
        Tap { layer: Some(layer), caught: RefCell::default() }
    }

    /// Passes on the activation behind the layer `name`. Where that is listened to, gradients begin there, and what follows
    /// computes on a copy, which it may overwrite.
    pub fn pass(&self, name: &str, activation: Tensor) -> Result<Tensor, TchError> {
        if self.layer != Some(name) {
            return Ok(activation);
        }
        let leaf = activation.f_detach()?.f_set_requires_grad(true)?;
        let copy = leaf.f_mul_scalar(1.0)?;
        self.caught.replace(Some(leaf));
        Ok(copy)
    }

    /// The activation; `None` where the pass did not meet the layer.
    pub fn into_caught(self) -> Option<Tensor> {
        self.caught.into_inner()
    }
}
