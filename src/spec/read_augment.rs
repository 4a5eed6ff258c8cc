//! The section `[augment.ops]`.

use indexmap::IndexMap;

use super::arms::NONE;
use super::fault::Fault;
use super::ops::read_op;
use super::read_data::check_name;
use super::read_grid;
use super::reader::Table;
use super::settings::Augment;

/// Reads `[augment]`.
pub fn augment(root: &Table<'_>) -> Augment {
    let table = root.table("augment");
    let ops_table = table.table("ops");
    let mut ops = IndexMap::new();
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
                ops_table.fault(&name, fault);
            }
        }
        ops.insert(name.clone(), read_op(ops_table.table(&name)));
    }

    let grid = read_grid::grid(table.table("grid"), &ops_table, &ops);
    table.finish();
    Augment { ops, design: grid.design, policies: grid.policies, levels: grid.levels }
}
