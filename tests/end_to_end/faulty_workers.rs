//! Workers that die, hang, babble or lie: each ends as the docs say, and no other run is touched by it.
//!
//! A script stands between the program and the real worker: it hands each job on to a real one, but for those of one run, which it
//! mistreats.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Output;

use ablatrix::job::{LIBTORCH, PROTOCOL};

use super::harness::{Lab, SPEC, stderr, stdout, worker};

/// The run that is mistreated.
const RUN: &str = "flip/seed=1";

/// A worker that does `fault` with trainings of [`RUN`]. In `fault`, `$key` is the job's key, `once` is true the first time only, and
/// `real` hands the job on.
fn faulty(lab: &Lab, fault: &str) -> Option<PathBuf> {
    let real = worker()?;
    let script = format!(
        r#"#!/bin/bash
# One real worker for all jobs that are handed on: it starts once.
real() {{
  if [ -z "$REAL_PID" ]; then coproc REAL {{ exec "{real}"; }}; IFS= read -r ready <&"${{REAL[0]}}" || exit $?; fi
  # Not by `sed`: processes of a pipe do not have the files of a coprocess.
  sent=${{line//'"device":"cuda"'/'"device":"cpu"'}}
  printf '%s\n' "$sent" >&"${{REAL[1]}}"
  while IFS= read -r event <&"${{REAL[0]}}" || exit 70; do
    printf '%s\n' "$event"
    case "$event" in *'"event":"finished"'*|*'"event":"failed"'*|*'"event":"interrupted"'*) break ;; esac
  done
}}
once() {{ mkdir "$dir/once" 2>"$dir/nowhere"; }}
say() {{ printf '%s\n' "$1"; }}
dir="{dir}"
if [ "$1" = devices ]; then
  say '{{"protocol":{PROTOCOL},"version":"1","libtorch":"{LIBTORCH}","cpu":"AVX2","gpus":2,"why_none":null}}'; exit
fi
say '{{"event":"ready","protocol":{PROTOCOL},"version":"1","libtorch":"{LIBTORCH}"}}'
while IFS= read -r line; do
  key=$(printf '%s' "$line" | sed 's/.*"key":"\([0-9a-f]*\)".*/\1/')
  case "$line" in
    *'"stage":"train","run":"{RUN}"'*) say x >>"$dir/tries"
      {fault} ;;
    *) real ;;
  esac
done
"#,
        real = real.display(),
        dir = lab.path("").display(),
    );
    let path = lab.path("faulty-worker");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Some(path)
}

/// Runs the study with a worker that does `fault`, and gives how often the run was tried. A worker is a process for each job here, so
/// that two at a time are enough.
fn run(lab: &Lab, fault: &str, args: &[&str]) -> Option<(Output, usize)> {
    let mut command = lab.command("cache", "run", args);
    let output = command.env("ABLATRIX_WORKER", faulty(lab, fault)?).output().unwrap();
    let tries = fs::read_to_string(lab.path("tries")).unwrap_or_default().lines().count();
    Some((output, tries))
}

/// The study with two runs alone: each job starts a worker here.
fn two_runs() -> String {
    let policies = "design = \"policies\"\npolicies.none = []\npolicies.flip = [\"flip\"]";
    SPEC.replace("design = \"add_one\"", policies).replace("seeds = 2", "seeds = 1")
}

/// The same numbers as without any fault.
fn is_undisturbed(lab: &Lab) {
    lab.run("undisturbed");
    assert_eq!(lab.tables("cache"), lab.tables("undisturbed"));
}

#[test]
fn what_goes_wrong_once_is_done_again() {
    for (what, fault, settings, words) in [
        ("dies", "once && exit 3; real", "", "worker ended with exit code 3"),
        ("is killed", "once && kill -KILL $$; real", "", "worker killed by signal 9"),
        ("ends as if all were well", "once && exit 0; real", "", "worker ended with exit code 0"),
        (
            "lies",
            r#"if once; then say "{\"event\":\"finished\",\"key\":\"$key\"}"; else real; fi"#,
            "",
            "the cache holds no result",
        ),
        (
            "is stopped",
            "once && kill -STOP $$; real",
            "hang_minutes = 0.5",
            "was not heard of for 0.5 minutes",
        ),
        (
            "was out of memory",
            r#"if once; then say "{\"event\":\"failed\",\"key\":\"$key\",\"kind\":\"infrastructure\",\"message\":\"no memory\"}"; else real; fi"#,
            "",
            "no memory",
        ),
    ] {
        let lab = Lab::without_worker();
        lab.write_spec(&format!("{}[workers]\nthreads = 1\n{settings}\n", two_runs()));
        let Some((output, tries)) = run(&lab, fault, &["--workers", "2"]) else { return };
        let said = stderr(&output);
        assert_eq!((output.status.code(), tries), (Some(0), 2), "{what}: {said}");
        assert!(said.contains(&format!("warning: `train {RUN}` is tried again: ")), "{what}: {said}");
        assert!(said.contains(words), "{what}: {said}");
    }
}

#[test]
fn babble_and_slowness_are_borne() {
    let Some(lab) = Lab::new() else { return };
    lab.write_spec(&format!("{SPEC}[workers]\nthreads = 1\n"));
    let fault =
        r#"say "Loading..."; say "{\"event\":\"dance\"}"; head -c 3000 /dev/urandom; echo; sleep 1; real"#;
    let Some((output, tries)) = run(&lab, fault, &["--workers", "2"]) else { return };
    assert_eq!((output.status.code(), tries), (Some(0), 1), "{}", stderr(&output));
    is_undisturbed(&lab);
}

/// The most memory that a process has held so far, in MiB; `None` where it has ended.
fn peak_mib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? >> 10)
}

#[test]
fn a_flood_on_stdout_costs_no_memory() {
    let lab = Lab::without_worker();
    lab.write_spec(&format!("{}[workers]\nthreads = 1\n", two_runs()));
    // In short lines, and as one without an end.
    let bytes = if std::env::var("ABLATRIX_FAULTS").is_ok_and(|wish| wish == "full") { 500 } else { 50 };
    let fault = format!(
        "yes 'this is no event' | head -c {bytes}000000; head -c {bytes}000000 /dev/zero | tr '\\0' x; echo; real"
    );
    let Some(path) = faulty(&lab, &fault) else { return };
    let said = fs::File::create(lab.path("said")).unwrap();
    let mut command = lab.command("cache", "run", &["--workers", "1"]);
    let mut child =
        command.env("ABLATRIX_WORKER", path).stdout(said.try_clone().unwrap()).stderr(said).spawn().unwrap();
    let mut peak = 0;
    let status = loop {
        peak = peak_mib(child.id()).unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    let said = fs::read_to_string(lab.path("said")).unwrap();
    assert_eq!(status.code(), Some(0), "{said}");
    println!("{} MB on stdout, {peak} MiB held at most", 2 * bytes);
    assert!((1..300).contains(&peak), "{peak} MiB");
    assert!(
        said.contains("wrote no event: this is no event") && said.len() < 100_000,
        "{} bytes",
        said.len()
    );
}

/// Lines that are nearly events of a job that nobody gave: cut, doubled, swapped, with other bytes, deep, huge.
fn nearly_events(n: usize) -> Vec<u8> {
    let key = "b".repeat(64);
    let row = r#"{"epoch":1,"lr":0.1,"train_loss":null,"val_loss":1.5,"val_map_macro":0.2,"seconds":1.0,"images_per_second":9.0,"finished_ms":1}"#;
    let whole = [
        format!(r#"{{"event":"started","key":"{key}","resumed_epochs":0,"resumed_steps":0,"epochs":2}}"#),
        format!(r#"{{"event":"epoch","key":"{key}","row":{row}}}"#),
        format!(r#"{{"event":"beat","key":"{key}","steps":18446744073709551615}}"#),
        format!(r#"{{"event":"notice","key":"{key}","message":"\u001b[31m","once":false}}"#),
        format!(r#"{{"event":"finished","key":"{key}"}}"#),
    ];
    let mut state = 7_usize;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut lines = Vec::new();
    for _ in 0..n {
        let mut line = whole[draw(whole.len())].clone().into_bytes();
        match draw(7) {
            0 => line.truncate(draw(line.len())),
            1 => line.extend(line.clone()),
            2 => (0..1 + draw(4)).for_each(|_| {
                let at = draw(line.len());
                line[at] = draw(256) as u8;
            }),
            3 => line.splice(9..10, "[".repeat(1 + draw(2000)).into_bytes()).for_each(drop),
            4 => line.splice(9..9, "x".repeat(draw(20_000)).into_bytes()).for_each(drop),
            5 => {
                let other = &whole[draw(whole.len())];
                line.truncate(draw(line.len()));
                line.extend(&other.as_bytes()[draw(other.len())..]);
            }
            _ => line = line.iter().rev().copied().collect(),
        }
        // One is enough to end a job that is not done: then the cache has nothing, and it is tried again.
        if !String::from_utf8_lossy(&line).contains("finished") {
            lines.extend(line);
            lines.push(b'\n');
        }
    }
    lines
}

#[test]
fn messages_that_are_none_end_no_study() {
    let Some(lab) = Lab::new() else { return };
    lab.write_spec(&format!("{}[workers]\nthreads = 1\n", two_runs()));
    fs::write(lab.path("messages"), nearly_events(10_000)).unwrap();
    let Some((output, tries)) = run(&lab, r#"cat "$dir/messages"; real"#, &["--workers", "1"]) else {
        return;
    };
    let said = stderr(&output);
    assert_eq!((output.status.code(), tries), (Some(0), 1), "{said}");
    assert!(!said.contains("panicked") && said.len() < 100_000, "{said}");
    assert!(said.contains("further lines"), "{said}");
    assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "{said:?}");
    is_undisturbed(&lab);
}

#[test]
fn a_worker_that_prints_without_end_fills_no_disk() {
    let Some(lab) = Lab::new() else { return };
    lab.write_spec(&format!("{}[workers]\nthreads = 1\n", two_runs()));
    let fault = r#"echo first words >&2; head -c 20000000 /dev/zero | tr '\0' x >&2; echo >&2; echo last words >&2; real"#;
    let Some((output, tries)) = run(&lab, fault, &["--workers", "2"]) else { return };
    assert_eq!((output.status.code(), tries), (Some(0), 1), "{}", stderr(&output));
    let log = fs::read(lab.path("cache/logs/tiny/runs/flip,seed=1.log")).unwrap();
    assert!(log.len() <= 1 << 20, "{}", log.len());
    let log = String::from_utf8_lossy(&log);
    assert!(
        log.contains("first words\n") && log.contains("last words\n") && log.contains(" bytes left out ...]")
    );
    assert!(log.contains("{\"event\":\"epoch\""), "events of the run are there too");
    is_undisturbed(&lab);
}

#[test]
fn a_run_that_fails_always_is_named_and_the_others_are_reported() {
    for (fault, expected_tries, words) in [
        ("exit 3", 3, "worker ended with exit code 3"),
        (
            r#"say "{\"event\":\"failed\",\"key\":\"$key\",\"kind\":\"final\",\"message\":\"wrong weights\"}""#,
            1,
            "wrong weights",
        ),
    ] {
        let lab = Lab::without_worker();
        let Some((output, tries)) = run(&lab, fault, &["--workers", "2"]) else { return };
        let said = stderr(&output);
        assert_eq!((output.status.code(), tries), (Some(1), expected_tries), "{said}");
        assert!(said.contains(&format!("error: stage `train {RUN}` failed: {words}")), "{said}");
        let log = fs::read_to_string(lab.path("cache/logs/tiny/runs/flip,seed=1.log")).unwrap();
        assert!(
            said.contains("logs/tiny/runs/flip,seed=1.log") && said.contains("1 stage failed; "),
            "{said}"
        );
        assert_eq!(log.matches(" UTC train flip/seed=1, key ").count(), expected_tries, "{log}");
        let page = fs::read_to_string(lab.path("reports/tiny/index.html")).unwrap();
        assert!(page.contains(words), "the page names the run that failed");
        assert!(stdout(&output).contains("colour: "), "{}", stdout(&output));
        // Nothing of it is remembered: with sound workers the study becomes whole.
        let Some((output, _)) = run(&lab, "real", &[]) else { return };
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
}

#[test]
fn fail_fast_ends_at_the_first_failure() {
    let lab = Lab::without_worker();
    let fault =
        r#"say "{\"event\":\"failed\",\"key\":\"$key\",\"kind\":\"final\",\"message\":\"wrong weights\"}""#;
    let Some((output, _)) = run(&lab, fault, &["--fail-fast", "--workers", "1"]) else { return };
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("1 stage failed, which ended the study (`--fail-fast`)"), "{said}");
    let trained =
        said.lines().filter(|line| line.starts_with("train ") && line.contains(": done in ")).count();
    assert!(trained < 5, "the five other runs were trained all the same: {said}");
    assert!(!said.contains("report: done"), "{said}");
    let output = lab.command("cache", "run", &["--fail-fast", "--keep-going"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn a_run_that_takes_too_long_keeps_its_checkpoint() {
    let Some(lab) = Lab::new() else { return };
    let spec = SPEC.replace("epochs = 2", "epochs = 90000").replace("seeds = 2", "seeds = 1");
    let spec = spec.replace("design = \"add_one\"", "design = \"policies\"\npolicies.none = []");
    lab.write_spec(&format!("{spec}[workers]\ntime_limit_minutes = 0.3\n"));
    let output = lab.call("cache", "run", &[]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("it took more than 0.3 minutes (`workers.time_limit_minutes`)"), "{said}");
    let again = stderr(&lab.call("cache", "run", &[]));
    assert!(again.contains("goes on "), "{again}");
}

#[test]
fn a_gpu_that_loses_every_job_is_left_alone() {
    let lab = Lab::without_worker();
    lab.write_spec(&format!("{SPEC}[workers]\ndevice = \"cuda\"\nthreads = 1\n"));
    let Some(path) = faulty(&lab, "real") else { return };
    let script = fs::read_to_string(&path).unwrap();
    // Any job, not those of one run.
    let script = script.replace(
        "  case \"$line\"",
        "  if [ \"$CUDA_VISIBLE_DEVICES\" = GPU-b ]; then say x >>\"$dir/lost\"; exit 5; fi\n  case \"$line\"",
    );
    fs::write(&path, script).unwrap();
    let mut command = lab.command("cache", "run", &[]);
    command.env("ABLATRIX_WORKER", &path).env("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b");
    let output = command.output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("note: GPU GPU-b lost 3 jobs in a row and gets no more of this study"), "{said}");
    let lost = fs::read_to_string(lab.path("lost")).unwrap().lines().count();
    assert_eq!(lost, 3, "a job is not tried on the same GPU again: {said}");
}

#[test]
fn the_number_of_workers_changes_no_number() {
    let Some(lab) = Lab::new() else { return };
    let mut tables = Vec::new();
    for workers in ["1", "2", "8"] {
        let output = lab.call(workers, "run", &["--workers", workers]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        tables.push(lab.tables(workers));
    }
    assert!(tables.iter().all(|table| *table == tables[0]));
}
