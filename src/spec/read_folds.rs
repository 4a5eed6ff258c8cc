//! `split.folds`: cross-validation on top of a method that divides.
//!
//! With folds the test shares come from their number, and `train` and `val` only say how the rest is shared.

use figment::value::Value;

use super::fault::Fault;
use super::reader::Table;
use super::settings::{Split, SplitMethod};

/// Beyond this many folds a test part is too small to score labels on.
const MOST_FOLDS: i64 = 20;
/// How far a share may be from `1 / folds` and still be meant as that: 0.33 is a third.
const NEAR: f64 = 0.005;

/// Whether `method` is `kfold`, which is no method here: says what to write instead.
pub fn is_kfold(table: &Table<'_>) -> bool {
    let is = matches!(table.any("method"), Some(Value::String(_, text)) if text == "kfold");
    if is {
        let fault =
            Fault::new("`method` is `kfold`, expected one of `combination`, `iterative`, `column`, `none`");
        let help =
            "folds are made with either of the first two: write `folds = 5` beside `method = \"iterative\"`";
        table.fault("method", fault.help(help));
    }
    is
}

/// Reads `folds`: 0, or 2 to 20.
pub fn folds(table: &Table<'_>) -> u32 {
    let folds = table.integer("folds", 0..=MOST_FOLDS) as u32;
    if folds == 1 {
        let fault = Fault::new(format!("`folds` is 1, expected 0 (none) or 2 to {MOST_FOLDS}"));
        table.fault("folds", fault);
    }
    folds
}

/// Checks the rest of `[split]` where there are folds, and gives `settings` the shares of one fold: `1 / folds` to test
/// on, the rest for `train` and `val` in their proportion.
pub fn share_rest(table: &Table<'_>, settings: &mut Split) {
    let folds = settings.folds;
    if matches!(settings.method, SplitMethod::Column | SplitMethod::None) {
        let method = if settings.method == SplitMethod::None { "none" } else { "column" };
        let fault =
            Fault::new(format!("`folds` is {folds}, but `method = \"{method}\"` gives one part per image"));
        table.fault(
            "folds",
            fault.help("write `method = \"combination\"` or `\"iterative\"`, or remove `folds`"),
        );
        return;
    }
    let test = 1.0 / f64::from(folds);
    let is_default = table.default_number("test") == Some(settings.test);
    if !is_default && (settings.test - test).abs() > NEAR {
        let fault = Fault::new(format!(
            "`test` is {}, but with `folds = {folds}` each fold tests on 1/{folds} of the images",
            settings.test
        ));
        table
            .fault("test", fault.help("remove `test`; `train` and `val` share the rest in their proportion"));
    }
    for (key, share) in [("train", settings.train), ("val", settings.val)] {
        if share == 0.0 {
            let fault = Fault::new(format!("`{key}` is 0, so that part would be empty in each fold"));
            table.fault(
                key,
                fault.help("weights are learned on `train`, epochs and thresholds chosen on `val`"),
            );
        }
    }
    let rest = settings.train + settings.val;
    if rest > 0.0 {
        settings.train *= (1.0 - test) / rest;
        settings.val *= (1.0 - test) / rest;
    }
    settings.test = test;
}
