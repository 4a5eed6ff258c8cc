//! AutoAugment's learnt pairs of changes: 25 for each of three data sets (Cubuk et al., arXiv 1805.09501, tables 7 to 9), in the
//! order in which torchvision lists them. Some occur twice, and so are chosen twice as often.

use super::space::Kind;
use super::space::Kind::{
    AutoContrast, Brightness, Color, Contrast, Equalize, Invert, Posterize, Rotate, Sharpness, ShearX,
    ShearY, Solarize, TranslateX, TranslateY,
};
use crate::spec::ops::AutoPolicy;

/// Steps of its magnitudes.
pub const BINS: usize = 10;

/// One change of a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learnt {
    /// What is done.
    pub kind: Kind,
    /// How likely.
    pub p: f64,
    /// On which step of [`BINS`]; 0 where there is no magnitude.
    pub bin: usize,
}

/// The pairs learnt on a data set; each is as likely as the others.
pub fn of(policy: AutoPolicy) -> &'static [[Learnt; 2]; 25] {
    match policy {
        AutoPolicy::Imagenet => &IMAGENET,
        AutoPolicy::Cifar10 => &CIFAR10,
        AutoPolicy::Svhn => &SVHN,
    }
}

const fn pair(first: (Kind, f64, usize), second: (Kind, f64, usize)) -> [Learnt; 2] {
    [
        Learnt { kind: first.0, p: first.1, bin: first.2 },
        Learnt { kind: second.0, p: second.1, bin: second.2 },
    ]
}

static IMAGENET: [[Learnt; 2]; 25] = [
    pair((Posterize, 0.4, 8), (Rotate, 0.6, 9)),
    pair((Solarize, 0.6, 5), (AutoContrast, 0.6, 0)),
    pair((Equalize, 0.8, 0), (Equalize, 0.6, 0)),
    pair((Posterize, 0.6, 7), (Posterize, 0.6, 6)),
    pair((Equalize, 0.4, 0), (Solarize, 0.2, 4)),
    pair((Equalize, 0.4, 0), (Rotate, 0.8, 8)),
    pair((Solarize, 0.6, 3), (Equalize, 0.6, 0)),
    pair((Posterize, 0.8, 5), (Equalize, 1.0, 0)),
    pair((Rotate, 0.2, 3), (Solarize, 0.6, 8)),
    pair((Equalize, 0.6, 0), (Posterize, 0.4, 6)),
    pair((Rotate, 0.8, 8), (Color, 0.4, 0)),
    pair((Rotate, 0.4, 9), (Equalize, 0.6, 0)),
    pair((Equalize, 0.0, 0), (Equalize, 0.8, 0)),
    pair((Invert, 0.6, 0), (Equalize, 1.0, 0)),
    pair((Color, 0.6, 4), (Contrast, 1.0, 8)),
    pair((Rotate, 0.8, 8), (Color, 1.0, 2)),
    pair((Color, 0.8, 8), (Solarize, 0.8, 7)),
    pair((Sharpness, 0.4, 7), (Invert, 0.6, 0)),
    pair((ShearX, 0.6, 5), (Equalize, 1.0, 0)),
    pair((Color, 0.4, 0), (Equalize, 0.6, 0)),
    pair((Equalize, 0.4, 0), (Solarize, 0.2, 4)),
    pair((Solarize, 0.6, 5), (AutoContrast, 0.6, 0)),
    pair((Invert, 0.6, 0), (Equalize, 1.0, 0)),
    pair((Color, 0.6, 4), (Contrast, 1.0, 8)),
    pair((Equalize, 0.8, 0), (Equalize, 0.6, 0)),
];

static CIFAR10: [[Learnt; 2]; 25] = [
    pair((Invert, 0.1, 0), (Contrast, 0.2, 6)),
    pair((Rotate, 0.7, 2), (TranslateX, 0.3, 9)),
    pair((Sharpness, 0.8, 1), (Sharpness, 0.9, 3)),
    pair((ShearY, 0.5, 8), (TranslateY, 0.7, 9)),
    pair((AutoContrast, 0.5, 0), (Equalize, 0.9, 0)),
    pair((ShearY, 0.2, 7), (Posterize, 0.3, 7)),
    pair((Color, 0.4, 3), (Brightness, 0.6, 7)),
    pair((Sharpness, 0.3, 9), (Brightness, 0.7, 9)),
    pair((Equalize, 0.6, 0), (Equalize, 0.5, 0)),
    pair((Contrast, 0.6, 7), (Sharpness, 0.6, 5)),
    pair((Color, 0.7, 7), (TranslateX, 0.5, 8)),
    pair((Equalize, 0.3, 0), (AutoContrast, 0.4, 0)),
    pair((TranslateY, 0.4, 3), (Sharpness, 0.2, 6)),
    pair((Brightness, 0.9, 6), (Color, 0.2, 8)),
    pair((Solarize, 0.5, 2), (Invert, 0.0, 0)),
    pair((Equalize, 0.2, 0), (AutoContrast, 0.6, 0)),
    pair((Equalize, 0.2, 0), (Equalize, 0.6, 0)),
    pair((Color, 0.9, 9), (Equalize, 0.6, 0)),
    pair((AutoContrast, 0.8, 0), (Solarize, 0.2, 8)),
    pair((Brightness, 0.1, 3), (Color, 0.7, 0)),
    pair((Solarize, 0.4, 5), (AutoContrast, 0.9, 0)),
    pair((TranslateY, 0.9, 9), (TranslateY, 0.7, 9)),
    pair((AutoContrast, 0.9, 0), (Solarize, 0.8, 3)),
    pair((Equalize, 0.8, 0), (Invert, 0.1, 0)),
    pair((TranslateY, 0.7, 9), (AutoContrast, 0.9, 0)),
];

static SVHN: [[Learnt; 2]; 25] = [
    pair((ShearX, 0.9, 4), (Invert, 0.2, 0)),
    pair((ShearY, 0.9, 8), (Invert, 0.7, 0)),
    pair((Equalize, 0.6, 0), (Solarize, 0.6, 6)),
    pair((Invert, 0.9, 0), (Equalize, 0.6, 0)),
    pair((Equalize, 0.6, 0), (Rotate, 0.9, 3)),
    pair((ShearX, 0.9, 4), (AutoContrast, 0.8, 0)),
    pair((ShearY, 0.9, 8), (Invert, 0.4, 0)),
    pair((ShearY, 0.9, 5), (Solarize, 0.2, 6)),
    pair((Invert, 0.9, 0), (AutoContrast, 0.8, 0)),
    pair((Equalize, 0.6, 0), (Rotate, 0.9, 3)),
    pair((ShearX, 0.9, 4), (Solarize, 0.3, 3)),
    pair((ShearY, 0.8, 8), (Invert, 0.7, 0)),
    pair((Equalize, 0.9, 0), (TranslateY, 0.6, 6)),
    pair((Invert, 0.9, 0), (Equalize, 0.6, 0)),
    pair((Contrast, 0.3, 3), (Rotate, 0.8, 4)),
    pair((Invert, 0.8, 0), (TranslateY, 0.0, 2)),
    pair((ShearY, 0.7, 6), (Solarize, 0.4, 8)),
    pair((Invert, 0.6, 0), (Rotate, 0.8, 4)),
    pair((ShearY, 0.3, 7), (TranslateX, 0.9, 3)),
    pair((ShearX, 0.1, 6), (Invert, 0.6, 0)),
    pair((Solarize, 0.7, 2), (TranslateY, 0.6, 7)),
    pair((ShearY, 0.8, 4), (Invert, 0.8, 0)),
    pair((ShearX, 0.7, 9), (TranslateY, 0.8, 3)),
    pair((ShearY, 0.8, 5), (AutoContrast, 0.7, 0)),
    pair((ShearX, 0.7, 2), (Invert, 0.1, 0)),
];
