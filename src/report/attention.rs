//! What the page is told of where the models look.

use serde::Serialize;

use super::study::Effect;

/// Maps of the test images: what was measured, and a few of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attention {
    /// How they were made: `Grad-CAM`.
    pub method: String,
    /// The layers whose activations were weighed; one, unless the matrix has several networks.
    pub layers: Vec<String>,
    /// Steps of the curves of deletion and insertion; 0: there are none.
    pub steps: u32,
    /// Whether the dataset says where objects are.
    pub has_objects: bool,
    /// Whether boxes stand for some of them.
    pub has_boxes: bool,
    /// One for each variant that has maps, in their order.
    pub means: Vec<AttentionMeans>,
    /// What each variant does to where its models look: the measures one after the other, over all labels.
    pub effects: Vec<Effect>,
    /// Runs that should have maps and have none, with the reason.
    pub missing: Vec<(String, String)>,
    /// Some pictures with the maps of each variant; `None` where none are asked for.
    pub overlays: Option<Overlays>,
}

/// The measures of a variant: for each seed the mean over its images and their labels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttentionMeans {
    /// Its name.
    pub variant: String,
    /// Maps, one for each run, image and label.
    pub maps: u64,
    /// Maps that are 0 everywhere, and so have no measures.
    pub empty: u64,
    /// Share of the picture that objects take.
    pub object_area: Vec<f64>,
    /// Share of a map's sum on the objects.
    pub energy_inside: Vec<f64>,
    /// Share of maps whose maximum is on an object.
    pub pointing_hit: Vec<f64>,
    /// Share of the picture where a map is above half its maximum.
    pub active_area: Vec<f64>,
    /// Area under the curve of deletion.
    pub deletion: Vec<f64>,
    /// Area under the curve of insertion.
    pub insertion: Vec<f64>,
}

/// Pictures of the test part, each with the maps of one run of each variant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overlays {
    /// The seed whose runs these are.
    pub seed: u64,
    /// Their fold, where there are any.
    pub fold: Option<u32>,
    /// Side of a tile in pixels.
    pub side: u32,
    /// The variants, in the order of the tiles.
    pub variants: Vec<String>,
    /// Variants that are not shown.
    pub more_variants: usize,
    /// Pictures that are not shown, so that tiles stay within `bytes`.
    pub more_pictures: usize,
    /// What all tiles together may have, in bytes of JPEG.
    pub bytes: usize,
    /// One after the other.
    pub pictures: Vec<LookedAt>,
}

/// A picture, and what each variant looks at in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LookedAt {
    /// The image's name.
    pub file_name: String,
    /// The label whose maps are shown: one that the image has.
    pub label: usize,
    /// The picture with the outlines of the label's objects, as JPEG.
    pub jpeg: Vec<u8>,
    /// One for each variant; `None` where its run did not see the picture in its test part.
    pub looks: Vec<Option<Look>>,
}

/// A map over a picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Look {
    /// The picture under the map, as JPEG; `None` where the map is 0 everywhere.
    pub jpeg: Option<Vec<u8>>,
    /// The label's probability, calibrated where that is asked for.
    pub probability: f64,
    /// Where it becomes an answer.
    pub threshold: f64,
    /// Share of the map's sum on the objects.
    pub energy_inside: Option<f64>,
    /// Whether its maximum is on one.
    pub pointing_hit: Option<bool>,
    /// Share of the picture where it is above half its maximum.
    pub active_area: Option<f64>,
}

impl Look {
    /// Whether the model finds the label.
    pub fn is_hit(&self) -> bool {
        self.probability >= self.threshold
    }
}
