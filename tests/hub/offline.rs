//! Without a network: what is said, and that it can be done by hand.

use std::fs;
use std::os::unix::fs::symlink;

use super::lab::{COMMIT, Hub, Lab, said, sha256, weights};

#[test]
fn offline_it_is_said_how_the_file_can_be_brought() {
    let hub = Hub::new(&weights(1000, b' '));
    let lab = Lab::new(&hub, "hf:timm/tiny@v1");
    let offline = |name: &str, value: &str| {
        said(&lab.command(&["check", "tiny.toml"]).env(name, value).output().unwrap())
    };
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = format!("http://127.0.0.1:{port}");
    let told = [
        ("HF_HUB_OFFLINE", "1", "HF_HUB_OFFLINE is set"),
        ("TRANSFORMERS_OFFLINE", "yes", "HF_HUB_OFFLINE is set"),
        ("HF_ENDPOINT", nobody.as_str(), "there is no connection to `127.0.0.1`"),
    ];
    let place = lab.hub().join("models--timm--tiny").display().to_string();
    for (name, value, why) in told {
        let (code, text) = offline(name, value);
        assert_eq!(code, 1, "{text}");
        let text = text.replace(' ', "");
        for words in [
            "cannot fetch the weights `hf:timm/tiny@v1`",
            why,
            "tiny.toml:14:11",
            "`hf download timm/tiny --revision v1 model.safetensors`",
            &format!("to `{place}` here"),
        ] {
            assert!(text.contains(&words.replace(' ', "")), "`{words}` is not in: {text}");
        }
    }
    assert_eq!(hub.hub.asked().len(), 0);
}

#[test]
fn what_other_tools_have_left_is_used() {
    let body = weights(1000, b' ');
    let hub = Hub::new(&body);
    let lab = Lab::new(&hub, "hf:timm/tiny");
    let model = lab.path("elsewhere/models--timm--tiny");
    let (blob, snapshot) = (model.join("blobs").join(sha256(&body)), model.join("snapshots").join(COMMIT));
    for folder in [model.join("blobs"), model.join("refs"), snapshot.clone()] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(&blob, &body).unwrap();
    fs::write(model.join("refs/main"), COMMIT).unwrap();
    symlink(format!("../../blobs/{}", sha256(&body)), snapshot.join("model.safetensors")).unwrap();
    let plan = |cache: &str| {
        said(&lab.command(&["plan", "tiny.toml"]).env("HF_HUB_CACHE", lab.path(cache)).output().unwrap())
    };
    assert_eq!(plan("elsewhere").0, 0, "{}", plan("elsewhere").1);
    assert_eq!(plan("nowhere").0, 2);
    // A file that is none is named with the place where it lies.
    fs::write(&blob, "<html>").unwrap();
    let (code, text) = plan("elsewhere");
    assert_eq!(code, 2);
    for words in ["`hf:timm/tiny`: the weights", "are not a whole safetensors file", "fetches it again"] {
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
    assert_eq!(hub.hub.asked().len(), 0);
}

#[test]
fn a_folder_that_cannot_hold_it_is_named() {
    let body = weights(1000, b' ');
    let hub = Hub::new(&body);
    let lab = Lab::new(&hub, "hf:timm/tiny");
    fs::write(lab.path("file"), "").unwrap();
    let mut command = lab.command(&["check", "tiny.toml"]);
    let (code, text) = said(&command.env("HF_HUB_CACHE", lab.path("file")).output().unwrap());
    assert!(code == 1 && text.contains("cannot lock `") && text.contains("Not a directory"), "{text}");

    let sha = sha256(&body);
    let hub = Hub::answering(move |_| super::lab::linked("http://nowhere.invalid/", &sha, 1 << 60));
    let lab = Lab::new(&hub, "hf:timm/tiny");
    let (code, text) = lab.call("check");
    assert_eq!(code, 1);
    for words in ["it has 1152921504606846976 bytes", "has room for", "another folder by HF_HUB_CACHE"] {
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
}
