//! Looks bytes up in tables of 256: the fastest way that the processor has, with the same result everywhere.
//!
//! Compilers make a load of each look-up. With AVX-512 VBMI one instruction looks up 64 bytes in half a table, and with
//! AVX2 sixteen small shuffles look up 32; both need intrinsics, and so stand apart here from what uses them.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "instructions that not every processor has")
)]

/// `value = table[value]` for each value.
pub fn look_up(values: &mut [u8], table: &[u8; 256]) {
    #[cfg(target_arch = "x86_64")]
    {
        if x86::has_vbmi() {
            // SAFETY: the processor has these instructions.
            return unsafe { x86::with_vbmi(values, table) };
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has these instructions.
            return unsafe { x86::with_avx2(values, table) };
        }
    }
    one_by_one(values, table);
}

/// The same for each channel of interleaved pixels; bytes beyond the last whole pixel are left alone.
pub fn look_up_channels(values: &mut [u8], tables: &[[u8; 256]; 3]) {
    if tables[0] == tables[1] && tables[0] == tables[2] {
        let whole = values.len() / 3 * 3;
        return look_up(&mut values[..whole], &tables[0]);
    }
    #[cfg(target_arch = "x86_64")]
    if x86::has_vbmi() {
        // SAFETY: the processor has these instructions.
        return unsafe { x86::channels_with_vbmi(values, tables) };
    }
    channels_one_by_one(values, tables);
}

fn one_by_one(values: &mut [u8], table: &[u8; 256]) {
    for value in values {
        *value = table[usize::from(*value)];
    }
}

fn channels_one_by_one(values: &mut [u8], [r, g, b]: &[[u8; 256]; 3]) {
    for pixel in values.as_chunks_mut::<3>().0 {
        let [x, y, z] = pixel.map(usize::from);
        *pixel = [r[x], g[y], b[z]];
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::is_x86_feature_detected;
    use std::arch::x86_64::*;

    pub fn has_vbmi() -> bool {
        is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vbmi")
    }

    /// A table in four registers.
    #[derive(Clone, Copy)]
    struct Quarters([__m512i; 4]);

    impl Quarters {
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
        fn of(table: &[u8; 256]) -> Self {
            let quarters = table.as_chunks::<64>().0;
            Quarters(std::array::from_fn(|i| {
                // SAFETY: a quarter has the 64 bytes that are read.
                unsafe { _mm512_loadu_si512(quarters[i].as_ptr().cast()) }
            }))
        }

        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
        fn get(self, values: __m512i) -> __m512i {
            let [a, b, c, d] = self.0;
            let below_128 = _mm512_permutex2var_epi8(a, values, b);
            let from_128 = _mm512_permutex2var_epi8(c, values, d);
            _mm512_mask_blend_epi8(_mm512_movepi8_mask(values), below_128, from_128)
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn change(part: &mut [u8; 64], new: impl FnOnce(__m512i) -> __m512i) {
        // SAFETY: the part has the 64 bytes that are read and written.
        unsafe {
            let values = _mm512_loadu_si512(part.as_ptr().cast());
            _mm512_storeu_si512(part.as_mut_ptr().cast(), new(values));
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub fn with_vbmi(values: &mut [u8], table: &[u8; 256]) {
        let quarters = Quarters::of(table);
        let (parts, rest) = values.as_chunks_mut::<64>();
        for part in parts {
            change(part, |values| quarters.get(values));
        }
        super::one_by_one(rest, table);
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub fn channels_with_vbmi(values: &mut [u8], tables: &[[u8; 256]; 3]) {
        /// Every third bit, from the lowest on.
        const THIRDS: u64 = 0x9249_2492_4924_9249;
        let [r, g, b] = [Quarters::of(&tables[0]), Quarters::of(&tables[1]), Quarters::of(&tables[2])];
        // 64 pixels are three registers, which begin with red, with green (64 is 1 more than a multiple of 3), and
        // with blue.
        let (parts, rest) = values.as_chunks_mut::<192>();
        for part in parts {
            for (i, third) in part.as_chunks_mut::<64>().0.iter_mut().enumerate() {
                // Bits of green and of blue in a register that begins with red, then moved.
                let [green, blue] = match i {
                    0 => [THIRDS << 1, THIRDS << 2],
                    1 => [THIRDS, THIRDS << 1],
                    _ => [THIRDS << 2, THIRDS],
                };
                change(third, |values| {
                    let two = _mm512_mask_blend_epi8(green, r.get(values), g.get(values));
                    _mm512_mask_blend_epi8(blue, two, b.get(values))
                });
            }
        }
        super::channels_one_by_one(rest, tables);
    }

    /// Sixteen tables of 16. Below 128, table `i` holds the differences (exclusive or) to table `i - 1` and acts on all
    /// values from `16 x i` on: a shuffle gives 0 where the top bit of the value less `16 x i` is set. The same for the
    /// values from 128 on, less 128.
    #[target_feature(enable = "avx2")]
    pub fn with_avx2(values: &mut [u8], table: &[u8; 256]) {
        let mut differences = *table;
        for i in (0..256).filter(|i| i % 128 >= 16) {
            differences[i] = table[i] ^ table[i - 16];
        }
        let small: [__m256i; 16] = std::array::from_fn(|i| {
            // SAFETY: 16 bytes are read at 0, 16, ..., 240 of 256.
            _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(differences.as_ptr().add(16 * i).cast()) })
        });
        let sixteen = _mm256_set1_epi8(16);
        let (parts, rest) = values.as_chunks_mut::<32>();
        for part in parts {
            // SAFETY: the part has the 32 bytes that are read.
            let values = unsafe { _mm256_loadu_si256(part.as_ptr().cast()) };
            let mut sum = _mm256_setzero_si256();
            for (half, mut left) in
                [(&small[..8], values), (&small[8..], _mm256_xor_si256(values, _mm256_set1_epi8(-128)))]
            {
                for &sixteenth in half {
                    sum = _mm256_xor_si256(sum, _mm256_shuffle_epi8(sixteenth, left));
                    // Saturated: what is below stays below.
                    left = _mm256_subs_epi8(left, sixteen);
                }
            }
            // SAFETY: the part has the 32 bytes that are written.
            unsafe { _mm256_storeu_si256(part.as_mut_ptr().cast(), sum) };
        }
        super::one_by_one(rest, table);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(seed: usize) -> [u8; 256] {
        std::array::from_fn(|i| ((i * 167 + seed * 91) ^ (i >> 2)) as u8)
    }

    fn values(n: usize) -> Vec<u8> {
        (0..n).map(|i| ((i * 31) ^ (i >> 5)) as u8).collect()
    }

    #[test]
    fn all_ways_agree() {
        for n in [0, 1, 2, 3, 31, 32, 63, 64, 65, 191, 192, 193, 383, 384, 500, 1000, 4096] {
            let tables = [table(1), table(2), table(3)];
            let (mut expected, mut all) = (values(n), values(n));
            one_by_one(&mut expected, &tables[0]);
            look_up(&mut all, &tables[0]);
            assert_eq!(all, expected);

            let mut same = values(n);
            look_up_channels(&mut same, &[tables[0]; 3]);
            assert_eq!(same[..n / 3 * 3], expected[..n / 3 * 3]);

            let (mut expected, mut all) = (values(n), values(n));
            channels_one_by_one(&mut expected, &tables);
            look_up_channels(&mut all, &tables);
            assert_eq!(all, expected);

            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                let (mut expected, mut all) = (values(n), values(n));
                one_by_one(&mut expected, &tables[1]);
                // SAFETY: the processor has these instructions.
                unsafe { x86::with_avx2(&mut all, &tables[1]) };
                assert_eq!(all, expected);
            }
        }
    }
}
