//! Chroma to half the side and back, as libjpeg's `jcsample.c` (`h2v2_downsample`) and `jdsample.c`
//! (`h2v2_fancy_upsample`, and `h2v2_upsample` for pictures of up to four columns).

use super::plane::Plane;

/// The means of squares of four: where they lie between two levels, rounded down and up in turn.
pub(super) fn halve(fine: &Plane, coarse: &mut Plane) {
    let blocks = coarse.width.next_multiple_of(8);
    for y in 0..coarse.height {
        let (above, below) = (fine.row(2 * y), fine.row(2 * y + 1));
        halve_row(&above[..2 * blocks], &below[..2 * blocks], &mut coarse.row_mut(y)[..blocks]);
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn halve_row(above: &[u8], below: &[u8], coarse: &mut [u8]) {
    let squares = above.as_chunks::<4>().0.iter().zip(below.as_chunks::<4>().0);
    for (two, (&[a, b, e, f], &[c, d, g, h])) in coarse.as_chunks_mut::<2>().0.iter_mut().zip(squares) {
        let sum = |four: [u8; 4]| four.map(u16::from).iter().sum::<u16>();
        *two = [((sum([a, b, c, d]) + 1) >> 2) as u8, ((sum([e, f, g, h]) + 2) >> 2) as u8];
    }
}

/// Each new value is 9 parts of its own coarse value, 3 of each nearest one beside it and 1 of that beyond the corner.
pub(super) fn double(coarse: &Plane, fine: &mut Plane) {
    let (width, last) = (coarse.width, coarse.height - 1);
    if width <= 2 {
        for y in 0..fine.height {
            let from = coarse.row(y / 2);
            for (x, value) in fine.row_mut(y)[..2 * width].iter_mut().enumerate() {
                *value = from[x / 2];
            }
        }
        return;
    }
    for y in 0..coarse.height {
        for (down, further) in [y.saturating_sub(1), (y + 1).min(last)].into_iter().enumerate() {
            let (near, far) = (&coarse.row(y)[..width], &coarse.row(further)[..width]);
            double_row(near, far, &mut fine.row_mut(2 * y + down)[..2 * width]);
        }
    }
}

/// `near` and `far` have three values or more.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn double_row(near: &[u8], far: &[u8], fine: &mut [u8]) {
    let column = |i: usize| 3 * u16::from(near[i]) + u16::from(far[i]);
    let n = near.len();
    fine[0] = ((4 * column(0) + 8) >> 4) as u8;
    fine[2 * n - 1] = ((4 * column(n - 1) + 7) >> 4) as u8;
    // Between two columns lie a right half and a left half.
    let pairs = near.iter().zip(far).zip(near[1..].iter().zip(&far[1..]));
    for (two, ((&a, &b), (&c, &d))) in fine[1..2 * n - 1].as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
        let (left, right) = (3 * u16::from(a) + u16::from(b), 3 * u16::from(c) + u16::from(d));
        *two = [((3 * left + right + 7) >> 4) as u8, ((3 * right + left + 8) >> 4) as u8];
    }
}
