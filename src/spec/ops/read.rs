//! An op's table.

use std::ops::RangeInclusive;

use super::{Action, Colour, Geometry, Group, NamedOp, Noise, Op, Quality};
use crate::spec::fault::Fault;
use crate::spec::reader::Table;

const PROBABILITY: RangeInclusive<f64> = 0.0..=1.0;

/// Reads `{ op = "…", p = …, … }` or `{ one_of = [ … ], p = … }`.
pub fn op(table: Table<'_>) -> Op {
    if table.has("one_of") {
        return one_of(table);
    }
    if !table.has("op") {
        let fault = Fault::new(format!("`[{}]` names no op", table.shown()))
            .help("write `op = \"horizontal_flip\"`, or `one_of = [ … ]`");
        table.fault("op", fault);
        return Op { p: 0.0, action: Action::Geometry(Geometry::HorizontalFlip {}) };
    }
    let names: Vec<(&str, &str)> = Action::names().into_iter().map(|name| (name, name)).collect();
    let name = table.choice("op", &names);
    let table = table.with_choice(&["op", name]);
    let _ = table.text("op");
    let p = table.number("p", PROBABILITY);
    let action = action(name, &table);
    table.finish();
    Op { p, action }
}

fn action(name: &str, table: &Table<'_>) -> Action {
    let geometry = || Geometry::read(name, table).map(Action::Geometry);
    let colour = || Colour::read(name, table).map(Action::Colour);
    let noise = || Noise::read(name, table).map(Action::Noise);
    let quality = || Quality::read(name, table).map(Action::Quality);
    geometry()
        .or_else(colour)
        .or_else(noise)
        .or_else(quality)
        .unwrap_or(Action::Geometry(Geometry::HorizontalFlip {}))
}

fn one_of(table: Table<'_>) -> Op {
    let table = table.with_choice(&["op", "one_of"]);
    let p = table.number("p", PROBABILITY);
    let ops = members(&table, "one_of");
    if ops.is_empty() {
        table.fault("one_of", Fault::new("`one_of` has no ops to choose from"));
    } else if ops.iter().all(|op| op.op.p == 0.0) {
        table.fault("one_of", Fault::new("every op in `one_of` has `p = 0`, so that none can be chosen"));
    }
    table.finish();
    Op { p, action: Action::Group(Group::OneOf { ops }) }
}

/// The ops in the list under `key`, each under a name of its own, since the name keys the draws.
fn members(table: &Table<'_>, key: &str) -> Vec<NamedOp> {
    let mut ops: Vec<NamedOp> = Vec::new();
    for inner in table.tables(key) {
        let op = op(inner);
        let kind = op.action.name();
        let same = ops.iter().filter(|other| other.op.action.name() == kind).count();
        let name = if same == 0 { kind.to_owned() } else { format!("{kind}#{}", same + 1) };
        ops.push(NamedOp { name, op });
    }
    ops
}
