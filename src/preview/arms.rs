//! What is shown beside what: each op alone, or each arm of the grid.

use super::Sample;
use super::sheet::{Row, Sheet, Tile};
use crate::augment::{Mask, Policy, Scratch, sample_key};
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

/// Each op alone, applied to every sample whatever its `p`; the values are those that training draws where it applies
/// the op.
pub fn ops<'a>(
    title: String,
    ops: impl Iterator<Item = (&'a str, &'a Op)>,
    samples: &[Sample],
    shown: Shown,
) -> Sheet {
    let always = |(name, op): (&str, &Op)| {
        let op = Op { p: 1.0, action: op.action.clone() };
        (name.to_owned(), Policy::new(&[NamedOp { name: name.to_owned(), op }]))
    };
    sheet(title, &ops.map(always).collect::<Vec<_>>(), samples, shown)
}

/// Each arm as it is trained, every op with its `p`.
pub fn arms(
    title: String,
    arms: impl Iterator<Item = (String, Vec<NamedOp>)>,
    samples: &[Sample],
    shown: Shown,
) -> Sheet {
    let policies: Vec<_> = arms.map(|(name, ops)| (name, Policy::new(&ops))).collect();
    sheet(title, &policies, samples, shown)
}

fn sheet(title: String, policies: &[(String, Policy)], samples: &[Sample], shown: Shown) -> Sheet {
    let mut scratch = Scratch::new();
    let mut row = |sample: &Sample| {
        let key = sample_key(shown.seed, shown.epoch, sample.image_id, 0);
        let original = Tile { image: outlined(&sample.image, sample, None), caption: String::new() };
        let augmented = policies.iter().map(|(_, policy)| tile(policy, sample, key, &mut scratch));
        Row { name: sample.name.clone(), tiles: std::iter::once(original).chain(augmented).collect() }
    };
    let names = policies.iter().map(|(name, _)| name.clone());
    Sheet {
        title,
        columns: std::iter::once("original".to_owned()).chain(names).collect(),
        rows: samples.iter().map(&mut row).collect(),
    }
}

fn tile(policy: &Policy, sample: &Sample, key: Key, scratch: &mut Scratch) -> Tile {
    let mut image = sample.image.clone();
    let applied = policy.apply_traced(&mut image, key, scratch);
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
    Tile { image: outlined(&image, sample, Some((policy, key))), caption }
}

/// The picture with the outlines of the sample's boxes, moved as the pixels were.
fn outlined(image: &RgbImage, sample: &Sample, moved: Option<(&Policy, Key)>) -> RgbImage {
    let mut image = image.clone();
    let (width, height) = (sample.image.width, sample.image.height);
    for &[x, y, w, h] in &sample.boxes {
        let from = |start: f64| start.round().max(0.0) as usize;
        let mut mask = Mask::of_box(width, height, from(x)..from(x + w), from(y)..from(y + h));
        if let Some((policy, key)) = moved {
            policy.apply_to_mask(&mut mask, key);
        }
        let Some([left, top, columns, rows]) = mask.bounds() else { continue };
        let (right, bottom) = (left + columns - 1, top + rows - 1);
        for x in left..=right {
            image.set_pixel(x, top, OUTLINE);
            image.set_pixel(x, bottom, OUTLINE);
        }
        for y in top..=bottom {
            image.set_pixel(left, y, OUTLINE);
            image.set_pixel(right, y, OUTLINE);
        }
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::ops::{Action, Border, Geometry};

    fn sample() -> Sample {
        let data = (0..40 * 30 * 3).map(|i| (i % 251) as u8).collect();
        let image = RgbImage { width: 40, height: 30, data };
        Sample { image_id: 7, name: "a.jpg".into(), image, boxes: vec![[2.0, 3.0, 10.0, 8.0]] }
    }

    fn op(p: f64, action: Geometry) -> Op {
        Op { p, action: Action::Geometry(action) }
    }

    #[test]
    fn an_op_is_shown_whatever_its_probability_with_its_values() {
        let (flip, turn) = (
            op(0.0, Geometry::HorizontalFlip {}),
            op(0.01, Geometry::Rotate { limit: [10.0, 20.0], border: Border::Constant }),
        );
        let list = [("flip", &flip), ("turn", &turn)];
        let sheet = ops("study".into(), list.into_iter(), &[sample()], Shown { seed: 1, epoch: 0 });
        assert_eq!(sheet.columns, ["original", "flip", "turn"]);
        let tiles = &sheet.rows[0].tiles;
        assert_eq!(tiles[1].caption, "");
        assert!(tiles[2].caption.starts_with("angle=+1"), "{}", tiles[2].caption);
        let at = |tile: usize, x| tiles[tile].image.pixel(x, 29);
        assert_eq!(at(1, 0), at(0, 39), "mirrored");
        // The box too: columns 2 to 11 are then 28 to 37.
        assert_eq!(tiles[0].image.pixel(2, 3), OUTLINE);
        assert_eq!(tiles[1].image.pixel(37, 3), OUTLINE);
        assert_eq!(tiles[1].image.pixel(28, 10), OUTLINE);
    }

    #[test]
    fn an_arm_is_shown_as_it_is_trained() {
        let named = |name: &str, p| NamedOp { name: name.into(), op: op(p, Geometry::HorizontalFlip {}) };
        let list = [
            ("none".to_owned(), vec![]),
            ("both".to_owned(), vec![named("a", 1.0), named("b", 0.0)]),
            ("never".to_owned(), vec![named("a", 0.0)]),
        ];
        let sheet = arms("study".into(), list.into_iter(), &[sample()], Shown { seed: 1, epoch: 0 });
        let captions: Vec<_> = sheet.rows[0].tiles.iter().map(|tile| tile.caption.as_str()).collect();
        assert_eq!(captions, ["", "", "a", "nothing drawn"]);
        assert_eq!(sheet.rows[0].tiles[0].image, sheet.rows[0].tiles[3].image);
    }
}
