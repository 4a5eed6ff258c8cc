//! Where the answers of `predict` go: lines for people, or rows for programs.

use std::io::{BufWriter, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{AnswerFormat, PredictArgs};
use super::place::Place;
use super::print;
use super::render::{Failure, plain};
use super::trained::shown_path;
use crate::report::format;
use crate::tables::answers::{Answers, AnswersError, AnswersKind, AnswersWriter};

/// Labels of a picture that a line of the table names.
const NAMED: usize = 6;

/// Where answers go.
pub enum Sink {
    /// For people, line by line; so wide is the column of paths.
    Table { width: usize },
    /// For programs, to standard output or to a file.
    Rows { writer: AnswersWriter<Box<dyn Write + Send>>, place: Option<(Place, PathBuf)> },
    /// Nowhere any more.
    Closed,
}

impl Sink {
    /// How answers are to be written; `None`: as a table.
    pub fn kind(args: &PredictArgs) -> Result<Option<AnswersKind>, Failure> {
        if let Some(out) = &args.out {
            let ending = out.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            let kind = AnswersKind::of_ending(ending).ok_or_else(|| {
                let shown = shown_path(out);
                let message = format!("`{shown}` ends in none of `.csv`, `.parquet`, `.json`, `.jsonl`");
                Failure::text(2, &message, None)
            })?;
            return Ok(Some(kind));
        }
        Ok(match args.format {
            Some(AnswerFormat::Table) => None,
            Some(AnswerFormat::Csv) => Some(AnswersKind::Csv),
            Some(AnswerFormat::Json) => Some(AnswersKind::JsonLines),
            None if std::io::stdout().is_terminal() => None,
            None => Some(AnswersKind::Csv),
        })
    }

    pub fn open(
        kind: Option<AnswersKind>,
        labels: &Arc<[String]>,
        args: &PredictArgs,
    ) -> Result<Self, Failure> {
        let Some(kind) = kind else { return Ok(Sink::Table { width: 0 }) };
        let (out, place): (Box<dyn Write + Send>, _) = match &args.out {
            None => (Box::new(BufWriter::new(std::io::stdout())), None),
            Some(path) => {
                let unwritable = |error| unwritable(path, &error);
                let mut place = Place::beside(path).map_err(unwritable)?;
                let file = place.file().try_clone().map_err(unwritable)?;
                (Box::new(BufWriter::new(file)), Some((place, path.clone())))
            }
        };
        let writer = AnswersWriter::new(kind, labels, args.logits, out);
        Ok(Sink::Rows { writer: writer.map_err(|error| answers_failure(&error))?, place })
    }

    pub fn write(&mut self, answers: &Answers) -> Result<ControlFlow<()>, Failure> {
        match self {
            Sink::Closed => {}
            Sink::Table { width } => {
                let widest = answers.paths.iter().map(|path| path.chars().count()).max().unwrap_or(0);
                *width = (*width).max(widest);
                for (at, path) in answers.paths.iter().enumerate() {
                    let path = plain(path).replace('\n', "\\n");
                    print::out(&format!("{path:width$}  {}", plain(&line(answers, at)), width = *width));
                }
            }
            Sink::Rows { writer, .. } => match writer.write(answers) {
                // A reader that has seen enough (`| head`) is no fault.
                Err(error) if error.is_broken_pipe() => return Ok(ControlFlow::Break(())),
                written => written.map_err(|error| answers_failure(&error))?,
            },
        }
        Ok(ControlFlow::Continue(()))
    }

    pub fn finish(self) -> Result<(), Failure> {
        let Sink::Rows { writer, place } = self else { return Ok(()) };
        let mut out = writer.finish().map_err(|error| answers_failure(&error))?;
        if let Some((place, path)) = place {
            let unwritable = |error| unwritable(&path, &error);
            out.flush().map_err(unwritable)?;
            drop(out);
            place.keep().map_err(unwritable)?;
        }
        Ok(())
    }
}

/// What is said of a picture, the most probable first; where nothing is, what comes nearest.
fn line(answers: &Answers, at: usize) -> String {
    let n_labels = answers.labels.len();
    let row = at * n_labels..(at + 1) * n_labels;
    let (probabilities, said) = (&answers.probabilities[row.clone()], &answers.said[row]);
    let mut order: Vec<usize> = (0..n_labels).collect();
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    let told = |&label_idx: &usize| format!("{} {:.3}", answers.labels[label_idx], probabilities[label_idx]);
    let all: Vec<String> = order.iter().filter(|&&label_idx| said[label_idx]).map(told).collect();
    match (all.is_empty(), order.first()) {
        (true, Some(nearest)) => format!("- ({})", told(nearest)),
        _ => format::listed(&all, NAMED),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::text(1, &format!("cannot write `{}`: {error}", shown_path(path)), None)
}

fn answers_failure(error: &AnswersError) -> Failure {
    Failure::new(1, error, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_what_is_said_or_what_comes_nearest() {
        let answers = Answers {
            labels: ["glass", "metal", "paper"].map(str::to_owned).to_vec().into(),
            paths: vec!["a".into(), "b".into()],
            logits: vec![0.0; 6],
            probabilities: vec![0.25, 0.875, 0.5, 0.1, 0.3, 0.2],
            said: vec![true, true, false, false, false, false],
        };
        assert_eq!(line(&answers, 0), "metal 0.875, glass 0.250");
        assert_eq!(line(&answers, 1), "- (metal 0.300)");
    }
}
