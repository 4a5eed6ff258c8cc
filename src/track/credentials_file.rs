//! The file in which MLflow's Python client keeps a login: `~/.mlflow/credentials`, in the format of Python's `configparser`.
//!
//! ```text
//! [mlflow]
//! mlflow_tracking_username = ann
//! mlflow_tracking_password = ...
//! ```
//!
//! Takes the home folder; gives what stands there. A file that is not there, or is something else, holds no login: the server then
//! says that one is needed.

use std::path::Path;

/// The section that counts.
const SECTION: &str = "mlflow";

/// A login, as far as the file has one.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Saved {
    pub username: Option<String>,
    pub password: Option<String>,
}

/// What is kept in this home folder.
pub(super) fn read(home: &Path) -> Saved {
    let file = home.join(".mlflow").join("credentials");
    std::fs::read_to_string(file).map(|text| parse(&text)).unwrap_or_default()
}

/// Sections in brackets, `key = value` or `key: value`, comments behind `#` or `;` at the start of a line.
fn parse(text: &str) -> Saved {
    let mut saved = Saved::default();
    let mut counts = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            counts = name == SECTION;
            continue;
        }
        let Some((key, value)) = line.split_once(['=', ':']).filter(|_| counts) else { continue };
        // configparser writes a percent sign twice.
        let value = Some(value.trim().replace("%%", "%")).filter(|value| !value.is_empty());
        match key.trim().to_ascii_lowercase().as_str() {
            "mlflow_tracking_username" => saved.username = value,
            "mlflow_tracking_password" => saved.password = value,
            _ => {}
        }
    }
    saved
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(text: &str) -> (Option<String>, Option<String>) {
        let saved = parse(text);
        (saved.username, saved.password)
    }

    #[test]
    fn the_section_of_mlflow_counts_and_no_other() {
        let text = "[default]\nmlflow_tracking_username = eve\n# a comment\n\n[mlflow]\n\
                    MLFLOW_TRACKING_USERNAME=ann\nmlflow_tracking_password : a=b:c%%\n[other]\nmlflow_tracking_password = x\n";
        assert_eq!(login(text), (Some("ann".into()), Some("a=b:c%".into())));
    }

    #[test]
    fn what_is_no_login_is_none() {
        for text in [
            "",
            "hello",
            "mlflow_tracking_username = ann",
            "[mlflow]\nmlflow_tracking_username =\n",
            "[mlflow",
        ] {
            assert_eq!(login(text), (None, None), "{text}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()) == Saved::default());
    }
}
