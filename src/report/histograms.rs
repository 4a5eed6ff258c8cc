//! The pictures and objects in bins: labels per image, shapes, sizes.
//!
//! Counts are written out here; charts and tables show the same.

use serde::Serialize;

use super::data::Data;
use super::format;

/// Different sizes that the scatter plot shows one by one; more are gathered on a grid.
const SIZES_MAX: usize = 400;
/// Aspect ratios that photos have.
const RATIOS: [(&str, f64); 11] = [
    ("1:2", 0.5),
    ("9:16", 9.0 / 16.0),
    ("2:3", 2.0 / 3.0),
    ("3:4", 0.75),
    ("4:5", 0.8),
    ("1:1", 1.0),
    ("5:4", 1.25),
    ("4:3", 4.0 / 3.0),
    ("3:2", 1.5),
    ("16:9", 16.0 / 9.0),
    ("2:1", 2.0),
];

/// Counts in bins, as a chart and as a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Bars {
    /// What is counted in.
    pub axis: &'static str,
    /// What a bin is.
    pub of: &'static str,
    /// In their order.
    pub bins: Vec<Bin>,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// What is counted, as shown.
    pub name: String,
    /// How many.
    pub count: u64,
    /// How many, and the share of all.
    pub text: String,
}

/// The sizes as the scatter plot shows them.
#[derive(Debug, Serialize)]
pub struct Scatter {
    /// The side of the square that the model sees.
    side: u32,
    /// Width, height and number of images.
    points: Vec<(u32, u32, u64)>,
}

/// How many images have so many labels.
pub fn labels_per_image(data: &Data) -> Bars {
    let counts = data.labels_per_image.iter().enumerate().map(|(n, &images)| (n.to_string(), images));
    bars("Images", "Labels of an image", counts.collect())
}

/// Images by the aspect ratio that is nearest to theirs.
pub fn aspect(data: &Data) -> Bars {
    let mut counts = RATIOS.map(|(name, _)| (name.to_owned(), 0));
    for size in &data.sizes.of {
        let ratio = f64::from(size.width.max(1)) / f64::from(size.height.max(1));
        let distance = |of: f64| libm::fabs(libm::log(ratio / of));
        let nearest =
            (0..RATIOS.len()).min_by(|&a, &b| distance(RATIOS[a].1).total_cmp(&distance(RATIOS[b].1)));
        counts[nearest.unwrap_or(0)].1 += size.images;
    }
    bars("Images", "Width : height, the nearest of these", counts.to_vec())
}

/// Objects by the side of their boxes at the model's size: each bin is twice as wide as the one before.
pub fn objects(data: &Data) -> Bars {
    let Some(objects) = &data.objects else { return Bars::default() };
    let edges: Vec<f32> = (0..10).map(|power| (1u32 << power) as f32).collect();
    let mut counts: Vec<(String, u64)> = vec![("below 1".to_owned(), 0)];
    counts.extend(edges.windows(2).map(|edge| (format!("{} to {}", edge[0], edge[1]), 0)));
    counts.push(("512 and above".to_owned(), 0));
    for side in &objects.sides {
        let bin = edges.iter().take_while(|edge| side >= edge).count();
        counts[bin].1 += 1;
    }
    bars("Objects", "Side of the box in pixels", counts)
}

/// Each size, or where there are too many, each cell of a grid.
pub fn scatter(data: &Data) -> Scatter {
    let sizes = &data.sizes.of;
    let largest = sizes.iter().map(|size| size.width.max(size.height)).max().unwrap_or(0);
    let cell = if sizes.len() > SIZES_MAX { largest.div_ceil(40).max(1) } else { 1 };
    let centre = |length: u32| if cell == 1 { length } else { length / cell * cell + cell / 2 };
    let mut points = std::collections::BTreeMap::new();
    for size in sizes {
        *points.entry((centre(size.width), centre(size.height))).or_default() += size.images;
    }
    Scatter {
        side: data.sizes.side,
        points: points.into_iter().map(|((width, height), images)| (width, height, images)).collect(),
    }
}

/// Bars of these counts, without empty ones at either end.
fn bars(axis: &'static str, of: &'static str, counts: Vec<(String, u64)>) -> Bars {
    let whole: u64 = counts.iter().map(|(_, n)| n).sum();
    let filled = |(_, n): &(String, u64)| *n > 0;
    let first = counts.iter().position(filled).unwrap_or(counts.len());
    let end = counts.iter().rposition(filled).map_or(0, |last| last + 1);
    let bin = |(name, count): (String, u64)| {
        let text = format!("{} ({})", format::count(count), format::percent(count, whole));
        Bin { name, count, text }
    };
    Bars { axis, of, bins: counts.into_iter().take(end).skip(first).map(bin).collect() }
}

#[cfg(test)]
mod tests {
    use super::super::{ImageSize, Objects, Sizes};
    use super::*;

    fn counts(bars: &Bars) -> Vec<(&str, u64)> {
        bars.bins.iter().map(|bin| (bin.name.as_str(), bin.count)).collect()
    }

    fn sized(of: &[(u32, u32, u64)]) -> Data {
        let of = of.iter().map(|&(width, height, images)| ImageSize { width, height, images }).collect();
        Data { sizes: Sizes { side: 224, fit: "crop".into(), of, enlarged: 3 }, ..Data::default() }
    }

    #[test]
    fn shapes_are_the_nearest_ratio() {
        let data = sized(&[(4000, 3000, 5), (3000, 4000, 2), (1000, 1010, 1), (90, 1000, 1), (5, 0, 1)]);
        let found = aspect(&data);
        assert_eq!(counts(&found)[0], ("1:2", 1), "taller than any");
        let filled: Vec<_> = counts(&found).into_iter().filter(|(_, n)| *n > 0).collect();
        assert_eq!(filled, [("1:2", 1), ("3:4", 2), ("1:1", 1), ("4:3", 5), ("2:1", 1)]);
        assert_eq!(found.bins.iter().find(|bin| bin.name == "4:3").unwrap().text, "5 (50 %)");
    }

    #[test]
    fn object_bins_hold_their_lower_edge() {
        let sides = vec![0.5, 1.0, 1.99, 2.0, 4.0, 7.9, 5000.0];
        let data = Data { objects: Some(Objects { sides }), ..Data::default() };
        let found = objects(&data);
        assert_eq!(counts(&found)[..4], [("below 1", 1), ("1 to 2", 2), ("2 to 4", 1), ("4 to 8", 2)]);
        assert_eq!(counts(&found).last(), Some(&("512 and above", 1)));
        assert!(objects(&Data::default()).bins.is_empty());
    }

    #[test]
    fn many_sizes_are_gathered_and_none_is_lost() {
        let many: Vec<_> = (0..900).map(|i| (300 + i, 2000 - i, 2)).collect();
        let found = scatter(&sized(&many));
        assert!(found.points.len() < 100, "{}", found.points.len());
        assert_eq!(found.points.iter().map(|(_, _, images)| images).sum::<u64>(), 1800);
        let few = scatter(&sized(&[(640, 480, 7)]));
        assert_eq!((few.side, few.points), (224, vec![(640, 480, 7)]));
    }
}
