//! Effects that follow from the made-up runs.

use super::*;

pub(super) fn effects(
    variants: &[(String, String, String, f64)],
    labels: &[(String, f64)],
    runs: &[Run],
) -> Vec<Effect> {
    let mut all = Vec::new();
    let mut rows: Vec<(Option<&str>, &str, bool)> =
        vec![(None, "map_macro", true), (None, "f1_macro", true), (None, "log_loss", false)];
    rows.extend(labels.iter().map(|(l, _)| (Some(l.as_str()), "ap", true)));
    let mut values: std::collections::HashMap<(&str, u64, Option<&str>, &str), f64> = Default::default();
    for run in runs {
        if let RunState::Done(result) = &run.state {
            for s in &result.scores {
                values.insert((&run.variant, run.seed, s.label.as_deref(), &s.metric), s.value);
            }
        }
    }
    let seeds: std::collections::BTreeSet<u64> = runs.iter().map(|r| r.seed).collect();
    for (variant, ..) in &variants[1..] {
        for &(label, metric, higher) in &rows {
            let value = |v: &str, seed: u64| values.get(&(v, seed, label, metric)).copied();
            let by_seed: Vec<SeedDelta> = seeds
                .iter()
                .filter_map(|&seed| {
                    Some(SeedDelta { seed, delta: value(variant, seed)? - value("none", seed)? })
                })
                .collect();
            if !by_seed.is_empty() {
                all.push(effect(variant, label, metric, higher, by_seed));
            }
        }
    }
    all
}

pub(super) fn effect(
    variant: &str,
    label: Option<&str>,
    metric: &str,
    higher: bool,
    by_seed: Vec<SeedDelta>,
) -> Effect {
    let n = by_seed.len() as f64;
    let delta = by_seed.iter().map(|d| d.delta).sum::<f64>() / n;
    let sd = (by_seed.iter().map(|d| (d.delta - delta).powi(2)).sum::<f64>() / (n - 1.0).max(1.0)).sqrt();
    let half = 2.4 * (sd / n.sqrt()).hypot(0.003);
    let gain = if higher { delta } else { -delta };
    let verdict = match gain {
        g if g - half > 0.0 => "helps",
        g if g + half < 0.0 => "hurts",
        g if g - half > -0.0075 && g + half < 0.0075 => "no practical effect",
        _ => "not enough evidence",
    };
    let p: f64 = (-3.4 * (delta / half).abs()).exp();
    Effect {
        row: EffectRow {
            variant: variant.into(),
            baseline: "none".into(),
            label: label.map(Into::into),
            metric: metric.into(),
            delta,
            low: delta - half,
            high: delta + half,
            p_adjusted: (1.5 * p).min(1.0),
            n_seeds: by_seed.len() as u32,
            verdict: verdict.into(),
        },
        p,
        p_sign_flip: 0.0625,
        improvement: 0.5 + 0.5 * (gain / half).clamp(-1.0, 1.0),
        reason: (verdict == "not enough evidence" && half > 0.1)
            .then(|| "1 of 10 runs is flagged, and its score says nothing about the variant".into()),
        seeds_needed: (verdict == "not enough evidence" && half <= 0.1).then_some(17),
        by_seed,
    }
}

/// What the ops of the first two effects do on average, and together.
pub(super) fn contrasts(effects: &[Effect]) -> Vec<Contrast> {
    let contrast = |(at, kind, subject, against, word): (usize, &str, &str, &str, &str)| {
        let mut effect = effects[at].clone();
        (effect.row.variant, effect.row.baseline) = (subject.into(), against.into());
        if effect.row.verdict == "helps" {
            effect.row.verdict = word.into();
        }
        let aliases = if kind == "interaction" { vec!["hue × blur".to_owned()] } else { Vec::new() };
        Contrast { kind: kind.into(), aliases, effect }
    };
    if effects.len() < 2 {
        return Vec::new();
    }
    [
        (0, "main_effect", "flip", "not applied", "helps"),
        (1, "main_effect", "noise", "not applied", "helps"),
        (0, "interaction", "flip × noise", "each without the other", "reinforces"),
        (1, "trend", "noise.std", "0.02..0.05 to 0.1..0.2", "rises"),
    ]
    .map(contrast)
    .into()
}

/// Two steps of an op, and an axis with two values.
pub(super) fn axes(variants: &[Row]) -> Vec<Axis> {
    let value = |text: &str, number, of: &[&str]| AxisValue {
        text: text.into(),
        number,
        variants: of.iter().map(|name| (*name).into()).collect(),
    };
    let half = variants.len() / 2;
    let names: Vec<&str> = variants.iter().map(|(name, ..)| name.as_str()).collect();
    if half == 0 {
        return Vec::new();
    }
    vec![
        Axis {
            name: "rotate.limit".into(),
            of: AxisOf::Op,
            values: vec![
                value("5", Some(5.0), &["flip"]),
                value("15", Some(15.0), &["rotate"]),
                value("45", Some(45.0), &["noise"]),
            ],
        },
        Axis {
            name: "lr".into(),
            of: AxisOf::Matrix,
            values: vec![
                value("0.0001", Some(1e-4), &names[..half]),
                value("0.01", Some(1e-2), &names[half..]),
            ],
        },
    ]
}
