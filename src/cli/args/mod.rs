//! The command line as written.

mod cache;
mod data;
mod log;
mod mlflow;
mod trained;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use cache::*;
pub use data::*;
pub use log::*;
pub use mlflow::*;
pub use trained::*;

use crate::plan::Stage;
use crate::stages::Share;

/// Augmentation ablations from one TOML file: cached stages, paired seeds, effects with intervals.
#[derive(Debug, Parser)]
#[command(name = "ablatrix", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// How much is said, and how.
    #[command(flatten)]
    pub log: LogArgs,
}

const EXIT_CODES: &str = "Exit codes: 0 all good; 1 a stage failed, or is not what the cache holds when it is done again (`--recheck`); 2 the spec or the command line is wrong; \
                          4 another process is at it, and `--no-wait` asks not to wait for it; 130, 143 or 129 interrupted \
                          (Ctrl-C, SIGTERM, SIGHUP), `run` resumes.";

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Write a first spec that runs, with what is found in your data.
    Init(InitArgs),
    /// Run what is not cached, resume after any interruption, write the report.
    Run(RunArgs),
    /// Show every stage: cached or to run, and why. Runs nothing.
    Plan(SpecArgs),
    /// Show where a study stands, also while another process runs it.
    Status(StatusArgs),
    /// End a study that is under way, here or in a cluster's queue; checkpoints are kept, and `run` goes on.
    Cancel(SpecArgs),
    /// Show every input that is another one than when a stage was last done.
    Why(WhyArgs),
    /// Check a spec and its data; show the labels, the parts, the matrix. Trains nothing.
    Check(CheckArgs),
    /// Show on contact sheets what each augmentation does to pictures of the dataset. Trains nothing.
    Preview(PreviewArgs),
    /// Rebuild the report from results that are cached. Trains nothing.
    Report(SpecArgs),
    /// Set several studies beside each other, and mark what may not be compared. Trains nothing.
    Compare(CompareArgs),
    /// Print a table, or save it with `--out FILE.csv|.parquet|.json`.
    Table(TableArgs),
    /// Say what a trained model says of pictures, with the run's calibration and thresholds.
    Predict(PredictArgs),
    /// Write a trained model into a folder that others can use without Ablatrix.
    Export(ExportArgs),
    /// Show what there is to train with, and what to do about what is missing.
    Doctor(DoctorArgs),
    /// Look into the cache, check it, make room.
    #[command(subcommand)]
    Cache(CacheVerb),
    /// Work on datasets.
    #[command(subcommand)]
    Data(DataVerb),
    /// Print the JSON schema of a spec, with which editors complete and check its keys.
    Schema(SchemaArgs),
    /// Work with an MLflow server.
    #[command(subcommand)]
    Mlflow(MlflowVerb),
    /// Print what a shell needs to complete commands: `ablatrix completions bash >~/.local/share/bash-completion/completions/ablatrix`.
    Completions(CompletionsArgs),
    /// Write the manual pages, one for each verb, into a folder: `ablatrix man ~/.local/share/man/man1`.
    Man(ManArgs),
}

impl Verb {
    /// Whom the output is for.
    pub fn format(&self) -> OutputFormat {
        match self {
            Verb::Init(args) => args.format,
            Verb::Run(args) => args.spec.format,
            Verb::Plan(args) | Verb::Report(args) | Verb::Cancel(args) => args.format,
            Verb::Check(args) => args.spec.format,
            Verb::Status(args) => args.spec.format,
            Verb::Preview(args) => args.spec.format,
            Verb::Why(args) => args.spec.format,
            Verb::Table(args) => args.spec.format,
            Verb::Compare(args) => args.format,
            Verb::Doctor(args) => args.cache.format,
            Verb::Predict(args) => args.output(),
            Verb::Export(args) => args.spec.format,
            Verb::Cache(CacheVerb::Ls(args)) => args.cache.format,
            Verb::Cache(CacheVerb::Verify(args)) => args.cache.format,
            Verb::Cache(CacheVerb::Gc(args)) => args.cache.format,
            Verb::Cache(CacheVerb::Push(args)) => args.transfer.cache.format,
            Verb::Cache(CacheVerb::Pull(args)) => args.transfer.cache.format,
            Verb::Data(DataVerb::Fetch(args)) => args.format,
            Verb::Data(DataVerb::Generate(_)) | Verb::Schema(_) | Verb::Completions(_) | Verb::Man(_) => {
                OutputFormat::Text
            }
            Verb::Mlflow(MlflowVerb::Sync(args)) => args.spec.format,
        }
    }
}

/// A spec, and where results lie.
#[derive(Clone, Debug, Args)]
pub struct SpecArgs {
    /// The spec.
    pub spec: PathBuf,
    /// What is laid over it.
    #[command(flatten)]
    pub over: OverArgs,
    /// The folder for results.
    #[arg(long, env = "ABLATRIX_CACHE", default_value = "cache", value_name = "DIR")]
    pub cache: PathBuf,
    /// The folder for reports.
    #[arg(long, env = "ABLATRIX_REPORTS", default_value = "reports", value_name = "DIR")]
    pub reports: PathBuf,
    /// For people or for programs.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

/// What is laid over the files of a spec.
#[derive(Clone, Debug, Default, Args)]
pub struct OverArgs {
    /// Override a value of the spec, as in `--set train.epochs=3`. Can be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Take the values of `[profile.NAME]` of the spec too; `--set` lies above them.
    #[arg(long, env = "ABLATRIX_PROFILE", value_name = "NAME")]
    pub profile: Option<String>,
}

impl OverArgs {
    /// Each of them as it is written on the command line, the lowest first; with nothing laid over, empty.
    pub fn shown(&self) -> Vec<String> {
        let profile = self.profile.iter().map(|name| format!("--profile {name}"));
        profile.chain(self.sets.iter().cloned()).collect()
    }
}

/// `check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The spec and where results lie.
    #[command(flatten)]
    pub spec: SpecArgs,
    /// Show every value that the study reads, and the file and line, the variable or `--set` that it comes from. Reads no data.
    #[arg(long)]
    pub origins: bool,
}

/// `schema`
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Print all keys as a page in Markdown instead.
    #[arg(long)]
    pub page: bool,
}

/// `completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `man`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The folder; made where it is not there.
    pub folder: PathBuf,
}

/// `init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The spec to write.
    #[arg(default_value = "study.toml")]
    pub spec: PathBuf,
    /// What to study: `folders DIR` (a folder for each label), `csv FILE`, `coco FILE`, `taco DIR`. Without, scenes that are drawn.
    #[arg(long, num_args = 1..=2, value_names = ["KIND", "PATH"])]
    pub from: Vec<String>,
    /// Replace a spec that is there.
    #[arg(long)]
    pub force: bool,
    /// For people or for programs.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

/// `run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The spec and where results lie.
    #[command(flatten)]
    pub spec: SpecArgs,
    /// Worker processes at once; over the spec's `workers.slots`.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub workers: Option<u32>,
    /// End at the first run that fails; runs that are under way keep their checkpoints.
    #[arg(long)]
    pub fail_fast: bool,
    /// Go on with all that does not hang on a run that failed, and report what there is; the default.
    #[arg(long, conflicts_with = "fail_fast")]
    pub keep_going: bool,
    /// Do this stage and what it needs, no more.
    #[arg(long, value_enum, value_name = "STAGE")]
    pub until: Option<Stage>,
    /// Wait for nobody: where another process computes what this study needs, or collects, end with code 4, and say who and since when.
    #[arg(long)]
    pub no_wait: bool,
    /// Afterwards do this share of the stages again that the cache holds already, as in `5%` or `0.05`, and compare: what differs is named
    /// and kept for a look, and the exit code is 1. Nothing in the cache is changed.
    #[arg(long, value_name = "SHARE")]
    pub recheck: Option<Share>,
    /// Ask there for what the cache lacks before it is computed: `s3://bucket/prefix`, or a folder; see `cache push --help`.
    #[arg(long, env = "ABLATRIX_REMOTE", hide_env_values = true, value_name = "URL")]
    pub remote: Option<String>,
}

/// `doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Look at what this spec needs too: its MLflow server.
    pub spec: Option<PathBuf>,
    /// What is laid over it.
    #[command(flatten)]
    pub over: OverArgs,
    /// Where results lie.
    #[command(flatten)]
    pub cache: CacheArgs,
}

/// `preview`
#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// The spec and where results lie.
    #[command(flatten)]
    pub spec: SpecArgs,
    /// Pictures on a sheet, drawn from the training part, of different labels where there are such.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub images: u32,
    /// Show the draws of this epoch, from 0.
    #[arg(long, value_name = "EPOCH", default_value_t = 0)]
    pub epoch: u32,
    /// Draw the boxes of objects, which move with the pixels.
    #[arg(long)]
    pub boxes: bool,
    /// The folder for the sheets; by default `preview` beside the study's report.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The spec and where results lie.
    #[command(flatten)]
    pub spec: SpecArgs,
    /// Look again and again, until all is done or has failed: on a terminal drawn anew each second, elsewhere a line for each change.
    #[arg(long)]
    pub watch: bool,
}

/// `why`
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// The spec and where results lie.
    #[command(flatten)]
    pub spec: SpecArgs,
    /// Only this one: a kind as in `split`, or a name as in `train flip/seed=1`.
    pub stage: Option<String>,
}

/// `compare`
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The studies' specs, two or more; what cannot be compared is said of each beside the first.
    #[arg(required = true, num_args = 2.., value_name = "SPEC")]
    pub specs: Vec<PathBuf>,
    /// What is laid over each of them.
    #[command(flatten)]
    pub over: OverArgs,
    /// The page; by default `compare/<names>/index.html` in the folder for reports.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The folder for results.
    #[arg(long, env = "ABLATRIX_CACHE", default_value = "cache", value_name = "DIR")]
    pub cache: PathBuf,
    /// The folder for reports.
    #[arg(long, env = "ABLATRIX_REPORTS", default_value = "reports", value_name = "DIR")]
    pub reports: PathBuf,
    /// For people or for programs.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

/// `table`
#[derive(Debug, Args)]
pub struct TableArgs {
    /// The spec and where results lie.
    #[command(flatten)]
    pub spec: SpecArgs,
    /// The table.
    #[arg(value_enum)]
    pub name: TableName,
    /// Save it here instead; the ending says how.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// The tables of a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum TableName {
    /// Images, with size and digest.
    Images,
    /// Objects, with box and mask.
    Annotations,
    /// Categories.
    Categories,
    /// One column per label.
    Labels,
    /// What each image looks like, as 256 bits.
    PictureHashes,
    /// The part of each image.
    Split,
    /// Training rows with copies and weights.
    #[value(alias = "train-index")]
    TrainIndex,
    /// Epochs of all runs.
    History,
    /// Logits of all runs.
    Predictions,
    /// Metrics of all runs.
    Metrics,
    /// Where models look, for each test image and label.
    Attention,
    /// Metrics of what looks at no picture, or at its mean colour alone.
    References,
    /// Variant minus baseline.
    Effects,
    /// What ops, pairs of ops, levels and axes do.
    Contrasts,
}

/// For people or for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Lines for people.
    Text,
    /// JSON.
    Json,
}

impl ValueEnum for Stage {
    fn value_variants<'a>() -> &'a [Self] {
        &Stage::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.as_str()))
    }
}
