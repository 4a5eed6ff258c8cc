//! A list of ops, applied to a sample one after the other.

use std::collections::BTreeMap;

use super::batch::{Layer, is_mixing};
use super::draw::{Drawn, draw};
use super::{Mask, Scratch};
use crate::pixels::RgbImage;
use crate::seed::Key;
use crate::spec::ops::{NamedOp, Op};

/// The key of all draws for one training row in one epoch: run seed, epoch, image, and which copy of it.
pub fn sample_key(seed: u64, epoch: u32, image_id: i64, copy: u32) -> Key {
    Key::root(seed).child("augment").index(epoch.into()).index(image_id as u64).index(copy.into())
}

/// Ops in the order in which they are applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
struct Step {
    name: String,
    /// How many ops of this kind come before.
    repeat: u64,
    op: Op,
}

/// What one op did to one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The op's name in the policy.
    pub name: String,
    /// Whether it was applied.
    pub applied: bool,
    /// The drawn values for people (`angle=-12.3`), led by the chosen op's name for a `one_of`; empty where
    /// nothing was drawn.
    pub params: String,
}

impl Policy {
    /// A policy of these ops. A kind of op that occurs twice draws anew each time: by its place in the spec
    /// ([`NamedOp::nth`]), so that its draws are the same with or without the other; where that is the same, by its place here.
    pub fn new(ops: &[NamedOp]) -> Self {
        let kind = |named: &NamedOp| named.op.action.name();
        let is_twin = |one: &NamedOp, other: &NamedOp| kind(one) == kind(other) && one.nth == other.nth;
        let before = |i: usize| ops[..i].iter().filter(|other| is_twin(other, &ops[i])).count() as u64;
        let repeat = |i: usize| u64::from(ops[i].nth) + before(i);
        let steps = ops.iter().enumerate().map(|(i, named)| Step {
            name: named.name.clone(),
            repeat: repeat(i),
            op: named.op.clone(),
        });
        Policy { steps: steps.collect() }
    }

    /// True where the policy has no op and so changes nothing.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Changes `image` as the draws of `sample` say (see [`sample_key`]). Each op draws from a child of
    /// `sample` under its kind, so its draws depend neither on other kinds nor on the names in a spec. The size of the
    /// picture stays, but that a transposition swaps the sides of one that is not square.
    pub fn apply(&self, image: &mut RgbImage, sample: Key, scratch: &mut Scratch) {
        apply_all(&self.draw(sample), image, scratch);
    }

    /// As [`Policy::apply`], and tells what each op did, in order.
    pub fn apply_traced(&self, image: &mut RgbImage, sample: Key, scratch: &mut Scratch) -> Vec<Applied> {
        let drawn = self.draw(sample);
        apply_all(&drawn, image, scratch);
        let told = |(i, step): (usize, &Step)| {
            let own: Vec<_> = drawn.iter().filter(|(of, _)| *of == i).map(|(_, drawn)| drawn).collect();
            let params = own.iter().map(|drawn| describe(drawn)).collect::<Vec<_>>().join(", ");
            Applied { name: step.name.clone(), applied: !own.is_empty(), params }
        };
        self.steps.iter().enumerate().map(told).collect()
    }

    /// Moves a mask as [`Policy::apply`] moves the pixels of the same sample.
    pub fn apply_to_mask(&self, mask: &mut Mask, sample: Key) {
        for (_, drawn) in self.draw(sample) {
            drawn.transform.apply_to_mask(mask);
        }
    }

    /// What is done to a batch once [`Policy::apply`] has changed each of its pictures: the layers one after the other,
    /// each with an entry for each of `samples`, the batch's rows. An op on batches is a layer, and so is each op of a
    /// group that several come from; layers that change no row are left out.
    pub fn layers(&self, samples: &[Key]) -> Vec<Layer> {
        let mut layers: BTreeMap<(usize, usize), Layer> = BTreeMap::new();
        let mut drawn = Vec::new();
        for (step_idx, step) in self.steps.iter().enumerate().filter(|(_, step)| is_mixing(&step.op.action)) {
            for (row_idx, sample) in samples.iter().enumerate() {
                step.draw(*sample, &mut drawn);
                let mixes = drawn.drain(..).filter_map(|drawn| drawn.transform.mix());
                for (nth, mix) in mixes.enumerate() {
                    let layer = layers.entry((step_idx, nth)).or_insert_with(|| vec![None; samples.len()]);
                    layer[row_idx] = Some(mix);
                }
            }
        }
        layers.into_values().collect()
    }

    /// What is done to `sample`, each transform with the number of its step.
    pub(super) fn draw(&self, sample: Key) -> Vec<(usize, Drawn<'_>)> {
        let mut all = Vec::with_capacity(self.steps.len());
        let mut drawn = Vec::new();
        for (i, step) in self.steps.iter().enumerate() {
            step.draw(sample, &mut drawn);
            all.extend(drawn.drain(..).map(|drawn| (i, drawn)));
        }
        all
    }
}

impl Step {
    /// Adds what this op does to `sample`.
    fn draw<'a>(&'a self, sample: Key, drawn: &mut Vec<Drawn<'a>>) {
        let mut key = sample.child(self.op.action.name());
        if self.repeat > 0 {
            key = key.index(self.repeat);
        }
        let mut draws = key.draws();
        if draws.chance(self.op.p) {
            draw(&self.op.action, key, &mut draws, drawn);
        }
    }
}

/// Applies transforms in order; those that are tables, one after the other, in one pass.
fn apply_all(drawn: &[(usize, Drawn<'_>)], image: &mut RgbImage, scratch: &mut Scratch) {
    let mut rest = drawn.iter().map(|(_, drawn)| &*drawn.transform).peekable();
    while let Some(transform) = rest.next() {
        let followed = rest.peek().and_then(|next| next.tables());
        let (Some(next), Some(mut tables)) = (followed, transform.tables()) else {
            transform.apply(image, scratch);
            continue;
        };
        tables = tables.then(&next);
        rest.next();
        while let Some(next) = rest.peek().and_then(|next| next.tables()) {
            tables = tables.then(&next);
            rest.next();
        }
        tables.apply(image);
    }
}

fn describe(drawn: &Drawn<'_>) -> String {
    let params = drawn.transform.to_string();
    match drawn.from {
        Some(name) if params.is_empty() => name.to_owned(),
        Some(name) => format!("{name}: {params}"),
        None => params,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::ops::{Action, Border, Colour, Geometry, Group, Noise};

    fn named(name: &str, p: f64, action: Action) -> NamedOp {
        NamedOp { name: name.to_owned(), op: Op { p, action }, nth: 0 }
    }

    fn rotate(p: f64) -> NamedOp {
        named(
            "rotate",
            p,
            Action::Geometry(Geometry::Rotate { limit: [-30.0, 10.0], border: Border::Constant }),
        )
    }

    fn noise(p: f64) -> NamedOp {
        let op = Noise::GaussNoise { std: [0.1, 0.2], mean: [0.0, 0.0], per_channel: true };
        named("noise", p, Action::Noise(op))
    }

    fn colour(p: f64) -> NamedOp {
        let ops = vec![
            named("channel_shuffle", 0.2, Action::Colour(Colour::ChannelShuffle {})),
            named("vertical_flip", 0.6, Action::Geometry(Geometry::VerticalFlip {})),
            named("never", 0.0, Action::Geometry(Geometry::HorizontalFlip {})),
        ];
        named("colour", p, Action::Group(Group::OneOf { ops }))
    }

    fn samples(n: i64) -> impl Iterator<Item = Key> {
        (0..n).map(|i| sample_key(3, 1 + (i % 7) as u32, i / 7, (i % 2) as u32))
    }

    fn trace(ops: &[NamedOp], sample: Key) -> Vec<Applied> {
        let mut image = RgbImage::new(5, 4);
        Policy::new(ops).apply_traced(&mut image, sample, &mut Scratch::new())
    }

    /// What this op alone does to a sample; `None`: nothing.
    fn only(op: &NamedOp, sample: Key) -> Option<String> {
        let applied = trace(std::slice::from_ref(op), sample).remove(0);
        applied.applied.then_some(applied.params)
    }

    #[test]
    fn another_op_leaves_the_draws_of_the_rest_unchanged() {
        let (alone, with) = ([rotate(0.7), colour(0.5)], [noise(0.9), rotate(0.7), noise(0.4), colour(0.5)]);
        for sample in samples(200) {
            let (alone, with) = (trace(&alone, sample), trace(&with, sample));
            assert_eq!(alone[0], with[1]);
            assert_eq!(alone[1], with[3]);
        }
    }

    /// The second of a kind draws the same whether the first is applied beside it or not.
    #[test]
    fn another_op_of_the_same_kind_leaves_the_draws_of_the_rest_unchanged() {
        let second = NamedOp { nth: 1, ..noise(0.9) };
        let third = NamedOp { nth: 2, ..noise(0.9) };
        let all = [noise(0.5), second.clone(), rotate(0.7), third.clone()];
        let without = [second, rotate(0.7), third];
        let mut differ = 0;
        for sample in samples(100) {
            let (all, without) = (trace(&all, sample), trace(&without, sample));
            assert_eq!(all[1..], without);
            differ += usize::from(all[3] != all[1]);
        }
        assert!(differ > 30, "they draw anew: {differ}");
    }

    #[test]
    fn another_name_changes_no_draw() {
        for sample in samples(50) {
            let mut renamed = colour(0.8);
            renamed.name = "tint".to_owned();
            let (old, new) = (&trace(&[colour(0.8)], sample)[0], &trace(&[renamed], sample)[0]);
            assert_eq!((old.applied, &old.params), (new.applied, &new.params));
        }
    }

    #[test]
    fn another_probability_leaves_the_values_unchanged() {
        for sample in samples(200) {
            let (seldom, always) = (&trace(&[rotate(0.3)], sample)[0], &trace(&[rotate(1.0)], sample)[0]);
            assert!(!seldom.applied || seldom == always);
        }
    }

    #[test]
    fn an_op_that_occurs_twice_draws_anew() {
        let traces: Vec<_> = samples(50).map(|sample| trace(&[rotate(1.0), rotate(1.0)], sample)).collect();
        assert!(traces.iter().all(|trace| trace[0].params != trace[1].params));
        assert!(samples(50).zip(&traces).all(|(sample, two)| trace(&[rotate(1.0)], sample)[0] == two[0]));
    }

    #[test]
    fn samples_differ_by_seed_epoch_image_and_copy() {
        let base = sample_key(1, 2, 3, 4);
        for other in
            [sample_key(0, 2, 3, 4), sample_key(1, 1, 3, 4), sample_key(1, 2, -3, 4), sample_key(1, 2, 3, 5)]
        {
            assert_ne!(base, other);
        }
    }

    /// Within 3.3 standard deviations of the binomial: one in a thousand keys would fail, this one does not.
    #[test]
    fn ops_are_applied_with_their_probability() {
        let n = 20_000;
        for p in [0.0, 0.1, 0.5, 0.93, 1.0] {
            let op = rotate(p);
            let applied = samples(n).filter(|sample| only(&op, *sample).is_some()).count() as f64;
            let spread = (n as f64 * p * (1.0 - p)).sqrt();
            assert!((applied - n as f64 * p).abs() <= 3.3 * spread, "{p}: {applied}");
        }
    }

    #[test]
    fn one_of_chooses_by_weight() {
        let (n, op) = (20_000, colour(1.0));
        let chosen: Vec<_> = samples(n).map(|sample| only(&op, sample).unwrap()).collect();
        let share = |name| {
            chosen.iter().filter(|chosen| chosen.split(':').next() == Some(name)).count() as f64 / n as f64
        };
        assert!((share("channel_shuffle") - 0.25).abs() < 0.011, "{}", share("channel_shuffle"));
        assert!((share("vertical_flip") - 0.75).abs() < 0.011);
        assert_eq!(share("never"), 0.0);
    }

    #[test]
    fn one_of_nothing_does_nothing() {
        for ops in [vec![], vec![named("never", 0.0, Action::Geometry(Geometry::HorizontalFlip {}))]] {
            let trace =
                trace(&[named("colour", 1.0, Action::Group(Group::OneOf { ops }))], sample_key(1, 1, 1, 0));
            assert!(!trace[0].applied && trace[0].params.is_empty());
        }
    }

    /// Transforms that are tables are applied together, with the same result as one by one.
    #[test]
    fn tables_are_applied_together() {
        let brightness = |brightness: f64| {
            let limit = [brightness, brightness];
            let op = Colour::RandomBrightnessContrast {
                brightness_limit: limit,
                contrast_limit: limit,
                brightness_by_max: true,
            };
            named("brightness", 1.0, Action::Colour(op))
        };
        let ops = [
            brightness(0.3),
            brightness(-0.2),
            rotate(1.0),
            brightness(0.1),
            brightness(-0.3),
            brightness(0.2),
        ];
        let picture = || {
            let data = (0..9 * 7 * 3).map(|i| (i * 53 % 256) as u8).collect();
            RgbImage { width: 9, height: 7, data }
        };
        for sample in samples(5) {
            let (mut together, mut single) = (picture(), picture());
            let policy = Policy::new(&ops);
            policy.apply(&mut together, sample, &mut Scratch::new());
            for (_, drawn) in policy.draw(sample) {
                drawn.transform.apply(&mut single, &mut Scratch::new());
            }
            assert_eq!(together, single);
        }
    }

    #[test]
    fn traces_read_well() {
        let key = sample_key(3, 1, 5, 0);
        let ops = [
            named("flip", 1.0, Action::Geometry(Geometry::HorizontalFlip {})),
            rotate(1.0),
            noise(0.0),
            colour(1.0),
        ];
        let shown: Vec<_> =
            trace(&ops, key).into_iter().map(|a| format!("{} {} {}", a.name, a.applied, a.params)).collect();
        assert_eq!(
            shown,
            ["flip true ", "rotate true angle=-12.1", "noise false ", "colour true vertical_flip"]
        );
    }
}
