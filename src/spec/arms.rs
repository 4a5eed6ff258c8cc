//! The arms of the grid: which ops each of them applies, and its name.
//!
//! A name is made in this file alone. It is for people, and stands in the names of runs; what enters a key is the ops.

use super::ops::{NamedOp, Op};
use super::settings::{Augment, Design, Level};
use crate::design::{self, Fraction, Subset};

/// The arm without augmentation.
pub const NONE: &str = "none";
/// The arm with every op, where that is what others are compared with.
pub const ALL: &str = "all";

/// One point of the grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arm {
    /// `none`; ops joined by `+` (`flip`, `flip+noise`), an op at a level (`noise(std=0.02..0.05)`); `all` and
    /// `without-flip`; or the name of a policy.
    pub name: String,
    /// What is applied, in this order; may be empty.
    pub parts: Vec<Part>,
}

/// One op of an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its position in the spec.
    pub op: usize,
    /// Which of its levels; `None`: as it stands in the spec.
    pub level: Option<usize>,
}

impl Arm {
    /// The part that is this op.
    pub fn part(&self, op: usize) -> Option<Part> {
        self.parts.iter().copied().find(|part| part.op == op)
    }
}

impl Design {
    /// Its name in a spec.
    pub fn name(self) -> &'static str {
        match self {
            Design::None => "none",
            Design::AddOne => "add_one",
            Design::DropOne => "drop_one",
            Design::Factorial => "factorial",
            Design::Fractional { .. } => "fractional",
            Design::Policies => "policies",
        }
    }

    /// The arm that effects are measured against where the spec names none.
    pub fn baseline(self) -> &'static str {
        match self {
            // What an op adds to the others is seen where it alone is missing.
            Design::DropOne => ALL,
            _ => NONE,
        }
    }
}

impl Augment {
    /// The arms of the grid, in order.
    pub fn arms(&self) -> Vec<Arm> {
        let none = Arm { name: NONE.to_owned(), parts: Vec::new() };
        match self.design {
            Design::None => vec![none],
            Design::AddOne => {
                std::iter::once(none).chain((0..self.ops.len()).flat_map(|op| self.alone(op))).collect()
            }
            Design::DropOne => self.dropped(none),
            Design::Factorial => self.combined(design::factorial(self.ops.len())),
            Design::Fractional { .. } => self.combined(self.fraction().map_or_else(Vec::new, Fraction::arms)),
            Design::Policies => {
                let lead = (!self.policies.contains_key(NONE)).then_some(none);
                lead.into_iter()
                    .chain(self.policies.iter().map(|(name, ops)| self.policy(name, ops)))
                    .collect()
            }
        }
    }

    /// The fraction that the design is; `None` for other designs.
    pub fn fraction(&self) -> Option<&'static Fraction> {
        match self.design {
            Design::Fractional { resolution } => design::fraction(self.ops.len(), resolution).ok(),
            _ => None,
        }
    }

    /// What an arm does to a picture.
    pub fn ops_of(&self, arm: &Arm) -> Vec<NamedOp> {
        let named = |part: &Part| {
            let (name, op) = self.ops.get_index(part.op)?;
            let op = self.level(*part).map_or(op, |level| &level.op);
            Some(NamedOp { name: name.clone(), op: op.clone(), nth: self.nth(part.op) })
        };
        arm.parts.iter().filter_map(named).collect()
    }

    /// How many ops of the kind of op `op_idx` come before it; all `one_of` are of one kind, as are the other groups.
    pub fn nth(&self, op_idx: usize) -> u32 {
        let kind = |op: &Op| op.action.name();
        let own = self.ops.get_index(op_idx).map(|(_, op)| kind(op));
        self.ops.values().take(op_idx).filter(|op| Some(kind(op)) == own).count() as u32
    }

    /// The level that a part is at.
    pub fn level(&self, part: Part) -> Option<&Level> {
        let (name, _) = self.ops.get_index(part.op)?;
        self.levels.get(name)?.get(part.level?)
    }

    fn name_of(&self, op: usize) -> &str {
        self.ops.get_index(op).map_or("", |(name, _)| name)
    }

    /// One op alone: as it stands, or at each of its levels.
    fn alone(&self, op: usize) -> Vec<Arm> {
        let name = self.name_of(op);
        match self.levels.get(name) {
            None => vec![Arm { name: name.to_owned(), parts: vec![Part { op, level: None }] }],
            Some(levels) => {
                let arm = |(idx, level): (usize, &Level)| Arm {
                    name: format!("{name}({})", level.shown()),
                    parts: vec![Part { op, level: Some(idx) }],
                };
                levels.iter().enumerate().map(arm).collect()
            }
        }
    }

    /// All ops, all but each, and none.
    fn dropped(&self, none: Arm) -> Vec<Arm> {
        let every = || (0..self.ops.len()).map(|op| Part { op, level: None });
        let all = Arm { name: ALL.to_owned(), parts: every().collect() };
        let without = (0..self.ops.len()).map(|left_out| Arm {
            name: format!("without-{}", self.name_of(left_out)),
            parts: every().filter(|part| part.op != left_out).collect(),
        });
        std::iter::once(all).chain(without).chain([none]).collect()
    }

    fn combined(&self, subsets: Vec<Subset>) -> Vec<Arm> {
        let arm = |subset: Subset| {
            let names: Vec<&str> = subset.factors().map(|op| self.name_of(op)).collect();
            Arm {
                name: if names.is_empty() { NONE.to_owned() } else { names.join("+") },
                parts: subset.factors().map(|op| Part { op, level: None }).collect(),
            }
        };
        subsets.into_iter().map(arm).collect()
    }

    fn policy(&self, name: &str, ops: &[String]) -> Arm {
        let part = |op: &String| Some(Part { op: self.ops.get_index_of(op)?, level: None });
        Arm { name: name.to_owned(), parts: ops.iter().filter_map(part).collect() }
    }
}

impl Level {
    /// Its values in a name: `std=0.02..0.05,p=0.5`.
    pub fn shown(&self) -> String {
        let one = |(param, value): (&String, &serde_json::Value)| format!("{param}={}", shown(value));
        self.values.iter().map(one).collect::<Vec<_>>().join(",")
    }
}

/// A value in a name: a range by its ends, and the same for `1` and `1.0`.
pub fn shown(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), |n| n.to_string()),
        // A slash joins the parts of a run's name.
        Value::String(text) => text.replace('/', "_"),
        Value::Array(items) => match items.as_slice() {
            [low, high] if low.is_number() && high.is_number() => {
                let (low, high) = (shown(low), shown(high));
                if low == high { low } else { format!("{low}..{high}") }
            }
            items => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(",")),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;
    use serde_json::json;

    use super::*;
    use crate::design::Resolution;
    use crate::spec::ops::{Action, Colour, Op};

    fn augment(names: &[&str], design: Design) -> Augment {
        // Each with a probability of its own, so that they can be told apart.
        let op = |(i, name): (usize, &&str)| {
            (
                (*name).to_owned(),
                Op { p: (i + 1) as f64 / 100.0, action: Action::Colour(Colour::ChannelShuffle {}) },
            )
        };
        Augment {
            ops: names.iter().enumerate().map(op).collect(),
            design,
            policies: IndexMap::new(),
            levels: IndexMap::new(),
        }
    }

    /// `arm:op op, arm: …`
    fn laid_out(augment: &Augment) -> String {
        let show = |arm: Arm| {
            let ops: Vec<_> = augment.ops_of(&arm).into_iter().map(|named| named.name).collect();
            format!("{}:{}", arm.name, ops.join(" "))
        };
        augment.arms().into_iter().map(show).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn each_design_gives_its_arms_in_order() {
        let ops = ["noise", "flip", "hue"];
        for (design, expected) in [
            (Design::None, "none:"),
            (Design::AddOne, "none:, noise:noise, flip:flip, hue:hue"),
            (
                Design::DropOne,
                "all:noise flip hue, without-noise:flip hue, without-flip:noise hue, without-hue:noise flip, none:",
            ),
            (
                Design::Factorial,
                "none:, noise:noise, flip:flip, hue:hue, noise+flip:noise flip, noise+hue:noise hue, flip+hue:flip hue, \
                 noise+flip+hue:noise flip hue",
            ),
        ] {
            assert_eq!(laid_out(&augment(&ops, design)), expected);
        }
        let fractional = augment(&["a", "b", "c", "d"], Design::Fractional { resolution: Resolution::Four });
        let expected = "none:, a+b:a b, a+c:a c, a+d:a d, b+c:b c, b+d:b d, c+d:c d, a+b+c+d:a b c d";
        assert_eq!(laid_out(&fractional), expected);
    }

    #[test]
    fn policies_keep_the_order_of_their_lists_and_may_take_the_place_of_none() {
        let mut augment = augment(&["noise", "flip"], Design::Policies);
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        augment.policies =
            [("paper".to_owned(), list(&["flip", "noise"])), ("empty".to_owned(), list(&[]))].into();
        assert_eq!(laid_out(&augment), "none:, paper:flip noise, empty:");
        augment.policies = [("all".to_owned(), list(&["flip"])), ("none".to_owned(), list(&[]))].into();
        assert_eq!(laid_out(&augment), "all:flip, none:");
    }

    #[test]
    fn an_op_with_levels_has_an_arm_for_each_in_its_place() {
        let mut augment = augment(&["noise", "flip"], Design::AddOne);
        let level = |std: [f64; 2], p: f64| Level {
            values: [("std".to_owned(), json!(std)), ("p".to_owned(), json!(p))].into(),
            op: Op { p, action: Action::Colour(Colour::ChannelShuffle {}) },
        };
        augment.levels =
            [("noise".to_owned(), vec![level([0.02, 0.05], 0.25), level([0.1, 0.1], 1.0)])].into();
        assert_eq!(
            laid_out(&augment),
            "none:, noise(std=0.02..0.05,p=0.25):noise, noise(std=0.1,p=1):noise, flip:flip"
        );
        let arms = augment.arms();
        assert_eq!(augment.ops_of(&arms[2])[0].op.p, 1.0);
        assert_eq!(augment.level(arms[2].parts[0]), Some(&augment.levels["noise"][1]));
        assert_eq!(augment.level(arms[3].parts[0]), None);
    }

    #[test]
    fn values_are_short_and_the_same_in_every_notation() {
        for (value, expected) in [
            (json!([1, 2.50]), "1..2.5"),
            (json!([-15.0, 15]), "-15..15"),
            (json!([0.3, 0.30]), "0.3"),
            (json!(1e-4), "0.0001"),
            (json!(1.0), "1"),
            (json!(true), "true"),
            (json!("a/b"), "a_b"),
            (json!([1, 2, 3]), "[1,2,3]"),
            (json!([[1, 2], [3, 4]]), "[1..2,3..4]"),
        ] {
            assert_eq!(shown(&value), expected);
        }
    }

    #[test]
    fn an_arm_of_one_op_does_the_same_under_every_design() {
        let alone = augment(&["noise", "flip", "hue"], Design::AddOne);
        let factorial = augment(&["noise", "flip", "hue"], Design::Factorial);
        for arm in alone.arms() {
            let twin = factorial.arms().into_iter().find(|other| other.name == arm.name).unwrap();
            assert_eq!(alone.ops_of(&arm), factorial.ops_of(&twin));
        }
    }

    #[test]
    fn the_baseline_of_a_design_is_one_of_its_arms() {
        let mut designs =
            vec![Design::None, Design::AddOne, Design::DropOne, Design::Factorial, Design::Policies];
        designs
            .extend([Resolution::Four, Resolution::Five].map(|resolution| Design::Fractional { resolution }));
        for design in designs {
            let augment = augment(&["a", "b", "c", "d", "e"], design);
            assert!(augment.arms().iter().any(|arm| arm.name == design.baseline()), "{design:?}");
        }
    }
}
