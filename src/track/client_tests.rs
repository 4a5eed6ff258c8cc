//! The client against a server that hangs, cuts, lies and refuses.

use std::time::Duration;

use super::*;
use crate::track::stub::{Reply, Stub};

fn limits() -> Limits {
    Limits {
        connect: Duration::from_secs(2),
        request: Duration::from_millis(150),
        first_wait: Duration::from_millis(1),
        ..Limits::default()
    }
}

fn client(uri: &str) -> Client {
    Client::new(ServerAddress::parse(uri).unwrap(), &Credentials::default(), limits()).unwrap()
}

fn metric(key: &str, value: f64) -> Metric {
    Metric { key: key.into(), value, time_ms: 7, step: 1 }
}

fn new_run() -> NewRun<'static> {
    NewRun { experiment_id: "1", name: "r", start_time_ms: 1, tags: vec![] }
}

#[test]
fn a_refused_login_keeps_the_servers_words_and_is_not_tried_again() {
    let stub = Stub::start(|_, _| Reply::status(401, "You are not authenticated. Please see the docs."));
    let uri = stub.uri.replace("http://", "http://ann:s3cret@");
    let error = client(&uri).version().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "`{}` answered `version` with 401: You are not authenticated. Please see the docs.",
            stub.uri
        )
    );
    assert_eq!(error.severity(), Severity::Everything);
    assert_eq!(stub.lines(), ["GET /version"]);
    assert!(stub.got()[0].headers.contains("Basic YW5uOnMzY3JldA=="), "{}", stub.got()[0].headers);
    assert!(!format!("{error:?} {}", error.with_causes()).contains("s3cret"));
}

#[test]
fn a_gateways_page_is_read_and_the_call_tried_three_times() {
    let page = "<html>\n<head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
    let stub = Stub::start(move |_, _| Reply::status(502, page));
    let error = client(&stub.uri).version().unwrap_err();
    assert!(error.to_string().ends_with("with 502: 502 Bad Gateway nginx"), "{error}");
    assert_eq!(stub.lines().len(), 3);
}

#[test]
fn only_what_is_safe_is_tried_again() {
    let stub =
        Stub::start(
            |got, n| {
                if got.line.contains("log-batch") && n > 0 { Reply::ok("{}") } else { Reply::Cut }
            },
        );
    let client = client(&stub.uri);
    let batch = || Batch { metrics: vec![metric("m", 1.0)], ..Batch::default() };
    assert!(client.log_batch("r", batch()).unwrap().is_empty());
    assert_eq!(stub.lines().len(), 2);
    let error = client.create_run(&new_run()).unwrap_err();
    assert!(matches!(error, CallError::Unreachable { .. }), "{error:?}");
    assert!(matches!(client.create_experiment("e", &[]), Err(CallError::Unreachable { .. })));
    assert!(
        client.log_input("r", &Dataset { name: "n".into(), digest: "d".into(), source: "s".into() }).is_err()
    );
    assert_eq!(stub.lines().len(), 5);
}

#[test]
fn the_server_sets_the_wait_where_it_says_so() {
    let stub = Stub::start(|_, n| match n {
        0 => Reply::Answer { status: 429, headers: "Retry-After: 0\r\n", body: "slow down".into() },
        _ => Reply::ok("3.17.2"),
    });
    let slow = Limits { first_wait: Duration::from_secs(3600), ..limits() };
    let client =
        Client::new(ServerAddress::parse(&stub.uri).unwrap(), &Credentials::default(), slow).unwrap();
    client.version().unwrap();
    assert_eq!(stub.lines().len(), 2);
}

#[test]
fn a_server_that_hangs_or_stalls_is_left_after_the_limit() {
    for reply in [Reply::Hang, Reply::Stall] {
        let stub = Stub::start(move |_, _| reply.clone());
        let error = client(&stub.uri).experiment("e").unwrap_err();
        assert!(matches!(error, CallError::TimedOut { .. }), "{error:?}");
        assert!(error.to_string().ends_with("nothing within 150ms"), "{error}");
        assert_eq!(stub.lines().len(), 1);
    }
}

#[test]
fn a_closed_port_is_unreachable() {
    let uri = Stub::start(|_, _| Reply::Hang).uri.clone();
    let error = client(&uri).health().unwrap_err();
    assert!(matches!(error, CallError::Unreachable { .. }), "{error:?}");
    assert_eq!(error.severity(), Severity::Passing);
    assert!(error.with_causes().to_lowercase().contains("refused"), "{}", error.with_causes());
}

#[test]
fn an_answer_that_is_not_mlflows_is_shown() {
    let stub = Stub::start(|got, _| match got.line.as_str() {
        "GET /version" => Reply::ok("<!doctype html><p>Welcome to my site</p>"),
        _ => Reply::ok(""),
    });
    let client = client(&stub.uri);
    let error = client.version().unwrap_err().to_string();
    assert!(error.contains("`Welcome to my site`, expected the version of an MLflow server"), "{error}");
    let error = client.create_run(&new_run()).unwrap_err().to_string();
    assert!(error.contains("`an empty answer`, expected MLflow's JSON"), "{error}");
}

#[test]
fn a_redirect_names_the_place() {
    let stub = Stub::start(|_, _| Reply::Answer {
        status: 301,
        headers: "Location: https://mlflow.example/x\r\n",
        body: String::new(),
    });
    let error = client(&stub.uri).update_run("r", RunStatus::Finished, None).unwrap_err();
    assert!(error.to_string().ends_with("with 301: moved to `https://mlflow.example/x`"), "{error}");
    assert_eq!(error.severity(), Severity::Everything);
}

#[test]
fn plain_text_behind_https_is_explained() {
    let stub = Stub::start(|_, _| Reply::ok("OK"));
    let error = client(&stub.uri.replace("http:", "https:")).health().unwrap_err();
    assert!(error.to_string().starts_with("no secure connection to `https://127.0.0.1"), "{error:?}");
    assert!(error.to_string().contains("is it `http://`"), "{error}");
}

#[test]
fn an_experiment_is_found_missing_or_deleted() {
    let found =
        |stage: &str| format!(r#"{{"experiment":{{"experiment_id":"7","lifecycle_stage":"{stage}"}}}}"#);
    let missing = r#"{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Could not find experiment"}"#;
    let stub = Stub::start(move |_, n| match n {
        0 => Reply::ok(&found("active")),
        1 => Reply::ok(&found("deleted")),
        2 => Reply::status(404, missing),
        _ => Reply::status(404, "nothing here"),
    });
    let client = client(&stub.uri);
    assert_eq!(client.experiment("a & b/c").unwrap().map(|e| e.deleted), Some(false));
    assert_eq!(client.experiment("x").unwrap().map(|e| e.deleted), Some(true));
    assert_eq!(client.experiment("x").unwrap(), None);
    assert!(client.experiment("x").is_err());
    assert_eq!(
        stub.lines()[0],
        "GET /api/2.0/mlflow/experiments/get-by-name?experiment_name=a%20%26%20b%2Fc"
    );
}

#[test]
fn one_bad_value_loses_only_itself() {
    let stub = Stub::start(|got, _| {
        if String::from_utf8_lossy(&got.body).contains("bad") {
            Reply::status(400, r#"{"error_code":"INVALID_PARAMETER_VALUE","message":"no `bad` here"}"#)
        } else {
            Reply::ok("{}")
        }
    });
    let mut metrics: Vec<_> = (0..9).map(|i| metric(&format!("m{i}"), f64::from(i))).collect();
    metrics[4].key = "bad".into();
    metrics[7].value = f64::NAN;
    let params = vec![("p".to_owned(), "v".to_owned())];
    let refused = client(&stub.uri).log_batch("r", Batch { metrics, params, tags: vec![] }).unwrap();
    assert_eq!(refused, [Refusal { what: "metric `bad`".into(), text: "no `bad` here".into() }]);
    let taken: Vec<_> =
        stub.got().into_iter().filter(|got| !String::from_utf8_lossy(&got.body).contains("bad")).collect();
    let keys: usize = taken
        .iter()
        .map(|got| {
            got.json()["metrics"].as_array().unwrap().len() + got.json()["params"].as_array().unwrap().len()
        })
        .sum();
    assert_eq!(keys, 9);
    assert!(taken.iter().any(|got| String::from_utf8_lossy(&got.body).contains(r#""value":"NaN""#)));
}

#[test]
fn a_batch_that_is_refused_throughout_is_given_up_early() {
    let stub = Stub::start(|_, _| Reply::status(400, r#"{"error_code":"X","message":"run is deleted"}"#));
    let metrics = (0..1000).map(|i| metric(&format!("m{i}"), 0.0)).collect();
    let refused = client(&stub.uri).log_batch("r", Batch { metrics, ..Batch::default() }).unwrap();
    assert_eq!(refused.len(), 1000);
    assert!(stub.lines().len() < 60, "{}", stub.lines().len());
}

#[test]
fn artifacts_go_through_the_proxy_or_else_plainly() {
    let disabled =
        r#"{"detail":"Endpoint disabled due to the mlflow server running with `--no-serve-artifacts`"}"#;
    let stub = Stub::start(move |got, n| match n {
        0 => Reply::ok(""),
        _ if got.line.starts_with("PUT") => Reply::status(503, disabled),
        _ => Reply::ok("{}"),
    });
    let mut client = client(&stub.uri);
    let one_try = Limits { tries: 1, ..limits() };
    client.http =
        Http::new(ServerAddress::parse(&stub.uri).unwrap(), &Credentials::default(), one_try).unwrap();
    let upload = |artifact_uri: &'static str, bytes: &'static [u8]| Upload {
        run_id: "r1",
        artifact_uri,
        name: "a b.html",
        bytes,
    };
    client.put_artifact(&upload("mlflow-artifacts:/7/r1/artifacts", b"<p>")).unwrap();
    client.put_artifact(&upload("mlflow-artifacts://host:1/7/r1/artifacts", b"<p>")).unwrap();
    client.put_artifact(&upload("s3://bucket/7/r1/artifacts", b"<p>")).unwrap();
    let put = "PUT /api/2.0/mlflow-artifacts/artifacts/7/r1/artifacts/a%20b.html";
    let post = "POST /ajax-api/2.0/mlflow/upload-artifact?run_uuid=r1&path=a%20b.html";
    assert_eq!(stub.lines(), [put, put, post, post]);
    assert_eq!(stub.got()[0].body, b"<p>");

    let big = vec![0; PLAIN_UPLOAD_BYTES + 1];
    let upload = Upload { run_id: "r", artifact_uri: "s3://b", name: "r.html", bytes: &big };
    let error = client.put_artifact(&upload).unwrap_err();
    assert!(error.to_string().contains("takes at most 10000000 bytes itself, found 10000001"), "{error}");
}

#[test]
fn a_run_is_read_with_what_it_has() {
    let run = json!({
        "info": {"run_id": "abc", "artifact_uri": "mlflow-artifacts:/1/abc/artifacts", "status": "KILLED"},
        "data": {
            "metrics": [
                {"key": "a", "value": 0.5, "timestamp": 10, "step": 3},
                {"key": "b", "value": "NaN", "timestamp": "11", "step": "0"},
            ],
            "params": [{"key": "p", "value": "1"}, {"key": "empty"}],
        },
        "inputs": {"dataset_inputs": [{"dataset": {"name": "taco", "digest": "d1"}}]},
    });
    let run = read_run(&run).unwrap();
    assert_eq!((run.run_id.as_str(), run.status), ("abc", RunStatus::Killed));
    assert_eq!(run.metrics[0], Metric { key: "a".into(), value: 0.5, time_ms: 10, step: 3 });
    assert!(run.metrics[1].value.is_nan() && run.metrics[1].time_ms == 11);
    assert_eq!(run.params[1], ("empty".to_owned(), String::new()));
    assert_eq!(run.datasets, ["d1"]);
    assert_eq!(read_run(&json!({"info": {}})), None);
}
