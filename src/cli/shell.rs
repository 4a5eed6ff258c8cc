//! What a shell wants of a program: completions, and manual pages. Both are made of the command line as it is parsed.

use std::io;
use std::path::Path;

use clap::CommandFactory;

use super::args::{Cli, CompletionsArgs, ManArgs};
use super::print::{self, count};
use super::render::Failure;

/// Prints the completions for a shell.
pub fn completions(args: &CompletionsArgs) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ablatrix", &mut script);
    print::out(String::from_utf8_lossy(&script).trim_end());
    0
}

/// Writes the manual pages.
///
/// # Errors
/// Where the folder cannot be written.
pub fn man(args: &ManArgs) -> Result<u8, Failure> {
    let n = write_pages(&args.folder).map_err(|error| {
        let message = format!("cannot write manual pages into `{}`: {error}", args.folder.display());
        Failure::text(1, &message, Some("name a folder that can be written, as `~/.local/share/man/man1`"))
    })?;
    print::out(&format!(
        "wrote {} into {}; `man ablatrix` shows the first",
        count(n, "page"),
        args.folder.display()
    ));
    Ok(0)
}

/// A page for the program, and one for each verb that can be called: how many.
fn write_pages(folder: &Path) -> io::Result<usize> {
    std::fs::create_dir_all(folder)?;
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut open = vec![(program, "ablatrix".to_owned())];
    let mut n = 0;
    while let Some((command, name)) = open.pop() {
        open.extend(
            command.get_subcommands().map(|verb| (verb.clone(), format!("{name}-{}", verb.get_name()))),
        );
        // `clap` keeps names of verbs for the life of the program.
        let shown: &'static str = Box::leak(name.clone().into_boxed_str());
        let page = clap_mangen::Man::new(command.name(shown).display_name(shown));
        let mut text = Vec::new();
        page.render(&mut text)?;
        std::fs::write(folder.join(format!("{name}.1")), text)?;
        n += 1;
    }
    Ok(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_page_for_each_verb_and_it_names_its_options() {
        let folder = tempfile::tempdir().unwrap();
        let n = write_pages(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), n);
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(
            read("ablatrix.1").contains("ablatrix\\-run") && read("ablatrix-run.1").contains("fail\\-fast")
        );
        assert!(read("ablatrix-cache-push.1").contains("dry\\-run"));
    }

    #[test]
    fn every_shell_gets_completions_that_know_the_verbs() {
        use clap::ValueEnum;
        for shell in clap_complete::Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "ablatrix", &mut script);
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains("preview") && script.contains("until"), "{shell}");
        }
    }
}
