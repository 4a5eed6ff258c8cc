//! Quantisation tables (ITU-T T.81, annex K) at a quality, as libjpeg's `jcparam.c` scales them, and what they lose, as in
//! its `jcdctmgr.c`.

/// By which each coefficient is divided, row by row of frequencies.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// How coarse: 1 to 255.
    pub steps: [i32; 64],
}

impl Table {
    pub fn luma(quality: u8) -> Self {
        Table::scaled(&LUMA, quality)
    }

    pub fn chroma(quality: u8) -> Self {
        let steps = std::array::from_fn(|i| match (i / 8, i % 8) {
            (y @ 0..4, x @ 0..4) => CHROMA[y][x],
            _ => 99,
        });
        Table::scaled(&steps, quality)
    }

    fn scaled(steps: &[u8; 64], quality: u8) -> Self {
        let quality = i32::from(quality.clamp(1, 100));
        let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
        Table { steps: steps.map(|step| ((i32::from(step) * percent + 50) / 100).clamp(1, 255)) }
    }
}

/// What a coefficient, eight times too large as the transform gives it, is after it was divided by `step`, rounded, and
/// multiplied again; `share` is `1 / (8 step)`. In 32-bit floats, where all of this is exact: coefficients are whole numbers,
/// and the quarter that is added sends ties, and nothing else, away from 0.
#[inline(always)]
pub(super) fn lose(coefficient: i32, step: i32, share: f32) -> i32 {
    let size = (coefficient.abs() as f32 + 0.25) * share;
    // Adding 2^23 leaves the nearest whole number in the low bits.
    let kept = ((size + 8_388_608.0).to_bits() & 0xffff) as i32 * step;
    if coefficient < 0 { -kept } else { kept }
}

const LUMA: [u8; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, //
    12, 12, 14, 19, 26, 58, 60, 55, //
    14, 13, 16, 24, 40, 57, 69, 56, //
    14, 17, 22, 29, 51, 87, 80, 62, //
    18, 22, 37, 56, 68, 109, 103, 77, //
    24, 35, 55, 64, 81, 104, 113, 92, //
    49, 64, 78, 87, 103, 121, 120, 101, //
    72, 92, 95, 98, 112, 100, 103, 99,
];

/// The others are 99.
const CHROMA: [[u8; 4]; 4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_rounded_exactly() {
        for step in 1..=255 {
            for coefficient in
                (-20_000i32..20_000).step_by(3).chain([-8 * step, 8 * step, 4 * step, 4 * step - 1])
            {
                let whole = (coefficient.abs() + 4 * step) / (8 * step) * step;
                assert_eq!(
                    lose(coefficient, step, 1.0 / (8 * step) as f32),
                    whole * coefficient.signum(),
                    "{coefficient} {step}"
                );
            }
        }
    }

    #[test]
    fn tables_are_scaled() {
        assert_eq!(Table::luma(50).steps.map(|step| step as u8), LUMA);
        assert_eq!(Table::luma(100).steps, [1; 64]);
        assert_eq!(Table::chroma(1).steps, [255; 64]);
        assert_eq!(Table::luma(80).steps[..8], [6, 4, 4, 6, 10, 16, 20, 24]);
    }
}
