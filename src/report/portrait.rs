//! The data in rows and bars: labels that go together, sizes, samples, and what was left out.
//!
//! Numbers are written out here; the template and the scripts show what they are given.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::data::{Data, Fate, ImageSize, LabelPair, Picture};
use super::format;
use super::study::Study;

/// Depths of colour in the square table.
const DEPTHS: f64 = 8.0;
/// Different sizes that the scatter plot shows one by one; more are gathered on a grid.
const SIZES_MAX: usize = 400;
/// Aspect ratios that photos have.
const RATIOS: [(&str, f64); 11] = [
    ("1:2", 0.5),
    ("9:16", 9.0 / 16.0),
    ("2:3", 2.0 / 3.0),
    ("3:4", 0.75),
    ("4:5", 0.8),
    ("1:1", 1.0),
    ("5:4", 1.25),
    ("4:3", 4.0 / 3.0),
    ("3:2", 1.5),
    ("16:9", 16.0 / 9.0),
    ("2:1", 2.0),
];

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

/// Counts in bins, as a chart and as a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Bars {
    /// What is counted in.
    pub axis: &'static str,
    /// What a bin is.
    pub of: &'static str,
    /// In their order.
    pub bins: Vec<Bin>,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// What is counted, as shown.
    pub name: String,
    /// How many.
    pub count: u64,
    /// How many, and the share of all.
    pub text: String,
}

/// The sizes as the scatter plot shows them.
#[derive(Debug, Serialize)]
pub struct Scatter {
    /// The side of the square that the model sees.
    side: u32,
    /// Width, height and number of images.
    points: Vec<(u32, u32, u64)>,
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
    source: String,
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

/// Bars of these counts, without empty ones at either end.
fn bars(axis: &'static str, of: &'static str, counts: Vec<(String, u64)>) -> Bars {
    let whole: u64 = counts.iter().map(|(_, n)| n).sum();
    let filled = |(_, n): &(String, u64)| *n > 0;
    let first = counts.iter().position(filled).unwrap_or(counts.len());
    let end = counts.iter().rposition(filled).map_or(0, |last| last + 1);
    let bin = |(name, count): (String, u64)| {
        let text = format!("{} ({})", format::count(count), format::percent(count, whole));
        Bin { name, count, text }
    };
    Bars { axis, of, bins: counts.into_iter().take(end).skip(first).map(bin).collect() }
}

/// How many images have so many labels.
pub fn labels_per_image(data: &Data) -> Bars {
    let counts = data.labels_per_image.iter().enumerate().map(|(n, &images)| (n.to_string(), images));
    bars("Images", "Labels of an image", counts.collect())
}

/// Images by the aspect ratio that is nearest to theirs.
pub fn aspect(data: &Data) -> Bars {
    let mut counts = RATIOS.map(|(name, _)| (name.to_owned(), 0));
    for size in &data.sizes.of {
        let ratio = f64::from(size.width.max(1)) / f64::from(size.height.max(1));
        let distance = |of: f64| libm::fabs(libm::log(ratio / of));
        let nearest =
            (0..RATIOS.len()).min_by(|&a, &b| distance(RATIOS[a].1).total_cmp(&distance(RATIOS[b].1)));
        counts[nearest.unwrap_or(0)].1 += size.images;
    }
    bars("Images", "Width : height, the nearest of these", counts.to_vec())
}

/// Objects by the side of their boxes at the model's size: each bin is twice as wide as the one before.
pub fn objects(data: &Data) -> Bars {
    let Some(objects) = &data.objects else { return Bars::default() };
    let edges: Vec<f32> = (0..=10).map(|power| (1u32 << power) as f32).collect();
    let mut counts: Vec<(String, u64)> = vec![("below 1".to_owned(), 0)];
    counts.extend(edges.windows(2).map(|edge| (format!("{} to {}", edge[0], edge[1]), 0)));
    for side in &objects.sides {
        let bin = edges.iter().take_while(|edge| side >= edge).count().min(counts.len() - 1);
        counts[bin].1 += 1;
    }
    bars("Objects", "Side of the box in pixels", counts)
}

/// Each size, or where there are too many, each cell of a grid.
pub fn scatter(data: &Data) -> Scatter {
    let sizes = &data.sizes.of;
    let largest = sizes.iter().map(|size| size.width.max(size.height)).max().unwrap_or(0);
    let cell = if sizes.len() > SIZES_MAX { largest.div_ceil(40).max(1) } else { 1 };
    let centre = |length: u32| if cell == 1 { length } else { length / cell * cell + cell / 2 };
    let mut points = std::collections::BTreeMap::new();
    for size in sizes {
        *points.entry((centre(size.width), centre(size.height))).or_default() += size.images;
    }
    Scatter {
        side: data.sizes.side,
        points: points.into_iter().map(|((width, height), images)| (width, height, images)).collect(),
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
        source: format!("data:image/jpeg;base64,{}", STANDARD.encode(&picture.jpeg)),
        alt: format!("{}: {}", picture.file_name, labels.join(", ")),
        side: picture.side,
    }
}
