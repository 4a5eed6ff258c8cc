//! Tables whose keys depend on a choice: loss, optimizer and schedule by `name`, each op by `op` or the key of a
//! group (`one_of`, `some_of`, `sequential`).
//!
//! A layer that makes another choice than those below replaces the whole table: the keys of an exponential schedule
//! mean nothing to a static one. Where a name is all that is said, it may stand in place of the table: `loss = "focal"`.

use figment::value::{Dict, Value};

use super::document::{Document, KeyPath};
use super::ops::Group;

/// The tables of `[train]` that are chosen by `name`.
const OF_TRAIN: [&str; 3] = ["loss", "optimizer", "schedule"];

/// A table that a layer chooses.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Where the table is.
    pub path: KeyPath,
    /// What is chosen.
    pub name: String,
}

impl Choice {
    /// What `dict` chooses at the same place.
    pub fn of(&self, dict: &Dict) -> Option<String> {
        let mut dict = dict;
        for key in &self.path {
            dict = table(dict, key)?;
        }
        chosen(dict)
    }
}

/// The choices that a layer makes.
pub fn choices(layer: &Dict) -> Vec<Choice> {
    let mut paths: Vec<KeyPath> = OF_TRAIN.map(|key| vec!["train".into(), key.into()]).into();
    let ops = table(layer, "augment").and_then(|augment| table(augment, "ops"));
    let ops = ops.into_iter().flat_map(Dict::keys);
    paths.extend(ops.map(|op| vec!["augment".into(), "ops".into(), op.clone()]));
    let choice = |path: KeyPath| {
        let name = Choice { path: path.clone(), name: String::new() }.of(layer)?;
        Some(Choice { path, name })
    };
    paths.into_iter().filter_map(choice).collect()
}

/// Writes each word in the place of a table as the table with that name; faults in it point at the word.
pub fn write_out(document: &mut Document) {
    let Some(Value::Dict(_, train)) = document.values.get_mut("train") else { return };
    for key in OF_TRAIN {
        let Some(value @ Value::String(..)) = train.get_mut(key) else { continue };
        let name = value.clone();
        *value = Value::from(Dict::from([("name".to_owned(), name)]));
        let path: KeyPath = vec!["train".to_owned(), key.to_owned()];
        if let Some(spans) = document.spans.get(&path).cloned() {
            document.spans.insert(path.into_iter().chain(["name".to_owned()]).collect(), spans);
        }
    }
}

fn table<'d>(dict: &'d Dict, key: &str) -> Option<&'d Dict> {
    match dict.get(key)? {
        Value::Dict(_, inner) => Some(inner),
        _ => None,
    }
}

fn chosen(table: &Dict) -> Option<String> {
    if let Some(group) = Group::KEYS.iter().find(|key| table.contains_key(**key)) {
        return Some((*group).to_owned());
    }
    let name = table.get("name").or_else(|| table.get("op"))?;
    name.as_str().map(str::to_owned)
}
