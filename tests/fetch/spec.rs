//! What the spec says, and what other verbs say about missing images.

use serde_json::json;

use super::lab::{Lab, noise, picture, stderr};
use super::server::{Reply, Server};

#[test]
fn the_size_decides_which_url_is_asked() {
    let server = Server::start(|request| match request.path.as_str() {
        "/small" => Reply::ok(noise(4, 3, 1)),
        _ => Reply::ok(picture(1)),
    });
    let records = || {
        vec![
            json!({"file_name": "both.png", "flickr_url": server.url("/o"), "flickr_640_url": server.url("/small")}),
            json!({"file_name": "one.png", "coco_url": "", "flickr_url": server.url("/o"), "flickr_640_url": null}),
            json!({"file_name": "own.png", "coco_url": server.url("/own"), "flickr_url": server.url("/o")}),
        ]
    };
    let lab = Lab::with_records(records());
    let (code, report) = lab.report(&["--set", "dataset.fetch.size=small"]);
    assert_eq!((code, &report["size"], &report["sizes_differ"]), (0, &json!("small"), &json!([])));
    assert_eq!(lab.image("both.png"), Some(noise(4, 3, 1)));
    assert_eq!((server.count("/small"), server.count("/o"), server.count("/own")), (1, 1, 1));
    let lab = Lab::with_records(records());
    let (code, report) = lab.report(&[]);
    assert_eq!((code, &report["size"]), (0, &json!("original")));
    assert_eq!(lab.image("both.png"), Some(picture(1)));
}

#[test]
fn faults_of_the_spec_end_with_2() {
    let lab = Lab::new(&[("a.png", None)]);
    let coco = "format = \"coco\"\nimages = \"images\"\n";
    for (dataset, labels, words) in [
        ("format = \"folders\"\nimages = \"images\"".to_owned(), "folder", vec!["only `format = \"coco\"`"]),
        (format!("{coco}annotations = \"none.json\""), "category", vec!["none.json", "No such file"]),
        (
            format!("{coco}annotations = \"images/annotations.json\"\n[dataset.generate]"),
            "category",
            vec!["drawn, not downloaded"],
        ),
        (
            format!("{coco}annotations = \"annotations.json\"\nfetch = {{ size = \"medium\" }}"),
            "category",
            vec!["`size` is `medium`", "`original`, `small`"],
        ),
        (
            format!("{coco}annotations = \"annotations.json\"\nfetch = {{ parallel = 8 }}"),
            "category",
            vec!["unknown key `parallel` in `[dataset.fetch]`"],
        ),
    ] {
        lab.write_spec(&dataset, labels);
        let output = lab.fetch(&[]).output().unwrap();
        // An error for programs is JSON, in which quotes are escaped.
        let said = stderr(&output).replace("\\\"", "\"");
        assert_eq!(output.status.code(), Some(2), "{dataset}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{dataset}: {said}");
        assert!(!lab.path("images").exists());
    }
    for args in [["--timeout", "0"], ["--parallel", "0"], ["--retries", "99"], ["--max-mib", "x"]] {
        assert_eq!(lab.fetch(&args).output().unwrap().status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn run_says_how_missing_images_can_be_had() {
    let lab = Lab::new(&[("a.png", Some("https://example.org/a.png".to_owned())), ("b.png", None)]);
    let run = || lab.command(&["run", "tiny.toml", "--until", "scan"]).output().unwrap();
    let output = run();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("`ablatrix data fetch SPEC` downloads them"), "{}", stderr(&output));
    std::fs::create_dir(lab.path("images")).unwrap();
    let output = run();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("`ablatrix data fetch SPEC` downloads"), "{}", stderr(&output));
    std::fs::write(lab.path("images/a.png"), picture(1)).unwrap();
    let output = run();
    assert!(!stderr(&output).contains("data fetch"), "{}", stderr(&output));
}
