//! A spec as a DAG of stages.
//!
//! Variants that agree in what a stage reads share its node: a study has one pixel store, one split and one
//! balance, unless its matrix sweeps them.

use std::sync::Arc;

use super::nodes::{Builder, Repeat};
use super::seeding::Seeding;
use super::stage::Stage;
use super::variants::{VariantError, variants};
use crate::spec::Loaded;
use crate::spec::settings::{Experiment, Variant};

/// A study as data, before anything runs.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The experiment without matrix values.
    pub experiment: Arc<Experiment>,
    /// The merged spec as the report shows it.
    pub spec: String,
    /// In the order of grid, then matrix.
    pub variants: Vec<Arc<Variant>>,
    /// How many seeds each has.
    pub seeding: Seeding,
    /// Variant by variant, seed by seed, fold by fold.
    pub runs: Vec<Run>,
    /// Inputs before what reads them.
    pub nodes: Vec<Node>,
}

/// A variant with one seed, and with one fold where there are any.
#[derive(Clone, Debug)]
pub struct Run {
    /// `flip/lr=0.0001/seed=2`, with folds `flip/lr=0.0001/seed=2/fold=0`.
    pub name: String,
    /// Index into [`Plan::variants`].
    pub variant: usize,
    /// The seed.
    pub seed: u64,
    /// The fold, where there are any.
    pub fold: Option<u32>,
    /// Its nodes in [`Plan::nodes`].
    pub train: usize,
    /// Likewise.
    pub predict: usize,
    /// Likewise.
    pub evaluate: usize,
    /// Likewise, where it is asked for.
    pub explain: Option<usize>,
    /// The node of what it is measured beside, which runs with the same data share.
    pub references: usize,
}

impl Run {
    /// Its nodes in [`Plan::nodes`].
    pub fn nodes(&self) -> impl Iterator<Item = usize> {
        [self.train, self.predict, self.evaluate].into_iter().chain(self.explain)
    }
}

/// One stage to be done.
#[derive(Clone, Debug)]
pub struct Node {
    /// `split`, or `train flip/seed=2`.
    pub name: String,
    /// Its kind.
    pub stage: Stage,
    /// The variant whose settings it reads; any of them where several share the node.
    pub variant: Arc<Variant>,
    /// The run's seed; 0 for stages that all runs share.
    pub seed: u64,
    /// The run's fold; `None` for stages that all runs share, and where there are no folds.
    pub fold: Option<u32>,
    /// The run's name; empty for stages that all runs share.
    pub run: String,
    /// What it reads.
    pub inputs: Vec<Input>,
    /// Settings of the whole study that it reads beside the variant's: the report's.
    pub extra: Vec<(&'static str, serde_json::Value)>,
}

/// An output of another node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Input {
    /// The name under which the stage knows it.
    pub name: String,
    /// Index into [`Plan::nodes`].
    pub node: usize,
    /// Which of its outputs.
    pub output: &'static str,
}

impl Plan {
    /// The DAG of a checked spec.
    ///
    /// # Errors
    /// Where two variants would have one name, or one does what another does.
    pub fn new(loaded: &Loaded) -> Result<Self, VariantError> {
        Self::with_seeds(loaded, None)
    }

    /// Likewise, with so many seeds for each variant; `None`: with those that a study begins with.
    ///
    /// # Errors
    /// Where two variants would have one name, or one does what another does.
    pub fn with_seeds(loaded: &Loaded, seeding: Option<Seeding>) -> Result<Self, VariantError> {
        let variants: Vec<Arc<Variant>> = variants(loaded)?.into_iter().map(Arc::new).collect();
        let seeding = seeding.unwrap_or_else(|| Seeding::first(&variants));
        let mut builder = Builder::default();
        let mut runs = Vec::new();
        for (variant_idx, variant) in variants.iter().enumerate() {
            let shared = builder.shared(variant);
            let folds = variant.experiment.split.each_fold();
            for &seed in variant.experiment.seeds.iter().take(seeding.of(variant_idx)) {
                runs.extend(
                    folds
                        .iter()
                        .map(|&fold| builder.run(&shared, variant, variant_idx, Repeat { seed, fold })),
                );
            }
        }
        let experiment = Arc::new(loaded.experiment.clone());
        let spec = loaded.shown();
        builder.report(&experiment, &spec, &variants, &runs);
        Ok(Plan { experiment, spec, variants, seeding, runs, nodes: builder.into_nodes() })
    }

    /// The node that makes the report.
    pub fn report(&self) -> usize {
        self.nodes.len() - 1
    }

    /// The node whose output a node reads under `name`.
    ///
    /// # Panics
    /// Where it reads nothing under that name.
    pub fn input_of(&self, node: usize, name: &str) -> usize {
        let from = self.nodes[node].inputs.iter().find(|from| from.name == name);
        from.unwrap_or_else(|| panic!("bug: node {node} has no input `{name}`")).node
    }

    /// For each node whether it is asked for: `until` and what it needs, or all where there is none.
    pub fn wanted(&self, until: Option<Stage>) -> Vec<bool> {
        let mut wanted: Vec<bool> =
            self.nodes.iter().map(|node| until.is_none_or(|until| node.stage == until)).collect();
        for node in (0..self.nodes.len()).rev() {
            if wanted[node] {
                self.nodes[node].inputs.iter().for_each(|from| wanted[from.node] = true);
            }
        }
        wanted
    }

    /// Nodes of the data, which runs share, inputs before what reads them.
    pub fn shared(&self) -> impl Iterator<Item = usize> + '_ {
        self.nodes.iter().enumerate().filter(|(_, node)| node.stage < Stage::Train).map(|(i, _)| i)
    }

    /// Nodes of a stage.
    pub fn of_stage(&self, stage: Stage) -> impl Iterator<Item = usize> + '_ {
        self.nodes.iter().enumerate().filter(move |(_, node)| node.stage == stage).map(|(i, _)| i)
    }
}
