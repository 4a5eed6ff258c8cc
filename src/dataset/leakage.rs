//! Guards against leakage: images that must not stand on both sides of a split, and what is said about them.

use std::collections::BTreeMap;

use super::captures::{self, Capture};
use super::notice::{Notice, NoticeKind, Tally};
use super::{duplicates, near_duplicates};
use crate::spec::settings::{Captures, Format, Split, SplitMethod};
use crate::tables::rows::{CaptureRow, ImageRow, LabelTable, Part, PictureHashRow, SplitRow};

/// What is known of the images beside their labels.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// All images, ascending by id.
    pub images: &'a [ImageRow],
    /// How the dataset is laid out.
    pub format: Format,
    /// What each image looks like; empty where that was not asked for.
    pub hashes: &'a [PictureHashRow],
    /// The captures that the dataset gives; empty where it gives none.
    pub captures: &'a [CaptureRow],
}

/// Images that belong together, by the reason why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bonds {
    /// Files with the same bytes.
    pub same_bytes: Vec<Vec<i64>>,
    /// Photos that look nearly the same, and are not all the same file.
    pub look_alike: Vec<Vec<i64>>,
    /// Images of one capture.
    pub captures: Vec<Capture>,
}

impl Bonds {
    /// What `split` asks to keep together.
    pub fn find(split: &Split, evidence: &Evidence) -> Self {
        let same_bytes = duplicates::identical(evidence.images);
        let mut look_alike = match split.near_duplicates {
            Some(most_bits) => near_duplicates::alike(evidence.hashes, most_bits),
            None => Vec::new(),
        };
        look_alike.retain(|group| !same_bytes.contains(group));
        let captures = match split.captures {
            Captures::None => Vec::new(),
            Captures::Folder => captures::by_folder(evidence.images, evidence.format),
            Captures::Column => captures::given(evidence.captures, evidence.images),
        };
        Bonds { same_bytes, look_alike, captures }
    }

    /// Lists of images that must not be separated; an image may be in several.
    pub fn together(&self) -> Vec<Vec<i64>> {
        let captures = self.captures.iter().map(|capture| capture.image_ids.clone());
        self.same_bytes.iter().chain(&self.look_alike).cloned().chain(captures).collect()
    }

    /// What was found, whether it was kept in one part, and where labels contradict each other.
    pub fn notices(
        &self,
        split: &Split,
        images: &[ImageRow],
        labels: &LabelTable,
        rows: &[SplitRow],
    ) -> Vec<Notice> {
        let named = Named {
            path: images.iter().map(|image| (image.image_id, image.path.as_str())).collect(),
            // What is kept together is so in every fold.
            part: rows.iter().filter(|row| row.fold == 0).map(|row| (row.image_id, row.part)).collect(),
            given: split.method == SplitMethod::Column,
        };
        let photos = [
            ("images with the same bytes", "identical images with different labels", &self.same_bytes),
            (
                "photos that look nearly the same",
                "photos that look nearly the same but have different labels",
                &self.look_alike,
            ),
        ];
        let mut notices = Vec::new();
        for (what, conflict, groups) in photos {
            notices.extend(named.groups(what, groups));
            notices.extend(duplicates::conflicts(conflict, groups, images, labels));
        }
        notices.extend(named.captures(&self.captures));
        if split.captures != Captures::None && self.captures.is_empty() {
            let message = "`split.captures` is on, but no two images share a capture".to_owned();
            notices.push(Notice { kind: NoticeKind::KeptTogether, count: 0, message });
        }
        notices
    }
}

/// Images by what people know them by.
struct Named<'a> {
    path: BTreeMap<i64, &'a str>,
    part: BTreeMap<i64, Part>,
    /// The parts were given and could not be chosen.
    given: bool,
}

impl Named<'_> {
    fn separated(&self, image_ids: &[i64]) -> bool {
        image_ids.windows(2).any(|pair| self.part.get(&pair[0]) != self.part.get(&pair[1]))
    }

    /// `12 train, 3 test`
    fn counted(&self, image_ids: &[i64]) -> String {
        let count = |part: Part| image_ids.iter().filter(|id| self.part.get(id) == Some(&part)).count();
        let counts = [Part::Train, Part::Val, Part::Test].map(|part| (count(part), part.as_str()));
        let some = counts.iter().filter(|(n, _)| *n > 0);
        some.map(|(n, part)| format!("{n} {part}")).collect::<Vec<_>>().join(", ")
    }

    /// All groups; of parts that were given only those that stand in several.
    fn groups(&self, what: &str, groups: &[Vec<i64>]) -> Option<Notice> {
        let mut tally = Tally::default();
        for group in groups.iter().filter(|group| !self.given || self.separated(group)) {
            let name = |id: &i64| {
                let path = self.path.get(id).copied().unwrap_or("?");
                let part = self.part.get(id).filter(|_| self.given);
                part.map_or(path.to_owned(), |part| format!("{path} ({})", part.as_str()))
            };
            tally.add(group.iter().map(name).collect::<Vec<_>>().join(" = "));
        }
        self.notice(&tally, what)
    }

    fn captures(&self, captures: &[Capture]) -> Option<Notice> {
        let mut tally = Tally::default();
        for capture in captures.iter().filter(|capture| !self.given || self.separated(&capture.image_ids)) {
            let n = capture.image_ids.len();
            match self.given {
                true => tally.add(format_args!("{} ({})", capture.name, self.counted(&capture.image_ids))),
                false => tally.add(format_args!("{} ({n} images)", capture.name)),
            }
        }
        self.notice(&tally, "captures")
    }

    fn notice(&self, tally: &Tally, what: &str) -> Option<Notice> {
        match self.given {
            true => tally.notice(NoticeKind::Leakage, &format!("{what}, that were given different parts")),
            false => tally.notice(NoticeKind::KeptTogether, &format!("{what}, kept in one part")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(method: SplitMethod, captures: Captures, near_duplicates: Option<u32>) -> Split {
        Split { method, train: 0.6, val: 0.2, test: 0.2, folds: 0, seed: 1, captures, near_duplicates }
    }

    fn image(image_id: i64, path: &str, digest: &str) -> ImageRow {
        ImageRow {
            image_id,
            file_name: path.replace('/', "_"),
            path: path.to_owned(),
            width: 1,
            height: 1,
            digest: digest.to_owned(),
            url: None,
            url_small: None,
        }
    }

    fn hash(image_id: i64, byte: u8) -> PictureHashRow {
        PictureHashRow { image_id, hash: [byte; 32], detail: 90 }
    }

    #[test]
    fn every_bond_is_found_and_told_once() {
        let images = [
            image(1, "a/1.jpg", "x"),
            image(2, "b/2.jpg", "x"),
            image(3, "b/3.jpg", "y"),
            image(4, "4.jpg", "z"),
            image(5, "5.jpg", "w"),
        ];
        let mut hashes = [hash(1, 0x0f), hash(2, 0x0f), hash(3, 0x33), hash(4, 0x55), hash(5, 0x55)];
        hashes[4].hash[0] = 0x54;
        let evidence = Evidence { images: &images, format: Format::Coco, hashes: &hashes, captures: &[] };
        let settings = split(SplitMethod::Iterative, Captures::Folder, Some(4));
        let bonds = Bonds::find(&settings, &evidence);
        assert_eq!(bonds.together(), [vec![1, 2], vec![4, 5], vec![2, 3]]);
        let labels = LabelTable {
            labels: vec!["a".into()],
            image_ids: vec![1, 2, 3, 4, 5],
            positives: vec![true, true, false, true, false],
        };
        let parts = |parts: [Part; 5]| -> Vec<SplitRow> {
            let row = |(image_id, part)| SplitRow { image_id, fold: 0, part };
            (1..).zip(parts).map(row).collect()
        };
        let notices = |settings: &Split, rows: &[SplitRow]| bonds.notices(settings, &images, &labels, rows);
        let messages = |settings: &Split, rows: &[SplitRow]| -> Vec<String> {
            notices(settings, rows).into_iter().map(|notice| notice.message).collect()
        };
        assert_eq!(
            messages(&settings, &parts([Part::Train; 5])),
            [
                "images with the same bytes, kept in one part: `a/1.jpg = b/2.jpg`",
                "photos that look nearly the same, kept in one part: `4.jpg = 5.jpg`",
                "photos that look nearly the same but have different labels: `4.jpg = 5.jpg`",
                "captures, kept in one part: `b (2 images)`",
            ]
        );
        let given = split(SplitMethod::Column, Captures::Folder, Some(4));
        assert_eq!(
            messages(&given, &parts([Part::Train, Part::Test, Part::Test, Part::Val, Part::Val])),
            [
                "images with the same bytes, that were given different parts: `a/1.jpg (train) = b/2.jpg (test)`",
                "photos that look nearly the same but have different labels: `4.jpg = 5.jpg`",
            ]
        );
        // All three kinds at once, and nothing that stands in one part.
        let torn = notices(&given, &parts([Part::Train, Part::Test, Part::Train, Part::Val, Part::Test]));
        let leaks: Vec<_> = torn.iter().filter(|notice| notice.kind == NoticeKind::Leakage).collect();
        let messages: Vec<&str> = leaks.iter().map(|notice| notice.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "images with the same bytes, that were given different parts: `a/1.jpg (train) = b/2.jpg (test)`",
                "photos that look nearly the same, that were given different parts: `4.jpg (val) = 5.jpg (test)`",
                "captures, that were given different parts: `b (1 train, 1 test)`",
            ]
        );
        assert!(leaks.iter().all(|notice| notice.count == 1));
        let kept = notices(&settings, &parts([Part::Train; 5]));
        assert!(kept.iter().all(|notice| notice.kind != NoticeKind::Leakage));
    }

    #[test]
    fn nothing_is_kept_together_that_was_not_asked_for() {
        let images = [image(1, "a/1.jpg", ""), image(2, "a/2.jpg", "")];
        let hashes = [hash(1, 7), hash(2, 7)];
        let evidence = Evidence { images: &images, format: Format::Coco, hashes: &hashes, captures: &[] };
        let off = split(SplitMethod::Combination, Captures::None, None);
        assert_eq!(Bonds::find(&off, &evidence), Bonds::default());
        let column = split(SplitMethod::Combination, Captures::Column, None);
        let bonds = Bonds::find(&column, &evidence);
        let notices = bonds.notices(&column, &images, &LabelTable::default(), &[]);
        assert_eq!(notices[0].message, "`split.captures` is on, but no two images share a capture");
    }
}
