//! The study's `lr_function`.

use super::warmup;

/// A line from the first rate to `peak` over the warm-up, `peak` while it is held, then
/// `(peak - min_lr) x decay^k + min_lr` with k epochs since the hold.
pub fn rate(
    peak: f64,
    [start_lr, min_lr]: [f64; 2],
    [warmup_epochs, hold_epochs]: [u32; 2],
    decay: f64,
    epoch_idx: u32,
) -> f64 {
    let held_until = u64::from(warmup_epochs) + u64::from(hold_epochs);
    if epoch_idx < warmup_epochs {
        warmup(start_lr, peak, warmup_epochs, epoch_idx)
    } else if u64::from(epoch_idx) < held_until {
        peak
    } else {
        let since = (u64::from(epoch_idx) - held_until) as f64;
        (peak - min_lr) * decay.powf(since) + min_lr
    }
}
