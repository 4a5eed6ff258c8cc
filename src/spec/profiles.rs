//! `[profile.NAME]`: values of a file that hold only where the profile is chosen.

use figment::value::{Dict, Value};

use super::document::Document;
use super::fault::{Fault, Place};

/// The table that holds the profiles of a file.
const TABLE: &str = "profile";
/// What says which files there are, and so cannot hang on what they say.
const OF_FILES: [&str; 2] = ["extends", TABLE];

/// A profile of one file.
#[derive(Clone, Debug)]
pub(super) struct ProfileTable {
    /// Its name.
    pub name: String,
    /// Its values, with their places in the file.
    pub document: Document,
}

/// Takes the profiles out of a file, which is the source numbered `source`.
///
/// # Errors
/// What stands in the place of a profile and is none.
pub(super) fn take_profiles(document: &mut Document, source: usize) -> Result<Vec<ProfileTable>, Vec<Fault>> {
    let Some(value) = document.values.remove(TABLE) else {
        return Ok(Vec::new());
    };
    let place = |path: &[String], of_key: bool| {
        let spans = document.spans.get(path)?;
        Some(Place { source, range: if of_key { spans.key.clone() } else { spans.value.clone() } })
    };
    let top = vec![TABLE.to_owned()];
    let Value::Dict(_, tables) = value else {
        let fault = Fault::new("`profile` is no table").at(place(&top, true));
        return Err(vec![fault.help("each profile is a table of its own, as `[profile.quick]`")]);
    };
    let (mut profiles, mut faults) = (Vec::new(), Vec::new());
    for (name, value) in tables {
        let path = vec![TABLE.to_owned(), name.clone()];
        let Value::Dict(_, values) = value else {
            let fault = Fault::new(format!("`{name}` in `[profile]` is no profile")).at(place(&path, true));
            let written =
                format!("values stand in a table with its name: `[profile.quick]`, then `{name} = …`");
            faults.push(fault.help(written));
            continue;
        };
        for key in OF_FILES.into_iter().filter(|key| values.contains_key(*key)) {
            let at: Vec<String> = path.iter().cloned().chain([key.to_owned()]).collect();
            let fault = Fault::new(format!("`{key}` cannot stand in a profile")).at(place(&at, true));
            faults.push(fault.help("a profile holds other values for the same files"));
        }
        profiles.push(ProfileTable { document: own_document(document, &path, values), name });
    }
    document.spans.retain(|path, _| path.first().is_none_or(|first| first != TABLE));
    if faults.is_empty() { Ok(profiles) } else { Err(faults) }
}

/// The values of a profile as a document, its places as they are in the file.
fn own_document(file: &Document, path: &[String], values: Dict) -> Document {
    let inside = file.spans.range(path.to_vec()..).take_while(|(at, _)| at.starts_with(path));
    let spans = inside.map(|(at, spans)| (at[path.len()..].to_vec(), spans.clone())).collect();
    Document { values, spans }
}
