//! Whether the weights that a spec names fit its networks, as far as `check` can know: a worker is asked, where there is one.
//!
//! What fits is kept in the cache by what it hangs on, since to load libtorch takes a while and a spec is checked often. A file that does
//! not fit is looked at each time. TorchScript modules are left out: to load one runs it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde_json::json;

use super::render::Failure;
use super::study::Study;
use super::trained::ask_failure;
use super::worker;
use crate::cache::Store;
use crate::engine::{Answered, Interrupt, ask_fit};
use crate::fingerprint::Digest;
use crate::job::{LIBTORCH, PROTOCOL};
use crate::query::Fit;
use crate::spec::Point;

/// Fits that are kept; what exceeds them is asked again.
const KEPT: usize = 200;

/// What is said to do about weights that do not fit.
const HELP: &str = "name weights of this network under timm's names (see docs/reference/models.md), or `weights = \"none\"` to begin at random";

/// Asks a worker about each network of the study and its weights. `n_labels` is how many labels there are, as far as that is known.
/// Gives why not all could be looked at, where that is so.
///
/// # Errors
/// All files that do not fit, each where the spec names it.
pub fn check(study: &Study, n_labels: Option<usize>) -> Result<Option<String>, Failure> {
    let files = files(study)?;
    if files.is_empty() {
        return Ok(None);
    }
    let Some(program) = worker::find() else {
        return Ok(Some(format!("there is no worker to ask: {}", worker::NOT_FOUND_HELP)));
    };
    let mut known = Known::read(&study.store);
    let (mut faults, mut unchecked) = (Vec::new(), None);
    for (point, weights, digest) in files {
        let model = &point.experiment.model;
        let fit =
            Fit { protocol: PROTOCOL, model: model.clone(), weights, n_labels: n_labels.unwrap_or(1).max(1) };
        let name = name(&program, &fit, &digest);
        if name.as_ref().is_some_and(|name| known.holds(name)) {
            continue;
        }
        match ask_fit(&program, &fit, &Interrupt::never()) {
            Ok(Answered::Misfit { message }) => {
                let fault = study.fault_of_file(point, "weights", &message, Some(HELP.to_owned()));
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }
            Ok(Answered::Whole) => known.add(name),
            Ok(Answered::Interrupted | Answered::Module { .. }) => {}
            Err(error) => {
                unchecked = Some(ask_failure(&error).message().to_owned());
                break;
            }
        }
    }
    known.keep(&study.store);
    if faults.is_empty() {
        Ok(unchecked)
    } else {
        Err(Failure::spec(&study.loaded.errors(faults), study.colour))
    }
}

/// The points of the matrix whose network is built in and begins with a file, with the file and its digest; each pair of network and file
/// once.
fn files(study: &Study) -> Result<Vec<(&Point, PathBuf, Digest)>, Failure> {
    let failure = |error| study.source_failure(&error);
    let mut files = Vec::new();
    let mut seen = BTreeSet::new();
    for point in &study.loaded.points {
        let model = &point.experiment.model;
        if model.module.is_some() {
            continue;
        }
        let path = study.sources.weights_file(&model.weights).map_err(failure)?;
        let digest = study.sources.weights(&model.weights).map_err(failure)?;
        let (Some(path), Some(digest)) = (path, digest) else { continue };
        if seen.insert((json!([model.name, model.head]).to_string(), path.clone())) {
            files.push((point, path, digest));
        }
    }
    Ok(files)
}

/// What a fit hangs on: the worker, the network, the bytes of the file. `None` where the worker's program cannot be looked at.
fn name(program: &Path, fit: &Fit, weights: &Digest) -> Option<String> {
    let meta = std::fs::metadata(program).ok()?;
    let modified = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
    let text = json!([
        program,
        meta.len(),
        modified.to_string(),
        PROTOCOL,
        LIBTORCH,
        fit.model.name,
        fit.model.head,
        fit.n_labels,
        weights.as_str()
    ]);
    Some(Digest::of(text.to_string().as_bytes()).as_str().to_owned())
}

/// Names of fits, the latest last.
#[derive(Debug, Default)]
struct Known {
    names: Vec<String>,
    has_news: bool,
}

impl Known {
    /// None where they cannot be read: the worker is asked again.
    fn read(store: &Store) -> Self {
        let bytes = std::fs::read(store.layout().fits()).ok();
        let names = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Known { names, has_news: false }
    }

    fn holds(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    fn add(&mut self, name: Option<String>) {
        self.names.extend(name);
        self.has_news = true;
    }

    /// A cache that cannot be written costs time only.
    fn keep(mut self, store: &Store) {
        if self.has_news && store.layout().tag().exists() {
            self.names.drain(..self.names.len().saturating_sub(KEPT));
            let _ = store.replace(&store.layout().fits(), json!(self.names).to_string().as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::settings::{Architecture, Freeze, Model, Normalise, Weights};

    fn fit(model: Model) -> Fit {
        Fit { protocol: PROTOCOL, model, weights: "w.safetensors".into(), n_labels: 3 }
    }

    fn model() -> Model {
        Model {
            name: Architecture::Resnet18,
            module: None,
            weights: Weights::Path("w.safetensors".into()),
            freeze: Freeze::Share(0.0),
            unfreeze_after: 0,
            normalise: Normalise::Auto,
            head: Vec::new(),
            dropout: 0.0,
        }
    }

    #[test]
    fn a_fit_hangs_on_worker_network_labels_and_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("worker");
        std::fs::write(&program, "one").unwrap();
        let of = |fit: &Fit, bytes: &[u8]| name(&program, fit, &Digest::of(bytes)).unwrap();
        let first = of(&fit(model()), b"w");
        assert_eq!(first, of(&Fit { weights: "elsewhere".into(), ..fit(model()) }, b"w"));
        assert_ne!(first, of(&fit(model()), b"other"));
        assert_ne!(first, of(&Fit { n_labels: 4, ..fit(model()) }, b"w"));
        assert_ne!(first, of(&fit(Model { head: vec![7], ..model() }), b"w"));
        assert_ne!(first, of(&fit(Model { name: Architecture::Vgg16, ..model() }), b"w"));
        std::fs::write(&program, "another").unwrap();
        assert_ne!(first, of(&fit(model()), b"w"));
        assert!(name(&folder.path().join("none"), &fit(model()), &Digest::of(b"w")).is_none());
    }

    #[test]
    fn fits_are_kept_up_to_a_number_and_damage_is_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("cache")).unwrap();
        let mut known = Known::read(&store);
        (0..KEPT + 5).for_each(|n| known.add(Some(n.to_string())));
        known.keep(&store);
        let known = Known::read(&store);
        assert_eq!(known.names.len(), KEPT);
        assert!(known.holds("204") && known.holds("5") && !known.holds("4"));
        std::fs::write(store.layout().fits(), "[\"5\"").unwrap();
        assert!(Known::read(&store).names.is_empty());
    }
}
