//! What holds for every op, on pictures of any size and content.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::draw::draw;
use super::geometry::flip::Flip;
use super::{Mask, Policy, Scratch, Transform, auto, batch, colour, geometry, noise, quality, sample_key};
use crate::pixels::RgbImage;
use crate::seed::Key;
use crate::spec::ops::{Action, Geometry, Group, NamedOp, Op};

/// An op at the ends of its ranges, and the first 12 digits of the digest of what it makes of a picture (see
/// [`pixels_stay_the_same_for_ever`]).
pub(super) struct Extreme(pub &'static str, pub &'static str, pub Action);

/// Every op, family by family; those with several ways more than once.
fn extremes() -> Vec<Extreme> {
    [
        geometry::extremes(),
        colour::extremes(),
        noise::extremes(),
        quality::extremes(),
        auto::extremes(),
        batch::extremes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Every op that a spec can name, with its defaults: one that is declared is among them without more ado.
static DECLARED: LazyLock<Vec<NamedOp>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spec.toml");
    let names = Action::names();
    let ops: String = names.iter().map(|name| format!("{name} = {{ op = \"{name}\" }}\n")).collect();
    let rest = "name = \"a\"\n[dataset]\nformat = \"folders\"\nimages = \"d\"\n[labels]\nfrom = \"folder\"";
    std::fs::write(&path, format!("{rest}\n[augment.ops]\n{ops}")).unwrap();
    let read = crate::spec::load(&path, &crate::spec::Overrides::default()).unwrap();
    let ops = read.experiment.augment.ops;
    assert_eq!(ops.len(), names.len());
    ops.into_iter().map(|(name, op)| NamedOp { name: format!("default_{name}"), op, nth: 0 }).collect()
});

/// Every op at the ends of its ranges and with its defaults, each with probability `p`, and each kind of group of them all.
fn all_ops(p: f64) -> Vec<NamedOp> {
    let named = |name: &str, action| NamedOp { name: name.to_owned(), op: Op { p, action }, nth: 0 };
    let extremes = extremes();
    let extremes = extremes.iter().map(|Extreme(name, _, action)| named(name, action.clone()));
    let declared = DECLARED.iter().map(|op| named(&op.name, op.op.action.clone()));
    let ops: Vec<NamedOp> = extremes.chain(declared).collect();
    let n = [0, ops.len() as u64];
    let groups = [
        Group::OneOf { ops: ops.clone() },
        Group::SomeOf { n, ops: ops.clone() },
        Group::Sequential { ops: ops.clone() },
    ];
    let groups = groups.into_iter().map(|group| named(group.name(), Action::Group(group)));
    ops.iter().cloned().chain(groups).collect()
}

#[test]
fn no_op_is_left_out() {
    let here: BTreeSet<_> = extremes().iter().map(|Extreme(_, _, action)| action.name()).collect();
    assert_eq!(here, Action::names().into_iter().collect());
}

fn picture(width: usize, height: usize, seed: u8) -> RgbImage {
    let mut image = RgbImage::new(width, height);
    for (i, value) in image.data.iter_mut().enumerate() {
        *value = ((i * 31 + usize::from(seed)) ^ (i >> 3)) as u8;
    }
    image
}

fn may_swap_sides(action: &Action) -> bool {
    matches!(
        action,
        Action::Group(_) | Action::Geometry(Geometry::Transpose {} | Geometry::RandomRotate90 {})
    )
}

proptest! {
    #![proptest_config(crate::cases::cases(150))]

    #[test]
    fn the_size_is_kept_and_nothing_panics(width in 1usize..40, height in 1usize..40, seed: u8, id: i64) {
        for op in all_ops(1.0) {
            let mut image = picture(width, height, seed);
            Policy::new(std::slice::from_ref(&op)).apply(
                &mut image,
                sample_key(seed.into(), 1, id, 0),
                &mut Scratch::new(),
            );
            let sides = (image.width, image.height);
            let swapped = may_swap_sides(&op.op.action) && sides == (height, width);
            prop_assert!(swapped || sides == (width, height), "{}: {sides:?}", op.name);
            prop_assert_eq!(image.data.len(), width * height * 3);
        }
    }

    #[test]
    fn probability_0_is_the_identity(width in 1usize..20, height in 1usize..20, seed: u8, id: i64) {
        let mut image = picture(width, height, seed);
        Policy::new(&all_ops(0.0)).apply(&mut image, sample_key(seed.into(), 1, id, 0), &mut Scratch::new());
        prop_assert_eq!(image, picture(width, height, seed));
    }

    /// What was in the buffers, and whether anybody watches, changes nothing.
    #[test]
    fn the_result_depends_on_the_sample_alone(width in 1usize..30, height in 1usize..30, seed: u8, id: i64) {
        let (policy, key) = (Policy::new(&all_ops(0.6)), sample_key(seed.into(), 2, id, 1));
        let (mut first, mut second) = (picture(width, height, seed), picture(width, height, seed));
        policy.apply(&mut first, key, &mut Scratch::new());
        let mut used = Scratch::new();
        policy.apply(&mut picture(37, 23, 1), sample_key(1, 1, 1, 1), &mut used);
        policy.apply_traced(&mut second, key, &mut used);
        prop_assert_eq!(first, second);
    }

    #[test]
    fn two_flips_undo_each_other(width in 1usize..30, height in 1usize..30, seed: u8) {
        let mut image = picture(width, height, seed);
        for flip in [Flip::Horizontal, Flip::Vertical] {
            flip.apply(&mut image, &mut Scratch::new());
            flip.apply(&mut image, &mut Scratch::new());
            prop_assert_eq!(&image, &picture(width, height, seed));
        }
    }

    /// A mask of the whole picture and the picture itself hide the same pixels.
    #[test]
    fn masks_move_with_the_pixels(width in 1usize..30, height in 1usize..30, id: i64) {
        for op in all_ops(1.0) {
            if !matches!(op.op.action, Action::Geometry(_)) {
                continue;
            }
            let (policy, key) = (Policy::new(&[op]), sample_key(1, 1, id, 0));
            let mut image = RgbImage { width, height, data: vec![200; width * height * 3] };
            let mut mask = Mask::of_box(width, height, 0..width, 0..height);
            policy.apply(&mut image, key, &mut Scratch::new());
            policy.apply_to_mask(&mut mask, key);
            prop_assert_eq!((mask.width, mask.height), (image.width, image.height));
            for (pixel, &mask) in image.data.as_chunks::<3>().0.iter().zip(&mask.data) {
                // Half of a bilinear pixel may come from beyond the border, where a mirrored picture goes on.
                prop_assert!(mask == 0 || pixel[0] >= 45, "{pixel:?}");
            }
        }
    }
}

/// All values that step `i` of a policy draws for a sample; empty where it does nothing.
fn values(policy: &Policy, i: usize, sample: Key) -> Vec<String> {
    let drawn = policy.draw(sample);
    drawn.iter().filter(|(of, _)| *of == i).map(|(_, drawn)| format!("{:?}", drawn.transform)).collect()
}

/// Whichever two ops they are: the one before changes neither whether the other is applied nor with which values.
#[test]
fn another_op_before_leaves_all_draws_unchanged() {
    let ops = all_ops(0.7);
    let samples: Vec<Key> = (0..3).map(|id| sample_key(4, 1, id, 0)).collect();
    let mut applied = BTreeSet::new();
    for op in &ops {
        let alone = Policy::new(std::slice::from_ref(op));
        let expected: Vec<_> = samples.iter().map(|&sample| values(&alone, 0, sample)).collect();
        if expected.iter().any(|values| !values.is_empty()) {
            applied.insert(op.op.action.name());
        }
        for other in DECLARED.iter().filter(|other| other.op.action.name() != op.op.action.name()) {
            let both = Policy::new(&[other.clone(), op.clone()]);
            for (&sample, expected) in samples.iter().zip(&expected) {
                assert_eq!(values(&both, 1, sample), *expected, "{} before {}", other.name, op.name);
            }
        }
    }
    // Three samples in a row without it are rare: 0.3 to the third.
    assert!(applied.len() * 10 >= Action::names().len() * 9, "{applied:?}");
}

/// Of the samples for which the op always has something to do, the share `p` within 4 standard deviations of the binomial,
/// for every op: one in fifteen thousand would fail by chance, these do not.
#[test]
fn every_op_is_applied_with_its_probability() {
    let samples: Vec<Key> = (0..1_000).map(|id| sample_key(6, 2, id, 1)).collect();
    for mut op in all_ops(0.5) {
        op.op.p = 1.0;
        let always = Policy::new(std::slice::from_ref(&op));
        let busy: Vec<Key> = samples.iter().copied().filter(|&key| !always.draw(key).is_empty()).collect();
        assert!(busy.len() > samples.len() / 2, "{}: {}", op.name, busy.len());
        for p in [0.25, 0.8] {
            op.op.p = p;
            let policy = Policy::new(std::slice::from_ref(&op));
            let n = busy.len() as f64;
            let applied = busy.iter().filter(|&&key| !policy.draw(key).is_empty()).count() as f64;
            let spread = (n * p * (1.0 - p)).sqrt();
            assert!((applied - n * p).abs() <= 4.0 * spread, "{}: {applied} of {n} at {p}", op.name);
        }
    }
}

/// Tables say all that a transform does, so that several can be applied in one pass.
#[test]
fn tables_are_the_whole_change() {
    let mut with_tables = BTreeSet::new();
    for Extreme(name, _, action) in extremes() {
        for id in 0..20 {
            let key = sample_key(5, 1, id, 0);
            let mut drawn = Vec::new();
            draw(&action, key, &mut key.draws(), &mut drawn);
            for transform in drawn.iter().map(|drawn| &drawn.transform) {
                let Some(tables) = transform.tables() else { continue };
                with_tables.insert(action.name());
                let (mut one, mut other) = (picture(23, 11, id as u8), picture(23, 11, id as u8));
                transform.apply(&mut one, &mut Scratch::new());
                tables.apply(&mut other);
                assert_eq!(one, other, "{name}");
            }
        }
    }
    assert!(with_tables.len() >= 7, "{with_tables:?}");
}

#[test]
fn a_picture_without_pixels_stays_one() {
    for (width, height) in [(0, 0), (0, 3), (3, 0)] {
        let mut image = RgbImage::new(width, height);
        Policy::new(&all_ops(1.0)).apply(&mut image, sample_key(1, 1, 1, 0), &mut Scratch::new());
        let sides = (image.width, image.height);
        assert!(sides == (width, height) || sides == (height, width), "{sides:?}");
        assert!(image.data.is_empty());
    }
}

/// The pixels of a sample are the same on every machine and in every version: results in caches rest on it. Where one
/// has to change, raise the version of the stage `train`.
#[test]
fn pixels_stay_the_same_for_ever() {
    let found = |Extreme(name, _, action): &Extreme| {
        let op = NamedOp { name: (*name).to_owned(), op: Op { p: 1.0, action: action.clone() }, nth: 0 };
        let policy = Policy::new(&[op]);
        let changed = |id: i64| {
            let mut image = picture(61, 47, 9);
            policy.apply(&mut image, sample_key(11, 3, id, 1), &mut Scratch::new());
            (image != picture(61, 47, 9)).then_some(image)
        };
        // What an op draws may come to nothing: the first sample counts that it changes, if there is one.
        let image = (1234..1334).find_map(changed).unwrap_or_else(|| picture(61, 47, 9));
        format!("{name} {}", &blake3::hash(&image.data).to_hex()[..12])
    };
    let extremes = extremes();
    let expected: Vec<_> =
        extremes.iter().map(|Extreme(name, digest, _)| format!("{name} {digest}")).collect();
    assert_eq!(extremes.iter().map(found).collect::<Vec<_>>(), expected);
}
