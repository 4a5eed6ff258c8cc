//! Scoring, whole: rules and calibration of `[evaluate]` reach the tables, the record and the effects, and train nothing anew.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::harness::{Lab, SPEC, stderr};
use super::stored::{entries, find};

/// The rows of a table as column name to text.
fn rows(lab: &Lab, name: &str) -> Vec<BTreeMap<String, String>> {
    let output = lab.command("cache", "table", &[name]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
    reader.deserialize().map(Result::unwrap).collect()
}

/// The value of each row by run, label and metric.
fn metrics(lab: &Lab) -> BTreeMap<[String; 3], f64> {
    let of = |row: BTreeMap<String, String>| {
        let value = row["value"].parse().unwrap_or(f64::NAN);
        (["run", "label", "metric"].map(|column| row[column].clone()), value)
    };
    rows(lab, "metrics").into_iter().map(of).collect()
}

/// `evaluation.json` of each run whose thresholds are those of the last scoring.
fn records(lab: &Lab) -> Vec<Value> {
    let objects = lab.path("cache/objects");
    let of_stage = entries(&lab.path("cache/entries")).into_iter().filter_map(|(_, entry)| {
        let text = entry.to_string();
        let at = text.find("\"evaluation.json\"")?;
        let digest = text[at..].split('"').find(|part| part.len() >= 64)?.to_owned();
        let bytes = fs::read(find(&objects, &digest)?).unwrap();
        Some(serde_json::from_slice(&bytes).unwrap())
    });
    of_stage.filter(|record: &Value| record["calibration"]["method"] == "platt").collect()
}

#[test]
fn rules_and_calibration_reach_tables_record_and_effects() {
    let Some(lab) = Lab::new() else { return };
    lab.run("cache");
    let plain = metrics(&lab);
    let settings = "\n[evaluate]\ncalibration = \"platt\"\nthreshold = \"per_label_precision\"\n\
                    precision_floor = 0.6\nmin_positives = 2\nbeta = 0.5\n";
    lab.write_spec(&format!("{SPEC}{settings}"));
    let done = lab.run("cache");
    assert_eq!(done["computed"], 3 * 2 + 2, "evaluate of each run, the references and the report");

    let found = metrics(&lab);
    assert_eq!(found.len(), plain.len());
    for (place, value) in &found {
        let ([_, _, metric], before) = (place, plain[place]);
        let of_order = ["ap", "auroc", "map_macro", "map_micro", "auroc_samples", "lrap", "coverage_error"];
        if of_order.contains(&metric.as_str()) {
            assert_eq!(*value, before, "{place:?}");
        }
    }
    assert!(found.iter().any(|(place, value)| place[2] == "log_loss" && *value != plain[place]));

    let records = records(&lab);
    assert_eq!(records.len(), 3 * 2);
    for record in &records {
        let labels = record["labels"].as_array().unwrap();
        assert_eq!(labels.len(), 3);
        for label in labels {
            let images =
                |counts: &Value| counts.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
            let of_test: u64 = images(&label["counts"]);
            let bins = label["reliability"].as_array().unwrap();
            assert_eq!(bins.iter().map(|bin| bin["n_images"].as_u64().unwrap()).sum::<u64>(), of_test);
        }
        assert!(record["error_pairs"].is_array());
    }

    // Effects make decisions of their own, on resamples; those on the test part are the same.
    let f1 = |variant: &str, seed: u32| {
        found[&[format!("{variant}/seed={seed}"), String::new(), "f1_macro".to_owned()]]
    };
    let effects = rows(&lab, "effects");
    let effects: Vec<_> =
        effects.iter().filter(|row| row["metric"] == "f1_macro" && row["label"].is_empty()).collect();
    assert_eq!(effects.len(), 2);
    for row in effects {
        let by_hand: f64 = [1, 2].map(|seed| f1(&row["variant"], seed) - f1("none", seed)).iter().sum();
        let delta: f64 = row["delta"].parse().unwrap();
        assert!((delta - by_hand / 2.0).abs() < 1e-12, "{row:?} {by_hand}");
    }
}
