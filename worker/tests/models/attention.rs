//! Maps are pytorch-grad-cam's (`tests/golden/attention/make_attention.py`).

use std::path::PathBuf;

use ablatrix::spec::settings::{AUTO_LAYER, Architecture, ExplainMethod};
use ablatrix_worker::attention::{gradients, to_side, weighed};
use ablatrix_worker::model::Network;
use tch::{Kind, Tensor};

use super::formula::*;
use super::pretrained::weights;

/// Both sides enlarge in 32-bit floats, by other kernels.
const TOLERANCE: f64 = 1e-4;

macro_rules! equals_the_reference {
    ($($test:ident: $architecture:ident,)+) => {
        $(#[test]
        fn $test() {
            let architecture = Architecture::$architecture;
            let network = network(&settings(architecture), LABELS);
            fill(&network);
            for (_, mut tensor) in network.named_state() {
                tensor.set_data(&tensor.to_kind(Kind::Double));
            }
            check(&network, architecture.name(), Kind::Double, TOLERANCE);
            each_layer_gives_a_map(&network);
        })+

        #[test]
        fn every_architecture_has_a_reference() {
            assert_eq!([$(Architecture::$architecture),+], Architecture::ALL);
        }
    };
}

equals_the_reference! {
    convnext_tiny: ConvnextTiny,
    efficientnet_b0: EfficientnetB0,
    efficientnet_v2_b0: EfficientnetV2B0,
    efficientnet_v2_b1: EfficientnetV2B1,
    efficientnet_v2_b3: EfficientnetV2B3,
    inception_v3: InceptionV3,
    mobilenet_v3_large: MobilenetV3Large,
    mobilenet_v3_small: MobilenetV3Small,
    resnet18: Resnet18,
    resnet34: Resnet34,
    resnet50: Resnet50,
    squeezenet1_1: Squeezenet1_1,
    vgg16: Vgg16,
}

#[test]
fn real_weights_in_32_bits_give_the_same_maps() {
    let Some(path) = weights() else { return };
    let mut network = network(&settings(Architecture::Squeezenet1_1), 1000);
    network.load_weights(&path).unwrap();
    check(&network, "squeezenet1_1_imagenet", Kind::Float, 1e-3);
}

/// Parameters that take no gradient change no map, and have none afterwards.
#[test]
fn a_network_without_gradients_has_the_same_maps() {
    let network = network(&settings(Architecture::MobilenetV3Small), LABELS);
    let pictures = filled("pictures", &[2, 3, 64, 64]);
    let layer = Architecture::MobilenetV3Small.layer("blocks.3").unwrap();
    let maps = || {
        let tapped = network.forward_tapped(&pictures, &layer).unwrap().unwrap();
        let gradients = gradients(&tapped, &[0, 3], false).unwrap();
        values(&weighed(ExplainMethod::GradCam, &tapped.activation_nchw, &gradients).unwrap())
    };
    let before = maps();
    network.freeze_all();
    assert_eq!(maps(), before);
    assert!(before.iter().any(|&value| value > 0.0));
    assert!(network.all_parameters().iter().all(|parameter| !parameter.tensor.grad().defined()));
}

/// In a batch, and of several labels of one pass, maps are those of each picture and label alone.
#[test]
fn maps_do_not_know_their_batch() {
    let network = network(&settings(Architecture::Squeezenet1_1), LABELS);
    fill(&network);
    let pictures = filled("pictures", &[4, 3, 64, 64]);
    let map = |pictures: &Tensor, turns: &[&[i64]]| {
        let tapped = network.forward_tapped(pictures, "features.12").unwrap().unwrap();
        let map = |labels: &&[i64]| {
            let gradients = gradients(&tapped, labels, true).unwrap();
            weighed(ExplainMethod::GradCamPlusPlus, &tapped.activation_nchw, &gradients).unwrap()
        };
        turns.iter().map(map).collect::<Vec<_>>()
    };
    let together = map(&pictures, &[&[0, 1, 2, 3], &[4, 4, 1, 0]]);
    for (turn, labels) in [[0, 1, 2, 3], [4, 4, 1, 0]].into_iter().enumerate() {
        for row in 0..4 {
            let alone = map(&pictures.narrow(0, row, 1), &[&labels[row as usize..=row as usize]]);
            let (found, expected) = (values(&together[turn].get(row)), values(&alone[0].get(0)));
            assert!(deviation(&found, &expected) < 1e-4, "{turn} {row}");
        }
    }
}

/// Every map of the file.
fn check(network: &Network, name: &str, kind: Kind, tolerance: f64) {
    let golden = golden_maps(name);
    let side = golden["side"].as_i64().unwrap();
    let pictures = filled("pictures", &[2, 3, side, side]).to_kind(kind);
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    for (i, case) in cases.iter().enumerate() {
        let method: ExplainMethod = serde_json::from_value(case["method"].clone()).unwrap();
        let layer = network.architecture().layer(case["layer"].as_str().unwrap()).unwrap();
        // The first two are of the layer that `auto` means.
        assert_eq!(network.architecture().layer(AUTO_LAYER).as_ref() == Some(&layer), i < 2);
        let tapped = network.forward_tapped(&pictures, &layer).unwrap().unwrap();
        let labels: Vec<i64> = numbers(&case["labels"]).into_iter().map(|label| label as i64).collect();
        let gradients = gradients(&tapped, &labels, false).unwrap();
        let maps = weighed(method, &tapped.activation_nchw, &gradients).unwrap();
        let large = to_side(&maps, side).unwrap();
        assert_eq!(large.size(), [2, side, side]);
        for (row, expected) in case["maps"].as_array().unwrap().iter().enumerate() {
            let thinned = large.get(row as i64).slice(0, 3, None, 8).slice(1, 3, None, 8);
            let expected = numbers(expected);
            assert!(expected.iter().any(|&value| value > 0.1), "nothing to compare");
            let largest =
                values(&thinned).iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(largest < tolerance, "{name} {layer} {method:?} {row}: {largest}");
        }
    }
}

/// Each layer that a spec may name is met on the way, has places, and leaves the logits as they are.
fn each_layer_gives_a_map(network: &Network) {
    let architecture = network.architecture();
    let side = i64::from(architecture.least_side()).max(32);
    let picture = filled("pictures", &[1, 3, side, side]).to_kind(Kind::Double);
    let _no_grad = tch::no_grad_guard();
    let logits = network.forward_t(&picture, false).unwrap();
    let mut places = i64::MAX;
    for layer in architecture.layers() {
        let Some(tapped) = network.forward_tapped(&picture, &layer).unwrap() else {
            panic!("{layer} is not met")
        };
        let (_, channels, rows, columns) = tapped.activation_nchw.size4().unwrap();
        assert!(channels >= 16 && rows * columns <= places, "{layer}: {:?}", tapped.activation_nchw.size());
        places = rows * columns;
        assert_eq!(values(&tapped.logits_nl.to_kind(Kind::Float)), values(&logits), "{layer}");
    }
    assert!(network.forward_tapped(&picture, "head").unwrap().is_none());
}

fn golden_maps(name: &str) -> serde_json::Value {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/attention");
    serde_json::from_str(&std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap()).unwrap()
}
