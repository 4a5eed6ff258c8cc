//! The test images that models are most sure about, and wrong.

use minijinja::Value;
use serde::Serialize;

use super::data::Picture;
use super::format;
use super::strips::data_uri;
use super::study::Study;

/// Mistakes of some variants.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mistakes {
    /// What all pictures together may have, in bytes of JPEG.
    pub bytes: usize,
    /// Mistakes that are not shown, so that pictures are not too many bytes.
    pub left_out: usize,
    /// The baseline, and the variant that does best.
    pub of: Vec<VariantMistakes>,
}

/// Mistakes of one variant, over all its runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VariantMistakes {
    /// Its name.
    pub variant: String,
    /// Labels that it says and that the image does not have, the surest first.
    pub said: Vec<Mistake>,
    /// Labels that the image has and that it does not say, the surest first.
    pub missed: Vec<Mistake>,
}

/// An image and a label that most of the runs which were tested on it get wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mistake {
    /// The picture as the model sees it.
    pub picture: Picture,
    /// The label.
    pub label: usize,
    /// Mean over the runs, 0 to 1.
    pub probability: f64,
    /// Mean over the runs, 0 to 1.
    pub threshold: f64,
    /// Runs that are wrong.
    pub wrong: usize,
    /// Runs that were tested on the image.
    pub runs: usize,
}

/// The section in rows and sentences.
#[derive(Debug, Serialize)]
pub struct View {
    left_out: Option<String>,
    groups: Vec<Group>,
}

#[derive(Debug, Serialize)]
struct Group {
    variant: String,
    title: &'static str,
    tiles: Vec<Tile>,
}

#[derive(Debug, Serialize)]
struct Tile {
    source: Value,
    side: u32,
    name: String,
    label: String,
    /// `97.1, said from 43.0 on`
    numbers: String,
    runs: String,
    labels: String,
}

/// Gathers what the section shows; `None` where no run of these variants is wrong.
pub fn view(study: &Study) -> Option<View> {
    let mistakes = &study.mistakes;
    let group = |variant: &str, title, of: &[Mistake]| {
        (!of.is_empty()).then(|| Group {
            variant: variant.to_owned(),
            title,
            tiles: of.iter().map(|mistake| tile(study, mistake)).collect(),
        })
    };
    let groups: Vec<Group> = mistakes
        .of
        .iter()
        .flat_map(|of| {
            [
                group(&of.variant, "Said, and not labelled", &of.said),
                group(&of.variant, "Labelled, and not said", &of.missed),
            ]
        })
        .flatten()
        .collect();
    (!groups.is_empty()).then(|| View {
        left_out: (mistakes.left_out > 0).then(|| {
            format!(
                "Left out, so that all pictures stay within {:.1} MB: {}.",
                mistakes.bytes as f64 / 1e6,
                format::counted(mistakes.left_out, "mistake")
            )
        }),
        groups,
    })
}

fn tile(study: &Study, mistake: &Mistake) -> Tile {
    let named = |label: usize| study.labels.get(label).cloned().unwrap_or_default();
    let shown = |share: f64| format!("{:.1}", 100.0 * share);
    let labels: Vec<String> = mistake.picture.labels.iter().map(|&label| named(label)).collect();
    Tile {
        source: data_uri(&mistake.picture.jpeg),
        side: mistake.picture.side,
        name: mistake.picture.file_name.clone(),
        label: named(mistake.label),
        numbers: format!("{}, said from {} on", shown(mistake.probability), shown(mistake.threshold)),
        runs: match mistake.runs {
            1 => String::new(),
            runs => format!("wrong in {} of {runs} runs", mistake.wrong),
        },
        labels: match labels.is_empty() {
            true => "no label".to_owned(),
            false => labels.join(", "),
        },
    }
}
