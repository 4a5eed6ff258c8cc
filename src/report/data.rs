//! What the page is told of the data: plain values, already counted.
//!
//! Labels are positions in [`super::Study::labels`]. Names of files are foreign text and may hold anything.

use serde::Serialize;

use crate::tables::rows::Part;

/// What the models were trained and tested on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Data {
    /// Where images and labels come from, in a sentence.
    pub source: String,
    /// How the split was made, in a sentence.
    pub split: String,
    /// How the training rows were balanced, in a sentence.
    pub balance: String,
    /// Images that are used.
    pub images: u64,
    /// What the stages of the data left out, changed or noticed.
    pub noticed: Vec<Noticed>,
    /// The parts that exist, with their counts.
    pub parts: Vec<PartCounts>,
    /// Training rows before balancing.
    pub before: Counts,
    /// Training rows after balancing: copies counted, rounded where rows are weighted or drawn.
    pub after: Counts,
    /// Labels that images have together.
    pub together: Together,
    /// How many images have 0, 1, 2 and so on labels.
    pub labels_per_image: Vec<u64>,
    /// The pictures' sizes.
    pub sizes: Sizes,
    /// The objects' boxes; `None` where the dataset has none.
    pub objects: Option<Objects>,
    /// A few pictures of the training part for each label.
    pub samples: Vec<Samples>,
}

/// Counts of one part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartCounts {
    /// The part.
    pub part: Part,
    /// Its images.
    pub counts: Counts,
}

/// Rows, and how many of them are positive for each label.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Counts {
    /// Rows in all.
    pub rows: u64,
    /// Positive rows per label.
    pub positives: Vec<u64>,
}

/// Something that happened to the data on its way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Noticed {
    /// What became of what it is about.
    pub fate: Fate,
    /// The stage that says it.
    pub stage: String,
    /// How many things it is about.
    pub count: u64,
    /// The sentence, with the first names.
    pub message: String,
}

/// What became of a piece of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Images that belong together stand in different parts.
    Leaks,
    /// Whole images are not used.
    ImagesLeftOut,
    /// Annotations, names or files are not used.
    LeftOut,
    /// It is used in another form than it was given in.
    Changed,
    /// It is used as it is; the reader should know.
    Noted,
}

/// Labels that images have together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Together {
    /// Images that have both labels, [labels][labels]; the diagonal counts the images of one label. Empty where there are
    /// too many labels to show them all.
    pub matrix: Vec<Vec<u64>>,
    /// The pairs that most images have.
    pub most_frequent: Vec<LabelPair>,
    /// The pairs that come most often compared with labels that know nothing of each other.
    pub highest_lift: Vec<LabelPair>,
    /// Images below which a pair is left out of `highest_lift`.
    pub least_for_lift: u64,
}

/// Two labels that some images both have.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LabelPair {
    /// The one.
    pub first: usize,
    /// The other.
    pub second: usize,
    /// Images that have both.
    pub images: u64,
    /// Images that have the one, and the other.
    pub of: [u64; 2],
    /// How many times more images have both than if the labels were independent.
    pub lift: f64,
}

/// The pictures' sizes, upright.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sizes {
    /// The side of the square that the model sees, in pixels.
    pub side: u32,
    /// How a picture becomes square: `stretch`, `crop` or `pad`.
    pub fit: String,
    /// Each size that occurs.
    pub of: Vec<ImageSize>,
    /// Images that are smaller than the square in a direction that is scaled, so that they are enlarged.
    pub enlarged: u64,
}

/// A size, and how many images have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ImageSize {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// How many.
    pub images: u64,
}

/// The objects' boxes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Objects {
    /// The side of each box in pixels as the model sees it: the square root of its area once the picture is brought to
    /// the model's size. Crowds are left out.
    pub sides: Vec<f32>,
}

/// Pictures that have a label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Samples {
    /// The label.
    pub label: usize,
    /// The pictures.
    pub pictures: Vec<Picture>,
}

/// A small picture as the model sees it, before any augmentation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Picture {
    /// The image's name.
    pub file_name: String,
    /// All its labels.
    pub labels: Vec<usize>,
    /// Width and height in pixels.
    pub side: u32,
    /// The JPEG file.
    pub jpeg: Vec<u8>,
}
