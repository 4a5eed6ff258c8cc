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
            return Err(errors.iter().map(|error| syntax_fault(error, text, source)).collect());
        }
        let mut document = Document::default();
        let mut faults = Vec::new();
        let mut path = KeyPath::new();
        document.values = table_values(table.get_ref(), &mut path, &mut document.spans, &mut faults, source);
        if faults.is_empty() { Ok(document) } else { Err(faults) }
    }
}

fn syntax_fault(error: &toml::de::Error, text: &str, source: usize) -> Fault {
    let message = error.message().lines().next().unwrap_or("this is not TOML").to_owned();
    let mut fault = Fault::new(format!("not valid TOML: {message}"));
    if message.starts_with("invalid boolean") || message.starts_with("string values must be quoted") {
        fault =
            fault.help("text stands in quotes: `\"…\"`; without them there are only numbers, true and false");
    }
    let range = error.span().unwrap_or(0..0);
    if message == "duplicate key" {
        fault = fault.repeats(first_of(text, &range).map(|range| Place { source, range }));
    }
    fault.at(Place { source, range })
}

/// Where the key at `second`, which its table holds twice, stands first. `None` where that cannot be told.
fn first_of(text: &str, second: &Range<usize>) -> Option<Range<usize>> {
    let written = text.get(second.clone())?;
    // Under a name of its own the second key is accepted, and lies beside the first in the same table.
    let aside = (0..).map(|n| format!("second-{n}")).find(|name| !text.contains(name.as_str()))?;
    let apart = [&text[..second.start], &aside, &text[second.end..]].concat();
    let (table, _) = DeTable::parse_recoverable(&apart);
    let (mut spans, mut faults) = (BTreeMap::new(), Vec::new());
    table_values(table.get_ref(), &mut KeyPath::new(), &mut spans, &mut faults, 0);
    let mut path = spans.keys().find(|path| path.last() == Some(&aside))?.clone();
    // The key as it reads, without quotes.
    let alone = format!("{written} = 0");
    let (named, _) = DeTable::parse_recoverable(&alone);
    let name = named.get_ref().keys().next()?.get_ref().to_string();
    *path.last_mut()? = name;
    spans.get(&path).map(|spans| spans.key.clone()).filter(|first| first.start < second.start)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands at the places of the first fault: of the second key and of the first, each with the bytes up to it.
    fn repeated(text: &str) -> (String, Option<String>) {
        let faults = Document::parse(text, 3).unwrap_err();
        assert_eq!(faults[0].message, "not valid TOML: duplicate key", "{text}");
        let shown = |place: &Place| {
            assert_eq!(place.source, 3);
            format!("{}@{}", &text[place.range.clone()], place.range.start)
        };
        (shown(faults[0].place.as_ref().unwrap()), faults[0].earlier.as_ref().map(shown))
    }

    #[test]
    fn a_key_that_repeats_another_says_where_that_stands() {
        for (text, second, first) in [
            ("a = 1\nb = 2\na = 3\n", "a@12", "a@0"),
            ("[x]\na = 1\n[y]\na = 1\nb = 1\n\"a\" = 3\n", "\"a\"@26", "a@14"),
            ("t = { a = 1, b = { a = 2 }, a = 3 }", "a@28", "a@6"),
            ("t = [{ a = 1 }, { a = 1, a = 2 }]", "a@25", "a@18"),
            ("a.b.c = 1\na.c = 2\na.b.c = 3\n", "c@22", "c@4"),
            ("[ops.a]\np = 1\n[ops.b]\np = 1\n[ops.a]\np = 2\n", "a@33", "a@5"),
            ("second-0 = 1\n\"ä\" = 1\n\"\\u00e4\" = 2\n", "\"\\u00e4\"@22", "\"ä\"@13"),
        ] {
            let (found, earlier) = repeated(text);
            assert_eq!((found.as_str(), earlier.as_deref()), (second, Some(first)), "{text}");
        }
    }
}
