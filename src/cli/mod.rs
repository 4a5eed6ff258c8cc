//! One file per verb. Alone prints, draws progress, reads the environment, renders errors.

mod args;
mod check;
mod display;
mod fetch;
mod generated;
mod plan;
mod print;
mod render;
mod run;
mod study;
mod table;
mod tracking;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, DataVerb, Verb};

/// The program: parses the command line, runs the verb, gives the exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("ABLATRIX_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
    let result = match &cli.verb {
        Verb::Run(args) => run::run(args),
        Verb::Plan(args) => plan::plan(args),
        Verb::Check(args) => check::check(args),
        Verb::Report(args) => run::report(args),
        Verb::Table(args) => table::table(args),
        Verb::Data(DataVerb::Fetch(args)) => fetch::fetch(args),
        Verb::Data(DataVerb::Generate(args)) => generated::generate(args),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            print::err(&failure.text);
            ExitCode::from(failure.code)
        }
    }
}
