//! Which rows of a large study a figure has room for, and what it says of the others.

use super::super::format;

/// Rows of a figure: what fits on a page.
pub const ROWS_MAX: usize = 40;

/// Of `len` rows from best to worst, the positions of the best and the worst that fit, and how many are left out between them.
pub fn ends(len: usize) -> (Vec<usize>, usize) {
    if len <= ROWS_MAX {
        return ((0..len).collect(), 0);
    }
    let half = ROWS_MAX / 2;
    ((0..half).chain(len - half..len).collect(), len - ROWS_MAX)
}

/// Of rows with these sizes, the positions of the largest that fit, in their order, and how many are left out.
pub fn largest(sizes: &[f64], most: usize) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    let size = |at: usize| if sizes[at].is_nan() { -1.0 } else { sizes[at] };
    // Stable: of equals the first stay.
    order.sort_by(|&a, &b| size(b).total_cmp(&size(a)));
    order.truncate(most);
    order.sort_unstable();
    let left_out = sizes.len() - order.len();
    (order, left_out)
}

/// `12 variants are left out`
pub fn left_out(n: usize, noun: &str) -> String {
    format!("{} {} left out", format::counted(n, noun), if n == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_kept_of_what_is_ranked_and_the_largest_of_what_is_not() {
        assert_eq!(ends(3), (vec![0, 1, 2], 0));
        let (kept, left) = ends(100);
        assert_eq!((kept.len(), kept[19], kept[20], left), (40, 19, 80, 60));
        assert_eq!(largest(&[1.0, f64::NAN, 3.0, 2.0], 2), (vec![2, 3], 2));
        assert_eq!(
            [left_out(1, "row"), left_out(1200, "row")],
            ["1 row is left out", "1,200 rows are left out"]
        );
    }
}
