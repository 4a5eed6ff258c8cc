//! How long `ablatrix report` takes for a study of real size, how much memory, and how the page answers in a browser.
//!
//! `cargo bench --bench report [VARIANTS SEEDS LABELS EPOCHS]`; without numbers 200 variants with 10 seeds each, 60 labels, 30 epochs. It lays
//! out 1,500 pictures in `target/tmp/report`, computes the stages of the data, and gives trainings and predictions made-up results;
//! `ablatrix report` scores them once. Then the report alone is made several times, each with another region of equivalence. With
//! chromium and its driver the last page is opened, and filtered and sorted as a reader would.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints its figures, and may end so"
)]

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use ablatrix::cache::{Attempt, Entry, Provenance, Store};
use ablatrix::job::{StopReason, TrainSummary};
use ablatrix::plan::{Node, Plan, Sources, Stage, fingerprint, output};
use ablatrix::seed::Key;
use ablatrix::spec::{self, Overrides};
use ablatrix::tables;
use ablatrix::tables::rows::{HistoryRow, LabelTable, Part, PredictionTable, SplitRow, Validation};
use serde_json::{Value, json};

#[path = "../tests/browser/webdriver.rs"]
mod webdriver;

const PICTURES: usize = 1_500;
const ROUNDS: usize = 3;

/// How large the study is.
#[derive(Clone, Copy)]
struct Size {
    variants: usize,
    seeds: usize,
    labels: usize,
    epochs: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench`.
    let numbers: Vec<usize> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"))
        .map(|arg| arg.parse())
        .collect::<Result<_, _>>()?;
    let &[variants, seeds, labels, epochs] = numbers.as_slice().try_into().unwrap_or(&[200, 10, 60, 30]);
    let size = Size { variants, seeds, labels, epochs: u32::try_from(epochs)? };
    let folder = PathBuf::from("target/tmp/report");
    let _ = fs::remove_dir_all(&folder);
    lay_out(&folder, size)?;
    fill(&folder, size)?;
    let (first, _) = report(&folder, &[])?;
    println!(
        "{variants} variants x {seeds} seeds x {labels} labels x {epochs} epochs; scored and reported in {first:.1} s"
    );
    for round in 0..ROUNDS {
        let (seconds, mib) = report(&folder, &["--set", &format!("report.equivalence=0.00{}", round + 1)])?;
        println!("the report alone: {seconds:.1} s, up to {mib} MiB");
    }
    let page = folder.join("reports/report/index.html");
    let text = fs::read_to_string(&page)?;
    let pictures: usize =
        text.match_indices("data:image/").map(|(at, _)| text[at..].find('"').unwrap_or(0)).sum();
    let mb = |bytes: usize| bytes as f64 / 1e6;
    println!("the page: {:.2} MB, and {:.2} MB of pictures", mb(text.len() - pictures), mb(pictures));
    if Command::new("chromedriver").arg("--version").stdout(Stdio::null()).status().is_ok() {
        browse(&fs::canonicalize(&page)?);
    }
    Ok(())
}

/// Pictures of one grey, a CSV with a column for each label, and the spec: one op at many levels.
fn lay_out(folder: &Path, size: Size) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder.join("pictures"))?;
    let mut csv = "file_name".to_owned();
    for label in 0..size.labels {
        write!(csv, ",label {label:02}")?;
    }
    let mut draws = Key::root(1).child("labels").draws();
    for i in 0..PICTURES {
        let picture = image::RgbImage::from_pixel(16, 16, image::Rgb([i as u8, (i >> 8) as u8, 90]));
        picture.save(folder.join(format!("pictures/{i:04}.png")))?;
        write!(csv, "\n{i:04}.png")?;
        for label in 0..size.labels {
            // From one picture in three to one in a hundred.
            let share = 0.33 * 0.03_f64.powf(label as f64 / size.labels as f64);
            write!(csv, ",{}", u8::from(draws.chance(share)))?;
        }
    }
    fs::write(folder.join("labels.csv"), csv + "\n")?;
    // An op takes up to 100 levels.
    let levels: Vec<String> = (1..size.variants).map(|n| format!("{}", n as f64 / 1_000.0)).collect();
    let mut text = format!(
        "name = \"report\"\nseeds = {}\n[dataset]\nformat = \"csv\"\nannotations = \"labels.csv\"\nimages = \"pictures\"\n[labels]\n\
         from = \"columns\"\n[split]\nmethod = \"iterative\"\nnear_duplicates = \"off\"\n[images]\nsize = 32\n[train]\nepochs = {}\n",
        size.seeds, size.epochs,
    );
    for (op, levels) in levels.chunks(100).enumerate() {
        write!(text, "[augment.ops.noise{op}]\nop = \"gauss_noise\"\nstd = [0.0, 0.{}]\n", op + 1)?;
        write!(text, "[augment.grid.levels.noise{op}]\np = [{}]\n", levels.join(", "))?;
    }
    text.push_str("[augment.grid]\ndesign = \"add_one\"\n");
    Ok(fs::write(folder.join("report.toml"), text)?)
}

/// Gives every training and every prediction a result.
fn fill(folder: &Path, size: Size) -> Result<(), Box<dyn Error>> {
    for until in ["pixels", "balance"] {
        let status = command(folder, &["run", "report.toml", "--until", until, "--quiet"]).status()?;
        assert!(status.success(), "the stages of the data are computed");
    }
    let store = Store::open(&folder.join("cache"))?;
    let loaded = spec::load(&folder.join("report.toml"), &Overrides::default())?;
    let plan = Plan::new(&loaded)?;
    let sources = Sources::new(&store);
    let mut entries: HashMap<usize, Entry> = HashMap::new();
    let mut truth: Option<(LabelTable, Vec<SplitRow>)> = None;
    for (at, node) in plan.nodes.iter().enumerate() {
        if !matches!(node.stage, Stage::Train | Stage::Predict) {
            if node.inputs.iter().all(|from| entries.contains_key(&from.node)) {
                let print = fingerprint(node, |from| &entries[&from], &sources)?;
                entries.extend(store.lookup(&print.key)?.map(|entry| (at, entry)));
            }
            continue;
        }
        if truth.is_none() {
            let read = |stage: Stage, name: &str| {
                let made = plan.of_stage(stage).next().and_then(|node| entries.get(&node)).unwrap();
                store.object(made.digest(name)).unwrap()
            };
            let labels = tables::read(&read(Stage::Label, output::LABELS))?;
            truth = Some((labels, tables::read(&read(Stage::Split, output::SPLIT))?));
        }
        let (labels, split) = truth.as_ref().unwrap();
        let print = fingerprint(node, |from| &entries[&from], &sources)?;
        let attempt = store.attempt(&print)?;
        match node.stage {
            Stage::Train => write_training(&attempt, node, size)?,
            _ => write_predictions(&attempt, node, labels, split)?,
        }
        entries.insert(at, attempt.publish(node.stage.outputs(), Provenance::default())?);
    }
    Ok(())
}

fn write_training(attempt: &Attempt, node: &Node, size: Size) -> Result<(), Box<dyn Error>> {
    let mut draws = Key::root(2).child(&node.run).draws();
    let row = |epoch: u32| {
        let rest = (-4.0 * f64::from(epoch) / f64::from(size.epochs)).exp();
        HistoryRow {
            run: node.run.clone(),
            epoch,
            lr: 1e-3 * rest,
            train_loss: 0.1 + 0.5 * rest,
            val: Validation {
                loss: 0.2 + 0.4 * rest + 0.01 * draws.normal(),
                map_macro: 0.6 - 0.4 * rest,
                ..Validation::NONE
            },
            seconds: 20.0 + draws.f64(),
            images_per_second: 100.0 + draws.f64(),
            wait_share: 0.01,
            finished_ms: 1_700_000_000_000 + 20_000 * i64::from(epoch),
        }
    };
    let history: Vec<HistoryRow> = (1..=size.epochs).map(row).collect();
    tables::write(&attempt.path(output::HISTORY), &history, "train")?;
    let summary = TrainSummary {
        epochs_run: size.epochs,
        epochs_planned: size.epochs,
        best_epoch: size.epochs,
        best_watched_epoch: size.epochs,
        stop: StopReason::LastEpoch,
        divergence: None,
        smaller_batches: None,
        trained_parameters: 1_500_000,
        parameters: 1_500_000,
        replaced: vec![],
        positive_weights: vec![],
    };
    fs::write(attempt.path(output::SUMMARY), serde_json::to_vec(&summary)?)?;
    Ok(fs::write(attempt.path(output::MODEL), &node.name)?)
}

/// Logits that know something of the truth, each variant a little more than the one before.
fn write_predictions(
    attempt: &Attempt,
    node: &Node,
    labels: &LabelTable,
    split: &[SplitRow],
) -> Result<(), Box<dyn Error>> {
    let place: HashMap<i64, usize> = labels.image_ids.iter().enumerate().map(|(at, &id)| (id, at)).collect();
    let n_labels = labels.labels.len();
    let mut draws = Key::root(3).child(&node.run).draws();
    let level = 1.0 + 0.2 * Key::root(4).child(&node.variant.name).draws().f64();
    let rows = split.iter().filter(|row| row.part != Part::Train);
    let mut table = PredictionTable {
        run: node.run.clone(),
        labels: labels.labels.clone(),
        image_ids: vec![],
        parts: vec![],
        logits: vec![],
    };
    for row in rows {
        table.image_ids.push(row.image_id);
        table.parts.push(row.part);
        let from = place[&row.image_id] * n_labels;
        let logit = |&has: &bool| (if has { level } else { -level } + draws.normal()) as f32;
        table.logits.extend(labels.positives[from..from + n_labels].iter().map(logit));
    }
    Ok(tables::write(&attempt.path(output::PREDICTIONS), &table, "predict")?)
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ablatrix"));
    // Nothing is trained, so that a worker needs only a name.
    command.env("ABLATRIX_WORKER", "/bin/true").current_dir(folder).args(args).stdout(Stdio::null());
    command
}

/// Seconds and largest memory in MiB of a call of `report`.
fn report(folder: &Path, more: &[&str]) -> Result<(f64, u64), Box<dyn Error>> {
    let args: Vec<&str> = ["report", "report.toml", "--format", "json"].iter().chain(more).copied().collect();
    let started = Instant::now();
    let mut child = command(folder, &args).spawn()?;
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak = peak_kib(child.id()).unwrap_or(0).max(peak);
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    assert!(status.success(), "`report` ends well");
    Ok((started.elapsed().as_secs_f64(), peak / 1024))
}

/// The largest resident set of a living process so far, in KiB.
fn peak_kib(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Opens the page, and says when it could be read and how fast it answers; the last frame of each answer included.
fn browse(page: &Path) {
    let session = webdriver::Session::start();
    for _ in 0..ROUNDS {
        session.post("url", json!({"url": format!("file://{}", page.display())}));
        let script = "const done = arguments[arguments.length - 1];
            const chart = document.querySelector('.chart');
            chart.scrollIntoView();
            const first = () => {
              if (chart.querySelector('svg') === null) { requestAnimationFrame(first); return; }
              const [of] = performance.getEntriesByType('navigation');
              done({content: of.domContentLoadedEventEnd, charts: performance.now()});
            };
            first();";
        let opened = later(&session, script);
        println!(
            "opened: DOMContentLoaded after {:.0} ms, the first chart after {:.0} ms",
            opened["content"].as_f64().unwrap(),
            opened["charts"].as_f64().unwrap()
        );
    }
    let answer = |what: &str, begin: &str| {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             const painted = (from) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - from)));
             {begin}"
        );
        println!("{what}: {:.0} ms", later(&session, &script).as_f64().unwrap());
    };
    let filter = "const find = document.getElementById('filter-name');
        // From the end of the pause that waits for more letters.
        const from = performance.now() + 120;
        document.addEventListener('filter', () => painted(from), {once: true});
        find.value = 'p=0.1';
        find.dispatchEvent(new Event('input'));";
    answer("filtered by a part of a name", filter);
    answer("all shown again", &filter.replace("'p=0.1'", "''"));
    for (what, table) in [("effects", "#answer"), ("every run", "#runs")] {
        // A table of so many runs is built once it comes near the screen.
        let built = format!(
            "const done = arguments[arguments.length - 1];
             document.querySelector('{table}').scrollIntoView();
             const look = () => (document.querySelector('{table} table.sortable') ? done(true) : requestAnimationFrame(look));
             look();"
        );
        later(&session, &built);
        let press = format!(
            "const from = performance.now(); document.querySelector('{table} table.sortable th[data-sort=num] button').click(); painted(from);"
        );
        answer(&format!("{what} sorted by a number"), &press);
    }
}

fn later(session: &webdriver::Session, script: &str) -> Value {
    session.post("execute/async", json!({"script": script, "args": []}))
}
