//! From an op's settings and draws to transforms.

use super::batch::Mix;
use super::{Transform, auto, colour, geometry, noise, quality};
use crate::seed::{Draws, Key};
use crate::spec::ops::{Action, Group, NamedOp};

/// A transform that an op came to.
#[derive(Debug)]
pub(super) struct Drawn<'a> {
    /// The innermost op of a group that it comes from; `None` where the op is no group.
    pub from: Option<&'a str>,
    /// What is done.
    pub transform: Box<dyn Transform>,
}

/// Adds the transforms of `action` to `drawn`, in the order in which they are applied; none where a group chooses
/// nothing. `draws` is the stream of `key` after its first draw (whether the op is applied at all). Per-pixel draws and
/// the ops of a group have streams of their own below `key`.
pub(super) fn draw<'a>(action: &'a Action, key: Key, draws: &mut Draws, drawn: &mut Vec<Drawn<'a>>) {
    let transform = match action {
        Action::Geometry(op) => geometry::draw(op, key, draws),
        Action::Colour(op) => colour::draw(op, draws),
        Action::Noise(op) => noise::draw(op, key.child("pixels"), draws),
        Action::Quality(op) => quality::draw(op, key.child("pixels"), draws),
        Action::Auto(op) => {
            return auto::draw(op, draws, &mut |transform| drawn.push(Drawn { from: None, transform }));
        }
        Action::Batch(op) => Box::new(Mix::draw(op, draws)),
        Action::Group(group) => return draw_group(group, key, draws, drawn),
    };
    drawn.push(Drawn { from: None, transform });
}

fn draw_group<'a>(group: &'a Group, key: Key, draws: &mut Draws, drawn: &mut Vec<Drawn<'a>>) {
    match group {
        Group::OneOf { ops } => {
            if let Some(chosen) = choose(ops, draws.f64()) {
                member(chosen, key, drawn);
            }
        }
        Group::SomeOf { n: [least, most], ops } => {
            let n = least + draws.below(most.saturating_sub(*least) + 1);
            for chosen in choose_several(ops, key.child("chosen"), n) {
                member(chosen, key, drawn);
            }
        }
        Group::Sequential { ops } => {
            for named in ops {
                if key.child("applied").child(&named.name).draws().chance(named.op.p) {
                    member(named, key, drawn);
                }
            }
        }
    }
}

/// The transforms of a group's op, whether it is applied being settled.
fn member<'a>(named: &'a NamedOp, key: Key, drawn: &mut Vec<Drawn<'a>>) {
    let key = key.child(&named.name);
    let before = drawn.len();
    draw(&named.op.action, key, &mut key.draws(), drawn);
    for inner in &mut drawn[before..] {
        inner.from = inner.from.or(Some(&named.name));
    }
}

/// The op that `point` (0 to below 1) falls on when each is as wide as its `p`.
fn choose(ops: &[NamedOp], point: f64) -> Option<&NamedOp> {
    let positive = || ops.iter().filter(|named| named.op.p > 0.0);
    let mut left = point * positive().map(|named| named.op.p).sum::<f64>();
    for named in positive() {
        left -= named.op.p;
        if left < 0.0 {
            return Some(named);
        }
    }
    // Rounding may leave a crumb behind the last op.
    positive().next_back()
}

/// `n` ops, or as many as have a `p` above 0, in the order of `ops`; as if chosen one after the other, each time in
/// proportion to the `p` of those that are left. Each op has a draw of its own under `key`, so that another one in the
/// list changes no draw of the rest (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006: the
/// least of exponential waiting times, each at a rate of `p`).
fn choose_several(ops: &[NamedOp], key: Key, n: u64) -> impl Iterator<Item = &NamedOp> {
    let wait = |named: &NamedOp| -libm::log(1.0 - key.child(&named.name).draws().f64()) / named.op.p;
    let possible = ops.iter().enumerate().filter(|(_, named)| named.op.p > 0.0);
    let mut waits: Vec<(f64, usize)> = possible.map(|(i, named)| (wait(named), i)).collect();
    waits.sort_by(|a, b| a.0.total_cmp(&b.0));
    waits.truncate(n as usize);
    waits.sort_by_key(|&(_, i)| i);
    waits.into_iter().map(|(_, i)| &ops[i])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::augment::sample_key;
    use crate::spec::ops::{Border, Colour, Geometry, Op};

    fn named(name: &str, p: f64, action: Action) -> NamedOp {
        NamedOp { name: name.to_owned(), op: Op { p, action }, nth: 0 }
    }

    fn rotate(p: f64) -> NamedOp {
        let op = Geometry::Rotate { limit: [-30.0, 10.0], border: Border::Constant };
        named("rotate", p, Action::Geometry(op))
    }

    fn shuffle(p: f64) -> NamedOp {
        named("channel_shuffle", p, Action::Colour(Colour::ChannelShuffle {}))
    }

    fn flip(p: f64) -> NamedOp {
        named("vertical_flip", p, Action::Geometry(Geometry::VerticalFlip {}))
    }

    /// What a group comes to for an image: each op with its values.
    fn drawn(group: Group, image_id: i64) -> Vec<(String, String)> {
        let action = Action::Group(group);
        let key = sample_key(5, 2, image_id, 0).child(action.name());
        let mut found = Vec::new();
        draw(&action, key, &mut key.draws(), &mut found);
        let told = |drawn: &Drawn<'_>| (drawn.from.unwrap_or("").to_owned(), drawn.transform.to_string());
        found.iter().map(told).collect()
    }

    #[test]
    fn some_of_chooses_as_many_as_it_says_none_twice_in_the_order_of_the_list() {
        let order = ["rotate", "channel_shuffle", "vertical_flip"];
        let mut counts = BTreeMap::new();
        for image_id in 0..3000 {
            let ops = vec![rotate(1.0), shuffle(1.0), flip(1.0)];
            let names: Vec<String> =
                drawn(Group::SomeOf { n: [1, 3], ops }, image_id).into_iter().map(|(name, _)| name).collect();
            let places: Vec<_> = names.iter().map(|name| order.iter().position(|o| o == name)).collect();
            assert!(places.is_sorted() && places.windows(2).all(|two| two[0] != two[1]), "{names:?}");
            *counts.entry(names.len()).or_insert(0) += 1;
        }
        // A third each; 4 standard deviations are 103.
        assert_eq!(counts.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
        assert!(counts.values().all(|&n| (n - 1000i32).abs() < 103), "{counts:?}");
    }

    #[test]
    fn some_of_chooses_by_weight() {
        let shares = |name: &str| {
            let chosen = (0..4000).filter(|&image_id| {
                let ops = vec![rotate(0.2), shuffle(0.6), flip(0.0)];
                drawn(Group::SomeOf { n: [1, 1], ops }, image_id)[0].0 == name
            });
            chosen.count() as f64 / 4000.0
        };
        assert!((shares("rotate") - 0.25).abs() < 0.028, "{}", shares("rotate"));
        assert_eq!(shares("vertical_flip"), 0.0);
    }

    /// An op that is added to a list, before or behind the others, changes neither whether they are applied nor how.
    #[test]
    fn another_op_in_a_sequence_leaves_the_draws_of_the_rest_unchanged() {
        for image_id in 0..300 {
            let short = drawn(Group::Sequential { ops: vec![rotate(0.5), shuffle(0.7)] }, image_id);
            let ops = vec![flip(0.5), rotate(0.5), shuffle(0.7)];
            let mut long = drawn(Group::Sequential { ops }, image_id);
            long.retain(|(name, _)| name != "vertical_flip");
            assert_eq!(short, long);
        }
    }

    #[test]
    fn another_op_to_choose_from_leaves_the_values_of_the_rest_unchanged() {
        let values = |ops: Vec<NamedOp>, image_id| {
            let all = [ops.len() as u64; 2];
            let drawn = drawn(Group::SomeOf { n: all, ops }, image_id);
            drawn.into_iter().filter(|(name, _)| name != "vertical_flip").collect::<Vec<_>>()
        };
        for image_id in 0..300 {
            let short = values(vec![rotate(0.5), shuffle(0.7)], image_id);
            assert_eq!(short, values(vec![flip(1.0), rotate(0.5), shuffle(0.7)], image_id));
        }
    }
}
