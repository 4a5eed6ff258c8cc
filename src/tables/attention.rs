//! The tables about where models look: where the objects are, what was measured, and the maps themselves.

use arrow::array::{
    Array, ArrowPrimitiveType, BinaryArray, BooleanArray, Float64Array, Int64Array, PrimitiveArray,
    RecordBatch, StringArray, UInt32Array,
};
use serde::Serialize;

use super::columns::{Columns, ContentError, Holes, full, sparse};
use super::file::Table;

/// A row of `regions`: the pixels of a picture that the objects of a label take, at the side that models see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegionRow {
    /// The image.
    pub image_id: i64,
    /// The label.
    pub label: String,
    /// The side of the picture in pixels.
    pub side: u32,
    /// Whether an object among them has no mask, so that its box stands for it.
    pub has_boxes: bool,
    /// The pixels, as the masks of `annotations`: run lengths in COCO's compressed form.
    pub mask_rle: String,
}

/// A row of `attention`: where a model looks for a label that a test image has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttentionRow {
    /// The run's name.
    pub run: String,
    /// The image.
    pub image_id: i64,
    /// A label that it has.
    pub label: String,
    /// The label's probability, 0 to 1, as the logit says it: without calibration.
    pub probability: f64,
    /// Share of the picture that the label's objects take; `None` where no object is known, or none is in the picture.
    pub object_area: Option<f64>,
    /// Whether a box stands for one of them.
    pub has_boxes: Option<bool>,
    /// Share of the map's sum on them; `None` as `object_area`, and where the map is 0 everywhere.
    pub energy_inside: Option<f64>,
    /// Whether the map's maximum is on one of them; `None` likewise.
    pub pointing_hit: Option<bool>,
    /// Share of the picture where the map is above half of its maximum; `None` where it is 0 everywhere.
    pub active_area: Option<f64>,
    /// Mean probability while the map's pixels are taken away, the strongest first; `None` where it was not asked for, and
    /// where the map is 0 everywhere.
    pub deletion: Option<f64>,
    /// Mean probability while they come back into a blurred picture; `None` likewise.
    pub insertion: Option<f64>,
}

/// A row of `attention_maps`: a map as small as the layer gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttentionMapRow {
    /// The image.
    pub image_id: i64,
    /// The label.
    pub label: String,
    /// Places of the map from top to bottom.
    pub height: u32,
    /// Places of the map from left to right.
    pub width: u32,
    /// Row by row, 255 where the map is strongest; all 0 where it is 0 everywhere.
    pub values: Vec<u8>,
}

impl Table for Vec<RegionRow> {
    const NAME: &'static str = "regions";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let boxes = self.iter().map(|row| Some(row.has_boxes)).collect::<BooleanArray>();
        Columns::default()
            .add("image_id", Holes::No, Int64Array::from_iter_values(self.iter().map(|row| row.image_id)))
            .add("label", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.label)))
            .add("side", Holes::No, UInt32Array::from_iter_values(self.iter().map(|row| row.side)))
            .add("has_boxes", Holes::No, boxes)
            .add("mask_rle", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.mask_rle)))
            .batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            let ids = full::<Int64Array>(batch, "image_id", "Int64")?;
            let labels = full::<StringArray>(batch, "label", "Utf8")?;
            let sides = full::<UInt32Array>(batch, "side", "UInt32")?;
            let boxes = full::<BooleanArray>(batch, "has_boxes", "Boolean")?;
            let masks = full::<StringArray>(batch, "mask_rle", "Utf8")?;
            rows.extend((0..batch.num_rows()).map(|i| RegionRow {
                image_id: ids.value(i),
                label: labels.value(i).to_owned(),
                side: sides.value(i),
                has_boxes: boxes.value(i),
                mask_rle: masks.value(i).to_owned(),
            }));
        }
        Ok(rows)
    }
}

impl Table for Vec<AttentionRow> {
    const NAME: &'static str = "attention";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let numbers = |of: fn(&AttentionRow) -> Option<f64>| self.iter().map(of).collect::<Float64Array>();
        let flags = |of: fn(&AttentionRow) -> Option<bool>| self.iter().map(of).collect::<BooleanArray>();
        Columns::default()
            .add("run", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.run)))
            .add("image_id", Holes::No, Int64Array::from_iter_values(self.iter().map(|row| row.image_id)))
            .add("label", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.label)))
            .add("probability", Holes::No, numbers(|row| Some(row.probability)))
            .add("object_area", Holes::Yes, numbers(|row| row.object_area))
            .add("has_boxes", Holes::Yes, flags(|row| row.has_boxes))
            .add("energy_inside", Holes::Yes, numbers(|row| row.energy_inside))
            .add("pointing_hit", Holes::Yes, flags(|row| row.pointing_hit))
            .add("active_area", Holes::Yes, numbers(|row| row.active_area))
            .add("deletion", Holes::Yes, numbers(|row| row.deletion))
            .add("insertion", Holes::Yes, numbers(|row| row.insertion))
            .batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            let runs = full::<StringArray>(batch, "run", "Utf8")?;
            let ids = full::<Int64Array>(batch, "image_id", "Int64")?;
            let labels = full::<StringArray>(batch, "label", "Utf8")?;
            let probabilities = full::<Float64Array>(batch, "probability", "Float64")?;
            let numbers = |name| sparse::<Float64Array>(batch, name, "Float64");
            let flags = |name| sparse::<BooleanArray>(batch, name, "Boolean");
            let (object_areas, boxes) = (numbers("object_area")?, flags("has_boxes")?);
            let (energies, hits) = (numbers("energy_inside")?, flags("pointing_hit")?);
            let active_areas = numbers("active_area")?;
            let (deletions, insertions) = (numbers("deletion")?, numbers("insertion")?);
            rows.extend((0..batch.num_rows()).map(|i| AttentionRow {
                run: runs.value(i).to_owned(),
                image_id: ids.value(i),
                label: labels.value(i).to_owned(),
                probability: probabilities.value(i),
                object_area: number(object_areas, i),
                has_boxes: flag(boxes, i),
                energy_inside: number(energies, i),
                pointing_hit: flag(hits, i),
                active_area: number(active_areas, i),
                deletion: number(deletions, i),
                insertion: number(insertions, i),
            }));
        }
        Ok(rows)
    }
}

impl Table for Vec<AttentionMapRow> {
    const NAME: &'static str = "attention_maps";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let lengths = |of: fn(&AttentionMapRow) -> u32| UInt32Array::from_iter_values(self.iter().map(of));
        Columns::default()
            .add("image_id", Holes::No, Int64Array::from_iter_values(self.iter().map(|row| row.image_id)))
            .add("label", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.label)))
            .add("height", Holes::No, lengths(|row| row.height))
            .add("width", Holes::No, lengths(|row| row.width))
            .add("values", Holes::No, BinaryArray::from_iter_values(self.iter().map(|row| &row.values)))
            .batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            let ids = full::<Int64Array>(batch, "image_id", "Int64")?;
            let labels = full::<StringArray>(batch, "label", "Utf8")?;
            let heights = full::<UInt32Array>(batch, "height", "UInt32")?;
            let widths = full::<UInt32Array>(batch, "width", "UInt32")?;
            let values = full::<BinaryArray>(batch, "values", "Binary")?;
            for i in 0..batch.num_rows() {
                let (height, width) = (heights.value(i), widths.value(i));
                let expected = height as usize * width as usize;
                super::columns::check_length("values", values.value(i).len(), expected)?;
                let (label, values) = (labels.value(i).to_owned(), values.value(i).to_vec());
                rows.push(AttentionMapRow { image_id: ids.value(i), label, height, width, values });
            }
        }
        Ok(rows)
    }
}

fn number<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, row_idx: usize) -> Option<T::Native> {
    array.is_valid(row_idx).then(|| array.value(row_idx))
}

fn flag(array: &BooleanArray, row_idx: usize) -> Option<bool> {
    array.is_valid(row_idx).then(|| array.value(row_idx))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T: Table>(table: &T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.parquet");
        crate::tables::write(&path, table, "explain").unwrap();
        crate::tables::read(&path).unwrap()
    }

    #[test]
    fn tables_come_back_with_their_holes() {
        let full = AttentionRow {
            run: "flip/seed=1".into(),
            image_id: 7,
            label: "glass".into(),
            probability: 0.75,
            object_area: Some(0.1),
            has_boxes: Some(false),
            energy_inside: Some(0.5),
            pointing_hit: Some(true),
            active_area: Some(0.25),
            deletion: Some(0.3),
            insertion: Some(0.6),
        };
        let empty = AttentionRow {
            object_area: None,
            has_boxes: None,
            energy_inside: None,
            pointing_hit: None,
            active_area: None,
            deletion: None,
            insertion: None,
            ..full.clone()
        };
        let rows = vec![full, empty];
        assert_eq!(round_trip(&rows), rows);
        let mask_rle = crate::tables::rle::compress(&[3, 2, 4]);
        let regions =
            vec![RegionRow { image_id: 7, label: "glass".into(), side: 3, has_boxes: true, mask_rle }];
        assert_eq!(round_trip(&regions), regions);
        let map = AttentionMapRow {
            image_id: 7,
            label: "glass".into(),
            height: 1,
            width: 3,
            values: vec![0, 255, 9],
        };
        assert_eq!(round_trip(&vec![map.clone()]), [map]);
        assert_eq!(round_trip(&Vec::<RegionRow>::new()), []);
    }

    #[test]
    fn a_map_of_another_size_is_refused() {
        let map =
            AttentionMapRow { image_id: 7, label: "glass".into(), height: 2, width: 3, values: vec![0; 5] };
        let batch = vec![map].to_batch().unwrap();
        let error = Vec::<AttentionMapRow>::from_batches(&[batch]).unwrap_err();
        assert_eq!(error.to_string(), "`values` has 5 values, expected 6");
    }
}
