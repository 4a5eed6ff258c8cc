//! What two results of one key have that differs.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::cache::{Entry, Store};
use crate::fingerprint::Digest;
use crate::plan::output;
use crate::tables::{self, rows::HistoryRow};

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

/// The outputs that differ of `cached`, in `store`, and `again`, in `private`, by name. Of the table `history` the times of epochs
/// are left aside: they are never the same.
pub fn differences(cached: &Entry, store: &Store, again: &Entry, private: &Store) -> Vec<Difference> {
    let names: BTreeSet<&String> = cached.outputs.keys().chain(again.outputs.keys()).collect();
    let difference = |name: &String| {
        let of = |entry: &Entry| entry.outputs.get(name).map(|output| output.digest.clone());
        let found = Difference { output: name.clone(), cached: of(cached), again: of(again) };
        let are_same = match (&found.cached, &found.again) {
            (Some(a), Some(b)) if a == b => true,
            (Some(a), Some(b)) if name == output::HISTORY => {
                let (a, b) = (timeless(store, a), timeless(private, b));
                a.is_some() && a == b
            }
            _ => false,
        };
        (!are_same).then_some(found)
    };
    names.into_iter().filter_map(difference).collect()
}

/// The digest of a `history` without its times; `None` where it cannot be read.
fn timeless(store: &Store, digest: &Digest) -> Option<Digest> {
    let rows: Vec<HistoryRow> = tables::read(&store.object(digest).ok()?).ok()?;
    let without =
        |row| HistoryRow { seconds: 0.0, images_per_second: 0.0, wait_share: 0.0, finished_ms: 0, ..row };
    let rows: Vec<HistoryRow> = rows.into_iter().map(without).collect();
    // Shortest decimals that read back as the same number, and NaN as such.
    Some(Digest::of(format!("{rows:?}").as_bytes()))
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
        assert_eq!(compare(&history(0.5 + 1e-16 * 2.0, 3.0), &same), ["history.parquet"]);
        assert_eq!(
            compare(&history(0.5, 2.0), &[("model", "weightz"), ("new", "x")]),
            ["model", "new", "old"]
        );
    }
}
