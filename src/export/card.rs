//! The model card: what the model is, how good it is and beside what, how it was made, and what it is not.
//!
//! After Mitchell et al., "Model cards for model reporting", 2019. All names (labels, studies, files) are foreign text and
//! are escaped.

use std::fmt::Write;

use super::config::Config;
use super::file;
use crate::report::{Metric, escaped, format};
use crate::tables::rows::EffectRow;

/// What the card tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// What programs read.
    pub config: Config,
    /// What the study wanted to know.
    pub question: String,
    /// The run's variant.
    pub variant: String,
    /// How the run came to be exported: `the best of 6 runs by mAP on validation`; empty where somebody named it.
    pub chosen: String,
    /// Images to train on, of validation, of the test part.
    pub n_images: [usize; 3],
    /// Over all labels, on the test part; the metric that decides first.
    pub scores: Vec<Score>,
    /// The variant's other seeds and folds with results.
    pub siblings: Vec<Sibling>,
    /// Label by label.
    pub labels: Vec<LabelScores>,
    /// What the variant does to the metric that decides, measured against its baseline by the study.
    pub effect: Option<EffectRow>,
    /// What is wrong with the run, or should be known, in sentences.
    pub flags: Vec<String>,
    /// How it was trained: names and values.
    pub training: Vec<(String, String)>,
    /// The largest difference of a logit of the module from the one that the study computed.
    pub difference: f64,
    /// The number format that the study predicted in, where it was not that of the module.
    pub predicted_in: Option<String>,
}

/// A metric over all labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// The metric.
    pub metric: Metric,
    /// Of this run; NaN where it is not defined.
    pub value: f64,
    /// Mean and deviation over all runs of the variant.
    pub of_variant: (f64, Option<f64>),
    /// Of what says the same of every photo: the most frequent answer, and the label's shares as probabilities.
    pub constant: [f64; 2],
}

/// Another run of the variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Sibling {
    /// Its name.
    pub run: String,
    /// Its value of the metric that decides.
    pub value: f64,
}

/// One label on the test part.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelScores {
    /// Photos with it.
    pub n_positives: u64,
    /// Average precision; NaN where it is not defined, as below.
    pub ap: f64,
    /// At the threshold.
    pub f1: f64,
    /// At the threshold.
    pub precision: f64,
    /// At the threshold.
    pub recall: f64,
    /// Share of photos with it: the average precision of saying the same of each.
    pub prevalence: f64,
}

/// The card as Markdown.
pub fn card_md(card: &Card) -> String {
    let mut text = String::new();
    // Lines for the Hugging Face hub; a licence is for the owner to say.
    text.push_str(
        "---\nlibrary_name: pytorch\npipeline_tag: image-classification\ntags:\n- multi-label\n---\n\n",
    );
    head(card, &mut text);
    usage(card, &mut text);
    scores(card, &mut text);
    labels(card, &mut text);
    limits(card, &mut text);
    making(card, &mut text);
    text
}

fn head(card: &Card, text: &mut String) {
    let origin = &card.config.origin;
    let labels: Vec<String> = card.config.labels.iter().map(|label| escaped(label)).collect();
    let [train, val, test] = card.n_images.map(|n| format::count(n as u64));
    let _ = write!(
        text,
        "# {}\n\nA network (`{}`) that says which of {} a photo shows: {}. Each is answered for itself; a photo may have several, or \
         none.\n\nIt is the run `{}` of the study `{}`, trained on {train} images, with thresholds from {val} others and tested on {test} that \
         neither saw.{}",
        escaped(&origin.study),
        origin.architecture,
        format::counted(card.config.labels.len(), "label"),
        labels.join(", "),
        ticked(&origin.run),
        ticked(&origin.study),
        if card.chosen.is_empty() { String::new() } else { format!(" It was exported as {}.", card.chosen) },
    );
    if !card.question.is_empty() {
        let _ = write!(text, " The study asked: *{}*", escaped(&card.question));
    }
    text.push_str("\n\n**Licence:** not stated. Whoever passes this model on should say under which terms, also those of the \
                   photos and of the initial weights.\n");
}

fn usage(card: &Card, text: &mut String) {
    let Config { preprocessing, origin, input, output, .. } = &card.config;
    let _ = write!(
        text,
        "\n## Use\n\n```sh\npip install torch pillow\npython {} photo.jpg     # each label's probability; * where it is at or above the \
         threshold\n```\n\n| file | |\n|---|---|\n| `{}` | the network with its weights, as TorchScript: `torch.jit.load`. Takes {input}; gives \
         {output}. |\n| `{}` | the weights alone{} |\n| `{}` | labels, thresholds, calibration, preprocessing |\n| `{}` | a loader of a few \
         lines |\n| `{}` | `sha256sum -c {}` checks the files |\n",
        file::LOADER,
        file::MODULE,
        file::WEIGHTS,
        elsewhere(card),
        file::CONFIG,
        file::LOADER,
        file::SUMS,
        file::SUMS,
    );
    let _ = write!(
        text,
        "\nA photo is turned upright by its EXIF orientation, made RGB, brought to {side} x {side} pixels (`{}`{}), divided by 255 and normalised by \
         mean {:?} and deviation {:?}. Probabilities are `sigmoid(slope * logit + shift)` with the numbers of `{}`; a label is said from its \
         threshold on.\n\nThe module's logits equal those of Ablatrix to {:.1e} on the same pixels.{} Pixels may differ by one level of 255, since libraries \
         round differently when they decode JPEG and resize; the logits then differ by hundredths, now and then by a tenth. Transparent pixels count as \
         black in Ablatrix.\n",
        preprocessing.pillow,
        preprocessing.torchvision.as_ref().map(|same| format!("; torchvision: `{same}`")).unwrap_or_default(),
        preprocessing.mean,
        preprocessing.std,
        file::CONFIG,
        card.difference.max(1e-7),
        card.predicted_in.as_ref().map_or(String::new(), |format| format!(
            " (In 32-bit floats: the study's own predictions were made in {format}, and differ by more.)"
        )),
        side = preprocessing.side,
    );
    if let Some([library, name]) = &origin.elsewhere {
        // See `docs/reference/models.md`.
        let but = if library == "torchvision" {
            ", which cuts its logits at 0 where this one does not"
        } else {
            ""
        };
        let _ = write!(text, "\nTensors have the names of {library}'s `{name}`{but}.\n");
    }
}

fn elsewhere(card: &Card) -> String {
    let has_hidden = card.training.iter().any(|(name, _)| name == HIDDEN);
    match &card.config.origin.elsewhere {
        Some([library, name]) if library == "timm" && !has_hidden => format!(
            ": `timm.create_model(\"{name}\", num_classes={})`, then `load_state_dict(safetensors.torch.load_file(...))`",
            card.config.labels.len()
        ),
        _ => String::new(),
    }
}

/// The fact that a model has layers between features and logits, which no library knows.
pub const HIDDEN: &str = "hidden layers of the head";

fn scores(card: &Card, text: &mut String) {
    let n_runs = card.siblings.len() + 1;
    let _ = write!(
        text,
        "\n## Scores on the test part\n\nShares times 100. *All runs* is the mean ± standard deviation over {} of the variant `{}`. The constants say the same \
         of every photo: the most frequent answer, and the labels' shares of the training images as probabilities. A model that does not \
         clearly do better has learned nothing.\n\n| metric | this run | all runs | most frequent answer | shares of labels |\n|---|---|---|---|---|\n",
        format::counted(n_runs, "run"),
        ticked(&card.variant),
    );
    for score in &card.scores {
        let (unit, (mean, sd)) = (score.metric.unit, score.of_variant);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            escaped(&score.metric.name),
            format::score(unit, score.value),
            format::spread(unit, mean, sd),
            format::score(unit, score.constant[0]),
            format::score(unit, score.constant[1]),
        );
    }
    if let (Some(effect), Some(Score { metric, .. })) = (&card.effect, card.scores.first()) {
        let _ = write!(
            text,
            "\nBeside its baseline `{}` the variant `{}` changes {} by {} points, 95 % interval {}, over {}: {}.\n",
            ticked(&effect.baseline),
            ticked(&effect.variant),
            escaped(&metric.name),
            format::delta(metric.unit, effect.delta),
            format::interval(metric.unit, effect.low, effect.high),
            format::counted(effect.n_seeds as usize, "seed"),
            effect.verdict,
        );
    }
    if !card.flags.is_empty() {
        text.push_str("\n**Be careful:**\n\n");
        for flag in &card.flags {
            let _ = writeln!(text, "- {}", escaped(flag));
        }
    }
}

fn labels(card: &Card, text: &mut String) {
    text.push_str(
        "\n## Label by label\n\nAP is the average precision, to be compared with the share: that of saying the same of every photo. Precision, \
         recall and F1 are at the threshold.\n\n| label | test photos | share | AP | threshold | precision | recall | F1 |\n|---|---|---|---|---|---|---|---|\n",
    );
    let share = |value: f64| format::score(crate::report::Unit::Share, value);
    let named = card.config.labels.iter().zip(&card.config.thresholds).zip(&card.labels);
    for ((label, threshold), scores) in named {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {threshold:.3} | {} | {} | {} |",
            escaped(label),
            format::count(scores.n_positives),
            share(scores.prevalence),
            share(scores.ap),
            share(scores.precision),
            share(scores.recall),
            share(scores.f1),
        );
    }
}

fn limits(card: &Card, text: &mut String) {
    let test = format::count(card.n_images[2] as u64);
    let _ = write!(
        text,
        "\n## Limits\n\n- The scores are of {test} photos of the same collection. On others (another camera, place or time) they will mostly be lower.\n- \
         Thresholds and calibration fit the share of each label in that collection; where labels are rarer or more frequent, tune them anew.\n- A \
         photo of none of the labels' things gets some answer too.\n- What the labels mean is what the annotations of the collection mean by them.\n"
    );
    let labels = card.config.labels.iter().zip(&card.labels);
    let few: Vec<String> = labels
        .filter(|(_, scores)| scores.n_positives < FEW)
        .map(|(label, scores)| format!("{} ({})", escaped(label), scores.n_positives))
        .collect();
    if !few.is_empty() {
        let _ = writeln!(
            text,
            "- Fewer than {FEW} test photos have {}: the scores of these labels say little.",
            few.join(", ")
        );
    }
}

/// Test photos with a label below which its scores say little.
const FEW: u64 = 20;

fn making(card: &Card, text: &mut String) {
    let origin = &card.config.origin;
    text.push_str("\n## How it was trained\n\n| | |\n|---|---|\n");
    for (name, value) in &card.training {
        let _ = writeln!(text, "| {} | {} |", escaped(name), escaped(value));
    }
    let _ = write!(
        text,
        "\nBy Ablatrix {} with libtorch {}; the training's fingerprint is `{}`.\n",
        escaped(&origin.ablatrix),
        escaped(&origin.libtorch),
        origin.fingerprint,
    );
}

/// A name between backticks, which nothing escapes in Markdown.
fn ticked(name: &str) -> String {
    name.chars().map(|c| if c == '`' || c.is_control() { '\'' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{FORMAT, Lines, Origin, Preprocessing};
    use super::*;
    use crate::report::Unit;
    use crate::spec::settings::Fit;

    fn card() -> Card {
        let label = |n_positives| LabelScores {
            n_positives,
            ap: 0.75,
            f1: 0.5,
            precision: 0.4,
            recall: f64::NAN,
            prevalence: 0.25,
        };
        Card {
            config: Config {
                ablatrix_export: FORMAT,
                origin: Origin {
                    study: "bins`".into(),
                    run: "flip/seed=2".into(),
                    architecture: "resnet18".into(),
                    elsewhere: Some(["timm".into(), "resnet18".into()]),
                    fingerprint: "ab".repeat(32),
                    ablatrix: "0.1.0".into(),
                    libtorch: "2.11.0".into(),
                },
                labels: vec!["glass|<b>".into(), "metal".into()],
                thresholds: vec![0.5, 0.125],
                calibration: Lines { slope: vec![1.0; 2], shift: vec![0.0; 2] },
                preprocessing: Preprocessing::new(96, Fit::Pad, [0.5; 3], [0.5; 3]),
                input: "pictures".into(),
                output: "logits".into(),
            },
            question: "Which *bin*?".into(),
            variant: "flip".into(),
            chosen: String::new(),
            n_images: [1000, 100, 200],
            scores: vec![Score {
                metric: Metric {
                    metric: "map_macro".into(),
                    name: "mAP".into(),
                    meaning: String::new(),
                    higher_is_better: true,
                    unit: Unit::Share,
                },
                value: 0.8125,
                of_variant: (0.8, Some(0.0125)),
                constant: [0.25, 0.26],
            }],
            siblings: vec![Sibling { run: "flip/seed=1".into(), value: 0.7875 }],
            labels: vec![label(50), label(7)],
            effect: Some(EffectRow {
                variant: "flip".into(),
                baseline: "none".into(),
                label: None,
                metric: "map_macro".into(),
                delta: 0.012,
                low: -0.004,
                high: 0.028,
                p_adjusted: 0.2,
                n_seeds: 2,
                verdict: "not enough evidence".into(),
            }),
            flags: vec!["stopped at the last epoch".into()],
            training: vec![("optimizer".into(), "{\"name\":\"adam\"}".into())],
            difference: 3e-7,
            predicted_in: None,
        }
    }

    #[test]
    fn a_card_tells_scores_beside_constants_and_its_limits() {
        let text = card_md(&card());
        for part in [
            "| mAP | 81.2 | 80.0 ± 1.2 | 25.0 | 26.0 |",
            "changes mAP by +1.2 points, 95 % interval [−0.4, +2.8], over 2 seeds: not enough evidence.",
            "| metal | 7 | 25.0 | 75.0 | 0.125 | 40.0 | – | 50.0 |",
            "- Fewer than 20 test photos have metal (7): the scores of these labels say little.",
            "ImageOps.pad(photo, (96, 96), Image.BILINEAR)",
            "timm.create_model(\"resnet18\", num_classes=2)",
            "**Licence:** not stated",
            "- stopped at the last epoch",
        ] {
            assert!(text.contains(part), "`{part}` is not in\n{text}");
        }
    }

    #[test]
    fn no_name_becomes_markup() {
        let text = card_md(&card());
        assert!(text.contains("glass\\|\\<b\\>") && !text.contains("glass|<b>"), "{text}");
        assert!(text.contains("the study `bins'`") && text.contains("*Which \\*bin\\*?*"), "{text}");
    }

    #[test]
    fn a_head_of_its_own_is_in_no_library() {
        let mut card = card();
        card.training.push((HIDDEN.to_owned(), "512".to_owned()));
        assert!(!card_md(&card).contains("create_model"));
    }
}
