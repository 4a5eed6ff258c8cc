//! What can be known before a study begins: whether there is a cluster, and whether it would take such jobs.

use super::answers::{max_array_size, version};
use super::client::{CallError, Client};
use super::refusal::{self, Refusal};
use super::script::resources;
use crate::engine::workers::WorkersError;
use crate::spec::settings::Slurm;

/// A cluster that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Slurm's version.
    pub version: String,
    /// The highest index of an array is below it.
    pub max_array_size: Option<usize>,
}

/// The cluster that this machine's commands speak with.
///
/// # Errors
/// Where a command is missing, or nobody answers.
pub fn cluster(client: &Client) -> Result<Cluster, CallError> {
    Client::find_programs()?;
    let configuration = client.configuration()?;
    Ok(Cluster {
        version: version(&configuration).unwrap_or_else(|| "of an unknown version".to_owned()),
        max_array_size: max_array_size(&configuration),
    })
}

/// Asks whether jobs with these settings would be taken. What may be otherwise later, as a limit or a node that is down, is no error.
///
/// # Errors
/// Where the cluster will never take them, or there is none; or a command is missing that a study needs later.
pub fn would_take(client: &Client, settings: &Slurm) -> Result<(), WorkersError> {
    let mut arguments = vec!["--test-only".to_owned(), "--job-name=ablatrix-test".to_owned()];
    arguments.extend(resources(settings));
    arguments.push("--wrap=true".to_owned());
    match Client::find_programs().and_then(|()| client.try_out(&arguments)) {
        Ok(()) => Ok(()),
        Err(CallError::NoProgram { program }) => Err(WorkersError::NoProgram { program }),
        Err(CallError::NoAnswer { program, why }) => {
            Err(WorkersError::NoAnswer { why: format!("`{program}`: {why}") })
        }
        Err(CallError::Refused { said, .. }) => match refusal::read(&said, false) {
            // "Requested node configuration is not available" may be a node that is down.
            Refusal::Full | Refusal::Avoided | Refusal::Spec("") => Ok(()),
            Refusal::Spec(key) => Err(WorkersError::Refused { key, why: said }),
        },
    }
}
