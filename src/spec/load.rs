//! A file and its overrides to a checked experiment, and the points of its matrix.

use std::path::Path;
use std::sync::Arc;

use figment::value::Value;
use indexmap::IndexMap;
use rayon::prelude::*;

use super::fault::{Fault, Place, SpecError, nearest};
use super::layers::{Layers, Overrides, Swept};
use super::reader::{Reading, Table, shown};
use super::settings::{
    Augment, Design, Device, Evaluate, Experiment, HubModel, Labels, Loss, PositiveWeights,
};
use super::{
    read_augment, read_data, read_evaluate, read_explain, read_labels, read_seeds, read_train, read_training,
};

/// The largest matrix.
const MAX_POINTS: usize = 100_000;

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

fn read(reading: &Reading<'_>) -> Experiment {
    let root = reading.root();
    let name = root.text("name");
    check_experiment_name(&root, &name);
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
        workers: read_training::workers(&root),
        tracking: read_training::tracking(&root),
    };
    read_training::check_side(&root.table("images"), &experiment.images, &experiment.model);
    if root.has("extends") {
        let _ = root.text("extends");
    }
    root.finish();
    experiment
}

/// Faults batches of one row beside ops that mix rows.
fn check_partners(table: &Table<'_>, batch_size: u32, augment: &Augment) {
    if batch_size >= 2 {
        return;
    }
    let applied = augment.arms().into_iter().flat_map(|arm| augment.ops_of(&arm));
    let mut mixing = applied.filter(|named| named.op.p > 0.0 && named.op.action.needs_partner());
    if let Some(name) = mixing.next().map(|named| named.name) {
        let fault = Fault::new(format!(
            "`batch_size` is {batch_size}, but the op `{name}` mixes each row with another one of its batch"
        ));
        table.fault("batch_size", fault.help("write at least 2, or take the op out"));
    }
}

/// Faults weights for another number of labels than the spec names; where labels come from the data, the worker sees it.
fn check_positive_weights(table: &Table<'_>, loss: &Loss, labels: &Labels) {
    let Loss::Bce { positive_weights: PositiveWeights::Given(weights), .. } = loss else { return };
    let names: Vec<&str> =
        labels.sources.iter().flat_map(|source| source.groups.keys()).map(String::as_str).collect();
    let are_named = labels.sources.iter().all(|source| !source.groups.is_empty());
    if are_named && !weights.is_empty() && weights.len() != names.len() {
        let fault = Fault::new(format!(
            "`positive_weights` has {} numbers, expected {}, one per label",
            weights.len(),
            names.len()
        ));
        table.fault(
            "positive_weights",
            fault.help(format!("the labels are, in this order: {}", names.join(", "))),
        );
    }
}

/// Faults a baseline that is no arm of the grid.
fn check_baseline(table: &Table<'_>, baseline: &str, augment: &Augment) {
    let arms: Vec<String> = augment.arms().into_iter().map(|arm| arm.name).collect();
    if arms.iter().any(|arm| arm == baseline) {
        return;
    }
    let fault = Fault::new(format!("`baseline` is `{baseline}`, which the grid does not have"));
    let known = arms.iter().map(|arm| format!("`{arm}`")).collect::<Vec<_>>().join(", ");
    // The same ops in another order are a slip, too.
    let parts = |name: &str| {
        let mut parts: Vec<String> = name.split('+').map(str::to_owned).collect();
        parts.sort();
        parts
    };
    let same = arms.iter().map(String::as_str).find(|arm| parts(arm) == parts(baseline));
    let fault = match same.or_else(|| nearest(baseline, arms.iter().map(String::as_str))) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("the grid has {known}")),
    };
    table.fault("baseline", fault);
}

fn check_experiment_name(root: &Table<'_>, name: &str) {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if root.has("name")
        && (name.is_empty() || name.len() > 100 || name.starts_with('.') || !name.chars().all(fits))
    {
        let cut: String = name.chars().take(40).collect();
        let fault = Fault::new(format!(
            "`name` is `{}`, expected 1 to 100 letters, digits, `-`, `_` or `.`, the first one no `.`",
            cut.escape_debug()
        ));
        root.fault("name", fault.help("it names the report's folder; a name that leads outside is refused"));
    }
}

/// Sections that a matrix can sweep: those that a run's fingerprint reads.
const SWEPT: [&str; 6] = ["split", "balance", "images", "model", "train", "evaluate"];

fn matrix(root: &Table<'_>) -> IndexMap<String, Vec<serde_json::Value>> {
    let table = root.table("matrix");
    let mut matrix = IndexMap::new();
    for key in table.keys() {
        let section = key.split('.').next().unwrap_or_default();
        if !SWEPT.contains(&section) || !key.contains('.') {
            let fault = Fault::new(format!("`{key}` cannot be swept"));
            let help = match section {
                "labels" | "dataset" => {
                    "runs with other labels or other images measure another thing and are never compared: write one study for each"
                        .to_owned()
                }
                _ => {
                    let known = SWEPT.map(|s| format!("`{s}.…`")).join(", ");
                    format!("write the whole key in quotes: one of {known}")
                }
            };
            table.fault(&key, fault.help(help));
        }
        if key == "split.folds" {
            let fault = Fault::new("`split.folds` cannot be swept");
            let help = "runs that are tested on other images are never compared: write one study for each";
            table.fault(&key, fault.help(help));
        }
        match table.any(&key) {
            Some(Value::Array(_, items)) if !items.is_empty() => {
                matrix.insert(key, items.iter().map(json).collect());
            }
            Some(value) => {
                let fault =
                    Fault::new(format!("`{key}` is {}, expected a list of values to try", shown(&value)));
                table.fault(&key, fault);
            }
            None => {}
        }
    }
    matrix
}

/// The matrix as it stands in the layers, in spec order.
fn matrix_values(layers: &Layers) -> Vec<(String, Vec<Value>)> {
    let Some(Value::Dict(_, dict)) = layers.merged().remove("matrix") else {
        return Vec::new();
    };
    let mut keys: Vec<(String, Vec<Value>)> = dict
        .into_iter()
        .filter_map(|(key, value)| match value {
            Value::Array(_, items) => Some((key, items)),
            _ => None,
        })
        .collect();
    keys.sort_by_key(|(key, _)| layers.order(&["matrix".to_owned(), key.clone()]));
    keys
}

fn check_size(reading: &Reading<'_>, grid: &[(String, Vec<Value>)]) {
    let points = grid.iter().fold(1usize, |n, (_, values)| n.saturating_mul(values.len().max(1)));
    if points > MAX_POINTS {
        let place = reading.layers().find(&["matrix".to_owned()], true);
        let fault =
            Fault::new(format!("the matrix has {points} points, limit {MAX_POINTS} runs of one seed"));
        reading.fault(fault.at(place).help("sweep fewer values"));
    }
}

/// All points, the last key fastest.
fn product(grid: &[(String, Vec<Value>)]) -> Vec<Vec<Swept>> {
    let mut points = vec![Vec::new()];
    for (key, values) in grid {
        points = points
            .into_iter()
            .flat_map(|point: Vec<Swept>| {
                values.iter().enumerate().map(move |(idx, value)| {
                    let mut point = point.clone();
                    point.push(Swept { key: key.clone(), idx, value: value.clone() });
                    point
                })
            })
            .collect();
    }
    points
}

fn json(value: &Value) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or(serde_json::Value::Null)
}
