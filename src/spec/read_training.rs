//! The sections about the model, what is scored and reported, and who does the work.

use figment::value::Value;

use super::fault::Fault;
use super::reader::{Table, shown};
use super::settings::{
    Architecture, Device, Engine, Evaluate, HeadlineMetric, Model, Report, Threshold, Tracking, Weights,
    Workers,
};

/// Reads `[model]`.
pub fn model(root: &Table<'_>) -> Model {
    let table = root.table("model");
    let weights = match table.text("weights").as_str() {
        "none" => Weights::None,
        "" => {
            table.fault(
                "weights",
                Fault::new("`weights` is empty, expected `none` or the path of a safetensors file"),
            );
            Weights::None
        }
        text if text.starts_with("hf:") => {
            let fault = Fault::new(format!("`weights` is `{text}`: weights are read from files only"))
                .help("download the repository's `model.safetensors`, and write its path");
            table.fault("weights", fault);
            Weights::None
        }
        _ => Weights::Path(table.path("weights")),
    };
    let settings = Model {
        name: table.choice(
            "name",
            &[
                ("mobilenet_v3_small", Architecture::MobilenetV3Small),
                ("resnet18", Architecture::Resnet18),
                ("squeezenet1_1", Architecture::Squeezenet1_1),
            ],
        ),
        weights,
        freeze: table.number("freeze", 0.0..=1.0),
        head: table.integers("head", 1..=65_536).into_iter().map(|size| size as u32).collect(),
        dropout: table.number("dropout", 0.0..=0.99),
    };
    table.finish();
    settings
}

/// Reads `[evaluate]`.
pub fn evaluate(root: &Table<'_>) -> Evaluate {
    let table = root.table("evaluate");
    let threshold = match table.any("threshold") {
        Some(Value::String(_, text)) if text == "global_f1" => Threshold::GlobalF1,
        Some(Value::String(_, text)) if text == "per_label_f1" => Threshold::PerLabelF1,
        Some(Value::Num(..)) => Threshold::Fixed(table.number("threshold", 0.0..=1.0)),
        Some(value) => {
            let found = shown(&value);
            let fault =
                Fault::new(format!("`threshold` is {found}, expected 0 to 1, `global_f1` or `per_label_f1`"));
            table.fault("threshold", fault);
            Threshold::PerLabelF1
        }
        None => Threshold::PerLabelF1,
    };
    table.finish();
    Evaluate { threshold }
}

/// Reads `[report]`.
pub fn report(root: &Table<'_>) -> Report {
    let table = root.table("report");
    let settings = Report {
        baseline: table.text("baseline"),
        metric: table.choice(
            "metric",
            &[("map_macro", HeadlineMetric::MapMacro), ("f1_macro", HeadlineMetric::F1Macro)],
        ),
        equivalence: table.number("equivalence", 0.0..=1.0),
    };
    table.finish();
    settings
}

/// Reads `[workers]`.
pub fn workers(root: &Table<'_>) -> Workers {
    let table = root.table("workers");
    let settings = Workers {
        engine: table.choice("engine", &[("local", Engine::Local)]),
        slots: table.integer("slots", 0..=1024) as u32,
        threads: table.integer("threads", 0..=1024) as u32,
        device: table.choice("device", &[("cpu", Device::Cpu), ("cuda", Device::Cuda)]),
    };
    table.finish();
    settings
}

/// Reads `[tracking]`.
pub fn tracking(root: &Table<'_>) -> Tracking {
    let table = root.table("tracking");
    let mlflow = table.has("mlflow").then(|| table.text("mlflow"));
    if let Some(url) = &mlflow {
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            let fault = Fault::new("`mlflow` is not an http:// or https:// address".to_owned())
                .help("start a server with `mlflow server`, and write its address");
            table.fault("mlflow", fault);
        } else if url
            .split("://")
            .nth(1)
            .is_some_and(|rest| rest.split('/').next().unwrap_or("").contains('@'))
        {
            let fault = Fault::new(
                "`mlflow` in `[tracking]` holds a user or password, which do not belong in a spec",
            )
            .help("set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in the environment");
            table.fault_unplaced(fault);
        }
    }
    let settings = Tracking {
        mlflow,
        mlflow_experiment: table.text("mlflow_experiment"),
        required: table.flag("required"),
    };
    table.finish();
    settings
}
