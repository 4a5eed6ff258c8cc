//! A trained model as a folder for others: whole, checked, and in PyTorch the same model.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::harness::{Lab, SPEC, stderr, stdout};

const FILES: [&str; 6] =
    ["README.md", "SHA256SUMS", "config.json", "model.safetensors", "model.torchscript.pt", "predict.py"];

/// A Python with PyTorch and Pillow; `None`, and a line that says so, where none is named.
fn python() -> Option<OsString> {
    let named = std::env::var_os("ABLATRIX_TEST_PYTHON");
    if named.is_none() {
        println!(
            "skipped: ABLATRIX_TEST_PYTHON names no Python with PyTorch and Pillow; `cargo xtask test` brings one"
        );
    }
    named
}

/// One run on pictures that nobody needs to resize: libraries round differently when they do.
fn spec() -> String {
    let ops =
        "flip = { op = \"horizontal_flip\", p = 0.5 }\ncolour = { op = \"hue_saturation_value\", p = 0.5 }\n";
    SPEC.replace("seeds = 2", "seeds = 1")
        .replace("size = 32", "size = 24")
        .replace(ops, "")
        .replace("design = \"add_one\"", "design = \"none\"")
        + "[evaluate]\ncalibration = \"temperature\"\n"
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn good(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    stdout(output)
}

#[test]
fn an_export_is_whole_and_the_same_model_in_pytorch() {
    let Some(lab) = Lab::new() else { return };
    lab.write_spec(&spec());
    lab.run("cache");
    let told = good(&lab.call("cache", "export", &["--format", "json"]));
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (told["run"].as_str(), told["chosen"].as_str()),
        (Some("none/seed=1"), Some("the only trained run"))
    );
    let folder = lab.path("reports/tiny/export/none-seed=1");
    assert_eq!(told["export"], folder.to_str().unwrap());
    assert_eq!(names(&folder), FILES);
    assert_eq!(names(folder.parent().unwrap()), ["none-seed=1"], "nothing is left beside it");
    let mut sums = Command::new("sha256sum");
    sums.args(["--check", "--strict", "--quiet", "SHA256SUMS"]).current_dir(&folder);
    assert!(sums.status().unwrap().success());

    let config: Value = serde_json::from_slice(&fs::read(folder.join("config.json")).unwrap()).unwrap();
    assert_eq!(config["labels"], serde_json::json!(["glass", "metal", "paper"]));
    assert_eq!(config["preprocessing"]["mean"], serde_json::json!([0.485, 0.456, 0.406]));
    assert!(config["calibration"]["slope"][0].as_f64().is_some_and(|slope| slope > 0.0 && slope != 1.0));
    let card = fs::read_to_string(folder.join("README.md")).unwrap();
    for part in [
        "| mAP | ",
        "## Limits",
        "`mobilenet_v3_small`",
        "timm.create_model(\"mobilenetv3_small_100\"",
        "not stated",
    ] {
        assert!(card.contains(part), "`{part}` is not in\n{card}");
    }

    what_is_there_is_respected(&lab);
    if let Some(python) = python() {
        pytorch_says_the_same(&lab, &folder, &config, &python);
    }
}

fn what_is_there_is_respected(lab: &Lab) {
    fs::create_dir(lab.path("mine")).unwrap();
    fs::write(lab.path("mine/notes.txt"), "mine").unwrap();
    let refused = lab.call("cache", "export", &["--out", "mine"]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("`mine` is there and is no export"), "{}", stderr(&refused));
    assert_eq!(names(&lab.path("mine")), ["notes.txt"]);
    good(&lab.call("cache", "export", &["--out", "mine", "--force"]));
    assert_eq!(fs::read_to_string(lab.path("mine/notes.txt")).unwrap(), "mine");
    assert_eq!(names(&lab.path("mine")).len(), FILES.len() + 1);
    // An earlier export is replaced, and with it what somebody changed in it.
    good(&lab.call("cache", "export", &["--out", "pack"]));
    let before = fs::read(lab.path("pack/model.torchscript.pt")).unwrap();
    fs::write(lab.path("pack/README.md"), "edited").unwrap();
    good(&lab.call("cache", "export", &["--out", "pack"]));
    assert_ne!(fs::read_to_string(lab.path("pack/README.md")).unwrap(), "edited");
    assert_eq!(fs::read(lab.path("pack/model.torchscript.pt")).unwrap(), before, "the same bytes each time");
}

/// The loader's logits and probabilities, the module on its own, and its names.
const PROGRAM: &str = r#"
import json, sys
sys.path.insert(0, sys.argv[1])
import predict, torch
from PIL import Image
paths = sys.argv[2:]
module = torch.jit.load(sys.argv[1] + "/model.torchscript.pt")
state = module.state_dict()
halves = module.to(torch.float64)(torch.stack([predict.load(path) for path in paths]).double())
print(json.dumps({
    "together": predict.logits(paths).tolist(),
    "alone": [predict.logits([path])[0].tolist() for path in paths],
    "doubles": halves.tolist(),
    "names": sorted(state),
    "trainable": all(parameter.requires_grad for parameter in module.parameters()),
}))
"#;

fn pytorch_says_the_same(lab: &Lab, folder: &Path, config: &Value, python: &OsString) {
    let paths: Vec<String> = ["glass", "metal", "paper"]
        .into_iter()
        .flat_map(|label| (0..16).map(move |i| format!("images/{label}/{i:02}.png")))
        .collect();
    let ours = good(&lab.call("cache", "predict", &["images", "--logits", "--format", "csv"]));
    let ours: Vec<BTreeMap<String, String>> =
        csv::Reader::from_reader(ours.as_bytes()).deserialize().map(Result::unwrap).collect();
    assert_eq!(ours.iter().map(|row| &row["path"]).collect::<Vec<_>>(), paths.iter().collect::<Vec<_>>());

    let run = |arguments: &[&str]| {
        let mut command = Command::new(python);
        command.args(arguments).args(&paths).current_dir(lab.path(""));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let theirs: Value = serde_json::from_str(&run(&["-c", PROGRAM, folder.to_str().unwrap()])).unwrap();
    let labels: Vec<&str> =
        config["labels"].as_array().unwrap().iter().map(|l| l.as_str().unwrap()).collect();
    for way in ["together", "alone", "doubles"] {
        for (at, row) in ours.iter().enumerate() {
            for (label_idx, label) in labels.iter().enumerate() {
                let expected: f64 = row[&format!("logit_{label}")].parse().unwrap();
                let found = theirs[way][at][label_idx].as_f64().unwrap();
                assert!(
                    (found - expected).abs() < 1e-4,
                    "{way}, {}: {found}, expected {expected}",
                    paths[at]
                );
            }
        }
    }
    assert_eq!(theirs["trainable"], true);
    // The names of the weights' file, which are timm's.
    let weights = fs::read(folder.join("model.safetensors")).unwrap();
    let length = u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize;
    let header: BTreeMap<String, Value> = serde_json::from_slice(&weights[8..8 + length]).unwrap();
    let named: Vec<&String> = header.keys().filter(|name| *name != "__metadata__").collect();
    assert_eq!(theirs["names"], serde_json::json!(named));

    // As a program: probabilities, calibrated, with a mark from the threshold on. A threshold is some picture's own probability:
    // there the last digits decide.
    let shown = run(&[folder.join("predict.py").to_str().unwrap()]);
    assert_eq!(shown.lines().count(), paths.len());
    let mut marks = 0;
    for (line, row) in shown.lines().zip(&ours) {
        let mut cells = line.split("  ");
        assert_eq!(cells.next(), Some(row["path"].as_str()));
        for (label_idx, label) in labels.iter().enumerate() {
            let probability: f64 = row[&format!("probability_{label}")].parse().unwrap();
            let threshold = config["thresholds"][label_idx].as_f64().unwrap();
            let cell = cells.next().unwrap();
            let found = cell.trim_end_matches('*').strip_prefix(&format!("{label} ")).unwrap();
            assert!((found.parse::<f64>().unwrap() - probability).abs() < 1e-3, "{line}: {probability}");
            if (probability - threshold).abs() > 1e-5 {
                let is_said = row[&format!("is_{label}")] == "1";
                assert_eq!(cell.ends_with('*'), is_said, "{line}, {label}: {probability}, {threshold}");
                marks += 1;
            }
        }
        assert_eq!(cells.next(), None, "{line}");
    }
    assert!(marks > 100, "{marks}");
}
