//! The verbs of `ablatrix cache`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{OutputFormat, OverArgs};

/// Work on the cache.
#[derive(Debug, Subcommand)]
pub enum CacheVerb {
    /// What it holds, by stage, experiment or age.
    Ls(LsArgs),
    /// Read what is stored and compare it with its digests; what is damaged is put aside, and `run` makes it again.
    Verify(VerifyArgs),
    /// Remove results that no remembered plan uses, and what killed processes left behind.
    Gc(GcArgs),
    /// Send results to an object store or a folder that others share; what is there already is not sent again.
    #[command(after_help = REMOTE_HELP)]
    Push(PushArgs),
    /// Bring results from there, each checked before it counts; what is here already is not brought again.
    #[command(after_help = REMOTE_HELP)]
    Pull(PullArgs),
}

const REMOTE_HELP: &str = "URL is `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`, `file:///folder` \
or a folder. Who you are is read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_ENDPOINT_URL and AWS_REGION say where), \
GOOGLE_APPLICATION_CREDENTIALS, or AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, never from the URL.\n\n\
Exit codes: 0 all good; 1 the remote failed, or something was damaged; 2 the URL, a spec or the command line is wrong; \
130, 143 or 129 interrupted, the same command goes on.";

/// Which cache.
#[derive(Clone, Debug, Args)]
pub struct CacheArgs {
    /// The folder for results.
    #[arg(long, env = "ABLATRIX_CACHE", default_value = "cache", value_name = "DIR")]
    pub cache: PathBuf,
    /// For people or for programs.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

/// `cache ls`
#[derive(Debug, Args)]
pub struct LsArgs {
    /// Which cache.
    #[command(flatten)]
    pub cache: CacheArgs,
    /// What the lines are about.
    #[arg(long, value_enum, default_value_t = LsBy::Stage)]
    pub by: LsBy,
}

/// What the lines of `cache ls` are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LsBy {
    /// The kind of result.
    Stage,
    /// The study that used it.
    Experiment,
    /// How long ago it was used last.
    Age,
}

impl LsBy {
    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            LsBy::Stage => "stage",
            LsBy::Experiment => "experiment",
            LsBy::Age => "age",
        }
    }
}

/// `cache verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Which cache.
    #[command(flatten)]
    pub cache: CacheArgs,
    /// Read only this share of the objects, another one each time: 0.1, or 10%.
    #[arg(long, value_name = "SHARE", default_value = "1", value_parser = share)]
    pub sample: f64,
    /// Put results aside too whose files are gone, and end with 0 where all that is damaged could be put aside: the next run
    /// makes it again, and the next look finds nothing.
    #[arg(long)]
    pub repair: bool,
}

fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.strip_suffix('%') {
        Some(number) => (number, 0.01),
        None => (text, 1.0),
    };
    let share = number.trim().parse::<f64>().map(|number| number * unit).ok();
    share
        .filter(|share| *share > 0.0 && *share <= 1.0)
        .ok_or_else(|| "expected a share above 0 and up to 1, or a percentage".to_owned())
}

/// `cache gc`
#[derive(Debug, Args)]
pub struct GcArgs {
    /// Keep what these specs can use as they stand, and nothing else. Without any: see `--keep-last`.
    pub specs: Vec<PathBuf>,
    /// What is laid over each of them.
    #[command(flatten)]
    pub over: OverArgs,
    /// Which cache.
    #[command(flatten)]
    pub cache: CacheArgs,
    /// Keep what the last N plans of each study used.
    #[arg(long, value_name = "N", default_value_t = 3, conflicts_with = "specs")]
    pub keep_last: usize,
    /// Of that keep only as much as fits, those used last first: 50GB, 500MiB.
    #[arg(long, value_name = "SIZE")]
    pub max_size: Option<bytesize::ByteSize>,
    /// Remove nothing that is younger.
    #[arg(long, value_name = "AGE", default_value = "1h")]
    pub grace: humantime::Duration,
    /// Only say what would be removed.
    #[arg(long)]
    pub dry_run: bool,
    /// Where others use the cache or collect, end with code 4 after a moment, and say who and since when.
    #[arg(long)]
    pub no_wait: bool,
}

/// What `cache push` and `cache pull` have in common.
#[derive(Debug, Args)]
pub struct TransferArgs {
    /// Where results are shared.
    pub url: String,
    /// Only what these specs can use as they stand. Without any: everything.
    pub specs: Vec<PathBuf>,
    /// What is laid over each of them.
    #[command(flatten)]
    pub over: OverArgs,
    /// Which cache.
    #[command(flatten)]
    pub cache: CacheArgs,
    /// Results under way at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallel: u16,
    /// Tries of a request after the first, where another may help.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(0..=20))]
    pub retries: u16,
    /// Only say what would be done.
    #[arg(long)]
    pub dry_run: bool,
}

/// `cache push`
#[derive(Debug, Args)]
pub struct PushArgs {
    /// What goes where.
    #[command(flatten)]
    pub transfer: TransferArgs,
    /// Read what is there already, name what is damaged, and send it again.
    #[arg(long)]
    pub verify: bool,
}

/// `cache pull`
#[derive(Debug, Args)]
pub struct PullArgs {
    /// What comes from where.
    #[command(flatten)]
    pub transfer: TransferArgs,
}
