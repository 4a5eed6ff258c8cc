//! From an op's settings and draws to transforms.

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
