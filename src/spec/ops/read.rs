//! An op's table.

use std::ops::RangeInclusive;

use super::group::group;
use super::{Action, Auto, Batch, Colour, Geometry, Group, Noise, Op, Quality};
use crate::spec::fault::Fault;
use crate::spec::reader::Table;

pub(super) const PROBABILITY: RangeInclusive<f64> = 0.0..=1.0;

/// Reads `{ op = "…", p = …, … }` or a group, as `{ one_of = [ … ], p = … }`.
pub fn op(table: Table<'_>) -> Op {
    op_within(table, 0)
}

/// Reads an op that stands inside `depth` groups.
pub(super) fn op_within(table: Table<'_>, depth: usize) -> Op {
    if let Some(key) = Group::KEYS.into_iter().find(|key| table.has(key)) {
        return group(table, key, depth);
    }
    if !table.has("op") {
        let fault = Fault::new(format!("`[{}]` names no op", table.shown())).help(
            "write `op = \"horizontal_flip\"`, or a group: `one_of = [ … ]`, `some_of = [ … ]`, `sequential = [ … ]`",
        );
        table.fault("op", fault);
        return nothing();
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

/// What stands in for an op that cannot be read.
pub(super) fn nothing() -> Op {
    Op { p: 0.0, action: Action::Geometry(Geometry::HorizontalFlip {}) }
}

fn action(name: &str, table: &Table<'_>) -> Action {
    let geometry = || Geometry::read(name, table).map(Action::Geometry);
    let colour = || Colour::read(name, table).map(Action::Colour);
    let noise = || Noise::read(name, table).map(Action::Noise);
    let quality = || Quality::read(name, table).map(Action::Quality);
    let auto = || Auto::read(name, table).inspect(|op| op.check(table)).map(Action::Auto);
    let batch = || Batch::read(name, table).map(Action::Batch);
    geometry()
        .or_else(colour)
        .or_else(noise)
        .or_else(quality)
        .or_else(auto)
        .or_else(batch)
        .unwrap_or(nothing().action)
}
