//! What stands beside the models, whole: references that see no shapes, and what the split alone says before any training.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::harness::{Lab, SPEC, stderr, stdout};

/// The rows of a table as column name to text.
fn rows(lab: &Lab, name: &str) -> Vec<BTreeMap<String, String>> {
    let output = lab.command("cache", "table", &[name]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
    reader.deserialize().map(Result::unwrap).collect()
}

fn json_of(lab: &Lab, verb: &str) -> Value {
    let output = lab.call("cache", verb, &["--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The value of each reference's metric over all labels.
fn aggregate(lab: &Lab, metric: &str) -> BTreeMap<String, f64> {
    let of = rows(lab, "references").into_iter();
    let of = of.filter(|row| row["label"].is_empty() && row["metric"] == metric);
    of.map(|row| (row["reference"].clone(), row["value"].parse().unwrap())).collect()
}

/// The classes of the tiny study are told apart by colour alone: a regression on it has all of them right, and no worker is
/// asked for it.
#[test]
fn references_need_no_training_and_know_colours() {
    let lab = Lab::without_worker();
    let run = lab.call("cache", "run", &["--until", "references"]);
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    let map = aggregate(&lab, "map_macro");
    assert_eq!(map["mean_colour"], 1.0);
    assert!((map["label_prior"] - 1.0 / 3.0).abs() < 1e-12 && map["label_prior"] == map["constant_answer"]);
    let accuracy = aggregate(&lab, "subset_accuracy");
    assert!(accuracy["mean_colour"] > 0.9, "{accuracy:?}");
    assert!(accuracy["constant_answer"] > 0.3, "one class of three is said: {accuracy:?}");
    assert!(aggregate(&lab, "log_loss")["constant_answer"].is_nan(), "an answer is no probability");
    // Neither seeds nor ops nor the training reach it; thresholds do.
    let state = |spec: String| {
        lab.write_spec(&spec);
        let line = lab.plan("cache").into_iter().find(|line| line["stage"] == "references").unwrap();
        line["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(SPEC.replace("seeds = 2", "seeds = 7").replace("epochs = 2", "epochs = 9")), "cached");
    assert_eq!(state(SPEC.replace("p = 0.5", "p = 0.25")), "cached");
    assert_eq!(state(format!("{SPEC}\n[evaluate]\nthreshold = 0.5\n")), "to run");
    assert_eq!(state(SPEC.replace("size = 32", "size = 48")), "to run");
}

#[test]
fn the_page_sets_them_beside_the_models_and_a_matrix_has_one_set_for_each_data() {
    let Some(lab) = Lab::new() else { return };
    let spec = SPEC.replace("seeds = 2", "seeds = 1").replace("epochs = 2", "epochs = 1");
    let spec = spec.replace("add_one", "none");
    lab.write_spec(&format!(
        "{spec}\n[matrix]\n\"split.seed\" = [1, 2]\n\"train.optimizer.lr\" = [1e-4, 1e-3]\n"
    ));
    let run = lab.run("cache");
    let summary = run["report"].as_str().unwrap().replace("index.html", "summary.md");
    let summary = fs::read_to_string(summary).unwrap();
    assert_eq!(lab.plan("cache").iter().filter(|line| line["stage"] == "references").count(), 2);
    for name in ["constant answer", "label prior", "mean colour"] {
        for part in [1, 2] {
            assert!(summary.contains(&format!("| {name} (test part {part}) | –")), "{summary}");
        }
    }
    assert!(summary.contains("the matrix gives 2 test parts with different test images"), "{summary}");
    assert!(summary.contains("never across"), "{summary}");
    assert!(summary.contains("all 4 variants are of the baseline"), "{summary}");
    // A net after one epoch does not know what a regression on three numbers knows.
    assert!(summary.contains("**Colour suffices**") || summary.contains("**Nothing learned**"), "{summary}");
    assert!(summary.contains("**Too small to decide**"), "four test images have each label: {summary}");
    let variants: Vec<_> = rows(&lab, "references").into_iter().map(|row| row["variant"].clone()).collect();
    assert!(variants.iter().any(|name| name.contains("split.seed=1")), "{variants:?}");
    assert!(variants.iter().any(|name| name.contains("split.seed=2")), "{variants:?}");
}

/// A mean over other labels is another quantity, and other images are other images: neither is set side by side.
#[test]
fn other_label_sets_are_refused_and_other_test_images_told_before_anything_is_trained() {
    let lab = Lab::without_worker();
    let two = "{ hard = [\"glass\", \"metal\"], soft = [\"paper\"] }";
    let three = "{ glass = [\"glass\"], metal = [\"metal\"], soft = [\"paper\"] }";
    for swept in
        [format!("\"labels.groups\" = [{two}, {three}]"), "\"dataset.images\" = [\"a\", \"b\"]".to_owned()]
    {
        lab.write_spec(&format!("{SPEC}\n[matrix]\n{swept}\n"));
        let check = lab.call("cache", "check", &[]);
        let said = stderr(&check);
        assert_eq!(check.status.code(), Some(2), "{said}");
        assert!(said.contains("cannot be swept") && said.contains("are never compared"), "{said}");
    }
    lab.write_spec(&format!("{SPEC}\n[matrix]\n\"split.seed\" = [1, 2]\n"));
    let check = lab.call("cache", "check", &[]);
    let said = stdout(&check);
    assert_eq!(check.status.code(), Some(0), "{}", stderr(&check));
    assert!(said.contains("note: the matrix gives 2 test parts with different test images"), "{said}");
    assert!(
        said.contains("test part 2 (12 images; 3 labels): none/split.seed=2, flip/split.seed=2"),
        "{said}"
    );
    assert!(
        said.contains("warning: too small to decide") && said.contains("glass (4 with, 8 without)"),
        "{said}"
    );
    let found = json_of(&lab, "check");
    assert_eq!(found["test_parts"][0]["labels"], serde_json::json!(["glass", "metal", "paper"]));
    assert!(found["not_compared"].as_str().unwrap().contains("never across"));
}

/// Parts that the data gives, with one photo in two of them and one capture in two others.
#[test]
fn leakage_is_named_by_check_and_page() {
    let Some(lab) = Lab::new() else { return };
    let mut table = String::from("file,part,place,glass,metal,paper\n");
    for (at, class) in ["glass", "metal", "paper"].into_iter().enumerate() {
        for i in 0..16 {
            let part = ["train", "train", "val", "test"][i % 4];
            let place = if class == "paper" && i < 3 { "kitchen" } else { "" };
            let labels: Vec<&str> = (0..3).map(|label| if label == at { "1" } else { "0" }).collect();
            table.push_str(&format!("{class}/{i:02}.png,{part},{place},{}\n", labels.join(",")));
        }
    }
    fs::write(lab.path("labels.csv"), table).unwrap();
    fs::copy(lab.path("images/glass/00.png"), lab.path("images/glass/03.png")).unwrap();
    let data = "format = \"csv\"\nannotations = \"labels.csv\"\nimages = \"images\"\nimage_column = \"file\"\n\
                part_column = \"part\"\ncapture_column = \"place\"";
    let spec = SPEC.replace("format = \"folders\"\nimages = \"images\"", data);
    let spec = spec.replace("from = \"folder\"", "from = \"columns\"").replace("add_one", "none");
    let split = "method = \"column\"\ncaptures = \"column\"\nnear_duplicates = \"off\"";
    let spec = spec.replace("method = \"iterative\"\ntrain = 0.5\nval = 0.25\ntest = 0.25", split);
    lab.write_spec(&spec.replace("seeds = 2", "seeds = 1").replace("epochs = 2", "epochs = 1"));

    let check = lab.call("cache", "check", &[]);
    let said = stdout(&check);
    assert_eq!(check.status.code(), Some(0), "{said}{}", stderr(&check));
    let twice = "images with the same bytes, that were given different parts: `glass/00.png (train) = glass/03.png (test)`";
    assert!(said.contains(&format!("warning: leakage: {twice}")), "{said}");
    let capture = "captures, that were given different parts: `kitchen (2 train, 1 val)`";
    assert!(said.contains(&format!("warning: leakage: {capture}")), "{said}");
    assert!(said.contains("help: what is tested on is seen in training"), "{said}");
    let found = json_of(&lab, "check");
    assert_eq!(found["leakage"], serde_json::json!([twice, capture]));

    let page = fs::read_to_string(lab.run("cache")["report"].as_str().unwrap()).unwrap();
    assert!(page.contains("2 groups of images that belong together stand in different parts"), "flagged");
    assert!(page.contains("kitchen (2 train, 1 val)"), "named");
    // Nothing of it once the copy is another picture and the capture stands in one part.
    fs::copy(lab.path("images/glass/07.png"), lab.path("images/glass/00.png")).unwrap();
    let table = fs::read_to_string(lab.path("labels.csv")).unwrap();
    let table = table.replace("glass/07.png,test", "glass/07.png,train");
    fs::write(
        lab.path("labels.csv"),
        table.replace("paper/02.png,val,kitchen", "paper/02.png,train,kitchen"),
    )
    .unwrap();
    assert_eq!(json_of(&lab, "check")["leakage"], serde_json::json!([]));
}
