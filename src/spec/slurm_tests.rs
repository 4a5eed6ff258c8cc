//! `[workers.slurm]`: what is read, and every fault with its place.

use super::settings::{Device, Engine, JobGpus};
use super::tests::{faults, read};

const SPEC: &str = "name = \"a\"\n[dataset]\nformat = \"folders\"\nimages = \".\"\n[labels]\nfrom = \"folder\"\n[augment.grid]\ndesign = \"none\"\n";

fn with(workers: &str) -> String {
    format!("{SPEC}{workers}")
}

#[test]
fn all_keys_are_read_and_all_have_defaults() {
    let text = with(
        "[workers]\nengine = \"slurm\"\n[workers.slurm]\npartition = \"gpu,long\"\naccount = \"lab\"\nqos = \"high\"\ngpus = \"a100:1\"\n\
         cpus = 8\nmemory = \"32G\"\ntime = \"1-12:00:00\"\nsetup = [\"module load cuda/12\"]\n\
         container = \"apptainer exec --nv image.sif\"\noptions = [\"--constraint 'a100|h100'\", \"--exclusive\"]\nmax_queued = 9\n\
         poll_seconds = 0.5\nfs_lag_seconds = 2\n",
    );
    let workers = read(&text, &[]).unwrap().experiment.workers;
    assert_eq!((workers.engine, workers.slurm.cpus, workers.slurm.max_queued), (Engine::Slurm, 8, 9));
    assert_eq!(workers.slurm.gpus, JobGpus { kind: "a100".into(), n: 1 });
    assert_eq!(workers.slurm.option_words(), ["--constraint", "a100|h100", "--exclusive"]);

    let workers = read(SPEC, &["workers.engine=slurm"]).unwrap().experiment.workers;
    assert_eq!((workers.slurm.gpus.n, workers.slurm.cpus, workers.slurm.poll_seconds), (0, 4, 15.0));
    assert_eq!(workers.device, Device::Cpu);
}

#[test]
fn what_slurm_would_misread_is_a_fault() {
    let cases = [
        (
            "time = \"2h\"",
            "`time` is `2h`, expected a time as in `02:00:00` or `1-12:00:00` (days-hours:minutes:seconds) @ \"2h\" ? a number alone is minutes: `time = \"90\"`",
        ),
        ("time = 90", "`time` is `90`, expected a string @ 90"),
        (
            "memory = \"16 gb\"",
            "`memory` is `16 gb`, expected an amount as in `16G` or `4000M` @ \"16 gb\" ? did you mean `16G`?",
        ),
        ("memory = \"lots\"", "`memory` is `lots`, expected an amount as in `16G` or `4000M` @ \"lots\""),
        (
            "partition = \"my gpu\"",
            "`partition` is `my gpu`, expected a name as `sinfo` and `sacctmgr` show it @ \"my gpu\"",
        ),
        (
            "account = \"--wrap=x\"",
            "`account` is `--wrap=x`, expected a name as `sinfo` and `sacctmgr` show it @ \"--wrap=x\"",
        ),
        (
            "gpus = \"gpu:a100:1\"",
            "`gpus` is `\"gpu:a100:1\"`, expected 0 to 16, or a type with a number as in `\"a100:1\"` @ \"gpu:a100:1\"",
        ),
        ("gpus = -1", "`gpus` is `-1`, expected 0 to 16, or a type with a number as in `\"a100:1\"` @ -1"),
        ("cpus = 0", "`cpus` is `0`, expected 1 to 1024 @ 0"),
        (
            "setup = [\"a\\nb\"]",
            "`setup` holds `a\\nb`, expected one line without control characters @ \"a\\nb\"",
        ),
        (
            "options = [\"--array=0-9\"]",
            "`--array=0-9` in `options`: Ablatrix sets `--array` itself @ \"--array=0-9\" ? Ablatrix numbers the jobs of an array itself",
        ),
        (
            "options = [\"--exclusive\", \"-J x\"]",
            "`-J x` in `options`: Ablatrix sets `--job-name` itself @ \"-J x\" ? jobs are found again by their names",
        ),
        (
            "options = [\"-oslurm.out\"]",
            "`-oslurm.out` in `options`: Ablatrix sets `--output` itself @ \"-oslurm.out\" ? logs lie in the cache, where `ablatrix status` shows them",
        ),
        (
            "options = [\"constraint=a\"]",
            "`constraint=a` in `options` is no option of `sbatch`: it does not begin with `-` @ \"constraint=a\" ? write each option with its value, as in `\"--constraint=a100\"`",
        ),
        (
            "options = [\"--comment='x\"]",
            "`--comment=\\'x` in `options` is no option: a quote is not closed, or it is empty @ \"--comment='x\"",
        ),
        (
            "max_queue = 5",
            "unknown key `max_queue` in `[workers.slurm]` @ max_queue ? did you mean `max_queued`?",
        ),
    ];
    for (line, expected) in cases {
        let text = with(&format!("[workers]\nengine = \"slurm\"\n[workers.slurm]\n{line}\n"));
        assert_eq!(faults(&text, &[]), [expected], "{line}");
    }
}

#[test]
fn a_device_that_no_job_would_have_is_a_fault() {
    let text = |device: &str, gpus: u32| {
        with(&format!(
            "[workers]\nengine = \"slurm\"\ndevice = \"{device}\"\n[workers.slurm]\ngpus = {gpus}\n"
        ))
    };
    assert_eq!(
        faults(&text("cuda", 0), &[]),
        [
            "`device` is `cuda`, but `workers.slurm.gpus` is 0, so that no job would have a GPU @ \"cuda\" ? write `gpus = 1` in `[workers.slurm]`, or `device = \"cpu\"`"
        ]
    );
    assert!(
        faults(&text("cuda:1", 1), &[])[0]
            .starts_with("`device` is `cuda:1`, but with `engine = \"slurm\"` the cluster chooses")
    );
    assert_eq!(read(&text("cuda", 1), &[]).unwrap().experiment.workers.device, Device::Cuda);
}

#[test]
fn what_nothing_reads_is_told() {
    let local = with("[workers.slurm]\npartition = \"gpu\"\n");
    let notices = read(&local, &[]).unwrap().notices();
    assert_eq!(
        notices,
        ["nothing reads `[workers.slurm]`; write `engine = \"slurm\"` in `[workers]` to use the cluster"]
    );
    assert!(read(&local, &["workers.engine=slurm"]).unwrap().notices().is_empty());
    let unused = with("[workers]\nengine = \"slurm\"\ndevice = \"cpu\"\n[workers.slurm]\ngpus = 1\n");
    assert_eq!(
        read(&unused, &[]).unwrap().notices(),
        [
            "each job asks for a GPU and computes on the processor; write `gpus = 0` in `[workers.slurm]`, or `device = \"cuda\"`"
        ]
    );
}
