//! `[matrix]`: what is swept, and the points of it.

use figment::value::Value;
use indexmap::IndexMap;

use super::fault::Fault;
use super::layers::{Layers, Swept};
use super::reader::{Reading, Table, Takes, shown};

/// The largest matrix.
const MAX_POINTS: usize = 100_000;

/// Sections that a matrix can sweep: those that a run's fingerprint reads.
pub(super) const SWEPT: [&str; 6] = ["split", "balance", "images", "model", "train", "evaluate"];

/// Reads `[matrix]`: dotted key to values, in the order of the file.
pub(super) fn matrix(root: &Table<'_>) -> IndexMap<String, Vec<serde_json::Value>> {
    let table = root.table("matrix");
    let mut matrix = IndexMap::new();
    for key in table.keys() {
        let section = key.split('.').next().unwrap_or_default();
        if let Some(whole) = table.first_leaf(&key) {
            let fault = Fault::new(format!("`{key}` is a table, expected a list of values to try"));
            let help = format!("the dots of a swept key stand in quotes: `\"{whole}\" = [ … ]`");
            table.fault(&key, fault.help(help));
            continue;
        }
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
        table.takes(&key, || vec![Takes::Anything.list()]);
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
pub(super) fn matrix_values(layers: &Layers) -> Vec<(String, Vec<Value>)> {
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

/// Faults a matrix of too many points.
pub(super) fn check_size(reading: &Reading<'_>, grid: &[(String, Vec<Value>)]) {
    let points = grid.iter().fold(1usize, |n, (_, values)| n.saturating_mul(values.len().max(1)));
    if points > MAX_POINTS {
        let place = reading.layers().find(&["matrix".to_owned()], true);
        let fault =
            Fault::new(format!("the matrix has {points} points, limit {MAX_POINTS} runs of one seed"));
        reading.fault(fault.at(place).help("sweep fewer values"));
    }
}

/// All points, the last key fastest.
pub(super) fn product(grid: &[(String, Vec<Value>)]) -> Vec<Vec<Swept>> {
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

/// A value as plain data.
pub(super) fn json(value: &Value) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or(serde_json::Value::Null)
}
