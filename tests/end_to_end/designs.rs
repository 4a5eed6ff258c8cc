//! Designs of the grid from the spec to the page: arms, what they share in the cache, what they are compared with.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::harness::{Lab, SPEC, stderr, stdout};

/// The harness' spec, short, with another grid.
fn with_grid(grid: &str) -> String {
    let spec = SPEC.replace("seeds = 2", "seeds = 1").replace("epochs = 2", "epochs = 1");
    spec.replace("[augment.grid]\ndesign = \"add_one\"\n", &format!("[augment.grid]\n{grid}\n"))
}

/// The names of stages of a kind that must run, without the kind.
fn to_run(plan: &[Value], stage: &str) -> Vec<String> {
    let dirty = plan.iter().filter(|line| line["stage"] == stage && line["state"] == "to run");
    dirty.map(|line| line["name"].as_str().unwrap().trim_start_matches(stage).trim().to_owned()).collect()
}

fn check(lab: &Lab) -> (String, Value) {
    let text = lab.call("cache", "check", &[]);
    assert_eq!(text.status.code(), Some(0), "{}", stderr(&text));
    let program = lab.call("cache", "check", &["--format", "json"]);
    (stdout(&text), serde_json::from_slice(&program.stdout).unwrap())
}

#[test]
fn a_wider_design_trains_only_what_is_new() {
    let Some(lab) = Lab::new() else { return };
    lab.write_spec(&with_grid("design = \"add_one\""));
    lab.run("cache");

    lab.write_spec(&with_grid("design = \"factorial\""));
    assert_eq!(to_run(&lab.plan("cache"), "train"), ["flip+colour/seed=1"]);
    let factorial = lab.run("cache");
    let page = fs::read_to_string(factorial["report"].as_str().unwrap()).unwrap();
    assert!(page.contains("flip+colour"), "the report names the arm");
    let effects = |lab: &Lab| -> BTreeSet<(String, String)> {
        let output = lab.call("cache", "table", &["effects", "--format", "json"]);
        let row = |line: &str| -> (String, String) {
            let row: Value = serde_json::from_str(line).unwrap();
            (row["variant"].as_str().unwrap().into(), row["baseline"].as_str().unwrap().into())
        };
        stdout(&output).lines().map(row).collect()
    };
    let pairs = |baseline: &str, variants: &[&str]| -> BTreeSet<(String, String)> {
        variants.iter().map(|variant| ((*variant).to_owned(), baseline.to_owned())).collect()
    };
    assert_eq!(effects(&lab), pairs("none", &["flip", "colour", "flip+colour"]));
    let contrasts = stdout(&lab.call("cache", "table", &["contrasts"]));
    for of_design in
        ["main_effect,flip,not applied", "main_effect,colour,not applied", "interaction,flip × colour,"]
    {
        assert!(contrasts.contains(of_design), "{contrasts}");
    }
    assert!(page.contains("Each op on average") && page.contains("Two ops together"));

    // All that is left out of two ops is there already.
    lab.write_spec(&with_grid("design = \"drop_one\""));
    let plan = lab.plan("cache");
    for stage in ["train", "predict", "evaluate"] {
        assert_eq!(to_run(&plan, stage), [""; 0], "{stage}");
    }
    assert_eq!(lab.run("cache")["computed"], 1, "the report");
    assert_eq!(effects(&lab), pairs("all", &["without-flip", "without-colour", "none"]));
    let metrics = stdout(&lab.call("cache", "table", &["metrics"]));
    assert!(
        metrics.contains("without-flip/seed=1") && !metrics.contains("flip+colour"),
        "names are the spec's"
    );

    // A level is an op with another value, and one that is the op's own is the op.
    lab.write_spec(&with_grid("levels.flip.p = [0.5, 1.0]"));
    assert_eq!(to_run(&lab.plan("cache"), "train"), ["flip(p=1)/seed=1"]);
    let page = fs::read_to_string(lab.run("cache")["report"].as_str().unwrap()).unwrap();
    assert!(page.contains("flip(p=1)"), "the report names the level");
}

#[test]
fn check_shows_the_arms_by_their_signs() {
    let lab = Lab::without_worker();
    lab.write_spec(&with_grid("design = \"drop_one\""));
    let (text, program) = check(&lab);
    assert!(text.contains("4 variants x 1 seed = 4 runs of up to 1 epoch; baseline `all`"), "{text}");
    let expected = "design `drop_one` of 2 ops: 4 arms

OP      WHAT IT DOES
flip    horizontal_flip (p 0.5)
colour  hue_saturation_value (hue_shift_limit -20 to 20, sat_shift_limit -30 to 30, val_shift_limit -20 to 20, p 0.5)

+: applied; -: not applied
flip  colour  ARM
+     +       all
-     +       without-flip
+     -       without-colour
-     -       none
";
    assert!(text.contains(expected), "{text}");
    let design = &program["design"];
    assert_eq!(
        (&design["name"], &design["n_ops"], &design["n_arms"]),
        (&json!("drop_one"), &json!(2), &json!(4))
    );
    assert_eq!(design["arms"][1], json!({"name": "without-flip", "ops": [{"op": "colour", "level": null}]}));
    assert_eq!(design["fraction"], Value::Null);
}

#[test]
fn check_shows_levels_lists_and_points() {
    let lab = Lab::without_worker();
    lab.write_spec(&with_grid("levels.flip.p = [0.25, 1]\n[matrix]\n\"train.epochs\" = [1, 2]"));
    let (text, program) = check(&lab);
    for expected in [
        "design `add_one` of 2 ops: 4 arms x 2 points = 8 variants\n",
        "\nflip(p=0.25)  horizontal_flip (p 0.25)\nflip(p=1)     horizontal_flip (p 1)\n",
        "\neach arm at 2 points of the matrix\n  epochs=1\n  epochs=2\n",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    assert_eq!(program["design"]["arms"][2]["ops"], json!([{"op": "flip", "level": {"p": 1}}]));
    assert!(program["runs"].as_array().unwrap().contains(&json!("flip(p=0.25)/epochs=2/seed=1")));

    lab.write_spec(&with_grid("design = \"policies\"\npolicies.back = [\"colour\", \"flip\"]"));
    let (text, _) = check(&lab);
    assert!(text.contains("flip  colour  ARM\n-     -       none\n2     1       back\n"), "{text}");
}

#[test]
fn check_shows_what_a_fraction_keeps_apart() {
    let lab = Lab::without_worker();
    let more = "turn = { op = \"rotate\" }\nnoise = { op = \"gauss_noise\" }\n\n[augment.grid]";
    let spec = with_grid("design = \"fractional\"").replace("\n[augment.grid]", more);
    lab.write_spec(&spec);
    let (text, program) = check(&lab);
    let expected = "
+: applied; -: not applied
A  B  C  D  ARM
-  -  -  -  none
+  +  -  -  flip+colour
+  -  +  -  flip+turn
+  -  -  +  flip+noise
-  +  +  -  colour+turn
-  +  -  +  colour+noise
-  -  +  +  turn+noise
+  +  +  +  flip+colour+turn+noise

fraction 2^(4-1): 8 of 16 combinations, resolution IV
generators (+1 applied, -1 not): D = ABC
defining relation: I = ABCD

each op alone: clear of all other ops and of all pairs
pairs of ops: none of 6 is clear of all others
mixed with each other, so that only the sum of a line is known:
  AB + CD
  AC + BD
  AD + BC
";
    assert!(text.contains(expected), "{text}");
    let expected = json!({
        "resolution": 4,
        "n_generators": 1,
        "generators": [{"op": "noise", "of": ["flip", "colour", "turn"], "is_negative": false}],
        "word_lengths": [0, 0, 0, 0, 1],
        "words": [{"ops": ["flip", "colour", "turn", "noise"], "is_negative": false}],
        "clear_pairs": [],
        "mixed_pairs": [
            [["flip", "colour"], ["turn", "noise"]],
            [["flip", "turn"], ["colour", "noise"]],
            [["flip", "noise"], ["colour", "turn"]],
        ],
    });
    assert_eq!(program["design"]["fraction"], expected);

    let five = spec.replace("turn =", "upside = { op = \"vertical_flip\" }\nturn =");
    lab.write_spec(&five);
    let (text, _) = check(&lab);
    assert!(
        text.contains("generators (+1 applied, -1 not): E = -ABCD\ndefining relation: I = -ABCDE\n"),
        "{text}"
    );
    assert!(text.contains("pairs of ops: all 10 clear of all ops and of each other\n"), "{text}");
}

/// As a terminal shows it, with the place and what to do.
#[test]
fn a_design_that_is_too_large_is_refused_where_it_is_written() {
    let lab = Lab::without_worker();
    let ops: String = (3..=9).map(|i| format!("op{i} = {{ op = \"rotate\", p = 0.{i} }}\n")).collect();
    lab.write_spec(
        &with_grid("design = \"factorial\"").replace("\n[augment.grid]", &format!("{ops}\n[augment.grid]")),
    );
    for verb in ["check", "plan", "run"] {
        let output = lab.call("cache", verb, &[]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        for expected in ["of 9 ops has 512 arms", "tiny.toml:", "design = \"factorial\"", "32 arms tell"] {
            assert!(said.contains(expected), "{verb}: {said}");
        }
    }
}
