//! `ablatrix predict`: what a trained model says of pictures.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use indicatif::ProgressBar;
use serde_json::json;

use super::answers::Sink;
use super::args::{OutputFormat, PredictArgs};
use super::display::{Detail, pictures_bar};
use super::overlays::{Overlay, Painter};
use super::pictures::gather;
use super::print::{self, count};
use super::render::{Failure, plain};
use super::trained::{Chosen, ask_failure, shown_path, stage_failure};
use super::worker;
use crate::engine::{Answered, Asked, Heard, Interrupt, ask};
use crate::query::{Answer, MapWish, Wish, from_bits};
use crate::report::format;
use crate::spec::settings::{AUTO_LAYER, ExplainMethod, Images};
use crate::stages::EvaluationRecord;
use crate::tables::answers::Answers;

/// Says what the model says of each picture.
///
/// # Errors
/// Rendered, with the exit code.
pub fn predict(args: &PredictArgs) -> Result<u8, Failure> {
    let started = Instant::now();
    // What cannot be written is said before anything is read.
    let sink = Sink::kind(args)?;
    let chosen = Chosen::open(&args.study(), &args.choice)?;
    let pictures = gather(&args.images, args.list.as_deref())?;
    let program = worker::program()?;
    let record = chosen.evaluation()?;
    let labels: Arc<[String]> = record.labels.iter().map(|detail| detail.label.clone()).collect();
    let trained_on = chosen.trained().trained_on().map_err(|error| stage_failure(&error))?;
    let place = chosen.place(args.device)?;
    let maps = args.explain.as_ref().map(|folder| map_wish(&chosen, &record, folder)).transpose()?;
    let threads = args.threads.unwrap_or_else(|| {
        std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX))
    });
    let query = chosen.query(labels.to_vec(), Wish::Answers { maps }, place.device, threads)?;
    let interrupt = Interrupt::listen()
        .map_err(|error| Failure::new(1, &error, Some("signals cannot be caught on this system")))?;
    let experiment = &chosen.study.plan.nodes[chosen.run().predict].variant.experiment;
    let mut taker = Taker {
        args,
        images: &experiment.images,
        pictures: &pictures,
        record: &record,
        trained_on: &trained_on,
        sink: Sink::open(sink, &labels, args)?,
        bar: bar(args, pictures.len()),
        labels,
        told: Told::default(),
    };
    taker.say(&match &chosen.why {
        Some(why) => format!("run `{}`, {why}; `--run` names another", chosen.run().name),
        None => format!("run `{}`", chosen.run().name),
    });
    for flag in record.flags.iter().filter(|flag| flag.spoils_comparison()) {
        taker.say(&format!("be careful: {}", flag.sentence()));
    }
    let asked = Asked { program: &program, gpu: place.gpu.as_deref() };
    let mut failure = None;
    let mut take = |heard| {
        let taken = match heard {
            Heard::Answers(answers) => taker.take(answers),
            Heard::Notice(message) => {
                taker.say(&message);
                Ok(ControlFlow::Continue(()))
            }
        };
        taken.unwrap_or_else(|error| {
            failure = Some(error);
            ControlFlow::Break(())
        })
    };
    let answered = ask(asked, &query, pictures.iter().cloned(), &interrupt, &mut take);
    if let Some(failure) = failure {
        return Err(failure);
    }
    match answered.map_err(|error| ask_failure(&error))? {
        Answered::Whole => taker.finish(started),
        Answered::Interrupted if interrupt.is_set() => Ok(interrupt.exit_code()),
        // Whoever reads the answers has seen enough.
        Answered::Interrupted | Answered::Module { .. } | Answered::Misfit { .. } => Ok(0),
    }
}

/// Which maps are wanted, as the spec says or else Grad-CAM of the last layer; the folder is made.
fn map_wish(chosen: &Chosen, record: &EvaluationRecord, folder: &Path) -> Result<MapWish, Failure> {
    let experiment = &chosen.study.plan.nodes[chosen.run().predict].variant.experiment;
    let (model, explain) = (experiment.model.name, &experiment.explain);
    let named = if explain.method.is_some() { explain.layer.as_str() } else { AUTO_LAYER };
    let Some(layer) = model.layer(named) else {
        let message = format!("there are no maps of `{}`: it shows none of its layers", model.name());
        return Err(Failure::text(2, &message, Some("leave `--explain` out")));
    };
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::text(1, &format!("cannot make the folder `{}`: {error}", shown_path(folder)), None)
    })?;
    Ok(MapWish {
        method: explain.method.unwrap_or(ExplainMethod::GradCam),
        layer,
        calibration: record.calibration.clone(),
        thresholds: record.thresholds.clone(),
    })
}

/// On a terminal, where answers do not go there themselves.
fn bar(args: &PredictArgs, n_pictures: usize) -> Option<ProgressBar> {
    let is_shown = args.out.is_some() && args.output() == OutputFormat::Text;
    is_shown.then(|| pictures_bar(u32::try_from(n_pictures).unwrap_or(u32::MAX), Detail::Normal))
}

/// What became of the pictures.
#[derive(Default)]
struct Told {
    n_pictures: usize,
    n_bad: usize,
    n_trained_on: usize,
    n_overlays: usize,
    /// Some maps have one place only.
    has_empty_maps: bool,
}

/// Takes answers as they come.
struct Taker<'a> {
    args: &'a PredictArgs,
    images: &'a Images,
    pictures: &'a [PathBuf],
    record: &'a EvaluationRecord,
    trained_on: &'a HashSet<String>,
    labels: Arc<[String]>,
    sink: Sink,
    bar: Option<ProgressBar>,
    told: Told,
}

impl Taker<'_> {
    fn take(&mut self, from_worker: Vec<Answer>) -> Result<ControlFlow<()>, Failure> {
        let mut answers = Answers { labels: self.labels.clone(), ..Answers::default() };
        let mut overlays = Vec::new();
        let n_answers = from_worker.len();
        let first = self.told.n_pictures;
        // A worker that answers more than it was asked is no worker of ours.
        for ((at, path), answer) in
            (first..).zip(self.pictures.get(first..).unwrap_or_default()).zip(from_worker)
        {
            match answer {
                Answer::Bad { why } => self.bad(path, &why),
                Answer::Picture { digest, logit_bits, maps } => {
                    self.told.n_trained_on += usize::from(self.trained_on.contains(digest.as_str()));
                    let logits = from_bits(&logit_bits);
                    for (label_idx, &logit) in logits.iter().enumerate() {
                        let probability = self.record.calibration.probability(label_idx, logit);
                        answers.probabilities.push(probability);
                        answers.said.push(probability >= self.record.thresholds.values[label_idx]);
                    }
                    answers.logits.extend(logits);
                    answers.paths.push(path.to_string_lossy().into_owned());
                    overlays.extend(maps.into_iter().map(|map| Overlay { at, path, map }));
                }
            }
        }
        self.told.n_pictures += n_answers;
        if let Some(folder) = &self.args.explain {
            self.told.n_overlays += overlays.len();
            self.told.has_empty_maps |= overlays.iter().any(|overlay| overlay.map.values.len() <= 1);
            Painter { folder, images: self.images, labels: &self.labels }.paint(&overlays)?;
        }
        if let Some(bar) = &self.bar {
            bar.inc(n_answers as u64);
        }
        self.sink.write(&answers)
    }

    /// Names a picture that cannot be read.
    fn bad(&mut self, path: &Path, why: &str) {
        self.told.n_bad += 1;
        let line = match self.args.output() {
            OutputFormat::Json => json!({"bad": {"path": path.to_string_lossy(), "why": why}}).to_string(),
            OutputFormat::Text => format!("bad: {}: {}", shown_path(path), plain(why)),
        };
        self.above(&line);
    }

    /// A notice.
    fn say(&self, what: &str) {
        self.above(&match self.args.output() {
            OutputFormat::Json => json!({ "notice": what }).to_string(),
            OutputFormat::Text => format!("note: {}", plain(what)),
        });
    }

    /// A line on standard error, above the bar.
    fn above(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| print::err(line)),
            None => print::err(line),
        }
    }

    fn finish(mut self, started: Instant) -> Result<u8, Failure> {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let n_missing = self.pictures.len().saturating_sub(self.told.n_pictures);
        if n_missing > 0 {
            let message = format!("the worker left {} without an answer", count(n_missing, "picture"));
            return Err(Failure::text(1, &message, None));
        }
        let sink = std::mem::replace(&mut self.sink, Sink::Closed);
        sink.finish()?;
        let Told { n_pictures, n_bad, n_trained_on, n_overlays, has_empty_maps } = self.told;
        if n_trained_on > 0 {
            self.say(&format!(
                "{} of {} are among those that the run was trained on, byte by byte: what it says of them does not show how good it is",
                format::count(n_trained_on as u64),
                format::counted(n_pictures, "picture"),
            ));
        }
        if n_bad > 0 {
            self.say(&format!("{} could not be read", count(n_bad, "picture")));
        }
        if let Some(folder) = &self.args.explain {
            self.say(&format!("{} in `{}`", count(n_overlays, "map"), shown_path(folder)));
        }
        if has_empty_maps {
            self.say(&format!(
                "the layer that was looked at has one place for a picture of {side} x {side}, so that its maps are empty: name an earlier \
                 one in `explain.layer`",
                side = self.images.size
            ));
        }
        let seconds = started.elapsed().as_secs_f64();
        self.say(&format!(
            "{} in {seconds:.1} s, {:.0} in a second",
            format::counted(n_pictures, "picture"),
            n_pictures as f64 / seconds
        ));
        Ok(u8::from(n_bad > 0 && !self.args.skip_bad))
    }
}
