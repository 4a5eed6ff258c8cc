//! Seeds, heads, freezing, layouts and saving.

use ablatrix::spec::settings::{self, Architecture, Freeze, Model, Normalise, Rule};
use ablatrix_worker::model::{Libtorch, ModelError, Network};
use ablatrix_worker::train::optimizer::Optimizer;
use tch::{Device, Kind, Reduction, Tensor};

use super::formula::*;

/// With its name.
fn named(architecture: Architecture) -> (Architecture, &'static str) {
    (architecture, architecture.name())
}

fn state(network: &Network) -> Vec<(String, Vec<f64>)> {
    network.named_state().iter().map(|(name, tensor)| (name.clone(), values(tensor))).collect()
}

/// Weights that are drawn (constants are the same for all seeds).
fn is_drawn(name: &str, values: &[f64]) -> bool {
    name.ends_with("weight") && values.iter().any(|v| *v != values[0])
}

#[test]
fn a_seed_decides_every_bit_and_another_seed_changes_every_drawn_tensor() {
    for architecture in SMALL {
        let new = |seed| Network::new(&settings(architecture), LABELS, seed, Device::Cpu).unwrap();
        tch::manual_seed(1);
        let first = state(&new(3));
        tch::manual_seed(2);
        assert_eq!(first, state(&new(3)));
        for ((name, a), (_, b)) in first.iter().zip(state(&new(4))) {
            assert_eq!(*a != b, is_drawn(name, a), "{name}");
        }
    }
}

#[test]
fn another_head_leaves_the_backbone_alone() {
    for architecture in SMALL {
        let small = state(&network(&settings(architecture), LABELS));
        let wide = Model { head: vec![16], ..settings(architecture) };
        let wide = state(&network(&wide, LABELS + 1));
        let backbone = small.len() - 2;
        assert_eq!(small[..backbone], wide[..backbone]);
        assert_eq!(wide.len(), small.len() + 2);
        assert_eq!(wide[backbone].0, "hidden.0.weight");
        assert_eq!(wide[backbone + 2].0, small[backbone].0);
    }
}

#[test]
fn initial_values_have_the_spread_that_is_documented() {
    let he = |fan: f64| (2.0 / fan).sqrt();
    let expected: [&[(&str, f64)]; 6] = [
        &[
            ("layer3.0.conv2.weight", he(256.0 * 9.0)),
            ("layer3.0.bn1.weight", 1.0),
            ("layer3.0.bn2.weight", 0.0),
            ("fc.weight", (1.0_f64 / (3.0 * 512.0)).sqrt()),
            ("fc.bias", 0.0),
        ],
        &[("blocks.4.1.conv_dw.weight", he(25.0)), ("blocks.4.1.conv_pw.weight", he(576.0))],
        &[("features.11.expand3x3.weight", he(64.0 * 9.0)), ("classifier.1.weight", 0.01)],
        &[
            ("blocks.1.0.conv_exp.weight", he(64.0 * 9.0)),
            ("blocks.3.1.conv_dw.weight", he(9.0)),
            ("bn2.weight", 1.0),
        ],
        &[("Mixed_6b.branch7x7_2.conv.weight", 0.1), ("fc.weight", (1.0_f64 / (3.0 * 2048.0)).sqrt())],
        &[("stages.2.blocks.1.mlp.fc1.weight", 0.02), ("stages.2.blocks.1.gamma", 1e-6)],
    ];
    for ((architecture, name), expected) in FAMILIES.map(named).into_iter().zip(expected) {
        let state = network(&settings(architecture), 40).named_state();
        for (tensor, expected) in expected {
            let (_, values_) = state.iter().find(|(name, _)| name == tensor).unwrap();
            let found = values(&values_.square().mean(Kind::Double).sqrt())[0];
            assert!(
                (found - expected).abs() <= 0.03 * expected,
                "{name} {tensor}: {found}, expected {expected}"
            );
        }
    }
}

/// Of VGG-16 the wide layers rest: their optimizer's state alone would take a gigabyte.
#[test]
fn a_few_steps_lower_the_loss() {
    let rest = [
        Architecture::EfficientnetB0,
        Architecture::MobilenetV3Large,
        Architecture::Resnet50,
        Architecture::Vgg16,
    ];
    for architecture in FAMILIES.into_iter().chain(rest) {
        let freeze = match architecture {
            Architecture::Vgg16 => Freeze::Names(vec!["pre_logits".to_owned()]),
            _ => Freeze::Share(0.0),
        };
        let network = network(&Model { freeze, ..settings(architecture) }, LABELS);
        // Without norms, larger steps overshoot.
        let lr = if architecture == Architecture::Vgg16 { 1e-4 } else { 1e-3 };
        let adam = settings::Optimizer {
            rule: Rule::Adam { betas: [0.9, 0.999], epsilon: 1e-8 },
            lr,
            weight_decay: 0.0,
            decay_norms_and_biases: false,
            layer_decay: 1.0,
        };
        let mut optimizer = Optimizer::new(&adam, 0.0, network.trained_parameters()).unwrap();
        let side = i64::from(architecture.least_side().max(32));
        let pictures = filled("pictures", &[8, 3, side, side]);
        let targets = filled("cotangent", &[8, LABELS as i64]).gt(0.0).to_kind(Kind::Float);
        let mut losses = Vec::new();
        for _ in 0..4 {
            let logits = network.forward_t(&pictures, true).unwrap();
            let loss =
                logits.binary_cross_entropy_with_logits::<&Tensor>(&targets, None, None, Reduction::Mean);
            losses.push(values(&loss)[0]);
            loss.backward();
            optimizer.step(lr).unwrap();
        }
        assert!(losses[3] < losses[0] - 0.01, "{}: {losses:?}", architecture.name());
    }
}

#[test]
fn first_scores_are_near_one_half() {
    for (architecture, name) in FAMILIES.map(named) {
        let logits =
            network(&settings(architecture), LABELS).forward_t(&pictures(architecture), true).unwrap();
        let largest = values(&logits.abs().max())[0];
        assert!(largest > 0.0 && largest < 4.0, "{name}: {largest}");
        let differ = values(&logits.get(0)) != values(&logits.get(1));
        assert!(differ, "{name}: all pictures get the same logits");
    }
}

#[test]
fn channels_last_strides_survive_and_change_no_result() {
    for (architecture, name) in FAMILIES.map(named) {
        let network = network(&settings(architecture), LABELS);
        fill(&network);
        let nhwc = pictures(architecture).permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]);
        for train in [false, true] {
            let features = network.features(&nhwc, train).unwrap();
            assert!(features.permute([0, 2, 3, 1]).is_contiguous(), "{name}: {:?}", features.stride());
        }
        let (plain, last) =
            (network.forward_t(&pictures(architecture), false), network.forward_t(&nhwc, false));
        assert!(deviation(&values(&last.unwrap()), &values(&plain.unwrap())) < 1e-4, "{name}");
    }
}

#[test]
fn a_frozen_share_trains_neither_weights_nor_statistics() {
    for (architecture, name) in FAMILIES.map(named) {
        // Convolutions and linear layers before the head, counted by their weights.
        let whole = network(&settings(architecture), LABELS);
        let weights: Vec<String> = whole
            .named_state()
            .into_iter()
            .filter(|(_, tensor)| tensor.dim() > 1)
            .map(|(name, _)| name)
            .collect();
        let expected = ((weights.len() - 1) as f64 * 0.5) as usize;

        let frozen = network(&Model { freeze: Freeze::Share(0.5), ..settings(architecture) }, LABELS);
        fill(&frozen);
        let before = state(&frozen);
        frozen.forward_t(&pictures(architecture), true).unwrap().sum(Kind::Float).backward();
        let (mut layers, mut trained) = (0, 0);
        for ((tensor, variable), (_, before)) in frozen.named_state().iter().zip(before) {
            layers += usize::from(variable.dim() > 1);
            let is_frozen = layers <= expected;
            if tensor.contains("running") {
                assert_eq!(values(variable) == before, is_frozen, "{name} {tensor}");
            } else {
                assert_eq!(variable.requires_grad(), !is_frozen, "{name} {tensor}");
                assert_eq!(variable.grad().defined(), !is_frozen, "{name} {tensor}");
                trained += usize::from(!is_frozen);
            }
        }
        assert_eq!(frozen.trained_parameters().len(), trained);
        let (count, all) = frozen.parameters();
        assert_eq!(all, whole.parameters().0);
        let numbers: usize =
            frozen.trained_parameters().iter().map(|parameter| parameter.tensor.numel()).sum();
        assert_eq!(count, numbers as u64);
    }
}

/// Which tensors of a network with these names frozen are trained.
fn trained(architecture: Architecture, names: &[&str]) -> Vec<(String, bool)> {
    let freeze = Freeze::Names(names.iter().map(|&name| name.to_owned()).collect());
    let network = network(&Model { freeze, ..settings(architecture) }, LABELS);
    named_parameters(&network).iter().map(|(name, tensor)| (name.clone(), tensor.requires_grad())).collect()
}

#[test]
fn names_freeze_what_lies_under_them_with_its_norms() {
    for (tensor, is_trained) in trained(Architecture::MobilenetV3Small, &["conv_stem", "blocks.1"]) {
        let is_named = ["conv_stem.", "bn1.", "blocks.1."].iter().any(|name| tensor.starts_with(name));
        assert_eq!(is_trained, !is_named, "{tensor}");
    }
    // The norm alone, one tensor alone, and a factor.
    for (tensor, is_trained) in trained(Architecture::MobilenetV3Small, &["bn1", "conv_head.bias"]) {
        assert_eq!(is_trained, !(tensor.starts_with("bn1.") || tensor == "conv_head.bias"), "{tensor}");
    }
    for (tensor, is_trained) in trained(Architecture::ConvnextTiny, &["stages.1.downsample.1", "stem"]) {
        let frozen = ["stem.", "stages.1.downsample."];
        assert_eq!(is_trained, !frozen.iter().any(|name| tensor.starts_with(name)), "{tensor}");
    }
    assert!(trained(Architecture::Squeezenet1_1, &[]).iter().all(|(_, is_trained)| *is_trained));
}

#[test]
fn unknown_names_are_an_error_with_the_nearest_ones() {
    let error = |names: &[&str]| {
        let freeze = Freeze::Names(names.iter().map(|&name| name.to_owned()).collect());
        let settings = Model { freeze, ..settings(Architecture::MobilenetV3Small) };
        match Network::new(&settings, LABELS, 1, Device::Cpu) {
            Err(error @ ModelError::Freeze(_)) => error.to_string(),
            other => panic!("{:?}", other.err()),
        }
    };
    assert_eq!(
        error(&["conv_stm", "blocks.0", "blocks.2.7", "zzz"]),
        "the backbone of `mobilenet_v3_small` lacks what `model.freeze` names: `conv_stm` (did you mean `conv_stem`?), \
         `blocks.2.7` (did you mean `blocks.2`?), `zzz`; it has `blocks`, `bn1`, `conv_head`, `conv_stem`"
    );
    // Half a name is none, and the head always trains.
    assert!(error(&["block"]).contains("did you mean `blocks`?"));
    assert!(error(&["classifier"]).contains("`classifier`"));
    assert!(error(&[""]).contains("``"));
}

#[test]
fn frozen_norms_keep_their_statistics_until_they_are_unfrozen() {
    let freeze = Freeze::Names(vec!["conv_stem".to_owned()]);
    let network = network(&Model { freeze, ..settings(Architecture::MobilenetV3Small) }, LABELS);
    let pictures = pictures(Architecture::MobilenetV3Small);
    let statistics = |name: &str| {
        let state = network.named_state();
        values(&state.iter().find(|(other, _)| other == name).unwrap().1)
    };
    let (stem, other) = ("bn1.running_mean", "blocks.0.0.bn1.running_mean");
    let before = (statistics(stem), statistics(other));
    let _logits = network.forward_t(&pictures, true).unwrap();
    assert_eq!(statistics(stem), before.0);
    assert_ne!(statistics(other), before.1);

    network.unfreeze();
    let (trained, all) = network.parameters();
    assert_eq!(trained, all);
    let _logits = network.forward_t(&pictures, true).unwrap();
    assert_ne!(statistics(stem), before.0);
}

#[test]
fn all_frozen_leaves_the_head_to_train() {
    for architecture in SMALL {
        let network =
            network(&Model { freeze: Freeze::Share(1.0), head: vec![8], ..settings(architecture) }, LABELS);
        assert_eq!(network.trained_parameters().len(), 4);
    }
}

#[test]
fn dropout_acts_in_training_only_and_repeats_with_the_seed() {
    for (architecture, name) in SMALL.map(named) {
        let dropping = Model { dropout: 0.5, head: vec![32], ..settings(architecture) };
        let network = network(&Model { freeze: Freeze::Share(1.0), ..dropping }, LABELS);
        fill(&network);
        let logits = |train, seed| {
            tch::manual_seed(seed);
            values(&network.forward_t(&pictures(architecture), train).unwrap())
        };
        assert_eq!(logits(false, 1), logits(false, 2), "{name}");
        assert_eq!(logits(true, 1), logits(true, 1), "{name}");
        assert_ne!(logits(true, 1), logits(true, 2), "{name}");
    }
}

#[test]
fn gradients_reach_the_feature_map() {
    for (architecture, name) in FAMILIES.map(named) {
        let network = network(&settings(architecture), LABELS);
        fill(&network);
        let features = network.features(&pictures(architecture), false).unwrap();
        let before = values(&features);
        let logits = network.classify(&features, false).unwrap();
        let gradients = Tensor::run_backward(&[logits.sum(Kind::Float)], &[&features], false, false);
        assert_eq!(gradients[0].size(), features.size(), "{name}");
        assert!(values(&gradients[0].abs().max())[0] > 0.0, "{name}");
        assert_eq!(values(&features), before, "{name}");
    }
}

#[test]
fn one_small_picture_leaves_the_statistics_finite() {
    let network = network(&settings(Architecture::Resnet18), LABELS);
    let _logits = network.forward_t(&filled("pictures", &[1, 3, 32, 32]), true).unwrap();
    assert!(state(&network).iter().all(|(_, values)| values.iter().all(|v| v.is_finite())));
}

/// What the spec demands is what the network needs: one pixel less is an error, the least side gives a number.
#[test]
fn the_least_side_is_the_least() {
    for architecture in FAMILIES {
        let network = network(&settings(architecture), LABELS);
        let (least, name) = (i64::from(architecture.least_side()), architecture.name());
        let logits =
            |side| tch::no_grad(|| network.forward_t(&filled("pictures", &[2, 3, side, side]), false));
        let finite = logits(least).unwrap().isfinite().all();
        assert_ne!(finite.int64_value(&[]), 0, "{name}");
        if least > 1 {
            let line = Libtorch::from(logits(least - 1).unwrap_err()).to_string();
            assert!(line.starts_with("libtorch: ") && !line.contains('\n'), "{name}: {line}");
        }
    }
}

#[test]
fn a_saved_model_comes_back_whole_and_the_bytes_are_the_same() {
    let dir = tempfile::tempdir().unwrap();
    for (architecture, name) in SMALL.map(named) {
        let settings = Model { head: vec![7], ..settings(architecture) };
        let first = network(&settings, LABELS);
        fill(&first);
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        first.save(&a).unwrap();
        let mut second = Network::new(&settings, LABELS, 99, Device::Cpu).unwrap();
        second.load_trained(&a).unwrap();
        assert_eq!(state(&first), state(&second), "{name}");
        second.save(&b).unwrap();
        assert!(std::fs::read(&a).unwrap() == std::fs::read(&b).unwrap(), "{name}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);

        let mut other = network(&settings, LABELS + 1);
        let before = state(&other);
        let error = other.load_trained(&a).unwrap_err().to_string();
        assert!(error.contains("expected `["), "{error}");
        assert_eq!(state(&other), before, "{name}");
    }
}

#[test]
fn pictures_are_normalised_as_the_weights_expect_or_as_the_settings_say() {
    let of = |architecture, normalise| {
        let normalisation = network(&Model { normalise, ..settings(architecture) }, LABELS).normalisation();
        (normalisation.mean[0], normalisation.std[0])
    };
    let small = Architecture::MobilenetV3Small;
    assert_eq!(of(small, Normalise::Auto), (0.485, 0.229));
    assert_eq!(of(small, Normalise::Imagenet), (0.485, 0.229));
    assert_eq!(of(small, Normalise::Symmetric), (0.5, 0.5));
    assert_eq!(of(small, Normalise::None), (0.0, 1.0));
    assert_eq!(of(Architecture::EfficientnetV2B3, Normalise::Auto), (0.5, 0.5));
    assert_eq!(of(Architecture::EfficientnetV2B3, Normalise::Imagenet), (0.485, 0.229));
}

#[test]
fn no_labels_and_empty_layers_are_refused() {
    let settings = settings(Architecture::Resnet18);
    assert!(matches!(Network::new(&settings, 0, 1, Device::Cpu), Err(ModelError::NoLabels)));
    let settings = Model { head: vec![0], ..settings };
    assert!(matches!(Network::new(&settings, 1, 1, Device::Cpu), Err(ModelError::EmptyLayer)));
}

/// All layers work in bfloat16 too, forward and backward, and give nearly what they give in 32-bit floats.
#[test]
fn every_family_works_in_bf16() {
    for architecture in FAMILIES {
        let side = i64::from(architecture.least_side().max(32));
        let new = || Network::new(&settings(architecture), LABELS, 5, Device::Cpu).unwrap();
        let (full, half) = (new(), new().with_precision(settings::Precision::Bf16));
        let images = Tensor::randn([4, 3, side, side], (Kind::Float, Device::Cpu));
        let logits = |network: &Network| tch::no_grad(|| network.forward_t(&images, false).unwrap());
        let (a, b) = (logits(&full), logits(&half));
        assert_eq!(b.kind(), Kind::Float);
        let spread = (&a - a.mean(Kind::Float)).abs().max().double_value(&[]).max(1e-3);
        let miss = (&a - &b).abs().max().double_value(&[]);
        assert!(miss > 0.0 && miss < 0.1 * spread, "{}: {miss} of {spread}", architecture.name());
        half.forward_t(&images, true).unwrap().sum(Kind::Float).backward();
        for parameter in half.trained_parameters() {
            let gradient = parameter.tensor.grad();
            assert!(gradient.defined() && gradient.kind() == Kind::Float, "{}", parameter.name);
            assert!(gradient.isfinite().all().int64_value(&[]) != 0, "{}", parameter.name);
        }
    }
}
