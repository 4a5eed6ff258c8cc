//! What a stage is given: its node, its inputs by name, and a private folder for what it makes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::error::StageError;
use crate::cache::{Attempt, Entry, Store};
use crate::fingerprint::Fingerprint;
use crate::job::input;
use crate::plan::{Node, Plan, Run, output};
use crate::spec::settings::Experiment;
use crate::tables::rows::LabelTable;
use crate::tables::{self, Table};

/// One stage to be computed in this process.
#[derive(Debug)]
pub struct StageWork {
    /// The plan that it is part of.
    pub plan: Arc<Plan>,
    /// Its position there.
    pub node: usize,
    /// Runs that the report must name as failed.
    pub missing: Vec<Missing>,
    /// Runs without a result are still to come; the report says so.
    pub under_way: bool,
    /// The results of the nodes that it reads.
    pub entries: HashMap<usize, Entry>,
    /// The cache.
    pub store: Store,
    /// Its key.
    pub fingerprint: Fingerprint,
}

/// A run without a result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Missing {
    /// Its name.
    pub run: String,
    /// Why.
    pub why: String,
}

impl StageWork {
    /// The node.
    pub fn node(&self) -> &Node {
        &self.plan.nodes[self.node]
    }

    /// The settings of the node's variant.
    pub fn experiment(&self) -> &Experiment {
        &self.node().variant.experiment
    }

    /// The verified file of the input `name`.
    ///
    /// # Errors
    /// Where it is damaged.
    pub fn input(&self, name: &str) -> Result<PathBuf, StageError> {
        let from = self.node().inputs.iter().find(|from| from.name == name);
        let from = from.unwrap_or_else(|| panic!("bug: stage `{}` has no input `{name}`", self.node().name));
        self.output_of(from.node, from.output)
    }

    /// The table of the input `name`.
    ///
    /// # Errors
    /// Where it is damaged.
    pub fn table<T: Table>(&self, name: &str) -> Result<T, StageError> {
        Ok(tables::read(&self.input(name)?)?)
    }

    /// The verified file of an output of another node.
    ///
    /// # Errors
    /// Where it is damaged.
    pub fn output_of(&self, node: usize, output: &str) -> Result<PathBuf, StageError> {
        self.results().output_of(node, output)
    }

    /// The results of the nodes that it reads.
    pub fn results(&self) -> Results<'_> {
        Results { plan: &self.plan, entries: &self.entries, store: &self.store }
    }
}

/// Results of a plan's nodes.
#[derive(Clone, Copy, Debug)]
pub struct Results<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// By node.
    pub entries: &'a HashMap<usize, Entry>,
    /// The cache.
    pub store: &'a Store,
}

impl Results<'_> {
    /// The verified file of an output of a node.
    ///
    /// # Errors
    /// Where it is damaged.
    pub fn output_of(&self, node: usize, output: &str) -> Result<PathBuf, StageError> {
        let entry = self.entries.get(&node).unwrap_or_else(|| panic!("bug: node {node} is no input"));
        Ok(self.store.object(entry.digest(output))?)
    }

    /// The node that a node reads under `name`.
    pub fn input_node(&self, node: usize, name: &str) -> usize {
        self.plan.input_of(node, name)
    }

    /// The labels that a run is trained on.
    ///
    /// # Errors
    /// Where they are damaged.
    pub fn label_table(&self, run: &Run) -> Result<LabelTable, StageError> {
        let node = self.input_node(run.train, input::LABELS);
        Ok(tables::read(&self.output_of(node, output::LABELS)?)?)
    }
}

/// Writes a table as the output `name`.
///
/// # Errors
/// Where it cannot be written.
pub fn write_table<T: Table>(
    attempt: &Attempt,
    name: &str,
    table: &T,
    stage: &str,
) -> Result<(), StageError> {
    Ok(tables::write(&attempt.path(name), table, stage)?)
}

/// Writes plain data as JSON as the output `name`.
///
/// # Errors
/// Where it cannot be written.
pub fn write_json<T: Serialize>(attempt: &Attempt, name: &str, value: &T) -> Result<(), StageError> {
    let path = attempt.path(name);
    let bytes =
        serde_json::to_vec_pretty(value).unwrap_or_else(|e| panic!("bug: results are plain data: {e}"));
    std::fs::write(&path, bytes).map_err(|source| StageError::Write { path, source })
}

/// Reads plain data from JSON.
///
/// # Errors
/// Where it cannot be read.
pub fn read_json<T: serde::de::DeserializeOwned>(path: &std::path::Path) -> Result<T, StageError> {
    let bytes = std::fs::read(path).map_err(|source| StageError::Read { path: path.to_owned(), source })?;
    serde_json::from_slice(&bytes).map_err(|source| StageError::Json { path: path.to_owned(), source })
}
