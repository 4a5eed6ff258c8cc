//! A model is brought by a thread of its own, so that whoever waits for it can end that.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::client::Client;
use super::conventions::Access;
use super::download::{Download, News};
use super::error::HubError;
use crate::spec::settings::HubModel;

/// How often an interruption is looked for.
const POLL: Duration = Duration::from_millis(100);

/// News of a model that is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Another process fetches it; this one waits for that.
    Waiting,
    /// So much of it is there.
    Progress {
        /// Bytes that are there.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// It is asked for again.
    Retrying {
        /// What the last try ended with.
        why: String,
    },
}

/// A model that is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its file.
    pub path: PathBuf,
    /// The commit that it belongs to.
    pub commit: String,
    /// Bytes that came over the network; none where another process, or another revision, brought the same content.
    pub received: u64,
}

/// Fetches a model, whatever is there of it. `stop` ends that soon after it says yes.
///
/// # Errors
/// Where it cannot be had or kept.
pub fn fetch(
    access: &Access,
    model: &HubModel,
    stop: &dyn Fn() -> bool,
    listener: &mut dyn FnMut(&Event),
) -> Result<Fetched, HubError> {
    let client = Client::new(access);
    let stopped = AtomicBool::new(false);
    let (sender, news) = mpsc::channel();
    let brought = thread::scope(|scope| {
        let (client, stopped) = (&client, &stopped);
        let work = scope.spawn(move || {
            let tell = |news: News| drop(sender.send(news));
            let stop = || stopped.load(Ordering::Relaxed);
            Download {
                access,
                client,
                model,
                tell: &tell,
                stop: &stop,
                received: Cell::new(0),
                furthest: Cell::new(0),
            }
            .run()
        });
        loop {
            match news.recv_timeout(POLL) {
                Ok(news) => listener(&Event::from(news)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if stop() && !stopped.swap(true, Ordering::Relaxed) {
                client.shut_down();
            }
        }
        work.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    let brought = brought.map_err(|fault| fault.of(model, access))?;
    Ok(Fetched { path: brought.path, commit: brought.commit, received: brought.received })
}

impl From<News> for Event {
    fn from(news: News) -> Self {
        match news {
            News::Waiting => Event::Waiting,
            News::Bytes { done, total } => Event::Progress { done, total },
            News::Retrying { why } => Event::Retrying { why },
        }
    }
}
