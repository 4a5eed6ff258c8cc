//! One table, one Parquet file.
//!
//! The same table gives the same bytes on every machine: the writer's name and settings are fixed here and
//! nothing of the clock or the host enters. The file's metadata name the stage, the table and the schema's
//! version. They do not hold the stage's fingerprint: two fingerprints may lead to the same table, and
//! the stages below are then left alone because the bytes are the same (early cut-off).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::ChunkReader;

use super::columns::ContentError;
use super::contained::contained;
use super::ending::Ending;

/// Metadata key of the stage's name.
pub const STAGE_KEY: &str = "ablatrix.stage";
/// Metadata key of the table's name.
pub const TABLE_KEY: &str = "ablatrix.table";
/// Metadata key of the version of the table's columns.
pub const VERSION_KEY: &str = "ablatrix.version";

/// Rows of a row group; fixed, since it decides the file's bytes.
const ROW_GROUP_ROWS: usize = 1 << 17;
/// Rows that are encoded at once where a table is written in batches.
pub(super) const WRITE_ROWS: usize = 1 << 14;
/// Rows that are decoded at once.
const BATCH_ROWS: usize = 1 << 13;
/// Bytes of a file up to which it is read at once. Out of a larger one columns are read in pieces, each with system calls of its own; the
/// many columns of a small one would take longer to read than to decode.
const READ_AT_ONCE: u64 = 1 << 24;

/// What can be kept as a table.
pub trait Table: Sized {
    /// The table's name, as in DESIGN's list.
    const NAME: &'static str;
    /// Version of its columns; a file of another version is not read.
    const VERSION: u32;

    /// The rows as columns.
    ///
    /// # Errors
    /// Where the value contradicts itself: a column of another length, two labels of one name.
    fn to_batch(&self) -> Result<RecordBatch, ContentError>;

    /// The rows as columns, a batch at a time: a large table is then not in memory twice. At least one batch.
    ///
    /// # Errors
    /// As [`Table::to_batch`].
    fn to_batches(&self) -> impl Iterator<Item = Result<RecordBatch, ContentError>> {
        std::iter::once_with(|| self.to_batch())
    }

    /// The rows of all batches, in their order. There is at least one batch; it may be empty.
    ///
    /// # Errors
    /// Where a column is missing, of another type, holds nulls, or a value that does not exist.
    fn from_batches(batches: &[RecordBatch]) -> Result<Self, ContentError>;
}

/// What can go wrong with a table's file.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A file operation failed.
    #[error("cannot {doing} table `{table}` in `{path}`")]
    Io {
        /// `read` or `write`.
        doing: &'static str,
        /// The table's name.
        table: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The bytes are no whole Parquet file, or could not be written as one.
    #[error("cannot {doing} table `{table}` as Parquet in `{path}`")]
    Parquet {
        /// `read` or `write`.
        doing: &'static str,
        /// The table's name.
        table: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ParquetError,
    },
    /// A Parquet file, but of something else.
    #[error("`{path}` holds {found}, expected table `{table}` version {version}")]
    Other {
        /// The file.
        path: PathBuf,
        /// What its metadata say.
        found: String,
        /// The table that was asked for.
        table: &'static str,
        /// Its version here.
        version: u32,
    },
    /// The columns do not make rows, or the rows no columns.
    #[error("cannot {doing} the rows of table `{table}` in `{path}`")]
    Content {
        /// `read` or `write`.
        doing: &'static str,
        /// The table's name.
        table: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<ContentError>,
    },
}

/// Writes `table` to `path` as Parquet with zstd, as a result of `stage`; a file that is there is replaced.
///
/// It writes in place: stages write into a folder of their own, which the cache publishes as a whole.
///
/// # Errors
/// Where the file cannot be written, or the table contradicts itself.
pub fn write<T: Table>(path: &Path, table: &T, stage: &str) -> Result<(), TableError> {
    let content = |source| TableError::Content {
        doing: "write",
        table: T::NAME,
        path: path.into(),
        source: Box::new(source),
    };
    let parquet = |source| TableError::Parquet { doing: "write", table: T::NAME, path: path.into(), source };
    let io = |source| TableError::Io { doing: "write", table: T::NAME, path: path.into(), source };

    let mut batches = table.to_batches();
    let first =
        batches.next().unwrap_or_else(|| panic!("bug: table `{}` has no batch", T::NAME)).map_err(content)?;
    let file = File::create(path).map_err(io)?;
    let options = ArrowWriterOptions::new()
        // The arrow schema would add a second description of the same columns, in arrow's own encoding.
        .with_skip_arrow_metadata(true)
        .with_properties(properties(stage, T::NAME, T::VERSION).map_err(parquet)?);
    let mut writer =
        ArrowWriter::try_new_with_options(BufWriter::new(file), first.schema(), options).map_err(parquet)?;
    writer.write(&first).map_err(parquet)?;
    drop(first);
    for batch in batches {
        writer.write(&batch.map_err(content)?).map_err(parquet)?;
    }
    let mut file = writer.into_inner().map_err(parquet)?;
    file.flush().map_err(io)
}

/// Reads the table of this type from `path`.
///
/// # Errors
/// Where there is no such file, it is not whole, or it holds another table or another version.
pub fn read<T: Table>(path: &Path) -> Result<T, TableError> {
    contained(|| read_rows(path)).unwrap_or_else(|| {
        let source = ParquetError::General("the pages are damaged".to_owned());
        Err(TableError::Parquet { doing: "read", table: T::NAME, path: path.into(), source })
    })
}

fn read_rows<T: Table>(path: &Path) -> Result<T, TableError> {
    let io = |source| TableError::Io { doing: "read", table: T::NAME, path: path.into(), source };
    let file = File::open(path).map_err(io)?;
    if file.metadata().map_err(io)?.len() > READ_AT_ONCE {
        return rows_of(file, path);
    }
    rows_of(Bytes::from(std::fs::read(path).map_err(io)?), path)
}

fn rows_of<T: Table>(bytes: impl ChunkReader + 'static, path: &Path) -> Result<T, TableError> {
    let parquet = |source| TableError::Parquet { doing: "read", table: T::NAME, path: path.into(), source };
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(Ending::of(bytes).map_err(parquet)?).map_err(parquet)?;
    let found = named(builder.metadata());
    if found != format!("table `{}` version {}", T::NAME, T::VERSION) {
        return Err(TableError::Other { path: path.into(), found, table: T::NAME, version: T::VERSION });
    }
    let schema = builder.schema().clone();
    let reader = builder.with_batch_size(BATCH_ROWS).build().map_err(parquet)?;
    let mut batches: Vec<_> =
        reader.collect::<Result<_, _>>().map_err(|source| parquet(ParquetError::from(source)))?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    T::from_batches(&batches).map_err(|source| TableError::Content {
        doing: "read",
        table: T::NAME,
        path: path.into(),
        source: Box::new(source),
    })
}

/// What a file says that it holds.
fn named(metadata: &ParquetMetaData) -> String {
    let pairs = metadata.file_metadata().key_value_metadata();
    let value = |key: &str| {
        pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == key)).and_then(|pair| pair.value.clone())
    };
    match (value(TABLE_KEY), value(VERSION_KEY)) {
        (Some(table), Some(version)) => format!("table `{table}` version {version}"),
        _ => "a table without a name".to_owned(),
    }
}

/// How every table is written.
pub(super) fn properties(stage: &str, table: &str, version: u32) -> Result<WriterProperties, ParquetError> {
    let pair = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        // Without a fixed name the library's version would enter.
        .set_created_by("ablatrix".to_owned())
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_key_value_metadata(Some(vec![
            pair(STAGE_KEY, stage),
            pair(TABLE_KEY, table),
            pair(VERSION_KEY, &version.to_string()),
        ]))
        .build())
}
