//! What a parameter of an op may be: how it is read from a spec, shown to people, and described in docs.

use super::fit::{Fit, Fitting};
use crate::spec::fault::Fault;
use crate::spec::reader::Table;

/// The values that a parameter takes.
pub trait Domain {
    /// The Rust type of a value.
    type Value;

    /// The value of `key`; faults stay with the table.
    fn read(&self, table: &Table<'_>, key: &str) -> Self::Value;

    /// A value in the words of a spec.
    fn show(&self, value: &Self::Value) -> String;

    /// The type and its bounds in words: `range in 0..1`.
    fn kind(&self) -> String;

    /// The unit of the values; empty where there is none.
    fn unit(&self) -> &'static str {
        ""
    }

    /// Faults a value that does not suit pictures of so many pixels a side; any does unless the domain says so.
    fn check_side(&self, _value: &Self::Value, _side: u32, _table: &Table<'_>, _key: &str) {}
}

/// A domain of numbers.
pub trait Ends: Domain + Sized {
    /// The least and the largest number that a value comes to.
    fn ends(&self, value: &Self::Value) -> [f64; 2];

    /// The same domain, but values must also suit the pictures.
    fn fitting(self, fit: Fit) -> Fitting<Self> {
        Fitting { domain: self, fit }
    }
}

/// `[low, high]`, both included, drawn from uniformly.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The least value.
    pub least: f64,
    /// The largest value.
    pub most: f64,
    /// Of the values.
    pub unit: &'static str,
}

impl Domain for Span {
    type Value = [f64; 2];

    fn read(&self, table: &Table<'_>, key: &str) -> [f64; 2] {
        table.range(key, self.least..=self.most)
    }

    fn show(&self, [low, high]: &[f64; 2]) -> String {
        if low == high { low.to_string() } else { format!("{low} to {high}") }
    }

    fn kind(&self) -> String {
        format!("range in {}..{}", self.least, self.most)
    }

    fn unit(&self) -> &'static str {
        self.unit
    }
}

/// `[low, high]` in whole numbers, both included, each as likely as the others.
#[derive(Clone, Copy, Debug)]
pub struct WholeSpan {
    /// The least value.
    pub least: i64,
    /// The largest value.
    pub most: i64,
    /// Only odd numbers, as the sides of kernels are.
    pub odd: bool,
    /// Of the values.
    pub unit: &'static str,
}

impl Domain for WholeSpan {
    type Value = [i64; 2];

    fn read(&self, table: &Table<'_>, key: &str) -> [i64; 2] {
        let [low, high] = table.whole_range(key, self.least..=self.most);
        if self.odd
            && let Some(even) = [low, high].into_iter().find(|end| end % 2 == 0)
        {
            let fault = Fault::new(format!("`{key}` ends at {even}, expected odd numbers")).help(format!(
                "kernels have a middle pixel: {} or {}",
                even - 1,
                even + 1
            ));
            table.fault(key, fault);
            return [low | 1, high | 1];
        }
        [low, high]
    }

    fn show(&self, [low, high]: &[i64; 2]) -> String {
        if low == high { low.to_string() } else { format!("{low} to {high}") }
    }

    fn kind(&self) -> String {
        let odd = if self.odd { "odd " } else { "" };
        format!("range of {odd}integers in {}..{}", self.least, self.most)
    }

    fn unit(&self) -> &'static str {
        self.unit
    }
}

/// One number.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    /// The least value.
    pub least: f64,
    /// The largest value.
    pub most: f64,
    /// Of the value.
    pub unit: &'static str,
}

impl Domain for Number {
    type Value = f64;

    fn read(&self, table: &Table<'_>, key: &str) -> f64 {
        table.number(key, self.least..=self.most)
    }

    fn show(&self, value: &f64) -> String {
        value.to_string()
    }

    fn kind(&self) -> String {
        format!("{}..{}", self.least, self.most)
    }

    fn unit(&self) -> &'static str {
        self.unit
    }
}

/// One whole number.
#[derive(Clone, Copy, Debug)]
pub struct Whole {
    /// The least value.
    pub least: i64,
    /// The largest value.
    pub most: i64,
    /// Of the value.
    pub unit: &'static str,
}

impl Domain for Whole {
    type Value = i64;

    fn read(&self, table: &Table<'_>, key: &str) -> i64 {
        table.integer(key, self.least..=self.most)
    }

    fn show(&self, value: &i64) -> String {
        value.to_string()
    }

    fn kind(&self) -> String {
        format!("integer in {}..{}", self.least, self.most)
    }

    fn unit(&self) -> &'static str {
        self.unit
    }
}

/// `true` or `false`.
#[derive(Clone, Copy, Debug)]
pub struct Flag;

impl Domain for Flag {
    type Value = bool;

    fn read(&self, table: &Table<'_>, key: &str) -> bool {
        table.flag(key)
    }

    fn show(&self, value: &bool) -> String {
        value.to_string()
    }

    fn kind(&self) -> String {
        "true or false".to_owned()
    }
}

/// One of several names.
#[derive(Clone, Copy, Debug)]
pub struct Choice<T: 'static>(
    /// Each name with its meaning; the first stands in where the spec is wrong.
    pub &'static [(&'static str, T)],
);

impl<T: Copy + PartialEq> Domain for Choice<T> {
    type Value = T;

    fn read(&self, table: &Table<'_>, key: &str) -> T {
        table.choice(key, self.0)
    }

    fn show(&self, value: &T) -> String {
        self.0.iter().find(|(_, choice)| choice == value).map_or("", |(name, _)| *name).to_owned()
    }

    fn kind(&self) -> String {
        let names: Vec<_> = self.0.iter().map(|(name, _)| format!("`{name}`")).collect();
        names.join(", ")
    }
}

impl Ends for Span {
    fn ends(&self, value: &[f64; 2]) -> [f64; 2] {
        *value
    }
}

impl Ends for WholeSpan {
    fn ends(&self, value: &[i64; 2]) -> [f64; 2] {
        value.map(|end| end as f64)
    }
}

impl Ends for Whole {
    fn ends(&self, value: &i64) -> [f64; 2] {
        [*value as f64; 2]
    }
}
