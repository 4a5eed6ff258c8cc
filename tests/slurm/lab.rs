//! A cluster, a tiny study, and `ablatrix` on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Pid;
use serde_json::Value;

use super::harness::{Lab, SPEC, stderr};

/// A cluster that is ended when dropped.
pub struct Cluster {
    folder: tempfile::TempDir,
}

impl Cluster {
    /// Starts one; `None`, and a line that says so, where Slurm is not installed, or its accounts are not that `settings` ask for.
    pub fn start(nodes: u32, gpus: u32, settings: &[(&str, &str)]) -> Option<Self> {
        if let Some(program) = missing(&["munged", "slurmctld", "slurmd", "sbatch"]) {
            println!("skipped: `{program}` is not installed");
            return None;
        }
        if settings.contains(&ACCOUNTS)
            && let Some(program) = missing(&["slurmdbd", "mariadbd", "mariadb-install-db", "sacct"])
        {
            println!("left out: {program} is not installed");
            return None;
        }
        let cluster =
            Cluster { folder: tempfile::Builder::new().prefix("slurm").tempdir_in("/tmp").unwrap() };
        let (nodes, gpus) = (nodes.to_string(), gpus.to_string());
        cluster.script(&["start"], &[&nodes, &gpus], settings);
        Some(cluster)
    }

    /// Ends a node with all jobs on it, or the controller (`ctld`), as a power failure would.
    pub fn kill(&self, name: &str) {
        self.script(&["kill"], &[name], &[]);
    }

    /// Starts it again.
    pub fn raise(&self, name: &str) {
        self.script(&["raise"], &[name], &[]);
    }

    fn script(&self, verb: &[&str], words: &[&str], settings: &[(&str, &str)]) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slurm/cluster.sh");
        let mut command = Command::new("bash");
        command.arg(script).args(verb).arg(self.folder.path()).args(words).envs(settings.iter().copied());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{verb:?} {words:?}: {}", stderr(&output));
    }

    /// The configuration, by which commands find the cluster.
    pub fn conf(&self) -> PathBuf {
        self.folder.path().join("slurm.conf")
    }

    /// A command of Slurm's, and what it printed.
    pub fn slurm(&self, program: &str, words: &[&str]) -> String {
        let output = Command::new(program).args(words).env("SLURM_CONF", self.conf()).output().unwrap();
        assert!(output.status.success(), "{program} {words:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A job for the user's other work, with one line of shell.
    pub fn job(&self, words: &[&str], line: &str) -> String {
        let wrap = format!("--wrap={line}");
        let fixed = ["--parsable", "--output=/dev/null", "--job-name=other", &wrap];
        self.slurm("sbatch", &[&fixed[..], words].concat())
    }

    /// Ids and states of all jobs in the queue that have not ended.
    pub fn queue(&self) -> Vec<String> {
        self.slurm("squeue", &["-h", "-r", "-o", "%F_%K %T %N"]).lines().map(str::to_owned).collect()
    }

    /// The processes of its jobs that run this program.
    pub fn processes(&self, program: &str) -> Vec<Pid> {
        let of_ours = format!("SLURM_CONF={}", self.conf().display());
        let is_one = |folder: &Path| {
            let has = |file: &str, wanted: &str| {
                let bytes = fs::read(folder.join(file)).unwrap_or_default();
                String::from_utf8_lossy(&bytes).contains(wanted)
            };
            has("environ", &of_ours) && has("cmdline", program)
        };
        let folders = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        let id = |folder: PathBuf| folder.file_name()?.to_str()?.parse().ok().and_then(Pid::from_raw);
        folders.filter(|folder| is_one(folder)).filter_map(id).collect()
    }

    /// How each job that has ended did so, as the controller has written it: one line for each end.
    pub fn ends(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("jobs.txt")).unwrap_or_default();
        text.lines().filter(|line| line.contains("Name=ablatrix")).map(str::to_owned).collect()
    }
}

/// The first of these programs that is not installed.
fn missing(programs: &[&'static str]) -> Option<&'static str> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> =
        std::env::split_paths(&paths).chain(["/usr/sbin".into(), "/sbin".into()]).collect();
    programs.iter().copied().find(|program| !folders.iter().any(|folder| folder.join(program).is_file()))
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.script(&["stop"], &[], &[]);
    }
}

/// A study on a cluster.
pub struct Study {
    pub lab: Lab,
    pub cluster: Cluster,
}

/// A setting of clusters that keep accounts, and whose limits hold.
pub const ACCOUNTS: (&str, &str) = ("ACCOUNTS", "1");

/// Settings that tests go by: quick looks at the queue.
pub const QUICK: &str = "cpus = 1\npoll_seconds = 0.3\nfs_lag_seconds = 2\n";

/// The tiny spec for a cluster, with more lines for `[workers.slurm]`.
pub fn spec(slurm: &str) -> String {
    format!("{SPEC}\n[workers]\nengine = \"slurm\"\ndevice = \"cpu\"\n[workers.slurm]\n{QUICK}{slurm}\n")
}

impl Study {
    /// Nothing computed yet; `None` where there is no worker, or no Slurm.
    pub fn new(nodes: u32, gpus: u32, settings: &[(&str, &str)]) -> Option<Self> {
        let lab = Lab::new()?;
        let study = Study { cluster: Cluster::start(nodes, gpus, settings)?, lab };
        study.lab.write_spec(&spec(""));
        Some(study)
    }

    /// `ablatrix VERB tiny.toml ARGS` that finds the cluster.
    pub fn command(&self, verb: &str, args: &[&str]) -> Command {
        let mut command = self.lab.command("cache", verb, args);
        command.env("SLURM_CONF", self.cluster.conf());
        command
    }

    /// Likewise with the spec `other.toml`.
    pub fn command_of_other(&self, verb: &str) -> Command {
        let mut command = self.lab.bare();
        command.args([verb, "other.toml", "--cache"]).arg(self.lab.path("cache"));
        command.env("SLURM_CONF", self.cluster.conf());
        command
    }

    /// Runs a verb to its end.
    pub fn call(&self, verb: &str, args: &[&str]) -> Output {
        self.command(verb, args).output().unwrap()
    }

    /// `run`, which must end well, and what it said.
    pub fn run(&self) -> String {
        let output = self.call("run", &["--verbose"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stderr(&output)
    }

    /// Starts `run` and leaves it running; what it says goes to the file `said`.
    pub fn start(&self) -> Child {
        let said = fs::File::create(self.lab.path("said")).unwrap();
        let mut command = self.command("run", &["--verbose"]);
        command.stdout(Stdio::null()).stderr(said).spawn().unwrap()
    }

    /// What the run that was started has said so far.
    pub fn said(&self) -> String {
        fs::read_to_string(self.lab.path("said")).unwrap()
    }

    /// Waits for the end of a run that was started, which must be a good one; gives what it said.
    pub fn finish(&self, mut child: Child) -> String {
        let code = child.wait().unwrap().code();
        assert_eq!(code, Some(0), "{}", self.said());
        self.said()
    }

    /// `status --format json`
    pub fn status(&self) -> Value {
        let output = self.call("status", &["--format", "json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)))
    }

    /// The folders of what was submitted, oldest first.
    pub fn submissions(&self) -> Vec<PathBuf> {
        let place = self.lab.path("cache/work/slurm/tiny");
        let entries = fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path());
        // Those that begin with a dot are being written, and about to be renamed.
        let is_written = |path: &PathBuf| {
            path.is_dir() && !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
        };
        let mut folders: Vec<_> = entries.filter(is_written).collect();
        folders.sort();
        folders
    }

    /// All that workers have said.
    pub fn events(&self) -> Vec<Value> {
        let mut events = Vec::new();
        for folder in self.submissions() {
            for entry in fs::read_dir(folder.join("events")).unwrap() {
                let text = fs::read_to_string(entry.unwrap().path()).unwrap();
                events.extend(text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()));
            }
        }
        events
    }

    /// How many epochs workers have told of.
    pub fn epochs(&self) -> usize {
        self.events().iter().filter(|event| event["event"] == "epoch").count()
    }

    /// A program in the folder that jobs run in, in place of a container.
    pub fn wrapper(&self, lines: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let path = self.lab.path("wrapper");
        fs::write(&path, format!("#!/bin/bash\n{lines}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        format!("container = \"{}\"\n", path.display())
    }

    /// A wrapper around workers that does `lines` once a training has told of an epoch, and then waits for the worker, whose process is
    /// `$pid`. What the cluster sends to the job goes to the worker, which may stand still.
    pub fn wrapper_after_an_epoch(&self, lines: &str) -> String {
        self.wrapper(&format!(
            r#""$@" & pid=$!
trap 'told=yes; kill -TERM $pid; kill -CONT $pid' TERM
lives() {{ kill -0 $pid 2>/dev/null; }}
until grep -qs '"event":"epoch"' /proc/$$/fd/1 || ! lives; do sleep 0.05; done
if lives; then
{lines}
fi
while lives; do wait $pid; done
wait $pid"#
        ))
    }

    /// The tables must be those that the pool on this machine gives, computed in a cache of its own.
    pub fn agrees_with_the_pool(&self) {
        let args = ["--quiet", "--set", "workers.engine=local", "--set", "workers.threads=1"];
        let output = self.lab.call("local", "run", &args);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(self.lab.tables("cache"), self.lab.tables("local"));
    }
}

/// Waits until `look` gives something.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
