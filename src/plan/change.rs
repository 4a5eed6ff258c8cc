//! A change of a key's field in words that fit into a line.

use std::fmt;

use serde::Serialize;

use crate::fingerprint::Digest;

/// The longest text of a change, in characters.
const LONGEST: usize = 200;

/// A field of a key that is another one than in the stage's last result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The field, as in `policy[0].op.p` or `input.labels`.
    pub field: String,
    /// What it was; `None` where there was none.
    pub old: Option<String>,
    /// What it is; `None` where there is none any more.
    pub new: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&told(&self.field, self.old.as_deref(), self.new.as_deref()))
    }
}

/// What became of `field`. Of two whole specs, which the report's key holds, the keys that differ.
pub fn told(field: &str, old: Option<&str>, new: Option<&str>) -> String {
    let keys = (field == "spec").then(|| keys_that_differ(old?, new?)).flatten();
    cut(&keys.unwrap_or_else(|| was_is(field, old, new, LONGEST / 2 - 20)), LONGEST)
}

fn was_is(field: &str, old: Option<&str>, new: Option<&str>, most: usize) -> String {
    let short = |value: Option<&str>| match value {
        Some(text) if Digest::parse(text).is_some() => format!("`{}`", cut(text, 12).trim_end_matches('…')),
        Some(text) => format!("`{}`", cut(text, most)),
        None => "nothing".to_owned(),
    };
    format!("`{field}` was {}, is {}", short(old), short(new))
}

/// Of two specs, each as TOML in a JSON string: `None` where one is none, or they differ in no value.
fn keys_that_differ(old: &str, new: &str) -> Option<String> {
    let leaves = |text: &str| {
        let spec: String = serde_json::from_str(text).ok()?;
        let table: toml::Table = toml::from_str(&spec).ok()?;
        let mut leaves = Vec::new();
        collect(&table, "", &mut leaves);
        Some(leaves)
    };
    let (old, new) = (leaves(old)?, leaves(new)?);
    let find = |all: &[(String, String)], key: &str| {
        all.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
    };
    let keys = new.iter().chain(old.iter().filter(|(key, _)| find(&new, key).is_none()));
    let changes: Vec<String> = keys
        .map(|(key, _)| (key, find(&old, key), find(&new, key)))
        .filter(|(_, old, new)| old != new)
        .map(|(key, old, new)| was_is(key, old.as_deref(), new.as_deref(), 40))
        .collect();
    (!changes.is_empty()).then(|| format!("`spec`: {}", changes.join("; ")))
}

/// Dotted keys with their values as TOML.
fn collect(table: &toml::Table, above: &str, leaves: &mut Vec<(String, String)>) {
    for (key, value) in table {
        let key = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        match value {
            toml::Value::Table(inner) if !inner.is_empty() => collect(inner, &key, leaves),
            value => leaves.push((key, value.to_string())),
        }
    }
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> String {
        serde_json::Value::from(text).to_string()
    }

    #[test]
    fn of_two_specs_the_keys_that_differ_are_named() {
        let old = spec(
            "name = \"a\"\nseeds = 3\n[train]\nepochs = 10\n[train.optimizer]\nlr = 0.1\n[old]\nx = 1\n",
        );
        let new = spec("name = \"a\"\nseeds = [1, 2]\n[train]\nepochs = 12\n[train.optimizer]\nlr = 0.1\n");
        assert_eq!(
            told("spec", Some(&old), Some(&new)),
            "`spec`: `seeds` was `3`, is `[1, 2]`; `train.epochs` was `10`, is `12`; `old.x` was `1`, is nothing"
        );
    }

    #[test]
    fn a_long_value_is_cut_and_a_digest_is_short() {
        let long = "ü".repeat(5000);
        for change in [
            told("spec", Some(&long), Some("")),
            told("question", Some(&spec(&long)), Some(&long)),
            told("spec", Some(&spec(&format!("q = \"{long}\""))), Some(&spec("a = 1\nb = 2"))),
        ] {
            assert!(change.chars().count() <= LONGEST + 1, "{}", change.chars().count());
        }
        let digest = Digest::of(b"x");
        let change = told("input.labels", None, Some(digest.as_str()));
        assert_eq!(change, format!("`input.labels` was nothing, is `{}`", digest.short()));
    }
}
