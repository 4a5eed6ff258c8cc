//! The page of a study that is under way.

use std::fs;
use std::time::{Duration, Instant};

use super::harness::{Lab, SPEC, stderr};

/// Waits until `look` gives something, for two minutes at most.
fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + Duration::from_secs(120);
    while Instant::now() < until {
        if let Some(found) = look() {
            return Some(found);
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    None
}

#[test]
fn the_page_is_there_before_the_last_run_and_says_how_many_are_to_come() {
    let Some(lab) = Lab::new() else { return };
    lab.write_spec(&SPEC.replace("seeds = 2", "seeds = 4"));
    let page = lab.path("reports/tiny/index.html");
    let mut child = lab.start("cache", &["--workers", "1"]);
    let early = wait_for(|| {
        let text = fs::read_to_string(&page).ok();
        text.or_else(|| child.try_wait().unwrap().map(|_| String::new()))
    });
    let early = early.expect("no page in two minutes");
    assert!(early.contains("The study is under way: "), "{}", early.len());
    assert!(early.contains(" of 12 runs are still to come.") && early.contains("○ to come"));

    // Interrupted, it is the page of what there is.
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(),
        rustix::process::Signal::INT,
    )
    .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let left = fs::read_to_string(&page).unwrap();
    assert!(left.contains("run: it has not been run") || left.contains("runs: it has not been run"));
    assert!(!left.contains("still to come"));

    // Pages of what there was are no results: the end is that of an undisturbed study.
    let finish = |cache: &str| {
        let output = lab.call(cache, "run", &["--workers", "1"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    finish("cache");
    let whole = fs::read_to_string(&page).unwrap();
    assert!(whole.contains("12 done, 0 failed, 0 missing") && !whole.contains("still to come"));
    finish("other");
    assert_eq!(lab.tables("cache"), lab.tables("other"));
}

#[test]
fn a_page_that_cannot_be_written_is_said_once_and_stops_nothing_before_the_end() {
    let Some(lab) = Lab::new() else { return };
    fs::write(lab.path("reports"), "no folder").unwrap();
    let output = lab.call("cache", "run", &[]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.matches("the page is not kept current while the study runs").count() <= 1, "{said}");
    // All runs are done: only the page is lacking.
    fs::remove_file(lab.path("reports")).unwrap();
    let again = lab.run("cache");
    assert_eq!(again["computed"], 0);
}
