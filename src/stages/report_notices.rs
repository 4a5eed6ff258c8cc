//! What the stages of the data left out, changed or noticed, as the page tells it.

use super::error::StageError;
use super::work::{StageWork, read_json};
use crate::dataset::{Notice, NoticeKind};
use crate::plan::{Stage, output};
use crate::report::{Fate, Noticed};

/// Every notice, in the order of the stages; what leaks comes first, then what is left out.
pub(super) fn noticed(work: &StageWork) -> Result<Vec<Noticed>, StageError> {
    let mut all = Vec::new();
    for (i, node) in work.plan.nodes.iter().enumerate() {
        let tells = matches!(node.stage, Stage::Ingest | Stage::Scan | Stage::Label | Stage::Split);
        if tells && work.entries.contains_key(&i) {
            let notices: Vec<Notice> = read_json(&work.output_of(i, output::NOTICES)?)?;
            all.extend(notices.into_iter().map(|notice| Noticed {
                fate: fate(notice.kind),
                stage: node.name.clone(),
                count: notice.count as u64,
                message: notice.message,
            }));
        }
    }
    all.sort_by_key(|noticed| match noticed.fate {
        Fate::Leaks => 0,
        Fate::ImagesLeftOut => 1,
        Fate::LeftOut => 2,
        Fate::Changed => 3,
        Fate::Noted => 4,
    });
    Ok(all)
}

fn fate(kind: NoticeKind) -> Fate {
    match kind {
        NoticeKind::Leakage => Fate::Leaks,
        NoticeKind::ImagesSetAside => Fate::ImagesLeftOut,
        NoticeKind::BoxesDropped
        | NoticeKind::ScenesUnknown
        | NoticeKind::FilesIgnored
        | NoticeKind::Unmapped
        | NoticeKind::NamesUnused => Fate::LeftOut,
        NoticeKind::AnnotationsRenumbered
        | NoticeKind::BoxesClipped
        | NoticeKind::CategoriesMerged
        | NoticeKind::FilesMerged
        | NoticeKind::KeptTogether
        | NoticeKind::SizesDiffer
        | NoticeKind::PicturesConverted => Fate::Changed,
        NoticeKind::ColumnsRepeated
        | NoticeKind::LabelsRepeated
        | NoticeKind::SeparatorUnused
        | NoticeKind::GroupsOverlap
        | NoticeKind::LabelWithoutPositives
        | NoticeKind::PartEmpty
        | NoticeKind::LabelConflict
        | NoticeKind::PicturesEmpty
        | NoticeKind::LinksLeadOut => Fate::Noted,
    }
}
