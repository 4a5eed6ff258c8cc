//! What a reader must know before believing the numbers: nothing that went wrong stays unsaid.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;
use serde::Serialize;

use super::data::Fate;
use super::references::{self, Mark};
use super::scores::{Scores, finished};
use super::study::{Effect, RunResult, RunState, Study, Unit};
use super::{answer, format, test_part};

/// Below this many seeds the spread between seeds is hardly known.
const FEW_SEEDS: usize = 5;
/// Below this many positive test images a label's average precision hangs on single pictures.
const FEW_POSITIVES: u64 = 10;
/// Above this least difference that a test part can show, it is said at the top.
const COARSE: f64 = 0.05;
/// How many names stand in one finding before it says how many more there are.
const NAMES_MAX: usize = 8;

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// `bad` where results are lost or void, `care` where they must be read with care.
    pub class: &'static str,
    /// What kind of finding, in a word or two.
    pub kind: &'static str,
    /// The finding itself.
    pub text: String,
    /// What it concerns: runs, variants or labels.
    pub names: Vec<String>,
    /// How many more it concerns.
    pub more: usize,
}

/// All findings, the gravest first.
pub fn findings(study: &Study, scores: &Scores) -> Vec<Finding> {
    let mut all = Vec::new();
    unfinished(study, &mut all);
    degenerate(study, &mut all);
    no_better_than_constant(study, scores, &mut all);
    leakage(study, &mut all);
    test_parts(study, &mut all);
    unpaired(study, &mut all);
    few_seeds(study, &mut all);
    few_positives(study, &mut all);
    all.extend(study.warnings.iter().map(|text| care("Note", text.clone(), vec![])));
    let left_out: Vec<_> = study.data.noticed.iter().filter(|n| n.fate == Fate::ImagesLeftOut).collect();
    if !left_out.is_empty() {
        let count = left_out.iter().map(|n| n.count as usize).sum();
        let text = format!("{} set aside and not used", format::counted(count, "image"));
        all.push(care("Images", text, left_out.iter().map(|n| n.message.clone()).collect()));
    }
    all
}

fn bad(kind: &'static str, text: String, names: Vec<String>) -> Finding {
    Finding { class: "bad", ..care(kind, text, names) }
}

fn care(kind: &'static str, text: String, mut names: Vec<String>) -> Finding {
    let more = names.len().saturating_sub(NAMES_MAX);
    names.truncate(NAMES_MAX);
    Finding { class: "care", kind, text, names, more }
}

fn unfinished(study: &Study, all: &mut Vec<Finding>) {
    let mut failed: IndexMap<&str, Vec<String>> = IndexMap::new();
    let mut missing: IndexMap<&str, Vec<String>> = IndexMap::new();
    for run in &study.runs {
        match &run.state {
            RunState::Failed { message } => failed.entry(message).or_default().push(run.name.clone()),
            RunState::Missing { message } => missing.entry(message).or_default().push(run.name.clone()),
            RunState::Done(_) | RunState::ToCome => {}
        }
    }
    for (message, runs) in failed {
        all.push(bad("Failed", format!("{}: {message}", format::counted(runs.len(), "run")), runs));
    }
    for (message, runs) in missing {
        all.push(bad("Missing", format!("{}: {message}", format::counted(runs.len(), "run")), runs));
    }
}

/// Each sentence that runs share, with how many and which.
fn by_sentence(study: &Study, of: impl Fn(&RunResult) -> &Vec<String>) -> Vec<(String, Vec<String>)> {
    let mut by_sentence: IndexMap<&str, Vec<String>> = IndexMap::new();
    let results: Vec<_> = finished(study).collect();
    for (run, result) in &results {
        for sentence in of(result) {
            by_sentence.entry(sentence).or_default().push(run.name.clone());
        }
    }
    let counted = |(sentence, runs): (&str, Vec<String>)| {
        (format!("{}: {sentence}", format::counted(runs.len(), "run")), runs)
    };
    by_sentence.into_iter().map(counted).collect()
}

fn degenerate(study: &Study, all: &mut Vec<Finding>) {
    for (text, runs) in by_sentence(study, |result| &result.flags) {
        all.push(bad("Degenerate", text, runs));
    }
    for (text, runs) in by_sentence(study, |result| &result.cautions) {
        all.push(care("Training", text, runs));
    }
}

fn no_better_than_constant(study: &Study, scores: &Scores, all: &mut Vec<Finding>) {
    let metric = &study.headline;
    let has_anchor = study.references.first().is_some_and(|set| set.best_constant(metric).is_some());
    if !has_anchor {
        let text = "the constant predictors' score is not available, so nothing shows that the models learned anything";
        all.push(care("No anchor", text.into(), vec![]));
        return;
    }
    let means: Vec<f64> = scores.aggregate.iter().map(|spreads| spreads[0].mean()).collect();
    let shown = |(variant, mean, mark): &(&str, f64, Mark)| {
        let [mean, mark] = [*mean, mark.value].map(|value| format::score(metric.unit, value));
        format!("{variant} ({mean}, {mark})")
    };
    let constant = references::not_better(study, metric, &means, |set| set.best_constant(metric));
    if !constant.is_empty() {
        let text = format!(
            "{} not better than a constant predictor, which looks at no picture ({}; first the variant's, then the constant's)",
            if constant.len() == 1 { "one variant is" } else { "several variants are" },
            metric.name,
        );
        all.push(bad("Nothing learned", text, constant.iter().map(shown).collect()));
    }
    let mut colour = references::not_better(study, metric, &means, |set| set.mean_colour(metric));
    colour.retain(|(variant, ..)| !constant.iter().any(|(other, ..)| variant == other));
    if !colour.is_empty() {
        let text = format!(
            "{} not better than a regression on the picture's mean colour, which sees no shapes ({}; first the variant's, then \
             the regression's): what is compared may be how colours are learned, and no more",
            if colour.len() == 1 { "one variant is" } else { "several variants are" },
            metric.name,
        );
        all.push(care("Colour suffices", text, colour.iter().map(shown).collect()));
    }
}

/// What the split alone says: variants that are not compared, labels that cannot get a verdict, and how little can be seen.
fn test_parts(study: &Study, all: &mut Vec<Finding>) {
    if let Some((text, parts)) = test_part::refusal(&study.test_parts) {
        all.push(care("Not compared", text, parts));
    }
    let several = study.test_parts.len() > 1;
    for (at, part) in study.test_parts.iter().enumerate() {
        let of_part = if several { format!(" of test part {}", at + 1) } else { String::new() };
        let names = part.without_verdict();
        if !names.is_empty() {
            let text = format!(
                "labels{of_part} that cannot get a verdict, whatever the runs say: fewer than 5 test images tell them apart; a \
                 larger test part or `split.folds` helps"
            );
            all.push(care("Too small to decide", text, names));
        }
        if let Some(smallest) = part.smallest.filter(|smallest| *smallest > COARSE) {
            let text = format!(
                "the {}{of_part} would show a difference in {} of about {} points at best, with seeds without number: smaller \
                 ones cannot be found; a larger test part or `split.folds` helps",
                format::counted(part.images as usize, "test image"),
                study.headline.name,
                format::score(Unit::Share, smallest),
            );
            all.push(care("Coarse", text, vec![]));
        }
    }
}

fn leakage(study: &Study, all: &mut Vec<Finding>) {
    let leaks: Vec<_> = study.data.noticed.iter().filter(|noticed| noticed.fate == Fate::Leaks).collect();
    if !leaks.is_empty() {
        let groups = leaks.iter().map(|leak| leak.count as usize).sum();
        let text = format!(
            "{} of images that belong together stand in different parts, as the data gives them: what is tested on was seen in \
             training, and scores are too good. Give each group one part, or let another `split.method` divide",
            format::counted(groups, "group"),
        );
        all.push(bad("Leakage", text, leaks.into_iter().map(|leak| leak.message.clone()).collect()));
    }
}

fn unpaired(study: &Study, all: &mut Vec<Finding>) {
    let mut planned: HashMap<&str, BTreeSet<u64>> = HashMap::new();
    for run in &study.runs {
        planned.entry(&run.variant).or_default().insert(run.seed);
    }
    let fewer = |e: &Effect| {
        let planned = planned.get(e.row.variant.as_str()).map_or(0, BTreeSet::len);
        let is_fewer = (e.row.n_seeds as usize) < planned;
        is_fewer.then(|| format!("{} ({} of {planned})", e.row.variant, e.row.n_seeds))
    };
    let names: Vec<String> = answer::ranked(study, &study.headline).into_iter().filter_map(fewer).collect();
    if !names.is_empty() {
        let text =
            "compared on fewer seeds than planned, since runs of the variant or of its baseline are lacking";
        all.push(care("Fewer seeds", text.into(), names));
    }
}

fn few_seeds(study: &Study, all: &mut Vec<Finding>) {
    let n = seeds(study).len();
    if (1..FEW_SEEDS).contains(&n) {
        let text = match n {
            1 => "only 1 seed: the spread between seeds is unknown, so that luck and effect cannot be told apart".into(),
            _ => format!("only {n} seeds: the spread between seeds is hardly known; take the verdicts as provisional"),
        };
        all.push(care("Few seeds", text, vec![]));
    }
}

fn few_positives(study: &Study, all: &mut Vec<Finding>) {
    let tested =
        study.labels.iter().enumerate().filter_map(|(l, label)| Some((label, study.tested_positives(l)?)));
    let names: Vec<String> =
        tested.filter(|(_, n)| *n < FEW_POSITIVES).map(|(label, n)| format!("{label} ({n})")).collect();
    if !names.is_empty() {
        let text = format!(
            "labels with fewer than {FEW_POSITIVES} positive test images; their scores hang on single pictures"
        );
        all.push(care("Rare labels", text, names));
    }
}

fn seeds(study: &Study) -> BTreeSet<u64> {
    study.runs.iter().map(|r| r.seed).collect()
}
