//! Secrets stay where they are: in the environment, and in what is sent to whom they belong.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use super::harness::{Lab, SPEC, stderr, stdout};
use super::stored::files;

/// What nobody may ever see again. A piece of each is looked for as well, for texts that are cut.
const CANARY: &str = "canary-7f3a9c51e2";

/// Variables that hold secrets of Ablatrix's own and of the libraries that it uses.
const SECRETS: [&str; 15] = [
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GITHUB_TOKEN",
    "WANDB_API_KEY",
    "DATABASE_URL",
    "SSH_AUTH_SOCK",
];

/// Arguments of all processes that mention the canary, this one's own search aside.
fn on_command_lines() -> Vec<String> {
    let ids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let lines = ids.filter_map(|id| fs::read(format!("/proc/{id}/cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .filter(|line| line.contains(CANARY))
        .collect()
}

/// What lies in the study's folder and holds the canary.
fn in_files(lab: &Lab) -> Vec<String> {
    let holds = |bytes: &[u8]| bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
    let found =
        files(&lab.path("")).into_iter().filter(|path| fs::read(path).is_ok_and(|bytes| holds(&bytes)));
    found.map(|path| path.display().to_string()).collect()
}

#[test]
fn no_secret_of_the_environment_is_written_shown_or_passed_on() {
    let Some(lab) = Lab::new() else { return };
    // Both servers are asked and do not answer: what is said then must not hold what was sent.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let spec = SPEC.replace("seeds = 2", "seeds = 1").replace("epochs = 2", "epochs = 1");
    lab.write_spec(&format!("{spec}\n[tracking]\nmlflow = \"http://{closed}\"\n"));
    let with_secrets = |verb: &str, args: &[&str]| {
        let mut command = lab.command("cache", verb, args);
        // A login is either a name and a password, or a token.
        command
            .envs(SECRETS.iter().filter(|name| **name != "MLFLOW_TRACKING_TOKEN").map(|name| (name, CANARY)));
        command.env("AWS_ENDPOINT_URL", format!("http://{closed}")).env("AWS_ALLOW_HTTP", "true");
        command.env("AWS_REGION", "eu-central-1").env("ABLATRIX_LOG", "debug");
        command
    };
    let mut run = with_secrets("run", &["--remote", "s3://results/team"]);
    let mut child =
        run.stdout(Stdio::piped()).stderr(fs::File::create(lab.path("said")).unwrap()).spawn().unwrap();
    let mut looks = 0;
    while child.try_wait().unwrap().is_none() {
        assert_eq!(on_command_lines(), Vec::<String>::new());
        looks += 1;
        sleep(Duration::from_millis(100));
    }
    let output = child.wait_with_output().unwrap();
    let said = fs::read_to_string(lab.path("said")).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(looks > 0 && said.contains("the study goes on without the remote"), "{said}");
    assert!(!stdout(&output).contains(CANARY));
    // Those that fail, and those that tell of the machine.
    for (verb, args) in [
        ("status", &[][..]),
        ("why", &[]),
        ("report", &[]),
        ("check", &["--set", "train.epochs=zero"]),
        ("run", &["--set", "model.weights=hf:none/none", "--set", "train.epochs=2"]),
    ] {
        let mut command = with_secrets(verb, args);
        let output = command.env("HF_ENDPOINT", format!("http://{closed}")).output().unwrap();
        let said = stdout(&output) + &stderr(&output);
        assert!(!said.contains(CANARY), "{verb}: {said}");
    }
    let mut doctor = lab.bare();
    let output = doctor.arg("doctor").envs(SECRETS.iter().map(|name| (name, CANARY))).output().unwrap();
    assert!(!(stdout(&output) + &stderr(&output)).contains(CANARY), "doctor");
    assert_eq!(in_files(&lab), Vec::<String>::new());
    // What would be found is found.
    fs::write(lab.path("cache/leak"), format!("token={CANARY}")).unwrap();
    assert_eq!(in_files(&lab).len(), 1);
}

#[test]
fn a_secret_in_a_url_is_refused_and_not_repeated() {
    let lab = Lab::without_worker();
    for (key, url) in [
        ("tracking.mlflow", format!("http://me:{CANARY}@127.0.0.1:9")),
        ("tracking.mlflow", format!("http://{CANARY}@127.0.0.1:9")),
    ] {
        let (section, name) = key.split_once('.').unwrap();
        lab.write_spec(&format!("{SPEC}\n[{section}]\n{name} = \"{url}\"\n"));
        for verb in ["check", "plan", "run"] {
            let output = lab.call("cache", verb, &["--format", "json"]);
            let said = stdout(&output) + &stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{verb}: {said}");
            assert!(!said.contains(CANARY), "{verb}: {said}");
        }
    }
    lab.write_spec(SPEC);
    for remote in [format!("s3://me:{CANARY}@bucket/x"), format!("s3://bucket/x?token={CANARY}")] {
        let output = lab.call("cache", "run", &["--remote", &remote, "--until", "balance"]);
        let said = stdout(&output) + &stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(!said.contains(CANARY), "{said}");
    }
}
