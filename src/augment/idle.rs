//! Ops that do nothing as they are configured, found by trying them.
//!
//! Each op that an arm of the grid applies is drawn several times and applied to a picture of the study's size. That holds
//! for every op, also for those to come, where a list of values that mean nothing would not.

use super::batch::{Mix, mix_targets};
use super::draw::draw;
use super::{Scratch, sample_key};
use crate::pixels::RgbImage;
use crate::spec::ops::{Action, Op};
use crate::spec::settings::Augment;

/// How often an op is tried before it is said to do nothing.
const TRIES: i64 = 8;

/// A move of so many levels is next to nothing.
const FAINT: u8 = 4;

/// What an op does at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    /// Every value stays.
    None,
    /// No value moves by more than [`FAINT`] levels.
    Faint,
    /// Some value moves further.
    Seen,
}

/// What is to be said of the ops that the arms apply to pictures of `side` pixels a side: those that are never applied, and
/// those that change nothing.
pub fn notices(augment: &Augment, side: u32) -> Vec<String> {
    let mut told = Vec::new();
    let mut notices = Vec::new();
    for arm in augment.arms() {
        for (part, named) in arm.parts.iter().zip(augment.ops_of(&arm)) {
            if !told.contains(part) {
                told.push(*part);
                // Only arms of one op have levels: the arm's name tells which.
                let name = if part.level.is_some() { &arm.name } else { &named.name };
                tell(&format!("the op `{name}`"), &named.op, side, &mut notices);
            }
        }
    }
    notices
}

fn tell(which: &str, op: &Op, side: u32, notices: &mut Vec<String>) {
    if op.p == 0.0 {
        notices.push(format!("{which} is never applied: its `p` is 0"));
        return;
    }
    if let Action::Group(group) = &op.action {
        for inner in group.ops() {
            tell(&format!("`{}` in {which}", inner.name), &inner.op, side, notices);
        }
        return;
    }
    let (does, found) = match effect(&op.action, side) {
        Effect::Seen => return,
        Effect::Faint => (
            "next to nothing",
            format!("moved no value of a test picture by more than {FAINT} of 255 levels"),
        ),
        Effect::None if matches!(op.action, Action::Batch(_)) => {
            ("nothing", "left the targets as they were".to_owned())
        }
        Effect::None => ("nothing", "left a test picture as it was".to_owned()),
    };
    let kind = op.action.name();
    notices.push(format!(
        "{which} (`{kind}`) changes {does} as it is configured: {TRIES} draws {found}; widen its ranges, or remove it"
    ));
}

/// The most that several draws of `action` do to a picture of `side` pixels a side.
fn effect(action: &Action, side: u32) -> Effect {
    let before = picture(side as usize);
    let mut scratch = Scratch::new();
    let mut most = Effect::None;
    for id in 0..TRIES {
        let key = sample_key(0, 0, id, 0).child(action.name());
        let mut drawn = Vec::new();
        draw(action, key, &mut key.draws(), &mut drawn);
        if drawn.iter().filter_map(|drawn| drawn.transform.mix()).any(changes_a_batch) {
            return Effect::Seen;
        }
        let mut after = before.clone();
        drawn.iter().for_each(|drawn| drawn.transform.apply(&mut after, &mut scratch));
        most = most.max(difference(&before, &after));
        if most == Effect::Seen {
            break;
        }
    }
    most
}

/// Whether what `mix` takes from another row, or does to targets, is anything.
fn changes_a_batch(mix: Mix) -> bool {
    let (mut targets, mut weights) = (vec![0.0, 1.0], vec![1.0; 2]);
    mix_targets(&[Some(mix), None], 64, &mut targets, &mut weights);
    targets != [0.0, 1.0]
}

fn difference(before: &RgbImage, after: &RgbImage) -> Effect {
    let furthest = before.data.iter().zip(&after.data).map(|(a, b)| a.abs_diff(*b)).max();
    match furthest.unwrap_or(0) {
        0 => Effect::None,
        1..=FAINT => Effect::Faint,
        _ => Effect::Seen,
    }
}

/// Slopes and edges in every direction, all levels in red, fewer in green and blue: there is something to mirror, to blur,
/// to stretch and to turn over.
fn picture(side: usize) -> RgbImage {
    let slope = |at: usize, length: usize| {
        let at = at % (2 * length);
        at.min(2 * length - at) * 255 / length
    };
    let mut image = RgbImage::new(side, side);
    for (i, pixel) in image.data.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let (x, y) = (i % side, i / side);
        let red = if (x / 5 + y / 7).is_multiple_of(3) { 255 } else { slope(2 * x + y, 31) };
        let green = 30 + slope(x + 2 * y, 43) * 190 / 255;
        let blue = if (x / 6 + y / 4).is_multiple_of(4) { 60 } else { 60 + slope(x + 3 * y, 37) * 120 / 255 };
        *pixel = [red as u8, green as u8, blue as u8];
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Overrides, load};

    fn notices_of(side: u32, ops: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spec.toml");
        let text = format!(
            "name = \"a\"\n[dataset]\nformat = \"folders\"\nimages = \"d\"\n[labels]\nfrom = \"folder\"\n[images]\nsize = {side}\n\
             [augment.ops]\n{ops}\n"
        );
        std::fs::write(&path, text).unwrap();
        notices(&load(&path, &Overrides::default()).unwrap().experiment.augment, side)
    }

    /// With its defaults, one op does nothing: its ranges are the user's to give.
    #[test]
    fn defaults_do_something_but_for_one() {
        for side in [24, 224] {
            let ops: Vec<String> =
                Action::names().iter().map(|name| format!("{name} = {{ op = \"{name}\" }}")).collect();
            let idle = "the op `affine` (`affine`) changes nothing as it is configured: 8 draws left a test picture as it \
                        was; widen its ranges, or remove it";
            assert_eq!(notices_of(side, &ops.join("\n")), [idle], "{side}");
        }
    }

    #[test]
    fn what_moves_values_by_a_level_or_two_is_next_to_nothing() {
        let expected = "the op `x` (`posterize`) changes next to nothing as it is configured: 8 draws moved no value of a test \
                        picture by more than 4 of 255 levels; widen its ranges, or remove it";
        assert_eq!(notices_of(48, "x = { op = \"posterize\", num_bits = [7, 7] }"), [expected]);
    }

    #[test]
    fn ranges_of_nothing_are_told() {
        for op in [
            "op = \"rotate\", limit = [0, 0]",
            "op = \"random_brightness_contrast\", brightness_limit = [0, 0], contrast_limit = [0, 0]",
            "op = \"gauss_noise\", std = [0, 0]",
            "op = \"pixel_dropout\", dropout_prob = 0",
            "op = \"downscale\", scale_range = [1, 1]",
            "op = \"shift_scale_rotate\", shift_limit_x = [0, 0], shift_limit_y = [0, 0], scale_limit = [0, 0], rotate_limit = [0, 0]",
            "op = \"hue_saturation_value\", hue_shift_limit = [0, 0], sat_shift_limit = [0, 0], val_shift_limit = [0, 0]",
            "op = \"coarse_dropout\", hole_height_range = [0, 0]",
            "op = \"label_smoothing\", smoothing = 0",
        ] {
            let found = notices_of(48, &format!("x = {{ {op} }}"));
            assert_eq!(found.len(), 1, "{op}: {found:?}");
            assert!(found[0].starts_with("the op `x` (") && found[0].contains("nothing as it is configured"));
        }
    }

    #[test]
    fn groups_and_levels_are_looked_into_and_what_no_arm_applies_is_not() {
        let still = "{ op = \"rotate\", limit = [0, 0] }";
        let flip = "{ op = \"horizontal_flip\" }";
        let never = "{ op = \"transpose\", p = 0 }";
        let found = notices_of(32, &format!("x = {{ one_of = [ {flip}, {still}, {never} ] }}"));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("`rotate` in the op `x` (`rotate`) changes nothing"), "{found:?}");
        assert_eq!(found[1], "`transpose` in the op `x` is never applied: its `p` is 0");

        let levels =
            format!("x = {still}\n[augment.grid]\nlevels.x.limit = [[0, 0], [0, 9]]\nlevels.x.p = [0, 1]");
        let found = notices_of(32, &levels);
        let begin = |i: usize| found[i].split(':').next().unwrap_or_default();
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(begin(0), "the op `x(limit=0,p=0)` is never applied");
        assert!(begin(1).starts_with("the op `x(limit=0,p=1)` (`rotate`) changes nothing"), "{found:?}");
        assert_eq!(begin(2), "the op `x(limit=0..9,p=0)` is never applied");

        assert!(notices_of(32, &format!("x = {still}\n[augment.grid]\ndesign = \"none\"")).is_empty());
    }
}
