//! Brings pixels of three bytes into the opposite order, in place: from both ends at once, 21 or five pixels at a time where
//! the processor can shuffle bytes.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "instructions that not every processor has")
)]

/// The last pixel becomes the first. The length is a multiple of 3.
pub(super) fn reverse(pixels: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    let pixels = x86::reverse_ends(pixels);
    reverse_one_by_one(pixels);
}

fn reverse_one_by_one(pixels: &mut [u8]) {
    pixels.as_chunks_mut::<3>().0.reverse();
}

/// At both ends lie vectors of one byte more than whole pixels: at the front the last byte is one too many, at the back the first.
/// A vector is written after the next one was read. So the byte too many does no harm, and no reading has to wait for a writing
/// that it overlaps. The innermost vectors keep the byte too many.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::is_x86_feature_detected;
    use std::arch::x86_64::*;

    /// Reverses from both ends for as long as whole vectors are left, and gives what lies between.
    pub fn reverse_ends(pixels: &mut [u8]) -> &mut [u8] {
        let mut rest = pixels;
        if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vbmi") {
            // SAFETY: the processor has these instructions.
            rest = unsafe { with_vbmi(rest) };
        }
        if is_x86_feature_detected!("ssse3") {
            // SAFETY: the processor has these instructions.
            rest = unsafe { with_ssse3(rest) };
        }
        rest
    }

    /// Where each byte of a vector of `N` bytes comes from: of whole pixels that are read `from` this byte on and written `to`
    /// that one, in the opposite order. The byte that is left comes from itself.
    const fn order<const N: usize>(from: usize, to: usize) -> [i8; N] {
        let mut order = [0; N];
        let mut i = 0;
        while i < N - 1 {
            order[to + i] = (from + N - 4 - i / 3 * 3 + i % 3) as i8;
            i += 1;
        }
        order
    }

    /// 21 pixels.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn with_vbmi(pixels: &mut [u8]) -> &mut [u8] {
        static BACKWARD: [i8; 64] = order(0, 1);
        static FORWARD: [i8; 64] = order(1, 0);
        let (n, len) = (pixels.len() / 126, pixels.len());
        // 64 bytes from either end, and so from what is left without the outer ones.
        if n == 0 {
            return pixels;
        }
        let start = pixels.as_mut_ptr();
        // SAFETY: there are 126 bytes for each of the `n` pairs of vectors; none has to be aligned.
        unsafe {
            let [backward, forward] =
                [&BACKWARD, &FORWARD].map(|order| _mm512_loadu_si512(order.as_ptr().cast()));
            let read = |i: usize| {
                let first = _mm512_loadu_si512(start.add(63 * i).cast());
                let last = _mm512_loadu_si512(start.add(len - 63 * i - 64).cast());
                [_mm512_permutexvar_epi8(forward, last), _mm512_permutexvar_epi8(backward, first)]
            };
            let mut now = read(0);
            for i in 1..n {
                let next = read(i);
                _mm512_storeu_si512(start.add(63 * (i - 1)).cast(), now[0]);
                _mm512_storeu_si512(start.add(len - 63 * i - 1).cast(), now[1]);
                now = next;
            }
            _mm512_mask_storeu_epi8(start.add(63 * (n - 1)).cast(), !(1 << 63), now[0]);
            _mm512_mask_storeu_epi8(start.add(len - 63 * n - 1).cast(), !1, now[1]);
        }
        &mut pixels[63 * n..len - 63 * n]
    }

    /// Five pixels.
    #[target_feature(enable = "ssse3")]
    fn with_ssse3(pixels: &mut [u8]) -> &mut [u8] {
        static BACKWARD: [i8; 16] = order(0, 1);
        static FORWARD: [i8; 16] = order(1, 0);
        let (n, len) = (pixels.len().saturating_sub(2) / 30, pixels.len());
        if n == 0 {
            return pixels;
        }
        let start = pixels.as_mut_ptr();
        // SAFETY: there are 30 bytes for each of the `n` pairs of vectors, and 2 more; none has to be aligned.
        unsafe {
            let [backward, forward] =
                [&BACKWARD, &FORWARD].map(|order| _mm_loadu_si128(order.as_ptr().cast()));
            let read = |i: usize| {
                let first = _mm_loadu_si128(start.add(15 * i).cast());
                let last = _mm_loadu_si128(start.add(len - 15 * i - 16).cast());
                [_mm_shuffle_epi8(last, forward), _mm_shuffle_epi8(first, backward)]
            };
            let mut now = read(0);
            for i in 1..n {
                let next = read(i);
                _mm_storeu_si128(start.add(15 * (i - 1)).cast(), now[0]);
                _mm_storeu_si128(start.add(len - 15 * i - 1).cast(), now[1]);
                now = next;
            }
            let (front, back) = (start.add(15 * n), start.add(len - 15 * n - 1));
            let kept = [*front, *back];
            _mm_storeu_si128(front.sub(15).cast(), now[0]);
            _mm_storeu_si128(back.cast(), now[1]);
            [*front, *back] = kept;
        }
        &mut pixels[15 * n..len - 15 * n]
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn narrow_vectors_do_what_wide_ones_do() {
            if !is_x86_feature_detected!("ssse3") {
                return;
            }
            for n in 0..90 {
                let old: Vec<u8> = (0..n * 3).map(|i| (i * 37 % 251) as u8).collect();
                let (mut wide, mut narrow) = (old.clone(), old);
                super::super::reverse(&mut wide);
                // SAFETY: the processor has these instructions.
                super::super::reverse_one_by_one(unsafe { with_ssse3(&mut narrow) });
                assert_eq!(wide, narrow);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffles_do_what_one_by_one_does() {
        for pixels in 0..150 {
            let old: Vec<u8> = (0..pixels * 3).map(|i| (i * 37 % 251) as u8).collect();
            let (mut shuffled, mut single) = (old.clone(), old.clone());
            reverse(&mut shuffled);
            reverse_one_by_one(&mut single);
            assert_eq!(shuffled, single);
            let expected: Vec<u8> = old.chunks_exact(3).rev().flatten().copied().collect();
            assert_eq!(single, expected);
        }
    }
}
