//! Values that are numbers: one within bounds, or a list of them.

use std::ops::RangeInclusive;

use figment::value::Value;

use super::reading::DEFAULT_VALUES;
use super::{Table, Takes, shown};
use crate::spec::fault::Fault;

impl Table<'_> {
    /// A whole number within `range`.
    pub fn integer(&self, key: &str, range: RangeInclusive<i64>) -> i64 {
        self.asks(key, || Takes::integer(&range));
        let Some(value) = self.required(key) else {
            return *range.start();
        };
        match integer_of(value) {
            Some(number) if range.contains(&number) => number,
            Some(_) => {
                self.wrong(key, value, &range_text(range.start(), range.end()));
                *range.start()
            }
            None => {
                self.wrong(key, value, "an integer");
                *range.start()
            }
        }
    }

    /// A finite number within `range`.
    pub fn number(&self, key: &str, range: RangeInclusive<f64>) -> f64 {
        self.asks(key, || Takes::number(&range));
        let Some(value) = self.required(key) else {
            return *range.start();
        };
        match number_of(value) {
            Some(number) if range.contains(&number) => number,
            // Percent, where shares are meant.
            Some(number) if range == (0.0..=1.0) && (2.0..=100.0).contains(&number) => {
                let expected = range_text(range.start(), range.end());
                let fault = Fault::new(format!("`{key}` is {}, expected {expected}", shown(value)));
                self.fault(key, fault.help(format!("{number} % is written `{}`", number / 100.0)));
                *range.start()
            }
            Some(_) => {
                self.wrong(key, value, &range_text(range.start(), range.end()));
                *range.start()
            }
            None => {
                self.wrong(key, value, "a number");
                *range.start()
            }
        }
    }

    /// The number that the defaults have for `key`.
    pub fn default_number(&self, key: &str) -> Option<f64> {
        let mut dict = &*DEFAULT_VALUES;
        for table in self.path.iter() {
            match dict.get(table) {
                Some(Value::Dict(_, inner)) => dict = inner,
                _ => return None,
            }
        }
        dict.get(key).and_then(number_of)
    }

    /// A number above 0 and at most `most`.
    pub fn positive(&self, key: &str, most: f64) -> f64 {
        self.asks(key, || Takes::Number { least: 0.0, most, above: true });
        let Some(value) = self.required(key) else {
            return most;
        };
        match number_of(value) {
            Some(number) if number > 0.0 && number <= most => number,
            Some(_) => {
                self.wrong(key, value, &format!("a number > 0 and at most {most}"));
                most
            }
            None => {
                self.wrong(key, value, "a number");
                most
            }
        }
    }

    /// A list of whole numbers, each within `range`.
    pub fn integers(&self, key: &str, range: RangeInclusive<i64>) -> Vec<i64> {
        self.asks(key, || Takes::integer(&range).list());
        let Some(value) = self.required(key) else {
            return Vec::new();
        };
        let items: Option<Vec<i64>> = match value {
            Value::Array(_, items) => items.iter().map(integer_of).collect(),
            _ => None,
        };
        match items {
            Some(items) if items.iter().all(|item| range.contains(item)) => items,
            _ => {
                let each = range_text(range.start(), range.end());
                self.wrong(key, value, &format!("a list of integers, each {each}"));
                Vec::new()
            }
        }
    }

    /// A list of finite numbers, each within `range`.
    pub fn numbers(&self, key: &str, range: RangeInclusive<f64>) -> Vec<f64> {
        self.asks(key, || Takes::number(&range).list());
        let items = |value: &Value| match value {
            Value::Array(_, items) => items.iter().map(number_of).collect::<Option<Vec<f64>>>(),
            _ => None,
        };
        let Some(value) = self.required(key) else {
            return Vec::new();
        };
        match items(value) {
            Some(items) if items.iter().all(|item| range.contains(item)) => items,
            _ => {
                let each = range_text(range.start(), range.end());
                self.wrong(key, value, &format!("a list of numbers, each {each}"));
                Vec::new()
            }
        }
    }
}

/// A whole number, if the value is one.
pub fn integer_of(value: &Value) -> Option<i64> {
    value.to_i128().and_then(|number| i64::try_from(number).ok())
}

/// A number, if the value is one.
pub(super) fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Num(_, number) => number.to_f64().or_else(|| value.to_i128().map(|n| n as f64)),
        _ => None,
    }
}

/// Bounds in words.
pub(super) fn range_text(low: &impl std::fmt::Display, high: &impl std::fmt::Display) -> String {
    format!("{low} to {high}")
}
