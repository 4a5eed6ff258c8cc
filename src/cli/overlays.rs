//! Where a model looks, over the picture, as files.

use std::path::Path;

use rayon::prelude::*;

use super::render::Failure;
use super::trained::shown_path;
use crate::pixels::{decode, resize};
use crate::preview;
use crate::query::Map;
use crate::spec::settings::Images;
use crate::stages::overlay;
use crate::tables::attention::AttentionMapRow;

/// The side of overlays in pixels, where the model's own is not larger.
const SIDE: u32 = 448;

/// What is to be painted.
pub struct Overlay<'a> {
    /// The picture's place in the list of all, from 0.
    pub at: usize,
    /// Its file.
    pub path: &'a Path,
    /// The map of one label.
    pub map: Map,
}

/// Paints maps over pictures.
pub struct Painter<'a> {
    /// Where the files go.
    pub folder: &'a Path,
    /// How the model sees pictures.
    pub images: &'a Images,
    /// All labels.
    pub labels: &'a [String],
}

impl Painter<'_> {
    /// Writes a PNG for each: `000012-photo-glass.png` of the picture `photo.jpg`.
    ///
    /// # Errors
    /// Rendered, where one cannot be written, or a picture is gone.
    pub fn paint(&self, overlays: &[Overlay]) -> Result<(), Failure> {
        overlays.par_iter().try_for_each(|overlay| self.one(overlay))
    }

    fn one(&self, Overlay { at, path, map }: &Overlay) -> Result<(), Failure> {
        let label = &self.labels[map.label_idx];
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let file = self.folder.join(format!("{at:06}-{}-{}.png", in_file(&stem), in_file(label)));
        let failed =
            |why: String| Failure::text(1, &format!("cannot write `{}`: {why}", shown_path(&file)), None);
        let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
        let picture = decode(&bytes).map_err(|error| failed(error.to_string()))?;
        let square = resize::fit(&picture, self.images.size.max(SIDE), self.images.fit);
        let row = AttentionMapRow {
            image_id: 0,
            label: label.clone(),
            height: map.height,
            width: map.width,
            values: map.values.clone(),
        };
        let png = preview::png(&overlay(&square, &row)).map_err(|error| failed(error.to_string()))?;
        std::fs::write(&file, png).map_err(|error| failed(error.to_string()))
    }
}

/// A name as part of a file's name.
fn in_file(name: &str) -> String {
    let letter = |c: char| if c.is_alphanumeric() || matches!(c, '_' | '.' | '-') { c } else { '-' };
    name.chars().map(letter).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_safe_in_names_of_files() {
        assert_eq!(in_file("../Glass / jar"), "..-Glass---jar");
    }
}
