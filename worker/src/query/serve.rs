//! One question: from a line on standard input to the last reply.

use std::io::{self, BufRead, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};

use ablatrix::cache::Store;
use ablatrix::job::{LIBTORCH, PROTOCOL, input};
use ablatrix::query::{Query, Reply, Wish};
use ablatrix::spec::settings::{Device, Precision};
use serde::de::DeserializeOwned;

use super::lanes::{self, Lanes};
use super::paths::Paths;
use crate::failure::JobError;
use crate::protocol::Events;
use crate::stop::Stop;
use crate::{inputs, network, precision, torch};

/// Answers one query. Returns whether it could be answered.
///
/// # Errors
/// Where the process cannot be set up.
pub fn serve() -> io::Result<bool> {
    let stop = Stop::with_parent();
    stop.listen(|| {})?;
    let events = Events::take_stdout(stop.clone())?;
    torch::prepare_process();
    let mut source = BufReader::new(io::stdin());
    let mut line = Vec::new();
    source.read_until(b'\n', &mut line)?;
    let reply = match parse::<Query>(&line, "/job/protocol") {
        Ok(query) => {
            let answer = AssertUnwindSafe(|| answer(&query, source, &events, &stop));
            catch_unwind(answer).unwrap_or_else(|panic| Err(JobError::of_panic(&*panic)))
        }
        Err(message) => Ok(Reply::Failed { message }),
    };
    let reply = reply.unwrap_or_else(|error| Reply::Failed { message: error.message() });
    events.write(&reply);
    Ok(!matches!(reply, Reply::Failed { .. }))
}

/// Reads a question, whose version stands at `protocol`; else what is wrong with it.
pub(super) fn parse<T: DeserializeOwned>(line: &[u8], protocol: &str) -> Result<T, String> {
    let value: serde_json::Value =
        serde_json::from_slice(line).map_err(|error| format!("not a query: {error}"))?;
    // Before the rest: a query of another version may well have other fields.
    match value.pointer(protocol).and_then(serde_json::Value::as_u64) {
        Some(found) if found != u64::from(PROTOCOL) => Err(format!(
            "the query speaks protocol `{found}`, this worker `{PROTOCOL}`: install both from one build"
        )),
        _ => serde_json::from_value(value).map_err(|error| format!("not a query: {error}")),
    }
}

fn answer(
    query: &Query,
    source: BufReader<io::Stdin>,
    events: &Events,
    stop: &Stop,
) -> Result<Reply, JobError> {
    if torch::version() != LIBTORCH {
        return Err(JobError::OtherLibtorch);
    }
    let Query { job, labels, wish } = query;
    let store = Store::existing(&job.cache)?;
    let weights = inputs::path(job, &store, input::MODEL)?;
    match wish {
        Wish::Answers { maps } => {
            let layout = lanes::layout(job);
            let device = torch::open_device(job.device, layout.threads_each)?;
            torch::set_deterministic(job.train.deterministic);
            precision::prepare(job.train.precision);
            let mut network = network::of(job, &store, labels.len(), device)?;
            network.load_trained(&weights)?;
            // Maps want gradients of activations, never of parameters.
            network.freeze_all();
            let lanes = Lanes::new(network, device, job, maps.as_ref());
            match lanes.run(layout, Paths::new(source), events, stop)? {
                true => Ok(Reply::Done),
                false => Ok(Reply::Interrupted),
            }
        }
        Wish::Module { path } => {
            let device = torch::open_device(Device::Cpu, job.threads)?;
            torch::set_deterministic(true);
            let network = network::of(job, &store, labels.len(), device)?;
            let mut network = network.with_precision(Precision::Fp32);
            network.load_trained(&weights)?;
            // Who goes on training the module decides anew what is frozen.
            network.unfreeze();
            let difference = network.write_module(job.images.size, path)?;
            let normalisation = network.normalisation();
            Ok(Reply::Module { mean: normalisation.mean, std: normalisation.std, difference })
        }
    }
}

#[cfg(test)]
mod tests {
    use ablatrix::query::{Fit, Query};

    fn parse(line: &[u8]) -> Result<Query, String> {
        super::parse(line, "/job/protocol")
    }

    #[test]
    fn what_is_no_query_is_told() {
        assert!(parse(b"").unwrap_err().starts_with("not a query: EOF"));
        let other = parse(br#"{"job": {"protocol": 3}}"#).unwrap_err();
        assert!(other.contains("protocol `3`"), "{other}");
        assert!(parse(br#"{"job": {}}"#).unwrap_err().starts_with("not a query: missing field"));
        let fit = super::parse::<Fit>(br#"{"protocol": 3}"#, "/protocol");
        assert!(fit.is_err_and(|message| message.contains("protocol `3`")));
    }
}
