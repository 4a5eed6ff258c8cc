//! The names that labels are made of, as the dataset gives them.

use std::collections::BTreeSet;

use indexmap::IndexSet;

use super::LabelError;
use crate::dataset::imported::Imported;
use crate::spec::settings::LabelSource;
use crate::tables::rows::{AnnotationRow, CategoryRow, LabelTable};

/// The names that labels are made of, and which image has which.
pub(super) struct Source<'a> {
    /// What one of them is, in words.
    pub what: &'static str,
    /// All names of the dataset, also those that do not occur.
    pub names: IndexSet<String>,
    /// Image id and position in `names`; pairs may repeat.
    pub tags: Vec<(i64, usize)>,
    imported: &'a Imported,
}

impl<'a> Source<'a> {
    /// What the dataset has of `from`.
    pub fn of(from: LabelSource, imported: &'a Imported) -> Result<Self, LabelError> {
        let missing = |what| Err(LabelError::NoSource { from: from.as_str(), what });
        match from {
            LabelSource::Category if imported.categories.is_empty() => missing("categories"),
            LabelSource::Category => Ok(Self::objects(imported, "category", |row| &row.name)),
            LabelSource::Supercategory
                if imported.categories.iter().all(|row| row.supercategory.is_empty()) =>
            {
                missing("supercategories")
            }
            LabelSource::Supercategory => {
                Ok(Self::objects(imported, "supercategory", |row| &row.supercategory))
            }
            LabelSource::Scene if imported.scene_categories.is_empty() => missing("scenes"),
            LabelSource::Scene => Ok(Self::scenes(imported)),
            LabelSource::Columns | LabelSource::Folder => match &imported.labels_given {
                Some(given) => {
                    let what = if from == LabelSource::Folder { "folder" } else { "column" };
                    Ok(Self::given(imported, what, given))
                }
                None if from == LabelSource::Folder => missing("folders"),
                None => missing("columns of labels"),
            },
        }
    }

    fn objects(imported: &'a Imported, what: &'static str, name: fn(&CategoryRow) -> &String) -> Self {
        let categories = &imported.categories;
        let names: IndexSet<String> =
            categories.iter().map(name).filter(|name| !name.is_empty()).cloned().collect();
        let of_category: Vec<Option<usize>> =
            categories.iter().map(|row| names.get_index_of(name(row))).collect();
        let tag = |row: &AnnotationRow| {
            let idx =
                categories.binary_search_by_key(&row.category_id, |category| category.category_id).ok()?;
            Some((row.image_id, of_category[idx]?))
        };
        let tags = imported.annotations.iter().filter_map(tag).collect();
        Source { what, names, tags, imported }
    }

    fn scenes(imported: &'a Imported) -> Self {
        let names: IndexSet<String> = imported.scene_categories.iter().map(|row| row.name.clone()).collect();
        let tags = (imported.scenes.iter())
            .filter_map(|row| Some((row.image_id, names.get_index_of(&row.scene)?)))
            .collect();
        Source { what: "scene", names, tags, imported }
    }

    fn given(imported: &'a Imported, what: &'static str, given: &LabelTable) -> Self {
        let mut tags = Vec::new();
        for (row_idx, &image_id) in given.image_ids.iter().enumerate() {
            let positive = given.row(row_idx).iter().enumerate().filter(|(_, positive)| **positive);
            tags.extend(positive.map(|(label_idx, _)| (image_id, label_idx)));
        }
        Source { what, names: given.labels.iter().cloned().collect(), tags, imported }
    }

    /// Positions in `names` of those that some image has.
    pub fn occurring(&self) -> BTreeSet<usize> {
        let known = |id| self.imported.images.binary_search_by_key(id, |row| row.image_id).is_ok();
        self.tags.iter().filter(|(image_id, _)| known(image_id)).map(|&(_, name_idx)| name_idx).collect()
    }
}
