//! Row types, schemas, Parquet in and out, and CSV and JSON for people.

pub mod answers;
pub mod attention;
pub mod columns;
pub mod comparisons;
mod contained;
mod csv;
pub mod dataset;
mod ending;
pub mod export;
pub mod file;
pub mod rle;
pub mod rows;
pub mod runs;
mod thrift;
#[cfg(test)]
mod tests;

pub use columns::ContentError;
pub use contained::contained;
pub use csv::write_csv;
pub use ending::Ending;
pub use file::{Table, TableError, read, write};
