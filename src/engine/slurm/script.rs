//! What is submitted: the script of an array, and the options of `sbatch`.
//!
//! The script's last line becomes the worker, so that the worker gets the cluster's signals. What the worker says goes to a file of its
//! own for each start on each node: two starts of one job may be alive at once after a crash of the controller.

use std::path::Path;

use super::submission::{EVENTS, LOGS, SCRIPT};
use crate::spec::settings::{Slurm, time_limit_s};

/// Seconds before the end of its time that a job is told of it; less where its time is short.
const NOTICE_S: u64 = 120;

/// Exit code of a script on whose node the cache is not seen, or cannot be written.
pub const NO_CACHE: u32 = 78;
/// Exit code of a script on whose node the worker is not seen.
pub const NO_WORKER: u32 = 79;

/// What a script needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The settings.
    pub settings: &'a Slurm,
    /// The submission's folder.
    pub folder: &'a Path,
    /// The cache's folder.
    pub cache: &'a Path,
    /// The worker's program.
    pub worker: &'a Path,
    /// The job's name.
    pub name: &'a str,
    /// What identifies the submission.
    pub token: &'a str,
    /// Threads that each job computes with.
    pub threads: u32,
}

impl Ground<'_> {
    /// The script.
    pub fn script(&self) -> String {
        let Slurm { setup, container, .. } = self.settings;
        let [folder, cache, worker] =
            [self.folder, self.cache, self.worker].map(|path| quoted(&path.to_string_lossy()));
        let (name, threads) = (self.name, self.threads);
        let setup: String = setup.iter().map(|line| format!("{line}\n")).collect();
        let within = if container.is_empty() { String::new() } else { format!("{container} ") };
        format!(
            r#"#!/bin/bash
# Jobs of Ablatrix: `{name}`. Each does the job in the file of its number, and its result goes into the cache.
# By hand, for a look at the first one: bash script.sh
folder={folder}
cache={cache}
worker={worker}
index=${{SLURM_ARRAY_TASK_ID:-0}}
node=${{SLURMD_NODENAME:-$(uname -n)}}
export OMP_NUM_THREADS={threads} MKL_NUM_THREADS={threads}
{setup}# The worker takes the place of this shell, and gets the signals.
exec {within}/bin/sh -c '
if ! [ -f "$1/CACHEDIR.TAG" ] || ! [ -w "$2" ]; then
  echo "ablatrix: the cache $1 is not there on $4, or cannot be written" >&2; exit {NO_CACHE}
fi
if ! [ -x "$3" ]; then
  echo "ablatrix: the worker $3 is not there on $4" >&2; exit {NO_WORKER}
fi
exec "$3" job "$5"' ablatrix "$cache" "$folder" "$worker" "$node" "$folder/$index.json" \
  >>"$folder/{EVENTS}/$index-${{SLURM_RESTART_COUNT:-0}}-$node.jsonl"
"#
        )
    }

    /// The words after `sbatch` for `n` jobs that had better not go to the nodes `avoid`. Where there are `arrays` none, `n` is 1.
    pub fn arguments(&self, n: usize, arrays: bool, avoid: &[String]) -> Vec<String> {
        let folder = self.folder.to_string_lossy();
        // Slurm reads more into these.
        let escaped = folder.replace('\\', "\\\\").replace('%', "%%");
        let number = if arrays { "%a" } else { "0" };
        let mut words = vec![
            "--parsable".to_owned(),
            format!("--job-name={}", self.name),
            format!("--comment=ablatrix:{}", self.token),
            format!("--output={escaped}/{LOGS}/{number}.log"),
            format!("--chdir={folder}"),
            format!("--signal=B:TERM@{}", notice_s(&self.settings.time)),
            "--open-mode=append".to_owned(),
            "--requeue".to_owned(),
        ];
        if arrays {
            words.push(format!("--array=0-{}", n.saturating_sub(1)));
        }
        if !avoid.is_empty() {
            words.push(format!("--exclude={}", avoid.join(",")));
        }
        words.extend(resources(self.settings));
        words.push(self.folder.join(SCRIPT).to_string_lossy().into_owned());
        words
    }
}

/// The words after `sbatch` that say what each job asks for.
pub fn resources(settings: &Slurm) -> Vec<String> {
    let Slurm { partition, account, qos, gpus, cpus, memory, time, .. } = settings;
    let mut words = vec!["--nodes=1".to_owned(), "--ntasks=1".to_owned(), format!("--cpus-per-task={cpus}")];
    let given =
        [("partition", partition), ("account", account), ("qos", qos), ("mem", memory), ("time", time)];
    words.extend(
        given.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("--{name}={value}")),
    );
    // Some clusters refuse to be asked for no GPU.
    if gpus.n > 0 {
        words.push(format!("--gres=gpu:{gpus}"));
    }
    words.extend(settings.option_words());
    words
}

/// Seconds of notice in a time; a job that has little gets less, or it would be told at its start.
fn notice_s(time: &str) -> u64 {
    time_limit_s(time).map_or(NOTICE_S, |limit| NOTICE_S.min(limit / 4).max(1))
}

/// A word for the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::settings::JobGpus;

    fn ground<'a>(settings: &'a Slurm, folder: &'a Path) -> Ground<'a> {
        let (cache, worker) = (Path::new("/c"), Path::new("/w"));
        Ground { settings, folder, cache, worker, name: "ablatrix-tiny-t0", token: "t0", threads: 3 }
    }

    #[test]
    fn options_are_those_of_the_spec_and_no_gpu_is_no_gres() {
        let mut settings = Slurm { cpus: 3, ..Slurm::default() };
        let folder = Path::new("/a b/50%");
        let words = ground(&settings, folder).arguments(5, true, &["n1".to_owned(), "n2".to_owned()]);
        assert!(words.contains(&"--output=/a b/50%%/log/%a.log".to_owned()), "{words:?}");
        assert!(words.contains(&"--array=0-4".to_owned()) && words.contains(&"--exclude=n1,n2".to_owned()));
        assert!(!words.iter().any(|word| word.contains("gres") || word.contains("partition")), "{words:?}");
        assert_eq!(words.last().unwrap(), "/a b/50%/script.sh");
        settings.gpus = JobGpus { kind: "a100".into(), n: 2 };
        settings.partition = "long".into();
        settings.options = vec!["--constraint 'x y'".into()];
        let words = ground(&settings, folder).arguments(1, false, &[]);
        assert!(!words.iter().any(|word| word.starts_with("--array")));
        for word in
            ["--gres=gpu:a100:2", "--partition=long", "--constraint", "x y", "--output=/a b/50%%/log/0.log"]
        {
            assert!(words.iter().any(|found| found == word), "{word} in {words:?}");
        }
    }

    #[test]
    fn short_times_give_short_notice() {
        assert_eq!(["", "1", "02:00:00", "0:02"].map(notice_s), [120, 15, 120, 1]);
    }

    /// The script is run by a shell as a cluster would run it.
    #[test]
    fn the_script_becomes_the_worker_and_says_what_its_node_lacks() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let cache = place.path().join("it's a cache");
        let folder = cache.join("sub");
        std::fs::create_dir_all(folder.join(EVENTS)).unwrap();
        let worker = place.path().join("worker");
        let settings = Slurm {
            setup: vec!["export SAID=hello".into()],
            container: "env INSIDE=1".into(),
            ..Slurm::default()
        };
        let run = || {
            let mut ground = ground(&settings, &folder);
            (ground.cache, ground.worker) = (&cache, &worker);
            let mut command = std::process::Command::new("bash");
            command
                .arg("-c")
                .arg(ground.script())
                .env("SLURM_ARRAY_TASK_ID", "7")
                .env("SLURMD_NODENAME", "n4");
            command.env("SLURM_RESTART_COUNT", "2").output().unwrap()
        };
        let code = |output: &std::process::Output| output.status.code().map(|code| code as u32);
        let output = run();
        assert_eq!(code(&output), Some(NO_CACHE), "{output:?}");
        std::fs::write(cache.join("CACHEDIR.TAG"), "").unwrap();
        let output = run();
        assert_eq!(code(&output), Some(NO_WORKER), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("is not there on n4"), "{output:?}");
        std::fs::write(&worker, "#!/bin/sh\necho $SAID $INSIDE $OMP_NUM_THREADS $1 $2 $$\nexit 75\n")
            .unwrap();
        std::fs::set_permissions(&worker, std::fs::Permissions::from_mode(0o755)).unwrap();
        let output = run();
        assert_eq!(code(&output), Some(75), "{output:?}");
        let said = std::fs::read_to_string(folder.join(EVENTS).join("7-2-n4.jsonl")).unwrap();
        let expected = format!("hello 1 3 job {} ", folder.join("7.json").display());
        assert!(said.starts_with(&expected), "{said}");
    }
}
