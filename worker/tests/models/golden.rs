//! Names, shapes, logits and gradients are timm's and torchvision's.

use tch::Kind;

use super::formula::*;

/// What 32-bit floats may cost.
const TOLERANCE: f64 = 1e-4;

#[test]
fn names_and_shapes_are_those_of_the_state_dict() {
    for (architecture, name) in ALL {
        let golden = golden(name);
        let network = network(&settings(architecture), LABELS);
        let found: Vec<_> =
            network.named_state().iter().map(|(name, t)| serde_json::json!([name, t.size()])).collect();
        assert_eq!(serde_json::Value::from(found), golden["tensors"], "{name}");
        let count = golden["parameters"].as_u64().unwrap();
        assert_eq!(network.parameters(), (count, count), "{name}");
    }
}

#[test]
fn logits_are_equal_in_evaluation_and_training() {
    for (architecture, name) in ALL {
        let golden = golden(name);
        let network = network(&settings(architecture), LABELS);
        fill(&network);
        for (key, train) in [("eval_logits", false), ("train_logits", true)] {
            let logits = network.forward_t(&pictures(), train).unwrap();
            assert_eq!(logits.size(), [4, LABELS as i64]);
            let deviation = deviation(&values(&logits), &numbers(&golden[key]));
            assert!(deviation < TOLERANCE, "{name} {key}: {deviation}");
        }
    }
}

/// In 64-bit floats on both sides: a ReLU or a pooling that tips over for want of digits moves a gradient by
/// more than any tolerance that would still find a fault.
#[test]
fn gradients_and_running_statistics_are_equal() {
    const TOLERANCE: f64 = 1e-7;
    for (architecture, name) in ALL {
        let golden = golden(name);
        let network = network(&settings(architecture), LABELS);
        fill(&network);
        for (_, mut tensor) in network.named_state() {
            tensor.set_data(&tensor.to_kind(Kind::Double));
        }
        let logits = network.forward_t(&pictures().to_kind(Kind::Double), true).unwrap();
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
            // A shift before a batch norm has a gradient of 0, of which only rounding is left.
            let scale = expected[0].max(1e-3 * largest);
            for (found, expected) in found.iter().map(|t| values(t)[0]).zip(expected) {
                let deviation = (found - expected).abs() / scale;
                assert!(deviation < TOLERANCE, "{name} {tensor}: {found}, expected {expected}");
            }
            if tensor == full {
                let deviation = deviation(&values(&gradient), &numbers(full_values));
                assert!(deviation < TOLERANCE, "{name} {tensor}: {deviation}");
            }
        }
    }
}
