//! The verbs of `ablatrix mlflow`.

use clap::{Args, Subcommand};

use super::SpecArgs;

/// Work with an MLflow server.
#[derive(Debug, Subcommand)]
pub enum MlflowVerb {
    /// Send what the server lacks of a study, from the results in the cache. Twice adds nothing.
    #[command(after_help = SYNC_HELP)]
    Sync(SyncArgs),
}

const SYNC_HELP: &str = "The server is the one of `--uri`, else of `[tracking] mlflow`, else of MLFLOW_TRACKING_URI; the experiment that of \
`mlflow_experiment`, else of MLFLOW_EXPERIMENT_NAME, else named as the study. Logins are read as by MLflow's own client; see docs/how-to/mlflow.md.\n\n\
Exit codes: 0 the server has all; 1 it lacks something, or cannot be used; 2 the spec or the command line is wrong.";

/// `mlflow sync`
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// The spec and where results lie.
    #[command(flatten)]
    pub spec: SpecArgs,
    /// The server, over the one that the spec names: `http://host:port`.
    #[arg(long, value_name = "URL")]
    pub uri: Option<String>,
}
