//! Looks after jobs that are under way: those that hang are ended, those that take too long or leave others no memory are stopped.

use std::time::{Duration, Instant};

use super::pool::{PATIENCE, Pool, Stopping};
use super::watch::{Fault, Limits};
use crate::engine::workers::{Ended, News};

/// How often jobs are looked at.
const LOOK: Duration = Duration::from_millis(200);

/// How often memory is measured.
const MEASURE: Duration = Duration::from_secs(1);

/// When a job counts as being at work: it has taken steps, and has had its memory for a while.
const AT_WORK: Duration = Duration::from_secs(10);

impl Pool {
    /// Looks after all jobs, if it is time to.
    pub(super) fn supervise(&mut self, news: &mut Vec<News>) {
        let now = Instant::now();
        if now - self.supervised < LOOK {
            return;
        }
        self.supervised = now;
        self.judge(now);
        if now - self.measured >= MEASURE {
            self.measured = now;
            self.measure(now);
            self.make_room(now, news);
        }
    }

    /// Ends what hangs, stops what has had its time, and ends what does not stop.
    fn judge(&mut self, now: Instant) {
        let limits = self.config.limits;
        for slot in &mut self.slots {
            let (Some(busy), Some(worker)) = (&mut slot.busy, &mut slot.worker) else { continue };
            match &busy.stopping {
                Some(stopping) if now > stopping.until => worker.kill(),
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

    fn measure(&mut self, now: Instant) {
        self.memory = self.meter.machine();
        for slot in &mut self.slots {
            let (Some(busy), Some(worker)) = (&mut slot.busy, &slot.worker) else { continue };
            busy.bytes = self.meter.process(worker.id()).unwrap_or(busy.bytes);
            self.admission.see(busy.bytes);
        }
        for gpu in 0..self.shares.len() {
            let mut running = 0;
            let on_it = self.slots.iter().filter(|slot| slot.gpu == Some(gpu));
            let all_at_work = on_it.filter_map(|slot| slot.busy.as_ref()).all(|busy| {
                running += 1;
                busy.watch.has_steps() && busy.watch.age(now) >= AT_WORK
            });
            if all_at_work && running > 0 {
                let memory = self.meter.gpu(&self.config.gpus.names()[gpu]);
                self.shares[gpu].see(memory, running);
            }
        }
    }

    /// Where memory is about to run out, the job that was begun last keeps its checkpoint and makes room.
    fn make_room(&mut self, now: Instant, news: &mut Vec<News>) {
        if self.slots.iter().any(|slot| slot.busy.as_ref().is_some_and(|busy| busy.stopping.is_some())) {
            return;
        }
        let running = self.slots.iter().filter(|slot| slot.busy.is_some()).count();
        if !self.admission.is_short(self.memory, running) {
            return;
        }
        let busy = self.slots.iter_mut().filter(|slot| slot.busy.is_some());
        let newest = busy.min_by_key(|slot| slot.busy.as_ref().map(|busy| busy.watch.age(now)));
        if let Some(slot) = newest
            && let (Some(busy), Some(worker)) = (&mut slot.busy, &mut slot.worker)
        {
            let how = Ended::Preempted("memory ran short, and it was the last one to begin".to_owned());
            busy.stopping = Some(Stopping { how, until: now + PATIENCE });
            worker.terminate();
            let message = format!(
                "memory runs short: from now on {} at once; `workers.slots` sets fewer from the start",
                match running - 1 {
                    1 => "1 job".to_owned(),
                    n => format!("{n} jobs"),
                }
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
