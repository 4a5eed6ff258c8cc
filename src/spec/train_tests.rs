//! `[train]` read: words and tables, what each choice takes, sweeps of whole tables, and what is wrong with them.

use super::Loaded;
use super::settings::{Loss, PositiveWeights, Rule, Schedule, Train, ValMetric};
use super::tests::{faults, read};

/// A spec whose `[train]` holds `keys`, and whose matrix is `matrix`.
fn spec(keys: &str, matrix: &str) -> String {
    format!(
        "name = \"d\"\n[dataset]\nformat = \"folders\"\nimages = \"d\"\n[labels]\nfrom = \"folder\"\n[train]\n{keys}\n\
         [augment.grid]\ndesign = \"none\"\n[matrix]\n{matrix}\n"
    )
}

fn train(keys: &str, sets: &[&str]) -> Train {
    read(&spec(keys, ""), sets).unwrap_or_else(|error| panic!("{keys}: {error:?}")).experiment.train
}

fn schedules(loaded: &Loaded) -> Vec<Schedule> {
    loaded.points.iter().map(|point| point.experiment.train.schedule.clone()).collect()
}

#[test]
fn each_optimizer_has_pytorchs_defaults() {
    let of = |name: &str| {
        let optimizer = train(&format!("optimizer = {{ name = \"{name}\" }}"), &[]).optimizer;
        assert!(!optimizer.decay_norms_and_biases && optimizer.layer_decay == 1.0);
        (optimizer.lr, optimizer.weight_decay, optimizer.rule)
    };
    assert_eq!(of("sgd"), (1e-3, 0.0, Rule::Sgd { momentum: 0.0, nesterov: false }));
    assert_eq!(of("adam"), (1e-3, 0.0, Rule::Adam { betas: [0.9, 0.999], epsilon: 1e-8 }));
    assert_eq!(of("adamw"), (1e-3, 0.01, Rule::AdamW { betas: [0.9, 0.999], epsilon: 1e-8 }));
    let rmsprop = Rule::RmsProp { alpha: 0.99, epsilon: 1e-8, momentum: 0.0, centered: false };
    assert_eq!(of("rmsprop"), (1e-2, 0.0, rmsprop));
}

#[test]
fn a_word_stands_for_the_table_with_that_name() {
    for key in ["loss", "optimizer", "schedule"] {
        let name = match key {
            "loss" => "asymmetric",
            "optimizer" => "adamw",
            _ => "one_cycle",
        };
        let as_table = train(&format!("{key} = {{ name = \"{name}\" }}"), &[]);
        assert_eq!(train(&format!("{key} = \"{name}\""), &[]), as_table);
        assert_eq!(train("", &[&format!("train.{key}={name}")]), as_table);
        assert_ne!(train("", &[]), as_table);
    }
    // What is said of it further up is laid over it, whichever way round.
    let focal = |gamma| Loss::Focal { gamma, alpha: Some(0.25) };
    assert_eq!(train("loss = \"focal\"", &["train.loss.gamma=3"]).loss, focal(3.0));
    assert_eq!(train("", &["train.loss.gamma=3", "train.loss=focal"]).loss, focal(3.0));
    // Another word replaces what was said of the first.
    assert!(matches!(
        train("loss = { name = \"focal\", gamma = 3 }", &["train.loss=bce"]).loss,
        Loss::Bce { .. }
    ));
}

#[test]
fn losses_take_words_and_numbers() {
    let bce = |positive_weights, smoothing| Loss::Bce { positive_weights, smoothing };
    assert_eq!(train("", &[]).loss, bce(PositiveWeights::None, 0.0));
    assert_eq!(
        train("loss = { positive_weights = \"balanced\", smoothing = 0.1 }", &[]).loss,
        bce(PositiveWeights::Balanced, 0.1)
    );
    assert_eq!(
        train("loss = { name = \"bce\", positive_weights = [1, 2.5] }", &[]).loss,
        bce(PositiveWeights::Given(vec![1.0, 2.5]), 0.0)
    );
    assert_eq!(
        train("loss = { name = \"focal\", alpha = \"none\" }", &[]).loss,
        Loss::Focal { gamma: 2.0, alpha: None }
    );
    assert_eq!(
        train("loss = \"asymmetric\"", &[]).loss,
        Loss::Asymmetric { gamma_negative: 4.0, gamma_positive: 1.0, clip: 0.05 }
    );
}

#[test]
fn a_matrix_sweeps_whole_tables_by_table_by_word_and_by_name() {
    let base = "schedule = { name = \"cosine\", warmup_epochs = 2 }";
    let cosine = |warmup_epochs, min_lr| Schedule::Cosine {
        warmup_epochs,
        start_lr: 1e-6,
        min_lr,
        cycle_epochs: 0,
        cycle_factor: 1,
    };
    let swept = |matrix: &str| schedules(&read(&spec(base, matrix), &[]).unwrap());
    let tables = r#""train.schedule" = [{ name = "static" }, { name = "cosine", min_lr = 1e-6 }]"#;
    assert_eq!(swept(tables), [Schedule::Static, cosine(2, 1e-6)]);
    for by_name in [
        r#""train.schedule" = ["static", "cosine", "step"]"#,
        r#""train.schedule.name" = ["static", "cosine", "step"]"#,
    ] {
        assert_eq!(
            swept(by_name),
            [Schedule::Static, cosine(2, 0.0), Schedule::Step { step_epochs: 3, gamma: 0.1 }]
        );
    }
    // The choice comes first, wherever it stands.
    for matrix in [
        "\"train.schedule.gamma\" = [0.5]\n\"train.schedule.name\" = [\"step\"]",
        "\"train.schedule.name\" = [\"step\"]\n\"train.schedule.gamma\" = [0.5]",
    ] {
        assert_eq!(swept(matrix), [Schedule::Step { step_epochs: 3, gamma: 0.5 }]);
    }
}

#[test]
fn any_metric_of_validation_can_be_watched() {
    for (name, metric) in ValMetric::ALL {
        let keys = format!(
            "early_stopping = {{ metric = \"{name}\" }}\nschedule = {{ name = \"plateau\", metric = \"{name}\" }}"
        );
        let train = train(&keys, &[]);
        assert_eq!(train.early_stopping.map(|stopping| stopping.metric), Some(metric));
        assert!(matches!(train.schedule, Schedule::Plateau { metric: found, .. } if found == metric));
    }
}

#[test]
fn wrong_settings_say_what_is_wrong() {
    for (keys, expected) in [
        (
            "loss = \"focl\"",
            "`loss` is `focl`, expected one of `bce`, `focal`, `asymmetric` @ \"focl\" ? did you mean `focal`?",
        ),
        ("loss = 3", "`loss` is `3`, expected a table @ 3"),
        (
            "loss = { name = \"focal\", smoothing = 0.1 }",
            "unknown key `smoothing` in `[train.loss]` @ smoothing",
        ),
        (
            "loss = { positive_weights = \"ballanced\" }",
            "`positive_weights` is `\"ballanced\"`, expected `none`, `balanced` or",
        ),
        (
            "loss = { positive_weights = [1, -2] }",
            "`positive_weights` is `[1, -2]`, expected a list of numbers, each 0 to",
        ),
        (
            "loss = { name = \"focal\", alpha = \"no\" }",
            "`alpha` is `\"no\"`, expected 0 to 1 or `none` @ \"no\"",
        ),
        ("optimizer = { name = \"sgd\", nesterov = true }", "`nesterov` is true, but `momentum` is 0 @ true"),
        (
            "optimizer = { name = \"sgd\", betas = [0, 0] }",
            "unknown key `betas` in `[train.optimizer]` @ betas",
        ),
        ("optimizer = { betas = [0.9] }", "`betas` has 1 numbers, expected 2 @ [0.9]"),
        ("optimizer = { layer_decay = 0 }", "`layer_decay` is `0`, expected a number > 0 and at most 1 @ 0"),
        ("schedule = { name = \"step\", step_epochs = 0 }", "`step_epochs` is `0`, expected 1 to 100000 @ 0"),
        (
            "schedule = { name = \"plateau\", metric = \"val_f1\" }",
            "`metric` is `val_f1`, expected one of `val_loss`",
        ),
        ("accumulate = 0", "`accumulate` is `0`, expected 1 to 65536 @ 0"),
        ("ema = 1.0", "`ema` is `1`, expected 0 to 0.999999 @ 1.0"),
    ] {
        let found = faults(&spec(keys, ""), &[]);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{keys}: {found:?}");
    }
}

#[test]
fn given_weights_are_as_many_as_the_labels_that_the_spec_names() {
    let with = |weights: &str| {
        spec(&format!("loss = {{ positive_weights = {weights} }}"), "").replace(
            "from = \"folder\"",
            "from = \"folder\"\n[labels.groups]\nglass = [\"a\"]\nmetal = [\"b\"]",
        )
    };
    assert!(read(&with("[1, 2]"), &[]).is_ok());
    assert_eq!(
        faults(&with("[1, 2, 3]"), &[]),
        [
            "`positive_weights` has 3 numbers, expected 2, one per label @ [1, 2, 3] ? the labels are, in this order: glass, metal"
        ]
    );
    assert_eq!(
        faults(&with("[]"), &[]),
        ["`positive_weights` is an empty list, expected one number per label @ []"]
    );
}
