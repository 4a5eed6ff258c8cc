//! The section `[augment.grid]`: which ops are tried together. Their levels are read in `read_levels`.

use indexmap::IndexMap;

use super::arms::NONE;
use super::fault::{Fault, nearest};
use super::ops::{Action, Op};
use super::read_augment::Ops;
use super::read_data::check_name;
use super::read_levels::levels;
use super::reader::Table;
use super::settings::{Design, Level};
use crate::design::{self, MAX_FACTORIAL, Refusal, Resolution};

/// What the section says.
pub(super) struct Grid {
    pub design: Design,
    pub policies: IndexMap<String, Vec<String>>,
    pub levels: IndexMap<String, Vec<Level>>,
}

/// Reads the section.
pub(super) fn grid(table: Table<'_>, ops: &Ops<'_>) -> Grid {
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
    let policies = policies(&table.table("policies"), &ops.all);
    // Who writes of no augmentation asks for none: the default is for those who have ops.
    let design = match design {
        Design::AddOne if ops.all.is_empty() && !table.is_written("design") => Design::None,
        design => design,
    };
    if let Err(fault) = check_size(design, ops.all.len(), policies.len()) {
        table.fault("design", fault);
    }
    let levels_table = table.table("levels");
    let levels = levels(&levels_table, ops);
    if !levels_table.keys().is_empty() && !matches!(design, Design::AddOne | Design::None) {
        let fault = Fault::new(format!("`design = \"{}\"` takes no levels of ops", design.name()));
        let help =
            "`add_one` tries them; elsewhere, write an op under two names with two values in `[augment.ops]`";
        table.fault("levels", fault.help(help));
    }
    table.finish();
    Grid { design, policies, levels }
}

fn policies(table: &Table<'_>, ops: &IndexMap<String, Op>) -> IndexMap<String, Vec<String>> {
    let mut policies = IndexMap::new();
    for name in table.keys() {
        check_name(table, &name);
        let members = table.texts(&name);
        for (i, member) in members.iter().enumerate().filter(|(_, member)| !ops.contains_key(*member)) {
            let fault = Fault::new(format!(
                "the policy `{name}` names the op `{member}`, which is not in `[augment.ops]`"
            ));
            table.fault_in(&name, i, near_op(fault, member, ops));
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
pub(super) fn near_op(fault: Fault, name: &str, ops: &IndexMap<String, Op>) -> Fault {
    // Ops are named by their names in the spec, not by what they do.
    if Action::names().contains(&name) {
        return match ops.iter().find(|(_, op)| op.action.name() == name) {
            Some((own, _)) => fault.help(format!("`{own}` is a `{name}`: write `{own}`")),
            None => fault.help(format!("define it there, as `{name} = {{ op = \"{name}\" }}`")),
        };
    }
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
