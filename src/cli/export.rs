//! `ablatrix export`: a trained model as a folder that others can use without Ablatrix.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::args::{ExportArgs, OutputFormat};
use super::print;
use super::render::Failure;
use super::study::{cache_failure, shown};
use super::trained::{Chosen, ask_failure, shown_path, stage_failure};
use super::worker;
use crate::engine::{Answered, Asked, Interrupt, ask};
use crate::export::{card_md, file, loader_py};
use crate::layout;
use crate::plan::output;
use crate::query::Wish;
use crate::spec::settings::Device;
use crate::stages::{Exported, card, siblings};

/// The files of an export, in the order in which they are written.
const FILES: [&str; 5] = [file::WEIGHTS, file::MODULE, file::CONFIG, file::LOADER, file::CARD];

/// Writes the folder.
///
/// # Errors
/// Rendered, with the exit code.
pub fn export(args: &ExportArgs) -> Result<u8, Failure> {
    let chosen = Chosen::open(&args.spec, &args.choice)?;
    let run = chosen.run().name.clone();
    let study = &chosen.study.plan.experiment.name;
    let out = args.out.clone().unwrap_or_else(|| layout::export(&args.spec.reports, study, &run));
    let there = There::look(&out)?;
    if there == There::SomethingElse && !args.force {
        let message = format!("`{}` is there and is no export", shown_path(&out));
        let help = "name another folder with `--out`; `--force` writes into this one and leaves its other files alone";
        return Err(Failure::text(2, &message, Some(help)));
    }
    let program = worker::program()?;
    let interrupt = Interrupt::listen()
        .map_err(|error| Failure::new(1, &error, Some("signals cannot be caught on this system")))?;
    let parent = parent(&out);
    fs::create_dir_all(&parent).map_err(|error| unwritable(&parent, &error))?;
    // Readable to others, as any folder is that a program makes; the umask still has its say.
    let mode = fs::Permissions::from_mode(0o777);
    let mut builder = tempfile::Builder::new();
    let aside = builder.prefix(".new-export-").permissions(mode).tempdir_in(&parent);
    let aside = aside.map_err(|error| unwritable(&parent, &error))?;
    if !fill(&chosen, &program, &interrupt, aside.path())? {
        return Ok(interrupt.exit_code());
    }
    put(aside, &out, there).map_err(|error| unwritable(&out, &error))?;
    match args.spec.format {
        OutputFormat::Json => {
            let files: Vec<&str> = FILES.into_iter().chain([file::SUMS]).collect();
            print::out(&json!({"export": out, "run": run, "chosen": chosen.why, "files": files}).to_string());
        }
        OutputFormat::Text => {
            if let Some(why) = &chosen.why {
                print::err(&format!("note: run `{run}`, {why}; `--run` names another"));
            }
            print::out(&shown(&out));
        }
    }
    Ok(0)
}

/// Writes all files into an empty folder; false where somebody asked to stop.
fn fill(chosen: &Chosen, program: &Path, interrupt: &Interrupt, folder: &Path) -> Result<bool, Failure> {
    let trained = chosen.trained();
    let record = chosen.evaluation()?;
    let labels = record.labels.iter().map(|detail| detail.label.clone()).collect();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|error| unwritable(&path, &error))
    };
    let weights = chosen.entries[&chosen.run().train].digest(output::MODEL);
    let weights = chosen.study.store.object(weights).map_err(|error| cache_failure(&error))?;
    let weights = fs::read(&weights).map_err(|error| {
        Failure::text(1, &format!("cannot read `{}`: {error}", shown_path(&weights)), None)
    })?;
    write(file::WEIGHTS, &weights)?;
    drop(weights);

    let path = folder.join(file::MODULE);
    let path = path.canonicalize().unwrap_or(path);
    let query = chosen.query(labels, Wish::Module { path }, Device::Cpu, 1)?;
    let asked = Asked { program, gpu: None };
    let mut take = |_| ControlFlow::Continue(());
    let answered = ask(asked, &query, std::iter::empty(), interrupt, &mut take);
    let (mean, std, difference) = match answered.map_err(|error| ask_failure(&error))? {
        Answered::Module { mean, std, difference } => (mean, std, difference),
        Answered::Interrupted => return Ok(false),
        Answered::Whole | Answered::Misfit { .. } => {
            return Err(Failure::text(1, "the worker says nothing of the module that it was to write", None));
        }
    };
    let exported = Exported {
        chosen: chosen.why.clone().unwrap_or_default(),
        mean,
        std,
        difference,
        effects: chosen.effects()?,
    };
    let card = card(&trained, &siblings(&trained), exported).map_err(|error| stage_failure(&error))?;
    let config = serde_json::to_string_pretty(&card.config)
        .unwrap_or_else(|error| panic!("bug: a config is plain data: {error}"));
    write(file::CONFIG, format!("{config}\n").as_bytes())?;
    write(file::LOADER, loader_py(&card.config.preprocessing).as_bytes())?;
    write(file::CARD, card_md(&card).as_bytes())?;
    let mut sums = String::new();
    for name in FILES {
        let path = folder.join(name);
        let mut hash = Sha256::new();
        fs::File::open(&path).and_then(|mut file| std::io::copy(&mut file, &mut hash)).map_err(|error| {
            Failure::text(1, &format!("cannot read `{}`: {error}", shown_path(&path)), None)
        })?;
        let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        sums.push_str(&format!("{digest}  {name}\n"));
    }
    write(file::SUMS, sums.as_bytes())?;
    Ok(true)
}

/// What lies where an export is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum There {
    Nothing,
    /// An earlier export, or an empty folder.
    Replaceable,
    /// A folder with other things in it.
    SomethingElse,
}

impl There {
    fn look(out: &Path) -> Result<Self, Failure> {
        let entries = match fs::read_dir(out) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && out.symlink_metadata().is_err() => {
                return Ok(There::Nothing);
            }
            Err(error) => {
                let message = format!("`{}` is no folder that can be written: {error}", shown_path(out));
                return Err(Failure::text(2, &message, Some("name another folder with `--out`")));
            }
        };
        let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        let is_ours =
            |name: &std::ffi::OsString| FILES.iter().chain(&[file::SUMS]).any(|ours| *name == **ours);
        let config = fs::read(out.join(file::CONFIG)).unwrap_or_default();
        let config = serde_json::from_slice::<serde_json::Value>(&config).unwrap_or_default();
        let is_export = config.get("ablatrix_export").is_some() && names.iter().all(is_ours);
        Ok(if names.is_empty() || is_export { There::Replaceable } else { There::SomethingElse })
    }
}

/// Puts the folder in its place: as a whole, or file by file into one that holds other things.
fn put(aside: TempDir, out: &Path, there: There) -> std::io::Result<()> {
    match there {
        There::Nothing => fs::rename(aside.keep(), out),
        There::Replaceable => {
            // What a link leads to is replaced, not the link.
            let target = out.canonicalize()?;
            if renameat_with(CWD, aside.path(), CWD, &target, RenameFlags::EXCHANGE).is_ok() {
                // The old one stands aside now, and goes with the guard.
                return Ok(());
            }
            // The file system cannot exchange folders, or the link leads to another one.
            into(aside.path(), &target)
        }
        There::SomethingElse => into(aside.path(), out),
    }
}

/// Each file whole, and all others left alone.
fn into(aside: &Path, out: &Path) -> std::io::Result<()> {
    for name in FILES.into_iter().chain([file::SUMS]) {
        let place = out.join(name);
        if fs::rename(aside.join(name), &place).is_err() {
            let beside = out.join(format!(".new-{name}"));
            fs::copy(aside.join(name), &beside)?;
            fs::rename(beside, place)?;
        }
    }
    Ok(())
}

fn parent(out: &Path) -> PathBuf {
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("cannot write `{}`: {error}", shown_path(path));
    Failure::text(1, &message, Some("name a folder that can be written with `--out DIR`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(names: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in names {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn only_an_export_and_an_empty_folder_are_replaced() {
        let config = ("config.json", "{\"ablatrix_export\": 1}");
        let look = |names: &[(&str, &str)]| There::look(folder_with(names).path()).unwrap();
        assert_eq!(look(&[]), There::Replaceable);
        assert_eq!(look(&[config, ("README.md", "")]), There::Replaceable);
        assert_eq!(look(&[config, ("notes.txt", "")]), There::SomethingElse);
        assert_eq!(look(&[("config.json", "{}")]), There::SomethingElse);
        assert_eq!(There::look(Path::new("/nonexistent/x")).unwrap(), There::Nothing);
        let file = folder_with(&[("file", "")]);
        assert_eq!(There::look(&file.path().join("file")).unwrap_err().code, 2);
    }

    #[test]
    fn a_folder_is_replaced_whole_and_another_one_is_added_to() {
        let names = FILES.into_iter().chain([file::SUMS]);
        let new: Vec<(&str, &str)> = names.map(|name| (name, "new")).collect();
        let root = tempfile::tempdir().unwrap();
        let aside = || {
            let aside = TempDir::new_in(root.path()).unwrap();
            for (name, text) in &new {
                fs::write(aside.path().join(name), text).unwrap();
            }
            aside
        };
        let out = root.path().join("out");
        put(aside(), &out, There::Nothing).unwrap();
        fs::write(out.join("README.md"), "edited").unwrap();
        put(aside(), &out, There::Replaceable).unwrap();
        assert_eq!(fs::read_to_string(out.join("README.md")).unwrap(), "new");
        fs::write(out.join("notes.txt"), "mine").unwrap();
        fs::write(out.join("README.md"), "edited").unwrap();
        put(aside(), &out, There::SomethingElse).unwrap();
        assert_eq!(fs::read_to_string(out.join("README.md")).unwrap(), "new");
        assert_eq!(fs::read_to_string(out.join("notes.txt")).unwrap(), "mine");
        // Nothing is left beside it.
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
