//! Which labels each image has: names that the dataset gives, gathered into the groups of the spec.
//!
//! A name may stand in several groups; it then counts for each, and a notice says so.

use std::collections::BTreeSet;

use indexmap::{IndexMap, IndexSet};

use super::imported::Imported;
use super::notice::{Notice, NoticeKind, Tally, listed};
use crate::spec::settings::{LabelSource, Labels, Unmapped};
use crate::tables::rows::LabelTable;

/// Similarity (Jaro and Winkler, 0 to 1) from which a name is worth suggesting.
const SIMILAR: f64 = 0.75;

/// Why there are no labels.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// The dataset has nothing of what labels are to be made of.
    #[error("`labels.from` is `{from}`, but the dataset has no {what}")]
    NoSource {
        /// The setting.
        from: &'static str,
        /// What is missing.
        what: &'static str,
    },
    /// Groups hold names that the dataset does not have.
    #[error("`labels.groups` has {} the dataset does not know{}", counted(.0.len()), lines(.0))]
    Unknown(Vec<UnknownName>),
    /// Names that occur are in no group, and the spec forbids that.
    #[error("`labels.unmapped` is `error`, and {count} that occur are in no group: {names}")]
    Unmapped {
        /// How many, with what they are.
        count: String,
        /// The first of them.
        names: String,
    },
    /// A group without names.
    #[error("group `{label}` is empty, expected at least one name")]
    EmptyGroup {
        /// The group.
        label: String,
    },
    /// A label that cannot be a column of the label table.
    #[error("a label cannot be called `{label}`")]
    Name {
        /// The label.
        label: String,
    },
    /// No name occurs, so there is no label.
    #[error("no image has a {what}, so there is no label")]
    None {
        /// What labels are made of.
        what: &'static str,
    },
}

/// A name that the dataset does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// The name.
    pub name: String,
    /// The group that it stands in.
    pub group: String,
    /// The most similar name of the dataset, if there is one like it.
    pub nearest: Option<String>,
}

fn counted(count: usize) -> String {
    if count == 1 { "a name that".to_owned() } else { format!("{count} names that") }
}

fn lines(unknown: &[UnknownName]) -> String {
    let line = |name: &UnknownName| {
        let nearest = name.nearest.as_ref().map(|nearest| format!(", did you mean `{nearest}`?"));
        format!("\n  `{}` in `{}`{}", name.name, name.group, nearest.unwrap_or_default())
    };
    unknown.iter().map(line).collect()
}

/// The label table, with what the user should know about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// One row per image, ascending by id; columns in the spec's order.
    pub table: LabelTable,
    /// What was noticed.
    pub notices: Vec<Notice>,
}

/// Gives each image its labels.
///
/// # Errors
/// Where the dataset has nothing of what labels are to be made of, or the groups do not fit its names.
pub fn label_table(settings: &Labels, imported: &Imported) -> Result<Labelled, LabelError> {
    let source = Source::of(settings.from, imported)?;
    let mut notices = Vec::new();
    let groups = if settings.groups.is_empty() {
        let mut occurring: Vec<_> =
            source.occurring().into_iter().map(|name| source.names[name].clone()).collect();
        occurring.sort_unstable();
        occurring.into_iter().map(|name| (name.clone(), vec![name])).collect()
    } else {
        check_groups(&settings.groups, &source)?;
        notices.extend(overlaps(&settings.groups));
        with_unmapped(settings, &source, &mut notices)?
    };
    if groups.is_empty() {
        return Err(LabelError::None { what: source.what });
    }
    if let Some(label) = groups.keys().find(|label| label.is_empty() || *label == "image_id") {
        return Err(LabelError::Name { label: label.clone() });
    }
    let table = table(&groups, &source, imported);
    notices.extend(never(&table));
    Ok(Labelled { table, notices })
}

/// The names that labels are made of, and which image has which.
struct Source<'a> {
    what: &'static str,
    /// All names of the dataset, also those that do not occur.
    names: IndexSet<String>,
    /// Image id and position in `names`; pairs may repeat.
    tags: Vec<(i64, usize)>,
    imported: &'a Imported,
}

impl<'a> Source<'a> {
    fn of(from: LabelSource, imported: &'a Imported) -> Result<Self, LabelError> {
        let missing = |from, what| Err(LabelError::NoSource { from, what });
        match from {
            LabelSource::Category if imported.categories.is_empty() => missing("category", "categories"),
            LabelSource::Category => Ok(Self::objects(imported, "category", |row| &row.name)),
            LabelSource::Supercategory
                if imported.categories.iter().all(|row| row.supercategory.is_empty()) =>
            {
                missing("supercategory", "supercategories")
            }
            LabelSource::Supercategory => {
                Ok(Self::objects(imported, "supercategory", |row| &row.supercategory))
            }
            LabelSource::Scene if imported.scene_categories.is_empty() => missing("scene", "scenes"),
            LabelSource::Scene => Ok(Self::scenes(imported)),
            LabelSource::Columns | LabelSource::Folder => match &imported.labels_given {
                Some(given) => {
                    let what = if from == LabelSource::Folder { "folder" } else { "column" };
                    Ok(Self::given(imported, what, given))
                }
                None if from == LabelSource::Folder => missing("folder", "folders"),
                None => missing("columns", "columns of labels"),
            },
        }
    }

    fn objects(
        imported: &'a Imported,
        what: &'static str,
        name: fn(&crate::tables::rows::CategoryRow) -> &String,
    ) -> Self {
        let categories = &imported.categories;
        let names: IndexSet<String> =
            categories.iter().map(name).filter(|name| !name.is_empty()).cloned().collect();
        let of_category: Vec<Option<usize>> =
            categories.iter().map(|row| names.get_index_of(name(row))).collect();
        let tag = |row: &crate::tables::rows::AnnotationRow| {
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
    fn occurring(&self) -> BTreeSet<usize> {
        let known = |id| self.imported.images.binary_search_by_key(id, |row| row.image_id).is_ok();
        self.tags.iter().filter(|(image_id, _)| known(image_id)).map(|&(_, name_idx)| name_idx).collect()
    }
}

type Groups = IndexMap<String, Vec<String>>;

fn check_groups(groups: &Groups, source: &Source) -> Result<(), LabelError> {
    let mut unknown = Vec::new();
    for (label, names) in groups {
        if names.is_empty() {
            return Err(LabelError::EmptyGroup { label: label.clone() });
        }
        for name in names.iter().filter(|name| !source.names.contains(*name)) {
            let nearest = nearest(name, source.names.iter());
            unknown.push(UnknownName { name: name.clone(), group: label.clone(), nearest });
        }
    }
    if unknown.is_empty() { Ok(()) } else { Err(LabelError::Unknown(unknown)) }
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Option<String> {
    let plain = |name: &str| name.to_lowercase().replace('_', " ");
    let name = plain(name);
    known
        .map(|other| (strsim::jaro_winkler(&name, &plain(other)), other))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other.clone())
}

fn overlaps(groups: &Groups) -> Option<Notice> {
    let mut labels_of: IndexMap<&str, IndexSet<&str>> = IndexMap::new();
    for (label, names) in groups {
        for name in names {
            labels_of.entry(name).or_default().insert(label);
        }
    }
    let several: Vec<String> = labels_of
        .into_iter()
        .filter(|(_, labels)| labels.len() > 1)
        .map(|(name, labels)| format!("{name} ({})", labels.into_iter().collect::<Vec<_>>().join(", ")))
        .collect();
    (!several.is_empty())
        .then(|| Notice::about(NoticeKind::GroupsOverlap, "names in several groups", &several))
}

/// The groups, with the names that are in none dealt with as the spec says.
fn with_unmapped(
    settings: &Labels,
    source: &Source,
    notices: &mut Vec<Notice>,
) -> Result<Groups, LabelError> {
    let mut groups = settings.groups.clone();
    let mapped: BTreeSet<&String> = settings.groups.values().flatten().collect();
    let rest: Vec<String> = source
        .occurring()
        .into_iter()
        .map(|name_idx| &source.names[name_idx])
        .filter(|name| !mapped.contains(name))
        .cloned()
        .collect();
    match &settings.unmapped {
        // A group for the rest exists also where nothing is left for it: the columns follow from the spec alone.
        Unmapped::Group(label) => groups.entry(label.clone()).or_default().extend(rest),
        _ if rest.is_empty() => {}
        Unmapped::Error => {
            return Err(LabelError::Unmapped {
                count: format!("{} {}", rest.len(), plural(source.what, rest.len())),
                names: listed(&rest, rest.len()),
            });
        }
        Unmapped::Ignore => {
            let what = format!("{} in no group, left out", plural(source.what, rest.len()));
            notices.push(Notice::about(NoticeKind::Unmapped, &what, &rest));
        }
    }
    Ok(groups)
}

fn plural(what: &str, count: usize) -> String {
    match (count, what.strip_suffix('y')) {
        (1, _) => what.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        (_, None) => format!("{what}s"),
    }
}

fn table(groups: &Groups, source: &Source, imported: &Imported) -> LabelTable {
    let n_labels = groups.len();
    let labels_of: Vec<Vec<usize>> = source
        .names
        .iter()
        .map(|name| (0..n_labels).filter(|&label_idx| groups[label_idx].contains(name)).collect())
        .collect();
    let image_ids: Vec<i64> = imported.images.iter().map(|row| row.image_id).collect();
    let mut positives = vec![false; image_ids.len() * n_labels];
    for (image_id, name_idx) in &source.tags {
        // Images may have been set aside after the import; what is known about them goes with them.
        if let Ok(row_idx) = image_ids.binary_search(image_id) {
            for label_idx in &labels_of[*name_idx] {
                positives[row_idx * n_labels + label_idx] = true;
            }
        }
    }
    LabelTable { labels: groups.keys().cloned().collect(), image_ids, positives }
}

/// Labels that no image has.
fn never(table: &LabelTable) -> Option<Notice> {
    let mut none = Tally::default();
    for (label_idx, label) in table.labels.iter().enumerate() {
        if !(0..table.image_ids.len()).any(|row_idx| table.row(row_idx)[label_idx]) {
            none.add(label);
        }
    }
    none.notice(NoticeKind::LabelWithoutPositives, "labels that no image has")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::rows::{AnnotationRow, CategoryRow, ImageRow, SceneRow};

    fn imported() -> Imported {
        let image = |image_id| ImageRow {
            image_id,
            file_name: format!("{image_id}.jpg"),
            path: format!("{image_id}.jpg"),
            width: 10,
            height: 10,
            digest: String::new(),
            url: None,
            url_small: None,
        };
        let category = |(category_id, name, above): (i64, &str, &str)| CategoryRow {
            category_id,
            name: name.into(),
            supercategory: above.into(),
        };
        let object = |(image_id, category_id)| AnnotationRow {
            annotation_id: image_id * 10 + category_id,
            image_id,
            category_id,
            bbox_x: 0.0,
            bbox_y: 0.0,
            bbox_w: 1.0,
            bbox_h: 1.0,
            area: 1.0,
            is_crowd: false,
            segmentation: vec![],
        };
        let categories =
            [(1, "Glass jar", "Jar"), (2, "Drink can", "Can"), (3, "Food Can", "Can"), (5, "Battery", "")];
        Imported {
            images: [1, 2, 7].map(image).into(),
            annotations: [(1, 1), (1, 2), (2, 3), (2, 3)].map(object).into(),
            categories: categories.map(category).into(),
            scenes: vec![SceneRow { image_id: 7, scene: "Water".into() }],
            scene_categories: [(0, "Clean", ""), (1, "Water", "")].map(category).into(),
            ..Imported::default()
        }
    }

    fn settings(from: LabelSource, unmapped: Unmapped, groups: &[(&str, &[&str])]) -> Labels {
        let groups = groups
            .iter()
            .map(|(label, names)| (label.to_string(), names.iter().map(ToString::to_string).collect()))
            .collect();
        Labels { from, unmapped, groups, min_positives: 0 }
    }

    #[test]
    fn a_name_may_be_in_several_groups() {
        let groups: [(&str, &[&str]); 2] =
            [("metal", &["Drink can", "Glass jar", "Food Can"]), ("glass", &["Glass jar"])];
        let labelled =
            label_table(&settings(LabelSource::Category, Unmapped::Error, &groups), &imported()).unwrap();
        assert_eq!(labelled.table.labels, ["metal", "glass"]);
        assert_eq!(labelled.table.image_ids, [1, 2, 7]);
        assert_eq!(labelled.table.positives, [true, true, true, false, false, false]);
        assert_eq!(labelled.notices[0].message, "names in several groups: `Glass jar (metal, glass)`");
    }

    #[test]
    fn without_groups_each_name_that_occurs_is_a_label() {
        let labels =
            |from| label_table(&settings(from, Unmapped::Error, &[]), &imported()).unwrap().table.labels;
        assert_eq!(labels(LabelSource::Category), ["Drink can", "Food Can", "Glass jar"]);
        assert_eq!(labels(LabelSource::Supercategory), ["Can", "Jar"]);
        assert_eq!(labels(LabelSource::Scene), ["Water"]);
        let given = LabelTable {
            labels: vec!["b".into(), "a".into()],
            image_ids: vec![1, 2, 7],
            positives: vec![true; 6],
        };
        let imported = Imported { labels_given: Some(given), ..imported() };
        let labelled = label_table(&settings(LabelSource::Columns, Unmapped::Error, &[]), &imported).unwrap();
        assert_eq!(labelled.table.labels, ["a", "b"]);
    }

    #[test]
    fn names_in_no_group_are_dealt_with_as_told() {
        let groups: [(&str, &[&str]); 1] = [("jar", &["Glass jar"])];
        let with = |unmapped| label_table(&settings(LabelSource::Category, unmapped, &groups), &imported());
        assert_eq!(
            with(Unmapped::Error).unwrap_err().to_string(),
            "`labels.unmapped` is `error`, and 2 categories that occur are in no group: `Drink can`, `Food Can`"
        );
        let ignored = with(Unmapped::Ignore).unwrap();
        assert_eq!(ignored.table.labels, ["jar"]);
        assert_eq!(ignored.notices[0].message, "categories in no group, left out: `Drink can`, `Food Can`");
        let gathered = with(Unmapped::Group("rest".into())).unwrap();
        assert_eq!(gathered.table.labels, ["jar", "rest"]);
        assert_eq!(gathered.table.positives, [true, true, false, true, false, false]);
    }

    #[test]
    fn unknown_names_come_with_the_nearest() {
        let groups: [(&str, &[&str]); 2] =
            [("can", &["drink_can", "Food can"]), ("x", &["Zeppelin", "Battery"])];
        let error = label_table(&settings(LabelSource::Category, Unmapped::Ignore, &groups), &imported())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "`labels.groups` has 3 names that the dataset does not know\n  \
             `drink_can` in `can`, did you mean `Drink can`?\n  \
             `Food can` in `can`, did you mean `Food Can`?\n  `Zeppelin` in `x`"
        );
    }

    #[test]
    fn sources_that_the_dataset_lacks_are_named() {
        let message = |from, imported: &Imported| {
            label_table(&settings(from, Unmapped::Error, &[]), imported).unwrap_err().to_string()
        };
        assert_eq!(
            message(LabelSource::Columns, &imported()),
            "`labels.from` is `columns`, but the dataset has no columns of labels"
        );
        assert_eq!(
            message(LabelSource::Scene, &Imported::default()),
            "`labels.from` is `scene`, but the dataset has no scenes"
        );
        let empty = Imported { annotations: vec![], ..imported() };
        assert_eq!(message(LabelSource::Category, &empty), "no image has a category, so there is no label");
    }

    #[test]
    fn a_label_without_images_is_noticed() {
        let groups: [(&str, &[&str]); 2] = [("battery", &["Battery"]), ("jar", &["Glass jar"])];
        let labelled =
            label_table(&settings(LabelSource::Category, Unmapped::Ignore, &groups), &imported()).unwrap();
        assert_eq!(labelled.notices[1].message, "labels that no image has: `battery`");
    }
}
