//! Looks after jobs that are under way: those that hang are ended, those that take too long or leave others no memory are stopped.

use std::time::{Duration, Instant};

use super::admission::Admission;
use super::pool::{PATIENCE, Pool, Slot, Stopping};
use super::watch::{Fault, Limits};
use crate::engine::workers::{Ended, News, WorkersError};

/// How often jobs are looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Much longer than this nobody has looked: the program itself was stopped.
const PAUSED: Duration = Duration::from_secs(3);

/// How long a worker that says nothing more may take to end.
const CLOSED: Duration = Duration::from_secs(5);

/// How often memory is measured.
const MEASURE: Duration = Duration::from_secs(1);

/// When a job counts as being at work: it has taken steps, and has had its memory for a while.
const AT_WORK: Duration = Duration::from_secs(10);

impl Pool {
    /// Looks after all jobs, if it is time to.
    pub(super) fn supervise(&mut self, news: &mut Vec<News>) -> Result<(), WorkersError> {
        let now = Instant::now();
        let gap = now - self.supervised;
        if gap < LOOK {
            return Ok(());
        }
        self.supervised = now;
        if gap > PAUSED {
            // This program was stopped: what workers said meanwhile is still on its way.
            self.slots
                .iter_mut()
                .filter_map(|slot| slot.busy.as_mut())
                .for_each(|busy| busy.watch.pass_over(gap));
        }
        self.judge(now);
        for at in 0..self.slots.len() {
            self.see_off(at, now, news)?;
        }
        if now - self.measured >= MEASURE {
            self.measured = now;
            self.measure(now);
            self.make_room(now, news);
        }
        Ok(())
    }

    /// Ends what hangs, stops what has had its time, and ends what does not stop.
    fn judge(&mut self, now: Instant) {
        let limits = self.config.limits;
        for slot in &mut self.slots {
            let (Some(busy), Some(worker)) = (&mut slot.busy, &mut slot.worker) else { continue };
            match &busy.stopping {
                Some(_) => {}
                None => {
                    let Some(fault) = busy.watch.judge(limits, now) else { continue };
                    let stops = fault == Fault::TookTooLong;
                    busy.stopping = Some(Stopping { how: told(fault, limits), until: now + PATIENCE });
                    // What hangs would not hear.
                    if stops { worker.terminate() } else { worker.kill() }
                }
            }
        }
    }

    /// A worker that says nothing more is ended if it does not end by itself; one that not even SIGKILL ends, since it waits for a disk
    /// that does not answer, keeps its slot no longer.
    fn see_off(&mut self, at: usize, now: Instant, news: &mut Vec<News>) -> Result<(), WorkersError> {
        let slot = &mut self.slots[at];
        let stopped = slot.busy.as_ref().and_then(|busy| Some(busy.stopping.as_ref()?.until));
        let last = slot.closed.map(|closed| closed + CLOSED).into_iter().chain(stopped).min();
        if slot.closed.is_some() {
            self.bury(at, news)?;
        }
        let slot = &mut self.slots[at];
        let (Some(last), Some(worker)) = (last, &mut slot.worker) else { return Ok(()) };
        if now > last + PATIENCE {
            let message =
                format!("process {} does not end, not even by SIGKILL, and is left alone", worker.id());
            news.push(News::Notice { message });
            let (worker, busy) = (slot.worker.take(), slot.busy.take());
            slot.closed = None;
            // Where it is dropped its end is waited for.
            std::thread::spawn(move || drop(worker));
            if let Some(busy) = busy {
                self.ended(at, busy, Ended::Lost("its worker does not end".to_owned()), news);
            }
        } else if now > last {
            worker.kill();
        }
        Ok(())
    }

    fn measure(&mut self, now: Instant) {
        self.memory = self.meter.machine();
        for slot in &mut self.slots {
            let Some(worker) = &slot.worker else { continue };
            slot.bytes = self.meter.process(worker.id()).unwrap_or(slot.bytes);
            let Some(busy) = &slot.busy else { continue };
            self.admission.see(slot.bytes);
            if let Some(gpu) = slot.gpu.filter(|_| busy.watch.has_steps() && busy.watch.age(now) >= AT_WORK) {
                let bytes = self.meter.process_on_gpu(&self.config.gpus.names()[gpu], worker.id());
                bytes.into_iter().for_each(|bytes| self.shares[gpu].see(bytes));
            }
        }
    }

    /// Where memory is about to run out, a worker without a job goes; or the job that was begun last keeps its checkpoint and makes room.
    fn make_room(&mut self, now: Instant, news: &mut Vec<News>) {
        let is_leaving = |slot: &Slot| {
            slot.closed.is_some() || slot.busy.as_ref().is_some_and(|busy| busy.stopping.is_some())
        };
        if !Admission::is_short(self.memory) || self.slots.iter().any(is_leaving) {
            return;
        }
        let idle = self.slots.iter_mut().filter(|slot| slot.busy.is_none());
        if let Some(mut worker) = idle.filter_map(|slot| slot.worker.take()).next() {
            worker.terminate();
            std::thread::spawn(move || worker.ends_within(PATIENCE));
            return;
        }
        let running = self.running();
        if running < 2 {
            return;
        }
        self.admission.lower(running);
        let busy = self.slots.iter_mut().filter(|slot| slot.busy.is_some());
        let newest = busy.min_by_key(|slot| slot.busy.as_ref().map(|busy| busy.watch.age(now)));
        if let Some(slot) = newest
            && let (Some(busy), Some(worker)) = (&mut slot.busy, &mut slot.worker)
        {
            let how = Ended::Preempted("memory ran short, and it was the last one to begin".to_owned());
            busy.stopping = Some(Stopping { how, until: now + PATIENCE });
            worker.terminate();
            let jobs = if running == 2 { "1 job".to_owned() } else { format!("{} jobs", running - 1) };
            let message = format!(
                "memory runs short: from now on {jobs} at once; `workers.slots` sets fewer from the start"
            );
            news.push(News::Notice { message });
        }
    }
}

/// How a job has ended that was not let go on.
fn told(fault: Fault, limits: Limits) -> Ended {
    let minutes = |limit: Option<Duration>| {
        let minutes = limit.unwrap_or_default().as_secs_f64() / 60.0;
        if minutes == 1.0 { "1 minute".to_owned() } else { format!("{minutes} minutes") }
    };
    match fault {
        Fault::TookTooLong => Ended::Failed(format!(
            "it took more than {} (`workers.time_limit_minutes`); its checkpoint is kept, and `run` goes on from there",
            minutes(limits.whole)
        )),
        Fault::Silent => Ended::Lost(format!(
            "its worker was not heard of for {} (`workers.hang_minutes`) and was ended",
            minutes(limits.standstill)
        )),
        Fault::Stuck { steps } => Ended::Lost(format!(
            "its worker stayed at step {steps} for {} (`workers.hang_minutes`) and was ended",
            minutes(limits.standstill)
        )),
    }
}
