//! Augmented batches, in order, ahead of the step that eats them.
//!
//! Takes the batches of an epoch as rows; hands over each one packed. Loader threads take every n-th batch and
//! keep a few packed ones ready: memory stays at [`AHEAD`] + 1 batches a thread, whose buffers are used
//! again. A row's pixels are a function of (seed, epoch, image, copy) alone, so any number of threads gives
//! the same batches.

use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use ablatrix::augment::{Policy, Scratch, sample_key};
use ablatrix::pixels::RgbImage;
use ablatrix::seed::Key;

use super::order::EpochItem;
use crate::batch::Batch;
use crate::inputs::Examples;

/// Packed batches that a loader thread keeps ready.
const AHEAD: usize = 2;

/// Makes batches out of rows.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Pictures and labels.
    pub examples: &'a Examples,
    /// What happens to the pictures.
    pub policy: &'a Policy,
    /// The run's seed.
    pub seed: u64,
    /// From 0; it keys the draws.
    pub epoch_idx: u32,
}

/// What one thread needs to augment a picture.
#[derive(Debug, Default)]
struct Bench {
    image: RgbImage,
    scratch: Scratch,
}

impl Source<'_> {
    fn fill(&self, items: &[EpochItem], batch: &mut Batch, bench: &mut Bench) {
        let side = self.examples.side();
        let sample = |item: &EpochItem| sample_key(self.seed, self.epoch_idx, item.image_id, item.copy);
        batch.clear();
        for item in items {
            let picture = self.examples.picture(item.image_id);
            let targets = self.examples.targets(item.image_id);
            if self.policy.is_empty() {
                batch.push(picture, targets, item.weight);
                continue;
            }
            let image = &mut bench.image;
            (image.width, image.height) = (side, side);
            image.data.clear();
            image.data.extend_from_slice(picture);
            self.policy.apply(image, sample(item), &mut bench.scratch);
            batch.push(&image.data, targets, item.weight);
        }
        let samples: Vec<Key> = items.iter().map(sample).collect();
        batch.mix(self.policy.layers(&samples), side);
    }
}

/// Hands each batch to `visit`, in order, until it breaks or fails. `threads` 0 packs them in between, on the
/// caller's thread. Gives the time that `visit` was kept waiting, and the value that it broke with.
///
/// # Errors
/// Those of `visit`.
pub fn for_each_batch<B, E>(
    source: Source<'_>,
    batches: &[&[EpochItem]],
    threads: usize,
    mut visit: impl FnMut(usize, &Batch) -> Result<ControlFlow<B>, E>,
) -> Result<(Duration, Option<B>), E> {
    let mut waited = Duration::ZERO;
    if threads == 0 {
        let (mut batch, mut bench) = (Batch::default(), Bench::default());
        for (batch_idx, items) in batches.iter().enumerate() {
            let start = Instant::now();
            source.fill(items, &mut batch, &mut bench);
            waited += start.elapsed();
            if let ControlFlow::Break(value) = visit(batch_idx, &batch)? {
                return Ok((waited, Some(value)));
            }
        }
        return Ok((waited, None));
    }
    std::thread::scope(|scope| {
        let mut lanes: Vec<_> = (0..threads.min(batches.len()))
            .map(|i| Lane::start(scope, source, batches, i, threads))
            .collect();
        for batch_idx in 0..batches.len() {
            let lane = &mut lanes[batch_idx % threads];
            let start = Instant::now();
            let batch = lane.next();
            waited += start.elapsed();
            let flow = visit(batch_idx, &batch)?;
            lane.give_back(batch);
            if let ControlFlow::Break(value) = flow {
                return Ok((waited, Some(value)));
            }
        }
        Ok((waited, None))
    })
}

/// One loader thread with its ring of buffers.
struct Lane<'scope> {
    full: Receiver<Batch>,
    empty: Sender<Batch>,
    thread: Option<ScopedJoinHandle<'scope, ()>>,
}

impl<'scope> Lane<'scope> {
    /// A thread that packs batches `first`, `first + step`, and so on.
    fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        source: Source<'env>,
        batches: &'env [&'env [EpochItem]],
        first: usize,
        step: usize,
    ) -> Self {
        let (give, full) = sync_channel(AHEAD);
        let (empty, take) = channel();
        for _ in 0..=AHEAD {
            // The other end is in this scope yet.
            let _ = empty.send(Batch::default());
        }
        let pack = move || pack(source, batches.iter().skip(first).step_by(step), &take, &give);
        Lane { full, empty, thread: Some(scope.spawn(pack)) }
    }

    fn next(&mut self) -> Batch {
        if let Ok(batch) = self.full.recv() {
            return batch;
        }
        match self.thread.take().map(ScopedJoinHandle::join) {
            Some(Err(panic)) => resume_unwind(panic),
            _ => panic!("bug: a loader thread ended before its last batch"),
        }
    }

    fn give_back(&mut self, batch: Batch) {
        // A thread that has packed its last batch wants none back.
        let _ = self.empty.send(batch);
    }
}

/// The work of a loader thread; it ends with its last batch, or when nobody takes them any more.
fn pack<'a>(
    source: Source<'_>,
    batches: impl Iterator<Item = &'a &'a [EpochItem]>,
    take: &Receiver<Batch>,
    give: &SyncSender<Batch>,
) {
    let mut bench = Bench::default();
    for items in batches {
        let Ok(mut batch) = take.recv() else { return };
        source.fill(items, &mut batch, &mut bench);
        if give.send(batch).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::path::Path;

    use ablatrix::augment::Layer;
    use ablatrix::spec::ops::{Action, Auto, Interpolation, NamedOp, Op};
    use ablatrix::spec::ops::{Batch as BatchOp, Group};
    use ablatrix::spec::{Overrides, load};

    use super::*;
    use crate::train::order::batches;

    const SIDE: u32 = 24;

    /// The ops of the TACO study, a published policy, and a choice of ops on batches; all of them often applied.
    fn policy() -> Policy {
        let spec = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../experiments/taco-augmentation.toml"));
        let experiment = load(spec, &Overrides::default()).unwrap().experiment;
        let named =
            |name: &str, action: Action| NamedOp { name: name.to_owned(), op: Op { p: 0.8, action }, nth: 0 };
        let study = experiment.augment.ops.iter().map(|(name, op)| named(name, op.action.clone()));
        let mut ops: Vec<NamedOp> = study.collect();
        assert!(ops.len() >= 8, "{}", ops.len());
        let wide = Auto::TrivialAugmentWide { num_magnitude_bins: 31, interpolation: Interpolation::Nearest };
        ops.push(named("wide", Action::Auto(wide)));
        let mixes = [BatchOp::Mixup { alpha: 1.0 }, BatchOp::Cutmix { alpha: 1.0 }];
        let mixes = mixes.map(|op| named(op.name(), Action::Batch(op))).into();
        ops.push(named("mix", Action::Group(Group::OneOf { ops: mixes })));
        Policy::new(&ops)
    }

    fn examples(folder: &Path) -> Examples {
        let picture = |i: usize| {
            let pixels =
                (0..SIDE as usize * SIDE as usize * 3).map(|j| ((i * 7919 + j * (i + 5)) >> 2) as u8);
            (pixels.collect(), vec![i.is_multiple_of(2), i.is_multiple_of(3)])
        };
        Examples::for_test(folder, SIDE, &(0..40).map(picture).collect::<Vec<_>>())
    }

    /// Rows of an epoch in some order, image 3 twice.
    fn items() -> Vec<EpochItem> {
        let item = |i: i64| EpochItem { image_id: i * 7 % 40, copy: 0, weight: 1.0 };
        let twin = EpochItem { image_id: 3, copy: 1, weight: 0.5 };
        (0..40).map(item).chain([twin]).collect()
    }

    type Seen = (Vec<u8>, Vec<f32>, Vec<f32>, Vec<Layer>);

    fn seen(source: Source<'_>, batches: &[&[EpochItem]], threads: usize) -> Vec<Seen> {
        let mut seen = Vec::new();
        let end = for_each_batch(source, batches, threads, |batch_idx, batch| {
            assert_eq!(batch_idx, seen.len(), "in order");
            let batch =
                (batch.pixels.clone(), batch.targets.clone(), batch.weights.clone(), batch.layers.clone());
            seen.push(batch);
            Ok::<_, Infallible>(ControlFlow::<()>::Continue(()))
        });
        assert!(end.unwrap().1.is_none());
        seen
    }

    #[test]
    fn bytes_depend_neither_on_threads_nor_on_where_an_epoch_is_taken_up() {
        let (folder, policy, items) = (tempfile::tempdir().unwrap(), policy(), items());
        let examples = examples(folder.path());
        let source = Source { examples: &examples, policy: &policy, seed: 5, epoch_idx: 3 };
        let batches = batches(&items, 4);
        let whole = seen(source, &batches, 0);
        assert_eq!(whole.len(), 10);
        assert!(whole.iter().any(|batch| !batch.3.is_empty()), "rows are mixed");
        for threads in [1, 2, 8] {
            assert!(seen(source, &batches, threads) == whole, "{threads} threads");
        }
        for (from, threads) in [(1, 0), (4, 2), (9, 8)] {
            assert!(seen(source, &batches[from..], threads) == whole[from..], "from batch {from}");
        }
        let next = Source { epoch_idx: 4, ..source };
        assert!(seen(next, &batches, 2) != whole, "another epoch draws anew");
    }

    /// The pixels of a row before rows are mixed; the two copies of one image differ.
    #[test]
    fn pixels_of_a_row_do_not_depend_on_the_size_of_the_batch() {
        let (folder, policy, items) = (tempfile::tempdir().unwrap(), policy(), items());
        let examples = examples(folder.path());
        let source = Source { examples: &examples, policy: &policy, seed: 5, epoch_idx: 0 };
        let pixels = |batch_size: usize| -> Vec<u8> {
            seen(source, &batches(&items, batch_size), 2).into_iter().flat_map(|batch| batch.0).collect()
        };
        let row = (SIDE * SIDE * 3) as usize;
        let single = pixels(1);
        assert_eq!(single.len(), items.len() * row);
        assert!(pixels(7) == single && pixels(41) == single);
        let copies: Vec<&[u8]> = (0..items.len())
            .filter(|&i| items[i].image_id == 3)
            .map(|i| &single[i * row..(i + 1) * row])
            .collect();
        assert_eq!(copies.len(), 2);
        assert_ne!(copies[0], copies[1]);
    }
}
