//! Values that are ranges: `[low, high]`, both ends included.

use std::ops::RangeInclusive;

use figment::value::Value;

use super::numbers::{integer_of, number_of, range_text};
use super::shown;
use super::{Table, Takes};
use crate::spec::fault::Fault;

impl Table<'_> {
    /// Faults a range whose ends are the wrong way round.
    fn inverted(&self, key: &str, value: &Value) {
        let Value::Array(_, items) = value else { return };
        let fault = Fault::new(format!("`{key}` is {}, expected the lower end first", shown(value)));
        let turned = Value::from(items.iter().rev().cloned().collect::<Vec<_>>());
        self.fault(key, fault.help(format!("write {}", shown(&turned))));
    }

    /// `[low, high]`, both within `range` and in order.
    pub fn range(&self, key: &str, range: RangeInclusive<f64>) -> [f64; 2] {
        self.asks(key, || Takes::number(&range).range());
        let least = [*range.start(), *range.start()];
        let Some(value) = self.required(key) else {
            return least;
        };
        let expected = || format!("[low, high], each {}", range_text(range.start(), range.end()));
        let Value::Array(_, items) = value else {
            let mut fault = Fault::new(format!("`{key}` is {}, expected {}", shown(value), expected()));
            if let Some(number) = number_of(value).filter(|number| range.contains(number)) {
                let alone = format!("`[{number}, {number}]` is this value alone");
                fault = fault.help(match number > 0.0 && range.contains(&-number) {
                    true => format!("write `[-{number}, {number}]` for all between these; {alone}"),
                    false => alone,
                });
            }
            self.fault(key, fault);
            return least;
        };
        match items.iter().map(number_of).collect::<Option<Vec<_>>>().as_deref() {
            Some(&[low, high]) if range.contains(&low) && range.contains(&high) => {
                if low > high {
                    self.inverted(key, value);
                }
                [low.min(high), low.max(high)]
            }
            _ => {
                self.wrong(key, value, &expected());
                least
            }
        }
    }

    /// `[low, high]` in whole numbers, both within `range` and in order.
    pub fn whole_range(&self, key: &str, range: RangeInclusive<i64>) -> [i64; 2] {
        self.asks(key, || Takes::integer(&range).range());
        let least = [*range.start(), *range.start()];
        let Some(value) = self.required(key) else {
            return least;
        };
        let items: Option<Vec<i64>> = match value {
            Value::Array(_, items) => items.iter().map(integer_of).collect(),
            _ => None,
        };
        match items.as_deref() {
            Some(&[low, high]) if range.contains(&low) && range.contains(&high) => {
                if low > high {
                    self.inverted(key, value);
                }
                [low.min(high), low.max(high)]
            }
            _ => {
                let each = range_text(range.start(), range.end());
                self.wrong(key, value, &format!("[low, high], each an integer in {each}"));
                least
            }
        }
    }
}
