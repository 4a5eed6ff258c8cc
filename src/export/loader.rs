//! A short Python program that uses the exported folder, with PyTorch and Pillow alone.

use super::Preprocessing;

/// The program; how a photo is brought to a square is put in.
const PROGRAM: &str = include_str!("loader.py");

/// The program's text for a model that sees photos in this way.
pub fn loader_py(preprocessing: &Preprocessing) -> String {
    PROGRAM.replace("{pillow}", &preprocessing.pillow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::settings::Fit;

    #[test]
    fn the_program_is_short_and_whole() {
        for fit in [Fit::Stretch, Fit::Crop, Fit::Pad] {
            let text = loader_py(&Preprocessing::new(96, fit, [0.0; 3], [1.0; 3]));
            // Beside its first line, which says what it is.
            let lines = text.lines().skip(1).filter(|line| !line.is_empty());
            assert!(lines.count() <= 16, "{text}");
            assert!(text.contains("(96, 96), Image.BILINEAR)") && !text.contains("{pillow}"), "{text}");
        }
    }
}
