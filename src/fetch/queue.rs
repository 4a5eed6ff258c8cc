//! Which image is asked for next: so many at once of one host, none before its time, none of a host that does not
//! answer.
//!
//! Takes the moment from its caller, and so knows no clock, no thread and no network.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// One image to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The caller's number for it.
    pub item: usize,
    /// Tries that have failed.
    pub failed_tries: u32,
    host: usize,
    began: Instant,
}

/// What a caller can do now.
#[derive(Debug)]
pub enum Next {
    /// Ask for this one, then say how it ended.
    Take(Job),
    /// Nothing before this time has passed, or before another job has ended.
    Wait(Option<Duration>),
    /// Nothing is left, now or later.
    Done,
}

/// The images that are still to be had.
#[derive(Debug)]
pub struct Queue {
    hosts: Vec<Host>,
    by_name: HashMap<String, usize>,
    per_host: usize,
    /// Where the search begins, so that every host has its turn.
    turn: usize,
    running: usize,
    stopped: bool,
}

#[derive(Debug)]
struct Host {
    waiting: VecDeque<Job>,
    later: Vec<(Instant, Job)>,
    running: usize,
    /// Nothing is asked before.
    paused_until: Option<Instant>,
    /// Rounds in a row that the host as a whole has failed in, and when the last one ended.
    bad_rounds: u32,
    last_bad: Option<Instant>,
    given_up: bool,
}

impl Queue {
    /// An empty queue that lets `per_host` images of one host be asked for at once.
    pub fn new(per_host: usize) -> Self {
        let (hosts, by_name) = (Vec::new(), HashMap::new());
        Queue { hosts, by_name, per_host: per_host.max(1), turn: 0, running: 0, stopped: false }
    }

    /// Adds an image of `host`.
    pub fn add(&mut self, item: usize, host: &str, now: Instant) {
        let host = *self.by_name.entry(host.to_owned()).or_insert_with(|| {
            self.hosts.push(Host {
                waiting: VecDeque::new(),
                later: Vec::new(),
                running: 0,
                paused_until: None,
                bad_rounds: 0,
                last_bad: None,
                given_up: false,
            });
            self.hosts.len() - 1
        });
        self.hosts[host].waiting.push_back(Job { item, failed_tries: 0, host, began: now });
    }

    /// What to do now.
    pub fn next(&mut self, now: Instant) -> Next {
        if self.stopped {
            return Next::Done;
        }
        let mut soonest: Option<Instant> = None;
        let n = self.hosts.len();
        for host_idx in (0..n).map(|i| (self.turn + i) % n) {
            let host = &mut self.hosts[host_idx];
            if host.running >= self.per_host {
                continue;
            }
            match host.take(now) {
                Ok(mut job) => {
                    job.began = now;
                    host.running += 1;
                    self.running += 1;
                    self.turn = host_idx + 1;
                    return Next::Take(job);
                }
                Err(Some(at)) => soonest = Some(soonest.map_or(at, |other| other.min(at))),
                Err(None) => {}
            }
        }
        match soonest {
            Some(at) => Next::Wait(Some(at.saturating_duration_since(now))),
            None if self.running > 0 => Next::Wait(None),
            None => Next::Done,
        }
    }

    /// The job is over, and its host has answered.
    pub fn settled(&mut self, job: &Job) {
        self.ended(job);
        self.hosts[job.host].bad_rounds = 0;
    }

    /// The job failed by itself: it comes again after `wait`.
    pub fn again(&mut self, mut job: Job, wait: Duration, now: Instant) {
        self.ended(&job);
        job.failed_tries += 1;
        self.hosts[job.host].later.push((now + wait, job));
    }

    /// The job failed because its host does not answer or asks for patience. Gives how many rounds in a row have
    /// ended so: what was under way together is one round.
    pub fn host_failed(&mut self, job: &Job, now: Instant) -> u32 {
        self.ended(job);
        let host = &mut self.hosts[job.host];
        if host.last_bad.is_none_or(|last| job.began >= last) {
            host.bad_rounds += 1;
            host.last_bad = Some(now);
        }
        host.bad_rounds
    }

    /// Lets the job come again, and the whole host be asked again, after `wait` only.
    pub fn pause_host(&mut self, mut job: Job, wait: Duration, now: Instant) {
        job.failed_tries += 1;
        let host = &mut self.hosts[job.host];
        let until = now + wait;
        host.paused_until = Some(host.paused_until.map_or(until, |other| other.max(until)));
        host.later.push((until, job));
    }

    /// Takes all images of the job's host away, and gives their numbers; `None` where that was done before.
    pub fn give_up_host(&mut self, job: &Job) -> Option<Vec<usize>> {
        let host = &mut self.hosts[job.host];
        if std::mem::replace(&mut host.given_up, true) {
            return None;
        }
        let waiting = host.waiting.drain(..);
        Some(waiting.chain(host.later.drain(..).map(|(_, job)| job)).map(|job| job.item).collect())
    }

    /// Nothing is asked for any more.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// Whether [`Queue::stop`] was called.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    fn ended(&mut self, job: &Job) {
        self.running -= 1;
        self.hosts[job.host].running -= 1;
    }
}

impl Host {
    /// A job whose time has come; else when the next one's comes.
    fn take(&mut self, now: Instant) -> Result<Job, Option<Instant>> {
        let soonest = self.later.iter().map(|(at, _)| *at).min();
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Err((!self.waiting.is_empty() || soonest.is_some()).then_some(until));
        }
        if let Some(idx) = self.later.iter().position(|(at, _)| *at <= now) {
            return Ok(self.later.swap_remove(idx).1);
        }
        self.waiting.pop_front().ok_or(soonest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn take(queue: &mut Queue, now: Instant) -> Option<Job> {
        match queue.next(now) {
            Next::Take(job) => Some(job),
            _ => None,
        }
    }

    #[test]
    fn hosts_have_their_turns_up_to_their_limit() {
        let now = Instant::now();
        let mut queue = Queue::new(2);
        for item in 0..4 {
            queue.add(item, "a", now);
        }
        queue.add(4, "b", now);
        let taken: Vec<_> = std::iter::from_fn(|| take(&mut queue, now)).collect();
        assert_eq!(taken.iter().map(|job| job.item).collect::<Vec<_>>(), [0, 4, 1]);
        assert!(matches!(queue.next(now), Next::Wait(None)));
        queue.settled(&taken[0]);
        assert_eq!(take(&mut queue, now).map(|job| job.item), Some(2));
        assert!(take(&mut queue, now).is_none());
    }

    #[test]
    fn a_failed_image_comes_again_when_its_time_has_come() {
        let now = Instant::now();
        let mut queue = Queue::new(1);
        queue.add(0, "a", now);
        queue.add(1, "a", now);
        let first = take(&mut queue, now).unwrap();
        queue.again(first, 5 * SECOND, now);
        let second = take(&mut queue, now).unwrap();
        assert_eq!(second.item, 1);
        queue.settled(&second);
        assert!(matches!(queue.next(now + SECOND), Next::Wait(Some(wait)) if wait == 4 * SECOND));
        let first = take(&mut queue, now + 5 * SECOND).unwrap();
        assert_eq!((first.item, first.failed_tries), (0, 1));
        queue.settled(&first);
        assert!(matches!(queue.next(now), Next::Done));
    }

    #[test]
    fn what_fails_together_is_one_round_of_its_host() {
        let now = Instant::now();
        let mut queue = Queue::new(2);
        for item in 0..4 {
            queue.add(item, "a", now);
        }
        let [first, second] = [(); 2].map(|()| take(&mut queue, now).unwrap());
        assert_eq!(queue.host_failed(&first, now + SECOND), 1);
        queue.pause_host(first, 2 * SECOND, now + SECOND);
        assert_eq!(queue.host_failed(&second, now + SECOND), 1);
        queue.pause_host(second, 2 * SECOND, now + SECOND);
        assert!(matches!(queue.next(now + 2 * SECOND), Next::Wait(Some(wait)) if wait == SECOND));
        let third = take(&mut queue, now + 3 * SECOND).unwrap();
        assert_eq!(queue.host_failed(&third, now + 4 * SECOND), 2);
        let mut left = queue.give_up_host(&third).unwrap();
        left.sort_unstable();
        assert_eq!((left.len(), queue.give_up_host(&third)), (3, None));
        assert!(matches!(queue.next(now + 9 * SECOND), Next::Done));
    }

    #[test]
    fn an_answer_ends_a_row_of_bad_rounds() {
        let now = Instant::now();
        let mut queue = Queue::new(1);
        queue.add(0, "a", now);
        queue.add(1, "a", now);
        let job = take(&mut queue, now).unwrap();
        assert_eq!(queue.host_failed(&job, now), 1);
        queue.pause_host(job, SECOND, now);
        let job = take(&mut queue, now + SECOND).unwrap();
        queue.settled(&job);
        let job = take(&mut queue, now + SECOND).unwrap();
        assert_eq!(queue.host_failed(&job, now + SECOND), 1);
    }

    #[test]
    fn a_stopped_queue_gives_nothing() {
        let mut queue = Queue::new(1);
        queue.add(0, "a", Instant::now());
        queue.stop();
        assert!(matches!(queue.next(Instant::now()), Next::Done));
    }
}
