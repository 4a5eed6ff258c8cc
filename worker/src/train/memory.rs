//! What to do where a batch does not fit into memory: to find the size that fits.

use super::attempt::Ground;
use super::order::Cut;
use crate::batch::Batch;
use crate::failure::JobError;

/// The batches that the training is to be tried with once more after `error`, which was want of memory.
///
/// # Errors
/// `error` itself where others compute on the same device; or where that is not to be done: see [`choose`].
pub fn smaller(ground: &Ground<'_>, error: JobError) -> Result<Cut, JobError> {
    // What others take now says nothing of what fits.
    if !ground.job.alone {
        return Err(error);
    }
    let (train, side) = (&ground.job.train, ground.examples.side());
    let asked = Cut::of(train);
    let cut = choose(asked, side, train.shrink_batches, error, |cut| fits(ground, cut))?;
    ground.notice(format!(
        "memory is out with batches of {}: once more with batches of {}, {} to a step",
        asked.batch_size, cut.batch_size, cut.accumulate
    ));
    Ok(cut)
}

/// The largest batches that fit and make the steps of `asked`.
///
/// # Errors
/// `error` itself where `asked` fits, so that others had taken the memory; [`JobError::OutOfMemory`] where smaller
/// batches are not `allowed`, or none fit; and those of `fits`.
fn choose(
    asked: Cut,
    side: usize,
    allowed: bool,
    error: JobError,
    mut fits: impl FnMut(Cut) -> Result<bool, JobError>,
) -> Result<Cut, JobError> {
    if fits(asked)? {
        return Err(error);
    }
    let mut fitting = None;
    for cut in asked.smaller() {
        if fits(cut)? {
            fitting = Some(cut);
            break;
        }
    }
    let batch_size = asked.batch_size;
    match fitting {
        Some(cut) if allowed => Ok(cut),
        _ => Err(JobError::OutOfMemory { batch_size, side, fitting, source: Box::new(error) }),
    }
}

/// Whether memory suffices for a step of such batches, tried on black pictures with a network of its own.
fn fits(ground: &Ground<'_>, cut: Cut) -> Result<bool, JobError> {
    match trial(ground, cut.batch_size as usize) {
        Ok(()) => Ok(true),
        Err(error) if error.is_out_of_memory() => Ok(false),
        Err(error) => Err(error),
    }
}

fn trial(ground: &Ground<'_>, rows: usize) -> Result<(), JobError> {
    let (mut learner, _) = ground.learner()?;
    let uploader = ground.uploader(&learner);
    if ground.job.model.unfreeze_after > 0 {
        // What the later epochs need.
        let optimizer = learner.optimizer_of_all(&ground.job.train)?;
        learner.unfreeze(optimizer);
    }
    let side = ground.examples.side();
    let (picture, targets) = (vec![0; side * side * 3], vec![false; ground.examples.labels().len()]);
    let mut batch = Batch::default();
    for _ in 0..rows {
        batch.push(&picture, &targets, 1.0);
    }
    // Where steps are of several batches the gradients of the first are there with the next one.
    for _ in 0..2 {
        learner.gather(&batch, &uploader, 0.5)?;
    }
    learner.step(0.0)
}

#[cfg(test)]
mod tests {
    use ablatrix::job::FailureKind;
    use tch::{Device, Kind, TchError, Tensor};

    use super::*;

    /// What libtorch says where there is no room for a petabyte.
    fn no_memory() -> JobError {
        let error = Tensor::f_empty([1 << 50], (Kind::Uint8, Device::Cpu)).unwrap_err();
        JobError::from(error)
    }

    /// Chooses for batches of 12, two to a step, where at most `room` rows fit. Gives what was tried, too.
    fn chosen(allowed: bool, room: u32) -> (Result<Cut, JobError>, Vec<u32>) {
        let mut tried = Vec::new();
        let asked = Cut { batch_size: 12, accumulate: 2 };
        let cut = choose(asked, 224, allowed, no_memory(), |cut| {
            tried.push(cut.batch_size);
            Ok(cut.batch_size <= room)
        });
        (cut, tried)
    }

    #[test]
    fn the_largest_batches_that_fit_are_taken_once_where_that_is_allowed() {
        let (cut, tried) = chosen(true, 5);
        assert_eq!(cut.unwrap(), Cut { batch_size: 4, accumulate: 6 });
        assert_eq!(tried, [12, 6, 4]);

        let error = chosen(false, 5).0.unwrap_err();
        assert_eq!(error.kind(), FailureKind::Final);
        assert!(!error.is_out_of_memory(), "it is not tried again");
        let message = error.message();
        assert!(
            message.starts_with(
                "memory is out with batches of 12 pictures of 224 x 224: batches of 4 fit; write \
                 `train.batch_size = 4` and `train.accumulate = 6`, whose steps are the same"
            ),
            "{message}"
        );
        assert!(message.contains("allocate"), "libtorch's own words follow: {message}");
    }

    #[test]
    fn memory_that_others_took_is_worth_another_try_and_a_picture_too_large_is_not() {
        let (error, tried) = chosen(true, 12);
        assert_eq!(tried, [12]);
        let error = error.unwrap_err();
        assert!(error.is_out_of_memory() && error.kind() == FailureKind::Memory);
        let error = chosen(true, 1).0.unwrap_err();
        assert!(error.message().contains("nor do smaller batches fit"), "{}", error.message());
        assert_eq!(error.kind(), FailureKind::Final);
    }

    #[test]
    fn another_fault_while_trying_is_told_as_it_is() {
        let asked = Cut { batch_size: 4, accumulate: 1 };
        let other = || JobError::from(TchError::Torch("size mismatch".to_owned()));
        let error = choose(asked, 8, true, no_memory(), |_| Err(other())).unwrap_err();
        assert!(error.message().contains("size mismatch"), "{}", error.message());
    }
}
