//! What the messages of workers, and their ends, mean for their jobs.

use std::time::Instant;

use super::gpus::LOST_IN_A_ROW;
use super::pool::{Busy, FromSlot, PATIENCE, Pool};
use super::process::{FromWorker, WorkerProcess};
use crate::engine::last_lines::ending;
use crate::engine::workers::{Ended, News, WorkersError};
use crate::job::{FailureKind, PROTOCOL, WorkerEvent};

impl Pool {
    /// Memory was out for a job that others computed beside, or could have: fewer do from now on, and it goes on.
    fn crowded(&mut self, slot: usize, message: String, news: &mut Vec<News>) -> Ended {
        let (where_, n) = match self.slots[slot].gpu {
            Some(gpu) => {
                let running = self.on_gpu(gpu).max(1);
                self.shares[gpu].lower(running);
                (self.place(slot), running)
            }
            None => {
                let running = self.running().max(1);
                self.admission.lower(running);
                ("this machine".to_owned(), running)
            }
        };
        if n > 1 {
            let message = format!("memory was out with {n} jobs on {where_}: from now on fewer at once");
            news.push(News::Notice { message });
        }
        Ended::Preempted(format!("memory was out beside other jobs: {message}"))
    }

    /// A job has left its slot.
    pub(super) fn ended(&mut self, slot: usize, busy: Busy, how: Ended, news: &mut Vec<News>) {
        let how = match (how, busy.stopping) {
            (Ended::Well, _) => Ended::Well,
            (_, Some(stopping)) => stopping.how,
            (how, None) => how,
        };
        let place = self.place(slot);
        let gpu = self.slots[slot].gpu.filter(|_| matches!(how, Ended::Well | Ended::Lost(_)));
        if let Some(gpu) = gpu
            && self.trust.note(gpu, busy.node, how != Ended::Well)
        {
            let message = format!(
                "{place} lost {} jobs in a row and gets no more of this study; `nvidia-smi` and the kernel's log may tell why",
                LOST_IN_A_ROW
            );
            news.push(News::Notice { message });
        }
        news.push(News::Ended { node: busy.node, how, place: Some(place), log: Some(busy.log) });
    }

    /// Takes in a message.
    pub(super) fn take(&mut self, from: FromSlot, news: &mut Vec<News>) -> Result<(), WorkersError> {
        let FromSlot { slot: at, life, message } = from;
        let slot = &mut self.slots[at];
        if slot.life != life {
            return Ok(());
        }
        match message {
            FromWorker::Event(WorkerEvent::Ready { protocol, version, .. }) => {
                if protocol != PROTOCOL {
                    let why = format!(
                        "the worker `{}` is of version {version} and speaks protocol {protocol}, expected {PROTOCOL}; build both together",
                        self.config.program.display()
                    );
                    return Err(WorkersError::NoWorkers { why });
                }
                slot.ready = true;
                self.stillborn = 0;
            }
            FromWorker::Event(event) => {
                let Some(busy) = &mut slot.busy else { return Ok(()) };
                busy.watch.hear(&event, Instant::now());
                let leaves = matches!(event, WorkerEvent::Interrupted { .. } | WorkerEvent::Refused { .. });
                let how = match event {
                    WorkerEvent::Finished { .. } => Ended::Well,
                    WorkerEvent::Failed { kind: FailureKind::Final, message, .. } => Ended::Failed(message),
                    WorkerEvent::Failed { kind: FailureKind::Memory, message, .. } if !busy.alone => {
                        self.crowded(at, message, news)
                    }
                    WorkerEvent::Failed { message, .. } => Ended::Lost(message),
                    WorkerEvent::Interrupted { .. } => {
                        Ended::Preempted("its worker was asked to stop".to_owned())
                    }
                    WorkerEvent::Refused { message } => {
                        Ended::Lost(format!("the worker refused its job: {message}"))
                    }
                    event => {
                        news.push(News::Told { node: busy.node, event });
                        return Ok(());
                    }
                };
                let slot = &mut self.slots[at];
                // It is about to end: the next job is not for it.
                let leaves = leaves || slot.busy.as_ref().is_some_and(|busy| busy.stopping.is_some());
                if let Some(mut worker) = slot.worker.take_if(|_| leaves) {
                    std::thread::spawn(move || worker.ends_within(PATIENCE));
                }
                if let Some(busy) = slot.busy.take() {
                    self.ended(at, busy, how, news);
                }
            }
            FromWorker::Garbage(text) => {
                tracing::warn!("worker {} wrote no event: {text}", at + 1);
            }
            FromWorker::Closed => {
                slot.closed = Some(Instant::now());
                self.bury(at, news)?;
            }
        }
        Ok(())
    }

    /// Takes note of the end of a worker that says nothing more, if it has ended: nothing here may wait for it.
    pub(super) fn bury(&mut self, i: usize, news: &mut Vec<News>) -> Result<(), WorkersError> {
        let slot = &mut self.slots[i];
        let Some(how) = slot.worker.as_mut().and_then(WorkerProcess::ended) else {
            return Ok(());
        };
        let words = slot.worker.take().map(|worker| worker.last_words()).unwrap_or_default();
        let said = ending(&words);
        (slot.closed, slot.bytes) = (None, 0);
        let busy = slot.busy.take();
        let was_stopped = busy.as_ref().is_some_and(|busy| busy.stopping.is_some());
        if !slot.ready && !was_stopped {
            self.stillborn += 1;
            if self.stillborn >= 2 {
                let program = self.config.program.display();
                let why = format!("the worker `{program}` does not start: {how}{said}");
                return Err(WorkersError::NoWorkers { why });
            }
        }
        if let Some(busy) = busy {
            self.ended(i, busy, Ended::Lost(format!("worker {how}{said}")), news);
        }
        Ok(())
    }
}
