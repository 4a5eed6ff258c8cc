//! Parquet.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, Int64Builder, ListBuilder, RecordBatch, StringArray,
};
use parquet::arrow::ArrowWriter;

use super::lab::{Lab, Said};

const DATASET: &str =
    "format = \"parquet\"\nannotations = \"labels.parquet\"\nimages = \"images\"\ncheck_images = false\n";

fn said(bytes: &[u8], settings: &str) -> String {
    let lab = Lab::new();
    lab.put("labels.parquet", bytes);
    lab.check(&format!("{DATASET}{settings}"), "columns")
}

fn bytes(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// The names of `n` images.
fn names(n: usize) -> ArrayRef {
    Arc::new(StringArray::from_iter_values((0..n).map(|i| format!("{i}.jpg"))))
}

fn flags(n: usize) -> ArrayRef {
    Arc::new(BooleanArray::from_iter((0..n).map(|i| Some(i % 2 == 0))))
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn numbers(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

#[test]
fn files_that_are_none_or_damaged() {
    let whole = bytes(vec![("file_name", names(12)), ("Can", flags(12))]);
    let mut all = Said::default();
    all.add("a sound file", said(&whole, ""));
    all.add("an empty file", said(b"", ""));
    all.add("no Parquet", said(b"file_name,Can\n1.jpg,1\n", ""));
    all.add("cut in the middle", said(&whole[..whole.len() / 2], ""));
    all.add("the last byte is missing", said(&whole[..whole.len() - 1], ""));
    let mut damaged = whole.clone();
    damaged[8..60].fill(0xff);
    all.add("damaged pages", said(&damaged, ""));
    // What a flipped bit does depends on its place; here it counts that nothing panics, hangs or is half-written.
    for place in (4..whole.len()).step_by(29) {
        let mut flipped = whole.clone();
        flipped[place] ^= 1 << (place % 8);
        said(&flipped, "");
    }
    let lab = Lab::new();
    all.add("no file", lab.check(DATASET, "columns"));
    lab.pipe("labels.parquet");
    all.add("a pipe in place of the file", lab.check(DATASET, "columns"));
    all.compare("parquet_file.txt", 8);
}

#[test]
fn columns_and_rows_that_do_not_fit() {
    let mut all = Said::default();
    let two = |name: ArrayRef, label: ArrayRef| bytes(vec![("file_name", name), ("Can", label)]);
    for (case, columns) in [
        ("no rows", two(names(0), flags(0))),
        ("no column of images", bytes(vec![("image", names(2)), ("Can", flags(2))])),
        ("no label", bytes(vec![("file_name", names(2))])),
        ("names that are numbers", two(numbers(&[Some(1), Some(2)]), flags(2))),
        ("labels that are text", two(names(2), texts(&[Some("1"), Some("0")]))),
        ("a label that is 2", two(names(2), numbers(&[Some(2), Some(0)]))),
        ("a label that is null", two(names(2), numbers(&[Some(1), None]))),
        ("a label that is NaN", two(names(2), Arc::new(Float64Array::from(vec![f64::NAN, 1.0])))),
        ("a name that is null", two(texts(&[Some("1.jpg"), None]), flags(2))),
        ("an image twice", two(texts(&[Some("1.jpg"), Some("1.jpg")]), flags(2))),
        ("a name that climbs out", two(texts(&[Some("../1.jpg"), Some("2.jpg")]), flags(2))),
    ] {
        all.add(case, said(&columns, ""));
    }
    let part = bytes(vec![("file_name", names(2)), ("part", texts(&[Some("dev"), None])), ("Can", flags(2))]);
    all.add("a part that is none", said(&part, "part_column = \"part\""));
    let setting = "label_column = \"labels\"";
    let mut lists = ListBuilder::new(Int64Builder::new());
    lists.append_value([Some(1)]);
    let lists = bytes(vec![("file_name", names(1)), ("labels", Arc::new(lists.finish()))]);
    all.add("lists of numbers", said(&lists, setting));
    let empty = bytes(vec![("file_name", names(2)), ("labels", texts(&[None, Some("")]))]);
    all.add("no labels at all", said(&empty, setting));
    all.compare("parquet_rows.txt", 14);
}
