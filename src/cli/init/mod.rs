//! `ablatrix init`: a first spec, with what is found in the data.

mod text;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{InitArgs, OutputFormat};
use super::command_line::CommandLine;
use super::print;
use super::render::{Failure, plain, with_cause};
use super::study::colour;
use crate::cache::write_atomic;
use crate::dataset::image_labels::guess::{GuessError, guess};
use crate::dataset::labels::label_table;
use crate::dataset::{self, Imported};
use crate::spec::{self, Overrides};
use text::{Data, Labels};

/// Folders beside a table of labels in which pictures are looked for.
const PICTURE_FOLDERS: [&str; 6] = ["", "images", "img", "imgs", "photos", "data"];

/// Categories above which their groups make better labels, where there are groups.
const MANY_CATEGORIES: usize = 12;

const KINDS: &str = "`folders DIR`, `csv FILE`, `coco FILE` and `taco DIR` are known";

/// Writes a spec that runs.
///
/// # Errors
/// Rendered, with the exit code.
pub fn init(args: &InitArgs) -> Result<u8, Failure> {
    if args.spec.exists() && !args.force {
        let message = format!("`{}` is there already", args.spec.display());
        return Err(Failure::text(2, &message, Some("give another name, or `--force` to replace it")));
    }
    let home = match args.spec.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    if !home.is_dir() {
        return Err(Failure::text(2, &format!("there is no folder `{}`", home.display()), None));
    }
    let name = study_name(&args.spec);
    let data = data(args, &home)?;
    let bare = text::spec(&name, &data, None);
    // What is written is read first, as `run` would read it.
    let (images, labels) = try_out(&home, &bare)?;
    let whole = text::spec(&name, &data, labels.as_ref());
    let file = home.join(args.spec.file_name().unwrap_or_default());
    write_atomic(&file, whole.as_bytes()).map_err(|error| super::study::cache_failure(&error))?;
    tell(args, images, labels.as_ref());
    Ok(0)
}

/// A name for the study that any file system takes.
fn study_name(spec: &Path) -> String {
    let stem = spec.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name: String = stem
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
        .collect();
    let name = name.trim_matches(['-', '.']).to_owned();
    if name.is_empty() { "study".to_owned() } else { name }
}

/// What `--from` names.
fn data(args: &InitArgs, home: &Path) -> Result<Data, Failure> {
    let words: Vec<&str> = args.from.iter().map(String::as_str).collect();
    let wrong = |message: &str| Err(Failure::text(2, message, Some(KINDS)));
    match words.as_slice() {
        [] => Ok(Data::Generated),
        ["folders", folder] => {
            there(Path::new(folder), Path::is_dir, "folder")?;
            Ok(Data::Folders { images: as_seen_from(home, Path::new(folder)) })
        }
        ["csv", file] => {
            let file = there(Path::new(file), Path::is_file, "file")?;
            let guess = guess(file).map_err(|error| {
                let help = match &error {
                    GuessError::Read(error) => error.help(),
                    _ => Some(
                        "rename or remove columns, or write the spec by hand: see docs/reference/spec.md"
                            .to_owned(),
                    ),
                };
                Failure::new(2, &error, help.as_deref())
            })?;
            let images = folder_with(file, &guess.names);
            Ok(Data::Csv {
                annotations: as_seen_from(home, file),
                images: as_seen_from(home, &images),
                guess,
            })
        }
        ["coco", file] => {
            let file = there(Path::new(file), Path::is_file, "file")?;
            let imported = dataset::coco::import(file)
                .map_err(|error| Failure::new(2, &error, error.help().as_deref()))?;
            let first: Vec<String> = imported.images.iter().take(100).map(|row| row.path.clone()).collect();
            let images = folder_with(file, &first);
            let by_group = has_groups(&imported);
            Ok(Data::Coco {
                annotations: as_seen_from(home, file),
                images: as_seen_from(home, &images),
                by_group,
            })
        }
        ["taco"] => wrong("`--from taco` wants the folder with TACO's `annotations.json`"),
        ["taco", folder] => {
            there(Path::new(folder), Path::is_dir, "folder")?;
            there(&Path::new(folder).join("annotations.json"), Path::is_file, "file")?;
            Ok(Data::Taco { folder: as_seen_from(home, Path::new(folder)) })
        }
        [kind @ ("folders" | "csv" | "coco")] => wrong(&format!("`--from {kind}` wants a path")),
        [kind, ..] => wrong(&format!("`--from {kind}` is not known")),
    }
}

fn there<'p>(path: &'p Path, is: fn(&Path) -> bool, what: &str) -> Result<&'p Path, Failure> {
    if is(path) {
        Ok(path)
    } else {
        Err(Failure::text(2, &format!("there is no {what} `{}`", path.display()), None))
    }
}

/// A path for a spec in `home`, which reads paths from its own folder.
fn as_seen_from(home: &Path, path: &Path) -> String {
    let is_here = home == Path::new(".");
    let found = match path.is_absolute() || is_here {
        true => path.to_owned(),
        false => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    };
    found.display().to_string()
}

/// The folder at or beside `file` that holds most of the first pictures; that of `file` where none does.
fn folder_with(file: &Path, names: &[String]) -> PathBuf {
    let beside = file.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    let holds = |folder: &PathBuf| names.iter().filter(|name| folder.join(name).is_file()).count();
    let folders =
        PICTURE_FOLDERS.map(|name| if name.is_empty() { beside.to_owned() } else { beside.join(name) });
    // Of equals `max_by_key` takes the last one.
    folders.into_iter().rev().max_by_key(holds).unwrap_or_else(|| beside.to_owned())
}

/// Whether the groups of the categories make better labels than the categories.
fn has_groups(imported: &Imported) -> bool {
    let groups: HashSet<&str> = imported.categories.iter().map(|row| row.supercategory.as_str()).collect();
    imported.categories.len() > MANY_CATEGORIES
        && !groups.contains("")
        && (2..imported.categories.len() / 2).contains(&groups.len())
}

/// Reads a spec as `run` would, and its data: images, and how many have each label where labels can be counted.
fn try_out(home: &Path, text: &str) -> Result<(usize, Option<Labels>), Failure> {
    let file = tempfile::Builder::new().prefix(".init-").suffix(".toml").tempfile_in(home);
    let failed = |error: std::io::Error| {
        Failure::new(1, &error, Some("a folder that can be written is needed: the spec is put there"))
    };
    let file = file.map_err(failed)?;
    std::fs::write(file.path(), text).map_err(failed)?;
    let loaded =
        spec::load(file.path(), &Overrides::default()).map_err(|error| Failure::spec(&error, colour()))?;
    let dataset = &loaded.experiment.dataset;
    if dataset.generate.is_some() {
        return Ok((dataset.generate.as_ref().map_or(0, |made| made.images as usize), None));
    }
    let imported =
        dataset::import(dataset).map_err(|error| Failure::new(2, &error, error.help().as_deref()))?;
    let labelled = label_table(&loaded.experiment.labels, &imported).map_err(|error| {
        let help = "`--from coco FILE` takes any COCO file, with its own categories";
        let is_taco = !loaded.experiment.labels.sources.iter().all(|source| source.groups.is_empty());
        Failure::text(2, &with_cause(&error), is_taco.then_some(help))
    })?;
    Ok((imported.images.len(), Some(Labels::count(&labelled.table))))
}

fn tell(args: &InitArgs, images: usize, labels: Option<&Labels>) {
    let spec = &args.spec;
    if args.format == OutputFormat::Json {
        let of: BTreeMap<&str, usize> =
            labels.iter().flat_map(|labels| &labels.of).map(|(label, n)| (label.as_str(), *n)).collect();
        print::out(&json!({"spec": spec, "images": images, "labels": of}).to_string());
        return;
    }
    let found = match labels {
        Some(labels) => {
            format!("{}, {}", print::count(images, "image"), print::count(labels.of.len(), "label"))
        }
        None => print::count(images, "image"),
    };
    print::out(&plain(&format!("wrote {}: {found}; next:", spec.display())));
    for (verb, does) in [
        ("check", "what the labels and parts come to, and what the study can show"),
        ("preview", "what each augmentation does to some of the pictures"),
        ("run", "train, and write the report"),
    ] {
        print::out(&format!("  {:<32} {does}", CommandLine::new(verb, [spec]).quoted()));
    }
}
