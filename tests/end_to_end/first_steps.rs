//! What a new user meets: slips in a spec that only the data or the disk show, and what is said of them. Trains nothing.

use std::fs;
use std::process::{Output, Stdio};

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use super::harness::{Lab, SPEC, stderr, stdout};

/// Calls `verb` on `spec`, which must end with 2 and say all `words`.
#[track_caller]
fn refused(lab: &Lab, verb: &str, spec: &str, words: &[&str]) -> String {
    lab.write_spec(spec);
    let output = lab.call("cache", verb, &[]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{verb}: {said}");
    for word in words {
        assert!(said.contains(word), "{verb}: `{word}` is not in: {said}");
    }
    assert!(stdout(&output).is_empty(), "{verb}: {}", stdout(&output));
    said
}

#[track_caller]
fn fine(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    stdout(output)
}

fn results(lab: &Lab) -> usize {
    fs::read_dir(lab.path("cache/entries")).map_or(0, Iterator::count)
}

#[test]
fn a_column_that_the_csv_lacks_is_shown_where_the_spec_names_it() {
    let lab = Lab::without_worker();
    fs::write(lab.path("labels.csv"), "file_name,glass\nglass/00.png,1\n").unwrap();
    let csv = SPEC.replace("\"folders\"", "\"csv\"\nannotations = \"labels.csv\"");
    let csv = csv.replace("from = \"folder\"", "from = \"columns\"");
    for (key, line) in [("image_column", "tiny.toml:6:"), ("part_column", "tiny.toml:6:")] {
        let spec = csv.replace("annotations", &format!("{key} = \"nome\"\nannotations"));
        refused(&lab, "check", &spec, &[line, "has no column `nome`", "`file_name`, `glass`", key]);
    }
    // Where the spec does not name it, its table is shown, and the key.
    fs::write(lab.path("labels.csv"), "image,glass\nglass/00.png,1\n").unwrap();
    refused(&lab, "check", &csv, &["has no column `file_name`", "tiny.toml:4:", "`image_column`"]);
}

#[test]
fn a_study_without_pictures_is_not_run() {
    let lab = Lab::without_worker();
    let spec = SPEC.replace("\"folders\"", "\"folders\"\ncheck_images = false");
    refused(&lab, "run", &spec, &["tiny.toml:6:", "check_images = false", "`check_images = true`"]);
    assert_eq!(results(&lab), 0, "a stage was run");
    for verb in ["check", "plan"] {
        fine(&lab.call("cache", verb, &[]));
    }
    assert!(fine(&lab.call("cache", "table", &["labels"])).contains("glass"));
}

#[test]
fn weights_that_cannot_be_are_found_before_any_stage() {
    let lab = Lab::without_worker();
    let spec =
        |name: &str| SPEC.replace("\"mobilenet_v3_small\"", &format!("\"resnet18\"\nweights = \"{name}\""));
    let mut checkpoint = b"PK\x03\x04".to_vec();
    checkpoint.resize(64, 0);
    fs::write(lab.path("my net.pth"), &checkpoint).unwrap();
    fs::write(lab.path("page.safetensors"), "<!DOCTYPE html>").unwrap();
    fs::write(lab.path("good.safetensors"), b"\x02\0\0\0\0\0\0\0{}").unwrap();
    for verb in ["check", "plan", "run"] {
        let gone = ["cannot read the weights `gone.safetensors`", "No such file", "tiny.toml:22:"];
        refused(&lab, verb, &spec("gone.safetensors"), &gone);
        let convert = ["are a PyTorch checkpoint", "tiny.toml:22:", "p + '.safetensors')\" 'my net.pth'`"];
        refused(&lab, verb, &spec("my net.pth"), &convert);
        let page = ["`page.safetensors` are not a whole safetensors file", "does not begin with a header"];
        refused(&lab, verb, &spec("page.safetensors"), &page);
        let swept =
            format!("{SPEC}\n[matrix]\n\"model.weights\" = [\"none\", \"gone.st\", \"page.safetensors\"]\n");
        refused(&lab, verb, &swept, &["`gone.st`", ":35:28", "`page.safetensors`", ":35:39", "2 faults"]);
    }
    let module = SPEC.replace("\"mobilenet_v3_small\"", "\"torchscript:good.safetensors\"");
    let other = ["the model `good.safetensors` is a safetensors file", "tiny.toml:21:", "torch.jit.script"];
    refused(&lab, "check", &module, &other);
    assert_eq!(results(&lab), 0, "a stage was run");
    lab.write_spec(&spec("good.safetensors"));
    fine(&lab.call("cache", "check", &[]));
}

#[test]
fn folders_that_are_not_there_or_hold_no_classes_get_advice() {
    let lab = Lab::without_worker();
    fs::create_dir(lab.path("flat")).unwrap();
    fs::copy(lab.path("images/glass/00.png"), lab.path("flat/00.png")).unwrap();
    let spec = |name: &str| SPEC.replace("images = \"images\"", &format!("images = \"{name}\""));
    refused(
        &lab,
        "check",
        &spec("flat"),
        &["has no images", "of each class into a folder of its own", "tiny.toml:6:"],
    );
    refused(
        &lab,
        "check",
        &spec("nowhere"),
        &["`nowhere`", "No such file", "tiny.toml:6:", "relative to the spec"],
    );
}

#[test]
fn images_that_are_all_bad_are_not_to_be_skipped() {
    let lab = Lab::without_worker();
    for class in ["glass", "metal", "paper"] {
        for i in 0..16 {
            fs::write(lab.path(&format!("images/{class}/{i:02}.png")), "no picture").unwrap();
        }
    }
    lab.write_spec(&SPEC.replace("\"folders\"", "\"folders\"\nbad_images = \"skip\""));
    for verb in ["check", "run"] {
        let output = lab.call("cache", verb, &[]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("48 of 48 images cannot be used") && said.contains("no image can be used"),
            "{said}"
        );
        assert!(!said.contains("skip"), "{said}");
    }
}

#[test]
fn a_fault_of_the_data_is_told_once() {
    let lab = Lab::without_worker();
    let spec = SPEC.replace("from = \"folder\"", "from = \"folder\"\nmin_positives = 9");
    for verb in ["check", "run"] {
        let said = refused(&lab, verb, &spec, &["too few images"]);
        assert_eq!(said.matches("too few images").count(), 1, "{said}");
    }
}

#[test]
fn programs_get_errors_as_one_json_object() {
    let lab = Lab::without_worker();
    lab.write_spec(&SPEC.replace("epochs = 2", "epoch = 2\nloss = \"bec\""));
    for verb in ["check", "plan", "run", "status", "why", "report"] {
        let output = lab.call("cache", verb, &["--format", "json"]);
        assert_eq!(output.status.code(), Some(2));
        let error = &serde_json::from_slice::<Value>(&output.stderr).unwrap()["error"];
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("unknown key `epoch` in `[train]`\n`loss` is `bec`"), "{message}");
        assert!(error["help"].as_str().unwrap().contains("`epochs`"), "{error}");
        assert_eq!(error["exit_code"], 2);
        let places = error["places"].as_array().unwrap();
        assert!(places[0]["file"].as_str().unwrap().ends_with("tiny.toml"), "{error}");
        assert_eq!((&places[0]["line"], &places[0]["column"]), (&24.into(), &1.into()));
        assert_eq!((&places[1]["line"], &places[1]["column"]), (&25.into(), &8.into()));
    }
    // A fault that only a stage finds.
    lab.write_spec(&SPEC.replace("from = \"folder\"", "from = \"folder\"\nmin_positives = 9"));
    for verb in ["check", "run"] {
        let output = lab.call("cache", verb, &["--format", "json"]);
        let error = &serde_json::from_slice::<Value>(&output.stderr).unwrap()["error"];
        assert!(error["message"].as_str().unwrap().contains("too few images"), "{error}");
        assert_eq!(error["places"][0]["line"], 10, "{error}");
    }
    let output = lab.call("cache", "run", &["--format=json", "--wrokers", "2"]);
    assert_eq!(output.status.code(), Some(2));
    let error = &serde_json::from_slice::<Value>(&output.stderr).unwrap()["error"];
    assert_eq!(error["message"], "unexpected argument '--wrokers' found");
    assert!(error["help"].as_str().unwrap().contains("--workers"), "{error}");
}

#[test]
fn tables_go_by_the_names_of_their_files_and_are_written_whole() {
    let lab = Lab::without_worker();
    fine(&lab.call("cache", "run", &["--until", "balance"]));
    let index = fine(&lab.call("cache", "table", &["train_index"]));
    assert!(index.starts_with("image_id,"), "{index}");
    assert_eq!(index, fine(&lab.call("cache", "table", &["train-index"])));
    let help = stdout(&lab.bare().args(["table", "--help"]).output().unwrap());
    assert!(help.contains("train_index") && !help.contains("train-index"), "{help}");

    // Folders know no objects: a table with columns and without rows.
    for name in ["none.parquet", "none.csv", "none.json"] {
        fs::write(lab.path(name), "what was there").unwrap();
        fine(&lab.call("cache", "table", &["annotations", "--out", name]));
    }
    let file = fs::File::open(lab.path("none.parquet")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let columns: Vec<_> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(fs::read_to_string(lab.path("none.csv")).unwrap().trim_end(), columns.join(","));
    assert_eq!(reader.build().unwrap().map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 0);
    assert_eq!(fs::read_to_string(lab.path("none.json")).unwrap(), "");

    // A table that cannot be made leaves what was there.
    let output = lab.call("cache", "table", &["metrics", "--out", "none.csv"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read_to_string(lab.path("none.csv")).unwrap().lines().count(), 1);
    let left = fs::read_dir(lab.path(".")).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with(".new-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_fault() {
    let lab = Lab::without_worker();
    fine(&lab.call("cache", "run", &["--until", "balance"]));
    for format in ["text", "json"] {
        let mut command = lab.command("cache", "table", &["images", "--format", format]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(output.stderr.is_empty(), "{}", stderr(&output));
    }
}

#[test]
fn policies_that_nothing_reads_are_mentioned() {
    let lab = Lab::without_worker();
    lab.write_spec(&format!("{SPEC}policies.both = [\"flip\", \"colour\"]\n"));
    for (verb, args) in [("check", &[][..]), ("plan", &[]), ("run", &["--until", "label"])] {
        let output = lab.call("cache", verb, args);
        fine(&output);
        assert!(stderr(&output).contains("does not read the policies `both`"), "{}", stderr(&output));
    }
    let output = lab.call("cache", "check", &["--format", "json"]);
    let checked: Value = serde_json::from_str(&fine(&output)).unwrap();
    assert!(checked["spec_notices"][0].as_str().unwrap().contains("`both`"), "{checked}");
    assert!(output.stderr.is_empty(), "{}", stderr(&output));
}

#[test]
fn one_of_a_thing_is_not_many() {
    let lab = Lab::without_worker();
    lab.write_spec(&SPEC.replace("seeds = 2", "seeds = 1").replace("epochs = 2", "epochs = 1"));
    let said = fine(&lab.call("cache", "check", &["--set", "augment.grid.design=none"]));
    assert!(
        said.starts_with("tiny\n1 variant x 1 seed = 1 run of up to 1 epoch; baseline `none`\n"),
        "{said}"
    );
    assert!(said.contains("work: 1 run x ") && said.contains(" x 1 epoch = "), "{said}");
    let said = fine(&lab.call("cache", "check", &["--set", "question=Which?"]));
    assert!(said.starts_with("tiny: Which?\n3 variants x 1 seed = 3 runs"), "{said}");
}

#[test]
fn doctor_names_what_is_missing_and_what_to_do() {
    let lab = Lab::without_worker();
    let cache = lab.path("cache").display().to_string();
    let output = lab.bare().args(["doctor", "--cache", &cache]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "nothing can be trained");
    let said = stdout(&output);
    for word in
        ["BAD   worker", "/nonexistent/ablatrix-worker", "cannot be started", "->", "ok    cache", "disk"]
    {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

#[test]
fn doctor_finds_all_well_where_studies_run() {
    let Some(lab) = Lab::new() else { return };
    let cache = lab.path("cache").display().to_string();
    let output = lab.bare().args(["doctor", "--format", "json", "--cache", &cache]).output().unwrap();
    let said: Value = serde_json::from_str(&fine(&output)).unwrap();
    assert_eq!(said["works"], true);
    let findings = said["findings"].as_array().unwrap();
    let what: Vec<_> = findings.iter().map(|finding| finding["what"].as_str().unwrap()).collect();
    assert_eq!(what[..6], ["ablatrix", "worker", "libtorch", "processor", "GPU", "cache"]);
    assert!(findings.iter().all(|finding| finding["state"] != "bad"), "{findings:?}");
}
