//! Whether what differs is to be expected: by what the records say of the machines, and of when.

use crate::cache::{Entry, Provenance};
use crate::job::{PROCESSOR_NOTE, ROWS_NOTE, THREADS_NOTE};
use crate::plan::{Stage, output};
use crate::spec::settings::{Device, Experiment};

use super::Difference;

/// What is known of a result that was made once more.
#[derive(Clone, Copy, Debug)]
pub struct Excuse<'a> {
    /// Its stage.
    pub stage: Stage,
    /// The settings of its variant.
    pub experiment: &'a Experiment,
    /// Its record in the cache.
    pub cached: &'a Entry,
    /// The record of what was made once more.
    pub again: &'a Entry,
    /// The records of what it read.
    pub inputs: &'a [&'a Entry],
}

impl Excuse<'_> {
    /// Why these differences are to be expected, in words that follow "because"; `None` where they are not: then something is wrong.
    pub fn why(&self, differences: &[Difference]) -> Option<String> {
        match self.stage {
            stage if stage.is_job() => self.of_job(),
            Stage::Report if differences.iter().all(|one| one.output == output::PAGE) => self.of_page(),
            Stage::Report if differences.iter().all(|one| is_drawn(&one.output)) => self.of_fonts(),
            // Pixels, tables and scores are the same everywhere.
            _ => None,
        }
    }

    /// Numbers of a worker are the same on one type of processor with the same number of threads.
    fn of_job(&self) -> Option<String> {
        let Experiment { train, workers, .. } = self.experiment;
        let (then, now) = (&self.cached.provenance, &self.again.provenance);
        if workers.device == Device::Cuda && !train.deterministic {
            return Some("`train.deterministic` is off, so that a GPU gives other bits each time".to_owned());
        }
        let note = |made: &Provenance, name: &str| made.notes.get(name).cloned();
        match (note(then, PROCESSOR_NOTE), note(now, PROCESSOR_NOTE)) {
            (Some(then), Some(now)) if then != now => {
                return Some(format!("it was made on {then}, and this is {now}"));
            }
            (Some(_), Some(_)) => {}
            _ if then.host != now.host => {
                return Some(format!("it was made on the host `{}`, and this is `{}`", then.host, now.host));
            }
            _ => {}
        }
        if note(then, ROWS_NOTE) != note(now, ROWS_NOTE) {
            return Some("memory allowed another number of pictures at a time".to_owned());
        }
        match (note(then, THREADS_NOTE), note(now, THREADS_NOTE)) {
            (None, _) => Some("its record does not say with how many threads it was made".to_owned()),
            (Some(then), now) if Some(&then) != now.as_ref() => {
                let now = now.unwrap_or_else(|| "unknown".to_owned());
                Some(format!("it was made with another number of threads ({then} then, {now} now)"))
            }
            _ => None,
        }
    }

    /// The page tells by which version, when and where what it reads was made, which is no part of its key.
    fn of_page(&self) -> Option<String> {
        let (then, now) = (&self.cached.provenance, &self.again.provenance);
        if then.version != now.version {
            return Some(format!(
                "it was made by version {}, which it tells, and this is {}",
                then.version, now.version
            ));
        }
        let is_other = |input: &&&Entry| {
            input.provenance.finished_unix_s > then.finished_unix_s || input.provenance.host != then.host
        };
        let input = self.inputs.iter().find(is_other)?;
        Some(format!(
            "it tells when and where `{}` was made, which may have been made anew since",
            input.stage
        ))
    }

    fn of_fonts(&self) -> Option<String> {
        let (then, now) = (&self.cached.provenance.host, &self.again.provenance.host);
        let why = || {
            format!(
                "figures may use fonts of the machine: it was made on the host `{then}`, and this is `{now}`"
            )
        };
        (then != now).then(why)
    }
}

/// Whether an output has letters in it that may be drawn with fonts of the machine.
fn is_drawn(name: &str) -> bool {
    name == output::PAGE || output::is_figure(name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::fingerprint::Digest;
    use crate::spec::{Overrides, load};

    fn experiment(more: &str) -> Experiment {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.toml");
        let spec =
            "name = \"d\"\n[dataset]\nformat = \"folders\"\nimages = \"d\"\n[labels]\nfrom = \"folder\"\n";
        std::fs::write(&path, format!("{spec}{more}")).unwrap();
        load(&path, &Overrides::default()).unwrap().experiment
    }

    fn made(host: &str, finished_unix_s: u64, notes: &[(&str, &str)]) -> Entry {
        let made =
            Provenance { version: "1".into(), host: host.into(), finished_unix_s, ..Default::default() };
        let provenance = notes.iter().fold(made, |made, (name, value)| made.note(name, value));
        Entry { stage: "x".into(), key: Digest::of(b"x"), outputs: BTreeMap::new(), provenance }
    }

    fn differs(output: &str) -> [Difference; 1] {
        [Difference { output: output.into(), cached: None, again: None }]
    }

    #[test]
    fn numbers_of_workers_may_differ_between_machines_and_between_numbers_of_threads() {
        let cpu = experiment("");
        let why = |experiment: &Experiment, cached: &Entry, again: &Entry| {
            let excuse = Excuse { stage: Stage::Train, experiment, cached, again, inputs: &[] };
            excuse.why(&differs("model.safetensors"))
        };
        let on = |host: &str, processor: &str, threads: &str| {
            made(host, 1, &[(PROCESSOR_NOTE, processor), (THREADS_NOTE, threads)])
        };
        assert_eq!(why(&cpu, &on("a", "P", "2"), &on("a", "P", "2")), None);
        assert_eq!(why(&cpu, &on("a", "P", "2"), &on("b", "P", "2")), None, "the same type elsewhere");
        for (cached, again, expected) in [
            (on("a", "P", "2"), on("a", "Q", "2"), "made on P, and this is Q"),
            (on("a", "P", "2"), on("a", "P", "4"), "2 then, 4 now"),
            (made("a", 1, &[(THREADS_NOTE, "2")]), on("b", "P", "2"), "on the host `a`, and this is `b`"),
            (made("a", 1, &[]), on("a", "P", "2"), "how many threads"),
        ] {
            let why = why(&cpu, &cached, &again).unwrap_or_default();
            assert!(why.contains(expected), "{why}");
        }
        let (processor, threads) = ((PROCESSOR_NOTE, "P"), (THREADS_NOTE, "2"));
        let by_16 = made("a", 1, &[processor, threads, (ROWS_NOTE, "16")]);
        assert!(why(&cpu, &by_16, &on("a", "P", "2")).unwrap().contains("pictures at a time"));
        assert_eq!(why(&cpu, &by_16, &by_16), None);
        let mut gpu = experiment("[train]\ndeterministic = false\n");
        assert_eq!(
            why(&gpu, &on("a", "P", "2"), &on("a", "P", "2")),
            None,
            "on the processor it changes nothing"
        );
        gpu.workers.device = Device::Cuda;
        assert!(why(&gpu, &on("a", "P", "2"), &on("a", "P", "2")).is_some());
    }

    #[test]
    fn all_else_is_the_same_everywhere_but_what_the_page_tells_of_times() {
        let experiment = experiment("");
        let cached = made("a", 5, &[]);
        let why = |stage: Stage, output: &str, again: &Entry, input: &Entry| {
            Excuse { stage, experiment: &experiment, cached: &cached, again, inputs: &[input] }
                .why(&differs(output))
        };
        let (here, there, later) = (made("a", 3, &[]), made("b", 3, &[]), made("a", 9, &[]));
        assert_eq!(why(Stage::Pixels, "pixels.u8", &there, &later), None);
        assert_eq!(why(Stage::Report, output::PAGE, &later, &here), None);
        assert!(why(Stage::Report, output::PAGE, &later, &later).is_some());
        assert!(why(Stage::Report, output::PAGE, &later, &there).is_some());
        assert_eq!(why(Stage::Report, output::EFFECTS, &later, &later), None);
        assert_eq!(why(Stage::Report, "effects.png", &later, &here), None);
        assert!(why(Stage::Report, "effects.png", &there, &here).is_some());
        let mut newer = later.clone();
        newer.provenance.version = "2".into();
        assert!(why(Stage::Report, output::PAGE, &newer, &here).is_some());
    }
}
