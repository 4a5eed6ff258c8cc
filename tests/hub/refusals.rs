//! What the hub refuses, and what a spec must not say.

use super::lab::{COMMIT, Hub, Lab, TOKEN, refusal, said};
use super::server::{Reply, Request};

type Case = (fn(&Request) -> Reply, bool, i32, &'static [&'static str]);

fn bad_token(_: &Request) -> Reply {
    Reply::with(401, "x-error-message", "Invalid credentials in Authorization header")
}

fn pickle_only(request: &Request) -> Reply {
    match request.path.ends_with("/pytorch_model.bin") {
        true => Reply::Whole { status: 200, headers: vec![("x-repo-commit", COMMIT.into())], body: vec![] },
        false => refusal(404, "EntryNotFound"),
    }
}

const CASES: [Case; 10] = [
    (
        |_| refusal(401, "RepoNotFound"),
        false,
        2,
        &["no repository `timm/tiny`", "(answer 401)", "set HF_TOKEN"],
    ),
    (
        |_| refusal(404, "RepoNotFound"),
        true,
        2,
        &["no repository `timm/tiny`", "whether your access token may read it"],
    ),
    (
        |_| refusal(404, "RevisionNotFound"),
        false,
        2,
        &["no branch, tag or commit `v1`", "/timm/tiny/tree/main"],
    ),
    (
        |_| refusal(404, "EntryNotFound"),
        false,
        2,
        &["has no `model.safetensors` at `v1`", "/timm/tiny/tree/v1"],
    ),
    (
        pickle_only,
        false,
        2,
        &[
            "but `pytorch_model.bin`: a Python pickle",
            "`hf download timm/tiny --revision v1 pytorch_model.bin --local-dir .`",
            "`python -c \"import sys, torch;",
        ],
    ),
    (
        |_| refusal(403, "GatedRepo"),
        true,
        1,
        &["accepted the terms (answer 403)", "accept them at", "/timm/tiny"],
    ),
    (|_| refusal(401, "GatedRepo"), false, 1, &["accepted the terms (answer 401)", "set HF_TOKEN"]),
    (bad_token, true, 1, &["does not know the access token in HF_TOKEN (answer 401)", "/settings/tokens"]),
    (
        |_| Reply::with(403, "x-error-message", "Access to this resource is disabled."),
        false,
        1,
        &["refuses it (answer 403: Access to this resource is disabled.)"],
    ),
    (
        |_| Reply::ok(b"<html>".to_vec()),
        false,
        1,
        &["does not answer as the hub does", "X-Repo-Commit", "HF_ENDPOINT"],
    ),
];

#[test]
fn every_refusal_says_what_to_do() {
    for (answer, has_token, code, words) in CASES {
        let hub = Hub::answering(answer);
        let lab = Lab::new(&hub, "hf:timm/tiny@v1");
        let mut command = lab.command(&["check", "tiny.toml"]);
        if has_token {
            command.env("HF_TOKEN", TOKEN);
        }
        let (found, text) = said(&command.output().unwrap());
        assert_eq!(found, code, "{text}");
        for words in ["cannot fetch the weights `hf:timm/tiny@v1`", "tiny.toml:14:11"].iter().chain(words) {
            assert!(text.contains(words), "`{words}` is not in: {text}");
        }
        assert_eq!(lab.model(), None);
    }
}

#[test]
fn a_hub_that_is_down_is_asked_again() {
    let hub = Hub::answering(|request| match request.nth {
        0 => Reply::with(429, "retry-after", "0"),
        _ => refusal(404, "RepoNotFound"),
    });
    let (code, text) = Lab::new(&hub, "hf:timm/tiny").call("check");
    assert!(code == 2 && text.contains("429 Too Many Requests; trying again"), "{text}");
}

#[test]
fn a_redirect_off_the_web_is_not_followed() {
    for location in ["file:///etc/passwd", "ftp://host/x"] {
        let hub = Hub::answering(move |request| match request.method.as_str() {
            "HEAD" => super::lab::linked(location, &"ab".repeat(32), 9),
            _ => Reply::with(302, "location", location),
        });
        let (code, text) = Lab::new(&hub, "hf:timm/tiny").call("check");
        assert!(code == 1 && text.contains("`127.0.0.1` leads to `f"), "{text}");
    }
}

#[test]
fn names_that_are_none_are_faults_of_the_spec() {
    let hub = Hub::answering(|_| Reply::status(500));
    for (weights, words) in [
        ("hf:resnet18", "expected `hf:OWNER/REPOSITORY`"),
        ("hf:timm/a b", "`a b` is no repository of the hub"),
        ("hf:timm/tiny@", "nothing stands behind the `@`"),
        ("hf:timm/../tiny", "expected `hf:OWNER/REPOSITORY`"),
        ("hf-hub:timm/tiny", "which is no file"),
        ("https://huggingface.co/timm/tiny", "which is no file"),
    ] {
        let lab = Lab::new(&hub, weights);
        for verb in ["check", "plan"] {
            let (code, text) = lab.call(verb);
            assert!(
                code == 2 && text.contains(words) && text.contains("tiny.toml:14:11"),
                "{weights}: {text}"
            );
        }
    }
    let lab = Lab::new(&hub, "hf:timm/tiny");
    for (name, value) in [("HF_ENDPOINT", "ftp://host"), ("HF_TOKEN", "two words")] {
        let (code, text) = said(&lab.command(&["check", "tiny.toml"]).env(name, value).output().unwrap());
        assert!(code == 1 && text.contains(name), "{text}");
    }
    assert_eq!(hub.hub.asked().len(), 0);
}
