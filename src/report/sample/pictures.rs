//! Pictures: strips, maps, samples, mistakes; squares of one grey.

use super::*;

/// A square of one grey.
pub(super) fn grey(level: u8) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let pixels = vec![level; 96 * 96 * 3];
    jpeg_encoder::Encoder::new(&mut jpeg, 78).encode(&pixels, 96, 96, jpeg_encoder::ColorType::Rgb).unwrap();
    jpeg
}

/// A strip for each of the first variants that augment; `flip` leaves the second picture as it is.
pub(super) fn augmented(variants: &[(String, String, String, f64)]) -> Augmented {
    let picture = |idx: u8| Picture {
        file_name: format!("batch_2_{idx:06}.jpg"),
        labels: vec![usize::from(idx)],
        side: 96,
        jpeg: grey(90 + 30 * idx),
    };
    let tile = |op: usize, idx: u8| Tile {
        drawn: if op == 0 { String::new() } else { format!("value=+{op}.{idx}") },
        jpeg: (op != 0 || idx != 1).then(|| grey(100 + 30 * idx)),
    };
    let strip = |(op, (name, _, words, _)): (usize, &(String, String, String, f64))| Strip {
        name: name.clone(),
        words: words.clone(),
        tiles: (0..3).map(|idx| tile(op, idx)).collect(),
    };
    Augmented {
        seed: 1,
        model_side: 224,
        side: 96,
        pictures: (0..3).map(picture).collect(),
        ops: variants.iter().skip(1).take(40).enumerate().map(strip).collect(),
        arms: vec![],
        left_out: LeftOut { bytes: 1_100_000, ..LeftOut::default() },
    }
}

/// Two pictures with maps of the first variants; the second variant's map of the second picture is empty, and the third did
/// not see it.
pub(super) fn attention(variants: &[(String, String, String, f64)]) -> Attention {
    let shown: Vec<String> = variants.iter().take(3).map(|(name, ..)| name.clone()).collect();
    let look = |probability: f64, is_empty: bool| Look {
        jpeg: (!is_empty).then(|| grey(200)),
        probability,
        threshold: 0.43,
        energy_inside: (!is_empty).then_some(0.618),
        pointing_hit: (!is_empty).then_some(true),
        active_area: (!is_empty).then_some(0.179),
    };
    let picture = |idx: usize| LookedAt {
        file_name: format!("batch_3_{idx:06}.jpg"),
        label: 0,
        jpeg: grey(110),
        looks: (0..shown.len())
            .map(|v| (idx == 0 || v != 2).then(|| look([0.71, 0.12][idx], (idx, v) == (1, 1))))
            .collect(),
    };
    let means = |name: &String| AttentionMeans {
        variant: name.clone(),
        maps: 1560,
        empty: 3,
        object_area: vec![0.104; 5],
        energy_inside: vec![0.41, 0.42, 0.43, 0.40, 0.44],
        pointing_hit: vec![0.55; 5],
        active_area: vec![0.171; 5],
        deletion: vec![0.201; 5],
        insertion: vec![0.502; 5],
    };
    let by_seed = (1..=5).map(|seed| SeedDelta { seed, delta: 0.02 }).collect();
    let mut wider = effect("flip", None, "active_area", true, by_seed);
    wider.row.verdict = "higher".into();
    Attention {
        method: "Grad-CAM".into(),
        layers: vec!["conv_head".into()],
        steps: 8,
        has_objects: true,
        has_boxes: false,
        means: variants.iter().map(|(name, ..)| means(name)).collect(),
        effects: vec![wider],
        missing: vec![("noise/seed=3".into(), "memory is out".into())],
        overlays: Some(Overlays {
            seed: 1,
            fold: None,
            side: 96,
            variants: shown.clone(),
            more_variants: variants.len() - shown.len(),
            more_pictures: 1,
            bytes: 1_500_000,
            pictures: (0..2).map(picture).collect(),
        }),
    }
}

/// Grey squares.
pub(super) fn samples(labels: usize) -> Vec<Samples> {
    let picture = |label: usize, idx: u8| Picture {
        file_name: format!("batch_1_{idx:06}.jpg"),
        labels: vec![0, label],
        side: 96,
        jpeg: grey(60 + 40 * idx),
    };
    let of = |label| Samples { label, pictures: (0..4).map(|idx| picture(label, idx)).collect() };
    (0..labels.min(40)).map(of).collect()
}

pub(super) fn mistakes(variants: &[Row]) -> Mistakes {
    let mistake = |idx: u8, label: usize, probability: f64| Mistake {
        picture: Picture {
            file_name: format!("batch_4_{idx:06}.jpg"),
            labels: vec![0],
            side: 96,
            jpeg: grey(70 + 20 * idx),
        },
        label,
        probability,
        threshold: 0.43,
        wrong: 4,
        runs: 5,
    };
    let of = |(variant, ..): &Row| VariantMistakes {
        variant: variant.clone(),
        said: vec![mistake(0, 1, 0.97), mistake(1, 2, 0.91)],
        missed: vec![mistake(2, 0, 0.02)],
    };
    Mistakes { bytes: 300_000, left_out: 1, of: variants.iter().take(2).map(of).collect() }
}
