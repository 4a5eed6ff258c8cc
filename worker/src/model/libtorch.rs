//! What libtorch complains of, in one line.

use tch::TchError;

/// Libtorch's complaint without the C++ frames that it appends, which fill a screen and help nobody who
/// reads a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("libtorch: {message}")]
pub struct Libtorch {
    message: String,
}

impl From<TchError> for Libtorch {
    fn from(error: TchError) -> Self {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        Libtorch { message: first.trim_start_matches("Internal torch error: ").to_owned() }
    }
}
