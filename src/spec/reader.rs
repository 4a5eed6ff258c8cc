//! Reads a table of a spec key by key, and keeps every fault on the way.
//!
//! Each accessor gives a value that fits even where the spec is wrong (the default, or the nearest thing to
//! one), so that reading goes on and all faults of a spec come out together. A key that was never asked for
//! is unknown.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::LazyLock;

use figment::value::{Dict, Value};

use super::document::{Document, KeyPath};
use super::fault::{Fault, Place, nearest};
use super::layers::{DEFAULTS, Layers};

/// The defaults, parsed once: every point of a matrix is read with them.
static DEFAULT_VALUES: LazyLock<Dict> =
    LazyLock::new(|| Document::parse(DEFAULTS, 0).map(|d| d.values).unwrap_or_default());

/// What all tables of one reading share.
pub struct Reading<'a> {
    layers: &'a Layers,
    faults: RefCell<Vec<Fault>>,
}

impl<'a> Reading<'a> {
    /// Begins to read the merged layers.
    pub fn new(layers: &'a Layers) -> Self {
        Reading { layers, faults: RefCell::default() }
    }

    /// The whole spec as a table.
    pub fn root(&self) -> Table<'_> {
        let mut dict = self.layers.merged();
        dict.remove("choice");
        Table {
            reading: self,
            path: KeyPath::new(),
            dict,
            fallback: Dict::new(),
            is_amiss: false,
            elsewhere: Vec::new(),
            asked: RefCell::default(),
        }
    }

    /// The layers that are read.
    pub fn layers(&self) -> &Layers {
        self.layers
    }

    /// How many faults there are so far.
    pub fn n_faults(&self) -> usize {
        self.faults.borrow().len()
    }

    /// Keeps a fault.
    pub fn fault(&self, fault: Fault) {
        let mut faults = self.faults.borrow_mut();
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }

    /// All faults, in the order of their places.
    pub fn into_faults(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        faults.sort_by_key(|f| f.place.as_ref().map_or((usize::MAX, 0), |p| (p.source, p.range.start)));
        faults
    }

    /// The defaults of a table that is chosen by name: `[choice.<kind>.<name>]`.
    fn choice(&self, path: &[&str]) -> Dict {
        let mut dict = &*DEFAULT_VALUES;
        for key in std::iter::once(&"choice").chain(path) {
            match dict.get(*key) {
                Some(Value::Dict(_, inner)) => dict = inner,
                _ => return Dict::new(),
            }
        }
        dict.clone()
    }
}

/// A table of the spec.
pub struct Table<'r> {
    reading: &'r Reading<'r>,
    path: KeyPath,
    dict: Dict,
    /// What is taken for a key that the table lacks.
    fallback: Dict,
    /// Something else stands in its place, which is the fault to show: what it lacks is none.
    is_amiss: bool,
    /// Keys whose values stand at other places of the spec.
    elsewhere: Vec<(String, KeyPath)>,
    asked: RefCell<Vec<String>>,
}

impl<'r> Table<'r> {
    /// Takes missing keys from `[choice.…]` of the defaults.
    #[must_use]
    pub fn with_choice(mut self, path: &[&str]) -> Self {
        self.fallback = self.reading.choice(path);
        self
    }

    /// The same table with another value for `key`, which stands at `place`: faults in it point there.
    #[must_use]
    pub fn with_value(mut self, key: &str, value: Value, place: KeyPath) -> Self {
        self.dict.insert(key.to_owned(), value);
        self.elsewhere.push((key.to_owned(), place));
        self
    }

    /// How many faults there are so far in the whole spec.
    pub fn n_faults(&self) -> usize {
        self.reading.n_faults()
    }

    /// Keeps a fault about the value of `key`.
    pub fn fault(&self, key: &str, fault: Fault) {
        if self.is_amiss {
            return;
        }
        let path = self.place_of(key);
        let of_value = self
            .dict
            .get(key)
            .and_then(|value| self.reading.layers.place(value.tag(), &path, false))
            .or_else(|| self.reading.layers.find(&path, false))
            .or_else(|| self.place_elsewhere(key));
        // A default is nothing that the user could mend: better the table in their own file.
        let place = of_value.filter(Place::is_users).or_else(|| self.reading.layers.find(&self.path, true));
        let place = place.filter(Place::is_users);
        self.reading.fault(fault.at(place));
    }

    /// Keeps a fault without a place: its line holds a secret, and must not be shown.
    pub fn fault_unplaced(&self, fault: Fault) {
        self.reading.fault(fault);
    }

    /// The value of `key`, or its default; asked for from now on.
    fn get(&self, key: &str) -> Option<&Value> {
        self.asked.borrow_mut().push(key.to_owned());
        self.dict.get(key).or_else(|| self.fallback.get(key))
    }

    fn required(&self, key: &str) -> Option<&Value> {
        let value = self.get(key);
        if value.is_none() && !self.is_amiss {
            let table = self.shown();
            let whole = match table.as_str() {
                "" => format!("`{key}` is missing"),
                table => format!("`{key}` is missing in `[{table}]`"),
            };
            let place = self.reading.layers.find(&self.path, true).filter(Place::is_users);
            self.reading.fault(Fault::new(whole).at(place));
        }
        value
    }

    fn wrong(&self, key: &str, value: &Value, expected: &str) {
        self.fault(key, Fault::new(format!("`{key}` is {}, expected {expected}", shown(value))));
    }

    /// Whether the key stands in the spec or its defaults.
    pub fn has(&self, key: &str) -> bool {
        self.dict.contains_key(key) || self.fallback.contains_key(key)
    }

    /// A text.
    pub fn text(&self, key: &str) -> String {
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
        let tag = self.dict.get(key).map(Value::tag);
        tag.map(|tag| self.reading.layers.folder(tag)).unwrap_or_default().join(text)
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &str) -> bool {
        match self.required(key) {
            Some(Value::Bool(_, flag)) => *flag,
            Some(value) => {
                self.wrong(key, value, "true or false");
                false
            }
            None => false,
        }
    }

    /// A whole number within `range`.
    pub fn integer(&self, key: &str, range: RangeInclusive<i64>) -> i64 {
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
        let Some(value) = self.required(key) else {
            return *range.start();
        };
        match number_of(value) {
            Some(number) if range.contains(&number) => number,
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

    /// `[low, high]`, both within `range` and in order.
    pub fn range(&self, key: &str, range: RangeInclusive<f64>) -> [f64; 2] {
        let least = [*range.start(), *range.start()];
        let Some(value) = self.required(key) else {
            return least;
        };
        let expected = || format!("[low, high], each {}", range_text(range.start(), range.end()));
        let Value::Array(_, items) = value else {
            self.wrong(key, value, &expected());
            return least;
        };
        match items.iter().map(number_of).collect::<Option<Vec<_>>>().as_deref() {
            Some(&[low, high]) if range.contains(&low) && range.contains(&high) => {
                if low > high {
                    self.wrong(key, value, "the lower end first");
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
                    self.wrong(key, value, "the lower end first");
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

    /// One of several names.
    pub fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> T {
        self.choice_of(key, key, choices)
    }

    /// One of several names of a thing that faults call `what`.
    pub fn choice_of<T: Copy>(&self, what: &str, key: &str, choices: &[(&str, T)]) -> T {
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

    /// A list of whole numbers, each within `range`.
    pub fn integers(&self, key: &str, range: RangeInclusive<i64>) -> Vec<i64> {
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
        let Some(value) = self.required(key) else {
            return Vec::new();
        };
        let items: Option<Vec<f64>> = match value {
            Value::Array(_, items) => items.iter().map(number_of).collect(),
            _ => None,
        };
        match items {
            Some(items) if items.iter().all(|item| range.contains(item)) => items,
            _ => {
                let each = range_text(range.start(), range.end());
                self.wrong(key, value, &format!("a list of numbers, each {each}"));
                Vec::new()
            }
        }
    }

    /// The value as it stands, for keys that take several types.
    pub fn any(&self, key: &str) -> Option<Value> {
        self.required(key).cloned()
    }

    /// The table under `key`; an empty one where there is none.
    pub fn table(&self, key: &str) -> Table<'r> {
        let (dict, is_amiss) = match self.get(key) {
            Some(Value::Dict(_, dict)) => (dict.clone(), self.is_amiss),
            None => (Dict::new(), self.is_amiss),
            Some(value) => {
                self.wrong(key, value, "a table");
                (Dict::new(), true)
            }
        };
        Table { is_amiss, ..self.child(self.path_of(key), dict) }
    }

    /// The table under `key`, if it is there.
    pub fn optional_table(&self, key: &str) -> Option<Table<'r>> {
        self.get(key).is_some().then(|| self.table(key))
    }

    /// The tables in the array under `key`.
    pub fn tables(&self, key: &str) -> Vec<Table<'r>> {
        let Some(value) = self.required(key) else {
            return Vec::new();
        };
        let Value::Array(_, items) = value else {
            self.wrong(key, value, "a list of tables");
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let mut path = self.path_of(key);
            path.push(i.to_string());
            match item {
                Value::Dict(_, dict) => tables.push(self.child(path, dict.clone())),
                other => self.wrong(key, other, "a list of tables"),
            }
        }
        tables
    }

    fn child(&self, path: KeyPath, dict: Dict) -> Table<'r> {
        Table {
            reading: self.reading,
            path,
            dict,
            fallback: Dict::new(),
            is_amiss: self.is_amiss,
            elsewhere: Vec::new(),
            asked: RefCell::default(),
        }
    }

    /// The keys in the order in which the spec has them; all count as asked for.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.dict.keys().cloned().collect();
        keys.sort_by_key(|key| self.reading.layers.order(&self.path_of(key)));
        self.asked.borrow_mut().extend(keys.iter().cloned());
        keys
    }

    /// Faults every key that was not asked for.
    pub fn finish(self) {
        let asked = self.asked.borrow();
        for (key, value) in &self.dict {
            if asked.contains(key) {
                continue;
            }
            let message = match self.shown().as_str() {
                "" => format!("unknown key `{}`", key.escape_debug()),
                table => format!("unknown key `{}` in `[{table}]`", key.escape_debug()),
            };
            let mut fault = Fault::new(message);
            fault = match nearest(key, asked.iter().map(String::as_str)) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => {
                    let mut known: Vec<_> = asked.iter().map(|k| format!("`{k}`")).collect();
                    known.sort();
                    known.dedup();
                    fault.help(format!("known here: {}", known.join(", ")))
                }
            };
            let place = self.reading.layers.place(value.tag(), &self.path_of(key), true);
            let place = place.or_else(|| self.reading.layers.find(&self.path_of(key), true));
            self.reading.fault(fault.at(place));
        }
    }

    fn path_of(&self, key: &str) -> KeyPath {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        path
    }

    /// Where the value of a key stands: below this table, unless it was put there from elsewhere.
    fn place_of(&self, key: &str) -> KeyPath {
        let elsewhere = self.elsewhere.iter().find(|(other, _)| other == key);
        elsewhere.map_or_else(|| self.path_of(key), |(_, path)| path.clone())
    }

    /// Where a value from elsewhere stands, or what it lies in: one from the command line has no places inside.
    fn place_elsewhere(&self, key: &str) -> Option<Place> {
        let (_, path) = self.elsewhere.iter().find(|(other, _)| other == key)?;
        (1..=path.len()).rev().find_map(|depth| self.reading.layers.find(&path[..depth], false))
    }

    /// The table's dotted path.
    pub fn shown(&self) -> String {
        self.path.join(".")
    }
}

/// A whole number, if the value is one.
pub fn integer_of(value: &Value) -> Option<i64> {
    value.to_i128().and_then(|number| i64::try_from(number).ok())
}

fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Num(_, number) => number.to_f64().or_else(|| value.to_i128().map(|n| n as f64)),
        _ => None,
    }
}

fn range_text(low: &impl std::fmt::Display, high: &impl std::fmt::Display) -> String {
    format!("{low} to {high}")
}

/// A value as it might stand in the file, cut short.
pub fn shown(value: &Value) -> String {
    let text = written(value);
    let cut: String = text.chars().take(60).collect();
    let text = if cut.len() < text.len() { format!("{cut}…") } else { text };
    format!("`{text}`")
}

fn written(value: &Value) -> String {
    match value {
        Value::String(_, text) => format!("{text:?}"),
        Value::Bool(_, flag) => flag.to_string(),
        Value::Num(..) => number_of(value).map_or_else(|| "a number".into(), |n| n.to_string()),
        Value::Array(_, items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        Value::Dict(..) => "a table".into(),
        _ => "empty".into(),
    }
}
