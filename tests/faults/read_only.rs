//! read_only
