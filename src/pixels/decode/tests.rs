//! Against Pillow's reading of the same files (`tests/golden/pixels/make_pixels.py`).

use std::path::PathBuf;

use super::*;

fn golden(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pixels").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn listing() -> Vec<(String, u32, u32)> {
    let json: serde_json::Value = serde_json::from_slice(&golden("golden.json")).unwrap();
    let number = |value: &serde_json::Value| value.as_u64().unwrap() as u32;
    let entry = |e: &serde_json::Value| {
        (e["name"].as_str().unwrap().to_owned(), number(&e["width"]), number(&e["height"]))
    };
    json["decode"].as_array().unwrap().iter().map(entry).collect()
}

/// Mean absolute difference in grey levels.
fn mean_error(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

#[test]
fn every_kind_of_picture_is_read_as_pillow_reads_it() {
    for (name, width, height) in listing() {
        let bytes = golden(&format!("decode/{name}"));
        let image = decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let probe = probe(&bytes).unwrap();
        assert_eq!((image.width, image.height), (width as usize, height as usize), "{name}");
        assert_eq!((probe.width, probe.height), (width, height), "{name}");
        let error = mean_error(&image.data, &golden(&format!("decode/{name}.rgb")));
        // JPEG leaves the rounding of the inverse transform and the upsampling of colour to the decoder.
        let bound = if name.ends_with("png") { 0.51 } else { 1.5 };
        assert!(error < bound, "{name}: {error}");
    }
}

#[test]
fn what_is_converted_is_told() {
    let notes = |name: &str| {
        let probe = probe(&golden(&format!("decode/{name}"))).unwrap();
        probe.conversions.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(notes("rgb_420.jpg"), "");
    assert_eq!(notes("rgb.png"), "");
    assert_eq!(notes("cmyk.jpg"), "CMYK converted to RGB");
    assert_eq!(notes("exif_6.jpg"), "EXIF orientation 6 applied");
    assert_eq!(notes("grey_alpha.png"), "alpha composed on black; grey repeated in three channels");
    assert_eq!(notes("grey_16.png"), "grey repeated in three channels; 16 bits reduced to 8");
}

#[test]
fn a_picture_cut_anywhere_is_refused() {
    for name in ["rgb_444.jpg", "rgb_420.jpg", "progressive.jpg", "restarts.jpg", "grey.jpg", "cmyk.jpg"] {
        let bytes = golden(&format!("decode/{name}"));
        for cut in (1..bytes.len()).step_by(7).chain([bytes.len() - 2, bytes.len() - 1]) {
            assert!(decode(&bytes[..cut]).is_err(), "{name} cut at {cut} of {}", bytes.len());
        }
        let half = decode(&bytes[..bytes.len() * 3 / 4]).unwrap_err();
        assert_eq!(
            half.to_string(),
            "the `JPEG` data is truncated: it ends before the picture is complete",
            "{name}"
        );
    }
    let bytes = golden("decode/wide.png");
    for cut in (1..bytes.len() - 12).step_by(997) {
        assert!(decode(&bytes[..cut]).is_err(), "wide.png cut at {cut}");
    }
}

#[test]
fn what_is_appended_does_not_matter() {
    let bytes = golden("decode/rgb_420.jpg");
    let longer = [&bytes[..], b"\0\0maker's trailer"].concat();
    assert_eq!(decode(&longer).unwrap(), decode(&bytes).unwrap());
}

#[test]
fn other_files_are_named() {
    let text = |bytes: &[u8]| decode(bytes).unwrap_err().to_string();
    assert_eq!(text(b""), "the file is empty, expected a `JPEG` or `PNG` picture");
    let found = |bytes: &[u8], what: &str| {
        assert_eq!(text(bytes), format!("the file holds `{what}`, expected a `JPEG` or `PNG` picture"));
        assert_eq!(probe(bytes).unwrap_err().to_string(), text(bytes));
    };
    found(&golden("decode/other.gif"), "GIF");
    found(&golden("decode/other.webp"), "WebP");
    found(b"<!DOCTYPE html><html><body>404</body></html>", "an HTML page");
    found(b"<?xml version=\"1.0\"?>\n<svg xmlns=\"x\"/>", "SVG");
    found(b"Not Found\n", "text");
    found(&[0; 64], "zeros");
    found(&[7, 200, 3, 90], "unknown data");
}

#[test]
fn huge_pictures_are_refused_by_their_header() {
    // Only the header is there: nothing of this size is allocated or decoded.
    let mut png = golden("decode/rgb.png");
    png[16..20].copy_from_slice(&50_000u32.to_be_bytes());
    let mut hasher = crc32();
    let sum = hasher(&png[12..29]);
    png[29..33].copy_from_slice(&sum.to_be_bytes());
    let expected = DecodeError::TooLarge { width: 50_000, height: 11 };
    assert_eq!(probe(&png).unwrap_err(), expected);
    assert_eq!(decode(&png).unwrap_err(), expected);

    let mut jpeg = golden("decode/rgb_420.jpg");
    let sof = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[sof + 5..sof + 9].copy_from_slice(&[0x4e, 0x20, 0x4e, 0x20]);
    let error = probe(&jpeg).unwrap_err();
    assert_eq!(error, DecodeError::TooLarge { width: 20_000, height: 20_000 });
    assert_eq!(
        error.to_string(),
        "the picture has `20000x20000` pixels, expected at most `20000` a side and `200` million in all"
    );
}

/// CRC-32 of PNG chunks, bit by bit.
fn crc32() -> impl FnMut(&[u8]) -> u32 {
    |bytes| {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        !crc
    }
}

#[test]
fn damage_never_panics() {
    let mut draws = crate::seed::Key::root(5).draws();
    for name in ["rgb_420.jpg", "progressive.jpg", "restarts.jpg", "exif_6.jpg", "rgba.png", "palette.png"] {
        let whole = golden(&format!("decode/{name}"));
        for _ in 0..300 {
            let mut bytes = whole.clone();
            for _ in 0..=draws.below(4) {
                let at = draws.below(bytes.len() as u64) as usize;
                bytes[at] = draws.next_u32() as u8;
            }
            let _ = (decode(&bytes), probe(&bytes));
        }
    }
}

#[test]
fn the_processor_changes_no_pixel() {
    // zune-jpeg without its SIMD paths gives what it gives with them.
    use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
    for (name, ..) in listing() {
        if !name.ends_with("jpg") || name.starts_with("exif") {
            continue;
        }
        let bytes = golden(&format!("decode/{name}"));
        let options = DecoderOptions::default()
            .set_use_unsafe(false)
            .set_strict_mode(true)
            .jpeg_set_out_colorspace(ColorSpace::RGB);
        let plain = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(&bytes), options).decode().unwrap();
        assert!(plain == decode(&bytes).unwrap().data, "{name}");
    }
}

#[test]
fn real_photos_are_whole() {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folders = ["taco/batch_1", "taco/batch_7", "trashnet-384x512/glass"];
    let mut n_read = 0;
    for file in folders.iter().filter_map(|f| std::fs::read_dir(data.join(f)).ok()).flatten().flatten() {
        let bytes = std::fs::read(file.path()).unwrap();
        let image = decode(&bytes).unwrap_or_else(|error| panic!("{}: {error}", file.path().display()));
        let probe = probe(&bytes).unwrap();
        assert_eq!((image.width, image.height), (probe.width as usize, probe.height as usize));
        n_read += 1;
    }
    if n_read == 0 {
        println!("skipped: no photos in {}", data.display());
    }
}
