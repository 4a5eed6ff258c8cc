//! The pictures that a command line means: files, all that lies in folders, and what a list names.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::render::Failure;
use super::study::shown;

/// The endings of pictures in folders; a file that is named itself may have any.
const ENDINGS: [&str; 3] = ["jpg", "jpeg", "png"];

/// The pictures in the order of the command line, those of a folder by their paths, those of the list last. A file that is not there is
/// found when it is read.
///
/// # Errors
/// Rendered: a folder or the list cannot be read, or there is no picture.
pub fn gather(named: &[PathBuf], list: Option<&Path>) -> Result<Vec<PathBuf>, Failure> {
    let mut pictures = Vec::new();
    for path in named {
        if !path.is_dir() {
            pictures.push(path.clone());
            continue;
        }
        let before = pictures.len();
        walk(path, &mut HashSet::new(), &mut pictures)?;
        if pictures.len() == before {
            let message = format!("the folder `{}` has no `.jpg`, `.jpeg` or `.png` in it", shown(path));
            return Err(Failure::text(
                2,
                &message,
                Some("name files of other endings one by one, or in `--list`"),
            ));
        }
    }
    if let Some(list) = list {
        pictures.extend(listed(&read(list)?));
    }
    if pictures.is_empty() {
        let help = "name files or folders behind the spec, or a list of them: `--list FILE`, `--list -`";
        return Err(Failure::text(2, "there is no picture to look at", Some(help)));
    }
    Ok(pictures)
}

/// All pictures below a folder, sorted by name, folder by folder. One that a link leads back to is not walked again.
fn walk(folder: &Path, above: &mut HashSet<PathBuf>, pictures: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::text(1, &format!("cannot read the folder `{}`: {error}", shown(folder)), None)
    };
    let real = folder.canonicalize().map_err(failed)?;
    if !above.insert(real.clone()) {
        return Ok(());
    }
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| Ok(entry?.path())).collect::<Result<_, _>>().map_err(failed)?;
    paths.sort_unstable();
    for path in paths {
        if path.is_dir() {
            walk(&path, above, pictures)?;
        } else if is_picture(&path) {
            pictures.push(path);
        }
    }
    above.remove(&real);
    Ok(())
}

fn is_picture(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

fn read(list: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = match list {
        list if list == Path::new("-") => std::io::stdin().lock().read_to_end(&mut bytes).map(drop),
        list => std::fs::read(list).map(|read| bytes = read),
    };
    read.map_err(|error| {
        Failure::text(2, &format!("cannot read the list `{}`: {error}", shown(list)), None)
    })?;
    Ok(bytes)
}

/// The paths of a list, one on a line; empty lines are passed over.
fn listed(text: &[u8]) -> impl Iterator<Item = PathBuf> + '_ {
    let lines = text.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let lines = lines.filter(|line| !line.trim_ascii().is_empty());
    lines.map(|line| PathBuf::from(OsString::from_vec(line.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_walked_in_order_and_lists_read_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(path("in/b")).unwrap();
        for name in ["in/b/2.PNG", "in/c.jpeg", "in/a.jpg", "in/notes.txt", "other.bin"] {
            std::fs::write(path(name), "").unwrap();
        }
        // A link back up: no endless walk, and no picture twice.
        std::os::unix::fs::symlink(path("in"), path("in/b/up")).unwrap();
        std::fs::write(path("list"), "x y.jpg\r\n\n/z.png").unwrap();
        let found = gather(&[path("other.bin"), path("in")], Some(&path("list"))).unwrap();
        let expected = [
            path("other.bin"),
            path("in/a.jpg"),
            path("in/b/2.PNG"),
            path("in/c.jpeg"),
            "x y.jpg".into(),
            "/z.png".into(),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn nothing_to_look_at_is_said() {
        let folder = tempfile::tempdir().unwrap();
        assert!(gather(&[folder.path().to_owned()], None).unwrap_err().text.contains("no `.jpg`"));
        assert_eq!(gather(&[], None).unwrap_err().code, 2);
        assert!(
            gather(&[], Some(&folder.path().join("none"))).unwrap_err().text.contains("cannot read the list")
        );
    }
}
