//! The tree of keys as a page of the book: every key in a line, to be searched.

use figment::value::Value;

use super::probe::keys;
use super::shape::Shape;
use super::words::words;
use crate::spec::reader::{Takes, shown};

const HEAD: &str = "\
# All keys at a glance

Made by `ablatrix schema --page` from the code that reads specs. What the keys mean for each other, and how they go together, stands in
[the spec](SPEC). Ranges include both ends.

| key | takes | default | meaning |
|---|---|---|---|
";

const OPS: &str = "
## Ops

Values of `[augment.ops]`: a table with `op = \"NAME\"`, the op's own keys, and `p`; or a group.

| op | key | takes | default | meaning |
|---|---|---|---|---|
";

/// The page, in Markdown. `spec` is the link to the page that explains the keys.
pub fn page(spec: &str) -> String {
    let keys = keys();
    let words = words();
    let meaning = |path: &str| words.get(path).cloned().unwrap_or_default();
    let mut page = HEAD.replace("SPEC", spec);
    let mut row = |key: &str, shape: &Shape, meaning: String| {
        let default = shape.default.as_ref().filter(|value| !matches!(value, Value::Dict(..)));
        let default = default.map(shown).unwrap_or_default();
        let cells = [format!("`{key}`"), takes(shape), default, meaning];
        page += &format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    };
    for (key, shape) in flat(&keys.root, "") {
        row(&key, shape, meaning(&key));
        for (name, variant) in &shape.variants {
            for (below, shape) in variant.keys.iter().filter(|(below, _)| *below != "name") {
                let own = meaning(&format!("{key}[{name}].{below}"));
                let words = if own.is_empty() { meaning(&format!("{key}.{below}")) } else { own };
                row(&format!("{key}.{below}"), shape, format!("With `name = \"{name}\"`: {words}"));
            }
        }
    }
    page += OPS;
    for (name, op) in &keys.ops {
        let group = meaning(&format!("group.{name}"));
        let about = if group.is_empty() { meaning(&format!("op[{name}]")) } else { group };
        let mut own =
            op.keys.iter().filter(|(key, _)| *key != "op" && *key != "p" && *key != name).peekable();
        if own.peek().is_none() {
            page += &format!("| `{name}` | | | | {} |\n", about.replace('|', "\\|"));
        }
        for (at, (key, shape)) in own.enumerate() {
            let default = shape.default.as_ref().map(shown).unwrap_or_default();
            let words = meaning(&format!("op[{name}].{key}"));
            let words = if at == 0 { format!("{about} {words}") } else { words };
            let cells =
                [format!("`{name}`"), format!("`{key}`"), takes(shape), default, words.trim().to_owned()];
            page += &format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
        }
    }
    page
}

/// All keys below a shape with their dotted paths.
fn flat<'s>(shape: &'s Shape, at: &str) -> Vec<(String, &'s Shape)> {
    let mut found = Vec::new();
    for (key, below) in &shape.keys {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        found.push((path.clone(), below));
        found.extend(flat(below, &path));
    }
    found
}

/// What a key takes, in words.
fn takes(shape: &Shape) -> String {
    if !shape.variants.is_empty() {
        let names = shape.variants.iter().map(|(name, _)| format!("`{name}`"));
        return format!("{}, or a table with that `name`", names.collect::<Vec<_>>().join(", "));
    }
    shape.takes().iter().map(in_words).collect::<Vec<_>>().join(", or ")
}

fn in_words(takes: &Takes) -> String {
    match takes {
        Takes::Integer { least, most: i64::MAX } => format!("an integer from {least}"),
        Takes::Integer { least, most } => format!("an integer in {least}..{most}"),
        Takes::Number { least, most, above: false } => format!("{least}..{most}"),
        Takes::Number { least, most, above: true } => format!("above {least}, up to {most}"),
        Takes::Text => "text".to_owned(),
        Takes::Form(pattern) => format!("text as `{pattern}`"),
        Takes::Flag => "true or false".to_owned(),
        Takes::Names(names) => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        Takes::List(item) => match item.as_ref() {
            Takes::Anything => "a list".to_owned(),
            item => format!("a list of {}", in_words(item)),
        },
        Takes::Range(item) => format!("[low, high] of {}", in_words(item)),
        Takes::Table => "a table".to_owned(),
        Takes::Own => "a table of your names".to_owned(),
        Takes::Tables => "a list of ops".to_owned(),
        Takes::Anything => "anything".to_owned(),
    }
}
