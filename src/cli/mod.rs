//! One file per verb. Alone prints, draws progress, reads the environment, renders errors.

mod answers;
mod args;
mod cache;
mod cancel;
mod check;
mod cluster;
mod command_line;
mod compare;
mod design;
mod device;
mod display;
mod doctor;
mod export;
mod facts;
mod fetch;
mod fits;
mod generated;
mod hub;
mod init;
mod known_devices;
mod lines;
mod links;
mod live;
mod logging;
mod mlflow;
mod nvidia;
mod origins;
mod overlays;
mod pictures;
mod place;
mod plan;
mod pool;
mod predict;
mod preview;
mod print;
mod recheck;
mod render;
mod report_files;
mod rounds;
mod run;
mod run_end;
mod schema;
mod sharing;
mod shell;
mod status;
mod status_text;
mod study;
mod table;
mod tracking;
mod watch;
mod trained;
mod why;
mod worker;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, DataVerb, Verb};
use render::Failure;

/// The program: parses the command line, runs the verb, gives the exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let result = logging::begin(&cli.log).and_then(|()| call(&cli));
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            print::failure(&failure, cli.verb.format());
            ExitCode::from(failure.code)
        }
    }
}

fn call(cli: &Cli) -> Result<u8, Failure> {
    match &cli.verb {
        Verb::Init(args) => init::init(args),
        Verb::Run(args) => run::run(args, &cli.log),
        Verb::Plan(args) => plan::plan(args),
        Verb::Status(args) => status::status(args),
        Verb::Cancel(args) => cancel::cancel(args),
        Verb::Why(args) => why::explain(args),
        Verb::Check(args) => check::check(args),
        Verb::Preview(args) => preview::preview(args),
        Verb::Report(args) => run::report(args),
        Verb::Compare(args) => compare::compare(args),
        Verb::Table(args) => table::table(args),
        Verb::Predict(args) => predict::predict(args),
        Verb::Export(args) => export::export(args),
        Verb::Doctor(args) => doctor::doctor(args),
        Verb::Cache(verb) => cache::cache(verb),
        Verb::Data(DataVerb::Fetch(args)) => fetch::fetch(args, cli.log.quiet),
        Verb::Data(DataVerb::Generate(args)) => generated::generate(args),
        Verb::Schema(args) => schema::schema(args),
        Verb::Mlflow(verb) => mlflow::mlflow(verb),
        Verb::Completions(args) => Ok(shell::completions(args)),
        Verb::Man(args) => shell::man(args),
    }
}

/// What is wrong with the command line itself; or the help, or the version.
fn usage(error: &clap::Error) -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let asks = |pair: &[std::ffi::OsString]| {
        (pair[0] == "--format" || pair[0] == "--log-format") && pair[1] == "json"
    };
    let asks_in_one = |word: &std::ffi::OsString| word == "--format=json" || word == "--log-format=json";
    let wants_json = words.windows(2).any(asks) || words.iter().any(asks_in_one);
    if error.use_stderr() && wants_json {
        let text = error.to_string();
        let (message, help) = text.split_once("\n\n").unwrap_or((&text, ""));
        let message = message.strip_prefix("error: ").unwrap_or(message);
        print::raw_err(&Failure::text(2, message, Some(help.trim_end())).json());
    } else {
        // A reader that has gone is no fault.
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
