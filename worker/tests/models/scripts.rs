//! TorchScript modules as networks.

use std::path::{Path, PathBuf};

use ablatrix::spec::settings::{Architecture, Freeze, Gives, Model, Module, Precision};
use ablatrix_worker::model::{ModelError, Network, ScriptFile};
use tch::{Device, Kind, Tensor};

use super::formula::*;

/// The side of the golden pictures.
const SIDE: u32 = 16;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/golden/models/script_{name}.pt"))
}

fn open(settings: &Model, name: &str, gives: Gives, labels: usize) -> Result<Network, ModelError> {
    tch::set_num_threads(1);
    let path = file(name);
    let settings = Model {
        name: Architecture::Torchscript,
        module: Some(Module { path: path.clone(), gives }),
        ..settings.clone()
    };
    let file = ScriptFile { path: &path, shown: Path::new("m.pt"), gives, side: SIDE };
    Network::of_module(&settings, file, labels, 1, Device::Cpu)
}

fn plain() -> Model {
    settings(Architecture::Torchscript)
}

fn side_16() -> Tensor {
    filled("pictures", &[4, 3, SIDE.into(), SIDE.into()])
}

#[test]
fn logits_gradients_and_statistics_are_pytorchs() {
    let golden = &golden("scripts")["logits"];
    let network = open(&plain(), "logits", Gives::Logits, 3).unwrap();
    let eval = network.forward_t(&side_16(), false).unwrap();
    assert!(deviation(&values(&eval), &numbers(&golden["eval"])) < 1e-5);
    let logits = network.forward_t(&side_16(), true).unwrap();
    assert!(deviation(&values(&logits), &numbers(&golden["train"])) < 1e-5);
    (&logits * filled("cotangent", &logits.size())).sum(Kind::Float).backward();
    for (name, parameter) in named_parameters(&network) {
        let (found, expected) =
            (values(&parameter.grad().norm())[0], golden["gradients"][&name].as_f64().unwrap());
        assert!(
            (found - expected).abs() <= 1e-4 * expected.max(1e-2),
            "{name}: {found}, expected {expected}"
        );
    }
    let state = network.named_state();
    let mean = &state.iter().find(|(name, _)| name == "bn1.running_mean").unwrap().1;
    assert!(deviation(&values(mean), &numbers(&golden["running_mean"])) < 1e-5);
}

/// With a head behind it, and without.
#[test]
fn a_module_is_written_as_a_module_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("again.pt");
    for (name, gives) in [("features", Gives::Features), ("map", Gives::Features), ("logits", Gives::Logits)]
    {
        let network = open(&plain(), name, gives, 3).unwrap();
        let difference = network.write_module(SIDE, &path).unwrap();
        assert!(difference < 1e-5, "{name}: {difference}");
    }
}

#[test]
fn the_state_holds_each_tensor_once_and_no_counters() {
    let network = open(&plain(), "features", Gives::Features, 3).unwrap();
    let names: Vec<String> = network.named_state().into_iter().map(|(name, _)| name).collect();
    let of_norm =
        |name: &str| ["weight", "bias", "running_mean", "running_var"].map(|part| format!("{name}.{part}"));
    let expected = [
        &["factor".to_owned(), "stem.weight".to_owned()][..],
        &of_norm("bn1"),
        &["conv.weight".to_owned(), "conv.bias".to_owned()],
        &of_norm("bn2"),
        &["logits.weight".to_owned(), "logits.bias".to_owned()],
    ];
    assert_eq!(names, expected.concat());
    assert_eq!(network.parameters().0, network.parameters().1);
}

#[test]
fn a_head_stands_behind_features_and_behind_maps() {
    let golden = golden("scripts");
    for name in ["features", "map"] {
        let settings = Model { head: vec![5], ..plain() };
        let network = open(&settings, name, Gives::Features, 7).unwrap();
        let features = network.features(&side_16(), false).unwrap();
        assert!(deviation(&values(&features), &numbers(&golden[name]["eval"])) < 1e-5, "{name}");
        assert_eq!(network.forward_t(&side_16(), true).unwrap().size(), [4, 7], "{name}");
        let names: Vec<_> =
            named_parameters(&network).into_iter().rev().take(4).map(|(name, _)| name).collect();
        assert_eq!(names, ["logits.bias", "logits.weight", "hidden.0.bias", "hidden.0.weight"]);
    }
}

#[test]
fn training_mode_reaches_the_module_and_spares_frozen_norms() {
    let freeze = Freeze::Names(vec!["stem".to_owned()]);
    let network = open(&Model { freeze, ..plain() }, "features", Gives::Features, 3).unwrap();
    let statistics = |name: &str| {
        let state = network.named_state();
        values(&state.iter().find(|(other, _)| other == name).unwrap().1)
    };
    let before = (statistics("bn1.running_mean"), statistics("bn2.running_mean"));
    let logits = |train, seed| {
        tch::manual_seed(seed);
        values(&network.forward_t(&side_16(), train).unwrap())
    };
    assert_eq!(logits(false, 1), logits(false, 2));
    assert_ne!(logits(true, 1), logits(true, 2));
    assert_eq!(statistics("bn1.running_mean"), before.0);
    assert_ne!(statistics("bn2.running_mean"), before.1);
    network.unfreeze();
    let _ = logits(true, 3);
    assert_ne!(statistics("bn1.running_mean"), before.0);

    // A share counts weights of more than one dimension: of two layers, half is the first.
    let half =
        open(&Model { freeze: Freeze::Share(0.5), ..plain() }, "features", Gives::Features, 3).unwrap();
    let frozen: Vec<_> = named_parameters(&half)
        .into_iter()
        .filter(|(_, tensor)| !tensor.requires_grad())
        .map(|(name, _)| name)
        .collect();
    assert_eq!(frozen, ["factor", "stem.weight", "bn1.weight", "bn1.bias"]);
}

#[test]
fn a_saved_module_comes_back_into_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.safetensors");
    let first = open(&plain(), "features", Gives::Features, 3).unwrap();
    let _logits = first.forward_t(&side_16(), true).unwrap();
    tch::no_grad(|| {
        named_parameters(&first).iter().for_each(|(_, tensor)| drop(tensor.shallow_clone().fill_(0.25)))
    });
    first.save(&path).unwrap();
    let mut second = open(&plain(), "features", Gives::Features, 3).unwrap();
    second.load_trained(&path).unwrap();
    let of = |network: &Network| values(&network.forward_t(&side_16(), false).unwrap());
    assert_eq!(of(&first), of(&second));
    assert_ne!(of(&first), of(&open(&plain(), "features", Gives::Features, 3).unwrap()));
}

#[test]
fn what_is_no_network_says_why() {
    let error = |name: &str, gives, labels| {
        let error = open(&plain(), name, gives, labels).err().expect("was taken");
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        assert!(!text.contains('\n'), "{text}");
        text
    };
    assert_eq!(
        error("logits", Gives::Logits, 6),
        "the module `m.pt` gives `[2, 3]` for `2` pictures, expected logits `[2, 6]`, one for each label; with \
         `gives = \"features\"` in `[model]` a head is put behind it"
    );
    assert!(
        error("map", Gives::Logits, 6)
            .contains("gives `[2, 6, 4, 4]` for `2` pictures, expected logits `[2, 6]`")
    );
    let text = error("half", Gives::Features, 3);
    assert!(text.contains("of kind `Half`, expected 32-bit floats: export it after `.float()`"), "{text}");
    let text = error("pair", Gives::Features, 3);
    assert!(text.starts_with("the module `m.pt` fails on pictures of `[2, 3, 16, 16]`"), "{text}");
    assert!(text.ends_with("the module gives a Tuple, expected one tensor"), "{text}");
    let text = error("picky", Gives::Features, 3);
    assert!(text.contains("only pictures of 32 x 32"), "{text}");
    let text = error("absent", Gives::Features, 3);
    assert!(text.starts_with("cannot read the TorchScript module `m.pt`: libtorch: "), "{text}");

    let dir = tempfile::tempdir().unwrap();
    let whole = std::fs::read(file("features")).unwrap();
    for (i, bytes) in [&whole[..whole.len() / 2], b"no zip", b""].into_iter().enumerate() {
        let path = dir.path().join(format!("{i}.pt"));
        std::fs::write(&path, bytes).unwrap();
        let file = ScriptFile { path: &path, shown: Path::new("m.pt"), gives: Gives::Features, side: SIDE };
        let error = Network::of_module(&plain(), file, 3, 1, Device::Cpu).err().unwrap();
        assert_eq!(error.to_string(), "cannot read the TorchScript module `m.pt`");
    }
    assert!(matches!(Network::new(&plain(), 3, 1, Device::Cpu), Err(ModelError::NoModule)));
}

/// A module computes in bfloat16 as the networks that are built in do.
#[test]
fn a_module_trains_in_bf16() {
    let full = open(&plain(), "logits", Gives::Logits, 3).unwrap();
    let half = open(&plain(), "logits", Gives::Logits, 3).unwrap().with_precision(Precision::Bf16);
    let logits = |network: &Network| network.forward_t(&side_16(), false).unwrap();
    assert_eq!(logits(&half).kind(), Kind::Float);
    let miss = deviation(&values(&logits(&half)), &values(&logits(&full)));
    assert!(miss > 0.0 && miss < 0.05, "{miss}");
    half.forward_t(&side_16(), true).unwrap().sum(Kind::Float).backward();
    for (name, parameter) in named_parameters(&half) {
        assert!(
            parameter.grad().defined() && values(&parameter.grad()).iter().all(|g| g.is_finite()),
            "{name}"
        );
    }
}
