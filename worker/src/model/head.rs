//! Hidden layers and the classifier.
//!
//! `head = []` is the plain linear classifier under its usual name (`fc`, `classifier`); `head = [1024]` puts
//! `hidden.0` before it: dropout, layer, ReLU, dropout, classifier. A classifier starts with a bias of 0, so
//! that every label starts near a score of one half, whatever its frequency.

use tch::{TchError, Tensor};

use super::assembly::{Assembly, Init};
use super::body::Mode;
use super::layers::{Layer, Linear};

/// Names of hidden layers begin so.
pub(super) const HIDDEN: &str = "hidden.";

/// The layers behind the pooled features.
#[derive(Debug)]
pub(super) struct Head<L> {
    hidden: Vec<L>,
    classifier: L,
    dropout: f64,
}

impl<L: Layer> Head<L> {
    /// Makes the layers with `add(name, (inputs, outputs), is_classifier)`.
    ///
    /// # Errors
    /// Those of `add`.
    pub fn build(
        classifier: &str,
        features: i64,
        settings: HeadSettings<'_>,
        mut add: impl FnMut(&str, (i64, i64), bool) -> Result<L, TchError>,
    ) -> Result<Self, TchError> {
        let mut inputs = features;
        let mut hidden = Vec::with_capacity(settings.hidden.len());
        for (i, &outputs) in settings.hidden.iter().enumerate() {
            hidden.push(add(&format!("{HIDDEN}{i}"), (inputs, outputs.into()), false)?);
            inputs = outputs.into();
        }
        let classifier = add(classifier, (inputs, settings.labels), true)?;
        Ok(Head { hidden, classifier, dropout: settings.dropout })
    }

    /// Logits of `features`; both keep the places that a convolutional head has, [N, C] or [N, C, h, w].
    ///
    /// Dropout draws from libtorch's generator.
    pub fn forward(&self, features: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let mut x = features.f_dropout(self.dropout, mode.train)?;
        for layer in &self.hidden {
            x = layer.forward(&x)?.f_relu_()?.f_dropout(self.dropout, mode.train)?;
        }
        self.classifier.forward(&x)
    }
}

impl Head<Linear> {
    /// Adds a head of linear layers to `assembly`: hidden layers He-uniform by fan-in, the classifier as
    /// PyTorch starts a linear layer.
    pub fn linear(
        assembly: &mut Assembly,
        name: &str,
        features: i64,
        settings: HeadSettings<'_>,
    ) -> Result<Self, TchError> {
        assembly.begin_head();
        Head::build(name, features, settings, |name, (inputs, outputs), is_classifier| {
            let init = if is_classifier { Init::linear(inputs) } else { Init::he_uniform(inputs) };
            assembly.linear(name, (inputs, outputs), init)
        })
    }
}

/// What the settings say of a head.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadSettings<'a> {
    /// Sizes of the hidden layers.
    pub hidden: &'a [u32],
    /// Logits per image.
    pub labels: i64,
    /// Share of values that dropout removes before each layer.
    pub dropout: f64,
}
