//! Names, defaults and what is written to jobs, over all ops.

use std::collections::BTreeSet;

use super::Action;
use crate::spec::layers::DEFAULTS;

/// Every parameter has a default, and no default is without a parameter.
#[test]
fn each_op_has_its_defaults() {
    let defaults: toml::Table = DEFAULTS.parse().unwrap();
    let defaults = defaults["choice"]["op"].as_table().unwrap();
    for manual in Action::manual() {
        let known: BTreeSet<&str> =
            manual.parameters.iter().map(|parameter| parameter.name).chain(["p"]).collect();
        let table = defaults.get(manual.name).unwrap_or_else(|| panic!("`{}` has no defaults", manual.name));
        let keys: BTreeSet<&str> = table.as_table().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, known, "{}", manual.name);
    }
}

#[test]
fn names_are_told_once() {
    let names = Action::names();
    let unique: BTreeSet<_> = names.iter().collect();
    assert_eq!(unique.len(), names.len());
    assert_eq!(Action::manual().iter().map(|manual| manual.name).collect::<Vec<_>>(), names);
}

/// Jobs carry ops as JSON.
#[test]
fn what_is_written_is_read_again() {
    let read = |name: &str| {
        let text = format!(
            "name=\"a\"\n[dataset]\nformat=\"folders\"\nimages=\"d\"\n[labels]\nfrom=\"folder\"\n\
             [augment.ops]\nx={{op=\"{name}\"}}\n"
        );
        crate::spec::tests::experiment(&text).augment.ops["x"].clone()
    };
    for name in Action::names() {
        let op = read(name);
        let written = serde_json::to_value(&op).unwrap();
        assert_eq!(written["action"]["op"], name);
        assert_eq!(serde_json::from_value::<super::Op>(written).unwrap(), op);
        let told: Vec<_> = op.action.values().iter().map(|(parameter, _)| *parameter).collect();
        let manual = Action::manual().into_iter().find(|manual| manual.name == name).unwrap();
        assert_eq!(told, manual.parameters.iter().map(|parameter| parameter.name).collect::<Vec<_>>());
    }
}
