//! Which objects speak for which label.

use super::source::Source;
use super::{Imported, LabelError, Labels, groups};
use crate::spec::settings::LabelSource;

/// For each object that some label is made of, its position in `imported.annotations` and the label's in `labels`, the
/// columns of the label table. An object may speak for several labels; those made of scenes, columns or folders have none.
///
/// # Errors
/// As [`super::label_table`], which has the same groups.
pub fn objects_of_labels(
    settings: &Labels,
    imported: &Imported,
    labels: &[String],
) -> Result<Vec<(usize, usize)>, LabelError> {
    let mut found = Vec::new();
    for (table, from) in settings.tables() {
        if !matches!(from.from, LabelSource::Category | LabelSource::Supercategory)
            || imported.categories.is_empty()
        {
            continue;
        }
        let source = Source::of(from.from, imported)?;
        let groups = groups(&table, from, &source, &mut Vec::new())?;
        let columns: Vec<Vec<usize>> = source
            .names
            .iter()
            .map(|name| {
                let of_name = groups.iter().filter(|(_, names)| names.contains(name)).map(|(label, _)| label);
                of_name.filter_map(|label| labels.iter().position(|known| known == label)).collect()
            })
            .collect();
        let name_of = |category_id: i64| {
            let at = imported.categories.binary_search_by_key(&category_id, |row| row.category_id).ok()?;
            let known = &imported.categories[at];
            let name = match from.from {
                LabelSource::Supercategory => &known.supercategory,
                _ => &known.name,
            };
            source.names.get_index_of(name)
        };
        for (object_idx, object) in imported.annotations.iter().enumerate() {
            let columns = name_of(object.category_id).map_or(&[][..], |name_idx| &columns[name_idx]);
            found.extend(columns.iter().map(|&label_idx| (object_idx, label_idx)));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::*;
    use crate::spec::settings::{LabelsFrom, Unmapped};
    use crate::tables::rows::{AnnotationRow, CategoryRow, ImageRow};

    fn imported() -> Imported {
        let image = |image_id: i64| ImageRow {
            image_id,
            file_name: format!("{image_id}.jpg"),
            path: format!("{image_id}.jpg"),
            width: 8,
            height: 8,
            digest: String::new(),
            url: None,
            url_small: None,
        };
        let category = |category_id, name: &str, above: &str| CategoryRow {
            category_id,
            name: name.into(),
            supercategory: above.into(),
        };
        let object = |annotation_id, category_id| AnnotationRow {
            annotation_id,
            image_id: annotation_id % 2,
            category_id,
            bbox_x: 0.0,
            bbox_y: 0.0,
            bbox_w: 1.0,
            bbox_h: 1.0,
            area: 1.0,
            is_crowd: false,
            segmentation: vec![],
            mask_rle: None,
        };
        Imported {
            images: vec![image(0), image(1)],
            annotations: vec![object(1, 5), object(2, 3), object(3, 4), object(4, 5)],
            categories: vec![
                category(3, "can", "metal"),
                category(4, "jar", "glass"),
                category(5, "lid", "metal"),
            ],
            ..Imported::default()
        }
    }

    fn settings(from: LabelSource, groups: &[(&str, &[&str])], unmapped: Unmapped) -> Labels {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let groups: IndexMap<_, _> =
            groups.iter().map(|(label, of)| ((*label).to_owned(), names(of))).collect();
        Labels { sources: vec![LabelsFrom { from, groups, unmapped }], min_positives: 1 }
    }

    fn found(settings: &Labels) -> Vec<(usize, usize)> {
        let imported = imported();
        let labels = super::super::label_table(settings, &imported).unwrap().table.labels;
        objects_of_labels(settings, &imported, &labels).unwrap()
    }

    #[test]
    fn an_object_speaks_for_every_label_that_it_is_in() {
        let groups: [(&str, &[&str]); 2] = [("closed", &["jar", "lid"]), ("lids", &["lid"])];
        let settings = settings(LabelSource::Category, &groups, Unmapped::Ignore);
        assert_eq!(found(&settings), [(0, 0), (0, 1), (2, 0), (3, 0), (3, 1)]);
    }

    #[test]
    fn labels_without_groups_and_of_supercategories_have_their_objects() {
        // glass, metal
        assert_eq!(
            found(&settings(LabelSource::Supercategory, &[], Unmapped::Error)),
            [(0, 1), (1, 1), (2, 0), (3, 1)]
        );
        // can, jar, lid
        assert_eq!(
            found(&settings(LabelSource::Category, &[], Unmapped::Error)),
            [(0, 2), (1, 0), (2, 1), (3, 2)]
        );
    }
}
