//! Numbers as text, the same way everywhere on the page.
//!
//! Shares are shown times 100 with one decimal, their differences as signed points. A value that is not
//! defined is a dash, never a zero. Rounding happens here once: scripts show what they are given.

use super::study::Unit;

/// Stands where a value is not defined.
pub const NONE: &str = "–";

/// A score: `54.1` for 0.541, `0.4120` for a plain number.
pub fn score(unit: Unit, value: f64) -> String {
    match unit {
        _ if !value.is_finite() => NONE.into(),
        Unit::Share => unsigned_zero(format!("{:.1}", 100.0 * value)),
        Unit::Plain => unsigned_zero(format!("{value:.4}")),
    }
}

/// A difference of scores with its sign: `+2.1`, `−0.4`, `0.0`.
pub fn delta(unit: Unit, value: f64) -> String {
    let text = score(unit, value);
    let zero = text.bytes().all(|b| b == b'0' || b == b'.');
    if value.is_finite() && !zero && !text.starts_with('−') { format!("+{text}") } else { text }
}

/// The bounds of an interval of differences: `[+0.8, +3.3]`.
pub fn interval(unit: Unit, low: f64, high: f64) -> String {
    if low.is_finite() && high.is_finite() {
        format!("[{}, {}]", delta(unit, low), delta(unit, high))
    } else {
        "no interval".into()
    }
}

/// What a difference is counted in, as it stands after the number: `points mAP`, or `log loss`.
pub fn delta_unit(unit: Unit, metric: &str) -> String {
    match unit {
        Unit::Share => format!("points {metric}"),
        Unit::Plain => metric.into(),
    }
}

/// Mean and spread over seeds: `54.1 ± 1.2`, without spread where there is one seed.
pub fn spread(unit: Unit, mean: f64, sd: Option<f64>) -> String {
    match sd {
        Some(sd) if mean.is_finite() => format!("{} ± {}", score(unit, mean), score(unit, sd)),
        _ => score(unit, mean),
    }
}

/// The first `most` names, and how many more there are: `none, flip and 3 more`.
pub fn listed(names: &[String], most: usize) -> String {
    let shown = names.iter().take(most).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A probability: `0.012`, `< 0.001`.
pub fn p_value(value: f64) -> String {
    match value {
        v if !v.is_finite() => NONE.into(),
        v if v < 0.001 => "< 0.001".into(),
        v => format!("{v:.3}"),
    }
}

/// A share of all in percent: `72 %`.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { NONE.into() } else { format!("{:.0} %", 100.0 * part as f64 / whole as f64) }
}

/// A count with a comma between thousands.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 seed`, `5 seeds`.
pub fn counted(value: usize, noun: &str) -> String {
    format!("{} {noun}{}", count(value as u64), if value == 1 { "" } else { "s" })
}

/// A duration: `4.2 s`, `3 min 12 s`, `1 h 05 min`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return NONE.into();
    }
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// `value` with so many decimals, as a number for scripts; `None` where it is not defined.
pub fn rounded(value: f64, decimals: i32) -> Option<f64> {
    let text = format!("{value:.*}", decimals.max(0) as usize);
    let number: f64 = text.parse().ok()?;
    // Adding zero turns -0 into 0.
    number.is_finite().then_some(number + 0.0)
}

/// `value` with four significant digits, as a number for scripts; `None` where it is not defined.
pub fn significant(value: f64) -> Option<f64> {
    format!("{value:.3e}").parse().ok().filter(|v: &f64| v.is_finite())
}

/// Writes a minus as such, and none before a zero.
fn unsigned_zero(text: String) -> String {
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|b| b == b'0' || b == b'.') => rest.into(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_and_differences_in_points() {
        assert_eq!(score(Unit::Share, 0.5414), "54.1");
        assert_eq!(delta(Unit::Share, 0.0213), "+2.1");
        assert_eq!(delta(Unit::Share, -0.0213), "−2.1");
        assert_eq!(delta(Unit::Share, -0.0001), "0.0");
        assert_eq!(delta(Unit::Share, f64::NAN), NONE);
        assert_eq!(delta(Unit::Plain, 0.01234), "+0.0123");
        assert_eq!(interval(Unit::Share, -0.01, 0.02), "[−1.0, +2.0]");
        assert_eq!(interval(Unit::Share, f64::NAN, 0.02), "no interval");
        assert_eq!(spread(Unit::Share, 0.5, None), "50.0");
        assert_eq!(spread(Unit::Share, 0.5, Some(0.012)), "50.0 ± 1.2");
    }

    #[test]
    fn counts_times_and_probabilities() {
        assert_eq!([count(7), count(1500), count(1_234_567)], ["7", "1,500", "1,234,567"]);
        assert_eq!([counted(1, "seed"), counted(0, "run")], ["1 seed", "0 runs"]);
        assert_eq!(
            [duration(4.21), duration(59.97), duration(3900.0)],
            ["4.2 s", "1 min 00 s", "1 h 05 min"]
        );
        assert_eq!([p_value(0.0004), p_value(0.0123), p_value(f64::NAN)], ["< 0.001", "0.012", NONE]);
    }

    #[test]
    fn numbers_for_scripts_are_rounded_once() {
        assert_eq!(rounded(-0.04, 1), Some(0.0));
        assert_eq!(rounded(2.149, 1), Some(2.1));
        assert_eq!(rounded(f64::NAN, 1), None);
        assert_eq!(significant(0.000_123_456), Some(0.000_123_5));
        assert_eq!(significant(f64::INFINITY), None);
    }
}
