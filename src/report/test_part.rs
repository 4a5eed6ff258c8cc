//! The test parts of a study: which variants are compared on which, and what each can show at best.

use serde::Serialize;

use super::format;
use super::study::{Study, Unit};

/// Variants that are named before it is said how many more there are.
const VARIANTS_MAX: usize = 3;

/// The images and labels that some variants are compared on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TestPart {
    /// The variants, by name.
    pub variants: Vec<String>,
    /// The labels, in their order.
    pub labels: Vec<String>,
    /// Images that a seed is tested on, with folds all of them.
    pub images: u64,
    /// What it can show of each label.
    pub power: Vec<LabelPower>,
    /// The least difference in the mean over labels, as a fraction, that would be found in four studies of five with seeds
    /// without number; `None` where no label can be told apart.
    pub smallest: Option<f64>,
}

/// What a test part can show of one label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelPower {
    /// The label.
    pub label: String,
    /// Test images with it.
    pub with: u64,
    /// Test images without it.
    pub without: u64,
    /// As [`TestPart::smallest`]; `None`: no verdict, whatever the runs say.
    pub smallest: Option<f64>,
}

/// The number, from 1, of the test part of a variant; `None` where the study has one for all.
pub fn number(study: &Study, variant: &str) -> Option<usize> {
    let at = study.test_parts.iter().position(|part| part.variants.iter().any(|name| name == variant));
    at.filter(|_| study.test_parts.len() > 1).map(|at| at + 1)
}

impl TestPart {
    /// Its labels that cannot get a verdict, with the images that have and lack them.
    pub fn without_verdict(&self) -> Vec<String> {
        let none = self.power.iter().filter(|power| power.smallest.is_none());
        none.map(|power| format!("{} ({} with, {} without)", power.label, power.with, power.without))
            .collect()
    }

    /// `test part 2 (255 images; glass, metal): none/seed=1, flip/seed=1 and 3 more`
    pub fn told(&self, number: usize) -> String {
        format!(
            "test part {number} ({}; {}): {}",
            format::counted(self.images as usize, "image"),
            format::counted(self.labels.len(), "label"),
            format::listed(&self.variants, VARIANTS_MAX)
        )
    }
}

/// What a test part can show at best, in a sentence without a final stop; `None` where it can show nothing. `metric` and
/// `label_metric`: names for people.
pub fn at_best(part: &TestPart, metric: &str, label_metric: &str) -> Option<String> {
    let shown = |value: f64| format::score(Unit::Share, value);
    let mut text = format!(
        "With seeds without number, {} would show a difference in {metric} of about {} points in four studies of five",
        format::counted(part.images as usize, "test image"),
        shown(part.smallest?),
    );
    let of_labels: Vec<f64> = part.power.iter().filter_map(|power| power.smallest).collect();
    let (least, most) = of_labels.iter().fold((f64::MAX, f64::MIN), |(a, b), &x| (a.min(x), b.max(x)));
    if of_labels.len() > 1 {
        text.push_str(&format!(
            ", and in {} of single labels {} to {}",
            label_metric,
            shown(least),
            shown(most)
        ));
    }
    text.push_str("; a smaller one needs more test images. Few seeds show less. This is told from the counts of the split alone");
    Some(text)
}

/// What the study's first test part can show.
pub fn at_best_of(study: &Study) -> Option<String> {
    at_best(study.test_parts.first()?, &study.headline.name, &study.label_metric.name)
}

/// Why variants of different test parts are not compared; `None` where there is one for all.
pub fn refusal(parts: &[TestPart]) -> Option<(String, Vec<String>)> {
    let [first, others @ ..] = parts else { return None };
    if others.is_empty() {
        return None;
    }
    let labels_differ = others.iter().any(|part| part.labels != first.labels);
    let what = if labels_differ { "label sets" } else { "test images" };
    let why = if labels_differ {
        "a mean over other labels is another quantity"
    } else {
        "a difference between them may be that of the images"
    };
    let n = parts.len();
    let text = format!(
        "the matrix gives {n} test parts with different {what}: variants are compared with the baseline on their own test part, \
         never across, since {why}; do not set their scores beside each other either. P-values are adjusted within each"
    );
    Some((text, parts.iter().enumerate().map(|(at, part)| part.told(at + 1)).collect()))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{SMALL, study};
    use super::*;

    #[test]
    fn variants_of_other_labels_are_refused_and_told_apart() {
        let mut study = study(SMALL);
        assert_eq!((refusal(&study.test_parts), number(&study, "flip")), (None, None));
        let mut other = study.test_parts[0].clone();
        let moved = study.test_parts[0].variants.split_off(4);
        other.variants = moved.clone();
        study.test_parts.push(other);
        let (text, parts) = refusal(&study.test_parts).unwrap();
        assert!(text.starts_with("the matrix gives 2 test parts with different test images"), "{text}");
        assert_eq!(parts[0], "test part 1 (225 images; 6 labels): none, flip, rotate and 1 more");
        assert_eq!((number(&study, "none"), number(&study, &moved[0])), (Some(1), Some(2)));
        study.test_parts[1].labels.pop();
        let (text, _) = refusal(&study.test_parts).unwrap();
        assert!(text.contains("different label sets") && text.contains("another quantity"), "{text}");
    }

    #[test]
    fn what_it_can_show_is_told_with_the_range_of_its_labels() {
        let mut study = study(SMALL);
        let power = &mut study.test_parts[0].power;
        (power[0].smallest, power[1].smallest) = (Some(0.04), Some(0.125));
        power[2..].iter_mut().for_each(|power| power.smallest = None);
        study.test_parts[0].smallest = Some(0.021);
        let text = at_best(&study.test_parts[0], "mAP", "AP").unwrap();
        assert!(
            text.contains("225 test images would show a difference in mAP of about 2.1 points"),
            "{text}"
        );
        assert!(text.contains("and in AP of single labels 4.0 to 12.5"), "{text}");
        assert_eq!(study.test_parts[0].without_verdict().len(), 4);
        study.test_parts[0].smallest = None;
        assert_eq!(at_best(&study.test_parts[0], "mAP", "AP"), None);
    }
}
