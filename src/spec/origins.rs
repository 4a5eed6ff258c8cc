//! Where each value of a study comes from.

use std::collections::HashSet;

use figment::value::Value;

use super::document::KeyPath;
use super::layers::Layers;
use super::reader::{Reading, shown};

/// A value that a study reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its dotted key; parts that are no bare keys of TOML stand in quotes.
    pub key: String,
    /// Its value, as it might stand in a spec.
    pub value: String,
    /// The file, the `--set` or the variable that it comes from; `None` for a default.
    pub layer: Option<String>,
    /// Its line there, from 1; `None` for what stands in no file.
    pub line: Option<usize>,
}

/// Every value that a watched reading looked at, once, in the order in which it did.
pub(super) fn origins(layers: &Layers, reading: Reading<'_>) -> Vec<Origin> {
    let mut told: HashSet<KeyPath> = HashSet::new();
    let mut origins = Vec::new();
    for asked in reading.into_asked() {
        let Some(value) = asked.value else { continue };
        // Of tables their keys are told.
        if matches!(value, Value::Dict(..)) || !told.insert(asked.path.clone()) {
            continue;
        }
        let place = layers.place(value.tag(), &asked.path, false).filter(|place| place.is_users());
        let source = place.as_ref().and_then(|place| layers.sources.get(place.source));
        let is_file = source.is_some_and(|source| source.name != super::overrides::NAME);
        origins.push(Origin {
            key: written(&asked.path),
            value: shown(&value).trim_matches('`').to_owned(),
            layer: source.map(|source| if is_file { source.name.clone() } else { source.text.clone() }),
            line: place.zip(source).filter(|_| is_file).map(|(place, source)| {
                source.text.get(..place.range.start).map_or(1, |before| before.matches('\n').count() + 1)
            }),
        });
    }
    origins
}

fn written(path: &[String]) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let part = |key: &String| match !key.is_empty() && key.chars().all(is_bare) {
        true => key.clone(),
        false => format!("{key:?}"),
    };
    path.iter().map(part).collect::<Vec<_>>().join(".")
}
