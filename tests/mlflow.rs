//! A study sent to a real MLflow server, checked through its REST API.
//!
//! Runs where `ABLATRIX_TEST_MLFLOW` names an `mlflow` executable; starts it on loopback with a database in a
//! temporary folder, and ends it also when the test fails.

#![expect(clippy::unwrap_used, reason = "a test may end so")]

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ablatrix::track::{
    Content, DatasetSource, Epoch, History, Outcome, RunFinished, RunStarted, StudyFile, StudyFinished,
    StudyStarted, TrackError, TrackEvent, Tracker, TrackerConfig, replay,
};
use serde_json::{Value, json};

/// A server that is gone when the test is.
struct Server {
    child: Child,
    uri: String,
}

impl Server {
    fn start(executable: &str, folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = File::create(folder.join("server.log")).unwrap();
        let child = Command::new(executable)
            .args(["server", "--workers", "1", "--host", "127.0.0.1", "--port", &port.to_string()])
            .arg("--backend-store-uri")
            .arg(format!("sqlite:///{}", folder.join("mlflow.db").display()))
            .arg("--artifacts-destination")
            .arg(folder.join("artifacts"))
            .env("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
            .env("DO_NOT_TRACK", "true")
            .env_remove("MLFLOW_TRACKING_URI")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            // The server has children of its own, which must end with it.
            .process_group(0)
            .spawn()
            .unwrap();
        let mut server = Server { child, uri: format!("http://127.0.0.1:{port}") };
        let until = Instant::now() + Duration::from_secs(120);
        while ureq::get(format!("{}/health", server.uri)).call().is_err() {
            let log = || std::fs::read_to_string(folder.join("server.log")).unwrap_or_default();
            assert!(server.child.try_wait().unwrap().is_none(), "the server ended: {}", log());
            assert!(Instant::now() < until, "the server did not start: {}", log());
            sleep(Duration::from_millis(250));
        }
        server
    }

    fn stop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.child.wait();
    }

    fn get(&self, path: &str) -> Vec<u8> {
        let mut answer = ureq::get(format!("{}{path}", self.uri)).call().unwrap();
        answer.body_mut().read_to_vec().unwrap()
    }

    fn post(&self, call: &str, body: Value) -> Value {
        let url = format!("{}/api/2.0/mlflow/{call}", self.uri);
        ureq::post(url).send_json(body).unwrap().body_mut().read_json().unwrap()
    }

    /// All runs by name, each with its histories: all that the study has left on the server.
    fn runs(&self, experiment_id: &str) -> Vec<Value> {
        let search = json!({"experiment_ids": [experiment_id], "run_view_type": "ALL", "max_results": 100});
        let mut runs = self.post("runs/search", search)["runs"].as_array().cloned().unwrap_or_default();
        for run in &mut runs {
            let run_id = run["info"]["run_id"].as_str().unwrap().to_owned();
            let metrics = run["data"]["metrics"].as_array().cloned().unwrap_or_default();
            for key in metrics.iter().map(|metric| metric["key"].as_str().unwrap()) {
                let request = ureq::get(format!("{}/api/2.0/mlflow/metrics/get-history", self.uri));
                let request = request.query("run_id", &run_id).query("metric_key", key);
                let history: Value = request.call().unwrap().body_mut().read_json().unwrap();
                run["history"][key] = history["metrics"].clone();
            }
        }
        runs.sort_by_key(|run| run["info"]["run_name"].to_string());
        runs
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

const START_MS: i64 = 1_790_000_000_000;
const REPORT: &[u8] = b"<!doctype html><title>report</title>";

fn study() -> Vec<TrackEvent> {
    let mut events = vec![TrackEvent::StudyStarted(StudyStarted {
        study_id: "litter@5f0c".into(),
        name: "litter".into(),
        question: "Does a flip help?".into(),
        params: [("train.epochs".to_owned(), "3".to_owned())].into(),
        dataset: Some(DatasetSource {
            name: "generated".into(),
            digest: "ab12".repeat(16),
            source: "data/generated".into(),
        }),
        live: true,
        time_ms: START_MS,
    })];
    for (variant, seed) in [("none", 0), ("none", 1), ("flip+noise", 0), ("flip+noise", 1)] {
        let trial_id = format!("litter@{variant}/{seed}");
        events.push(TrackEvent::RunStarted(RunStarted {
            run: format!("{variant}/seed={seed}"),
            variant: variant.into(),
            seed,
            fold: None,
            trial_id: trial_id.clone(),
            params: (0..150).map(|i| (format!("setting.{i:03}"), format!("{i}"))).collect(),
            tags: [("device".to_owned(), "cpu".to_owned())].into(),
            live: true,
            start_time_ms: START_MS + 1000,
        }));
        for epoch in 1..=3 {
            let loss = 1.0 / f64::from(epoch);
            let mut metrics = vec![("train/loss".to_owned(), loss), ("val/Küche (m²)".to_owned(), 0.5)];
            metrics.push(("val/loss".to_owned(), if epoch == 2 { f64::NAN } else { loss }));
            metrics.push(("val/odd".to_owned(), f64::INFINITY));
            let time_ms = START_MS + 1000 * i64::from(epoch);
            events.push(TrackEvent::Epoch(Epoch { trial_id: trial_id.clone(), epoch, time_ms, metrics }));
        }
        events.push(TrackEvent::RunFinished(RunFinished {
            trial_id,
            outcome: Outcome::Finished,
            metrics: vec![("test/map_macro".into(), 0.25), ("test/undefined".into(), f64::NAN)],
            time_ms: START_MS + 5000,
        }));
    }
    events.push(TrackEvent::StudyFinished(StudyFinished {
        study_id: "litter@5f0c".into(),
        outcome: Outcome::Finished,
        files: vec![StudyFile { name: "report.html".into(), content: Content::Bytes(REPORT.to_vec()) }],
        metrics: vec![("effect/flip+noise".into(), 0.0125)],
        time_ms: START_MS + 9000,
    }));
    events
}

fn config(server: &Server) -> TrackerConfig {
    TrackerConfig {
        uri: format!("{}/", server.uri),
        experiment: "litter study/1".into(),
        required: true,
        tags: [("mlflow.user".to_owned(), "ann".to_owned())].into(),
        ..TrackerConfig::default()
    }
}

fn value_of<'a>(list: &'a Value, key: &str) -> &'a Value {
    let found = list.as_array().unwrap().iter().find(|entry| entry["key"] == key);
    &found.unwrap_or_else(|| panic!("no `{key}` in {list}"))["value"]
}

#[test]
fn a_study_arrives_once_however_often_it_is_sent() {
    let Some(executable) = std::env::var("ABLATRIX_TEST_MLFLOW").ok().filter(|path| !path.is_empty()) else {
        println!("skipped: `ABLATRIX_TEST_MLFLOW` names no `mlflow` executable");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(&executable, folder.path());

    let tracker = Tracker::start(config(&server)).unwrap();
    study().into_iter().for_each(|event| tracker.send(event));
    let outcome = tracker.finish(Duration::from_secs(60));
    assert_eq!((outcome.sent, outcome.unsent), (5, 0), "{outcome:?}");
    assert_eq!(outcome.warnings, Vec::<String>::new());

    let experiment = server.get("/api/2.0/mlflow/experiments/get-by-name?experiment_name=litter%20study%2F1");
    let experiment = serde_json::from_slice::<Value>(&experiment).unwrap()["experiment"].clone();
    let experiment_id = experiment["experiment_id"].as_str().unwrap();
    assert_eq!(value_of(&experiment["tags"], "mlflow.note.content"), "Does a flip help?");
    assert!(outcome.page.unwrap().contains(&format!("/#/experiments/{experiment_id}/runs?")));
    let runs = server.runs(experiment_id);
    check(&server, &runs);

    let outcome = replay(config(&server), study(), &mut |_| {}).unwrap();
    assert_eq!((outcome.sent, outcome.unsent), (5, 0), "{outcome:?}");
    assert_eq!(server.runs(experiment_id), runs, "the same events again changed something");

    server.post("experiments/delete", json!({"experiment_id": experiment_id}));
    let error = Tracker::start(config(&server)).unwrap_err();
    assert!(matches!(error, TrackError::ExperimentDeleted { .. }), "{error}");
    server.post("experiments/restore", json!({"experiment_id": experiment_id}));

    // Killed in the middle of a study, and started again with what it had.
    let another = |server: &Server| TrackerConfig { experiment: "another".into(), ..config(server) };
    let tracker = Tracker::start(another(&server)).unwrap();
    let (first, rest) = (study()[..8].to_vec(), study()[8..].to_vec());
    first.into_iter().for_each(|event| tracker.send(event));
    let experiment_id = loop {
        let found = ureq::get(format!("{}/api/2.0/mlflow/experiments/get-by-name", server.uri));
        let found = found.query("experiment_name", "another").call();
        let Ok(mut found) = found else { continue };
        let id = found.body_mut().read_json::<Value>().unwrap()["experiment"]["experiment_id"].clone();
        let id = id.as_str().unwrap().to_owned();
        if server.runs(&id).len() >= 2 {
            break id;
        }
    };
    server.stop();
    rest.into_iter().for_each(|event| tracker.send(event));
    let outcome = tracker.finish(Duration::from_secs(5));
    assert!(outcome.unsent >= 3, "{outcome:?}");

    let server = Server::start(&executable, folder.path());
    let outcome = replay(another(&server), from_results(), &mut |_| {}).unwrap();
    assert_eq!((outcome.sent, outcome.unsent), (5, 0), "{outcome:?}");
    let runs = server.runs(&experiment_id);
    check(&server, &runs);
    let outcome = replay(another(&server), from_results(), &mut |_| {}).unwrap();
    assert!(outcome.runs.iter().all(|run| run.whole && run.sent.is_nothing()), "{outcome:?}");
    assert_eq!(server.runs(&experiment_id), runs, "the same results again changed something");
}

/// The study as its results tell it: epochs together, and nothing under way.
fn from_results() -> Vec<TrackEvent> {
    let mut events: Vec<TrackEvent> = Vec::new();
    for event in study() {
        match (event, events.last_mut()) {
            (TrackEvent::Epoch(epoch), Some(TrackEvent::History(history))) => history.epochs.push(epoch),
            (TrackEvent::Epoch(epoch), _) => {
                let trial_id = epoch.trial_id.clone();
                events.push(TrackEvent::History(History { trial_id, epochs: vec![epoch] }));
            }
            (TrackEvent::RunStarted(event), _) => {
                events.push(TrackEvent::RunStarted(RunStarted { live: false, ..event }));
            }
            (event, _) => events.push(event),
        }
    }
    events
}

fn check(server: &Server, runs: &[Value]) {
    let names: Vec<_> = runs.iter().map(|run| run["info"]["run_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["flip+noise/seed=0", "flip+noise/seed=1", "litter", "none/seed=0", "none/seed=1"]);
    for run in runs.iter().filter(|run| run["info"]["run_name"] != "litter") {
        let (info, data) = (&run["info"], &run["data"]);
        assert_eq!(info["status"], "FINISHED");
        assert_eq!(
            (&info["start_time"], &info["end_time"]),
            (&json!(START_MS + 1000), &json!(START_MS + 5000))
        );
        let name = format!("{}/seed={}", value_of(&data["params"], "variant").as_str().unwrap(), {
            value_of(&data["params"], "seed").as_str().unwrap()
        });
        assert_eq!(info["run_name"], name.as_str());
        assert_eq!(data["params"].as_array().unwrap().len(), 152);
        assert_eq!(value_of(&data["params"], "setting.149"), "149");
        assert_eq!(value_of(&data["tags"], "study.kind"), "run");
        assert_eq!(value_of(&data["tags"], "mlflow.user"), "ann");
        assert_eq!(value_of(&data["metrics"], "test/map_macro"), 0.25);
        assert_eq!(value_of(&data["metrics"], "test/undefined"), "NaN");
        assert_eq!(value_of(&data["metrics"], "val/odd"), f64::MAX);
        let keys = data["metrics"].as_array().unwrap().iter().map(|m| m["key"].as_str().unwrap());
        assert_eq!(keys.filter(|key| key.starts_with("val/Küche _m²_.")).count(), 1);
        let points = run["history"]["train/loss"].as_array().unwrap();
        let points: Vec<_> = points.iter().map(|point| (&point["step"], &point["value"])).collect();
        let expected = [(json!(1), json!(1.0)), (json!(2), json!(0.5)), (json!(3), json!(1.0 / 3.0))];
        assert_eq!(points, expected.iter().map(|(step, value)| (step, value)).collect::<Vec<_>>());
        assert_eq!(run["history"]["val/loss"][1]["value"], "NaN");
        let inputs = run["inputs"]["dataset_inputs"].as_array().unwrap();
        assert_eq!((inputs.len(), &inputs[0]["dataset"]["name"]), (1, &json!("generated")));
    }
    let study = &runs[2];
    assert_eq!(study["info"]["status"], "FINISHED");
    assert_eq!(value_of(&study["data"]["tags"], "study.kind"), "study");
    assert_eq!(study["data"]["params"].as_array().unwrap().len(), 1);
    let keys = study["data"]["metrics"].as_array().unwrap();
    assert!(keys[0]["key"].as_str().unwrap().starts_with("effect/flip_noise.") && keys[0]["value"] == 0.0125);
    let run_id = study["info"]["run_id"].as_str().unwrap();
    assert_eq!(server.get(&format!("/get-artifact?run_uuid={run_id}&path=report.html")), REPORT);
}
