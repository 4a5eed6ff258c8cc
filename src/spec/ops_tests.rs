//! What `[augment.ops]` refuses, in which words, and where.

use super::ops::Action;
use super::tests::{faults, read};

/// A spec for pictures of this side, with these lines in `[augment.ops]` and what follows it.
fn spec(size: u32, ops: &str) -> String {
    format!(
        "name = \"a\"\n[dataset]\nformat = \"folders\"\nimages = \"d\"\n[labels]\nfrom = \"folder\"\n[images]\nsize = {size}\n\
         [augment.ops]\n{ops}\n"
    )
}

/// The one fault of a spec.
fn fault(size: u32, ops: &str) -> String {
    let mut found = faults(&spec(size, ops), &[]);
    assert_eq!(found.len(), 1, "{ops}: {found:#?}");
    found.remove(0)
}

#[test]
fn what_does_not_fit_into_the_pictures_is_refused() {
    let kernel = "the kernel would be larger than the picture";
    let reach = "it would reach beyond the picture from every pixel";
    let parts = "there would be more parts than pixels";
    // The op, the first value that is refused and what it ends at, the last that is taken, for pictures of 24 pixels.
    let cases = [
        ("gaussian_blur", "blur_limit", "[0, 24]", "24", "[0, 23]", kernel, "23"),
        ("motion_blur", "blur_limit", "[3, 25]", "25", "[3, 23]", kernel, "23"),
        ("defocus", "radius", "[1, 12]", "12", "[1, 11]", reach, "11"),
        ("glass_blur", "max_delta", "12", "12", "11", reach, "11"),
        ("grid_distortion", "num_steps", "25", "25", "24", parts, "24"),
        ("clahe", "tile_grid_size", "25", "25", "24", parts, "24"),
    ];
    for (op, key, wrong, found, right, outcome, most) in cases {
        let with = |value: &str| format!("x = {{ op = \"{op}\", {key} = {value} }}");
        assert_eq!(
            fault(24, &with(wrong)),
            format!(
                "`{key}` goes up to {found}, but pictures have 24 pixels a side: {outcome} @ {wrong} ? let it go up to at \
                 most {most}, or raise `images.size`"
            )
        );
        assert!(read(&spec(24, &with(right)), &[]).is_ok(), "{op} {right}");
        assert!(read(&spec(25, &with(wrong)), &[]).is_ok(), "{op} {wrong}");
    }
    let small = "x = { op = \"downscale\", scale_range = [0.04, 0.5] }";
    assert_eq!(
        fault(24, small),
        "`scale_range` begins at 0.04, but pictures have 24 pixels a side: less than a pixel would be left of a side @ \
         [0.04, 0.5] ? let it begin at 0.0417 or more, or raise `images.size`"
    );
    assert!(read(&spec(24, &small.replace("0.04", "0.0417")), &[]).is_ok());
    // The largest median is smaller than the smallest picture.
    assert!(read(&spec(16, "x = { op = \"median_blur\", blur_limit = [15, 15] }"), &[]).is_ok());
}

/// Every op with its defaults suits all pictures but for `defocus`, whose disc is 21 pixels wide.
#[test]
fn defaults_fit_into_the_smallest_pictures() {
    for name in Action::names().into_iter().filter(|name| *name != "defocus") {
        assert!(read(&spec(16, &format!("x = {{ op = \"{name}\" }}")), &[]).is_ok(), "{name}");
    }
    let disc = fault(16, "x = { op = \"defocus\" }");
    assert!(
        disc.starts_with("`radius` goes up to 10, but pictures have 16 pixels a side: it would"),
        "{disc}"
    );
    assert!(disc.contains("@ x ? let it go up to at most 7"), "{disc}");
}

#[test]
fn what_does_not_fit_is_found_in_groups_levels_and_points_of_the_matrix() {
    let motion = "{ op = \"motion_blur\", blur_limit = [3, 41] }";
    for key in ["one_of", "sequential"] {
        let text = format!("x = {{ {key} = [ {{ op = \"rotate\" }}, {{ {key} = [ {motion} ] }} ] }}");
        assert!(fault(40, &text).contains("goes up to 41, but pictures have 40 pixels a side"), "{key}");
        assert!(fault(40, &text).contains("@ [3, 41] ?"), "{key}");
    }
    let levels =
        "x = { op = \"motion_blur\" }\n[augment.grid]\nlevels.x.blur_limit = [[3, 5], [3, 41], [3, 7]]";
    assert!(fault(40, levels).contains("goes up to 41"));
    assert!(fault(40, levels).contains("@ [3, 41] ?"));
    let swept = format!("x = {motion}\n[matrix]\n\"images.size\" = [64, 32]");
    let found = fault(64, &swept);
    assert!(found.starts_with("matrix point images.size = `32`: `blur_limit` goes up to 41, but"), "{found}");
    // A side that is wrong itself is the one fault.
    assert!(fault(8, &format!("x = {motion}")).starts_with("`size` is `8`"));
    // So is a value that no picture takes.
    assert!(fault(40, "x = { op = \"motion_blur\", blur_limit = [3, 42] }").contains("expected odd numbers"));
}

#[test]
fn wrong_values_say_what_was_expected() {
    let cases = [
        ("x = { op = \"rotate\", p = 1.5 }", "`p` is `1.5`, expected 0 to 1 @ 1.5"),
        ("x = { op = \"rotate\", p = -0.1 }", "`p` is `-0.1`, expected 0 to 1 @ -0.1"),
        (
            "x = { op = \"rotate\", limit = [30, -30] }",
            "`limit` is `[30, -30]`, expected the lower end first @ [30, -30] ? write `[-30, 30]`",
        ),
        (
            "x = { op = \"posterize\", num_bits = [5, 2] }",
            "`num_bits` is `[5, 2]`, expected the lower end first @ [5, 2] ? write `[2, 5]`",
        ),
        (
            "x = { one_of = [] }",
            "`one_of` has no ops to choose from @ [] ? write some into its list, as `one_of = [ { op = \"rotate\" }, … ]`, or \
             remove it",
        ),
        (
            "x = { one_of = [ { op = \"rotate\", p = 0 } ] }",
            "every op in `one_of` has `p = 0`, so that none can be chosen @ [ { op = \"rotate\", p = 0 } ] ? give at least one \
             of them a `p` above 0",
        ),
        (
            "x = { op = \"rotate\", limitt = [0, 3] }",
            "unknown key `limitt` in `[augment.ops.x]` @ limitt ? did you mean `limit`?",
        ),
    ];
    for (ops, expected) in cases {
        assert_eq!(fault(64, ops), expected);
    }
}

#[test]
fn policies_that_name_what_there_is_not_point_at_the_name() {
    let policy = |names: &str| {
        let ops = "flip = { op = \"horizontal_flip\" }\nturn = { op = \"rotate\" }\n";
        fault(64, &format!("{ops}[augment.grid]\ndesign = \"policies\"\npolicies.both = [\"turn\", {names}]"))
    };
    let names = |op: &str, help: &str| {
        format!("the policy `both` names the op `{op}`, which is not in `[augment.ops]` @ \"{op}\" ? {help}")
    };
    assert_eq!(policy("\"flap\""), names("flap", "did you mean `flip`?"));
    assert_eq!(
        policy("\"horizontal_flip\""),
        names("horizontal_flip", "`flip` is a `horizontal_flip`: write `flip`")
    );
    let define = "define it there, as `gauss_noise = { op = \"gauss_noise\" }`";
    assert_eq!(policy("\"gauss_noise\""), names("gauss_noise", define));
    assert_eq!(policy("\"zzz\""), names("zzz", "known there: `flip`, `turn`"));
}

/// What an op that cannot be read would have had is nobody's fault.
#[test]
fn levels_of_a_wrong_op_are_no_faults_of_their_own() {
    let levels = "[augment.grid]\nlevels.x.limit = [[0, 10], [0, 20]]";
    let found = fault(64, &format!("x = {{ op = \"rotat\", limit = [0, 5] }}\n{levels}"));
    assert!(found.starts_with("`op` is `rotat`, and there is no such op"), "{found}");
    let found = fault(64, &format!("x = {{ op = \"transpose\" }}\n{levels}"));
    assert_eq!(found, "the op `x` (`transpose`) has no parameter `limit` @ [[0, 10], [0, 20]] ? it has `p`");
}

#[test]
fn a_resolution_that_the_design_does_not_read_is_mentioned() {
    let notices = |grid: &str| {
        let ops: String = (1..=5).map(|i| format!("op{i} = {{ op = \"rotate\" }}\n")).collect();
        read(&spec(64, &format!("{ops}[augment.grid]\n{grid}")), &[]).unwrap().notices()
    };
    assert!(notices("design = \"fractional\"\nresolution = 5").is_empty());
    assert!(notices("design = \"factorial\"").is_empty());
    let told = notices("design = \"factorial\"\nresolution = 5");
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("does not read `resolution`; write `design = \"fractional\"`"), "{told:?}");
}
