//! Checks that every crate we build on has a licence that lets ours be shipped.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::say;
use crate::steps::{StepError, output};

/// Licences that ask for no more than naming their authors, by SPDX identifier.
const ALLOWED: [&str; 16] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "IJG",
    "ISC",
    "NCSA",
    "Zlib",
    "0BSD",
    "CC0-1.0",
    "Unlicense",
    "Unicode-3.0",
    "CDLA-Permissive-2.0",
];

/// Weak copyleft, per crate: its files may be linked as they are.
const EXCEPTIONS: [(&str, &str); 1] = [("option-ext", "MPL-2.0")];

/// Fails where a crate's licence is none of the allowed ones.
///
/// # Errors
/// Naming each crate and its licence.
pub fn check(root: &Path) -> Result<(), StepError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let json = output(Command::new(cargo).current_dir(root).args(["metadata", "--format-version", "1"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&json)
        .map_err(|error| StepError::Other(format!("cannot read cargo's metadata: {error}")))?;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut bad = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let licence = package["license"].as_str().unwrap_or_default();
        if fits(licence) || EXCEPTIONS.contains(&(name, licence)) {
            *counts.entry(licence.to_owned()).or_default() += 1;
        } else {
            bad.push(format!("{name}: `{licence}`"));
        }
    }
    if !bad.is_empty() {
        return Err(StepError::Other(format!("licences that are not allowed: {}", bad.join(", "))));
    }
    say(&format!("licences: {} crates, all allowed", counts.values().sum::<usize>()));
    Ok(())
}

/// Whether an SPDX expression can be met with allowed licences: one side of each OR, both of each AND.
fn fits(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    let expression = expression.trim();
    if let Some(parts) = split(expression, " OR ") {
        return parts.iter().any(|part| fits(part));
    }
    if let Some(parts) = split(expression, " AND ") {
        return parts.iter().all(|part| fits(part));
    }
    match expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => fits(inner),
        None => ALLOWED.contains(&expression),
    }
}

/// Splits at an operator outside brackets; `None` where there is none.
fn split<'a>(expression: &'a str, operator: &str) -> Option<Vec<&'a str>> {
    let (mut depth, mut from, mut parts) = (0i32, 0, Vec::new());
    for (at, c) in expression.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 && at >= from && expression[at..].starts_with(operator) => {
                parts.push(&expression[from..at]);
                from = at + operator.len();
            }
            _ => {}
        }
    }
    parts.push(&expression[from..]);
    (parts.len() > 1).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn expressions_are_met_or_not() {
        assert!(fits("MIT OR Apache-2.0") && fits("GPL-3.0 OR MIT") && fits("MIT/Apache-2.0"));
        assert!(fits("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!fits("GPL-3.0") && !fits("MIT AND GPL-3.0") && !fits(""));
    }
}
