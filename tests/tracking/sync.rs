//! `ablatrix mlflow sync` by itself: what there is of a study, two at once, what the server refuses, wrong words.

use std::process::Stdio;

use super::harness::{Lab, stderr, stdout};
use super::server::{Fault, Server};
use super::study::{name_server, picture, states, sync, told, write_spec};

#[test]
fn what_there_is_of_a_study_is_sent_and_the_rest_is_counted() {
    let Some(lab) = Lab::new() else { return };
    write_spec(&lab, "");
    let output = sync(&lab, "cache").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("names an MLflow server"), "{}", stderr(&output));
    lab.run("cache");

    // A seed more: half of the runs are not trained.
    let spec = std::fs::read_to_string(lab.path("tiny.toml")).unwrap();
    let server = Server::start();
    let more = spec.replace("seeds = 1", "seeds = 2");
    lab.write_spec(&more.replace("[tracking]\n", &format!("[tracking]\nmlflow = \"{}\"\n", server.uri())));
    let answer = told(&sync(&lab, "cache").output().unwrap(), 0);
    assert_eq!((&answer["without_result"], answer["runs"].as_array().unwrap().len()), (&2.into(), 3));
    let there = picture(&server);
    assert_eq!((there["tiny"].status.as_str(), there["flip/seed=1"].status.as_str()), ("KILLED", "FINISHED"));
    assert_eq!(states(&told(&sync(&lab, "cache").output().unwrap(), 0)), ["there"]);

    // Two at once, to a server that has nothing: each run is made once, and who comes second says so or finds it there.
    let empty = Server::start();
    name_server(&lab, &empty);
    empty.behave(|_, _| Fault::Slow(std::time::Duration::from_millis(50)));
    let both =
        [0, 1].map(|_| sync(&lab, "cache").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let outputs = both.map(|child| child.wait_with_output().unwrap());
    assert!(outputs.iter().any(|output| output.status.success()));
    for output in outputs.iter().filter(|output| !output.status.success()) {
        let said = stderr(output);
        assert!(said.contains("sends this study to") && said.contains("process "), "{said}");
    }
    assert_eq!(picture(&empty).len(), 3);
    empty.behave(|_, _| Fault::None);

    // What it does not take is named, also to people, and is no reason to leave out the rest.
    let picky = Server::start();
    name_server(&lab, &picky);
    picky.behave(|call, _| match call {
        "artifacts" => {
            Fault::Answer(400, "{\"error_code\": \"INVALID_PARAMETER_VALUE\", \"message\": \"too big\"}")
        }
        "ajax-api/2.0/mlflow/upload-artifact" => Fault::Answer(413, "too big"),
        _ => Fault::None,
    });
    let mut command = sync(&lab, "cache");
    let output = command.args(["--uri", &format!("{}/", picky.uri())]).output().unwrap();
    let answer = told(&output, 1);
    assert_eq!(states(&answer), ["refused", "sent"], "{answer}");
    assert!(stderr(&output).contains("`report.html` was not uploaded: "), "{}", stderr(&output));

    let mut command = lab.bare();
    super::study::clean(&mut command, &lab);
    command.args(["mlflow", "sync", "tiny.toml", "--cache"]).arg(lab.path("cache"));
    let said = stdout(&command.env("NO_COLOR", "1").output().unwrap());
    assert!(
        said.contains("the study: sent: nothing; refused: file `report.html`, file `effects.csv`\n"),
        "{said}"
    );
    assert!(said.contains("0 sent, 2 there already, 1 refused in part, 0 not whole"), "{said}");
}

#[test]
fn a_study_without_results_has_nothing_to_send() {
    let lab = Lab::without_worker();
    let server = Server::start();
    name_server(&lab, &server);
    assert_eq!(lab.call("cache", "plan", &[]).status.code(), Some(0));
    let output = sync(&lab, "cache").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no run of the study has a result yet"), "{}", stderr(&output));
    assert_eq!(server.calls(), Vec::<String>::new());
}
