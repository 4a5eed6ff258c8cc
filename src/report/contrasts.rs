//! Beyond single variants: what ops do on average, what pairs do together, how levels and axes of the matrix count.

use serde::Serialize;

use super::answer::{self, Row};
use super::study::{Contrast, Study};

/// One kind of question, with all answers to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    /// Also the name of its place on the page.
    pub kind: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What is measured, in a sentence or two.
    pub note: &'static str,
    /// The head of the first column.
    pub of: &'static str,
    /// The head of the second.
    pub against: &'static str,
    /// In the order of the spec.
    pub rows: Vec<ContrastRow>,
    /// Whether some row has aliases.
    pub has_aliases: bool,
}

/// A row of a section.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContrastRow {
    /// As of a variant.
    #[serde(flatten)]
    pub row: Row,
    /// What cannot be told apart from it.
    pub aliases: Vec<String>,
}

const SECTIONS: [(&str, &str, &str, &str, &str); 5] = [
    (
        "main_effect",
        "Each op on average",
        "The mean of all arms that apply the op minus the mean of all that do not: what the op does in the company of the others, on \
         average. All arms count, so this is surer than any single variant.",
        "Op",
        "Against",
    ),
    (
        "interaction",
        "Two ops together",
        "Half the difference between what one op does with the other and without it. “Reinforces”: the two do more together than each \
         by itself; “weakens”: less.",
        "Ops",
        "Against",
    ),
    (
        "trend",
        "Stronger or weaker",
        "Whether the metric only ever rises, or only ever falls, over the levels; the change from the first to the last level as such a \
         trend has it (contrast of Abelson and Tukey). A metric that is best in the middle has no trend: look at its levels one by one.",
        "Levels of",
        "From, to",
    ),
    (
        "axis",
        "Axes of the matrix",
        "A value of an axis against its first value, on average over all arms and all other axes.",
        "Value",
        "Against",
    ),
    (
        "axis_interaction",
        "Augmentation and the matrix",
        "By how much what an arm does to its baseline differs between a value of an axis and its first. Not enough evidence here means that the \
         augmentation may well do the same at both.",
        "Arm and value",
        "Against",
    ),
];

/// The kinds that were asked, each with its answers for the headline metric over all labels, in the order of the page.
pub fn effects(study: &Study) -> impl Iterator<Item = (&'static str, Vec<&Contrast>)> {
    let of_headline = |contrast: &&Contrast| {
        let row = &contrast.effect.row;
        row.label.is_none() && row.metric == study.headline.metric
    };
    let of_kind = move |(kind, ..): (&'static str, _, _, _, _)| {
        let of_kind = study.contrasts.iter().filter(|contrast| contrast.kind == kind);
        (kind, of_kind.filter(of_headline).collect::<Vec<_>>())
    };
    SECTIONS.into_iter().map(of_kind).filter(|(_, contrasts)| !contrasts.is_empty())
}

/// The sections that have rows.
pub fn sections(study: &Study) -> Vec<Section> {
    let section = |(kind, contrasts): (&'static str, Vec<&Contrast>)| {
        let (_, title, note, of, against) = *SECTIONS.iter().find(|(name, ..)| *name == kind)?;
        let row = |contrast: &&Contrast| ContrastRow {
            row: answer::row(&contrast.effect, &study.headline),
            aliases: contrast.aliases.clone(),
        };
        let rows: Vec<ContrastRow> = contrasts.iter().map(row).collect();
        let has_aliases = rows.iter().any(|row| !row.aliases.is_empty());
        Some(Section { kind, title, note, of, against, rows, has_aliases })
    };
    effects(study).filter_map(section).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::{SMALL, study};
    use super::*;

    #[test]
    fn only_kinds_that_were_asked_have_a_section() {
        let mut study = study(SMALL);
        study.contrasts.clear();
        assert_eq!(sections(&study), []);
        let effect = study.effects[0].clone();
        let contrast = |kind: &str, aliases: &[&str]| Contrast {
            kind: kind.to_owned(),
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            effect: effect.clone(),
        };
        let of_label = {
            let mut contrast = contrast("axis", &[]);
            contrast.effect.row.label = Some("glass".to_owned());
            contrast
        };
        study.contrasts = vec![contrast("interaction", &["b × c"]), contrast("main_effect", &[]), of_label];
        let found: Vec<(&str, bool)> =
            sections(&study).iter().map(|section| (section.kind, section.has_aliases)).collect();
        assert_eq!(found, [("main_effect", false), ("interaction", true)]);
    }
}
