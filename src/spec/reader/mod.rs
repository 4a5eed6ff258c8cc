//! Reads a table of a spec key by key, and keeps every fault on the way.
//!
//! Each accessor gives a value that fits even where the spec is wrong (the default, or the nearest thing to
//! one), so that reading goes on and all faults of a spec come out together. A key that was never asked for
//! is unknown.

mod numbers;
mod ranges;
mod reading;
mod shown;
mod takes;
mod words;

use std::cell::RefCell;

use figment::value::{Dict, Value};

pub use self::numbers::integer_of;
pub use self::reading::Reading;
pub use self::shown::shown;
pub use self::takes::{Asked, Takes};
use super::document::KeyPath;
use super::fault::{Fault, Place, nearest};

/// A table of the spec.
pub struct Table<'r> {
    reading: &'r Reading<'r>,
    path: KeyPath,
    dict: Dict,
    /// What is taken for a key that the table lacks.
    fallback: Dict,
    /// Where that stands among the defaults: `schedule`, `static`. Empty for tables that no name chooses.
    choice: KeyPath,
    /// Something else stands in its place, which is the fault to show: what it lacks is none.
    is_amiss: bool,
    /// Keys whose values stand at other places of the spec.
    elsewhere: Vec<(String, KeyPath)>,
    asked: RefCell<Vec<String>>,
}

impl<'r> Table<'r> {
    /// The table `dict`, which stands at `path`.
    fn new(reading: &'r Reading<'r>, path: KeyPath, dict: Dict) -> Self {
        Table {
            reading,
            path,
            dict,
            fallback: Dict::new(),
            choice: KeyPath::new(),
            is_amiss: false,
            elsewhere: Vec::new(),
            asked: RefCell::default(),
        }
    }

    /// Takes missing keys from `[choice.…]` of the defaults.
    #[must_use]
    pub fn with_choice(mut self, path: &[&str]) -> Self {
        self.fallback = self.reading.choice(path);
        self.choice = path.iter().map(|&part| part.to_owned()).collect();
        self
    }

    /// The same table with another value for `key`, which stands at `place`: faults in it point there.
    #[must_use]
    pub fn with_value(mut self, key: &str, value: Value, place: KeyPath) -> Self {
        self.dict.insert(key.to_owned(), value);
        self.elsewhere.push((key.to_owned(), place));
        self
    }

    /// Lets go of what is wrong with this table: it is told elsewhere.
    pub fn pass_over(&mut self) {
        self.is_amiss = true;
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
            .and_then(|value| self.reading.layers().place(value.tag(), &path, false))
            .or_else(|| self.reading.layers().find(&path, false))
            .or_else(|| self.place_elsewhere(key));
        // A default is nothing that the user could mend: better the table in their own file.
        let place = of_value.filter(Place::is_users).or_else(|| self.reading.layers().find(&self.path, true));
        let place = place.filter(Place::is_users);
        self.reading.fault(fault.at(place));
    }

    /// Keeps a fault about item `i` of the list under `key`.
    pub fn fault_in(&self, key: &str, i: usize, fault: Fault) {
        let mut path = self.path_of(key);
        path.push(i.to_string());
        let item = self.dict.get(key).and_then(|list| self.reading.layers().place(list.tag(), &path, false));
        match item.filter(Place::is_users) {
            Some(place) => self.reading.fault(fault.at(place)),
            None => self.fault(key, fault),
        }
    }

    /// Keeps a fault without a place: its line holds a secret, and must not be shown.
    pub fn fault_unplaced(&self, fault: Fault) {
        self.reading.fault(fault);
    }

    /// The value of `key`, or its default; asked for from now on.
    fn get(&self, key: &str) -> Option<&Value> {
        self.looks(key);
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
            let place = self.reading.layers().find(&self.path, true).filter(Place::is_users);
            let mut fault = Fault::new(whole).at(place);
            if table.is_empty() {
                fault = fault.help(format!("write it above the first table, as `{key} = …`"));
            }
            self.reading.fault(fault);
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

    /// The keys that hold text, with it; they do not count as asked for.
    pub fn words(&self) -> impl Iterator<Item = (&str, &str)> {
        self.dict.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }

    /// Whether the key stands in what the user wrote, and not in the defaults alone.
    pub fn is_written(&self, key: &str) -> bool {
        let path = self.path_of(key);
        let place =
            self.dict.get(key).and_then(|value| self.reading.layers().place(value.tag(), &path, true));
        place.is_some_and(|place| place.is_users())
    }

    /// Whether the key holds text.
    pub fn is_text(&self, key: &str) -> bool {
        matches!(self.dict.get(key), Some(Value::String(..)))
    }

    /// The value as it stands, for keys that take several types.
    pub fn any(&self, key: &str) -> Option<Value> {
        self.required(key).cloned()
    }

    /// Where a table stands under `key`: the dotted path of the first value in it.
    pub fn first_leaf(&self, key: &str) -> Option<String> {
        let Value::Dict(_, mut dict) = self.dict.get(key)?.clone() else { return None };
        let mut path = vec![key.to_owned()];
        while let Some((key, value)) = dict.into_iter().next() {
            path.push(key);
            match value {
                Value::Dict(_, inner) => dict = inner,
                _ => break,
            }
        }
        Some(path.join("."))
    }

    /// The table under `key`; an empty one where there is none.
    pub fn table(&self, key: &str) -> Table<'r> {
        self.asks(key, || Takes::Table);
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
        self.asks(key, || Takes::Tables);
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

    /// A table that stands somewhere in this one.
    fn child(&self, path: KeyPath, dict: Dict) -> Table<'r> {
        Table { is_amiss: self.is_amiss, ..Table::new(self.reading, path, dict) }
    }

    /// The keys, which are the user's own, in the order in which the spec has them; all count as asked for.
    pub fn keys(&self) -> Vec<String> {
        self.is_own();
        let mut keys: Vec<String> = self.dict.keys().cloned().collect();
        keys.sort_by_key(|key| self.reading.layers().order(&self.path_of(key)));
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
            let others = self.choices_with(key);
            fault = match nearest(key, asked.iter().map(String::as_str)) {
                _ if !others.is_empty() => {
                    let others: Vec<_> = others.iter().map(|name| format!("`{name}`")).collect();
                    let (kind, chosen) = (&self.choice[0], &self.choice[1]);
                    fault
                        .help(format!("this {kind} is `{chosen}`; `{key}` is a key of {}", others.join(", ")))
                }
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => {
                    let mut known: Vec<_> = asked.iter().map(|k| format!("`{k}`")).collect();
                    known.sort();
                    known.dedup();
                    fault.help(format!("known here: {}", known.join(", ")))
                }
            };
            let place = self.reading.layers().place(value.tag(), &self.path_of(key), true);
            let place = place.or_else(|| self.reading.layers().find(&self.path_of(key), true));
            self.reading.fault(fault.at(place));
        }
    }

    /// Other tables in the place of this one that have a key: other schedules, where this is one.
    fn choices_with(&self, key: &str) -> Vec<String> {
        let [kind, chosen] = &self.choice[..] else { return Vec::new() };
        // Ops are many, and share keys by chance.
        if kind == "op" {
            return Vec::new();
        }
        let others = self.reading.choice(&[kind]).into_iter().filter(|(name, _)| name != chosen);
        let has = |value: &Value| value.as_dict().is_some_and(|dict| dict.contains_key(key));
        others.filter(|(_, value)| has(value)).map(|(name, _)| name).collect()
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
        (1..=path.len()).rev().find_map(|depth| self.reading.layers().find(&path[..depth], false))
    }

    /// The table's dotted path.
    pub fn shown(&self) -> String {
        self.path.join(".")
    }
}
