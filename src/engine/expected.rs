//! How long trainings take, and how much memory: learned from those that have ended, and from what is asked of the others.
//!
//! The longest is begun first (Graham 1969, *Bounds on multiprocessing timing anomalies*: in this order the last one ends at most a
//! third later than in the best order).

use std::collections::HashMap;

use crate::cache::Entry;
use crate::job::MEMORY_NOTE;
use crate::plan::{Node, Stage};
use crate::spec::settings::{Architecture, Experiment};

/// The side of the pictures for which [`work`] is stated.
const SIDE: f64 = 224.0;

/// What is known so far.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// Seconds of the longest training that has ended, by the variant's name: one that was taken up from a checkpoint tells less.
    of_variants: HashMap<String, f64>,
    /// Seconds of all that have ended, and what [`units`] says of them.
    seconds: f64,
    units: f64,
    bytes: u64,
}

impl Expected {
    /// Takes in the result of a node.
    pub fn learn(&mut self, node: &Node, entry: &Entry) {
        if node.stage == Stage::Train {
            self.note(&node.variant.name, units(&node.variant.experiment), entry.provenance.elapsed_s);
            let bytes = entry.provenance.notes.get(MEMORY_NOTE).and_then(|note| note.parse().ok());
            self.bytes = self.bytes.max(bytes.unwrap_or(0));
        }
    }

    fn note(&mut self, variant: &str, units: f64, seconds: f64) {
        if seconds.is_finite() && seconds > 0.0 {
            let longest = self.of_variants.entry(variant.to_owned()).or_insert(seconds);
            *longest = longest.max(seconds);
            self.seconds += seconds;
            self.units += units;
        }
    }

    /// The most memory that the worker of a training had at its end, in bytes.
    pub fn bytes(&self) -> Option<u64> {
        (self.bytes > 0).then_some(self.bytes)
    }

    /// What trainings are ordered by, the largest first: seconds, or where none are known what is asked of them.
    pub fn weight(&self, node: &Node) -> f64 {
        self.of(&node.variant.name, units(&node.variant.experiment))
    }

    fn of(&self, variant: &str, units: f64) -> f64 {
        match self.of_variants.get(variant) {
            Some(seconds) => *seconds,
            None if self.units > 0.0 => self.seconds / self.units * units,
            None => units,
        }
    }
}

/// What is asked of a training, in units that mean the same for all runs of a study on one dataset.
fn units(experiment: &Experiment) -> f64 {
    let side = f64::from(experiment.images.size) / SIDE;
    f64::from(experiment.train.epochs.max(1)) * side * side * work(experiment.model.name)
}

/// Multiplications and additions for a picture of 224 x 224, in 1e9, as timm and torchvision state them. They order networks, no
/// more: a training's time is learned from trainings.
fn work(network: Architecture) -> f64 {
    match network {
        Architecture::MobilenetV3Small => 0.06,
        Architecture::MobilenetV3Large => 0.22,
        Architecture::Squeezenet1_1 => 0.35,
        Architecture::EfficientnetB0 => 0.39,
        Architecture::EfficientnetV2B0 => 0.73,
        Architecture::EfficientnetV2B1 => 1.2,
        Architecture::EfficientnetV2B3 => 3.0,
        // Of a module nothing is known: it counts as a network of middle size.
        Architecture::Resnet18 | Architecture::Torchscript => 1.8,
        Architecture::Resnet34 => 3.7,
        Architecture::Resnet50 => 4.1,
        Architecture::ConvnextTiny => 4.5,
        Architecture::InceptionV3 => 5.7,
        Architecture::Vgg16 => 15.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_variants_are_judged_by_those_that_have_ended() {
        let mut expected = Expected::default();
        assert_eq!(expected.of("none", 2.0), 2.0);
        expected.note("none", 2.0, 10.0);
        expected.note("none", 2.0, 14.0);
        assert_eq!(expected.of("none", 2.0), 14.0);
        assert_eq!(expected.of("large", 6.0), 36.0);
        expected.note("large", 6.0, 60.0);
        assert_eq!(expected.of("large", 6.0), 60.0);
        assert_eq!(expected.of("other", 5.0), 42.0);
        expected.note("broken clock", 1.0, f64::NAN);
        assert_eq!(expected.of("other", 5.0), 42.0);
    }
}
