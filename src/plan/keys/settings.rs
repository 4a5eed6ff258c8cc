//! The settings that each stage reads, as they enter its key.
//!
//! Structs of the experiment are taken apart field by field, never with `..`: whoever adds a field decides here, for every stage
//! that reads the struct, whether it enters. What does not is named with `_`, and why. Structs that enter with all that they
//! hold are taken apart in `whole`.

use super::whole::whole;
use crate::fingerprint::Builder;
use crate::job::LIBTORCH;
use crate::plan::Stage;
use crate::spec::ops::{NamedOp, Op};
use crate::spec::settings::{
    Balance, BalanceMethod, Captures, Dataset, Device, Experiment, Explain, Format, Labels, LabelsFrom,
    Model, Module, Normalise, Precision, Split, SplitMethod, Train, Variant, Workers,
};

/// The settings that `stage` reads, as the beginning of its key. A fold enters where there are folds, and so leaves the keys
/// of studies without them alone.
pub fn settings(stage: Stage, variant: &Variant, seed: u64, fold: Option<u32>) -> Builder {
    let Variant {
        // Names are for people. What a point of the matrix changes stands in the experiment.
        name: _,
        arm: _,
        point: _,
        policy,
        experiment,
    } = variant;
    let Experiment {
        // For people; the report has them in a key of its own making, with the whole spec.
        name: _,
        question: _,
        report: _,
        // Runs have one seed each.
        seeds: _,
        adaptive: _,
        // Runs have one arm and one point each.
        augment: _,
        matrix: _,
        // A copy of results.
        tracking: _,
        dataset,
        labels,
        split,
        balance,
        images,
        model,
        train,
        evaluate,
        explain,
        workers,
    } = &**experiment;
    let key = Builder::new(stage.as_str(), stage.version());
    let key = match fold {
        Some(fold) => key.setting("fold", &fold),
        None => key,
    };
    match stage {
        Stage::Ingest | Stage::Scan => of_dataset(key, stage, dataset),
        Stage::Label => of_labels(key, labels),
        Stage::Split => of_split(key, split, labels, dataset),
        Stage::Balance => of_balance(key, balance),
        Stage::Pixels => key.setting("images", whole(images)),
        Stage::Regions => of_labels(key, labels).setting("images", whole(images)),
        Stage::Train => of_training(key, model, policy)
            .setting("train", whole(train))
            .setting("policy", &ops(policy))
            .setting("seed", &seed)
            .setting("device", &device(workers))
            .setting("libtorch", &LIBTORCH),
        Stage::Predict => {
            let (precision, deterministic) = of_use(train);
            of_network(key, model)
                .setting("train.precision", &precision)
                .setting("train.deterministic", &deterministic)
                .setting("device", &device(workers))
                .setting("libtorch", &LIBTORCH)
        }
        Stage::References | Stage::Evaluate => key.setting("evaluate", whole(evaluate)),
        Stage::Explain => {
            // Maps are made with 32-bit floats, whatever the precision of the training.
            let (_, deterministic) = of_use(train);
            of_explanation(of_network(key, model), explain, model)
                .setting("train.deterministic", &deterministic)
                .setting("device", &device(workers))
                .setting("libtorch", &LIBTORCH)
        }
        Stage::Report => key,
    }
}

/// What is read of a dataset beside its files, whose contents are inputs.
fn of_dataset(key: Builder, stage: Stage, dataset: &Dataset) -> Builder {
    let Dataset {
        format,
        // Files enter by their contents.
        annotations: _,
        images: _,
        check_images,
        bad_images,
        image_column,
        part_column,
        capture_column,
        label_column,
        label_separator,
        delimiter,
        same_file,
        // How files come to be there, not what they hold.
        fetch: _,
        generate: _,
    } = dataset;
    if stage == Stage::Scan {
        return key.setting("dataset.check_images", check_images).setting("dataset.bad_images", bad_images);
    }
    let key = key.setting("dataset.format", format);
    match format {
        Format::Csv | Format::Parquet => {
            let key = key
                .setting("dataset.image_column", image_column)
                .setting("dataset.part_column", part_column)
                .setting("dataset.capture_column", capture_column)
                .setting("dataset.label_column", label_column);
            // Settings that are not read must not make a result stale.
            let key = match label_column.as_str() {
                "" => key,
                _ => key.setting("dataset.label_separator", label_separator),
            };
            match format {
                Format::Csv => key.setting("dataset.delimiter", delimiter),
                _ => key,
            }
        }
        Format::Folders => key.setting("dataset.same_file", same_file),
        Format::Coco => key,
    }
}

/// What labels are made of.
fn of_labels(key: Builder, labels: &Labels) -> Builder {
    let Labels {
        sources,
        // Read where images are divided.
        min_positives: _,
    } = labels;
    // The order of groups is the order of columns: as pairs, since a JSON object has none.
    let from: Vec<_> = sources.iter().map(|source| source.from).collect();
    labels.tables().fold(key.setting("labels.from", &from), |key, (table, source)| {
        let LabelsFrom {
            // Above, for all sources together.
            from: _,
            unmapped,
            groups,
        } = source;
        let groups: Vec<_> = groups.iter().collect();
        key.setting(&format!("{table}.unmapped"), unmapped).setting(&format!("{table}.groups"), &groups)
    })
}

fn of_split(key: Builder, split: &Split, labels: &Labels, dataset: &Dataset) -> Builder {
    let Labels {
        // What labels are made of is seen in the table of labels, an input.
        sources: _,
        min_positives,
    } = labels;
    let Split {
        method,
        captures,
        near_duplicates,
        // Read where images are drawn, and there with all the others.
        train: _,
        val: _,
        test: _,
        folds: _,
        seed: _,
    } = split;
    let mut key = key.setting("labels.min_positives", min_positives);
    if *captures == Captures::Folder {
        // The folder of a class is no capture.
        key = key.setting("dataset.format", &dataset.format);
    }
    match method {
        // All images are for training: nothing else is asked.
        SplitMethod::None => key.setting("split.method", method),
        // The column says the shares, and nothing is drawn.
        SplitMethod::Column => key
            .setting("split.method", method)
            .setting("split.captures", captures)
            .setting("split.near_duplicates", near_duplicates),
        SplitMethod::Combination | SplitMethod::Iterative => key.setting("split", whole(split)),
    }
}

fn of_balance(key: Builder, balance: &Balance) -> Builder {
    let Balance { method, by, exponent, max_copies } = balance;
    let key = key.setting("balance.method", method);
    if *method == BalanceMethod::None {
        return key;
    }
    let key = key.setting("balance.by", by).setting("balance.exponent", exponent);
    match method {
        BalanceMethod::Oversample => key.setting("balance.max_copies", max_copies),
        _ => key,
    }
}

/// The network and its ops, where they are trained.
fn of_training(key: Builder, model: &Model, policy: &[NamedOp]) -> Builder {
    let Model {
        name,
        module,
        // By its content, an input.
        weights: _,
        freeze,
        unfreeze_after,
        normalise,
        head,
        dropout,
    } = model;
    let mut key = unusual(key, *normalise, module.as_ref());
    if policy.iter().any(|named| named.nth > 0) {
        let nth: Vec<_> = policy.iter().map(|named| named.nth).collect();
        key = key.setting("policy_nth", &nth);
    }
    if !freeze.is_none() && *unfreeze_after > 0 {
        key = key.setting("model.unfreeze_after", unfreeze_after);
    }
    key.setting("model.name", name)
        .setting("model.head", head)
        .setting("model.dropout", dropout)
        .setting("model.freeze", freeze)
}

/// The network, where it is used: its weights are the trained model, an input.
fn of_network(key: Builder, model: &Model) -> Builder {
    let Model {
        name,
        module,
        // Read by the training alone.
        weights: _,
        freeze: _,
        unfreeze_after: _,
        dropout: _,
        normalise,
        head,
    } = model;
    unusual(key, *normalise, module.as_ref()).setting("model.name", name).setting("model.head", head)
}

/// The settings of the network that reach both its training and its use, where they are not the usual ones.
fn unusual(mut key: Builder, normalise: Normalise, module: Option<&Module>) -> Builder {
    if normalise != Normalise::Auto {
        key = key.setting("model.normalise", &normalise);
    }
    if let Some(module) = module {
        let Module {
            // By its content, an input.
            path: _,
            gives,
        } = module;
        key = key.setting("model.gives", gives);
    }
    key
}

/// What of the training's settings reaches the use of its model: the precision, and whether a GPU gives the same bits each time.
fn of_use(train: &Train) -> (Precision, bool) {
    let Train {
        precision,
        deterministic,
        // They shape the weights, which are an input.
        epochs: _,
        batch_size: _,
        accumulate: _,
        shrink_batches: _,
        loss: _,
        optimizer: _,
        clip_norm: _,
        schedule: _,
        ema: _,
        early_stopping: _,
    } = train;
    (*precision, *deterministic)
}

/// The ops of a policy.
fn ops(policy: &[NamedOp]) -> Vec<&Op> {
    policy.iter().map(op).collect()
}

/// An op, with all that it holds.
fn op(named: &NamedOp) -> &Op {
    let NamedOp {
        // Names are for people: an op draws by its kind, and by its place among those of its kind.
        name: _,
        // Beside the ops, where there are several of a kind.
        nth: _,
        op,
    } = named;
    whole(op)
}

fn of_explanation(key: Builder, explain: &Explain, model: &Model) -> Builder {
    let Explain {
        method,
        layer,
        // How many are shown is the report's.
        images: _,
        faithfulness,
    } = explain;
    key.setting("explain.method", method)
        // By what it means: `auto` is the last layer.
        .setting("explain.layer", &model.name.layer(layer))
        .setting("explain.faithfulness", faithfulness)
}

/// The kind of device, alone of what is said of workers.
fn device(workers: &Workers) -> Device {
    let Workers {
        device,
        // What the spec wished; the device is what came of it.
        wish: _,
        // Who computes, how many at once and how patiently: results are the same. (Threads can change the last bits of
        // weights. They are a matter of the machine, and stand in the record of a result.)
        engine: _,
        slots: _,
        threads: _,
        runs_per_gpu: _,
        time_limit_minutes: _,
        hang_minutes: _,
        checkpoint_minutes: _,
        slurm: _,
    } = workers;
    *device
}
