//! Threads that each take a batch of paths, read and decode its pictures, and run the network on them; answers leave in the order of
//! the paths.
//!
//! While one lane waits for the disk or decodes, others compute: the cores are busy without queues between them, and no more
//! pictures are in memory than there are lanes times [`ROWS`]. Every batch is computed by the same number of threads as any
//! other, whatever the others do.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use ablatrix::fingerprint::Digest;
use ablatrix::job::Job;
use ablatrix::pixels::{decode, resize};
use ablatrix::query::{Answer, Map, MapWish, Reply, to_bits};
use ablatrix::spec::settings::Images;
use tch::{Device, Kind};

use super::maps::maps;
use super::paths::{Batch as PathBatch, Paths};
use crate::batch::{Batch, Uploader};
use crate::failure::JobError;
use crate::model::Network;
use crate::passes::{Passes, ROWS};
use crate::protocol::Events;
use crate::stop::Stop;

/// Lanes at most: each has a batch's activations in memory.
const MOST: u32 = 16;

/// How threads are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Batches at a time.
    pub lanes: u32,
    /// Threads that decode and compute each.
    pub threads_each: u32,
}

/// As many lanes as the job has threads, as far as that goes; one where the network is a module, which wants its caller for
/// itself.
pub fn layout(job: &Job) -> Layout {
    let threads = job.threads.max(1);
    let lanes = if job.model.module.is_some() { 1 } else { threads.min(MOST) };
    Layout { lanes, threads_each: threads / lanes }
}

/// What all lanes share.
pub struct Lanes<'a> {
    network: Shared,
    device: Device,
    uploader: Uploader,
    images: &'a Images,
    maps: Option<&'a MapWish>,
    /// Lanes share the memory, and learn from each other what fits.
    passes: Passes,
}

/// A network that several lanes run at a time.
struct Shared(Network);

// SAFETY: lanes only ask for logits and activations in evaluation mode, which read the network's tensors and change none:
// libtorch counts references to tensors atomically, and lets any number of threads read one. `tch` leaves its tensors without `Sync`
// since most of its operations on a shared tensor may write. A network that came as a module sets flags of the module in each
// pass: it has one lane only (`layout`).
#[expect(unsafe_code, reason = "libtorch allows what `tch` cannot tell")]
unsafe impl Sync for Shared {}

/// A batch's number with its answers, or why a lane ended.
type FromLane = Result<(usize, Vec<Answer>), JobError>;

impl<'a> Lanes<'a> {
    /// For a network on `device`, and pictures as the job's study has them.
    pub fn new(network: Network, device: Device, job: &'a Job, maps: Option<&'a MapWish>) -> Self {
        let uploader = Uploader::new(device, job.images.size as usize, network.normalisation());
        Lanes {
            network: Shared(network),
            device,
            uploader,
            images: &job.images,
            maps,
            passes: Passes::new(true),
        }
    }

    /// Answers for all pictures; false where a stop was requested meanwhile.
    ///
    /// # Errors
    /// Those of the first lane that fails. A picture that cannot be read is no error.
    pub fn run<R: BufRead + Send>(
        &self,
        layout: Layout,
        paths: Paths<R>,
        events: &Events,
        stop: &Stop,
    ) -> Result<bool, JobError> {
        let paths = Mutex::new(paths);
        let (sender, receiver) = sync_channel(layout.lanes as usize);
        std::thread::scope(|scope| {
            for lane in 0..layout.lanes {
                let (sender, paths) = (sender.clone(), &paths);
                let run = move || {
                    let lane = AssertUnwindSafe(|| self.lane(layout, paths, &sender, stop));
                    let result = catch_unwind(lane).unwrap_or_else(|panic| Err(JobError::of_panic(&*panic)));
                    if let Err(error) = result {
                        // Where nobody listens any more, another lane has failed.
                        let _ = sender.send(Err(error));
                    }
                };
                let builder = std::thread::Builder::new().name(format!("lane {lane}"));
                builder.spawn_scoped(scope, run).map_err(|source| JobError::Io {
                    doing: "start a thread for",
                    path: "lane".into(),
                    source,
                })?;
            }
            drop(sender);
            in_order(receiver, events)
        })?;
        if let Some(message) = self.passes.take_notice() {
            events.write(&Reply::Notice { message });
        }
        Ok(!stop.requested())
    }

    fn lane<R: BufRead>(
        &self,
        layout: Layout,
        paths: &Mutex<Paths<R>>,
        sender: &SyncSender<FromLane>,
        stop: &Stop,
    ) -> Result<(), JobError> {
        // Libtorch keeps the number for each thread.
        tch::set_num_threads(i32::try_from(layout.threads_each).unwrap_or(i32::MAX));
        let mut batch = Batch::default();
        while !stop.requested() {
            let next = paths.lock().unwrap_or_else(PoisonError::into_inner).next(ROWS);
            let read = next.map_err(|source| JobError::Io {
                doing: "read the paths of pictures from",
                path: "standard input".into(),
                source,
            })?;
            let Some(PathBatch { number, paths }) = read else { break };
            let pictures = self.pictures(&paths, layout.threads_each as usize);
            let answers = self.answers(pictures, &mut batch)?;
            if sender.send(Ok((number, answers))).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// The pictures of a batch as the network sees them, by `threads`.
    fn pictures(&self, paths: &[PathBuf], threads: usize) -> Vec<Result<Picture, String>> {
        if threads <= 1 {
            return paths.iter().map(|path| self.picture(path)).collect();
        }
        let each = paths.len().div_ceil(threads);
        std::thread::scope(|scope| {
            let part = |paths: &'_ [PathBuf]| paths.iter().map(|path| self.picture(path)).collect();
            let parts: Vec<_> = paths.chunks(each).map(|paths| scope.spawn(move || part(paths))).collect();
            let of_part = |part: std::thread::ScopedJoinHandle<'_, Vec<_>>| match part.join() {
                Ok(pictures) => pictures,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            parts.into_iter().flat_map(of_part).collect()
        })
    }

    /// One picture as the network sees it, decoded and resized as in the pixel store; else why not.
    fn picture(&self, path: &Path) -> Result<Picture, String> {
        let bytes = std::fs::read(path).map_err(|error| format!("cannot read the file: {error}"))?;
        let picture = decode(&bytes).map_err(|error| error.to_string())?;
        let square = resize::fit(&picture, self.images.size, self.images.fit);
        Ok(Picture { digest: Digest::of(&bytes), pixels: square.data })
    }

    fn answers(
        &self,
        pictures: Vec<Result<Picture, String>>,
        batch: &mut Batch,
    ) -> Result<Vec<Answer>, JobError> {
        let good: Vec<&Picture> = pictures.iter().flatten().collect();
        let mut said = Vec::with_capacity(good.len());
        self.passes.run(good.len(), |rows| {
            batch.clear();
            for picture in &good[rows] {
                batch.push(&picture.pixels, &[], 1.0);
            }
            said.extend(self.said(batch)?);
            Ok(true)
        })?;
        let mut said = said.into_iter();
        let answer = |picture: Result<Picture, String>| match picture {
            Ok(Picture { digest, .. }) => {
                let Said { logit_bits, maps } =
                    said.next().unwrap_or_else(|| panic!("bug: fewer answers than pictures"));
                Answer::Picture { digest, logit_bits, maps }
            }
            Err(why) => Answer::Bad { why },
        };
        Ok(pictures.into_iter().map(answer).collect())
    }

    /// What is said of each row.
    fn said(&self, batch: &Batch) -> Result<Vec<Said>, JobError> {
        let network = &self.network.0;
        let images_nchw = self.uploader.images(batch)?;
        let logits: Vec<f32> = {
            let _no_grad = tch::no_grad_guard();
            let logits_nl = network.forward_t(&images_nchw, false)?.f_to_kind(Kind::Float)?;
            Vec::try_from(logits_nl.f_to(Device::Cpu)?.f_contiguous()?.f_view(-1)?)?
        };
        let rows: Vec<&[f32]> = logits.chunks(logits.len() / batch.len()).collect();
        let maps = match self.maps {
            None => vec![Vec::new(); rows.len()],
            Some(wish) => maps(network, self.device, &images_nchw, &rows, wish)?,
        };
        let said = |(logits, maps)| Said { logit_bits: to_bits(logits), maps };
        Ok(rows.into_iter().zip(maps).map(said).collect())
    }
}

/// A picture that was read.
struct Picture {
    digest: Digest,
    /// uint8 [side, side, 3].
    pixels: Vec<u8>,
}

/// What is said of a picture.
struct Said {
    logit_bits: Vec<u32>,
    maps: Vec<Map>,
}

/// Passes answers on in the order of the batches, until there are none or a lane has failed.
fn in_order(lanes: Receiver<FromLane>, events: &Events) -> Result<(), JobError> {
    let (mut waiting, mut next) = (BTreeMap::new(), 0);
    for from_lane in lanes {
        let (number, answers) = from_lane?;
        waiting.insert(number, answers);
        while let Some(answers) = waiting.remove(&next) {
            events.write(&Reply::Answers { answers });
            next += 1;
        }
    }
    Ok(())
}
