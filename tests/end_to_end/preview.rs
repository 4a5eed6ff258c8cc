//! Contact sheets: what is painted, where it lies, and that the same spec gives the same sheets.

use std::fs;

use serde_json::Value;

use super::harness::{Lab, SPEC, stderr, stdout};

#[test]
fn sheets_of_ops_levels_and_arms_are_painted_without_training() {
    let lab = Lab::without_worker();
    lab.write_spec(SPEC);
    let output = lab.call("cache", "preview", &["--images", "2"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).trim().ends_with("preview/ops.png"), "{}", stdout(&output));

    let sheets = |args: &[&str]| -> Vec<String> {
        let output = lab.call("cache", "preview", &[args, &["--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        value["sheets"].as_array().unwrap().iter().map(|sheet| sheet.as_str().unwrap().to_owned()).collect()
    };
    let out = lab.path("elsewhere").display().to_string();
    let levels = ["--images", "2", "--out", &out, "--set", "augment.grid.levels.flip.p=[0.5, 1.0]"];
    let painted = sheets(&levels);
    assert_eq!(painted, ["ops.png", "levels-flip.png"].map(|name| format!("{out}/{name}")));
    let width = |path: &str| {
        let bytes = fs::read(path).unwrap();
        assert!(bytes.starts_with(b"\x89PNG"), "{path}");
        u32::from_be_bytes(bytes[16..20].try_into().unwrap())
    };
    // The original and two ops; the original and two levels.
    assert_eq!(width(&painted[0]), width(&painted[1]));
    let first = fs::read(&painted[0]).unwrap();
    sheets(&levels);
    assert_eq!(fs::read(&painted[0]).unwrap(), first, "the same draws");
    sheets(&[&levels[..], &["--epoch", "1"]].concat());
    assert_ne!(fs::read(&painted[0]).unwrap(), first, "other draws in another epoch");

    let arms = sheets(&["--out", &out, "--set", "augment.grid.design=factorial"]);
    assert!(arms.contains(&format!("{out}/arms.png")), "{arms:?}");
}

#[test]
fn nothing_to_show_is_said() {
    let lab = Lab::without_worker();
    lab.write_spec(SPEC);
    let unwritable = lab.call("cache", "preview", &["--out", "/proc/none"]);
    assert_eq!(unwritable.status.code(), Some(1));
    assert!(stderr(&unwritable).contains("--out"), "{}", stderr(&unwritable));

    let start = SPEC.find("[augment.ops]").unwrap();
    lab.write_spec(&format!("{}[augment.grid]\ndesign = \"none\"\n", &SPEC[..start]));
    let empty = lab.call("cache", "preview", &[]);
    assert_eq!(empty.status.code(), Some(2));
    assert!(stderr(&empty).contains("the spec has no op to show"), "{}", stderr(&empty));
}
