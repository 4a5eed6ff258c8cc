//! What keys take, as it is asked for where they are read: the schema is made of this, so that it cannot say anything else.

use std::ops::RangeInclusive;

use figment::value::Value;

use super::Table;
use crate::spec::document::KeyPath;

/// What a key takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Takes {
    /// A whole number, both ends included.
    Integer {
        /// The least.
        least: i64,
        /// The largest.
        most: i64,
    },
    /// A number.
    Number {
        /// The least.
        least: f64,
        /// The largest; it is included.
        most: f64,
        /// Whether the least itself is not taken.
        above: bool,
    },
    /// Any text.
    Text,
    /// Text of this form, a regular expression.
    Form(&'static str),
    /// `true` or `false`.
    Flag,
    /// One of these names.
    Names(Vec<String>),
    /// A list, each item of which is as this says.
    List(Box<Takes>),
    /// `[low, high]`, each as this says.
    Range(Box<Takes>),
    /// A table of keys that are known.
    Table,
    /// A table whose keys are the user's own.
    Own,
    /// A list of tables.
    Tables,
    /// A value that another place says more about.
    Anything,
}

impl Takes {
    /// A whole number in a range.
    pub fn integer(range: &RangeInclusive<i64>) -> Self {
        Takes::Integer { least: *range.start(), most: *range.end() }
    }

    /// A number in a range.
    pub fn number(range: &RangeInclusive<f64>) -> Self {
        Takes::Number { least: *range.start(), most: *range.end(), above: false }
    }

    /// One of some names.
    pub fn names<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        Takes::Names(names.into_iter().map(str::to_owned).collect())
    }

    /// A list of such values.
    pub fn list(self) -> Self {
        Takes::List(Box::new(self))
    }

    /// `[low, high]` of such values.
    pub fn range(self) -> Self {
        Takes::Range(Box::new(self))
    }
}

/// A key that was asked for, and what it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Where it stands.
    pub path: KeyPath,
    /// What it takes; `None` where it was only looked at.
    pub takes: Option<Takes>,
    /// Its value, or its default, where it was looked at.
    pub value: Option<Value>,
    /// Whether that is the default.
    pub is_default: bool,
    /// The reader said so itself, since what it then asks for depends on the value that it finds.
    pub is_said: bool,
}

impl Asked {
    fn at(path: KeyPath) -> Self {
        Asked { path, takes: None, value: None, is_default: false, is_said: false }
    }
}

impl Table<'_> {
    /// Says what a key takes whose reading depends on what it finds there; what its accessors take then counts nothing.
    pub fn takes(&self, key: &str, takes: impl FnOnce() -> Vec<Takes>) {
        self.reading.watch(|| {
            let said = |takes| Asked { takes: Some(takes), is_said: true, ..Asked::at(self.path_of(key)) };
            takes().into_iter().map(said).collect()
        });
    }

    /// Keeps what an accessor takes, where somebody wants to know.
    pub(super) fn asks(&self, key: &str, takes: impl FnOnce() -> Takes) {
        self.reading.watch(|| vec![Asked { takes: Some(takes()), ..Asked::at(self.path_of(key)) }]);
    }

    /// Keeps that a key was looked at, and what was found.
    pub(super) fn looks(&self, key: &str) {
        self.reading.watch(|| {
            let path = self.path_of(key);
            let written = self.dict.get(key);
            let place = written.and_then(|value| self.reading.layers().place(value.tag(), &path, false));
            let value = written.or_else(|| self.fallback.get(key)).cloned();
            vec![Asked { value, is_default: !place.is_some_and(|place| place.is_users()), ..Asked::at(path) }]
        });
    }

    /// Keeps that the table's keys are the user's own.
    pub(super) fn is_own(&self) {
        self.reading
            .watch(|| vec![Asked { takes: Some(Takes::Own), is_said: true, ..Asked::at(self.path.clone()) }]);
    }
}
