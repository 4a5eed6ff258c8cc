//! A file and its overrides to a checked experiment, and the points of its matrix.

use std::path::Path;
use std::sync::Arc;

use figment::value::Value;
use indexmap::IndexMap;
use rayon::prelude::*;

use super::consistency::{check_baseline, check_experiment_name, check_partners, check_positive_weights};
use super::fault::{Fault, Place, SpecError};
use super::layers::{Layers, Swept};
use super::matrix::{check_size, json, matrix, matrix_values, product};
use super::origins::{self, Origin};
use super::overrides::Overrides;
use super::reader::{Reading, shown};
use super::settings::{Design, Device, DeviceWish, Engine, Evaluate, Experiment, HubModel};
use super::{
    read_augment, read_data, read_evaluate, read_explain, read_labels, read_seeds, read_train, read_training,
    read_workers,
};

/// A checked spec.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The experiment as the file says it, without matrix values.
    pub experiment: Experiment,
    /// The points of the matrix in spec order; one, without values, where there is no matrix.
    pub points: Vec<Point>,
    layers: Layers,
}

/// One point of the matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Dotted key to value, in spec order.
    pub values: IndexMap<String, serde_json::Value>,
    /// The experiment with these values in place, and with an empty matrix.
    pub experiment: Arc<Experiment>,
}

/// Writes whole numbers as such: `1.0` and `1` mean the same, and must not make two pages.
fn plain_numbers(value: &mut Value) {
    match value {
        Value::Num(tag, number) => {
            let whole = number.to_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15);
            if let Some(whole) = whole {
                *value = Value::Num(*tag, figment::value::Num::I64(whole as i64));
            }
        }
        Value::Dict(_, dict) => dict.values_mut().for_each(plain_numbers),
        Value::Array(_, items) => items.iter_mut().for_each(plain_numbers),
        _ => {}
    }
}

impl Loaded {
    /// The merged spec as TOML, for the report: without paths and downloads, who does the work, and where runs are
    /// logged.
    pub fn shown(&self) -> String {
        let mut merged = self.layers.merged();
        for key in ["choice", "workers", "tracking", "extends"] {
            merged.remove(key);
        }
        if let Some(Value::Dict(_, dataset)) = merged.get_mut("dataset") {
            dataset.remove("annotations");
            dataset.remove("images");
            dataset.remove("fetch");
        }
        if let Some(Value::Dict(_, model)) = merged.get_mut("model") {
            let file_name = |path: &str| {
                Path::new(path)
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default()
            };
            if let Some(Value::String(_, weights)) = model.get_mut("weights")
                && !HubModel::is_meant(weights)
            {
                *weights = file_name(weights);
            }
            if let Some(Value::String(_, name)) = model.get_mut("name")
                && let Some((kind, path)) = name.split_once(':')
            {
                *name = format!("{kind}:{}", file_name(path));
            }
        }
        // What nothing reads tells nothing.
        if self.experiment.explain.method.is_none() {
            merged.remove("explain");
        }
        merged.values_mut().for_each(plain_numbers);
        toml::to_string(&merged).unwrap_or_default()
    }

    /// Every value that the study reads, with the layer that it came from.
    pub fn origins(&self) -> Vec<Origin> {
        let reading = Reading::watched(&self.layers);
        read(&reading);
        origins::origins(&self.layers, reading)
    }

    /// The names of the profiles that the spec and the files that it extends have.
    pub fn profiles(&self) -> &[String] {
        &self.layers.profiles
    }

    /// What the spec holds that nothing reads, though it is not wrong.
    pub fn notices(&self) -> Vec<String> {
        let augment = &self.experiment.augment;
        let named = |names: &mut dyn Iterator<Item = &String>| {
            names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        let mut notices = Vec::new();
        if augment.design != Design::Policies && !augment.policies.is_empty() {
            let names = named(&mut augment.policies.keys());
            notices.push(format!(
                "the design of `[augment.grid]` does not read the policies {names}; write `design = \"policies\"` to run them"
            ));
        }
        if augment.design == Design::None && !augment.levels.is_empty() {
            let names = named(&mut augment.levels.keys());
            notices.push(format!(
                "the design of `[augment.grid]` does not read the levels of {names}; write `design = \"add_one\"` to run them"
            ));
        }
        let is_written = |path: &[&str]| {
            let path: Vec<String> = path.iter().map(|&key| key.to_owned()).collect();
            self.layers.find(&path, false).is_some_and(|place| place.is_users())
        };
        if is_written(&["augment", "grid", "resolution"])
            && !matches!(augment.design, Design::Fractional { .. })
        {
            notices.push(
                "the design of `[augment.grid]` does not read `resolution`; write `design = \"fractional\"` for a fraction \
                 of that resolution, or remove it"
                    .to_owned(),
            );
        }
        let unread: Vec<String> = ["layer", "images", "faithfulness"]
            .into_iter()
            .filter(|key| self.experiment.explain.method.is_none() && is_written(&["explain", key]))
            .map(|key| format!("`{key}`"))
            .collect();
        if !unread.is_empty() {
            notices.push(format!(
                "nothing reads {} of `[explain]`; write `method = \"grad_cam\"` to make maps",
                unread.join(", ")
            ));
        }
        let is_read =
            |reads: fn(&Evaluate) -> bool| self.points.iter().any(|p| reads(&p.experiment.evaluate));
        if is_written(&["evaluate", "precision_floor"]) && !is_read(Evaluate::reads_precision_floor) {
            notices.push(
                "no threshold of `[evaluate]` reads `precision_floor`; write `threshold = \"per_label_precision\"` to ask for a \
                 precision, or remove it"
                    .to_owned(),
            );
        }
        if is_written(&["evaluate", "min_positives"]) && !is_read(Evaluate::reads_min_positives) {
            notices.push(
                "nothing in `[evaluate]` reads `min_positives`: it is for thresholds per label, and for `calibration = \"platt\"`"
                    .to_owned(),
            );
        }
        let workers = &self.experiment.workers;
        if workers.engine != Engine::Slurm && is_written(&["workers", "slurm"]) {
            notices.push(
                "nothing reads `[workers.slurm]`; write `engine = \"slurm\"` in `[workers]` to use the cluster".to_owned(),
            );
        }
        if workers.engine == Engine::Slurm && workers.wish == DeviceWish::Cpu && workers.slurm.gpus.n > 0 {
            notices.push(
                "each job asks for a GPU and computes on the processor; write `gpus = 0` in `[workers.slurm]`, or `device = \"cuda\"`"
                    .to_owned(),
            );
        }
        notices
    }

    /// Says where tensors live on this machine, in the experiment and in all points of its matrix: before keys are made.
    pub fn settle_device(&mut self, device: Device) {
        if self.experiment.workers.device == device {
            return;
        }
        self.experiment.workers.device = device;
        for point in &mut self.points {
            Arc::make_mut(&mut point.experiment).workers.device = device;
        }
    }

    /// A fault about the value at `path` that was found after loading, with its place in the file.
    pub fn error_at(&self, path: &[&str], message: impl Into<String>, help: Option<String>) -> SpecError {
        self.errors(vec![self.fault_at(path, message, help)])
    }

    /// Faults that were found after loading.
    pub fn errors(&self, faults: Vec<Fault>) -> SpecError {
        SpecError { sources: self.layers.sources.to_vec(), faults }
    }

    /// Likewise, to be told with others.
    pub fn fault_at(&self, path: &[&str], message: impl Into<String>, help: Option<String>) -> Fault {
        let mut path: Vec<String> = path.iter().map(|&key| key.to_owned()).collect();
        let mut place = None;
        while place.is_none() && !path.is_empty() {
            place = self.layers.find(&path, false).filter(Place::is_users);
            path.pop();
        }
        let mut fault = Fault::new(message).at(place);
        fault.help = help;
        fault
    }
}

/// Reads, merges and checks a spec.
///
/// # Errors
/// Every fault of the file, its bases and the overrides, with its place.
pub fn load(path: &Path, overrides: &Overrides) -> Result<Loaded, SpecError> {
    let layers = Layers::read(path, overrides)?;
    let reading = Reading::new(&layers);
    let experiment = read(&reading);
    let grid = matrix_values(&layers);
    check_size(&reading, &grid);
    let fail = |faults: Vec<Fault>, layers: &Layers| SpecError { sources: layers.sources.to_vec(), faults };
    let faults = reading.into_faults();
    if !faults.is_empty() {
        return Err(fail(faults, &layers));
    }
    let base = layers.without_matrix();
    let at = |values: &Vec<Swept>| {
        let merged = base.with_point(values, &layers);
        let reading = Reading::new(&merged);
        let experiment = read(&reading);
        (Arc::new(experiment), reading.into_faults())
    };
    let swept = product(&grid);
    let read: Vec<_> = swept.par_iter().map(at).collect();
    let mut points = Vec::with_capacity(swept.len());
    let mut faults: Vec<(Vec<Swept>, Fault)> = Vec::new();
    for (values, (experiment, found)) in swept.into_iter().zip(read) {
        for fault in found {
            // The same fault at other points is the same fault.
            if !faults.iter().any(|(_, known)| *known == fault) {
                faults.push((values.clone(), fault));
            }
        }
        let values = values.into_iter().map(|swept| (swept.key, json(&swept.value))).collect();
        points.push(Point { values, experiment });
    }
    let at_point = |(values, mut fault): (Vec<Swept>, Fault)| {
        let point: Vec<_> = values.iter().map(|v| format!("{} = {}", v.key, shown(&v.value))).collect();
        fault.message = format!("matrix point {}: {}", point.join(", "), fault.message);
        fault
    };
    let faults: Vec<Fault> = faults.into_iter().map(at_point).collect();
    if faults.is_empty() { Ok(Loaded { experiment, points, layers }) } else { Err(fail(faults, &layers)) }
}

/// Reads a whole spec.
pub(super) fn read(reading: &Reading<'_>) -> Experiment {
    let root = reading.root();
    let name = root.text("name");
    check_experiment_name(&root, &name);
    if !root.is_written("dataset") {
        let fault =
            Fault::new("`[dataset]` is missing: the images of the study, and where their labels come from");
        root.fault_unplaced(
            fault.help("`ablatrix init --help` shows how to write a first spec of your data"),
        );
    }
    let dataset = read_data::dataset(&root);
    let before = reading.n_faults();
    let images = read_data::images(&root);
    // A side that is wrong itself tells nothing about ops.
    let side = (reading.n_faults() == before).then_some(images.size);
    let before = reading.n_faults();
    let augment = read_augment::augment(&root, side);
    let is_laid_out = reading.n_faults() == before;
    let mut report = read_training::report(&root);
    if report.baseline.is_empty() {
        report.baseline = augment.design.baseline().to_owned();
    }
    if is_laid_out {
        check_baseline(&root.table("report"), &report.baseline, &augment);
    }
    let train = read_train::train(&root);
    if is_laid_out {
        check_partners(&root.table("train"), train.batch_size, &augment);
    }
    let labels = read_labels::labels(&root, dataset.format);
    check_positive_weights(&root.table("train").table("loss"), &train.loss, &labels);
    let model = read_training::model(&root);
    let (seeds, adaptive) = read_seeds::seeds(&root);
    let experiment = Experiment {
        name,
        question: root.text("question"),
        seeds,
        adaptive,
        labels,
        split: read_data::split(&root, &dataset),
        dataset,
        balance: read_data::balance(&root),
        images,
        explain: read_explain::explain(&root, &model),
        model,
        train,
        augment,
        matrix: matrix(&root),
        evaluate: read_evaluate::evaluate(&root),
        report,
        workers: read_workers::workers(&root),
        tracking: read_training::tracking(&root),
    };
    read_training::check_side(&root.table("images"), &experiment.images, &experiment.model);
    if root.has("extends") {
        let _ = root.text("extends");
    }
    root.finish();
    experiment
}
