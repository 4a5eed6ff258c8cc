//! The section `[augment.ops]`.

use indexmap::IndexMap;

use super::arms::NONE;
use super::fault::Fault;
use super::ops::{Op, read_op};
use super::read_data::check_name;
use super::read_grid;
use super::reader::Table;
use super::settings::Augment;

/// `[augment.ops]` as it was read.
pub(super) struct Ops<'r> {
    /// The section.
    pub table: Table<'r>,
    /// What it holds.
    pub all: IndexMap<String, Op>,
    /// Those that are not as they were meant.
    pub wrong: Vec<String>,
    /// Pixels of a side of the pictures; `None` where that is not known.
    pub side: Option<u32>,
}

/// Reads `[augment]`, for pictures of `side` pixels a side; `None` where that is not known.
pub fn augment(root: &Table<'_>, side: Option<u32>) -> Augment {
    let table = root.table("augment");
    let ops = ops(table.table("ops"), side);
    let grid = read_grid::grid(table.table("grid"), &ops);
    table.finish();
    Augment { ops: ops.all, design: grid.design, policies: grid.policies, levels: grid.levels }
}

fn ops(ops_table: Table<'_>, side: Option<u32>) -> Ops<'_> {
    let (mut ops, mut wrong) = (IndexMap::new(), Vec::new());
    for name in ops_table.keys() {
        check_name(&ops_table, &name);
        if name == NONE {
            let fault =
                Fault::new("`none` is the name of the variant without augmentation").help("rename the op");
            ops_table.fault(&name, fault);
        }
        let twin = ops.keys().find(|other: &&String| other.to_lowercase() == name.to_lowercase());
        if let Some(twin) = twin {
            ops_table.fault(&name, Fault::new(format!("the ops `{twin}` and `{name}` differ by case only")));
        }
        for forbidden in ['+', '/', '='] {
            if name.contains(forbidden) {
                let fault = Fault::new(format!(
                    "the op name `{name}` holds `{forbidden}`, which joins names of runs"
                ));
                let other = name.replace(['+', '/', '='], "_");
                ops_table.fault(&name, fault.help(format!("rename it, say `{other}`")));
            }
        }
        let before = ops_table.n_faults();
        let op = read_op(ops_table.table(&name), side);
        if ops_table.n_faults() > before {
            wrong.push(name.clone());
        }
        ops.insert(name, op);
    }
    Ops { table: ops_table, all: ops, wrong, side }
}
