//! A value in the words of a spec.

use figment::value::Value;

use super::numbers::number_of;

/// A value as it might stand in the file, cut short.
pub fn shown(value: &Value) -> String {
    let text = written(value);
    let cut: String = text.chars().take(60).collect();
    let text = if cut.len() < text.len() { format!("{cut}…") } else { text };
    format!("`{text}`")
}

fn written(value: &Value) -> String {
    match value {
        Value::String(_, text) => format!("{text:?}"),
        Value::Bool(_, flag) => flag.to_string(),
        Value::Num(..) => number_of(value).map_or_else(|| "a number".into(), |n| n.to_string()),
        Value::Array(_, items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        Value::Dict(..) => "a table".into(),
        _ => "empty".into(),
    }
}
