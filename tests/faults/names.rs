//! Names of people and datasets that climb, drive a terminal or look like commands: whatever place they stand in, nothing is
//! written outside the study's folder, and nothing on the terminal drives it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::json;

use super::dice::{Dice, full};
use super::harness::{Lab, SPEC, stderr, stdout};

/// Names that lead elsewhere, or would; `OUT` stands for a folder outside the study's.
const NAMES: [&str; 60] = [
    "../x",
    "..",
    ".",
    "./..",
    "../../x",
    "a/../../x",
    "a/b/../../../x",
    "x/..",
    "/OUT/x",
    "//OUT/x",
    "OUT/x",
    "..\\x",
    "..\\..\\x",
    "a\\..\\..\\x",
    "C:\\x",
    "C:x",
    "\\\\host\\x",
    "~/x",
    "~root/x",
    "$HOME/x",
    "$(touch x)",
    "`touch x`",
    "x;touch y",
    "x|touch y",
    "x&touch y&",
    "x>y",
    "x\ny",
    "x\r\ny",
    "x\0y",
    "\0",
    "",
    " ",
    "-rf",
    "--help",
    "-",
    "%2e%2e/x",
    "%2e%2e%2fx",
    "..%2fx",
    "..%252fx",
    "..%c0%afx",
    "..;/x",
    "....//x",
    "..././x",
    "\u{ff0e}\u{ff0e}/x",
    "\u{2024}\u{2024}/x",
    "\u{202e}x/..",
    "\u{2066}x",
    "\x1b[2Jx",
    "\x1b]0;x\x07",
    "\u{9b}31mx",
    "x\ty",
    "\u{85}x",
    "file:///OUT/x",
    "http://127.0.0.1/x",
    "con",
    "nul.txt",
    ".hidden",
    "*",
    "?[a]",
    "x\u{feff}y",
];

/// A place where a name stands: what it is called, and how the study is written with it.
type Place = (&'static str, fn(&Lab, &str));

const PLACES: [Place; 9] = [
    ("the study", |lab, name| lab.write_spec(&SPEC.replace("\"tiny\"", &quoted(name)))),
    ("the question", |lab, name| {
        lab.write_spec(&SPEC.replace("seeds = 2", &format!("seeds = 2\nquestion = {}", quoted(name))));
    }),
    ("an op", |lab, name| {
        lab.write_spec(&SPEC.replace("\nflip = ", &format!("\n{} = ", quoted(name))));
    }),
    ("a policy", |lab, name| {
        let policies = format!("\"policies\"\npolicies.{} = [\"flip\"]", quoted(name));
        lab.write_spec(&SPEC.replace("\"add_one\"", &policies));
    }),
    ("a group of labels", |lab, name| {
        let groups =
            format!("from = \"folder\"\nunmapped = \"ignore\"\ngroups.{} = [\"glass\"]", quoted(name));
        lab.write_spec(&SPEC.replace("from = \"folder\"", &groups));
    }),
    ("an image in a table", |lab, name| table(lab, name, "metal")),
    ("a label in a table", |lab, name| table(lab, "glass/00.png", name)),
    ("an image in COCO", |lab, name| coco(lab, name, "metal")),
    ("a category in COCO", |lab, name| coco(lab, "glass/00.png", name)),
];

/// As TOML writes a text.
fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        _ if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        _ => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

fn pictures() -> impl Iterator<Item = (usize, String)> {
    (0..48).map(|i| (i, format!("{}/{:02}.png", ["glass", "metal", "paper"][i % 3], i / 3)))
}

/// The study as a table; its first image and its first label are called so.
fn table(lab: &Lab, image: &str, label: &str) {
    let mut writer = csv::Writer::from_path(lab.path("labels.csv")).unwrap();
    writer.write_record(["file_name", label, "other"]).unwrap();
    for (i, name) in pictures() {
        let name = if i == 0 { image } else { &name };
        writer.write_record([name, &(i % 2).to_string(), &(i / 2 % 2).to_string()]).unwrap();
    }
    writer.flush().unwrap();
    let spec = SPEC.replace("\"folders\"", "\"csv\"\nannotations = \"labels.csv\"");
    lab.write_spec(&spec.replace("from = \"folder\"", "from = \"columns\""));
}

/// Likewise as COCO JSON, with the name of its first category.
fn coco(lab: &Lab, image: &str, category: &str) {
    let name = |i: usize, name: String| if i == 0 { image.to_owned() } else { name };
    let images: Vec<_> = pictures()
        .map(|(i, path)| json!({"id": i, "width": 24, "height": 24, "file_name": name(i, path)}))
        .collect();
    let objects: Vec<_> = (0..48)
        .map(|i| json!({"id": i, "image_id": i, "category_id": i % 2, "bbox": [1, 1, 5, 5], "area": 25}))
        .collect();
    let categories = json!([{"id": 0, "name": category}, {"id": 1, "name": "other"}]);
    let whole = json!({"images": images, "annotations": objects, "categories": categories});
    fs::write(lab.path("annotations.json"), whole.to_string()).unwrap();
    let spec = SPEC.replace("\"folders\"", "\"coco\"\nannotations = \"annotations.json\"");
    lab.write_spec(&spec.replace("from = \"folder\"", "from = \"category\""));
}

/// What lies below a folder, folders included; links are not followed.
fn everything(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(everything(&entry.path()));
        }
        found.insert(entry.path());
    }
    found
}

/// No panic, and nothing that drives a terminal.
#[track_caller]
fn is_calm(at: &str, output: &Output) {
    let said = stdout(output) + &stderr(output);
    assert!(matches!(output.status.code(), Some(0..=2)), "{at}: {said}");
    assert!(!said.contains("panicked") && !said.contains("fault of ablatrix"), "{at}: {said}");
    let drives = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!said.contains(drives), "{at}: {said:?}");
}

/// A study two folders down, so that what climbs is seen. What it may write lies in `cache` and `reports`.
struct Nested {
    lab: Lab,
    outside: PathBuf,
    before: BTreeSet<PathBuf>,
}

impl Nested {
    fn new(lab: Lab) -> Self {
        let outside = lab.path("outside");
        fs::create_dir(&outside).unwrap();
        Nested { before: BTreeSet::new(), outside, lab }
    }

    /// From here on.
    fn watch(&mut self) {
        self.before = self.seen();
    }

    fn seen(&self) -> BTreeSet<PathBuf> {
        let own = [self.lab.path("cache"), self.lab.path("reports")];
        let mut seen = everything(&self.lab.path(""));
        seen.retain(|path| !own.iter().any(|own| path.starts_with(own)));
        seen
    }

    #[track_caller]
    fn is_untouched(&self, at: &str) {
        assert_eq!(self.seen(), self.before, "{at}: written outside of the cache and the reports");
        // A link in there could lead out just as well.
        for own in ["cache", "reports"] {
            let own = self.lab.path(own);
            let inside = if own.is_dir() { everything(&own) } else { BTreeSet::new() };
            assert!(inside.iter().all(|path| !path.is_symlink()), "{at}: a link");
            assert!(inside.iter().all(|path| path.file_name().is_some_and(|name| name.len() < 256)), "{at}");
        }
    }
}

#[test]
fn no_name_leads_out_or_drives_the_terminal() {
    let mut nested = Nested::new(Lab::without_worker());
    let out = nested.outside.to_str().unwrap().trim_start_matches('/').to_owned();
    let mut dice = Dice::thrown("names");
    let mut cases = 0;
    for (place, write) in PLACES {
        for name in NAMES {
            if !full() && dice.below(10) > 0 {
                continue;
            }
            let name = name.replace("OUT", &out);
            let at = format!("{name:?} as {place}");
            write(&nested.lab, &name);
            nested.watch();
            for args in [&["check"][..], &["run", "--until", "balance"], &["plan"], &["status"], &["why"]] {
                is_calm(&at, &nested.lab.call("cache", args[0], &args[1..]));
                nested.is_untouched(&at);
            }
            cases += 1;
        }
    }
    println!("{cases} names");
}

#[test]
fn labels_that_climb_reach_the_report_as_text() {
    let Some(lab) = Lab::new() else { return };
    let mut nested = Nested::new(lab);
    let outside = nested.outside.display().to_string();
    let labels = ["../../x", &format!("{outside}/x"), "..\\x", "$(touch x)", "\u{202e}x/..", "-rf"];
    let mut writer = csv::Writer::from_path(nested.lab.path("labels.csv")).unwrap();
    writer.write_record(std::iter::once("file_name").chain(labels)).unwrap();
    for (i, name) in pictures() {
        let holds = (0..labels.len()).map(|label| usize::from((i + label) % 3 == 0).to_string());
        writer.write_record(std::iter::once(name).chain(holds)).unwrap();
    }
    writer.flush().unwrap();
    let spec = SPEC.replace("\"folders\"", "\"csv\"\nannotations = \"labels.csv\"");
    let spec = spec.replace("from = \"folder\"", "from = \"columns\"").replace("seeds = 2", "seeds = 1");
    nested.lab.write_spec(
        &spec.replace("epochs = 2", "epochs = 1").replace("[split]", "[split]\nnear_duplicates = \"off\""),
    );
    nested.watch();
    let output = nested.lab.call("cache", "run", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    is_calm("run", &output);
    nested.is_untouched("run");
    for name in ["metrics", "effects", "labels"] {
        assert_eq!(nested.lab.call("cache", "table", &[name]).status.code(), Some(0));
    }
    nested.is_untouched("table");
    let page = fs::read_to_string(nested.lab.path("reports/tiny/index.html")).unwrap();
    assert!(page.contains("../../x") || page.contains("..&#x2f;..&#x2f;x"), "the label is on the page");
}
