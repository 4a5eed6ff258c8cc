//! What a trained model says of pictures, from outside: the numbers of its study, in every form, whatever some files are like.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::Value;

use super::harness::{Lab, SPEC, stderr, stdout};

/// Two variants with one seed each, and maps of a layer that still has places.
fn spec() -> String {
    let spec = SPEC
        .replace("seeds = 2", "seeds = 1")
        .replace("colour = { op = \"hue_saturation_value\", p = 0.5 }\n", "");
    format!("{spec}\n[explain]\nmethod = \"grad_cam\"\nlayer = \"blocks.1\"\nimages = 2\nfaithfulness = 0\n")
}

type Row = BTreeMap<String, String>;

fn rows(csv: &[u8]) -> Vec<Row> {
    csv::Reader::from_reader(csv).deserialize().map(Result::unwrap).collect()
}

fn good(output: &Output) -> &[u8] {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    &output.stdout
}

fn table(lab: &Lab, name: &str) -> Vec<Row> {
    rows(good(&lab.call("cache", "table", &[name])))
}

/// The held-out images of a run in the order in which its study asked for them.
fn held_out(lab: &Lab, run: &str) -> Vec<(Row, String)> {
    let paths: BTreeMap<String, String> =
        table(lab, "images").into_iter().map(|row| (row["image_id"].clone(), row["path"].clone())).collect();
    let of_run = table(lab, "predictions").into_iter().filter(|row| row["run"] == run);
    of_run.map(|row| (row.clone(), format!("images/{}", paths[&row["image_id"]]))).collect()
}

#[test]
fn a_study_s_images_get_the_answers_of_their_study_in_every_form() {
    let Some(lab) = Lab::new() else { return };
    lab.write_spec(&spec());
    lab.run("cache");

    // The same pictures in the same batches: the same bits.
    let expected = held_out(&lab, "flip/seed=1");
    let list: String = expected.iter().map(|(_, path)| format!("{path}\n")).collect();
    fs::write(lab.path("list"), &list).unwrap();
    let of_flip = ["--run", "flip/seed=1", "--list", "list", "--logits"];
    let found = lab.call("cache", "predict", &of_flip);
    let found = rows(good(&found));
    assert_eq!(found.len(), expected.len());
    let thresholds: BTreeMap<String, f64> = table(&lab, "metrics")
        .into_iter()
        .filter(|row| row["run"] == "flip/seed=1" && row["metric"] == "threshold")
        .map(|row| (row["label"].clone(), row["value"].parse().unwrap()))
        .collect();
    assert_eq!(thresholds.len(), 3);
    for (row, (of_study, path)) in found.iter().zip(&expected) {
        assert_eq!(&row["path"], path);
        for (label, threshold) in &thresholds {
            let logit = &row[&format!("logit_{label}")];
            assert_eq!(logit, &of_study[label], "{path}, {label}");
            let probability: f64 = row[&format!("probability_{label}")].parse().unwrap();
            let by_hand = 1.0 / (1.0 + (-f64::from(logit.parse::<f32>().unwrap())).exp());
            assert!((probability - by_hand).abs() < 1e-12, "{path}, {label}");
            assert_eq!(row[&format!("is_{label}")] == "1", probability >= *threshold, "{path}, {label}");
        }
    }

    // Alone, in another order and with another number of threads the last digits may differ, no more.
    let alone = ["--run", "flip/seed=1", "--logits", "--threads", "1", &expected[3].1, &expected[1].1];
    for (row, at) in rows(good(&lab.call("cache", "predict", &alone))).iter().zip([3, 1]) {
        for label in thresholds.keys() {
            let number = |text: &String| text.parse::<f64>().unwrap();
            let (found, expected) = (number(&row[&format!("logit_{label}")]), number(&expected[at].0[label]));
            assert!((found - expected).abs() < 1e-5, "{found}, expected {expected}");
        }
    }

    // All forms say the same.
    let csv = good(&lab.call("cache", "predict", &of_flip)).to_vec();
    for name in ["a.csv", "a.parquet", "a.jsonl"] {
        let mut args = of_flip.to_vec();
        args.extend(["--out", name]);
        let saved = lab.call("cache", "predict", &args);
        assert!(good(&saved).is_empty());
    }
    assert_eq!(fs::read(lab.path("a.csv")).unwrap(), csv);
    let source = ablatrix::tables::export::Source { path: &lab.path("a.parquet"), names: vec![] };
    let mut text = Vec::new();
    ablatrix::tables::export::to_csv(&[source], &mut text).unwrap();
    assert_eq!(text, csv);
    let mut args = of_flip.to_vec();
    args.extend(["--format", "json"]);
    let lines = lab.call("cache", "predict", &args);
    let lines = good(&lines);
    assert_eq!(lines, fs::read(lab.path("a.jsonl")).unwrap());
    let first: Value = serde_json::from_slice(lines.split(|&b| b == b'\n').next().unwrap()).unwrap();
    assert_eq!(first["path"], expected[0].1.as_str());
    assert_eq!(first["is_glass"], found[0]["is_glass"] == "1");
    let mut args = of_flip.to_vec();
    args.extend(["--format", "table"]);
    let lines = stdout(&lab.call("cache", "predict", &args));
    let line = lines.lines().next().unwrap();
    assert!(line.starts_with(&expected[0].1), "{line}");
    for label in thresholds.keys() {
        if found[0][&format!("is_{label}")] == "1" {
            assert!(line.contains(&format!("{label} 0.")), "{line}");
        }
    }

    // Without a name: the best run, which is told with the reason; photos of the training are not passed over in silence.
    let all = lab.call("cache", "predict", &["images", "--format", "csv"]);
    let paths: Vec<String> = rows(good(&all)).into_iter().map(|row| row["path"].clone()).collect();
    assert_eq!(paths.len(), 48);
    assert!(paths.is_sorted() && paths[0] == "images/glass/00.png", "{paths:?}");
    let said = stderr(&all);
    assert!(said.contains("the best of 2 trained runs by mAP on validation"), "{said}");
    assert!(said.contains("24 of 48 pictures are among those that the run was trained on"), "{said}");
    let variant = stderr(&lab.call("cache", "predict", &["images", "--variant", "none"]));
    assert!(variant.contains("run `none/seed=1`, the only trained run of the variant `none`"), "{variant}");

    files_that_cannot_be_read_are_named(&lab);
    overlays_are_written_for_what_is_said(&lab, &list);
    wrong_names_are_told(&lab);
}

fn files_that_cannot_be_read_are_named(lab: &Lab) {
    fs::create_dir_all(lab.path("mixed")).unwrap();
    fs::write(lab.path("mixed/b.jpg"), "no picture").unwrap();
    fs::copy(lab.path("images/metal/03.png"), lab.path("mixed/a.png")).unwrap();
    fs::copy(lab.path("images/metal/04.png"), lab.path("mixed/c.png")).unwrap();
    let cut = fs::read(lab.path("images/metal/05.png")).unwrap();
    fs::write(lab.path("mixed/d.png"), &cut[..cut.len() / 2]).unwrap();
    let args = ["--run", "none/seed=1", "mixed", "gone.png", "--format", "csv"];
    let output = lab.call("cache", "predict", &args);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let paths: Vec<String> = rows(&output.stdout).into_iter().map(|row| row["path"].clone()).collect();
    assert_eq!(paths, ["mixed/a.png", "mixed/c.png"]);
    let said = stderr(&output);
    for (name, why) in
        [("mixed/b.jpg", "the file holds `text`"), ("mixed/d.png", "truncated"), ("gone.png", "No such file")]
    {
        let line = said.lines().find(|line| line.starts_with(&format!("bad: {name}: "))).unwrap();
        assert!(line.contains(why), "{line}");
    }
    let mut skipping = args.to_vec();
    skipping.push("--skip-bad");
    good(&lab.call("cache", "predict", &skipping));
    let json = lab.call("cache", "predict", &["mixed", "--run", "none/seed=1", "--format", "json"]);
    let bad: Vec<Value> = stderr(&json).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(bad.iter().filter(|line| line["bad"]["path"] == "mixed/b.jpg").count(), 1, "{bad:?}");
    // All of a batch.
    let none = lab.call("cache", "predict", &["gone.png", "--run", "none/seed=1", "--format", "csv"]);
    assert_eq!((none.status.code(), rows(&none.stdout).len()), (Some(1), 0));
}

fn overlays_are_written_for_what_is_said(lab: &Lab, list: &str) {
    let mut command =
        lab.command("cache", "predict", &["--run", "flip/seed=1", "--list", "-", "--explain", "maps"]);
    command.args(["--format", "csv"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let answers = rows(good(&output));
    let mut expected: Vec<String> = Vec::new();
    for (at, row) in answers.iter().enumerate() {
        let stem = row["path"].rsplit('/').next().unwrap().trim_end_matches(".png");
        let said = ["glass", "metal", "paper"].into_iter().filter(|label| row[&format!("is_{label}")] == "1");
        expected.extend(said.map(|label| format!("{at:06}-{stem}-{label}.png")));
    }
    let names = fs::read_dir(lab.path("maps")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert!(!names.is_empty());
    assert_eq!(names, expected);
    let picture = image::open(lab.path("maps").join(&names[0])).unwrap().to_rgb8();
    assert_eq!(picture.dimensions(), (448, 448));
    // The map has places of different strength.
    assert!(picture.pixels().any(|pixel| pixel != picture.get_pixel(0, 0)));
}

fn wrong_names_are_told(lab: &Lab) {
    for (args, parts) in [
        (&["--run", "flip/sed=1"][..], &["has no run `flip/sed=1`", "did you mean `flip/seed=1`?"][..]),
        (&["--run", "flip"], &["has no run `flip`", "`--variant flip` takes the best of its runs"]),
        (&["--variant", "flipp"], &["has no variant `flipp`", "did you mean `flip`?"]),
        (&["--out", "a.txt"], &["`a.txt` ends in none of `.csv`, `.parquet`, `.json`, `.jsonl`"]),
        (&["--device", "gpu"], &["expected `auto`, `cpu`, `cuda`"]),
    ] {
        let mut all = vec!["images"];
        all.extend(args);
        let output = lab.call("cache", "predict", &all);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        for part in parts {
            assert!(stderr(&output).contains(part), "{args:?}: {}", stderr(&output));
        }
    }
}

#[test]
fn a_study_that_is_not_trained_says_how_to_train_it() {
    let lab = Lab::without_worker();
    for (args, what) in [
        (&["images"][..], "no run is trained yet"),
        (&["images", "--run", "none/seed=1"], "the run `none/seed=1` is not trained yet"),
    ] {
        let output = lab.call("empty", "predict", args);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        let said = stderr(&output);
        assert!(said.contains(what) && said.contains("ablatrix run tiny.toml --cache"), "{said}");
    }
    let output = lab.call("empty", "export", &["--out", "pack"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(!lab.path("pack").exists());
}
