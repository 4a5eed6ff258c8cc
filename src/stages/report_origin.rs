//! Where the results of a report come from.

use std::collections::BTreeSet;

use super::work::StageWork;
use crate::cache::Provenance;
use crate::clock;
use crate::job::LIBTORCH;
use crate::report::{Provenance as Origin, StageRecord};

/// Stages with their keys, times and devices; hosts, versions and seeds.
pub(super) fn origin(work: &StageWork) -> Origin {
    let mut stages = Vec::new();
    let mut hosts = BTreeSet::new();
    for (i, node) in work.plan.nodes.iter().enumerate() {
        if let Some(entry) = work.entries.get(&i) {
            let note = |name: &str| {
                entry.provenance.notes.get(name).map(|v| format!(", {name} {v}")).unwrap_or_default()
            };
            hosts.insert(format!("{}{}{}", entry.provenance.host, note("device"), note("threads")));
            let stage = match node.run.as_str() {
                "" => node.name.clone(),
                run => format!("{}({run})", node.stage.as_str()),
            };
            stages.push(record(stage, entry.key.to_string(), &entry.provenance));
        }
    }
    let experiment = &work.plan.experiment;
    Origin {
        spec: work.plan.spec.clone(),
        command: format!("ablatrix run {}.toml", experiment.name),
        versions: vec![
            ("ablatrix".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("libtorch".to_owned(), LIBTORCH.to_owned()),
        ],
        seeds: work.plan.runs.iter().map(|run| run.seed).collect::<BTreeSet<_>>().into_iter().collect(),
        stages,
        hosts: hosts.into_iter().collect(),
    }
}

fn record(stage: String, fingerprint: String, made: &Provenance) -> StageRecord {
    StageRecord {
        stage,
        fingerprint,
        seconds: made.elapsed_s,
        finished_at: match made.finished_unix_s {
            0 => String::new(),
            seconds => minute(seconds),
        },
        device: made.notes.get("device").cloned(),
        threads: made.notes.get("threads").and_then(|threads| threads.parse().ok()),
    }
}

/// `2026-11-24 10:15 UTC`
fn minute(unix_s: u64) -> String {
    let text = clock::readable(i64::try_from(unix_s).unwrap_or(0).saturating_mul(1000));
    text.get(..16).map_or(text.clone(), |minute| format!("{minute} UTC"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_to_the_minute() {
        assert_eq!(minute(1_795_860_905), "2026-11-28 10:15 UTC");
        let unknown = record("train(a)".into(), "ab".into(), &Provenance::default());
        assert_eq!((unknown.finished_at.as_str(), unknown.device, unknown.threads), ("", None, None));
        let known = Provenance::default().note("device", "cuda(0)").note("threads", 4);
        let known = record("train(a)".into(), "ab".into(), &known);
        assert_eq!((known.device.as_deref(), known.threads), (Some("cuda(0)"), Some(4)));
    }
}
