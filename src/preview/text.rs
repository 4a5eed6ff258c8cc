//! Words in pictures.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, RasterizedChar, get_raster, get_raster_width};

use crate::pixels::RgbImage;

/// Height of a line in pixels.
pub const LINE: usize = 18;

const WEIGHT: FontWeight = FontWeight::Regular;
const HEIGHT: RasterHeight = RasterHeight::Size16;

/// Width of one letter in pixels; all are equally wide.
pub const LETTER: usize = get_raster_width(WEIGHT, HEIGHT);

/// Writes one line from column `x` and row `y` on; what does not fit into the picture is cut off.
pub fn write(image: &mut RgbImage, x: usize, y: usize, text: &str, ink: [u8; 3]) {
    for (i, letter) in text.chars().enumerate() {
        let Some(raster) = raster(letter) else { continue };
        for (dy, row) in raster.rows().enumerate() {
            for (dx, &cover) in row.iter().enumerate() {
                let (x, y) = (x + i * LETTER + dx, y + dy);
                if cover > 0 && x < image.width && y < image.height {
                    let paper = image.pixel(x, y);
                    let mixed = |c: usize| {
                        let (ink, paper, cover) = (u32::from(ink[c]), u32::from(paper[c]), u32::from(cover));
                        ((ink * cover + paper * (255 - cover) + 127) / 255) as u8
                    };
                    image.set_pixel(x, y, [mixed(0), mixed(1), mixed(2)]);
                }
            }
        }
    }
}

/// A letter, or a mark where the font has none.
fn raster(letter: char) -> Option<RasterizedChar> {
    get_raster(letter, WEIGHT, HEIGHT).or_else(|| get_raster('?', WEIGHT, HEIGHT))
}

/// Breaks a text into lines of at most `width` pixels, at blanks where there are any, and into at most `most` lines, the
/// last of which then ends in `...`.
pub fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let letters = (width / LETTER).max(4);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let room = lines.last().map_or(0, |line| letters.saturating_sub(line.chars().count() + 1));
        if word.chars().count() <= room
            && let Some(line) = lines.last_mut()
        {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        let letters_of: Vec<char> = word.chars().collect();
        lines.extend(letters_of.chunks(letters).map(|part| part.iter().collect::<String>()));
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            let kept: String = last.chars().take(letters - 3).collect();
            *last = format!("{}...", kept.trim_end());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_blanks_and_long_words_anywhere() {
        let width = 10 * LETTER;
        assert_eq!(
            wrap("hue=+1.0 saturation=2 value=-3", width, 9),
            ["hue=+1.0", "saturation", "=2", "value=-3"]
        );
        assert_eq!(wrap("a b c", width, 9), ["a b c"]);
        assert_eq!(wrap("one two three four five", width, 2), ["one two", "three f..."]);
        assert!(wrap("", width, 3).is_empty());
    }

    #[test]
    fn ink_stays_inside_and_is_visible() {
        let mut image = RgbImage { width: 30, height: 20, data: vec![255; 30 * 20 * 3] };
        write(&mut image, 20, 10, "WWé漢", [0, 0, 0]);
        assert!(image.data.iter().any(|&value| value < 60));
        assert_eq!(image.pixel(0, 0), [255; 3]);
    }
}
