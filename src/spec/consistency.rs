//! What settings of several sections must agree in.

use super::fault::{Fault, nearest};
use super::reader::Table;
use super::settings::{Augment, Labels, Loss, PositiveWeights};

/// Faults batches of one row beside ops that mix rows.
pub(super) fn check_partners(table: &Table<'_>, batch_size: u32, augment: &Augment) {
    if batch_size >= 2 {
        return;
    }
    let applied = augment.arms().into_iter().flat_map(|arm| augment.ops_of(&arm));
    let mut mixing = applied.filter(|named| named.op.p > 0.0 && named.op.action.needs_partner());
    if let Some(name) = mixing.next().map(|named| named.name) {
        let fault = Fault::new(format!(
            "`batch_size` is {batch_size}, but the op `{name}` mixes each row with another one of its batch"
        ));
        table.fault("batch_size", fault.help("write at least 2, or take the op out"));
    }
}

/// Faults weights for another number of labels than the spec names; where labels come from the data, the worker sees it.
pub(super) fn check_positive_weights(table: &Table<'_>, loss: &Loss, labels: &Labels) {
    let Loss::Bce { positive_weights: PositiveWeights::Given(weights), .. } = loss else { return };
    let names: Vec<&str> =
        labels.sources.iter().flat_map(|source| source.groups.keys()).map(String::as_str).collect();
    let are_named = labels.sources.iter().all(|source| !source.groups.is_empty());
    if are_named && !weights.is_empty() && weights.len() != names.len() {
        let fault = Fault::new(format!(
            "`positive_weights` has {} numbers, expected {}, one per label",
            weights.len(),
            names.len()
        ));
        table.fault(
            "positive_weights",
            fault.help(format!("the labels are, in this order: {}", names.join(", "))),
        );
    }
}

/// Faults a baseline that is no arm of the grid.
pub(super) fn check_baseline(table: &Table<'_>, baseline: &str, augment: &Augment) {
    let arms: Vec<String> = augment.arms().into_iter().map(|arm| arm.name).collect();
    if arms.iter().any(|arm| arm == baseline) {
        return;
    }
    let fault = Fault::new(format!("`baseline` is `{baseline}`, which the grid does not have"));
    let known = arms.iter().map(|arm| format!("`{arm}`")).collect::<Vec<_>>().join(", ");
    // The same ops in another order are a slip, too.
    let parts = |name: &str| {
        let mut parts: Vec<String> = name.split('+').map(str::to_owned).collect();
        parts.sort();
        parts
    };
    let same = arms.iter().map(String::as_str).find(|arm| parts(arm) == parts(baseline));
    let fault = match same.or_else(|| nearest(baseline, arms.iter().map(String::as_str))) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("the grid has {known}")),
    };
    table.fault("baseline", fault);
}

/// Faults a name that could not name a folder.
pub(super) fn check_experiment_name(root: &Table<'_>, name: &str) {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if root.has("name")
        && (name.is_empty() || name.len() > 100 || name.starts_with('.') || !name.chars().all(fits))
    {
        let cut: String = name.chars().take(40).collect();
        let fault = Fault::new(format!(
            "`name` is `{}`, expected 1 to 100 letters, digits, `-`, `_` or `.`, the first one no `.`",
            cut.escape_debug()
        ));
        root.fault("name", fault.help("it names the report's folder; a name that leads outside is refused"));
    }
}
