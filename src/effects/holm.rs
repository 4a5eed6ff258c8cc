//! P-values adjusted over a family of comparisons (Holm 1979, "A simple sequentially rejective multiple test
//! procedure"): the chance of any false finding stays below the level, whatever the comparisons have in common.

/// The adjusted p-value of each comparison, in the order given.
pub fn adjust(p_values: &[f64]) -> Vec<f64> {
    let n = p_values.len();
    let mut adjusted = vec![1.0; n];
    let mut largest: f64 = 0.0;
    for (rank, at) in ascending(p_values).into_iter().enumerate() {
        largest = largest.max((n - rank) as f64 * p_values[at]).min(1.0);
        adjusted[at] = largest;
    }
    adjusted
}

/// The factor that Holm's procedure puts on each p-value: how many comparisons are left at its rank.
pub fn factors(p_values: &[f64]) -> Vec<usize> {
    let mut factors = vec![1; p_values.len()];
    for (rank, at) in ascending(p_values).into_iter().enumerate() {
        factors[at] = p_values.len() - rank;
    }
    factors
}

fn ascending(p_values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Golden {
        holm: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        p: Vec<f64>,
        adjusted: Vec<f64>,
    }

    #[test]
    fn adjusted_as_by_statsmodels() {
        let golden: Golden =
            serde_json::from_str(include_str!("../../tests/golden/effects/effects.json")).unwrap();
        assert!(golden.holm.len() > 20);
        for case in golden.holm {
            let found = adjust(&case.p);
            assert!(found.iter().zip(&case.adjusted).all(|(a, b)| (a - b).abs() < 1e-12), "{:?}", case.p);
        }
    }

    /// By hand: 4 x 0.005, 3 x 0.01, 2 x 0.03, and 0.04 may not be smaller than the one before.
    #[test]
    fn a_hand_worked_family() {
        let found = adjust(&[0.01, 0.04, 0.03, 0.005]);
        let expected = [0.03, 0.06, 0.06, 0.02];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{found:?}");
        assert_eq!(factors(&[0.01, 0.04, 0.03, 0.005]), [3, 1, 2, 4]);
        assert_eq!(adjust(&[]), [0.0; 0]);
    }
}
