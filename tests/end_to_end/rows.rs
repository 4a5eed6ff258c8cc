//! The rows that a study is computed on: labels of several sources, and images that stay in one part. No worker is needed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{Rgb, RgbImage};
use serde_json::Value;

use super::harness::{stderr, stdout};

fn ablatrix(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ablatrix"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ABLATRIX_") {
            command.env_remove(name);
        }
    }
    let cache = folder.join("cache");
    command.current_dir(folder).args(args).arg("--cache").arg(cache).output().unwrap()
}

/// A folder of real data; `None`, and a line that says so, where it is not there.
fn shared_data(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("ABLATRIX_SHARED").map_or(beside, PathBuf::from).join("data").join(name);
    if folder.exists() {
        return Some(folder);
    }
    println!("skipped: `{}` is not there", folder.display());
    None
}

/// What a verb that must end well prints.
fn said(folder: &Path, args: &[&str]) -> String {
    let output = ablatrix(folder, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

/// A CSV as header and rows by their first field.
fn csv(text: &str) -> (Vec<String>, BTreeMap<String, Vec<String>>) {
    let fields = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let mut lines = text.lines().map(fields);
    let header = lines.next().unwrap();
    (header, lines.map(|fields| (fields[0].clone(), fields[1..].to_vec())).collect())
}

/// The specs that ship give the study's training tables: every image as often as there.
#[test]
fn the_training_rows_of_the_study_come_out_of_the_specs_that_ship() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Some(study) = shared_data("taco_mjs") else { return };
    for (spec, given, balanced, n_rows) in [
        (
            "taco-mjs-materials-balanced",
            "train_material_2023-04-17.csv",
            "train_material_partially_balanced_2023-04-17.csv",
            5_531,
        ),
        (
            "taco-mjs-optimized-balanced",
            "train_opt_2023-05-08.csv",
            "train_opt_partially_balanced_2023-05-08.csv",
            1_661,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let spec = root.join("experiments").join(spec).with_extension("toml").display().to_string();
        let annotations = format!("dataset.annotations={}", study.join(given).display());
        let with = |verb: &str, table: &[&str]| {
            said(folder.path(), &[&[verb, &spec], table, &["--set", &annotations]].concat())
        };
        with("check", &[]);
        let (_, images) = csv(&with("table", &["images"]));
        let (header, rows) = csv(&with("table", &["train_index"]));
        let copies = header.iter().position(|name| name == "copies").unwrap() - 1;
        let found: BTreeMap<String, usize> = rows
            .iter()
            .map(|(image_id, row)| (images[image_id][0].clone(), row[copies].parse().unwrap()))
            .collect();
        let mut expected: BTreeMap<String, usize> = BTreeMap::new();
        for line in fs::read_to_string(study.join(balanced)).unwrap().lines().skip(1) {
            *expected.entry(line.split(',').next().unwrap().to_owned()).or_default() += 1;
        }
        assert_eq!(found, expected, "{given}");
        assert_eq!(found.values().sum::<usize>(), n_rows);

        let run = ablatrix(folder.path(), &["run", &spec, "--set", &annotations]);
        assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
        assert!(stderr(&run).contains("check_images"), "{}", stderr(&run));
    }
}

/// TACO's own annotations under the spec that ships: the materials are those of the study's table, row by row; the scenes are
/// those that the annotations say.
#[test]
fn materials_and_scenes_of_taco_stand_side_by_side() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Some(study) = shared_data("taco_mjs") else { return };
    let folder = tempfile::tempdir().unwrap();
    let spec = root.join("experiments/taco-materials-scenes.toml").display().to_string();
    let annotations = format!("dataset.annotations={}", study.join("annotations.json").display());
    let images = format!("dataset.images={}", study.display());
    let sets = ["--set", &annotations, "--set", &images, "--set", "dataset.check_images=false"];
    let with = |verb: &[&str]| {
        let args: Vec<&str> = verb.iter().chain(&sets).copied().collect();
        said(folder.path(), &args)
    };
    with(&["run", &spec, "--until", "balance"]);
    let (header, labels) = csv(&with(&["table", &spec, "labels"]));
    let (_, images) = csv(&with(&["table", &spec, "images"]));
    let (expected_header, expected) = csv(&fs::read_to_string(study.join("material_labels.csv")).unwrap());
    assert_eq!(header[1..7], expected_header[1..7]);
    assert_eq!(header[7..], ["hard_ground", "soft_ground", "vegetation", "water"]);

    let json: Value = serde_json::from_slice(&fs::read(study.join("annotations.json")).unwrap()).unwrap();
    let groups: [&[i64]; 4] = [&[1, 2], &[3], &[5], &[6]];
    let mut scenes: BTreeMap<String, [bool; 4]> = BTreeMap::new();
    for row in json["scene_annotations"].as_array().unwrap() {
        let of_image = scenes.entry(row["image_id"].to_string()).or_default();
        for id in row["background_ids"].as_array().unwrap() {
            for (has, group) in of_image.iter_mut().zip(groups) {
                *has |= group.contains(&id.as_i64().unwrap());
            }
        }
    }
    assert_eq!(labels.len(), 1500);
    for (image_id, found) in &labels {
        let flags: Vec<bool> = found.iter().map(|value| value == "1").collect();
        let materials: Vec<bool> = expected[&images[image_id][0]].iter().map(|value| value == "1").collect();
        assert_eq!(flags[..6], materials, "image {image_id}");
        assert_eq!(flags[6..], scenes.get(image_id).copied().unwrap_or_default(), "image {image_id}");
    }
}

/// Real photos: TrashNet has three pairs of the same bytes, and 23 more of the same thing photographed twice.
#[test]
fn photos_that_trashnet_has_twice_stay_in_one_part() {
    let Some(photos) = shared_data("trashnet") else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("trash.toml"),
        format!(
            "name = \"trash\"\n[dataset]\nformat = \"folders\"\nimages = '{}'\n[labels]\nfrom = \"folder\"\n\
             [images]\nsize = 16\n[augment.grid]\ndesign = \"none\"\n",
            photos.display()
        ),
    )
    .unwrap();
    // Long lines go on further in.
    let checked = said(folder.path(), &["check", "trash.toml"]).replace("\n    ", " ");
    let line = |begin: &str| {
        let found = checked.lines().find(|line| line.contains(begin));
        found.unwrap_or_else(|| panic!("{checked}")).to_owned()
    };
    assert!(line("images with the same bytes").contains("`glass/glass115.jpg = metal/metal91.jpg`"));
    let alike = line("photos that look nearly the same, kept in one part");
    assert!(alike.contains("`metal/metal120.jpg = metal/metal50.jpg`"), "{alike}");
    assert!(alike.ends_with("and 13 more"), "{alike}");
}

/// A smooth picture that no other seed gives.
fn picture(seed: u32, brighter: u8) -> RgbImage {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 16) / 65536.0
    };
    let waves: Vec<[f64; 4]> = (0..12).map(|_| [next() * 0.6, next() * 0.6, next() * 6.3, next()]).collect();
    RgbImage::from_fn(80, 60, |x, y| {
        let wave = |w: &[f64; 4]| (w[0] * f64::from(x) + w[1] * f64::from(y) + w[2]).sin() * w[3];
        let value = 120.0 + 15.0 * waves.iter().map(wave).sum::<f64>();
        Rgb([(value.clamp(0.0, 230.0) as u8) + brighter; 3])
    })
}

/// 40 pictures, of which the last eight repeat the first eight somewhat brighter; a session of five each.
fn dataset(folder: &Path) {
    let mut text = "file_name,session,wet,dry\n".to_owned();
    for i in 0..40u32 {
        let (seed, brighter) = if i < 32 { (i, 0) } else { (i - 32, 9) };
        let name = format!("{i:02}.png");
        picture(seed, brighter).save(folder.join(&name)).unwrap();
        text += &format!("{name},s{},{},{}\n", i / 5, i % 2, u32::from(i % 3 > 0));
    }
    fs::write(folder.join("labels.csv"), text).unwrap();
    fs::write(
        folder.join("rows.toml"),
        "name = \"rows\"\n[dataset]\nformat = \"csv\"\nannotations = \"labels.csv\"\nimages = \".\"\n\
         capture_column = \"session\"\n[labels]\nfrom = \"columns\"\n[split]\nmethod = \"iterative\"\n\
         train = 0.5\nval = 0.25\ntest = 0.25\n[images]\nsize = 32\n[augment.grid]\ndesign = \"none\"\n",
    )
    .unwrap();
}

/// The part of each of the 40 images.
fn parts(folder: &Path, sets: &[&str]) -> Vec<String> {
    let args: Vec<&str> = ["table", "rows.toml", "split"].iter().chain(sets).copied().collect();
    let (_, rows) = csv(&said(folder, &args));
    (0..40).map(|id| rows[&id.to_string()][1].clone()).collect()
}

#[test]
fn photos_that_look_the_same_and_captures_stay_in_one_part() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    dataset(folder);
    let checked = said(folder, &["check", "rows.toml"]);
    let notice = "photos that look nearly the same, kept in one part: `00.png = 32.png`, `01.png = 33.png`";
    assert!(checked.contains(notice), "{checked}");
    // 0 and 32 have other labels, 6 and 38 the same.
    let conflict = "photos that look nearly the same but have different labels: `00.png = 32.png`";
    assert!(checked.contains(conflict) && !checked.contains("captures"), "{checked}");
    let apart = parts(folder, &[]);
    assert!((0..8).all(|i| apart[i] == apart[i + 32]), "{apart:?}");

    let off = ["--set", "split.near_duplicates=off"];
    let checked = said(folder, &[&["check", "rows.toml"], &off[..]].concat());
    assert!(!checked.contains("look nearly the same"), "{checked}");
    let apart = parts(folder, &off);
    assert!((0..8).any(|i| apart[i] != apart[i + 32]), "{apart:?}");

    // Sessions of five; the last two repeat photos of the first two.
    let sessions = ["--set", "split.captures=column"];
    let checked = said(folder, &[&["check", "rows.toml"], &sessions[..]].concat());
    assert!(checked.contains("captures, kept in one part: `s0 (5 images)`"), "{checked}");
    let kept = parts(folder, &sessions);
    assert!((0..40).all(|i| kept[i] == kept[i - i % 5]), "{kept:?}");
    assert!((0..8).all(|i| kept[i] == kept[i + 32]), "{kept:?}");
}

#[test]
fn another_size_leaves_the_split_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    dataset(folder);
    said(folder, &["run", "rows.toml", "--until", "balance"]);
    let state = |sets: &[&str]| -> BTreeMap<String, String> {
        let args: Vec<&str> = ["plan", "rows.toml", "--format", "json"].iter().chain(sets).copied().collect();
        let lines = said(folder, &args);
        let node = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            (text("name"), text("state"))
        };
        lines.lines().map(node).collect()
    };
    assert_eq!(state(&[])["balance"], "cached");
    let sets = ["--set", "images.size=40"];
    assert_eq!(state(&sets)["pixels"], "to run");
    said(folder, &[&["run", "rows.toml", "--until", "pixels"], &sets[..]].concat());
    let after = state(&sets);
    for node in ["pixels", "split", "balance"] {
        assert_eq!(after[node], "cached", "{node}: {after:?}");
    }
    // Until a stage means that stage and what it needs: pictures are not needed for labels.
    let other = ["--set", "images.size=50"];
    said(folder, &[&["run", "rows.toml", "--until", "label"], &other[..]].concat());
    assert_eq!(state(&other)["pixels"], "to run");
}

#[test]
fn too_few_captures_for_three_parts_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    dataset(folder);
    let text = fs::read_to_string(folder.join("labels.csv")).unwrap();
    fs::write(
        folder.join("labels.csv"),
        (0..8).fold(text, |text, i| text.replace(&format!(",s{i},"), ",one,")),
    )
    .unwrap();
    let output = ablatrix(folder, &["check", "rows.toml", "--set", "split.captures=column"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    for words in ["40 images are kept together in 1 group", "`split.captures`"] {
        assert!(said.contains(words), "{said}");
    }
}
