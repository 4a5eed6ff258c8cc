//! What a study does with uneven data: balancing in its ways, and what `check` and the page say of the data.

use std::fs;

use serde_json::Value;

use super::harness::{Lab, SPEC, stderr};

/// One arm and one seed; six of paper's sixteen images, and a file that is no image.
fn uneven() -> Option<Lab> {
    let lab = Lab::new()?;
    for i in 6..16 {
        fs::remove_file(lab.path("images/paper").join(format!("{i:02}.png"))).unwrap();
    }
    fs::write(lab.path("images/paper/notes.txt"), "six are enough").unwrap();
    Some(lab)
}

fn spec(balance: &str) -> String {
    let spec = SPEC.replace("seeds = 2", "seeds = 1").replace("\"add_one\"", "\"none\"");
    spec.replace("[images]", &format!("[balance]\n{balance}\n[images]"))
}

fn check(lab: &Lab) -> Value {
    let output = lab.call("cache", "check", &["--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Names of the nodes that would be computed.
fn to_run(lab: &Lab) -> Vec<String> {
    let plan = lab.plan("cache");
    let waiting = plan.iter().filter(|line| line["state"] == "to run");
    waiting.map(|line| line["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_way_of_balancing_is_a_training_of_its_own_and_ends_the_same_twice() {
    let Some(lab) = uneven() else { return };
    let mut seen = Vec::new();
    for method in ["none", "oversample", "loss_weights", "sampler"] {
        lab.write_spec(&spec(&format!("method = \"{method}\"\nexponent = 1.0")));
        lab.run("cache");
        lab.run("other");
        let tables = lab.tables("cache");
        assert_eq!(tables, lab.tables("other"), "{method}");
        assert!(!seen.contains(&tables), "{method} does what another way does");
        seen.push(tables);
    }
    // What a way does not read changes nothing.
    lab.write_spec(&spec("method = \"none\"\nexponent = 0.2\nby = \"label\"\nmax_copies = 7"));
    assert_eq!(to_run(&lab), ["report"]);
    lab.write_spec(&spec("method = \"oversample\"\nexponent = 1.0\nmax_copies = 2"));
    assert_eq!(to_run(&lab)[0], "balance");
    // The cap is above every copy: the same rows stop the change there.
    lab.write_spec(&spec("method = \"oversample\"\nexponent = 1.0\nmax_copies = 900"));
    assert_eq!(lab.run("cache")["computed"], 2);
}

#[test]
fn check_tells_shares_before_and_after_and_what_goes_together() {
    let Some(lab) = uneven() else { return };
    lab.write_spec(&spec("method = \"sampler\"\nexponent = 1.0"));
    let found = check(&lab);
    let counts = &found["counts"];
    assert_eq!(counts["all"]["positives"]["paper"], 6);
    assert_eq!(counts["balanced"]["rows"], counts["train"]["rows"]);
    let share = |part: &str| counts[part]["shares"]["paper"].as_f64().unwrap();
    assert!(share("train") < 0.2 && (share("balanced") - 1.0 / 3.0).abs() < 1e-9, "{counts}");
    let pairs = &found["cooccurrence"];
    assert_eq!(pairs["labels"], serde_json::json!(["glass", "metal", "paper"]));
    assert_eq!(pairs["images"], serde_json::json!([[16, 0, 0], [0, 16, 0], [0, 0, 6]]));
    assert_eq!(pairs["most_frequent"], serde_json::json!([]));

    let text = lab.call("cache", "check", &[]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("BALANCED") && text.contains("(33.3 %)"), "{text}");
    assert!(text.contains("images with both labels"), "{text}");
}

#[test]
fn the_page_shows_samples_and_says_what_was_left_out() {
    let Some(lab) = uneven() else { return };
    lab.write_spec(&spec("method = \"loss_weights\""));
    let page = fs::read_to_string(lab.run("cache")["report"].as_str().unwrap()).unwrap();
    // Three of paper's six images are trained on, and four of each other label's are shown.
    assert_eq!(page.matches("<img src=\"data:image").count(), 11);
    assert!(
        page.contains("alt=\"paper_0") && page.contains(".png: paper\""),
        "names and labels stand in for pictures"
    );
    assert!(page.contains("files passed over, they are no .jpg"), "what was left out");
    assert!(page.contains("38 images with 1.00 labels on average"));
    assert!(page.contains("The model sees 32 × 32 pixels (stretch); 38 of 38 images are smaller"));
    let again = fs::read_to_string(lab.run("other")["report"].as_str().unwrap()).unwrap();
    let section = |page: &str| {
        page.split("<section id=\"data\"").nth(1).unwrap().split("</section>").next().unwrap().to_owned()
    };
    assert_eq!(section(&page), section(&again));
}
