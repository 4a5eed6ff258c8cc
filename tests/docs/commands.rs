//! Follows the tutorial and the how-to pages to the letter.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use super::page::Page;
use super::script::{Place, Script};

/// The pages that are followed.
const FOLDERS: [&str; 2] = ["docs/tutorial", "docs/how-to"];

/// The address that the page on MLflow has its server at, as MLflow itself does.
const MLFLOW: &str = "127.0.0.1:5000";

/// The folder of MLflow's program, where the page on it can be followed.
fn mlflow() -> Option<PathBuf> {
    let program = std::env::var_os("ABLATRIX_TEST_MLFLOW").map(PathBuf::from);
    if program.is_some() && TcpListener::bind(MLFLOW).is_err() {
        println!("left out: the page on MLflow: something listens at {MLFLOW} already");
        return None;
    }
    program?.parent().map(Path::to_owned)
}

#[test]
fn tutorial_and_how_to_pages_do_what_they_say() {
    if !Path::new(env!("CARGO_BIN_EXE_ablatrix")).with_file_name("ablatrix-worker").is_file() {
        println!("skipped: `ablatrix-worker` is not built");
        return;
    }
    let mlflow = mlflow();
    let with: &[&str] = if mlflow.is_some() { &["mlflow"] } else { &[] };
    let place = Place { programs: mlflow.into_iter().collect(), ..Place::default() };
    let (mut wrong, mut n_run) = (Vec::new(), 0);
    for page in FOLDERS.into_iter().flat_map(Page::all_below) {
        match Script::of(&page, with) {
            Ok(script) => {
                n_run += script.n_run;
                // The page on clusters is followed by the tests of those.
                for what in script.lacking.iter().filter(|what| *what != "slurm") {
                    println!("left out: a fence of {} that takes {what}", page.name);
                }
                if script.n_run > 0 && script.lacking.is_empty() {
                    wrong.extend(script.run(&page.name, &place).err());
                }
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
        Script::of(&page, &[]).and_then(|script| script.run(&page.name, &Place::default()))
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
