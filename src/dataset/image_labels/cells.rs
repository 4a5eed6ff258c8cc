//! One cell of a table of labels, whatever the file's format, and what it can mean.

use std::fmt;

use crate::tables::rows::Part;

/// The value of a cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    /// Nothing; CSV has only empty text.
    Null,
    /// Text, as it stands.
    Text(&'a str),
    /// `true` or `false`.
    Flag(bool),
    /// A number.
    Number(f64),
    /// Several texts.
    List(Vec<&'a str>),
}

impl<'a> Cell<'a> {
    /// The text; empty where there is none.
    pub fn text(&self) -> &'a str {
        match self {
            Cell::Text(text) => text.trim(),
            _ => "",
        }
    }

    /// Whether a label is there: `1`, `1.0` or `true`, and `0`, `0.0` or `false`.
    pub fn flag(&self) -> Option<bool> {
        match self {
            Cell::Flag(flag) => Some(*flag),
            Cell::Number(number) if *number == 1.0 => Some(true),
            Cell::Number(number) if *number == 0.0 => Some(false),
            Cell::Text(text) => match text.trim() {
                "1" | "1.0" => Some(true),
                "0" | "0.0" => Some(false),
                word if word.eq_ignore_ascii_case("true") => Some(true),
                word if word.eq_ignore_ascii_case("false") => Some(false),
                _ => None,
            },
            Cell::Null | Cell::Number(_) | Cell::List(_) => None,
        }
    }

    /// The part that it names.
    pub fn part(&self) -> Option<Part> {
        let text = self.text();
        [Part::Train, Part::Val, Part::Test].into_iter().find(|part| part.as_str() == text)
    }

    /// The labels that it holds, without the spaces around them; what is empty is no label.
    pub fn labels(&self, separator: &str) -> Vec<&'a str> {
        let all = match self {
            Cell::Text(text) => text.split(separator).collect(),
            Cell::List(items) => items.clone(),
            Cell::Null | Cell::Flag(_) | Cell::Number(_) => Vec::new(),
        };
        all.into_iter().map(str::trim).filter(|label| !label.is_empty()).collect()
    }
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Null => f.write_str("null"),
            Cell::Text("") => f.write_str("empty"),
            Cell::Text(text) => f.write_str(text),
            Cell::Flag(flag) => write!(f, "{flag}"),
            Cell::Number(number) => write!(f, "{number}"),
            Cell::List(items) => f.write_str(&items.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_trimmed_and_empty_ones_left_out() {
        assert_eq!(Cell::Text(" Can | Glass bottle||").labels("|"), ["Can", "Glass bottle"]);
        assert_eq!(Cell::Text("Can, Paper").labels(", "), ["Can", "Paper"]);
        assert_eq!(Cell::Text("person  chair").labels(" "), ["person", "chair"]);
        assert_eq!(Cell::List(vec![" a|b ", ""]).labels("|"), ["a|b"]);
        for nothing in [Cell::Null, Cell::Text(" "), Cell::Text("|"), Cell::List(vec![])] {
            assert!(nothing.labels("|").is_empty(), "{nothing}");
        }
    }

    #[test]
    fn flags_are_0_or_1() {
        for yes in [Cell::Flag(true), Cell::Number(1.0), Cell::Text(" 1"), Cell::Text("TRUE")] {
            assert_eq!(yes.flag(), Some(true));
        }
        for no in [Cell::Flag(false), Cell::Number(-0.0), Cell::Text("0.0"), Cell::Text("False")] {
            assert_eq!(no.flag(), Some(false));
        }
        for neither in [Cell::Null, Cell::Number(f64::NAN), Cell::Number(2.0), Cell::Text("yes")] {
            assert_eq!(neither.flag(), None, "{neither}");
        }
    }
}
