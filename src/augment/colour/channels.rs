//! Puts the colour channels into another order.

use std::fmt;

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
        for pixel in image.data.as_chunks_mut::<3>().0 {
            *pixel = [pixel[r], pixel[g], pixel[b]];
        }
    }
}

impl fmt::Display for ChannelOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.from.map(|c| ["r", "g", "b"][usize::from(c.min(2))]);
        write!(f, "order={r}{g}{b}")
    }
}
