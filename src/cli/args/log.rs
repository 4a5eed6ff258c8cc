//! How much every verb says on standard error, and how.

use clap::{Args, ValueEnum};

/// How much is said, and how.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct LogArgs {
    /// Say more: each epoch and all stages; twice: what the program does, step by step.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Log")]
    pub verbose: u8,
    /// Print the result, warnings and errors only.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Log")]
    pub quiet: bool,
    /// How standard error is written: as lines for people, or as JSON, one object a line.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT", help_heading = "Log")]
    pub log_format: LogFormat,
}

/// How standard error is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// JSON, one object a line.
    Json,
}
