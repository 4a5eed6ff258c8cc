//! The section about labels: what they are made of, and the groups.

use figment::value::Value;
use indexmap::IndexMap;

use super::fault::{Fault, nearest};
use super::read_data::check_name;
use super::reader::{Table, Takes};
use super::settings::{Format, LabelSource, Labels, LabelsFrom, Unmapped};

const SOURCES: [LabelSource; 5] = [
    LabelSource::Category,
    LabelSource::Supercategory,
    LabelSource::Scene,
    LabelSource::Columns,
    LabelSource::Folder,
];

/// Reads `[labels]`. The keys of the first source stand in it, those of each further one in a table of its own, as
/// `[labels.scene]`.
pub fn labels(root: &Table<'_>, format: Format) -> Labels {
    let table = root.table("labels");
    let named = named(&table);
    check_format(&table, &named, format);
    let mut sources = Vec::new();
    let mut known: IndexMap<String, LabelSource> = IndexMap::new();
    for (i, &from) in named.iter().enumerate() {
        sources.push(match i {
            0 => source(&table, from, &mut known),
            _ => match table.optional_table(from.as_str()) {
                Some(own) => {
                    let own = own.with_choice(&["labels"]);
                    let source = source(&own, from, &mut known);
                    own.finish();
                    source
                }
                None => LabelsFrom { from, unmapped: Unmapped::Error, groups: IndexMap::new() },
            },
        });
    }
    for from in SOURCES.map(LabelSource::as_str).into_iter().filter(|from| table.has(from)) {
        let first = named.first().is_some_and(|first| first.as_str() == from);
        if first {
            let fault = Fault::new(format!("`{from}` is the first that labels are made of"));
            table.fault(
                from,
                fault.help("write its `unmapped` in `[labels]` and its groups in `[labels.groups]`"),
            );
        } else if !named.iter().any(|source| source.as_str() == from) {
            let fault = Fault::new(format!("`[labels.{from}]` is there, but `from` does not name `{from}`"));
            table.fault(from, fault);
        }
        // Said already: it is no unknown key.
        let _ = table.any(from);
    }
    let min_positives = table.integer("min_positives", 0..=1_000_000) as u32;
    table.finish();
    Labels { sources, min_positives }
}

/// What `from` names: a source, or a list of several.
fn named(table: &Table<'_>) -> Vec<LabelSource> {
    let choices = SOURCES.map(|source| (source.as_str(), source));
    let names = || Takes::names(choices.iter().map(|(name, _)| *name));
    table.takes("from", || vec![names(), names().list()]);
    if !matches!(table.any("from"), Some(Value::Array(..))) {
        return vec![table.choice("from", &choices)];
    }
    let mut named = Vec::new();
    for text in table.texts("from") {
        match choices.iter().find(|(name, _)| *name == text) {
            Some((_, source)) if named.contains(source) => {
                table.fault("from", Fault::new(format!("`from` has `{text}` twice")));
            }
            Some((_, source)) => named.push(*source),
            None => {
                let known = choices.map(|(name, _)| format!("`{name}`")).join(", ");
                let mut fault = Fault::new(format!("`from` has `{text}`, expected some of {known}"));
                if let Some(name) = nearest(&text, choices.iter().map(|(name, _)| *name)) {
                    fault = fault.help(format!("did you mean `{name}`?"));
                }
                table.fault("from", fault);
            }
        }
    }
    if named.is_empty() && matches!(table.any("from"), Some(Value::Array(_, items)) if items.is_empty()) {
        table.fault("from", Fault::new("`from` is an empty list, expected what labels are made of"));
    }
    named
}

fn check_format(table: &Table<'_>, named: &[LabelSource], format: Format) {
    let fits = |from: &LabelSource| match format {
        Format::Coco => !matches!(from, LabelSource::Columns | LabelSource::Folder),
        Format::Csv | Format::Parquet => *from == LabelSource::Columns,
        Format::Folders => *from == LabelSource::Folder,
    };
    if !named.iter().all(fits) {
        let (format, right) = match format {
            Format::Coco => ("coco", "`category`, `supercategory` or `scene`"),
            Format::Csv => ("csv", "`columns`"),
            Format::Parquet => ("parquet", "`columns`"),
            Format::Folders => ("folders", "`folder`"),
        };
        let fault =
            Fault::new(format!("`from` does not fit `dataset.format = \"{format}\"`, expected {right}"));
        table.fault("from", fault);
    }
}

/// The groups of one source, and what becomes of the rest. `known` are the labels of the sources before.
fn source(table: &Table<'_>, from: LabelSource, known: &mut IndexMap<String, LabelSource>) -> LabelsFrom {
    let groups_table = table.table("groups");
    let mut groups = IndexMap::new();
    for name in groups_table.keys() {
        check_name(&groups_table, &name);
        let categories = groups_table.texts(&name);
        if categories.is_empty() {
            groups_table.fault(&name, Fault::new(format!("the group `{name}` has no categories")));
        }
        if let Some(other) = known.insert(name.clone(), from) {
            let (first, second) = (other.as_str(), from.as_str());
            let message =
                format!("two labels are called `{name}`: one is made of `{first}`, one of `{second}`");
            groups_table.fault(&name, Fault::new(message).help("give one of them another name"));
        }
        groups.insert(name, categories);
    }
    let unmapped = match table.text("unmapped").as_str() {
        "error" => Unmapped::Error,
        "ignore" => Unmapped::Ignore,
        group if groups.contains_key(group) => Unmapped::Group(group.to_owned()),
        other => {
            let fault = Fault::new(format!(
                "`unmapped` is `{other}`, expected `error`, `ignore` or one of the groups"
            ));
            table.fault("unmapped", fault);
            Unmapped::Error
        }
    };
    LabelsFrom { from, unmapped, groups }
}
