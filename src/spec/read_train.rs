//! `[train]`: loss, optimizer, schedule and when to stop.

use figment::value::Value;

use super::fault::Fault;
use super::reader::{Table, Takes, shown};
use super::settings::{
    EarlyStopping, Loss, Optimizer, PositiveWeights, Precision, Rule, Schedule, Train, ValMetric,
};

/// The end of ranges that 1 is not part of.
const MOST_BELOW_ONE: f64 = 0.999_999;

/// Reads `[train]`.
pub fn train(root: &Table<'_>) -> Train {
    let table = root.table("train");
    table.takes("early_stopping", || vec![Takes::names(["none"]), Takes::Table]);
    let settings = Train {
        epochs: table.integer("epochs", 1..=100_000) as u32,
        batch_size: table.integer("batch_size", 1..=65_536) as u32,
        accumulate: table.integer("accumulate", 1..=65_536) as u32,
        shrink_batches: table.flag("shrink_batches"),
        loss: loss(table.table("loss")),
        precision: table.choice(
            "precision",
            &[("fp32", Precision::Fp32), ("tf32", Precision::Tf32), ("bf16", Precision::Bf16)],
        ),
        deterministic: table.flag("deterministic"),
        optimizer: optimizer(table.table("optimizer")),
        clip_norm: table.number("clip_norm", 0.0..=1e6),
        schedule: schedule(table.table("schedule")),
        ema: table.number("ema", 0.0..=MOST_BELOW_ONE),
        early_stopping: match table.has("early_stopping").then(|| table.any("early_stopping")).flatten() {
            None => None,
            // So a spec switches off what the one that it extends asks for.
            Some(Value::String(_, word)) if word == "none" => None,
            Some(Value::String(_, word)) => {
                let fault = Fault::new(format!("`early_stopping` is `{word}`, expected a table or `none`"));
                table.fault("early_stopping", fault);
                None
            }
            Some(_) => Some(early_stopping(table.table("early_stopping"))),
        },
    };
    table.finish();
    settings
}

/// A table whose other keys are those of the choice that its `name` makes, among `[choice.<kind>.<name>]`.
fn chosen<'r>(table: Table<'r>, kind: &str, names: &[&'static str]) -> (&'static str, Table<'r>) {
    let names: Vec<(&str, &'static str)> = names.iter().map(|&name| (name, name)).collect();
    let name = table.choice_of(kind, "name", &names);
    (name, table.with_choice(&[kind, name]))
}

fn loss(table: Table<'_>) -> Loss {
    let (name, table) = chosen(table, "loss", &["bce", "focal", "asymmetric"]);
    let loss = match name {
        "focal" => Loss::Focal { gamma: table.number("gamma", 0.0..=20.0), alpha: alpha(&table) },
        "asymmetric" => Loss::Asymmetric {
            gamma_negative: table.number("gamma_negative", 0.0..=20.0),
            gamma_positive: table.number("gamma_positive", 0.0..=20.0),
            clip: table.number("clip", 0.0..=MOST_BELOW_ONE),
        },
        _ => Loss::Bce {
            positive_weights: positive_weights(&table),
            smoothing: table.number("smoothing", 0.0..=MOST_BELOW_ONE),
        },
    };
    table.finish();
    loss
}

fn alpha(table: &Table<'_>) -> Option<f64> {
    table.takes("alpha", || vec![Takes::number(&(0.0..=1.0)), Takes::names(["none"])]);
    match table.any("alpha") {
        Some(Value::String(_, word)) if word == "none" => None,
        Some(Value::Num(..)) => Some(table.number("alpha", 0.0..=1.0)),
        Some(value) => {
            let found = shown(&value);
            table.fault("alpha", Fault::new(format!("`alpha` is {found}, expected 0 to 1 or `none`")));
            None
        }
        None => None,
    }
}

fn positive_weights(table: &Table<'_>) -> PositiveWeights {
    table.takes("positive_weights", || {
        vec![Takes::names(["none", "balanced"]), Takes::number(&(0.0..=1e6)).list()]
    });
    match table.any("positive_weights") {
        Some(Value::String(_, word)) if word == "none" => PositiveWeights::None,
        Some(Value::String(_, word)) if word == "balanced" => PositiveWeights::Balanced,
        Some(Value::Array(_, items)) if items.is_empty() => {
            let fault = Fault::new("`positive_weights` is an empty list, expected one number per label");
            table.fault("positive_weights", fault);
            PositiveWeights::None
        }
        Some(Value::Array(..)) => PositiveWeights::Given(table.numbers("positive_weights", 0.0..=1e6)),
        Some(value) => {
            let found = shown(&value);
            let fault = Fault::new(format!(
                "`positive_weights` is {found}, expected `none`, `balanced` or a list of numbers, one per label"
            ));
            table.fault("positive_weights", fault);
            PositiveWeights::None
        }
        None => PositiveWeights::None,
    }
}

fn optimizer(table: Table<'_>) -> Optimizer {
    let (name, table) = chosen(table, "optimizer", &["adam", "adamw", "sgd", "rmsprop"]);
    let below_one = |key| table.number(key, 0.0..=MOST_BELOW_ONE);
    let epsilon = || table.positive("epsilon", 1.0);
    let rule = match name {
        "adamw" => Rule::AdamW { betas: betas(&table), epsilon: epsilon() },
        "sgd" => {
            let (momentum, nesterov) = (below_one("momentum"), table.flag("nesterov"));
            if nesterov && momentum == 0.0 {
                let fault = Fault::new("`nesterov` is true, but `momentum` is 0");
                table.fault("nesterov", fault.help("write `momentum = 0.9` beside it"));
            }
            Rule::Sgd { momentum, nesterov }
        }
        "rmsprop" => Rule::RmsProp {
            alpha: below_one("alpha"),
            epsilon: epsilon(),
            momentum: below_one("momentum"),
            centered: table.flag("centered"),
        },
        _ => Rule::Adam { betas: betas(&table), epsilon: epsilon() },
    };
    let optimizer = Optimizer {
        rule,
        lr: table.positive("lr", 10.0),
        weight_decay: table.number("weight_decay", 0.0..=1.0),
        decay_norms_and_biases: table.flag("decay_norms_and_biases"),
        layer_decay: table.positive("layer_decay", 1.0),
    };
    table.finish();
    optimizer
}

/// Two decays, in any order.
fn betas(table: &Table<'_>) -> [f64; 2] {
    let betas = table.numbers("betas", 0.0..=MOST_BELOW_ONE);
    match betas[..] {
        [first, second] => [first, second],
        [] => [0.0, 0.0],
        _ => {
            let fault = Fault::new(format!("`betas` has {} numbers, expected 2", betas.len()));
            table.fault("betas", fault);
            [0.0, 0.0]
        }
    }
}

fn schedule(table: Table<'_>) -> Schedule {
    let names = ["static", "step", "exponential", "cosine", "one_cycle", "polynomial", "plateau"];
    let (name, table) = chosen(table, "schedule", &names);
    let rate = |key| table.number(key, 0.0..=10.0);
    let epochs = |key, least| table.integer(key, least..=100_000) as u32;
    let schedule = match name {
        "step" => {
            Schedule::Step { step_epochs: epochs("step_epochs", 1), gamma: table.number("gamma", 0.0..=1.0) }
        }
        "exponential" => Schedule::Exponential {
            start_lr: rate("start_lr"),
            min_lr: rate("min_lr"),
            warmup_epochs: epochs("warmup_epochs", 0),
            hold_epochs: epochs("hold_epochs", 0),
            decay: table.number("decay", 0.0..=1.0),
        },
        "cosine" => Schedule::Cosine {
            warmup_epochs: epochs("warmup_epochs", 0),
            start_lr: rate("start_lr"),
            min_lr: rate("min_lr"),
            cycle_epochs: epochs("cycle_epochs", 0),
            cycle_factor: table.integer("cycle_factor", 1..=1000) as u32,
        },
        "one_cycle" => Schedule::OneCycle {
            rise: table.number("rise", 0.0..=1.0),
            start_divisor: table.number("start_divisor", 1.0..=1e9),
            end_divisor: table.number("end_divisor", 1.0..=1e9),
        },
        "polynomial" => {
            Schedule::Polynomial { power: table.number("power", 0.0..=20.0), min_lr: rate("min_lr") }
        }
        "plateau" => Schedule::Plateau {
            metric: table.choice("metric", &ValMetric::ALL),
            factor: table.number("factor", 0.0..=MOST_BELOW_ONE),
            patience: epochs("patience", 0),
            threshold: table.number("threshold", 0.0..=MOST_BELOW_ONE),
            min_lr: rate("min_lr"),
        },
        _ => Schedule::Static,
    };
    table.finish();
    schedule
}

fn early_stopping(table: Table<'_>) -> EarlyStopping {
    let table = table.with_choice(&["early_stopping"]);
    let settings = EarlyStopping {
        metric: table.choice("metric", &ValMetric::ALL),
        patience: table.integer("patience", 1..=100_000) as u32,
        restore_best: table.flag("restore_best"),
    };
    table.finish();
    settings
}
