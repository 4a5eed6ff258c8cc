//! Settings that enter keys with all that they hold: every field, at any depth, by value.
//!
//! What is written of them is their JSON. The lists here repeat their fields for the compiler alone: a field or a variant that is
//! not listed, or whose type is not, is an error. Whoever adds one says so by listing it that it is a part of keys, so that its values make
//! results stale; or takes its struct apart in `settings`, and leaves it out there.

use serde::Serialize;

use crate::spec::ops::{Action, Auto, Batch, Colour, Geometry, Group, NamedOp, Noise, Op, Quality};
use crate::spec::settings::{
    Aim, CalibrationMethod, Captures, EarlyStopping, Evaluate, Explain, ExplainMethod, Fit, HeadlineMetric,
    Images, Loss, Optimizer, PositiveWeights, Precision, Report, Rule, Schedule, Split, SplitMethod,
    Threshold, Train, ValMetric,
};

/// Settings of which each part is known to enter keys.
pub trait Whole: Serialize {
    /// Reaches every part. Does nothing with them: that it compiles is all that it is for.
    fn take_apart(&self);
}

/// These settings, of which each part is known to enter.
pub fn whole<T: Whole>(settings: &T) -> &T {
    settings.take_apart();
    settings
}

// Where the compiler says "pattern requires `..`" of the patterns in these macros, a list below lacks a field: `..` is not the answer.

/// Structs with all their fields.
macro_rules! structs {
    ($( $Type:ident $fields:tt )+) => { $(
        impl Whole for $Type {
            fn take_apart(&self) {
                let $Type $fields = self;
                each!($fields);
            }
        }
    )+ };
}

/// Enums with all their variants, and the fields of each; of those without fields `{}`.
macro_rules! enums {
    ($( $Type:ident { $( $Variant:ident $fields:tt )+ } )+) => { $(
        impl Whole for $Type {
            fn take_apart(&self) {
                match self { $( $Type::$Variant $fields => { each!($fields); } )+ }
            }
        }
    )+ };
}

/// Takes fields apart in turn.
macro_rules! each {
    ({ $($field:ident),* $(,)? }) => { $( $field.take_apart(); )* };
    (($field:ident)) => { $field.take_apart(); };
}

/// Values without parts: what they are is what is written of them.
macro_rules! values {
    ($( $Type:ty ),+ $(,)?) => { $(
        impl Whole for $Type {
            fn take_apart(&self) {}
        }
    )+ };
}

structs! {
    Images { size, fit }
    Split { method, train, val, test, folds, seed, captures, near_duplicates }
    Train {
        epochs, batch_size, accumulate, shrink_batches, loss, precision, deterministic, optimizer, clip_norm,
        schedule, ema, early_stopping,
    }
    Optimizer { rule, lr, weight_decay, decay_norms_and_biases, layer_decay }
    EarlyStopping { metric, patience, restore_best }
    Evaluate { threshold, beta, calibration }
    Explain { method, layer, images, faithfulness }
    Report { baseline, metric, equivalence }
    Op { p, action }
    NamedOp { name, op, nth }
}

enums! {
    Loss {
        Bce { positive_weights, smoothing }
        Focal { gamma, alpha }
        Asymmetric { gamma_negative, gamma_positive, clip }
    }
    PositiveWeights { None {} Balanced {} Given(weights) }
    Rule {
        Sgd { momentum, nesterov }
        Adam { betas, epsilon }
        AdamW { betas, epsilon }
        RmsProp { alpha, epsilon, momentum, centered }
    }
    Schedule {
        Static {}
        Step { step_epochs, gamma }
        Exponential { start_lr, min_lr, warmup_epochs, hold_epochs, decay }
        Cosine { warmup_epochs, start_lr, min_lr, cycle_epochs, cycle_factor }
        OneCycle { rise, start_divisor, end_divisor }
        Polynomial { power, min_lr }
        Plateau { metric, factor, patience, threshold, min_lr }
    }
    Threshold { Fixed(probability) Global { aim } PerLabel { aim, min_positives } }
    Aim { F1 {} FBeta(beta) Precision(floor) }
    CalibrationMethod { None {} Temperature {} Platt { min_positives } }
    Action { Geometry(op) Colour(op) Noise(op) Quality(op) Auto(op) Batch(op) Group(group) }
    Group { OneOf { ops } SomeOf { n, ops } Sequential { ops } }
}

values! { bool, u32, u64, f64, String, Captures, ExplainMethod, Fit, HeadlineMetric, Precision, SplitMethod, ValMetric }

// Families of ops are declared by `family!`, which makes of one line for each parameter both what is read and what is written: none
// can be left out. A test holds each of them against the keys.
values! { Geometry, Colour, Noise, Quality, Auto, Batch }

impl<T: Whole> Whole for Option<T> {
    fn take_apart(&self) {
        self.iter().for_each(Whole::take_apart);
    }
}

impl<T: Whole> Whole for Vec<T> {
    fn take_apart(&self) {
        self.iter().for_each(Whole::take_apart);
    }
}

impl<T: Whole> Whole for [T; 2] {
    fn take_apart(&self) {
        self.iter().for_each(Whole::take_apart);
    }
}
