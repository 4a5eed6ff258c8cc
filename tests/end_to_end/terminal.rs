//! What people see who work on a terminal: tmux is the terminal, at the sizes that people have.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::harness::{Lab, SPEC};

/// One run whose epochs can be watched.
fn spec() -> String {
    SPEC.replace("seeds = 2", "seeds = 1")
        .replace("epochs = 2", "epochs = 40")
        .replace("design = \"add_one\"", "design = \"none\"")
}

/// A server of tmux with one window, which is gone when the test is.
struct Terminal {
    socket: String,
}

impl Terminal {
    /// With a shell in `folder`; `None`, and a line that says so, where there is no tmux.
    fn open(folder: &Path, columns: u32, lines: u32) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            println!("skipped: there is no `tmux`");
            return None;
        }
        let terminal = Terminal { socket: folder.join("tmux").display().to_string() };
        let (columns, lines) = (columns.to_string(), lines.to_string());
        let shell = "env -u NO_COLOR PS1='$ ' bash --norc --noprofile";
        terminal.tmux(&[
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            &lines,
            "-c",
            &folder.display().to_string(),
            shell,
        ]);
        Some(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command.args(["-S", &self.socket, "-f", "/dev/null"]).args(arguments);
        let output = command.env("TERM", "xterm-256color").output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn types(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
        self.tmux(&["send-keys", "Enter"]);
    }

    fn key(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    fn size(&self, columns: u32, lines: u32) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &lines.to_string()]);
    }

    /// What stands on the screen.
    fn screen(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p"]).stdout).into_owned()
    }

    /// What stands on the screen once all of these do.
    fn wait_for(&self, words: &[&str]) -> String {
        let until = Instant::now() + Duration::from_secs(240);
        loop {
            let screen = self.screen();
            if words.iter().all(|word| screen.contains(word)) {
                return screen;
            }
            assert!(Instant::now() < until, "{words:?} did not come; the screen:\n{screen}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-S", &self.socket, "kill-server"]).output();
    }
}

/// The program's command line as it is typed, with what the lab gives it.
fn typed(lab: &Lab, verb: &str, more: &str) -> String {
    let command = lab.command("cache", verb, &[]);
    let set: Vec<String> = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}='{}'", name.display(), value?.display())))
        .collect();
    let words: Vec<String> = command.get_args().map(|word| format!("'{}'", word.display())).collect();
    format!("{} {} {} {more}", set.join(" "), command.get_program().display(), words.join(" "))
}

#[test]
fn progress_interruption_and_going_on_are_seen_on_a_terminal() {
    let Some(lab) = Lab::new() else { return };
    let Some(terminal) = Terminal::open(&lab.path(""), 80, 24) else { return };
    lab.write_spec(&spec());
    terminal.types(&typed(&lab, "run", ""));
    let screen = terminal.wait_for(&["epoch 3/40", "images/s"]);
    assert!(screen.contains("0/1 runs"), "{screen}");
    terminal.key("C-c");
    let screen = terminal.wait_for(&["interrupted: nothing is lost, go on with"]);
    assert!(!screen.contains("panicked"), "{screen}");
    terminal.types("clear; echo \"code $?\"");
    terminal.types(&typed(&lab, "run", ""));
    terminal.wait_for(&["goes on", "report:"]);
}

#[test]
fn a_study_is_watched_from_another_terminal_at_any_size() {
    let Some(lab) = Lab::new() else { return };
    let Some(terminal) = Terminal::open(&lab.path(""), 80, 24) else { return };
    lab.write_spec(&spec());
    let mut study = lab.start("cache", &[]);
    terminal.types(&typed(&lab, "status", "--watch"));
    let small = terminal.wait_for(&["q leave", "validation mAP by epoch", "this machine"]);
    assert!(small.lines().count() <= 24 && small.contains("none/seed=1"), "{small}");
    terminal.size(200, 50);
    terminal.key("c");
    let large = terminal.wait_for(&["validation loss by epoch"]);
    assert!(large.lines().any(|line| line.contains("1 run") && line.contains("by epoch")), "{large}");
    terminal.key("q");
    // What was seen last stays behind, and the shell is as it was.
    terminal.wait_for(&["RUN", "none/seed=1", "$ "]);
    terminal.types("echo $((40 + 2))");
    terminal.wait_for(&["42"]);
    terminal.types(&typed(&lab, "status", "--watch"));
    assert_eq!(study.wait().unwrap().code(), Some(0));
    terminal.wait_for(&["1 of 1 run done"]);
}
