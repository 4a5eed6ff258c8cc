//! The stage `explain`: where a trained model looks on the test images, for each label that they have.

use std::collections::HashMap;
use std::time::Instant;

use ablatrix::cache::Store;
use ablatrix::job::{Job, WorkerEvent, input, output};
use ablatrix::metrics::attention::{active_area, energy_inside, pointing_hit};
use ablatrix::pixels::Region;
use ablatrix::spec::settings::{ExplainMethod, Precision};
use ablatrix::tables;
use ablatrix::tables::attention::{AttentionMapRow, AttentionRow, RegionRow};
use ablatrix::tables::rows::Part;
use tch::{Device, Kind, Tensor};

use super::curves::{self, Areas, Subject};
use super::pairs::{Pair, turns};
use super::{cam, scale};
use crate::batch::{Batch, Uploader};
use crate::failure::JobError;
use crate::inputs::{self, Examples, InputError};
use crate::model::{Network, Tapped};
use crate::passes::Passes;
use crate::serve::{self, Outcome, Worker};
use crate::{network, precision, torch};

/// Measures the maps of all test images for each of their labels, and publishes measures and maps in the order of image ids,
/// then of labels. In 32-bit floats, whatever the model was trained in.
///
/// # Errors
/// See [`JobError`].
pub fn explain(job: &Job, store: &Store, worker: &Worker) -> Result<Outcome, JobError> {
    let started = Instant::now();
    let device = torch::open_device(job.device, job.threads)?;
    torch::set_deterministic(job.train.deterministic);
    precision::prepare(Precision::Fp32);
    let examples = Examples::open(job, store)?;
    let regions = Regions::open(job, store, &examples)?;
    let mut network =
        network::of(job, store, examples.labels().len(), device)?.with_precision(Precision::Fp32);
    network.load_trained(&inputs::path(job, store, input::MODEL)?)?;
    network.freeze_all();
    let layer = job.model.name.layer(&job.explain.layer);
    let (Some(method), Some(layer)) = (job.explain.method, layer) else {
        return Err(JobError::NoMaps { layer: job.explain.layer.clone(), model: job.model.name.name() });
    };
    let key = job.fingerprint.key.clone();
    worker.events.emit(&WorkerEvent::Started { key, resumed_epochs: 0, resumed_steps: 0, epochs: 0 });

    let uploader = Uploader::new(device, examples.side(), network.normalisation());
    let mut explainer = Explainer {
        job,
        network: &network,
        uploader: &uploader,
        examples: &examples,
        regions: &regions,
        method,
        layer: &layer,
        measures: Vec::new(),
        maps: Vec::new(),
        passes: Passes::new(job.alone),
    };
    let mut images = examples.images_of(Part::Test);
    images.retain(|&image_id| examples.targets(image_id).contains(&true));
    let passes = Passes::new(job.alone);
    let is_whole = passes.run(images.len(), |rows| {
        let (n_measures, n_maps) = (explainer.measures.len(), explainer.maps.len());
        let pass = match worker.stop.requested() {
            true => Ok(false),
            false => explainer.explain(&images[rows], worker),
        };
        if pass.is_err() {
            // What a pass that failed has measured comes again with the next one.
            explainer.measures.truncate(n_measures);
            explainer.maps.truncate(n_maps);
        }
        pass
    })?;
    if let Some(message) = passes.take_notice().or_else(|| explainer.passes.take_notice()) {
        worker.notice(job, message, false);
    }
    if !is_whole {
        return Ok(Outcome::Interrupted);
    }
    let fewer = passes.fewer().into_iter().chain(explainer.passes.fewer()).min();
    let Explainer { mut measures, mut maps, .. } = explainer;
    let place = |label: &String| examples.labels().iter().position(|known| known == label);
    measures.sort_by_key(|row| (row.image_id, place(&row.label)));
    maps.sort_by_key(|row| (row.image_id, place(&row.label)));
    tell_of_places(job, worker, &layer, &maps);
    let attempt = store.attempt(&job.fingerprint)?;
    tables::write(&attempt.path(output::ATTENTION), &measures, &job.fingerprint.stage)?;
    tables::write(&attempt.path(output::ATTENTION_MAPS), &maps, &job.fingerprint.stage)?;
    attempt.publish(&[output::ATTENTION, output::ATTENTION_MAPS], serve::provenance(job, started, fewer))?;
    Ok(Outcome::Published)
}

/// A map of one place says nothing of where.
fn tell_of_places(job: &Job, worker: &Worker, layer: &str, maps: &[AttentionMapRow]) {
    if maps.first().is_some_and(|map| map.height * map.width == 1) {
        let side = job.images.size;
        let message = format!(
            "the layer `{layer}` has one place for a picture of {side} x {side}, so that its maps are empty: name an \
             earlier one in `explain.layer`, or raise `images.size`"
        );
        worker.notice(job, message, true);
    }
}

/// Where the objects are.
struct Regions {
    /// By image and label. As bits, those of a large dataset would fill the memory.
    rows: HashMap<(i64, String), RegionRow>,
}

impl Regions {
    fn open(job: &Job, store: &Store, examples: &Examples) -> Result<Self, InputError> {
        let rows: Vec<RegionRow> = inputs::table(job, store, input::REGIONS)?;
        if let Some(row) = rows.iter().find(|row| row.side as usize != examples.side()) {
            return Err(refused(row, format!("its side is {}, expected {}", row.side, examples.side())));
        }
        Ok(Regions { rows: rows.into_iter().map(|row| ((row.image_id, row.label.clone()), row)).collect() })
    }

    /// The pixels of the objects, and whether boxes stand for some of them.
    fn get(&self, image_id: i64, label: &str) -> Result<Option<(Region, bool)>, InputError> {
        let Some(row) = self.rows.get(&(image_id, label.to_owned())) else { return Ok(None) };
        let region =
            Region::of_rle(row.side, &row.mask_rle).map_err(|error| refused(row, error.to_string()))?;
        Ok(Some((region, row.has_boxes)))
    }
}

fn refused(row: &RegionRow, why: String) -> InputError {
    InputError::Region { image_id: row.image_id, label: row.label.clone(), why }
}

/// What is at hand, and what came out so far.
struct Explainer<'a> {
    job: &'a Job,
    network: &'a Network,
    uploader: &'a Uploader,
    examples: &'a Examples,
    regions: &'a Regions,
    method: ExplainMethod,
    layer: &'a str,
    measures: Vec<AttentionRow>,
    maps: Vec<AttentionMapRow>,
    /// For the pictures of curves, which have passes of their own.
    passes: Passes,
}

/// A batch as it went through the network.
struct Passed {
    images_nchw: Tensor,
    blurred_nchw: Option<Tensor>,
    /// Row-major [rows, labels].
    probabilities: Vec<f64>,
}

impl Explainer<'_> {
    /// Explains a batch; false where a stop was requested meanwhile.
    fn explain(&mut self, images: &[i64], worker: &Worker) -> Result<bool, JobError> {
        let mut batch = Batch::default();
        images.iter().for_each(|&image_id| batch.push_plain(self.examples, image_id));
        let images_nchw = self.uploader.images(&batch)?;
        let Some(tapped) = self.network.forward_tapped(&images_nchw, self.layer)? else {
            return Err(JobError::NoMaps { layer: self.layer.to_owned(), model: self.job.model.name.name() });
        };
        let probabilities =
            tapped.logits_nl.detach().f_to_kind(Kind::Double)?.f_sigmoid()?.f_to_device(Device::Cpu)?;
        let passed = Passed {
            probabilities: Vec::try_from(probabilities.f_reshape(-1)?)?,
            blurred_nchw: match self.job.explain.faithfulness {
                0 => None,
                _ => Some(curves::blurred(&images_nchw)?),
            },
            images_nchw,
        };
        let positives = |image_id: &i64| {
            let targets = self.examples.targets(*image_id);
            (0..targets.len()).filter(|&label_idx| targets[label_idx]).collect::<Vec<_>>()
        };
        let turns = turns(&images.iter().map(positives).collect::<Vec<_>>());
        let n_turns = turns.len();
        for (nth, (labels, pairs)) in turns.into_iter().enumerate() {
            let maps_nhw = self.maps_of(&tapped, &labels, nth + 1 < n_turns)?;
            let large_nhw =
                scale::to_side(&maps_nhw, self.examples.side() as i64)?.f_to_device(Device::Cpu)?;
            let kept_nhw = scale::kept(&maps_nhw)?;
            for pair in pairs {
                if worker.stop.requested() {
                    return Ok(false);
                }
                let large =
                    Vec::<f32>::try_from(large_nhw.f_get(pair.row as i64)?.f_contiguous()?.f_view(-1)?)?;
                self.measure(images[pair.row], pair, &large, &passed)?;
                self.keep(images[pair.row], pair, &kept_nhw)?;
            }
        }
        Ok(true)
    }

    /// The map of one label of each row, as small as the layer, in 32-bit floats.
    fn maps_of(&self, tapped: &Tapped, labels: &[i64], keep: bool) -> Result<Tensor, JobError> {
        let gradients = cam::gradients(tapped, labels, keep)?;
        Ok(cam::weighed(self.method, &tapped.activation_nchw, &gradients)?)
    }

    fn measure(&mut self, image_id: i64, pair: Pair, map: &[f32], passed: &Passed) -> Result<(), JobError> {
        let Pair { row, label_idx } = pair;
        let label = &self.examples.labels()[label_idx];
        let probability = passed.probabilities[row * self.examples.labels().len() + label_idx];
        let region = self.regions.get(image_id, label)?;
        let pixels = region.as_ref().map(|(region, _)| region.pixels());
        let active_area = active_area(map);
        let areas = match &passed.blurred_nchw {
            Some(blurred) if active_area.is_some() => {
                let one = |all: &Tensor| all.f_narrow(0, row as i64, 1);
                let (image, blurred) = (one(&passed.images_nchw)?, one(blurred)?);
                let subject = Subject { image: &image, blurred: &blurred, label_idx, probability };
                let steps = self.job.explain.faithfulness as usize;
                curves::areas(self.network, subject, map, steps, &self.passes)?
            }
            _ => Areas { deletion: None, insertion: None },
        };
        let share =
            |pixels: &[bool]| pixels.iter().filter(|&&is_in| is_in).count() as f64 / pixels.len() as f64;
        self.measures.push(AttentionRow {
            run: self.job.run.clone(),
            image_id,
            label: label.clone(),
            probability,
            object_area: pixels.map(share),
            has_boxes: region.as_ref().map(|&(_, has_boxes)| has_boxes),
            energy_inside: pixels.and_then(|pixels| energy_inside(map, pixels)),
            pointing_hit: pixels.and_then(|pixels| pointing_hit(map, pixels)),
            active_area,
            deletion: areas.deletion,
            insertion: areas.insertion,
        });
        Ok(())
    }

    fn keep(&mut self, image_id: i64, pair: Pair, kept_nhw: &Tensor) -> Result<(), JobError> {
        let map = kept_nhw.f_get(pair.row as i64)?;
        let (height, width) = map.size2()?;
        self.maps.push(AttentionMapRow {
            image_id,
            label: self.examples.labels()[pair.label_idx].clone(),
            height: height as u32,
            width: width as u32,
            values: Vec::try_from(map.f_contiguous()?.f_view(-1)?)?,
        });
        Ok(())
    }
}
