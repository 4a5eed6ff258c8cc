//! Policies beside torchvision's with the same draws.

use serde::Deserialize;

use super::mix::{AugMix, Chain};
use super::pairs;
use super::primitive::{Change, Primitive};
use super::space::{self, Kind, Space};
use crate::augment::golden::{Case, Distance, Golden};
use crate::augment::{Mask, Scratch, Transform};
use crate::pixels::RgbImage;
use crate::spec::ops::{AutoPolicy, Interpolation};

static GOLDEN: Golden = Golden {
    cases: include_str!("../../../tests/golden/augment/auto.json"),
    pixels: include_bytes!("../../../tests/golden/augment/auto.bin"),
};

/// Changes that follow each other.
#[derive(Debug)]
struct Chained(Vec<Change>);

impl Transform for Chained {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        self.0.iter().for_each(|change| change.apply(image, scratch));
    }

    fn apply_to_mask(&self, mask: &mut Mask) {
        self.0.iter().for_each(|change| change.apply_to_mask(mask));
    }
}

impl std::fmt::Display for Chained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[derive(Deserialize)]
struct Step {
    kind: String,
    #[serde(default)]
    bin: usize,
    negative: bool,
}

fn kind(name: &str) -> Kind {
    let all = [space::RAND.kinds, space::MIX.kinds, &[Kind::Invert]].concat();
    all.into_iter().find(|kind| format!("{kind:?}") == name).unwrap_or_else(|| panic!("no kind {name}"))
}

fn drawn(case: &Case) -> Box<dyn Transform> {
    let nearest = |primitive| Change { primitive, interpolation: Interpolation::Nearest };
    match case.op.as_str() {
        "trivial_augment_wide" => {
            let kind = kind(&case.value::<String>("kind"));
            let (bins, bin, negative) = (case.value("bins"), case.value("bin"), case.value("negative"));
            let primitive = space::WIDE.primitive(kind, bins, bin, negative);
            Box::new(Change { primitive, interpolation: case.value("interpolation") })
        }
        "rand_augment" => {
            let steps: Vec<Step> = case.value("kinds");
            let (bins, bin) = (case.value("bins"), case.value("bin"));
            let one =
                |step: &Step| nearest(space::RAND.primitive(kind(&step.kind), bins, bin, step.negative));
            Box::new(Chained(steps.iter().map(one).collect()))
        }
        "auto_augment" => {
            let pair = &pairs::of(case.value::<AutoPolicy>("policy"))[case.value::<usize>("pair")];
            let one = |learnt: &pairs::Learnt| {
                let negative = learnt.kind.is_signed();
                nearest(space::LEARNT.primitive(learnt.kind, pairs::BINS, learnt.bin, negative))
            };
            Box::new(Chained(pair.iter().map(one).collect()))
        }
        "aug_mix" => {
            let (halves, shares): ([f32; 2], Vec<f32>) = (case.value("halves"), case.value("shares"));
            let primitive = |step: &Step| space::MIX.primitive(kind(&step.kind), 10, step.bin, step.negative);
            let chain = |(steps, share): (&Vec<Step>, &f32)| Chain {
                weight: share * halves[1],
                primitives: steps.iter().map(primitive).collect(),
            };
            let chains: Vec<Vec<Step>> = case.value("chains");
            let chains = chains.iter().zip(&shares).map(chain).collect();
            Box::new(AugMix { original: halves[0], chains, interpolation: Interpolation::Bilinear })
        }
        other => panic!("no op `{other}`"),
    }
}

/// Over the cases of `trivial_augment_wide` that `asked` says yes to.
fn distance(asked: impl Fn(&str, usize, Interpolation) -> bool) -> Distance {
    GOLDEN.distance_where("trivial_augment_wide", 1, drawn, |case| {
        asked(&case.value::<String>("kind"), case.value("bin"), case.value("interpolation"))
    })
}

#[test]
fn levels_colours_and_shifts_are_equal() {
    let moved = ["ShearX", "ShearY", "Rotate"];
    let distance = distance(|kind, _, _| !moved.contains(&kind));
    assert_eq!((distance.cases, distance.largest), (6 * (6 * 4 + 2 * 4 + 3), 0), "{distance:?}");
}

#[test]
fn shears_and_turns_by_the_nearest_pixel_are_equal() {
    let distance = distance(|kind, bin, interpolation| {
        let is_moved = ["ShearX", "ShearY", "Rotate"].contains(&kind) && ![8, 24].contains(&bin);
        is_moved && interpolation == Interpolation::Nearest
    });
    assert_eq!(distance.cases, 6 * 3 * 4);
    assert!(distance.equal > 0.999, "{distance:?}");
}

/// Places in the middle between two pixels: on every fifth row or so torchvision's rounding noise chooses.
#[test]
fn in_the_middle_between_pixels_either_is_right() {
    let distance = distance(|kind, bin, interpolation| {
        kind == "ShearX" && [8, 24].contains(&bin) && interpolation == Interpolation::Nearest
    });
    assert_eq!(distance.cases, 6 * 2);
    assert!(distance.equal > 0.9, "{distance:?}");
}

#[test]
fn bilinear_is_within_one_level() {
    let distance = distance(|_, _, interpolation| interpolation == Interpolation::Bilinear);
    assert_eq!(distance.cases, 6 * 3 * 2);
    assert!(distance.largest <= 1 && distance.equal > 0.99, "{distance:?}");
}

#[test]
fn changes_that_follow_each_other_are_equal() {
    for (op, cases) in [("rand_augment", 18), ("auto_augment", 36)] {
        let distance = GOLDEN.distance(op, 1, drawn);
        assert_eq!(distance.cases, cases);
        assert!(distance.equal > 0.999, "{op}: {distance:?}");
    }
}

#[test]
fn mixtures_are_within_one_level() {
    let distance = GOLDEN.distance("aug_mix", 1, drawn);
    assert_eq!(distance.cases, 18);
    assert!(distance.near > 0.999 && distance.equal > 0.99, "{distance:?}");
}

#[derive(Deserialize)]
struct Magnitudes {
    space: String,
    bins: usize,
    kind: String,
    signed: bool,
    width: usize,
    height: usize,
    values: Option<Vec<f64>>,
}

/// All spaces have torchvision's kinds, in its order, with its magnitudes to the last bit.
#[test]
fn magnitudes_are_equal() {
    let text = include_str!("../../../tests/golden/augment/auto_magnitudes.json");
    let all: Vec<Magnitudes> = serde_json::from_str(text).unwrap();
    assert!(all.len() > 150);
    let spaces: [(&str, &Space); 5] = [
        ("rand", &space::RAND),
        ("wide", &space::WIDE),
        ("learnt", &space::LEARNT),
        ("mix", &space::MIX),
        ("mix_part", &space::MIX_PART),
    ];
    for (name, space) in spaces {
        let mut kinds: Vec<Kind> = Vec::new();
        for row in all.iter().filter(|row| row.space == name) {
            let kind = kind(&row.kind);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
            assert_eq!((kind.is_signed(), kind.has_magnitude()), (row.signed, row.values.is_some()));
            for (bin, &expected) in row.values.iter().flatten().enumerate() {
                let magnitude = |negative| {
                    let primitive = space.primitive(kind, row.bins, bin, negative);
                    magnitude(primitive, row.width, row.height)
                };
                let expected = if row.kind.starts_with("Translate") { expected.trunc() } else { expected };
                assert_eq!(magnitude(false), expected, "{name} {} {bin}", row.kind);
                assert_eq!(magnitude(true), if row.signed { -expected } else { expected });
            }
        }
        if name != "learnt" {
            assert_eq!(kinds, space.kinds, "{name}");
        }
    }
}

fn magnitude(primitive: Primitive, width: usize, height: usize) -> f64 {
    match primitive {
        Primitive::ShearX(by) | Primitive::ShearY(by) | Primitive::Rotate(by) => by,
        Primitive::TranslateX(by) => by.pixels(width) as f64,
        Primitive::TranslateY(by) => by.pixels(height) as f64,
        Primitive::Brightness(by)
        | Primitive::Color(by)
        | Primitive::Contrast(by)
        | Primitive::Sharpness(by) => f64::from((by - 1.0) as f32),
        Primitive::Posterize(bits) => f64::from(bits),
        Primitive::Solarize(threshold) => f64::from((threshold / 255.0) as f32),
        _ => 0.0,
    }
}

/// A mask of the whole picture and the picture itself, white, hide the same pixels.
#[test]
fn masks_move_with_the_pixels() {
    for kind in space::WIDE.kinds {
        for (bin, negative) in [(5, false), (8, true), (30, false), (20, true)] {
            let primitive = space::WIDE.primitive(*kind, 31, bin, negative);
            let is_moved = matches!(
                kind,
                Kind::ShearX | Kind::ShearY | Kind::TranslateX | Kind::TranslateY | Kind::Rotate
            );
            let change = Change { primitive, interpolation: Interpolation::Nearest };
            let mut image = RgbImage { width: 23, height: 17, data: vec![255; 23 * 17 * 3] };
            let mut mask = Mask::of_box(23, 17, 0..23, 0..17);
            change.apply(&mut image, &mut Scratch::new());
            change.apply_to_mask(&mut mask);
            for (pixel, &mask) in image.data.as_chunks::<3>().0.iter().zip(&mask.data) {
                assert!(if is_moved { (pixel[0] == 255) == (mask == 1) } else { mask == 1 }, "{change}");
            }
        }
    }
}
