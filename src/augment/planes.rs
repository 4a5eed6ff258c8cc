//! Interleaved pixels as three planes, a block at a time: vectors of one channel instead of vectors that mix three.
//!
//! ```text
//! for part in data.chunks_mut(BLOCK * 3) {
//!     let mut planes = split(part);
//!     // change the planes
//!     join(&planes, part);
//! }
//! ```
//! All is inlined, so that such a loop under `multiversion` uses the widest vectors; a closure would not.

/// Pixels of a block.
pub const BLOCK: usize = 256;

/// One channel of a block.
pub type Plane = [u8; BLOCK];

/// The planes of at most [`BLOCK`] pixels, filled up with black ones.
#[inline(always)]
pub fn split(part: &[u8]) -> [Plane; 3] {
    match part.try_into() {
        Ok(block) => split_block(block),
        Err(_) => {
            let mut block = [0; BLOCK * 3];
            block[..part.len()].copy_from_slice(part);
            split_block(&block)
        }
    }
}

/// Writes the planes to the pixels that they came from.
#[inline(always)]
pub fn join(planes: &[Plane; 3], part: &mut [u8]) {
    match part.try_into() {
        Ok(block) => join_block(planes, block),
        Err(_) => {
            let mut block = [0; BLOCK * 3];
            join_block(planes, &mut block);
            part.copy_from_slice(&block[..part.len()]);
        }
    }
}

#[inline(always)]
fn split_block(block: &[u8; BLOCK * 3]) -> [Plane; 3] {
    let mut planes = [[0; BLOCK]; 3];
    let [r, g, b] = &mut planes;
    for i in 0..BLOCK {
        r[i] = block[3 * i];
        g[i] = block[3 * i + 1];
        b[i] = block[3 * i + 2];
    }
    planes
}

#[inline(always)]
fn join_block([r, g, b]: &[Plane; 3], block: &mut [u8; BLOCK * 3]) {
    for i in 0..BLOCK {
        block[3 * i] = r[i];
        block[3 * i + 1] = g[i];
        block[3 * i + 2] = b[i];
    }
}

/// A value from 0 to 255, cut off to a whole level. A cast does the same, but one value after the other.
#[inline(always)]
pub fn cut_off(value: f32) -> u8 {
    // Adding 1.5 x 2^23 leaves the nearest whole number in the low bits.
    let nearest = value + 12_582_912.0;
    let above = nearest - 12_582_912.0 > value;
    (nearest.to_bits() as u8).wrapping_sub(u8::from(above))
}

/// Any value but not-a-number, rounded to even and clipped to 0 to 255.
#[inline(always)]
pub fn rounded(value: f32) -> u8 {
    let value = if value > 0.0 { value } else { 0.0 };
    let value = if value < 255.0 { value } else { 255.0 };
    (value + 12_582_912.0).to_bits() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_split_is_joined_again() {
        for n in [1, 2, BLOCK - 1, BLOCK] {
            let pixels: Vec<u8> = (0..n * 3).map(|i| (i * 7 % 251) as u8).collect();
            let planes = split(&pixels);
            assert!((0..n).all(|i| pixels[3 * i..][..3] == planes.map(|plane| plane[i])));
            let mut joined = vec![0; n * 3];
            join(&planes, &mut joined);
            assert_eq!(joined, pixels);
        }
    }

    #[test]
    fn values_are_cut_off_and_rounded() {
        for i in 0..=255u8 {
            let level = f32::from(i);
            assert_eq!([cut_off(level), rounded(level)], [i, i]);
            if i > 0 {
                assert_eq!([cut_off(level.next_down()), rounded(level.next_down())], [i - 1, i]);
                // Ties go to even.
                assert_eq!([cut_off(level - 0.5), rounded(level - 0.5)], [i - 1, i - i % 2]);
            }
        }
        assert_eq!([rounded(-1e30), rounded(1e30), rounded(-0.0)], [0, 255, 0]);
    }
}
