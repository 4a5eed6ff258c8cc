//! A Parquet file of image-level labels, read batch by batch.
//!
//! Names and parts are text. Labels are booleans or numbers that are 0 and 1, one column each; or one column of text
//! or of lists of text. Text may be of any of Arrow's encodings. Columns that are not needed are not read, so that
//! a file may hold the pictures as well.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, ListArray, RecordBatch, StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;

use super::super::faults::{FaultKind, Faults, ImportError};
use super::super::imported::Imported;
use super::super::unchanged::Unchanged;
use super::Layout;
use super::cells::Cell;
use super::columns::{Columns, LabelColumns};
use super::rows::Rows;
use crate::tables::{Ending, contained};

const TYPE: FaultKind = FaultKind {
    what: "columns of another type than expected",
    help: "convert the columns before the file is written",
};

/// How every Parquet file begins.
const MAGIC: &[u8] = b"PAR1";
/// Rows that are decoded at once.
const BATCH_ROWS: usize = 1 << 13;

/// Reads the Parquet file at `path`.
///
/// # Errors
/// Where it is no whole Parquet file, a column is missing, repeated or of another type, or a row does not fit: all
/// such rows together.
pub fn import(path: &Path, layout: &Layout) -> Result<Imported, ImportError> {
    let (file, unchanged) = Unchanged::open(path, "labels")?;
    let imported = contained(|| read(path, file, layout)).unwrap_or_else(|| {
        let source = ParquetError::General("the pages are damaged".to_owned());
        Err(ImportError::Parquet { path: path.to_owned(), source })
    });
    unchanged.check()?;
    imported
}

fn read(path: &Path, mut file: File, layout: &Layout) -> Result<Imported, ImportError> {
    let wrong = |source| ImportError::Parquet { path: path.to_owned(), source };
    let mut first = Vec::new();
    let io = |source| ImportError::Io { what: "labels", path: path.to_owned(), source };
    file.by_ref().take(MAGIC.len() as u64).read_to_end(&mut first).map_err(io)?;
    if first != MAGIC {
        let found = if first.is_empty() { "empty" } else { "another kind of file" };
        return Err(ImportError::Other { path: path.to_owned(), found, expected: "Parquet" });
    }
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(Ending::of(file).map_err(wrong)?).map_err(wrong)?;
    let schema = builder.schema().clone();
    let names = schema.fields().iter().map(|field| field.name().clone()).collect();
    let columns = Columns::find(path, names, layout)?;
    let mut rows = Rows::new(&columns, "row");
    let types: Vec<&DataType> = schema.fields().iter().map(|field| field.data_type()).collect();
    check_types(&columns, &types, &mut rows.faults);
    if !rows.faults.is_empty() {
        return rows.finish(path);
    }

    let used = columns.used();
    let mask = ProjectionMask::roots(builder.parquet_schema(), used.iter().copied());
    let reader = builder.with_batch_size(BATCH_ROWS).with_projection(mask).build().map_err(wrong)?;
    let mut before = 0;
    for batch in reader {
        let batch = batch.map_err(|source| wrong(source.into()))?;
        let read = values(&batch, &types, &used).map_err(|source| wrong(source.into()))?;
        for row_idx in 0..batch.num_rows() {
            rows.add(before + row_idx as u64 + 1, |idx| {
                read[idx].as_ref().map_or(Cell::Null, |v| v.cell(row_idx))
            });
        }
        before += batch.num_rows() as u64;
    }
    rows.finish(path)
}

/// What a column's type can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Flag,
    Number,
    List,
}

impl Kind {
    fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Kind::Text),
            DataType::Dictionary(_, values) => Kind::of(values).filter(|kind| *kind == Kind::Text),
            DataType::Boolean => Some(Kind::Flag),
            other if other.is_integer() || other.is_floating() => Some(Kind::Number),
            DataType::List(item) | DataType::LargeList(item) => {
                Kind::of(item.data_type()).filter(|kind| *kind == Kind::Text).map(|_| Kind::List)
            }
            _ => None,
        }
    }
}

fn check_types(columns: &Columns, types: &[&DataType], faults: &mut Faults) {
    let mut check = |idx: usize, expected: &str, fits: &[Kind]| {
        let data_type = types[idx];
        if !Kind::of(data_type).is_some_and(|kind| fits.contains(&kind)) {
            let name = &columns.names[idx];
            faults.add(&TYPE, format_args!("{name} ({data_type}, expected {expected})"));
        }
    };
    for idx in columns.texts() {
        check(idx, "text", &[Kind::Text]);
    }
    match &columns.labels {
        LabelColumns::Each(idxs) => {
            idxs.iter().for_each(|&idx| {
                check(idx, "booleans or numbers that are 0 and 1", &[Kind::Flag, Kind::Number])
            });
        }
        LabelColumns::One { idx, .. } => check(*idx, "text or lists of text", &[Kind::Text, Kind::List]),
    }
}

/// A column in one of few types.
enum Values {
    Text(StringArray),
    Flag(BooleanArray),
    Number(Float64Array),
    List(ListArray),
}

/// The columns of the file by their places; those that are not `used` have none.
fn values(
    batch: &RecordBatch,
    types: &[&DataType],
    used: &[usize],
) -> Result<Vec<Option<Values>>, ArrowError> {
    let mut all: Vec<Option<Values>> = types.iter().map(|_| None).collect();
    for (array, &idx) in batch.columns().iter().zip(used) {
        all[idx] = Some(Values::of(array)?);
    }
    Ok(all)
}

impl Values {
    fn of(array: &ArrayRef) -> Result<Self, ArrowError> {
        let item = Field::new_list_field(DataType::Utf8, true);
        Ok(match Kind::of(array.data_type()) {
            Some(Kind::Flag) => Values::Flag(array.as_boolean().clone()),
            Some(Kind::Number) => {
                Values::Number(cast(array, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
            }
            Some(Kind::List) => {
                Values::List(cast(array, &DataType::List(item.into()))?.as_list::<i32>().clone())
            }
            Some(Kind::Text) | None => Values::Text(cast(array, &DataType::Utf8)?.as_string::<i32>().clone()),
        })
    }

    fn cell(&self, row_idx: usize) -> Cell<'_> {
        match self {
            Values::Text(array) if array.is_valid(row_idx) => Cell::Text(array.value(row_idx)),
            Values::Flag(array) if array.is_valid(row_idx) => Cell::Flag(array.value(row_idx)),
            Values::Number(array) if array.is_valid(row_idx) => Cell::Number(array.value(row_idx)),
            Values::List(array) if array.is_valid(row_idx) => {
                let items = array.values().as_string::<i32>();
                let ends = array.value_offsets();
                let range = ends[row_idx] as usize..ends[row_idx + 1] as usize;
                Cell::List(range.filter(|&i| items.is_valid(i)).map(|i| items.value(i)).collect())
            }
            _ => Cell::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{DictionaryArray, Int8Array, LargeStringArray, ListBuilder, StringBuilder};
    use arrow::datatypes::Int32Type;
    use parquet::arrow::ArrowWriter;

    use super::super::LabelLayout;
    use super::*;

    type Named = (&'static str, ArrayRef);

    fn bytes(columns: Vec<Named>) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        bytes
    }

    fn read_bytes(bytes: &[u8], part: &str, labels: Option<&str>) -> Result<Imported, String> {
        let labels = labels.map_or(LabelLayout::Columns, |column| LabelLayout::Separated {
            column: column.into(),
            separator: "|".into(),
        });
        let layout = Layout { image: "file_name".into(), part: part.into(), capture: String::new(), labels };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("labels.parquet");
        std::fs::write(&path, bytes).unwrap();
        let place = format!("{}/", dir.path().display());
        import(&path, &layout).map_err(|error| error.to_string().replace(&place, ""))
    }

    fn texts(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    fn names() -> Named {
        ("file_name", texts(&[Some("b/2.JPG"), Some("1.jpg")]))
    }

    #[test]
    fn a_file_gives_what_a_csv_gives() {
        let parts: DictionaryArray<Int32Type> = ["test", "train"].into_iter().collect();
        let columns: Vec<Named> = vec![
            names(),
            ("Bottle", Arc::new(BooleanArray::from(vec![true, false]))),
            ("part", Arc::new(parts)),
            ("Can", Arc::new(Int8Array::from(vec![0, 1]))),
            ("Paper", Arc::new(Float64Array::from(vec![1.0, 0.0]))),
            ("__index_level_0__", Arc::new(Int8Array::from(vec![7, 8]))),
        ];
        let parquet = read_bytes(&bytes(columns), "part", None).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("labels.csv");
        std::fs::write(&path, "file_name,Bottle,part,Can,Paper\nb/2.JPG,1,test,0,1\n1.jpg,0,train,1,0\n")
            .unwrap();
        let layout = Layout {
            image: "file_name".into(),
            part: "part".into(),
            capture: String::new(),
            labels: LabelLayout::Columns,
        };
        assert_eq!(parquet, super::super::csv::import(&path, None, &layout).unwrap());
    }

    #[test]
    fn labels_in_one_column_are_text_or_lists() {
        let mut lists = ListBuilder::new(StringBuilder::new());
        lists.append_value([Some("Can"), None, Some(" Bottle ")]);
        lists.append_null();
        let lists: ArrayRef = Arc::new(lists.finish());
        let text: ArrayRef = Arc::new(LargeStringArray::from(vec![Some("Can|Bottle"), None]));
        for labels in [lists, text] {
            let picture: Named =
                ("picture", Arc::new(arrow::array::BinaryArray::from(vec![b"x".as_slice(); 2])));
            let imported = read_bytes(&bytes(vec![picture, names(), ("l", labels)]), "", Some("l")).unwrap();
            let table = imported.labels_given.unwrap();
            assert_eq!(table.labels, ["Bottle", "Can"]);
            assert_eq!(table.positives, [false, false, true, true]);
        }
    }

    #[test]
    fn files_of_pandas_are_read() {
        let columns = include_bytes!("../../../tests/golden/dataset/pandas_columns.parquet");
        let lists = include_bytes!("../../../tests/golden/dataset/pandas_lists.parquet");
        let columns = read_bytes(columns, "part", None).unwrap();
        let table = columns.labels_given.unwrap();
        assert_eq!(table.labels, ["Bottle", "Can", "Paper"]);
        assert_eq!(table.positives, [false, false, true, true, true, false, false, true, true]);
        let parts: Vec<_> = columns.parts_given.unwrap().iter().map(|row| row.part.as_str()).collect();
        assert_eq!(parts, ["train", "test", "val"]);
        assert_eq!(read_bytes(lists, "", Some("labels")).unwrap().labels_given.unwrap(), table);
    }

    #[test]
    fn bad_columns_and_rows_are_named() {
        let number: ArrayRef = Arc::new(Int8Array::from(vec![Some(2), None]));
        let error = |columns, part, labels| read_bytes(&bytes(columns), part, labels).unwrap_err();
        assert_eq!(
            error(vec![names(), ("a", number.clone())], "", None),
            "`labels.parquet` has 2 faults\n  labels that are not 0 or 1: `row 1 column a (2)`, `row 2 column a (null)`"
        );
        assert_eq!(
            error(
                vec![("file_name", number.clone()), ("a", texts(&[None, None])), ("p", number.clone())],
                "p",
                None
            ),
            "`labels.parquet` has 3 faults\n  columns of another type than expected: \
             `file_name (Int8, expected text)`, `p (Int8, expected text)`, \
             `a (Utf8, expected booleans or numbers that are 0 and 1)`"
        );
        assert!(
            error(vec![names(), ("a", number)], "", Some("a"))
                .contains("`a (Int8, expected text or lists of text)`")
        );
        assert!(
            error(vec![("file_name", texts(&[None])), ("a", texts(&[Some("x")]))], "", Some("a"))
                .contains("`row 1 (an empty name names no file)`")
        );
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let whole = bytes(vec![names(), ("a", Arc::new(BooleanArray::from(vec![true, false])))]);
        for (bytes, message) in [
            (&whole[..whole.len() / 2], "cannot read `labels.parquet` as Parquet"),
            (b"PAR1", "cannot read `labels.parquet` as Parquet"),
            (b"", "`labels.parquet` is empty, expected Parquet"),
            (b"file_name,a\n1.jpg,1\n", "`labels.parquet` is another kind of file, expected Parquet"),
        ] {
            assert_eq!(read_bytes(bytes, "", None).unwrap_err(), message);
        }
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 1 << (place % 8);
            // A flipped bit may still give a sound file; what counts is that this returns.
            let _ = read_bytes(&bytes, "", None);
        }
    }
}
