//! Files that are refused, and those that are only unusual.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use ablatrix::spec::settings::{Architecture, Model};
use ablatrix_worker::model::{ModelError, Network, WeightsError};
use safetensors::tensor::{Dtype, TensorView, serialize};
use tempfile::TempDir;

use super::formula::*;

/// Number format, shape and bytes by name.
type Contents = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

/// A small network's tensors as a file would hold them, filled by the formula.
fn contents() -> Contents {
    let network = squeezenet(LABELS);
    fill(&network);
    let entry = |(name, tensor): (String, tch::Tensor)| {
        let shape = tensor.size().iter().map(|&side| side as usize).collect();
        let bytes = values(&tensor).iter().flat_map(|&v| (v as f32).to_le_bytes()).collect();
        (name, (Dtype::F32, shape, bytes))
    };
    network.named_state().into_iter().map(entry).collect()
}

fn squeezenet(labels: usize) -> Network {
    network(&settings(Architecture::Squeezenet1_1), labels)
}

fn write(dir: &TempDir, contents: &Contents) -> PathBuf {
    let views = contents
        .iter()
        .map(|(name, (dtype, shape, bytes))| (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    let bytes = serialize(views, None::<HashMap<String, String>>).unwrap();
    write_bytes(dir, &bytes)
}

fn write_bytes(dir: &TempDir, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join("w.safetensors");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The error of loading `path`, which must leave the network as it was.
#[track_caller]
fn refused(path: &Path) -> (WeightsError, String) {
    let mut network = squeezenet(LABELS);
    let before: Vec<_> = network.named_state().iter().map(|(_, tensor)| values(tensor)).collect();
    let Err(ModelError::Weights(error)) = network.load_weights(path) else { panic!("was not refused") };
    let after: Vec<_> = network.named_state().iter().map(|(_, tensor)| values(tensor)).collect();
    assert!(before == after, "the network was changed");
    let text = error.to_string().replace(&path.display().to_string(), "FILE");
    (error, text)
}

#[test]
fn missing_unexpected_and_misshapen_tensors_are_listed_together() {
    let dir = tempfile::tempdir().unwrap();
    let mut contents = contents();
    contents.remove("features.3.squeeze.bias");
    contents.remove("features.4.squeeze.bias");
    let stem = contents.remove("features.0.weight").unwrap();
    contents.insert("module.features.0.weight".into(), stem);
    contents.insert("features.0.bias".into(), (Dtype::F32, vec![2], vec![0; 8]));
    contents.insert("features.6.squeeze.bias".into(), (Dtype::F64, vec![32], vec![0; 256]));
    assert_eq!(
        refused(&write(&dir, &contents)).1,
        "weights `FILE` do not fit `squeezenet1_1`: missing `features.0.weight`, `features.3.squeeze.bias`, \
         `features.4.squeeze.bias`; unexpected `module.features.0.weight`; `features.0.bias` is `[2]`, expected \
         `[64]`; `features.6.squeeze.bias` is `F64`, expected `F32`, `F16` or `BF16`"
    );
}

#[test]
fn another_architectures_file_does_not_fill_the_screen() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.safetensors");
    network(&settings(Architecture::MobilenetV3Small), LABELS).save(&path).unwrap();
    let (error, text) = refused(&path);
    assert!(text.len() < 1200 && text.contains("and 38 more"), "{text}");
    let WeightsError::Misfit { faults, .. } = error else { panic!("{text}") };
    assert_eq!((faults.missing.len(), faults.unexpected.len()), (50, 210));
}

#[test]
fn numbers_that_are_not_finite_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    for value in [f32::NAN, f32::INFINITY] {
        let mut contents = contents();
        let bytes = &mut contents.get_mut("features.7.expand3x3.weight").unwrap().2;
        let last = bytes.len() - 4;
        bytes[last..].copy_from_slice(&value.to_le_bytes());
        assert_eq!(
            refused(&write(&dir, &contents)).1,
            "tensor `features.7.expand3x3.weight` of weights `FILE` holds NaN or infinity, expected finite numbers"
        );
    }
}

#[test]
fn what_can_run_code_is_refused_with_the_command_that_converts_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut archive = b"PK\x03\x04".to_vec();
    archive.resize(4000, 0);
    let mut script = archive.clone();
    script.extend(b"w/constants.pkl");
    for (bytes, found, read) in [
        (b"\x80\x02}q\x00(X\x06\x00\x00\x00".to_vec(), "a Python pickle", "torch.load(p, "),
        (archive, "a PyTorch checkpoint (a zipped pickle)", "torch.load(p, "),
        (script, "a TorchScript archive", "torch.jit.load(p, "),
    ] {
        let text = refused(&write_bytes(&dir, &bytes)).1;
        assert!(text.starts_with(&format!("weights `FILE` are {found}, expected safetensors")), "{text}");
        assert!(text.contains(read) && text.ends_with("+ '.safetensors')\" FILE`"), "{text}");
    }
}

#[test]
fn damaged_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let whole = std::fs::read(write(&dir, &contents())).unwrap();
    let mut huge = whole.clone();
    huge[..8].copy_from_slice(&(1_u64 << 63).to_le_bytes());
    let long = [whole.as_slice(), &[0]].concat();
    for bytes in [
        &whole[..whole.len() - 1],
        &whole[..1000],
        &whole[..9],
        &whole[..3],
        &[],
        &huge,
        &long,
        b"{\"a\": 1}",
    ] {
        let (error, text) = refused(&write_bytes(&dir, bytes));
        assert!(matches!(error, WeightsError::NotSafetensors { .. }), "{error:?}");
        assert_eq!(text, "weights `FILE` are not a whole safetensors file");
    }
    let (error, text) = refused(&dir.path().join("absent"));
    assert!(matches!(error, WeightsError::Io { .. }), "{error:?}");
    assert_eq!(text, "cannot read weights `FILE`");
}

#[test]
fn a_header_that_begins_like_a_pickle_is_read() {
    // 640 + 2 x 256 bytes of header: the file begins with 0x80 0x02.
    let dir = tempfile::tempdir().unwrap();
    let mut header = br#"{"classifier.1.bias":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#.to_vec();
    header.resize(0x0280, b' ');
    let bytes = [(header.len() as u64).to_le_bytes().as_slice(), &header].concat();
    assert_eq!(bytes[..2], [0x80, 0x02]);
    let (error, _) = refused(&write_bytes(&dir, &bytes));
    assert!(matches!(error, WeightsError::Misfit { .. }), "{error:?}");
}

#[test]
fn half_a_head_is_damage_and_no_head_is_a_backbone() {
    let dir = tempfile::tempdir().unwrap();
    let mut contents = contents();
    contents.remove("classifier.1.bias");
    assert!(refused(&write(&dir, &contents)).1.ends_with("missing `classifier.1.bias`"));
    contents.remove("classifier.1.weight");
    let path = write(&dir, &contents);
    let report = squeezenet(LABELS).load_weights(&path).unwrap();
    assert_eq!(report.replaced, ["classifier.1.weight", "classifier.1.bias"]);
    assert!(squeezenet(LABELS).load_trained(&path).is_err());
}

#[test]
fn a_head_with_other_hidden_layers_is_replaced_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w");
    let wide = Model { head: vec![9], ..settings(Architecture::Squeezenet1_1) };
    network(&wide, LABELS).save(&path).unwrap();
    let report = squeezenet(LABELS).load_weights(&path).unwrap();
    assert_eq!(report.replaced, ["classifier.1.weight", "classifier.1.bias"]);

    squeezenet(LABELS).save(&path).unwrap();
    let report = network(&wide, LABELS).load_weights(&path).unwrap();
    assert_eq!(report.replaced.len(), 4);
    assert_eq!(network(&wide, LABELS).load_weights(&path).unwrap(), report);
}

#[test]
fn sixteen_bit_floats_are_converted() {
    let dir = tempfile::tempdir().unwrap();
    for (dtype, kind, tolerance) in
        [(Dtype::F16, tch::Kind::Half, 1e-3), (Dtype::BF16, tch::Kind::BFloat16, 1e-2)]
    {
        let network = squeezenet(LABELS);
        fill(&network);
        let mut contents = contents();
        for (name, tensor) in network.named_state() {
            let mut bytes = vec![0; tensor.numel() * 2];
            tensor.detach().to_kind(kind).copy_data_u8(&mut bytes, tensor.numel());
            let entry = contents.get_mut(&name).unwrap();
            (entry.0, entry.2) = (dtype, bytes);
        }
        let mut loaded = squeezenet(LABELS);
        loaded.load_weights(&write(&dir, &contents)).unwrap();
        for ((name, found), (_, expected)) in loaded.named_state().iter().zip(network.named_state()) {
            assert_eq!(found.kind(), tch::Kind::Float);
            let deviation = deviation(&values(found), &values(&expected));
            assert!(deviation > 0.0 && deviation < tolerance, "{name}: {deviation}");
        }
    }
}

/// timm's files of Inception v3 hold the auxiliary classifier of its training, and 1,000 classes.
#[test]
fn inceptions_auxiliary_classifier_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let (settings, path) = (settings(Architecture::InceptionV3), dir.path().join("w"));
    network(&settings, LABELS + 1).save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let one = 1_f32.to_le_bytes();
    let extra = |name: &str| (name.to_owned(), TensorView::new(Dtype::F32, vec![1], &one).unwrap());
    let mut views = file.tensors();
    views.push(extra("AuxLogits.fc.bias"));
    let with_auxiliary = serialize(views.clone(), None::<HashMap<String, String>>).unwrap();
    let mut network = network(&settings, LABELS);
    let report = network.load_weights(&write_bytes(&dir, &with_auxiliary)).unwrap();
    assert_eq!(report.replaced, ["fc.weight", "fc.bias"]);

    views.push(extra("AuxLogit.fc.bias"));
    let with_stranger = serialize(views, None::<HashMap<String, String>>).unwrap();
    let error = network.load_weights(&write_bytes(&dir, &with_stranger)).unwrap_err().to_string();
    assert!(error.ends_with("unexpected `AuxLogit.fc.bias`"), "{error}");
}

#[test]
fn pytorchs_step_counters_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let (saved, path) = (network(&settings(Architecture::MobilenetV3Small), LABELS), dir.path().join("w"));
    saved.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let steps = 7_i64.to_le_bytes();
    let counter = |name: &str| (name.to_owned(), TensorView::new(Dtype::I64, vec![], &steps).unwrap());
    let mut views = file.tensors();
    views.push(counter("bn1.num_batches_tracked"));
    let with_counter = serialize(views.clone(), None::<HashMap<String, String>>).unwrap();
    let mut network = network(&settings(Architecture::MobilenetV3Small), LABELS);
    network.load_trained(&write_bytes(&dir, &with_counter)).unwrap();

    views.push(counter("conv_stem.num_batches_tracked"));
    let with_stranger = serialize(views, None::<HashMap<String, String>>).unwrap();
    let error = network.load_trained(&write_bytes(&dir, &with_stranger)).unwrap_err().to_string();
    assert!(error.ends_with("unexpected `conv_stem.num_batches_tracked`"), "{error}");
}
