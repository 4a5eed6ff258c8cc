//! Any Parquet file as CSV or as JSON lines, row by row, without knowing which table it is.
//!
//! CSV: booleans are 0 and 1 (what the CSV importer reads), a missing value is empty, NaN is `NaN`, lists are
//! JSON. JSON has no NaN: it becomes `null` there, as a missing value does.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, Float32Array, Float64Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use serde_json::Value;

use super::ending::Ending;

/// What can go wrong between a Parquet file and its text.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file cannot be opened.
    #[error("cannot read `{path}`")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no whole Parquet file.
    #[error("cannot read `{path}` as Parquet")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ParquetError,
    },
    /// A column cannot be shown as text.
    #[error("cannot show the columns of `{path}` as text")]
    Text {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ArrowError,
    },
    /// The text cannot be written.
    #[error("cannot write the rows of `{path}`")]
    Write {
        /// The Parquet file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl ExportError {
    /// Whether whoever reads the text has gone.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, ExportError::Write { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

/// A Parquet file, and text columns that are shown with one value in place of what stands there: results keep the
/// names under which they were made.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// The file.
    pub path: &'a Path,
    /// Column and value; columns that the file does not have are passed over.
    pub names: Vec<(&'static str, &'a str)>,
}

/// Writes the rows of the files `parquets`, which have the same columns, to `out` as CSV with one header.
///
/// # Errors
/// Where a file cannot be read whole, or `out` cannot be written.
pub fn to_csv(parquets: &[Source<'_>], out: &mut dyn Write) -> Result<(), ExportError> {
    for (i, parquet) in parquets.iter().enumerate() {
        one_to_csv(parquet, i == 0, out)?;
    }
    Ok(())
}

fn one_to_csv(source: &Source<'_>, header: bool, out: &mut dyn Write) -> Result<(), ExportError> {
    let parquet = source.path;
    let write = |error: csv::Error| ExportError::Write { path: parquet.into(), source: error.into() };
    let (schema, batches) = open(source)?;
    let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
    let mut csv = csv::Writer::from_writer(out);
    if header {
        csv.write_record(&names).map_err(write)?;
    }
    for batch in batches {
        let columns = batch?;
        for row_idx in 0..columns.num_rows() {
            for array in columns.columns() {
                let cell = value(array, row_idx)
                    .map_err(|source| ExportError::Text { path: parquet.into(), source })?;
                csv.write_field(csv_cell(&cell)).map_err(write)?;
            }
            csv.write_record(None::<&[u8]>).map_err(write)?;
        }
    }
    csv.flush().map_err(|source| ExportError::Write { path: parquet.into(), source })
}

/// Writes the rows of the files `parquets` to `out`, each as a JSON object on a line of its own.
///
/// # Errors
/// Where a file cannot be read whole, or `out` cannot be written.
pub fn to_json_lines(parquets: &[Source<'_>], out: &mut dyn Write) -> Result<(), ExportError> {
    parquets.iter().try_for_each(|parquet| one_to_json_lines(parquet, out))
}

/// Writes the rows of the files `parquets`, which have the same columns, to `out` as one Parquet file.
///
/// # Errors
/// Where a file cannot be read whole, or `out` cannot be written.
pub fn to_parquet(parquets: &[Source<'_>], out: &mut (dyn Write + Send)) -> Result<(), ExportError> {
    let Some(first) = parquets.first() else {
        return Ok(());
    };
    let failed = |path: &Path, source| ExportError::Parquet { path: path.into(), source };
    // The columns are there even where no file has a row.
    let (schema, _) = open(first)?;
    let mut writer = ArrowWriter::try_new(out, schema, None).map_err(|error| failed(first.path, error))?;
    for source in parquets {
        let (_, batches) = open(source)?;
        for batch in batches {
            writer.write(&batch?).map_err(|error| failed(source.path, error))?;
        }
    }
    writer.close().map(drop).map_err(|error| failed(first.path, error))
}

fn one_to_json_lines(source: &Source<'_>, out: &mut dyn Write) -> Result<(), ExportError> {
    let parquet = source.path;
    let write = |source| ExportError::Write { path: parquet.into(), source };
    let (schema, batches) = open(source)?;
    let keys: Vec<String> =
        schema.fields().iter().map(|field| Value::from(field.name().as_str()).to_string()).collect();
    for batch in batches {
        let columns = batch?;
        for row_idx in 0..columns.num_rows() {
            let mut line = String::from("{");
            for (key, array) in keys.iter().zip(columns.columns()) {
                let cell = value(array, row_idx)
                    .map_err(|source| ExportError::Text { path: parquet.into(), source })?;
                let comma = if line.len() > 1 { "," } else { "" };
                line += &format!("{comma}{key}:{}", cell.json());
            }
            line += "}\n";
            out.write_all(line.as_bytes()).map_err(write)?;
        }
    }
    out.flush().map_err(write)
}

/// A value on its way to text.
pub(super) enum Cell {
    Nothing,
    Flag(bool),
    /// A number without a place in JSON: `NaN`, `inf`, `-inf`.
    NoNumber(String),
    /// Digits, or a list in JSON.
    Plain(String),
    Text(String),
}

impl Cell {
    pub(super) fn json(&self) -> String {
        match self {
            Cell::Nothing | Cell::NoNumber(_) => "null".to_owned(),
            Cell::Flag(flag) => flag.to_string(),
            Cell::Plain(text) => text.clone(),
            Cell::Text(text) => Value::from(text.as_str()).to_string(),
        }
    }
}

/// As CSV writes it.
pub(super) fn csv_cell(cell: &Cell) -> &str {
    match cell {
        Cell::Nothing => "",
        Cell::Flag(true) => "1",
        Cell::Flag(false) => "0",
        Cell::NoNumber(text) | Cell::Plain(text) | Cell::Text(text) => text,
    }
}

/// The value of a column in a row.
pub(super) fn value(array: &dyn Array, row_idx: usize) -> Result<Cell, ArrowError> {
    let any = array.as_any();
    if array.is_null(row_idx) {
        Ok(Cell::Nothing)
    } else if let Some(array) = any.downcast_ref::<BooleanArray>() {
        Ok(Cell::Flag(array.value(row_idx)))
    } else if let Some(array) = any.downcast_ref::<StringArray>() {
        Ok(Cell::Text(array.value(row_idx).to_owned()))
    } else if let Some(array) = any.downcast_ref::<Float32Array>() {
        let number = array.value(row_idx);
        // `{:?}` is the shortest text that reads back as the same 32 bits, with an exponent where needed.
        Ok(if number.is_finite() { Cell::Plain(format!("{number:?}")) } else { no_number(number.into()) })
    } else if let Some(array) = any.downcast_ref::<Float64Array>() {
        let number = array.value(row_idx);
        Ok(if number.is_finite() { Cell::Plain(format!("{number:?}")) } else { no_number(number) })
    } else if let Some(array) = any.downcast_ref::<ListArray>() {
        let items = array.value(row_idx);
        let items: Result<Vec<_>, _> =
            (0..items.len()).map(|i| value(&items, i).map(|cell| cell.json())).collect();
        Ok(Cell::Plain(format!("[{}]", items?.join(","))))
    } else {
        let text =
            ArrayFormatter::try_new(array, &FormatOptions::default())?.value(row_idx).try_to_string()?;
        Ok(if array.data_type().is_integer() { Cell::Plain(text) } else { Cell::Text(text) })
    }
}

fn no_number(number: f64) -> Cell {
    Cell::NoNumber(if number.is_nan() { "NaN".to_owned() } else { number.to_string() })
}

type Batches<'a> = Box<dyn Iterator<Item = Result<RecordBatch, ExportError>> + 'a>;

/// The columns, and the rows.
fn open<'a>(source: &Source<'a>) -> Result<(SchemaRef, Batches<'a>), ExportError> {
    let (path, fixed) = (source.path, source.names.clone());
    let wrong = |source| ExportError::Parquet { path: path.into(), source };
    let file = File::open(path).map_err(|source| ExportError::Open { path: path.into(), source })?;
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(Ending::of(file).map_err(wrong)?).map_err(wrong)?;
    let schema = builder.schema().clone();
    let reader = builder.build().map_err(wrong)?;
    let named = move |batch: Result<RecordBatch, ArrowError>| {
        batch.and_then(|batch| with_names(&batch, &fixed)).map_err(|source| wrong(source.into()))
    };
    Ok((schema, Box::new(reader.map(named))))
}

fn with_names(batch: &RecordBatch, names: &[(&'static str, &str)]) -> Result<RecordBatch, ArrowError> {
    let mut columns = batch.columns().to_vec();
    for (name, value) in names {
        if let Some((idx, _)) = batch.schema().column_with_name(name) {
            columns[idx] =
                Arc::new(StringArray::from_iter_values(std::iter::repeat_n(value, batch.num_rows())));
        }
    }
    RecordBatch::try_new(batch.schema(), columns)
}
