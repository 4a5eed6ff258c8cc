//! A page of the book, line by line. Knows of Markdown what the book uses: fences, headings, links, code in backticks.

use std::fs;
use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A page.
pub struct Page {
    /// The path below the repository, with `/` between its parts.
    pub name: String,
    text: String,
}

/// What a line of a page is.
#[derive(Debug, PartialEq)]
pub enum Line<'a> {
    /// Outside of fences.
    Prose(&'a str),
    /// Opens a fence.
    Opens {
        /// What stands behind the backticks: a language, and words behind commas.
        info: &'a str,
        /// It belongs to a list.
        indented: bool,
    },
    /// Between the lines that open and close a fence.
    Fenced(&'a str),
    /// Closes a fence.
    Closes,
}

impl Page {
    /// Reads the page of that name.
    pub fn read(name: &str) -> Self {
        let text = fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        Page { name: name.to_owned(), text }
    }

    /// A page that is on no disk.
    pub fn of_text(text: &str) -> Self {
        Page { name: "page.md".to_owned(), text: text.to_owned() }
    }

    /// All pages below a folder, in the order of their names.
    pub fn all_below(folder: &str) -> Vec<Self> {
        let mut names = Vec::new();
        gather(&root().join(folder), &mut names);
        names.sort();
        assert!(!names.is_empty(), "no pages below `{folder}`");
        names.iter().map(|name| Page::read(name)).collect()
    }

    /// Its lines in order. A fence is closed by at least as many backticks as opened it.
    pub fn lines(&self) -> Vec<Line<'_>> {
        let mut fence: Option<usize> = None;
        let mut lines = Vec::new();
        for text in self.text.lines() {
            let bare = text.trim_start();
            let ticks = bare.chars().take_while(|&c| c == '`').count();
            lines.push(match fence {
                None if ticks >= 3 => {
                    fence = Some(ticks);
                    Line::Opens { info: bare[ticks..].trim(), indented: bare.len() < text.len() }
                }
                None => Line::Prose(text),
                Some(opened) if ticks >= opened && bare[ticks..].trim().is_empty() => {
                    fence = None;
                    Line::Closes
                }
                Some(_) => Line::Fenced(text),
            });
        }
        assert!(fence.is_none(), "{}: a fence is not closed", self.name);
        lines
    }

    /// The targets of its links and pictures, each with the line that it stands in, from 1.
    pub fn links(&self) -> Vec<(usize, String)> {
        let mut links = Vec::new();
        for (at, line) in self.lines().into_iter().enumerate() {
            let Line::Prose(text) = line else { continue };
            let text = without_code(text);
            for mark in ["](", "src=\"", "href=\""] {
                for after in text.split(mark).skip(1) {
                    let target = after.split([')', ' ', '"']).next().unwrap_or_default();
                    links.push((at + 1, target.to_owned()));
                }
            }
        }
        links
    }

    /// The anchors of its headings, as mdBook and GitHub make them. Of equal ones the second ends in `-1`, and so on.
    pub fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        for line in self.lines() {
            let Line::Prose(text) = line else { continue };
            let heading = text.trim_start_matches('#');
            if heading.len() < text.len() && heading.starts_with(' ') {
                let anchor = anchor(heading);
                let earlier = anchors.iter().filter(|other| **other == anchor).count();
                anchors.push(if earlier == 0 { anchor } else { format!("{anchor}-{earlier}") });
            }
        }
        anchors
    }
}

/// Names of pages below `folder`, as paths below the repository.
fn gather(folder: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, names);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            names.push(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
        }
    }
}

fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        _ => c.is_alphanumeric().then_some(c),
    });
    kept.flat_map(char::to_lowercase).collect()
}

/// The line without what stands between backticks.
fn without_code(line: &str) -> String {
    let (mut kept, mut rest) = (String::new(), line);
    while let Some(start) = rest.find('`') {
        let ticks = rest[start..].chars().take_while(|&c| c == '`').count();
        let (tick, after) = (&rest[start..start + ticks], &rest[start + ticks..]);
        kept.push_str(&rest[..start]);
        rest = after.find(tick).map_or(after, |end| &after[end + ticks..]);
    }
    kept + rest
}
