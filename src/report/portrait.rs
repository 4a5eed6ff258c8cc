//! The data in rows and sentences: labels that go together, sizes, samples, and what was left out.
//!
//! Numbers are written out here; the template and the scripts show what they are given.

use minijinja::Value;
use serde::Serialize;

use super::data::{Data, Fate, ImageSize, LabelPair, Picture};
use super::format;
use super::histograms::{Bars, aspect, labels_per_image, objects};
use super::strips::data_uri;
use super::study::Study;

/// Depths of colour in the square table.
const DEPTHS: f64 = 8.0;
/// What the section on the data shows beside the counts per part.
#[derive(Debug, Serialize)]
pub struct Portrait {
    /// Sentences on where the data come from and what was done with them.
    facts: Vec<String>,
    /// Labels that go together, all pairs; empty where there are too many labels.
    matrix: Vec<MatrixRow>,
    most_frequent: Vec<PairRow>,
    highest_lift: Vec<PairRow>,
    least_for_lift: u64,
    labels_per_image: Bars,
    sizes: Vec<String>,
    aspect: Bars,
    /// Sentences on the objects; empty where the dataset has no boxes.
    object_facts: Vec<String>,
    objects: Bars,
    samples: Vec<SampleRow>,
    samples_note: String,
    noticed: Vec<NoticedRow>,
}

#[derive(Debug, Serialize)]
struct MatrixRow {
    label: String,
    cells: Vec<MatrixCell>,
}

#[derive(Debug, Serialize)]
struct MatrixCell {
    text: String,
    class: String,
    title: String,
}

#[derive(Debug, Serialize)]
struct PairRow {
    first: String,
    second: String,
    images: String,
    /// Share of the images of either label.
    shares: [String; 2],
    lift: String,
}

#[derive(Debug, Serialize)]
struct SampleRow {
    label: String,
    pictures: Vec<SamplePicture>,
}

#[derive(Debug, Serialize)]
struct SamplePicture {
    /// A data URI: letters, digits and signs that mean nothing in an attribute.
    source: Value,
    /// File name and labels.
    alt: String,
    side: u32,
}

#[derive(Debug, Serialize)]
struct NoticedRow {
    fate: &'static str,
    count: String,
    stage: String,
    message: String,
}

/// Gathers what the section shows.
pub fn portrait(study: &Study) -> Portrait {
    let data = &study.data;
    let pairs = |pairs: &[LabelPair]| pairs.iter().map(|pair| pair_row(study, pair)).collect();
    let shown: usize = data.samples.iter().map(|samples| samples.pictures.len()).sum();
    Portrait {
        facts: facts(data),
        matrix: matrix(study),
        most_frequent: pairs(&data.together.most_frequent),
        highest_lift: pairs(&data.together.highest_lift),
        least_for_lift: data.together.least_for_lift,
        labels_per_image: labels_per_image(data),
        sizes: sizes(data),
        aspect: aspect(data),
        object_facts: object_facts(data),
        objects: objects(data),
        samples: data
            .samples
            .iter()
            .map(|samples| SampleRow {
                label: study.labels.get(samples.label).cloned().unwrap_or_default(),
                pictures: samples.pictures.iter().map(|picture| sample(study, picture)).collect(),
            })
            .collect(),
        samples_note: if shown == 0 {
            String::new()
        } else {
            let which = match data.samples.len() {
                n if n < study.labels.len() => {
                    format!("{n} of {} labels, the most frequent ones", study.labels.len())
                }
                _ => "each label".to_owned(),
            };
            format!(
                "Drawn from the training images of {which}; as the model sees them before any augmentation ({}). \
                 A picture stands for all its labels, not just the one above it.",
                data.sizes.fit
            )
        },
        noticed: data
            .noticed
            .iter()
            .map(|noticed| NoticedRow {
                fate: match noticed.fate {
                    Fate::Leaks => "leaks",
                    Fate::ImagesLeftOut => "images not used",
                    Fate::LeftOut => "left out",
                    Fate::Changed => "changed",
                    Fate::Noted => "to know",
                },
                count: format::count(noticed.count),
                stage: noticed.stage.clone(),
                message: noticed.message.clone(),
            })
            .collect(),
    }
}

fn facts(data: &Data) -> Vec<String> {
    let mut facts = vec![data.source.clone(), data.split.clone(), data.balance.clone()];
    facts.retain(|fact| !fact.is_empty());
    let labels: u64 = (0u64..).zip(&data.labels_per_image).map(|(n, images)| n * images).sum();
    let images: u64 = data.labels_per_image.iter().sum();
    if images > 0 {
        facts.push(format!(
            "{} images with {:.2} labels on average",
            format::count(data.images),
            labels as f64 / images as f64
        ));
    }
    facts
}

fn matrix(study: &Study) -> Vec<MatrixRow> {
    let matrix = &study.data.together.matrix;
    let cell = |row: usize, column: usize| {
        let (n, of) = (matrix[row][column], matrix[row][row]);
        let (a, b) = (&study.labels[row], &study.labels[column]);
        if row == column {
            let title = format!("{} images have {a}", format::count(n));
            return MatrixCell { text: format::count(n), class: "own".to_owned(), title };
        }
        let depth = if of == 0 { 0.0 } else { (DEPTHS * n as f64 / of as f64).round() };
        let title = format!(
            "{} of {} images with {a} have {b} too ({})",
            format::count(n),
            format::count(of),
            format::percent(n, of)
        );
        MatrixCell { text: format::count(n), class: format!("s{depth}"), title }
    };
    (0..matrix.len())
        .map(|row| MatrixRow {
            label: study.labels[row].clone(),
            cells: (0..matrix.len()).map(|column| cell(row, column)).collect(),
        })
        .collect()
}

fn pair_row(study: &Study, pair: &LabelPair) -> PairRow {
    let name = |label: usize| study.labels.get(label).cloned().unwrap_or_default();
    PairRow {
        first: name(pair.first),
        second: name(pair.second),
        images: format::count(pair.images),
        shares: pair.of.map(|of| format::percent(pair.images, of)),
        lift: format!("{:.2}", pair.lift),
    }
}

fn sizes(data: &Data) -> Vec<String> {
    let sizes = &data.sizes;
    let images: u64 = sizes.of.iter().map(|size| size.images).sum();
    if images == 0 {
        return vec![];
    }
    let shown = |size: &ImageSize| format!("{} × {}", size.width, size.height);
    let area = |size: &&ImageSize| u64::from(size.width) * u64::from(size.height);
    let mut facts = vec![];
    let common = sizes.of.iter().max_by_key(|size| size.images);
    if let (Some(least), Some(most), Some(common)) =
        (sizes.of.iter().min_by_key(area), sizes.of.iter().max_by_key(area), common)
    {
        if sizes.of.len() == 1 {
            facts.push(format!("All images have {} pixels", shown(common)));
        } else {
            facts.push(format!(
                "From {} to {} pixels (width × height); most often {} ({} of {} images)",
                shown(least),
                shown(most),
                shown(common),
                format::count(common.images),
                format::count(images)
            ));
        }
    }
    facts.push(format!(
        "The model sees {} × {0} pixels ({}); {}",
        sizes.side,
        sizes.fit,
        match sizes.enlarged {
            0 => "no image had to be enlarged".to_owned(),
            n => format!(
                "{} of {} images are smaller and were enlarged ({})",
                format::count(n),
                format::count(images),
                format::percent(n, images)
            ),
        }
    ));
    facts
}

fn object_facts(data: &Data) -> Vec<String> {
    let Some(objects) = &data.objects else { return vec![] };
    let mut sides = objects.sides.clone();
    sides.sort_by(f32::total_cmp);
    let Some(last) = sides.len().checked_sub(1) else { return vec![] };
    let at = |share: f64| sides[(share * last as f64).round() as usize];
    let shown = |side: f32| if side < 10.0 { format!("{side:.1}") } else { format!("{side:.0}") };
    vec![format!(
        "{} objects; at the model's {} pixels the box of the median one has a side of {} pixels, and one in ten is below {}",
        format::count(sides.len() as u64),
        data.sizes.side,
        shown(at(0.5)),
        shown(at(0.1))
    )]
}

fn sample(study: &Study, picture: &Picture) -> SamplePicture {
    let labels: Vec<&str> =
        picture.labels.iter().filter_map(|&label| study.labels.get(label).map(String::as_str)).collect();
    SamplePicture {
        source: data_uri(&picture.jpeg),
        alt: format!("{}: {}", picture.file_name, labels.join(", ")),
        side: picture.side,
    }
}

#[cfg(test)]
mod tests {
    use super::super::page;
    use super::super::sample::{SMALL, Size, study};
    use super::*;

    #[test]
    fn nothing_known_is_nothing_said() {
        let data = Data::default();
        assert!(sizes(&data).is_empty() && object_facts(&data).is_empty() && facts(&data).is_empty());
        assert!(labels_per_image(&data).bins.is_empty());
    }

    #[test]
    fn few_labels_are_a_square_and_many_the_strongest_pairs() {
        let small = page(&study(SMALL)).unwrap();
        assert!(small.contains("title=\"335 of 1,080 images with plastic have paper too (31 %)\""));
        assert!(small.contains("<td class=\"n own\" title=\"1,080 images have plastic\">1,080</td>"));
        assert!(!small.contains("Labels that often go together"));
        let large = page(&study(Size { labels: 60, ..SMALL })).unwrap();
        assert!(large.contains("Labels that often go together") && !large.contains("heat square"));
        assert!(large.contains("pairs with the highest lift among those of at least 5 images"));
        assert!(large.contains("40 of 60 labels, the most frequent ones"));

        let mut torn = study(SMALL);
        torn.data.together.matrix[2].pop();
        let message = page(&torn).unwrap_err().to_string();
        assert!(message.starts_with("`data.together.matrix` has `5` values, expected `6`"), "{message}");
    }

    #[test]
    fn pictures_travel_inside_the_page() {
        let text = page(&study(SMALL)).unwrap();
        assert_eq!(text.matches("<img src=\"data:image/jpeg;base64,").count(), 24);
        assert!(text.contains("alt=\"batch_1_000003.jpg: plastic, paper\""));
        assert!(text.contains("img-src data:"));
        assert!(text.contains("2 images set aside and not used"));
        assert!(text.contains("<th scope=\"row\">changed</th><td class=n>14</td>"));
    }
}
