//! Tiles for the page: pictures as JPEGs, within so many bytes.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::error::StageError;
use crate::pixels::{RgbImage, resize};
use crate::spec::settings::Fit;

/// JPEG quality of a tile, 1 to 100.
const QUALITY: u8 = 82;

/// What is tried in turn until all tiles fit: the longest side of a tile in pixels, and how many pictures are shown.
const THRIFT: [(u32, usize); 5] = [(144, 3), (96, 3), (96, 2), (64, 2), (64, 1)];

/// A tile at each side that may be shown.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// In the order of [`sides`].
    files: Vec<Vec<u8>>,
}

/// The sides that tiles of pictures of `side` pixels may have, largest first.
pub fn sides(side: u32) -> Vec<u32> {
    let mut sides: Vec<u32> = THRIFT.iter().map(|&(most, _)| most.min(side)).collect();
    sides.dedup();
    sides
}

/// How many pictures are asked for.
pub fn most_pictures() -> usize {
    THRIFT[0].1
}

impl Encoded {
    /// Encodes a square picture at all its sides. Colours keep their resolution: ops change them.
    ///
    /// # Errors
    /// Where it cannot be encoded.
    pub fn new(image: &RgbImage) -> Result<Self, StageError> {
        let at = |side: u32| jpeg(image, side, QUALITY, SamplingFactor::F_1_1);
        Ok(Encoded { files: sides(image.width as u32).into_iter().map(at).collect::<Result<_, _>>()? })
    }

    /// The file at the `idx`th side.
    pub fn into_file(mut self, idx: usize) -> Vec<u8> {
        std::mem::take(&mut self.files[idx])
    }
}

/// A square picture as a JPEG of at most `most` pixels a side.
///
/// # Errors
/// Where it cannot be encoded.
pub fn jpeg(
    image: &RgbImage,
    most: u32,
    quality: u8,
    sampling: SamplingFactor,
) -> Result<Vec<u8>, StageError> {
    let smaller = (image.width as u32 > most).then(|| resize::fit(image, most, Fit::Stretch));
    let image = smaller.as_ref().unwrap_or(image);
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, quality);
    encoder.set_sampling_factor(sampling);
    encoder.encode(&image.data, image.width as u16, image.height as u16, ColorType::Rgb).map_err(
        |error| StageError::Inconsistent { what: format!("a picture cannot be written as JPEG: {error}") },
    )?;
    Ok(file)
}

/// What of all tiles is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fitting {
    /// Which of the sides.
    pub side_idx: usize,
    /// The first pictures.
    pub pictures: usize,
    /// The first strips.
    pub strips: usize,
}

/// As much as `bytes` hold: tiles become smaller, then pictures fewer, and at last strips are left out from the end.
/// `before` are the pictures without augmentation; a tile that is `None` needs no bytes.
pub fn fitting(side: u32, before: &[Encoded], strips: &[Vec<Option<Encoded>>], bytes: usize) -> Fitting {
    let sides = sides(side);
    let size = |tile: &Encoded, side_idx: usize| tile.files[side_idx].len();
    let mut last = Fitting { side_idx: 0, pictures: before.len(), strips: 0 };
    for (most, pictures) in THRIFT {
        let side_idx = sides.iter().position(|&one| one == most.min(side)).unwrap_or(0);
        let pictures = pictures.min(before.len());
        let mut left =
            bytes as i64 - before[..pictures].iter().map(|tile| size(tile, side_idx) as i64).sum::<i64>();
        let fits = |strip: &&Vec<Option<Encoded>>| {
            left -=
                strip.iter().take(pictures).flatten().map(|tile| size(tile, side_idx) as i64).sum::<i64>();
            left >= 0
        };
        last = Fitting { side_idx, pictures, strips: strips.iter().take_while(fits).count() };
        if last.strips == strips.len() {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tile whose files have these sizes at 144, 96 and 64 pixels.
    fn tile(sizes: [usize; 3]) -> Encoded {
        Encoded { files: sizes.map(|size| vec![0; size]).to_vec() }
    }

    /// What is shown of so many strips of equal tiles.
    fn shown(strips: usize, bytes: usize) -> (u32, usize, usize) {
        let tile = || tile([100, 50, 20]);
        let all = vec![vec![Some(tile()), Some(tile()), Some(tile())]; strips];
        let found = fitting(224, &[tile(), tile(), tile()], &all, bytes);
        (sides(224)[found.side_idx], found.pictures, found.strips)
    }

    #[test]
    fn tiles_become_smaller_then_fewer_and_then_the_last_ones_go() {
        // Ten rows of three tiles, the pictures' own row included.
        assert_eq!(shown(9, 3000), (144, 3, 9));
        assert_eq!(shown(9, 2999), (96, 3, 9));
        assert_eq!(shown(9, 1499), (96, 2, 9));
        assert_eq!(shown(9, 999), (64, 2, 9));
        assert_eq!(shown(9, 399), (64, 1, 9));
        assert_eq!(shown(9, 199), (64, 1, 8));
        assert_eq!(shown(9, 0), (64, 1, 0));
        assert_eq!(shown(0, 1000), (144, 3, 0));
    }

    #[test]
    fn what_did_not_change_costs_nothing() {
        let strips = vec![vec![None, None, None]; 1000];
        let before = [tile([100; 3]), tile([100; 3]), tile([100; 3])];
        assert_eq!(fitting(224, &before, &strips, 300), Fitting { side_idx: 0, pictures: 3, strips: 1000 });
    }

    #[test]
    fn small_pictures_are_not_enlarged() {
        assert_eq!(sides(224), [144, 96, 64]);
        assert_eq!(sides(80), [80, 64]);
        assert_eq!(sides(32), [32]);
        let image = RgbImage { width: 80, height: 80, data: vec![120; 80 * 80 * 3] };
        let encoded = Encoded::new(&image).unwrap();
        for (idx, side) in [80, 64].into_iter().enumerate() {
            let shown = crate::pixels::decode(&encoded.clone().into_file(idx)).unwrap();
            assert_eq!((shown.width, shown.height), (side, side));
            assert!(shown.data.iter().all(|value| value.abs_diff(120) < 3));
        }
        let three = [encoded.clone(), encoded.clone(), encoded];
        assert_eq!(fitting(80, &three, &[], 1_000_000).side_idx, 0);
    }
}
