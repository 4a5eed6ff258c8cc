//! The few commands of the WebDriver protocol (W3C) that the tests need, spoken to a chromedriver of our own.
//!
//! No crate for it: those there are ask `serde_json` to keep the order of keys, or bring older versions of a dozen crates; features of dependencies
//! are shared by the whole build, so that the programs would be built otherwise for their tests than for their users.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

/// How long the browser may take to answer.
const PATIENCE: Duration = Duration::from_secs(120);
/// A printed page comes in one answer.
const ANSWER_MAX: u64 = 256 << 20;

/// A browser under our command; closed when dropped.
pub struct Session {
    agent: Agent,
    /// `http://127.0.0.1:PORT/session/ID`; `None` before the browser is up.
    address: Option<String>,
    service: Child,
}

impl Session {
    /// Starts a driver and its browser.
    pub fn start() -> Self {
        let (service, port) = serve();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE + Duration::from_secs(10)))
            .proxy(None)
            .build();
        let mut session = Session { agent: config.into(), address: None, service };
        let host = format!("http://127.0.0.1:{port}/session");
        let wanted = json!({"capabilities": {"alwaysMatch": capabilities()}});
        let begun = session.ask(&host, &wanted);
        session.address = Some(format!("{host}/{}", begun["sessionId"].as_str().unwrap()));
        session.post("timeouts", json!({"script": PATIENCE.as_millis() as u64}));
        session
    }

    /// What a command answers.
    #[track_caller]
    pub fn post(&self, command: &str, parameters: Value) -> Value {
        self.ask(&format!("{}/{command}", self.address.as_ref().unwrap()), &parameters)
    }

    #[track_caller]
    fn ask(&self, address: &str, parameters: &Value) -> Value {
        let mut answer = self.agent.post(address).send_json(parameters).unwrap();
        let mut body: Value = answer.body_mut().with_config().limit(ANSWER_MAX).read_json().unwrap();
        let value = body["value"].take();
        assert!(
            answer.status().is_success(),
            "{address} {parameters:.300}: {} {}",
            value["error"],
            value["message"]
        );
        value
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(address) = self.address.take() {
            // A browser that does not answer ends with its driver.
            let _ = self.agent.delete(&address).call();
        }
        let _ = self.service.kill();
        let _ = self.service.wait();
    }
}

/// Starts a driver at a port that is free, and gives the port.
fn serve() -> (Child, u16) {
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut service = command.spawn().unwrap();
    let mut said = BufReader::new(service.stdout.take().unwrap());
    let mut line = String::new();
    while said.read_line(&mut line).unwrap() > 0 {
        if let Some((_, port)) = line.trim_end().trim_end_matches('.').rsplit_once("successfully on port ")
            && let Ok(port) = port.parse()
        {
            // Taken to the end: a driver whose output nobody reads would stop.
            std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
            return (service, port);
        }
        line.clear();
    }
    let _ = service.kill();
    let _ = service.wait();
    panic!("chromedriver ended before it told its port");
}

fn capabilities() -> Value {
    json!({
        "browserName": "chrome",
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        "goog:chromeOptions": {"args": [
            "--headless=new",
            // The sandbox needs rights that root in a container may lack; the pages are our own.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-extensions",
            "--force-color-profile=srgb",
            "--lang=en",
            "--no-first-run",
        ]},
    })
}
