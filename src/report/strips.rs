//! The section on what each augmentation does, in rows and sentences.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::Value;
use serde::Serialize;

use super::augmented::{Augmented, Strip, Tile};
use super::data::Picture;
use super::format;
use super::study::Study;

/// Strips of a group before the rest folds away.
const STRIPS_MAX: usize = 12;

/// What the section shows.
#[derive(Debug, Serialize)]
pub struct Strips {
    note: String,
    side: u32,
    /// Whether tiles are shown enlarged, each pixel a square.
    is_small: bool,
    pictures: Vec<PictureCell>,
    groups: Vec<Group>,
    /// Sentences on what is not shown.
    left_out: Vec<String>,
}

#[derive(Debug, Serialize)]
struct PictureCell {
    name: String,
    labels: String,
    source: Value,
}

#[derive(Debug, Serialize)]
struct Group {
    title: &'static str,
    note: &'static str,
    shown: Vec<Row>,
    more: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    words: String,
    tiles: Vec<Cell>,
}

#[derive(Debug, Serialize)]
struct Cell {
    /// `None`: no pixel changed.
    source: Option<Value>,
    /// Which picture after what.
    alt: String,
    drawn: String,
}

/// Gathers what the section shows; `None` where there are no ops.
pub fn strips(study: &Study) -> Option<Strips> {
    let augmented = study.augmented.as_ref()?;
    let group = |title, note, strips: &[Strip]| {
        let rows = |strips: &[Strip]| strips.iter().map(|strip| row(strip, &augmented.pictures)).collect();
        let (shown, more) = strips.split_at(strips.len().min(STRIPS_MAX));
        (!strips.is_empty()).then(|| Group { title, note, shown: rows(shown), more: rows(more) })
    };
    let ops = group("Each op alone", "Applied to every picture here, whatever its p.", &augmented.ops);
    let arms = group(
        "Arms of several ops",
        "As they are trained: each op is applied with its p, so that some are not, and a picture may stay as it is.",
        &augmented.arms,
    );
    Some(Strips {
        note: note(augmented),
        side: augmented.side,
        is_small: augmented.side < 96,
        pictures: augmented.pictures.iter().map(|picture| picture_cell(study, picture)).collect(),
        groups: ops.into_iter().chain(arms).collect(),
        left_out: left_out(augmented),
    })
}

fn note(augmented: &Augmented) -> String {
    let Augmented { seed, side, model_side, .. } = augmented;
    let pictures = match augmented.pictures.len() {
        1 => "One picture".to_owned(),
        n => format!("{n} pictures"),
    };
    let size = if side < model_side {
        format!("{side} of the model's {model_side} pixels a side")
    } else {
        format!("the model's {side} pixels a side")
    };
    format!(
        "{pictures} of the training part, before and after. The values under each are those that training draws with seed \
         {seed} in its first epoch, for the first copy of the picture. Tiles have {size} and are JPEGs, which soften fine noise."
    )
}

fn left_out(augmented: &Augmented) -> Vec<String> {
    let left = &augmented.left_out;
    let limit = format!("so that all tiles stay within {:.1} MB", left.bytes as f64 / 1e6);
    let mut said = Vec::new();
    if left.arms > 0 {
        said.push(format!(
            "The {} that combine these ops are not shown one by one.",
            format::counted(left.arms, "arm")
        ));
    }
    if left.pictures > 0 {
        said.push(format!("Left out, {limit}: {}.", format::counted(left.pictures, "more picture")));
    }
    if left.strips > 0 {
        said.push(format!(
            "Left out, {limit}: {}, the last ones of the design.",
            format::counted(left.strips, "strip")
        ));
    }
    said
}

fn picture_cell(study: &Study, picture: &Picture) -> PictureCell {
    let labels = picture.labels.iter().filter_map(|&label| study.labels.get(label).map(String::as_str));
    let labels = labels.collect::<Vec<_>>().join(", ");
    PictureCell {
        name: picture.file_name.clone(),
        labels: if labels.is_empty() { "no label".to_owned() } else { labels },
        source: data_uri(&picture.jpeg),
    }
}

fn row(strip: &Strip, pictures: &[Picture]) -> Row {
    let cell = |(tile, picture): (&Tile, &Picture)| Cell {
        source: tile.jpeg.as_ref().map(|jpeg| data_uri(jpeg)),
        alt: format!("{} after {}", picture.file_name, strip.name),
        drawn: match (&tile.jpeg, tile.drawn.as_str()) {
            (None, "") => "unchanged".to_owned(),
            (Some(_), "") => "applied".to_owned(),
            (_, drawn) => drawn.to_owned(),
        },
    };
    Row {
        name: strip.name.clone(),
        words: strip.words.clone(),
        tiles: strip.tiles.iter().zip(pictures).map(cell).collect(),
    }
}

/// Letters, digits and signs that mean nothing in an attribute.
pub(super) fn data_uri(jpeg: &[u8]) -> Value {
    Value::from_safe_string(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg)))
}
