//! What was met on the way and did not stop it: said once, counted, kept with the result.

use serde::{Deserialize, Serialize};

/// Names that a notice spells out.
const SHOWN: usize = 10;
/// Characters of a name that are shown; damaged files have names of any length.
const NAME_CHARS: usize = 300;

/// Something that the user should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Of what kind.
    pub kind: NoticeKind,
    /// How many things it is about.
    pub count: usize,
    /// The sentence, with the first names.
    pub message: String,
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Annotations that shared an id and got one of their own.
    AnnotationsRenumbered,
    /// Objects left out: their boxes are empty or outside their images.
    BoxesDropped,
    /// Boxes cut at the border of their images.
    BoxesClipped,
    /// Categories of one name: they are one label.
    CategoriesMerged,
    /// Scene annotations of scenes or images that are not there.
    ScenesUnknown,
    /// Files that are no images, links that lead in a circle, folders without images.
    FilesIgnored,
    /// Columns that look as if a table program had renamed a repeated column.
    ColumnsRepeated,
    /// Labels that stand more than once in the cell of an image.
    LabelsRepeated,
    /// Cells that seem to hold several labels with another separator than the spec's.
    SeparatorUnused,
    /// The same file in several folders, taken as one image.
    FilesMerged,
    /// Names that stand in several groups.
    GroupsOverlap,
    /// Names in no group.
    Unmapped,
    /// Names that no image has, which became no labels.
    NamesUnused,
    /// A label that no image has, or none in a part.
    LabelWithoutPositives,
    /// A part with no images although it has a share.
    PartEmpty,
    /// Images that belong together (the same photo, the same capture), and were kept in one part.
    KeptTogether,
    /// Images that belong together and were given different parts: what is tested on was seen in training.
    Leakage,
    /// Images that are or look the same, with different labels.
    LabelConflict,
    /// Images that are missing or cannot be read, left out as the spec allows.
    ImagesSetAside,
    /// Images of another size than their records say.
    SizesDiffer,
    /// Pictures of kinds that are converted when they are read: CMYK, 16 bits, alpha.
    PicturesConverted,
    /// Pictures of one pixel, which servers give in place of one that is gone.
    PicturesEmpty,
    /// Links that lead out of the images folder, and are followed.
    LinksLeadOut,
}

impl Notice {
    /// A notice about `names`, of which the message shows the first: "`what`: `a`, `b` and 3 more".
    pub fn about<T: std::fmt::Display>(kind: NoticeKind, what: &str, names: &[T]) -> Self {
        Notice { kind, count: names.len(), message: format!("{what}: {}", listed(names, names.len())) }
    }
}

/// The first `names` in backticks, and how many more of `count` there are.
pub(super) fn listed<T: std::fmt::Display>(names: &[T], count: usize) -> String {
    let shown: Vec<_> =
        names.iter().take(SHOWN).map(|name| format!("`{}`", cut(&name.to_string()))).collect();
    match count - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A name on one line, and only the beginning of one that is longer than any name should be.
fn cut(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for (idx, c) in name.chars().enumerate() {
        if idx == NAME_CHARS {
            shown.push('…');
            break;
        }
        if c.is_control() { shown.extend(c.escape_debug()) } else { shown.push(c) }
    }
    shown
}

/// Collects names for one notice, keeping only those that will be shown.
#[derive(Debug, Default)]
pub(super) struct Tally {
    shown: Vec<String>,
    count: usize,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, name: impl std::fmt::Display) {
        if self.shown.len() < SHOWN {
            self.shown.push(name.to_string());
        }
        self.count += 1;
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// "`a`, `b` and 3 more"
    pub fn listed(&self) -> String {
        listed(&self.shown, self.count)
    }

    /// The notice, where there is something to say.
    pub fn notice(&self, kind: NoticeKind, what: &str) -> Option<Notice> {
        (self.count > 0).then(|| Notice {
            kind,
            count: self.count,
            message: format!("{what}: {}", self.listed()),
        })
    }
}
