//! Weights of the hub that are there already: trained from as from a path, under the same keys.

use std::fs;
use std::os::unix::fs::symlink;

use super::harness::{Lab, SPEC, stderr};
use super::stored::entries;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

#[test]
fn a_model_of_the_hub_trains_as_its_file_does() {
    let Some(lab) = Lab::new() else { return };
    let one_run = SPEC.replace("seeds = 2", "seeds = 1").replace("epochs = 2", "epochs = 1");
    let one_run = one_run.replace("\"add_one\"", "\"none\"");
    lab.write_spec(&one_run);
    lab.run("cache");
    let mut trained = entries(&lab.path("cache/entries")).into_iter().map(|(_, record)| record);
    let trained = trained.rfind(|record| record["fingerprint"]["stage"] == "train").unwrap();
    let digest = trained["outputs"]["model.safetensors"]["digest"].as_str().unwrap();
    let model = lab.path("cache/objects").join(&digest[..2]).join(&digest[2..]);

    // As the hub's own tools leave it.
    let folder = lab.path("models/models--me--small");
    let snapshot = folder.join("snapshots").join(COMMIT);
    for folder in [folder.join("blobs"), folder.join("refs"), snapshot.clone()] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::copy(&model, folder.join("blobs/aa")).unwrap();
    fs::write(folder.join("refs/main"), COMMIT).unwrap();
    symlink("../../blobs/aa", snapshot.join("model.safetensors")).unwrap();
    fs::copy(&model, lab.path("mine.safetensors")).unwrap();

    let with = |weights: &str| {
        let model = format!("name = \"mobilenet_v3_small\"\nweights = \"{weights}\"");
        lab.write_spec(&one_run.replace("name = \"mobilenet_v3_small\"", &model));
        let mut command = lab.command("cache", "run", &["--format", "json"]);
        let output =
            command.env("HF_HUB_CACHE", lab.path("models")).env("HF_HUB_OFFLINE", "1").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let run: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        run["computed"].as_u64().unwrap()
    };
    // The training, its scores, their metrics and the page; then, by other names, the page alone, which shows the spec.
    assert_eq!(with("hf:me/small"), 4);
    assert_eq!(with("mine.safetensors"), 1);
    assert_eq!(with(&format!("hf:me/small@{COMMIT}")), 1);
    // Nothing is left to do under the first name.
    assert_eq!(with("hf:me/small"), 0);

    // Weights of another architecture are told by the name that the spec has.
    lab.write_spec(&one_run.replace("\"mobilenet_v3_small\"", "\"resnet18\"\nweights = \"hf:me/small\""));
    let output = lab.command("cache", "run", &[]).env("HF_HUB_CACHE", lab.path("models")).output().unwrap();
    let said = stderr(&output);
    assert!(output.status.code() == Some(1) && said.contains("`hf:me/small`"), "{said}");
}
