//! An op's table.

use std::ops::RangeInclusive;

use super::group::group;
use super::unknown::{no_op, unknown_op};
use super::{Action, Auto, Batch, Colour, Geometry, Group, Noise, Op, Quality};
use crate::spec::reader::Table;

pub(super) const PROBABILITY: RangeInclusive<f64> = 0.0..=1.0;

/// What is around an op.
#[derive(Clone, Copy, Debug)]
pub(super) struct Within {
    /// How many groups it stands inside.
    pub depth: usize,
    /// Pixels of a side of the pictures; `None` where that is not known.
    side: Option<u32>,
}

impl Within {
    /// Inside one group more.
    pub fn group(self) -> Self {
        Within { depth: self.depth + 1, ..self }
    }
}

/// Reads `{ op = "…", p = …, … }` or a group, as `{ one_of = [ … ], p = … }`. What does not suit pictures of `side` pixels
/// a side is a fault; `None` where the side is not known.
pub fn op(table: Table<'_>, side: Option<u32>) -> Op {
    op_within(table, Within { depth: 0, side })
}

/// Reads an op that may stand inside groups.
pub(super) fn op_within(table: Table<'_>, within: Within) -> Op {
    if let Some(key) = Group::KEYS.into_iter().find(|key| table.has(key)) {
        return group(table, key, within);
    }
    if !table.has("op") {
        table.fault("op", no_op(&table));
        return nothing();
    }
    let written = table.text("op");
    let Some(name) = Action::names().into_iter().find(|name| *name == written) else {
        // Where it is no text, that is told by now.
        if table.is_text("op") {
            table.fault("op", unknown_op(&written));
        }
        if table.has("p") {
            table.number("p", PROBABILITY);
        }
        // Which other keys it may have, nobody knows.
        return nothing();
    };
    let table = table.with_choice(&["op", name]);
    let _ = table.text("op");
    let p = table.number("p", PROBABILITY);
    let before = table.n_faults();
    let action = action(name, &table);
    if let Some(side) = within.side
        && table.n_faults() == before
    {
        action.check_side(side, &table);
    }
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
