//! A list of ops, applied to a sample one after the other.

use super::drawn::{Drawn, Outcome};
use super::Scratch;
use crate::pixels::RgbImage;
use crate::seed::Key;
use crate::spec::ops::{NamedOp, Op};

/// The key of all draws for one training row in one epoch: run seed, epoch, image, and which copy of it.
pub fn sample_key(seed: u64, epoch: u32, image_id: i64, copy: u32) -> Key {
    Key::root(seed).child("augment").index(epoch.into()).index(image_id as u64).index(copy.into())
}

/// Ops in the order in which they are applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
struct Step {
    name: String,
    /// How many steps of this name come before.
    repeat: u64,
    op: Op,
}

/// What one op did to one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The op's name in the policy.
    pub name: String,
    /// Whether it was applied.
    pub applied: bool,
    /// The drawn values for people (`angle=-12.3`), led by the chosen op's name for a `one_of`; empty where
    /// nothing was drawn.
    pub params: String,
}

impl Policy {
    /// A policy of these ops. An op that occurs twice draws anew each time.
    pub fn new(ops: &[NamedOp]) -> Self {
        let repeat = |i: usize| ops[..i].iter().filter(|other| other.name == ops[i].name).count() as u64;
        let steps = ops.iter().enumerate().map(|(i, named)| Step {
            name: named.name.clone(),
            repeat: repeat(i),
            op: named.op.clone(),
        });
        Policy { steps: steps.collect() }
    }

    /// True where the policy has no op and so changes nothing.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Changes `image` as the draws of `sample` say (see [`sample_key`]). Each op draws from a child of
    /// `sample` under its own name, so its draws depend on no other op. The size of the picture stays.
    pub fn apply(&self, image: &mut RgbImage, sample: Key, scratch: &mut Scratch) {
        self.walk(image, sample, scratch, |_, _| {});
    }

    /// As [`Policy::apply`], and tells what each op did, in order.
    pub fn apply_traced(&self, image: &mut RgbImage, sample: Key, scratch: &mut Scratch) -> Vec<Applied> {
        let mut trace = Vec::with_capacity(self.steps.len());
        self.walk(image, sample, scratch, |name, outcome| {
            let params = outcome.map_or_else(String::new, |o| describe(&o));
            trace.push(Applied { name: name.to_owned(), applied: outcome.is_some(), params });
        });
        trace
    }

    /// The one path of both: `observe` hears of each op, with what it drew where it was applied.
    fn walk<'a>(
        &'a self,
        image: &mut RgbImage,
        sample: Key,
        scratch: &mut Scratch,
        mut observe: impl FnMut(&'a str, Option<Outcome<'a>>),
    ) {
        for step in &self.steps {
            let outcome = step.draw(sample);
            if let Some(Outcome { drawn, .. }) = outcome {
                drawn.apply(image, scratch);
            }
            observe(&step.name, outcome);
        }
    }
}

impl Step {
    /// What this op does to `sample`; `None`: nothing.
    fn draw(&self, sample: Key) -> Option<Outcome<'_>> {
        let mut key = sample.child(&self.name);
        if self.repeat > 0 {
            key = key.index(self.repeat);
        }
        let mut draws = key.draws();
        if draws.chance(self.op.p) { Drawn::draw(&self.op.action, key, &mut draws) } else { None }
    }
}

fn describe(outcome: &Outcome<'_>) -> String {
    let params = outcome.drawn.to_string();
    match outcome.chosen {
        Some(name) if params.is_empty() => name.to_owned(),
        Some(name) => format!("{name}: {params}"),
        None => params,
    }
}
