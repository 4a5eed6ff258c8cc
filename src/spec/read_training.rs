//! The sections about the model, what is reported, and who is told.

use figment::value::Value;

use super::fault::Fault;
use super::reader::{Table, Takes, shown};
use super::settings::{
    Architecture, Freeze, Gives, HeadlineMetric, HubModel, Images, Model, Module, Normalise, Report,
    Tracking, Weights,
};

/// Reads `[model]`.
pub fn model(root: &Table<'_>) -> Model {
    let table = root.table("model");
    let weights = weights(&table);
    let (name, module) = architecture(&table);
    let settings = Model {
        name,
        module,
        weights,
        freeze: freeze(&table),
        unfreeze_after: table.integer("unfreeze_after", 0..=100_000) as u32,
        normalise: table.choice(
            "normalise",
            &[
                ("auto", Normalise::Auto),
                ("imagenet", Normalise::Imagenet),
                ("symmetric", Normalise::Symmetric),
                ("none", Normalise::None),
            ],
        ),
        head: table.integers("head", 1..=65_536).into_iter().map(|size| size as u32).collect(),
        dropout: table.number("dropout", 0.0..=0.99),
    };
    if settings.module.as_ref().is_some_and(|module| module.gives == Gives::Logits) {
        let advice = "write `gives = \"features\"` to put a head behind the module";
        if !settings.head.is_empty() {
            let fault =
                Fault::new("`head` is given, but `gives` is `logits`: such a module has no other head");
            table.fault("head", fault.help(advice));
        }
        if settings.dropout > 0.0 {
            let fault =
                Fault::new("`dropout` is given, but `gives` is `logits`: it stands before layers of a head");
            table.fault("dropout", fault.help(advice));
        }
    }
    table.finish();
    settings
}

/// Where the initial weights come from.
fn weights(table: &Table<'_>) -> Weights {
    let text = table.text("weights");
    let wrong = |fault: Fault| {
        table.fault("weights", fault);
        Weights::None
    };
    // How other programs begin the name of such a model, and where a browser shows it.
    let elsewhere = ["hf-hub:", "hf_hub:", "hf://", "https://", "http://"];
    match text.as_str() {
        "none" => Weights::None,
        "" => wrong(Fault::new(
            "`weights` is empty, expected `none`, the path of a safetensors file or `hf:OWNER/REPOSITORY`",
        )),
        text if elsewhere.iter().any(|start| text.starts_with(start)) => wrong(
            Fault::new(format!("`weights` is {}, which is no file", shown(&Value::from(text))))
                .help("a model of the Hugging Face hub is written as in `hf:timm/resnet18.a1_in1k`"),
        ),
        text if HubModel::is_meant(text) => match HubModel::parse(text) {
            Ok(model) => Weights::Hub(model),
            Err(error) => {
                wrong(Fault::new(format!("`weights` is {}: {error}", shown(&Value::from(text)))).help(
                    "for instance `hf:timm/resnet18.a1_in1k`, or a branch, tag or commit of it behind an `@`",
                ))
            }
        },
        _ => Weights::Path(table.path("weights")),
    }
}

/// What begins the name of a TorchScript module, before its path.
const TORCHSCRIPT: &str = "torchscript:";

/// The network's name, and the module where it is one.
fn architecture(table: &Table<'_>) -> (Architecture, Option<Module>) {
    let gives = table.choice("gives", &[("features", Gives::Features), ("logits", Gives::Logits)]);
    table.takes("name", || {
        let names = Architecture::ALL.iter().map(|architecture| architecture.name());
        vec![Takes::names(names), Takes::Form("^torchscript:.+")]
    });
    let name = table.any("name");
    if let Some(path) = name.as_ref().and_then(Value::as_str).and_then(|name| name.strip_prefix(TORCHSCRIPT))
    {
        if path.is_empty() {
            let fault =
                Fault::new(format!("`name` is `{TORCHSCRIPT}`, expected the path of a module behind it"));
            table.fault("name", fault);
        }
        let path = table.beside("name", path);
        return (Architecture::Torchscript, Some(Module { path, gives }));
    }
    if gives == Gives::Logits {
        let fault = Fault::new("`gives` is `logits`, which only a TorchScript module can");
        table.fault(
            "gives",
            fault.help(format!("write `name = \"{TORCHSCRIPT}PATH\"`, or leave `gives` out")),
        );
    }
    let names = Architecture::ALL.map(|architecture| (architecture.name(), architecture));
    (table.choice("name", &names), None)
}

/// A share, or names of layers. Whether the network has them is found where it is built.
fn freeze(table: &Table<'_>) -> Freeze {
    table.takes("freeze", || vec![Takes::number(&(0.0..=1.0)), Takes::Text.list()]);
    match table.any("freeze") {
        Some(Value::Array(..)) => Freeze::Names(table.texts("freeze")),
        Some(Value::Num(..)) => Freeze::Share(table.number("freeze", 0.0..=1.0)),
        Some(value) => {
            let found = shown(&value);
            let fault =
                Fault::new(format!("`freeze` is {found}, expected 0 to 1, or a list of names of layers"));
            table.fault(
                "freeze",
                fault.help("for instance `freeze = 0.5`, or `freeze = [\"conv_stem\", \"blocks.0\"]`"),
            );
            Freeze::Share(0.0)
        }
        None => Freeze::Share(0.0),
    }
}

/// Faults pictures that the network would shrink to nothing.
pub fn check_side(table: &Table<'_>, images: &Images, model: &Model) {
    let (side, least, name) = (images.size, model.name.least_side(), model.name.name());
    if side < least {
        let fault =
            Fault::new(format!("`size` is `{side}`, expected at least `{least}` for the model `{name}`"));
        table.fault("size", fault);
    }
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
