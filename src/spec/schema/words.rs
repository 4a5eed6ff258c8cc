//! What each key means: the words of the reference page, so that page and schema say the same.

use std::collections::BTreeMap;

use crate::spec::ops::Action;

/// The reference page.
const PAGE: &str = include_str!("../../../docs/reference/spec.md");

/// Meanings by key: `train.epochs`, of a table that is chosen by its name `train.schedule[step].gamma`, of an op
/// `op[rotate].limit`.
pub(super) fn words() -> BTreeMap<String, String> {
    let mut words = BTreeMap::new();
    let mut place = Place::default();
    for line in PAGE.lines() {
        place.follow(line);
        if let Some(cells) = cells(line) {
            place.read(&cells, &mut words);
        }
    }
    for op in Action::manual() {
        let name = op.name;
        words.insert(format!("op[{name}]"), op.text.to_owned());
        for parameter in op.parameters {
            let unit = match parameter.unit {
                "" => String::new(),
                unit => format!(" Unit: {unit}."),
            };
            words.insert(format!("op[{name}].{}", parameter.name), format!("{}{unit}", parameter.text));
        }
    }
    words
}

/// Which table of the page is read.
#[derive(Default)]
struct Place {
    /// The section, as in `train`; none above the first one.
    section: Option<String>,
    /// A table within the section that a paragraph announces, as in `schedule`.
    table: Option<String>,
    /// Names of columns; empty outside of tables.
    head: Vec<String>,
    /// The name that rows without one belong to.
    name: String,
}

impl Place {
    /// Takes up headings, paragraphs and ends of tables.
    fn follow(&mut self, line: &str) {
        if let Some(heading) = line.strip_prefix("## ").or_else(|| line.strip_prefix("### ")) {
            self.table = None;
            let section = heading.strip_prefix("`[").and_then(|rest| rest.strip_suffix("]`"));
            match (heading, section) {
                ("Top level", _) => self.section = Some(String::new()),
                ("Groups", _) => self.section = Some("group".to_owned()),
                (_, Some(section)) => self.section = Some(section.to_owned()),
                // Of ops, which say themselves what they are.
                _ => self.section = None,
            }
        } else if let Some(rest) = line.strip_prefix('`')
            && let Some((word, after)) = rest.split_once('`')
            && after.starts_with([',', ';'])
        {
            self.table = Some(word.to_owned());
        }
        if !line.starts_with('|') {
            self.head.clear();
        }
    }

    /// Takes up a row: the names of the columns, or the meaning of keys.
    fn read(&mut self, cells: &[String], words: &mut BTreeMap<String, String>) {
        if self.head.is_empty() {
            self.head = cells.to_vec();
            return;
        }
        let Some(section) = &self.section else { return };
        let column = |name: &str| self.head.iter().position(|head| head == name).and_then(|at| cells.get(at));
        // Ops say themselves what they are.
        let (Some(keys), Some(meaning), None) = (column("key"), column("meaning"), column("`op`")) else {
            return;
        };
        if let Some(name) = column("`name`").filter(|name| !name.is_empty()) {
            self.name = name.trim_matches('`').to_owned();
        }
        let by_name = self.head.iter().any(|head| head == "`name`");
        let table: Vec<&str> = [Some(section.as_str()), self.table.as_deref()]
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect();
        let table = table.join(".");
        for key in keys.split('`').skip(1).step_by(2) {
            let path = match (table.as_str(), by_name) {
                ("", _) => key.to_owned(),
                (table, true) => format!("{table}[{}].{key}", self.name),
                (table, false) => format!("{table}.{key}"),
            };
            words.insert(path, plain(meaning));
        }
    }
}

/// The cells of a row; `None` for other lines, and for the line below the names of columns.
fn cells(line: &str) -> Option<Vec<String>> {
    let row = line.strip_prefix('|')?.trim_end().strip_suffix('|')?;
    if row.chars().all(|c| "|-: ".contains(c)) {
        return None;
    }
    // A bar that is meant stands behind a backslash.
    let row = row.replace("\\|", "\u{1}");
    Some(row.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect())
}

/// Without links: `[text](where)` is `text`.
fn plain(meaning: &str) -> String {
    let mut text = String::new();
    let mut rest = meaning;
    while let Some((before, after)) = rest.split_once("](") {
        match (before.rfind('['), after.split_once(')')) {
            (Some(open), Some((_, behind))) => {
                text.push_str(&before[..open]);
                text.push_str(&before[open + 1..]);
                rest = behind;
            }
            _ => {
                text.push_str(before);
                text.push_str("](");
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_where_they_stand() {
        let words = words();
        assert!(words["name"].starts_with("Name of the study"));
        assert!(words["dataset.label_separator"].contains("two labels"));
        assert_eq!(words["train.schedule[step].gamma"], "The factor.");
        assert!(words["train.optimizer.lr"].starts_with("Learning rate"));
        assert!(words["train.early_stopping.patience"].starts_with("Epochs without"));
        assert!(words["workers.slurm.qos"].contains("quality of service"));
        assert!(words["op[rotate].limit"].contains("Unit: degrees."));
        assert!(words["group.some_of"].contains("`n = 2`"));
        assert!(words["dataset.delimiter"].contains("tab or `|`"), "{}", words["dataset.delimiter"]);
    }

    #[test]
    fn links_become_their_text() {
        assert_eq!(plain("See [a page](a.md#b), or [x]; [c](d)."), "See a page, or [x]; c.");
    }
}
