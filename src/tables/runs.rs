//! The columns of the tables that runs leave behind: history, predictions, metrics.

use arrow::array::{
    Float32Array, Float64Array, Int64Array, RecordBatch, StringArray, UInt32Array, UInt64Array,
};

use super::columns::{
    Columns, ContentError, Holes, check_labels, check_length, full, names_after, part, sparse, text,
};
use super::file::Table;
use super::rows::{HistoryRow, MetricRow, PredictionTable, Reference, ReferenceRow, Validation};

impl Table for Vec<HistoryRow> {
    const NAME: &'static str = "history";
    const VERSION: u32 = 2;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let numbers = |of: fn(&HistoryRow) -> f64| Float64Array::from_iter_values(self.iter().map(of));
        let columns = Columns::default()
            .add("run", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.run)))
            .add("epoch", Holes::No, UInt32Array::from_iter_values(self.iter().map(|row| row.epoch)))
            .add("lr", Holes::No, numbers(|row| row.lr))
            .add("train_loss", Holes::No, numbers(|row| row.train_loss));
        let of_validation = |columns: Columns, (at, name): (usize, &&'static str)| {
            let values = self.iter().map(|row| row.val.numbers()[at]);
            columns.add(name, Holes::No, Float64Array::from_iter_values(values))
        };
        Validation::COLUMNS
            .iter()
            .enumerate()
            .fold(columns, of_validation)
            .add("seconds", Holes::No, numbers(|row| row.seconds))
            .add("images_per_second", Holes::No, numbers(|row| row.images_per_second))
            .add("wait_share", Holes::No, numbers(|row| row.wait_share))
            .add(
                "finished_ms",
                Holes::No,
                Int64Array::from_iter_values(self.iter().map(|row| row.finished_ms)),
            )
            .batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            let number = |name| full::<Float64Array>(batch, name, "Float64");
            let runs = full::<StringArray>(batch, "run", "Utf8")?;
            let epochs = full::<UInt32Array>(batch, "epoch", "UInt32")?;
            let (lrs, train_losses) = (number("lr")?, number("train_loss")?);
            let vals = Validation::COLUMNS.into_iter().map(number).collect::<Result<Vec<_>, _>>()?;
            let (seconds, speeds) = (number("seconds")?, number("images_per_second")?);
            let waits = number("wait_share")?;
            let ends = full::<Int64Array>(batch, "finished_ms", "Int64")?;
            rows.extend((0..batch.num_rows()).map(|i| HistoryRow {
                run: runs.value(i).to_owned(),
                epoch: epochs.value(i),
                lr: lrs.value(i),
                train_loss: train_losses.value(i),
                val: Validation::of_numbers(std::array::from_fn(|at| vals[at].value(i))),
                seconds: seconds.value(i),
                images_per_second: speeds.value(i),
                wait_share: waits.value(i),
                finished_ms: ends.value(i),
            }));
        }
        Ok(rows)
    }
}

/// The columns of `predictions` that are no labels.
const PREDICTION_COLUMNS: [&str; 3] = ["run", "part", "image_id"];

/// A table without rows comes back without the run's name, which stands in its rows.
impl Table for PredictionTable {
    const NAME: &'static str = "predictions";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let n = self.image_ids.len();
        check_labels(&self.labels, &PREDICTION_COLUMNS)?;
        check_length("parts", self.parts.len(), n)?;
        check_length("logits", self.logits.len(), n * self.labels.len())?;
        let runs = StringArray::from_iter_values(std::iter::repeat_n(&self.run, n));
        let parts = StringArray::from_iter_values(self.parts.iter().map(|part| part.as_str()));
        let ids = Int64Array::from_iter_values(self.image_ids.iter().copied());
        let columns = Columns::default().add("run", Holes::No, runs).add("part", Holes::No, parts).add(
            "image_id",
            Holes::No,
            ids,
        );
        let add = |columns: Columns, (label_idx, label): (usize, &String)| {
            let values = self.logits.iter().copied().skip(label_idx).step_by(self.labels.len());
            columns.add(label, Holes::No, Float32Array::from_iter_values(values))
        };
        self.labels.iter().enumerate().fold(columns, add).batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut table = PredictionTable::default();
        for batch in batches {
            table.labels = names_after(batch, PREDICTION_COLUMNS.len());
            let runs = full::<StringArray>(batch, "run", "Utf8")?;
            let parts = full::<StringArray>(batch, "part", "Utf8")?;
            let ids = full::<Int64Array>(batch, "image_id", "Int64")?;
            let columns = (table.labels.iter())
                .map(|label| full::<Float32Array>(batch, label, "Float32"))
                .collect::<Result<Vec<_>, _>>()?;
            for i in 0..batch.num_rows() {
                if table.image_ids.is_empty() {
                    table.run = runs.value(i).to_owned();
                } else if table.run != runs.value(i) {
                    let (column, found) = ("run".to_owned(), runs.value(i).to_owned());
                    return Err(ContentError::Value { column, found, expected: "the same run in all rows" });
                }
                table.parts.push(part("part", parts.value(i))?);
                table.image_ids.push(ids.value(i));
                table.logits.extend(columns.iter().map(|column| column.value(i)));
            }
        }
        Ok(table)
    }
}

impl Table for Vec<MetricRow> {
    const NAME: &'static str = "metrics";
    const VERSION: u32 = 2;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        Columns::default()
            .add("run", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.run)))
            .add("variant", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.variant)))
            .add("seed", Holes::No, UInt64Array::from_iter_values(self.iter().map(|row| row.seed)))
            .add("fold", Holes::No, UInt32Array::from_iter_values(self.iter().map(|row| row.fold)))
            .add("label", Holes::Yes, StringArray::from_iter(self.iter().map(|row| row.label.as_deref())))
            .add("metric", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.metric)))
            .add("value", Holes::No, Float64Array::from_iter_values(self.iter().map(|row| row.value)))
            .batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            let runs = full::<StringArray>(batch, "run", "Utf8")?;
            let variants = full::<StringArray>(batch, "variant", "Utf8")?;
            let seeds = full::<UInt64Array>(batch, "seed", "UInt64")?;
            let folds = full::<UInt32Array>(batch, "fold", "UInt32")?;
            let labels = sparse::<StringArray>(batch, "label", "Utf8")?;
            let metrics = full::<StringArray>(batch, "metric", "Utf8")?;
            let values = full::<Float64Array>(batch, "value", "Float64")?;
            rows.extend((0..batch.num_rows()).map(|i| MetricRow {
                run: runs.value(i).to_owned(),
                variant: variants.value(i).to_owned(),
                seed: seeds.value(i),
                fold: folds.value(i),
                label: text(labels, i),
                metric: metrics.value(i).to_owned(),
                value: values.value(i),
            }));
        }
        Ok(rows)
    }
}

impl Table for Vec<ReferenceRow> {
    const NAME: &'static str = "references";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let references = self.iter().map(|row| row.reference.as_str());
        Columns::default()
            .add("variant", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.variant)))
            .add("reference", Holes::No, StringArray::from_iter_values(references))
            .add("fold", Holes::No, UInt32Array::from_iter_values(self.iter().map(|row| row.fold)))
            .add("label", Holes::Yes, StringArray::from_iter(self.iter().map(|row| row.label.as_deref())))
            .add("metric", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.metric)))
            .add("value", Holes::No, Float64Array::from_iter_values(self.iter().map(|row| row.value)))
            .batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            let variants = full::<StringArray>(batch, "variant", "Utf8")?;
            let references = full::<StringArray>(batch, "reference", "Utf8")?;
            let folds = full::<UInt32Array>(batch, "fold", "UInt32")?;
            let labels = sparse::<StringArray>(batch, "label", "Utf8")?;
            let metrics = full::<StringArray>(batch, "metric", "Utf8")?;
            let values = full::<Float64Array>(batch, "value", "Float64")?;
            for i in 0..batch.num_rows() {
                rows.push(ReferenceRow {
                    variant: variants.value(i).to_owned(),
                    reference: reference("reference", references.value(i))?,
                    fold: folds.value(i),
                    label: text(labels, i),
                    metric: metrics.value(i).to_owned(),
                    value: values.value(i),
                });
            }
        }
        Ok(rows)
    }
}

fn reference(column: &str, text: &str) -> Result<Reference, ContentError> {
    Reference::ALL.into_iter().find(|reference| reference.as_str() == text).ok_or_else(|| {
        ContentError::Value {
            column: column.to_owned(),
            found: text.to_owned(),
            expected: "`constant_answer`, `label_prior` or `mean_colour`",
        }
    })
}
