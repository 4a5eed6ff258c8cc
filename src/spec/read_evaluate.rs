//! The section about scoring: `[evaluate]`.

use figment::value::Value;

use super::fault::{Fault, nearest};
use super::reader::{Table, Takes, shown};
use super::settings::{Aim, CalibrationMethod, Evaluate, Threshold};

/// The rules that thresholds are tuned by.
const RULES: [&str; 6] = [
    "global_f1",
    "per_label_f1",
    "global_f_beta",
    "per_label_f_beta",
    "global_precision",
    "per_label_precision",
];

/// Reads `[evaluate]`.
pub fn evaluate(root: &Table<'_>) -> Evaluate {
    let table = root.table("evaluate");
    let beta = table.number("beta", 0.01..=100.0);
    let floor = table.number("precision_floor", 0.0..=1.0);
    let min_positives = table.integer("min_positives", 1..=1_000_000) as u32;
    let settings = Evaluate {
        threshold: threshold(&table, beta, floor, min_positives),
        beta,
        calibration: table.choice(
            "calibration",
            &[
                ("none", CalibrationMethod::None),
                ("temperature", CalibrationMethod::Temperature),
                ("platt", CalibrationMethod::Platt { min_positives }),
            ],
        ),
    };
    table.finish();
    settings
}

/// A probability, or a rule with what it reads.
fn threshold(table: &Table<'_>, beta: f64, floor: f64, min_positives: u32) -> Threshold {
    let global = |aim| Threshold::Global { aim };
    let per_label = |aim| Threshold::PerLabel { aim, min_positives };
    table.takes("threshold", || vec![Takes::number(&(0.0..=1.0)), Takes::names(RULES)]);
    let value = table.any("threshold");
    let rule = match &value {
        Some(Value::Num(..)) => return Threshold::Fixed(table.number("threshold", 0.0..=1.0)),
        Some(Value::String(_, text)) => Some(text.as_str()),
        _ => None,
    };
    match (rule, value.as_ref()) {
        (Some("global_f1"), _) => global(Aim::F1),
        (Some("per_label_f1"), _) => per_label(Aim::F1),
        (Some("global_f_beta"), _) => global(Aim::FBeta(beta)),
        (Some("per_label_f_beta"), _) => per_label(Aim::FBeta(beta)),
        (Some("global_precision"), _) => global(Aim::Precision(floor)),
        (Some("per_label_precision"), _) => per_label(Aim::Precision(floor)),
        (_, Some(value)) => {
            let rules = RULES.map(|rule| format!("`{rule}`")).join(", ");
            let mut fault =
                Fault::new(format!("`threshold` is {}, expected 0 to 1, or one of {rules}", shown(value)));
            if let Some(near) = rule.and_then(|rule| nearest(rule, RULES)) {
                fault = fault.help(format!("did you mean `{near}`?"));
            }
            table.fault("threshold", fault);
            per_label(Aim::F1)
        }
        (_, None) => per_label(Aim::F1),
    }
}
