//! Cosines with warm restarts (Loshchilov and Hutter, "SGDR", 2017), as PyTorch's `CosineAnnealingWarmRestarts`.

use std::f64::consts::PI;

/// Half a cosine from `peak` to `min_lr` over each cycle; a cycle is `factor` times longer than the one before it, the first
/// one `cycle` epochs. `epoch_idx` counts from the first cycle's beginning.
pub fn rate(peak: f64, min_lr: f64, [cycle, factor]: [u32; 2], epoch_idx: u32) -> f64 {
    let (mut length, mut since) = (u64::from(cycle.max(1)), u64::from(epoch_idx));
    if factor <= 1 {
        since %= length;
    }
    while since >= length {
        since -= length;
        length *= u64::from(factor);
    }
    min_lr + (peak - min_lr) * (1.0 + (PI * since as f64 / length as f64).cos()) / 2.0
}
