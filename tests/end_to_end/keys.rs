//! What enters a stage's key, and what never does: one table each.

use std::fs;
use std::time::SystemTime;

use serde_json::Value;

use super::harness::{Lab, stderr, stdout};
use super::stored::entries;

/// What is done to a spec, by name: each pair of texts is exchanged, once.
type Edit<'a> = (&'a str, &'a [(&'a str, &'a str)]);
/// An edit, the beginning of the names of the stages that it makes dirty for a reason of their own, and the field.
type Reach<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str], &'a str);

fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(BASE.to_owned(), |spec, (old, new)| {
        assert!(spec.contains(old), "`{old}` is not in the spec");
        spec.replacen(old, new, 1)
    })
}

/// The harness' spec with every section that the tables speak of.
const BASE: &str = r#"name = "tiny"
question = "Which?"
seeds = 2

[dataset]
format = "folders"
images = "images"

[labels]
from = "folder"

[labels.groups]
hard = ["glass", "metal"]
soft = ["paper"]

[split]
method = "iterative"
train = 0.5
val = 0.25
test = 0.25
seed = 1

[balance]
method = "oversample"
by = "combination"
exponent = 0.5

[images]
size = 32
fit = "stretch"

[model]
name = "mobilenet_v3_small"
dropout = 0.1

[train]
epochs = 1
batch_size = 8
optimizer = { name = "adam", lr = 1e-4, weight_decay = 1e-5 }
schedule = { name = "exponential", start_lr = 1e-5, min_lr = 1e-6, decay = 0.8 }
early_stopping = { metric = "val_loss", patience = 5 }

[augment.ops]
flip = { op = "horizontal_flip", p = 0.5 }
colour = { op = "hue_saturation_value", p = 0.5, hue_shift_limit = [-10, 10] }

[augment.grid]
design = "add_one"

[evaluate]
threshold = "per_label_f1"

[report]
equivalence = 0.005

[workers]
slots = 2
threads = 1
"#;

/// Edits after which nothing is to be done.
const FRESH: [Edit<'_>; 18] = [
    ("a comment", &[("seeds = 2", "# how many\nseeds = 2 # two")]),
    ("keys in another order", &[("train = 0.5\nval = 0.25", "val = 0.25\ntrain = 0.5")]),
    (
        "keys of an inline table in another order",
        &[("lr = 1e-4, weight_decay = 1e-5", "weight_decay = 1e-5, lr = 1e-4")],
    ),
    (
        "a table written as dotted keys",
        &[
            ("seeds = 2", "seeds = 2\nimages.size = 32\nimages.fit = \"stretch\""),
            ("[images]\nsize = 32\nfit = \"stretch\"\n", ""),
        ],
    ),
    ("a number in another notation", &[("lr = 1e-4", "lr = 0.0001")]),
    ("a whole number as a float", &[("[-10, 10]", "[-10.0, 10.0]")]),
    ("white space", &[("exponent = 0.5", "exponent   =   0.5\n\n\n")]),
    ("a default written out", &[("format = \"folders\"", "format = \"folders\"\ncheck_images = true")]),
    (
        "more defaults written out",
        &[(
            "dropout = 0.1",
            "dropout = 0.1\nhead = []\nfreeze = 0.0\nunfreeze_after = 0\nnormalise = \"auto\"",
        )],
    ),
    (
        "what nothing reads of maps",
        &[("[report]", "[explain]\nmethod = \"none\"\nlayer = \"layer2\"\nimages = 3\n[report]")],
    ),
    ("more workers", &[("slots = 2", "slots = 3")]),
    ("as many workers as cores", &[("slots = 2", "slots = 0")]),
    ("more threads", &[("threads = 1", "threads = 2")]),
    ("the engine written out", &[("slots = 2", "slots = 2\nengine = \"local\"")]),
    ("the device written out", &[("slots = 2", "slots = 2\ndevice = \"cpu\"")]),
    ("the device left to a machine without GPUs", &[("slots = 2", "slots = 2\ndevice = \"auto\"")]),
    ("a tracker's experiment", &[("[workers]", "[tracking]\nmlflow_experiment = \"litter\"\n[workers]")]),
    ("names of the images folder", &[("images = \"images\"", "images = \"./images/../images\"")]),
];

/// Edits, what they reach, and why.
const DIRTY: [Reach<'_>; 41] = [
    (
        "one op's p",
        &[("\"horizontal_flip\", p = 0.5", "\"horizontal_flip\", p = 0.6")],
        &["train flip/"],
        "policy[0].p",
    ),
    ("one op's range", &[("[-10, 10]", "[-10, 11]")], &["train colour/"], "policy[0].action.hue_shift_limit"),
    (
        "the kind of an op",
        &[("\"horizontal_flip\"", "\"vertical_flip\"")],
        &["train flip/"],
        "policy[0].action.op",
    ),
    (
        "one label group",
        &[(
            "hard = [\"glass\", \"metal\"]\nsoft = [\"paper\"]",
            "hard = [\"glass\"]\nsoft = [\"paper\", \"metal\"]",
        )],
        &["label"],
        "labels.groups",
    ),
    (
        "the order of groups",
        &[(
            "hard = [\"glass\", \"metal\"]\nsoft = [\"paper\"]",
            "soft = [\"paper\"]\nhard = [\"glass\", \"metal\"]",
        )],
        &["label"],
        "labels.groups",
    ),
    ("the name of a group", &[("soft = ", "light = ")], &["label"], "labels.groups"),
    (
        "what happens to the unmapped",
        &[("from = \"folder\"", "from = \"folder\"\nunmapped = \"ignore\"")],
        &["label"],
        "labels.unmapped",
    ),
    (
        "the least positives",
        &[("from = \"folder\"", "from = \"folder\"\nmin_positives = 2")],
        &["split"],
        "labels.min_positives",
    ),
    ("the split's seed", &[("seed = 1", "seed = 2")], &["split"], "split.seed"),
    ("the split's method", &[("\"iterative\"", "\"combination\"")], &["split"], "split.method"),
    (
        "the split's shares",
        &[("train = 0.5\nval = 0.25", "train = 0.45\nval = 0.3")],
        &["split"],
        "split.train",
    ),
    ("the balance's exponent", &[("exponent = 0.5", "exponent = 0.6")], &["balance"], "balance.exponent"),
    ("the balance's groups", &[("by = \"combination\"", "by = \"label\"")], &["balance"], "balance.by"),
    ("the pictures' size", &[("size = 32", "size = 40")], &["pixels"], "images.size"),
    ("the pictures' fit", &[("\"stretch\"", "\"pad\"")], &["pixels"], "images.fit"),
    (
        "what happens to bad images",
        &[("format = \"folders\"", "format = \"folders\"\nbad_images = \"skip\"")],
        &["scan"],
        "dataset.bad_images",
    ),
    ("the model", &[("mobilenet_v3_small", "resnet18")], &["train "], "model.name"),
    ("its head", &[("dropout = 0.1", "dropout = 0.1\nhead = [16]")], &["train "], "model.head"),
    ("its dropout", &[("dropout = 0.1", "dropout = 0.2")], &["train "], "model.dropout"),
    ("its frozen share", &[("dropout = 0.1", "dropout = 0.1\nfreeze = 0.5")], &["train "], "model.freeze"),
    (
        "its frozen names",
        &[("dropout = 0.1", "dropout = 0.1\nfreeze = [\"bn1\"]")],
        &["train "],
        "model.freeze",
    ),
    (
        "its normalisation",
        &[("dropout = 0.1", "dropout = 0.1\nnormalise = \"none\"")],
        &["train "],
        "model.normalise",
    ),
    ("epochs", &[("epochs = 1", "epochs = 2")], &["train "], "train.epochs"),
    ("the batch's size", &[("batch_size = 8", "batch_size = 4")], &["train "], "train.batch_size"),
    ("the learning rate", &[("lr = 1e-4", "lr = 2e-4")], &["train "], "train.optimizer.lr"),
    (
        "the weight decay",
        &[("1e-5 }\nschedule", "1e-4 }\nschedule")],
        &["train "],
        "train.optimizer.weight_decay",
    ),
    ("the schedule's decay", &[("decay = 0.8", "decay = 0.7")], &["train "], "train.schedule.decay"),
    (
        "the schedule",
        &[(
            "{ name = \"exponential\", start_lr = 1e-5, min_lr = 1e-6, decay = 0.8 }",
            "{ name = \"static\" }",
        )],
        &["train "],
        "train.schedule.name",
    ),
    (
        "the loss",
        &[("epochs = 1", "epochs = 1\nloss = { smoothing = 0.1 }")],
        &["train "],
        "train.loss.smoothing",
    ),
    ("the average of weights", &[("epochs = 1", "epochs = 1\nema = 0.9")], &["train "], "train.ema"),
    (
        "the batches of a step",
        &[("epochs = 1", "epochs = 1\naccumulate = 2")],
        &["train "],
        "train.accumulate",
    ),
    ("the clipped norm", &[("epochs = 1", "epochs = 1\nclip_norm = 1.0")], &["train "], "train.clip_norm"),
    (
        "the optimizer's rule",
        &[("\"adam\", lr", "\"adam\", epsilon = 1e-6, lr")],
        &["train "],
        "train.optimizer.rule.epsilon",
    ),
    ("the patience", &[("patience = 5", "patience = 6")], &["train "], "train.early_stopping.patience"),
    (
        "no early stopping",
        &[("early_stopping = { metric = \"val_loss\", patience = 5 }\n", "")],
        &["train "],
        "train.early_stopping",
    ),
    (
        "the threshold",
        &[("\"per_label_f1\"", "\"global_f1\"")],
        &["evaluate ", "references"],
        "evaluate.threshold",
    ),
    (
        "the calibration",
        &[("\"per_label_f1\"", "\"per_label_f1\"\ncalibration = \"platt\"")],
        &["evaluate ", "references"],
        "evaluate.calibration",
    ),
    (
        "the beta",
        &[("\"per_label_f1\"", "\"per_label_f1\"\nbeta = 3")],
        &["evaluate ", "references"],
        "evaluate.beta",
    ),
    (
        "the report's settings",
        &[("equivalence = 0.005", "equivalence = 0.01")],
        &["report"],
        "report.equivalence",
    ),
    ("seeds as a list, which the page shows", &[("seeds = 2", "seeds = [1, 2]")], &["report"], "spec"),
    ("the question", &[("\"Which?\"", "\"Which ones?\"")], &["report"], "question"),
];

/// The lines of the plan of `tiny.toml` with results in `cache`.
fn states(lab: &Lab, why: &str) -> Vec<Value> {
    let plan = lab.plan("cache");
    assert!(plan.len() > 20, "{why}: {plan:?}");
    plan
}

fn text<'v>(line: &'v Value, key: &str) -> &'v str {
    line[key].as_str().unwrap()
}

/// A finished study of [`BASE`].
fn finished() -> Option<Lab> {
    let lab = Lab::new()?;
    lab.write_spec(BASE);
    lab.run("cache");
    Some(lab)
}

#[test]
fn the_tables_hold() {
    let Some(lab) = finished() else { return };
    what_a_spec_does_not_mean_changes_nothing(&lab);
    a_change_reaches_what_reads_it_and_names_itself(&lab);
    where_things_lie_and_when_they_changed_is_no_news(&lab);
}

#[test]
fn what_is_computed_after_a_change() {
    let Some(lab) = finished() else { return };
    an_op_or_a_study_with_another_name_is_shown_anew_and_not_trained(&lab);
    more_seeds_train_only_the_new_ones(&lab);
    a_changed_image_reaches_its_readers(&lab);
}

fn what_a_spec_does_not_mean_changes_nothing(lab: &Lab) {
    for (what, edits) in FRESH {
        lab.write_spec(&edited(edits));
        for line in states(lab, what) {
            assert_eq!(line["state"], "cached", "{what}: {line}");
        }
    }
}

fn where_things_lie_and_when_they_changed_is_no_news(lab: &Lab) {
    lab.write_spec(BASE);
    let fresh = |what: &str| {
        for line in states(lab, what) {
            assert_eq!(line["state"], "cached", "{what}: {line}");
        }
    };
    let file = lab.path("images/glass/00.png");
    fs::File::options().append(true).open(&file).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    fresh("a touched image");
    let bytes = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    fs::write(&file, &bytes).unwrap();
    fresh("an image written anew with the same bytes");
    fs::write(lab.path("images/readme.txt"), "not an image").unwrap();
    fresh("a file beside the images that is none");

    lab.write_spec(&BASE.replace('\n', "\r\n"));
    fresh("line ends of another system");
    fs::write(lab.path("base.toml"), BASE).unwrap();
    lab.write_spec("extends = \"base.toml\"\n[train]\nepochs = 1\n");
    fresh("a spec that says by another what it said itself");
    lab.write_spec(BASE);
    let set = lab.call("cache", "plan", &["--format", "json", "--set", "train.epochs=1"]);
    assert!(stdout(&set).lines().all(|line| line.contains("\"cached\"")), "a value set to what it is");

    let other = lab.path("other.toml");
    fs::rename(lab.path("tiny.toml"), &other).unwrap();
    let mut plan = lab.bare();
    plan.args(["plan", "other.toml", "--format", "json", "--cache"]).arg(lab.path("cache"));
    let output = plan.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).lines().all(|line| line.contains("\"cached\"")), "another name of the spec");
    fs::rename(&other, lab.path("tiny.toml")).unwrap();

    fs::rename(lab.path("cache"), lab.path("elsewhere")).unwrap();
    for line in lab.plan("elsewhere") {
        assert_eq!(line["state"], "cached", "a cache that was moved: {line}");
    }
    fs::rename(lab.path("elsewhere"), lab.path("cache")).unwrap();

    fs::rename(lab.path("images"), lab.path("pictures")).unwrap();
    lab.write_spec(&edited(&[("images = \"images\"", "images = \"pictures\"")]));
    for line in states(lab, "a moved dataset") {
        assert_eq!(line["state"], "cached", "a moved dataset: {line}");
    }
}

fn an_op_or_a_study_with_another_name_is_shown_anew_and_not_trained(lab: &Lab) {
    for edits in [[("flip = {", "mirror = {")], [("name = \"tiny\"", "name = \"small\"")]] {
        lab.write_spec(&edited(&edits));
        for line in states(lab, "another name") {
            assert_eq!(line["state"], if line["name"] == "report" { "to run" } else { "cached" }, "{line}");
        }
    }
    lab.write_spec(&edited(&[("flip = {", "mirror = {")]));
    assert_eq!(lab.run("cache")["computed"], 1);
    for table in ["metrics", "history", "predictions", "effects"] {
        let output = lab.call("cache", "table", &[table]);
        let rows = stdout(&output);
        assert!(
            rows.contains("mirror") && !rows.contains("flip"),
            "{table}: {}",
            &rows[..rows.len().min(300)]
        );
    }
}

fn a_change_reaches_what_reads_it_and_names_itself(lab: &Lab) {
    // The split may read hashes of the pictures, so that these stand before it.
    let order = [
        "ingest",
        "scan",
        "label",
        "pixels",
        "split",
        "balance",
        "references",
        "train",
        "predict",
        "evaluate",
        "report",
    ];
    for (what, edits, reached, field) in DIRTY {
        lab.write_spec(&edited(edits));
        let mut own = 0;
        for line in states(lab, what) {
            let name = text(&line, "name");
            let expected = reached.iter().any(|start| name.starts_with(start));
            match line["why"]["reason"].as_str() {
                Some("changed") => {
                    own += 1;
                    // The page shows the resolved spec, so it may change for a reason of its own.
                    assert!(expected || name == "report", "{what}: {line}");
                    let found = text(&line["why"], "field");
                    assert!(name == "report" && !expected || found.starts_with(field), "{what}: {line}");
                }
                Some("input") => assert!(!expected, "{what}: {line}"),
                other => assert!(!expected && other.is_none(), "{what}: {line}"),
            }
            // Nothing that stands before the stage in the flow is touched.
            let place = |stage: &str| order.iter().position(|known| *known == stage).unwrap();
            let first = reached.iter().map(|start| place(start.split(' ').next().unwrap())).min().unwrap();
            assert!(line["state"] == "cached" || place(text(&line, "stage")) >= first, "{what}: {line}");
        }
        assert!(own >= 1, "{what}: nothing is dirty");
    }
}

fn more_seeds_train_only_the_new_ones(lab: &Lab) {
    lab.write_spec(&edited(&[("seeds = 2", "seeds = 3")]));
    for line in states(lab, "more seeds") {
        let new = text(&line, "name").ends_with("/seed=3") || line["name"] == "report";
        assert_eq!(line["state"], if new { "to run" } else { "cached" }, "{line}");
    }
}

fn a_changed_image_reaches_its_readers(lab: &Lab) {
    lab.write_spec(BASE);
    let (one, other) = (lab.path("images/glass/00.png"), lab.path("images/paper/00.png"));
    fs::copy(other, one).unwrap();
    for line in states(lab, "one image's bytes") {
        let name = text(&line, "name");
        match name {
            "ingest" => assert_eq!(line["state"], "cached"),
            "scan" => assert_eq!(text(&line["why"], "field"), "input.files"),
            _ => assert_eq!(text(&line["why"], "reason"), "input", "{line}"),
        }
    }
    // The same labels, another picture: what reads no pixels is cut off there.
    let run = lab.run("cache");
    // Pictures that are taken over from the store before are those that decoding gives.
    let anew = lab.call("anew", "run", &["--until", "pixels"]);
    assert_eq!(anew.status.code(), Some(0), "{}", stderr(&anew));
    let (all, new) = (pixel_stores(lab, "cache"), pixel_stores(lab, "anew"));
    assert!(all.len() == 2 && new.len() == 1 && all.contains(&new[0]), "{all:?} {new:?}");
    assert!(run["computed"].as_u64() < run["stages"].as_u64(), "{run}");

    fs::remove_file(lab.path("images/metal/01.png")).unwrap();
    let ingest = states(lab, "an image less").remove(0);
    assert_eq!(text(&ingest["why"], "field"), "input.annotations");
}

/// The outputs of each pixel store in a cache.
fn pixel_stores(lab: &Lab, cache: &str) -> Vec<Value> {
    let records = entries(&lab.path(cache).join("entries")).into_iter().map(|(_, record)| record);
    records
        .filter(|record| record["fingerprint"]["stage"] == "pixels")
        .map(|record| record["outputs"].clone())
        .collect()
}
