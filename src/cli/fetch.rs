//! `ablatrix data fetch`: a COCO set's images from their URLs.

use std::path::Path;
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar};

use super::args::{FetchArgs, OutputFormat};
use super::command_line::CommandLine;
use super::display::{is_rich, style};
use super::print;
use super::render::{Failure, plain};
use super::study::{colour, load, shown};
use crate::cache::write_atomic;
use crate::dataset::{self, ImportError};
use crate::engine::Interrupt;
use crate::fetch::{self, Event, Options, Order, Outcome, Report};
use crate::spec::Loaded;
use crate::spec::settings::{Dataset, Format};
use crate::tables::rows::ImageRow;

/// The report's name in the images folder.
const REPORT: &str = "fetch-report.json";
/// Images that are named while fetching goes on, and for each kind at its end.
const NAMED: usize = 10;

/// Downloads the images that are not there yet.
///
/// # Errors
/// Rendered, with the exit code.
pub fn fetch(args: &FetchArgs, quiet: bool) -> Result<u8, Failure> {
    let interrupt = Interrupt::listen()
        .map_err(|error| Failure::new(1, &error, Some("signals cannot be caught on this system")))?;
    let loaded = load(&args.spec, &args.over, colour())?;
    let dataset = &loaded.experiment.dataset;
    let images = records(&loaded, dataset)?;
    let options = Options {
        parallel: args.parallel.into(),
        per_host: args.per_host.into(),
        retries: args.retries,
        first_wait: args.backoff,
        timeout: args.timeout,
        max_bytes: args.max_mib << 20,
        allow_local: args.allow_local,
        proxy: ureq::Proxy::try_from_env(),
    };
    let mut progress = Progress::new(quiet);
    let order = Order { images: &images, folder: &dataset.images, size: dataset.fetch.size };
    let report = fetch::fetch(order, &options, &|| interrupt.is_set(), &mut |event| progress.show(event));
    progress.finish();
    let report = report.map_err(|error| Failure::new(1, &error, None))?;
    let place = dataset.images.join(REPORT);
    let json = serde_json::to_vec_pretty(&report)
        .unwrap_or_else(|error| panic!("bug: a report is plain data: {error}"));
    write_atomic(&place, &json).map_err(|error| Failure::new(1, &error, error.help().as_deref()))?;
    match args.format {
        OutputFormat::Json => print::out(&String::from_utf8_lossy(&json)),
        OutputFormat::Text => print_text(&report, &place),
    }
    if report.interrupted {
        let how = command(args);
        print::err(&format!("interrupted: what has come is kept, go on with `{how}`"));
        return Ok(interrupt.exit_code());
    }
    Ok(if report.is_complete() { 0 } else { 1 })
}

/// The image records of the dataset.
fn records(loaded: &Loaded, dataset: &Dataset) -> Result<Vec<ImageRow>, Failure> {
    let at = |key: &str, message: &str, help: Option<&str>| {
        let error = loaded.error_at(&["dataset", key], message, help.map(str::to_owned));
        Failure::spec(&error, colour())
    };
    if dataset.format != Format::Coco {
        let message = "only `format = \"coco\"` says where images can be had";
        return Err(at("format", message, Some("put the images into the folder that `images` names")));
    }
    if dataset.generate.is_some() {
        let help = "`ablatrix run` draws them";
        return Err(at(
            "generate",
            "the images of a generated dataset are drawn, not downloaded",
            Some(help),
        ));
    }
    match dataset::import(dataset) {
        Ok(imported) => Ok(imported.images),
        Err(error @ ImportError::Io { .. }) => {
            let why = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            Err(at("annotations", &format!("{error}: {why}"), None))
        }
        Err(error) => Err(Failure::new(1, &error, None)),
    }
}

fn command(args: &FetchArgs) -> String {
    let mut line = CommandLine::new("data fetch", [&args.spec]);
    line.over(&args.over);
    line.quoted()
}

fn print_text(report: &Report, place: &Path) {
    let counts = &report.counts;
    if report.is_complete() {
        let fetched = match counts.fetched {
            0 => "nothing had to be downloaded".to_owned(),
            n => format!("{n} downloaded ({})", HumanBytes(report.fetched_bytes)),
        };
        print::out(&format!("all {} images are there; {fetched}", report.images));
    } else {
        print::out(&format!(
            "{} of {} images are there: {} downloaded ({}), {} were there already; {} are missing",
            counts.fetched + counts.present,
            report.images,
            counts.fetched,
            HumanBytes(report.fetched_bytes),
            counts.present,
            report.missing.len()
        ));
    }
    for (status, words) in [
        ("gone", "gone from their servers"),
        ("refused", "refused"),
        ("no_url", "without a URL in their records"),
        ("not_an_image", "no images"),
        ("failed", "failed, another call may get them"),
        ("not_tried", "not tried"),
    ] {
        let of_kind: Vec<_> =
            report.missing.iter().filter(|missing| missing.outcome.status() == status).collect();
        if of_kind.is_empty() {
            continue;
        }
        print::out(&format!("{words}: {}", of_kind.len()));
        if status == "not_tried" {
            continue;
        }
        for missing in of_kind.iter().take(NAMED) {
            let why = missing.outcome.why().map(|why| format!(": {why}")).unwrap_or_default();
            print::out(&plain(&format!("  {}{why}", missing.path)));
        }
        if of_kind.len() > NAMED {
            print::out(&format!("  and {} more", of_kind.len() - NAMED));
        }
    }
    if let Some(first) = report.sizes_differ.first() {
        let ([width, height], [recorded_width, recorded_height]) = (first.found, first.recorded);
        print::out(&plain(&format!(
            "note: pictures that are not as large as their records say: {}, such as {} ({width}x{height}, recorded as \
             {recorded_width}x{recorded_height})",
            report.sizes_differ.len(),
            first.path,
        )));
    }
    if !report.is_complete() || !report.sizes_differ.is_empty() {
        print::out(&format!("all of them are named in {}", shown(place)));
    }
}

/// News of the fetching: a bar on a terminal, else lines. All of it goes to stderr.
struct Progress {
    quiet: bool,
    bar: Option<ProgressBar>,
    named: usize,
    tenth: usize,
}

impl Progress {
    fn new(quiet: bool) -> Self {
        let bar = (is_rich() && !quiet).then(|| {
            let bar = ProgressBar::new(0);
            bar.set_style(style("{bar:30} {pos}/{len} images, about {eta} left  {wide_msg}"));
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        Progress { quiet, bar, named: 0, tenth: 0 }
    }

    fn show(&mut self, event: &Event<'_>) {
        match *event {
            Event::Surveyed { present, total } => {
                self.line(&format!("{present} of {total} images are there"));
                self.tenth = present * 10 / total.max(1);
                if let Some(bar) = &self.bar {
                    bar.set_length(total as u64);
                    bar.set_position(present as u64);
                    // What was there says nothing about the time that the others take.
                    bar.reset_eta();
                }
            }
            Event::Ended { path, outcome, done, total } => {
                if !matches!(outcome, Outcome::Fetched { .. }) {
                    self.name(path, outcome);
                }
                let tenth = done * 10 / total;
                match &self.bar {
                    Some(bar) => bar.set_position(done as u64),
                    None if tenth > self.tenth => self.line(&format!("{done} of {total} images done")),
                    None => {}
                }
                self.tenth = self.tenth.max(tenth);
            }
            Event::Retrying { path, why, wait } => {
                tracing::debug!(path, why, ?wait, "asked for again later");
                self.message(&format!("{path}: {why}"));
            }
            Event::HostPaused { host, why, wait } => {
                let seconds = wait.as_secs_f64();
                if seconds >= 10.0 {
                    self.line(&format!("waiting {seconds:.0} s before `{host}` is asked again: {why}"));
                } else {
                    self.message(why);
                }
            }
            Event::HostGivenUp { host, why } => {
                self.line(&format!("warning: nothing more is asked of `{host}`: {why}"))
            }
        }
    }

    fn name(&mut self, path: &str, outcome: &Outcome) {
        self.named += 1;
        let why = outcome.why().unwrap_or("its record has no URL");
        match self.named.cmp(&(NAMED + 1)) {
            std::cmp::Ordering::Less => self.line(&format!("{}: {path}: {why}", outcome.status())),
            std::cmp::Ordering::Equal => self.line("further images that are missing are named at the end"),
            std::cmp::Ordering::Greater => {}
        }
    }

    fn message(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(plain(text));
        }
    }

    fn line(&self, text: &str) {
        let text = plain(text);
        match &self.bar {
            Some(bar) => bar.println(text),
            None if self.quiet => {}
            None => print::err(&text),
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
