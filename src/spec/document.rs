//! One TOML text to values, with the place of each.

use std::collections::BTreeMap;
use std::ops::Range;

use figment::value::{Dict, Num, Tag, Value};
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Place};

/// A path into a document: keys and positions in arrays, outermost first.
pub type KeyPath = Vec<String>;

/// Where a value stands in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spans {
    /// The key, or the item itself in an array.
    pub key: Range<usize>,
    /// The value.
    pub value: Range<usize>,
}

/// A parsed text.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// Its values.
    pub values: Dict,
    /// The place of each value, by path.
    pub spans: BTreeMap<KeyPath, Spans>,
}

impl Document {
    /// Parses `text`, which is the source numbered `source`.
    ///
    /// # Errors
    /// All faults of the syntax, with their places.
    pub fn parse(text: &str, source: usize) -> Result<Self, Vec<Fault>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            return Err(errors.iter().map(|error| syntax_fault(error, source)).collect());
        }
        let mut document = Document::default();
        let mut faults = Vec::new();
        let mut path = KeyPath::new();
        document.values = table_values(table.get_ref(), &mut path, &mut document.spans, &mut faults, source);
        if faults.is_empty() { Ok(document) } else { Err(faults) }
    }
}

fn syntax_fault(error: &toml::de::Error, source: usize) -> Fault {
    let message = error.message().lines().next().unwrap_or("this is not TOML").to_owned();
    let mut fault = Fault::new(format!("not valid TOML: {message}"));
    if message.starts_with("invalid boolean") || message.starts_with("string values must be quoted") {
        fault =
            fault.help("text stands in quotes: `\"…\"`; without them there are only numbers, true and false");
    }
    match error.span() {
        Some(range) => fault.at(Place { source, range }),
        None => fault.at(Place { source, range: 0..0 }),
    }
}

fn table_values(
    table: &DeTable<'_>,
    path: &mut KeyPath,
    spans: &mut BTreeMap<KeyPath, Spans>,
    faults: &mut Vec<Fault>,
    source: usize,
) -> Dict {
    let mut dict = Dict::new();
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        spans.insert(path.clone(), Spans { key: key.span(), value: value.span() });
        match to_value(value.get_ref(), path, spans, faults, source) {
            Ok(value) => {
                dict.insert(key.get_ref().to_string(), value);
            }
            Err(message) => {
                let mut fault = Fault::new(message).at(Place { source, range: value.span() });
                if matches!(value.get_ref(), DeValue::Datetime(_)) {
                    fault = fault.help("as text it stands in quotes: `\"…\"`");
                }
                faults.push(fault);
            }
        }
        path.pop();
    }
    dict
}

fn to_value(
    value: &DeValue<'_>,
    path: &mut KeyPath,
    spans: &mut BTreeMap<KeyPath, Spans>,
    faults: &mut Vec<Fault>,
    source: usize,
) -> Result<Value, String> {
    let tag = Tag::Default;
    Ok(match value {
        DeValue::String(text) => Value::String(tag, text.to_string()),
        DeValue::Boolean(flag) => Value::Bool(tag, *flag),
        DeValue::Integer(digits) => {
            let parsed = i64::from_str_radix(digits.as_str(), digits.radix());
            let number = parsed.map_err(|_| format!("`{digits}` does not fit into 64 bits"))?;
            Value::Num(tag, Num::I64(number))
        }
        DeValue::Float(text) => {
            let number: f64 = text.as_str().parse().map_err(|_| format!("`{text}` is not a number"))?;
            Value::Num(tag, Num::F64(number))
        }
        DeValue::Datetime(when) => return Err(format!("`{when}` is a date; no key of a spec takes one")),
        DeValue::Array(items) => {
            let mut values = Vec::with_capacity(items.len());
            for (i, item) in items.iter().enumerate() {
                path.push(i.to_string());
                spans.insert(path.clone(), Spans { key: item.span(), value: item.span() });
                values.push(to_value(item.get_ref(), path, spans, faults, source)?);
                path.pop();
            }
            Value::Array(tag, values)
        }
        DeValue::Table(table) => Value::Dict(tag, table_values(table, path, spans, faults, source)),
    })
}
