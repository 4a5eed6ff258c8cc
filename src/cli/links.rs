//! What `run` says of links that lead out of the images folder: once, when the images have been read.

use std::path::PathBuf;

use crate::cache::{Entry, Store};
use crate::dataset::{Notice, links};
use crate::engine::Event;
use crate::plan::{Stage, output};
use crate::spec::settings::{Dataset, Format};
use crate::tables;
use crate::tables::rows::ImageRow;

use super::study::Study;

/// Listens for the images of a study.
pub struct Links {
    /// `None` once it has looked, and where there is nothing to look at.
    images: Option<PathBuf>,
    store: Store,
}

impl Links {
    /// Of this study.
    pub fn of(study: &Study) -> Self {
        let images = folder(&study.plan.experiment.dataset);
        Links { images: images.cloned(), store: study.store.clone() }
    }

    /// What is to be said at this event.
    pub fn take(&mut self, event: &Event) -> Option<Notice> {
        // Each image is looked at, which takes a while: where they are known from before, `check` says it.
        let Event::Finished { stage: Stage::Scan, entry, cached: false, .. } = event else { return None };
        let folder = self.images.take()?;
        links::leading_out(&folder, &paths(&rows(&self.store, entry)))
    }
}

/// What is to be said of the images of a dataset, where it has a folder of them in which links are followed: where folders are the
/// labels, such links are refused.
pub fn notice(dataset: &Dataset, images: &[ImageRow]) -> Option<Notice> {
    links::leading_out(folder(dataset)?, &paths(images))
}

fn folder(dataset: &Dataset) -> Option<&PathBuf> {
    (dataset.check_images && dataset.format != Format::Folders).then_some(&dataset.images)
}

/// None where they cannot be read: the stages that need them say so.
fn rows(store: &Store, scanned: &Entry) -> Vec<ImageRow> {
    let path = store.object(scanned.digest(output::IMAGES)).ok();
    path.and_then(|path| tables::read(&path).ok()).unwrap_or_default()
}

fn paths(images: &[ImageRow]) -> Vec<&str> {
    images.iter().map(|image| image.path.as_str()).collect()
}
