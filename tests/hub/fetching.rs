//! What comes, where it is put, and that it is asked for once.

use std::fs;

use super::lab::{COMMIT, Exchangeable, Hub, Lab, RESOLVE, TOKEN, linked, said, sha256, weights};
use super::server::Reply;

#[test]
fn a_model_is_fetched_once_into_the_cache_of_the_hubs_own_tools() {
    let body = weights(300_000, b' ');
    let hub = Hub::new(&body);
    let lab = Lab::new(&hub, "hf:timm/tiny");
    let (code, text) = said(&lab.command(&["check", "tiny.toml"]).env("HF_TOKEN", TOKEN).output().unwrap());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("hf:timm/tiny: fetching 292.97 KiB"), "{text}");
    assert!(text.contains(&format!("hf:timm/tiny: 292.97 KiB fetched; `main` is commit {COMMIT}")), "{text}");
    let sha = sha256(&body);
    let expected = [
        format!(".locks/models--timm--tiny/{sha}.lock"),
        format!("models--timm--tiny/blobs/{sha}"),
        "models--timm--tiny/refs/main".to_owned(),
        format!("models--timm--tiny/snapshots/{COMMIT}/model.safetensors -> ../../blobs/{sha}"),
    ];
    assert_eq!(lab.entries(), expected);
    assert_eq!(lab.model(), Some(body));
    assert_eq!(fs::read_to_string(lab.hub().join("models--timm--tiny/refs/main")).unwrap(), COMMIT);

    // The hub knows who asks, and the host that has the file does not.
    let asked = hub.hub.asked();
    let lines: Vec<_> = asked.iter().map(|request| format!("{} {}", request.method, request.path)).collect();
    let by_commit = RESOLVE.replace("main", COMMIT);
    assert_eq!(lines, [format!("HEAD {RESOLVE}"), format!("GET {by_commit}")]);
    let bearer = format!("Bearer {TOKEN}");
    assert!(asked.iter().all(|request| request.headers.get("authorization") == Some(&bearer)));
    let files = hub.files.asked();
    assert!(files.len() == 1 && !files[0].headers.contains_key("authorization"), "{files:?}");

    // From here on nobody is asked: what is there is used, by branch and by commit.
    for name in ["hf:timm/tiny".to_owned(), format!("hf:timm/tiny@{COMMIT}"), "hf:timm/tiny@main".to_owned()]
    {
        lab.write_spec(&format!("[model]\nname = \"resnet18\"\nweights = \"{name}\"\n"));
        for verb in ["check", "plan", "why", "status"] {
            let (code, text) = lab.call(verb);
            assert_eq!(code, 0, "{verb}: {text}");
        }
    }
    assert_eq!((hub.hub.asked().len(), hub.files.asked().len()), (2, 1));
}

#[test]
fn only_run_and_check_ask() {
    let hub = Hub::new(&weights(1000, b' '));
    let lab = Lab::new(&hub, "hf:timm/tiny");
    let (code, text) = lab.call("plan");
    assert_eq!(code, 2, "{text}");
    for words in [
        "the weights `hf:timm/tiny` have not been fetched: they are not in `",
        "`ablatrix run` and `ablatrix check` fetch them",
        "tiny.toml:14:11",
    ] {
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
    // What trains nothing needs no weights.
    let output = lab.command(&["run", "tiny.toml", "--until", "split"]).output().unwrap();
    let (code, text) = said(&output);
    assert_eq!(code, 0, "{text}");
    for verb in ["why", "status", "report", "plan"] {
        let (code, text) = lab.call(verb);
        assert!(code == 2 && text.contains("have not been fetched"), "{verb}: {code}: {text}");
    }
    let preview = lab.command(&["preview", "tiny.toml"]).output().unwrap();
    assert!(!said(&preview).1.contains("fetched"));
    assert_eq!((hub.hub.asked().len(), lab.entries().len()), (0, 0));
    // The study itself asks, before it looks for who is to train.
    let (code, text) = lab.call("run");
    assert!(code == 1 && text.contains("1000 B fetched") && text.contains("worker"), "{code}: {text}");
    assert!(lab.model().is_some());
}

#[test]
fn all_models_of_a_matrix_come_and_faults_stand_where_they_are_named() {
    let (first, second) = (weights(1000, b' '), weights(1000, b'\t'));
    let files = [first.clone(), second.clone()];
    let served = files.clone();
    let server = super::server::Server::start(move |request| {
        Reply::ok(served[usize::from(request.path == "/second")].clone())
    });
    let (to_first, to_second) = (server.url("/first"), server.url("/second"));
    let shas = files.each_ref().map(|file| sha256(file));
    let hub = Hub::answering(move |request| match request.path.split('/').nth(2).unwrap() {
        "first" => linked(&to_first, &shas[0], 1000),
        "second" => linked(&to_second, &shas[1], 1000),
        _ => super::lab::refusal(404, "RepoNotFound"),
    });
    let lab = Lab::new(&hub, "none");
    let matrix = |names: &str| {
        lab.write_spec(&format!("[model]\nname = \"resnet18\"\n[matrix]\n\"model.weights\" = [{names}]\n"));
    };
    matrix("\"none\", \"hf:a/third\", \"hf:a/first\", \"hf:a/fourth@v1\"");
    let (code, text) = lab.call("check");
    assert_eq!(code, 2, "{text}");
    for words in
        ["`hf:a/third`: the hub has no", "tiny.toml:15:28", "`hf:a/fourth@v1`", "tiny.toml:15:56", "2 faults"]
    {
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
    // The one that was there came all the same.
    matrix(
        "\"none\", \"hf:a/first\", \"hf:b/second@v1.0\", \"hf:a/first\""
            .replace(", \"hf:a/first\"\"", "")
            .as_str(),
    );
    matrix("\"none\", \"hf:a/first\", \"hf:b/second@v1.0\"");
    let (code, text) = lab.call("check");
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("hf:a/first") && text.contains("hf:b/second@v1.0: 1000 B fetched"), "{text}");
    for (owner, file) in [("a--first", first), ("b--second", second)] {
        let place = format!("models--{owner}/snapshots/{COMMIT}/model.safetensors");
        assert_eq!(fs::read(lab.hub().join(place)).unwrap(), file);
    }
    assert!(lab.hub().join("models--b--second/refs/v1.0").is_file());
    let plan = lab.command(&["plan", "tiny.toml"]).output().unwrap();
    let plan = String::from_utf8(plan.stdout).unwrap();
    assert!(plan.contains("train none/weights=hf:b_second@v1.0/seed=1"), "{plan}");
}

#[test]
fn a_branch_is_what_it_was_until_its_note_is_removed() {
    let (old, new) = (weights(1000, b' '), weights(1200, b'\n'));
    let body = Exchangeable::new({
        let old = old.clone();
        move |_| Reply::ok(old.clone())
    });
    let files = body.clone();
    let server = super::server::Server::start(move |request| files.answer(request));
    let location = server.url("/file");
    let answer = Exchangeable::new({
        let (location, sha) = (location.clone(), sha256(&old));
        move |_| linked(&location, &sha, 1000)
    });
    let hub_answer = answer.clone();
    let hub = Hub::answering(move |request| hub_answer.answer(request));
    let lab = Lab::new(&hub, "hf:timm/tiny");
    assert_eq!(lab.call("check").0, 0);

    let other = COMMIT.replace('0', "f");
    let (sha, commit) = (sha256(&new), other.clone());
    answer.set(move |_| match linked(&location, &sha, 1200) {
        Reply::Whole { status, mut headers, body } => {
            headers[0].1.clone_from(&commit);
            Reply::Whole { status, headers, body }
        }
        other => other,
    });
    let file = new.clone();
    body.set(move |_| Reply::ok(file.clone()));
    assert_eq!(lab.call("check").0, 0);
    let model = lab.hub().join("models--timm--tiny");
    assert_eq!(fs::read_to_string(model.join("refs/main")).unwrap(), COMMIT);
    fs::remove_file(model.join("refs/main")).unwrap();
    assert_eq!(lab.call("check").0, 0);
    assert_eq!(fs::read_to_string(model.join("refs/main")).unwrap(), other);
    assert_eq!(fs::read(model.join(format!("snapshots/{other}/model.safetensors"))).unwrap(), new);
    assert_eq!(lab.model(), Some(old));
}

#[test]
fn what_the_hub_leads_to_itself_is_followed_and_may_be_small() {
    // A repository that was renamed, and a file that the hub keeps without LFS: named by a hash of another kind.
    let body = weights(500, b' ');
    let file = body.clone();
    let hub = Hub::answering(move |request| match request.path.as_str() {
        RESOLVE => Reply::with(307, "location", "/new/name/resolve/main/model.safetensors"),
        path if path.starts_with("/timm/tiny/resolve/") => Reply::with(307, "location", "/new/name/file"),
        _ => {
            let etag = "\"aa11bb22cc33dd44ee55ff66aa77bb88cc99dd00\"".to_owned();
            let headers = vec![("x-repo-commit", COMMIT.to_owned()), ("etag", etag)];
            Reply::Whole { status: 200, headers, body: file.clone() }
        }
    });
    let lab = Lab::new(&hub, "hf:timm/tiny");
    let (code, text) = said(&lab.command(&["check", "tiny.toml"]).env("HF_TOKEN", TOKEN).output().unwrap());
    assert_eq!((code, lab.model()), (0, Some(body)), "{text}");
    assert!(hub.hub.asked().iter().all(|request| request.headers.contains_key("authorization")));
}

#[test]
fn programs_hear_nothing_but_json() {
    let hub = Hub::new(&weights(1000, b' '));
    let lab = Lab::new(&hub, "hf:timm/tiny");
    let check = || lab.command(&["check", "tiny.toml", "--format", "json"]).output().unwrap();
    let refused = Hub::answering(|_| super::lab::refusal(404, "RevisionNotFound"));
    let mut command = lab.command(&["check", "tiny.toml", "--format", "json"]);
    let output = command.env("HF_ENDPOINT", refused.hub.url("")).output().unwrap();
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((output.status.code(), &error["error"]["exit_code"]), (Some(2), &serde_json::json!(2)));
    assert_eq!(error["error"]["places"][0]["line"], 14);
    let output = check();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["experiment"]["model"]["weights"]["hub"], "hf:timm/tiny");
}

#[test]
fn what_is_wrong_anyway_is_told_before_anything_is_fetched() {
    let hub = Hub::new(&weights(1000, b' '));
    let lab = Lab::new(&hub, "none");
    lab.write_spec("[model]\nname = \"resnet18\"\n[matrix]\n\"model.weights\" = [\"hf:timm/tiny\", \"gone.safetensors\"]\n");
    for verb in ["check", "run"] {
        let (code, text) = lab.call(verb);
        assert!(code == 2 && text.contains("gone.safetensors") && !text.contains("fetch"), "{text}");
    }
    assert_eq!(hub.hub.asked().len(), 0);
}
