//! Contact sheets: what is painted, where it lies, and that the same spec gives the same sheets.

use std::fs;

use serde_json::Value;

use super::harness::{Lab, SPEC, stderr, stdout};

/// The text between two marks, for each time that they occur.
fn between<'t>(text: &'t str, from: &str, to: &str) -> Vec<&'t str> {
    text.split(from).skip(1).map(|rest| rest.split(to).next().unwrap()).collect()
}

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
        let file = |sheet: &Value| sheet["file"].as_str().unwrap().to_owned();
        value["sheets"].as_array().unwrap().iter().map(file).collect()
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
fn the_report_shows_the_draws_that_the_sheets_show() {
    let Some(lab) = Lab::new() else { return };
    lab.write_spec(
        &SPEC.replace("design = \"add_one\"", "design = \"factorial\"").replace("seeds = 2", "seeds = [5]"),
    );
    let done = lab.run("cache");
    let page = fs::read_to_string(done["report"].as_str().unwrap()).unwrap();
    let section = between(&page, "<section id=\"augmentations\"", "</section>")[0];
    assert!(section.contains("draws with seed 5 in its first epoch"));

    let output = lab.call("cache", "preview", &["--images", "3", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&value["seed"], &value["epoch"]), (&Value::from(5), &Value::from(0)));

    // Strip by strip, picture by picture: the pictures as they are, both ops, and the arm of both.
    let strips: Vec<&str> = between(section, "<div class=\"strip\">", "</ul>");
    let names: Vec<&str> = strips.iter().map(|strip| between(strip, "<h4>", "</h4>")[0]).collect();
    let bold = |name: &str| format!("<bdi>{name}</bdi>");
    assert_eq!(names[1..], ["flip", "colour", "flip+colour"].map(bold));
    let column = |sheet: usize, name: &str| -> Vec<String> {
        let sheet = &value["sheets"][sheet];
        let columns = sheet["columns"].as_array().unwrap();
        let place = columns.iter().position(|column| column == name).unwrap();
        let drawn = |row: &Value| row["drawn"][place].as_str().unwrap().to_owned();
        sheet["rows"].as_array().unwrap().iter().map(drawn).collect()
    };
    let pictures = value["sheets"][0]["rows"].as_array().unwrap();
    for (picture, shown) in pictures.iter().zip(between(strips[0], "<p><bdi>", "</bdi>")) {
        assert_eq!(picture["image"], shown);
    }
    for (strip, (sheet, name)) in strips[1..].iter().zip([(0, "flip"), (0, "colour"), (1, "flip+colour")]) {
        let shown: Vec<String> = between(strip, "<p><bdi>", "</bdi>")
            .into_iter()
            .map(|drawn| drawn.replace("applied", ""))
            .collect();
        assert_eq!(shown, column(sheet, name), "{name}");
        assert_eq!(
            strip.matches("<use href").count() + strip.matches("<img ").count(),
            6,
            "before and after"
        );
    }
    assert!(column(0, "colour").iter().all(|drawn| drawn.starts_with("hue=")));
    let bytes: usize =
        between(section, "data:image/jpeg;base64,", "\"").iter().map(|file| file.len() / 4 * 3).sum();
    assert!((3 * 4 * 300..1_100_000).contains(&bytes), "{bytes}");

    lab.write_spec(
        &SPEC.replace("design = \"add_one\"", "design = \"none\"").replace("seeds = 2", "seeds = [5]"),
    );
    let page = fs::read_to_string(lab.run("cache")["report"].as_str().unwrap()).unwrap();
    assert!(!page.contains("id=\"augmentations\""), "no arm has an op");
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
