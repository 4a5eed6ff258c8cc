use serde::Deserialize;

use super::*;

use crate::augment::{Policy, sample_key};
use crate::seed::Key;
use crate::spec::ops::{Geometry, Group, NamedOp, Op};

fn named(p: f64, action: Action) -> NamedOp {
    NamedOp { name: action.name().to_owned(), op: Op { p, action }, nth: 0 }
}

fn batch(p: f64, op: Batch) -> NamedOp {
    named(p, Action::Batch(op))
}

fn keys(n: i64) -> Vec<Key> {
    (0..n).map(|image_id| sample_key(4, 2, image_id, 0)).collect()
}

/// Cases of `tests/golden/augment/batch.py`: torchvision's own classes with these draws.
#[derive(Deserialize)]
struct Golden {
    patches: Vec<GoldenPatch>,
    targets: Vec<GoldenTargets>,
}

#[derive(Deserialize)]
struct GoldenPatch {
    own: f64,
    centre: [f64; 2],
    size: [usize; 2],
    patch: [usize; 4],
    own_adjusted: f64,
}

#[derive(Deserialize)]
struct GoldenTargets {
    own: f32,
    before: Vec<f32>,
    after: Vec<f32>,
    rows: usize,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../../tests/golden/augment/batch.json")).unwrap()
}

#[test]
fn rectangles_are_torchvisions_for_the_same_draws() {
    let golden = golden();
    assert!(golden.patches.len() >= 300, "{}", golden.patches.len());
    for case in golden.patches {
        let mix = Mix::Cut { own: case.own, centre: case.centre };
        let [width, height] = case.size;
        let found = mix.patch(width, height).map_or([0; 4], |p| [p.left, p.top, p.right, p.bottom]);
        let [left, top, right, bottom] = case.patch;
        let expected = if left < right && top < bottom { case.patch } else { [0; 4] };
        assert_eq!(found, expected, "{mix:?} of {width} x {height}");
        let share = f64::from(mix.own_share(width, height));
        assert!((share - case.own_adjusted).abs() < 1e-6, "{share}, expected {}", case.own_adjusted);
    }
}

#[test]
fn targets_are_torchvisions_for_the_same_weights() {
    let golden = golden();
    assert!(golden.targets.len() >= 5);
    for case in golden.targets {
        let mut targets = case.before.clone();
        let layer = vec![Some(Mix::Blend { own: case.own }); case.rows];
        mix_targets(&layer, 8, &mut targets, &mut vec![1.0; case.rows]);
        for (found, expected) in targets.iter().zip(&case.after) {
            assert!((found - expected).abs() < 1e-6, "{found}, expected {expected}");
        }
    }
}

#[test]
fn mixed_rows_of_different_weight_keep_the_mean_of_both_losses() {
    let (mut targets, mut weights) = (vec![1.0, 0.0, 0.0, 1.0], vec![3.0, 1.0]);
    let layer = [Some(Mix::Blend { own: 0.25 }), None];
    mix_targets(&layer, 8, &mut targets, &mut weights);
    // Own 0.25 x 3, partner 0.75 x 1: half each of a weight of 1.5.
    assert_eq!((targets, weights), (vec![0.5, 0.5, 0.0, 1.0], vec![1.5, 1.0]));

    let (mut targets, mut weights) = (vec![1.0, 0.0], vec![0.0, 0.0]);
    mix_targets(&[Some(Mix::Blend { own: 0.5 }); 2], 8, &mut targets, &mut weights);
    assert_eq!((targets, weights), (vec![1.0, 0.0], vec![0.0, 0.0]), "no weight, no division by it");
}

#[test]
fn smoothing_moves_targets_to_the_middle() {
    let (mut targets, mut weights) = (vec![1.0, 0.0, 1.0, 0.0], vec![1.0, 2.0]);
    mix_targets(&[Some(Mix::Smooth { smoothing: 0.1 }), None], 8, &mut targets, &mut weights);
    let expected = [0.95, 0.05, 1.0, 0.0];
    assert!(targets.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6));
    assert_eq!(weights, [1.0, 2.0]);
}

/// By hand: rows of pictures of one colour each.
#[test]
fn pictures_are_mixed_with_the_row_before() {
    let plain = |level: u8| RgbImage { width: 4, height: 4, data: vec![level; 48] };
    let mut pictures = [plain(0), plain(100), plain(200)];
    let quarter = Mix::Cut { own: 0.75, centre: [0.5, 0.5] };
    mix_pictures(&[Some(Mix::Blend { own: 0.75 }), Some(quarter), None], &mut pictures);
    assert_eq!(pictures[0], plain(50), "a quarter of the last row");
    let inside = |x: usize, y: usize| (1..3).contains(&x) && (1..3).contains(&y);
    for (x, y) in (0..16).map(|i| (i % 4, i / 4)) {
        // The partner is the row as it was, not as it has become.
        assert_eq!(pictures[1].pixel(x, y), [if inside(x, y) { 0 } else { 100 }; 3], "{x}, {y}");
    }
    assert_eq!(pictures[2], plain(200));
}

/// Mean and variance of Beta(alpha, alpha): 1/2 and 1 / (8 alpha + 4). Four standard errors.
#[test]
fn weights_follow_the_beta_distribution_and_p_is_the_share_of_mixed_rows() {
    let n = 20_000;
    for alpha in [0.2, 1.0, 5.0] {
        for op in [Batch::Mixup { alpha }, Batch::Cutmix { alpha }] {
            let policy = Policy::new(&[batch(0.7, op)]);
            let layers = policy.layers(&keys(n));
            assert_eq!(layers.len(), 1);
            let own: Vec<f64> = layers[0]
                .iter()
                .flatten()
                .map(|mix| match *mix {
                    Mix::Blend { own } => f64::from(own),
                    Mix::Cut { own, .. } => own,
                    Mix::Smooth { .. } => unreachable!(),
                })
                .collect();
            assert!((own.len() as f64 / n as f64 - 0.7).abs() < 0.013, "{}", own.len());
            let mean = own.iter().sum::<f64>() / own.len() as f64;
            let variance = own.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / own.len() as f64;
            let expected = 1.0 / (8.0 * alpha + 4.0);
            assert!((mean - 0.5).abs() < 4.0 * (expected / own.len() as f64).sqrt(), "{alpha}: {mean}");
            assert!((variance / expected - 1.0).abs() < 0.05, "{alpha}: {variance}, expected {expected}");
        }
    }
}

/// Centres are uniform: a chi-squared statistic over a 10 x 10 grid, below its 0.1 % point for 99 degrees of freedom.
#[test]
fn rectangles_lie_everywhere() {
    let layers = Policy::new(&[batch(1.0, Batch::Cutmix { alpha: 1.0 })]).layers(&keys(10_000));
    let mut counts = [0.0f64; 100];
    for mix in layers[0].iter().flatten() {
        let Mix::Cut { centre: [x, y], .. } = *mix else { unreachable!() };
        counts[(x * 10.0) as usize * 10 + (y * 10.0) as usize] += 1.0;
    }
    let statistic: f64 = counts.iter().map(|n| (n - 100.0).powi(2) / 100.0).sum();
    assert!(statistic < 149.4, "{statistic}");
}

/// In a batch of others, beside other ops or in another place of it, a row draws the same.
#[test]
fn a_rows_draws_are_its_own() {
    let (mixup, cutmix) = (batch(0.5, Batch::Mixup { alpha: 0.4 }), batch(0.5, Batch::Cutmix { alpha: 1.0 }));
    let flip = named(0.5, Action::Geometry(Geometry::HorizontalFlip {}));
    let all = Policy::new(&[flip.clone(), cutmix.clone(), mixup.clone()]).layers(&keys(40));
    assert_eq!(all.len(), 2);
    assert_eq!(Policy::new(std::slice::from_ref(&mixup)).layers(&keys(40)), [all[1].clone()]);
    assert_eq!(Policy::new(&[cutmix]).layers(&keys(40)), [all[0].clone()]);
    let some = Policy::new(&[mixup]).layers(&keys(40)[11..15]);
    assert_eq!(some, [all[1][11..15].to_vec()]);
    assert!(Policy::new(&[flip]).layers(&keys(40)).is_empty(), "nothing to mix");
}

#[test]
fn groups_choose_for_each_row() {
    let ops =
        vec![batch(1.0, Batch::Mixup { alpha: 1.0 }), batch(3.0_f64.recip(), Batch::Cutmix { alpha: 1.0 })];
    let one_of = named(1.0, Action::Group(Group::OneOf { ops: ops.clone() }));
    let layers = Policy::new(&[one_of]).layers(&keys(4000));
    assert_eq!(layers.len(), 1);
    let cut = layers[0].iter().filter(|mix| matches!(mix, Some(Mix::Cut { .. }))).count();
    let blended = layers[0].iter().filter(|mix| matches!(mix, Some(Mix::Blend { .. }))).count();
    assert_eq!(cut + blended, 4000);
    assert!((cut as f64 - 1000.0).abs() < 110.0, "{cut}");

    let sequence = named(1.0, Action::Group(Group::Sequential { ops }));
    let layers = Policy::new(&[sequence]).layers(&keys(400));
    assert_eq!(layers.len(), 2, "one after the other");
    assert!(layers[1].iter().all(|mix| !matches!(mix, Some(Mix::Blend { .. }))));
}

#[test]
fn a_batch_of_any_size_is_mixed() {
    let policy =
        Policy::new(&[batch(1.0, Batch::Mixup { alpha: 1.0 }), batch(1.0, Batch::Cutmix { alpha: 1.0 })]);
    for (n, side) in [(1, 1), (2, 1), (3, 7), (5, 2)] {
        let mut pictures: Vec<_> = (0..n)
            .map(|i| RgbImage { width: side, height: side, data: vec![i as u8 * 40; side * side * 3] })
            .collect();
        let (mut targets, mut weights) = (vec![1.0; n * 2], vec![1.0; n]);
        for layer in policy.layers(&keys(n as i64)) {
            mix_targets(&layer, side, &mut targets, &mut weights);
            mix_pictures(&layer, &mut pictures);
        }
        assert!(targets.iter().chain(&weights).all(|value| (value - 1.0).abs() < 1e-6));
    }
    assert!(policy.layers(&[]).iter().all(Vec::is_empty));
}

#[test]
fn partners_are_needed_where_something_is_taken_from_them() {
    let inside = |op: Batch| Action::Group(Group::OneOf { ops: vec![batch(1.0, op)] });
    assert!(Action::Batch(Batch::Mixup { alpha: 1.0 }).needs_partner());
    assert!(inside(Batch::Cutmix { alpha: 1.0 }).needs_partner());
    assert!(!inside(Batch::LabelSmoothing { smoothing: 0.1 }).needs_partner());
}
