//! Grid x matrix to variants with stable, readable names.

use std::collections::HashMap;

use crate::spec::settings::Variant;
use crate::spec::{Loaded, Point};

/// Parts of the names of runs.
const OF_RUNS: [&str; 2] = ["seed", "fold"];

/// Why the variants of a spec cannot be told apart.
#[derive(Debug, thiserror::Error)]
pub enum VariantError {
    /// Two variants have one name.
    #[error("two variants have the name `{name}`")]
    SameName {
        /// The name.
        name: String,
    },
    /// One variant does what another does.
    #[error("variant `{name}` repeats `{other}`")]
    Repeats {
        /// The later one.
        name: String,
        /// The earlier one.
        other: String,
    },
}

impl VariantError {
    /// The variant that is one too many.
    pub fn variant(&self) -> &str {
        match self {
            VariantError::SameName { name } | VariantError::Repeats { name, .. } => name,
        }
    }
}

/// All variants, arm by arm, and in each the points of the matrix.
///
/// # Errors
/// Where two have one name, or do the same.
pub fn variants(loaded: &Loaded) -> Result<Vec<Variant>, VariantError> {
    let mut variants = Vec::new();
    let shown = shown_keys(&loaded.points);
    let augment = &loaded.experiment.augment;
    for arm in augment.arms() {
        let policy = augment.ops_of(&arm);
        for point in &loaded.points {
            let mut name = arm.name.clone();
            for (key, value) in &point.values {
                name.push_str(&format!("/{}={}", shown[key.as_str()], value_text(value)));
            }
            variants.push(Variant {
                name,
                arm: arm.name.clone(),
                point: point.values.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
                policy: policy.clone(),
                experiment: point.experiment.clone(),
            });
        }
    }
    check(&variants)?;
    Ok(variants)
}

fn check(variants: &[Variant]) -> Result<(), VariantError> {
    let mut names = HashMap::new();
    let mut contents: HashMap<String, &str> = HashMap::new();
    for variant in variants {
        if names.insert(variant.name.as_str(), ()).is_some() {
            return Err(VariantError::SameName { name: variant.name.clone() });
        }
        // Names are for people: ops that do the same draw the same.
        let ops: Vec<_> = variant.policy.iter().map(|named| &named.op).collect();
        let content = serde_json::to_string(&(ops, &variant.point)).unwrap_or_default();
        if let Some(other) = contents.insert(content, &variant.name) {
            return Err(VariantError::Repeats { name: variant.name.clone(), other: other.to_owned() });
        }
    }
    Ok(())
}

/// The last part of each swept key, of one that ends in `name` the part before it (what is named), or the whole key where
/// two end alike, or where a run's name has that part itself.
fn shown_keys(points: &[Point]) -> HashMap<&str, &str> {
    let keys: Vec<&str> =
        points.first().map_or_else(Vec::new, |p| p.values.keys().map(String::as_str).collect());
    let short = |key: &'_ str| {
        let named = key.strip_suffix(".name").unwrap_or(key);
        named.rfind('.').map_or(0, |dot| dot + 1)..named.len()
    };
    keys.iter()
        .map(|&key| {
            let last = &key[short(key)];
            let unique = keys.iter().filter(|other| &other[short(other)] == last).count() == 1
                && !OF_RUNS.contains(&last);
            (key, if unique { last } else { key })
        })
        .collect()
}

/// A value as it stands in a name: short, and the same for `1e-4` and `0.0001`.
fn value_text(value: &serde_json::Value) -> String {
    use serde_json::Value;
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Object(map) => match map.get("name").and_then(Value::as_str) {
            Some(name) => {
                let rest: Vec<_> = map
                    .iter()
                    .filter(|(key, _)| *key != "name")
                    .map(|(k, v)| format!("{k}:{}", value_text(v)))
                    .collect();
                if rest.is_empty() { name.to_owned() } else { format!("{name}({})", rest.join(",")) }
            }
            None => value.to_string(),
        },
        Value::Array(items) => format!("[{}]", items.iter().map(value_text).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    };
    // A slash joins the parts of a name.
    text.replace('/', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swept_key_is_shown_by_its_last_part_unless_another_has_it_too() {
        let points = |keys: &[&str]| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("s.toml");
            let swept: String = keys.iter().map(|key| format!("\"{key}\" = [1]\n")).collect();
            let spec = format!(
                "name = \"d\"\n[dataset]\nformat = \"folders\"\nimages = \"d\"\n[labels]\nfrom = \"folder\"\n\
                 [augment.grid]\ndesign = \"none\"\n[matrix]\n{swept}"
            );
            std::fs::write(&path, spec).unwrap();
            variants(&crate::spec::load(&path, &Default::default()).unwrap()).unwrap().remove(0).name
        };
        assert_eq!(points(&["split.seed"]), "none/split.seed=1");
        assert_eq!(points(&["train.epochs", "split.seed"]), "none/epochs=1/split.seed=1");
    }

    #[test]
    fn what_is_swept_by_name_is_shown_as_that() {
        let names = |swept: &str| -> Vec<String> {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("s.toml");
            let spec = format!(
                "name = \"d\"\n[dataset]\nformat = \"folders\"\nimages = \"d\"\n[labels]\nfrom = \"folder\"\n\
                 [augment.grid]\ndesign = \"none\"\n[matrix]\n{swept}\n"
            );
            std::fs::write(&path, spec).unwrap();
            let loaded = crate::spec::load(&path, &Default::default()).unwrap();
            variants(&loaded).unwrap().into_iter().map(|variant| variant.name).collect()
        };
        let expected = ["none/schedule=static", "none/schedule=cosine"];
        assert_eq!(names(r#""train.schedule.name" = ["static", "cosine"]"#), expected);
        assert_eq!(names(r#""train.schedule" = ["static", "cosine"]"#), expected);
        assert_eq!(
            names(r#""train.schedule" = [{ name = "static" }, { name = "cosine", min_lr = 1e-6 }]"#),
            ["none/schedule=static", "none/schedule=cosine(min_lr:1e-6)"]
        );
        assert_eq!(names(r#""train.loss" = ["focal"]"#), ["none/loss=focal"]);
        assert_eq!(
            names("\"model.name\" = [\"resnet18\"]\n\"train.optimizer.name\" = [\"sgd\"]"),
            ["none/model=resnet18/optimizer=sgd"]
        );
    }
}
