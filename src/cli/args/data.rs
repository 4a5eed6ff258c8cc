//! The verbs of `ablatrix data`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{OutputFormat, OverArgs};

/// Work on datasets.
#[derive(Debug, Subcommand)]
pub enum DataVerb {
    /// Download a COCO set's images from its URLs; goes on where the last call ended, names what is gone.
    Fetch(FetchArgs),
    /// Draw litter scenes with masks, boxes and categories as TACO has them; seeded, the same on every machine.
    Generate(GenerateArgs),
}

/// `data fetch`
#[derive(Debug, Args)]
#[command(after_help = FETCH_EXIT_CODES)]
pub struct FetchArgs {
    /// The spec.
    pub spec: PathBuf,
    /// What is laid over it.
    #[command(flatten)]
    pub over: OverArgs,
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
    /// For people or for programs.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

const FETCH_EXIT_CODES: &str = "Exit codes: 0 all images are there; 1 some are missing; 2 the spec or the command \
                                line is wrong; 130, 143 or 129 interrupted, the next call goes on.";

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
