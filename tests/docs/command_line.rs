//! The page of the command line is the program's own help. `BLESS=1 cargo test --test docs` writes it anew.

use std::fs;
use std::process::Command;

use super::page::root;

const PAGE: &str = "docs/reference/cli.md";

/// What stands before is written by hand.
const MARK: &str = "<!-- From here on written by `BLESS=1 cargo test --test docs`. -->\n";

/// What `ablatrix WORDS --help` prints, without spaces at the ends of lines.
fn help(words: &[String]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ablatrix"));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("ABLATRIX_") {
            command.env_remove(variable);
        }
    }
    let output = command.args(words).arg("--help").env("COLUMNS", "100").output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// The verbs that a help lists: the words behind two spaces, below `Commands:`.
fn verbs(help: &str) -> Vec<String> {
    let listed =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help").map(str::to_owned).collect()
}

/// Each verb with its help, those of a verb that has some itself in its place.
fn all(words: &[String]) -> Vec<(Vec<String>, String)> {
    let help = help(words);
    let below = verbs(&help);
    if below.is_empty() {
        return vec![(words.to_vec(), help)];
    }
    below.iter().flat_map(|verb| all(&[words, std::slice::from_ref(verb)].concat())).collect()
}

fn reference() -> String {
    let verbs = all(&[]);
    let mut page = String::from("\n| verb | |\n|---|---|\n");
    for (words, help) in &verbs {
        let (name, anchor) = (words.join(" "), words.join("-"));
        let about: Vec<&str> = help.lines().take_while(|line| !line.is_empty()).collect();
        let about = about.join(" ").replace('|', "\\|");
        page += &format!("| [`{name}`](#ablatrix-{anchor}) | {about} |\n");
    }
    for (words, help) in &verbs {
        page += &format!("\n## `ablatrix {}`\n\n```text\n{}\n```\n", words.join(" "), help.trim_end());
    }
    page
}

#[test]
fn the_page_of_the_command_line_is_the_programs_help() {
    let path = root().join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let (by_hand, shown) = page.split_once(MARK).unwrap_or_else(|| panic!("{PAGE} lacks the line {MARK}"));
    let told = reference();
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, format!("{by_hand}{MARK}{told}")).unwrap();
        return;
    }
    let wrong = shown.lines().zip(told.lines()).find(|(shown, told)| shown != told);
    assert!(shown == told, "{PAGE} is not what the program says; first at {wrong:?}; BLESS=1 writes it anew");
}

#[test]
fn the_page_of_tables_has_each_of_them() {
    let page = fs::read_to_string(root().join("docs/reference/tables.md")).unwrap();
    let help = help(&["table".to_owned()]);
    let names: Vec<&str> = help
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("- ")?.split_once(':'))
        .map(|(name, _)| name)
        .filter(|name| !matches!(*name, "text" | "json"))
        .collect();
    assert!(names.contains(&"effects"), "{names:?}");
    let lacking: Vec<_> = names.iter().filter(|name| !page.contains(&format!("## `{name}`\n"))).collect();
    assert!(lacking.is_empty(), "docs/reference/tables.md lacks {lacking:?}");
}
