//! What parameters may be at most, or at least, for pictures of a known side.
//!
//! The bound stands beside the parameter's domain, in the declaration of its op, as
//! `WholeSpan { … }.fitting(Fit::Kernel)`; specs are checked against `images.size`.

use super::domain::{Domain, Ends};
use crate::spec::fault::Fault;
use crate::spec::reader::Table;

/// How a parameter depends on the side of the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// The side of a kernel with a middle pixel: no larger than the picture. An even one grows by 1.
    Kernel,
    /// Pixels to both sides of a pixel: both ways and the pixel itself are no longer than the side.
    Reach,
    /// Parts of the side: none is smaller than a pixel.
    Parts,
    /// A share of the side that keeps at least a pixel.
    Share,
}

impl Fit {
    /// The end that is furthest off, and the bound that it breaks.
    fn broken(self, [low, high]: [f64; 2], side: u32) -> Option<(f64, f64)> {
        let most = match self {
            Fit::Kernel => side.saturating_sub(1) | 1,
            Fit::Reach => side.saturating_sub(1) / 2,
            Fit::Parts => side,
            Fit::Share => {
                let least = 1.0 / f64::from(side.max(1));
                return (low < least).then_some((low, least));
            }
        };
        (high > f64::from(most)).then_some((high, f64::from(most)))
    }

    /// What would be wrong with it.
    fn outcome(self) -> &'static str {
        match self {
            Fit::Kernel => "the kernel would be larger than the picture",
            Fit::Reach => "it would reach beyond the picture from every pixel",
            Fit::Parts => "there would be more parts than pixels",
            Fit::Share => "less than a pixel would be left of a side",
        }
    }

    /// The bound in words, for docs.
    fn words(self) -> &'static str {
        match self {
            Fit::Kernel | Fit::Parts => "at most `images.size`",
            Fit::Reach => "below half of `images.size`",
            Fit::Share => "at least one pixel of `images.size`",
        }
    }
}

/// A domain whose values must also suit the pictures.
#[derive(Clone, Copy, Debug)]
pub struct Fitting<D> {
    /// What the values are without pictures.
    pub domain: D,
    /// How they depend on pictures.
    pub fit: Fit,
}

impl<D: Ends> Domain for Fitting<D> {
    type Value = D::Value;

    fn read(&self, table: &Table<'_>, key: &str) -> D::Value {
        self.domain.read(table, key)
    }

    fn show(&self, value: &D::Value) -> String {
        self.domain.show(value)
    }

    fn kind(&self) -> String {
        format!("{}, {}", self.domain.kind(), self.fit.words())
    }

    fn unit(&self) -> &'static str {
        self.domain.unit()
    }

    fn check_side(&self, value: &D::Value, side: u32, table: &Table<'_>, key: &str) {
        let [low, high] = self.domain.ends(value);
        let Some((found, bound)) = self.fit.broken([low, high], side) else {
            return;
        };
        let outcome = self.fit.outcome();
        let fault = Fault::new(match self.fit {
            Fit::Share => {
                format!("`{key}` begins at {found}, but pictures have {side} pixels a side: {outcome}")
            }
            _ => format!("`{key}` goes up to {found}, but pictures have {side} pixels a side: {outcome}"),
        });
        let bounded = match self.fit {
            // Enough digits for a share to be no less than a pixel.
            Fit::Share => format!("begin at {} or more", (bound * 1e4).ceil() / 1e4),
            _ => format!("go up to at most {bound}"),
        };
        table.fault(key, fault.help(format!("let it {bounded}, or raise `images.size`")));
    }
}
