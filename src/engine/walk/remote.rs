//! A remote is asked before a stage is computed: by threads of its own, so that the walk goes on meanwhile.
//!
//! What comes is checked and published by the remote's room; here it is a result as any other. A remote that fails is
//! asked no more, and the walk goes on without it.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use super::super::event::Event;
use super::{EngineConfig, EngineError, Message, Status, Walk};
use crate::cache::Store;
use crate::fingerprint::{Digest, Fingerprint};
use crate::remote::{Found, Remote, RemoteError};

/// Results that are asked for at once.
const AT_ONCE: usize = 8;

/// What the threads say.
pub(super) struct FromRemote {
    node: usize,
    news: News,
}

enum News {
    /// It is there, and so many bytes of it are to come.
    Coming(u64),
    Answer(Result<Found, RemoteError>),
}

/// The state of the asking; its threads end with it.
pub(super) struct Asking {
    orders: Option<Sender<(usize, Digest)>>,
    threads: Vec<JoinHandle<()>>,
    ended: Arc<AtomicBool>,
    /// Asked for once in this walk, which is enough.
    asked: HashSet<usize>,
    under_way: usize,
    came: HashSet<usize>,
    lost: bool,
}

impl Asking {
    /// Starts the threads; `None` where there is no remote.
    pub fn begin(config: &EngineConfig, sender: &Sender<Message>) -> Option<Self> {
        let remote = config.remote.as_ref()?;
        let (orders, receiver) = channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let ended = Arc::new(AtomicBool::new(false));
        let thread = |_| {
            let (remote, store) = (Arc::clone(remote), config.store.clone());
            let (receiver, sender, ended) = (Arc::clone(&receiver), sender.clone(), Arc::clone(&ended));
            std::thread::spawn(move || answer(&remote, &store, &receiver, &sender, &ended))
        };
        let threads = (0..AT_ONCE).map(thread).collect();
        Some(Asking {
            orders: Some(orders),
            threads,
            ended,
            asked: HashSet::new(),
            under_way: 0,
            came: HashSet::new(),
            lost: false,
        })
    }

    /// Whether the result of a node that ends now came from the remote.
    pub fn brought(&mut self, node: usize) -> bool {
        self.came.remove(&node)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        self.orders = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn answer(
    remote: &Remote,
    store: &Store,
    orders: &Mutex<Receiver<(usize, Digest)>>,
    sender: &Sender<Message>,
    ended: &AtomicBool,
) {
    loop {
        let order = orders.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((node, key)) = order else { return };
        // Nobody listens any more where the walk has ended.
        let tell = |news: News| drop(sender.send(Message::Remote(FromRemote { node, news })));
        let wish = || ended.load(Ordering::Relaxed);
        let fetch = || remote.fetch(store, &key, &wish, &|bytes| tell(News::Coming(bytes)));
        // A walk that hears nothing of a node waits for it for ever.
        let found = catch_unwind(AssertUnwindSafe(fetch)).unwrap_or(Err(RemoteError::Panicked));
        tell(News::Answer(found));
    }
}

impl Walk<'_> {
    /// Whether there is room to ask for a node that is still to be asked for; `None` where it is not.
    pub(super) fn room_to_ask(&self, node: usize) -> Option<bool> {
        let asking = self.asking.as_ref().filter(|asking| !asking.lost && !asking.asked.contains(&node))?;
        Some(asking.under_way < AT_ONCE)
    }

    /// Asks for a node whose lock is held; `false` where there is nobody to ask, or it was done before.
    pub(super) fn ask(&mut self, node: usize, print: &Fingerprint) -> bool {
        if self.room_to_ask(node) != Some(true) {
            return false;
        }
        let Some(asking) = &mut self.asking else { return false };
        let sent =
            asking.orders.as_ref().is_some_and(|orders| orders.send((node, print.key.clone())).is_ok());
        if sent {
            asking.asked.insert(node);
            asking.under_way += 1;
            self.status[node] = Status::Running;
            self.started.insert(node, Instant::now());
        }
        sent
    }

    pub(super) fn take_from_remote(&mut self, from: FromRemote) -> Result<(), EngineError> {
        let node = from.node;
        let answer = match from.news {
            News::Coming(bytes) => {
                let (node, stage, run) = self.names(node);
                (self.listener)(Event::Fetching { node, stage, run, bytes });
                return Ok(());
            }
            News::Answer(answer) => answer,
        };
        let Some(asking) = &mut self.asking else { return Ok(()) };
        asking.under_way -= 1;
        match answer {
            Ok(Found::Result(entry)) => {
                asking.came.insert(node);
                self.finish(node, *entry, true);
                return Ok(());
            }
            Ok(Found::Nothing) => {}
            Ok(Found::Damaged(damage)) => {
                let (name, what, problem) = (self.names(node).0, damage.what, damage.problem.to_owned());
                (self.listener)(Event::RemoteDamaged { node: name, what, problem });
            }
            Err(RemoteError::Cache(error)) => return Err(error.into()),
            Err(error) => {
                if !std::mem::replace(&mut asking.lost, true) {
                    (self.listener)(Event::RemoteLost { why: error.to_string() });
                }
            }
        }
        // Now it is computed, as if nobody had been asked.
        self.locks.remove(&node);
        self.status[node] = Status::Want;
        Ok(())
    }
}
