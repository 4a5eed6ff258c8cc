//! How many words of each length the defining relation has.
//!
//! A word is a set of factors whose product is the same in every arm: in terms of columns, a set of columns that
//! add up to zero. There are `2^p` of them for a fraction `2^(k-p)`, too many to be listed for large `p`. MacWilliams
//! (1963) gives their lengths from those of the arms instead: an arm that applies `w` factors adds the polynomial
//! `(1 - z)^w (1 + z)^(k - w)`, and the sum over all arms, divided by their number, has the number of words of
//! length `j` as the coefficient of `z^j`.

/// Position `j`: the words of length `j`, the empty word among them. `columns`: at most 32, each a set of the
/// `n_base` basic factors as bits.
pub(super) fn word_lengths(columns: &[u32], n_base: u32) -> Vec<u64> {
    let n = columns.len();
    let mut arms_with = vec![0_i64; n + 1];
    for arm in 0..1_u32 << n_base {
        let applied = columns.iter().filter(|&&column| (column & arm).count_ones() % 2 == 1).count();
        arms_with[applied] += 1;
    }
    let mut sums = vec![0_i64; n + 1];
    for (applied, &arms) in arms_with.iter().enumerate().filter(|(_, arms)| **arms > 0) {
        for (sum, coefficient) in sums.iter_mut().zip(polynomial(applied, n)) {
            *sum += arms * coefficient;
        }
    }
    // The division leaves no rest.
    sums.into_iter().map(|sum| (sum >> n_base) as u64).collect()
}

/// The coefficients of `(1 - z)^w (1 + z)^(n - w)`.
fn polynomial(w: usize, n: usize) -> Vec<i64> {
    let mut coefficients = vec![0; n + 1];
    coefficients[0] = 1;
    for i in 0..n {
        let sign = if i < w { -1 } else { 1 };
        for j in (1..=n).rev() {
            coefficients[j] += sign * coefficients[j - 1];
        }
    }
    coefficients
}

#[cfg(test)]
mod tests {
    use super::word_lengths;

    /// All sets of columns that add up to zero, counted one by one.
    fn counted(columns: &[u32]) -> Vec<u64> {
        let mut counts = vec![0; columns.len() + 1];
        for set in 0..1_u32 << columns.len() {
            let sum =
                columns.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).fold(0, |s, (_, c)| s ^ c);
            if sum == 0 {
                counts[set.count_ones() as usize] += 1;
            }
        }
        counts
    }

    #[test]
    fn they_are_those_of_the_words_themselves() {
        for (columns, n_base) in [
            (&[1, 2, 4, 7][..], 3),
            (&[1, 2, 4, 8, 15], 4),
            (&[1, 2, 4, 8, 7, 14], 4),
            (&[1, 2, 3, 4, 5, 6, 7], 3),
            (&[1, 2, 4, 8, 16, 7, 11, 19, 13, 21, 25], 5),
            (&[1, 2, 4], 3),
        ] {
            assert_eq!(word_lengths(columns, n_base), counted(columns), "{columns:?}");
        }
    }
}
