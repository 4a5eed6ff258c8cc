//! The grid as it is written: designs, levels, and every fault of both with its place.

use super::Loaded;
use super::ops::{Action, Noise};
use super::settings::Design;
use super::tests::{faults, read};
use crate::design::Resolution;

/// A spec with these ops, all flips, and this grid.
fn spec(n_ops: usize, grid: &str) -> String {
    let ops: String =
        (1..=n_ops).map(|i| format!("op{i} = {{ op = \"horizontal_flip\", p = 0.{i:02} }}\n")).collect();
    format!(
        "name = \"g\"\n[dataset]\nformat = \"folders\"\nimages = \"d\"\n[labels]\nfrom = \"folder\"\n[augment.ops]\n\
         noise = {{ op = \"gauss_noise\", mean = [0.0, 0.1], p = 0.6 }}\n\
         colour = {{ one_of = [ {{ op = \"channel_shuffle\" }} ] }}\n{ops}[augment.grid]\n{grid}\n"
    )
}

fn loaded(n_ops: usize, grid: &str) -> Loaded {
    read(&spec(n_ops, grid), &[]).unwrap()
}

fn names(loaded: &Loaded) -> Vec<String> {
    loaded.experiment.augment.arms().into_iter().map(|arm| arm.name).collect()
}

#[test]
fn designs_are_read_with_their_own_baselines() {
    let design = |grid: &str| {
        let experiment = loaded(2, grid).experiment;
        (experiment.augment.design, experiment.report.baseline)
    };
    assert_eq!(design(""), (Design::AddOne, "none".to_owned()));
    assert_eq!(design("design = \"drop_one\""), (Design::DropOne, "all".to_owned()));
    assert_eq!(design("design = \"factorial\""), (Design::Factorial, "none".to_owned()));
    let fractional = Design::Fractional { resolution: Resolution::Four };
    assert_eq!(design("design = \"fractional\""), (fractional, "none".to_owned()));
    let five = loaded(3, "design = \"fractional\"\nresolution = 5").experiment.augment;
    assert_eq!(five.design, Design::Fractional { resolution: Resolution::Five });
    let chosen = loaded(0, "design = \"drop_one\"\n[report]\nbaseline = \"without-noise\"").experiment;
    assert_eq!(chosen.report.baseline, "without-noise");
}

#[test]
fn a_baseline_that_the_design_lacks_is_told_with_its_arms() {
    let cases = [
        ("design = \"drop_one\"", "without-nois", "did you mean `without-noise`?"),
        ("design = \"factorial\"", "colour+noise", "did you mean `noise+colour`?"),
        ("", "x", "the grid has `none`, `noise`, `colour`, `op1`"),
    ];
    for (grid, baseline, help) in cases {
        let text = spec(1, &format!("{grid}\n[report]\nbaseline = \"{baseline}\""));
        let expected =
            format!("`baseline` is `{baseline}`, which the grid does not have @ \"{baseline}\" ? {help}");
        assert_eq!(faults(&text, &[]), [expected]);
    }
}

#[test]
fn a_design_that_cannot_be_laid_out_says_what_to_do() {
    let fractional = "design = \"fractional\"";
    let cases: &[(usize, &str, &str)] = &[
        (
            0,
            "design = \"factorail\"",
            "`design` is `factorail`, expected one of `none`, `add_one`, `drop_one`, `factorial`, `fractional`, `policies` @ \
             \"factorail\" ? did you mean `factorial`?",
        ),
        (
            5,
            "design = \"factorial\"",
            "`design = \"factorial\"` of 7 ops has 128 arms, expected at most 6 ops (64 arms) @ \"factorial\" ? write \
             `design = \"fractional\"`: 16 arms tell what each of the 7 ops does",
        ),
        (
            38,
            "design = \"factorial\"",
            "`design = \"factorial\"` of 40 ops has 2^40 arms, expected at most 6 ops (64 arms) @ \"factorial\" ? write \
             `design = \"add_one\"`: 41 arms",
        ),
        (
            1,
            fractional,
            "`design = \"fractional\"` needs at least 4 ops, and there are 3: with fewer, only all combinations keep them \
             apart @ \"fractional\" ? write `design = \"factorial\"`: 8 arms",
        ),
        (
            31,
            fractional,
            "`design = \"fractional\"` takes at most 32 ops, and there are 33 @ \"fractional\" ? write `design = \"add_one\"`: \
             34 arms; or leave some ops out",
        ),
        (
            2,
            "design = \"fractional\"\nresolution = 5",
            "`design = \"fractional\"` with `resolution = 5` needs at least 5 ops, and there are 4: with fewer, only all \
             combinations keep them apart @ \"fractional\" ? write `design = \"factorial\"`: 16 arms",
        ),
        (
            10,
            "design = \"fractional\"\nresolution = 5",
            "`design = \"fractional\"` with `resolution = 5` takes at most 11 ops, and there are 12 @ \"fractional\" ? write \
             `resolution = 4`: 32 arms",
        ),
        (4, "design = \"fractional\"\nresolution = 3", "`resolution` is `3`, expected 4 to 5 @ 3"),
    ];
    for (n_ops, grid, expected) in cases {
        assert_eq!(faults(&spec(*n_ops, grid), &[]), [*expected]);
    }
}

#[test]
fn a_design_without_ops_says_which_it_needs() {
    let bare = spec(0, "").split("noise = ").next().unwrap().to_owned();
    for (design, expected) in [
        ("add_one", "has no ops to add"),
        ("drop_one", "has no ops to leave out"),
        ("factorial", "has no ops to combine"),
        ("fractional", "has no ops to combine"),
    ] {
        let text = format!("{bare}[augment.grid]\ndesign = \"{design}\"\n");
        let expected = format!(
            "`design = \"{design}\"` {expected} @ \"{design}\" ? define ops in `[augment.ops]`, or write `design = \
             \"none\"`"
        );
        assert_eq!(faults(&text, &[]), [expected]);
    }
    let one = format!("{bare}flip = {{ op = \"horizontal_flip\" }}\n[augment.grid]\ndesign = \"drop_one\"\n");
    assert_eq!(
        faults(&one, &[]),
        [
            "`design = \"drop_one\"` needs at least 2 ops: without its one op nothing is left @ \"drop_one\" ? write `design = \
             \"add_one\"`, or define more ops in `[augment.ops]`"
        ]
    );
}

#[test]
fn levels_are_arms_in_the_place_of_their_op() {
    let loaded = loaded(1, "levels.noise.std = [[0.02, 0.05], [0.1, 0.1]]\nlevels.op1.p = [0.25, 1]");
    let expected = ["none", "noise(std=0.02..0.05)", "noise(std=0.1)", "colour", "op1(p=0.25)", "op1(p=1)"];
    assert_eq!(names(&loaded), expected);
    let augment = &loaded.experiment.augment;
    let op = |arm: usize| augment.ops_of(&augment.arms()[arm])[0].op.clone();
    // What is not varied is the op's own.
    assert_eq!(op(1).p, 0.6);
    let Action::Noise(Noise::GaussNoise { std, mean, .. }) = op(1).action else { panic!("{:?}", op(1)) };
    assert_eq!((std, mean), ([0.02, 0.05], [0.0, 0.1]));
    assert_eq!((op(4).p, op(5).p), (0.25, 1.0));
}

#[test]
fn axes_of_one_op_are_crossed_the_last_fastest() {
    let grid = "[augment.grid.levels.noise]\nstd = [[0.1, 0.1], [0.2, 0.3]]\np = [0.5, 1]\nper_channel = [true, false]";
    let names = names(&loaded(0, grid));
    assert_eq!(names.len(), 1 + 8 + 1);
    assert_eq!(
        names[1..4],
        [
            "noise(std=0.1,p=0.5,per_channel=true)",
            "noise(std=0.1,p=0.5,per_channel=false)",
            "noise(std=0.1,p=1,per_channel=true)",
        ]
    );
}

#[test]
fn a_group_can_be_tried_at_several_probabilities() {
    assert_eq!(names(&loaded(0, "levels.colour.p = [0.1, 0.9]"))[2..], ["colour(p=0.1)", "colour(p=0.9)"]);
}

#[test]
fn levels_can_be_set_on_the_command_line() {
    let set = "augment.grid.levels.noise.std=[[0.02,0.05],[0.05,0.11]]";
    assert_eq!(names(&read(&spec(0, ""), &[set]).unwrap()).len(), 4);
    let wrong = "augment.grid.levels.noise.std=[[0.02,0.05],[0.05,7]]";
    let expected = format!("`std` is `[0.05, 7]`, expected [low, high], each 0 to 1 @ --set {wrong}");
    assert_eq!(faults(&spec(0, ""), &[wrong]), [expected]);
}

#[test]
fn faults_of_levels_point_at_them() {
    let cases: &[(&str, &str)] = &[
        (
            "levels.nose.std = [[0.1, 0.2]]",
            "`levels` names the op `nose`, which is not in `[augment.ops]` @ nose ? did you mean `noise`?",
        ),
        (
            "levels.noise.stdd = [[0.1, 0.2]]",
            "the op `noise` (`gauss_noise`) has no parameter `stdd` @ [[0.1, 0.2]] ? did you mean `std`?",
        ),
        (
            "levels.noise.limit = [[0.1, 0.2]]",
            "the op `noise` (`gauss_noise`) has no parameter `limit` @ [[0.1, 0.2]] ? it has `std`, `mean`, `per_channel`, `p`",
        ),
        (
            "levels.colour.std = [[0.1, 0.2]]",
            "the op `colour` (`one_of`) has no parameter `std` @ [[0.1, 0.2]] ? only its `p` can have levels; give an op in \
             it a name of its own in `[augment.ops]` to vary it",
        ),
        (
            "levels.noise.op = [\"rotate\"]",
            "`op` says what the op is, and has no levels @ [\"rotate\"] ? give each op a name of its own in `[augment.ops]`",
        ),
        ("levels.noise.std = []", "`std` is an empty list, expected the levels to try @ []"),
        ("levels.noise.std = 0.3", "`std` is `0.3`, expected a list of levels @ 0.3"),
        (
            "levels.noise.std = [0.02, [0.1, 0.2]]",
            "`std` is `0.02`, expected [low, high], each 0 to 1 @ 0.02 ? `[0.02, 0.02]` is this value alone",
        ),
        (
            "levels.noise.std = [[0.1, 0.2], [0.3, 2]]",
            "`std` is `[0.3, 2]`, expected [low, high], each 0 to 1 @ [0.3, 2]",
        ),
        (
            "levels.noise.std = [[0.2, 0.1]]",
            "`std` is `[0.2, 0.1]`, expected the lower end first @ [0.2, 0.1] ? write `[0.1, 0.2]`",
        ),
        ("levels.noise.p = [0.5, 1.5]", "`p` is `1.5`, expected 0 to 1 @ 1.5"),
        (
            "levels.noise.per_channel = [true, \"no\"]",
            "`per_channel` is `\"no\"`, expected true or false @ \"no\"",
        ),
        (
            "levels.noise.std = [[0.1, 0.2], [0.1, 0.20]]",
            "`std` has the level `[0.1, 0.2]` twice @ [[0.1, 0.2], [0.1, 0.20]]",
        ),
        ("levels.noise = 3", "`noise` is `3`, expected a table @ 3"),
        (
            "levels.noise = {}",
            "`[augment.grid.levels.noise]` names no parameter @ noise ? write, say, `p = [0.25, 0.5]`, or remove it",
        ),
        (
            "design = \"factorial\"\nlevels.noise.p = [0.5, 1.0]",
            "`design = \"factorial\"` takes no levels of ops @ levels ? `add_one` tries them; elsewhere, write an op under \
             two names with two values in `[augment.ops]`",
        ),
    ];
    for (grid, expected) in cases {
        let found = faults(&spec(0, grid), &[]);
        assert_eq!(found, [*expected], "{grid}");
    }
}

#[test]
fn so_many_levels_are_refused() {
    let values: Vec<String> = (1..=11).map(|i| format!("[0.0, 0.{i:02}]")).collect();
    let values = values.join(", ");
    let text = spec(0, &format!("levels.noise = {{ std = [{values}], mean = [{values}] }}"));
    let found = faults(&text, &[]);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("the op `noise` has 121 levels, expected at most 100 @ { std"), "{found:?}");
    let many: Vec<String> = (0..101).map(|i| format!("0.{i:03}")).collect();
    let found = faults(&spec(0, &format!("levels.noise.p = [{}]", many.join(", "))), &[]);
    assert!(found[0].starts_with("`p` has 101 levels, expected at most 100 @ [0.000,"), "{found:?}");
}

#[test]
fn levels_and_lists_that_the_design_does_not_read_are_mentioned() {
    let notices = loaded(0, "design = \"none\"\nlevels.noise.p = [0.5]\npolicies.x = [\"noise\"]").notices();
    assert_eq!(
        notices,
        [
            "the design of `[augment.grid]` does not read the policies `x`; write `design = \"policies\"` to run them",
            "the design of `[augment.grid]` does not read the levels of `noise`; write `design = \"add_one\"` to run them",
        ]
    );
    assert!(loaded(0, "levels.noise.p = [0.5]").notices().is_empty());
}

#[test]
fn ops_that_mix_rows_want_more_than_one_in_a_batch() {
    let bare = "name=\"a\"\n[dataset]\nformat=\"folders\"\nimages=\"d\"\n[labels]\nfrom=\"folder\"\n";
    let spec = |op: &str| format!("{bare}[train]\nbatch_size = 1\n[augment.ops]\nmix = {{ {op} }}\n");
    for op in ["op = \"mixup\"", "one_of = [ { op = \"label_smoothing\" }, { op = \"cutmix\" } ]"] {
        let expected = "`batch_size` is 1, but the op `mix` mixes each row with another one of its batch @ 1 \
                        ? write at least 2, or take the op out";
        assert_eq!(faults(&spec(op), &[]), [expected]);
        assert!(read(&spec(op), &["train.batch_size=2"]).is_ok());
    }
    assert!(read(&spec("op = \"label_smoothing\""), &[]).is_ok());
    for unused in ["augment.grid.design=none", "augment.ops.mix.p=0"] {
        assert!(read(&spec("op = \"mixup\""), &[unused]).is_ok(), "{unused}");
    }
}

/// In every arm an op is the same one of its kind, so that its draws do not depend on which others are there.
#[test]
fn arms_know_which_of_its_kind_an_op_is() {
    let augment = &loaded(2, "design = \"drop_one\"").experiment.augment;
    let found: Vec<Vec<(String, u32)>> = augment
        .arms()
        .iter()
        .map(|arm| augment.ops_of(arm).into_iter().map(|named| (named.name, named.nth)).collect())
        .collect();
    let nth = |name: &str| match name {
        "op2" => 1,
        _ => 0,
    };
    assert!(found.len() >= 5, "{found:?}");
    assert!(found.iter().flatten().all(|(name, found)| *found == nth(name)), "{found:?}");
    assert!(found.iter().any(|arm| arm.iter().any(|op| op.0 == "op2") && arm.iter().all(|op| op.0 != "op1")));
}
