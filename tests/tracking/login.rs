//! A server that wants a password.

use std::fs;

use super::harness::{Lab, stderr};
use super::server::Server;
use super::study::{clean, name_server, picture, run, states, sync, told};

const PASSWORD: &str = "s3cret-of-the-tests";
/// `ann:s3cret-of-the-tests` in base64.
const LOGIN: &str = "Basic YW5uOnMzY3JldC1vZi10aGUtdGVzdHM=";

#[test]
fn a_password_opens_the_server_and_is_written_nowhere() {
    let Some(lab) = Lab::new() else { return };
    let server = Server::start();
    server.wants(LOGIN);
    name_server(&lab, &server);

    let output = run(&lab, "cache").output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("401") && said.contains("You are not authenticated"), "{said}");
    assert!(said.contains("set MLFLOW_TRACKING_USERNAME") && !said.contains("train "), "{said}");

    let mut command = run(&lab, "cache");
    command.env("MLFLOW_TRACKING_USERNAME", "ann").env("MLFLOW_TRACKING_PASSWORD", PASSWORD);
    let output = command.env("ABLATRIX_LOG", "trace").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(picture(&server).len(), 3);
    let holds =
        |bytes: &[u8], secret: &str| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
    let secrets = [PASSWORD, LOGIN.trim_start_matches("Basic ")];
    let no_secret = |what: &str, bytes: &[u8]| {
        assert!(!secrets.iter().any(|secret| holds(bytes, secret)), "{what}");
    };
    no_secret("standard error", &output.stderr);
    no_secret("the server", format!("{:?}", server.runs()).as_bytes());
    let mut folders = vec![lab.path("cache"), lab.path("reports")];
    let mut n_files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            match entry.unwrap().path() {
                path if path.is_dir() => folders.push(path),
                path => {
                    n_files += 1;
                    no_secret(&path.display().to_string(), &fs::read(&path).unwrap());
                }
            }
        }
    }
    assert!(n_files > 20, "{n_files}");

    let output = sync(&lab, "cache").output().unwrap();
    assert!(output.status.code() == Some(1) && stderr(&output).contains("401"), "{}", stderr(&output));
    fs::create_dir_all(lab.path("home/.mlflow")).unwrap();
    let kept = format!("[mlflow]\nmlflow_tracking_username = ann\nmlflow_tracking_password = {PASSWORD}\n");
    fs::write(lab.path("home/.mlflow/credentials"), kept).unwrap();
    assert_eq!(states(&told(&sync(&lab, "cache").output().unwrap(), 0)), ["there"]);
}

#[test]
fn the_doctor_says_how_the_server_is() {
    let lab = Lab::without_worker();
    let mut server = Server::start();
    server.wants(LOGIN);
    name_server(&lab, &server);
    let doctor = |password: Option<&str>| {
        let mut command = lab.bare();
        clean(&mut command, &lab);
        command.args(["doctor", "tiny.toml", "--format", "json", "--cache"]).arg(lab.path("cache"));
        if let Some(password) = password {
            command.env("MLFLOW_TRACKING_USERNAME", "ann").env("MLFLOW_TRACKING_PASSWORD", password);
        }
        let answer: serde_json::Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        let findings = answer["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|finding| finding["what"] == "MLflow").unwrap()
    };
    let good = doctor(Some(PASSWORD));
    assert_eq!(good["state"], "good");
    let text = good["text"].as_str().unwrap();
    assert!(
        text.starts_with("3.17.2 at `http://127.0.0.1:") && text.contains("`MLFLOW_TRACKING_USERNAME`"),
        "{text}"
    );
    assert!(text.ends_with("experiment `tiny` is made with the first run"), "{text}");
    for wrong in [None, Some("wrong")] {
        let bad = doctor(wrong);
        assert_eq!(bad["state"], "bad", "{bad}");
        assert!(bad["help"].as_str().unwrap().contains("MLFLOW_TRACKING_PASSWORD"), "{bad}");
    }
    server.stop();
    let down = doctor(None);
    assert_eq!(down["state"], "fair", "{down}");
    assert!(down["help"].as_str().unwrap().contains("mlflow server"), "{down}");
}
