//! Whether a file of weights fits a network: built, loaded, and thrown away.

use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use ablatrix::job::LIBTORCH;
use ablatrix::query::{Fit, Reply};
use ablatrix::spec::settings::{Device, Model, Weights};

use super::serve::parse;
use crate::failure::JobError;
use crate::model::{ModelError, Network};
use crate::protocol::Events;
use crate::stop::Stop;
use crate::torch;

/// Answers one [`Fit`] on standard input. Returns whether it could be answered.
///
/// # Errors
/// Where the process cannot be set up.
pub fn fits() -> io::Result<bool> {
    let stop = Stop::with_parent();
    stop.listen(|| {})?;
    let events = Events::take_stdout(stop)?;
    torch::prepare_process();
    let mut asked = Vec::new();
    io::stdin().read_to_end(&mut asked)?;
    let reply = match parse::<Fit>(&asked, "/protocol") {
        Ok(fit) => catch_unwind(AssertUnwindSafe(|| answer(&fit)))
            .unwrap_or_else(|panic| Err(JobError::of_panic(&*panic)))
            .unwrap_or_else(|error| Reply::Failed { message: error.message() }),
        Err(message) => Reply::Failed { message },
    };
    events.write(&reply);
    Ok(!matches!(reply, Reply::Failed { .. }))
}

fn answer(fit: &Fit) -> Result<Reply, JobError> {
    if torch::version() != LIBTORCH {
        return Err(JobError::OtherLibtorch);
    }
    let device = torch::open_device(Device::Cpu, 1)?;
    // Its values are thrown away, so that any seed will do.
    let mut network = Network::new(&fit.model, fit.n_labels, 0, device)?;
    match network.load_weights_of(&fit.weights, &named(&fit.model, &fit.weights)) {
        Ok(_) => Ok(Reply::Done),
        Err(error @ ModelError::Weights(_)) => Ok(Reply::Misfit { message: JobError::from(error).message() }),
        Err(error) => Err(error.into()),
    }
}

/// What a user calls the file.
pub fn named(model: &Model, place: &Path) -> PathBuf {
    match &model.weights {
        Weights::Path(named) => named.clone(),
        Weights::Hub(model) => model.to_string().into(),
        Weights::None => place.to_owned(),
    }
}
