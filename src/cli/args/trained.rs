//! The verbs that use a trained model.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{OutputFormat, OverArgs, SpecArgs};
use crate::spec::settings::DeviceWish;

/// Which run of a study.
#[derive(Clone, Debug, Args)]
pub struct RunChoice {
    /// The run, as in `flip/seed=2`; without it, the best one that is trained, by the study's metric on validation.
    #[arg(long, value_name = "RUN", conflicts_with = "variant")]
    pub run: Option<String>,
    /// The best run of this variant.
    #[arg(long, value_name = "VARIANT")]
    pub variant: Option<String>,
}

/// `predict`
#[derive(Debug, Args)]
#[command(after_help = PREDICT_EXIT_CODES)]
pub struct PredictArgs {
    /// The spec.
    pub spec: PathBuf,
    /// Pictures, and folders of them: all `.jpg`, `.jpeg` and `.png` in them and in folders below, sorted.
    #[arg(value_name = "IMAGES")]
    pub images: Vec<PathBuf>,
    /// Pictures that a file names, one on a line; `-`: standard input.
    #[arg(long, value_name = "FILE")]
    pub list: Option<PathBuf>,
    /// The run.
    #[command(flatten)]
    pub choice: RunChoice,
    /// Save the answers here instead; the ending says how: `.csv`, `.parquet`, `.json` or `.jsonl`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Also write the logits, in columns `logit_LABEL`.
    #[arg(long)]
    pub logits: bool,
    /// Write for each picture and each label that is said a PNG that shows where the model looks into this folder.
    #[arg(long, value_name = "DIR")]
    pub explain: Option<PathBuf>,
    /// End with code 0 though some pictures could not be read.
    #[arg(long)]
    pub skip_bad: bool,
    /// Where it is computed: `auto`, `cpu`, `cuda` or `cuda:N`; by default as the spec says.
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    pub device: Option<DeviceWish>,
    /// Threads that decode and compute; by default all cores.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,
    /// What is laid over the spec.
    #[command(flatten)]
    pub over: OverArgs,
    /// The folder for results.
    #[arg(long, env = "ABLATRIX_CACHE", default_value = "cache", value_name = "DIR")]
    pub cache: PathBuf,
    /// The folder for reports.
    #[arg(long, env = "ABLATRIX_REPORTS", default_value = "reports", value_name = "DIR")]
    pub reports: PathBuf,
    /// How answers are printed; by default as a table on a terminal, else as CSV.
    #[arg(long, value_enum)]
    pub format: Option<AnswerFormat>,
}

const PREDICT_EXIT_CODES: &str = "Exit codes: 0 all good; 1 some pictures could not be read, or nothing could be done; 2 the spec or the \
                                  command line is wrong; 130, 143 or 129 interrupted.";

/// How answers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// A line for each picture with what is said of it, for people.
    #[value(alias = "text")]
    Table,
    /// CSV, with the probability of every label.
    Csv,
    /// An object on a line for each picture.
    Json,
}

impl PredictArgs {
    /// The spec and where results lie.
    pub fn study(&self) -> SpecArgs {
        SpecArgs {
            spec: self.spec.clone(),
            over: self.over.clone(),
            cache: self.cache.clone(),
            reports: self.reports.clone(),
            format: self.output(),
        }
    }

    /// Whom errors and notices are for.
    pub fn output(&self) -> OutputFormat {
        if self.format == Some(AnswerFormat::Json) { OutputFormat::Json } else { OutputFormat::Text }
    }
}

/// `export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The spec and where results lie.
    #[command(flatten)]
    pub spec: SpecArgs,
    /// The run.
    #[command(flatten)]
    pub choice: RunChoice,
    /// The folder to write; by default `export/RUN` beside the study's report. An earlier export there is replaced.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write into a folder that holds something else too; files of the same names are replaced.
    #[arg(long)]
    pub force: bool,
}

fn device(text: &str) -> Result<DeviceWish, String> {
    DeviceWish::parse(text).map_err(|error| error.to_string())
}
