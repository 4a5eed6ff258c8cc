//! What policies choose, how often, and that only the sample decides it.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{draw, pairs, space};
use crate::augment::{Policy, Scratch, sample_key};
use crate::pixels::RgbImage;
use crate::seed::Key;
use crate::spec::ops::{Action, Auto, AutoPolicy, Group, Interpolation, NamedOp, Op};

const N: u64 = 20_000;

fn rand(num_ops: i64) -> Auto {
    let interpolation = Interpolation::Nearest;
    Auto::RandAugment { num_ops, magnitude: 9, num_magnitude_bins: 31, interpolation }
}

fn trivial() -> Auto {
    Auto::TrivialAugmentWide { num_magnitude_bins: 31, interpolation: Interpolation::Nearest }
}

fn learnt(policy: AutoPolicy) -> Auto {
    Auto::AutoAugment { policy, interpolation: Interpolation::Nearest }
}

fn mix(mixture_width: i64, chain_depth: i64) -> Auto {
    let interpolation = Interpolation::Bilinear;
    Auto::AugMix { severity: 3, mixture_width, chain_depth, alpha: 1.0, all_ops: true, interpolation }
}

/// What `op` does to one sample, in words.
fn words(op: &Auto, key: Key) -> Vec<String> {
    let mut words = Vec::new();
    draw(op, &mut key.draws(), &mut |transform| words.push(transform.to_string()));
    words
}

/// How often each text occurs.
fn counts(texts: impl Iterator<Item = String>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    texts.for_each(|text| *counts.entry(text).or_default() += 1);
    counts
}

/// Within four standard deviations of the binomial.
fn assert_share(what: &str, count: u64, of: u64, share: f64) {
    let (n, expected) = (of as f64, of as f64 * share);
    let spread = (n * share * (1.0 - share)).sqrt();
    assert!((count as f64 - expected).abs() <= 4.0 * spread, "{what}: {count} of {of}, expected {expected}");
}

fn samples() -> impl Iterator<Item = Key> {
    (0..N).map(|i| Key::root(4).index(i))
}

#[test]
fn rand_augment_chooses_each_change_alike_and_signs_alike() {
    let all: Vec<_> = samples().map(|key| words(&rand(2), key)).collect();
    assert!(all.iter().all(|words| words.len() == 2));
    let counts = counts(all.iter().flatten().cloned());
    let kinds = space::RAND.kinds.len() as f64;
    let signed = [
        ("shear_x=", ["+0.090", "-0.090"]),
        ("shear_y=", ["+0.090", "-0.090"]),
        ("translate_x=", ["+13.6%", "-13.6%"]),
        ("translate_y=", ["+13.6%", "-13.6%"]),
        ("rotate=", ["+9.0", "-9.0"]),
        ("brightness=", ["1.270", "0.730"]),
        ("color=", ["1.270", "0.730"]),
        ("contrast=", ["1.270", "0.730"]),
        ("sharpness=", ["1.270", "0.730"]),
    ];
    let halves = signed.iter().flat_map(|(name, ends)| ends.map(|end| (format!("{name}{end}"), 0.5)));
    let whole = ["identity", "posterize=7", "solarize=178.5", "autocontrast", "equalize"];
    let expected: Vec<_> = halves.chain(whole.map(|name| (name.to_owned(), 1.0))).collect();
    assert_eq!(counts.len(), expected.len(), "{counts:?}");
    for (name, part) in expected {
        assert_share(&name, counts.get(&name).copied().unwrap_or(0), 2 * N, part / kinds);
    }
    // The second change knows nothing of the first.
    let twice = all.iter().filter(|words| words[0] == "equalize" && words[1] == "equalize").count();
    assert_share("twice", twice as u64, N, 1.0 / (kinds * kinds));
}

#[test]
fn more_changes_leave_the_first_ones() {
    for key in samples().take(200) {
        assert_eq!(words(&rand(2), key), words(&rand(5), key)[..2]);
    }
}

#[test]
fn trivial_augment_draws_every_step_alike() {
    let counts = counts(samples().flat_map(|key| words(&trivial(), key)));
    let kinds = 14.0;
    let total = |start: &str| {
        counts.iter().filter(|(name, _)| name.starts_with(start)).map(|(_, count)| count).sum::<u64>()
    };
    for name in
        ["identity", "shear_x", "translate_y", "rotate", "sharpness", "posterize", "solarize", "equalize"]
    {
        assert_share(name, total(name), N, 1.0 / kinds);
    }
    // 30 steps of two signs and one of none, which is written with either.
    assert_eq!(counts.keys().filter(|name| name.starts_with("rotate")).count(), 62);
    assert_share("rotations to the left", total("rotate=+"), N, 0.5 / kinds);
    for name in ["rotate=+135.0", "rotate=-135.0", "rotate=-4.5", "translate_x=+32", "shear_y=-0.990"] {
        assert_share(name, counts.get(name).copied().unwrap_or(0), N, 0.5 / 31.0 / kinds);
    }
    // 8 to 2 bits; the middle ones stand for five steps each, the ends for fewer.
    let bits: Vec<u64> = (2..=8).map(|bits| counts[&format!("posterize={bits}")]).collect();
    for (count, steps) in bits.iter().zip([3.0, 5.0, 5.0, 5.0, 5.0, 5.0, 3.0]) {
        assert_share("posterize", *count, N, steps / 31.0 / kinds);
    }
}

#[test]
fn auto_augment_applies_each_change_of_a_pair_with_its_probability() {
    for policy in [AutoPolicy::Imagenet, AutoPolicy::Cifar10, AutoPolicy::Svhn] {
        let all: Vec<_> = samples().map(|key| words(&learnt(policy), key)).collect();
        let pairs = pairs::of(policy);
        let share = |of: &dyn Fn(f64, f64) -> f64| {
            pairs.iter().map(|[a, b]| of(a.p, b.p)).sum::<f64>() / pairs.len() as f64
        };
        let with = |n: usize| all.iter().filter(|words| words.len() == n).count() as u64;
        assert_share("none", with(0), N, share(&|a, b| (1.0 - a) * (1.0 - b)));
        assert_share("both", with(2), N, share(&|a, b| a * b));
        let inverted = all.iter().flatten().filter(|word| *word == "invert").count() as u64;
        let expected = pairs.iter().flatten().filter(|learnt| learnt.kind == space::Kind::Invert);
        assert_share("invert", inverted, N, expected.map(|learnt| learnt.p).sum::<f64>() / 25.0);
    }
}

#[test]
fn aug_mix_draws_chains_of_one_to_three() {
    let all: Vec<_> = samples().map(|key| words(&mix(3, -1), key).remove(0)).collect();
    let depths = counts(all.iter().flat_map(|words| {
        let chains = words.split('[').skip(1).map(|chain| chain.split(']').next().unwrap_or_default());
        chains.map(|chain| chain.split(' ').count().to_string()).collect::<Vec<_>>()
    }));
    assert_eq!(depths.keys().collect::<Vec<_>>(), ["1", "2", "3"]);
    for count in depths.values() {
        assert_share("depth", *count, 3 * N, 1.0 / 3.0);
    }
    // Magnitudes are those of the first three of ten steps.
    let rotations: Vec<_> = all
        .iter()
        .flat_map(|words| words.split([' ', '[', ']']).filter(|word| word.starts_with("rotate")))
        .map(str::to_owned)
        .collect();
    let kinds = counts(rotations.into_iter());
    let found: Vec<_> = kinds.keys().map(String::as_str).collect();
    let expected = ["rotate=+0.0", "rotate=+3.3", "rotate=+6.7", "rotate=-0.0", "rotate=-3.3", "rotate=-6.7"];
    assert_eq!(found, expected);
    assert_eq!(words(&mix(1, 4), Key::root(1))[0].split(' ').count(), 5);
}

fn named(name: &str, action: Action) -> NamedOp {
    NamedOp { name: name.to_owned(), op: Op { p: 1.0, action }, nth: 0 }
}

fn picture(i: i64) -> RgbImage {
    let data = (0..31 * 19 * 3).map(|at| ((at * 29 + i * 7) ^ (at >> 3)) as u8).collect();
    RgbImage { width: 31, height: 19, data }
}

fn digest(ops: &[NamedOp], threads: usize) -> String {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let policy = Policy::new(ops);
    let one = |scratch: &mut Scratch, i: i64| {
        let mut image = picture(i);
        policy.apply(&mut image, sample_key(7, 2, i, 0), scratch);
        image.data
    };
    let all: Vec<Vec<u8>> =
        pool.install(|| (0..300i64).into_par_iter().map_init(Scratch::new, one).collect());
    blake3::hash(&all.concat()).to_hex()[..12].to_owned()
}

/// The same bytes on any number of threads, and for ever (see `augment::properties`).
#[test]
fn policies_stay_the_same_on_any_number_of_threads() {
    let auto = |op: Auto| named(op.name(), Action::Auto(op.clone()));
    let members = || vec![auto(trivial()), auto(rand(1)), auto(learnt(AutoPolicy::Cifar10))];
    let policies = [
        ("9dc42bf3f43b", vec![auto(rand(2))]),
        ("d18e84aa5f1e", vec![auto(trivial())]),
        ("f90963513173", vec![auto(learnt(AutoPolicy::Imagenet))]),
        ("fe04e8b67020", vec![auto(mix(3, -1))]),
        ("df51e5e01dd9", vec![named("some", Action::Group(Group::SomeOf { n: [1, 2], ops: members() }))]),
        ("7a0c907140ca", vec![named("all", Action::Group(Group::Sequential { ops: members() }))]),
    ];
    let expected: Vec<_> = policies.iter().map(|(digest, _)| *digest).collect();
    for threads in [1, 2, 8] {
        let found: Vec<_> = policies.iter().map(|(_, ops)| digest(ops, threads)).collect();
        assert_eq!(found, expected, "{threads} threads");
    }
}
