//! Links below an images folder that lead out of it.
//!
//! Large sets are laid out by links, so that they are followed where a table or a COCO file names the image; whoever reads a set of
//! others should know of them. What is said is of the folder as it lies now: no key and no result holds it.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;

use super::notice::{Notice, NoticeKind};

/// Says which of the images at `paths`, relative to `root`, lie behind a link that leads out of `root`. An image that is not there, or
/// cannot be looked at, is none of them.
pub fn leading_out(root: &Path, paths: &[&str]) -> Option<Notice> {
    let real_root = root.canonicalize().ok()?;
    let is_out = |place: &Path| place.canonicalize().is_ok_and(|real| !real.starts_with(&real_root));
    // Folders are few: each is looked at once.
    let mut is_folder_out: BTreeMap<&str, bool> = BTreeMap::new();
    for path in paths {
        let folder = folder_of(path);
        is_folder_out.entry(folder).or_insert_with(|| is_out(&root.join(folder)));
    }
    let leads_out = |path: &&&str| {
        let place = root.join(path);
        is_folder_out.get(folder_of(path)) == Some(&true) || (is_link(&place) && is_out(&place))
    };
    let out: Vec<&str> = paths.par_iter().filter(leads_out).copied().collect();
    let what = "images behind links that lead out of the images folder, which are followed";
    (!out.is_empty()).then(|| Notice::about(NoticeKind::LinksLeadOut, what, &out))
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn is_link(place: &Path) -> bool {
    place.symlink_metadata().is_ok_and(|meta| meta.is_symlink())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_of_files_and_folders_that_lead_out_are_told_and_others_are_not() {
        let place = tempfile::tempdir().unwrap();
        let (root, outside) = (place.path().join("images"), place.path().join("outside"));
        fs::create_dir_all(root.join("real/deep")).unwrap();
        fs::create_dir_all(outside.join("deep")).unwrap();
        for file in [root.join("a.jpg"), root.join("real/deep/b.jpg"), outside.join("deep/c.jpg")] {
            fs::write(file, "picture").unwrap();
        }
        symlink("../outside/deep/c.jpg", root.join("file.jpg")).unwrap();
        symlink(&outside, root.join("folder")).unwrap();
        symlink("real", root.join("within")).unwrap();
        symlink("../images/a.jpg", root.join("round.jpg")).unwrap();
        symlink("../nowhere.jpg", root.join("dangling.jpg")).unwrap();
        let inside =
            ["a.jpg", "real/deep/b.jpg", "within/deep/b.jpg", "round.jpg", "dangling.jpg", "gone/d.jpg"];
        assert_eq!(leading_out(&root, &inside), None);
        let all = [&inside[..], &["folder/deep/c.jpg", "file.jpg"]].concat();
        let notice = leading_out(&root, &all).unwrap();
        assert_eq!((notice.kind, notice.count), (NoticeKind::LinksLeadOut, 2));
        assert!(
            notice.message.ends_with("which are followed: `folder/deep/c.jpg`, `file.jpg`"),
            "{}",
            notice.message
        );
        // The images folder itself may be a link.
        let alias = place.path().join("alias");
        symlink("images", &alias).unwrap();
        assert_eq!(leading_out(&alias, &inside), None);
        assert_eq!(leading_out(&place.path().join("none"), &all), None);
    }
}
