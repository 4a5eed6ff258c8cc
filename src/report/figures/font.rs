//! The fonts that the program carries, and how wide a text is in them.

use std::sync::LazyLock;

use skrifa::MetadataProvider;
use skrifa::instance::{LocationRef, Size};

/// DejaVu Sans, cut down.
pub const REGULAR: &[u8] = include_bytes!("fonts/DejaVuSans.ttf");
/// Its bold face.
pub const BOLD: &[u8] = include_bytes!("fonts/DejaVuSans-Bold.ttf");
/// What texts ask for: fonts of about the same widths where the first is not there.
pub const FAMILIES: &str = "DejaVu Sans, Verdana, sans-serif";

/// The width of a letter that the fonts do not have, in ems: those of other scripts are up to that wide.
const FOREIGN_EM: f64 = 1.0;

static FACES: LazyLock<[skrifa::FontRef<'static>; 2]> = LazyLock::new(|| {
    [REGULAR, BOLD].map(|bytes| {
        skrifa::FontRef::new(bytes).unwrap_or_else(|error| panic!("bug: the program's own font: {error}"))
    })
});

/// The width of `text` in points, at `size` points.
pub fn width(text: &str, size: f64, bold: bool) -> f64 {
    let face = &FACES[usize::from(bold)];
    let (letters, metrics) = (face.charmap(), face.glyph_metrics(Size::new(1.0), LocationRef::default()));
    let em =
        |c: char| letters.map(c).and_then(|glyph| metrics.advance_width(glyph)).map_or(FOREIGN_EM, f64::from);
    text.chars().map(em).sum::<f64>() * size
}

/// Whether the regular face has every letter of `text`.
pub fn has_all(text: &str) -> bool {
    let letters = FACES[0].charmap();
    text.chars().all(|c| c.is_control() || letters.map(c).is_some())
}

/// `text`, or its start and its end with an ellipsis between where it would be wider than `room` points: arms of several ops differ at
/// their ends.
pub fn elided(text: &str, size: f64, bold: bool, room: f64) -> String {
    if width(text, size, bold) <= room {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let shortened = |kept: usize| -> String {
        let tail = kept / 3;
        let (head, end) = (&letters[..kept - tail], &letters[letters.len() - tail..]);
        head.iter().chain(&['…']).chain(end).collect()
    };
    let fits = |kept: &usize| width(&shortened(*kept), size, bold) <= room;
    // Widths are bounded by the room: no more letters than that are worth trying.
    let most = letters.len().saturating_sub(1).min((room / (0.2 * size)).max(0.0) as usize);
    (0..=most).rev().find(fits).map_or_else(String::new, shortened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_font() {
        // By fontTools 4.68: advance widths 1303, 1401, 637 of 2048 units per em.
        let expected = 10.0 * (1303.0 + 1401.0 + 637.0) / 2048.0;
        let units = |c: char| (width(&c.to_string(), 2048.0, false)).round() as i64;
        assert_eq!((units('0'), units('A'), units('−')), (1303, 1401, 1716));
        assert!((width("0A", 10.0, false) + 10.0 * 637.0 / 2048.0 - expected).abs() < 1e-3);
        assert!(width("0A", 10.0, true) > width("0A", 10.0, false));
        assert_eq!(width("水", 8.0, false), 8.0);
    }

    #[test]
    fn what_is_too_long_keeps_its_ends() {
        assert_eq!(elided("flip", 8.0, false, 40.0), "flip");
        let long = "flip+rotate+noise+brightness+colour/lr=0.0001";
        let short = elided(long, 8.0, false, 90.0);
        assert!(short.starts_with("flip+") && short.contains('…') && short.ends_with("01"), "{short}");
        assert!(width(&short, 8.0, false) <= 90.0 && width(&short, 8.0, false) > 75.0, "{short}");
        assert_eq!(elided(long, 8.0, false, 1.0), "");
    }

    #[test]
    fn the_fonts_have_what_figures_write() {
        assert!(has_all("−+±[]…·×≥≤→▲▼■○◆ Größe Straße naïve Ωμσ Отходы"));
        assert!(!has_all("塑料"));
    }
}
