//! Brings pixels of three bytes into the opposite order, five at a time where the processor can shuffle
//! bytes.

/// Writes the pixels of `old` to `new`, the last one first. Both are of the same length, a multiple of 3.
pub(super) fn reverse(old: &[u8], new: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("ssse3") {
        // SAFETY: the processor has the instructions.
        unsafe { reverse_by_shuffles(old, new) };
        return;
    }
    reverse_one_by_one(old, new);
}

fn reverse_one_by_one(old: &[u8], new: &mut [u8]) {
    for (new, old) in new.as_chunks_mut::<3>().0.iter_mut().zip(old.as_chunks::<3>().0.iter().rev()) {
        *new = *old;
    }
}

/// Reads 16 bytes of which the upper 15 are five pixels, and writes 16 of which the next five pixels
/// overwrite the last.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "ssse3")]
fn reverse_by_shuffles(old: &[u8], new: &mut [u8]) {
    use std::arch::x86_64::{_mm_loadu_si128, _mm_setr_epi8, _mm_shuffle_epi8, _mm_storeu_si128};

    let order = _mm_setr_epi8(13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3, -1);
    let length = old.len().min(new.len());
    let (mut old, mut new) = (&old[..length], &mut new[..length]);
    while let (Some(from), Some(to)) = (old.last_chunk::<16>(), new.first_chunk_mut::<16>()) {
        // SAFETY: both are 16 bytes long, and neither has to be aligned.
        unsafe {
            let five = _mm_shuffle_epi8(_mm_loadu_si128(from.as_ptr().cast()), order);
            _mm_storeu_si128(to.as_mut_ptr().cast(), five);
        }
        old = &old[..old.len() - 15];
        new = &mut new[15..];
    }
    reverse_one_by_one(old, new);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffles_do_what_one_by_one_does() {
        for pixels in 0..70 {
            let old: Vec<u8> = (0..pixels * 3).map(|i| (i * 37 % 251) as u8).collect();
            let (mut shuffled, mut single) = (vec![0; old.len()], vec![0; old.len()]);
            reverse(&old, &mut shuffled);
            reverse_one_by_one(&old, &mut single);
            assert_eq!(shuffled, single);
            let expected: Vec<u8> = old.chunks_exact(3).rev().flatten().copied().collect();
            assert_eq!(single, expected);
        }
    }
}
