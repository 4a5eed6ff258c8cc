//! The columns of the tables that a dataset becomes: images to pixel rows.

use arrow::array::builder::{Float32Builder, ListBuilder};
use arrow::array::{
    Array, BooleanArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray, UInt32Array,
    UInt64Array,
};

use super::columns::{
    Columns, ContentError, Holes, check_labels, check_length, full, names_after, part, sparse, text,
};
use super::file::Table;
use super::rows::{
    AnnotationRow, CategoryRow, ImageRow, LabelTable, PixelRow, SceneRow, SplitRow, TrainIndexRow,
};

impl Table for Vec<ImageRow> {
    const NAME: &'static str = "images";
    const VERSION: u32 = 2;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        Columns::default()
            .add("image_id", Holes::No, Int64Array::from_iter_values(self.iter().map(|row| row.image_id)))
            .add("file_name", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.file_name)))
            .add("path", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.path)))
            .add("width", Holes::No, UInt32Array::from_iter_values(self.iter().map(|row| row.width)))
            .add("height", Holes::No, UInt32Array::from_iter_values(self.iter().map(|row| row.height)))
            .add("digest", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.digest)))
            .add("url", Holes::Yes, StringArray::from_iter(self.iter().map(|row| row.url.as_deref())))
            .add(
                "url_small",
                Holes::Yes,
                StringArray::from_iter(self.iter().map(|row| row.url_small.as_deref())),
            )
            .batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
        for batch in batches {
            let image_ids = full::<Int64Array>(batch, "image_id", "Int64")?;
            let file_names = full::<StringArray>(batch, "file_name", "Utf8")?;
            let paths = full::<StringArray>(batch, "path", "Utf8")?;
            let widths = full::<UInt32Array>(batch, "width", "UInt32")?;
            let heights = full::<UInt32Array>(batch, "height", "UInt32")?;
            let digests = full::<StringArray>(batch, "digest", "Utf8")?;
            let urls = sparse::<StringArray>(batch, "url", "Utf8")?;
            let small_urls = sparse::<StringArray>(batch, "url_small", "Utf8")?;
            rows.extend((0..batch.num_rows()).map(|i| ImageRow {
                image_id: image_ids.value(i),
                file_name: file_names.value(i).to_owned(),
                path: paths.value(i).to_owned(),
                width: widths.value(i),
                height: heights.value(i),
                digest: digests.value(i).to_owned(),
                url: text(urls, i),
                url_small: text(small_urls, i),
            }));
        }
        Ok(rows)
    }
}

impl Table for Vec<AnnotationRow> {
    const NAME: &'static str = "annotations";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let ids = |of: fn(&AnnotationRow) -> i64| Int64Array::from_iter_values(self.iter().map(of));
        let numbers = |of: fn(&AnnotationRow) -> f32| Float32Array::from_iter_values(self.iter().map(of));
        let mut polygons = ListBuilder::new(ListBuilder::new(Float32Builder::new()));
        for row in self {
            for polygon in &row.segmentation {
                polygons.values().values().append_slice(polygon);
                polygons.values().append(true);
            }
            polygons.append(true);
        }
        Columns::default()
            .add("annotation_id", Holes::No, ids(|row| row.annotation_id))
            .add("image_id", Holes::No, ids(|row| row.image_id))
            .add("category_id", Holes::No, ids(|row| row.category_id))
            .add("bbox_x", Holes::No, numbers(|row| row.bbox_x))
            .add("bbox_y", Holes::No, numbers(|row| row.bbox_y))
            .add("bbox_w", Holes::No, numbers(|row| row.bbox_w))
            .add("bbox_h", Holes::No, numbers(|row| row.bbox_h))
            .add("area", Holes::No, numbers(|row| row.area))
            .add("is_crowd", Holes::No, self.iter().map(|row| Some(row.is_crowd)).collect::<BooleanArray>())
            .add("segmentation", Holes::No, polygons.finish())
            .batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
        for batch in batches {
            let id = |name| full::<Int64Array>(batch, name, "Int64");
            let number = |name| full::<Float32Array>(batch, name, "Float32");
            let (annotation_ids, image_ids) = (id("annotation_id")?, id("image_id")?);
            let category_ids = id("category_id")?;
            let (xs, ys) = (number("bbox_x")?, number("bbox_y")?);
            let (ws, hs) = (number("bbox_w")?, number("bbox_h")?);
            let areas = number("area")?;
            let crowds = full::<BooleanArray>(batch, "is_crowd", "Boolean")?;
            let polygons = full::<ListArray>(batch, "segmentation", "List(List(Float32))")?;
            for i in 0..batch.num_rows() {
                rows.push(AnnotationRow {
                    annotation_id: annotation_ids.value(i),
                    image_id: image_ids.value(i),
                    category_id: category_ids.value(i),
                    bbox_x: xs.value(i),
                    bbox_y: ys.value(i),
                    bbox_w: ws.value(i),
                    bbox_h: hs.value(i),
                    area: areas.value(i),
                    is_crowd: crowds.value(i),
                    segmentation: polygons_of(polygons, i)?,
                });
            }
        }
        Ok(rows)
    }
}

fn polygons_of(polygons: &ListArray, row_idx: usize) -> Result<Vec<Vec<f32>>, ContentError> {
    let wrong = |found: &dyn Array| ContentError::Type {
        column: "segmentation".to_owned(),
        found: found.data_type().to_string(),
        expected: "List(List(Float32))",
    };
    let row = polygons.value(row_idx);
    let lists = row.as_any().downcast_ref::<ListArray>().ok_or_else(|| wrong(polygons))?;
    (0..lists.len())
        .map(|i| {
            let flat = lists.value(i);
            let flat = flat.as_any().downcast_ref::<Float32Array>().ok_or_else(|| wrong(polygons))?;
            Ok(flat.values().to_vec())
        })
        .collect()
}

impl Table for Vec<CategoryRow> {
    const NAME: &'static str = "categories";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let ids = Int64Array::from_iter_values(self.iter().map(|row| row.category_id));
        let names = StringArray::from_iter_values(self.iter().map(|row| &row.name));
        let above = StringArray::from_iter_values(self.iter().map(|row| &row.supercategory));
        Columns::default()
            .add("category_id", Holes::No, ids)
            .add("name", Holes::No, names)
            .add("supercategory", Holes::No, above)
            .batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            let ids = full::<Int64Array>(batch, "category_id", "Int64")?;
            let names = full::<StringArray>(batch, "name", "Utf8")?;
            let above = full::<StringArray>(batch, "supercategory", "Utf8")?;
            rows.extend((0..batch.num_rows()).map(|i| CategoryRow {
                category_id: ids.value(i),
                name: names.value(i).to_owned(),
                supercategory: above.value(i).to_owned(),
            }));
        }
        Ok(rows)
    }
}

impl Table for Vec<SceneRow> {
    const NAME: &'static str = "scenes";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let ids = Int64Array::from_iter_values(self.iter().map(|row| row.image_id));
        let scenes = StringArray::from_iter_values(self.iter().map(|row| &row.scene));
        Columns::default().add("image_id", Holes::No, ids).add("scene", Holes::No, scenes).batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            let ids = full::<Int64Array>(batch, "image_id", "Int64")?;
            let scenes = full::<StringArray>(batch, "scene", "Utf8")?;
            let row = |i| SceneRow { image_id: ids.value(i), scene: scenes.value(i).to_owned() };
            rows.extend((0..batch.num_rows()).map(row));
        }
        Ok(rows)
    }
}

impl Table for LabelTable {
    const NAME: &'static str = "labels";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        check_labels(&self.labels, &["image_id"])?;
        check_length("positives", self.positives.len(), self.image_ids.len() * self.labels.len())?;
        let ids = Int64Array::from_iter_values(self.image_ids.iter().copied());
        let columns = Columns::default().add("image_id", Holes::No, ids);
        let add = |columns: Columns, (label_idx, label): (usize, &String)| {
            let values = self.positives.iter().skip(label_idx).step_by(self.labels.len());
            columns.add(label, Holes::No, values.map(|&positive| Some(positive)).collect::<BooleanArray>())
        };
        self.labels.iter().enumerate().fold(columns, add).batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut table = LabelTable::default();
        for batch in batches {
            table.labels = names_after(batch, 1);
            let ids = full::<Int64Array>(batch, "image_id", "Int64")?;
            let columns = (table.labels.iter())
                .map(|label| full::<BooleanArray>(batch, label, "Boolean"))
                .collect::<Result<Vec<_>, _>>()?;
            table.image_ids.extend(ids.values());
            for i in 0..batch.num_rows() {
                table.positives.extend(columns.iter().map(|column| column.value(i)));
            }
        }
        Ok(table)
    }
}

impl Table for Vec<SplitRow> {
    const NAME: &'static str = "split";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let ids = Int64Array::from_iter_values(self.iter().map(|row| row.image_id));
        let folds = UInt32Array::from_iter_values(self.iter().map(|row| row.fold));
        let parts = StringArray::from_iter_values(self.iter().map(|row| row.part.as_str()));
        Columns::default()
            .add("image_id", Holes::No, ids)
            .add("fold", Holes::No, folds)
            .add("part", Holes::No, parts)
            .batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            let ids = full::<Int64Array>(batch, "image_id", "Int64")?;
            let folds = full::<UInt32Array>(batch, "fold", "UInt32")?;
            let parts = full::<StringArray>(batch, "part", "Utf8")?;
            for i in 0..batch.num_rows() {
                let part = part("part", parts.value(i))?;
                rows.push(SplitRow { image_id: ids.value(i), fold: folds.value(i), part });
            }
        }
        Ok(rows)
    }
}

impl Table for Vec<TrainIndexRow> {
    const NAME: &'static str = "train_index";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let ids = Int64Array::from_iter_values(self.iter().map(|row| row.image_id));
        let copies = UInt32Array::from_iter_values(self.iter().map(|row| row.copies));
        let weights = Float32Array::from_iter_values(self.iter().map(|row| row.weight));
        Columns::default()
            .add("image_id", Holes::No, ids)
            .add("copies", Holes::No, copies)
            .add("weight", Holes::No, weights)
            .batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            let ids = full::<Int64Array>(batch, "image_id", "Int64")?;
            let copies = full::<UInt32Array>(batch, "copies", "UInt32")?;
            let weights = full::<Float32Array>(batch, "weight", "Float32")?;
            rows.extend((0..batch.num_rows()).map(|i| TrainIndexRow {
                image_id: ids.value(i),
                copies: copies.value(i),
                weight: weights.value(i),
            }));
        }
        Ok(rows)
    }
}

impl Table for Vec<PixelRow> {
    const NAME: &'static str = "pixel_rows";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let ids = Int64Array::from_iter_values(self.iter().map(|row| row.image_id));
        let rows = UInt64Array::from_iter_values(self.iter().map(|row| row.row));
        let digests = StringArray::from_iter_values(self.iter().map(|row| &row.digest));
        Columns::default()
            .add("image_id", Holes::No, ids)
            .add("row", Holes::No, rows)
            .add("digest", Holes::No, digests)
            .batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            let ids = full::<Int64Array>(batch, "image_id", "Int64")?;
            let places = full::<UInt64Array>(batch, "row", "UInt64")?;
            let digests = full::<StringArray>(batch, "digest", "Utf8")?;
            rows.extend((0..batch.num_rows()).map(|i| PixelRow {
                image_id: ids.value(i),
                row: places.value(i),
                digest: digests.value(i).to_owned(),
            }));
        }
        Ok(rows)
    }
}
