//! Two processes on one cache.

use serde_json::Value;

use super::harness::{Lab, stderr};

#[test]
fn two_runs_at_once_compute_each_stage_once() {
    let Some(lab) = Lab::new() else { return };
    let children = [(); 2].map(|()| lab.start("cache", &["--format", "json"]));
    let results = children.map(|child| {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    });
    let computed: u64 = results.iter().map(|result| result["computed"].as_u64().unwrap()).sum();
    assert_eq!(Some(computed), results[0]["stages"].as_u64());
}
