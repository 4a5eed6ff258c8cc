//! The sections about rows and pictures: dataset, labels, split, balance, images.

use figment::value::Value;
use indexmap::IndexMap;

use super::fault::Fault;
use super::reader::Table;
use super::settings::{
    BadImages, Balance, BalanceBy, BalanceMethod, Dataset, Fetch, FetchSize, Fit, Format, Generate, Images,
    LabelSource, Labels, Split, SplitMethod, Unmapped,
};

/// Reads `[dataset]`.
pub fn dataset(root: &Table<'_>) -> Dataset {
    let table = root.table("dataset");
    let format =
        table.choice("format", &[("coco", Format::Coco), ("csv", Format::Csv), ("folders", Format::Folders)]);
    let settings = Dataset {
        format,
        annotations: table.path("annotations"),
        images: table.path("images"),
        check_images: table.flag("check_images"),
        bad_images: table.choice("bad_images", &[("error", BadImages::Error), ("skip", BadImages::Skip)]),
        image_column: table.text("image_column"),
        part_column: table.text("part_column"),
        fetch: fetch(table.table("fetch")),
        generate: table.optional_table("generate").map(generate),
    };
    let given = |path: &std::path::Path| !path.as_os_str().is_empty();
    if !given(&settings.images) {
        table.fault("images", Fault::new("`images` is missing in `[dataset]`: the folder with the images"));
    }
    if format != Format::Folders && !given(&settings.annotations) {
        table.fault(
            "annotations",
            Fault::new("`annotations` is missing in `[dataset]`: the COCO JSON or CSV file"),
        );
    }
    if settings.generate.is_some() {
        if format != Format::Coco {
            table.fault("format", Fault::new("a generated dataset has `format = \"coco\"`"));
        } else if settings.annotations != settings.images.join("annotations.json") {
            let fault =
                Fault::new("a generated dataset has its `annotations` at `annotations.json` in `images`");
            table.fault("annotations", fault);
        }
    }
    table.finish();
    settings
}

fn fetch(table: Table<'_>) -> Fetch {
    let size = table.choice("size", &[("original", FetchSize::Original), ("small", FetchSize::Small)]);
    table.finish();
    Fetch { size }
}

fn generate(table: Table<'_>) -> Generate {
    let table = table.with_choice(&["generate"]);
    let settings = Generate {
        images: table.integer("images", 1..=100_000) as u32,
        seed: table.integer("seed", 0..=i64::MAX) as u64,
        side: table.integer("side", 64..=2048) as u32,
    };
    table.finish();
    settings
}

/// Reads `[labels]`.
pub fn labels(root: &Table<'_>, format: Format) -> Labels {
    let table = root.table("labels");
    let from = table.choice(
        "from",
        &[
            ("category", LabelSource::Category),
            ("supercategory", LabelSource::Supercategory),
            ("scene", LabelSource::Scene),
            ("columns", LabelSource::Columns),
            ("folder", LabelSource::Folder),
        ],
    );
    let fits = match format {
        Format::Coco => !matches!(from, LabelSource::Columns | LabelSource::Folder),
        Format::Csv => from == LabelSource::Columns,
        Format::Folders => from == LabelSource::Folder,
    };
    if !fits {
        let (format, right) = match format {
            Format::Coco => ("coco", "`category`, `supercategory` or `scene`"),
            Format::Csv => ("csv", "`columns`"),
            Format::Folders => ("folders", "`folder`"),
        };
        let fault =
            Fault::new(format!("`from` does not fit `dataset.format = \"{format}\"`, expected {right}"));
        table.fault("from", fault);
    }
    let groups_table = table.table("groups");
    let mut groups = IndexMap::new();
    for name in groups_table.keys() {
        check_name(&groups_table, &name);
        let categories = groups_table.texts(&name);
        if categories.is_empty() {
            groups_table.fault(&name, Fault::new(format!("the group `{name}` has no categories")));
        }
        groups.insert(name, categories);
    }
    let unmapped = match table.text("unmapped").as_str() {
        "error" => Unmapped::Error,
        "ignore" => Unmapped::Ignore,
        group if groups.contains_key(group) => Unmapped::Group(group.to_owned()),
        other => {
            let fault = Fault::new(format!(
                "`unmapped` is `{other}`, expected `error`, `ignore` or one of the groups"
            ));
            table.fault("unmapped", fault);
            Unmapped::Error
        }
    };
    let min_positives = table.integer("min_positives", 0..=1_000_000) as u32;
    table.finish();
    Labels { from, unmapped, groups, min_positives }
}

/// A name that people, file names and MLflow can bear.
pub fn check_name(table: &Table<'_>, name: &str) {
    let what = if name.is_empty() {
        "is empty"
    } else if name.chars().count() > 100 {
        "has more than 100 characters"
    } else if name.chars().any(char::is_control) {
        "holds a control character"
    } else {
        return;
    };
    let cut: String = name.chars().take(40).collect();
    table.fault(name, Fault::new(format!("the name `{}` {what}", cut.escape_debug())));
}

/// Reads `[split]`.
pub fn split(root: &Table<'_>, dataset: &Dataset) -> Split {
    let table = root.table("split");
    let settings = Split {
        method: table.choice(
            "method",
            &[
                ("combination", SplitMethod::Combination),
                ("iterative", SplitMethod::Iterative),
                ("column", SplitMethod::Column),
            ],
        ),
        train: table.number("train", 0.0..=1.0),
        val: table.number("val", 0.0..=1.0),
        test: table.number("test", 0.0..=1.0),
        seed: table.integer("seed", 0..=i64::MAX) as u64,
    };
    let sum = settings.train + settings.val + settings.test;
    if settings.method != SplitMethod::Column {
        if (sum - 1.0).abs() > 1e-6 {
            let fault = Fault::new(format!("`train` + `val` + `test` is {sum}, expected 1"));
            table.fault("train", fault);
        }
        for (key, share) in [("train", settings.train), ("val", settings.val), ("test", settings.test)] {
            if share == 0.0 {
                let why = "weights are learned on `train`, epochs and thresholds chosen on `val`, variants compared on `test`";
                table.fault(key, Fault::new(format!("`{key}` is 0, so that part would be empty")).help(why));
            }
        }
    } else if dataset.part_column.is_empty() {
        let fault = Fault::new("`method = \"column\"` needs `part_column` in `[dataset]`");
        table.fault("method", fault);
    }
    table.finish();
    settings
}

/// Reads `[balance]`.
pub fn balance(root: &Table<'_>) -> Balance {
    let table = root.table("balance");
    let settings = Balance {
        method: table
            .choice("method", &[("none", BalanceMethod::None), ("oversample", BalanceMethod::Oversample)]),
        by: table.choice("by", &[("combination", BalanceBy::Combination), ("label", BalanceBy::Label)]),
        exponent: table.number("exponent", 0.0..=1.0),
    };
    table.finish();
    settings
}

/// Reads `[images]`.
pub fn images(root: &Table<'_>) -> Images {
    let table = root.table("images");
    let settings = Images {
        size: table.integer("size", 16..=1024) as u32,
        fit: table.choice("fit", &[("stretch", Fit::Stretch), ("crop", Fit::Crop), ("pad", Fit::Pad)]),
    };
    table.finish();
    settings
}

/// Reads `seeds`: how many, or a list.
pub fn seeds(root: &Table<'_>) -> Vec<u64> {
    match root.any("seeds") {
        Some(Value::Array(..)) => {
            let seeds = root.integers("seeds", 0..=i64::MAX);
            if seeds.is_empty() {
                root.fault("seeds", Fault::new("`seeds` is an empty list, expected at least one seed"));
            }
            let mut seen = Vec::new();
            for seed in seeds {
                if seen.contains(&(seed as u64)) {
                    root.fault("seeds", Fault::new(format!("`seeds` has {seed} twice")));
                } else {
                    seen.push(seed as u64);
                }
            }
            seen
        }
        _ => (1..=root.integer("seeds", 1..=1000) as u64).collect(),
    }
}
