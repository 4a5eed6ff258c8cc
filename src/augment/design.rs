//! Which ops are tried together: from the ops and the design to the arms of the grid.

use crate::spec::ops::NamedOp;
use crate::spec::settings::{Augment, Design};

/// The arm without augmentation.
pub const NONE: &str = "none";

/// One point of the grid: a name and the ops in the order in which they are applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// `none`, an op's name, or a policy's.
    pub name: String,
    /// May be empty.
    pub ops: Vec<NamedOp>,
}

/// Why a design cannot be laid out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DesignError {
    /// A policy names an op that is not defined.
    #[error("policy `{policy}` uses op `{op}`, expected one of {}", listed(.known))]
    UnknownOp {
        /// The policy.
        policy: String,
        /// The name in it.
        op: String,
        /// The ops that exist.
        known: Vec<String>,
    },
}

/// The arms of the grid, in spec order.
///
/// `none`: only the arm `none`. `add_one`: `none` and each op alone. `policies`: each named list with its ops
/// in the list's order, led by `none` unless the spec itself has a policy of that name.
///
/// # Errors
/// Where a policy names an op that is not in `augment.ops`.
pub fn arms(augment: &Augment) -> Result<Vec<Arm>, DesignError> {
    let none = Arm { name: NONE.to_owned(), ops: Vec::new() };
    match augment.design {
        Design::None => Ok(vec![none]),
        Design::AddOne => {
            let alone = augment.ops.iter().map(|(name, op)| Arm {
                name: name.clone(),
                ops: vec![NamedOp { name: name.clone(), op: op.clone() }],
            });
            Ok(std::iter::once(none).chain(alone).collect())
        }
        Design::Policies => {
            let lead = (!augment.policies.contains_key(NONE)).then_some(Ok(none));
            lead.into_iter().chain(augment.policies.keys().map(|name| policy_arm(augment, name))).collect()
        }
    }
}

fn policy_arm(augment: &Augment, policy: &str) -> Result<Arm, DesignError> {
    let find = |name: &String| {
        let op = augment.ops.get(name).ok_or_else(|| DesignError::UnknownOp {
            policy: policy.to_owned(),
            op: name.clone(),
            known: augment.ops.keys().cloned().collect(),
        })?;
        Ok(NamedOp { name: name.clone(), op: op.clone() })
    };
    let ops = augment.policies.get(policy).into_iter().flatten().map(find).collect::<Result<_, _>>()?;
    Ok(Arm { name: policy.to_owned(), ops })
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::ops::{Action, Colour, Geometry, Op};

    fn augment(design: Design, policies: &[(&str, &[&str])]) -> Augment {
        let op = |p, action| Op { p, action };
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Augment {
            ops: [
                ("shuffle".to_owned(), op(0.3, Action::Colour(Colour::ChannelShuffle {}))),
                ("flip".to_owned(), op(0.5, Action::Geometry(Geometry::HorizontalFlip {}))),
            ]
            .into(),
            design,
            policies: policies.iter().map(|(name, ops)| ((*name).to_owned(), list(ops))).collect(),
        }
    }

    /// `arm: op op, arm: …`
    fn shown(augment: &Augment) -> String {
        let show = |arm: Arm| {
            let ops: Vec<_> = arm.ops.iter().map(|named| named.name.as_str()).collect();
            format!("{}:{}", arm.name, ops.join(" "))
        };
        arms(augment).unwrap().into_iter().map(show).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn each_design_gives_its_arms_in_spec_order() {
        assert_eq!(shown(&augment(Design::None, &[])), "none:");
        assert_eq!(shown(&augment(Design::AddOne, &[])), "none:, shuffle:shuffle, flip:flip");
        let policies: &[(&str, &[&str])] = &[("paper", &["flip", "shuffle"]), ("empty", &[])];
        assert_eq!(shown(&augment(Design::Policies, policies)), "none:, paper:flip shuffle, empty:");
    }

    #[test]
    fn a_policy_named_none_takes_the_place_of_the_built_in_one() {
        let policies: &[(&str, &[&str])] = &[("all", &["flip"]), ("none", &["shuffle"])];
        assert_eq!(shown(&augment(Design::Policies, policies)), "all:flip, none:shuffle");
    }

    #[test]
    fn ops_come_with_their_settings() {
        let augment = augment(Design::AddOne, &[]);
        assert_eq!(arms(&augment).unwrap()[1].ops[0].op, augment.ops["shuffle"]);
    }

    #[test]
    fn an_unknown_op_is_named() {
        let error = arms(&augment(Design::Policies, &[("paper", &["flip", "blur"])])).unwrap_err();
        assert_eq!(error.to_string(), "policy `paper` uses op `blur`, expected one of `shuffle`, `flip`");
    }
}
