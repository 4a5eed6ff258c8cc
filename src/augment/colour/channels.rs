//! Puts the colour channels into another order.

use std::fmt;

use crate::augment::planes::{BLOCK, join, split};
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// Where each channel of the result comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelOrder {
    /// `out[c] = in[from[c]]`: a permutation of 0, 1, 2.
    pub from: [u8; 3],
}

impl ChannelOrder {
    /// One of the six orders, each as likely as the others.
    pub fn draw(draws: &mut Draws) -> Self {
        let mut from = [0, 1, 2];
        draws.shuffle(&mut from);
        ChannelOrder { from }
    }
}

impl Transform for ChannelOrder {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        let [r, g, b] = self.from.map(|c| usize::from(c.min(2)));
        reorder(&mut image.data, [r, g, b]);
    }
}

#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn reorder(data: &mut [u8], [r, g, b]: [usize; 3]) {
    for part in data.chunks_mut(BLOCK * 3) {
        let planes = split(part);
        join(&[planes[r], planes[g], planes[b]], part);
    }
}

impl fmt::Display for ChannelOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.from.map(|c| ["r", "g", "b"][usize::from(c.min(2))]);
        write!(f, "order={r}{g}{b}")
    }
}
