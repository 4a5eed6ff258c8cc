//! A spec as a DAG of stages.
//!
//! Variants that agree in what a stage reads share its node: a study has one pixel store, one split and one
//! balance, unless its matrix sweeps them.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;

use super::keys::whole;
use super::seeding::Seeding;
use super::stage::{Stage, output};
use super::variants::{VariantError, variants};
use crate::job::input;
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
        Ok(Plan { experiment, spec, variants, seeding, runs, nodes: builder.nodes })
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

/// What tells the runs of a variant apart.
#[derive(Clone, Copy, Default)]
struct Repeat {
    seed: u64,
    fold: Option<u32>,
}

/// The nodes of the data that a variant's runs read.
#[derive(Clone, Copy)]
struct Shared {
    label: usize,
    split: usize,
    balance: usize,
    pixels: usize,
    /// Where maps are asked for.
    regions: Option<usize>,
    references: usize,
}

#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    /// Stage, what it reads of the settings, and its inputs, to the node that does just that.
    known: HashMap<(Stage, String, Vec<Input>), usize>,
    counts: IndexMap<Stage, usize>,
    /// Scan to the pixel store whose hashes of its images are read.
    hashed: HashMap<usize, usize>,
    /// The data of the variant before, which most often is that of the next one.
    last: Option<(Arc<Experiment>, Shared)>,
}

/// Whether two experiments agree in all that the stages before the training may read.
fn same_data(a: &Arc<Experiment>, b: &Arc<Experiment>) -> bool {
    let Experiment {
        dataset,
        labels,
        split,
        balance,
        images,
        evaluate,
        // Says whether there are regions.
        explain,
        // Read by none of them.
        name: _,
        question: _,
        seeds: _,
        adaptive: _,
        model: _,
        train: _,
        augment: _,
        matrix: _,
        report: _,
        workers: _,
        tracking: _,
    } = &**a;
    Arc::ptr_eq(a, b)
        || (*dataset == b.dataset
            && *labels == b.labels
            && *split == b.split
            && *balance == b.balance
            && *images == b.images
            && *evaluate == b.evaluate
            && *explain == b.explain)
}

impl Builder {
    fn shared(&mut self, variant: &Arc<Variant>) -> Shared {
        if let Some((last, shared)) = &self.last
            && same_data(last, &variant.experiment)
        {
            return *shared;
        }
        let shared = self.new_shared(variant);
        self.last = Some((variant.experiment.clone(), shared));
        shared
    }

    fn new_shared(&mut self, variant: &Arc<Variant>) -> Shared {
        let from = |name: &str, node: usize, output: &'static str| Input { name: name.into(), node, output };
        let ingest = self.data(Stage::Ingest, variant, vec![]);
        let scan = self.data(Stage::Scan, variant, vec![from("images", ingest, output::IMAGES)]);
        let label_inputs = vec![
            from("images", scan, output::IMAGES),
            from("annotations", ingest, output::ANNOTATIONS),
            from("categories", ingest, output::CATEGORIES),
            from("scenes", ingest, output::SCENES),
            from("scene_categories", ingest, output::SCENE_CATEGORIES),
            from("given_labels", ingest, output::GIVEN_LABELS),
        ];
        let label = self.data(Stage::Label, variant, label_inputs);
        let pixels = self.data(Stage::Pixels, variant, vec![from("images", scan, output::IMAGES)]);
        // What pictures look like does not depend on the size that they are stored in: one store tells it for all.
        let hashed = *self.hashed.entry(scan).or_insert(pixels);
        let mut split_inputs = vec![
            from(input::LABELS, label, output::LABELS),
            from("images", scan, output::IMAGES),
            from("given_parts", ingest, output::GIVEN_PARTS),
            from("given_captures", ingest, output::GIVEN_CAPTURES),
        ];
        if variant.experiment.split.near_duplicates.is_some() {
            split_inputs.push(from("picture_hashes", hashed, output::PICTURE_HASHES));
        }
        let split = self.data(Stage::Split, variant, split_inputs);
        let balance_inputs =
            vec![from(input::LABELS, label, output::LABELS), from(input::SPLIT, split, output::SPLIT)];
        let balance = self.data(Stage::Balance, variant, balance_inputs);
        let regions_inputs = vec![
            from("images", scan, output::IMAGES),
            from("records", ingest, output::IMAGES),
            from("annotations", ingest, output::ANNOTATIONS),
            from("categories", ingest, output::CATEGORIES),
            from(input::LABELS, label, output::LABELS),
        ];
        let is_explained = variant.experiment.explain.method.is_some();
        let regions = is_explained.then(|| self.data(Stage::Regions, variant, regions_inputs));
        let references = vec![
            from(input::PIXELS, pixels, output::PIXELS),
            from(input::PIXEL_ROWS, pixels, output::PIXEL_ROWS),
            from(input::LABELS, label, output::LABELS),
            from(input::SPLIT, split, output::SPLIT),
            from(input::TRAIN_INDEX, balance, output::TRAIN_INDEX),
        ];
        let references = self.data(Stage::References, variant, references);
        Shared { label, split, balance, pixels, regions, references }
    }

    fn run(&mut self, shared: &Shared, variant: &Arc<Variant>, variant_idx: usize, repeat: Repeat) -> Run {
        let Repeat { seed, fold } = repeat;
        let of_fold = fold.map(|fold| format!("/fold={fold}")).unwrap_or_default();
        let name = format!("{}/seed={seed}{of_fold}", variant.name);
        let from = |name: &str, node: usize, output: &'static str| Input { name: name.into(), node, output };
        let pictures = [
            from(input::PIXELS, shared.pixels, output::PIXELS),
            from(input::PIXEL_ROWS, shared.pixels, output::PIXEL_ROWS),
            from(input::LABELS, shared.label, output::LABELS),
            from(input::SPLIT, shared.split, output::SPLIT),
        ];
        let mut inputs = pictures.to_vec();
        inputs.push(from(input::TRAIN_INDEX, shared.balance, output::TRAIN_INDEX));
        let train = self.push(Stage::Train, variant, repeat, &name, inputs);
        let mut inputs = pictures.to_vec();
        inputs.push(from(input::MODEL, train, output::MODEL));
        let predict = self.push(Stage::Predict, variant, repeat, &name, inputs);
        let inputs = vec![
            from("predictions", predict, output::PREDICTIONS),
            from(input::LABELS, shared.label, output::LABELS),
            from(input::SPLIT, shared.split, output::SPLIT),
            from("summary", train, output::SUMMARY),
        ];
        let evaluate = self.push(Stage::Evaluate, variant, repeat, &name, inputs);
        let explain = shared.regions.map(|regions| {
            let mut inputs = pictures.to_vec();
            inputs.push(from(input::MODEL, train, output::MODEL));
            inputs.push(from(input::REGIONS, regions, output::REGIONS));
            self.push(Stage::Explain, variant, repeat, &name, inputs)
        });
        let references = shared.references;
        Run { name, variant: variant_idx, seed, fold, train, predict, evaluate, explain, references }
    }

    fn report(&mut self, experiment: &Experiment, spec: &str, variants: &[Arc<Variant>], runs: &[Run]) {
        let Some(variant) = variants.first() else { return };
        let mut inputs = Vec::new();
        // The rows that are shown are those of the first variant; a matrix that sweeps them has several.
        for (i, node) in self.nodes.iter().enumerate() {
            if node.stage < Stage::Train {
                inputs.extend(node.stage.outputs().iter().map(|&output| Input {
                    name: format!("{}.{output}", node.name),
                    node: i,
                    output,
                }));
            }
        }
        for run in runs {
            let mut add =
                |node, output| inputs.push(Input { name: format!("{}.{output}", run.name), node, output });
            add(run.train, output::HISTORY);
            add(run.train, output::SUMMARY);
            add(run.predict, output::PREDICTIONS);
            add(run.evaluate, output::METRICS);
            add(run.evaluate, output::EVALUATION);
            if let Some(explain) = run.explain {
                add(explain, output::ATTENTION);
                add(explain, output::ATTENTION_MAPS);
            }
        }
        let report = self.push(Stage::Report, variant, Repeat::default(), "", inputs);
        let shown = |variant: &'_ Arc<Variant>| {
            let Variant {
                name,
                arm,
                point,
                policy,
                // Its runs are inputs.
                experiment: _,
            } = &**variant;
            json(&(name, arm, point, whole(policy)))
        };
        let shown: Vec<_> = variants.iter().map(shown).collect();
        self.nodes[report].extra = vec![
            ("name", json(&experiment.name)),
            ("question", json(&experiment.question)),
            ("report", json(whole(&experiment.report))),
            // Every setting, whoever reads it.
            ("spec", json(&spec)),
            ("variants", json(&shown)),
            ("runs", json(&runs.iter().map(|run| &run.name).collect::<Vec<_>>())),
        ];
        if experiment.explain.method.is_some() {
            self.nodes[report].extra.push(("explain", json(whole(&experiment.explain))));
        }
    }

    /// The node of a stage that variants share where they agree in what it reads.
    fn data(&mut self, stage: Stage, variant: &Arc<Variant>, inputs: Vec<Input>) -> usize {
        let settings = super::keys::settings(stage, variant, 0, None).finish();
        let known = (stage, settings.key.to_string(), inputs.clone());
        if let Some(&node) = self.known.get(&known) {
            return node;
        }
        let node = self.push(stage, variant, Repeat::default(), "", inputs);
        self.known.insert(known, node);
        node
    }

    fn push(
        &mut self,
        stage: Stage,
        variant: &Arc<Variant>,
        repeat: Repeat,
        run: &str,
        inputs: Vec<Input>,
    ) -> usize {
        let count = self.counts.entry(stage).or_default();
        *count += 1;
        let name = match (run, *count) {
            ("", 1) => stage.as_str().to_owned(),
            ("", n) => format!("{} #{n}", stage.as_str()),
            (run, _) => format!("{} {run}", stage.as_str()),
        };
        self.nodes.push(Node {
            name,
            stage,
            variant: variant.clone(),
            seed: repeat.seed,
            fold: repeat.fold,
            run: run.to_owned(),
            inputs,
            extra: Vec::new(),
        });
        self.nodes.len() - 1
    }
}

fn json(value: &impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_else(|error| panic!("bug: settings are plain data: {error}"))
}
