//! A transform: what an op does to one picture, with all its values drawn.

use std::fmt;

use super::batch::Mix;
use super::lookup::{look_up, look_up_channels};
use super::{Mask, Scratch};
use crate::pixels::RgbImage;

/// A change of one picture with fixed values: a pure function of pixels. Its words (`angle=-12.3`) are the drawn values;
/// empty where there are none.
pub trait Transform: fmt::Debug + fmt::Display {
    /// Changes the picture, of any size from 1 x 1 on. Its size stays, but that a transposition swaps the sides.
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch);

    /// Moves a mask as [`Transform::apply`] moves the pixels: each value comes from the nearest place, and what comes
    /// in from outside the picture is 0, even where pixels are mirrored; so is what lies in a hole. Transforms that leave
    /// pixels where they are leave it alone.
    fn apply_to_mask(&self, _mask: &mut Mask) {}

    /// The whole change as tables, where each new value depends on its old value and its channel alone: transforms
    /// that follow each other are then applied in one pass.
    fn tables(&self) -> Option<Tables> {
        None
    }

    /// What becomes of the row in its batch, for the ops on batches; they change nothing of a picture alone.
    fn mix(&self) -> Option<Mix> {
        None
    }
}

/// A new value for each old one, for each of the three channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables(pub Box<[[u8; 256]; 3]>);

impl Tables {
    /// The same table for all channels.
    pub fn same(table: [u8; 256]) -> Self {
        Tables(Box::new([table; 3]))
    }

    /// First these tables, then `next`.
    #[must_use]
    pub fn then(mut self, next: &Tables) -> Self {
        for (table, next) in self.0.iter_mut().zip(next.0.iter()) {
            look_up(table, next);
        }
        self
    }

    /// Looks up every value.
    pub fn apply(&self, image: &mut RgbImage) {
        look_up_channels(&mut image.data, &self.0);
    }
}
