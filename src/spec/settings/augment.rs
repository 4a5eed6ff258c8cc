//! `[augment]`: the ops, and which of them are tried together.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::super::ops::Op;
use crate::design::Resolution;

/// `[augment]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Augment {
    /// The named ops, in spec order.
    pub ops: IndexMap<String, Op>,
    /// Which of them are tried together.
    pub design: Design,
    /// Named lists of op names, in spec order; read by the design `policies`.
    pub policies: IndexMap<String, Vec<String>>,
    /// By op, the forms that `add_one` tries in its place; in spec order.
    pub levels: IndexMap<String, Vec<Level>>,
}

/// Which ops are tried together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Design {
    /// Only the arm without augmentation.
    None,
    /// None, and each op alone, at each of its levels.
    AddOne,
    /// All ops, all but each, and none.
    DropOne,
    /// Every combination of the ops.
    Factorial,
    /// A part of all combinations that still keeps apart what each op does.
    Fractional {
        /// What else is kept apart.
        resolution: Resolution,
    },
    /// None, and the named lists.
    Policies,
}

/// An op with other values for some of its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// These parameters, in spec order.
    pub values: IndexMap<String, serde_json::Value>,
    /// The op with them.
    pub op: Op,
}
