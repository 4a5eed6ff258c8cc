//! The screen at the sizes that people have, drawn without a terminal.

use std::collections::BTreeMap;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::KeyCode;

use super::machine::MachineNow;
use super::view::{Shown, View};
use crate::engine::{Doing, GpuLoad, Memory, Overview, Standing};
use crate::job::EpochRow;
use crate::plan::{Plan, Stage};
use crate::spec::{Overrides, load};

const SPEC: &str = "name = \"flips\"\nseeds = 4\n[dataset]\nformat = \"folders\"\nimages = \"d\"\n[labels]\nfrom = \"folder\"\n\
                    [augment.ops]\nflip = { op = \"horizontal_flip\" }\nrotate = { op = \"rotate\" }\n";

fn plan() -> Plan {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spec.toml");
    std::fs::write(&path, SPEC).unwrap();
    Plan::new(&load(&path, &Overrides::default()).unwrap()).unwrap()
}

fn row(epoch: u32, map: f64) -> EpochRow {
    EpochRow {
        epoch,
        lr: 0.1,
        train_loss: Some(1.0 / f64::from(epoch)),
        val_loss: Some(1.2 / f64::from(epoch)),
        val_map_macro: Some(map),
        seconds: 2.0,
        images_per_second: 250.0,
        finished_ms: 0,
    }
}

/// Data stages and two runs are done, one trains, one failed; the rest waits.
fn overview(plan: &Plan) -> Overview {
    let runs: Vec<&str> = plan.runs.iter().map(|run| run.name.as_str()).collect();
    let stages = plan.nodes.iter().map(|node| {
        let at = runs.iter().position(|run| *run == node.run);
        let state = match (at, node.stage) {
            (None, Stage::Report) => Doing::Waiting,
            (None | Some(0 | 1), _) => Doing::Done,
            (Some(2), Stage::Train) => {
                Doing::Running { by: "process 7 on a machine with a long name".into() }
            }
            (Some(3), Stage::Train) => Doing::Failed { message: "no memory".into(), log: None },
            _ => Doing::Waiting,
        };
        let trains = matches!(state, Doing::Running { .. });
        Standing {
            node: node.name.clone(),
            stage: node.stage,
            run: node.run.clone(),
            state,
            epoch: trains.then(|| row(6, 0.5)),
            epochs: trains.then_some(10),
            left_s: trains.then_some(8.0),
            slot: trains.then(|| "worker 1 on GPU 0".to_owned()),
            key: None,
            job: None,
        }
    });
    let curve = (1..=6).map(|epoch| row(epoch, 0.2 + 0.05 * f64::from(epoch))).collect();
    Overview {
        stages: stages.collect(),
        left_s: Some(300.0),
        slots: Some(4),
        curves: BTreeMap::from([(runs[2].to_owned(), curve)]),
    }
}

fn machine() -> MachineNow {
    let memory = Memory { total: 24 << 30, available: 18 << 30 };
    let gpu = GpuLoad { name: "NVIDIA H200".into(), busy_percent: 93, memory };
    MachineNow { host: "box".into(), memory: Some(memory), load: Some(1.9), cores: 2, gpus: vec![gpu] }
}

/// What stands on a screen of this size after some keys.
fn screen(width: u16, height: u16, keys: &[KeyCode]) -> Vec<String> {
    let plan = plan();
    let now = overview(&plan);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut view = View::new(true);
    for key in [None].into_iter().chain(keys.iter().copied().map(Some)) {
        key.into_iter().for_each(|key| view.key(key));
        let shown = Shown { plan: &plan, now: &now, machine: machine() };
        terminal.draw(|frame| view.draw(frame, &shown)).unwrap();
    }
    let buffer = terminal.backend().buffer().clone();
    let line = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..height).map(|y| line(y).trim_end().to_owned()).collect()
}

#[test]
fn a_small_terminal_has_counts_runs_a_curve_and_the_machine() {
    let lines = screen(80, 24, &[]);
    let all = lines.join("\n");
    assert!(lines[0].starts_with("flips: ") && lines[0].contains("1 failed"), "{all}");
    assert!(lines[1].contains("17 % of 12 runs, about 5 min left") && lines[1].contains('░'), "{all}");
    // What runs comes first, then what has failed.
    let at = |word: &str| {
        lines.iter().position(|line| line.contains(word)).unwrap_or_else(|| panic!("{word}: {all}"))
    };
    assert!(at("RUN") < at("6/10") && at("6/10") < at("failed: no memory"), "{all}");
    assert!(at("validation mAP by epoch") > at("failed"), "{all}");
    assert!(
        lines.iter().any(|line| line.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c))),
        "no curve: {all}"
    );
    assert!(all.contains("memory 6.0 of 24.0 GiB") && all.contains("GPU 0 NVIDIA H200: 93 %"), "{all}");
    assert!(lines[23].starts_with("q leave"), "{all}");
}

#[test]
fn a_large_terminal_has_curves_beside_the_runs() {
    let lines = screen(200, 50, &[]);
    let title = lines.iter().find(|line| line.contains("validation mAP by epoch")).unwrap();
    assert!(title.contains("12 runs, 1 of 4 slots busy"), "{title}");
    assert!(lines.iter().any(|line| line.contains("running (worker 1 on GPU 0)")), "{}", lines.join("\n"));
    let shown = lines.iter().filter(|line| line.contains("seed=")).count();
    assert!(shown >= 12, "all runs have room: {}", lines.join("\n"));
}

#[test]
fn keys_choose_the_curve_and_the_first_run() {
    assert!(screen(80, 24, &[KeyCode::Tab]).join("\n").contains("validation loss by epoch"));
    let first = |keys: &[KeyCode]| {
        let lines = screen(80, 24, keys);
        let head = lines.iter().position(|line| line.contains("RUN")).unwrap();
        lines[head + 1].clone()
    };
    assert_ne!(first(&[]), first(&[KeyCode::Down]));
    assert_eq!(first(&[]), first(&[KeyCode::Down, KeyCode::Up, KeyCode::Up]));
    assert!(first(&[KeyCode::End]).contains("seed="), "the last run still has a line");
}

#[test]
fn the_smallest_terminal_does_no_harm() {
    for (width, height) in [(1, 1), (10, 3), (40, 8)] {
        screen(width, height, &[KeyCode::PageDown]);
    }
}
