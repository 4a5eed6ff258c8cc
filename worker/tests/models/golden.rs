//! Names, shapes, logits and gradients are timm's and torchvision's.

use ablatrix::spec::settings::Architecture;
use ablatrix_worker::model::Network;
use tch::{Kind, Tensor};

use super::formula::*;

/// What other kernels may cost.
const TOLERANCE: f64 = 1e-7;

/// A test for each, so that they run beside each other and a fault is named.
macro_rules! equals_the_reference {
    ($($test:ident: $architecture:ident,)+) => {
        $(#[test]
        fn $test() {
            check(Architecture::$architecture);
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

fn check(architecture: Architecture) {
    let name = architecture.name();
    let golden = golden(name);
    let network = network(&settings(architecture), LABELS);

    let found: Vec<_> =
        network.named_state().iter().map(|(name, t)| serde_json::json!([name, t.size()])).collect();
    assert_eq!(serde_json::Value::from(found), golden["tensors"], "{name}");
    let count = golden["parameters"].as_u64().unwrap();
    assert_eq!(network.parameters(), (count, count), "{name}");
    if let Some(expected) = golden["normalisation"].as_array() {
        let normalisation = network.normalisation();
        for (found, expected) in [normalisation.mean, normalisation.std].iter().zip(expected) {
            assert_eq!(found.map(f64::from).map(|v| (v * 1e6).round() / 1e6).as_slice(), numbers(expected));
        }
    }

    check_numbers(&network, architecture, &golden);
}

/// In 64-bit floats on both sides: a ReLU or a pooling that tips over for want of digits moves a gradient by
/// more than any tolerance that would still find a fault, and some of these networks lose two digits of 32-bit
/// floats with weights that nobody has trained.
fn check_numbers(network: &Network, architecture: Architecture, golden: &serde_json::Value) {
    let name = architecture.name();
    fill(network);
    for (_, mut tensor) in network.named_state() {
        tensor.set_data(&tensor.to_kind(Kind::Double));
    }
    let pictures = pictures(architecture).to_kind(Kind::Double);
    let is_close = |logits: &Tensor, key: &str| {
        assert_eq!(logits.size(), [4, LABELS as i64]);
        let deviation = deviation(&values(logits), &numbers(&golden[key]));
        assert!(deviation < TOLERANCE, "{name} {key}: {deviation}");
    };
    is_close(&tch::no_grad(|| network.forward_t(&pictures, false)).unwrap(), "eval_logits");
    let logits = network.forward_t(&pictures, true).unwrap();
    is_close(&logits, "train_logits");
    (&logits * filled("cotangent", &logits.size())).sum(Kind::Double).backward();
    let gradients = golden["gradients"].as_object().unwrap();
    let largest = gradients.values().map(|g| numbers(g)[0]).fold(0.0, f64::max);
    let (full, full_values) = (golden["full_gradient"][0].as_str().unwrap(), &golden["full_gradient"][1]);
    for (tensor, variable) in network.named_state() {
        if let Some(norm) = golden["running_norms"].get(&tensor) {
            let (found, norm) = (values(&variable.norm())[0], norm.as_f64().unwrap());
            assert!((found / norm - 1.0).abs() < TOLERANCE, "{name} {tensor}: {found}, expected {norm}");
            continue;
        }
        let gradient = variable.grad();
        let found = [gradient.norm(), gradient.reshape(-1).get(0), gradient.sum(Kind::Double)];
        let expected = numbers(&gradients[&tensor]);
        // A shift before a batch norm has a gradient of 0, of which only rounding is left. A sum may be many times
        // the norm.
        let scale = expected[0].max(1e-3 * largest);
        for (found, expected) in found.iter().map(|t| values(t)[0]).zip(expected) {
            let deviation = (found - expected).abs() / expected.abs().max(scale);
            assert!(deviation < TOLERANCE, "{name} {tensor}: {found}, expected {expected}");
        }
        if tensor == full {
            let deviation = deviation(&values(&gradient), &numbers(full_values));
            assert!(deviation < TOLERANCE, "{name} {tensor}: {deviation}");
        }
    }
}
