//! What is computed once is not computed again; a changed setting reaches what reads it and nothing else.

use std::fs;
use std::time::SystemTime;

use super::harness::{Lab, SPEC, stderr, stdout};

#[test]
fn only_what_a_change_reaches_is_computed() {
    let Some(lab) = Lab::new() else { return };
    let first = lab.run("cache");
    assert_eq!(first["computed"], first["stages"]);
    let before = lab.tables("cache");
    let page = fs::read_to_string(first["report"].as_str().unwrap()).unwrap();
    for variant in ["none", "flip", "colour"] {
        assert!(page.contains(variant), "the report names `{variant}`");
    }

    let again = lab.call("cache", "run", &[]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert!(stdout(&again).contains("nothing to do"), "{}", stdout(&again));
    assert_eq!(lab.run("cache")["computed"], 0);

    lab.write_spec(&SPEC.replace("\"horizontal_flip\", p = 0.5", "\"horizontal_flip\", p = 0.9"));
    let plan = lab.plan("cache");
    let mut to_run = 0;
    for line in &plan {
        let name = line["name"].as_str().unwrap();
        let reached = name.contains("flip") || name == "report";
        assert_eq!(line["state"], if reached { "to run" } else { "cached" }, "{line}");
        to_run += usize::from(reached);
        if line["stage"] == "train" && reached {
            assert_eq!(line["why"]["field"], "policy[0].p", "{line}");
        }
    }
    assert_eq!(lab.run("cache")["computed"], to_run);
    assert_ne!(lab.tables("cache"), before);

    lab.write_spec(SPEC);
    assert_eq!(lab.run("cache")["computed"], 0);
    assert_eq!(lab.tables("cache"), before);
}

#[test]
fn touched_images_and_a_reordered_spec_change_nothing() {
    let Some(lab) = Lab::new() else { return };
    lab.run("cache");
    for class in ["glass", "metal", "paper"] {
        for file in fs::read_dir(lab.path("images").join(class)).unwrap() {
            let file = fs::File::options().append(true).open(file.unwrap().path()).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
    }
    let (head, train) = SPEC.split_once("[train]").unwrap();
    let (train, rest) = train.split_once("\n\n").unwrap();
    lab.write_spec(&format!("# moved\n{head}{rest}\n[train] # last{train}\n"));
    assert!(lab.plan("cache").iter().all(|line| line["state"] == "cached"));
    assert_eq!(lab.run("cache")["computed"], 0);
}

/// The content of a TorchScript module is part of the key of what trains and predicts with it, its path is not.
#[test]
fn a_module_is_known_by_its_content() {
    let Some(lab) = Lab::new() else { return };
    let golden = |name: &str| format!("{}/tests/golden/models/script_{name}.pt", env!("CARGO_MANIFEST_DIR"));
    let spec = |name: &str| SPEC.replace("\"mobilenet_v3_small\"", &format!("\"torchscript:{name}\""));
    fs::copy(golden("features"), lab.path("net.pt")).unwrap();
    lab.write_spec(&spec("net.pt"));
    let first = lab.run("cache");
    assert_eq!(first["computed"], first["stages"]);
    let page = fs::read_to_string(first["report"].as_str().unwrap()).unwrap();
    assert!(page.contains("torchscript:net.pt"));

    fs::create_dir(lab.path("nets")).unwrap();
    fs::rename(lab.path("net.pt"), lab.path("nets/net.pt")).unwrap();
    lab.write_spec(&spec("nets/net.pt"));
    assert!(lab.plan("cache").iter().all(|line| line["state"] == "cached"));

    fs::copy(golden("map"), lab.path("nets/net.pt")).unwrap();
    for line in lab.plan("cache") {
        let reached = ["train", "predict", "evaluate", "report"].contains(&line["stage"].as_str().unwrap());
        assert_eq!(line["state"], if reached { "to run" } else { "cached" }, "{line}");
        if line["stage"] == "train" {
            assert_eq!(line["why"]["field"], "input.module", "{line}");
        }
    }
    lab.run("cache");
    assert_eq!(lab.run("cache")["computed"], 0);
}
