//! Standard normal values by table: 16 random bits to one of 65,536 equally likely values.

#![expect(clippy::excessive_precision, reason = "coefficients stand as they were published")]

use std::sync::LazyLock;

/// One standard deviation in units of the table.
pub(in crate::augment) const UNIT: f64 = 4096.0;

/// The values above the mean, rising; those below are their negatives.
pub(in crate::augment) struct Normal {
    half: [i16; 1 << 15],
}

/// Made once, in about a millisecond.
static TABLE: LazyLock<Normal> = LazyLock::new(|| {
    // Entry `i` is the middle one of the values that the share `(i + 1/2) / 65536` above a half ends with.
    let share = |i: usize| 0.5 + (i as f64 + 0.5) / 65_536.0;
    Normal { half: std::array::from_fn(|i| libm::round(quantile(share(i)) * UNIT) as i16) }
});

impl Normal {
    /// The table.
    pub fn table() -> &'static Normal {
        &TABLE
    }

    /// The value that these bits name, in 1 / 4096 standard deviations; never beyond 4.4 of them.
    #[inline]
    pub fn value(&self, bits: u16) -> i16 {
        let sign = bits as i16 >> 15;
        (self.half[usize::from(bits & 0x7fff)] ^ sign) - sign
    }

    /// The values that the lower and the upper halves of the words name, two for each.
    pub fn values(&self, words: &[u32], values: &mut [i16]) {
        // Four look-ups a time from one register; signs afterwards, in vectors.
        for (four, &[low, high]) in values.as_chunks_mut().0.iter_mut().zip(words.as_chunks().0) {
            let bits = u64::from(low) | (u64::from(high) << 32);
            *four = [0, 16, 32, 48].map(|shift| self.half[(bits >> shift) as usize & 0x7fff]);
        }
        let done = words.len() / 2 * 4;
        for (two, &word) in values[done..].as_chunks_mut().0.iter_mut().zip(&words[done / 2..]) {
            *two = [0, 16].map(|shift| self.half[(word >> shift) as usize & 0x7fff]);
        }
        set_signs(values, words);
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn set_signs(values: &mut [i16], words: &[u32]) {
    for (two, &word) in values.as_chunks_mut::<2>().0.iter_mut().zip(words) {
        for (i, value) in two.iter_mut().enumerate() {
            let sign = (word >> (16 * i)) as i16 >> 15;
            *value = (*value ^ sign) - sign;
        }
    }
}

/// The value below which a standard normal one lies with probability `p`, for `p` from 0.5 to 1 - 1e-11:
/// Wichura's PPND16 (Algorithm AS 241, 1988), relative error about 1e-16.
fn quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(&CENTRE_TOP, r) / polynomial(&CENTRE_BOTTOM, r);
    }
    let r = libm::sqrt(-libm::log(1.0 - p)) - 1.6;
    polynomial(&TAIL_TOP, r) / polynomial(&TAIL_BOTTOM, r)
}

/// Coefficients from the constant term upwards.
fn polynomial(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

const CENTRE_TOP: [f64; 8] = [
    3.387_132_872_796_366_608,
    133.141_667_891_784_377_45,
    1_971.590_950_306_551_442_7,
    13_731.693_765_509_461_125,
    45_921.953_931_549_871_457,
    67_265.770_927_008_700_853,
    33_430.575_583_588_128_105,
    2_509.080_928_730_122_672_7,
];
const CENTRE_BOTTOM: [f64; 8] = [
    1.0,
    42.313_330_701_600_911_252,
    687.187_007_492_057_908_3,
    5_394.196_021_424_751_107_7,
    21_213.794_301_586_595_867,
    39_307.895_800_092_710_61,
    28_729.085_735_721_942_674,
    5_226.495_278_852_854_561,
];
const TAIL_TOP: [f64; 8] = [
    1.423_437_110_749_683_577_34,
    4.630_337_846_156_545_295_9,
    5.769_497_221_460_691_405_5,
    3.647_848_324_763_204_605_04,
    1.270_458_252_452_368_382_58,
    0.241_780_725_177_450_611_77,
    0.022_723_844_989_269_184_583_3,
    0.000_774_545_014_278_341_407_64,
];
const TAIL_BOTTOM: [f64; 8] = [
    1.0,
    2.053_191_626_637_758_821_87,
    1.676_384_830_183_803_849_4,
    0.689_767_334_985_100_004_55,
    0.148_103_976_427_480_074_59,
    0.015_198_666_563_616_457_196_6,
    0.000_547_593_808_499_534_494_6,
    1.050_750_071_644_416_843_24e-9,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of scipy 1.17.1's `norm.ppf`.
    #[test]
    fn quantiles_are_scipys() {
        for (p, expected) in [
            (0.5, 0.0),
            (0.75, 0.674_489_750_196_081_7),
            (0.924_9, 1.438_825_392_752_540_3),
            (0.975, 1.959_963_984_540_054),
            (0.999, 3.090_232_306_167_813_3),
            (0.999_992_370_605_468_8, 4.324_919_040_826_045),
        ] {
            assert!((quantile(p) - expected).abs() < 1e-12, "{p}: {}", quantile(p));
        }
    }

    #[test]
    fn many_values_are_those_made_one_by_one() {
        let table = Normal::table();
        for n in [0, 1, 2, 7, 64] {
            let words: Vec<u32> = (0..n).map(|i| i * 0x9e37_79b9).collect();
            let mut values = vec![0; words.len() * 2];
            table.values(&words, &mut values);
            let halves = words.iter().flat_map(|word| [*word as u16, (word >> 16) as u16]);
            assert_eq!(values, halves.map(|bits| table.value(bits)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn all_values_together_are_standard_normal() {
        let values = (0..=u16::MAX).map(|bits| f64::from(Normal::table().value(bits)) / UNIT);
        let (mut sum, mut squares) = (0.0, 0.0);
        for z in values {
            sum += z;
            squares += z * z;
        }
        assert_eq!(sum, 0.0);
        assert!((squares / 65_536.0 - 1.0).abs() < 1e-3, "{squares}");
        assert!(Normal::table().half.is_sorted());
    }
}
