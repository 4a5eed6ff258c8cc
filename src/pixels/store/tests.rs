//! A store is built from files, read back, and partly taken over.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::fingerprint::Digest;
use crate::pixels::{decode, resize};
use crate::spec::settings::Fit;

/// Copies golden pictures into `dir` and lists them as sources, ids 10, 11, ...
fn sources(dir: &Path) -> Vec<Source> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pixels/decode");
    let names = ["rgb_420.jpg", "grey.jpg", "wide.png", "exif_6.jpg", "rgba.png"];
    let place = |(idx, name): (usize, &&str)| {
        let path = dir.join(name);
        std::fs::copy(golden.join(name), &path).unwrap();
        let digest = Digest::of(&std::fs::read(&path).unwrap()).as_str().to_owned();
        Source { image_id: 10 + idx as i64, path, digest }
    };
    names.iter().enumerate().map(place).collect()
}

#[test]
fn every_image_lies_where_its_row_says() {
    let dir = tempfile::tempdir().unwrap();
    let images = sources(dir.path());
    let out = dir.path().join("pixels");
    let most = AtomicUsize::new(0);
    let built = build(&out, &images, 12, Fit::Pad, None, &|n| {
        most.fetch_max(n, Ordering::Relaxed);
    })
    .unwrap();
    assert!(built.bad.is_empty());
    assert_eq!(most.into_inner(), images.len());
    let store = PixelStore::open(&out, &built.rows, 12).unwrap();
    assert_eq!((store.len(), store.side()), (5, 12));
    for image in &images {
        let picture = decode(&std::fs::read(&image.path).unwrap()).unwrap();
        let expected = resize::fit(&picture, 12, Fit::Pad).data;
        assert_eq!(store.image(image.image_id).unwrap(), expected);
    }
    // What a picture looks like does not depend on how the store keeps it.
    let other = build(&out, &images, 20, Fit::Crop, None, &|_| ()).unwrap();
    assert_eq!((other.hashes.len(), &other.hashes), (5, &built.hashes));
    assert_eq!(store.image(99), None);
}

#[test]
fn bad_images_are_all_named_and_leave_no_gap() {
    let dir = tempfile::tempdir().unwrap();
    let images = sources(dir.path());
    let whole = std::fs::read(&images[0].path).unwrap();
    std::fs::write(&images[0].path, &whole[..whole.len() / 2]).unwrap();
    std::fs::remove_file(&images[2].path).unwrap();
    let mut images = images;
    images[0].digest = Digest::of(&whole[..whole.len() / 2]).as_str().to_owned();
    images[3].digest = Digest::of(b"as it was").as_str().to_owned();

    let out = dir.path().join("pixels");
    let built = build(&out, &images, 8, Fit::Stretch, None, &|_| ()).unwrap();
    let bad: Vec<_> = built.bad.iter().map(|bad| (bad.image_id, bad.error.to_string())).collect();
    assert_eq!(bad[0], (10, "the `JPEG` data is truncated: it ends before the picture is complete".into()));
    assert_eq!(bad[1], (12, "cannot read the file".into()));
    assert_eq!(bad[2].0, 13);
    assert!(bad[2].1.starts_with("the file changed while it was in use"), "{}", bad[2].1);
    assert_eq!(built.bad[1].to_string(), format!("image `{}` cannot be used", images[2].path.display()),);

    let rows: Vec<_> = built.rows.iter().map(|row| (row.image_id, row.row)).collect();
    assert_eq!(rows, [(11, 0), (14, 1)]);
    let store = PixelStore::open(&out, &built.rows, 8).unwrap();
    let picture = decode(&std::fs::read(&images[4].path).unwrap()).unwrap();
    assert_eq!(store.image(14).unwrap(), resize::fit(&picture, 8, Fit::Stretch).data);
}

#[test]
fn unchanged_images_are_taken_over_without_reading_them() {
    let dir = tempfile::tempdir().unwrap();
    let images = sources(dir.path());
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    let Built { rows, hashes, .. } = build(&first, &images, 8, Fit::Crop, None, &|_| ()).unwrap();
    let store = PixelStore::open(&first, &rows, 8).unwrap();
    let previous = Previous { store: &store, rows: &rows, hashes: &hashes };
    for image in &images[1..] {
        std::fs::remove_file(&image.path).unwrap();
    }
    let mut turned: Vec<Source> = images.iter().rev().cloned().collect();
    turned[0].image_id = 77;
    let built = build(&second, &turned, 8, Fit::Crop, Some(previous), &|_| ()).unwrap();
    assert!(built.bad.is_empty());
    let taken = PixelStore::open(&second, &built.rows, 8).unwrap();
    assert_eq!(taken.image(77), store.image(14));
    assert_eq!(taken.image(11), store.image(11));
    assert_eq!((built.hashes[0].image_id, built.hashes[0].hash), (77, hashes[4].hash));
    // Another side cannot be taken over: the files are asked for, and are gone.
    let built = build(&second, &turned, 9, Fit::Crop, Some(previous), &|_| ()).unwrap();
    assert_eq!((built.rows.len(), built.bad.len()), (1, 4));
}

#[test]
fn a_table_that_does_not_fit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("pixels");
    std::fs::write(&out, vec![0; 2 * 4 * 4 * 3 - 1]).unwrap();
    let row = |image_id, row| PixelRow { image_id, row, digest: String::new() };
    let text = |rows: &[PixelRow]| PixelStore::open(&out, rows, 4).unwrap_err().to_string();
    assert!(text(&[row(1, 0), row(2, 1)]).ends_with("has `95` bytes, expected `96` for `2` rows"));
    std::fs::write(&out, vec![0; 96]).unwrap();
    assert!(PixelStore::open(&out, &[row(1, 1), row(2, 0)], 4).is_ok());
    for rows in [[row(1, 0), row(2, 2)], [row(1, 0), row(2, 0)], [row(1, 0), row(1, 1)]] {
        assert!(text(&rows).contains("taken or does not exist"));
    }
    assert_eq!(
        PixelStore::open(&dir.path().join("none"), &[], 4).unwrap_err().to_string(),
        format!("cannot open pixel store `{}`", dir.path().join("none").display())
    );
}

#[test]
fn no_images_make_an_empty_store() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("pixels");
    let built = build(&out, &[], 4, Fit::Stretch, None, &|_| ()).unwrap();
    let store = PixelStore::open(&out, &built.rows, 4).unwrap();
    assert!(store.is_empty());
    assert_eq!(store.image(0), None);
}
