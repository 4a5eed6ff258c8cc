//! Faults of specs, data and surroundings: the exit code, and words that name what is wrong.

use std::fs;

use super::harness::{Lab, SPEC, stderr};

/// A case: what it is, the spec, the exit code, words on stderr.
type Case<'a> = (&'a str, String, i32, &'a [&'a str]);

fn check(lab: &Lab, (what, spec, code, words): Case<'_>) {
    lab.write_spec(&spec);
    let output = lab.call("cache", "run", &[]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{what}: {said}");
    for word in words {
        assert!(said.contains(word), "{what}: `{word}` is not in: {said}");
    }
    assert!(!said.contains("panicked"), "{what}: {said}");
    assert!(code != 2 || !lab.path("reports").exists(), "{what}: a report was begun");
    let attempts = lab.path("cache/work/attempts");
    let left = fs::read_dir(attempts).map_or(0, Iterator::count);
    assert_eq!(left, 0, "{what}: partial files");
}

fn coco_spec() -> String {
    SPEC.replace("\"folders\"", "\"coco\"\nannotations = \"annotations.json\"")
        .replace("from = \"folder\"", "from = \"category\"\n[labels.groups]\ndrinks = [\"Drink cam\"]")
}

#[test]
fn specs_with_faults_end_with_2() {
    let Some(lab) = Lab::new() else { return };
    let cases: [Case<'_>; 6] = [
        ("unknown key", SPEC.replace("epochs", "epoch"), 2, &["unknown key `epoch`", "`epochs`"]),
        ("wrong type", SPEC.replace("epochs = 2", "epochs = \"two\""), 2, &["epochs", "two"]),
        ("no images", SPEC.replace("\"images\"", "\"nowhere\""), 2, &["nowhere"]),
        ("no annotations", coco_spec(), 2, &["annotations.json"]),
        (
            "an empty part",
            SPEC.replace("val = 0.25", "val = 0.0").replace("test = 0.25", "test = 0.5"),
            2,
            &["`val`"],
        ),
        (
            "too few positives",
            SPEC.replace("from = \"folder\"", "from = \"folder\"\nmin_positives = 9"),
            2,
            &["min_positives"],
        ),
    ];
    for case in cases {
        check(&lab, case);
    }
    fs::remove_file(lab.path("tiny.toml")).unwrap();
    let output = lab.call("cache", "run", &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("tiny.toml"), "{}", stderr(&output));
}

#[test]
fn a_category_that_the_dataset_lacks_is_named_with_its_neighbour() {
    let Some(lab) = Lab::new() else { return };
    let json = r#"{"images": [{"id": 1, "file_name": "glass/00.png", "width": 24, "height": 24}],
        "categories": [{"id": 1, "name": "Drink can", "supercategory": "Can"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5], "area": 25}]}"#;
    fs::write(lab.path("annotations.json"), json).unwrap();
    check(&lab, ("category", coco_spec(), 2, &["Drink cam", "Drink can"]));
}

#[test]
fn a_cut_image_is_named_or_skipped() {
    let Some(lab) = Lab::new() else { return };
    let file = lab.path("images/glass/03.png");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    check(&lab, ("cut image", SPEC.to_owned(), 1, &["03.png"]));
    lab.write_spec(&SPEC.replace("\"folders\"", "\"folders\"\nbad_images = \"skip\""));
    let output = lab.call("cache", "run", &["--until", "pixels"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let Some(lab) = Lab::new() else { return };
    fs::write(lab.path("file"), b"").unwrap();
    let output = lab.call("file/cache", "run", &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("file/cache"), "{}", stderr(&output));
}

#[test]
fn workers_that_are_missing_or_die_are_named() {
    let Some(lab) = Lab::new() else { return };
    for (program, word) in [("/nonexistent", "/nonexistent"), ("/bin/false", "worker")] {
        let output = lab.command("cache", "run", &[]).env("ABLATRIX_WORKER", program).output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{program}: {said}");
        assert!(said.contains(word) && said.contains("help"), "{program}: {said}");
    }
}
