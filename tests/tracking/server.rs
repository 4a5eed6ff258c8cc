//! As much of an MLflow server as a study needs, on loopback, with faults on demand. It keeps what MLflow's SQL store keeps, also while it is
//! stopped: parameters that cannot change, equal points once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

/// What is done to a call instead of, or before, what it asks for.
#[derive(Clone, Debug)]
pub enum Fault {
    None,
    /// It is answered late.
    Slow(Duration),
    /// It is done, and the answer is cut in the middle.
    Cut,
    /// Something else is answered, with this status.
    Answer(u16, &'static str),
}

/// A run as the server has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    pub name: String,
    pub status: String,
    pub tags: BTreeMap<String, String>,
    pub params: BTreeMap<String, String>,
    /// Name, step, time and value, each once.
    pub points: BTreeSet<(String, i64, i64, String)>,
    pub datasets: Vec<String>,
    pub files: BTreeMap<String, Vec<u8>>,
}

#[derive(Default)]
struct State {
    experiments: Vec<String>,
    runs: Vec<Run>,
    calls: Vec<String>,
    /// The `Authorization` that it wants.
    login: Option<String>,
}

/// Gets the name of a call and how many came before.
type Plan = dyn Fn(&str, usize) -> Fault + Send + Sync;

struct Shared {
    state: Mutex<State>,
    plan: Mutex<Arc<Plan>>,
}

/// The server.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared { state: Mutex::default(), plan: Mutex::new(Arc::new(|_, _| Fault::None)) };
        let mut server = Server { address, shared: Arc::new(shared), serving: None };
        server.serve(listener);
        server
    }

    pub fn uri(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Other faults from now on; what came before is forgotten, and counted anew.
    pub fn behave(&self, plan: impl Fn(&str, usize) -> Fault + Send + Sync + 'static) {
        *self.shared.plan.lock().unwrap() = Arc::new(plan);
        self.shared.state.lock().unwrap().calls.clear();
    }

    pub fn wants(&self, authorization: &str) {
        self.shared.state.lock().unwrap().login = Some(authorization.to_owned());
    }

    /// As if it were killed: nobody listens any more, and what is under way gets no answer.
    pub fn stop(&mut self) {
        if let Some((is_up, thread)) = self.serving.take() {
            is_up.store(false, Ordering::SeqCst);
            let _ = TcpStream::connect(self.address);
            thread.join().unwrap();
        }
    }

    /// Where it was, with what it had.
    pub fn restart(&mut self) {
        self.stop();
        self.serve(TcpListener::bind(self.address).unwrap());
    }

    pub fn calls(&self) -> Vec<String> {
        self.shared.state.lock().unwrap().calls.clone()
    }

    pub fn runs(&self) -> Vec<Run> {
        self.shared.state.lock().unwrap().runs.clone()
    }

    fn serve(&mut self, listener: TcpListener) {
        let is_up = Arc::new(AtomicBool::new(true));
        let (shared, up) = (Arc::clone(&self.shared), Arc::clone(&is_up));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if !up.load(Ordering::SeqCst) {
                    return;
                }
                let (stream, shared, up) = (stream.unwrap(), Arc::clone(&shared), Arc::clone(&up));
                // A client may go when it likes.
                std::thread::spawn(move || drop(answer(&stream, &shared, &up)));
            }
        });
        self.serving = Some((is_up, thread));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Request {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    authorization: String,
    body: Vec<u8>,
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut authorization) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "authorization" => authorization = value.trim().to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect();
    Some(Request { method, path: decoded(path), query, authorization, body })
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        let code = (byte == b'%').then(|| std::str::from_utf8(&after[..2]).unwrap());
        bytes.push(code.map_or(byte, |code| u8::from_str_radix(code, 16).unwrap()));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap()
}

fn answer(mut stream: &TcpStream, shared: &Shared, is_up: &AtomicBool) -> std::io::Result<()> {
    let Some(request) = read(stream) else { return Ok(()) };
    let call =
        ["/api/2.0/mlflow/", "/api/2.0/", "/"].iter().find_map(|start| request.path.strip_prefix(start));
    let call = call.unwrap_or_default().to_owned();
    let call = if call.starts_with("mlflow-artifacts") { "artifacts".to_owned() } else { call };
    let nth = {
        let mut state = shared.state.lock().unwrap();
        state.calls.push(format!("{} {call}", request.method));
        state.calls.len() - 1
    };
    let plan = Arc::clone(&shared.plan.lock().unwrap());
    let fault = plan(&call, nth);
    if let Fault::Slow(time) = fault {
        std::thread::sleep(time);
    }
    if !is_up.load(Ordering::SeqCst) {
        return Ok(());
    }
    let (status, body) = match fault {
        Fault::Answer(status, body) => (status, body.to_owned()),
        _ => act(&mut shared.state.lock().unwrap(), &request, &call),
    };
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let kept = if matches!(fault, Fault::Cut) { body.len() / 2 } else { body.len() };
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body.as_bytes()[..kept])
}

fn act(state: &mut State, request: &Request, call: &str) -> (u16, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let refused =
        |code: &str, message: &str| (400, json!({"error_code": code, "message": message}).to_string());
    if call == "health" {
        return (200, "OK".to_owned());
    }
    if state.login.as_ref().is_some_and(|login| *login != request.authorization) {
        return (401, "You are not authenticated.".to_owned());
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let idx = |id: &str| id.strip_prefix("run").and_then(|n| n.parse::<usize>().ok()).unwrap();
    let pairs = |value: &Value| -> Vec<(String, String)> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .map(|pair| (text(&pair["key"]), text(&pair["value"])))
            .collect()
    };
    match call {
        "version" => return (200, "3.17.2".to_owned()),
        "experiments/get-by-name" => {
            let Some(id) =
                state.experiments.iter().position(|name| *name == request.query["experiment_name"])
            else {
                return (
                    404,
                    json!({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}).to_string(),
                );
            };
            let experiment = json!({"experiment_id": id.to_string(), "lifecycle_stage": "active"});
            return (200, json!({"experiment": experiment}).to_string());
        }
        "experiments/create" => {
            let name = text(&body["name"]);
            if state.experiments.contains(&name) {
                return refused("RESOURCE_ALREADY_EXISTS", "there");
            }
            state.experiments.push(name);
            return (200, json!({"experiment_id": (state.experiments.len() - 1).to_string()}).to_string());
        }
        "runs/search" => {
            let wanted = text(&body["filter"]).split('\'').nth(1).unwrap().to_owned();
            let is_it = |run: &Run| run.tags.get("study.trial_id") == Some(&wanted);
            let found = state.runs.iter().position(is_it).map(|idx| shown(idx, &state.runs[idx]));
            return (200, json!({"runs": found.into_iter().collect::<Vec<_>>()}).to_string());
        }
        "runs/create" => {
            state.runs.push(Run {
                name: text(&body["run_name"]),
                status: "RUNNING".to_owned(),
                tags: pairs(&body["tags"]).into_iter().collect(),
                ..Run::default()
            });
            let idx = state.runs.len() - 1;
            return (200, json!({"run": shown(idx, &state.runs[idx])}).to_string());
        }
        "runs/update" => state.runs[idx(&text(&body["run_id"]))].status = text(&body["status"]),
        "runs/log-inputs" => {
            let digest = text(&body["datasets"][0]["dataset"]["digest"]);
            state.runs[idx(&text(&body["run_id"]))].datasets.push(digest);
        }
        "runs/log-batch" => {
            let run = &mut state.runs[idx(&text(&body["run_id"]))];
            for (key, value) in pairs(&body["params"]) {
                if *run.params.entry(key).or_insert_with(|| value.clone()) != value {
                    return refused("INVALID_PARAMETER_VALUE", "a parameter cannot change");
                }
            }
            run.tags.extend(pairs(&body["tags"]));
            run.points.extend(body["metrics"].as_array().into_iter().flatten().map(|point| {
                let number = |name: &str| point[name].as_i64().unwrap();
                (text(&point["key"]), number("step"), number("timestamp"), point["value"].to_string())
            }));
        }
        "metrics/get-history" => {
            let run = &state.runs[idx(&request.query["run_id"])];
            let points = run.points.iter().filter(|point| point.0 == request.query["metric_key"]);
            let points: Vec<Value> = points.map(|point| json!({"step": point.1.to_string()})).collect();
            return (200, json!({"metrics": points}).to_string());
        }
        "artifacts" => {
            let mut parts = request.path.rsplit('/');
            let (name, run) = (parts.next().unwrap(), parts.nth(1).unwrap());
            state.runs[idx(run)].files.insert(name.to_owned(), request.body.clone());
            return (200, String::new());
        }
        _ => return (404, "no such page".to_owned()),
    }
    (200, "{}".to_owned())
}

/// A run as the server tells of it.
fn shown(idx: usize, run: &Run) -> Value {
    let pairs = |of: &BTreeMap<String, String>| -> Vec<Value> {
        of.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
    };
    let mut last: BTreeMap<&str, Value> = BTreeMap::new();
    for (key, step, time, value) in &run.points {
        let value: Value = serde_json::from_str(value).unwrap();
        last.insert(key, json!({"key": key, "step": step, "timestamp": time, "value": value}));
    }
    let datasets: Vec<Value> =
        run.datasets.iter().map(|digest| json!({"dataset": {"digest": digest}})).collect();
    json!({
        "info": {
            "run_id": format!("run{idx}"), "status": run.status,
            "artifact_uri": format!("mlflow-artifacts:/0/run{idx}/artifacts"),
        },
        "data": {
            "metrics": last.into_values().collect::<Vec<_>>(), "params": pairs(&run.params), "tags": pairs(&run.tags),
        },
        "inputs": {"dataset_inputs": datasets},
    })
}
