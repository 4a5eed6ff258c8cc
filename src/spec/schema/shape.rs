//! The tree of keys: what each takes, and what lies below it.

use figment::value::Value;
use indexmap::IndexMap;

use crate::spec::reader::{Asked, Takes};

/// A key, or the whole spec.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// What its accessors take.
    asked: Vec<Takes>,
    /// What the reader says itself that it takes; then the accessors count nothing.
    said: Vec<Takes>,
    /// Its default, where it has one.
    pub default: Option<Value>,
    /// The keys of the table.
    pub keys: IndexMap<String, Shape>,
    /// What stands under each of the user's own keys.
    pub own: Option<Box<Shape>>,
    /// The keys of the table by its `name`.
    pub variants: Vec<(String, Shape)>,
}

impl Shape {
    /// Takes up what a reader asked for.
    pub fn grow(&mut self, asked: Vec<Asked>) {
        for asked in asked {
            let is_op = asked.path.starts_with(&["augment".to_owned(), "ops".to_owned()]);
            // What lies in lists of a group are ops again.
            if is_op && asked.path.len() > 4 {
                continue;
            }
            let mut shape = &mut *self;
            for key in &asked.path {
                shape = match &mut shape.own {
                    Some(own) => own,
                    None => shape.keys.entry(key.clone()).or_default(),
                };
            }
            match asked.takes {
                Some(Takes::Own) => {
                    shape.said = vec![Takes::Own];
                    shape.own.get_or_insert_default();
                }
                Some(takes) => {
                    let kept = if asked.is_said { &mut shape.said } else { &mut shape.asked };
                    if !kept.contains(&takes) {
                        kept.push(takes);
                    }
                }
                None if asked.is_default && shape.default.is_none() => shape.default = asked.value,
                None => {}
            }
        }
    }

    /// What it takes.
    pub fn takes(&self) -> &[Takes] {
        if self.said.is_empty() { &self.asked } else { &self.said }
    }

    /// The names that it takes.
    pub fn names(&self) -> Vec<String> {
        let named = self.takes().iter().filter_map(|takes| match takes {
            Takes::Names(names) => Some(names.clone()),
            _ => None,
        });
        named.flatten().collect()
    }

    /// What lies at a path; made where it is not there.
    pub fn at_mut(&mut self, path: &[&str]) -> &mut Shape {
        let mut shape = self;
        for key in path {
            shape = shape.keys.entry((*key).to_owned()).or_default();
        }
        shape
    }
}
