//! What a model says of pictures, as a file that is written while it is found: CSV, JSON lines or Parquet.
//!
//! One row per picture: `path`, then for each label `probability_LABEL` (0 to 1, calibrated) and `is_LABEL` (from the label's threshold on),
//! and if they are wished for `logit_LABEL`.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{BooleanArray, Float32Array, Float64Array, RecordBatch, StringArray};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use serde_json::Value;

use super::columns::{Columns, ContentError, Holes};
use super::export::{csv_cell, value};
use super::file::properties;

/// The table's name and version in the metadata of a Parquet file.
const NAME: &str = "answers";
const VERSION: u32 = 1;

/// What is said of some pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// The labels.
    pub labels: Arc<[String]>,
    /// One per picture.
    pub paths: Vec<String>,
    /// Row-major [pictures, labels].
    pub logits: Vec<f32>,
    /// Likewise.
    pub probabilities: Vec<f64>,
    /// Likewise.
    pub said: Vec<bool>,
}

impl Answers {
    /// As columns.
    fn batch(&self, with_logits: bool) -> Result<RecordBatch, ContentError> {
        let n_labels = self.labels.len();
        let mut columns =
            Columns::default().add("path", Holes::No, StringArray::from_iter_values(&self.paths));
        for (label_idx, label) in self.labels.iter().enumerate() {
            let of_label = |at: usize| at * n_labels + label_idx;
            let rows = || (0..self.paths.len()).map(of_label);
            let probabilities = Float64Array::from_iter_values(rows().map(|at| self.probabilities[at]));
            let said: BooleanArray = rows().map(|at| Some(self.said[at])).collect();
            columns = columns.add(&format!("probability_{label}"), Holes::No, probabilities).add(
                &format!("is_{label}"),
                Holes::No,
                said,
            );
            if with_logits {
                let logits = Float32Array::from_iter_values(rows().map(|at| self.logits[at]));
                columns = columns.add(&format!("logit_{label}"), Holes::No, logits);
            }
        }
        columns.batch()
    }
}

/// Why answers cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum AnswersError {
    /// The columns.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// As text.
    #[error("cannot show the answers as text")]
    Text(#[from] ArrowError),
    /// As Parquet.
    #[error("cannot write the answers as Parquet")]
    Parquet(#[from] ParquetError),
    /// The file.
    #[error("cannot write the answers")]
    Write(#[from] io::Error),
}

impl AnswersError {
    /// Whether whoever reads the text has gone.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, AnswersError::Write(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswersKind {
    /// A header, then a line for each picture.
    Csv,
    /// An object on a line for each picture.
    JsonLines,
    /// Columns, with zstd.
    Parquet,
}

impl AnswersKind {
    /// What the ending of a file's name asks for.
    pub fn of_ending(ending: &str) -> Option<Self> {
        match ending {
            "csv" => Some(AnswersKind::Csv),
            "json" | "jsonl" => Some(AnswersKind::JsonLines),
            "parquet" => Some(AnswersKind::Parquet),
            _ => None,
        }
    }
}

/// Writes answers as they come.
pub struct AnswersWriter<W: Write + Send> {
    with_logits: bool,
    out: Out<W>,
}

enum Out<W: Write + Send> {
    Csv { out: W, has_header: bool },
    JsonLines(W),
    Parquet(Box<ArrowWriter<W>>),
}

impl<W: Write + Send> AnswersWriter<W> {
    /// To `out`. `labels`: those of all answers to come.
    ///
    /// # Errors
    /// Where two columns would have one name, or the file cannot be written.
    pub fn new(
        kind: AnswersKind,
        labels: &Arc<[String]>,
        with_logits: bool,
        out: W,
    ) -> Result<Self, AnswersError> {
        let out = match kind {
            AnswersKind::Csv => Out::Csv { out, has_header: false },
            AnswersKind::JsonLines => Out::JsonLines(out),
            AnswersKind::Parquet => {
                let none = Answers { labels: labels.clone(), ..Answers::default() };
                let schema = none.batch(with_logits)?.schema();
                let writer = ArrowWriter::try_new(out, schema, Some(properties("predict", NAME, VERSION)?))?;
                Out::Parquet(Box::new(writer))
            }
        };
        let mut writer = AnswersWriter { with_logits, out };
        // The header is there even where no picture can be read.
        writer.write(&Answers { labels: labels.clone(), ..Answers::default() })?;
        Ok(writer)
    }

    /// Adds rows.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn write(&mut self, answers: &Answers) -> Result<(), AnswersError> {
        let batch = answers.batch(self.with_logits)?;
        match &mut self.out {
            Out::Csv { out, has_header } => {
                let mut csv = csv::Writer::from_writer(&mut *out);
                let as_io = |error: csv::Error| AnswersError::Write(error.into());
                if !std::mem::replace(has_header, true) {
                    let names = batch.schema();
                    csv.write_record(names.fields().iter().map(|field| field.name())).map_err(as_io)?;
                }
                for row_idx in 0..batch.num_rows() {
                    for array in batch.columns() {
                        csv.write_field(csv_cell(&value(array, row_idx)?)).map_err(as_io)?;
                    }
                    csv.write_record(None::<&[u8]>).map_err(as_io)?;
                }
                csv.flush()?;
            }
            Out::JsonLines(out) => {
                let schema = batch.schema();
                let keys: Vec<String> = schema
                    .fields()
                    .iter()
                    .map(|field| Value::from(field.name().as_str()).to_string())
                    .collect();
                for row_idx in 0..batch.num_rows() {
                    let cells: Vec<String> = (keys.iter().zip(batch.columns()))
                        .map(|(key, array)| Ok(format!("{key}:{}", value(array, row_idx)?.json())))
                        .collect::<Result<_, ArrowError>>()?;
                    writeln!(out, "{{{}}}", cells.join(","))?;
                }
                out.flush()?;
            }
            Out::Parquet(writer) => writer.write(&batch)?,
        }
        Ok(())
    }

    /// Ends the file. Gives what it was written to.
    ///
    /// # Errors
    /// Where its end cannot be written.
    pub fn finish(self) -> Result<W, AnswersError> {
        match self.out {
            Out::Csv { mut out, .. } | Out::JsonLines(mut out) => {
                out.flush()?;
                Ok(out)
            }
            Out::Parquet(writer) => Ok(writer.into_inner()?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> Answers {
        Answers {
            labels: vec!["glass".to_owned(), "a,b".to_owned()].into(),
            paths: vec!["x/1.jpg".into(), "\"2\".png".into()],
            logits: vec![1.5, -0.25, f32::NAN, 0.1],
            probabilities: vec![0.8, 0.25, f64::NAN, 0.5],
            said: vec![true, false, false, true],
        }
    }

    fn written(kind: AnswersKind, with_logits: bool) -> Vec<u8> {
        let answers = answers();
        let mut writer = AnswersWriter::new(kind, &answers.labels, with_logits, Vec::new()).unwrap();
        writer.write(&answers).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn texts_have_a_row_for_each_picture() {
        assert_eq!(
            String::from_utf8(written(AnswersKind::Csv, false)).unwrap(),
            "path,probability_glass,is_glass,\"probability_a,b\",\"is_a,b\"\nx/1.jpg,0.8,1,0.25,0\n\"\"\"2\"\".png\",NaN,0,0.5,1\n"
        );
        assert_eq!(
            String::from_utf8(written(AnswersKind::JsonLines, true)).unwrap().lines().nth(1).unwrap(),
            r#"{"path":"\"2\".png","probability_glass":null,"is_glass":false,"logit_glass":null,"probability_a,b":0.5,"is_a,b":true,"logit_a,b":0.1}"#
        );
    }

    #[test]
    fn parquet_says_the_same_as_csv() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.parquet");
        std::fs::write(&path, written(AnswersKind::Parquet, true)).unwrap();
        let source = crate::tables::export::Source { path: &path, names: Vec::new() };
        let mut text = Vec::new();
        crate::tables::export::to_csv(&[source], &mut text).unwrap();
        assert_eq!(text, written(AnswersKind::Csv, true));
    }

    #[test]
    fn a_file_without_pictures_has_its_header() {
        let labels: Arc<[String]> = vec!["glass".to_owned()].into();
        let writer = AnswersWriter::new(AnswersKind::Csv, &labels, false, Vec::new()).unwrap();
        assert_eq!(writer.finish().unwrap(), b"path,probability_glass,is_glass\n");
    }
}
