//! Real ImageNet weights, where they are at hand.

use std::path::PathBuf;

use ablatrix::spec::settings::Architecture;
use tch::Kind;

use super::formula::*;

/// The weights beside the repository, or in the folder that `ABLATRIX_SHARED` names.
pub fn weights() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("ABLATRIX_SHARED").map_or_else(beside, PathBuf::from);
    let path = shared.join("data/weights/squeezenet1_1_imagenet.safetensors");
    if !path.exists() {
        println!("skipped: no `{}`", path.display());
        return None;
    }
    Some(path)
}

#[test]
fn squeezenet_gives_torchvisions_logits() {
    let Some(path) = weights() else { return };
    let golden = golden("squeezenet1_1_imagenet");
    let mut network = network(&settings(Architecture::Squeezenet1_1), 1000);
    assert_eq!(network.load_weights(&path).unwrap().replaced, Vec::<String>::new());
    let logits = network.forward_t(&pictures(Architecture::Squeezenet1_1), false).unwrap();
    assert_eq!(values(&logits.argmax(1, false)), numbers(&golden["top"]));
    let every_40th = logits.slice(1, 0, None, 40);
    assert!(deviation(&values(&every_40th), &numbers(&golden["logits"])) < 1e-4);

    // torchvision cuts the classifier's map at 0 before it is averaged, which Ablatrix leaves out.
    let state = network.named_state();
    let classifier =
        |part: &str| &state.iter().find(|(name, _)| name == &format!("classifier.1.{part}")).unwrap().1;
    let map = network.features(&pictures(Architecture::Squeezenet1_1), false).unwrap();
    let map = map.conv2d(classifier("weight"), Some(classifier("bias")), 1, 0, 1, 1).relu();
    let cut = map.mean_dim([2i64, 3].as_slice(), false, None::<Kind>).slice(1, 0, None, 40);
    assert!(deviation(&values(&cut), &numbers(&golden["cut_logits"])) < 1e-4);
}

#[test]
fn a_head_of_another_size_is_replaced_and_reported() {
    let Some(path) = weights() else { return };
    let mut network = network(&settings(Architecture::Squeezenet1_1), 6);
    let report = network.load_weights(&path).unwrap();
    assert_eq!(report.replaced, ["classifier.1.weight", "classifier.1.bias"]);
    // The rest is the file's.
    let (name, stem) = &network.named_state()[0];
    assert_eq!(name, "features.0.weight");
    assert!((values(stem)[0] - 18.362_49).abs() < 1e-4);
}
