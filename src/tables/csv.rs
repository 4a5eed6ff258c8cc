//! A table as CSV for other programs: the columns of its Parquet file, by RFC 4180.
//!
//! What has no value is empty, and so is NaN: spreadsheets and statistics programs read both as missing. Numbers are the shortest
//! text that reads back as the same number.

use std::io::Write;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::export::{csv_cell, value};
use super::file::{Table, TableError};

/// Writes `table` to `path` as CSV; a file that is there is replaced. A table without rows has its header.
///
/// # Errors
/// Where the file cannot be written, or the table contradicts itself.
pub fn write_csv<T: Table>(path: &Path, table: &T) -> Result<(), TableError> {
    let content = |source| TableError::Content {
        doing: "write",
        table: T::NAME,
        path: path.into(),
        source: Box::new(source),
    };
    let columns = |source: ArrowError| TableError::Parquet {
        doing: "write",
        table: T::NAME,
        path: path.into(),
        source: source.into(),
    };
    let io = |source| TableError::Io { doing: "write", table: T::NAME, path: path.into(), source };

    let mut bytes = Vec::new();
    for (at, batch) in table.to_batches().enumerate() {
        for record in records(&batch.map_err(content)?, at == 0).map_err(columns)? {
            let mut writer =
                csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut bytes);
            writer.write_record(&record).map_err(|error| io(error.into()))?;
            writer.flush().map_err(io)?;
        }
    }
    std::fs::File::create(path).and_then(|mut file| file.write_all(&bytes)).map_err(io)
}

/// The rows as texts, under the names of the columns where `header` says so.
fn records(batch: &RecordBatch, header: bool) -> Result<Vec<Vec<String>>, ArrowError> {
    let mut records = Vec::with_capacity(batch.num_rows() + 1);
    if header {
        records.push(batch.schema().fields().iter().map(|field| field.name().clone()).collect());
    }
    for row_idx in 0..batch.num_rows() {
        let cell = |array: &arrow::array::ArrayRef| {
            let text = csv_cell(&value(array, row_idx)?).to_owned();
            Ok(if text == "NaN" && array.data_type().is_floating() { String::new() } else { text })
        };
        records.push(batch.columns().iter().map(cell).collect::<Result<_, ArrowError>>()?);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::rows::{ContrastRow, EffectRow};

    fn effect(variant: &str, label: Option<&str>, low: f64) -> EffectRow {
        EffectRow {
            variant: variant.into(),
            baseline: "none".into(),
            label: label.map(Into::into),
            metric: "ap".into(),
            delta: 0.0213,
            low,
            high: f64::INFINITY,
            p_adjusted: 1e-9,
            n_seeds: 5,
            verdict: "helps".into(),
        }
    }

    fn text<T: Table>(table: &T) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        write_csv(&path, table).unwrap();
        std::fs::read_to_string(&path).unwrap()
    }

    #[test]
    fn columns_are_those_of_the_table_and_what_is_not_there_is_empty() {
        let rows =
            vec![effect("flip, \"twice\"\nor NaN", None, f64::NAN), effect("NaN", Some("glass"), -0.5)];
        assert_eq!(
            text(&rows),
            "variant,baseline,label,metric,delta,low,high,p_adjusted,n_seeds,verdict\r\n\
             \"flip, \"\"twice\"\"\nor NaN\",none,,ap,0.0213,,inf,1e-9,5,helps\r\n\
             NaN,none,glass,ap,0.0213,-0.5,inf,1e-9,5,helps\r\n"
        );
    }

    #[test]
    fn contrasts_have_their_columns_without_a_row_too() {
        let header =
            "kind,subject,against,aliases,label,metric,delta,low,high,p_adjusted,n_seeds,verdict\r\n";
        assert_eq!(text(&Vec::<ContrastRow>::new()), header);
        let row =
            ContrastRow { kind: "axis".into(), aliases: "a, b".into(), effect: effect("lr", None, 0.0) };
        assert_eq!(
            text(&vec![row]),
            format!("{header}axis,lr,none,\"a, b\",,ap,0.0213,0.0,inf,1e-9,5,helps\r\n")
        );
    }
}
