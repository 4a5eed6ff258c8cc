//! How it went: for each image, and in all.

use serde::Serialize;

use crate::spec::settings::FetchSize;
use crate::tables::rows::ImageRow;

/// How one image fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Outcome {
    /// Downloaded, checked and put in its place.
    Fetched {
        /// Its size on disk.
        bytes: u64,
        /// In pixels, upright.
        width: u32,
        /// In pixels, upright.
        height: u32,
    },
    /// A picture was there already.
    Present {
        /// In pixels, upright.
        width: u32,
        /// In pixels, upright.
        height: u32,
    },
    /// Its server no longer has it.
    Gone {
        /// What the server said.
        why: String,
    },
    /// Its server does not give it, or it was not safe to ask or to write.
    Refused {
        /// By whom, and why.
        why: String,
    },
    /// Its record does not say where it is.
    NoUrl,
    /// Something came, but no picture.
    NotAnImage {
        /// What came.
        why: String,
    },
    /// It could not be had this time.
    Failed {
        /// What the last try ended with.
        why: String,
    },
    /// Interrupted before its turn, or in it.
    NotTried,
}

impl Outcome {
    /// The word for it, as in reports.
    pub fn status(&self) -> &'static str {
        match self {
            Outcome::Fetched { .. } => "fetched",
            Outcome::Present { .. } => "present",
            Outcome::Gone { .. } => "gone",
            Outcome::Refused { .. } => "refused",
            Outcome::NoUrl => "no_url",
            Outcome::NotAnImage { .. } => "not_an_image",
            Outcome::Failed { .. } => "failed",
            Outcome::NotTried => "not_tried",
        }
    }

    /// Why the image is not there; `None` where it is, or there is nothing to say.
    pub fn why(&self) -> Option<&str> {
        match self {
            Outcome::Gone { why }
            | Outcome::Refused { why }
            | Outcome::NotAnImage { why }
            | Outcome::Failed { why } => Some(why),
            _ => None,
        }
    }

    /// Whether another call could go on with what has come.
    pub(super) fn is_unfinished(&self) -> bool {
        matches!(self, Outcome::Failed { .. } | Outcome::NotTried)
    }

    fn size(&self) -> Option<(u32, u32)> {
        match *self {
            Outcome::Fetched { width, height, .. } | Outcome::Present { width, height } => {
                Some((width, height))
            }
            _ => None,
        }
    }
}

/// How all images fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Of this form.
    pub version: u32,
    /// Which pictures were asked for.
    pub size: FetchSize,
    /// Images of the dataset.
    pub images: usize,
    /// How many of them fared how.
    pub counts: Counts,
    /// Bytes of the pictures that were fetched.
    pub fetched_bytes: u64,
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// The images that are not there.
    pub missing: Vec<Missing>,
    /// Pictures whose size, or shape where small ones were asked for, is not their record's.
    pub sizes_differ: Vec<SizeDiffers>,
}

/// Images by how they fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// See [`Outcome::Fetched`].
    pub fetched: usize,
    /// See [`Outcome::Present`].
    pub present: usize,
    /// See [`Outcome::Gone`].
    pub gone: usize,
    /// See [`Outcome::Refused`].
    pub refused: usize,
    /// See [`Outcome::NoUrl`].
    pub no_url: usize,
    /// See [`Outcome::NotAnImage`].
    pub not_an_image: usize,
    /// See [`Outcome::Failed`].
    pub failed: usize,
    /// See [`Outcome::NotTried`].
    pub not_tried: usize,
}

/// An image that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Its id in the dataset.
    pub image_id: i64,
    /// Its place below the images folder.
    pub path: String,
    /// Where it was to be had; `None` where its record does not say, or says it together with a secret.
    pub url: Option<String>,
    /// Why it is not there.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// A picture of another size than its record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SizeDiffers {
    /// Its place below the images folder.
    pub path: String,
    /// Width and height in pixels, by the record.
    pub recorded: [u32; 2],
    /// Width and height in pixels, upright, by the file.
    pub found: [u32; 2],
}

impl Report {
    /// Gathers how each of `images` fared. `url` gives what was asked for.
    pub(super) fn new(
        size: FetchSize,
        images: &[ImageRow],
        outcomes: Vec<Outcome>,
        interrupted: bool,
        url: impl Fn(&ImageRow) -> Option<String>,
    ) -> Self {
        let mut report = Report {
            version: 1,
            size,
            images: images.len(),
            counts: Counts::default(),
            fetched_bytes: 0,
            interrupted,
            missing: Vec::new(),
            sizes_differ: Vec::new(),
        };
        for (row, outcome) in images.iter().zip(outcomes) {
            report.counts.add(&outcome);
            if let Outcome::Fetched { bytes, .. } = outcome {
                report.fetched_bytes += bytes;
            }
            match outcome.size() {
                Some(found) if differs(size, (row.width, row.height), found) => {
                    report.sizes_differ.push(SizeDiffers {
                        path: row.path.clone(),
                        recorded: [row.width, row.height],
                        found: [found.0, found.1],
                    });
                }
                Some(_) => {}
                None => report.missing.push(Missing {
                    image_id: row.image_id,
                    path: row.path.clone(),
                    url: url(row),
                    outcome,
                }),
            }
        }
        report
    }

    /// Whether every image is there.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }
}

impl Counts {
    fn add(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Fetched { .. } => &mut self.fetched,
            Outcome::Present { .. } => &mut self.present,
            Outcome::Gone { .. } => &mut self.gone,
            Outcome::Refused { .. } => &mut self.refused,
            Outcome::NoUrl => &mut self.no_url,
            Outcome::NotAnImage { .. } => &mut self.not_an_image,
            Outcome::Failed { .. } => &mut self.failed,
            Outcome::NotTried => &mut self.not_tried,
        } += 1;
    }
}

/// Whether a picture is not the recorded one. A smaller copy has its shape, up to the rounding of one pixel.
fn differs(size: FetchSize, recorded: (u32, u32), found: (u32, u32)) -> bool {
    if recorded == found || recorded == (0, 0) {
        return false;
    }
    let [rw, rh, fw, fh] = [recorded.0, recorded.1, found.0, found.1].map(u64::from);
    size == FetchSize::Original || (fw * rh).abs_diff(rw * fh) > rw.max(rh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_copy_has_the_shape_of_its_record() {
        let recorded = (1537, 2049);
        assert!(!differs(FetchSize::Original, recorded, recorded));
        assert!(differs(FetchSize::Original, recorded, (480, 640)));
        assert!(!differs(FetchSize::Small, recorded, (480, 640)));
        assert!(!differs(FetchSize::Small, recorded, recorded));
        assert!(differs(FetchSize::Small, recorded, (640, 480)));
        assert!(differs(FetchSize::Small, recorded, (500, 374)));
        assert!(!differs(FetchSize::Original, (0, 0), (3, 4)));
    }
}
