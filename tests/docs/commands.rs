//! Follows the tutorial and the how-to pages to the letter.
//!
//! A page becomes one script for bash that has as many lines as the page: fences of `sh` as they stand, files that fences
//! write as here-documents, nothing in place of all else. So a message of bash names the line of the page.

use std::path::Path;
use std::process::{Command, Stdio};

use super::page::{Line, Page};

/// The pages that are followed.
const FOLDERS: [&str; 2] = ["docs/tutorial", "docs/how-to"];

/// In place of a page's title: the first command that fails ends the page, and says where.
const HEAD: &str = r#"set -Eeuo pipefail; trap 'echo "$0:$LINENO: ended with exit code $?" >&2' ERR"#;

/// Ends a file; no page has such a line.
const END: &str = "END OF THE FILE";

/// What is done with a fence.
enum Fence<'a> {
    /// Nothing.
    Shown,
    /// Its lines are run.
    Run,
    /// Its lines are written into a file of this name.
    Written(&'a str),
}

impl<'a> Fence<'a> {
    /// By what stands behind the backticks. Whatever else stands there is a fault: a misspelt `sh` would never be run.
    fn of(info: &'a str) -> Result<Self, String> {
        match info {
            "sh" => Ok(Fence::Run),
            "sh,ignore" | "toml" | "text" | "json" | "yaml" | "csv" => Ok(Fence::Shown),
            _ => match info.split_once(",file=") {
                Some((_, name)) if is_plain(name) => Ok(Fence::Written(name)),
                Some((_, name)) => {
                    Err(format!("`{name}` is no plain name of a file below the page's folder"))
                }
                None => Err(format!(
                    "a fence of `{info}`: expected `sh` (run), `sh,ignore` (shown), `LANGUAGE,file=NAME` (written), \
                     or toml, text, json, yaml, csv (shown)"
                )),
            },
        }
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    !name.is_empty() && name.chars().all(plain) && !name.starts_with('/') && !name.contains("..")
}

/// A page as a script.
struct Script {
    text: String,
    n_run: usize,
}

impl Script {
    fn of(page: &Page) -> Result<Self, String> {
        let mut script = Script { text: String::new(), n_run: 0 };
        let mut fence = Fence::Shown;
        for (at, line) in page.lines().into_iter().enumerate() {
            let fault = |what: &str| format!("{}:{}: {what}", page.name, at + 1);
            match line {
                Line::Prose(_) if at == 0 => script.text.push_str(HEAD),
                _ if at == 0 => return Err(fault("expected the page's title")),
                Line::Prose(_) => {}
                Line::Opens { info, indented } => {
                    fence = Fence::of(info).map_err(|what| fault(&what))?;
                    if indented && !matches!(fence, Fence::Shown) {
                        return Err(fault("a fence that is run or written begins at the line's start"));
                    }
                    match fence {
                        Fence::Shown => {}
                        Fence::Run => script.n_run += 1,
                        Fence::Written(name) => script
                            .text
                            .push_str(&format!("mkdir -p \"$(dirname '{name}')\"; cat >'{name}' <<'{END}'")),
                    }
                }
                Line::Fenced(text) => {
                    if !matches!(fence, Fence::Shown) {
                        script.text.push_str(text);
                    }
                }
                Line::Closes => {
                    if let Fence::Written(_) = fence {
                        script.text.push_str(END);
                    }
                }
            }
            script.text.push('\n');
        }
        Ok(script)
    }

    /// Runs it in a new folder, which is the home of who runs it too. Gives what was said where it fails.
    fn run(&self, name: &str) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let programs = Path::new(env!("CARGO_BIN_EXE_ablatrix")).parent().unwrap();
        let mut path = programs.as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut bash = Command::new("bash");
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("ABLATRIX_") {
                bash.env_remove(variable);
            }
        }
        bash.args(["-c", &self.text, name]).current_dir(folder.path()).stdin(Stdio::null());
        // What a page says of the processor holds on a machine with GPUs too.
        bash.env("PATH", path)
            .env("HOME", folder.path())
            .env("CUDA_VISIBLE_DEVICES", "")
            .env("NO_COLOR", "1");
        let output = bash.output().unwrap();
        if output.status.success() {
            return Ok(());
        }
        let (said, shown) =
            (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
        Err(format!("{name}: {}\n{said}\n--- standard output\n{shown}", output.status))
    }
}

#[test]
fn tutorial_and_how_to_pages_do_what_they_say() {
    if !Path::new(env!("CARGO_BIN_EXE_ablatrix")).with_file_name("ablatrix-worker").is_file() {
        println!("skipped: `ablatrix-worker` is not built");
        return;
    }
    let (mut wrong, mut n_run) = (Vec::new(), 0);
    for page in FOLDERS.into_iter().flat_map(Page::all_below) {
        match Script::of(&page) {
            Ok(script) if script.n_run == 0 => {}
            Ok(script) => {
                n_run += script.n_run;
                wrong.extend(script.run(&page.name).err());
            }
            Err(fault) => wrong.push(fault),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(n_run >= 25, "only {n_run} fences were run: were pages moved?");
}

#[test]
fn a_page_that_is_wrong_is_told_with_its_line() {
    let run = |text: &str| {
        let page = Page::of_text(text);
        Script::of(&page).and_then(|script| script.run(&page.name))
    };
    assert_eq!(
        run("# Title\n\n```toml,file=a/b.txt\none\n\n$two\n```\n\n```sh\ngrep '^$two' a/b.txt\n```\n"),
        Ok(())
    );
    // What a fence sets holds in the next one.
    assert_eq!(run("# Title\n```sh\nx=3\n```\n```sh\ntest $x = 3\n```\n"), Ok(()));
    let said =
        run("# Title\n\n```toml,file=b.txt\none\n```\n```sh\ntrue\n\ngrep two b.txt\n```\n").unwrap_err();
    assert!(said.contains("page.md:9: ended with exit code 1"), "{said}");
    let said = run("# Title\n```sh\nfalse | cat\ntrue\n```\n").unwrap_err();
    assert!(said.contains("page.md:3: "), "{said}");
    let said = run("# Title\n```shell\nls\n```\n").unwrap_err();
    assert!(said.starts_with("page.md:2: a fence of `shell`"), "{said}");
    let said = run("# Title\n\n- point\n  ```sh\n  ls\n  ```\n").unwrap_err();
    assert!(said.starts_with("page.md:4: a fence that is run"), "{said}");
    let said = run("# Title\n```toml,file=../x\n```\n").unwrap_err();
    assert!(said.starts_with("page.md:2: `../x` is no plain name"), "{said}");
}
