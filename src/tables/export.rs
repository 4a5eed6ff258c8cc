//! Any Parquet table as CSV or as JSON lines.
