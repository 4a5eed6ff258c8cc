//! Signs of life while a job runs, so that the orchestrator can tell a long step from a dead end.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use ablatrix::job::{Job, WorkerEvent};

use crate::protocol::Events;
use crate::stop::Stop;

/// Does the work of a job, and tells every so often that the process runs and how far the work has come.
pub fn beat_during<T>(job: &Job, events: &Events, stop: &Stop, work: impl FnOnce() -> T) -> T {
    let Some(every) = Duration::try_from_secs_f64(job.beat_seconds).ok().filter(|every| !every.is_zero())
    else {
        return work();
    };
    let before = stop.looks();
    let (end, ended) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                let steps = stop.looks() - before;
                events.emit(&WorkerEvent::Beat { key: job.fingerprint.key.clone(), steps });
            }
        });
        let result = work();
        drop(end);
        result
    })
}
