//! The schema says what the reader takes, in the words of the page, and the shipped file is up to date.

use std::collections::BTreeSet;

use super::probe::{Keys, keys};
use super::shape::Shape;
use super::words::words;
use super::{page, schema};
use crate::spec::layers::DEFAULTS;

/// A file of the repository beside what it should be.
fn is_up_to_date(path: &str, text: &str, command: &str) {
    let full = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    let found = std::fs::read_to_string(&full).unwrap_or_default();
    let differs = found.lines().zip(text.lines()).position(|(found, meant)| found != meant);
    assert!(found == text, "{path} is not what the code says, from line {differs:?} on: `{command} >{path}`");
}

#[test]
fn the_shipped_schema_and_page_are_those_of_the_code() {
    let schema = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    is_up_to_date("schema/experiment.json", &schema, "ablatrix schema");
    is_up_to_date("docs/reference/keys.md", &page("spec.md"), "ablatrix schema --page");
}

/// Dotted keys below a shape, as words are keyed.
fn paths(shape: &Shape, at: &str, found: &mut BTreeSet<String>) {
    for (key, below) in &shape.keys {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        // A table that is documented as a section of its own, with rows for its keys.
        let is_section =
            !below.keys.is_empty() && below.default.as_ref().is_none_or(|value| value.as_dict().is_some());
        if !is_section || ["seeds", "train.early_stopping"].contains(&path.as_str()) {
            found.insert(path.clone());
        }
        assert!(
            !below.takes().is_empty() || path == "augment.ops",
            "`{path}` is read, but nothing says what it takes"
        );
        paths(below, &path, found);
        for (name, keys) in &below.variants {
            paths(keys, &format!("{path}[{name}]"), found);
        }
    }
}

#[test]
fn every_key_has_words_and_every_row_of_the_page_a_key() {
    let Keys { root, ops } = keys();
    let mut known = BTreeSet::new();
    paths(&root, "", &mut known);
    let words = words();
    let shared = |path: &str| match (path.find('['), path.find(']')) {
        (Some(open), Some(close)) => format!("{}{}", &path[..open], &path[close + 1..]),
        _ => path.to_owned(),
    };
    // Said in the text around their tables, or in their parents' rows.
    let elsewhere = |path: &str| {
        path.ends_with("].name")
            || path.starts_with("seeds.")
            || path == "augment.ops"
            || path == "matrix"
            || path.starts_with("labels.") && path.matches('.').count() > 1
    };
    let silent: Vec<&String> = known
        .iter()
        .filter(|path| !elsewhere(path) && !words.contains_key(*path) && !words.contains_key(&shared(path)))
        .collect();
    assert!(silent.is_empty(), "docs/reference/spec.md has no row for {silent:?}");
    let shared: BTreeSet<String> = known.iter().map(|path| shared(path)).collect();
    let is_known = |path: &String| {
        known.contains(path)
            || shared.contains(path)
            || path.starts_with("op[")
            || path.starts_with("group.")
            || path == "profile"
    };
    let strange: Vec<&String> = words.keys().filter(|path| !is_known(path)).collect();
    assert!(strange.is_empty(), "docs/reference/spec.md has rows for what no reader asks for: {strange:?}");
    for (name, keys) in &ops {
        assert!(keys.keys.contains_key("p"), "{name}");
        for (key, below) in &keys.keys {
            assert!(!below.takes().is_empty(), "`{key}` of `{name}`");
        }
    }
}

#[test]
fn every_default_of_the_defaults_is_in_the_schema() {
    let Keys { root, .. } = keys();
    fn check(table: &toml::Table, shape: &Shape, at: &str) {
        for (key, value) in table {
            let path = format!("{at}{key}");
            let below = shape.keys.get(key);
            // The user's own names, and what names a variant.
            let Some(below) = below else { panic!("`{path}` has a default, but no reader asks for it") };
            match value {
                toml::Value::Table(inner) if below.variants.is_empty() => {
                    check(inner, below, &format!("{path}."))
                }
                toml::Value::Table(_) => {}
                _ => assert!(below.default.is_some(), "the schema lacks the default of `{path}`"),
            }
        }
    }
    let mut defaults: toml::Table = DEFAULTS.parse().unwrap();
    defaults.remove("choice");
    check(&defaults, &root, "");
}

/// The specs that ship, and wrong ones, as an editor sees them.
#[test]
fn shipped_specs_are_valid_and_wrong_ones_are_not() {
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("experiment.json", schema()).unwrap();
    let index = compiler.compile("experiment.json", &mut schemas).unwrap();
    let faults =
        |spec: &serde_json::Value| schemas.validate(spec, index).err().map(|error| format!("{error:#}"));
    let value = |text: &str| serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap();
    let mut n = 0;
    for folder in ["experiments", "benches/study"] {
        let folder = format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"));
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                let spec = value(&std::fs::read_to_string(&path).unwrap());
                assert_eq!(faults(&spec), None, "{}", path.display());
                n += 1;
            }
        }
    }
    assert!(n > 5, "{n}");
    let head = "name = \"a\"\n[dataset]\nformat = \"folders\"\nimages = \"d\"\n[labels]\nfrom = \"folder\"\n";
    let of = |more: &str| faults(&value(&format!("{head}{more}")));
    for good in [
        "",
        "[train]\nloss = \"focal\"\noptimizer = { lr = 0.1 }\nearly_stopping = \"none\"",
        "[train]\nschedule = { name = \"cosine\", min_lr = 1e-6 }\n[train.early_stopping]\npatience = 3",
        "[augment.ops]\na = { op = \"rotate\", limit = [-10, 10] }\nb = { one_of = [{ op = \"invert\" }, { sequential = [{ op = \"invert\" }] }] }",
        "[matrix]\n\"train.optimizer.lr\" = [1e-4]\n\"train.schedule\" = [\"static\", { name = \"cosine\" }]\n\"model.freeze\" = [0.1, [\"conv_stem\"]]",
        "[profile.quick]\nseeds = 1\n[profile.quick.train]\nepochs = 1",
        "[workers]\ndevice = \"cuda:1\"\nruns_per_gpu = \"auto\"\n[workers.slurm]\ngpus = \"a100:1\"",
        "[evaluate]\nthreshold = 0.5",
    ] {
        assert_eq!(of(good), None, "{good}");
    }
    for wrong in [
        "[train]\nepoch = 3",
        "[train]\nepochs = \"three\"",
        "[train]\nschedule = { name = \"static\", min_lr = 1e-6 }",
        "[augment.ops]\na = { op = \"rotat\" }",
        "[augment.ops]\na = { op = \"rotate\", limit = [-10] }",
        "[augment.ops]\na = { op = \"invert\", p = 1.5 }",
        "[matrix]\n\"train.epochz\" = [1]",
        "[matrix]\n\"train.epochs\" = 3",
        "[profile.quick]\nseed = 1",
        "[workers]\ndevice = \"gpu\"",
        "[evaluate]\nthreshold = \"per_label\"",
    ] {
        assert!(of(wrong).is_some(), "{wrong}");
    }
    assert!(faults(&value("seeds = 3")).is_some(), "a spec without a dataset extends another");
    assert_eq!(faults(&value("extends = \"base.toml\"\nseeds = 5")), None);
}
