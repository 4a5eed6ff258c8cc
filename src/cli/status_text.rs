//! Where a study stands, in words: the whole of it, one change, and what is drawn on a terminal.

use super::print;
use super::render::plain;
use crate::engine::{Doing, Overview, Standing};
use crate::plan::{Plan, Run, Stage};

/// Lines of the whole text that are no runs: the counts, an empty line, the head of the table, what is left out, where jobs log, and the one that the
/// cursor comes to stand in.
const FRAME: usize = 6;

/// The counts, the shared stages that are not done, and a row for each run; at most `height` lines, of which those that run or
/// have failed come first.
pub fn whole(plan: &Plan, now: &Overview, height: Option<usize>) -> String {
    let all = &now.stages;
    let mut lines = vec![counts(plan, now)];
    for one in all.iter().filter(|one| one.run.is_empty() && one.state != Doing::Done) {
        lines.push(format!("{}: {}", one.node, words(one)));
    }
    lines.push(String::new());
    let head = ["RUN", "STATE", "EPOCH", "VAL LOSS", "VAL MAP", "IMAGES/S", "LEFT"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let mut runs: Vec<&Run> = plan.runs.iter().collect();
    let room = height.map_or(usize::MAX, |height| height.saturating_sub(lines.len() - 2 + FRAME).max(1));
    let left_out = runs.len().saturating_sub(room);
    if left_out > 0 {
        runs.sort_by_key(|run| urgency(run, all));
        runs.truncate(room);
    }
    rows.extend(runs.into_iter().map(|run| row(run, all)));
    lines.push(print::aligned(&rows));
    if left_out > 0 {
        lines.push(format!("and {left_out} more"));
    }
    if let Some(folder) = all.iter().filter_map(|one| one.job.as_ref()?.log.parent()).next_back() {
        lines.push(format!("logs of jobs: {}", plain(&folder.display().to_string())));
    }
    lines.join("\n")
}

/// `tiny: 25 stages, 12 done, 2 running, 0 failed, 11 waiting; 3 of 6 runs done; about 4 min left`
fn counts(plan: &Plan, now: &Overview) -> String {
    let all = &now.stages;
    let count = |wanted: fn(&Doing) -> bool| all.iter().filter(|one| wanted(&one.state)).count();
    let is_done = |run: &&Run| run.nodes().all(|node| all[node].state == Doing::Done);
    let mut text = format!(
        "{}: {} stages, {} done, {} running, {} failed, {} waiting; {} of {} done",
        plan.experiment.name,
        all.len(),
        count(|state| *state == Doing::Done),
        count(|state| matches!(state, Doing::Running { .. })),
        count(|state| matches!(state, Doing::Failed { .. })),
        count(|state| *state == Doing::Waiting),
        plan.runs.iter().filter(is_done).count(),
        print::count(plan.runs.len(), "run"),
    );
    if let Some(left) = now.left_s {
        text.push_str(&format!("; about {} left", time(left)));
    }
    text
}

/// What comes first where not all runs have room.
fn urgency(run: &Run, all: &[Standing]) -> u8 {
    let is = |wanted: fn(&Doing) -> bool| run.nodes().any(|node| wanted(&all[node].state));
    match () {
        () if is(|state| matches!(state, Doing::Running { .. })) => 0,
        () if is(|state| matches!(state, Doing::Failed { .. })) => 1,
        () if is(|state| *state == Doing::Waiting) => 2,
        () => 3,
    }
}

fn row(run: &Run, all: &[Standing]) -> Vec<String> {
    // The first of its stages that is not done says how it stands.
    let open = run.nodes().map(|node| &all[node]).find(|one| one.state != Doing::Done);
    let state = match open {
        None => "done".to_owned(),
        Some(one) if one.stage == Stage::Train => words(one),
        Some(one) => format!("trained; {} {}", one.stage.as_str(), words(one)),
    };
    let epoch = open.and_then(|one| one.epoch.as_ref());
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.3}"));
    vec![
        run.name.clone(),
        state,
        open.and_then(epochs).unwrap_or_default(),
        number(epoch.and_then(|row| row.val_loss)),
        number(epoch.and_then(|row| row.val_map_macro)),
        epoch.map_or_else(String::new, |row| format!("{:.0}", row.images_per_second)),
        open.and_then(|one| one.left_s).map_or_else(String::new, time),
    ]
}

/// `3/40`
fn epochs(one: &Standing) -> Option<String> {
    let row = one.epoch.as_ref()?;
    Some(one.epochs.map_or_else(|| row.epoch.to_string(), |epochs| format!("{}/{epochs}", row.epoch)))
}

/// One line on what has happened: `train flip/seed=1: epoch 3/40, loss 0.412 / 0.398, mAP 0.512, 812 images/s, about 2 min left`
pub fn changed(one: &Standing) -> String {
    let (Some(row), Some(epochs), Doing::Running { .. }) = (&one.epoch, epochs(one), &one.state) else {
        return plain(&format!("{}: {}", one.node, words(one)));
    };
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
    let mut text = format!(
        "{}: epoch {epochs}, loss {} / {}, mAP {}, {:.0} images/s",
        one.node,
        number(row.train_loss),
        number(row.val_loss),
        number(row.val_map_macro),
        row.images_per_second,
    );
    if let Some(left) = one.left_s {
        text.push_str(&format!(", about {} left", time(left)));
    }
    plain(&text)
}

fn words(one: &Standing) -> String {
    match &one.state {
        Doing::Done => "done".to_owned(),
        Doing::Running { by } if by.is_empty() => "running".to_owned(),
        Doing::Running { by } => format!("running ({})", plain(by)),
        Doing::Failed { message } => format!("failed: {}", plain(message.lines().next().unwrap_or_default())),
        Doing::Waiting => match &one.job {
            Some(job) if job.reason.is_empty() => format!("waiting ({})", plain(&job.shown())),
            Some(job) => format!("waiting ({}: {})", plain(&job.shown()), plain(&job.reason)),
            None => "waiting".to_owned(),
        },
    }
}

/// A time as rough as it is known: `40 s`, `12 min`, `3 h 05 min`, `2 d 4 h`.
fn time(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole, whole.div_ceil(60)) {
        (0..90, _) => format!("{whole} s"),
        (_, minutes @ 0..90) => format!("{minutes} min"),
        (_, minutes @ 0..2_880) => format!("{} h {:02} min", minutes / 60, minutes % 60),
        (_, minutes) => format!("{} d {} h", minutes / 1_440, minutes % 1_440 / 60),
    }
}

/// What puts `text` on a terminal in place of the text before it: each line is cleared behind its end, and what is below the last.
pub fn screen(text: &str, is_first: bool) -> String {
    let begin = if is_first { "\x1b[2J\x1b[H" } else { "\x1b[H" };
    format!("{begin}{}\x1b[K\n\x1b[J", text.replace('\n', "\x1b[K\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::EpochRow;

    #[test]
    fn times_are_as_rough_as_they_are_known() {
        let times = [0.4, 89.4, 90.0, 5_399.0, 5_401.0, 172_000.0, 200_000.0].map(time);
        assert_eq!(times, ["0 s", "89 s", "2 min", "1 h 30 min", "1 h 31 min", "47 h 47 min", "2 d 7 h"]);
    }

    #[test]
    fn an_epoch_is_told_with_speed_and_what_is_left() {
        let row = EpochRow {
            epoch: 3,
            lr: 0.1,
            train_loss: Some(0.4119),
            val_loss: Some(0.398),
            val_map_macro: None,
            seconds: 4.0,
            images_per_second: 812.3,
            finished_ms: 0,
        };
        let mut one = Standing {
            node: "train flip/seed=1".into(),
            stage: Stage::Train,
            run: "flip/seed=1".into(),
            state: Doing::Running { by: "process 7 on a".into() },
            epoch: Some(row),
            epochs: Some(40),
            left_s: Some(148.0),
            job: None,
        };
        assert_eq!(
            changed(&one),
            "train flip/seed=1: epoch 3/40, loss 0.412 / 0.398, mAP -, 812 images/s, about 3 min left"
        );
        one.state = Doing::Failed { message: "no memory\nat all".into() };
        assert_eq!(changed(&one), "train flip/seed=1: failed: no memory");
    }

    #[test]
    fn a_screen_is_drawn_over_the_one_before() {
        assert_eq!(screen("a\nb", true), "\x1b[2J\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
        assert!(!screen("a", false).contains("\x1b[2J"));
    }
}
