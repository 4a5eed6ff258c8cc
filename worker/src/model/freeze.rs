//! Which layers of a backbone do not train.

use std::collections::BTreeSet;
use std::fmt;

use ablatrix::spec::nearest;
use ablatrix::spec::settings::Freeze;

use super::assembly::Named;

/// Names in `model.freeze` that the network does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct UnknownLayers {
    /// The network.
    pub architecture: &'static str,
    /// Each name, with the nearest one that there is.
    pub names: Vec<(String, Option<String>)>,
    /// The outermost names that there are.
    pub known: Vec<String>,
}

impl fmt::Display for UnknownLayers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the backbone of `{}` lacks what `model.freeze` names: ", self.architecture)?;
        let shown = self.names.iter().map(|(name, near)| match near {
            Some(near) => format!("`{name}` (did you mean `{near}`?)"),
            None => format!("`{name}`"),
        });
        f.write_str(&shown.collect::<Vec<_>>().join(", "))?;
        let known = self.known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
        write!(f, "; it has {}", known.join(", "))
    }
}

/// For each tensor of a backbone of `n_layers` convolutions and linear layers, whether it is frozen.
///
/// A name stands for what lies under it, as `blocks.0` for `blocks.0.1.conv_pw.weight` and not for `blocks.01`. With a
/// layer its norm is frozen, wherever that lies: statistics that go on changing would not be frozen.
///
/// # Errors
/// Names under which nothing lies.
pub(super) fn frozen(
    freeze: &Freeze,
    architecture: &'static str,
    backbone: &[&Named],
    n_layers: usize,
) -> Result<Vec<bool>, UnknownLayers> {
    match freeze {
        Freeze::Share(share) => {
            let n_frozen = (share * n_layers as f64).floor() as usize;
            Ok(backbone.iter().map(|named| named.layer_idx < n_frozen).collect())
        }
        Freeze::Names(names) => {
            check(names, architecture, backbone)?;
            let is_named = |named: &Named| names.iter().any(|name| lies_under(&named.name, name));
            let layers: BTreeSet<usize> = backbone
                .iter()
                .filter(|named| !named.is_norm && named.name.ends_with("weight") && is_named(named))
                .map(|named| named.layer_idx)
                .collect();
            let of_layer = |named: &Named| named.is_norm && layers.contains(&named.layer_idx);
            Ok(backbone.iter().map(|named| is_named(named) || of_layer(named)).collect())
        }
    }
}

fn check(names: &[String], architecture: &'static str, backbone: &[&Named]) -> Result<(), UnknownLayers> {
    let is_known = |name: &String| backbone.iter().any(|named| lies_under(&named.name, name));
    let unknown: Vec<_> = names.iter().filter(|name| !is_known(name)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let mut candidates = BTreeSet::new();
    for named in backbone {
        let ends = named.name.match_indices('.').map(|(end, _)| end).chain([named.name.len()]);
        candidates.extend(ends.map(|end| &named.name[..end]));
    }
    let near = |name: &str| nearest(name, candidates.iter().copied()).map(str::to_owned);
    Err(UnknownLayers {
        architecture,
        names: unknown.into_iter().map(|name| (name.clone(), near(name))).collect(),
        known: candidates.iter().filter(|name| !name.contains('.')).map(|&name| name.to_owned()).collect(),
    })
}

/// Whether the tensor's dotted name is `name` or begins with it and a dot.
fn lies_under(tensor: &str, name: &str) -> bool {
    tensor.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
