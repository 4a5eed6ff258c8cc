//! `seeds`: how many, which, or as many as it takes.

use figment::value::Value;

use super::fault::Fault;
use super::reader::{Table, Takes};
use super::settings::AdaptiveSeeds;

/// Most seeds of a study.
const MOST: i64 = 1000;

/// All seeds that the study may use, and between how many it chooses.
pub fn seeds(root: &Table<'_>) -> (Vec<u64>, Option<AdaptiveSeeds>) {
    root.takes("seeds", || {
        vec![Takes::integer(&(1..=MOST)), Takes::integer(&(0..=i64::MAX)).list(), Takes::Table]
    });
    match root.any("seeds") {
        Some(Value::Array(..)) => (listed(root), None),
        Some(Value::Dict(..)) => {
            let adaptive = adaptive(root.table("seeds"));
            ((1..=u64::from(adaptive.max)).collect(), Some(adaptive))
        }
        _ => ((1..=root.integer("seeds", 1..=MOST) as u64).collect(), None),
    }
}

fn listed(root: &Table<'_>) -> Vec<u64> {
    let seeds = root.integers("seeds", 0..=i64::MAX);
    if seeds.is_empty() {
        root.fault("seeds", Fault::new("`seeds` is an empty list, expected at least one seed"));
    }
    let mut seen = Vec::new();
    for seed in seeds {
        if seen.contains(&(seed as u64)) {
            root.fault("seeds", Fault::new(format!("`seeds` has {seed} twice")));
        } else {
            seen.push(seed as u64);
        }
    }
    seen
}

fn adaptive(table: Table<'_>) -> AdaptiveSeeds {
    let table = table.with_choice(&["seeds"]);
    let (min, max) = (table.integer("min", 2..=MOST) as u32, table.integer("max", 2..=MOST) as u32);
    table.choice("until", &[("decided", ())]);
    if min > max {
        let fault = Fault::new(format!("`max` is `{max}`, expected at least `min`, which is `{min}`"));
        table.fault("max", fault);
    }
    table.finish();
    AdaptiveSeeds { min, max: max.max(min) }
}
