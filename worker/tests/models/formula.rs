//! The formula that fills tensors, as in `make_models.py`, and networks filled by it.

use std::path::PathBuf;

use ablatrix::spec::settings::{Architecture, Freeze, Model, Normalise, Weights};
use ablatrix_worker::model::Network;
use tch::{Device, Kind, Tensor};

/// Labels of the golden files.
pub const LABELS: usize = 5;

/// Those that are built in no time: for what does not differ between architectures.
pub const SMALL: [Architecture; 2] = [Architecture::MobilenetV3Small, Architecture::Squeezenet1_1];

/// One of each family, without VGG-16: its 138 million numbers take a while to draw.
pub const FAMILIES: [Architecture; 6] = [
    Architecture::Resnet18,
    Architecture::MobilenetV3Small,
    Architecture::Squeezenet1_1,
    Architecture::EfficientnetV2B0,
    Architecture::InceptionV3,
    Architecture::ConvnextTiny,
];

/// Settings without frozen layers, hidden layers and dropout.
pub fn settings(name: Architecture) -> Model {
    Model {
        name,
        weights: Weights::None,
        freeze: Freeze::Share(0.0),
        unfreeze_after: 0,
        module: None,
        normalise: Normalise::Auto,
        head: vec![],
        dropout: 0.0,
    }
}

/// A network on the CPU with `seed` 1.
pub fn network(settings: &Model, labels: usize) -> Network {
    // Tests run beside each other already; libtorch's waiting threads would only be in their way.
    tch::set_num_threads(1);
    Network::new(settings, labels, 1, Device::Cpu).unwrap()
}

/// All parameters, trained or not.
pub fn named_parameters(network: &Network) -> Vec<(String, Tensor)> {
    network.all_parameters().into_iter().map(|parameter| (parameter.name, parameter.tensor)).collect()
}

/// The golden file of this name.
pub fn golden(name: &str) -> serde_json::Value {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/models");
    let path = dir.join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The numbers of a JSON list.
pub fn numbers(value: &serde_json::Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// Fills every tensor of `network` by the formula.
pub fn fill(network: &Network) {
    for (name, mut tensor) in network.named_state() {
        tch::no_grad(|| tensor.copy_(&filled(&name, &tensor.size())));
    }
}

/// The pictures that the golden logits of `architecture` are of, [4, 3, side, side].
pub fn pictures(architecture: Architecture) -> Tensor {
    let side = if architecture == Architecture::InceptionV3 { 107 } else { 64 };
    filled("pictures", &[4, 3, side, side])
}

/// The tensor `name` of this shape.
pub fn filled(name: &str, shape: &[i64]) -> Tensor {
    let fan_in: i64 = shape[1..].iter().product();
    let value = |u: f64| match name {
        "pictures" | "cotangent" => 4.0 * u - 2.0,
        _ if shape.len() > 1 => (2.0 * u - 1.0) * (6.0 / fan_in as f64).sqrt(),
        _ if name.ends_with("running_var") || name.ends_with("weight") => 0.5 + u,
        _ => 0.2 * (u - 0.5),
    };
    let state = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let values: Vec<f32> = (0..shape.iter().product::<i64>() as u64)
        .map(|i| value((mix(state.wrapping_add(i)) >> 40) as f64 / f64::from(1 << 24)) as f32)
        .collect();
    Tensor::from_slice(&values).reshape(shape)
}

/// SplitMix64.
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A tensor's values in row order.
pub fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.detach().to_kind(Kind::Double).reshape(-1)).unwrap()
}

/// The largest difference, in parts of the largest expected value.
#[track_caller]
pub fn deviation(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    let differences = found
        .iter()
        .zip(expected)
        .map(|(a, b)| if (a - b).is_finite() { (a - b).abs() } else { f64::INFINITY });
    differences.fold(0.0, f64::max) / largest
}
