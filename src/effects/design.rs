//! The variants of a study by where they stand: which ops they apply, and where in the matrix; and the contrasts that follow.
//!
//! Knows no specs: whoever calls it says what the ops, levels and axes are.

use std::collections::BTreeSet;

use super::contrast::{Contrast, Kind};
use super::trend;

/// Where a variant stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Place<'a> {
    /// Its name.
    pub variant: &'a str,
    /// Its arm.
    pub arm: &'a str,
    /// Whether it applies each op of a two-level design; empty in other designs.
    pub applies: Vec<bool>,
    /// The position of its value on each axis of the matrix.
    pub point: Vec<usize>,
}

/// An axis of the matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// As names show it: `lr`.
    pub name: String,
    /// Its values as names show them, in the order of the spec.
    pub values: Vec<String>,
    /// Positions of its values from the smallest to the largest, where they are numbers.
    pub ascending: Option<Vec<usize>>,
}

/// What an op does on average over the company of the others, in a two-level design where each op is applied in half of the arms:
/// the mean of that half minus the mean of the other (Box, Hunter and Hunter, *Statistics for Experimenters*). Over all points of the
/// matrix alike.
pub fn main_effects<'a>(ops: &[String], places: &[Place<'a>]) -> Vec<Contrast<'a>> {
    let contrast = |(op, name): (usize, &String)| {
        contrast_of_signs(Kind::MainEffect, name.clone(), "not applied".to_owned(), places, |place| {
            place.applies[op]
        })
    };
    ops.iter().enumerate().filter_map(contrast).collect()
}

/// What two ops do together beyond what each does: half the difference between the effect of one with the other and without it, which is
/// the mean of the arms that apply both or neither minus the mean of the rest. `groups`: pairs of ops that cannot be told apart; the
/// first names the contrast, the others are its aliases.
pub fn interactions<'a>(
    ops: &[String],
    places: &[Place<'a>],
    groups: &[Vec<(usize, usize)>],
) -> Vec<Contrast<'a>> {
    let pair = |&(a, b): &(usize, usize)| format!("{} × {}", ops[a], ops[b]);
    let contrast = |group: &Vec<(usize, usize)>| {
        let &(a, b) = group.first()?;
        let against = "each without the other".to_owned();
        let mut contrast = contrast_of_signs(Kind::Interaction, pair(&(a, b)), against, places, |place| {
            place.applies[a] == place.applies[b]
        })?;
        contrast.aliases = group[1..].iter().map(pair).collect();
        Some(contrast)
    };
    groups.iter().filter_map(contrast).collect()
}

/// The mean of the places with a plus minus the mean of the others; `None` where all have the same sign.
fn contrast_of_signs<'a>(
    kind: Kind,
    subject: String,
    against: String,
    places: &[Place<'a>],
    plus: impl Fn(&Place<'a>) -> bool,
) -> Option<Contrast<'a>> {
    let n_plus = places.iter().filter(|place| plus(place)).count();
    let n_minus = places.len() - n_plus;
    if n_plus == 0 || n_minus == 0 {
        return None;
    }
    let weight = |place: &Place<'a>| {
        if plus(place) { 1.0 / n_plus as f64 } else { -1.0 / n_minus as f64 }
    };
    Contrast::of_weights(kind, subject, against, places.iter().map(|place| (place.variant, weight(place))))
}

/// How the metric follows the levels of an op's parameter: see [`trend::coefficients`]. `levels`: from the weakest to the strongest;
/// `arms`: those of the op, with the position of their level; over other parameters and all points of the matrix alike. `None` with
/// less than three levels, where a difference says it all.
pub fn dose_response<'a>(
    subject: String,
    levels: &[String],
    arms: &[(&str, usize)],
    places: &[Place<'a>],
) -> Option<Contrast<'a>> {
    let of_level = trend::coefficients(levels.len())?;
    let points = places.iter().map(|place| &place.point).collect::<BTreeSet<_>>().len();
    let of_arm = |&(arm, level): &(&str, usize)| {
        let n = points * arms.iter().filter(|(_, other)| *other == level).count();
        let weight = of_level[level] / n as f64;
        let of_variants = places.iter().filter(|place| place.arm == arm).map(|place| (place.variant, weight));
        of_variants.collect::<Vec<_>>()
    };
    let against = format!("{} to {}", levels.first()?, levels.last()?);
    Contrast::of_weights(Kind::Trend, subject, against, arms.iter().flat_map(of_arm))
}

/// Each axis: every value against the first, on average over arms and other axes; the trend, where the values are three numbers or
/// more; and by how much what each arm does differs between a value and the first.
pub fn axes<'a>(axes: &[Axis], baseline: &str, places: &[Place<'a>]) -> Vec<Contrast<'a>> {
    let mut contrasts = Vec::new();
    for (at, axis) in axes.iter().enumerate() {
        contrasts.extend((1..axis.values.len()).filter_map(|value| against_first(axis, at, value, places)));
        contrasts.extend(axis_trend(axis, at, places));
    }
    let arms: indexmap::IndexSet<&str> = places.iter().map(|place| place.arm).collect();
    for (at, axis) in axes.iter().enumerate() {
        for value in 1..axis.values.len() {
            let others = arms.iter().filter(|arm| **arm != baseline);
            contrasts.extend(others.filter_map(|arm| with_arm(axis, at, value, arm, baseline, places)));
        }
    }
    contrasts
}

fn against_first<'a>(axis: &Axis, at: usize, value: usize, places: &[Place<'a>]) -> Option<Contrast<'a>> {
    let n = places.iter().filter(|place| place.point[at] == 0).count() as f64;
    let weights = places.iter().filter_map(|place| match place.point[at] {
        0 => Some((place.variant, -1.0 / n)),
        here if here == value => Some((place.variant, 1.0 / n)),
        _ => None,
    });
    Contrast::of_weights(Kind::Axis, shown(axis, value), shown(axis, 0), weights)
}

fn axis_trend<'a>(axis: &Axis, at: usize, places: &[Place<'a>]) -> Option<Contrast<'a>> {
    let ascending = axis.ascending.as_ref()?;
    let of_rank = trend::coefficients(ascending.len())?;
    let rank = |value: usize| ascending.iter().position(|&other| other == value);
    let n = places.iter().filter(|place| place.point[at] == 0).count() as f64;
    let weights =
        places.iter().filter_map(|place| Some((place.variant, of_rank[rank(place.point[at])?] / n)));
    let (first, last) = (*ascending.first()?, *ascending.last()?);
    let against = format!("{} to {}", axis.values[first], axis.values[last]);
    Contrast::of_weights(Kind::Trend, axis.name.clone(), against, weights)
}

/// (arm - baseline) at the value minus (arm - baseline) at the first value.
fn with_arm<'a>(
    axis: &Axis,
    at: usize,
    value: usize,
    arm: &str,
    baseline: &str,
    places: &[Place<'a>],
) -> Option<Contrast<'a>> {
    let n = places.iter().filter(|place| place.arm == arm && place.point[at] == 0).count() as f64;
    let weights = places.iter().filter_map(|place| {
        let of_arm = match place.arm {
            other if other == arm => 1.0 / n,
            other if other == baseline => -1.0 / n,
            _ => return None,
        };
        match place.point[at] {
            0 => Some((place.variant, -of_arm)),
            here if here == value => Some((place.variant, of_arm)),
            _ => None,
        }
    });
    let subject = format!("{arm} × {}", shown(axis, value));
    Contrast::of_weights(Kind::AxisInteraction, subject, shown(axis, 0), weights)
}

fn shown(axis: &Axis, value: usize) -> String {
    format!("{}={}", axis.name, axis.values[value])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The effect of a contrast on one value for each variant.
    fn effect(contrast: &Contrast, value_of: impl Fn(&str) -> f64) -> f64 {
        contrast.terms.iter().map(|(variant, weight)| weight * value_of(variant)).sum()
    }

    fn ops(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn place<'a>(variant: &'a str, arm: &'a str, applies: &[bool], point: &[usize]) -> Place<'a> {
        Place { variant, arm, applies: applies.to_vec(), point: point.to_vec() }
    }

    /// The pilot plant of Box, Hunter and Hunter (*Statistics for Experimenters*, chapter 10): yields in standard order, and the effects
    /// that the book finds: temperature 23, concentration -5, catalyst 1.5; 1.5, 10 and 0 for the pairs.
    #[test]
    fn the_pilot_plant_of_box_hunter_and_hunter() {
        let yields = [60.0, 72.0, 54.0, 68.0, 52.0, 83.0, 45.0, 80.0];
        let names: Vec<String> = (0..8).map(|run| run.to_string()).collect();
        let places: Vec<Place> = (0..8)
            .map(|run| {
                let applies: Vec<bool> = (0..3).map(|op| run >> op & 1 == 1).collect();
                place(&names[run], &names[run], &applies, &[])
            })
            .collect();
        let ops = ops(&["T", "C", "K"]);
        let value = |variant: &str| yields[variant.parse::<usize>().unwrap()];
        let of = |contrasts: Vec<Contrast>| {
            contrasts.iter().map(|c| (c.subject.clone(), effect(c, value))).collect::<Vec<_>>()
        };
        let found = of(main_effects(&ops, &places));
        assert_eq!(found, [("T".into(), 23.0), ("C".into(), -5.0), ("K".into(), 1.5)]);
        let found = of(interactions(&ops, &places, &[vec![(0, 1)], vec![(0, 2)], vec![(1, 2)]]));
        assert_eq!(found, [("T × C".into(), 1.5), ("T × K".into(), 10.0), ("C × K".into(), 0.0)]);
    }

    #[test]
    fn pairs_that_are_mixed_are_named() {
        let arms = [[false; 4], [true, true, false, false], [true, false, true, false], [true; 4]];
        let places: Vec<Place> =
            ["none", "a+b", "a+c", "all"].iter().zip(&arms).map(|(n, a)| place(n, n, a, &[])).collect();
        let found = interactions(&ops(&["a", "b", "c", "d"]), &places, &[vec![(0, 1), (2, 3)]]);
        assert_eq!(
            (found[0].subject.as_str(), found[0].aliases.as_slice()),
            ("a × b", ["c × d".to_owned()].as_slice())
        );
    }

    /// Two arms at two rates: 50 and 53 at the first, 60 and 67 at the second.
    #[test]
    fn an_axis_is_averaged_over_arms_and_meets_each_of_them() {
        let places = [
            place("none/lr=1", "none", &[], &[0]),
            place("none/lr=2", "none", &[], &[1]),
            place("flip/lr=1", "flip", &[], &[0]),
            place("flip/lr=2", "flip", &[], &[1]),
        ];
        let value = |variant: &str| match variant {
            "none/lr=1" => 50.0,
            "none/lr=2" => 60.0,
            "flip/lr=1" => 53.0,
            _ => 67.0,
        };
        let lr = Axis { name: "lr".into(), values: ops(&["1", "2"]), ascending: Some(vec![0, 1]) };
        let found = axes(&[lr], "none", &places);
        let shown: Vec<(Kind, &str, &str, f64)> = found
            .iter()
            .map(|c| (c.kind, c.subject.as_str(), c.against.as_str(), effect(c, value)))
            .collect();
        assert_eq!(
            shown,
            [(Kind::Axis, "lr=2", "lr=1", 12.0), (Kind::AxisInteraction, "flip × lr=2", "lr=1", 4.0)]
        );
    }

    /// Four levels in a straight line from 10 to 16, whatever the order of the axis in the spec.
    #[test]
    fn a_trend_is_the_change_from_end_to_end_of_a_straight_line() {
        let names = ["c", "a", "d", "b"];
        let places: Vec<Place> =
            names.iter().enumerate().map(|(at, n)| place(n, "none", &[], &[at])).collect();
        let value = |variant: &str| match variant {
            "a" => 10.0,
            "b" => 12.0,
            "c" => 14.0,
            _ => 16.0,
        };
        let axis =
            Axis { name: "lr".into(), values: ops(&["3", "1", "4", "2"]), ascending: Some(vec![1, 3, 0, 2]) };
        let found = axes(std::slice::from_ref(&axis), "none", &places);
        let trend = found.iter().find(|c| c.kind == Kind::Trend).unwrap();
        assert_eq!((trend.subject.as_str(), trend.against.as_str()), ("lr", "1 to 4"));
        assert!((effect(trend, value) - 6.0).abs() < 1e-12);

        let arms = [place("1", "n(1)", &[], &[]), place("2", "n(2)", &[], &[]), place("3", "n(3)", &[], &[])];
        let found = dose_response(
            "n".into(),
            &ops(&["1", "2", "3"]),
            &[("n(1)", 0), ("n(2)", 1), ("n(3)", 2)],
            &arms,
        )
        .unwrap();
        assert_eq!(found.terms, [("1", -1.0), ("3", 1.0)]);
        assert_eq!(dose_response("n".into(), &ops(&["1", "2"]), &[("n(1)", 0), ("n(2)", 1)], &arms), None);
    }
}
