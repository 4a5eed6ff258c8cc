//! A store is built from files, read back, and partly taken over.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::fingerprint::Digest;
use crate::pixels::{decode, resize};
use crate::spec::settings::Fit;

fn form(side: u32, fit: Fit) -> Form {
    Form { side, fit, code: "1".to_owned() }
}

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
    let built = build(&out, &images, &form(12, Fit::Pad), Lenders::default(), &|n| {
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
    let other = build(&out, &images, &form(20, Fit::Crop), Lenders::default(), &|_| ()).unwrap();
    assert_eq!((other.hashes.len(), &other.hashes), (5, &built.hashes));
    assert_eq!(store.image(99), None);
}

#[test]
fn bad_images_are_all_named_and_what_was_made_of_the_others_stays() {
    let dir = tempfile::tempdir().unwrap();
    let images = sources(dir.path());
    let whole = std::fs::read(&images[0].path).unwrap();
    std::fs::write(&images[0].path, &whole[..whole.len() / 2]).unwrap();
    std::fs::remove_file(&images[2].path).unwrap();
    let mut images = images;
    images[0].digest = Digest::of(&whole[..whole.len() / 2]).as_str().to_owned();
    images[3].digest = Digest::of(b"as it was").as_str().to_owned();

    let out = dir.path().join("pixels");
    let built = build(&out, &images, &form(8, Fit::Stretch), Lenders::default(), &|_| ()).unwrap();
    let told: Vec<_> = built.bad.iter().map(|bad| (bad.image_id, bad.error.to_string())).collect();
    assert_eq!(told[0], (10, "the `JPEG` data is truncated: it ends before the picture is complete".into()));
    assert_eq!(told[1], (12, "cannot read the file".into()));
    assert_eq!(told[2].0, 13);
    assert!(told[2].1.starts_with("the file changed while it was in use"), "{}", told[2].1);
    assert_eq!(built.bad[1].to_string(), format!("image `{}` cannot be used", images[2].path.display()),);

    assert_eq!((built.rows.len(), built.hashes.len()), (0, 0));

    // Whoever leaves them out reads none of the others again, whatever lay before them.
    let good = [images[1].clone(), images[4].clone()];
    let picture = decode(&std::fs::read(&images[4].path).unwrap()).unwrap();
    good.iter().for_each(|image| std::fs::remove_file(&image.path).unwrap());
    let next = dir.path().join("next");
    let drafts = [out];
    let lenders = Lenders { previous: None, drafts: &drafts };
    let built = build(&next, &good, &form(8, Fit::Stretch), lenders, &|_| ()).unwrap();
    assert_eq!(bad(&built), NONE);
    assert_eq!(built.used_up, drafts);
    let store = PixelStore::open(&next, &built.rows, 8).unwrap();
    assert_eq!(store.image(14).unwrap(), resize::fit(&picture, 8, Fit::Stretch).data);
}

#[test]
fn unchanged_images_are_taken_over_without_reading_them() {
    let dir = tempfile::tempdir().unwrap();
    let images = sources(dir.path());
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    let Built { rows, hashes, .. } =
        build(&first, &images, &form(8, Fit::Crop), Lenders::default(), &|_| ()).unwrap();
    let store = PixelStore::open(&first, &rows, 8).unwrap();
    let lenders =
        Lenders { previous: Some(Previous { store: &store, rows: &rows, hashes: &hashes }), drafts: &[] };
    for image in &images[1..] {
        std::fs::remove_file(&image.path).unwrap();
    }
    let mut turned: Vec<Source> = images.iter().rev().cloned().collect();
    turned[0].image_id = 77;
    let built = build(&second, &turned, &form(8, Fit::Crop), lenders, &|_| ()).unwrap();
    assert!(built.bad.is_empty());
    let taken = PixelStore::open(&second, &built.rows, 8).unwrap();
    assert_eq!(taken.image(77), store.image(14));
    assert_eq!(taken.image(11), store.image(11));
    assert_eq!((built.hashes[0].image_id, built.hashes[0].hash), (77, hashes[4].hash));
    // Another side cannot be taken over: the files are asked for, and are gone.
    let built = build(&second, &turned, &form(9, Fit::Crop), lenders, &|_| ()).unwrap();
    assert_eq!((built.rows.len(), built.bad.len()), (0, 4));
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
    let built = build(&out, &[], &form(4, Fit::Stretch), Lenders::default(), &|_| ()).unwrap();
    let store = PixelStore::open(&out, &built.rows, 4).unwrap();
    assert!(store.is_empty());
    assert_eq!(store.image(0), None);
}

/// Builds the store of the first `n` of `images`, and takes their files away.
fn begun(out: &Path, images: &[Source], n: usize) -> Built {
    let built = build(out, &images[..n], &form(8, Fit::Crop), Lenders::default(), &|_| ()).unwrap();
    images[..n].iter().for_each(|image| std::fs::remove_file(&image.path).unwrap());
    built
}

const NONE: [i64; 0] = [];

/// The ids of the images that are in no store, for their files are gone.
fn bad(built: &Built) -> Vec<i64> {
    built.bad.iter().map(|bad| bad.image_id).collect()
}

#[test]
fn a_build_that_was_cut_off_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut images = sources(dir.path());
    let undisturbed = dir.path().join("undisturbed");
    let expected = build(&undisturbed, &images, &form(8, Fit::Crop), Lenders::default(), &|_| ()).unwrap();
    // One picture is there twice.
    images.push(Source { image_id: 15, ..images[1].clone() });

    let out = dir.path().join("pixels");
    begun(&out, &images, 3);
    // The last line is torn, and part of a row that nothing speaks of is there.
    let list = out.with_extension("done");
    let text = std::fs::read_to_string(&list).unwrap();
    std::fs::write(&list, text + r#"{"row":3,"file":"ab"#).unwrap();
    std::fs::OpenOptions::new().append(true).open(&out).unwrap().set_len(3 * 8 * 8 * 3 + 100).unwrap();
    let built = build(&out, &images, &form(8, Fit::Crop), Lenders::default(), &|_| ()).unwrap();
    assert_eq!(bad(&built), NONE);
    assert_eq!((&built.rows[..5], &built.hashes[..5]), (&expected.rows[..], &expected.hashes[..]));
    let whole = std::fs::read(&undisturbed).unwrap();
    let found = std::fs::read(&out).unwrap();
    assert_eq!(found[..whole.len()], whole);
    assert_eq!(found[whole.len()..], found[8 * 8 * 3..2 * 8 * 8 * 3]);
    // What was added after the torn line can be read, too.
    images[3..5].iter().for_each(|image| std::fs::remove_file(&image.path).unwrap());
    let again = build(&out, &images, &form(8, Fit::Crop), Lenders::default(), &|_| ()).unwrap();
    assert_eq!(bad(&again), NONE);
}

#[test]
fn damaged_rows_and_those_of_another_form_are_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let images = sources(dir.path());
    let out = dir.path().join("pixels");
    begun(&out, &images, 4);
    let sound = (std::fs::read(&out).unwrap(), std::fs::read_to_string(out.with_extension("done")).unwrap());
    let after = |change: &dyn Fn(&mut Vec<u8>, &mut String), form: Form| {
        let (mut pixels, mut list) = sound.clone();
        change(&mut pixels, &mut list);
        std::fs::write(&out, pixels).unwrap();
        std::fs::write(out.with_extension("done"), list).unwrap();
        bad(&build(&out, &images[..4], &form, Lenders::default(), &|_| ()).unwrap())
    };
    let same = form(8, Fit::Crop);
    assert_eq!(after(&|_, _| (), same.clone()), NONE);
    assert_eq!(after(&|pixels, _| pixels[8 * 8 * 3 + 5] ^= 1, same.clone()), [11]);
    assert_eq!(after(&|pixels, _| pixels.truncate(2 * 8 * 8 * 3), same.clone()), [12, 13]);
    let of_first = |list: &str| list.lines().position(|line| line.contains(r#""row":0"#)).unwrap();
    let without_first = |_: &mut Vec<u8>, list: &mut String| {
        let nth = of_first(list);
        *list = list
            .lines()
            .enumerate()
            .filter(|(n, _)| *n != nth)
            .map(|(_, line)| format!("{line}\n"))
            .collect();
    };
    assert_eq!(after(&without_first, same.clone()), [10]);
    // A bit of what a picture looks like.
    let other_detail = |_: &mut Vec<u8>, list: &mut String| {
        let line = list.lines().nth(of_first(list)).unwrap().to_owned();
        *list = list.replace(&line, &line.replace(r#""detail":"#, r#""detail":1"#));
    };
    assert_eq!(after(&other_detail, same.clone()), [10]);
    for other in [form(8, Fit::Pad), form(7, Fit::Crop), Form { code: "2".to_owned(), ..same }] {
        assert_eq!(after(&|_, _| (), other), [10, 11, 12, 13]);
    }
}

#[test]
fn what_others_have_begun_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let images = sources(dir.path());
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    begun(&first, &images, 3);
    let drafts = [dir.path().join("none"), first.clone()];
    let lenders = Lenders { previous: None, drafts: &drafts };
    let turned: Vec<Source> = images.iter().rev().cloned().collect();
    // One that has more than is wanted here is somebody's still.
    let other = dir.path().join("other");
    let built = build(&other, &turned[1..4], &form(8, Fit::Crop), lenders, &|_| ()).unwrap();
    assert_eq!((bad(&built), built.used_up), (NONE.to_vec(), vec![]));
    let built = build(&second, &turned, &form(8, Fit::Crop), lenders, &|_| ()).unwrap();
    assert_eq!(bad(&built), NONE);
    assert_eq!(built.used_up, drafts[1..]);
    let size = 8 * 8 * 3;
    let (first, second) = (std::fs::read(first).unwrap(), std::fs::read(second).unwrap());
    assert_eq!(second[2 * size..3 * size], first[2 * size..3 * size]);
    assert_eq!(second[4 * size..], first[..size]);
}

#[test]
fn what_was_handed_over_is_never_written_again() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let images = sources(dir.path());
    let (out, place) = (dir.path().join("pixels"), dir.path().join("published"));
    begun(&out, &images, 3);
    hand_over(&out, &place).unwrap();
    // As results are; it was not published, or its record is lost.
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o444)).unwrap();
    let bytes = std::fs::read(&place).unwrap();
    let built = build(&out, &images, &form(8, Fit::Crop), Lenders::default(), &|_| ()).unwrap();
    assert_eq!(bad(&built), NONE);
    assert_eq!(std::fs::read(&place).unwrap(), bytes);
    assert_eq!(std::fs::read(&out).unwrap()[..bytes.len()], bytes);

    // The other name may have gone, as where it could not be published.
    std::fs::set_permissions(&out, std::fs::Permissions::from_mode(0o444)).unwrap();
    let built = build(&out, &images, &form(8, Fit::Crop), Lenders::default(), &|_| ()).unwrap();
    assert_eq!(bad(&built), NONE);
    assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o644);
}
