//! The command line as written.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::plan::Stage;

/// Augmentation ablations from one TOML file: cached stages, paired seeds, effects with intervals.
#[derive(Debug, Parser)]
#[command(name = "ablatrix", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

const EXIT_CODES: &str = "Exit codes: 0 all good; 1 a stage failed; 2 the spec or the command line is wrong; \
                          130 interrupted, `run` resumes.";

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
    Check(SpecArgs),
    /// Show on contact sheets what each augmentation does to pictures of the dataset. Trains nothing.
    Preview(PreviewArgs),
    /// Rebuild the report from results that are cached. Trains nothing.
    Report(SpecArgs),
    /// Set several studies beside each other, and mark what may not be compared. Trains nothing.
    Compare(CompareArgs),
    /// Print a table, or save it with `--out FILE.csv|.parquet|.json`.
    Table(TableArgs),
    /// Show what there is to train with, and what to do about what is missing.
    Doctor(CacheArgs),
    /// Look into the cache, check it, make room.
    #[command(subcommand)]
    Cache(CacheVerb),
    /// Work on datasets.
    #[command(subcommand)]
    Data(DataVerb),
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
            Verb::Plan(args) | Verb::Check(args) | Verb::Report(args) | Verb::Cancel(args) => args.format,
            Verb::Status(args) => args.spec.format,
            Verb::Preview(args) => args.spec.format,
            Verb::Why(args) => args.spec.format,
            Verb::Table(args) => args.spec.format,
            Verb::Compare(args) => args.format,
            Verb::Doctor(args) => args.format,
            Verb::Cache(CacheVerb::Ls(args)) => args.cache.format,
            Verb::Cache(CacheVerb::Verify(args)) => args.cache.format,
            Verb::Cache(CacheVerb::Gc(args)) => args.cache.format,
            Verb::Cache(CacheVerb::Push(args)) => args.transfer.cache.format,
            Verb::Cache(CacheVerb::Pull(args)) => args.transfer.cache.format,
            Verb::Data(DataVerb::Fetch(args)) => args.format,
            Verb::Data(DataVerb::Generate(_)) | Verb::Completions(_) | Verb::Man(_) => OutputFormat::Text,
        }
    }
}

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
130 interrupted, the same command goes on.";

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
}

/// What `cache push` and `cache pull` have in common.
#[derive(Debug, Args)]
pub struct TransferArgs {
    /// Where results are shared.
    pub url: String,
    /// Only what these specs can use as they stand. Without any: everything.
    pub specs: Vec<PathBuf>,
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

/// Work on datasets.
#[derive(Debug, Subcommand)]
pub enum DataVerb {
    /// Download a COCO set's images from its URLs; goes on where the last call ended, names what is gone.
    Fetch(FetchArgs),
    /// Draw litter scenes with masks, boxes and categories as TACO has them; seeded, the same on every machine.
    Generate(GenerateArgs),
}

/// A spec, and where results lie.
#[derive(Clone, Debug, Args)]
pub struct SpecArgs {
    /// The spec.
    pub spec: PathBuf,
    /// Override a value of the spec, as in `--set train.epochs=3`. Can be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
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
    /// Ask there for what the cache lacks before it is computed: `s3://bucket/prefix`, or a folder; see `cache push --help`.
    #[arg(long, env = "ABLATRIX_REMOTE", hide_env_values = true, value_name = "URL")]
    pub remote: Option<String>,
    /// Print a line for each epoch too.
    #[arg(short, long)]
    pub verbose: bool,
    /// Print the result only.
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
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
    /// Override a value of every spec, as in `--set workers.device=cpu`. Can be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
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

/// `data fetch`
#[derive(Debug, Args)]
#[command(after_help = FETCH_EXIT_CODES)]
pub struct FetchArgs {
    /// The spec.
    pub spec: PathBuf,
    /// Override a value of the spec, as in `--set dataset.fetch.size=small`. Can be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Images at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallel: u16,
    /// Images at once from one host.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub per_host: u16,
    /// Tries after the first, where another may help.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=20))]
    pub retries: u32,
    /// Seconds before the first of them, doubled each time.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub backoff: Duration,
    /// Seconds that one try of one image may take.
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    pub timeout: Duration,
    /// The largest image, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub max_mib: u64,
    /// Also ask addresses of this machine and its network.
    #[arg(long)]
    pub allow_local: bool,
    /// Print the result only.
    #[arg(short, long)]
    pub quiet: bool,
    /// For people or for programs.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

const FETCH_EXIT_CODES: &str = "Exit codes: 0 all images are there; 1 some are missing; 2 the spec or the command \
                                line is wrong; 130 interrupted, the next call goes on.";

/// A time above 0 and up to an hour.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds >= 0.001 && *seconds <= 3600.0);
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "expected 0.001 to 3600".to_owned())
}

/// `data generate`
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// The folder to write.
    pub out: PathBuf,
    /// Number of pictures.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub images: u32,
    /// Seed of the scenes.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Longest side of a picture in pixels.
    #[arg(long, default_value_t = 320, value_parser = clap::value_parser!(u32).range(64..=2048))]
    pub side: u32,
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
