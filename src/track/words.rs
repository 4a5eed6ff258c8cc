//! What a server says in words, whatever it says it in: MLflow's JSON, FastAPI's, a gateway's HTML, plain text.

/// MLflow's error code, and what the answer says, short: from JSON, HTML or plain text.
pub(super) fn words(body: &str) -> (Option<String>, String) {
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let field = |name: &str| json.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let code = field("error_code");
    let said = field("message").or_else(|| field("detail")).unwrap_or_else(|| {
        if body.trim_start().starts_with('<') { without_markup(body) } else { body.to_owned() }
    });
    (code, short(&said))
}

/// One line of at most 300 characters.
pub(super) fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return "an empty answer".to_owned();
    }
    let cut: String = line.chars().take(300).collect();
    if cut.len() < line.len() { format!("{cut}...") } else { cut }
}

fn without_markup(html: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => {
                inside = true;
                out.push(' ');
            }
            '>' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_of_answers_become_one_line() {
        let said = |body: &str| words(body).1;
        let (code, text) = words(r#"{"error_code": "BAD", "message": "two\nlines"}"#);
        assert_eq!((code.as_deref(), text.as_str()), (Some("BAD"), "two lines"));
        assert_eq!(said(r#"{"detail": "disabled"}"#), "disabled");
        assert_eq!(said("<html><b>502</b>\n Bad</html>"), "502 Bad");
        assert_eq!(said("Invalid Host header"), "Invalid Host header");
        assert_eq!(said(" \n"), "an empty answer");
        assert_eq!(said(&"x".repeat(400)), format!("{}...", "x".repeat(300)));
    }
}
