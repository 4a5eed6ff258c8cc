//! The studies whose pages the tests open, run by the real programs: once for all tests. Their pages are kept in `target/tmp/browser`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ablatrix::tables;
use ablatrix::tables::rows::EffectRow;
use serde::Deserialize;

use super::harness::{Lab, SPEC, stderr};

/// A label as markup that would run.
pub const MARKUP: &str = "<img src=x onerror=\"window.taken=1\">";

/// What labels can be called, and must show as.
pub fn hostile_labels() -> [String; 6] {
    [
        MARKUP.into(),
        "\"quoted\" 'and' `ticked` {{ 7 * 7 }} ${window.taken=2}".into(),
        "right\u{202e}to\u{2066}left \u{5d0}\u{5d1}".into(),
        "long ".repeat(60).trim_end().into(),
        "w".repeat(300),
        "</script><script>window.taken=3</script>".into(),
    ]
}

/// Where a study's page and tables lie.
pub struct Written {
    folder: PathBuf,
}

impl Written {
    /// The page.
    pub fn page(&self) -> PathBuf {
        self.folder.join("index.html")
    }

    /// The table of effects beside the page.
    pub fn effects(&self) -> Vec<EffectRow> {
        tables::read(&self.folder.join("effects.parquet")).unwrap()
    }

    /// The rows of `metrics` or `references`, as `ablatrix table` gives them.
    pub fn scores(&self, table: &str) -> Vec<Scored> {
        let mut reader = csv::Reader::from_path(self.folder.join(format!("{table}.csv"))).unwrap();
        reader.deserialize().map(Result::unwrap).collect()
    }
}

/// A score of a run, or of a reference.
#[derive(Debug, Deserialize)]
pub struct Scored {
    /// The run; of a reference there is none.
    #[serde(default)]
    pub run: String,
    pub variant: String,
    #[serde(default)]
    pub seed: u64,
    /// Set for references.
    pub reference: Option<String>,
    /// `None`: over all labels.
    pub label: Option<String>,
    pub metric: String,
    /// `None` where it is not defined.
    pub value: Option<f64>,
}

/// The studies.
pub struct Studies {
    /// Two ops in all combinations, two seeds, with maps of where the models look; all is well.
    pub whole: Written,
    /// One op at three levels, on labels with hostile names.
    pub hostile: Written,
    /// Of half of the runs the weights cannot be loaded.
    pub failed: Written,
    /// A third seed that was never run.
    pub missing: Written,
    /// The first of these beside itself under another name.
    pub compared: Written,
}

impl Studies {
    /// All of them, each with its name.
    pub fn all(&self) -> [(&'static str, &Written); 4] {
        [
            ("whole", &self.whole),
            ("hostile", &self.hostile),
            ("failed", &self.failed),
            ("missing", &self.missing),
        ]
    }
}

/// The studies; `None`, and a line that says so, where there is no worker to run them.
pub fn studies() -> Option<&'static Studies> {
    static STUDIES: OnceLock<Option<Studies>> = OnceLock::new();
    STUDIES.get_or_init(run).as_ref()
}

fn run() -> Option<Studies> {
    let lab = Lab::new()?;
    let factorial = format!(
        "{}\n[explain]\nmethod = \"grad_cam\"\nlayer = \"blocks.1\"\nimages = 2\nfaithfulness = 2\n",
        SPEC.replace("add_one", "factorial")
            .replace("name = \"tiny\"", "name = \"tiny\"\nquestion = \"Which ops help?\"")
    );
    lab.write_spec(&factorial);
    lab.run("cache");
    let whole = keep(&lab, "whole", &["metrics", "references"]);
    let compared = compare(&lab, &factorial.replace("\"tiny\"", "\"twin\""));

    lab.write_spec(&factorial.replace("seeds = 2", "seeds = 3"));
    let report = lab.call("cache", "report", &[]);
    assert_eq!(report.status.code(), Some(0), "{}", stderr(&report));
    let missing = keep(&lab, "missing", &["metrics"]);

    // A file of weights that holds none.
    fs::write(lab.path("empty.safetensors"), b"\x02\0\0\0\0\0\0\0{}").unwrap();
    lab.write_spec(&format!("{SPEC}\n[matrix]\n\"model.weights\" = [\"none\", \"empty.safetensors\"]\n"));
    let ended = lab.call("cache", "run", &["--quiet"]);
    assert_eq!(ended.status.code(), Some(1), "{}", stderr(&ended));
    let failed = keep(&lab, "failed", &["metrics"]);

    label_with(&lab, &hostile_labels());
    lab.write_spec(&hostile_spec());
    lab.run("cache");
    let hostile = keep(&lab, "hostile", &["metrics"]);
    Some(Studies { whole, hostile, failed, missing, compared })
}

/// The harness' images as a CSV with a column for each label; every image has one or two.
fn label_with(lab: &Lab, labels: &[String]) {
    let mut writer = csv::Writer::from_path(lab.path("labels.csv")).unwrap();
    let head = std::iter::once("file_name").chain(labels.iter().map(String::as_str));
    writer.write_record(head).unwrap();
    for (class_idx, class) in ["glass", "metal", "paper"].into_iter().enumerate() {
        for i in 0..16 {
            let has = |label: usize| label == class_idx || label == 3 + i % 3;
            let mut record = vec![format!("{class}/{i:02}.png")];
            record.extend((0..labels.len()).map(|label| u8::from(has(label)).to_string()));
            writer.write_record(&record).unwrap();
        }
    }
    writer.flush().unwrap();
}

fn hostile_spec() -> String {
    SPEC.replace("\"folders\"", "\"csv\"\nannotations = \"labels.csv\"")
        .replace("from = \"folder\"", "from = \"columns\"")
        .replace("name = \"tiny\"", "name = \"tiny\"\nquestion = '''<b id=bold>Which?</b> \"&amp;\"'''")
        .replace("seeds = 2", "seeds = 1")
        .replace("epochs = 2", "epochs = 1")
        .replace("flip = { op = \"horizontal_flip\", p = 0.5 }\n", "")
        + "levels.colour.p = [0.2, 0.5, 0.8]\n"
}

/// Sets the study beside another one.
fn compare(lab: &Lab, spec: &str) -> Written {
    fs::write(lab.path("twin.toml"), spec).unwrap();
    let folder = folder("compared");
    let mut command = lab.bare();
    command.args(["compare", "tiny.toml", "twin.toml", "--out"]).arg(folder.join("index.html"));
    let output = command.arg("--cache").arg(lab.path("cache")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    Written { folder }
}

/// An empty folder that stays.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Copies what the study wrote to a folder that stays.
fn keep(lab: &Lab, name: &str, tables: &[&str]) -> Written {
    let folder = folder(name);
    for entry in fs::read_dir(lab.path("reports/tiny")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
        }
    }
    for table in tables {
        let place = folder.join(format!("{table}.csv")).display().to_string();
        let saved = lab.call("cache", "table", &[table, "--out", &place]);
        assert_eq!(saved.status.code(), Some(0), "{}", stderr(&saved));
    }
    Written { folder }
}
