//! The JSON schema of a spec, for editors that complete and check TOML.
//!
//! ```text
//! probe: specs that lead the reader everywhere --> shape: the tree of keys --> json, page
//!                                      words: the reference page's meanings --^
//! ```
//!
//! Types, bounds and names are those that the reader asks for, defaults those that it falls back on; nothing is written twice.

mod json;
mod page;
mod probe;
mod shape;
mod words;

#[cfg(test)]
mod tests;

pub use json::schema;
pub use page::page;
