//! What was sent of each run, in numbers: how a replay tells what was missing from what was there.

/// What a server got of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// The run itself was not there.
    pub created: bool,
    /// Points of metrics.
    pub points: usize,
    /// Parameters.
    pub params: usize,
    /// Tags, datasets and changes of its status.
    pub marks: usize,
    /// Names of files.
    pub files: Vec<String>,
    /// What the server will not have, as ``metric `x` ``.
    pub refused: Vec<String>,
}

impl Sent {
    /// Whether nothing had to be sent: the server had it all.
    pub fn is_nothing(&self) -> bool {
        *self == Sent { refused: self.refused.clone(), ..Sent::default() }
    }

    /// Adds what was sent later.
    pub(super) fn add(&mut self, later: Sent) {
        self.created |= later.created;
        self.points += later.points;
        self.params += later.params;
        self.marks += later.marks;
        self.files.extend(later.files);
        self.refused.extend(later.refused);
    }
}

/// A run, or the study itself, and what was sent of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunSent {
    /// The id by which it is found again.
    pub trial_id: String,
    /// Its name.
    pub name: String,
    /// All that was told of it has been sent, or was there.
    pub whole: bool,
    /// What had to be sent.
    pub sent: Sent,
}
