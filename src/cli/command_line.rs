//! Commands of this program as they can be pasted into a shell.

use std::path::{Path, PathBuf};

/// A command, word by word.
pub struct CommandLine(Vec<String>);

impl CommandLine {
    /// `ablatrix VERB SPEC...`; a verb may be of two words.
    pub fn new<'a>(verb: &str, specs: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        let specs = specs.into_iter().map(|spec| spec.display().to_string());
        let verb = verb.split(' ').map(str::to_owned);
        CommandLine(std::iter::once("ablatrix".to_owned()).chain(verb).chain(specs).collect())
    }

    /// `NAME VALUE`
    pub fn option(&mut self, name: &str, value: String) {
        self.0.extend([name.to_owned(), value]);
    }

    /// `NAME`, where it is given.
    pub fn flag(&mut self, name: &str, given: bool) {
        self.0.extend(given.then(|| name.to_owned()));
    }

    /// What overrides the spec, and the folders that are not the usual ones.
    pub fn setting(&mut self, sets: &[String], cache: &Path, reports: &Path) {
        for set in sets {
            self.option("--set", set.clone());
        }
        for (name, folder, usual) in [("--cache", cache, "cache"), ("--reports", reports, "reports")] {
            if folder != Path::new(usual) {
                self.option(name, folder.display().to_string());
            }
        }
    }

    /// Quoted where a shell would read more into it.
    pub fn quoted(&self) -> String {
        let words = self.0.iter().map(String::as_str);
        // No shell word holds a null byte, so that all of these can be quoted.
        shlex::try_join(words.clone()).unwrap_or_else(|_| words.collect::<Vec<_>>().join(" "))
    }
}
