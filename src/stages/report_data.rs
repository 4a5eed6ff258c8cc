//! What the page tells of the data: counts per part and label, before and after balancing, and what was noticed.

use std::collections::HashMap;

use super::error::StageError;
use super::report::Shared;
use super::work::{StageWork, read_json};
use crate::dataset::{Notice, NoticeKind};
use crate::plan::{Stage, output};
use crate::report::{Counts, Data, PartCounts};
use crate::spec::settings::{BalanceBy, BalanceMethod, Experiment, Format, SplitMethod};
use crate::tables::rows::Part;

/// The data as the page shows it.
pub(super) fn data(work: &StageWork, shared: &Shared) -> Result<Data, StageError> {
    let part_of: HashMap<i64, Part> = shared.split.iter().map(|row| (row.image_id, row.part)).collect();
    let copies: HashMap<i64, u64> =
        shared.train_index.iter().map(|r| (r.image_id, u64::from(r.copies))).collect();
    let count = |weigh: &dyn Fn(i64) -> u64| {
        let mut counts = Counts { rows: 0, positives: vec![0; shared.labels.labels.len()] };
        for (row_idx, &image_id) in shared.labels.image_ids.iter().enumerate() {
            let weight = weigh(image_id);
            counts.rows += weight;
            for (positives, &is) in counts.positives.iter_mut().zip(shared.labels.row(row_idx)) {
                *positives += weight * u64::from(is);
            }
        }
        counts
    };
    let of_part = |part: Part| count(&|id| u64::from(part_of.get(&id) == Some(&part)));
    let parts = [Part::Train, Part::Val, Part::Test];
    let experiment = &work.plan.experiment;
    let noticed = notices(work)?;
    let message = |notice: &Notice| notice.message.clone();
    Ok(Data {
        source: source(experiment),
        split: split(experiment),
        balance: balance(experiment),
        images: shared.labels.image_ids.len() as u64,
        set_aside: noticed.iter().filter(|n| n.kind == NoticeKind::ImagesSetAside).map(message).collect(),
        notices: noticed.iter().filter(|n| n.kind != NoticeKind::ImagesSetAside).map(message).collect(),
        parts: parts.map(|part| PartCounts { part, counts: of_part(part) }).to_vec(),
        before: of_part(Part::Train),
        after: count(&|id| copies.get(&id).copied().unwrap_or(0)),
    })
}

fn source(experiment: &Experiment) -> String {
    let dataset = &experiment.dataset;
    match (&dataset.generate, dataset.format) {
        (Some(made), _) => {
            format!(
                "{} litter scenes drawn by Ablatrix (seed {}), with TACO's categories",
                made.images, made.seed
            )
        }
        (None, Format::Coco) => "Images with COCO annotations".to_owned(),
        (None, Format::Csv | Format::Parquet) => "Images with a table of labels".to_owned(),
        (None, Format::Folders) => "Images in one folder per class".to_owned(),
    }
}

fn split(experiment: &Experiment) -> String {
    let split = &experiment.split;
    let how = match split.method {
        SplitMethod::Combination => "Each group of images with the same labels is divided in proportion",
        SplitMethod::Iterative => "Iterative stratification over labels (Sechidis et al. 2011)",
        SplitMethod::Column => return "The parts are given with the data".to_owned(),
    };
    format!("{how}; shares {} / {} / {}, seed {}", split.train, split.val, split.test, split.seed)
}

fn balance(experiment: &Experiment) -> String {
    let balance = &experiment.balance;
    let by = match balance.by {
        BalanceBy::Combination => "combination of labels",
        BalanceBy::Label => "rarest label",
    };
    match balance.method {
        BalanceMethod::None => "Training rows are not balanced".to_owned(),
        BalanceMethod::Oversample => {
            format!("Training rows are repeated by {by}, exponent {}", balance.exponent)
        }
    }
}

/// What the stages of the data noticed.
fn notices(work: &StageWork) -> Result<Vec<Notice>, StageError> {
    let mut all = Vec::new();
    for (i, node) in work.plan.nodes.iter().enumerate() {
        let tells = matches!(node.stage, Stage::Ingest | Stage::Scan | Stage::Label | Stage::Split);
        if tells && work.entries.contains_key(&i) {
            let notices: Vec<Notice> = read_json(&work.output_of(i, output::NOTICES)?)?;
            all.extend(notices);
        }
    }
    Ok(all)
}
