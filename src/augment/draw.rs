//! From an op's settings and draws to transforms.

use super::{Transform, colour, geometry, noise, quality};
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
