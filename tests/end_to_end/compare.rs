//! Several studies beside each other, with the real binaries.

use std::fs;

use serde_json::Value;

use super::harness::{Lab, SPEC, stderr, stdout};

/// Writes another spec beside the lab's.
fn write(lab: &Lab, name: &str, text: &str) {
    fs::write(lab.path(name), text).unwrap();
}

fn compare(lab: &Lab, args: &[&str]) -> std::process::Output {
    let mut command = lab.bare();
    command.arg("compare").args(args);
    command.arg("--cache").arg(lab.path("cache")).arg("--reports").arg(lab.path("reports"));
    command.output().unwrap()
}

fn run(lab: &Lab, spec: &str) {
    let mut command = lab.bare();
    command.arg("run").arg(spec).arg("--quiet");
    command.arg("--cache").arg(lab.path("cache")).arg("--reports").arg(lab.path("reports"));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

fn kinds(value: &Value) -> Vec<&str> {
    value["findings"].as_array().unwrap().iter().map(|finding| finding["kind"].as_str().unwrap()).collect()
}

#[test]
fn studies_of_the_same_images_share_a_table_and_others_are_marked() {
    let Some(lab) = Lab::new() else { return };
    let longer = SPEC.replace("\"tiny\"", "\"longer\"").replace("epochs = 2", "epochs = 3");
    let elsewhere =
        SPEC.replace("\"tiny\"", "\"elsewhere\"").replace("test = 0.25\n", "test = 0.25\nseed = 43\n");
    assert!(longer.contains("longer") && longer.contains("epochs = 3") && elsewhere.contains("seed = 43"));
    write(&lab, "longer.toml", &longer);
    write(&lab, "elsewhere.toml", &elsewhere);
    for spec in ["tiny.toml", "longer.toml"] {
        run(&lab, spec);
    }

    let output = compare(&lab, &["tiny.toml", "longer.toml", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let value: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(kinds(&value), [] as [&str; 0]);
    let place = lab.path("reports/compare/tiny-vs-longer/index.html");
    let page = fs::read_to_string(&place).unwrap();
    assert!(page.contains("Tested on A") && !page.contains("Tested on B"));
    assert!(page.contains("<code>train.epochs</code></th><td><bdi>2</bdi></td><td><bdi>3</bdi></td>"));
    // The effects are those of the studies' own tables.
    for (at, spec) in ["tiny.toml", "longer.toml"].into_iter().enumerate() {
        let mut command = lab.bare();
        command.args(["table", spec, "effects", "--format", "json"]).arg("--cache").arg(lab.path("cache"));
        let table = command.output().unwrap();
        let rows: Vec<Value> =
            stdout(&table).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of = value["studies"][at]["effects"].as_array().unwrap();
        assert_eq!(of.len(), rows.len());
        assert_eq!(of[0]["delta"], rows[0]["delta"]);
    }
    assert!(fs::read_to_string(place.with_file_name("summary.md")).unwrap().starts_with("# tiny · longer"));

    // Without runs there is nothing to compare, and it is said of which study.
    let output = compare(&lab, &["tiny.toml", "elsewhere.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("`elsewhere.toml`"), "{}", stderr(&output));
    run(&lab, "elsewhere.toml");
    let out = lab.path("pages/apart.html");
    let output = compare(&lab, &["tiny.toml", "elsewhere.toml", "--out", out.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("other test images: “elsewhere” is tested on other images"),
        "{}",
        stdout(&output)
    );
    let page = fs::read_to_string(&out).unwrap();
    assert!(page.contains("Tested on A") && page.contains("Tested on B"));
}

#[test]
fn a_spec_that_is_named_twice_is_no_comparison() {
    let lab = Lab::without_worker();
    let output = compare(&lab, &["tiny.toml", "./tiny.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("is named twice"), "{}", stderr(&output));
    let output = compare(&lab, &["tiny.toml"]);
    assert_eq!(output.status.code(), Some(2), "one study is no comparison: {}", stderr(&output));
}
