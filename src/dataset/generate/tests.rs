//! The dataset is whole, consistent, and the same everywhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::shapes;
use super::*;
use crate::fingerprint::Digest;
use crate::seed::Key;
use crate::spec::settings::Generate;

const SMALL: Generate = Generate { images: 12, seed: 7, side: 96 };

/// Draws to the end.
fn generate(out: &Path, settings: &Generate) -> Result<Generated, GenerateError> {
    super::generate(out, settings, &|_| true)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// One digest over names and contents.
fn digest(dir: &Path) -> Digest {
    let lines: String = files(dir)
        .iter()
        .map(|path| {
            let name = path.strip_prefix(dir).unwrap().display();
            format!("{name} {}\n", Digest::of(&fs::read(path).unwrap()))
        })
        .collect();
    Digest::of(lines.as_bytes())
}

fn annotations(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("annotations.json")).unwrap()).unwrap()
}

/// Pinned: a change of any byte must be meant, and then goes with a new `FORMAT`.
#[test]
fn equal_settings_give_equal_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("set");
    generate(&out, &SMALL).unwrap();
    assert_eq!(digest(&out).as_str(), "ff34f8dc7faa8bf604b5e63a511845185ca066f69a4c148e50e032fa709d5c12");
    let again = dir.path().join("again");
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    one_thread.install(|| generate(&again, &SMALL)).unwrap();
    assert_eq!(digest(&out), digest(&again));
    let other = dir.path().join("other");
    generate(&other, &Generate { seed: 8, ..SMALL }).unwrap();
    assert_ne!(digest(&out), digest(&other));
}

#[test]
fn annotations_fit_the_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("set");
    let made = generate(&out, &Generate { images: 40, ..SMALL }).unwrap();
    let json = annotations(&out);
    let (images, objects) = (json["images"].as_array().unwrap(), json["annotations"].as_array().unwrap());
    assert_eq!(made, Generated { images: images.len(), annotations: objects.len(), drawn: true });
    assert_eq!(images.len(), 40);
    assert!(objects.len() >= 40, "{}", objects.len());
    for image in images {
        let file = fs::read(out.join(image["file_name"].as_str().unwrap())).unwrap();
        let picture = crate::pixels::decode(&file).unwrap();
        assert_eq!(picture.width as u64, image["width"].as_u64().unwrap());
        assert_eq!(picture.height as u64, image["height"].as_u64().unwrap());
        assert_eq!(picture.width.max(picture.height), 96);
    }
    let ids: BTreeSet<u64> = objects.iter().map(|object| object["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=objects.len() as u64).collect());
    for object in objects {
        check_object(object, &images[object["image_id"].as_u64().unwrap() as usize]);
    }
    let scenes = json["scene_annotations"].as_array().unwrap();
    assert_eq!(scenes.len(), 40);
    assert!(scenes.iter().all(|scene| scene["background_ids"][0].as_u64().unwrap() < 7));
}

fn check_object(object: &Value, image: &Value) {
    let number = |value: &Value| value.as_f64().unwrap();
    let (width, height) = (number(&image["width"]), number(&image["height"]));
    let (mut low, mut high, mut area) = ([f64::MAX; 2], [f64::MIN; 2], 0.0);
    for polygon in object["segmentation"].as_array().unwrap() {
        let flat: Vec<f64> = polygon.as_array().unwrap().iter().map(number).collect();
        let points: Vec<[f64; 2]> = flat.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
        assert!(points.len() >= 3);
        for (i, a) in points.iter().enumerate() {
            let b = points[(i + 1) % points.len()];
            area += (a[0] * b[1] - b[0] * a[1]) / 2.0;
            assert!(a[0] >= 0.0 && a[1] >= 0.0 && a[0] <= width && a[1] <= height);
            low = [low[0].min(a[0]), low[1].min(a[1])];
            high = [high[0].max(a[0]), high[1].max(a[1])];
        }
    }
    let bbox: Vec<f64> = object["bbox"].as_array().unwrap().iter().map(number).collect();
    assert_eq!(bbox, [low[0], low[1], high[0] - low[0], high[1] - low[1]]);
    assert!(area >= 6.0 && (area - number(&object["area"])).abs() < 1e-3, "{area}");
    assert!(area <= bbox[2] * bbox[3]);
    assert!(number(&object["category_id"]) < 60.0);
}

#[test]
fn categories_are_tacos() {
    assert_eq!(taco::CATEGORIES.iter().map(|c| c.count).sum::<u32>(), 4784);
    let official = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/taco_mjs/annotations.json");
    let Ok(text) = fs::read(&official) else {
        println!("skipped: no `{}`", official.display());
        return;
    };
    let json: Value = serde_json::from_slice(&text).unwrap();
    for (id, category) in taco::CATEGORIES.iter().enumerate() {
        let theirs = &json["categories"][id];
        assert_eq!(theirs["id"], id);
        assert_eq!(theirs["name"], category.name);
        assert_eq!(theirs["supercategory"], category.supercategory);
    }
    for scene in taco::Scene::ALL {
        assert_eq!(json["scene_categories"][scene.id() as usize]["name"], scene.name());
    }
}

#[test]
fn every_shape_is_about_one_long() {
    for category_id in 0..taco::CATEGORIES.len() {
        for n in 0..20 {
            let shape = shapes::build(category_id, &mut Key::root(n).index(category_id as u64).draws());
            let xs: Vec<f32> =
                shape.parts.iter().flat_map(|part| part.outline.iter().flatten().map(|p| p[0])).collect();
            let low = xs.iter().copied().fold(f32::MAX, f32::min);
            let high = xs.iter().copied().fold(f32::MIN, f32::max);
            let long = high - low;
            assert!(xs.iter().all(|x| x.is_finite()) && (0.45..1.5).contains(&long), "{category_id}: {long}");
        }
    }
}

#[test]
fn what_is_there_is_kept_and_what_is_foreign_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("set");
    let settings = Generate { images: 3, seed: 1, side: 48 };
    let first = generate(&out, &settings).unwrap();
    let before = digest(&out);
    let second = generate(&out, &settings).unwrap();
    assert_eq!(second, Generated { drawn: false, ..first });

    // Another seed replaces it, and leaves nothing beside it.
    let other = Generate { seed: 2, ..settings.clone() };
    assert!(generate(&out, &other).unwrap().drawn);
    assert_ne!(digest(&out), before);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

    // What a killed process left does not matter, and is swept.
    let part = dir.path().join(".set.part/batch_1");
    fs::create_dir_all(&part).unwrap();
    fs::write(part.join("000099.jpg"), "half").unwrap();
    assert!(generate(&out, &settings).unwrap().drawn);
    assert_eq!(digest(&out), before);

    // A dataset without its annotations is drawn again.
    fs::remove_file(out.join("annotations.json")).unwrap();
    assert!(generate(&out, &settings).unwrap().drawn);
    assert_eq!(digest(&out), before);

    let foreign = dir.path().join("photos");
    fs::create_dir(&foreign).unwrap();
    assert!(generate(&foreign, &settings).is_ok(), "an empty folder may be filled");
    fs::remove_file(foreign.join("generated.json")).unwrap();
    let error = generate(&foreign, &settings).unwrap_err();
    assert!(error.to_string().contains("is not empty and was not generated"), "{error}");
    assert!(foreign.join("annotations.json").exists());
}

#[test]
fn settings_out_of_range_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let error = generate(&dir.path().join("set"), &Generate { side: 8, ..SMALL }).unwrap_err();
    assert_eq!(error.to_string(), "`dataset.generate.side` is 8, expected 32 to 4096");
    assert!(generate(&dir.path().join("set"), &Generate { images: 0, ..SMALL }).is_err());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = generate(&file.join("set"), &SMALL).unwrap_err();
    assert!(error.to_string().starts_with("cannot create folder `"), "{error}");
    let error = generate(Path::new("/"), &SMALL).unwrap_err();
    assert!(error.to_string().contains("expected a path that ends in a name"), "{error}");
}

#[test]
fn a_stop_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("set");
    let error = super::generate(&out, &SMALL, &|done| done < 3).unwrap_err();
    assert!(matches!(error, GenerateError::Stopped { .. }), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    assert!(!is_there(&out, &SMALL));
    generate(&out, &SMALL).unwrap();
    assert!(is_there(&out, &SMALL) && !is_there(&out, &Generate { seed: 8, ..SMALL }));
}
