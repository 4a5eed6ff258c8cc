//! Every metric by name: what it means, its unit and range, and which way is better. For docs and report.

mod names;
mod table;

pub use names::*;
pub use table::METRICS;

/// What is told of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// As in the tables `metrics` and `effects`.
    pub name: &'static str,
    /// What it is computed over.
    pub scope: Scope,
    /// What its values count.
    pub unit: Unit,
    /// Lowest and highest value.
    pub range: [f64; 2],
    /// Whether higher is better; `None` for what is neither good nor bad.
    pub higher_is_better: Option<bool>,
    /// One line for people.
    pub meaning: &'static str,
}

/// What a metric is computed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One label.
    Label,
    /// All labels together.
    Aggregate,
    /// One label, and all labels together.
    Both,
}

/// What a metric's values count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share, 0 to 1.
    Fraction,
    /// A whole number.
    Count,
    /// Labels, on average.
    Labels,
    /// Natural units of information.
    Nats,
}

/// What is told of the metric called `name`.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_meanings_are_lines() {
        for (at, metric) in METRICS.iter().enumerate() {
            assert_eq!(METRICS.iter().position(|other| other.name == metric.name), Some(at));
            assert!(!metric.meaning.ends_with('.') && !metric.meaning.contains('\n'), "{}", metric.name);
            assert!(metric.range[0] < metric.range[1]);
        }
        assert_eq!(find(HAMMING_LOSS).and_then(|metric| metric.higher_is_better), Some(false));
        assert_eq!(find("accuracy"), None);
    }

    /// By its full name, or by its stem with the ending of an average.
    #[test]
    fn the_page_on_metrics_has_each_of_them() {
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/metrics.md"))
            .unwrap();
        let has = |text: &str| page.contains(&format!("`{text}`"));
        for metric in METRICS {
            let ending = ["_macro", "_micro", "_weighted", "_samples"].into_iter();
            let parts = ending.filter_map(|ending| Some((metric.name.strip_suffix(ending)?, ending))).next();
            assert!(
                has(metric.name) || parts.is_some_and(|(stem, ending)| has(stem) && has(ending)),
                "docs/reference/metrics.md lacks `{}`",
                metric.name
            );
        }
    }
}
