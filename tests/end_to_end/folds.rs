//! Cross-validation, whole: each image is tested on once per seed, every run is told by its fold, and nothing runs twice.

use std::collections::BTreeMap;
use std::fs;

use super::harness::{Lab, SPEC, stderr, stdout};

/// The rows of a table as column name to text.
fn rows(lab: &Lab, name: &str) -> Vec<BTreeMap<String, String>> {
    let output = lab.command("cache", "table", &[name]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
    reader.deserialize().map(Result::unwrap).collect()
}

#[test]
fn each_image_is_tested_on_once_per_seed() {
    let Some(lab) = Lab::new() else { return };
    let spec = SPEC
        .replace("test = 0.25\n", "folds = 2\n")
        .replace("colour = { op = \"hue_saturation_value\", p = 0.5 }\n", "");
    lab.write_spec(&spec);

    let check = lab.call("looked", "check", &[]);
    assert_eq!(check.status.code(), Some(0), "{}", stderr(&check));
    assert!(stdout(&check).contains("2 variants x 2 seeds x 2 folds = 8 runs"), "{}", stdout(&check));
    assert!(stdout(&check).contains("counts of fold 0 of 2"), "{}", stdout(&check));

    let first = lab.run("cache");
    assert_eq!(first["computed"], first["stages"]);
    let page = fs::read_to_string(first["report"].as_str().unwrap()).unwrap();
    assert!(page.contains("2 variants × 2 seeds × 2 folds = 8 runs"), "the page counts the folds");
    assert!(page.contains("Nadeau and Bengio 2003"), "the method is told");

    let split = rows(&lab, "split");
    assert_eq!(split.len(), 2 * 48);
    let train_index = rows(&lab, "train-index");
    for fold in ["0", "1"] {
        let of_fold =
            |part: &str| split.iter().filter(|row| row["fold"] == fold && row["part"] == part).count();
        assert_eq!(of_fold("test"), 24);
        assert_eq!(train_index.iter().filter(|row| row["fold"] == fold).count(), of_fold("train"));
    }

    let mut tested: BTreeMap<(String, String), usize> = BTreeMap::new();
    for row in rows(&lab, "predictions").iter().filter(|row| row["part"] == "test") {
        let (of_seed, fold) = row["run"].rsplit_once("/fold=").expect("the run's name ends in its fold");
        *tested.entry((of_seed.to_owned(), row["image_id"].clone())).or_default() += 1;
        let is_tested = |other: &&BTreeMap<String, String>| {
            other["image_id"] == row["image_id"] && other["fold"] == fold && other["part"] == "test"
        };
        assert_eq!(split.iter().filter(is_tested).count(), 1, "{row:?}");
    }
    assert_eq!(tested.len(), 2 * 2 * 48, "two variants, two seeds, all images");
    assert!(tested.values().all(|&n| n == 1), "{tested:?}");

    let metrics = rows(&lab, "metrics");
    let map = |variant: &str, seed: &str| -> f64 {
        let of = metrics
            .iter()
            .filter(|row| row["metric"] == "map_macro" && row["variant"] == variant && row["seed"] == seed);
        let values: Vec<f64> = of
            .map(|row| {
                assert!(row["run"].ends_with(&format!("/fold={}", row["fold"])), "{row:?}");
                row["value"].parse().unwrap()
            })
            .collect();
        assert_eq!(values.len(), 2, "one value for each fold");
        values.iter().sum::<f64>() / 2.0
    };
    let by_hand = ["1", "2"].map(|seed| map("flip", seed) - map("none", seed));
    let effects = rows(&lab, "effects");
    let effect = effects.iter().find(|row| row["metric"] == "map_macro").unwrap();
    assert_eq!(effect["n_seeds"], "2", "folds are no seeds");
    let delta: f64 = effect["delta"].parse().unwrap();
    assert!((delta - by_hand.iter().sum::<f64>() / 2.0).abs() < 1e-12, "{delta} {by_hand:?}");

    let again = lab.call("cache", "run", &[]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert!(stdout(&again).contains("nothing to do"), "{}", stdout(&again));
}

#[test]
fn a_fold_that_lacks_a_label_is_named_with_what_to_do() {
    let Some(lab) = Lab::new() else { return };
    lab.write_spec(&SPEC.replace("test = 0.25\n", "folds = 20\n"));
    let check = lab.call("cache", "check", &[]);
    assert_eq!(check.status.code(), Some(2), "{}", stdout(&check));
    let said = stderr(&check);
    assert!(said.contains("part of fold 0 has too few images with `"), "{said}");
    assert!(said.contains("ask for fewer `folds`"), "{said}");
}

#[test]
fn runs_are_planned_by_seed_and_fold() {
    let Some(lab) = Lab::new() else { return };
    lab.write_spec(&SPEC.replace("test = 0.25\n", "folds = 3\n"));
    let plan = lab.plan("cache");
    let names: Vec<&str> = plan
        .iter()
        .filter(|line| line["stage"] == "train")
        .map(|line| line["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 3 * 2 * 3);
    assert_eq!(
        names[..4],
        [
            "train none/seed=1/fold=0",
            "train none/seed=1/fold=1",
            "train none/seed=1/fold=2",
            "train none/seed=2/fold=0"
        ]
    );
    let shared = |stage: &str| plan.iter().filter(|line| line["stage"] == stage).count();
    assert_eq!((shared("split"), shared("balance"), shared("pixels")), (1, 1, 1));
}
