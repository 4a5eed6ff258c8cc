//! Brings a picture to a square of a given side.
//!
//! The scaling is an antialiased bilinear convolution, as Pillow's `BILINEAR`: where a picture shrinks, the
//! triangle filter grows with the factor, so that every source pixel counts. The arithmetic is in integers and
//! gives the same bytes with and without SIMD.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::RgbImage;
use crate::spec::settings::Fit;

/// The picture as a square of `size` pixels a side. An empty picture becomes a black one.
pub fn fit(image: &RgbImage, size: u32, fit: Fit) -> RgbImage {
    let (width, height) = (image.width as f64, image.height as f64);
    if image.data.is_empty() || size == 0 {
        return RgbImage::new(size as usize, size as usize);
    }
    match fit {
        Fit::Stretch => scale(image, [0.0, 0.0, width, height], size, size),
        Fit::Crop => {
            let side = width.min(height);
            scale(image, [(width - side) / 2.0, (height - side) / 2.0, side, side], size, size)
        }
        Fit::Pad => {
            let [inner_width, inner_height] = padded(width, height, size);
            let inner = scale(image, [0.0, 0.0, width, height], inner_width, inner_height);
            centre_on_black(&inner, size as usize)
        }
    }
}

/// How [`fit`] moves what is in a picture: a point `x` comes to `x * scale + offset`, in pixels from the left or upper
/// edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Across and down; above 1: enlarged.
    pub scale: [f64; 2],
    /// Across and down; below 0 where the picture's edge is cut off.
    pub offset: [f64; 2],
}

impl Placement {
    /// What [`fit`] does to a picture of `width` x `height` pixels.
    pub fn new(width: u32, height: u32, size: u32, fit: Fit) -> Self {
        let (side, width, height) = (f64::from(size), f64::from(width.max(1)), f64::from(height.max(1)));
        match fit {
            Fit::Stretch => Placement { scale: [side / width, side / height], offset: [0.0; 2] },
            Fit::Crop => {
                let scale = side / width.min(height);
                Placement {
                    scale: [scale; 2],
                    offset: [width, height].map(|length| (side - length * scale) / 2.0),
                }
            }
            Fit::Pad => {
                let inner = padded(width, height, size);
                let [inner_width, inner_height] = inner.map(f64::from);
                let before = |inner: u32| f64::from((size - inner) / 2);
                Placement { scale: [inner_width / width, inner_height / height], offset: inner.map(before) }
            }
        }
    }

    /// A box `[left, top, width, height]` in the pixels of the square; it may reach beyond it.
    pub fn place(&self, [left, top, width, height]: [f64; 4]) -> [f64; 4] {
        let ([across, down], [right_by, down_by]) = (self.scale, self.offset);
        [left * across + right_by, top * down + down_by, width * across, height * down]
    }
}

/// Width and height of the picture inside its padding, at most `size`.
fn padded(width: f64, height: f64, size: u32) -> [u32; 2] {
    let factor = f64::from(size) / width.max(height);
    [width, height].map(|length| ((length * factor).round() as u32).clamp(1, size.max(1)))
}

/// Scales the part `[left, top, width, height]` of a picture.
fn scale(image: &RgbImage, part: [f64; 4], width: u32, height: u32) -> RgbImage {
    let [left, top, part_width, part_height] = part;
    let source = ImageRef::new(image.width as u32, image.height as u32, &image.data, PixelType::U8x3)
        .unwrap_or_else(|error| panic!("bug: a picture's data does not fit its size: {error}"));
    let mut target = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).crop(
        left,
        top,
        part_width,
        part_height,
    );
    Resizer::new()
        .resize(&source, &mut target, &options)
        .unwrap_or_else(|error| panic!("bug: the part lies outside the picture: {error}"));
    RgbImage { width: width as usize, height: height as usize, data: target.into_vec() }
}

fn centre_on_black(inner: &RgbImage, size: usize) -> RgbImage {
    let mut square = RgbImage::new(size, size);
    let (left, top) = ((size - inner.width) / 2, (size - inner.height) / 2);
    for y in 0..inner.height {
        let from = y * inner.width * 3;
        let to = ((top + y) * size + left) * 3;
        square.data[to..to + inner.width * 3].copy_from_slice(&inner.data[from..from + inner.width * 3]);
    }
    square
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn golden(name: &str) -> Vec<u8> {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pixels").join(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Against Pillow 13.0.0's `resize`, `ImageOps.fit` and `ImageOps.pad` (`tests/golden/pixels/make_pixels.py`).
    #[test]
    fn squares_equal_pillows() {
        let json: serde_json::Value = serde_json::from_slice(&golden("golden.json")).unwrap();
        let squares = json["resize"].as_array().unwrap();
        assert_eq!(squares.len(), 12);
        for entry in squares {
            let source = golden(&format!("decode/{}.png", entry["source"].as_str().unwrap()));
            let image = crate::pixels::decode(&source).unwrap();
            let way = serde_json::from_value(entry["fit"].clone()).unwrap();
            let square = fit(&image, entry["side"].as_u64().unwrap() as u32, way);
            let expected = golden(&format!("resize/{}", entry["file"].as_str().unwrap()));
            assert_eq!(square.data.len(), expected.len());
            let differences = square.data.iter().zip(&expected).map(|(a, b)| f64::from(a.abs_diff(*b)));
            let (sum, max) = differences.fold((0.0, 0.0f64), |(sum, max), d| (sum + d, max.max(d)));
            let mean = sum / expected.len() as f64;
            assert!(mean < 0.25 && max <= 1.0, "{entry}: mean {mean}, largest {max}");
        }
    }

    #[test]
    #[expect(unsafe_code, reason = "the library cannot know that the processor can do without")]
    fn the_processor_changes_no_pixel() {
        let image = crate::pixels::decode(&golden("decode/wide.png")).unwrap();
        let source = ImageRef::new(211, 97, &image.data, PixelType::U8x3).unwrap();
        let mut target = Image::new(64, 64, PixelType::U8x3);
        let mut resizer = Resizer::new();
        // SAFETY: every processor can run without extensions.
        unsafe { resizer.set_cpu_extensions(fast_image_resize::CpuExtensions::None) };
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        resizer.resize(&source, &mut target, &options).unwrap();
        assert!(target.buffer() == fit(&image, 64, Fit::Stretch).data);
    }

    #[test]
    fn boxes_go_where_their_pixels_go() {
        let place = |fit| Placement::new(200, 50, 100, fit).place([100.0, 10.0, 20.0, 30.0]);
        assert_eq!(place(Fit::Stretch), [50.0, 20.0, 10.0, 60.0]);
        assert_eq!(place(Fit::Crop), [50.0, 20.0, 40.0, 60.0]);
        // 25 rows of picture below 37 of padding.
        assert_eq!(place(Fit::Pad), [50.0, 42.0, 10.0, 15.0]);
        assert_eq!(Placement::new(0, 0, 8, Fit::Pad).scale, [8.0, 8.0], "no division by nothing");
    }

    /// A white box in a black picture, for every fit and for pictures of all shapes, larger and smaller than the square.
    #[test]
    fn placements_are_those_of_fit() {
        for (width, height) in [(90, 41), (37, 88), (20, 13), (64, 64)] {
            let (left, top, columns, rows) = (width / 3, height / 4, width / 4, height / 2);
            let mut image = RgbImage::new(width, height);
            for y in top..top + rows {
                for x in left..left + columns {
                    image.set_pixel(x, y, [255; 3]);
                }
            }
            for way in [Fit::Stretch, Fit::Crop, Fit::Pad] {
                let square = fit(&image, 50, way);
                let inked = |along: usize, across: bool| {
                    (0..50).any(|other| {
                        let (x, y) = if across { (along, other) } else { (other, along) };
                        square.pixel(x, y)[0] > 127
                    })
                };
                let bounds = |across: bool| {
                    let first = (0..50).find(|&i| inked(i, across)).unwrap();
                    let last = (0..50).rfind(|&i| inked(i, across)).unwrap();
                    (first as f64, (last + 1) as f64)
                };
                let placed = Placement::new(width as u32, height as u32, 50, way);
                let [x, y, w, h] = placed.place([left, top, columns, rows].map(|v| v as f64));
                for (found, expected) in [(bounds(true), (x, x + w)), (bounds(false), (y, y + h))] {
                    let expected = (expected.0.clamp(0.0, 50.0), expected.1.clamp(0.0, 50.0));
                    let near = (found.0 - expected.0).abs() <= 1.0 && (found.1 - expected.1).abs() <= 1.0;
                    assert!(near, "{width}x{height} {way:?}: {found:?}, expected {expected:?}");
                }
            }
        }
    }

    #[test]
    fn extreme_shapes_give_a_square() {
        for (width, height) in [(1, 1), (1, 500), (500, 1), (3, 2)] {
            let mut image = RgbImage::new(width, height);
            image.data.fill(90);
            for way in [Fit::Stretch, Fit::Crop, Fit::Pad] {
                let square = fit(&image, 16, way);
                assert_eq!((square.width, square.height, square.data.len()), (16, 16, 768));
                assert_eq!(square.pixel(7, 7), [90; 3], "{width}x{height} {way:?}");
            }
        }
        assert_eq!(fit(&RgbImage::default(), 4, Fit::Crop), RgbImage::new(4, 4));
    }
}
