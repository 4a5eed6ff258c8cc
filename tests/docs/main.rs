//! The book in `docs/`: the commands of its tutorial and how-to pages do what they say, its page of the command line is
//! the program's own help, and its links and its table of contents lead to what is there.
//!
//! How a page says which of its commands are run stands in `docs/contributing/checks.md`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test may end so, and says what it left out")]

mod command_line;
mod commands;
mod links;
mod page;
mod page_tests;
mod script;
