//! The pictures themselves.

use std::path::Path;

use image::{ImageFormat, Rgb, RgbImage};

use super::lab::{Lab, Said};

const FOLDERS: &str = "format = \"folders\"\nimages = \"images\"\n";
const CSV: &str = "format = \"csv\"\nannotations = \"labels.csv\"\nimages = \"images\"\n";

fn png() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = RgbImage::from_fn(24, 18, |x, y| Rgb([x as u8 * 9, y as u8 * 11, 90]));
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A picture that Pillow wrote; see `tests/golden/pixels/make_pixels.py`.
fn golden(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pixels/decode");
    std::fs::read(folder.join(name)).unwrap()
}

/// Two classes of six pictures.
fn sound() -> Lab {
    let lab = Lab::new();
    let mut bytes = png();
    for i in 0..12_u8 {
        // What is appended makes another file of the same picture.
        bytes.push(i);
        lab.put(&format!("images/{}/{i}.png", ["glass", "metal"][usize::from(i % 2)]), &bytes);
    }
    lab
}

/// What is said when `images/glass/0.png` holds these bytes.
fn said(bytes: &[u8], settings: &str) -> String {
    let lab = sound();
    lab.put("images/glass/0.png", bytes);
    lab.decode(&format!("{FOLDERS}{settings}"), "folder")
}

/// The CRC-32 that ends a PNG's chunk.
fn crc32(bytes: &[u8]) -> [u8; 4] {
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 },
        )
    });
    (!crc).to_be_bytes()
}

/// A PNG with one more chunk behind its header.
fn with_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut bytes = png();
    let body = [kind.as_slice(), data].concat();
    let chunk = [&(data.len() as u32).to_be_bytes(), body.as_slice(), &crc32(&body)].concat();
    bytes.splice(33..33, chunk);
    bytes
}

/// A PNG whose header says another size.
fn of_size(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum);
    bytes
}

#[test]
fn files_that_are_no_whole_picture() {
    let mut all = Said::default();
    let (png, jpeg) = (png(), golden("rgb_420.jpg"));
    let mut damaged = png.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    for (case, bytes) in [
        ("an empty file", Vec::new()),
        ("text", b"nothing to see here".to_vec()),
        ("a page of a server", b"<!DOCTYPE html><html>404</html>".to_vec()),
        ("a pointer of Git LFS", b"version https://git-lfs.github.com/spec/v1\n".to_vec()),
        ("zeros", vec![0; 4096]),
        ("an animated GIF", golden("other.gif")),
        ("WebP", golden("other.webp")),
        ("the first bytes of a PNG", png[..20].to_vec()),
        ("a PNG that is cut", png[..png.len() / 2].to_vec()),
        ("a PNG with a flipped byte", damaged),
        ("a JPEG that is cut", jpeg[..jpeg.len() / 2].to_vec()),
        ("the first bytes of a JPEG", jpeg[..10].to_vec()),
        ("a PNG of a billion pixels", of_size(50_000, 20_000)),
        ("a PNG without width", of_size(0, 18)),
    ] {
        all.add(case, said(&bytes, ""));
    }
    all.add("a PNG that is cut, skipped", said(&png[..png.len() / 2], "bad_images = \"skip\""));
    all.compare("images_damaged.txt", 15);
}

#[test]
fn pictures_of_rare_kinds_are_read() {
    let frames = with_chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]);
    for (case, bytes, size) in [
        ("CMYK", golden("cmyk.jpg"), None),
        ("YCCK", golden("ycck.jpg"), None),
        ("16 bits", golden("grey_16.png"), None),
        ("grey with alpha", golden("grey_alpha.png"), None),
        ("an animated PNG", frames, Some("24,18")),
        // Stored as 24 x 18, shown as 18 x 24.
        (
            "turned by EXIF",
            with_chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"),
            Some("18,24"),
        ),
    ] {
        let lab = sound();
        lab.put("images/glass/0.png", bytes);
        assert_eq!(lab.decode(FOLDERS, "folder"), "exit 0", "{case}");
        let images = lab.table("images");
        let row = images.lines().nth(1).unwrap();
        assert!(row.starts_with("0,glass_0.png,glass/0.png,"), "{row}");
        assert!(size.is_none_or(|size| row.contains(&format!(",{size},"))), "{case}: {row}");
    }
}

#[test]
fn places_without_a_picture() {
    let mut all = Said::default();
    let lab = || {
        let lab = sound();
        let lines = (0..12).map(|i| format!("{}/{i}.png,{}\n", ["glass", "metal"][i % 2], i % 2));
        lab.put("labels.csv", format!("file_name,metal\n{}", lines.collect::<String>()));
        std::fs::remove_file(lab.path("images/glass/0.png")).unwrap();
        lab
    };
    let missing = lab();
    all.add("no file", missing.check(CSV, "columns"));
    all.add("no file, skipped", missing.check(&format!("{CSV}bad_images = \"skip\""), "columns"));
    let folder = lab();
    std::fs::create_dir(folder.path("images/glass/0.png")).unwrap();
    all.add("a folder in place of a picture", folder.check(CSV, "columns"));
    let pipe = lab();
    pipe.pipe("images/glass/0.png");
    all.add("a pipe in place of a picture", pipe.check(CSV, "columns"));
    let circle = lab();
    std::os::unix::fs::symlink("0.png", circle.path("images/glass/0.png")).unwrap();
    all.add("a link to itself", circle.check(CSV, "columns"));
    let none = lab();
    std::fs::remove_dir_all(none.path("images")).unwrap();
    all.add("no images folder", none.check(CSV, "columns"));
    std::fs::create_dir(none.path("images")).unwrap();
    all.add("no picture at all, skipped", none.check(&format!("{CSV}bad_images = \"skip\""), "columns"));
    all.compare("images_missing.txt", 7);
}

#[test]
fn a_size_that_differs_from_the_record() {
    let lab = sound();
    let image = |i: usize, width: u32| {
        let class = ["glass", "metal"][i % 2];
        format!("{{\"id\": {i}, \"file_name\": \"{class}/{i}.png\", \"width\": {width}, \"height\": 18}}")
    };
    let object = |i: usize| {
        format!("{{\"id\": {i}, \"image_id\": {i}, \"category_id\": {}, \"bbox\": [1, 1, 5, 5]}}", i % 2)
    };
    let images: Vec<String> = (0..12).map(|i| image(i, if i == 3 { 99 } else { 24 })).collect();
    let objects: Vec<String> = (0..12).map(object).collect();
    let categories = "[{\"id\": 0, \"name\": \"glass\"}, {\"id\": 1, \"name\": \"metal\"}]";
    lab.put(
        "annotations.json",
        format!(
            "{{\"images\": [{}], \"annotations\": [{}], \"categories\": {categories}}}",
            images.join(", "),
            objects.join(", ")
        ),
    );
    let mut all = Said::default();
    let dataset = "format = \"coco\"\nannotations = \"annotations.json\"\nimages = \"images\"\n";
    all.add("an image of another size than its record", lab.check(dataset, "category"));
    all.compare("images_sizes.txt", 1);
}
