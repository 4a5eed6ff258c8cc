//! Which labels each image has: names that the dataset gives, gathered into the groups of the spec.
//!
//! Labels may be made of several things, of categories and of scenes for instance: their columns stand side by side,
//! and no two have one name. A name of the dataset may stand in several groups; it then counts for each, and a notice says
//! so.

mod objects;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use indexmap::{IndexMap, IndexSet};

use super::imported::Imported;
use super::notice::{Notice, NoticeKind, Tally, listed};
use crate::spec::settings::{Labels, LabelsFrom, Unmapped};
use crate::tables::rows::LabelTable;
use source::Source;

pub use objects::objects_of_labels;

/// Similarity (Jaro and Winkler, 0 to 1) from which a name is worth suggesting.
const SIMILAR: f64 = 0.75;

/// Why there are no labels.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// The dataset has nothing of what labels are to be made of.
    #[error("`labels.from` names `{from}`, but the dataset has no {what}")]
    NoSource {
        /// The setting.
        from: &'static str,
        /// What is missing.
        what: &'static str,
    },
    /// Groups hold names that the dataset does not have.
    #[error("`{table}.groups` has {} the dataset does not know{}", counted(.names.len()), lines(.names))]
    Unknown {
        /// The table of the spec that the groups stand in: `labels`, `labels.scene`.
        table: String,
        /// The names.
        names: Vec<UnknownName>,
    },
    /// Names that occur are in no group, and the spec forbids that.
    #[error("`{table}.unmapped` is `error`, but {count} in no group: {names}")]
    Unmapped {
        /// The table of the spec.
        table: String,
        /// How many of what stand: `2 categories stand`.
        count: String,
        /// The first of them.
        names: String,
    },
    /// A group without names.
    #[error("group `{label}` is empty, expected at least one name")]
    EmptyGroup {
        /// The table of the spec.
        table: String,
        /// The group.
        label: String,
    },
    /// A label that cannot be a column of the label table.
    #[error("a label cannot be called `{label}`")]
    Name {
        /// The table of the spec.
        table: String,
        /// The label.
        label: String,
    },
    /// Labels made of different things have one name.
    #[error("two labels are called `{label}`: one is made of `{first}`, one of `{second}`")]
    Clash {
        /// The table of the spec that has the second one.
        table: String,
        /// The label.
        label: String,
        /// What the first is made of.
        first: &'static str,
        /// What the second is made of.
        second: &'static str,
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
    let image_ids: Vec<i64> = imported.images.iter().map(|row| row.image_id).collect();
    let mut notices = Vec::new();
    let mut made_of: IndexMap<String, &'static str> = IndexMap::new();
    let mut rows: Vec<Vec<bool>> = vec![Vec::new(); image_ids.len()];
    for (table, from) in settings.tables() {
        let source = Source::of(from.from, imported)?;
        let groups = groups(&table, from, &source, &mut notices)?;
        for label in groups.keys() {
            if label.is_empty() || label == "image_id" {
                return Err(LabelError::Name { table, label: label.clone() });
            }
            let second = from.from.as_str();
            if let Some(first) = made_of.insert(label.clone(), second) {
                return Err(LabelError::Clash { table, label: label.clone(), first, second });
            }
        }
        add_columns(&groups, &source, &image_ids, &mut rows);
    }
    let labels = made_of.into_keys().collect();
    let table = LabelTable { labels, image_ids, positives: rows.concat() };
    notices.extend(never(&table));
    Ok(Labelled { table, notices })
}

/// Label to names, with what the spec leaves open filled in.
fn groups(
    table: &str,
    from: &LabelsFrom,
    source: &Source,
    notices: &mut Vec<Notice>,
) -> Result<Groups, LabelError> {
    let groups = if from.groups.is_empty() {
        let occurring = source.occurring();
        notices.extend(unused(source, &occurring));
        let mut occurring: Vec<_> = occurring.into_iter().map(|name| source.names[name].clone()).collect();
        occurring.sort_unstable();
        occurring.into_iter().map(|name| (name.clone(), vec![name])).collect()
    } else {
        check_groups(table, &from.groups, source)?;
        notices.extend(overlaps(&from.groups));
        with_unmapped(table, from, source, notices)?
    };
    if groups.is_empty() { Err(LabelError::None { what: source.what }) } else { Ok(groups) }
}

/// Names that no image has: where no groups are given, they are no labels.
fn unused(source: &Source, occurring: &BTreeSet<usize>) -> Option<Notice> {
    let mut names = Tally::default();
    for (name_idx, name) in source.names.iter().enumerate() {
        if !occurring.contains(&name_idx) {
            names.add(name);
        }
    }
    // A dataset without any label at all is an error of its own.
    let what = format!("{} that no image has, left out of the labels", plural(source.what, names.count()));
    names.notice(NoticeKind::NamesUnused, &what).filter(|_| !occurring.is_empty())
}

type Groups = IndexMap<String, Vec<String>>;

fn check_groups(table: &str, groups: &Groups, source: &Source) -> Result<(), LabelError> {
    let mut unknown = Vec::new();
    for (label, names) in groups {
        if names.is_empty() {
            return Err(LabelError::EmptyGroup { table: table.to_owned(), label: label.clone() });
        }
        for name in names.iter().filter(|name| !source.names.contains(*name)) {
            let nearest = nearest(name, source.names.iter());
            unknown.push(UnknownName { name: name.clone(), group: label.clone(), nearest });
        }
    }
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(LabelError::Unknown { table: table.to_owned(), names: unknown })
    }
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
    table: &str,
    from: &LabelsFrom,
    source: &Source,
    notices: &mut Vec<Notice>,
) -> Result<Groups, LabelError> {
    let mut groups = from.groups.clone();
    let mapped: BTreeSet<&String> = from.groups.values().flatten().collect();
    let rest: Vec<String> = source
        .occurring()
        .into_iter()
        .map(|name_idx| &source.names[name_idx])
        .filter(|name| !mapped.contains(name))
        .cloned()
        .collect();
    match &from.unmapped {
        // A group for the rest exists also where nothing is left for it: the columns follow from the spec alone.
        Unmapped::Group(label) => groups.entry(label.clone()).or_default().extend(rest),
        _ if rest.is_empty() => {}
        Unmapped::Error => {
            return Err(LabelError::Unmapped {
                table: table.to_owned(),
                count: standing(source.what, rest.len()),
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

fn standing(what: &str, count: usize) -> String {
    let verb = if count == 1 { "stands" } else { "stand" };
    format!("{count} {} {verb}", plural(what, count))
}

fn plural(what: &str, count: usize) -> String {
    match (count, what.strip_suffix('y')) {
        (1, _) => what.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        (_, None) => format!("{what}s"),
    }
}

/// Adds a column per group to the rows of `image_ids`, which ascend.
fn add_columns(groups: &Groups, source: &Source, image_ids: &[i64], rows: &mut [Vec<bool>]) {
    let n_before = rows.first().map_or(0, Vec::len);
    for row in rows.iter_mut() {
        row.resize(n_before + groups.len(), false);
    }
    let labels_of: Vec<Vec<usize>> = source
        .names
        .iter()
        .map(|name| (0..groups.len()).filter(|&label_idx| groups[label_idx].contains(name)).collect())
        .collect();
    for (image_id, name_idx) in &source.tags {
        // Images may have been set aside after the import; what is known about them goes with them.
        if let Ok(row_idx) = image_ids.binary_search(image_id) {
            for label_idx in &labels_of[*name_idx] {
                rows[row_idx][n_before + label_idx] = true;
            }
        }
    }
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
