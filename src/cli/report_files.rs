//! A report's files, out of the cache to where people look for them.

use std::path::{Path, PathBuf};

use super::render::{Failure, with_cause};
use super::study::{Study, cache_failure};
use crate::cache::{Entry, write_atomic};
use crate::layout;
use crate::plan::output;
use crate::report::figures;

/// Copies every output of the report. Returns the place of the page.
///
/// # Errors
/// Where the cache is damaged, or the folder cannot be written.
pub fn write(study: &Study, entry: &Entry, reports: &Path) -> Result<PathBuf, Failure> {
    let mut objects = std::collections::HashMap::new();
    for (name, output) in &entry.outputs {
        let object = study.store.object(&output.digest).map_err(|error| cache_failure(&error))?;
        objects.insert(name.as_str(), object);
    }
    let names: Vec<&str> = entry.outputs.keys().map(String::as_str).collect();
    let experiment = &study.plan.experiment.name;
    let written = remove_others(reports, experiment, &names)
        .and_then(|()| put(reports, experiment, &names, |name| std::fs::read(&objects[name])));
    written
        .map_err(|why| Failure::text(1, &why, Some("name a folder that can be written with `--reports DIR`")))
}

/// Figures that the study no longer has are removed: they would tell of another one.
fn remove_others(reports: &Path, experiment: &str, names: &[&str]) -> Result<(), String> {
    let of_figures = layout::report_figures(reports, experiment);
    for figure in figures::NAMES {
        for name in output::FIGURE_KINDS.map(|kind| format!("{figure}.{kind}")) {
            if !names.contains(&name.as_str()) {
                remove(&of_figures.join(name))?;
            }
        }
    }
    Ok(())
}

/// Writes the files of these names, each whole or not at all; one that is there already with the same bytes is left alone. Returns the
/// place of the page.
///
/// # Errors
/// What cannot be read or written, and why.
pub fn put(
    reports: &Path,
    experiment: &str,
    names: &[&str],
    read: impl Fn(&str) -> std::io::Result<Vec<u8>>,
) -> Result<PathBuf, String> {
    let page = layout::report_page(reports, experiment);
    let folder = page.parent().map(Path::to_owned).unwrap_or_default();
    let of_figures = layout::report_figures(reports, experiment);
    let write = |name: &str, place: &Path| {
        let bytes = read(name).map_err(|error| format!("cannot read `{name}`: {error}"))?;
        if std::fs::read(place).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        write_atomic(place, &bytes).map_err(|error| with_cause(&error))
    };
    for name in names.iter().filter(|name| **name != output::PAGE) {
        let parent = if output::is_figure(name) { &of_figures } else { &folder };
        write(name, &parent.join(name))?;
    }
    // Last: who waits for the page finds the rest there.
    write(output::PAGE, &page)?;
    Ok(page)
}

fn remove(place: &Path) -> Result<(), String> {
    match std::fs::remove_file(place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound && place.exists() => {
            Err(format!("cannot remove `{}`, a figure of an older report: {error}", place.display()))
        }
        _ => Ok(()),
    }
}
