//! Ops made of other ops, and their tables: `{ one_of = [ … ], p = … }`.

use figment::value::Value;
use serde::{Deserialize, Serialize};

use super::read::{PROBABILITY, Within, nothing, op_within};
use super::{Action, NamedOp, Op};
use crate::spec::fault::Fault;
use crate::spec::reader::{Table, Takes, shown};

/// How many groups may stand inside each other.
const DEEPEST: usize = 4;

/// An op made of others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "op")]
pub enum Group {
    /// Applies exactly one of several ops, chosen in proportion to their `p`.
    OneOf {
        /// The ops to choose from, by name; each one's `p` is its weight.
        ops: Vec<NamedOp>,
    },
    /// Applies several of the ops, none of them twice, chosen one after the other in proportion to their `p`, and
    /// applied in the order of the list.
    SomeOf {
        /// How many: least and most, each number in between as likely as the others.
        n: [u64; 2],
        /// The ops to choose from, by name; each one's `p` is its weight.
        ops: Vec<NamedOp>,
    },
    /// Applies each op with its own `p`, in the order of the list.
    Sequential {
        /// The ops, by name.
        ops: Vec<NamedOp>,
    },
}

impl Group {
    /// The keys that hold a group's ops in a spec.
    pub const KEYS: [&'static str; 3] = ["one_of", "some_of", "sequential"];

    /// The key that holds the group's ops in a spec.
    pub fn name(&self) -> &'static str {
        match self {
            Group::OneOf { .. } => "one_of",
            Group::SomeOf { .. } => "some_of",
            Group::Sequential { .. } => "sequential",
        }
    }

    /// The ops that it is made of.
    pub fn ops(&self) -> &[NamedOp] {
        match self {
            Group::OneOf { ops } | Group::SomeOf { ops, .. } | Group::Sequential { ops } => ops,
        }
    }
}

/// Reads the group whose ops stand under `key`.
pub(super) fn group(table: Table<'_>, key: &'static str, within: Within) -> Op {
    for other in Group::KEYS.into_iter().chain(["op"]) {
        if other != key && table.has(other) {
            let fault =
                Fault::new(format!("`{other}` stands beside `{key}`, but a table is one op or one group"))
                    .help(format!("keep one of the two, or put the other into the list of `{key}`"));
            table.fault(other, fault);
            // Not unknown, only one too many.
            let _ = table.any(other);
        }
    }
    let table = table.with_choice(&["op", key]);
    let p = table.number("p", PROBABILITY);
    let depth = within.depth;
    if depth >= DEEPEST {
        let fault =
            Fault::new(format!("`{key}` stands inside {depth} other groups, at most {DEEPEST} in all"))
                .help("write some of the inner ops into the list around them");
        table.fault(key, fault);
        return nothing();
    }
    let ops = members(&table, key, within.group());
    check(&table, key, &ops);
    let group = match key {
        "some_of" => Group::SomeOf { n: how_many(&table, &ops), ops },
        "sequential" => Group::Sequential { ops },
        _ => Group::OneOf { ops },
    };
    table.finish();
    Op { p, action: Action::Group(group) }
}

/// The ops in the list under `key`, each under a name of its own, since the name keys the draws.
fn members(table: &Table<'_>, key: &str, within: Within) -> Vec<NamedOp> {
    let mut ops: Vec<NamedOp> = Vec::new();
    for inner in table.tables(key) {
        let op = op_within(inner, within);
        let kind = op.action.name();
        let same = ops.iter().filter(|other| other.op.action.name() == kind).count();
        let name = if same == 0 { kind.to_owned() } else { format!("{kind}#{}", same + 1) };
        ops.push(NamedOp { name, op, nth: 0 });
    }
    ops
}

fn check(table: &Table<'_>, key: &str, ops: &[NamedOp]) {
    if ops.is_empty() {
        let purpose = if key == "sequential" { "to apply" } else { "to choose from" };
        let help =
            format!("write some into its list, as `{key} = [ {{ op = \"rotate\" }}, … ]`, or remove it");
        table.fault(key, Fault::new(format!("`{key}` has no ops {purpose}")).help(help));
    } else if ops.iter().all(|op| op.op.p == 0.0) {
        let outcome = if key == "sequential" { "is ever applied" } else { "can be chosen" };
        let fault = Fault::new(format!("every op in `{key}` has `p = 0`, so that none {outcome}"));
        table.fault(key, fault.help("give at least one of them a `p` above 0"));
    }
}

/// The key `n`: one number, or the least and the most.
fn how_many(table: &Table<'_>, ops: &[NamedOp]) -> [u64; 2] {
    const RANGE: std::ops::RangeInclusive<i64> = 0..=1000;
    table.takes("n", || vec![Takes::integer(&RANGE), Takes::integer(&RANGE).range()]);
    let [low, high] = match table.any("n") {
        Some(Value::Array(..)) => table.whole_range("n", RANGE),
        Some(Value::Num(..)) => [table.integer("n", RANGE); 2],
        Some(other) => {
            let fault = Fault::new(format!("`n` is {}, expected how many ops are applied", shown(&other)));
            table.fault(
                "n",
                fault.help("write a number, as `n = 2`, or the least and the most, as `n = [1, 3]`"),
            );
            [0, 0]
        }
        None => [0, 0],
    };
    if high == 0 && table.has("n") {
        table.fault("n", Fault::new("`n` is 0, so that no op is ever applied"));
    }
    let most = ops.iter().filter(|op| op.op.p > 0.0).count() as i64;
    if most > 0 && high > most {
        let fault = Fault::new(format!(
            "`n` goes up to {high}, but only {most} of the ops in `some_of` can be chosen"
        ));
        let help =
            if most < ops.len() as i64 { "ops with `p = 0` never are" } else { "none is applied twice" };
        table.fault("n", fault.help(help));
        return [low.min(most) as u64, most as u64];
    }
    [low as u64, high as u64]
}

#[cfg(test)]
mod tests {
    use super::Group;
    use crate::spec::ops::{Action, Op};
    use crate::spec::tests::{experiment, faults};

    /// A spec with this op.
    fn spec(op: &str) -> String {
        format!(
            "name=\"a\"\n[dataset]\nformat=\"folders\"\nimages=\"d\"\n[labels]\nfrom=\"folder\"\n\
             [augment.ops]\nx={{{op}}}\n"
        )
    }

    fn group(op: &str) -> Group {
        match experiment(&spec(op)).augment.ops["x"].action.clone() {
            Action::Group(group) => group,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn groups_are_read_and_travel_in_jobs() {
        let flips = "[{op=\"horizontal_flip\"},{op=\"vertical_flip\",p=0.1},{op=\"horizontal_flip\"}]";
        for (text, name, n) in [
            (format!("some_of={flips}, n=2"), "some_of", Some([2, 2])),
            (format!("some_of={flips}, n=[1, 3], p=0.2"), "some_of", Some([1, 3])),
            (format!("sequential={flips}"), "sequential", None),
            (format!("one_of=[{{some_of={flips}, n=1}}]"), "one_of", None),
        ] {
            let group = group(&text);
            assert_eq!(group.name(), name);
            if let Group::SomeOf { n: read, .. } = &group {
                assert_eq!(Some(*read), n);
            }
            let op = Op { p: 0.5, action: Action::Group(group) };
            let written = serde_json::to_string(&op).unwrap();
            assert_eq!(serde_json::from_str::<Op>(&written).unwrap(), op);
        }
        let group = group(&format!("sequential={flips}"));
        let names: Vec<&str> = group.ops().iter().map(|op| op.name.as_str()).collect();
        assert_eq!(names, ["horizontal_flip", "vertical_flip", "horizontal_flip#2"], "names key the draws");
    }

    #[test]
    fn wrong_groups_say_what_is_wrong() {
        let flip = "{op=\"horizontal_flip\"}";
        let never = "{op=\"horizontal_flip\",p=0}";
        let nested = (0..5).fold(flip.to_owned(), |inner, _| format!("{{one_of=[{inner}]}}"));
        for (op, expected) in [
            ("one_of=[]".to_owned(), "`one_of` has no ops to choose from"),
            ("some_of=[], n=1".to_owned(), "`some_of` has no ops to choose from"),
            ("sequential=[]".to_owned(), "`sequential` has no ops to apply"),
            (format!("sequential=[{never}]"), "so that none is ever applied"),
            (format!("some_of=[{never}], n=1"), "so that none can be chosen"),
            (format!("some_of=[{flip},{never}], n=2"), "but only 1 of the ops in `some_of` can be chosen"),
            (format!("some_of=[{flip}], n=[2, 1]"), "the lower end first"),
            (format!("some_of=[{flip}], n=0"), "`n` is 0, so that no op is ever applied"),
            (format!("some_of=[{flip}], n=\"two\""), "expected how many ops are applied"),
            (format!("one_of=[{flip}], sequential=[{flip}]"), "`sequential` stands beside `one_of`"),
            (format!("one_of=[{flip}], op=\"rotate\""), "`op` stands beside `one_of`"),
            (format!("one_of=[{nested}]"), "stands inside 4 other groups, at most 4 in all"),
            ("one_of=[{op=\"horizontal_flop\"}]".to_owned(), "did you mean `horizontal_flip`?"),
            (format!("one_of=[{flip}], n=1"), "unknown key `n`"),
        ] {
            let found = faults(&spec(&op), &[]);
            assert!(found.iter().any(|fault| fault.contains(expected)), "{op}: {found:#?}");
        }
    }
}
