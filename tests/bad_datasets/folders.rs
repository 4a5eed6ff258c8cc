//! One folder per class.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use super::lab::{Lab, Said};

const DATASET: &str = "format = \"folders\"\nimages = \"images\"\ncheck_images = false\n";

/// Two classes of six images, which nobody opens.
fn sound() -> Lab {
    let lab = Lab::new();
    for i in 0..6 {
        lab.put(&format!("images/glass/{i}.jpg"), format!("glass {i}"));
        lab.put(&format!("images/metal/{i}.jpg"), format!("metal {i}"));
    }
    lab
}

fn said(change: impl FnOnce(&Lab), settings: &str) -> String {
    let lab = sound();
    change(&lab);
    lab.check(&format!("{DATASET}{settings}"), "folder")
}

#[test]
fn trees_with_faults_or_oddities() {
    let mut all = Said::default();
    let empty = |change: fn(&Lab)| {
        let lab = Lab::new();
        change(&lab);
        lab.check(DATASET, "folder")
    };
    all.add("a sound tree", said(|_| {}, ""));
    all.add("no folder", empty(|lab| std::fs::remove_dir(lab.path("images")).unwrap()));
    all.add(
        "a file in place of the folder",
        empty(|lab| {
            std::fs::remove_dir(lab.path("images")).unwrap();
            lab.put("images", "");
        }),
    );
    all.add("an empty folder", empty(|_| {}));
    all.add("other files only", empty(|lab| lab.put("images/glass/readme.txt", "")));
    all.add("images in no class", empty(|lab| lab.put("images/1.jpg", "")));
    let link = |from: &str, to: &str| {
        let (from, to) = (from.to_owned(), to.to_owned());
        move |lab: &Lab| symlink(to, lab.path(&from)).unwrap()
    };
    all.add("a link in a circle", said(link("images/glass/again", "../glass"), ""));
    all.add("a link to itself", said(link("images/glass/self.jpg", "self.jpg"), ""));
    all.add("a link that leads out", said(link("images/glass/out.jpg", "/etc/passwd"), ""));
    all.add("a folder that leads out", said(link("images/paper", "/etc"), ""));
    all.add("a link that leads nowhere", said(link("images/glass/gone.jpg", "nowhere.jpg"), ""));
    all.add("a class called image_id", said(|lab| lab.put("images/image_id/1.jpg", ""), ""));
    all.add("a class without images", said(|lab| lab.put("images/paper/notes.txt", ""), ""));
    all.add("a pipe called as an image", said(|lab| lab.pipe("images/glass/pipe.jpg"), ""));
    all.add("a folder called as an image", said(|lab| lab.put("images/glass/x.jpg/deep.txt", ""), ""));
    all.add("names that differ in case only", said(|lab| lab.put("images/glass/1.JPG", ""), ""));
    all.add("names that differ in folders only", said(|lab| lab.put("images/glass_1.jpg/1.jpg", ""), ""));
    all.add(
        "names that become one",
        said(
            |lab| {
                lab.put("images/glass/a/1.jpg", "");
                lab.put("images/glass/a_1.jpg", "");
            },
            "",
        ),
    );
    all.add("a name with a line end", said(|lab| lab.put("images/glass/1\n.jpg", ""), ""));
    let latin = |lab: &Lab| {
        let name = OsStr::from_bytes(b"K\xf6ln.jpg");
        std::fs::write(lab.path("images/glass").join(name), b"").unwrap();
    };
    all.add("a name that is not UTF-8", said(latin, ""));
    all.compare("folders.txt", 20);
}

#[test]
fn the_same_file_in_two_folders() {
    let mut all = Said::default();
    let copy = |lab: &Lab| lab.put("images/metal/1.jpg", "glass 1");
    all.add("as two images", said(copy, ""));
    all.add("as one image", said(copy, "same_file = \"one_image\""));
    all.add("a link, as one image", {
        let link = |lab: &Lab| symlink("../glass/1.jpg", lab.path("images/metal/other.jpg")).unwrap();
        said(link, "same_file = \"one_image\"")
    });
    all.add("a setting that is none", said(copy, "same_file = \"merge\""));
    let lab = sound();
    copy(&lab);
    assert!(lab.check(&format!("{DATASET}same_file = \"one_image\""), "folder").starts_with("exit 0"));
    let labels = lab.table("labels");
    assert!(labels.contains("\n1,1,1\n"), "{labels}");
    assert_eq!(labels.lines().count(), 12, "{labels}");
    // Another content, and they are two again: what a name stands for enters the key.
    lab.put("images/metal/1.jpg", "metal 1");
    assert!(lab.check(&format!("{DATASET}same_file = \"one_image\""), "folder").starts_with("exit 0"));
    assert_eq!(lab.table("labels").lines().count(), 13);
    all.compare("folders_same_file.txt", 4);
}
