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
            let sample = sample_key(self.seed, self.epoch_idx, item.image_id, item.copy);
            self.policy.apply(image, sample, &mut bench.scratch);
            batch.push(&image.data, targets, item.weight);
        }
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
