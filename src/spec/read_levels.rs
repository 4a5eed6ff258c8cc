//! `[augment.grid.levels]`: values of ops' parameters that are tried one after the other.

use figment::value::Value;
use indexmap::IndexMap;

use super::arms;
use super::fault::{Fault, nearest};
use super::ops::{Action, Group, Op, read_op};
use super::read_augment::Ops;
use super::read_grid::near_op;
use super::reader::{Table, Takes, shown};
use super::settings::Level;

/// The most levels of one op, all combinations of its axes counted.
const MAX_LEVELS: usize = 100;

/// Reads `[augment.grid.levels]`.
pub(super) fn levels(table: &Table<'_>, ops: &Ops<'_>) -> IndexMap<String, Vec<Level>> {
    let mut levels = IndexMap::new();
    for name in table.keys() {
        let Some(op) = ops.all.get(&name) else {
            let fault =
                Fault::new(format!("`levels` names the op `{name}`, which is not in `[augment.ops]`"));
            table.fault(&name, near_op(fault, &name, &ops.all));
            continue;
        };
        if ops.wrong.contains(&name) {
            // Which parameters it has is known once it is mended.
            continue;
        }
        let axes = axes(&table.table(&name), &name, op, ops);
        let n = axes.iter().fold(1_usize, |n, axis| n.saturating_mul(axis.values.len()));
        if n > MAX_LEVELS {
            let fault = Fault::new(format!("the op `{name}` has {n} levels, expected at most {MAX_LEVELS}"));
            table.fault(&name, fault.help("try fewer values, or fewer parameters at once"));
        } else if !axes.is_empty() {
            levels.insert(name.clone(), product(&axes, &name, ops));
        }
    }
    levels
}

/// One parameter with the values that are tried.
struct Axis {
    param: String,
    values: Vec<Value>,
}

/// The axes of one op; those that are wrong are left out.
fn axes(table: &Table<'_>, name: &str, op: &Op, ops: &Ops<'_>) -> Vec<Axis> {
    let params = table.keys();
    if params.is_empty() {
        let fault = Fault::new(format!("`[augment.grid.levels.{name}]` names no parameter"));
        table.fault("p", fault.help("write, say, `p = [0.25, 0.5]`, or remove it"));
    }
    let axis = |param: String| {
        let values = axis(table, &param, name, op, ops)?;
        Some(Axis { param, values })
    };
    params.into_iter().filter_map(axis).collect()
}

/// The values of one axis; `None` where they are wrong.
fn axis(table: &Table<'_>, param: &str, name: &str, op: &Op, ops: &Ops<'_>) -> Option<Vec<Value>> {
    if param == "op" || Group::KEYS.contains(&param) {
        let fault = Fault::new(format!("`{param}` says what the op is, and has no levels"));
        table.fault(param, fault.help("give each op a name of its own in `[augment.ops]`"));
        return None;
    }
    let known: Vec<&str> = op.action.values().into_iter().map(|(known, _)| known).chain(["p"]).collect();
    if !known.contains(&param) {
        table.fault(param, no_such_parameter(name, op, param, &known));
        return None;
    }
    table.takes(param, || vec![Takes::Anything.list()]);
    let value = table.any(param)?;
    let Value::Array(_, values) = &value else {
        let fault = Fault::new(format!("`{param}` is {}, expected a list of levels", shown(&value)));
        table.fault(param, fault);
        return None;
    };
    if values.is_empty() {
        table.fault(param, Fault::new(format!("`{param}` is an empty list, expected the levels to try")));
        return None;
    }
    if values.len() > MAX_LEVELS {
        let n = values.len();
        let fault = Fault::new(format!("`{param}` has {n} levels, expected at most {MAX_LEVELS}"));
        table.fault(param, fault.help("try fewer values"));
        return None;
    }
    // Each value by itself, so that a wrong one is told once and not in every combination.
    let before = table.n_faults();
    for (idx, value) in values.iter().enumerate() {
        op_with(ops, name, &[Chosen { param, idx, value }]);
    }
    if table.n_faults() > before {
        return None;
    }
    let texts: Vec<String> = values.iter().map(|value| arms::shown(&json(value))).collect();
    if let Some(i) = (0..texts.len()).find(|&i| texts[..i].contains(&texts[i])) {
        table.fault(param, Fault::new(format!("`{param}` has the level {} twice", shown(&values[i]))));
        return None;
    }
    Some(values.clone())
}

fn no_such_parameter(name: &str, op: &Op, param: &str, known: &[&str]) -> Fault {
    let kind = op.action.name();
    let fault = Fault::new(format!("the op `{name}` (`{kind}`) has no parameter `{param}`"));
    if matches!(op.action, Action::Group(_)) {
        let help =
            "only its `p` can have levels; give an op in it a name of its own in `[augment.ops]` to vary it";
        return fault.help(help);
    }
    match nearest(param, known.iter().copied()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => {
            let known: Vec<_> = known.iter().map(|known| format!("`{known}`")).collect();
            fault.help(format!("it has {}", known.join(", ")))
        }
    }
}

/// Every combination of the axes' values, the last axis fastest.
fn product(axes: &[Axis], name: &str, ops: &Ops<'_>) -> Vec<Level> {
    let mut points: Vec<Vec<Chosen<'_>>> = vec![Vec::new()];
    for Axis { param, values } in axes {
        points = points
            .into_iter()
            .flat_map(|point| {
                values.iter().enumerate().map(move |(idx, value)| {
                    let mut point = point.clone();
                    point.push(Chosen { param, idx, value });
                    point
                })
            })
            .collect();
    }
    let level = |point: Vec<Chosen<'_>>| Level {
        op: op_with(ops, name, &point),
        values: point.iter().map(|chosen| (chosen.param.to_owned(), json(chosen.value))).collect(),
    };
    points.into_iter().map(level).collect()
}

/// One of the values of an axis.
#[derive(Clone, Copy)]
struct Chosen<'a> {
    param: &'a str,
    /// Its position in the list.
    idx: usize,
    value: &'a Value,
}

/// The op with some of its parameters replaced by levels, read as the op itself is; faults in a level point at it.
fn op_with(ops: &Ops<'_>, name: &str, levels: &[Chosen<'_>]) -> Op {
    let mut table = ops.table.table(name);
    for chosen in levels {
        let idx = chosen.idx.to_string();
        let place = ["augment", "grid", "levels", name, chosen.param, &idx].map(str::to_owned);
        table = table.with_value(chosen.param, chosen.value.clone(), place.to_vec());
    }
    read_op(table, ops.side)
}

fn json(value: &Value) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or(serde_json::Value::Null)
}
