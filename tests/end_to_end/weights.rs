//! Weights that do not fit the network: `check` says so before anything is trained, where there is a worker to ask.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use serde_json::{Map, Value, json};

use super::harness::{Lab, SPEC, stderr, worker};

/// One run of one variant.
fn spec() -> String {
    let ops =
        "flip = { op = \"horizontal_flip\", p = 0.5 }\ncolour = { op = \"hue_saturation_value\", p = 0.5 }\n";
    SPEC.replace("seeds = 2", "seeds = 1")
        .replace(ops, "")
        .replace("design = \"add_one\"", "design = \"none\"")
}

/// Likewise, from the weights `w.safetensors`.
fn spec_with_weights() -> String {
    let name = "name = \"mobilenet_v3_small\"\n";
    assert!(spec().contains(name));
    spec().replace(name, &format!("{name}weights = \"w.safetensors\"\n"))
}

/// A safetensors file whose header and data went through `change`.
fn changed(bytes: &[u8], change: impl Fn(&mut Map<String, Value>, &mut [u8])) -> Vec<u8> {
    let (length, rest) = bytes.split_at(8);
    let length = u64::from_le_bytes(length.try_into().unwrap()) as usize;
    let mut header: Map<String, Value> = serde_json::from_slice(&rest[..length]).unwrap();
    let mut data = rest[length..].to_vec();
    change(&mut header, &mut data);
    let header = serde_json::to_vec(&header).unwrap();
    [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat()
}

/// `check`, with a worker that leaves a line for each time that it is started.
fn check(lab: &Lab, args: &[&str]) -> Output {
    let script = lab.path("worker.sh");
    if !script.exists() {
        let (asked, real) = (lab.path("asked"), worker().unwrap());
        let text =
            format!("#!/bin/sh\necho \"$1\" >>'{}'\nexec '{}' \"$@\"\n", asked.display(), real.display());
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    }
    lab.command("cache", "check", args).env("ABLATRIX_WORKER", &script).output().unwrap()
}

/// How often a worker was asked about weights.
fn asked(lab: &Lab) -> usize {
    let lines = fs::read_to_string(lab.path("asked")).unwrap_or_default();
    lines.lines().filter(|line| *line == "fits").count()
}

#[test]
fn weights_that_do_not_fit_are_refused_by_check() {
    let Some(lab) = Lab::new() else { return };
    lab.write_spec(&spec());
    lab.run("cache");
    let exported = lab.call("cache", "export", &[]);
    assert_eq!(exported.status.code(), Some(0), "{}", stderr(&exported));
    let whole = fs::read(lab.path("reports/tiny/export/none-seed=1/model.safetensors")).unwrap();
    let weights = lab.path("w.safetensors");
    fs::write(&weights, &whole).unwrap();
    lab.write_spec(&spec_with_weights());
    for times in 0..3 {
        let output = check(&lab, &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(!stderr(&output).contains("note: "), "{}", stderr(&output));
        assert_eq!(asked(&lab), 1, "what fits is asked once, not {} times", times + 1);
    }

    const STEM: &str = "conv_stem.weight";
    type Change = fn(&mut Map<String, Value>, &mut [u8]);
    let cases: [(&str, Change, &str); 4] = [
        (
            "another shape",
            |header, _| header[STEM]["shape"] = json!([16, 27]),
            "`conv_stem.weight` is `[16, 27]`, expected `[16, 3, 3, 3]`",
        ),
        (
            "another name",
            |header, _| {
                let stem = header.remove(STEM).unwrap();
                header.insert("stem".to_owned(), stem);
            },
            "missing `conv_stem.weight`; unexpected `stem`",
        ),
        (
            "another type",
            |header, _| header[STEM]["dtype"] = json!("I32"),
            "`conv_stem.weight` is `I32`, expected `F32`, `F16` or `BF16`",
        ),
        (
            "no numbers",
            |header, data| {
                let at = header[STEM]["data_offsets"][0].as_u64().unwrap() as usize;
                data[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
            },
            "tensor `conv_stem.weight` of weights `w.safetensors` holds NaN or infinity",
        ),
    ];
    for (what, change, words) in cases {
        fs::write(&weights, changed(&whole, change)).unwrap();
        let output = check(&lab, &["--format", "json"]);
        assert_eq!(output.status.code(), Some(2), "{what}: {}", stderr(&output));
        let told: Value = serde_json::from_str(stderr(&output).lines().last().unwrap()).unwrap();
        let message = told["error"]["message"].as_str().unwrap();
        let message = message.replace(&format!("{}/", lab.path("").display()).replace("//", "/"), "");
        assert!(message.contains(words), "{what}: {message}");
        assert_eq!(told["error"]["places"][0]["file"], "tiny.toml", "{what}");
    }
    let said = stderr(&check(&lab, &[]));
    assert!(said.contains("tiny.toml:") && said.contains("weights = \"w.safetensors\""), "{said}");

    // Weights of another network, and a worker that does not answer.
    fs::write(&weights, &whole).unwrap();
    let said = stderr(&check(&lab, &["--set", "model.name=resnet18", "--format", "json"]));
    assert!(said.contains("do not fit `resnet18`: missing `conv1.weight`, "), "{said}");
    let none = lab.command("other", "check", &[]).env("ABLATRIX_WORKER", "/bin/false").output().unwrap();
    assert_eq!(none.status.code(), Some(0), "{}", stderr(&none));
    assert!(
        stderr(&none).contains("note: whether the weights fit the network was not checked: "),
        "{}",
        stderr(&none)
    );
    let json =
        lab.command("other", "check", &["--format", "json"]).env("ABLATRIX_WORKER", "/bin/false").output();
    let told: Value = serde_json::from_slice(&json.unwrap().stdout).unwrap();
    assert!(told["weights_not_checked"].as_str().is_some_and(|why| why.contains("/bin/false")), "{told}");
    let told: Value = serde_json::from_slice(&check(&lab, &["--format", "json"]).stdout).unwrap();
    assert_eq!(told["weights_not_checked"], Value::Null);
}
