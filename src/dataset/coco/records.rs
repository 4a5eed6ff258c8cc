//! COCO JSON as it is written: one type per record, read one after the other, unknown keys passed over.
//!
//! Types are strict where a guess could be wrong (a number in quotes is an error with its place) and lenient
//! where programs differ without meaning (`3.0` for 3, `true` for 1, `null` for absent).

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::tables::rle::{self, RleError};

/// The file.
#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(expecting = "a COCO object with `images`, `annotations` and `categories`")]
pub(super) struct Root {
    pub images: Vec<Image>,
    pub annotations: Vec<Annotation>,
    pub categories: Vec<Category>,
    #[serde(default)]
    pub scene_annotations: Vec<SceneAnnotation>,
    #[serde(default)]
    pub scene_categories: Vec<SceneCategory>,
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(expecting = "an image record")]
pub(super) struct Image {
    pub id: Whole,
    pub width: Whole,
    pub height: Whole,
    pub file_name: String,
    pub flickr_url: Option<String>,
    pub coco_url: Option<String>,
    pub flickr_640_url: Option<String>,
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(expecting = "an annotation record")]
pub(super) struct Annotation {
    pub id: Whole,
    pub image_id: Whole,
    pub category_id: Whole,
    /// x, y, width, height in pixels.
    pub bbox: [f64; 4],
    pub area: Option<f64>,
    #[serde(default)]
    pub iscrowd: Crowd,
    #[serde(default)]
    pub segmentation: Segmentation,
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(expecting = "a category record")]
pub(super) struct Category {
    pub id: Whole,
    pub name: String,
    pub supercategory: Option<String>,
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(expecting = "a scene annotation")]
pub(super) struct SceneAnnotation {
    pub image_id: Whole,
    pub background_ids: Vec<Whole>,
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(expecting = "a scene category")]
pub(super) struct SceneCategory {
    pub id: Whole,
    pub name: String,
}

/// A whole number, also where it is written `3.0`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Whole(pub i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i64(WholeVisitor)
    }
}

struct WholeVisitor;

impl Visitor<'_> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Whole, E> {
        Ok(Whole(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Whole, E> {
        i64::try_from(value).map(Whole).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(value), &self))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Whole, E> {
        // Beyond 2^53 a float no longer names one whole number.
        if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
            Ok(Whole(value as i64))
        } else {
            Err(E::invalid_value(de::Unexpected::Float(value), &self))
        }
    }
}

/// `iscrowd`: 0, 1, true or false.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Crowd(pub bool);

impl<'de> Deserialize<'de> for Crowd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CrowdVisitor)
    }
}

struct CrowdVisitor;

impl Visitor<'_> for CrowdVisitor {
    type Value = Crowd;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0 or 1")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Crowd, E> {
        Ok(Crowd(false))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Crowd, E> {
        Ok(Crowd(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Crowd, E> {
        match value {
            0 | 1 => Ok(Crowd(value == 1)),
            _ => Err(E::invalid_value(de::Unexpected::Unsigned(value), &self)),
        }
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Crowd, E> {
        if value == 0.0 || value == 1.0 {
            Ok(Crowd(value == 1.0))
        } else {
            Err(E::invalid_value(de::Unexpected::Float(value), &self))
        }
    }
}

/// A mask.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Segmentation {
    /// There is none.
    #[default]
    None,
    /// Flat x, y lists in pixels.
    Polygons(Vec<Vec<f32>>),
    /// Run lengths.
    Runs(Runs),
}

/// A mask of run lengths.
#[derive(Debug, PartialEq)]
pub(super) struct Runs {
    /// Height and width in pixels.
    pub size: [Whole; 2],
    /// The lengths, if they can be read.
    pub runs: Result<Vec<u32>, RleError>,
}

/// `counts`: a list, or a compressed string.
struct Counts(Result<Vec<u32>, RleError>);

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountsVisitor)
    }
}

struct CountsVisitor;

impl<'de> Visitor<'de> for CountsVisitor {
    type Value = Counts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of run lengths or a compressed string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Counts, E> {
        Ok(Counts(rle::decompress(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Counts, A::Error> {
        let mut runs = Ok(Vec::new());
        while let Some(Whole(run)) = items.next_element()? {
            if let Ok(kept) = &mut runs {
                match u32::try_from(run) {
                    Ok(run) => kept.push(run),
                    Err(_) => runs = Err(RleError::Run(run)),
                }
            }
        }
        Ok(Counts(runs))
    }
}

impl<'de> Deserialize<'de> for Segmentation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SegmentationVisitor)
    }
}

struct SegmentationVisitor;

impl<'de> Visitor<'de> for SegmentationVisitor {
    type Value = Segmentation;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of polygons or an RLE object with `counts` and `size`")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Segmentation, E> {
        Ok(Segmentation::None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Segmentation, A::Error> {
        let mut polygons = Vec::new();
        while let Some(mut polygon) = items.next_element::<Vec<f32>>()? {
            polygon.shrink_to_fit();
            polygons.push(polygon);
        }
        if polygons.is_empty() {
            return Ok(Segmentation::None);
        }
        polygons.shrink_to_fit();
        Ok(Segmentation::Polygons(polygons))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Segmentation, A::Error> {
        let (mut counts, mut size) = (None, None);
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "counts" => counts = Some(entries.next_value::<Counts>()?),
                "size" => size = Some(entries.next_value()?),
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        let counts = counts.ok_or_else(|| de::Error::missing_field("counts"))?;
        let size = size.ok_or_else(|| de::Error::missing_field("size"))?;
        Ok(Segmentation::Runs(Runs { size, runs: counts.0 }))
    }
}
