//! What the page shows of the augmentations: what becomes of a few pictures under each op, and each small design's arms.

use std::collections::BTreeSet;

use super::error::StageError;
use super::report_data::Shared;
use super::report_pictures::store;
use super::report_tiles::{Encoded, fitting, most_pictures, sides};
use super::work::StageWork;
use crate::augment::{Scratch, describe};
use crate::pixels::RgbImage;
use crate::preview::{self, Sample, Shown};
use crate::report::{Augmented, LeftOut, Picture, Strip, Tile};
use crate::spec::ops::NamedOp;
use crate::spec::settings::Augment;
use crate::tables::rows::Part;

/// All tiles together, in bytes of JPEG: base64 makes 1.5 MB of it.
const BYTES: usize = 1_100_000;
/// Designs of more arms are shown by their ops alone.
const MOST_ARMS: usize = 16;
/// Ops and levels, at most, so that a design of thousands does not hold up the page.
const MOST_STRIPS: usize = 200;

/// What is done in a strip, before it is done.
struct Asked {
    strip: preview::Strip,
    words: String,
}

/// The ops on a few pictures of the training part; `None` where no arm has an op, or no picture can be shown.
///
/// # Errors
/// Where results do not fit together.
pub(super) fn augmented(work: &StageWork, shared: &Shared) -> Result<Option<Augmented>, StageError> {
    let experiment = work.experiment();
    let ops = ops(&experiment.augment);
    if ops.is_empty() {
        return Ok(None);
    }
    let samples = samples(work, shared)?;
    if samples.is_empty() {
        return Ok(None);
    }
    let (arms, arms_left_out) = arms(&experiment.augment);
    let shown = Shown { seed: experiment.seeds.first().copied().unwrap_or(1), epoch: 0 };
    let mut augmented = made(&samples, ops, arms, shown, BYTES)?;
    augmented.left_out.arms = arms_left_out;
    for (picture, sample) in augmented.pictures.iter_mut().zip(&samples) {
        let row = shared.labels.image_ids.iter().position(|&id| id == sample.image_id);
        let row = row.map_or(&[][..], |row_idx| shared.labels.row(row_idx));
        picture.labels = (0..row.len()).filter(|&label| row[label]).collect();
    }
    Ok(Some(augmented))
}

/// Every op that an arm applies, once, and where levels are tried each of them, in the order of the spec.
fn ops(augment: &Augment) -> Vec<Asked> {
    let arms = augment.arms();
    let parts: BTreeSet<_> =
        arms.iter().flat_map(|arm| &arm.parts).map(|part| (part.op, part.level)).collect();
    let asked = |(op_idx, level_idx): (usize, Option<usize>)| {
        let (name, op) = augment.ops.get_index(op_idx)?;
        let level = level_idx.and_then(|level_idx| augment.levels.get(name)?.get(level_idx));
        let op = level.map_or(op, |level| &level.op);
        let shown = level.map_or_else(|| name.clone(), |level| format!("{name}({})", level.shown()));
        let words = describe(&[NamedOp { name: name.clone(), op: op.clone(), nth: 0 }]);
        Some(Asked { strip: preview::Strip::alone(shown, op, augment.nth(op_idx)), words })
    };
    parts.into_iter().filter_map(asked).collect()
}

/// The arms of several ops, and how many of them are left out.
fn arms(augment: &Augment) -> (Vec<Asked>, usize) {
    let arms = augment.arms();
    let several = arms.iter().filter(|arm| arm.parts.len() > 1);
    if arms.len() > MOST_ARMS {
        return (Vec::new(), several.count());
    }
    let asked = several.map(|arm| {
        let ops = augment.ops_of(arm);
        Asked { strip: preview::Strip::trained(arm.name.clone(), &ops), words: describe(&ops) }
    });
    (asked.collect(), 0)
}

/// A few pictures of the training part, of different labels where there are such, out of the pixel store.
fn samples(work: &StageWork, shared: &Shared) -> Result<Vec<Sample>, StageError> {
    let store = store(work)?;
    let side = work.experiment().images.size as usize;
    let trained: BTreeSet<i64> =
        shared.split.iter().filter(|row| row.part == Part::Train).map(|row| row.image_id).collect();
    let labels = &shared.labels;
    let rows = labels.image_ids.iter().enumerate().map(|(row_idx, &id)| (id, labels.row(row_idx)));
    let chosen =
        preview::chosen(&labels.labels, rows.filter(|(id, _)| trained.contains(id)), most_pictures());
    let sample = |image_id: i64| {
        let data = store.image(image_id)?.to_vec();
        let name = shared.images.iter().find(|image| image.image_id == image_id);
        Some(Sample {
            image_id,
            name: name.map_or_else(|| image_id.to_string(), |image| image.file_name.clone()),
            image: RgbImage { width: side, height: side, data },
            boxes: Vec::new(),
        })
    };
    Ok(chosen.into_iter().filter_map(sample).collect())
}

/// Applies every strip, and keeps what `bytes` hold. Pictures have no labels yet.
fn made(
    samples: &[Sample],
    mut ops: Vec<Asked>,
    mut arms: Vec<Asked>,
    shown: Shown,
    bytes: usize,
) -> Result<Augmented, StageError> {
    let asked = ops.len() + arms.len();
    ops.truncate(MOST_STRIPS);
    arms.truncate(MOST_STRIPS - ops.len());
    let n_ops = ops.len();
    let all: Vec<Asked> = ops.into_iter().chain(arms).collect();

    let mut scratch = Scratch::new();
    let mut strips = Vec::new();
    let mut files: Vec<Vec<Option<Encoded>>> = Vec::new();
    for Asked { strip, words } in all {
        let tiles = strip.tiles(samples, shown, &mut scratch);
        let encoded = tiles.iter().zip(samples).map(|(tile, sample)| {
            (tile.image != sample.image).then(|| Encoded::new(&tile.image)).transpose()
        });
        files.push(encoded.collect::<Result<_, _>>()?);
        let drawn = tiles.into_iter().map(|tile| Tile { drawn: tile.caption, jpeg: None });
        strips.push(Strip { name: strip.name, words, tiles: drawn.collect() });
    }
    let before = samples.iter().map(|sample| Encoded::new(&sample.image)).collect::<Result<Vec<_>, _>>()?;

    let model_side = samples.first().map_or(0, |sample| sample.image.width as u32);
    let fitting = fitting(model_side, &before, &files, bytes);
    let side = sides(model_side)[fitting.side_idx];
    let picture = |(sample, encoded): (&Sample, Encoded)| Picture {
        file_name: sample.name.clone(),
        labels: Vec::new(),
        side,
        jpeg: encoded.into_file(fitting.side_idx),
    };
    let pictures: Vec<Picture> = samples.iter().zip(before).take(fitting.pictures).map(picture).collect();
    strips.truncate(fitting.strips);
    for (strip, files) in strips.iter_mut().zip(files) {
        strip.tiles.truncate(fitting.pictures);
        for (tile, file) in strip.tiles.iter_mut().zip(files) {
            tile.jpeg = file.map(|file| file.into_file(fitting.side_idx));
        }
    }
    let left_out =
        LeftOut { arms: 0, pictures: samples.len() - pictures.len(), strips: asked - strips.len(), bytes };
    let arms = strips.split_off(n_ops.min(strips.len()));
    Ok(Augmented { seed: shown.seed, model_side, side, pictures, ops: strips, arms, left_out })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::Resolution;
    use crate::seed::Key;
    use crate::spec::ops::{Action, Colour, Geometry, Op};
    use crate::spec::settings::{Design, Level};

    fn op(p: f64, action: Action) -> Op {
        Op { p, action }
    }

    fn flip() -> Op {
        op(0.5, Action::Geometry(Geometry::HorizontalFlip {}))
    }

    fn invert() -> Op {
        op(0.5, Action::Colour(Colour::Invert {}))
    }

    /// A design of this many ops.
    fn augment(n: usize, design: Design) -> Augment {
        let ops = (0..n).map(|i| (format!("op{i}"), if i % 2 == 0 { flip() } else { invert() }));
        Augment { ops: ops.collect(), design, policies: Default::default(), levels: Default::default() }
    }

    fn names(asked: &[Asked]) -> Vec<&str> {
        asked.iter().map(|asked| asked.strip.name.as_str()).collect()
    }

    /// Pictures of noise, which JPEG cannot make small.
    fn noise(n: i64, side: usize) -> Vec<Sample> {
        let sample = |image_id| {
            let mut draws = Key::root(9).index(image_id as u64).draws();
            let data = (0..side * side * 3).map(|_| draws.below(256) as u8).collect();
            Sample {
                image_id,
                name: format!("{image_id}.jpg"),
                image: RgbImage { width: side, height: side, data },
                boxes: Vec::new(),
            }
        };
        (0..n).map(sample).collect()
    }

    const SHOWN: Shown = Shown { seed: 3, epoch: 0 };

    #[test]
    fn each_op_once_each_level_and_the_arms_of_a_small_design() {
        let mut one = augment(2, Design::AddOne);
        let level = |p: f64| Level { values: [("p".to_owned(), p.into())].into(), op: flip() };
        one.levels = [("op0".to_owned(), vec![level(0.25), level(1.0)])].into();
        assert_eq!(names(&ops(&one)), ["op0(p=0.25)", "op0(p=1)", "op1"]);
        assert!(arms(&one).0.is_empty());

        let factorial = augment(3, Design::Factorial);
        assert_eq!(names(&ops(&factorial)), ["op0", "op1", "op2"]);
        let (several, left_out) = arms(&factorial);
        assert_eq!(names(&several), ["op0+op1", "op0+op2", "op1+op2", "op0+op1+op2"]);
        assert_eq!(left_out, 0);
        assert_eq!(several[0].words, "horizontal_flip (p 0.5), then invert (p 0.5)");
    }

    #[test]
    fn of_large_designs_the_ops_are_shown_and_of_unused_ops_nothing() {
        for (design, n, several) in [
            (Design::Factorial, 6, 64 - 7),
            (Design::Fractional { resolution: Resolution::Four }, 16, 31),
            (Design::DropOne, 16, 17),
        ] {
            let augment = augment(n, design);
            assert_eq!(ops(&augment).len(), n, "{design:?}");
            let (shown, left_out) = arms(&augment);
            assert_eq!((shown.len(), left_out), (0, several), "{design:?}");
        }
        assert!(ops(&augment(3, Design::None)).is_empty());
        let mut policies = augment(3, Design::Policies);
        policies.policies = [("paper".to_owned(), vec!["op2".to_owned()])].into();
        assert_eq!(names(&ops(&policies)), ["op2"]);
    }

    #[test]
    fn tiles_hold_what_training_draws() {
        let augment = augment(2, Design::AddOne);
        let samples = noise(3, 32);
        let made = made(&samples, ops(&augment), vec![], SHOWN, BYTES).unwrap();
        assert_eq!((made.seed, made.side, made.model_side), (3, 32, 32));
        assert_eq!((made.pictures.len(), made.ops.len(), made.ops[0].tiles.len()), (3, 2, 3));
        for (strip, action) in made.ops.iter().zip([flip().action, invert().action]) {
            let always = [NamedOp { name: "x".into(), op: op(1.0, action), nth: 0 }];
            for (tile, sample) in strip.tiles.iter().zip(&samples) {
                let mut image = sample.image.clone();
                let key = crate::augment::sample_key(3, 0, sample.image_id, 0);
                crate::augment::Policy::new(&always).apply(&mut image, key, &mut Scratch::new());
                let expected = Encoded::new(&image).unwrap().into_file(0);
                assert!(tile.jpeg.as_ref() == Some(&expected), "{}", strip.name);
            }
        }
    }

    #[test]
    fn an_op_that_changes_no_pixel_needs_no_tile() {
        let image = RgbImage { width: 40, height: 40, data: vec![77; 40 * 40 * 3] };
        let sample = Sample { image_id: 1, name: "grey.png".into(), image, boxes: Vec::new() };
        let made = made(&[sample], ops(&augment(1, Design::AddOne)), vec![], SHOWN, BYTES).unwrap();
        assert_eq!(made.ops[0].tiles, [Tile { drawn: String::new(), jpeg: None }]);
    }

    #[test]
    fn all_tiles_stay_within_the_bound() {
        let samples = noise(3, 150);
        for (n, bytes) in [(3, BYTES), (60, BYTES), (3, 60_000), (40, 60_000), (2, 10)] {
            let design = Design::AddOne;
            let made = made(&samples, ops(&augment(n, design)), vec![], SHOWN, bytes).unwrap();
            let tiles = made.ops.iter().flat_map(|strip| &strip.tiles).flat_map(|tile| &tile.jpeg);
            let files = made.pictures.iter().map(|picture| &picture.jpeg).chain(tiles);
            let total: usize = files.map(Vec::len).sum();
            let without_strips = made.ops.is_empty() && made.pictures.len() == 1;
            assert!(total <= bytes || without_strips, "{n} ops, {bytes}: {total}");
            assert_eq!(made.ops.len() + made.left_out.strips, n);
            assert_eq!(made.pictures.len() + made.left_out.pictures, 3);
            assert_eq!(made.left_out.strips > 0, n == 40 || bytes == 10, "{n} ops, {bytes}");
        }
    }
}
