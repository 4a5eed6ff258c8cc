//! CSV and TSV.

use super::lab::{Lab, Said};

const DATASET: &str =
    "format = \"csv\"\nannotations = \"labels.csv\"\nimages = \"images\"\ncheck_images = false\n";

fn said(text: impl AsRef<[u8]>, settings: &str) -> String {
    let lab = Lab::new();
    lab.put("labels.csv", text);
    lab.check(&format!("{DATASET}{settings}"), "columns")
}

/// Twelve lines: the name, what `cell` gives, and a line end.
fn lines(cell: impl Fn(usize) -> String) -> String {
    (0..12).map(|i| format!("{i}.jpg,{}\n", cell(i))).collect()
}

#[test]
fn a_column_per_label() {
    let sound = lines(|i| format!("{},{}", i % 2, (i + 1) % 2));
    let head = |names: &str, line: &str| format!("file_name,{names}\n{sound}{line}\n");
    let mut all = Said::default();
    for (case, text) in [
        ("a sound file", head("Can,Bottle", "")),
        ("an empty file", String::new()),
        ("a byte order mark only", "\u{feff}".into()),
        ("line ends only", "\n\r\n".into()),
        ("only a header", "file_name,Can,Bottle\n".into()),
        ("no column of images", head("Can,Bottle", "").replacen("file_name", "image", 1)),
        ("no label", "file_name\n1.jpg\n".into()),
        ("a column twice", head("Can,Can", "")),
        ("a column that pandas renamed", head("Bottle,Bottle.1", "")),
        ("a column without a name", head(",Can", "")),
        ("a column called image_id", head("image_id,Can", "")),
        ("a line that is too short", head("Can,Bottle", "99.jpg,1")),
        ("a line that is too long", head("Can,Bottle", "99.jpg,1,0,0")),
        ("a quote that is not closed", head("Can,Bottle", "\"99.jpg,1,0")),
        ("a 2", head("Can,Bottle", "99.jpg,2,0")),
        ("an empty label", head("Can,Bottle", "99.jpg,,0")),
        ("a word", head("Can,Bottle", "99.jpg,yes,no")),
        ("NaN", head("Can,Bottle", "99.jpg,NaN,0")),
        ("a probability", head("Can,Bottle", "99.jpg,0.7,0")),
        ("an image twice", head("Can,Bottle", "3.jpg,1,0")),
        ("names that differ in case only", head("Can,Bottle", "3.JPG,1,0")),
        ("a name that climbs out", head("Can,Bottle", "../secret.jpg,1,0")),
        ("an absolute name", head("Can,Bottle", "/etc/passwd,1,0")),
        ("a name of a share", head("Can,Bottle", "\\\\host\\x.jpg,1,0")),
        ("an empty name", head("Can,Bottle", ",1,0")),
        ("a name with a line end", head("Can,Bottle", "\"99\n.jpg\",1,0")),
        ("NUL bytes in a line", head("Can,Bottle", "99.jpg\0,1,0\0")),
        ("NUL bytes only", "\0".repeat(5000)),
        ("JSON", "{\"images\": [], \"annotations\": []}".into()),
        ("many faults of several kinds", head("Can,Bottle", "3.jpg,x,0\n../y,7,0\n5.jpg\n6.jpg,1,0")),
    ] {
        all.add(case, said(text, ""));
    }
    all.add("Latin-1", said(b"file_name,Can\nK\xf6ln.jpg,1\n", ""));
    all.add("Latin-1 in the header", said(b"file_name,T\xfcte\n1.jpg,1\n", ""));
    let utf16: Vec<u8> = "\u{feff}file_name,Can\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    all.add("UTF-16", said(utf16, ""));
    all.add("another delimiter than the given one", said(head("Can,Bottle", ""), "delimiter = \";\""));
    all.add("a delimiter that is none", said("", "delimiter = \"comma\""));
    all.add("one column for two things", said("", "part_column = \"file_name\""));
    all.add("no column of parts", said(head("Can,Bottle", ""), "part_column = \"part\""));
    all.add("a part that is none", said("file_name,part,Can\n1.jpg,dev,1\n", "part_column = \"part\""));
    all.compare("csv_columns.txt", 38);
}

#[test]
fn one_column_of_labels() {
    let setting = "label_column = \"labels\"\n";
    let head = |line: &str| {
        let sound = lines(|i| ["Can", "Bottle|Can", ""][i % 3].to_owned());
        format!("file_name,labels\n{sound}{line}\n")
    };
    let mut all = Said::default();
    for (case, text) in [
        ("a sound file", head("")),
        ("no such column", head("").replacen("labels", "label", 1)),
        ("the column twice", head("").replacen("labels", "labels,labels", 1)),
        ("a label twice in a cell", head("99.jpg,Can|Can")),
        ("a label called image_id", head("99.jpg,Can|image_id")),
        ("a label with a NUL byte", head("99.jpg,C\0an")),
        ("no labels at all", "file_name,labels\n1.jpg,\n2.jpg,|\n".into()),
    ] {
        all.add(case, said(text, setting));
    }
    let other = format!("file_name,labels\n{}", lines(|i| ["Can", "Bottle;Can"][i % 2].to_owned()));
    all.add("another separator", said(other, setting));
    all.add("an empty separator", said(head(""), &format!("{setting}label_separator = \"\"")));
    all.compare("csv_separated.txt", 9);
}

#[test]
fn no_file_of_labels() {
    let mut all = Said::default();
    let lab = Lab::new();
    all.add("no file", lab.check(DATASET, "columns"));
    std::fs::create_dir(lab.path("labels.csv")).unwrap();
    all.add("a folder in place of the file", lab.check(DATASET, "columns"));
    std::fs::remove_dir(lab.path("labels.csv")).unwrap();
    lab.pipe("labels.csv");
    all.add("a pipe in place of the file", lab.check(DATASET, "columns"));
    all.compare("csv_file.txt", 3);
}
