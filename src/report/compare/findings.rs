//! What keeps studies from being compared, or asks for care.

use serde::Serialize;

use super::{Comparison, Member, same_labels};
use crate::report::format;

/// Names that are listed before it is said how many more there are.
const NAMES_MAX: usize = 6;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `bad` where something may not be compared, `care` where it must be read with care.
    pub class: &'static str,
    /// In a word or two.
    pub kind: &'static str,
    /// The finding itself.
    pub text: String,
}

/// All findings, the gravest first: of each study beside the first.
pub fn findings(comparison: &Comparison) -> Vec<Finding> {
    let Some((first, others)) = comparison.studies.split_first() else { return Vec::new() };
    let mut all = Vec::new();
    for other in others {
        all.extend(labels(first, other));
        all.extend(test_images(first, other));
        all.extend(metric(first, other));
        all.extend(rules(first, other));
        all.extend(baselines(first, other));
        all.extend(same_name_other_ops(first, other));
    }
    for study in &comparison.studies {
        all.extend(several_tests(study));
        all.extend(unfinished(study));
    }
    all.sort_by_key(|finding| finding.class != "bad");
    all
}

fn finding(class: &'static str, kind: &'static str, text: String) -> Finding {
    Finding { class, kind, text }
}

fn labels(first: &Member, other: &Member) -> Option<Finding> {
    if same_labels(first, other) {
        return None;
    }
    let lacks = |of: &Member, than: &Member| -> Vec<String> {
        than.labels.iter().filter(|label| !of.labels.contains(label)).cloned().collect()
    };
    let told = |names: Vec<String>, what: &str| {
        (!names.is_empty()).then(|| format!("{what} {}", format::listed(&names, NAMES_MAX)))
    };
    let parts: Vec<String> = [told(lacks(other, first), "without"), told(lacks(first, other), "with")]
        .into_iter()
        .flatten()
        .collect();
    let how = parts.join(", ");
    Some(finding(
        "bad",
        "Other labels",
        format!(
            "“{}” has other labels than “{}” ({how}): means over labels are of different things, and neither scores nor the size of \
             effects can be compared; labels that both have stand side by side below",
            other.name, first.name
        ),
    ))
}

fn test_images(first: &Member, other: &Member) -> Option<Finding> {
    let ([a], [b]) = (first.tests.as_slice(), other.tests.as_slice()) else { return None };
    if a.images_id != b.images_id {
        return Some(finding(
            "bad",
            "Other test images",
            format!(
                "“{}” is tested on other images ({}) than “{}” ({}): scores are not set beside each other; effects are, each of its \
                 own images",
                other.name,
                format::counted(b.images as usize, "image"),
                first.name,
                format::counted(a.images as usize, "image")
            ),
        ));
    }
    (a.truth_id != b.truth_id && same_labels(first, other)).then(|| {
        finding(
            "bad",
            "Other truth",
            format!(
                "“{}” and “{}” are tested on the same images, whose labels are others: groups or annotations differ",
                other.name, first.name
            ),
        )
    })
}

fn metric(first: &Member, other: &Member) -> Option<Finding> {
    (first.headline.metric != other.headline.metric).then(|| {
        finding(
            "bad",
            "Another metric",
            format!(
                "“{}” decides by {}, “{}” by {}: its effects here are those on {}, which its own page does not decide by",
                other.name, other.headline.name, first.name, first.headline.name, first.headline.name
            ),
        )
    })
}

fn rules(first: &Member, other: &Member) -> Vec<Finding> {
    let mut all = Vec::new();
    if first.thresholds != other.thresholds {
        all.push(finding(
            "care",
            "Other thresholds",
            format!(
                "thresholds of “{}” are chosen otherwise ({}) than those of “{}” ({}): F1 and what else is decided at a threshold \
                 differs for that alone",
                other.name, other.thresholds, first.name, first.thresholds
            ),
        ));
    }
    if first.equivalence != other.equivalence {
        let points = |study: &Member| format!("±{}", format::score(study.headline.unit, study.equivalence));
        all.push(finding(
            "care",
            "Another margin",
            format!(
                "“{}” calls differences within {} no practical effect, “{}” those within {}: the same change can have two verdicts",
                other.name,
                points(other),
                first.name,
                points(first)
            ),
        ));
    }
    all
}

fn baselines(first: &Member, other: &Member) -> Option<Finding> {
    let ops = |study: &Member| {
        study.variants.iter().find(|variant| variant.arm == study.baseline).map(|variant| variant.ops.clone())
    };
    let same = first.baseline == other.baseline && ops(first) == ops(other);
    (!same).then(|| {
        finding(
            "care",
            "Another baseline",
            format!(
                "effects of “{}” are against “{}”, those of “{}” against “{}”{}",
                other.name,
                other.baseline,
                first.name,
                first.baseline,
                if first.baseline == other.baseline { ", which does other things to pictures" } else { "" }
            ),
        )
    })
}

fn same_name_other_ops(first: &Member, other: &Member) -> Option<Finding> {
    let differs = |variant: &&super::MemberVariant| {
        let twin = first.variants.iter().find(|of_first| of_first.name == variant.name);
        variant.arm != other.baseline && twin.is_some_and(|twin| twin.ops != variant.ops)
    };
    let names: Vec<String> =
        other.variants.iter().filter(differs).map(|variant| variant.name.clone()).collect();
    (!names.is_empty()).then(|| {
        finding(
            "care",
            "Same name, other ops",
            format!(
                "in “{}” and “{}” these do different things to pictures: {}",
                other.name,
                first.name,
                format::listed(&names, NAMES_MAX)
            ),
        )
    })
}

fn several_tests(study: &Member) -> Option<Finding> {
    (study.tests.len() > 1).then(|| {
        finding(
            "bad",
            "Several test parts",
            format!(
                "the variants of “{}” have {} different test parts: its scores stand alone",
                study.name,
                study.tests.len()
            ),
        )
    })
}

fn unfinished(study: &Member) -> Option<Finding> {
    (study.runs_done < study.runs).then(|| {
        finding(
            "care",
            "Unfinished",
            format!(
                "“{}” has results of {} of {}: what is missing is not here",
                study.name,
                format::count(study.runs_done as u64),
                format::counted(study.runs, "run")
            ),
        )
    })
}
