//! What is done to the samples: one op alone, or the ops of an arm.

use super::Sample;
use super::sheet::{Row, Sheet, Tile};
use crate::augment::batch::mix_pictures;
use crate::augment::{BoundingBox, Policy, Scratch, sample_key};
use crate::pixels::RgbImage;
use crate::seed::Key;
use crate::spec::ops::{NamedOp, Op};

/// Which draws are shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// The run's seed.
    pub seed: u64,
    /// From 0.
    pub epoch: u32,
}

/// The outline of a box.
const OUTLINE: [u8; 3] = [255, 0, 160];

/// The same ops on every sample.
#[derive(Clone, Debug)]
pub struct Strip {
    /// For people.
    pub name: String,
    policy: Policy,
}

impl Strip {
    /// One op alone, applied whatever its `p`; the values are those that training draws where it applies the op, which is
    /// the `nth` of its kind (see [`NamedOp::nth`]).
    pub fn alone(name: String, op: &Op, nth: u32) -> Self {
        let op = Op { p: 1.0, action: op.action.clone() };
        let policy = Policy::new(&[NamedOp { name: name.clone(), op, nth }]);
        Strip { name, policy }
    }

    /// An arm as it is trained, every op with its `p`.
    pub fn trained(name: String, ops: &[NamedOp]) -> Self {
        Strip { name, policy: Policy::new(ops) }
    }

    /// What becomes of each sample, with the values that were drawn. Ops on batches take the samples, which are of one
    /// size, for a batch: each is mixed with the one before it.
    pub fn tiles(&self, samples: &[Sample], shown: Shown, scratch: &mut Scratch) -> Vec<Tile> {
        let key = |sample: &Sample| sample_key(shown.seed, shown.epoch, sample.image_id, 0);
        let keys: Vec<Key> = samples.iter().map(key).collect();
        let augmented = samples.iter().zip(&keys).map(|(sample, &key)| self.augmented(sample, key, scratch));
        let (mut images, captions): (Vec<RgbImage>, Vec<String>) = augmented.unzip();
        for layer in self.policy.layers(&keys) {
            mix_pictures(&layer, &mut images);
        }
        for ((image, sample), &key) in images.iter_mut().zip(samples).zip(&keys) {
            outline(image, sample, &self.policy, key);
        }
        images.into_iter().zip(captions).map(|(image, caption)| Tile { image, caption }).collect()
    }

    /// The sample after the ops on pictures, and the values that were drawn.
    fn augmented(&self, sample: &Sample, key: Key, scratch: &mut Scratch) -> (RgbImage, String) {
        let mut image = sample.image.clone();
        let applied = self.policy.apply_traced(&mut image, key, scratch);
        let several = applied.len() > 1;
        let words = applied.iter().filter(|op| op.applied).map(|op| match (several, op.params.as_str()) {
            (true, "") => op.name.clone(),
            (true, params) => format!("{}: {params}", op.name),
            (false, params) => params.to_owned(),
        });
        let caption = words.collect::<Vec<_>>().join("; ");
        let caption = match applied.iter().any(|op| op.applied) {
            false if !applied.is_empty() => "nothing drawn".to_owned(),
            _ => caption,
        };
        (image, caption)
    }
}

/// The samples as they are and after each strip, in columns.
pub fn sheet(title: String, strips: &[Strip], samples: &[Sample], shown: Shown) -> Sheet {
    let mut scratch = Scratch::new();
    let original = Strip::trained("original".to_owned(), &[]);
    let strips: Vec<&Strip> = std::iter::once(&original).chain(strips).collect();
    let mut rows: Vec<Row> =
        samples.iter().map(|sample| Row { name: sample.name.clone(), tiles: Vec::new() }).collect();
    for strip in &strips {
        for (row, tile) in rows.iter_mut().zip(strip.tiles(samples, shown, &mut scratch)) {
            row.tiles.push(tile);
        }
    }
    Sheet { title, columns: strips.iter().map(|strip| strip.name.clone()).collect(), rows }
}

/// Paints the outlines of the sample's boxes, moved as the pixels were.
fn outline(image: &mut RgbImage, sample: &Sample, policy: &Policy, key: Key) {
    let (width, height) = (sample.image.width, sample.image.height);
    for &[x, y, w, h] in &sample.boxes {
        let bounds = BoundingBox { x, y, width: w, height: h };
        let Some(moved) = bounds.moved(policy, key, width, height) else { continue };
        let bounds = moved.bounds;
        // In whole pixels, and inside the picture.
        let [left, top] = [bounds.x, bounds.y].map(|start| start as usize);
        let right = (bounds.x + bounds.width) as usize - 1;
        let bottom = (bounds.y + bounds.height) as usize - 1;
        for x in left..=right {
            image.set_pixel(x, top, OUTLINE);
            image.set_pixel(x, bottom, OUTLINE);
        }
        for y in top..=bottom {
            image.set_pixel(left, y, OUTLINE);
            image.set_pixel(right, y, OUTLINE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::ops::{Action, Batch, Border, Geometry};

    fn sample() -> Sample {
        let data = (0..40 * 30 * 3).map(|i| (i % 251) as u8).collect();
        let image = RgbImage { width: 40, height: 30, data };
        Sample { image_id: 7, name: "a.jpg".into(), image, boxes: vec![[2.0, 3.0, 10.0, 8.0]] }
    }

    fn op(p: f64, action: Geometry) -> Op {
        Op { p, action: Action::Geometry(action) }
    }

    const SHOWN: Shown = Shown { seed: 1, epoch: 0 };

    #[test]
    fn an_op_is_shown_whatever_its_probability_with_its_values() {
        let turn = Geometry::Rotate { limit: [10.0, 20.0], border: Border::Constant };
        let strips = [
            Strip::alone("flip".into(), &op(0.0, Geometry::HorizontalFlip {}), 0),
            Strip::alone("turn".into(), &op(0.01, turn), 0),
        ];
        let sheet = sheet("study".into(), &strips, &[sample()], SHOWN);
        assert_eq!(sheet.columns, ["original", "flip", "turn"]);
        let tiles = &sheet.rows[0].tiles;
        assert_eq!((tiles[0].caption.as_str(), tiles[1].caption.as_str()), ("", ""));
        assert!(tiles[2].caption.starts_with("angle=+1"), "{}", tiles[2].caption);
        let at = |tile: usize, x| tiles[tile].image.pixel(x, 29);
        assert_eq!(at(1, 0), at(0, 39), "mirrored");
        // The box too: columns 2 to 11 are then 28 to 37.
        assert_eq!(tiles[0].image.pixel(2, 3), OUTLINE);
        assert_eq!(tiles[1].image.pixel(37, 3), OUTLINE);
        assert_eq!(tiles[1].image.pixel(28, 10), OUTLINE);
    }

    #[test]
    fn ops_on_batches_mix_each_picture_with_the_one_before_it() {
        let plain = |image_id: i64, level: u8| {
            let image = RgbImage { width: 6, height: 6, data: vec![level; 108] };
            Sample { image_id, name: String::new(), image, boxes: Vec::new() }
        };
        let op = Op { p: 1.0, action: Action::Batch(Batch::Mixup { alpha: 1.0 }) };
        let strip = Strip::alone("mixup".into(), &op, 0);
        let tiles = strip.tiles(&[plain(1, 0), plain(2, 200)], SHOWN, &mut Scratch::new());
        for (tile, own, other) in [(&tiles[0], 0.0, 200.0), (&tiles[1], 200.0, 0.0)] {
            let weight: f64 = tile.caption.strip_prefix("own=").unwrap().parse().unwrap();
            let expected = weight * own + (1.0 - weight) * other;
            assert!((f64::from(tile.image.data[0]) - expected).abs() < 2.0, "{}", tile.caption);
        }
    }

    #[test]
    fn boxes_are_rounded_outward_and_those_outside_are_not_painted() {
        let boxes = vec![[2.6, 3.6, 4.0, 4.0], [-5.0, 20.5, 7.2, 30.0], [50.0, 3.0, 4.0, 4.0]];
        let sample = Sample { boxes, ..sample() };
        let original = Strip::trained(String::new(), &[]).tiles(&[sample], SHOWN, &mut Scratch::new());
        let image = &original[0].image;
        let painted = |x, y| image.pixel(x, y) == OUTLINE;
        assert!(painted(2, 3) && painted(6, 7) && !painted(1, 3) && !painted(7, 7));
        assert!(painted(0, 20) && painted(2, 29) && !painted(3, 29));
        assert!((35..40).all(|x| (0..30).all(|y| !painted(x, y))));
    }

    #[test]
    fn an_arm_is_shown_as_it_is_trained() {
        let named =
            |name: &str, p| NamedOp { name: name.into(), op: op(p, Geometry::HorizontalFlip {}), nth: 0 };
        let strips = [
            Strip::trained("none".into(), &[]),
            Strip::trained("both".into(), &[named("a", 1.0), named("b", 0.0)]),
            Strip::trained("never".into(), &[named("a", 0.0)]),
        ];
        let sheet = sheet("study".into(), &strips, &[sample()], SHOWN);
        let captions: Vec<_> = sheet.rows[0].tiles.iter().map(|tile| tile.caption.as_str()).collect();
        assert_eq!(captions, ["", "", "a", "nothing drawn"]);
        assert_eq!(sheet.rows[0].tiles[0].image, sheet.rows[0].tiles[3].image);
    }
}
