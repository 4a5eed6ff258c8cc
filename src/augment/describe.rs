//! Ops in words, for tables and reports.

use crate::spec::ops::{Action, Border, NamedOp};

/// A policy in words: `horizontal_flip (p 0.5), then rotate -90 to 90 degrees (p 0.6)`; empty for none.
pub fn describe(policy: &[NamedOp]) -> String {
    policy.iter().map(one).collect::<Vec<_>>().join(", then ")
}

fn one(named: &NamedOp) -> String {
    format!("{} (p {})", action(&named.op.action), named.op.p)
}

fn action(action: &Action) -> String {
    let range = |[low, high]: [f64; 2]| if low == high { format!("{low}") } else { format!("{low} to {high}") };
    match action {
        Action::HorizontalFlip => "horizontal_flip".to_owned(),
        Action::VerticalFlip => "vertical_flip".to_owned(),
        Action::Rotate { limit, border } => {
            let border = match border {
                Border::Reflect101 => "mirrored border",
                Border::Constant => "black border",
            };
            format!("rotate {} degrees, {border}", range(*limit))
        }
        Action::RandomBrightnessContrast { brightness_limit, contrast_limit, .. } => {
            format!("brightness {}, contrast {}", range(*brightness_limit), range(*contrast_limit))
        }
        Action::HueSaturationValue { hue_shift_limit, sat_shift_limit, val_shift_limit } => format!(
            "hue {}, saturation {}, value {}",
            range(*hue_shift_limit),
            range(*sat_shift_limit),
            range(*val_shift_limit)
        ),
        Action::ChannelShuffle => "channel_shuffle".to_owned(),
        Action::GaussNoise { std, .. } => format!("gauss_noise std {}", range(*std)),
        Action::OneOf { ops } => {
            format!("one of [{}]", ops.iter().map(one).collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::describe;
    use crate::spec::ops::{Action, NamedOp, Op};

    #[test]
    fn a_policy_reads_in_order() {
        let named = |name: &str, p: f64, action| NamedOp { name: name.into(), op: Op { p, action } };
        let inner = vec![named("a", 1.0, Action::ChannelShuffle), named("b", 0.5, Action::VerticalFlip)];
        let policy = [named("flip", 0.5, Action::HorizontalFlip), named("one", 0.25, Action::OneOf { ops: inner })];
        let expected = "horizontal_flip (p 0.5), then one of [channel_shuffle (p 1), vertical_flip (p 0.5)] (p 0.25)";
        assert_eq!(describe(&policy), expected);
        assert_eq!(describe(&[]), "");
    }
}
