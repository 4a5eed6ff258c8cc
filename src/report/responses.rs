//! How the metric follows what was varied: the levels of an op's parameter, and the axes of the matrix.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::answer;
use super::charts::{difference_axis, placed, score_axis};
use super::format;
use super::interest::by_interest;
use super::scores::{Scores, Spread, positions};
use super::study::{Axis, AxisOf, Effect, Study};
use super::verdict::code;

/// Lines of one chart: as many as there are colours and dashes.
const SERIES_MAX: usize = 8;
/// Values that make an axis logarithmic: the largest is at least so many times the smallest.
const LOG_FROM: f64 = 5.0;

/// One chart.
#[derive(Debug, Serialize)]
pub struct Response {
    /// What was varied, as its axis says.
    name: String,
    /// The title of the other axis.
    axis: String,
    /// Whether changes against the baseline are shown, around zero.
    is_change: bool,
    values: Vec<String>,
    /// The values as numbers, where all are.
    numbers: Option<Vec<f64>>,
    is_log: bool,
    series: Vec<Series>,
    /// Lines that are not drawn.
    more: usize,
}

#[derive(Debug, Serialize)]
struct Series {
    name: String,
    points: Vec<Point>,
}

#[derive(Debug, Serialize)]
struct Point {
    /// The position of the value.
    at: usize,
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    text: String,
    /// Where the point is one variant.
    verdict: Option<usize>,
    seeds: Vec<(u64, Option<f64>)>,
}

/// Gathers the charts, in the order of the study's axes; those without a point are left out.
pub fn responses(study: &Study, scores: &Scores) -> Vec<Response> {
    let of_axis = |axis: &Axis| {
        let (mut series, is_change) = match axis.of {
            AxisOf::Op => (vec![changes(study, axis)], true),
            AxisOf::Matrix => (levels(study, axis, scores), false),
        };
        series.retain(|series| !series.points.is_empty());
        let more = series.len().saturating_sub(SERIES_MAX);
        series.truncate(SERIES_MAX);
        let numbers: Option<Vec<f64>> = axis.values.iter().map(|value| value.number).collect();
        let is_log = numbers.as_ref().is_some_and(|numbers| {
            let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
            least > 0.0 && numbers.iter().any(|&number| number >= LOG_FROM * least)
        });
        let metric = &study.headline;
        (!series.is_empty()).then(|| Response {
            name: axis.name.clone(),
            axis: match is_change {
                true => difference_axis(metric, "up"),
                false => score_axis(metric),
            },
            is_change,
            values: axis.values.iter().map(|value| value.text.clone()).collect(),
            numbers,
            is_log,
            series,
            more,
        })
    };
    study.axes.iter().filter_map(of_axis).collect()
}

/// What each level does: of one variant its effect with the interval, of several the mean of their changes.
fn changes(study: &Study, axis: &Axis) -> Series {
    let effects: HashMap<&str, &Effect> = answer::ranked(study, &study.headline)
        .into_iter()
        .map(|effect| (effect.row.variant.as_str(), effect))
        .collect();
    let unit = study.headline.unit;
    let point = |(at, value): (usize, &super::study::AxisValue)| {
        let found: Vec<&Effect> =
            value.variants.iter().filter_map(|name| effects.get(name.as_str()).copied()).collect();
        let deltas = found.iter().flat_map(|effect| &effect.by_seed).map(|delta| (delta.seed, delta.delta));
        let spread = over_variants(deltas, value.variants.len());
        let one = match (found.as_slice(), value.variants.len()) {
            ([effect], 1) => Some(*effect),
            _ => None,
        };
        let mean = one.map_or_else(|| spread.mean(), |effect| effect.row.delta);
        let text = match one {
            Some(effect) => format!(
                "{} {}",
                format::delta(unit, mean),
                format::interval(unit, effect.row.low, effect.row.high)
            ),
            None => format::delta(unit, mean),
        };
        mean.is_finite().then(|| Point {
            at,
            value: placed(unit, mean),
            low: one.and_then(|effect| placed(unit, effect.row.low)),
            high: one.and_then(|effect| placed(unit, effect.row.high)),
            text,
            verdict: one.map(|effect| code(&effect.row.verdict)),
            seeds: spread.values.iter().map(|&(seed, value)| (seed, placed(unit, value))).collect(),
        })
    };
    Series { name: axis.name.clone(), points: axis.values.iter().enumerate().filter_map(point).collect() }
}

/// The score of each arm along the axis, over the other axes alike; the baseline first, then the arms with the largest effects.
fn levels(study: &Study, axis: &Axis, scores: &Scores) -> Vec<Series> {
    let place = positions(study.variants.iter().map(|variant| &variant.name));
    let arms: indexmap::IndexSet<&str> =
        by_interest(study).into_iter().map(|v| study.variants[v].arm.as_str()).collect();
    let unit = study.headline.unit;
    let of_arm = |arm: &str| {
        let point = |(at, value): (usize, &super::study::AxisValue)| {
            let variants = value.variants.iter().filter_map(|name| place.get(name.as_str()).copied());
            let here: Vec<usize> = variants.filter(|&v| study.variants[v].arm == arm).collect();
            let values = here.iter().flat_map(|&v| scores.aggregate[v][0].values.iter().copied());
            let spread = over_variants(values, here.len());
            let mean = spread.mean();
            mean.is_finite().then(|| Point {
                at,
                value: placed(unit, mean),
                low: None,
                high: None,
                text: format::spread(unit, mean, spread.sd()),
                verdict: None,
                seeds: spread.values.iter().map(|&(seed, value)| (seed, placed(unit, value))).collect(),
            })
        };
        Series { name: arm.to_owned(), points: axis.values.iter().enumerate().filter_map(point).collect() }
    };
    arms.into_iter().map(of_arm).collect()
}

/// Of each seed that all of `n` variants have, the mean over them: with one left out it would be a mean over others.
fn over_variants(values: impl Iterator<Item = (u64, f64)>, n: usize) -> Spread {
    let mut by_seed: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (seed, value) in values {
        by_seed.entry(seed).or_default().push(value);
    }
    let whole = by_seed.into_iter().filter(|(_, values)| values.len() == n);
    Spread { values: whole.map(|(seed, values)| (seed, values.iter().sum::<f64>() / n as f64)).collect() }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{SMALL, study};
    use super::super::study::AxisValue;
    use super::*;

    fn axis(of: AxisOf, values: &[(&str, Option<f64>, &[&str])]) -> Axis {
        let value = |&(text, number, variants): &(&str, Option<f64>, &[&str])| AxisValue {
            text: text.to_owned(),
            number,
            variants: variants.iter().map(|name| (*name).to_owned()).collect(),
        };
        Axis { name: "noise.std".to_owned(), of, values: values.iter().map(value).collect() }
    }

    #[test]
    fn a_level_of_one_variant_is_its_effect_and_of_several_their_mean() {
        let mut study = study(SMALL);
        study.axes = vec![axis(
            AxisOf::Op,
            &[("0.1", Some(0.1), &["flip"]), ("1", Some(1.0), &["rotate", "brightness"])],
        )];
        let responses = responses(&study, &Scores::of(&study));
        let [response] = responses.as_slice() else { panic!("{responses:?}") };
        let effect = |name: &str| {
            study.effects.iter().find(|e| e.row.variant == name && e.row.label.is_none()).unwrap()
        };
        let [one, several] = response.series[0].points.as_slice() else { panic!("{response:?}") };
        assert_eq!(one.value, placed(study.headline.unit, effect("flip").row.delta));
        assert!(one.low < one.value && one.value < one.high && one.verdict.is_some());
        let mean = (effect("rotate").row.delta + effect("brightness").row.delta) / 2.0;
        assert!((several.value.unwrap() - 100.0 * mean).abs() < 0.01, "{several:?} {mean}");
        assert_eq!((several.low, several.verdict, several.seeds.len()), (None, None, 5));
        assert!(response.is_log && response.is_change);
    }

    #[test]
    fn seeds_that_lack_a_variant_are_no_mean() {
        let values = [(1, 0.5), (1, 0.7), (2, 0.9), (3, 0.1), (3, 0.3)];
        let spread = over_variants(values.into_iter(), 2);
        assert_eq!(spread.values.iter().map(|(seed, _)| *seed).collect::<Vec<_>>(), [1, 3]);
        assert!((spread.mean() - 0.4).abs() < 1e-12);
    }

    #[test]
    fn an_axis_of_the_matrix_has_a_line_for_each_arm_with_the_baseline_first() {
        let mut study = study(SMALL);
        study.axes = vec![axis(AxisOf::Matrix, &[("a", None, &["none", "flip"]), ("b", None, &["rotate"])])];
        let responses = responses(&study, &Scores::of(&study));
        let names: Vec<&str> = responses[0].series.iter().map(|series| series.name.as_str()).collect();
        assert_eq!(names[0], "none");
        assert_eq!(names.len(), 3);
        assert!(responses[0].series.iter().all(|series| series.points.len() == 1));
        assert_eq!(responses[0].numbers, None);
    }
}
