//! A test without any distribution: if a variant did nothing, each seed's difference could as well have had the other sign.
//!
//! The share of all choices of signs whose mean lies as far from 0 as the one that was seen (Fisher 1935, *The Design of
//! Experiments*, chapter 3). With `n` seeds it cannot fall below `2 / 2^n`, which is 0.0625 with 5: it is a check beside the interval, and
//! decides nothing.

use crate::seed::Key;

/// Up to so many seeds all choices of signs are tried; 65,536.
const EXACT: usize = 16;
/// Beyond, so many that are drawn.
const DRAWN: u32 = 20_000;
/// Means that differ by less than this share are the same one, added up in another order.
const TIE: f64 = 1e-9;

/// The two-sided p-value of `deltas`, one for each seed; 1 where there is none.
pub fn p_value(deltas: &[f64], key: Key) -> f64 {
    let seen = deltas.iter().sum::<f64>().abs() * (1.0 - TIE);
    if deltas.len() <= EXACT {
        let all = 1u64 << deltas.len();
        return (0..all).filter(|&signs| flipped(deltas, signs).abs() >= seen).count() as f64 / all as f64;
    }
    // What was seen is one of the choices, so that a p-value is never 0 (Phipson and Smyth 2010).
    let mut draws = key.draws();
    let mut drawn = || deltas.chunks(64).map(|some| flipped(some, draws.next_u64())).sum::<f64>().abs();
    let n = (0..DRAWN).filter(|_| drawn() >= seen).count();
    (n + 1) as f64 / f64::from(DRAWN + 1)
}

/// The sum of up to 64 values, those whose bit is set with the other sign.
fn flipped(deltas: &[f64], signs: u64) -> f64 {
    let signed = |(at, delta): (usize, &f64)| if signs >> at & 1 == 1 { -delta } else { *delta };
    deltas.iter().enumerate().map(signed).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Golden {
        sign_flips: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        deltas: Vec<f64>,
        p: f64,
    }

    #[test]
    fn all_choices_as_by_scipy() {
        let golden: Golden =
            serde_json::from_str(include_str!("../../tests/golden/effects/effects.json")).unwrap();
        assert!(golden.sign_flips.len() > 20);
        for case in golden.sign_flips {
            let found = p_value(&case.deltas, Key::root(1));
            assert!((found - case.p).abs() < 1e-12, "{:?}: {found}, scipy {}", case.deltas, case.p);
        }
    }

    #[test]
    fn many_seeds_are_drawn_and_none_are_not_evidence() {
        assert_eq!(p_value(&[], Key::root(1)), 1.0);
        assert_eq!(p_value(&[0.2; 5], Key::root(1)), 2.0 / 32.0);
        let surely = p_value(&[0.1; 40], Key::root(1));
        assert!(surely < 1e-3 && surely > 0.0, "{surely}");
        let balanced: Vec<f64> = (0..40).map(|at| if at % 2 == 0 { 0.1 } else { -0.1 }).collect();
        assert_eq!(p_value(&balanced, Key::root(1)), 1.0);
    }
}
