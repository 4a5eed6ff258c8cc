//! MLflow's REST calls, spoken over HTTP (checked against MLflow 3.17.2).
//!
//! Gives typed answers and errors with the server's own words. Keeps no state between calls; what must not be
//! done twice is left to [`delivery`](super::delivery), which looks first.

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::{Value, json};
use ureq::http::Method;

use super::address::{ServerAddress, percent_encoded};
use super::api::{
    Api, Batch, Dataset, Experiment, FoundRun, Metric, NewRun, Refusal, RunStatus, ServerVersion, Upload,
};
use super::batch::{halves, pieces};
use super::credentials::{Credentials, CredentialsError};
use super::http::{CallError, Exchange, Http, Limits, Payload, Repeat, Severity};
use super::names;
use super::words::{short, words};

/// After so many single refusals the rest of a batch is not tried one by one.
const MOST_REFUSALS: usize = 8;
/// Pages of a metric's history that are read; a server that never comes to an end is left.
const MOST_PAGES: usize = 1000;
/// What the upload that does without the artifact proxy takes.
const PLAIN_UPLOAD_BYTES: usize = 10_000_000;

/// Speaks to one MLflow server.
#[derive(Debug)]
pub struct Client {
    http: Http,
}

impl Client {
    /// A client for `server`; nothing is sent yet.
    ///
    /// # Errors
    /// When a certificate that the environment names cannot be used.
    pub fn new(
        server: ServerAddress,
        credentials: &Credentials,
        limits: Limits,
    ) -> Result<Self, CredentialsError> {
        Ok(Client { http: Http::new(server, credentials, limits)? })
    }

    fn get(&self, call: &'static str, path: &str) -> Result<String, CallError> {
        let exchange =
            Exchange { method: Method::GET, path, call, payload: Payload::Nothing, repeat: Repeat::Safe };
        self.http.send(&exchange)
    }

    /// `call` is the path below `/api/2.0/mlflow/`.
    fn post(&self, call: &'static str, body: &Value, repeat: Repeat) -> Result<Value, CallError> {
        let path = format!("/api/2.0/mlflow/{call}");
        let exchange =
            Exchange { method: Method::POST, path: &path, call, payload: Payload::Json(body), repeat };
        self.json(call, &self.http.send(&exchange)?)
    }

    fn json(&self, call: &'static str, text: &str) -> Result<Value, CallError> {
        serde_json::from_str(text).map_err(|_| self.unexpected(call, text, "MLflow's JSON"))
    }

    fn unexpected(&self, call: &'static str, text: &str, expected: &'static str) -> CallError {
        let text = if text.trim_start().starts_with('<') { words(text).1 } else { short(text) };
        CallError::Unexpected { server: self.http.server().to_string(), call, text, expected }
    }

    /// One `log-batch` of allowed size; a refused one is halved until the bad value stands alone.
    fn log_piece(&self, run_id: &str, piece: Batch, refused: &mut Vec<Refusal>) -> Result<(), CallError> {
        let metric = |m: &Metric| json!({"key": m.key, "value": names::number(m.value), "timestamp": m.time_ms, "step": m.step});
        let body = json!({
            "run_id": run_id,
            "metrics": piece.metrics.iter().map(metric).collect::<Vec<_>>(),
            "params": pairs(&piece.params),
            "tags": pairs(&piece.tags),
        });
        let text = match self.post("runs/log-batch", &body, Repeat::Safe) {
            Ok(_) => return Ok(()),
            Err(CallError::Status { status: 400 | 413, text, .. }) => text,
            Err(error) => return Err(error),
        };
        if piece.len() == 1 || refused.len() >= MOST_REFUSALS {
            let metrics = piece.metrics.iter().map(|m| format!("metric `{}`", m.key));
            let params = piece.params.iter().map(|(key, _)| format!("param `{key}`"));
            let tags = piece.tags.iter().map(|(key, _)| format!("tag `{key}`"));
            let all = metrics.chain(params).chain(tags);
            refused.extend(all.map(|what| Refusal { what, text: text.clone() }));
            return Ok(());
        }
        let (left, right) = halves(piece);
        self.log_piece(run_id, left, refused)?;
        self.log_piece(run_id, right, refused)
    }

    /// Without the artifact proxy: the upload of MLflow's own page.
    fn upload_plainly(&self, upload: &Upload<'_>) -> Result<(), CallError> {
        if upload.bytes.len() > PLAIN_UPLOAD_BYTES {
            let reason = format!(
                "the server keeps artifacts elsewhere (`{}`) and takes at most {PLAIN_UPLOAD_BYTES} bytes itself, \
                 found {}",
                upload.artifact_uri,
                upload.bytes.len()
            );
            return Err(CallError::Artifact { name: upload.name.to_owned(), reason });
        }
        let path = format!(
            "/ajax-api/2.0/mlflow/upload-artifact?run_uuid={}&path={}",
            percent_encoded(upload.run_id),
            percent_encoded(upload.name)
        );
        let exchange = Exchange {
            method: Method::POST,
            path: &path,
            call: "upload-artifact",
            payload: Payload::File(upload.bytes),
            repeat: Repeat::Safe,
        };
        self.http.send(&exchange).map(|_| ())
    }
}

impl Api for Client {
    fn limit(&mut self, deadline: Option<Instant>) {
        self.http.limit(deadline);
    }

    fn health(&self) -> Result<(), CallError> {
        let (call, path) = ("health", "/health");
        // Asked while somebody waits for the study to begin: once is enough to know.
        let exchange =
            Exchange { method: Method::GET, path, call, payload: Payload::Nothing, repeat: Repeat::Never };
        self.http.send(&exchange).map(|_| ())
    }

    fn version(&self) -> Result<ServerVersion, CallError> {
        let text = self.get("version", "/version")?;
        let version = text.trim();
        if version.starts_with(|c: char| c.is_ascii_digit()) && version.len() < 64 {
            return Ok(ServerVersion(version.to_owned()));
        }
        Err(self.unexpected("version", &text, "the version of an MLflow server"))
    }

    fn experiment(&self, name: &str) -> Result<Option<Experiment>, CallError> {
        let call = "experiments/get-by-name";
        let path =
            format!("/api/2.0/mlflow/{call}?experiment_name={}", percent_encoded(name).replace('/', "%2F"));
        let answer = match self.get(call, &path) {
            Err(error) if error.has_code("RESOURCE_DOES_NOT_EXIST") => return Ok(None),
            other => self.json(call, &other?)?,
        };
        let experiment = &answer["experiment"];
        match experiment["experiment_id"].as_str() {
            Some(id) => Ok(Some(Experiment {
                experiment_id: id.to_owned(),
                deleted: experiment["lifecycle_stage"] == "deleted",
            })),
            None => Err(self.unexpected(call, &answer.to_string(), "an experiment")),
        }
    }

    fn create_experiment(&self, name: &str, tags: &[(String, String)]) -> Result<String, CallError> {
        let call = "experiments/create";
        let answer = self.post(call, &json!({"name": name, "tags": pairs(tags)}), Repeat::Never)?;
        let id = answer["experiment_id"].as_str().map(str::to_owned);
        id.ok_or_else(|| self.unexpected(call, &answer.to_string(), "an experiment's id"))
    }

    fn find_run(&self, experiment_id: &str, tag: &str, value: &str) -> Result<Option<FoundRun>, CallError> {
        let call = "runs/search";
        let body = json!({
            "experiment_ids": [experiment_id],
            "filter": format!("tags.`{tag}` = '{value}'"),
            "run_view_type": "ACTIVE_ONLY",
            "max_results": 1,
            "order_by": ["attributes.start_time ASC"],
        });
        let answer = self.post(call, &body, Repeat::Safe)?;
        match answer["runs"].get(0) {
            None => Ok(None),
            Some(run) => read_run(run)
                .map(Some)
                .ok_or_else(|| self.unexpected(call, &run.to_string(), "a run with its id")),
        }
    }

    fn steps(&self, run_id: &str, key: &str) -> Result<BTreeSet<i64>, CallError> {
        let call = "metrics/get-history";
        let encoded = |text: &str| percent_encoded(text).replace('/', "%2F");
        let (run_id, key) = (encoded(run_id), encoded(key));
        let mut steps = BTreeSet::new();
        let mut token = String::new();
        for _ in 0..MOST_PAGES {
            let mut path = format!("/api/2.0/mlflow/{call}?run_id={run_id}&metric_key={key}");
            if !token.is_empty() {
                path.push_str(&format!("&page_token={}", encoded(&token)));
            }
            let answer = self.json(call, &self.get(call, &path)?)?;
            let points = answer["metrics"].as_array().map_or(&[][..], Vec::as_slice);
            steps.extend(points.iter().map(|point| whole(&point["step"])));
            token = answer["next_page_token"].as_str().unwrap_or_default().to_owned();
            if token.is_empty() {
                break;
            }
        }
        Ok(steps)
    }

    fn create_run(&self, run: &NewRun<'_>) -> Result<FoundRun, CallError> {
        let call = "runs/create";
        let body = json!({
            "experiment_id": run.experiment_id,
            "run_name": run.name,
            "start_time": run.start_time_ms,
            "tags": pairs(&run.tags),
        });
        let answer = self.post(call, &body, Repeat::Never)?;
        read_run(&answer["run"])
            .ok_or_else(|| self.unexpected(call, &answer.to_string(), "a run with its id"))
    }

    fn update_run(&self, run_id: &str, status: RunStatus, end_time_ms: Option<i64>) -> Result<(), CallError> {
        let mut body = json!({"run_id": run_id, "status": status.as_str()});
        if let Some(end) = end_time_ms {
            body["end_time"] = json!(end);
        }
        self.post("runs/update", &body, Repeat::Safe).map(|_| ())
    }

    fn log_batch(&self, run_id: &str, batch: Batch) -> Result<Vec<Refusal>, CallError> {
        let mut refused = Vec::new();
        for piece in pieces(batch) {
            self.log_piece(run_id, piece, &mut refused)?;
        }
        Ok(refused)
    }

    fn log_input(&self, run_id: &str, dataset: &Dataset) -> Result<(), CallError> {
        let source = json!({"uri": dataset.source}).to_string();
        let body = json!({
            "run_id": run_id,
            "datasets": [{
                "tags": [{"key": "mlflow.data.context", "value": "training"}],
                "dataset": {
                    "name": dataset.name, "digest": dataset.digest, "source_type": "local", "source": source,
                },
            }],
        });
        self.post("runs/log-inputs", &body, Repeat::Never).map(|_| ())
    }

    fn put_artifact(&self, upload: &Upload<'_>) -> Result<(), CallError> {
        let Some(folder) = proxied_folder(upload.artifact_uri) else { return self.upload_plainly(upload) };
        let path = format!(
            "/api/2.0/mlflow-artifacts/artifacts/{}/{}",
            percent_encoded(folder),
            percent_encoded(upload.name)
        );
        let exchange = Exchange {
            method: Method::PUT,
            path: &path,
            call: "mlflow-artifacts/artifacts",
            payload: Payload::File(upload.bytes),
            repeat: Repeat::Safe,
        };
        match self.http.send(&exchange) {
            Ok(_) => Ok(()),
            // How a server that was started with `--no-serve-artifacts` answers.
            Err(CallError::Status { status: 503, text, .. }) if text.contains("serve-artifacts") => {
                self.upload_plainly(upload)
            }
            Err(error) if error.severity() == Severity::Item => self.upload_plainly(upload),
            Err(error) => Err(error),
        }
    }

    fn page(&self, experiment_id: &str) -> String {
        let filter = percent_encoded("tags.`study.kind` = 'run'");
        let query = format!("compareRunsMode=CHART&searchFilter={filter}");
        self.http.server().join(&format!("/#/experiments/{}/runs?{query}", percent_encoded(experiment_id)))
    }
}

fn pairs(pairs: &[(String, String)]) -> Vec<Value> {
    pairs.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

/// `mlflow-artifacts:/7/run/artifacts` and `mlflow-artifacts://host/7/run/artifacts` to `7/run/artifacts`.
fn proxied_folder(artifact_uri: &str) -> Option<&str> {
    let rest = artifact_uri.strip_prefix("mlflow-artifacts:")?;
    let rest = match rest.strip_prefix("//") {
        Some(rest) => rest.split_once('/')?.1,
        None => rest,
    };
    let folder = rest.trim_matches('/');
    (!folder.is_empty()).then_some(folder)
}

fn read_run(run: &Value) -> Option<FoundRun> {
    let info = &run["info"];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let metric = |value: Value| {
        Some(Metric {
            key: value["key"].as_str()?.to_owned(),
            value: names::read_number(&value["value"])?,
            time_ms: whole(&value["timestamp"]),
            step: whole(&value["step"]),
        })
    };
    let pair = |value: Value| {
        // protobuf's JSON leaves an empty text out.
        Some((value["key"].as_str()?.to_owned(), value["value"].as_str().unwrap_or_default().to_owned()))
    };
    let digest = |value: Value| Some(value["dataset"]["digest"].as_str()?.to_owned());
    Some(FoundRun {
        run_id: info["run_id"].as_str().or(info["run_uuid"].as_str())?.to_owned(),
        artifact_uri: info["artifact_uri"].as_str().unwrap_or_default().to_owned(),
        status: RunStatus::parse(info["status"].as_str().unwrap_or_default()),
        metrics: list(&run["data"]["metrics"]).into_iter().filter_map(metric).collect(),
        params: list(&run["data"]["params"]).into_iter().filter_map(pair).collect(),
        tags: list(&run["data"]["tags"]).into_iter().filter_map(pair).collect(),
        datasets: list(&run["inputs"]["dataset_inputs"]).into_iter().filter_map(digest).collect(),
    })
}

/// A whole number, which protobuf's JSON may write as text.
fn whole(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
