//! Values that are words: texts, paths, flags, and one of several names.

use std::path::PathBuf;

use figment::value::Value;

use super::{Table, Takes};
use crate::spec::fault::{Fault, nearest};

impl Table<'_> {
    /// A text.
    pub fn text(&self, key: &str) -> String {
        self.asks(key, || Takes::Text);
        match self.required(key) {
            Some(Value::String(_, text)) => text.clone(),
            Some(value) => {
                self.wrong(key, value, "a string");
                String::new()
            }
            None => String::new(),
        }
    }

    /// A path; a relative one is relative to the file that it stands in. Empty where the key is.
    pub fn path(&self, key: &str) -> PathBuf {
        let text = self.text(key);
        if text.is_empty() {
            return PathBuf::new();
        }
        self.beside(key, &text)
    }

    /// The path `text`, which is a part of the value of `key`; a relative one is relative to the file that this stands in.
    pub fn beside(&self, key: &str, text: &str) -> PathBuf {
        let tag = self.dict.get(key).map(Value::tag);
        tag.map(|tag| self.reading.layers().folder(tag)).unwrap_or_default().join(text)
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &str) -> bool {
        self.asks(key, || Takes::Flag);
        match self.required(key) {
            Some(Value::Bool(_, flag)) => *flag,
            Some(value) => {
                self.wrong(key, value, "true or false");
                false
            }
            None => false,
        }
    }

    /// One of several names.
    pub fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> T {
        self.choice_of(key, key, choices)
    }

    /// One of several names of a thing that faults call `what`.
    pub fn choice_of<T: Copy>(&self, what: &str, key: &str, choices: &[(&str, T)]) -> T {
        self.asks(key, || Takes::names(choices.iter().map(|(name, _)| *name)));
        let fallback = choices[0].1;
        let Some(value) = self.required(key) else {
            return fallback;
        };
        let names = || choices.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let Value::String(_, text) = value else {
            self.wrong(key, value, &format!("one of {}", names()));
            return fallback;
        };
        match choices.iter().find(|(name, _)| name == text) {
            Some((_, choice)) => *choice,
            None => {
                let mut fault = Fault::new(format!("`{what}` is `{text}`, expected one of {}", names()));
                if let Some(name) = nearest(text, choices.iter().map(|(name, _)| *name)) {
                    fault = fault.help(format!("did you mean `{name}`?"));
                }
                self.fault(key, fault);
                fallback
            }
        }
    }

    /// A list of texts.
    pub fn texts(&self, key: &str) -> Vec<String> {
        self.asks(key, || Takes::Text.list());
        let Some(value) = self.required(key) else {
            return Vec::new();
        };
        let items = match value {
            Value::Array(_, items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        items.unwrap_or_else(|| {
            self.wrong(key, value, "a list of strings");
            Vec::new()
        })
    }
}
