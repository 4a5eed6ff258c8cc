//! The sections `[augment.ops]` and `[augment.grid]`.

use indexmap::IndexMap;

use super::fault::{Fault, nearest};
use super::ops::read_op;
use super::read_data::check_name;
use super::reader::Table;
use super::settings::{Augment, Design};

/// The name of the variant without augmentation.
pub const NONE: &str = "none";

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

    let grid = table.table("grid");
    let design = grid.choice(
        "design",
        &[("none", Design::None), ("add_one", Design::AddOne), ("policies", Design::Policies)],
    );
    let policies_table = grid.table("policies");
    let mut policies = IndexMap::new();
    for name in policies_table.keys() {
        check_name(&policies_table, &name);
        let members = policies_table.texts(&name);
        for member in &members {
            if !ops.contains_key(member) {
                let mut fault = Fault::new(format!(
                    "the policy `{name}` names the op `{member}`, which is not in `[augment.ops]`"
                ));
                fault = match nearest(member, ops.keys().map(String::as_str)) {
                    Some(near) => fault.help(format!("did you mean `{near}`?")),
                    None if ops.is_empty() => fault.help("define it there"),
                    None => {
                        let known: Vec<_> = ops.keys().map(|op| format!("`{op}`")).collect();
                        fault.help(format!("known there: {}", known.join(", ")))
                    }
                };
                policies_table.fault(&name, fault);
            }
        }
        if let Some(twice) =
            members.iter().enumerate().find(|(i, m)| members[..*i].contains(m)).map(|(_, m)| m)
        {
            policies_table.fault(&name, Fault::new(format!("the policy `{name}` names `{twice}` twice")));
        }
        if name == NONE && !members.is_empty() {
            policies_table
                .fault(&name, Fault::new("the policy `none` is the one without ops, but it names some"));
        }
        policies.insert(name, members);
    }
    if design == Design::Policies && policies.is_empty() {
        let fault =
            Fault::new("`design = \"policies\"` needs at least one named list in `[augment.grid.policies]`");
        grid.fault("design", fault);
    }
    if design == Design::AddOne && ops.is_empty() {
        let fault = Fault::new("`design = \"add_one\"` has no ops to add")
            .help("define ops in `[augment.ops]`, or write `design = \"none\"`");
        grid.fault("design", fault);
    }
    grid.finish();
    table.finish();
    Augment { ops, design, policies }
}

/// The names of the grid's arms, in order.
pub fn arm_names(augment: &Augment) -> Vec<String> {
    let mut names = vec![NONE.to_owned()];
    match augment.design {
        Design::None => {}
        Design::AddOne => names.extend(augment.ops.keys().cloned()),
        Design::Policies => names.extend(augment.policies.keys().filter(|name| *name != NONE).cloned()),
    }
    names
}
