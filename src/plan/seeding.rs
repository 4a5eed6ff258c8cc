//! How many of a study's seeds each variant runs with.

use std::collections::BTreeSet;

use crate::spec::settings::Variant;

/// The number of seeds of each variant, in the order of the plan: the first so many of the study's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeding {
    n: Vec<usize>,
}

impl Seeding {
    /// What a study begins with: all seeds, or the least where more are added until it is decided.
    pub fn first(variants: &[impl AsRef<Variant>]) -> Self {
        let of = |variant: &Variant| match variant.experiment.adaptive {
            Some(adaptive) => adaptive.min as usize,
            None => variant.experiment.seeds.len(),
        };
        Seeding { n: variants.iter().map(|variant| of(variant.as_ref())).collect() }
    }

    /// Seeds of the variant at this position.
    pub fn of(&self, variant: usize) -> usize {
        self.n[variant]
    }

    /// With more seeds for the variants of these pairs, and with as many for the baseline of each. `None` where all have
    /// the most.
    pub fn extended(
        &self,
        variants: &[impl AsRef<Variant>],
        undecided: &BTreeSet<(usize, usize)>,
    ) -> Option<Self> {
        let mut more = self.clone();
        for &(variant, baseline) in undecided {
            let adaptive = variants[variant].as_ref().experiment.adaptive;
            let Some(next) = adaptive.and_then(|seeds| seeds.next(self.n[variant] as u32)) else { continue };
            for idx in [variant, baseline] {
                more.n[idx] = more.n[idx].max(next as usize);
            }
        }
        (more != *self).then_some(more)
    }
}
