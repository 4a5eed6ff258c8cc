//! Cuts what is logged together into pieces of the size that one `log-batch` takes, and a refused piece in two.
//!
//! The limits are those of MLflow 3.x (`mlflow/utils/validation.py`).

use super::api::Batch;

/// What one `log-batch` may hold.
const BATCH_METRICS_PARAMS_TAGS: usize = 1000;
const BATCH_PARAMS: usize = 100;
const BATCH_TAGS: usize = 100;
/// The server refuses a body of more than 1e6 bytes; names and JSON's marks are counted generously.
const BATCH_BYTES: usize = 800_000;

/// Cuts a batch into such as one `log-batch` takes.
pub(super) fn pieces(batch: Batch) -> Vec<Batch> {
    let mut pieces = Vec::new();
    let mut now = Batch::default();
    let mut bytes = 0;
    let mut room = |now: &mut Batch, cost: usize, full: fn(&Batch) -> bool| {
        if !now.is_empty() && (full(now) || bytes + cost > BATCH_BYTES) {
            pieces.push(std::mem::take(now));
            bytes = 0;
        }
        bytes += cost;
    };
    let cost = |(key, value): &(String, String)| key.len() + value.len() * 2 + 32;
    for tag in batch.tags {
        room(&mut now, cost(&tag), |b| b.tags.len() >= BATCH_TAGS);
        now.tags.push(tag);
    }
    for param in batch.params {
        room(&mut now, cost(&param), |b| b.params.len() >= BATCH_PARAMS);
        now.params.push(param);
    }
    for metric in batch.metrics {
        room(&mut now, metric.key.len() + 128, |b| b.len() >= BATCH_METRICS_PARAMS_TAGS);
        now.metrics.push(metric);
    }
    if !now.is_empty() {
        pieces.push(now);
    }
    pieces
}

/// Two parts that together are `batch`, which holds at least two things.
pub(super) fn halves(mut batch: Batch) -> (Batch, Batch) {
    if batch.metrics.len() == batch.len()
        || batch.params.len() == batch.len()
        || batch.tags.len() == batch.len()
    {
        let right = Batch {
            metrics: batch.metrics.split_off(batch.metrics.len() / 2),
            params: batch.params.split_off(batch.params.len() / 2),
            tags: batch.tags.split_off(batch.tags.len() / 2),
        };
        return (batch, right);
    }
    // Kinds first: the server looks at them one after the other.
    let rest = Batch { metrics: std::mem::take(&mut batch.metrics), ..Batch::default() };
    if rest.is_empty() {
        let tags = Batch { tags: std::mem::take(&mut batch.tags), ..Batch::default() };
        return (batch, tags);
    }
    (batch, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::Metric;

    fn pair(i: usize) -> (String, String) {
        (format!("k{i}"), "v".into())
    }

    fn batch(metrics: usize, params: usize, tags: usize) -> Batch {
        let metric = |i| Metric { key: format!("m{i}"), value: i as f64, time_ms: 1, step: i as i64 };
        Batch {
            metrics: (0..metrics).map(metric).collect(),
            params: (0..params).map(pair).collect(),
            tags: (0..tags).map(pair).collect(),
        }
    }

    fn joined(parts: Vec<Batch>) -> Batch {
        parts.into_iter().fold(Batch::default(), |mut all, part| {
            all.metrics.extend(part.metrics);
            all.params.extend(part.params);
            all.tags.extend(part.tags);
            all
        })
    }

    #[test]
    fn pieces_keep_every_limit_and_lose_nothing() {
        for (metrics, params, tags) in
            [(0, 0, 0), (1, 0, 0), (1001, 0, 0), (2500, 101, 250), (1000, 100, 0), (0, 0, 100)]
        {
            let whole = batch(metrics, params, tags);
            let parts = pieces(whole.clone());
            for part in &parts {
                assert!(part.params.len() <= 100 && part.tags.len() <= 100);
                assert!((1..=1000).contains(&part.len()));
            }
            assert_eq!(joined(parts), whole);
        }
        assert_eq!(pieces(batch(1000, 0, 0)).len(), 1);
        assert_eq!(pieces(batch(1001, 0, 0)).len(), 2);
        assert_eq!(pieces(batch(80, 20, 5)).len(), 1);
    }

    #[test]
    fn long_values_make_smaller_pieces() {
        let params = (0..90).map(|i| (format!("k{i}"), "x".repeat(6000))).collect();
        let parts = pieces(Batch { params, ..Batch::default() });
        assert_eq!(parts.len(), 2);
    }

    #[test]
    fn halving_ends_at_single_things() {
        fn singles(batch: Batch) -> Vec<Batch> {
            if batch.len() == 1 {
                return vec![batch];
            }
            let (left, right) = halves(batch);
            assert!(!left.is_empty() && !right.is_empty());
            [singles(left), singles(right)].concat()
        }
        let whole = batch(7, 3, 2);
        let parts = singles(whole.clone());
        assert_eq!(parts.len(), 12);
        let all = joined(parts);
        assert_eq!((all.metrics.len(), all.params.len(), all.tags.len()), (7, 3, 2));
    }
}
