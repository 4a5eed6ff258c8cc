//! Where a study stands, in words: the whole of it, a run, one change.

use std::path::Path;

use super::print;
use super::render::plain;
use crate::engine::{Doing, Overview, Standing};
use crate::layout;
use crate::plan::{Plan, Run, Stage};

/// The columns of a table of runs.
pub const HEAD: [&str; 7] = ["RUN", "STATE", "EPOCH", "VAL LOSS", "VAL MAP", "IMAGES/S", "LEFT"];

/// The counts, the shared stages that are not done, and a row for each run. `logs`: where the logs of the study lie.
pub fn whole(plan: &Plan, now: &Overview, logs: &Path) -> String {
    let all = &now.stages;
    let left = now.left_s.map(|left| format!("; about {} left", time(left)));
    let mut lines = vec![counts(plan, now) + &left.unwrap_or_default()];
    for one in all.iter().filter(|one| one.run.is_empty() && one.state != Doing::Done) {
        lines.push(format!("{}: {}", one.node, words(one)));
    }
    lines.push(String::new());
    let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
    rows.extend(plan.runs.iter().map(|run| row(run, all)));
    lines.push(print::aligned(&rows));
    if let Some(folder) = all.iter().filter_map(|one| one.job.as_ref()?.log.parent()).next_back() {
        lines.push(format!("logs of jobs: {}", plain(&folder.display().to_string())));
    }
    if all.iter().any(|one| matches!(one.state, Doing::Failed { .. } | Doing::Running { .. })) {
        let (of_runs, of_calls) = (layout::run_logs(logs), logs.join(format!("{}*.log", layout::CALL_LOG)));
        lines.push(plain(&format!("logs: {} of runs, {} of calls", of_runs.display(), of_calls.display())));
    }
    lines.join("\n")
}

/// `tiny: 25 stages, 12 done, 2 running, 0 failed, 11 waiting; 3 of 6 runs done`
pub fn counts(plan: &Plan, now: &Overview) -> String {
    let all = &now.stages;
    let count = |wanted: fn(&Doing) -> bool| all.iter().filter(|one| wanted(&one.state)).count();
    let is_done = |run: &&Run| run.nodes().all(|node| all[node].state == Doing::Done);
    format!(
        "{}: {} stages, {} done, {} running, {} failed, {} waiting; {} of {} done",
        plan.experiment.name,
        all.len(),
        count(|state| *state == Doing::Done),
        count(|state| matches!(state, Doing::Running { .. })),
        count(|state| matches!(state, Doing::Failed { .. })),
        count(|state| *state == Doing::Waiting),
        plan.runs.iter().filter(is_done).count(),
        print::count(plan.runs.len(), "run"),
    )
}

/// What comes first where not all runs have room: 0 runs, 1 has failed, 2 waits, 3 is done.
pub fn urgency(run: &Run, all: &[Standing]) -> u8 {
    let is = |wanted: fn(&Doing) -> bool| run.nodes().any(|node| wanted(&all[node].state));
    match () {
        () if is(|state| matches!(state, Doing::Running { .. })) => 0,
        () if is(|state| matches!(state, Doing::Failed { .. })) => 1,
        () if is(|state| *state == Doing::Waiting) => 2,
        () => 3,
    }
}

/// The cells of a run, as [`HEAD`] names them.
pub fn row(run: &Run, all: &[Standing]) -> Vec<String> {
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
        Doing::Running { by } => match one.slot.as_ref().unwrap_or(by) {
            by if by.is_empty() => "running".to_owned(),
            by => format!("running ({})", plain(by)),
        },
        Doing::Failed { message, .. } => {
            format!("failed: {}", plain(message.lines().next().unwrap_or_default()))
        }
        Doing::Waiting => match &one.job {
            Some(job) if job.reason.is_empty() => format!("waiting ({})", plain(&job.shown())),
            Some(job) => format!("waiting ({}: {})", plain(&job.shown()), plain(&job.reason)),
            None => "waiting".to_owned(),
        },
    }
}

/// A time as rough as it is known: `40 s`, `12 min`, `3 h 05 min`, `2 d 4 h`.
pub fn time(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole, whole.div_ceil(60)) {
        (0..90, _) => format!("{whole} s"),
        (_, minutes @ 0..90) => format!("{minutes} min"),
        (_, minutes @ 0..2_880) => format!("{} h {:02} min", minutes / 60, minutes % 60),
        (_, minutes) => format!("{} d {} h", minutes / 1_440, minutes % 1_440 / 60),
    }
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
            slot: None,
            key: None,
            job: None,
        };
        assert_eq!(
            changed(&one),
            "train flip/seed=1: epoch 3/40, loss 0.412 / 0.398, mAP -, 812 images/s, about 3 min left"
        );
        one.state = Doing::Failed { message: "no memory\nat all".into(), log: None };
        assert_eq!(changed(&one), "train flip/seed=1: failed: no memory");
    }
}
