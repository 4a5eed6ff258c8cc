//! A study of two runs, calls of `ablatrix` on it, and how it should look on a server.

use std::collections::BTreeMap;
use std::process::{Command, Output};

use serde_json::Value;

use super::harness::{Lab, SPEC, stderr};
use super::server::{Run, Server};

/// Writes the spec, with `tracking` in its table.
pub fn write_spec(lab: &Lab, tracking: &str) {
    let policies = "design = \"policies\"\npolicies.none = []\npolicies.flip = [\"flip\"]";
    let spec = SPEC.replace("design = \"add_one\"", policies).replace("seeds = 2", "seeds = 1");
    lab.write_spec(&format!("{spec}[workers]\nthreads = 1\n[tracking]\n{tracking}\n"));
}

/// Writes the spec, which names `server`.
pub fn name_server(lab: &Lab, server: &Server) {
    write_spec(lab, &format!("mlflow = \"{}\"", server.uri()));
}

/// Without logins, proxies and servers of the caller.
pub fn clean(command: &mut Command, lab: &Lab) {
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_ascii_uppercase();
        if upper.starts_with("MLFLOW_") || upper.ends_with("_PROXY") || upper == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command.env("HOME", lab.path("home"));
}

/// `ablatrix run`
pub fn run(lab: &Lab, cache: &str) -> Command {
    let mut command = lab.command(cache, "run", &[]);
    clean(&mut command, lab);
    command
}

/// `ablatrix mlflow sync --format json`
pub fn sync(lab: &Lab, cache: &str) -> Command {
    let mut command = lab.bare();
    clean(&mut command, lab);
    command.args(["mlflow", "sync", "tiny.toml", "--format", "json", "--cache"]).arg(lab.path(cache));
    command
}

/// The answer of a call that must end with this exit code.
pub fn told(output: &Output, code: i32) -> Value {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The states of all runs of an answer of `sync`, each once.
pub fn states(answer: &Value) -> Vec<String> {
    let runs = answer["runs"].as_array().unwrap();
    let mut states: Vec<String> = runs.iter().map(|run| run["state"].as_str().unwrap().to_owned()).collect();
    states.sort();
    states.dedup();
    states
}

/// What a server has, but for times and what depends on them. Each run and each point must be there once.
pub fn picture(server: &Server) -> BTreeMap<String, Run> {
    let mut all = BTreeMap::new();
    for mut run in server.runs() {
        let mut points = BTreeMap::new();
        for (key, step, _, value) in std::mem::take(&mut run.points) {
            let value = if key == "time/images_per_second" { String::new() } else { value };
            let twice = points.insert((key.clone(), step), value).is_some();
            assert!(!twice, "a second point of `{key}` at step {step} in `{}`", run.name);
        }
        run.points = points.into_iter().map(|((key, step), value)| (key, step, 0, value)).collect();
        assert!(run.datasets.len() <= 1, "{:?}", run.datasets);
        // The page has times in it.
        run.files.retain(|_, bytes| !std::mem::take(bytes).is_empty());
        run.tags.remove("study.file/report.html");
        let name = run.name.clone();
        assert!(all.insert(name.clone(), run).is_none(), "`{name}` is there twice");
    }
    all
}
