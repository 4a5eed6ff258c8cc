//! Servers with faults.

use std::collections::BTreeMap;
use std::process::{Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::harness::{Lab, stderr};
use super::server::{Fault, Run, Server};
use super::study::{name_server, picture, run, states, sync, told, write_spec};

/// A study without a server, and how it looks on one that was told of it afterwards.
struct Undisturbed {
    lab: Lab,
    tables: Vec<Vec<u8>>,
    picture: BTreeMap<String, Run>,
}

impl Undisturbed {
    fn new() -> Option<Self> {
        let lab = Lab::new()?;
        write_spec(&lab, "");
        lab.run("undisturbed");
        let server = Server::start();
        let answer = sync(&lab, "undisturbed").env("MLFLOW_TRACKING_URI", server.uri()).output().unwrap();
        let answer = told(&answer, 0);
        assert_eq!((states(&answer), &answer["without_result"]), (vec!["sent".to_owned()], &0.into()));
        let (tables, picture) = (lab.tables("undisturbed"), picture(&server));
        assert_eq!(picture.keys().collect::<Vec<_>>(), ["flip/seed=1", "none/seed=1", "tiny"]);
        assert!(picture.values().all(|run| run.status == "FINISHED"));
        assert_eq!(picture["tiny"].files.keys().collect::<Vec<_>>(), ["effects.csv", "report.html"]);
        assert!(picture["tiny"].points.iter().any(|point| point.0.starts_with("effect/map_macro/flip/")));
        let of_run = &picture["flip/seed=1"];
        assert_eq!(of_run.points.iter().filter(|point| point.0 == "train/loss").count(), 2);
        assert_eq!((of_run.params["variant"].as_str(), of_run.params["seed"].as_str()), ("flip", "1"));
        Some(Undisturbed { lab, tables, picture })
    }

    /// Runs the study with `server`, to which `happens` something meanwhile.
    fn run(&self, cache: &str, server: &mut Server, happens: impl FnOnce(&mut Server)) -> Output {
        name_server(&self.lab, server);
        let child = run(&self.lab, cache).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        happens(server);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{cache}: {}", stderr(&output));
        assert_eq!(self.lab.tables(cache), self.tables, "{cache}");
        output
    }

    /// `sync` completes the server, and a second one finds nothing to do.
    fn completes(&self, cache: &str, server: &Server) {
        told(&sync(&self.lab, cache).output().unwrap(), 0);
        assert_eq!(picture(server), self.picture, "{cache}");
        self.has_all(cache, server);
    }

    fn has_all(&self, cache: &str, server: &Server) {
        let (before, n) = (server.runs(), server.calls().len());
        let again = told(&sync(&self.lab, cache).output().unwrap(), 0);
        assert_eq!(states(&again), ["there"], "{cache}: {again}");
        assert_eq!(server.runs(), before, "{cache}");
        let reads = ["health", "version", "experiments/get-by-name", "runs/search", "metrics/get-history"];
        let writes: Vec<String> = server.calls()[n..]
            .iter()
            .filter(|call| !reads.contains(&call.split(' ').nth(1).unwrap()))
            .cloned()
            .collect();
        assert_eq!(writes, Vec::<String>::new(), "{cache}");
    }
}

/// Waits until the server was asked so often.
fn asked(server: &Server, times: usize) {
    while server.calls().len() < times {
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn whatever_a_server_does_the_results_are_the_same_and_a_sync_completes_it() {
    let Some(whole) = Undisturbed::new() else { return };
    let sends = "mlflow sync tiny.toml --cache ";

    let mut server = Server::start();
    let output = whole.run("sound", &mut server, |_| {});
    assert!(!stderr(&output).contains("warning") && stderr(&output).contains("MLflow: http://"));
    assert_eq!(picture(&server), whole.picture, "told live, the study looks as told from its results");
    whole.has_all("sound", &server);

    let mut server = Server::start();
    whole.run("restarted", &mut server, |server| {
        asked(server, 9);
        server.stop();
        sleep(Duration::from_millis(1500));
        server.restart();
    });
    whole.completes("restarted", &server);

    let mut server = Server::start();
    let output = whole.run("killed", &mut server, |server| {
        asked(server, 9);
        server.stop();
    });
    let said = stderr(&output);
    assert!(
        said.contains("not whole on the MLflow server; nothing is lost: `ablatrix ") && said.contains(sends),
        "{said}"
    );
    server.restart();
    whole.completes("killed", &server);

    let mut server = Server::start();
    server.behave(|_, _| Fault::Slow(Duration::from_secs(2)));
    whole.run("slow", &mut server, |_| {});
    told(&sync(&whole.lab, "slow").output().unwrap(), 0);
    server.behave(|_, _| Fault::None);
    whole.completes("slow", &server);

    let mut server = Server::start();
    server.behave(|_, nth| match nth {
        0..=4 => Fault::None,
        _ => match nth % 5 {
            0 => Fault::Answer(200, "<html><h1>Welcome</h1></html>"),
            1 => Fault::Cut,
            2 => Fault::Answer(500, "Internal Server Error"),
            3 => Fault::Answer(500, "{\"error_code\": \"INTERNAL_ERROR\", \"message\": \"a bug\"}"),
            _ => Fault::Answer(200, "[1, 2"),
        },
    });
    let output = whole.run("rubbish", &mut server, |_| {});
    assert!(stderr(&output).contains(sends), "{}", stderr(&output));
    server.behave(|_, _| Fault::Answer(200, "<html><h1>Welcome</h1></html>"));
    let output = sync(&whole.lab, "rubbish").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is this the address of an MLflow server?"), "{}", stderr(&output));
    server.behave(|_, _| Fault::None);
    whole.completes("rubbish", &server);
}

#[test]
fn a_server_that_is_required_and_is_not_there_fails_before_anything_is_trained() {
    let lab = Lab::without_worker();
    let mut server = Server::start();
    server.stop();
    write_spec(&lab, &format!("mlflow = \"{}\"\nrequired = true", server.uri()));
    let output = run(&lab, "cache").output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("tracking is required and `http://127.0.0.1:"), "{said}");
    assert!(said.contains("`required = false`") && !said.contains("ingest"), "{said}");
}
