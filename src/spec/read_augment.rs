//! The sections `[augment.ops]` and `[augment.grid]`.

use std::ops::RangeInclusive;

use indexmap::IndexMap;

use super::fault::{Fault, nearest};
use super::ops::{Action, Border, NamedOp, Op};
use super::read_data::check_name;
use super::reader::Table;
use super::settings::{Augment, Design};

/// The name of the variant without augmentation.
pub const NONE: &str = "none";

const PROBABILITY: RangeInclusive<f64> = 0.0..=1.0;

/// Every op by its name in a spec.
const KINDS: [(&str, Kind); 7] = [
    ("horizontal_flip", Kind::HorizontalFlip),
    ("vertical_flip", Kind::VerticalFlip),
    ("rotate", Kind::Rotate),
    ("random_brightness_contrast", Kind::RandomBrightnessContrast),
    ("hue_saturation_value", Kind::HueSaturationValue),
    ("channel_shuffle", Kind::ChannelShuffle),
    ("gauss_noise", Kind::GaussNoise),
];

#[derive(Clone, Copy)]
enum Kind {
    HorizontalFlip,
    VerticalFlip,
    Rotate,
    RandomBrightnessContrast,
    HueSaturationValue,
    ChannelShuffle,
    GaussNoise,
}

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
        ops.insert(name.clone(), op(ops_table.table(&name)));
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

fn op(table: Table<'_>) -> Op {
    let table_path = table.shown();
    if table.has("one_of") {
        return one_of(table);
    }
    if !table.has("op") {
        let fault = Fault::new(format!("`[{table_path}]` names no op"))
            .help("write `op = \"horizontal_flip\"`, or `one_of = [ … ]`");
        table.fault("op", fault);
        return Op { p: 0.0, action: Action::HorizontalFlip };
    }
    let kind = table.choice("op", &KINDS);
    let name = KINDS.iter().find(|(_, k)| *k as u8 == kind as u8).map_or("", |(name, _)| *name);
    let table = table.with_choice(&["op", name]);
    let _ = table.text("op");
    let p = table.number("p", PROBABILITY);
    let action = match kind {
        Kind::HorizontalFlip => Action::HorizontalFlip,
        Kind::VerticalFlip => Action::VerticalFlip,
        Kind::Rotate => Action::Rotate {
            limit: table.range("limit", -360.0..=360.0),
            border: table
                .choice("border", &[("reflect_101", Border::Reflect101), ("constant", Border::Constant)]),
        },
        Kind::RandomBrightnessContrast => Action::RandomBrightnessContrast {
            brightness_limit: table.range("brightness_limit", -1.0..=1.0),
            contrast_limit: table.range("contrast_limit", -1.0..=1.0),
            brightness_by_max: table.flag("brightness_by_max"),
        },
        Kind::HueSaturationValue => Action::HueSaturationValue {
            hue_shift_limit: table.range("hue_shift_limit", -180.0..=180.0),
            sat_shift_limit: table.range("sat_shift_limit", -255.0..=255.0),
            val_shift_limit: table.range("val_shift_limit", -255.0..=255.0),
        },
        Kind::ChannelShuffle => Action::ChannelShuffle,
        Kind::GaussNoise => Action::GaussNoise {
            std: table.range("std", 0.0..=1.0),
            mean: table.range("mean", -1.0..=1.0),
            per_channel: table.flag("per_channel"),
        },
    };
    table.finish();
    Op { p, action }
}

fn one_of(table: Table<'_>) -> Op {
    let table = table.with_choice(&["op", "one_of"]);
    let p = table.number("p", PROBABILITY);
    let mut ops: Vec<NamedOp> = Vec::new();
    for inner in table.tables("one_of") {
        let kind = match inner.any("op") {
            Some(figment::value::Value::String(_, kind)) => kind,
            _ => "one_of".to_owned(),
        };
        // Two of one kind need names of their own, since the name keys the draws.
        let same = ops.iter().filter(|op| op.name.split('#').next() == Some(&kind)).count();
        let name = if same == 0 { kind } else { format!("{kind}#{}", same + 1) };
        ops.push(NamedOp { name, op: op(inner) });
    }
    if ops.is_empty() {
        table.fault("one_of", Fault::new("`one_of` has no ops to choose from"));
    } else if ops.iter().all(|op| op.op.p == 0.0) {
        table.fault("one_of", Fault::new("every op in `one_of` has `p = 0`, so that none can be chosen"));
    }
    table.finish();
    Op { p, action: Action::OneOf { ops } }
}
