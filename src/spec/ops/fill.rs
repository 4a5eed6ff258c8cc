//! What stands where pixels were taken away.

use serde::{Deserialize, Serialize};

use super::domain::Domain;
use crate::spec::fault::{Fault, nearest};
use crate::spec::reader::{Table, Takes, integer_of, shown};

/// What stands where pixels were taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// One level for all three channels.
    Level(u8),
    /// Levels drawn anew for each channel of each pixel.
    Random,
    /// One colour, drawn for each hole (for the picture, where there are no holes but single pixels).
    RandomUniform,
}

/// A level, `"random"` or `"random_uniform"`.
#[derive(Clone, Copy, Debug)]
pub struct Filling;

const RANDOM: &str = "random";
const RANDOM_UNIFORM: &str = "random_uniform";

impl Domain for Filling {
    type Value = Fill;

    fn read(&self, table: &Table<'_>, key: &str) -> Fill {
        table.takes(key, || vec![Takes::integer(&(0..=255)), Takes::names([RANDOM, RANDOM_UNIFORM])]);
        let Some(value) = table.any(key) else {
            return Fill::Level(0);
        };
        let level = integer_of(&value).and_then(|level| u8::try_from(level).ok());
        match (level, value.as_str()) {
            (Some(level), _) => return Fill::Level(level),
            (_, Some(RANDOM)) => return Fill::Random,
            (_, Some(RANDOM_UNIFORM)) => return Fill::RandomUniform,
            _ => {}
        }
        let mut fault = Fault::new(format!("`{key}` is {}, expected {}", shown(&value), self.kind()));
        if let Some(name) = value.as_str().and_then(|text| nearest(text, [RANDOM, RANDOM_UNIFORM])) {
            fault = fault.help(format!("did you mean `{name}`?"));
        }
        table.fault(key, fault);
        Fill::Level(0)
    }

    fn show(&self, value: &Fill) -> String {
        match value {
            Fill::Level(level) => level.to_string(),
            Fill::Random => RANDOM.to_owned(),
            Fill::RandomUniform => RANDOM_UNIFORM.to_owned(),
        }
    }

    fn kind(&self) -> String {
        format!("integer in 0..255, `{RANDOM}`, `{RANDOM_UNIFORM}`")
    }
}
