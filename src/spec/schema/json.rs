//! The tree of keys as a JSON schema (draft 7, which Taplo and Even Better TOML read).

use std::collections::BTreeMap;

use figment::value::Value;
use serde_json::{Map, Value as Json, json};

use super::probe::{Keys, keys};
use super::shape::Shape;
use super::words::words;
use crate::spec::matrix::SWEPT;
use crate::spec::reader::Takes;

/// The JSON schema of a spec.
pub fn schema() -> Json {
    let Keys { root, ops } = keys();
    let writer = Writer { words: words() };
    let mut spec = writer.table(&root, "");
    spec["properties"]["matrix"] = writer.matrix(&root);
    // The spec and its profiles have the same keys: each stands once, and both refer to it.
    let mut definitions = Map::new();
    if let Some(properties) = spec["properties"].as_object_mut() {
        for (key, property) in properties {
            let reference = json!({ "$ref": format!("#/definitions/{key}") });
            definitions.insert(key.clone(), std::mem::replace(property, reference));
        }
    }
    let mut whole = spec.clone();
    if let Some(properties) = spec["properties"].as_object_mut() {
        properties.remove("extends");
    }
    spec["description"] = json!("Values that hold only where `--profile` chooses them.");
    let profiles =
        json!({ "type": "object", "additionalProperties": { "$ref": "#/definitions/of_profile" } });
    whole["properties"]["profile"] = described(profiles, writer.words_of("profile"));
    definitions.insert("of_profile".to_owned(), spec);
    definitions.insert("op".to_owned(), writer.op(&ops));
    // What must be given stands in the file, or in one that it extends.
    whole["anyOf"] = json!([{ "required": ["name", "dataset"] }, { "required": ["extends"] }]);
    whole["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    whole["title"] = json!("Ablatrix study");
    whole["description"] = json!("An ablation study: dataset, labels, augmentations, model, training.");
    whole["definitions"] = Json::Object(definitions);
    whole
}

struct Writer {
    words: BTreeMap<String, String>,
}

impl Writer {
    fn words_of(&self, key: &str) -> Option<&String> {
        self.words.get(key)
    }

    /// A table of known keys.
    fn table(&self, shape: &Shape, at: &str) -> Json {
        let properties: Map<String, Json> = shape
            .keys
            .iter()
            .map(|(key, below)| {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                (key.clone(), self.key(below, &path))
            })
            .collect();
        json!({ "type": "object", "properties": properties, "additionalProperties": false })
    }

    /// A key, with its meaning and its default.
    fn key(&self, shape: &Shape, path: &str) -> Json {
        let mut written = match path {
            // Each key is an op of the user's.
            "augment.ops" => {
                json!({ "type": "object", "additionalProperties": { "$ref": "#/definitions/op" } })
            }
            _ if !shape.variants.is_empty() => self.chosen(shape, path),
            _ => any_of(shape.takes().iter().map(|takes| self.kind(takes, shape, path)).collect()),
        };
        written = described(written, self.words_of(path).or_else(|| self.words_of(&without_name(path))));
        if let Some(default) = shape.default.as_ref().filter(|default| !matches!(default, Value::Dict(..))) {
            written["default"] = plain(default);
        }
        written
    }

    /// A table whose keys depend on its `name`, which may stand alone in its place.
    fn chosen(&self, shape: &Shape, path: &str) -> Json {
        let names: Vec<&str> = shape.variants.iter().map(|(name, _)| name.as_str()).collect();
        let mut forms = vec![json!({ "enum": names })];
        for (name, keys) in &shape.variants {
            let mut table = self.table(keys, &format!("{path}[{name}]"));
            let own = json!({ "const": name });
            table["properties"]["name"] = described(own, self.words_of(&format!("{path}.name")));
            table["title"] = json!(name);
            forms.push(table);
        }
        json!({ "anyOf": forms })
    }

    /// An op: one of all there are.
    fn op(&self, ops: &[(String, Shape)]) -> Json {
        let form = |(name, keys): &(String, Shape)| {
            let is_group = !keys.keys.contains_key("op");
            let mut table = self.table(keys, &format!("op[{name}]"));
            table["properties"]["p"]["description"] =
                json!("Probability that it is applied; in a group that chooses, its weight.");
            if is_group {
                for key in [name.as_str(), "n"] {
                    if let Some(written) = table["properties"].get_mut(key) {
                        *written = described(written.take(), self.words_of(&format!("group.{key}")));
                    }
                }
                table["required"] = json!([name]);
            } else {
                let own = json!({ "const": name });
                table["properties"]["op"] = described(own, self.words_of(&format!("op[{name}]")));
                table["required"] = json!(["op"]);
            }
            table["title"] = json!(name);
            table
        };
        json!({
            "description": "An augmentation: an op with its parameters, or a group of ops.",
            "anyOf": ops.iter().map(form).collect::<Vec<_>>(),
        })
    }

    /// `[matrix]`: every key that can be swept, with a list of what it takes.
    fn matrix(&self, root: &Shape) -> Json {
        let mut properties = Map::new();
        for section in SWEPT {
            if let Some(shape) = root.keys.get(section) {
                for (key, below) in &shape.keys {
                    self.sweep(below, &format!("{section}.{key}"), &mut properties);
                }
            }
        }
        properties.remove("split.folds");
        json!({
            "type": "object",
            "description": "Settings that are crossed with the grid: a dotted key in quotes, and the values to try.",
            "properties": properties,
            "additionalProperties": false,
        })
    }

    fn sweep(&self, shape: &Shape, path: &str, properties: &mut Map<String, Json>) {
        let list = json!({ "type": "array", "minItems": 1, "items": bare(self.key(shape, path)) });
        let list = described(list, self.words_of(path));
        properties.insert(path.to_owned(), list);
        for (key, below) in &shape.keys {
            self.sweep(below, &format!("{path}.{key}"), properties);
        }
        // A key of several variants takes what any of them takes.
        let mut by_key: BTreeMap<&str, Vec<Json>> = BTreeMap::new();
        for (name, keys) in &shape.variants {
            for (key, below) in &keys.keys {
                let written = match key.as_str() {
                    "name" => json!({ "const": name }),
                    _ => bare(self.key(below, &format!("{path}[{name}].{key}"))),
                };
                let forms = by_key.entry(key).or_default();
                if !forms.contains(&written) {
                    forms.push(written);
                }
            }
        }
        for (key, forms) in by_key {
            let path = format!("{path}.{key}");
            let list = json!({ "type": "array", "minItems": 1, "items": any_of(forms) });
            properties.insert(path, list);
        }
    }

    fn kind(&self, takes: &Takes, shape: &Shape, path: &str) -> Json {
        match takes {
            Takes::Integer { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Takes::Number { least, most, above } => {
                let bound = if *above { "exclusiveMinimum" } else { "minimum" };
                json!({ "type": "number", bound: whole(*least), "maximum": whole(*most) })
            }
            Takes::Text => json!({ "type": "string" }),
            Takes::Form(pattern) => json!({ "type": "string", "pattern": pattern }),
            Takes::Flag => json!({ "type": "boolean" }),
            Takes::Names(names) => json!({ "enum": names }),
            Takes::List(item) => json!({ "type": "array", "items": self.kind(item, shape, path) }),
            Takes::Range(item) => {
                let item = self.kind(item, shape, path);
                json!({ "type": "array", "items": item, "minItems": 2, "maxItems": 2 })
            }
            Takes::Table => self.table(shape, path),
            Takes::Own => {
                let below =
                    shape.own.as_ref().map_or_else(|| json!(true), |own| self.key(own, &format!("{path}.*")));
                json!({ "type": "object", "additionalProperties": below })
            }
            Takes::Tables => json!({ "type": "array", "items": { "$ref": "#/definitions/op" } }),
            Takes::Anything => json!({}),
        }
    }
}

/// With what it means, where that is known.
fn described(mut schema: Json, words: Option<&String>) -> Json {
    if let (Some(schema), Some(words)) = (schema.as_object_mut(), words) {
        schema.insert("description".to_owned(), json!(words));
    }
    schema
}

/// What is taken alone, without default and meaning.
fn bare(mut schema: Json) -> Json {
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("default");
        schema.remove("description");
    }
    schema
}

/// One of several forms.
fn any_of(mut forms: Vec<Json>) -> Json {
    match forms.len() {
        1 => forms.remove(0),
        _ => json!({ "anyOf": forms }),
    }
}

/// The path of a key that all variants of a table share: `train.optimizer[sgd].lr` is `train.optimizer.lr`.
fn without_name(path: &str) -> String {
    match (path.find('['), path.find(']')) {
        (Some(open), Some(close)) if open < close => format!("{}{}", &path[..open], &path[close + 1..]),
        _ => path.to_owned(),
    }
}

/// A bound as people write it.
fn whole(bound: f64) -> Json {
    if bound.fract() == 0.0 && bound.abs() < 1e15 { json!(bound as i64) } else { json!(bound) }
}

fn plain(value: &Value) -> Json {
    match value {
        Value::Array(_, items) => items.iter().map(plain).collect(),
        Value::Num(_, number) => match number.to_f64() {
            Some(number) => json!(number),
            None => crate::spec::matrix::json(value),
        },
        other => crate::spec::matrix::json(other),
    }
}
