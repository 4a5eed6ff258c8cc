//! The page on specs says of each op what its declaration says.

use super::{Action, Parameter};
use crate::spec::layers::DEFAULTS;

/// The head of every table of ops on the page.
const HEAD: &str = "| `op` | key | type | default | meaning |";

/// What the page says: `op | key | type | default` for each row, with the op in every one.
fn rows_of_page() -> Vec<String> {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/spec.md")).unwrap();
    let mut rows = Vec::new();
    for table in page.split(HEAD).skip(1) {
        let mut op = String::new();
        for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
            let cells: Vec<&str> = row.trim_matches('|').split(" |").map(str::trim).collect();
            let [name, key, kind, default, meaning] = cells[..] else { panic!("five cells, not: {row}") };
            assert!(!meaning.is_empty(), "{row}");
            if !name.is_empty() {
                name.clone_into(&mut op);
            }
            rows.push(format!("{op} | {key} | {kind} | {default}"));
        }
    }
    rows
}

/// A default as the page writes it: numbers with up to four decimals.
fn written(value: &toml::Value) -> String {
    match value {
        toml::Value::Float(number) => ((number * 1e4).round() / 1e4).to_string(),
        toml::Value::Array(items) => {
            format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn kind(parameter: &Parameter) -> String {
    let unit = if parameter.unit.is_empty() { String::new() } else { format!(" ({})", parameter.unit) };
    format!("{}{unit}", parameter.kind)
}

/// Names, types with their bounds and units, and defaults: all ops in the order of their declaration. After a type the page
/// may say more, behind a comma.
#[test]
fn the_page_and_the_declarations_agree() {
    let defaults: toml::Table = DEFAULTS.parse().unwrap();
    let mut declared = Vec::new();
    for op in Action::manual() {
        let name = op.name;
        if op.parameters.is_empty() {
            declared.push([format!("`{name}` |  | "), " | ".to_owned()]);
        }
        for parameter in &op.parameters {
            let default = written(&defaults["choice"]["op"][name][parameter.name]);
            let begin = format!("`{name}` | `{}` | {}", parameter.name, kind(parameter));
            declared.push([begin, format!(" | `{default}`")]);
        }
    }
    let page = rows_of_page();
    let mut wrong = Vec::new();
    for (i, [begin, end]) in declared.iter().enumerate() {
        let found = page.get(i).map_or("nothing", String::as_str);
        let more = found.strip_prefix(begin.as_str()).and_then(|rest| rest.strip_suffix(end.as_str()));
        if !more.is_some_and(|more| more.is_empty() || more.starts_with(", ")) {
            wrong.push(format!("page:     {found}\ndeclared: {begin}{end}"));
        }
    }
    assert!(wrong.is_empty(), "docs/reference/spec.md is not as declared:\n{}", wrong.join("\n"));
    assert_eq!(
        page.len(),
        declared.len(),
        "rows of ops that are not declared: {:?}",
        page.get(declared.len()..)
    );
}
