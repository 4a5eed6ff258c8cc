//! Verdicts as the page shows them: by word and by symbol, never by colour alone.

use serde::Serialize;

/// The verdicts of the table `effects`, in the order in which the page counts them.
pub const KNOWN: [Verdict; 4] = [
    Verdict { word: "helps", symbol: "▲", class: "helps" },
    Verdict { word: "hurts", symbol: "▼", class: "hurts" },
    Verdict { word: "no practical effect", symbol: "■", class: "same" },
    Verdict { word: "not enough evidence", symbol: "○", class: "unsure" },
];

/// How a verdict is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// As in the table.
    pub word: &'static str,
    /// Told apart without colour.
    pub symbol: &'static str,
    /// Names the style and the mark's shape.
    pub class: &'static str,
}

/// Words of the table `contrasts` that stand in place of "helps" and "hurts", and are drawn as these.
const LIKE: [Verdict; 6] = [
    Verdict { word: "reinforces", ..KNOWN[0] },
    Verdict { word: "rises", ..KNOWN[0] },
    Verdict { word: "higher", ..KNOWN[0] },
    Verdict { word: "weakens", ..KNOWN[1] },
    Verdict { word: "falls", ..KNOWN[1] },
    Verdict { word: "lower", ..KNOWN[1] },
];

/// The verdict with this word; one that is not known shows as a lack of evidence, since nothing is claimed.
pub fn verdict(word: &str) -> Verdict {
    KNOWN.into_iter().chain(LIKE).find(|v| v.word == word).unwrap_or(KNOWN[3])
}

/// The place in [`KNOWN`] of what a verdict is drawn as.
pub fn code(word: &str) -> usize {
    let class = verdict(word).class;
    KNOWN.iter().position(|known| known.class == class).unwrap_or(3)
}
