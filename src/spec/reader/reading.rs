//! What all tables of one reading share: the layers, and the faults so far.

use std::cell::RefCell;
use std::sync::LazyLock;

use figment::value::{Dict, Value};

use super::{Asked, Table};
use crate::spec::document::{Document, KeyPath};
use crate::spec::fault::Fault;
use crate::spec::layers::{DEFAULTS, Layers};

/// The defaults, parsed once: every point of a matrix is read with them.
pub(super) static DEFAULT_VALUES: LazyLock<Dict> =
    LazyLock::new(|| Document::parse(DEFAULTS, 0).map(|d| d.values).unwrap_or_default());

/// What all tables of one reading share.
pub struct Reading<'a> {
    layers: &'a Layers,
    faults: RefCell<Vec<Fault>>,
    /// What was asked for, where somebody wants to know.
    asked: Option<RefCell<Vec<Asked>>>,
}

impl<'a> Reading<'a> {
    /// Begins to read the merged layers.
    pub fn new(layers: &'a Layers) -> Self {
        Reading { layers, faults: RefCell::default(), asked: None }
    }

    /// Likewise, and keeps what is asked for.
    pub fn watched(layers: &'a Layers) -> Self {
        Reading { asked: Some(RefCell::default()), ..Reading::new(layers) }
    }

    /// Keeps what is asked for, where somebody wants to know.
    pub(super) fn watch(&self, asked: impl FnOnce() -> Vec<Asked>) {
        if let Some(all) = &self.asked {
            all.borrow_mut().extend(asked());
        }
    }

    /// What was asked for, in that order; nothing unless the reading was watched.
    pub fn into_asked(self) -> Vec<Asked> {
        self.asked.map(RefCell::into_inner).unwrap_or_default()
    }

    /// The whole spec as a table.
    pub fn root(&self) -> Table<'_> {
        let mut dict = self.layers.merged();
        dict.remove("choice");
        Table::new(self, KeyPath::new(), dict)
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
    pub(super) fn choice(&self, path: &[&str]) -> Dict {
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
