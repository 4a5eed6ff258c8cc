//! The section on where the models look, in rows and sentences.

use minijinja::Value;
use serde::Serialize;

use super::answer;
use super::attention::{Attention, AttentionMeans, Look, LookedAt, Overlays};
use super::format;
use super::strips::data_uri;
use super::study::{Metric, Study, Unit};

/// The colours of maps, from weak to strong, in equal steps: matplotlib's `inferno`, which grows lighter evenly, so that
/// strengths can be told apart whichever hues one sees.
pub const RAMP: [[u8; 3]; 9] = [
    [0, 0, 4],
    [33, 12, 74],
    [87, 16, 110],
    [138, 34, 106],
    [188, 55, 84],
    [228, 90, 49],
    [249, 142, 9],
    [249, 203, 53],
    [252, 255, 164],
];

/// Tiles of a smaller side are shown enlarged, each pixel a square.
const SMALL_SIDE: u32 = 80;

/// What the section shows.
#[derive(Debug, Serialize)]
pub struct Looks {
    notes: Vec<String>,
    has_objects: bool,
    has_curves: bool,
    rows: Vec<Row>,
    /// What each variant does to them.
    effects: Vec<answer::Row>,
    /// `run: reason`.
    missing: Vec<String>,
    pictures: Option<Pictures>,
}

/// A variant's measures.
#[derive(Debug, Serialize)]
struct Row {
    variant: String,
    maps: String,
    empty: String,
    energy_inside: String,
    object_area: String,
    pointing_hit: String,
    active_area: String,
    deletion: String,
    insertion: String,
}

#[derive(Debug, Serialize)]
struct Pictures {
    notes: Vec<String>,
    side: u32,
    /// Whether tiles are shown enlarged, each pixel a square.
    is_small: bool,
    ramp: Vec<Stop>,
    of: Vec<PictureRow>,
}

/// A colour of maps.
#[derive(Debug, Serialize)]
struct Stop {
    /// 0 to 1.
    offset: f64,
    /// `#rrggbb`.
    colour: String,
}

#[derive(Debug, Serialize)]
struct PictureRow {
    name: String,
    label: String,
    source: Value,
    tiles: Vec<Tile>,
}

#[derive(Debug, Serialize)]
struct Tile {
    variant: String,
    /// `None`: the map is 0 everywhere, or the run did not see the picture.
    source: Option<Value>,
    alt: String,
    /// Hit or miss; empty where the run did not see the picture.
    answer: String,
    is_hit: bool,
    measures: String,
}

/// Gathers what the section shows; `None` where no maps were asked for.
pub fn looks(study: &Study) -> Option<Looks> {
    let attention = study.attention.as_ref()?;
    Some(Looks {
        notes: notes(attention),
        has_objects: attention.has_objects,
        has_curves: attention.steps > 0,
        rows: attention.means.iter().map(row).collect(),
        effects: attention
            .effects
            .iter()
            .map(|effect| answer::row(effect, &measure(&effect.row.metric)))
            .collect(),
        missing: attention.missing.iter().map(|(run, why)| format!("{run}: {why}")).collect(),
        pictures: attention.overlays.as_ref().map(|overlays| pictures(study, overlays)),
    })
}

/// A measure as people read it. Of none is more or less better by itself.
fn measure(name: &str) -> Metric {
    let shown = match name {
        "energy_inside" => "energy inside",
        "pointing_hit" => "pointing game",
        "active_area" => "active area",
        other => other,
    };
    Metric {
        metric: name.to_owned(),
        name: shown.to_owned(),
        meaning: String::new(),
        higher_is_better: true,
        unit: Unit::Share,
    }
}

fn notes(attention: &Attention) -> Vec<String> {
    let Attention { method, steps, has_objects, has_boxes, .. } = attention;
    let layers = attention.layers.join(", ");
    let mut notes = vec![format!(
        "{method} of the layer {layers}: where on a test image the activation speaks for a label that the image has."
    )];
    if *has_objects {
        notes.push(
            "Energy inside: the share of a map that lies on the label's objects; a map that is the same everywhere has the share \
             of the picture that they take. Pointing game: the share of maps whose maximum lies on one of them."
                .to_owned(),
        );
        if *has_boxes {
            notes.push(
                "Where an object has no mask, its box stands for it, with the ground in its corners."
                    .to_owned(),
            );
        }
    } else {
        notes.push(
            "The dataset says nothing of where objects are, so that nobody can say whether a model looks at them.".to_owned(),
        );
    }
    notes.push("Active area: the share of the picture where a map is above half of its maximum.".to_owned());
    if *steps > 0 {
        notes.push(format!(
            "Deletion and insertion, in {steps} steps: the label's mean probability while a map's pixels are taken away, the \
             strongest first, and while they are put into a blurred picture. A map that shows what the answer rests on has a low \
             deletion and a high insertion; where the two are close, it shows little."
        ));
    }
    notes.push(
        "Means over test images and their labels, times 100; ± is the spread over seeds. A map shows where, not why.".to_owned(),
    );
    notes
}

fn row(means: &AttentionMeans) -> Row {
    let share = |values: &[f64]| {
        let (mean, sd) = mean_and_spread(values);
        format::spread(Unit::Share, mean, sd)
    };
    Row {
        variant: means.variant.clone(),
        maps: format::count(means.maps),
        empty: format::count(means.empty),
        energy_inside: share(&means.energy_inside),
        object_area: format::score(Unit::Share, mean_and_spread(&means.object_area).0),
        pointing_hit: share(&means.pointing_hit),
        active_area: share(&means.active_area),
        deletion: share(&means.deletion),
        insertion: share(&means.insertion),
    }
}

/// The mean, NaN of nothing, and the standard deviation where there is more than one.
fn mean_and_spread(values: &[f64]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (mean, (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()))
}

fn pictures(study: &Study, overlays: &Overlays) -> Pictures {
    let Overlays { seed, fold, side, variants, .. } = overlays;
    let of_fold = fold.map(|fold| format!(", fold {fold}")).unwrap_or_default();
    let mut notes = vec![format!(
        "Test images as they were drawn, each label in turn, before any model was asked: hits and misses alike, and the same in \
         every variant. Maps are those of seed {seed}{of_fold}; outlines are those of the label's objects. Hit: the label's \
         probability reaches the threshold, both times 100."
    )];
    if overlays.more_variants > 0 {
        let more = format::counted(overlays.more_variants, "more variant");
        notes.push(format!("Not shown: {more}, the last ones of the design."));
    }
    if overlays.more_pictures > 0 {
        notes.push(format!(
            "Left out, so that all tiles stay within {:.1} MB: {}.",
            overlays.bytes as f64 / 1e6,
            format::counted(overlays.more_pictures, "more picture")
        ));
    }
    Pictures {
        notes,
        side: *side,
        is_small: *side < SMALL_SIDE,
        ramp: ramp(),
        of: overlays.pictures.iter().map(|picture| picture_row(study, picture, variants)).collect(),
    }
}

fn ramp() -> Vec<Stop> {
    let last = (RAMP.len() - 1) as f64;
    let stop = |(i, [r, g, b]): (usize, [u8; 3])| Stop {
        offset: i as f64 / last,
        colour: format!("#{r:02x}{g:02x}{b:02x}"),
    };
    RAMP.into_iter().enumerate().map(stop).collect()
}

fn picture_row(study: &Study, picture: &LookedAt, variants: &[String]) -> PictureRow {
    let label = study.labels.get(picture.label).cloned().unwrap_or_default();
    let tile = |(variant, look): (&String, &Option<Look>)| tile(picture, &label, variant, look.as_ref());
    PictureRow {
        name: picture.file_name.clone(),
        source: data_uri(&picture.jpeg),
        tiles: variants.iter().zip(&picture.looks).map(tile).collect(),
        label,
    }
}

fn tile(picture: &LookedAt, label: &str, variant: &str, look: Option<&Look>) -> Tile {
    let share = |value| format::score(Unit::Share, value);
    let mut measures = Vec::new();
    if let Some(look) = look {
        if look.jpeg.is_none() {
            measures.push("the map is 0 everywhere".to_owned());
        }
        if let Some(energy) = look.energy_inside {
            let points = match look.pointing_hit {
                Some(true) => ", points inside",
                Some(false) => ", points outside",
                None => "",
            };
            measures.push(format!("inside {}{points}", share(energy)));
        }
        measures.extend(look.active_area.map(|area| format!("active {}", share(area))));
    } else {
        measures.push("no test image of this run".to_owned());
    }
    let answer = look.map_or_else(String::new, |look| {
        let (word, sign) = if look.is_hit() { ("hit", "≥") } else { ("miss", "<") };
        format!("{word}: {} {sign} {}", share(look.probability), share(look.threshold))
    });
    Tile {
        variant: variant.to_owned(),
        source: look.and_then(|look| look.jpeg.as_ref()).map(|jpeg| data_uri(jpeg)),
        alt: format!("where {variant} looks for {label} in {}", picture.file_name),
        answer,
        is_hit: look.is_some_and(Look::is_hit),
        measures: measures.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_are_those_of_seeds() {
        assert_eq!(mean_and_spread(&[0.25]), (0.25, None));
        let (mean, sd) = mean_and_spread(&[0.2, 0.4]);
        assert!((mean - 0.3).abs() < 1e-12 && (sd.unwrap() - 0.02f64.sqrt()).abs() < 1e-12);
        assert!(mean_and_spread(&[]).0.is_nan());
    }
}
