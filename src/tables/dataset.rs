//! The columns of the tables that a dataset becomes: images to pixel rows.

use arrow::array::builder::{Float32Builder, ListBuilder};
use arrow::array::{
    Array, BooleanArray, Float32Array, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    UInt32Array, UInt64Array,
};

use super::columns::{
    Columns, ContentError, Holes, check_labels, check_length, full, names_after, part, sparse, text,
};
use super::file::{Table, WRITE_ROWS};
use super::rows::{
    AnnotationRow, CaptureRow, CategoryRow, ImageRow, LabelTable, PictureHashRow, PixelRow, SceneRow,
    SplitRow, TrainIndexRow,
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
    const VERSION: u32 = 2;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        annotations(self)
    }

    fn to_batches(&self) -> impl Iterator<Item = Result<RecordBatch, ContentError>> {
        // An empty table has its columns, too.
        let none = self.is_empty().then(|| annotations(&[]));
        none.into_iter().chain(self.chunks(WRITE_ROWS).map(annotations))
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
            let masks = sparse::<StringArray>(batch, "mask_rle", "Utf8")?;
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
                    mask_rle: text(masks, i),
                });
            }
        }
        Ok(rows)
    }
}

fn annotations(rows: &[AnnotationRow]) -> Result<RecordBatch, ContentError> {
    let ids = |of: fn(&AnnotationRow) -> i64| Int64Array::from_iter_values(rows.iter().map(of));
    let numbers = |of: fn(&AnnotationRow) -> f32| Float32Array::from_iter_values(rows.iter().map(of));
    let mut polygons = ListBuilder::new(ListBuilder::new(Float32Builder::new()));
    for row in rows {
        for polygon in &row.segmentation {
            polygons.values().values().append_slice(polygon);
            polygons.values().append(true);
        }
        polygons.append(true);
    }
    let masks = StringArray::from_iter(rows.iter().map(|row| row.mask_rle.as_deref()));
    Columns::default()
        .add("annotation_id", Holes::No, ids(|row| row.annotation_id))
        .add("image_id", Holes::No, ids(|row| row.image_id))
        .add("category_id", Holes::No, ids(|row| row.category_id))
        .add("bbox_x", Holes::No, numbers(|row| row.bbox_x))
        .add("bbox_y", Holes::No, numbers(|row| row.bbox_y))
        .add("bbox_w", Holes::No, numbers(|row| row.bbox_w))
        .add("bbox_h", Holes::No, numbers(|row| row.bbox_h))
        .add("area", Holes::No, numbers(|row| row.area))
        .add("is_crowd", Holes::No, rows.iter().map(|row| Some(row.is_crowd)).collect::<BooleanArray>())
        .add("segmentation", Holes::No, polygons.finish())
        .add("mask_rle", Holes::Yes, masks)
        .batch()
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

/// The column `fold` is there where there are folds, and nowhere else: the table of a study without them, and with it the
/// keys of its trainings, stay what they were before there were any.
impl Table for Vec<TrainIndexRow> {
    const NAME: &'static str = "train_index";
    const VERSION: u32 = 2;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let has_folds = self.iter().any(|row| row.fold > 0);
        let folds = UInt32Array::from_iter_values(self.iter().map(|row| row.fold));
        let ids = Int64Array::from_iter_values(self.iter().map(|row| row.image_id));
        let copies = UInt32Array::from_iter_values(self.iter().map(|row| row.copies));
        let weights = Float32Array::from_iter_values(self.iter().map(|row| row.weight));
        let chances = Float64Array::from_iter(self.iter().map(|row| row.chance));
        let columns = Columns::default();
        let columns = if has_folds { columns.add("fold", Holes::No, folds) } else { columns };
        columns
            .add("image_id", Holes::No, ids)
            .add("copies", Holes::No, copies)
            .add("weight", Holes::No, weights)
            .add("chance", Holes::Yes, chances)
            .batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            let ids = full::<Int64Array>(batch, "image_id", "Int64")?;
            let copies = full::<UInt32Array>(batch, "copies", "UInt32")?;
            let weights = full::<Float32Array>(batch, "weight", "Float32")?;
            let folds = match batch.column_by_name("fold") {
                Some(_) => Some(full::<UInt32Array>(batch, "fold", "UInt32")?),
                None => None,
            };
            let chances = sparse::<Float64Array>(batch, "chance", "Float64")?;
            rows.extend((0..batch.num_rows()).map(|i| TrainIndexRow {
                fold: folds.map_or(0, |folds| folds.value(i)),
                image_id: ids.value(i),
                copies: copies.value(i),
                weight: weights.value(i),
                chance: chances.is_valid(i).then(|| chances.value(i)),
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

impl Table for Vec<PictureHashRow> {
    const NAME: &'static str = "picture_hashes";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let ids = Int64Array::from_iter_values(self.iter().map(|row| row.image_id));
        let hashes = StringArray::from_iter_values(self.iter().map(|row| hex(&row.hash)));
        let details = UInt32Array::from_iter_values(self.iter().map(|row| row.detail));
        Columns::default()
            .add("image_id", Holes::No, ids)
            .add("hash", Holes::No, hashes)
            .add("detail", Holes::No, details)
            .batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            let ids = full::<Int64Array>(batch, "image_id", "Int64")?;
            let hashes = full::<StringArray>(batch, "hash", "Utf8")?;
            let details = full::<UInt32Array>(batch, "detail", "UInt32")?;
            for i in 0..batch.num_rows() {
                let hash = unhex(hashes.value(i))?;
                rows.push(PictureHashRow { image_id: ids.value(i), hash, detail: details.value(i) });
            }
        }
        Ok(rows)
    }
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Result<[u8; 32], ContentError> {
    let wrong = || ContentError::Value {
        column: "hash".to_owned(),
        found: text.to_owned(),
        expected: "64 hex digits",
    };
    if text.len() != 64 || !text.is_ascii() {
        return Err(wrong());
    }
    let mut bytes = [0; 32];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}

impl Table for Vec<CaptureRow> {
    const NAME: &'static str = "given_captures";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let ids = Int64Array::from_iter_values(self.iter().map(|row| row.image_id));
        let captures = StringArray::from_iter_values(self.iter().map(|row| &row.capture));
        Columns::default().add("image_id", Holes::No, ids).add("capture", Holes::No, captures).batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            let ids = full::<Int64Array>(batch, "image_id", "Int64")?;
            let captures = full::<StringArray>(batch, "capture", "Utf8")?;
            let row = |i| CaptureRow { image_id: ids.value(i), capture: captures.value(i).to_owned() };
            rows.extend((0..batch.num_rows()).map(row));
        }
        Ok(rows)
    }
}
