//! Values above the files of a spec: environment variables and `--set`.

use figment::value::Value;

use super::chosen::choices;
use super::document::{Document, KeyPath, Spans};
use super::fault::{Fault, Place};
use super::layers::{DEFAULTS, single};

/// What messages call the source of an override.
pub(super) const NAME: &str = "the command line or environment";

/// What is laid over the files: `--set KEY=VALUE` and `ABLATRIX_…` variables, in rising order; and which profile of
/// theirs is taken.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The values.
    pub items: Vec<Override>,
    /// The profile of the files that is taken: `[profile.NAME]`.
    pub profile: Option<String>,
}

impl Overrides {
    /// Variables, then `--set`; among each of them choices of tables come before values in these tables, whichever
    /// way round they were given.
    pub(super) fn in_order(&self) -> Vec<&Override> {
        let mut items: Vec<&Override> = self.items.iter().collect();
        let chooses = |item: &Override| {
            override_document(item, 0).is_ok_and(|document| !choices(&document.values).is_empty())
        };
        items.sort_by_key(|item| (item.is_set, !chooses(item)));
        items
    }
}

/// One value above the files.
#[derive(Clone, Debug)]
pub struct Override {
    /// As the user wrote it.
    pub shown: String,
    /// Whether it stands on the command line, above the environment.
    pub is_set: bool,
    /// The parts of its key.
    pub path: KeyPath,
    /// A TOML value; a plain word that is none is taken as a string.
    pub value: String,
}

impl Override {
    /// From `KEY=VALUE`, as after `--set`; `None` where there is no `=`. A part of the key may stand in quotes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut quote = None;
        let at = text.find(|c| match (quote, c) {
            (None, '=') => true,
            (None, '"' | '\'') => {
                quote = Some(c);
                false
            }
            (Some(open), c) => {
                quote = quote.filter(|_| c != open);
                false
            }
            _ => false,
        })?;
        let (key, value) = (&text[..at], &text[at + 1..]);
        Some(Override {
            shown: format!("--set {text}"),
            is_set: true,
            path: key_path(key.trim()),
            value: value.trim().to_owned(),
        })
    }

    /// From a variable such as `ABLATRIX_TRAIN__EPOCHS`; `None` for one that names no key of a spec.
    pub fn from_variable(name: &str, value: &str) -> Option<Self> {
        let key = name.strip_prefix("ABLATRIX_")?.to_lowercase().replace("__", ".");
        let first = key.split('.').next().unwrap_or_default();
        let known = Document::parse(DEFAULTS, 0).is_ok_and(|d| d.values.contains_key(first))
            || matches!(first, "name" | "question" | "dataset");
        known.then(|| Override {
            shown: format!("{name}={value}"),
            is_set: false,
            path: key_path(&key),
            value: value.to_owned(),
        })
    }
}

/// The parts of a key as it is written before a `=`.
fn key_path(key: &str) -> KeyPath {
    // What is quoted in a key is TOML's to say; what TOML does not take as a bare key is taken as it stands.
    let written = Document::parse(&format!("{key} = 0"), 0).ok();
    let parsed = written.and_then(|document| document.spans.into_keys().max_by_key(Vec::len));
    let mut path = parsed.unwrap_or_else(|| key.split('.').map(str::to_owned).collect());
    if path.first().is_some_and(|first| first == "matrix") && path.len() > 2 {
        // A key of the matrix is one dotted key; a shell has taken its quotes away.
        let swept = path.split_off(1).join(".");
        path.push(swept);
    }
    path
}

/// An override as a document of its own, which is the source numbered `source`.
///
/// # Errors
/// Where the key or the value is none.
pub(super) fn override_document(item: &Override, source: usize) -> Result<Document, Vec<Fault>> {
    let whole = Place { source, range: 0..item.shown.len() };
    if item.path.iter().any(String::is_empty) {
        let fault = Fault::new(format!("`{}` is not a key", item.path.join(".")));
        return Err(vec![fault.at(whole).help("write it as in `--set train.epochs=3`")]);
    }
    let value = match Document::parse(&format!("v = {}", item.value), source) {
        Ok(mut document) => document.values.remove("v"),
        // A word needs no quotes; what begins as a list, table or quoted text was meant as one.
        Err(faults) if item.value.starts_with(['[', '{', '"', '\'']) => {
            let why = faults.into_iter().next().map(|fault| fault.message).unwrap_or_default();
            let fault = Fault::new(format!("the value `{}` is {why}", item.value));
            let help =
                "put the whole in quotes, so that the shell leaves it as it is: `--set 'seeds=[1, 2]'`";
            return Err(vec![fault.at(whole).help(help)]);
        }
        Err(_) => None,
    };
    let value = value.unwrap_or_else(|| Value::from(item.value.clone()));
    Ok(single(&item.path, value, &Spans { key: whole.range.clone(), value: whole.range }))
}
