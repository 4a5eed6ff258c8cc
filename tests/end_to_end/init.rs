//! `ablatrix init`: what it writes for each kind of data can be checked as it stands.

use std::fs;

use super::harness::{Lab, stderr, stdout};

/// `ablatrix init SPEC ARGS` in the lab's folder: exit code, and all that was said.
fn init(lab: &Lab, args: &[&str]) -> (i32, String) {
    let output = lab.bare().arg("init").args(args).output().unwrap();
    (output.status.code().unwrap(), stdout(&output) + &stderr(&output))
}

/// What `check` says of a spec.
fn checked(lab: &Lab, spec: &str) -> String {
    let output = lab.bare().args(["check", spec]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output)
}

#[test]
fn a_folder_for_each_label() {
    let lab = Lab::without_worker();
    let (code, said) = init(&lab, &["mine.toml", "--from", "folders", "images"]);
    assert_eq!(code, 0, "{said}");
    for words in
        ["wrote mine.toml: 48 images, 3 labels; next:", "ablatrix check mine.toml", "ablatrix run mine.toml"]
    {
        assert!(said.contains(words), "{said}");
    }
    let text = fs::read_to_string(lab.path("mine.toml")).unwrap();
    assert!(
        text.contains("# Of 48 images: glass 16, metal 16, paper 16.")
            && text.contains("name     = \"mine\""),
        "{text}"
    );
    assert!(text.contains("get no verdict: glass, metal, paper."), "{text}");
    assert!(checked(&lab, "mine.toml").contains("5 variants x 3 seeds = 15 runs"));
    let (code, said) = init(&lab, &["mine.toml", "--from", "folders", "images"]);
    assert!(
        code == 2 && said.contains("`mine.toml` is there already") && said.contains("`--force`"),
        "{said}"
    );
    assert_eq!(init(&lab, &["mine.toml", "--force"]).0, 0);
    assert!(
        !fs::read_dir(lab.path("")).unwrap().any(|entry| entry
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with(".init-"))
    );
}

#[test]
fn a_spec_in_another_folder_finds_the_data() {
    let lab = Lab::without_worker();
    fs::create_dir(lab.path("specs")).unwrap();
    assert_eq!(init(&lab, &["specs/a b.toml", "--from", "folders", "images"]).0, 0);
    assert!(checked(&lab, "specs/a b.toml").contains("15 runs"));
    let (code, said) = init(&lab, &["none/a.toml"]);
    assert!(code == 2 && said.contains("there is no folder `none`"), "{said}");
}

#[test]
fn a_table_of_labels() {
    let lab = Lab::without_worker();
    let mut table = "id,picture,split,tags\n".to_owned();
    for (at, class) in ["glass", "metal", "paper"].iter().enumerate() {
        for i in 0..16 {
            let part = ["train", "train", "val", "test"][i % 4];
            table.push_str(&format!("{},{class}/{i:02}.png,{part},{class};any\n", 16 * at + i));
        }
    }
    fs::write(lab.path("table.csv"), table).unwrap();
    let (code, said) = init(&lab, &["--from", "csv", "table.csv"]);
    assert!(code == 0 && said.contains("wrote study.toml: 48 images, 4 labels"), "{said}");
    let text = fs::read_to_string(lab.path("study.toml")).unwrap();
    assert!(
        text.contains("images       = \"./images\"") && text.contains("part_column  = \"split\""),
        "{text}"
    );
    assert!(checked(&lab, "study.toml").contains("15 runs"));
    fs::write(lab.path("bad.csv"), "a,b\n1,2\n").unwrap();
    let (code, said) = init(&lab, &["bad.toml", "--from", "csv", "bad.csv"]);
    assert!(code == 2 && said.contains("no column of `bad.csv` holds names of pictures"), "{said}");
    assert!(!lab.path("bad.toml").exists());
}

#[test]
fn scenes_that_are_drawn_and_then_read_as_coco_and_as_taco() {
    let lab = Lab::without_worker();
    let (code, said) = init(&lab, &["drawn.toml"]);
    assert!(code == 0 && said.contains("600 images"), "{said}");
    let drawn = lab
        .bare()
        .args(["run", "drawn.toml", "--until", "balance", "--set", "dataset.generate.images=120"])
        .output()
        .unwrap();
    assert_eq!(drawn.status.code(), Some(0), "{}", stderr(&drawn));
    let file = "generated/scenes/annotations.json";
    let (code, said) = init(&lab, &["coco.toml", "--from", "coco", file]);
    assert!(code == 0 && said.contains("120 images"), "{said}");
    assert!(fs::read_to_string(lab.path("coco.toml")).unwrap().contains("from = \"supercategory\""));
    checked(&lab, "coco.toml");
    let (code, said) = init(&lab, &["taco.toml", "--from", "taco", "generated/scenes"]);
    assert!(code == 0 && said.contains("120 images, 6 labels"), "{said}");
    checked(&lab, "taco.toml");
}

#[test]
fn what_is_not_there_or_not_known_is_said() {
    let lab = Lab::without_worker();
    for (args, words) in [
        (&["--from", "folders", "nowhere"][..], "there is no folder `nowhere`"),
        (&["--from", "folders"], "`--from folders` wants a path"),
        (&["--from", "yolo", "images"], "`folders DIR`, `csv FILE`, `coco FILE` and `taco DIR` are known"),
        (&["--from", "taco", "images"], "there is no file `images/annotations.json`"),
    ] {
        let (code, said) = init(&lab, args);
        assert!(code == 2 && said.contains(words), "{args:?}: {said}");
        assert!(!lab.path("study.toml").exists());
    }
}
