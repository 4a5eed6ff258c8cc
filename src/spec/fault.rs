//! What is wrong with a spec, and where.

use std::fmt;
use std::ops::Range;

/// A place in one of the texts that a spec was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index into [`SpecError::sources`].
    pub source: usize,
    /// Bytes of its text.
    pub range: Range<usize>,
}

impl Place {
    /// Whether it lies in what the user wrote, not in the defaults, which are the first source.
    pub fn is_users(&self) -> bool {
        self.source > 0
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, with the value found and the value expected.
    pub message: String,
    /// Where; `None` where it stands in no text.
    pub place: Option<Place>,
    /// Where the key stands that this one repeats, in the same text.
    pub earlier: Option<Place>,
    /// What to do.
    pub help: Option<String>,
}

impl Fault {
    /// A fault without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Fault { message: message.into(), place: None, earlier: None, help: None }
    }

    /// At this place.
    #[must_use]
    pub fn at(mut self, place: impl Into<Option<Place>>) -> Self {
        self.place = place.into();
        self
    }

    /// With the place of what it repeats.
    #[must_use]
    pub fn repeats(mut self, earlier: impl Into<Option<Place>>) -> Self {
        self.earlier = earlier.into();
        self
    }

    /// With this advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A text that a spec was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file as the user wrote it, or `--set`, or the environment variable.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// All that is wrong with a spec.
#[derive(Clone, Debug)]
pub struct SpecError {
    /// The texts that it was read from.
    pub sources: Vec<Source>,
    /// At least one.
    pub faults: Vec<Fault>,
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages: Vec<_> = self.faults.iter().map(|fault| fault.message.as_str()).collect();
        f.write_str(&messages.join("; "))
    }
}

impl std::error::Error for SpecError {}

/// The candidate that is nearest to `name`, if one is near enough to be a slip of the hand.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_few(name, candidates, 1).pop()
}

/// Those of the candidates that `name` may be a slip of the hand for, the nearest first: at most `most`, and none that is
/// much further off than the nearest.
pub fn nearest_few<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    most: usize,
) -> Vec<&'a str> {
    let lower = name.to_lowercase();
    let scored = |candidate: &'a str| (strsim::jaro_winkler(&lower, &candidate.to_lowercase()), candidate);
    let mut near: Vec<_> = candidates.into_iter().map(scored).filter(|(score, _)| *score >= 0.78).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let best = near.first().map_or(0.0, |(score, _)| *score);
    near.into_iter().take(most).take_while(|(score, _)| *score > best - 0.04).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_none() {
        let keys = ["epochs", "batch_size", "loss", "precision"];
        assert_eq!(nearest("epoch", keys), Some("epochs"));
        assert_eq!(nearest("Batchsize", keys), Some("batch_size"));
        assert_eq!(nearest("zzz", keys), None);
    }
}
