//! The section `[augment.grid]`: which ops are tried together, and at which levels.

use figment::value::Value;
use indexmap::IndexMap;

use super::arms::{self, NONE};
use super::fault::{Fault, nearest};
use super::ops::{Action, Op, read_op};
use super::read_data::check_name;
use super::reader::{Table, shown};
use super::settings::{Design, Level};
use crate::design::{self, MAX_FACTORIAL, Refusal, Resolution};

/// The most levels of one op, all combinations of its axes counted.
const MAX_LEVELS: usize = 100;

/// What the section says.
pub(super) struct Grid {
    pub design: Design,
    pub policies: IndexMap<String, Vec<String>>,
    pub levels: IndexMap<String, Vec<Level>>,
}

/// Reads the section; `ops_table` is `[augment.ops]`, and `ops` what it holds.
pub(super) fn grid(table: Table<'_>, ops_table: &Table<'_>, ops: &IndexMap<String, Op>) -> Grid {
    let resolutions = [Resolution::Four, Resolution::Five];
    let resolution = resolutions[table.integer("resolution", 4..=5) as usize - 4];
    let design = table.choice(
        "design",
        &[
            ("none", Design::None),
            ("add_one", Design::AddOne),
            ("drop_one", Design::DropOne),
            ("factorial", Design::Factorial),
            ("fractional", Design::Fractional { resolution }),
            ("policies", Design::Policies),
        ],
    );
    let policies = policies(&table.table("policies"), ops);
    if let Err(fault) = check_size(design, ops.len(), policies.len()) {
        table.fault("design", fault);
    }
    let levels = levels(&table, design, ops_table, ops);
    table.finish();
    Grid { design, policies, levels }
}

fn policies(table: &Table<'_>, ops: &IndexMap<String, Op>) -> IndexMap<String, Vec<String>> {
    let mut policies = IndexMap::new();
    for name in table.keys() {
        check_name(table, &name);
        let members = table.texts(&name);
        for member in members.iter().filter(|member| !ops.contains_key(*member)) {
            let fault = Fault::new(format!(
                "the policy `{name}` names the op `{member}`, which is not in `[augment.ops]`"
            ));
            table.fault(&name, near_op(fault, member, ops));
        }
        let twice = members.iter().enumerate().find(|(i, member)| members[..*i].contains(member));
        if let Some((_, twice)) = twice {
            table.fault(&name, Fault::new(format!("the policy `{name}` names `{twice}` twice")));
        }
        if name == NONE && !members.is_empty() {
            table.fault(&name, Fault::new("the policy `none` is the one without ops, but it names some"));
        }
        policies.insert(name, members);
    }
    policies
}

/// With the op that was meant, or all there are.
fn near_op(fault: Fault, name: &str, ops: &IndexMap<String, Op>) -> Fault {
    match nearest(name, ops.keys().map(String::as_str)) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None if ops.is_empty() => fault.help("define it there"),
        None => {
            let known: Vec<_> = ops.keys().map(|op| format!("`{op}`")).collect();
            fault.help(format!("known there: {}", known.join(", ")))
        }
    }
}

/// Whether a design can be laid out for so many ops and lists.
fn check_size(design: Design, n_ops: usize, n_policies: usize) -> Result<(), Fault> {
    let name = design.name();
    let written = format!("`design = \"{name}\"`");
    match design {
        Design::None => Ok(()),
        Design::Policies if n_policies == 0 => {
            Err(Fault::new(format!("{written} needs at least one named list in `[augment.grid.policies]`")))
        }
        Design::Policies => Ok(()),
        _ if n_ops == 0 => Err(Fault::new(format!(
            "{written} has no ops to {}",
            match design {
                Design::AddOne => "add",
                Design::DropOne => "leave out",
                _ => "combine",
            }
        ))
        .help("define ops in `[augment.ops]`, or write `design = \"none\"`")),
        Design::AddOne => Ok(()),
        Design::DropOne if n_ops == 1 => {
            Err(Fault::new(format!("{written} needs at least 2 ops: without its one op nothing is left"))
                .help("write `design = \"add_one\"`, or define more ops in `[augment.ops]`"))
        }
        Design::DropOne => Ok(()),
        Design::Factorial if n_ops > MAX_FACTORIAL => Err(too_many_combinations(&written, n_ops)),
        Design::Factorial => Ok(()),
        Design::Fractional { resolution } => match design::n_arms(n_ops, resolution) {
            Ok(_) => Ok(()),
            Err(refusal) => Err(no_fraction(&written, n_ops, resolution, refusal)),
        },
    }
}

fn too_many_combinations(written: &str, n_ops: usize) -> Fault {
    let most = format!("expected at most {MAX_FACTORIAL} ops ({} arms)", 1 << MAX_FACTORIAL);
    let fault = Fault::new(format!("{written} of {n_ops} ops has {} arms, {most}", power_of_two(n_ops)));
    match design::n_arms(n_ops, Resolution::Four) {
        Ok(arms) => fault.help(format!(
            "write `design = \"fractional\"`: {arms} arms tell what each of the {n_ops} ops does"
        )),
        Err(_) => fault.help(format!("write `design = \"add_one\"`: {} arms", n_ops + 1)),
    }
}

fn no_fraction(written: &str, n_ops: usize, resolution: Resolution, refusal: Refusal) -> Fault {
    let of = match resolution {
        Resolution::Four => String::new(),
        Resolution::Five => " with `resolution = 5`".to_owned(),
    };
    let ops = if n_ops == 1 { "is 1".to_owned() } else { format!("are {n_ops}") };
    match refusal {
        Refusal::TooFew { least } => Fault::new(format!(
            "{written}{of} needs at least {least} ops, and there {ops}: with fewer, only all combinations keep them apart"
        ))
        .help(format!("write `design = \"factorial\"`: {} arms", 1 << n_ops)),
        Refusal::TooMany { most } => {
            let fault = Fault::new(format!("{written}{of} takes at most {most} ops, and there {ops}"));
            let (wider, alone) = (design::n_arms(n_ops, Resolution::Four), n_ops + 1);
            fault.help(match wider {
                Ok(arms) if resolution == Resolution::Five => format!("write `resolution = 4`: {arms} arms"),
                _ => format!("write `design = \"add_one\"`: {alone} arms; or leave some ops out"),
            })
        }
    }
}

fn power_of_two(exponent: usize) -> String {
    if exponent < 20 { (1_u64 << exponent).to_string() } else { format!("2^{exponent}") }
}

/// One parameter with the values that are tried.
struct Axis {
    param: String,
    values: Vec<Value>,
}

fn levels(
    grid: &Table<'_>,
    design: Design,
    ops_table: &Table<'_>,
    ops: &IndexMap<String, Op>,
) -> IndexMap<String, Vec<Level>> {
    let table = grid.table("levels");
    let names = table.keys();
    if !names.is_empty() && !matches!(design, Design::AddOne | Design::None) {
        let fault = Fault::new(format!("`design = \"{}\"` takes no levels of ops", design.name()));
        grid.fault(
            "levels",
            fault.help(
                "`add_one` tries them; elsewhere, write an op under two names with two values in `[augment.ops]`",
            ),
        );
    }
    let mut levels = IndexMap::new();
    for name in names {
        let Some(op) = ops.get(&name) else {
            let fault =
                Fault::new(format!("`levels` names the op `{name}`, which is not in `[augment.ops]`"));
            table.fault(&name, near_op(fault, &name, ops));
            continue;
        };
        let axes = axes(&table.table(&name), &name, op, ops_table);
        let n = axes.iter().fold(1_usize, |n, axis| n.saturating_mul(axis.values.len()));
        if n > MAX_LEVELS {
            let fault = Fault::new(format!("the op `{name}` has {n} levels, expected at most {MAX_LEVELS}"));
            table.fault(&name, fault.help("try fewer values, or fewer parameters at once"));
        } else if !axes.is_empty() {
            levels.insert(name.clone(), product(&axes, &name, ops_table));
        }
    }
    levels
}

/// The axes of one op; those that are wrong are left out.
fn axes(table: &Table<'_>, name: &str, op: &Op, ops_table: &Table<'_>) -> Vec<Axis> {
    let params = table.keys();
    if params.is_empty() {
        let fault = Fault::new(format!("`[augment.grid.levels.{name}]` names no parameter"));
        table.fault("p", fault.help("write, say, `p = [0.25, 0.5]`, or remove it"));
    }
    let axis = |param: String| {
        let values = axis(table, &param, name, op, ops_table)?;
        Some(Axis { param, values })
    };
    params.into_iter().filter_map(axis).collect()
}

fn axis(table: &Table<'_>, param: &str, name: &str, op: &Op, ops_table: &Table<'_>) -> Option<Vec<Value>> {
    if matches!(param, "op" | "one_of") {
        let fault = Fault::new(format!("`{param}` says what the op is, and has no levels"));
        table.fault(param, fault.help("give each op a name of its own in `[augment.ops]`"));
        return None;
    }
    let known: Vec<&str> = op.action.values().into_iter().map(|(known, _)| known).chain(["p"]).collect();
    if !known.contains(&param) {
        table.fault(param, no_such_parameter(name, op, param, &known));
        return None;
    }
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
    // Each value by itself, so that a wrong one is told once and not in every combination.
    let before = table.n_faults();
    for (idx, value) in values.iter().enumerate() {
        op_with(ops_table, name, &[Chosen { param, idx, value }]);
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
fn product(axes: &[Axis], name: &str, ops_table: &Table<'_>) -> Vec<Level> {
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
        op: op_with(ops_table, name, &point),
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
fn op_with(ops_table: &Table<'_>, name: &str, levels: &[Chosen<'_>]) -> Op {
    let mut table = ops_table.table(name);
    for chosen in levels {
        let idx = chosen.idx.to_string();
        let place = ["augment", "grid", "levels", name, chosen.param, &idx].map(str::to_owned);
        table = table.with_value(chosen.param, chosen.value.clone(), place.to_vec());
    }
    read_op(table)
}

fn json(value: &Value) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or(serde_json::Value::Null)
}
