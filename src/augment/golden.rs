//! Transforms beside a reference implementation with the same drawn values, on pictures made by the scripts in
//! `tests/golden/augment/`.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Scratch, Transform};
use crate::pixels::RgbImage;

/// One family's pictures.
pub struct Golden {
    /// JSON: a list of [`Case`].
    pub cases: &'static str,
    /// Raw [height, width, 3] pictures.
    pub pixels: &'static [u8],
}

/// One picture before and after.
#[derive(Deserialize)]
pub struct Case {
    pub op: String,
    params: serde_json::Value,
    width: usize,
    height: usize,
    source: usize,
    result: usize,
}

impl Case {
    pub fn number(&self, name: &str) -> f64 {
        self.value(name)
    }

    pub fn value<T: DeserializeOwned>(&self, name: &str) -> T {
        serde_json::from_value(self.params[name].clone())
            .unwrap_or_else(|error| panic!("{} of {}: {error}", name, self.op))
    }
}

/// How far results lie from the reference's, over all cases of an op.
#[derive(Debug, Default)]
pub struct Distance {
    pub cases: usize,
    /// Share of values that are equal.
    pub equal: f64,
    /// Share of values that are at most one level apart.
    pub near: f64,
    /// In levels.
    pub largest: u8,
}

impl Golden {
    /// Of the pictures of at least `pixels` pixels.
    pub fn distance(&self, op: &str, pixels: usize, drawn: impl Fn(&Case) -> Box<dyn Transform>) -> Distance {
        self.distance_where(op, pixels, drawn, |_| true)
    }

    /// Of those pictures, where `asked` says yes to the case.
    pub fn distance_where(
        &self,
        op: &str,
        pixels: usize,
        drawn: impl Fn(&Case) -> Box<dyn Transform>,
        asked: impl Fn(&Case) -> bool,
    ) -> Distance {
        let cases: Vec<Case> = serde_json::from_str(self.cases).unwrap();
        let mut scratch = Scratch::new();
        let (mut result, mut values) = (Distance::default(), 0);
        let is_large = |case: &&Case| case.width * case.height >= pixels;
        for case in cases.iter().filter(|case| case.op == op).filter(is_large).filter(|case| asked(case)) {
            let (width, height) = (case.width, case.height);
            let picture = |start| self.pixels[start..start + width * height * 3].to_vec();
            let mut image = RgbImage { width, height, data: picture(case.source) };
            drawn(case).apply(&mut image, &mut scratch);
            let expected = picture(case.result);
            assert_eq!(image.data.len(), expected.len());
            let differences = image.data.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b));
            result.largest = result.largest.max(differences.clone().max().unwrap());
            result.equal += differences.clone().filter(|&d| d == 0).count() as f64;
            result.near += differences.filter(|&d| d <= 1).count() as f64;
            values += image.data.len();
            result.cases += 1;
        }
        result.equal /= values as f64;
        result.near /= values as f64;
        result
    }
}
