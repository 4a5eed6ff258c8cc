//! Ops in words, for tables and reports.

use crate::spec::ops::{Action, Group, NamedOp};

/// A policy in words: `horizontal_flip (p 0.5), then rotate (limit -90 to 90, border reflect_101, p 0.6)`; empty for none.
pub fn describe(policy: &[NamedOp]) -> String {
    policy.iter().map(one).collect::<Vec<_>>().join(", then ")
}

fn one(named: &NamedOp) -> String {
    let p = ("p", named.op.p.to_string());
    let action = &named.op.action;
    let name = match action {
        Action::Group(group) => {
            let ops = group.ops().iter().map(one).collect::<Vec<_>>().join(", ");
            match group {
                Group::OneOf { .. } => format!("one of [{ops}]"),
                Group::SomeOf { n: [least, most], .. } if least == most => format!("{most} of [{ops}]"),
                Group::SomeOf { n: [least, most], .. } => format!("{least} to {most} of [{ops}]"),
                Group::Sequential { .. } => format!("in order [{ops}]"),
            }
        }
        other => other.name().to_owned(),
    };
    let values = action.values().into_iter().chain([p]);
    let values: Vec<_> = values.map(|(name, value)| format!("{name} {value}")).collect();
    format!("{name} ({})", values.join(", "))
}

#[cfg(test)]
mod tests {
    use super::describe;
    use crate::spec::ops::{Action, Colour, Geometry, Group, NamedOp, Op};

    #[test]
    fn a_policy_reads_in_order() {
        let named = |name: &str, p: f64, action| NamedOp { name: name.into(), op: Op { p, action }, nth: 0 };
        let inner = vec![
            named("a", 1.0, Action::Colour(Colour::ChannelShuffle {})),
            named("b", 0.5, Action::Geometry(Geometry::VerticalFlip {})),
        ];
        let policy = [
            named("flip", 0.5, Action::Geometry(Geometry::HorizontalFlip {})),
            named("one", 0.25, Action::Group(Group::OneOf { ops: inner.clone() })),
        ];
        let expected =
            "horizontal_flip (p 0.5), then one of [channel_shuffle (p 1), vertical_flip (p 0.5)] (p 0.25)";
        assert_eq!(describe(&policy), expected);
        assert_eq!(describe(&[]), "");

        let group = |group| describe(&[named("group", 0.5, Action::Group(group))]);
        let list = "[channel_shuffle (p 1), vertical_flip (p 0.5)] (p 0.5)";
        let some = |n| group(Group::SomeOf { n, ops: inner.clone() });
        assert_eq!(some([1, 2]), format!("1 to 2 of {list}"));
        assert_eq!(some([2, 2]), format!("2 of {list}"));
        assert_eq!(group(Group::Sequential { ops: inner.clone() }), format!("in order {list}"));
    }
}
