//! The columns of the tables that runs are compared in: effects and contrasts.

use arrow::array::{Float64Array, RecordBatch, StringArray, UInt32Array};

use super::columns::{Columns, ContentError, Holes, full, sparse, text};
use super::file::Table;
use super::rows::{ContrastRow, EffectRow};

impl Table for Vec<EffectRow> {
    const NAME: &'static str = "effects";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let numbers = |of: fn(&EffectRow) -> f64| Float64Array::from_iter_values(self.iter().map(of));
        Columns::default()
            .add("variant", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.variant)))
            .add("baseline", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.baseline)))
            .add("label", Holes::Yes, StringArray::from_iter(self.iter().map(|row| row.label.as_deref())))
            .add("metric", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.metric)))
            .add("delta", Holes::No, numbers(|row| row.delta))
            .add("low", Holes::No, numbers(|row| row.low))
            .add("high", Holes::No, numbers(|row| row.high))
            .add("p_adjusted", Holes::No, numbers(|row| row.p_adjusted))
            .add("n_seeds", Holes::No, UInt32Array::from_iter_values(self.iter().map(|row| row.n_seeds)))
            .add("verdict", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.verdict)))
            .batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            let text_of = |name| full::<StringArray>(batch, name, "Utf8");
            let number = |name| full::<Float64Array>(batch, name, "Float64");
            let (variants, baselines) = (text_of("variant")?, text_of("baseline")?);
            let labels = sparse::<StringArray>(batch, "label", "Utf8")?;
            let (metrics, verdicts) = (text_of("metric")?, text_of("verdict")?);
            let (deltas, ps) = (number("delta")?, number("p_adjusted")?);
            let (lows, highs) = (number("low")?, number("high")?);
            let n_seeds = full::<UInt32Array>(batch, "n_seeds", "UInt32")?;
            rows.extend((0..batch.num_rows()).map(|i| EffectRow {
                variant: variants.value(i).to_owned(),
                baseline: baselines.value(i).to_owned(),
                label: text(labels, i),
                metric: metrics.value(i).to_owned(),
                delta: deltas.value(i),
                low: lows.value(i),
                high: highs.value(i),
                p_adjusted: ps.value(i),
                n_seeds: n_seeds.value(i),
                verdict: verdicts.value(i).to_owned(),
            }));
        }
        Ok(rows)
    }
}

impl Table for Vec<ContrastRow> {
    const NAME: &'static str = "contrasts";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let numbers = |of: fn(&ContrastRow) -> f64| Float64Array::from_iter_values(self.iter().map(of));
        Columns::default()
            .add("kind", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.kind)))
            .add("subject", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.subject)))
            .add("against", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.against)))
            .add("aliases", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.aliases)))
            .add("label", Holes::Yes, StringArray::from_iter(self.iter().map(|row| row.label.as_deref())))
            .add("metric", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.metric)))
            .add("delta", Holes::No, numbers(|row| row.delta))
            .add("low", Holes::No, numbers(|row| row.low))
            .add("high", Holes::No, numbers(|row| row.high))
            .add("p_adjusted", Holes::No, numbers(|row| row.p_adjusted))
            .add("n_seeds", Holes::No, UInt32Array::from_iter_values(self.iter().map(|row| row.n_seeds)))
            .add("verdict", Holes::No, StringArray::from_iter_values(self.iter().map(|row| &row.verdict)))
            .batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            let text_of = |name| full::<StringArray>(batch, name, "Utf8");
            let number = |name| full::<Float64Array>(batch, name, "Float64");
            let (kinds, subjects) = (text_of("kind")?, text_of("subject")?);
            let (against, aliases) = (text_of("against")?, text_of("aliases")?);
            let labels = sparse::<StringArray>(batch, "label", "Utf8")?;
            let (metrics, verdicts) = (text_of("metric")?, text_of("verdict")?);
            let (deltas, ps) = (number("delta")?, number("p_adjusted")?);
            let (lows, highs) = (number("low")?, number("high")?);
            let n_seeds = full::<UInt32Array>(batch, "n_seeds", "UInt32")?;
            rows.extend((0..batch.num_rows()).map(|i| ContrastRow {
                kind: kinds.value(i).to_owned(),
                subject: subjects.value(i).to_owned(),
                against: against.value(i).to_owned(),
                aliases: aliases.value(i).to_owned(),
                label: text(labels, i),
                metric: metrics.value(i).to_owned(),
                delta: deltas.value(i),
                low: lows.value(i),
                high: highs.value(i),
                p_adjusted: ps.value(i),
                n_seeds: n_seeds.value(i),
                verdict: verdicts.value(i).to_owned(),
            }));
        }
        Ok(rows)
    }
}
