//! The engine's news in the log, with the fields that a program can search for.

use super::STAGE;
use crate::engine::Event;

/// Notes an event. Progress within a stage is none of it; epochs are told where more is asked for.
pub fn note(event: &Event) {
    match event {
        Event::Planned { stages, fresh, runs, runs_to_do } => {
            tracing::info!(target: STAGE, stages, fresh, runs, runs_to_do, "planned");
        }
        Event::Started { node, key, .. } => {
            tracing::info!(target: STAGE, stage = node, key = key.short(), "stage started");
        }
        Event::Placed { node, slot, .. } => {
            tracing::debug!(target: STAGE, stage = node, slot, "stage has its slot");
        }
        Event::TrainingFrom { run, resumed_epochs, resumed_steps, epochs } => {
            tracing::info!(target: STAGE, run, resumed_epochs, resumed_steps, epochs, "training");
        }
        Event::Epoch { run, row } => {
            let (epoch, seconds) = (row.epoch, row.seconds);
            let (train_loss, val_loss, val_map) = (row.train_loss, row.val_loss, row.val_map_macro);
            tracing::debug!(target: STAGE, run, epoch, train_loss, val_loss, val_map, seconds, "epoch");
        }
        Event::Finished { node, entry, cached: true, fetched: false, .. } => {
            tracing::debug!(target: STAGE, stage = node, key = entry.key.short(), "stage was cached");
        }
        Event::Finished { node, entry, fetched, elapsed_s, .. } => {
            let (key, seconds) = (entry.key.short(), elapsed_s);
            tracing::info!(target: STAGE, stage = node, key, seconds, fetched, "stage finished");
        }
        Event::Failed { node, message, log, .. } => {
            let log = log.as_ref().map(|log| log.display().to_string());
            tracing::info!(target: STAGE, stage = node, message, log, "stage failed");
        }
        Event::Waiting { node, holder } => {
            tracing::info!(target: STAGE, stage = node, holder, "stage waits for another process");
        }
        Event::Retrying { node, why, .. } => {
            tracing::info!(target: STAGE, stage = node, why, "stage is tried again");
        }
        Event::Rechecking { stages, of } => {
            tracing::info!(target: STAGE, stages, of, "stages are done again, to compare");
        }
        Event::Rechecked { node, same, elapsed_s: seconds, .. } => {
            tracing::info!(target: STAGE, stage = node, same, seconds, "stage was done again");
        }
        Event::Fetching { node, bytes, .. } => {
            tracing::debug!(target: STAGE, stage = node, bytes, "stage is fetched");
        }
        Event::Notice { stage, run, message, .. } => {
            tracing::info!(target: STAGE, stage = stage.as_str(), run, "{message}");
        }
        // These are said to people in any case, and noted with that.
        Event::Progress { .. }
        | Event::RemoteDamaged { .. }
        | Event::RemoteLost { .. }
        | Event::Workers { .. }
        | Event::Rebuilding { .. }
        | Event::Interrupting { .. } => {}
    }
}
