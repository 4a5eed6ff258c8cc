//! What many jobs in a cluster's queue cost the program that follows them: time and processor for each, and while all wait.
//!
//! `cargo bench --bench slurm [JOBS]` starts a real Slurm on this machine (tests/slurm/cluster.sh) and gives the engine a thousand
//! jobs. Their worker is a shell script that puts a result made beforehand into the cache.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use ablatrix::cache::{Provenance, Store};
use ablatrix::engine::slurm::SlurmConfig;
use ablatrix::engine::{End, Ended, Engine, News, Order, Wake};
use ablatrix::fingerprint::Builder;
use ablatrix::job::{Job, JobStage, LIBTORCH, PROTOCOL};
use ablatrix::spec::settings::{Device, Experiment};
use ablatrix::spec::{self, Overrides};

/// Seconds that all jobs wait.
const IDLE: Duration = Duration::from_secs(30);

const SPEC: &str = "name = \"many\"\n[dataset]\nformat = \"folders\"\nimages = \".\"\n[labels]\nfrom = \"folder\"\n[augment.grid]\n\
design = \"none\"\n[workers]\nengine = \"slurm\"\n[workers.slurm]\ncpus = 1\nmax_queued = 100000\npoll_seconds = 1\n";

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench`.
    let jobs = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    let jobs: usize = jobs.map_or(Ok(1_000), |n| n.parse())?;
    if std::env::var_os("SLURM_CONF").is_some() {
        return measure(jobs);
    }
    let place = tempfile::Builder::new().prefix("slurm").tempdir_in("/tmp")?;
    let cluster = |verb: &str, words: &[&str]| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slurm/cluster.sh");
        Command::new("bash").arg(script).arg(verb).arg(place.path()).args(words).status()
    };
    if !cluster("start", &["3", "0"])?.success() {
        return Err("the cluster did not start".into());
    }
    // Anew, with the variable by which Slurm's commands find the cluster.
    let run = Command::new(std::env::current_exe()?)
        .arg(jobs.to_string())
        .env("SLURM_CONF", place.path().join("slurm.conf"))
        .status();
    cluster("stop", &[])?;
    if run?.success() { Ok(()) } else { Err("see above".into()) }
}

fn measure(jobs: usize) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(&folder.path().join("cache"))?;
    let staged = folder.path().join("staged");
    fs::create_dir(&staged)?;
    let path = folder.path().join("many.toml");
    fs::write(&path, SPEC)?;
    let experiment = spec::load(&path, &Overrides::default())?.experiment;
    let orders =
        (0..jobs).map(|node| order(node, &experiment, &store, &staged)).collect::<Result<Vec<_>, _>>()?;
    let worker = folder.path().join("worker");
    fs::write(&worker, script(&staged, &store))?;
    fs::set_permissions(&worker, fs::Permissions::from_mode(0o755))?;
    let config = SlurmConfig {
        settings: experiment.workers.slurm.clone(),
        worker,
        store: store.clone(),
        study: "many".to_owned(),
        threads: 1,
        most: None,
    };

    // Nothing begins while the partition is down.
    partition("DOWN")?;
    let (wake, woken) = channel();
    let mut workers = config.begin(Wake::new(move || {
        let _ = wake.send(());
    }));
    let (begun, cpu) = (Instant::now(), cpu_seconds()?);
    for order in orders {
        workers.give(order)?;
    }
    let queued = || -> Result<usize, Box<dyn Error>> {
        let output = Command::new("squeue").args(["-h", "-r", "-o", "%i"]).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).lines().count())
    };
    while queued()? < jobs {
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("{jobs} jobs are in the queue after {:.2} s", begun.elapsed().as_secs_f64());

    let (waits, idle_cpu) = (Instant::now(), cpu_seconds()?);
    while waits.elapsed() < IDLE {
        let _ = woken.recv_timeout(Duration::from_millis(100));
        workers.news()?;
    }
    let share = (cpu_seconds()? - idle_cpu) / waits.elapsed().as_secs_f64();
    println!("while all wait, the program and its commands take {:.1} % of one core", 100.0 * share);

    partition("UP")?;
    let begun = Instant::now();
    let mut done = 0;
    while done < jobs {
        let _ = woken.recv_timeout(Duration::from_millis(100));
        for news in workers.news()? {
            match news {
                News::Ended { how: Ended::Well, .. } => done += 1,
                News::Ended { how, .. } => return Err(format!("{how:?}").into()),
                News::Told { .. } | News::Notice { .. } | News::Placed { .. } => {}
            }
        }
    }
    println!("all have ended after {:.1} s", begun.elapsed().as_secs_f64());
    workers.end(End::Done);
    let each = 1e3 * (cpu_seconds()? - cpu) / jobs as f64;
    println!("the program and its commands took {each:.2} ms of processor for each job");
    Ok(())
}

/// A job whose result lies ready.
fn order(
    node: usize,
    experiment: &Experiment,
    store: &Store,
    staged: &Path,
) -> Result<Order, Box<dyn Error>> {
    let print = Builder::new("train", 1).setting("seed", &node).finish();
    let attempt = store.attempt(&print)?;
    fs::write(attempt.path("out"), node.to_string())?;
    attempt.publish(&["out"], Provenance::default())?;
    fs::rename(store.layout().entry(&print.key), staged.join(print.key.as_str()))?;
    let job = Job {
        protocol: PROTOCOL,
        stage: JobStage::Train,
        run: format!("none/seed={node}"),
        fingerprint: print,
        model: experiment.model.clone(),
        train: experiment.train.clone(),
        explain: experiment.explain.clone(),
        images: experiment.images.clone(),
        policy: Vec::new(),
        inputs: BTreeMap::new(),
        cache: store.layout().root().to_owned(),
        seed: node as u64,
        fold: 0,
        threads: 1,
        checkpoint_minutes: 0.0,
        device: Device::Cpu,
        beat_seconds: 0.0,
        alone: true,
    };
    Ok(Order { node, job, expected_bytes: None, avoid: Vec::new() })
}

/// The worker: two events, and between them the result becomes visible.
fn script(staged: &Path, store: &Store) -> String {
    let (staged, entries) = (staged.display(), store.layout().entries());
    format!(
        "#!/bin/sh\nread -r job <\"$2\"\nkey=${{job#*\\\"key\\\":\\\"}}; key=${{key%%\\\"*}}; rest=${{key#??}}\n\
         echo '{{\"event\":\"ready\",\"protocol\":{PROTOCOL},\"version\":\"0\",\"libtorch\":\"{LIBTORCH}\"}}'\n\
         mkdir -p \"{0}/${{key%$rest}}\"; ln '{staged}/'$key \"{0}/${{key%$rest}}/$rest.json\"\n\
         echo '{{\"event\":\"finished\",\"key\":\"'$key'\"}}'\n",
        entries.display()
    )
}

fn partition(state: &str) -> Result<(), Box<dyn Error>> {
    let status = Command::new("scontrol")
        .args(["update", "PartitionName=main", &format!("State={state}")])
        .status()?;
    if status.success() { Ok(()) } else { Err("the partition cannot be changed".into()) }
}

/// Seconds of processor of this process and of the commands that it has waited for.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit_once(") ").ok_or("no fields")?.1.split(' ').collect();
    let ticks = fields[11..15].iter().map(|field| field.parse::<u64>()).sum::<Result<u64, _>>()?;
    // Linux counts in hundredths for programs, whatever its own clock.
    Ok(ticks as f64 / 100.0)
}
