//! The sections about rows and pictures: dataset, split, balance, images.

use super::fault::Fault;
use super::read_folds;
use super::reader::{Table, Takes, shown};
use super::settings::{
    BadImages, Balance, BalanceBy, BalanceMethod, Captures, Dataset, Fetch, FetchSize, Fit, Format, Generate,
    Images, SameFile, Split, SplitMethod,
};
use figment::value::Value;

/// The largest distance of photos that can be called nearly the same: from 62 bits on, different things on one ground are met.
const MOST_BITS: i64 = 63;

/// Reads `[dataset]`.
pub fn dataset(root: &Table<'_>) -> Dataset {
    let mut table = root.table("dataset");
    if !root.is_written("dataset") {
        // That it is missing has been said.
        table.pass_over();
    }
    let format = table.choice(
        "format",
        &[
            ("coco", Format::Coco),
            ("csv", Format::Csv),
            ("parquet", Format::Parquet),
            ("folders", Format::Folders),
        ],
    );
    let settings = Dataset {
        format,
        annotations: table.path("annotations"),
        images: table.path("images"),
        check_images: table.flag("check_images"),
        bad_images: table.choice("bad_images", &[("error", BadImages::Error), ("skip", BadImages::Skip)]),
        image_column: table.text("image_column"),
        part_column: table.text("part_column"),
        capture_column: table.text("capture_column"),
        label_column: table.text("label_column"),
        label_separator: table.text("label_separator"),
        delimiter: delimiter(&table),
        same_file: table
            .choice("same_file", &[("separate", SameFile::Separate), ("one_image", SameFile::OneImage)]),
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
            Fault::new("`annotations` is missing in `[dataset]`: the COCO JSON, CSV or Parquet file"),
        );
    }
    check_columns(&table, &settings);
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

/// The character between the fields of a CSV; `None` for `auto`.
fn delimiter(table: &Table<'_>) -> Option<char> {
    let text = table.text("delimiter");
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if c == '\t' || c.is_ascii_punctuation() && c != '"' || c == ' ' => Some(c),
        _ if text == "auto" => None,
        _ => {
            let fault = Fault::new(format!(
                "`delimiter` is `{}`, expected `auto` or one character",
                text.escape_debug()
            ));
            table.fault(
                "delimiter",
                fault.help("a tab is written \"\\t\"; letters, digits and `\"` are no delimiters"),
            );
            None
        }
    }
}

/// Faults columns that are to be two things at once, and a separator that separates nothing.
fn check_columns(table: &Table<'_>, settings: &Dataset) {
    if settings.label_separator.is_empty() {
        let fault =
            Fault::new("`label_separator` is empty, expected what stands between two labels, as in `|`");
        table.fault("label_separator", fault);
    }
    let columns = [
        ("image_column", &settings.image_column),
        ("part_column", &settings.part_column),
        ("label_column", &settings.label_column),
        ("capture_column", &settings.capture_column),
    ];
    for (idx, (key, column)) in columns.iter().enumerate().filter(|(_, (_, column))| !column.is_empty()) {
        if let Some((other, _)) = columns[..idx].iter().find(|(_, other)| other == column) {
            table.fault(
                key,
                Fault::new(format!("`{key}` and `{other}` are both `{column}`, expected two columns")),
            );
        }
    }
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
    let methods = [
        ("combination", SplitMethod::Combination),
        ("iterative", SplitMethod::Iterative),
        ("column", SplitMethod::Column),
        ("none", SplitMethod::None),
    ];
    let is_kfold = read_folds::is_kfold(&table);
    let mut settings = Split {
        method: if is_kfold { SplitMethod::Iterative } else { table.choice("method", &methods) },
        train: table.number("train", 0.0..=1.0),
        val: table.number("val", 0.0..=1.0),
        test: table.number("test", 0.0..=1.0),
        folds: read_folds::folds(&table),
        seed: table.integer("seed", 0..=i64::MAX) as u64,
        captures: captures(&table, dataset),
        near_duplicates: near_duplicates(&table).filter(|_| dataset.check_images),
    };
    let sum = settings.train + settings.val + settings.test;
    if settings.folds > 0 {
        read_folds::share_rest(&table, &mut settings);
    } else if settings.method == SplitMethod::None {
        // Shares of nothing.
    } else if settings.method != SplitMethod::Column {
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

fn captures(table: &Table<'_>, dataset: &Dataset) -> Captures {
    let choices = [("none", Captures::None), ("folder", Captures::Folder), ("column", Captures::Column)];
    let captures = table.choice("captures", &choices);
    if captures == Captures::Column && !matches!(dataset.format, Format::Csv | Format::Parquet) {
        let fault = Fault::new("`captures = \"column\"` needs `dataset.format = \"csv\"` or `\"parquet\"`");
        table.fault("captures", fault.help("other formats can tell captures by `\"folder\"`"));
    } else if captures == Captures::Column && dataset.capture_column.is_empty() {
        let fault = Fault::new("`captures = \"column\"` needs `capture_column` in `[dataset]`");
        table.fault("captures", fault);
    }
    captures
}

/// `"off"`, or a number of bits.
fn near_duplicates(table: &Table<'_>) -> Option<u32> {
    table.takes("near_duplicates", || vec![Takes::integer(&(0..=MOST_BITS)), Takes::names(["off"])]);
    match table.any("near_duplicates") {
        Some(Value::String(_, text)) if text == "off" => None,
        Some(Value::Num(..)) => Some(table.integer("near_duplicates", 0..=MOST_BITS) as u32),
        Some(value) => {
            let found = shown(&value);
            let fault =
                Fault::new(format!("`near_duplicates` is {found}, expected 0 to {MOST_BITS} or `off`"));
            table.fault("near_duplicates", fault);
            None
        }
        None => None,
    }
}

/// Reads `[balance]`.
pub fn balance(root: &Table<'_>) -> Balance {
    let table = root.table("balance");
    let settings = Balance {
        method: table.choice(
            "method",
            &[
                ("none", BalanceMethod::None),
                ("oversample", BalanceMethod::Oversample),
                ("loss_weights", BalanceMethod::LossWeights),
                ("sampler", BalanceMethod::Sampler),
            ],
        ),
        by: table.choice("by", &[("combination", BalanceBy::Combination), ("label", BalanceBy::Label)]),
        exponent: table.number("exponent", 0.0..=1.0),
        max_copies: table.integer("max_copies", 0..=10_000) as u32,
    };
    let uncopied = match settings.method {
        BalanceMethod::None | BalanceMethod::Oversample => None,
        BalanceMethod::LossWeights => Some("loss_weights"),
        BalanceMethod::Sampler => Some("sampler"),
    };
    if let (Some(method), 1..) = (uncopied, settings.max_copies) {
        let fault = Fault::new(format!(
            "`max_copies` is {} with `method = \"{method}\"`, which makes no copies; expected 0",
            settings.max_copies
        ));
        table.fault(
            "max_copies",
            fault.help("lower `exponent` to balance less, or use `method = \"oversample\"`"),
        );
    }
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
