//! Where models look, whole: asked for it is measured and shown, a change reaches it alone, and a kill loses nothing.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::harness::{Lab, SPEC, stderr, stdout};

/// The harness' images as a COCO set: an object in each, of the class of its folder; `glass` as a polygon, `metal` as a
/// run-length mask, `paper` as a box alone.
fn annotate(lab: &Lab) {
    let (mut images, mut annotations) = (Vec::new(), Vec::new());
    for (class_idx, class) in ["glass", "metal", "paper"].into_iter().enumerate() {
        for i in 0..16 {
            let id = class_idx * 16 + i + 1;
            images.push(
                json!({"id": id, "file_name": format!("{class}/{i:02}.png"), "width": 24, "height": 24}),
            );
            // The left half.
            let segmentation = match class {
                "glass" => json!([[0, 0, 12, 0, 12, 24, 0, 24]]),
                "metal" => json!({"counts": [0, 288, 288], "size": [24, 24]}),
                _ => json!([]),
            };
            annotations.push(json!({
                "id": id, "image_id": id, "category_id": class_idx + 1, "bbox": [0, 0, 12, 24], "area": 288,
                "iscrowd": i32::from(class == "metal"), "segmentation": segmentation,
            }));
        }
    }
    let categories =
        ["glass", "metal", "paper"].into_iter().zip(1..).map(|(name, id)| json!({"id": id, "name": name}));
    let file =
        json!({"images": images, "annotations": annotations, "categories": categories.collect::<Vec<_>>()});
    fs::write(lab.path("objects.json"), file.to_string()).unwrap();
}

/// Two variants with one seed each on these objects, and these keys in `[explain]`.
fn spec(explain: &str) -> String {
    let spec = SPEC
        .replace("format = \"folders\"", "format = \"coco\"\nannotations = \"objects.json\"")
        .replace("from = \"folder\"", "from = \"category\"")
        .replace("seeds = 2", "seeds = 1")
        .replace("colour = { op = \"hue_saturation_value\", p = 0.5 }\n", "");
    format!("{spec}\n[explain]\n{explain}\n")
}

/// Of the last layer at 32 pixels only one place is left.
const ON: &str = "method = \"grad_cam\"\nlayer = \"blocks.1\"\nimages = 4\nfaithfulness = 3";

/// The rows of the table as column name to text.
fn rows(lab: &Lab) -> Vec<BTreeMap<String, String>> {
    let output = lab.command("cache", "table", &["attention"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    csv::Reader::from_reader(output.stdout.as_slice()).deserialize().map(Result::unwrap).collect()
}

/// Names of the stages that are to run.
fn to_run(lab: &Lab) -> Vec<String> {
    let plan = lab.plan("cache").into_iter().filter(|line| line["state"] == "to run");
    plan.map(|line| line["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_asked_for_is_measured_and_shown_and_a_change_reaches_it_alone() {
    let Some(lab) = Lab::new() else { return };
    annotate(&lab);
    lab.write_spec(&spec(""));
    let before = lab.run("cache");
    let page = fs::read_to_string(before["report"].as_str().unwrap()).unwrap();
    assert!(!page.contains("id=\"attention\""), "nothing is shown that was not asked for");
    let none = lab.call("cache", "table", &["attention"]);
    assert_eq!(none.status.code(), Some(1), "{}", stdout(&none));
    assert!(stderr(&none).contains("explain.method"), "{}", stderr(&none));

    let until = lab.call("cache", "run", &["--until", "explain"]);
    assert_eq!(until.status.code(), Some(2), "{}", stdout(&until));
    assert!(stderr(&until).contains("no maps are asked for"), "{}", stderr(&until));

    lab.write_spec(&spec(ON));
    let stages = ["regions", "explain none/seed=1", "explain flip/seed=1", "report"];
    assert_eq!(to_run(&lab), stages, "trainings stay");
    let done = lab.run("cache");
    assert_eq!(done["computed"], 4);
    assert_eq!(lab.run("cache")["computed"], 0);

    let effects = stdout(&lab.call("cache", "table", &["effects", "--format", "json"]));
    let wider: Vec<Value> = effects.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of =
        |label: &Value| wider.iter().find(|row| row["metric"] == "active_area" && row["label"] == *label);
    let area = |variant: &str, label: &str| -> f64 {
        let of_label =
            rows(&lab).into_iter().filter(|row| row["run"].starts_with(variant) && row["label"] == label);
        let areas: Vec<f64> = of_label.filter_map(|row| row["active_area"].parse().ok()).collect();
        areas.iter().sum::<f64>() / areas.len() as f64
    };
    let by_hand = ["glass", "metal", "paper"].map(|label| area("flip", label) - area("none", label));
    for (label, by_hand) in ["glass", "metal", "paper"].into_iter().zip(by_hand) {
        let Some(effect) = of(&json!(label)) else {
            assert!(by_hand.is_nan(), "{label} {by_hand}: {effects}");
            continue;
        };
        assert!((effect["delta"].as_f64().unwrap() - by_hand).abs() < 1e-6, "{label} {by_hand}: {effect}");
        assert_eq!(effect["verdict"], "not enough evidence", "one seed says nothing of others");
    }
    if let (Some(over_all), true) = (of(&Value::Null), by_hand.iter().all(|delta| !delta.is_nan())) {
        let mean = by_hand.iter().sum::<f64>() / 3.0;
        assert!((over_all["delta"].as_f64().unwrap() - mean).abs() < 1e-6, "{mean}: {over_all}");
    }

    let found = rows(&lab);
    assert_eq!(found.len(), 2 * 12, "each test image has one label, in two runs");
    for row in &found {
        assert_eq!(row["object_area"], "0.5", "{row:?}");
        assert_eq!(row["has_boxes"], u8::from(row["label"] == "paper").to_string(), "{row:?}");
        for measure in ["probability", "energy_inside", "active_area", "deletion", "insertion"] {
            // A map that is 0 everywhere has none.
            let is_empty = row[measure].is_empty() && row["active_area"].is_empty();
            assert!(
                is_empty || (0.0..=1.0).contains(&row[measure].parse::<f64>().unwrap()),
                "{measure} {row:?}"
            );
        }
    }
    let runs: std::collections::BTreeSet<&str> = found.iter().map(|row| row["run"].as_str()).collect();
    assert_eq!(runs.into_iter().collect::<Vec<_>>(), ["flip/seed=1", "none/seed=1"]);

    let page = fs::read_to_string(done["report"].as_str().unwrap()).unwrap();
    let section = page.split("<section id=\"attention\"").nth(1).unwrap().split("</section>").next().unwrap();
    for text in ["Where the models look", "Grad-CAM", "blocks.1.1", "seed 1", "Energy inside", "flip"] {
        assert!(section.contains(text), "{text}");
    }
    assert_eq!(section.matches("class=\"looked\"").count(), 4, "pictures, each with a row of tiles");
    assert_eq!(section.matches("data:image/jpeg;base64,").count(), 4 * 3, "itself and two variants");

    lab.write_spec(&spec(&ON.replace("images = 4", "images = 6")));
    assert_eq!(to_run(&lab), ["report"]);
    lab.write_spec(&spec(&ON.replace("blocks.1", "blocks.2")));
    assert_eq!(to_run(&lab), ["explain none/seed=1", "explain flip/seed=1", "report"]);
    for line in lab.plan("cache").iter().filter(|line| line["stage"] == "explain") {
        assert_eq!(line["why"]["field"], "explain.layer", "{line}");
    }
    let until = lab.call("cache", "run", &["--until", "explain"]);
    assert_eq!(until.status.code(), Some(0), "{}", stderr(&until));
    assert_eq!(to_run(&lab), ["report"]);
    assert_ne!(rows(&lab), found);

    // Without pictures there are measures still.
    lab.write_spec(&spec(&ON.replace("images = 4", "images = 0")));
    let page = fs::read_to_string(lab.run("cache")["report"].as_str().unwrap()).unwrap();
    assert!(page.contains("id=\"attention\"") && !page.contains("class=\"looked\""));
}

/// Folders say nothing of objects: what needs them is empty, the rest is there, in every fold.
#[test]
fn without_objects_there_is_the_active_area() {
    let Some(lab) = Lab::new() else { return };
    let folds = SPEC.replace("seeds = 2", "seeds = 1").replace("test = 0.25\n", "folds = 2\n");
    lab.write_spec(&format!("{folds}\n[explain]\n{ON}\n"));
    let done = lab.run("cache");
    let found = rows(&lab);
    assert_eq!(found.len(), 3 * 48, "each image is tested on in one of the folds");
    assert!(found.iter().all(|row| row["energy_inside"].is_empty() && row["pointing_hit"].is_empty()));
    assert!(found.iter().any(|row| !row["active_area"].is_empty() && !row["insertion"].is_empty()));
    let page = fs::read_to_string(done["report"].as_str().unwrap()).unwrap();
    assert!(page.contains("The dataset says nothing of where objects are"));
    assert!(page.contains("Maps are those of seed 1, fold 0;"), "one run of each variant is shown");
}

#[test]
fn a_run_that_is_killed_while_it_explains_goes_on() {
    let Some(lab) = Lab::new() else { return };
    annotate(&lab);
    // Steps enough that it takes seconds.
    lab.write_spec(&spec(&ON.replace("faithfulness = 3", "faithfulness = 100")));
    let output = lab.call("cache", "run", &["--until", "evaluate"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // A report of what there is needs no worker, and says what is missing.
    let report = lab.call("cache", "report", &[]);
    assert_eq!(report.status.code(), Some(0), "{}", stderr(&report));
    let page = fs::read_to_string(lab.path("reports/tiny/index.html")).unwrap();
    assert!(page.contains("none&#x2f;seed=1: it has not been explained"), "runs without maps are named");

    let left = ["explain none/seed=1", "explain flip/seed=1", "report"];
    let mut child = lab.start("cache", &[]);
    while lab.workers_of(child.id()).is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before a worker was seen");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(to_run(&lab), left, "the kill came too late");
    let done = lab.run("cache");
    assert_eq!(done["computed"], 3);

    let table = |cache: &str| stdout(&lab.call(cache, "table", &["attention"]));
    lab.run("undisturbed");
    assert_eq!(table("cache"), table("undisturbed"));
    let value: Value = lab.run("cache");
    assert_eq!(value["computed"], 0);
}
