//! The words of a first spec.

use std::fmt::Write;

use crate::dataset::image_labels::guess::Guess;
use crate::effects::verdict::MIN_POSITIVES;
use crate::tables::rows::LabelTable;

/// TACO's categories as the materials of the TACO_MJS study.
const TACO_GROUPS: &str = include_str!("taco_groups.toml");

/// The share of the images that are tested on.
const TEST: f64 = 0.15;

/// Images of a label that three parts can share, with images that must stay together.
const LEAST_FOR_PARTS: usize = 30;

/// Where the data lies, as the spec is to say it.
pub enum Data {
    /// Ablatrix draws it.
    Generated,
    /// A folder for each label.
    Folders {
        /// The folder of the folders.
        images: String,
    },
    /// A table of labels.
    Csv {
        /// The table.
        annotations: String,
        /// The folder of the pictures.
        images: String,
        /// Its columns.
        guess: Guess,
    },
    /// COCO JSON.
    Coco {
        /// The file.
        annotations: String,
        /// The folder of the pictures.
        images: String,
        /// Labels are the groups of the categories.
        by_group: bool,
    },
    /// TACO.
    Taco {
        /// The folder of its `annotations.json`.
        folder: String,
    },
}

/// How many images there are of each label.
pub struct Labels {
    /// Images in all.
    pub images: usize,
    /// In the dataset's order.
    pub of: Vec<(String, usize)>,
}

impl Labels {
    /// Of a table.
    pub fn count(table: &LabelTable) -> Self {
        let n = table.labels.len();
        let has = |at: usize| table.positives.iter().skip(at).step_by(n).filter(|has| **has).count();
        let of = table.labels.iter().enumerate().map(|(at, label)| (label.clone(), has(at))).collect();
        Labels { images: table.image_ids.len(), of }
    }

    /// Labels of which too few images would be tested on for a verdict.
    fn rare(&self) -> Vec<&str> {
        let is_rare = |n: usize| (n as f64 * TEST) < MIN_POSITIVES as f64;
        self.of.iter().filter(|(_, n)| is_rare(*n)).map(|(label, _)| label.as_str()).collect()
    }

    /// Whether some label is so rare that a part may have none of it.
    fn may_lack_in_a_part(&self) -> bool {
        self.of.iter().any(|(_, n)| *n < LEAST_FOR_PARTS)
    }

    /// Whether each image has one label and no image has two, as far as counts can tell.
    fn are_classes(&self) -> bool {
        self.of.iter().map(|(_, n)| n).sum::<usize>() == self.images
    }
}

/// The spec; with what is known of its labels, where they were counted.
pub fn spec(name: &str, data: &Data, labels: Option<&Labels>) -> String {
    let mut out = String::new();
    let mut add = |text: &str| out.push_str(text);
    add(&format!(
        "# An augmentation study. `ablatrix check`, `preview` and `run` take this file; every key is explained in docs/reference/spec.md.\n\
         name     = {}\n\
         # What the study is to answer; it stands on top of the report.\n\
         question = \"Which augmentations help?\"\n\
         # Each variant is trained once with each seed. More seeds make narrower intervals: 3 are a look, 5 to 10 a result.\n\
         seeds    = 3\n\n",
        text(name)
    ));
    add(&dataset(data));
    add(&label_section(data, labels));
    add(&split(data, labels));
    add(TRAINING);
    out
}

fn dataset(data: &Data) -> String {
    match data {
        Data::Generated => "# Litter scenes that Ablatrix draws on the first run. For data of your own: `ablatrix init --from folders DIR`, or `csv FILE`, \
             `coco FILE`.\n\
             [dataset]\nformat      = \"coco\"\nannotations = \"generated/scenes/annotations.json\"\nimages      = \"generated/scenes\"\n\
             [dataset.generate]\nimages = 600\nseed   = 1\nside   = 192\n\n"
            .to_owned(),
        Data::Folders { images } => format!(
            "[dataset]\n# One folder for each label.\nformat = \"folders\"\nimages = {}\n\n",
            text(images)
        ),
        Data::Csv { annotations, images, guess } => {
            let mut out = format!(
                "[dataset]\nformat       = \"csv\"\nannotations  = {}\n# The folder that names in the table are relative to.\nimages       = {}\n\
                 image_column = {}\n",
                text(annotations),
                text(images),
                text(&guess.image_column)
            );
            if !guess.part_column.is_empty() {
                let _ = writeln!(out, "part_column  = {}", text(&guess.part_column));
            }
            if !guess.label_column.is_empty() {
                let _ = writeln!(
                    out,
                    "# All labels of an image stand in one column.\nlabel_column    = {}\nlabel_separator = {}",
                    text(&guess.label_column),
                    text(&guess.separator)
                );
            }
            out + "\n"
        }
        Data::Coco { annotations, images, .. } => format!(
            "[dataset]\nformat      = \"coco\"\nannotations = {}\nimages      = {}\n\n",
            text(annotations),
            text(images)
        ),
        Data::Taco { folder } => {
            let file = format!("{}/annotations.json", folder.trim_end_matches('/'));
            format!(
                "# TACO (Proença and Simões 2020). Photos that are not there yet: `ablatrix data fetch` on this file downloads them.\n\
                 [dataset]\nformat      = \"coco\"\nannotations = {}\nimages      = {}\n\n",
                text(&file),
                text(folder)
            )
        }
    }
}

fn label_section(data: &Data, labels: Option<&Labels>) -> String {
    let from = match data {
        Data::Folders { .. } => "folder",
        Data::Csv { .. } => "columns",
        Data::Coco { by_group: true, .. } => "supercategory",
        Data::Coco { .. } | Data::Taco { .. } | Data::Generated => "category",
    };
    let mut out = String::from("[labels]\n");
    if let Some(labels) = labels {
        let mut found = labels.of.clone();
        found.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        let listed: Vec<String> = found.iter().map(|(label, n)| format!("{} {n}", comment(label))).collect();
        let _ = writeln!(out, "# Of {} images: {}.", labels.images, listed.join(", "));
    }
    let _ = writeln!(out, "from = \"{from}\"");
    if labels.is_some_and(Labels::may_lack_in_a_part) {
        out.push_str(
            "# A part may lack a rare label, which is then left out of averages there.\nmin_positives = 0\n",
        );
    }
    match data {
        Data::Taco { .. } | Data::Generated => {
            let _ = writeln!(
                out,
                "unmapped = \"error\"\n# The six materials of the TACO_MJS study.\n{}",
                TACO_GROUPS.trim_end()
            );
        }
        _ => out.push_str(
            "# Labels can gather several names, in a table `[labels.groups]`: metal = [\"can\", \"foil\"]\n",
        ),
    }
    out + "\n"
}

fn split(data: &Data, labels: Option<&Labels>) -> String {
    if let Data::Csv { guess, .. } = data
        && !guess.part_column.is_empty()
    {
        return "[split]\n# The table says which image is trained on, chosen by, and tested on.\nmethod = \"column\"\n\n".to_owned();
    }
    let method = match labels {
        Some(labels) if labels.are_classes() => "combination",
        _ => "iterative",
    };
    let mut out = format!(
        "[split]\n# Every part has its share of each label. Photos that look nearly the same stay in one part.\nmethod = \"{method}\"\n\
         train  = 0.70\nval    = 0.15\ntest   = {TEST:.2}\nseed   = 42\n"
    );
    let rare = labels.map(Labels::rare).unwrap_or_default();
    if !rare.is_empty() {
        let rare: Vec<String> = rare.into_iter().map(comment).collect();
        let _ = writeln!(
            out,
            "# Fewer than {MIN_POSITIVES} test images would have these labels, which then get no verdict: {}.\n\
             # `folds = 5` instead of `test` tests on every image, in five times the runs.",
            rare.join(", ")
        );
    }
    out + "\n"
}

const TRAINING: &str = r#"[images]
# Side of the pictures in pixels. Larger ones show smaller things, and take longer: time grows with its square.
size = 96

[model]
name = "mobilenet_v3_small"
# Trained from nothing. Weights of ImageNet learn faster and better, and are fetched once from the Hugging Face hub:
# weights = "hf:timm/mobilenetv3_small_100.lamb_in1k"

[train]
epochs         = 15
batch_size     = 32
optimizer      = { name = "adamw", lr = 1e-3, weight_decay = 0.01 }
schedule       = { name = "cosine", warmup_epochs = 1 }
early_stopping = { metric = "val_map_macro", patience = 5, restore_best = true }

# What is tried. `ablatrix preview` shows what each does; docs/explanation/augment.md lists all of them.
[augment.ops]
flip   = { op = "horizontal_flip", p = 0.5 }
rotate = { op = "rotate", limit = [-20, 20], p = 0.5 }
colour = { op = "random_brightness_contrast", p = 0.5 }
noise  = { op = "gauss_noise", std = [0.05, 0.11], p = 0.5 }

[augment.grid]
# none, and each op alone. Other designs answer other questions: docs/explanation/designs.md.
design = "add_one"

[report]
# Half the width of a difference that does not matter: 0.005 is half a point of mAP.
equivalence = 0.005
"#;

/// A text as TOML writes it.
fn text(value: &str) -> String {
    toml::Value::from(value).to_string()
}

/// A name within a comment: of one line, whatever it holds.
fn comment(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(images: usize, of: &[(&str, usize)]) -> Labels {
        Labels { images, of: of.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect() }
    }

    #[test]
    fn what_is_rare_is_said_and_the_split_fits_the_labels() {
        let data = Data::Folders { images: "a \"b\"".to_owned() };
        let text = spec("s", &data, Some(&labels(120, &[("x\ny", 100), ("z", 20)])));
        assert!(text.contains("# Of 120 images: x y 100, z 20.\n"), "{text}");
        assert!(text.contains("get no verdict: z.\n") && text.contains("method = \"combination\""), "{text}");
        assert!(
            toml::from_str::<toml::Table>(&text).unwrap()["dataset"]["images"].as_str() == Some("a \"b\"")
        );
        let text = spec("s", &data, Some(&labels(120, &[("x", 100), ("z", 90)])));
        assert!(text.contains("method = \"iterative\"") && !text.contains("verdict:"), "{text}");
    }

    #[test]
    fn a_table_with_parts_is_split_as_it_says() {
        let guess = Guess {
            image_column: "file".into(),
            part_column: "part".into(),
            label_column: "tags".into(),
            separator: ";".into(),
            names: vec![],
        };
        let data = Data::Csv { annotations: "a.csv".into(), images: "photos".into(), guess };
        let table: toml::Table = toml::from_str(&spec("s", &data, None)).unwrap();
        assert_eq!(table["split"]["method"].as_str(), Some("column"));
        assert_eq!(table["dataset"]["label_separator"].as_str(), Some(";"));
        assert_eq!(table["dataset"]["part_column"].as_str(), Some("part"));
    }
}
