//! Reads `[workers.slurm]`.

use super::fault::Fault;
use super::reader::{Table, Takes, integer_of, shown};
use super::settings::{DeviceWish, JobGpus, Slurm, is_memory, time_limit_s};

/// Options of `sbatch` that Ablatrix sets, by their long and short names, with what to write instead.
const TAKEN: [(&str, &str, &str); 31] = [
    ("partition", "p", "write `workers.slurm.partition`"),
    ("account", "A", "write `workers.slurm.account`"),
    ("qos", "q", "write `workers.slurm.qos`"),
    ("gres", "", "write `workers.slurm.gpus`, with a type as in `gpus = \"a100:1\"`"),
    ("gpus", "G", "write `workers.slurm.gpus`"),
    ("gpus-per-node", "", "write `workers.slurm.gpus`"),
    ("gpus-per-task", "", "write `workers.slurm.gpus`"),
    ("cpus-per-task", "c", "write `workers.slurm.cpus`"),
    ("mem", "", "write `workers.slurm.memory`"),
    ("time", "t", "write `workers.slurm.time`"),
    ("array", "a", "Ablatrix numbers the jobs of an array itself"),
    ("job-name", "J", "jobs are found again by their names"),
    ("comment", "", "jobs are found again by their comments"),
    ("output", "o", "logs lie in the cache, where `ablatrix status` shows them"),
    ("error", "e", "logs lie in the cache, where `ablatrix status` shows them"),
    ("open-mode", "", "a log is written on when a job starts again"),
    ("input", "i", "a worker reads its job from a file"),
    ("signal", "", "workers are told in time to keep a checkpoint"),
    ("requeue", "", "a job that is preempted goes on by its checkpoint"),
    ("no-requeue", "", "a job that is preempted goes on by its checkpoint"),
    ("chdir", "D", "jobs name all files by absolute paths"),
    ("nodes", "N", "a run is computed on one node"),
    ("ntasks", "n", "a run is one process"),
    ("wait", "W", "Ablatrix does not wait for `sbatch`"),
    ("test-only", "", "jobs are to be computed"),
    ("wrap", "", "Ablatrix writes the script"),
    ("clusters", "M", "jobs are looked for where `ablatrix` runs: run it on a node of that cluster"),
    ("het-group", "", "a run is one job"),
    ("help", "h", "`sbatch --help` in a shell shows it"),
    ("usage", "", "`sbatch --usage` in a shell shows it"),
    ("version", "V", "`sbatch --version` in a shell shows it"),
];

/// Reads the table `slurm` in `[workers]`.
pub fn slurm(workers: &Table<'_>) -> Slurm {
    let table = workers.table("slurm");
    let settings = Slurm {
        partition: name(&table, "partition"),
        account: name(&table, "account"),
        qos: name(&table, "qos"),
        gpus: gpus(&table),
        cpus: table.integer("cpus", 1..=1024) as u32,
        memory: memory(&table),
        time: time(&table),
        setup: lines(&table, "setup"),
        container: line(&table, "container", table.text("container"), None),
        options: options(&table),
        max_queued: table.integer("max_queued", 1..=100_000) as u32,
        poll_seconds: table.number("poll_seconds", 0.1..=3_600.0),
        fs_lag_seconds: table.number("fs_lag_seconds", 0.0..=3_600.0),
    };
    table.finish();
    settings
}

/// Faults a device that jobs of a cluster cannot have.
pub fn check_device(workers: &Table<'_>, wish: DeviceWish, slurm: &Slurm) {
    match wish {
        DeviceWish::CudaAt(_) => {
            let fault = Fault::new(format!(
                "`device` is `{wish}`, but with `engine = \"slurm\"` the cluster chooses the GPU"
            ));
            workers.fault(
                "device",
                fault.help("write `device = \"cuda\"`, and `gpus = 1` in `[workers.slurm]`"),
            );
        }
        DeviceWish::Cuda if slurm.gpus.n == 0 => {
            let fault = Fault::new(
                "`device` is `cuda`, but `workers.slurm.gpus` is 0, so that no job would have a GPU",
            );
            workers
                .fault("device", fault.help("write `gpus = 1` in `[workers.slurm]`, or `device = \"cpu\"`"));
        }
        _ => {}
    }
}

/// A name of something of the cluster's, or nothing.
fn name(table: &Table<'_>, key: &str) -> String {
    let text = table.text(key);
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.,@+:/".contains(c);
    if text.starts_with('-') || !text.chars().all(fits) {
        let found = text.escape_debug();
        table.fault(
            key,
            Fault::new(format!("`{key}` is `{found}`, expected a name as `sinfo` and `sacctmgr` show it")),
        );
    }
    text
}

fn gpus(table: &Table<'_>) -> JobGpus {
    table.takes("gpus", || vec![Takes::integer(&(0..=16)), Takes::Form("^([A-Za-z0-9_.-]+:)?[0-9]+$")]);
    let Some(value) = table.any("gpus") else { return JobGpus::default() };
    let text = integer_of(&value).map(|n| n.to_string()).or_else(|| value.as_str().map(str::to_owned));
    text.and_then(|text| JobGpus::parse(&text)).unwrap_or_else(|| {
        let fault = Fault::new(format!(
            "`gpus` is {}, expected 0 to 16, or a type with a number as in `\"a100:1\"`",
            shown(&value)
        ));
        table.fault("gpus", fault);
        JobGpus::default()
    })
}

fn memory(table: &Table<'_>) -> String {
    let text = table.text("memory");
    if !text.is_empty() && !is_memory(&text) {
        let mut fault = Fault::new(format!(
            "`memory` is `{}`, expected an amount as in `16G` or `4000M`",
            text.escape_debug()
        ));
        let short =
            text.trim().trim_end_matches("iB").trim_end_matches(['B', 'b']).replace(' ', "").to_uppercase();
        if is_memory(&short) && short.ends_with(['K', 'M', 'G', 'T']) {
            fault = fault.help(format!("did you mean `{short}`?"));
        }
        table.fault("memory", fault);
    }
    text
}

fn time(table: &Table<'_>) -> String {
    let text = table.text("time");
    if table.is_text("time") && !text.is_empty() && time_limit_s(&text).is_none() {
        let found = text.escape_debug();
        let fault = Fault::new(format!(
            "`time` is `{found}`, expected a time as in `02:00:00` or `1-12:00:00` (days-hours:minutes:seconds)"
        ));
        table.fault("time", fault.help("a number alone is minutes: `time = \"90\"`"));
    }
    text
}

/// Faults what is no single line: it would be something else in the script.
fn line(table: &Table<'_>, key: &str, text: String, item: Option<usize>) -> String {
    if text.chars().any(|c| c.is_control() && c != '\t') {
        let fault = Fault::new(format!(
            "`{key}` holds `{}`, expected one line without control characters",
            text.escape_debug()
        ));
        match item {
            Some(i) => table.fault_in(key, i, fault),
            None => table.fault(key, fault),
        }
    }
    text
}

fn lines(table: &Table<'_>, key: &str) -> Vec<String> {
    table.texts(key).into_iter().enumerate().map(|(i, text)| line(table, key, text, Some(i))).collect()
}

fn options(table: &Table<'_>) -> Vec<String> {
    let options = lines(table, "options");
    for (i, option) in options.iter().enumerate() {
        let shown = option.escape_debug();
        let Some(words) = shlex::split(option).filter(|words| !words.is_empty()) else {
            let fault = Fault::new(format!(
                "`{shown}` in `options` is no option: a quote is not closed, or it is empty"
            ));
            table.fault_in("options", i, fault);
            continue;
        };
        if !words[0].starts_with('-') || words[0].trim_start_matches('-').is_empty() {
            let fault = Fault::new(format!(
                "`{shown}` in `options` is no option of `sbatch`: it does not begin with `-`"
            ));
            table.fault_in(
                "options",
                i,
                fault.help("write each option with its value, as in `\"--constraint=a100\"`"),
            );
        }
        for word in words.iter().filter(|word| word.starts_with('-')) {
            if let Some((long, instead)) = taken(word) {
                let fault = Fault::new(format!("`{shown}` in `options`: Ablatrix sets `--{long}` itself"));
                table.fault_in("options", i, fault.help(instead));
            }
        }
    }
    options
}

/// The option of ours that a word sets, and what to do instead. As `sbatch` does it, long names may be cut short, and values of
/// short ones stand right behind them.
fn taken(word: &str) -> Option<(&'static str, &'static str)> {
    let found = match word.strip_prefix("--") {
        Some(long) => {
            let long = long.split('=').next().unwrap_or_default();
            // Whole names before those that are cut short, as `--mem` of `--mem-per-cpu`.
            let is = TAKEN.iter().find(|(name, ..)| *name == long);
            is.or_else(|| TAKEN.iter().find(|(name, ..)| !long.is_empty() && name.starts_with(long)))
        }
        None => {
            let short = word.strip_prefix('-').and_then(|rest| rest.chars().next())?;
            TAKEN.iter().find(|(_, letter, _)| letter.starts_with(short))
        }
    };
    found.map(|(name, _, instead)| (*name, *instead))
}
