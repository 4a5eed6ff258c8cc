//! `ablatrix check`: the spec and its data, the labels, the parts, the matrix. Trains nothing.

use serde_json::{Map, Value, json};

use super::args::{CheckArgs, OutputFormat};
use super::design::{design_json, print_design};
use super::facts::{Counts, Facts};
use super::render::{Failure, plain, wrapped};
use super::study::Study;
use super::{fits, hub, origins, print};
use crate::dataset::NoticeKind;
use crate::dataset::cooccurrence::{LEAST_FOR_LIFT, Pair};
use crate::dataset::{Cooccurrence, generate};
use crate::effects::verdict::MIN_POSITIVES;
use crate::report;
use crate::spec::settings::HeadlineMetric;

/// Labels up to which all pairs are shown, as a square table.
const MATRIX_LABELS: usize = 12;
/// Pairs that are shown otherwise, in each order.
const PAIRS: usize = 15;

/// Checks a spec, and its data as far as it is there.
///
/// # Errors
/// Rendered, with the exit code.
pub fn check(args: &CheckArgs) -> Result<u8, Failure> {
    origins::check_profiles(&args.spec)?;
    if args.origins {
        return origins::origins(&args.spec);
    }
    let args = &args.spec;
    let study = Study::open(args)?;
    study.check_weights(false)?;
    hub::ensure(&study, args.format == OutputFormat::Text, None)?;
    study.check_weights(true)?;
    study.check_cluster()?;
    study.tell_notices(args.format);
    let dataset = &study.plan.experiment.dataset;
    let made = dataset.generate.as_ref();
    let absent = made.is_some_and(|made| !generate::is_there(&dataset.images, made));
    let facts = if absent { None } else { Some(Facts::gather(&study)?) };
    let unchecked = fits::check(&study, facts.as_ref().map(|facts| facts.labels.labels.len()))?;
    match args.format {
        OutputFormat::Json => print_json(&study, facts.as_ref(), unchecked.as_deref()),
        OutputFormat::Text => {
            if let Some(why) = unchecked {
                let note = format!("note: whether the weights fit the network was not checked: {why}");
                print::err(&wrapped(&plain(&note)));
            }
            print_text(&study, facts.as_ref());
        }
    }
    Ok(0)
}

fn print_text(study: &Study, facts: Option<&Facts>) {
    let plan = &study.plan;
    let experiment = &plan.experiment;
    print::out(&match experiment.question.as_str() {
        "" => experiment.name.clone(),
        question => format!("{}: {}", experiment.name, plain(question)),
    });
    let folds = experiment.split.folds;
    let of_folds = if folds > 0 { format!(" x {folds} folds") } else { String::new() };
    let epochs = print::count(experiment.train.epochs as usize, "epoch");
    print::out(&format!(
        "{} x {}{of_folds} = {} of up to {epochs}; baseline `{}`\n",
        print::count(plan.variants.len(), "variant"),
        match experiment.adaptive {
            Some(adaptive) => format!("{} to {} seeds, so far", adaptive.min, adaptive.max),
            None => print::count(experiment.seeds.len(), "seed"),
        },
        print::count(plan.runs.len(), "run"),
        experiment.report.baseline
    ));
    print_design(&experiment.augment, &plan.variants);
    let Some(facts) = facts else {
        print::out("\nthe dataset is not there yet; `ablatrix run` draws it first");
        return;
    };
    print::out("");
    print::table(&label_rows(facts));
    if folds > 0 {
        print::out(&format!("counts of fold 0 of {folds}; each image is in the test part of one fold"));
    }
    print_pairs(facts);
    if !facts.notices.is_empty() {
        print::out("");
    }
    for leak in facts.leaks() {
        print::out(&wrapped(&format!("warning: leakage: {}", plain(&leak.message))));
    }
    if facts.leaks().next().is_some() {
        print::out(
            "  help: what is tested on is seen in training; give each group one part, or let another `split.method` divide",
        );
    }
    for notice in facts.notices.iter().filter(|notice| notice.kind != NoticeKind::Leakage) {
        print::out(&wrapped(&format!("note: {}", plain(&notice.message))));
    }
    print_test_part(study, facts);
    if let Some((text, parts)) = report::refusal(&facts.test_parts) {
        print::out(&format!("\nnote: {text}"));
        parts.iter().for_each(|part| print::out(&format!("  {}", plain(part))));
    }
    let trained = facts.balanced().rows();
    print::out(&format!(
        "\nwork: {} x {} x {epochs} = {} through the model, forward and back, at most",
        print::count(plan.runs.len(), "run"),
        print::count(trained as usize, "row"),
        print::count(trained as usize * plan.runs.len() * experiment.train.epochs as usize, "image")
    ));
}

/// What the test part can show, before anything is trained.
fn print_test_part(study: &Study, facts: &Facts) {
    let Some(part) = facts.test_parts.first().filter(|part| part.images > 0) else { return };
    let [metric, label_metric] = match study.plan.experiment.report.metric {
        HeadlineMetric::MapMacro => ["mAP", "AP"],
        HeadlineMetric::F1Macro => ["macro F1", "F1"],
    };
    if let Some(text) = report::at_best(part, metric, label_metric) {
        print::out(&format!("\nat best: {text}"));
    }
    let none = part.without_verdict();
    if !none.is_empty() {
        print::out(&wrapped(&format!(
            "warning: too small to decide: fewer than {MIN_POSITIVES} test images tell these labels apart, so that they get no \
             verdict, whatever the runs say: {}\n  help: give `split` a larger test part, or `folds`, which test on every image",
            plain(&none.join(", "))
        )));
    }
}

/// Positives of each label, and their share of the rows: in all images, in each part, and after balancing; and the least
/// difference that the test part would show.
fn label_rows(facts: &Facts) -> Vec<Vec<String>> {
    let columns = facts.columns();
    let row = |name: String, cell: &dyn Fn(&Counts) -> String| -> Vec<String> {
        std::iter::once(name).chain(columns.iter().map(|(_, counts)| cell(counts))).collect()
    };
    let head = std::iter::once("LABEL".into()).chain(columns.iter().map(|(name, _)| name.to_uppercase()));
    let power = facts.test_parts.first().map_or(&[][..], |part| &part.power);
    let mut rows = vec![head.chain(["AT BEST".to_owned()]).collect::<Vec<_>>()];
    for (label_idx, label) in facts.labels.labels.iter().enumerate() {
        let cell = |counts: &Counts| {
            let share = counts.share(label_idx).map(|share| format!(" ({:.1} %)", 100.0 * share));
            format!("{}{}", counts.positives(label_idx), share.unwrap_or_default())
        };
        let smallest = power.get(label_idx).and_then(|power| power.smallest);
        let at_best = smallest.map_or("no verdict".to_owned(), |smallest| format!("{:.1}", 100.0 * smallest));
        rows.push(row(plain(label), &cell).into_iter().chain([at_best]).collect());
    }
    rows.push(row("(rows)".into(), &|counts| counts.rows().to_string()));
    rows
}

/// Which labels images have together: all pairs of few labels, the strongest of many.
fn print_pairs(facts: &Facts) {
    let found = Cooccurrence::of(&facts.labels);
    let labels: Vec<String> = facts.labels.labels.iter().map(|label| plain(label)).collect();
    if labels.len() <= MATRIX_LABELS {
        print::out("\nimages with both labels (on the diagonal: with the label)");
        let mut rows = vec![std::iter::once(String::new()).chain(labels.iter().cloned()).collect::<Vec<_>>()];
        for (a, label) in labels.iter().enumerate() {
            let cells = (0..labels.len()).map(|b| found.together(a, b).to_string());
            rows.push(std::iter::once(label.clone()).chain(cells).collect());
        }
        print::table(&rows);
        return;
    }
    let show = |title: &str, pairs: &[Pair]| {
        print::out(&format!("\n{title}"));
        let mut rows = vec![["IMAGES", "LIFT", "LABEL", "AND LABEL"].map(String::from).to_vec()];
        rows.extend(pairs.iter().map(|pair| {
            let (first, second) = (labels[pair.first].clone(), labels[pair.second].clone());
            vec![pair.images.to_string(), format!("{:.2}", pair.lift), first, second]
        }));
        print::table(&rows);
    };
    show(&format!("pairs of labels that most images have (at most {PAIRS})"), &found.most_frequent(PAIRS));
    let title = format!(
        "pairs with a lift above 1 (times more images than if labels were independent) and at least {LEAST_FOR_LIFT} \
         images (at most {PAIRS})"
    );
    show(&title, &found.highest_lift(PAIRS));
}

fn print_json(study: &Study, facts: Option<&Facts>, unchecked: Option<&str>) {
    let value = json!({
        "experiment": *study.plan.experiment,
        "design": design_json(&study.plan.experiment.augment),
        "variants": study.plan.variants.iter().map(|variant| &variant.name).collect::<Vec<_>>(),
        "runs": study.plan.runs.iter().map(|run| &run.name).collect::<Vec<_>>(),
        "counts": facts.map(counts_json),
        "counts_of_fold": (study.plan.experiment.split.folds > 0).then_some(0),
        "cooccurrence": facts.map(pairs_json),
        "notices": facts.map(|facts| facts.notices.iter().map(|notice| &notice.message).collect::<Vec<_>>()),
        "leakage": facts.map(|facts| facts.leaks().map(|leak| &leak.message).collect::<Vec<_>>()),
        "test_parts": facts.map(|facts| &facts.test_parts),
        "not_compared": facts.and_then(|facts| Some(report::refusal(&facts.test_parts)?.0)),
        "spec_notices": study.notices(),
        "weights_not_checked": unchecked,
    });
    print::out(&value.to_string());
}

fn counts_json(facts: &Facts) -> Map<String, Value> {
    let labels = &facts.labels.labels;
    let by_label = |of: &dyn Fn(usize) -> Value| -> Map<String, Value> {
        labels.iter().enumerate().map(|(label_idx, label)| (label.clone(), of(label_idx))).collect()
    };
    let of = |(name, counts): (&str, Counts)| {
        let positives = by_label(&|label_idx| json!(counts.positives(label_idx)));
        let shares = by_label(&|label_idx| json!(counts.share(label_idx)));
        (name.to_owned(), json!({"rows": counts.rows(), "positives": positives, "shares": shares}))
    };
    facts.columns().into_iter().map(of).collect()
}

fn pairs_json(facts: &Facts) -> Value {
    let found = Cooccurrence::of(&facts.labels);
    let labels = &facts.labels.labels;
    let pair = |pair: &Pair| json!({"labels": [labels[pair.first], labels[pair.second]], "images": pair.images, "lift": pair.lift});
    let pairs = |pairs: Vec<Pair>| pairs.iter().map(pair).collect::<Vec<_>>();
    let all = || 0..labels.len();
    let matrix: Option<Vec<Vec<u64>>> = (labels.len() <= MATRIX_LABELS)
        .then(|| all().map(|a| all().map(|b| found.together(a, b)).collect()).collect());
    json!({
        "labels": labels,
        "images": matrix,
        "most_frequent": pairs(found.most_frequent(PAIRS)),
        "highest_lift": pairs(found.highest_lift(PAIRS)),
        "least_images_for_lift": LEAST_FOR_LIFT,
    })
}
