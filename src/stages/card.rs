//! What the card of an exported run tells, out of its results and those of the runs beside it.

use super::error::StageError;
use super::report::{metric, told};
use super::trained::Trained;
use super::work::read_json;
use crate::export::{
    Card, Config, FORMAT, HIDDEN, LabelScores, Lines, Origin, Preprocessing, Score, Sibling,
};
use crate::fingerprint::Digest;
use crate::job::{LIBTORCH, TrainSummary, input};
use crate::metrics::catalogue;
use crate::plan::output;
use crate::report::Spread;
use crate::spec::settings::{BalanceMethod, Device, Experiment, Freeze, Precision, Weights};
use crate::tables;
use crate::tables::rows::{EffectRow, MetricRow, Part, Reference, ReferenceRow, SplitRow};

/// What only those who export know.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// How the run came to be exported; empty where somebody named it.
    pub chosen: String,
    /// By channel, as the network wants it.
    pub mean: [f32; 3],
    /// Likewise.
    pub std: [f32; 3],
    /// Of the module's logits from the network's own, at most.
    pub difference: f64,
    /// The table `effects`, where the study has one of all of its runs or of those that there are.
    pub effects: Vec<EffectRow>,
}

/// The metrics that stand behind the one that decides.
const OTHERS: [&str; 6] = [
    catalogue::MAP_MACRO,
    catalogue::F1_MACRO,
    catalogue::AUROC_MACRO,
    catalogue::SUBSET_ACCURACY,
    catalogue::HAMMING_LOSS,
    catalogue::LOG_LOSS,
];

/// Gathers the card of a run. `siblings`: the variant's other runs that are trained.
///
/// # Errors
/// Where a result is damaged.
pub fn card(of: &Trained, siblings: &[Trained], exported: Exported) -> Result<Card, StageError> {
    let (plan, run) = (of.results.plan, of.run);
    let variant = &plan.variants[run.variant];
    let experiment = &plan.nodes[run.train].variant.experiment;
    let record = of.evaluation()?;
    let labels: Vec<String> = record.labels.iter().map(|detail| detail.label.clone()).collect();
    let own = metrics(of)?;
    let beside: Vec<Vec<MetricRow>> = siblings.iter().map(metrics).collect::<Result<_, _>>()?;
    let references: Vec<ReferenceRow> =
        tables::read(&of.results.output_of(run.references, output::REFERENCES)?)?;
    let split: Vec<SplitRow> =
        tables::read(&of.results.output_of(of.results.input_node(run.train, input::SPLIT), output::SPLIT)?)?;
    let fold = run.fold.unwrap_or(0);
    let n_images = [Part::Train, Part::Val, Part::Test]
        .map(|part| split.iter().filter(|row| row.fold == fold && row.part == part).count());
    let headline = experiment.report.metric.as_str();
    let scores = std::iter::once(headline).chain(OTHERS.into_iter().filter(|name| *name != headline));
    let of_label = |label: &String| {
        let value = |name: &str| find(&own, Some(label), name);
        LabelScores {
            n_positives: value(catalogue::N_POSITIVES) as u64,
            ap: value(catalogue::AP),
            f1: value(catalogue::F1),
            precision: value(catalogue::PRECISION),
            recall: value(catalogue::RECALL),
            prevalence: value(catalogue::PREVALENCE),
        }
    };
    let precision = experiment.train.precision;
    Ok(Card {
        question: plan.experiment.question.clone(),
        variant: variant.name.clone(),
        n_images,
        scores: scores.map(|name| score(name, &own, &beside, &references, fold)).collect(),
        siblings: siblings
            .iter()
            .zip(&beside)
            .map(|(of, rows)| Sibling { run: of.run.name.clone(), value: find(rows, None, headline) })
            .collect(),
        labels: labels.iter().map(of_label).collect(),
        effect: exported
            .effects
            .into_iter()
            .find(|row| row.label.is_none() && row.metric == headline && row.variant == variant.name),
        flags: (record.flags.iter().map(told))
            .chain(record.undefined.iter().map(|undefined| undefined.sentence()))
            .collect(),
        training: training(of, experiment)?,
        difference: exported.difference,
        predicted_in: (precision == Precision::Bf16).then(|| "bfloat16".to_owned()),
        chosen: exported.chosen,
        config: Config {
            ablatrix_export: FORMAT,
            origin: origin(of, &of.results.entries[&run.train].key),
            thresholds: record.thresholds.values.clone(),
            calibration: Lines::of(&record.calibration, labels.len()),
            preprocessing: Preprocessing::new(
                experiment.images.size,
                experiment.images.fit,
                exported.mean,
                exported.std,
            ),
            input: format!(
                "pictures, float32 [N, 3, {side}, {side}], RGB, normalised; any N",
                side = experiment.images.size
            ),
            output: format!("logits, float32 [N, {}]", labels.len()),
            labels,
        },
    })
}

fn origin(of: &Trained, key: &Digest) -> Origin {
    let (plan, run) = (of.results.plan, of.run);
    let model = &plan.nodes[run.train].variant.experiment.model;
    Origin {
        study: plan.experiment.name.clone(),
        run: run.name.clone(),
        architecture: model.name.name().to_owned(),
        elsewhere: model.name.elsewhere().map(|(library, name)| [library, name].map(str::to_owned)),
        fingerprint: key.to_string(),
        ablatrix: env!("CARGO_PKG_VERSION").to_owned(),
        libtorch: LIBTORCH.to_owned(),
    }
}

fn metrics(of: &Trained) -> Result<Vec<MetricRow>, StageError> {
    Ok(tables::read(&of.results.output_of(of.run.evaluate, output::METRICS)?)?)
}

fn find(rows: &[MetricRow], label: Option<&str>, metric: &str) -> f64 {
    let row = rows.iter().find(|row| row.label.as_deref() == label && row.metric == metric);
    row.map_or(f64::NAN, |row| row.value)
}

fn score(
    name: &'static str,
    own: &[MetricRow],
    beside: &[Vec<MetricRow>],
    references: &[ReferenceRow],
    fold: u32,
) -> Score {
    let value = find(own, None, name);
    let all = std::iter::once(value).chain(beside.iter().map(|rows| find(rows, None, name)));
    // By run: a spread does not ask which seeds they are.
    let spread = Spread { values: (0..).zip(all).filter(|(_, value)| value.is_finite()).collect() };
    let constant = |reference: Reference| {
        let row = references.iter().find(|row| {
            row.reference == reference && row.fold == fold && row.label.is_none() && row.metric == name
        });
        row.map_or(f64::NAN, |row| row.value)
    };
    Score {
        metric: metric(name),
        value,
        of_variant: (spread.mean(), spread.sd()),
        constant: [Reference::ConstantAnswer, Reference::LabelPrior].map(constant),
    }
}

/// Names and values, for people who ask what it was trained with.
fn training(of: &Trained, experiment: &Experiment) -> Result<Vec<(String, String)>, StageError> {
    let (plan, run) = (of.results.plan, of.run);
    let summary: TrainSummary = read_json(&of.results.output_of(run.train, output::SUMMARY)?)?;
    let (model, train) = (&experiment.model, &experiment.train);
    let json = |value: serde_json::Value| value.to_string();
    let policy = crate::augment::describe(&plan.nodes[run.train].variant.policy);
    let mut facts = vec![
        (
            "initial weights",
            match &model.weights {
                Weights::None => "random".to_owned(),
                // The place on somebody's disk is nobody else's business.
                Weights::Path(path) => {
                    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
                }
                Weights::Hub(hub) => hub.to_string(),
            },
        ),
        ("augmentation", if policy.is_empty() { "none".to_owned() } else { policy }),
        (
            "epochs",
            format!(
                "{} of {}; the weights of epoch {}",
                summary.epochs_run, summary.epochs_planned, summary.best_epoch
            ),
        ),
        ("batch", format!("{} x {}", train.batch_size, train.accumulate)),
        ("loss", json(serde_json::json!(train.loss))),
        ("optimizer", json(serde_json::json!(train.optimizer))),
        ("learning rate", json(serde_json::json!(train.schedule))),
        ("number format", json(serde_json::json!(train.precision)).replace('"', "")),
        ("seed", run.seed.to_string()),
    ];
    if !model.head.is_empty() {
        facts.push((HIDDEN, model.head.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")));
    }
    if !model.freeze.is_none() {
        facts.push((
            "not trained",
            match &model.freeze {
                Freeze::Share(share) => format!("the leading {share} of the layers"),
                Freeze::Names(names) => names.join(", "),
            },
        ));
    }
    if experiment.balance.method != BalanceMethod::None {
        facts.push(("balance", json(serde_json::json!(experiment.balance.method)).replace('"', "")));
    }
    if train.ema > 0.0 {
        facts.push(("moving average of the weights", train.ema.to_string()));
    }
    if experiment.workers.device == Device::Cuda {
        facts.push(("trained on", Device::Cuda.as_str().to_owned()));
    }
    if let Some(fold) = run.fold {
        facts.push(("fold", fold.to_string()));
    }
    facts.push(("parameters", format!("{} of {} trained", summary.trained_parameters, summary.parameters)));
    Ok(facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Runs of one variant with its results, but for one.
pub fn siblings<'a>(of: &Trained<'a>) -> Vec<Trained<'a>> {
    let results = of.results;
    let others =
        results.plan.runs.iter().filter(|run| run.variant == of.run.variant && run.name != of.run.name);
    others.filter_map(|run| Trained::of(results.plan, results.entries, results.store, run)).collect()
}
