//! What is measured: a weighted sum of variants' values, seed by seed. A variant against its baseline is the smallest.
//!
//! The weights of a contrast sum to 0, so that what all its variants have in common (the seed's luck, how hard the test images
//! are) cancels out. Contrasts of one kind are one family for Holm's adjustment.

use serde::{Deserialize, Serialize};

/// What a contrast asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A variant against its baseline.
    Variant,
    /// An op on average over the company of the others: the half of the arms that apply it minus the half that do not.
    MainEffect,
    /// Two ops together: half the difference between what one does with the other and without it.
    Interaction,
    /// How a metric follows an op's levels, or an axis of numbers, if it only ever rises or only ever falls.
    Trend,
    /// A value of an axis of the matrix against its first, on average over all arms and other axes.
    Axis,
    /// By how much what an arm does to its baseline differs between a value of an axis and its first.
    AxisInteraction,
}

impl Kind {
    /// All, in the order in which they are reported.
    pub const ALL: [Kind; 6] =
        [Kind::Variant, Kind::MainEffect, Kind::Interaction, Kind::Trend, Kind::Axis, Kind::AxisInteraction];

    /// The name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Variant => "variant",
            Kind::MainEffect => "main_effect",
            Kind::Interaction => "interaction",
            Kind::Trend => "trend",
            Kind::Axis => "axis",
            Kind::AxisInteraction => "axis_interaction",
        }
    }
}

/// One question to the runs of a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast<'a> {
    /// What it asks; contrasts of one kind are one family.
    pub kind: Kind,
    /// What is measured: a variant, an op, two ops, a value of an axis.
    pub subject: String,
    /// Against what.
    pub against: String,
    /// What else it measures with it, and cannot be told apart from it: pairs of ops in a fraction.
    pub aliases: Vec<String>,
    /// Variants with their weights, which sum to 0; none of them twice.
    pub terms: Vec<(&'a str, f64)>,
}

impl<'a> Contrast<'a> {
    /// A variant against its baseline.
    pub fn pair(variant: &'a str, baseline: &'a str) -> Self {
        Contrast {
            kind: Kind::Variant,
            subject: variant.to_owned(),
            against: baseline.to_owned(),
            aliases: Vec::new(),
            terms: vec![(variant, 1.0), (baseline, -1.0)],
        }
    }

    /// One of `kind` from any weights: those of a variant are summed, those that come to 0 are left out. `None` where none is left.
    pub fn of_weights(
        kind: Kind,
        subject: String,
        against: String,
        weights: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> Option<Self> {
        let mut terms: indexmap::IndexMap<&'a str, f64> = indexmap::IndexMap::new();
        for (variant, weight) in weights {
            *terms.entry(variant).or_default() += weight;
        }
        let terms: Vec<(&'a str, f64)> =
            terms.into_iter().filter(|(_, weight)| weight.abs() > 1e-12).collect();
        let aliases = Vec::new();
        (!terms.is_empty()).then_some(Contrast { kind, subject, against, aliases, terms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_a_variant_are_summed_and_nothing_is_no_contrast() {
        let of = |weights: &[(&'static str, f64)]| {
            Contrast::of_weights(Kind::Axis, "b".into(), "a".into(), weights.iter().copied())
        };
        let found = of(&[("a", -0.5), ("b", 0.5), ("a", -0.5), ("c", 0.1), ("b", 0.5), ("c", -0.1)]).unwrap();
        assert_eq!(found.terms, [("a", -1.0), ("b", 1.0)]);
        assert_eq!(of(&[("a", 1.0), ("a", -1.0)]), None);
    }
}
