//! The nodes of a plan: which there are, and which of them runs share.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;

use super::graph::{Input, Node, Run};
use super::keys::whole;
use super::stage::{Stage, output};
use crate::job::input;
use crate::spec::settings::{Experiment, Variant};

/// What tells the runs of a variant apart.
#[derive(Clone, Copy, Default)]
pub struct Repeat {
    /// Of initial weights, order and draws.
    pub seed: u64,
    /// Which of the split's folds is tested on; `None` without folds.
    pub fold: Option<u32>,
}

/// The nodes of the data that a variant's runs read.
#[derive(Clone, Copy)]
pub struct Shared {
    label: usize,
    split: usize,
    balance: usize,
    pixels: usize,
    /// Where maps are asked for.
    regions: Option<usize>,
    references: usize,
}

/// Nodes that are laid out one by one, inputs before what reads them.
#[derive(Default)]
pub struct Builder {
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
    /// All of them.
    pub fn into_nodes(self) -> Vec<Node> {
        self.nodes
    }

    /// The nodes of the data for a variant; those that there are, as far as they do the same.
    pub fn shared(&mut self, variant: &Arc<Variant>) -> Shared {
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

    /// The nodes of one run.
    pub fn run(
        &mut self,
        shared: &Shared,
        variant: &Arc<Variant>,
        variant_idx: usize,
        repeat: Repeat,
    ) -> Run {
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

    /// The last node, which reads all runs.
    pub fn report(&mut self, experiment: &Experiment, spec: &str, variants: &[Arc<Variant>], runs: &[Run]) {
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
