//! The columns of the tables that runs are compared in: effects and contrasts.

use arrow::array::{Float64Array, RecordBatch, StringArray, UInt32Array};

use super::columns::{Columns, ContentError, Holes, full, sparse, text};
use super::file::Table;
use super::rows::{ContrastRow, EffectRow};

impl Table for Vec<EffectRow> {
    const NAME: &'static str = "effects";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let rows: Vec<&EffectRow> = self.iter().collect();
        let columns = add_texts(Columns::default(), "variant", rows.iter().map(|row| row.variant.as_str()));
        let columns = add_texts(columns, "baseline", rows.iter().map(|row| row.baseline.as_str()));
        add_outcomes(columns, &rows).batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            rows.extend(effects(batch, "variant", "baseline")?);
        }
        Ok(rows)
    }
}

impl Table for Vec<ContrastRow> {
    const NAME: &'static str = "contrasts";
    const VERSION: u32 = 1;

    fn to_batch(&self) -> Result<RecordBatch, ContentError> {
        let rows: Vec<&EffectRow> = self.iter().map(|row| &row.effect).collect();
        let columns = add_texts(Columns::default(), "kind", self.iter().map(|row| row.kind.as_str()));
        let columns = add_texts(columns, "subject", rows.iter().map(|row| row.variant.as_str()));
        let columns = add_texts(columns, "against", rows.iter().map(|row| row.baseline.as_str()));
        let columns = add_texts(columns, "aliases", self.iter().map(|row| row.aliases.as_str()));
        add_outcomes(columns, &rows).batch()
    }

    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError> {
        let mut rows = Vec::new();
        for batch in batches {
            let text_of = |name| full::<StringArray>(batch, name, "Utf8");
            let (kinds, aliases) = (text_of("kind")?, text_of("aliases")?);
            let effects = effects(batch, "subject", "against")?;
            rows.extend(effects.into_iter().enumerate().map(|(i, effect)| ContrastRow {
                kind: kinds.value(i).to_owned(),
                aliases: aliases.value(i).to_owned(),
                effect,
            }));
        }
        Ok(rows)
    }
}

fn add_texts<'a>(columns: Columns, name: &'static str, texts: impl Iterator<Item = &'a str>) -> Columns {
    columns.add(name, Holes::No, StringArray::from_iter_values(texts))
}

/// What was measured, and what may be said of it.
fn add_outcomes(columns: Columns, rows: &[&EffectRow]) -> Columns {
    let numbers = |of: fn(&EffectRow) -> f64| Float64Array::from_iter_values(rows.iter().map(|row| of(row)));
    let labels = StringArray::from_iter(rows.iter().map(|row| row.label.as_deref()));
    let columns = columns.add("label", Holes::Yes, labels);
    let columns = add_texts(columns, "metric", rows.iter().map(|row| row.metric.as_str()))
        .add("delta", Holes::No, numbers(|row| row.delta))
        .add("low", Holes::No, numbers(|row| row.low))
        .add("high", Holes::No, numbers(|row| row.high))
        .add("p_adjusted", Holes::No, numbers(|row| row.p_adjusted))
        .add("n_seeds", Holes::No, UInt32Array::from_iter_values(rows.iter().map(|row| row.n_seeds)));
    add_texts(columns, "verdict", rows.iter().map(|row| row.verdict.as_str()))
}

/// The rows of a batch, with the names of the columns that hold what is measured and against what.
fn effects(
    batch: &RecordBatch,
    of: &'static str,
    against: &'static str,
) -> Result<Vec<EffectRow>, ContentError> {
    let text_of = |name| full::<StringArray>(batch, name, "Utf8");
    let number = |name| full::<Float64Array>(batch, name, "Float64");
    let (variants, baselines) = (text_of(of)?, text_of(against)?);
    let labels = sparse::<StringArray>(batch, "label", "Utf8")?;
    let (metrics, verdicts) = (text_of("metric")?, text_of("verdict")?);
    let (deltas, ps) = (number("delta")?, number("p_adjusted")?);
    let (lows, highs) = (number("low")?, number("high")?);
    let n_seeds = full::<UInt32Array>(batch, "n_seeds", "UInt32")?;
    let row = |i| EffectRow {
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
    };
    Ok((0..batch.num_rows()).map(row).collect())
}
