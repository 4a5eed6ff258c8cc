//! What two results of one key have that differs.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;

use serde::Serialize;

use crate::cache::{Entry, Store};
use crate::fingerprint::Digest;
use crate::plan::output;
use crate::tables::attention::AttentionRow;
use crate::tables::rows::{HistoryRow, MetricRow, PredictionTable};
use crate::tables::{self, Table};

/// An output that is another one in the result that was made once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The output's name.
    pub output: String,
    /// Of the file that the cache holds; `None`: it holds no such output.
    pub cached: Option<Digest>,
    /// Of the file that was made once more; `None`: none was made.
    pub again: Option<Digest>,
}

/// Outputs that tell when they were made or how long it took, which is never the same; and those that name their run and variant, which
/// are in no key: a result serves runs of any name that have its settings. Such things are left aside.
const WITH_ASIDES: [&str; 7] = [
    output::HISTORY,
    output::PREDICTIONS,
    output::METRICS,
    output::ATTENTION,
    output::PAGE,
    output::MARKDOWN,
    output::EFFECTS_TEX,
];

/// How the moment at which a text was written stands in it; `0` is any digit. Times of stages have no seconds.
const MOMENT: &[u8] = b"0000-00-00 00:00:00 UTC";

impl Difference {
    /// Whether times and names were left aside when it was found.
    pub fn has_asides(&self) -> bool {
        WITH_ASIDES.contains(&self.output.as_str())
    }
}

/// The outputs that differ of `cached`, in `store`, and `again`, in `private`, by name.
pub fn differences(cached: &Entry, store: &Store, again: &Entry, private: &Store) -> Vec<Difference> {
    let names: BTreeSet<&String> = cached.outputs.keys().chain(again.outputs.keys()).collect();
    let difference = |name: &String| {
        let of = |entry: &Entry| entry.outputs.get(name).map(|output| output.digest.clone());
        let found = Difference { output: name.clone(), cached: of(cached), again: of(again) };
        let are_same = match (&found.cached, &found.again) {
            (Some(a), Some(b)) if a == b => true,
            (Some(a), Some(b)) if found.has_asides() => {
                let (a, b) = (without_asides(name, store, a), without_asides(name, private, b));
                a.is_some() && a == b
            }
            _ => false,
        };
        (!are_same).then_some(found)
    };
    names.into_iter().filter_map(difference).collect()
}

/// The digest of an output without times and names; `None` where it cannot be read.
fn without_asides(name: &str, store: &Store, digest: &Digest) -> Option<Digest> {
    let path = store.object(digest).ok()?;
    match name {
        output::HISTORY => rows_without(&path, |row| HistoryRow {
            run: String::new(),
            seconds: 0.0,
            images_per_second: 0.0,
            wait_share: 0.0,
            finished_ms: 0,
            ..row
        }),
        output::METRICS => {
            rows_without(&path, |row| MetricRow { run: String::new(), variant: String::new(), ..row })
        }
        output::ATTENTION => rows_without(&path, |row| AttentionRow { run: String::new(), ..row }),
        output::PREDICTIONS => {
            let table: PredictionTable = tables::read(&path).ok()?;
            Some(shown(&PredictionTable { run: String::new(), ..table }))
        }
        _ => Some(Digest::of(&without_moments(std::fs::read(path).ok()?))),
    }
}

fn rows_without<R: Debug>(path: &Path, without: fn(R) -> R) -> Option<Digest>
where
    Vec<R>: Table,
{
    let rows: Vec<R> = tables::read(path).ok()?;
    Some(shown(&rows.into_iter().map(without).collect::<Vec<R>>()))
}

/// Shortest decimals that read back as the same number, and NaN as such.
fn shown(rows: &impl Debug) -> Digest {
    Digest::of(format!("{rows:?}").as_bytes())
}

/// A text without the moments that stand in it.
fn without_moments(mut text: Vec<u8>) -> Vec<u8> {
    let is_like =
        |(found, form): (&u8, &u8)| if *form == b'0' { found.is_ascii_digit() } else { found == form };
    let mut at = 0;
    while let Some(found) = text.get_mut(at..at + MOMENT.len()) {
        if found.iter().zip(MOMENT).all(is_like) {
            found.copy_from_slice(MOMENT);
            at += MOMENT.len();
        } else {
            at += 1;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Provenance;
    use crate::fingerprint::Builder;
    use crate::tables::rows::Validation;

    fn history(train_loss: f64, seconds: f64) -> Vec<HistoryRow> {
        let val = Validation::of_numbers([f64::NAN; 12]);
        let finished_ms = (seconds * 1e3) as i64;
        let (run, images_per_second, wait_share) = ("none/seed=1".to_owned(), 1.0 / seconds, 0.1 * seconds);
        vec![HistoryRow {
            run,
            epoch: 1,
            lr: 0.1,
            train_loss,
            val,
            seconds,
            images_per_second,
            wait_share,
            finished_ms,
        }]
    }

    fn publish(store: &Store, rows: &Vec<HistoryRow>, outputs: &[(&str, &str)]) -> Entry {
        let attempt = store.attempt(&Builder::new("train", 1).finish()).unwrap();
        tables::write(&attempt.path(output::HISTORY), rows, "train").unwrap();
        outputs.iter().for_each(|(name, text)| std::fs::write(attempt.path(name), text).unwrap());
        let names: Vec<&str> =
            std::iter::once(output::HISTORY).chain(outputs.iter().map(|(name, _)| *name)).collect();
        attempt.publish(&names, Provenance::default()).unwrap()
    }

    #[test]
    fn of_texts_the_moment_of_writing_is_left_aside_alone() {
        let blank = |text: &str| String::from_utf8(without_moments(text.as_bytes().to_vec())).unwrap();
        let written = blank("written 2026-11-30 00:12:38 UTC, 9 of 2026-11-30 00:12 UTC");
        assert_eq!(written, "written 0000-00-00 00:00:00 UTC, 9 of 2026-11-30 00:12 UTC");
        assert_eq!(blank("2026-11-30 00:12:38 UTC"), "0000-00-00 00:00:00 UTC");
        for text in ["", "2026-11-30 00:12:38 UT", "2026-11-30 0a:12:38 UTC"] {
            assert_eq!(blank(text), text);
        }
    }

    #[test]
    fn what_differs_is_named_and_times_are_left_aside() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("cache")).unwrap();
        let cached = publish(&store, &history(0.5, 2.0), &[("model", "weights"), ("old", "x")]);
        let compare = |rows: &Vec<HistoryRow>, outputs: &[(&str, &str)]| -> Vec<String> {
            let shadow = store.shadow().unwrap();
            let again = publish(shadow.store(), rows, outputs);
            let found = differences(&cached, &store, &again, shadow.store());
            found.into_iter().map(|one| one.output).collect()
        };
        let same = [("model", "weights"), ("old", "x")];
        assert!(compare(&history(0.5, 2.0), &same).is_empty());
        assert!(compare(&history(0.5, 3.0), &same).is_empty(), "times");
        let mut renamed = history(0.5, 2.0);
        renamed[0].run = "mirror/seed=1".to_owned();
        assert!(compare(&renamed, &same).is_empty(), "names are in no key");
        assert_eq!(compare(&history(0.5 + 1e-16 * 2.0, 3.0), &same), ["history.parquet"]);
        assert_eq!(
            compare(&history(0.5, 2.0), &[("model", "weightz"), ("new", "x")]),
            ["model", "new", "old"]
        );
    }
}
