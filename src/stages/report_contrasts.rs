//! What is asked of the runs that share their test images: each variant against its baseline, and what the design and the matrix
//! let one ask beyond that.

use indexmap::IndexMap;
use serde_json::Value;

use crate::effects::Contrast;
use crate::effects::design::{Axis, Place, axes, dose_response, interactions, main_effects};
use crate::plan::Plan;
use crate::report::{self, AxisOf};
use crate::spec::settings::{Augment, Design, Variant};

/// The contrasts among `variants`, indices into the plan's: all that the study asks of one test part, also those that have no run.
/// Variants against their baselines only where both are in `done`.
pub(super) fn contrasts<'a>(plan: &'a Plan, variants: &[usize], done: &[usize]) -> Vec<Contrast<'a>> {
    let baseline = plan.experiment.report.baseline.as_str();
    let all: Vec<&Variant> = variants.iter().map(|&idx| plan.variants[idx].as_ref()).collect();
    let mut contrasts = pairs(plan, done);
    let places = places(plan, &all);
    contrasts.extend(of_design(&plan.experiment.augment, &places));
    contrasts.extend(axes(&axes_of(plan, &all), baseline, &places));
    contrasts
}

/// Each variant against the baseline's arm at the same point of the matrix, where both have a run.
pub(super) fn pairs<'a>(plan: &'a Plan, done: &[usize]) -> Vec<Contrast<'a>> {
    let baseline_arm = &plan.experiment.report.baseline;
    let is_baseline = |idx: usize| plan.variants[idx].arm == *baseline_arm;
    let others = done.iter().filter(|&&idx| !is_baseline(idx));
    let pair = |&idx: &usize| {
        let point = &plan.variants[idx].point;
        let baseline = done.iter().find(|&&other| is_baseline(other) && plan.variants[other].point == *point);
        baseline.map(|&other| Contrast::pair(&plan.variants[idx].name, &plan.variants[other].name))
    };
    others.filter_map(pair).collect()
}

/// The axes of the matrix that have several values among `variants`.
fn axes_of(plan: &Plan, variants: &[&Variant]) -> Vec<Axis> {
    swept(plan, variants)
        .into_iter()
        .map(|(key, values)| {
            let (mut name, mut texts) = (key.to_owned(), Vec::new());
            for value in &values {
                let shown = variants.iter().find_map(|variant| shown(plan, variant, key, value));
                let (of_key, text) = shown.unwrap_or_else(|| (key.to_owned(), value.to_string()));
                (name, _) = (of_key, texts.push(text));
            }
            Axis { name, values: texts, ascending: ascending(&values) }
        })
        .collect()
}

/// Key to values, both in the order of the spec.
fn swept<'a>(plan: &'a Plan, variants: &[&Variant]) -> IndexMap<&'a str, Vec<&'a Value>> {
    let is_there = |key: &str, value: &Value| variants.iter().any(|v| v.point.get(key) == Some(value));
    plan.experiment
        .matrix
        .iter()
        .map(|(key, values)| (key.as_str(), values.iter().filter(|value| is_there(key, value)).collect()))
        .filter(|(_, values): &(&str, Vec<&Value>)| values.len() > 1)
        .collect()
}

/// How the variant's name shows its value of the axis `key`, if it has this one: after the arm stand the axes, in the order of the spec.
fn shown(plan: &Plan, variant: &Variant, key: &str, value: &Value) -> Option<(String, String)> {
    if variant.point.get(key) != Some(value) {
        return None;
    }
    let position = plan.experiment.matrix.get_index_of(key)?;
    let parts = variant.name.get(variant.arm.len()..)?.strip_prefix('/')?;
    let (name, text) = parts.split('/').nth(position)?.split_once('=')?;
    Some((name.to_owned(), text.to_owned()))
}

/// Positions from the smallest to the largest, where all are numbers.
fn ascending(values: &[&Value]) -> Option<Vec<usize>> {
    let numbers: Vec<f64> = values.iter().map(|value| value.as_f64()).collect::<Option<_>>()?;
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
    Some(order)
}

fn places<'a>(plan: &'a Plan, variants: &[&'a Variant]) -> Vec<Place<'a>> {
    let augment = &plan.experiment.augment;
    let applies: IndexMap<String, Vec<bool>> = match augment.design {
        Design::Factorial | Design::Fractional { .. } => {
            let of =
                |arm: &crate::spec::Arm| (0..augment.ops.len()).map(|op| arm.part(op).is_some()).collect();
            augment.arms().iter().map(|arm| (arm.name.clone(), of(arm))).collect()
        }
        _ => IndexMap::new(),
    };
    let swept = swept(plan, variants);
    let place = |&variant: &&'a Variant| Place {
        variant: &variant.name,
        arm: &variant.arm,
        applies: applies.get(&variant.arm).cloned().unwrap_or_default(),
        point: swept
            .iter()
            .map(|(key, values)| {
                let here = variant.point.get(*key);
                values.iter().position(|value| Some(*value) == here).unwrap_or(0)
            })
            .collect(),
    };
    variants.iter().map(place).collect()
}

/// What a design of ops lets one ask.
fn of_design<'a>(augment: &Augment, places: &[Place<'a>]) -> Vec<Contrast<'a>> {
    let ops: Vec<String> = augment.ops.keys().cloned().collect();
    let pairs: Vec<Vec<(usize, usize)>> = match augment.design {
        Design::Factorial => {
            (0..ops.len()).flat_map(|a| (a + 1..ops.len()).map(move |b| vec![(a, b)])).collect()
        }
        Design::Fractional { .. } => augment.fraction().map(|of| of.pair_groups()).unwrap_or_default(),
        Design::AddOne => return of_levels(augment, places),
        Design::None | Design::DropOne | Design::Policies => return Vec::new(),
    };
    let mut contrasts = main_effects(&ops, places);
    contrasts.extend(interactions(&ops, places, &pairs));
    contrasts
}

/// The trend over the levels of each parameter of each op.
fn of_levels<'a>(augment: &Augment, places: &[Place<'a>]) -> Vec<Contrast<'a>> {
    let trend = |of: &Levelled| {
        let texts: Vec<String> = of.values.iter().map(crate::spec::shown).collect();
        let arms: Vec<(&str, usize)> = of.arms.iter().map(|(arm, level)| (arm.as_str(), *level)).collect();
        dose_response(of.name.clone(), &texts, &arms, places)
    };
    levelled(augment).iter().filter_map(trend).collect()
}

/// A parameter of an op with several levels.
struct Levelled {
    /// `noise.std`
    name: String,
    /// Numbers ascending, as they have an order of their own; ranges and names in that of the spec.
    values: Vec<Value>,
    /// The arms of the op, each with the position of its value.
    arms: Vec<(String, usize)>,
}

fn levelled(augment: &Augment) -> Vec<Levelled> {
    let arms = augment.arms();
    let mut found = Vec::new();
    for (op, levels) in &augment.levels {
        let op_idx = augment.ops.get_index_of(op);
        let of_op: Vec<(&str, &IndexMap<String, Value>)> = arms
            .iter()
            .filter_map(|arm| {
                let part = arm.part(op_idx?)?;
                Some((arm.name.as_str(), &levels.get(part.level?)?.values))
            })
            .collect();
        let parameters = levels.first().map(|level| level.values.keys()).into_iter().flatten();
        found.extend(parameters.map(|parameter| {
            let mut values: Vec<&Value> = Vec::new();
            for value in of_op.iter().filter_map(|(_, values)| values.get(parameter)) {
                if !values.contains(&value) {
                    values.push(value);
                }
            }
            if let Some(order) = ascending(&values) {
                values = order.into_iter().map(|at| values[at]).collect();
            }
            let rank =
                |of: &IndexMap<String, Value>| values.iter().position(|v| Some(*v) == of.get(parameter));
            let arms = of_op.iter().filter_map(|(arm, of)| Some(((*arm).to_owned(), rank(of)?))).collect();
            Levelled {
                name: format!("{op}.{parameter}"),
                arms,
                values: values.into_iter().cloned().collect(),
            }
        }));
    }
    found
}

/// What was varied step by step, for the page: levels of ops where the design tries each op alone, and axes of the matrix; with
/// two values or more.
pub(super) fn varied(plan: &Plan) -> Vec<report::Axis> {
    let variants: Vec<&Variant> = plan.variants.iter().map(AsRef::as_ref).collect();
    let augment = &plan.experiment.augment;
    let of_ops = match augment.design {
        Design::AddOne => levelled(augment),
        _ => Vec::new(),
    };
    let of_op = |of: Levelled| {
        let value = |(at, value): (usize, &Value)| {
            let arms: Vec<&str> =
                of.arms.iter().filter(|(_, level)| *level == at).map(|(arm, _)| arm.as_str()).collect();
            report::AxisValue {
                text: crate::spec::shown(value),
                number: value.as_f64(),
                variants: (variants.iter())
                    .filter(|variant| arms.contains(&variant.arm.as_str()))
                    .map(|variant| variant.name.clone())
                    .collect(),
            }
        };
        let values = of.values.iter().enumerate().map(value).collect();
        report::Axis { name: of.name, of: AxisOf::Op, values }
    };
    let of_key = |(axis, (key, values)): (Axis, (&str, Vec<&Value>))| {
        let order = axis.ascending.unwrap_or_else(|| (0..values.len()).collect());
        let value = |at: usize| report::AxisValue {
            text: axis.values[at].clone(),
            number: values[at].as_f64(),
            variants: (variants.iter())
                .filter(|variant| variant.point.get(key) == Some(values[at]))
                .map(|variant| variant.name.clone())
                .collect(),
        };
        report::Axis { name: axis.name, of: AxisOf::Matrix, values: order.into_iter().map(value).collect() }
    };
    let of_matrix = axes_of(plan, &variants).into_iter().zip(swept(plan, &variants)).map(of_key);
    let axes = of_ops.into_iter().map(of_op).chain(of_matrix);
    axes.filter(|axis| axis.values.len() > 1).collect()
}
