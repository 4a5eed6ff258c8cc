//! Asks a worker about a network: one process, one question, replies as they come.
//!
//! A query is no stage: nothing of it enters the cache, and there is nothing to take up again. See [`crate::query`].

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};

use serde::Serialize;

use super::local::VISIBLE;
use super::signals::Interrupt;
use crate::query::{Answer, Fit, Query, Reply};

/// Bytes of what a worker says on standard error that are kept for a message.
const KEPT: usize = 4096;

/// Which worker is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its program.
    pub program: &'a Path,
    /// The one GPU that it sees; `None`: as this process does.
    pub gpu: Option<&'a str>,
}

/// What comes before the last reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// What is said of the next pictures.
    Answers(Vec<Answer>),
    /// What there is to know about the answers.
    Notice(String),
}

/// How a query ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Answered {
    /// All pictures have their answers.
    Whole,
    /// A module is written; the pixels' mean and deviation that it wants, and how far its logits are off at most.
    Module {
        /// By channel.
        mean: [f32; 3],
        /// By channel.
        std: [f32; 3],
        /// Of logits.
        difference: f64,
    },
    /// Weights do not fit.
    Misfit {
        /// The tensors, and what was expected of them.
        message: String,
    },
    /// Somebody asked to stop.
    Interrupted,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The worker cannot be started.
    #[error("the worker `{program}` cannot be started")]
    Start {
        /// Its program.
        program: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It ended, or says what is no reply.
    #[error("the worker `{program}` ended before it had answered: {said}")]
    Lost {
        /// Its program.
        program: PathBuf,
        /// How, and its last words.
        said: String,
    },
    /// It cannot do it.
    #[error("{message}")]
    Refused {
        /// The worker's words.
        message: String,
    },
}

/// Asks, and hands what is heard of the pictures at `paths` to `take`, some answers at a time, in their order, until `take` has enough.
///
/// # Errors
/// Where the worker cannot be started, is lost, or refuses.
pub fn ask(
    asked: Asked<'_>,
    query: &Query,
    paths: impl Iterator<Item = PathBuf> + Send,
    interrupt: &Interrupt,
    take: &mut dyn FnMut(Heard) -> ControlFlow<()>,
) -> Result<Answered, AskError> {
    let question = Question { verb: "query", threads: query.job.threads, line: line(query) };
    exchange(asked, &question, paths, interrupt, take)
}

/// Asks whether weights fit: [`Answered::Whole`] where they do. No GPU is looked for.
///
/// # Errors
/// Where the worker cannot be started, is lost, or cannot tell.
pub fn ask_fit(program: &Path, fit: &Fit, interrupt: &Interrupt) -> Result<Answered, AskError> {
    let question = Question { verb: "fits", threads: 1, line: line(fit) };
    let asked = Asked { program, gpu: Some("") };
    exchange(asked, &question, std::iter::empty(), interrupt, &mut |_| ControlFlow::Continue(()))
}

/// What a worker is started for.
struct Question {
    verb: &'static str,
    threads: u32,
    line: String,
}

fn line(question: &impl Serialize) -> String {
    serde_json::to_string(question).unwrap_or_else(|error| panic!("bug: a question is plain data: {error}"))
}

fn exchange(
    asked: Asked<'_>,
    question: &Question,
    paths: impl Iterator<Item = PathBuf> + Send,
    interrupt: &Interrupt,
    take: &mut dyn FnMut(Heard) -> ControlFlow<()>,
) -> Result<Answered, AskError> {
    let program = || asked.program.to_owned();
    let child = Command::new(asked.program)
        .arg(question.verb)
        .envs(asked.gpu.map(|gpu| (VISIBLE, gpu)))
        .env("OMP_NUM_THREADS", question.threads.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| AskError::Start { program: program(), source })?;
    let mut child = Ending(child);
    let (stdin, stdout, stderr) = (child.0.stdin.take(), child.0.stdout.take(), child.0.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        panic!("bug: all three streams are pipes");
    };
    std::thread::scope(|scope| {
        scope.spawn(move || send(stdin, &question.line, paths));
        let said = scope.spawn(move || last_words(stderr));
        let answered = replies(BufReader::new(stdout), interrupt, take);
        let is_whole =
            matches!(answered, Some(Ok(Answered::Whole | Answered::Module { .. } | Answered::Misfit { .. })));
        if !is_whole {
            // Else its standard input would be written to until all paths are through.
            child.kill();
        }
        let status = child.0.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        let said = said.join().unwrap_or_default();
        match answered {
            Some(answered) => answered,
            None if interrupt.is_set() => Ok(Answered::Interrupted),
            None => {
                let said = if said.is_empty() { status } else { format!("{status}; {said}") };
                Err(AskError::Lost { program: program(), said })
            }
        }
    })
}

/// Reads replies to the last one; `None` where there is no last one.
fn replies(
    mut stdout: impl BufRead,
    interrupt: &Interrupt,
    take: &mut dyn FnMut(Heard) -> ControlFlow<()>,
) -> Option<Result<Answered, AskError>> {
    let mut line = String::new();
    loop {
        line.clear();
        if stdout.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match serde_json::from_str(&line).ok()? {
            Reply::Answers { answers } => {
                if interrupt.is_set() || take(Heard::Answers(answers)).is_break() {
                    return Some(Ok(Answered::Interrupted));
                }
            }
            Reply::Notice { message } => {
                if take(Heard::Notice(message)).is_break() {
                    return Some(Ok(Answered::Interrupted));
                }
            }
            Reply::Module { mean, std, difference } => {
                return Some(Ok(Answered::Module { mean, std, difference }));
            }
            Reply::Done => return Some(Ok(Answered::Whole)),
            Reply::Misfit { message } => return Some(Ok(Answered::Misfit { message })),
            Reply::Interrupted => return Some(Ok(Answered::Interrupted)),
            Reply::Failed { message } => return Some(Err(AskError::Refused { message })),
        }
    }
}

/// Sends the question and the paths. A worker that does not read any more has its reasons, and says them.
fn send(stdin: ChildStdin, line: &str, paths: impl Iterator<Item = PathBuf>) {
    let mut stdin = BufWriter::new(stdin);
    let mut whole = writeln!(stdin, "{line}");
    for path in paths {
        if whole.is_err() {
            return;
        }
        whole = stdin.write_all(path.as_os_str().as_bytes()).and_then(|()| stdin.write_all(&[0]));
    }
    let _ = whole.and_then(|()| stdin.flush());
}

/// The last lines of what is said, in one line; control characters are escaped.
fn last_words(mut stderr: ChildStderr) -> String {
    let mut kept: VecDeque<u8> = VecDeque::new();
    let mut piece = [0; KEPT];
    while let Ok(n @ 1..) = stderr.read(&mut piece) {
        kept.extend(&piece[..n]);
        kept.drain(..kept.len().saturating_sub(KEPT));
    }
    let bytes: Vec<u8> = kept.into();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(5));
    last.map(|line| line.escape_debug().to_string()).collect::<Vec<_>>().join(" | ")
}

/// A process that is ended and waited for, whatever happens here.
struct Ending(Child);

impl Ending {
    fn kill(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(lines: &str) -> (Option<Result<Answered, AskError>>, Vec<Heard>) {
        let mut all = Vec::new();
        let mut take = |heard| {
            all.push(heard);
            ControlFlow::Continue(())
        };
        (replies(lines.as_bytes(), &Interrupt::never(), &mut take), all)
    }

    fn read(lines: &str) -> (Option<Result<Answered, AskError>>, usize) {
        let (ended, all) = hear(lines);
        let of = |heard: &Heard| match heard {
            Heard::Answers(answers) => answers.len(),
            Heard::Notice(_) => 0,
        };
        (ended, all.iter().map(of).sum())
    }

    #[test]
    fn replies_end_with_the_last_one() {
        let answers = r#"{"reply":"answers","answers":[{"bad":{"why":"gone"}}]}"#;
        let (answered, n) = read(&format!("{answers}\n{answers}\n{{\"reply\":\"done\"}}\n"));
        assert!(matches!(answered, Some(Ok(Answered::Whole))) && n == 2);
        let (refused, _) = read("{\"reply\":\"failed\",\"message\":\"no weights\"}\n");
        assert_eq!(refused.unwrap().unwrap_err().to_string(), "no weights");
        let (misfit, _) = read("{\"reply\":\"misfit\",\"message\":\"no `fc.weight`\"}\n");
        assert_eq!(misfit.unwrap().unwrap(), Answered::Misfit { message: "no `fc.weight`".to_owned() });
        // A worker that dies, and one of another version.
        assert!(read(&format!("{answers}\n")).0.is_none());
        assert!(read("usage: ablatrix-worker\n").0.is_none());
    }

    #[test]
    fn notices_are_passed_on_and_end_nothing() {
        let (ended, all) =
            hear("{\"reply\":\"notice\",\"message\":\"memory is out\"}\n{\"reply\":\"done\"}\n");
        assert_eq!(
            (ended.unwrap().unwrap(), all),
            (Answered::Whole, vec![Heard::Notice("memory is out".to_owned())])
        );
    }

    #[test]
    fn who_has_enough_is_given_no_more() {
        let answers = r#"{"reply":"answers","answers":[]}"#;
        let mut asked = 0;
        let mut take = |_| {
            asked += 1;
            ControlFlow::Break(())
        };
        let answered = replies(format!("{answers}\n{answers}\n").as_bytes(), &Interrupt::never(), &mut take);
        assert!(matches!(answered, Some(Ok(Answered::Interrupted))));
        assert_eq!(asked, 1);
    }
}
