//! The files of a spec: the study's own and those that it extends.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::document::Document;
use super::fault::{Fault, Place, Source, SpecError};

/// The largest spec that is read.
const MAX_BYTES: u64 = 1 << 20;

/// The file and those that it extends, lowest first, with their texts.
///
/// # Errors
/// A file that cannot be read, and files that extend one another in a circle. `below` are the sources before them.
pub(super) fn chain_of_files(path: &Path, below: &[Source]) -> Result<Vec<(PathBuf, String)>, SpecError> {
    let mut chain: Vec<Link> = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        // The place of `extends` in the file before, or none for the spec itself.
        let fail = |fault: Fault| {
            let mut sources = below.to_vec();
            let from = chain.last().map(|link| {
                sources.push(link.source());
                Place { source: sources.len() - 1, range: link.extends.clone() }
            });
            SpecError { sources, faults: vec![fault.at(from)] }
        };
        // Two paths of one file are one file.
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        if let Some(first) = chain.iter().position(|link| link.real == real) {
            let names: Vec<_> = chain[first..].iter().map(|link| file_name(&link.path)).collect();
            let around = format!("`{}` and `{}` again", names.join("`, `"), file_name(&path));
            let fault = Fault::new(format!("specs extend one another in a circle: {around}"));
            return Err(fail(fault.help("the last one must extend none of the others")));
        }
        let text = read_text(&path, chain.is_empty()).map_err(fail)?;
        let document = Document::parse(&text, 0).ok();
        let base = document.as_ref().and_then(|d| d.values.get("extends")?.as_str());
        next = base.map(|base| path.parent().map(|p| p.join(base)).unwrap_or_else(|| base.into()));
        let spans = document.as_ref().and_then(|d| d.spans.get(&["extends".to_owned()][..]));
        let extends = spans.map_or(0..0, |spans| spans.value.clone());
        chain.push(Link { path, real, text, extends });
    }
    Ok(chain.into_iter().rev().map(|link| (link.path, link.text)).collect())
}

/// One file of those that extend one another.
struct Link {
    path: PathBuf,
    /// Without links and `..`.
    real: PathBuf,
    text: String,
    /// Where it says what it extends.
    extends: Range<usize>,
}

impl Link {
    fn source(&self) -> Source {
        Source { name: self.path.display().to_string(), text: self.text.clone() }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The text of a spec: the study's own (`is_first`), or one that is extended.
fn read_text(path: &Path, is_first: bool) -> Result<String, Fault> {
    let shown = path.display();
    let meta = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound if is_first => {
            Fault::new(format!("there is no spec `{shown}`")).help("`ablatrix init` writes a first one")
        }
        std::io::ErrorKind::NotFound => Fault::new(format!("there is no spec `{shown}` to extend"))
            .help("a relative path is relative to the file that it stands in"),
        _ => Fault::new(format!("cannot read the spec `{shown}`: {error}")),
    })?;
    if !meta.is_file() {
        return Err(Fault::new(format!("the spec `{shown}` is not a file")));
    }
    if meta.len() > MAX_BYTES {
        return Err(Fault::new(format!(
            "the spec `{shown}` is too large: {} bytes, limit {MAX_BYTES}",
            meta.len()
        )));
    }
    let bytes =
        std::fs::read(path).map_err(|e| Fault::new(format!("cannot read the spec `{shown}`: {e}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Fault::new(format!("the spec `{shown}` is not UTF-8 at byte {at}"))
    })?;
    if text.trim().is_empty() {
        return Err(Fault::new(format!("the spec `{shown}` is empty"))
            .help("`ablatrix init` writes one to start from"));
    }
    Ok(text)
}
